# Linear systems: solve(), chol(), chol2inv(), backsolve(), determinant(), rcond(), kappa(), LU.

#' Linear systems, LU and Cholesky factorisations
#'
#' `solve()`, `chol()`, `chol2inv()`, `backsolve()`, `forwardsolve()`, `det()`, `determinant()`,
#' `rcond()` and `kappa()` of base R work on the device where a matrix made by [gpu()] is among
#' their arguments, with the results, names, errors and warnings of base R. `gpu_lu()` gives the
#' LU factorisation itself.
#'
#' @section Precision:
#' Systems are solved in the type of the arrays: a `float32` matrix gives about
#' `7 - log10(kappa(a))` digits. Two kinds of system are factored in `float32` and then refined
#' iteratively until the backward error is that of `float64`:
#'
#' * those of `float64` arrays on a GPU whose `float64` arithmetic is much slower than its
#'   `float32` (measured once, when a matrix of 256 or more rows is solved for)
#' * `solve(a, b)` where `a` is an ordinary double matrix and `b` a `float32` array on a device
#'   without `float64`: the residuals are computed on the CPU, and the result is rounded once, to
#'   `float32`
#'
#' Where the matrix is too ill-conditioned for this, all is done in `float64` (in the second case
#' by the CPU). `options(anygpu.refine = )` chooses: `"auto"` (the above, the default), `"always"`
#' (also where `float64` is fast), `"never"`.
#'
#' `solve()` looks for zeros among the pivots, and then estimates the reciprocal condition number
#' as base R does; by default the smallest that passes is the epsilon of the arrays' type.
#' The pivoted `chol()` works on the CPU.
#'
#' @param a,b,tol,... As for [base::solve()]. `tol`: by default 2.2e-16, for `float32` 1.2e-7.
#' @param r,l,x,k,upper.tri,transpose As for [base::backsolve()]; for `gpu_lu()`, `x` is a matrix
#'   of any shape.
#' @return What base R gives, with arrays on the device for vectors and matrices. `gpu_lu()`: a list
#'   of class `gpu_lu` with a unit lower triangular (or trapezoidal) matrix `l`, an upper one `u`,
#'   and an integer vector `pivot`, such that `x[pivot, ]` is `l %*% u`; `solve()` takes it in place
#'   of `a`.
#' @section Errors:
#' Those of base R, as `anygpu_error_shape`, `anygpu_error_type` and `anygpu_error_argument`
#' (singular, or not positive definite); `anygpu_error_memory` with the sizes where a matrix is
#' larger than the device allows.
#' @examples
#' a <- gpu(matrix(c(4, 1, 2, 3), 2), device = "host")
#' solve(a, c(1, 2))
#' chol(crossprod(a))
#' det(a)
#' f <- gpu_lu(a)
#' solve(f, c(1, 2))
#' backsolve(f$u, c(1, 2))
#' @name solve.gpu
#' @aliases chol.gpu chol2inv rcond kappa.gpu determinant.gpu anygpu.refine
#'   rcond,ANY,missing-method solve,qr,ANY-method qr.solve,qr,ANY-method
NULL

# -- solve() -----------------------------------------------------------------------------------

solve_system <- function(a, b, tol = NA_real_, ...) {
  if (missing(b)) b <- NULL
  refine <- getOption("anygpu.refine", "auto")
  .Call(C_solve, a, b, if (length(tol) == 1L) tol else NA_real_, refine)
}

#' @rdname solve.gpu
#' @exportS3Method base::solve
solve.gpu <- function(a, b, tol, ...) {
  if (missing(tol)) tol <- NA_real_
  if (missing(b)) solve_system(a, tol = tol) else solve_system(a, b, tol)
}

setGeneric("solve")
#' @exportMethod solve
for (class in plain_classes) {
  for (own in gpu_classes) {
    setMethod("solve", c(class, own), function(a, b, ...) {
      if (is.object(a)) base::solve(a, b, ...) else solve_system(a, b, ...)
    })
  }
}

# -- Cholesky ----------------------------------------------------------------------------------

# The texts changed in R 4.3.
not_positive <- function(order) {
  text <- if (getRversion() >= "4.3.0") {
    "the leading minor of order %d is not positive"
  } else {
    "the leading minor of order %d is not positive definite"
  }
  gettextf(text, order, domain = "R")
}
rank_deficient <- function() {
  if (getRversion() >= "4.3.0") {
    "the matrix is either rank-deficient or not positive definite"
  } else {
    "the matrix is either rank-deficient or indefinite"
  }
}

#' @exportS3Method
chol.gpu <- function(x, pivot = FALSE, LINPACK = FALSE, tol = -1, ...) {
  if (!missing(LINPACK)) {
    stop_status("argument", "the LINPACK argument has been defunct since R 3.1.0")
  }
  result <- .Call(C_chol, x, pivot, tol)
  if (!is_gpu(result)) stop_status("argument", not_positive(result))
  if (isTRUE(pivot) && attr(result, "rank") < nrow(result)) warn(rank_deficient())
  result
}

setGeneric("chol2inv")
#' @exportMethod chol2inv
for (class in gpu_classes) {
  setMethod("chol2inv", class, function(x, size = NCOL(x), LINPACK = FALSE, ...) {
    if (!missing(LINPACK)) {
      stop_status("argument", "the LINPACK argument has been defunct since R 3.1.0")
    }
    if (!is.matrix(x) && length(x) != 1L) {
      stop_status("type", gettextf("'%s' must be a numeric matrix", "a", domain = "R"))
    }
    .Call(C_chol2inv, x, size)
  })
}

