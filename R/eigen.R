# Eigenvalues and eigenvectors.

#' Eigenvalues and eigenvectors
#'
#' [eigen()][base::eigen] of symmetric matrices made by [gpu()] works on the device: the matrix
#' becomes tridiagonal there, the eigenproblem of the tridiagonal matrix is solved on the CPU by
#' divide and conquer (always in float64), and its vectors are multiplied on the device. Matrices of
#' at most 128 rows are worked on by the CPU alone.
#'
#' Other matrices, whose eigenvalues may be complex, are left to R; their values and vectors are
#' ordinary vectors and matrices, as complex numbers have no place on a device. [fallback] and
#' [gpu_stats()] say when that happens.
#'
#' Eigenvectors have length 1, and a sign that is the same on every device and for both types: in
#' each, that component is positive which is the largest in absolute value (of several that are
#' equally large to one part in a thousand, the first). In base R the sign depends on the
#' library that R was built with.
#'
#' `isSymmetric()` compares the matrix with its transpose on the device, by the rules of base R; it
#' is what `eigen()` goes by where `symmetric` is missing. For float32 the tolerance is 100 times
#' the precision of float32 (1.2e-5), as it is 100 times that of float64 (2.2e-14) for float64.
#' @param x,object A matrix made by [gpu()]; [eigen()] takes a square one without missing or
#'   infinite values.
#' @param symmetric If `TRUE`, `x` is taken as symmetric, and only its lower triangle is looked at.
#'   If missing, `isSymmetric(x)` ignoring names.
#' @param only.values If `TRUE`, no vectors are computed.
#' @param EISPACK Not used, as in base R.
#' @param tol,tol1 As for [base::isSymmetric()]: relative differences that are allowed, on the
#'   average of the elements that differ; `tol1` in the first and last two rows.
#' @param ... Handed to base R's method, which then works on the values.
#' @return `eigen()`: what base R gives, a list of class `"eigen"` with the numbers `values` in
#'   decreasing order, and `vectors`, a `gpuMatrix` of the type of `x` (a plain list with `vectors =
#'   NULL` for `only.values`). `isSymmetric()`: `TRUE` or `FALSE`.
#' @section Errors:
#' `anygpu_error_argument` with the messages of base R: "non-square matrix in 'eigen'", "0 x 0
#' matrix", "infinite or missing values in 'x'".
#' @references M. Gu and S. C. Eisenstat, A divide-and-conquer algorithm for the symmetric
#'   tridiagonal eigenproblem, SIAM Journal on Matrix Analysis and Applications 16 (1995).
#' @examples
#' x <- gpu(matrix(c(2, 1, 1, 3), 2), device = "host")
#' e <- eigen(x)
#' e$values
#' e$vectors %*% diag(e$values) %*% t(e$vectors)
#' isSymmetric(x)
#' @name eigen.gpu
#' @aliases eigen,gpu-method
NULL

#' @exportMethod eigen
setGeneric("eigen")
#' @rdname eigen.gpu
setMethod("eigen", "gpu", function(x, symmetric, only.values = FALSE, EISPACK = FALSE) {
  if (length(dim(x)) != 2L) x <- to_matrix(x)
  check_eigen(x)
  if (missing(symmetric)) symmetric <- is_mirrored(x, tolerance_of(x), 8 * tolerance_of(x))
  if (!is_flag(as.logical(symmetric))) stop_status("argument", "`symmetric` must be TRUE or FALSE")
  if (!symmetric) return(in_r("eigen", list(unname(x), FALSE, only.values)))
  only_values <- isTRUE(as.logical(only.values))
  result <- .Call(C_eigen_symmetric, x, only_values)
  names(result) <- c("values", "vectors")
  if (only_values) result else structure(class = "eigen", result)
})

# A vector is one column.
to_matrix <- function(x) {
  if (length(dim(x)) > 2L) stop_status("argument", "non-square matrix in 'eigen'")
  .Call(C_reshape, x, c(length(x), 1L))
}

check_eigen <- function(x) {
  d <- dim(x)
  if (d[1L] == 0L) stop_status("argument", "0 x 0 matrix")
  if (d[1L] != d[2L]) stop_status("argument", "non-square matrix in 'eigen'")
  if (!all(is.finite(x))) stop_status("argument", "infinite or missing values in 'x'")
}

#' @rdname eigen.gpu
#' @exportS3Method
isSymmetric.gpu <- function(object, tol = tolerance_of(object), tol1 = 8 * tol, ...) {
  d <- dim(object)
  usual <- length(d) == 2L && ...length() == 0L && is.numeric(tol) && length(tol) == 1L
  if (!usual || !all(is.finite(object))) {
    return(in_r("isSymmetric", list(object, tol = tol, tol1 = tol1, ...)))
  }
  if (d[1L] != d[2L]) return(FALSE)
  names <- dimnames(object)
  identical(names, rev(names)) && is_mirrored(object, tol, tol1)
}

tolerance_of <- function(x) {
  100 * if (identical(gpu_type(x), "float32")) 2^-23 else .Machine$double.eps
}

# Whether a square matrix of finite numbers is symmetric, by base R's rules. One that is exactly so
# costs one look at the device.
is_mirrored <- function(x, tol, tol1) {
  y <- t(x)
  if (!any(x != y)) return(TRUE)
  if (!is.double(x)) return(FALSE)
  n <- dim(x)[1L]
  ends <- unique(c(1L, 2L, n - 1L, n))
  rows <- row_differences(x, y)
  (!length(tol1) || all_near(lapply(rows, `[`, ends), tol1)) && all_near(lapply(rows, sum), tol)
}

# Of the elements that differ, by rows: how many, sums of their sizes, and of the differences.
row_differences <- function(x, y) {
  apart <- x != y
  list(
    number = plain(rowSums(apart)), size = plain(rowSums(abs(x) * apart)),
    difference = plain(rowSums(abs(x - y)))
  )
}

# Base R's all.equal(): the mean difference of elements that are not equal, relative to their mean
# size unless that is tiny.
all_near <- function(sums, tolerance) {
  differ <- sums$number > 0
  scale <- (sums$size / sums$number)[differ]
  scale[scale <= tolerance] <- 1
  all((sums$difference / sums$number)[differ] / scale <= tolerance)
}
