# Reductions of a whole array give a number that is read back only when R looks at it.

#' @exportMethod Summary
setMethod("Summary", "gpu", function(x, ..., na.rm = FALSE) {
  if (...length() == 0 && identical(na.rm, FALSE)) {
    result <- if (.Generic == "range") range_of(x) else .Call(C_reduce, .Generic, x)
    if (!is.null(result)) return(result)
  }
  in_r(.Generic, list(x, ..., na.rm = na.rm))
})

range_of <- function(x) {
  low <- .Call(C_reduce, "min", x)
  if (!is.null(low)) c(low, .Call(C_reduce, "max", x))
}

#' @exportS3Method
mean.gpu <- function(x, ...) {
  result <- if (...length() == 0) .Call(C_reduce, "mean", x)
  if (!is.null(result)) return(result)
  in_r("mean", list(x, ...))
}

# -- along dimensions
# --------------------------------------------------------------------------------

# rows: sums over the dimensions after the first `dims`; else over the first `dims`.
reduce_dims <- function(name, f, x, rows, na.rm, dims) {
  result <- if (!isTRUE(na.rm)) .Call(C_reduce_dims, name, x, rows, dims)
  if (!is.null(result)) return(result)
  in_r(f, list(x, na.rm, dims), x)
}

#' @exportMethod rowSums
setGeneric("rowSums")
setMethod("rowSums", "gpu", function(x, na.rm = FALSE, dims = 1L) {
  reduce_dims("sum", "rowSums", x, TRUE, na.rm, dims)
})

#' @exportMethod colSums
setGeneric("colSums")
setMethod("colSums", "gpu", function(x, na.rm = FALSE, dims = 1L) {
  reduce_dims("sum", "colSums", x, FALSE, na.rm, dims)
})

#' @exportMethod rowMeans
setGeneric("rowMeans")
setMethod("rowMeans", "gpu", function(x, na.rm = FALSE, dims = 1L) {
  reduce_dims("mean", "rowMeans", x, TRUE, na.rm, dims)
})

#' @exportMethod colMeans
setGeneric("colMeans")
setMethod("colMeans", "gpu", function(x, na.rm = FALSE, dims = 1L) {
  reduce_dims("mean", "colMeans", x, FALSE, na.rm, dims)
})

#' The largest value of each row
#'
#' `rowMaxs()` gives the value, `rowWhichMaxs()` its column (the first one of equals).
#' @param x A numeric matrix: one made by [gpu()], or an ordinary one, which goes to the default
#'   device.
#' @return `rowMaxs()`: a vector with an element for each row, named by the row names of `x`.
#'   `NaN` (or `NA`) in a row makes its element `NaN`.
#'   `rowWhichMaxs()`: integers, `NA` for such a row: what `max.col(x, "first")` gives.
#' @section Errors:
#' An `anygpu_error_shape` if `x` is no matrix with at least one column.
#' @examples
#' x <- gpu(matrix(c(1, 5, 3, 2), 2), device = "host")
#' rowMaxs(x)
#' rowWhichMaxs(x)
#' @export
rowMaxs <- function(x) .Call(C_reduce_dims, "max", row_argument(x, "rowMaxs"), TRUE, 1L)

#' @rdname rowMaxs
#' @export
rowWhichMaxs <- function(x) .Call(C_row_which_max, row_argument(x, "rowWhichMaxs"))

row_argument <- function(x, caller) {
  x <- if (is_gpu(x)) x else gpu(x)
  if (length(dim(x)) == 2 && ncol(x) > 0) return(x)
  stop_status("shape", paste0(caller, "(): a matrix with at least one column is wanted"))
}
