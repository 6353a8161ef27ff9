# The examples of base R's help pages give the same output when matrix() and array() return arrays
# of the device. The code comes from the installed R.

help_pages <- c("matrix", "Extract", "apply", "sweep", "outer", "aperm", "cumsum", "sort", "order",
                "which", "ifelse", "diag", "kronecker", "scale", "cbind", "rowSums", "array", "rev",
                "table")

# Expressions that are left out, by a piece of their first line, and why.
left_out <- c(
  "system.time(" = "a duration is another one each time"
)

aliases_of <- function(page) {
  unlist(lapply(page, function(part) {
    if (identical(attr(part, "Rd_tag"), "\\alias")) trimws(paste(unlist(part), collapse = ""))
  }))
}

# The top-level expressions of the examples of base R's page about `topic`.
example_code <- function(topic, pages) {
  found <- Filter(function(page) topic %in% aliases_of(page), pages)
  file <- tempfile(fileext = ".R")
  on.exit(unlink(file))
  tools::Rd2ex(found[[1]], out = file, commentDonttest = FALSE)
  code <- parse(file, keep.source = FALSE)
  out <- vapply(code, function(e) {
    any(vapply(names(left_out), grepl, NA, first_line(e), fixed = TRUE))
  }, NA)
  code[!out]
}

first_line <- function(expression) deparse(expression, nlines = 1L)[1]

# Without the class and the header line, in lists too.
plain_all <- function(x) {
  if (is_gpu(x)) return(anygpu:::plain(x))
  if (is.list(x) && !is.data.frame(x)) x[] <- lapply(x, plain_all)
  x
}

# An environment for examples; `up` is what matrix() and array() do to numbers. Printing leaves out
# the header line, and identical() the class: these are the differences that are meant to be.
example_env <- function(up) {
  numbers_up <- function(x) if (is.numeric(x) || is.logical(x)) up(x) else x
  env <- list(
    matrix = function(...) numbers_up(base::matrix(...)),
    array = function(...) numbers_up(base::array(...)),
    print = function(x, ...) base::print(plain_all(x), ...),
    identical = function(x, y, ...) base::identical(plain_all(x), plain_all(y), ...)
  )
  list2env(env, parent = globalenv())
}

# What each expression prints, with its error and its warnings.
example_output <- function(code, up) {
  env <- example_env(up)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  lapply(code, function(expression) {
    set.seed(1)
    result <- NULL
    text <- utils::capture.output(result <- outcome({
      value <- withVisible(eval(expression, env))
      if (value$visible) print(plain_all(value$value))
    }))
    error <- if (inherits(result$value, "error")) conditionMessage(result$value)
    list(text = text, error = error, warnings = result$warnings)
  })
}

test_that("the examples of base R's help pages give the same output", {
  pages <- tryCatch(tools::Rd_db("base"), error = function(e) list())
  skip_if(length(pages) == 0, "this R has no help pages")
  topics <- thinned(help_pages, 3)
  for (topic in topics) {
    code <- example_code(topic, pages)
    expect_gt(length(code), 0)
    want <- example_output(code, identity)
    got <- example_output(code, gpu)
    for (k in seq_along(code)) {
      info <- paste0("?", topic, ": ", first_line(code[[k]]))
      expect_identical(got[[k]], want[[k]], info = info)
    }
  }
})