# -- triangles ---------------------------------------------------------------------------------

#' @rdname solve.gpu
#' @export
backsolve <- function(r, x, k = ncol(r), upper.tri = TRUE, transpose = FALSE) {
  if (!is_array(r) && !is_array(x)) return(base::backsolve(r, x, k, upper.tri, transpose))
  if (is.null(k)) k <- 1L # r is a vector
  .Call(C_backsolve, r, x, k, upper.tri, transpose)
}

#' @rdname solve.gpu
#' @export
forwardsolve <- function(l, x, k = ncol(l), upper.tri = FALSE, transpose = FALSE) {
  if (!is_array(l) && !is_array(x)) return(base::forwardsolve(l, x, k, upper.tri, transpose))
  if (is.null(k)) k <- 1L
  .Call(C_backsolve, l, x, k, upper.tri, transpose)
}

# -- numbers of a matrix -----------------------------------------------------------------------

#' @exportS3Method
determinant.gpu <- function(x, logarithm = TRUE, ...) {
  if (!is.matrix(x)) return(in_r("determinant", list(x, logarithm, ...)))
  if (nrow(x) != ncol(x)) stop_status("shape", "'x' must be a square matrix")
  d <- if (nrow(x)) .Call(C_determinant, x, logarithm) else c(if (logarithm) 0 else 1, 1)
  structure(
    list(modulus = structure(d[1], logarithm = logarithm), sign = as.integer(d[2])),
    class = "det"
  )
}

setGeneric("rcond")
# The implicit generic of R has no default for `norm`.
#' @exportMethod rcond
setMethod("rcond", c("ANY", "missing"), function(x, norm, ...) base::rcond(x, ...))
for (class in gpu_classes) {
  setMethod("rcond", c(class, "missing"), function(x, norm, ...) rcond_matrix(x, ...))
  setMethod("rcond", c(class, "ANY"), function(x, norm, ...) rcond_matrix(x, norm, ...))
}

rcond_matrix <- function(x, norm = "O", triangular = FALSE, ...) {
  norm <- base_try(match.arg(norm, c("O", "I", "1")))
  if (!is.matrix(x)) stop_status("shape", "is.matrix(x) is not TRUE")
  d <- dim(x)
  if (d[1L] != d[2L]) return(rcond(qr.R(qr(if (d[1L] < d[2L]) t(x) else x)), norm = norm, ...))
  if (d[1L] == 0L) stop_status("shape", "rcond(): the matrix is empty")
  .Call(C_rcond, x, norm == "I", triangular)
}

# As kappa.default(), with the factorisation on the device.
#' @exportS3Method
kappa.gpu <- function(z, exact = FALSE, norm = NULL, method = c("qr", "direct"), ...) {
  method <- base_try(match.arg(method))
  norm <- if (is.null(norm)) "2" else base_try(match.arg(norm, c("2", "1", "O", "I")))
  if (!is.matrix(z)) return(in_r("kappa", list(z, exact, norm, method, ...)))
  if (exact && norm == "2") {
    s <- plain(svd(z, nu = 0, nv = 0)$d)
    return(max(s) / min(s[s > 0]))
  }
  if (exact) {
    warn(gettextf("norm '%s' currently always uses exact = FALSE", norm, domain = "R-base"))
  }
  d <- dim(z)
  triangle <- if (method == "qr" || d[1L] != d[2L]) {
    plain(qr.R(qr(if (d[1L] < d[2L]) t(z) else z)))
  } else {
    plain(z)
  }
  .kappa_tri(triangle, exact = FALSE, norm = if (norm == "2") NULL else norm, ...)
}

# -- LU ----------------------------------------------------------------------------------------

#' @rdname solve.gpu
#' @export
gpu_lu <- function(x) {
  if (!is_gpu(x)) x <- gpu(as.matrix(x))
  if (!is.matrix(x)) stop_status("shape", "gpu_lu(): a matrix is wanted")
  structure(.Call(C_lu, x), names = c("l", "u", "pivot"), class = "gpu_lu")
}

#' @exportS3Method
print.gpu_lu <- function(x, ...) {
  size <- paste(nrow(x$l), "x", ncol(x$u))
  cat("LU factorisation of a ", size, " matrix: x[pivot, ] = l %*% u\n", sep = "")
  for (part in c("l", "u")) {
    cat("$", part, "\n", sep = "")
    print(x[[part]], ...)
  }
  cat("$pivot\n")
  print(x$pivot, ...)
  invisible(x)
}

#' @exportS3Method base::solve
solve.gpu_lu <- function(a, b, ...) {
  n <- nrow(a$l)
  if (n != ncol(a$u)) {
    stop_status("shape", gettextf("'a' (%d x %d) must be square", n, ncol(a$u), domain = "R"))
  }
  if (missing(b)) b <- gpu_eye(n, gpu_type(a$l), device_of(a$l))
  rows <- if (is.matrix(b)) nrow(b) else length(b)
  if (rows != n) {
    columns <- if (is.matrix(b)) ncol(b) else 1L
    stop_status("shape", gettextf("'b' (%d x %d) must be compatible with 'a' (%d x %d)", rows,
                                  columns, n, n, domain = "R"))
  }
  y <- forwardsolve(a$l, if (is.matrix(b)) b[a$pivot, , drop = FALSE] else b[a$pivot])
  backsolve(a$u, y)
}

rm(class, own)
