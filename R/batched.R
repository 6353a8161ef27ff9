# Linear algebra of many small matrices.

#' Many small systems, factorisations and eigenproblems
#'
#' What [solve()], [chol()], [det()] and [eigen()] do to one matrix, done to each matrix
#' `a[, , i]` of an array of three dimensions at once, by one kernel: 10,000 systems of 8 x 8 are
#' work for a device, one of them is not. On a GPU each system has a thread of its own, on a
#' processor each lane of the vector registers has one.
#'
#' `gpu_solve()` solves `a[, , i] %*% x[, , i] = b[, , i]` by Gaussian elimination with partial
#' pivoting. A system that is only nearly singular is solved as it is: there is no look at condition
#' numbers, as [solve()] has it.
#'
#' `gpu_chol()` gives the upper triangular factors R of `a[, , i] = t(R) %*% R`; only the upper
#' triangles of `a` are read.
#'
#' `gpu_det()` gives the determinants, without overflow on the way.
#'
#' `gpu_eigen_sym()` gives the eigenvalues, decreasing, and the eigenvectors, of length 1, of
#' symmetric matrices by Jacobi's method; only the lower triangles of `a` are read. The largest
#' component of each eigenvector (the first of those that are largest to one part in a thousand) is
#' positive.
#'
#' The functions look at values: they do not work within [gpu_jit()] and [gpu_grad()].
#'
#' @param a An array of n x n x batch numbers, made by [gpu()] or an ordinary one.
#' @param b The right-hand sides: an array of n x k x batch, or a matrix of n x batch with one for
#'   each system. Without it the inverses are computed.
#' @param only.values Whether no eigenvectors are wanted.
#' @return Arrays on the device, of the type of `a` (float64 if that or `b` is, float32 else; for
#'   other numbers the device's default type):
#'   * `gpu_solve()`: of the shape of `b`, or of `a`;
#'   * `gpu_chol()`: n x n x batch;
#'   * `gpu_det()`: a vector of length batch;
#'   * `gpu_eigen_sym()`: a list of `values`, n x batch, and `vectors`, n x n x batch (`NULL` with
#'     `only.values`), with the class of what [eigen()] returns.
#'
#'   Dimnames are those that R gives for each matrix; the last dimension keeps its names. What is
#'   missing or infinite in one matrix has no influence on the results of others; missing values
#'   become NaN in its own, and so do infinite ones in eigenvalues and eigenvectors.
#' @section Errors:
#' An `anygpu_error_argument` that names the first matrix that is exactly singular (`gpu_solve()`)
#' or not positive definite (`gpu_chol()`), an `anygpu_error_shape` if `a` has not the shape n x n
#' x batch, or `b` does not fit.
#' @references Golub, G. H. and Van Loan, C. F. (2013) *Matrix Computations*, 4th edition, Johns
#'   Hopkins University Press: sections 3.4 (pivoting), 4.2 (Cholesky) and 8.5 (Jacobi).
#' @seealso [gpu_matmul()] for many products.
#' @examples
#' set.seed(1)
#' a <- array(rnorm(4 * 4 * 100), c(4, 4, 100))
#' x <- gpu(a, device = "host")
#' b <- matrix(rnorm(4 * 100), 4)
#' y <- gpu_solve(x, b)
#' all.equal(y[, 7], solve(a[, , 7], b[, 7]))
#' gpu_det(x)[1:3]
#' s <- gpu_matmul(x, x, transpose_x = TRUE)
#' gpu_chol(s)[, , 100]
#' gpu_eigen_sym(s)$values[, 1:3]
#' @export
gpu_solve <- function(a, b) .Call(C_batched_solve, a, if (missing(b)) NULL else b)

#' @rdname gpu_solve
#' @export
gpu_chol <- function(a) .Call(C_batched_chol, a)

#' @rdname gpu_solve
#' @export
gpu_det <- function(a) .Call(C_batched_det, a)

#' @rdname gpu_solve
#' @export
gpu_eigen_sym <- function(a, only.values = FALSE) {
  parts <- .Call(C_batched_eigen, a, isTRUE(as.logical(only.values)))
  structure(list(values = parts[[1]], vectors = parts[[2]]), class = "eigen")
}
