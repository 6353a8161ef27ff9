# Printing shows the header and, of a large array, a corner: only that is read.

header <- function(x) {
  extent <- if (is.null(dim(x))) length(x) else paste(dim(x), collapse = " x ")
  where <- device_of(x)
  if (is.null(where)) where <- "not on a device yet"
  sprintf("<%s %s %s, %s>", class(x)[1], extent, gpu_type(x), where)
}

#' Printing arrays
#'
#' A header with extents, type and device, then the values; of a large array only a corner,
#' and no more than that is read from the device.
#' @param x,object An array made by [gpu()].
#' @param ... Passed on to the printing of ordinary matrices and vectors.
#' @return `x`, invisibly; `format()`: a character vector or matrix.
#' @examples
#' gpu(matrix(1:6, 2), device = "host")
#' str(gpu(1:1e5, device = "host"))
#' @exportS3Method
print.gpu <- function(x, ...) {
  cat(header(x), "\n", sep = "")
  if (state_of(x) == "traced") {
    cat("(a placeholder: it has no values)\n")
  } else if (is.matrix(x) && (nrow(x) > 20 || ncol(x) > 12)) {
    print_corner(x, ...)
  } else if (!is.matrix(x) && length(x) > 200) {
    print_start(x, ...)
  } else {
    print(plain(x), ...)
  }
  invisible(x)
}

print_corner <- function(x, ...) {
  rows <- min(nrow(x), 6L)
  cols <- min(ncol(x), 6L)
  print(plain(x[seq_len(rows), seq_len(cols), drop = FALSE]), ...)
  more <- c(
    if (nrow(x) > rows) paste(nrow(x) - rows, "more rows"),
    if (ncol(x) > cols) paste(ncol(x) - cols, "more columns")
  )
  cat("... and", paste(more, collapse = ", "), "\n")
}

print_start <- function(x, ...) {
  print(plain(x[1:10]), ...)
  cat("... and", length(x) - 10, "more elements\n")
}

#' @exportMethod show
setMethod("show", "gpu", function(object) print(object))

#' @rdname print.gpu
#' @exportS3Method
format.gpu <- function(x, ...) format(plain(x), ...)

#' @rdname print.gpu
#' @importFrom utils str
#' @exportS3Method
str.gpu <- function(object, ...) {
  n <- min(length(object), 5L)
  values <- if (state_of(object) == "traced") {
    "(placeholder)"
  } else if (n > 0) {
    shown <- format(plain(object[seq_len(n)]), digits = 3, trim = TRUE)
    paste(c(shown, if (length(object) > n) "..."), collapse = " ")
  }
  cat(" ", header(object), " ", values, "\n", sep = "")
  invisible()
}
