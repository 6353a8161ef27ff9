# What is not accelerated: base R works on the values. The user can see it: gpu_stats() counts, and
# the option anygpu.fallback says how loudly.

#' What happens when values come back to R
#'
#' Every function of R works on the arrays of this package. What is not accelerated reads the
#' values back from the device and works on them in R; results that are arrays go up again.
#' [gpu_stats()] counts such calls, and `options(anygpu.fallback = )` chooses what is said of
#' them:
#'
#' * `"message"` (the default): a message, once for each calling function in a session, when more
#'   than 100,000 elements come back
#' * `"silent"`: nothing
#' * `"warning"`: a warning each time, whatever the size
#' * `"error"`: an `anygpu_error_fallback` each time, to find the calls in a script
#'
#' Functions that are there to bring values back (`as.matrix()`, `as.vector()`, `print()`,
#' `saveRDS()`, ...) are never mentioned. The vignette "What runs where" lists what is accelerated.
#' @name fallback
#' @aliases anygpu.fallback
#' @examples
#' old <- options(anygpu.fallback = "error")
#' x <- gpu(c(3, 1, 2), device = "host")
#' try(fft(x))
#' options(old)
#' @seealso [gpu_stats()]
NULL

# Base R's function `name` on the values of the arrays among `args` (a list). Its result goes to
# the device of the array `like` (NULL: it stays in R). `error`: the class of an error in it.
in_r <- function(name, args, like = NULL, f = get(name, baseenv()), error = "argument") {
  count_up("fallbacks", name)
  result <- base_try(do.call(f, lapply(args, plain), quote = TRUE), error)
  if (is.null(like)) result else to_device(result, like)
}

# Operators and functions that the C code leaves to R.
fallback <- function(op, x, y) {
  args <- if (missing(y)) list(x) else list(x, y)
  error <- if (missing(y)) "argument" else type_error(x, y)
  in_r(op, args, if (is_gpu(x)) x else y, error = error)
}

type_error <- function(x, y) {
  storable <- function(v) is.numeric(v) || is.logical(v)
  if (storable(x) && storable(y)) "argument" else "type"
}

# What R computed from the array `like`, as an array beside it; single values stay in R.
to_device <- function(result, like) {
  if (is.object(result) || length(result) == 1 || !(is.numeric(result) || is.logical(result))) {
    return(result)
  }
  .Call(C_upload, result, if (is.double(result)) real_type_of(like), device_of(like))
}

# -- who reads whole arrays ------------------------------------------------------------------------

# They are there to bring values back.
explicit_reads <- c(
  "plain", "as.matrix", "as.array", "as.vector", "as.numeric", "as.double", "as.integer",
  "as.logical", "as.character", "as.list", "as.data.frame", "print", "show", "format", "str",
  "serialize", "saveRDS", "save", "dput", "identical", "all.equal", "all.equal.numeric", "is_gpu",
  "scale" # its attributes
)

# A whole array of n elements is about to come back to R: called by the C code.
note_download <- function(n) {
  call <- user_call()
  if (is.null(call) && sys.nframe() > 1L) call <- sys.call(-1L)
  name <- function_of(call)
  count_up("downloads", name, n)
  if (!sub("[.]gpu$", "", sub("^.*::", "", name)) %in% explicit_reads) tell_fallback(name, n)
}

function_of <- function(call) {
  if (is.null(call)) return("top level")
  f <- call[[1L]]
  # printing at top level calls show() by its value
  if (is(f, "genericFunction")) f@generic[1L] else deparse(f, nlines = 1L)
}

tell_fallback <- function(name, n) {
  how <- getOption("anygpu.fallback", "message")
  if (identical(how, "silent")) return(invisible())
  text <- paste0(
    if (grepl("^[[:alnum:]._:]+$", name)) paste0(name, "()") else paste0("`", name, "`"),
    " reads ", format(n, big.mark = ",", scientific = FALSE),
    " elements back from the device, to work on them in R."
  )
  switch(how,
    error = stop_status("fallback", text),
    warning = warning(simpleWarning(text, user_call())),
    if (n > 1e5 && is.null(counts$told[[name]])) {
      counts$told[[name]] <- TRUE
      message(text, " (said once; see ?fallback)")
    }
  )
  invisible()
}
