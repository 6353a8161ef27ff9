# Order statistics of rows and columns: one sort of all values, within columns.

#' Medians and ranks of rows and columns
#'
#' By the names that the package matrixStats gives them.
#' @param x A numeric matrix: one made by [gpu()], or an ordinary one, which goes to the default
#'   device.
#' @param na.rm Whether missing values are left out; they are where there are any, in R.
#' @param ties.method What equal values get: `"max"`, `"average"`, `"first"`, `"last"` or `"min"`.
#' @param preserveShape `FALSE`: the ranks of a column are a row of the result.
#' @return `rowMedians()`, `colMedians()`: a vector with an element for each row or column, with
#'   its name; `NaN` (or `NA`) where a value is missing. `rowRanks()`: a matrix of the shape of `x`,
#'   `colRanks()` a transposed one; missing values have the rank `NA`.
#' @section Errors:
#' An `anygpu_error_shape` if `x` is no matrix.
#' @examples
#' x <- gpu(matrix(c(1, 5, 3, 2, 2, 9), 2), device = "host")
#' rowMedians(x)
#' colRanks(x, preserveShape = TRUE)
#' @export
rowMedians <- function(x, na.rm = FALSE) {
  colMedians(t(matrix_argument(x, "rowMedians")), na.rm)
}

#' @rdname rowMedians
#' @export
colMedians <- function(x, na.rm = FALSE) {
  x <- matrix_argument(x, "colMedians")
  if (nrow(x) == 0L || ncol(x) == 0L || (na.rm && anyNA(x)) || !is.double(x)) {
    result <- in_r("colMedians", list(x), x, f = function(x) {
      as.double(apply(x, 2L, stats::median, na.rm = na.rm))
    })
  } else {
    s <- .Call(C_take, x, .Call(C_order_columns, x))
    half <- (nrow(x) + 1L) %/% 2L
    result <- if (nrow(x) %% 2L == 1L) s[half, ] else (s[half, ] + s[half + 1L, ]) / 2
    result <- result + 0 / (1 - is.na(s[nrow(x), ])) # missing values are last
  }
  names(result) <- colnames(x)
  result
}

#' @rdname rowMedians
#' @export
rowRanks <- function(x, ties.method = c("max", "average", "first", "last", "min")) {
  x <- matrix_argument(x, "rowRanks")
  t(colRanks(t(x), match.arg(ties.method), preserveShape = TRUE))
}

#' @rdname rowMedians
#' @export
colRanks <- function(x, ties.method = c("max", "average", "first", "last", "min"),
                     preserveShape = FALSE) {
  x <- matrix_argument(x, "colRanks")
  ties <- match.arg(ties.method)
  result <- .Call(C_rank, x, .Call(C_order_columns, x), ties, FALSE, TRUE, TRUE)
  if (is.null(result)) {
    result <- in_r("colRanks", list(x), x, f = function(x) {
      array(apply(x, 2L, rank, na.last = "keep", ties.method = ties), dim(x))
    })
  }
  dimnames(result) <- dimnames(x)
  if (preserveShape) result else t(result)
}

matrix_argument <- function(x, caller) {
  x <- if (is_gpu(x)) x else gpu(x)
  if (length(dim(x)) == 2L) return(x)
  stop_status("shape", paste0(caller, "(): a matrix is wanted"))
}
