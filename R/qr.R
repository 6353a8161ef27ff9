# QR factorisations. qr() is base R's generic. The functions of what it gives are closures: made
# generics here, as package Matrix does it, whose methods for "qr" ask where the factors lie.

#' QR factorisation and least squares
#'
#' `qr()` of a matrix made by [gpu()] is computed on its device, by blocked Householder reflections.
#' It gives what [base::qr()] gives, R's own object of class `"qr"`, with the same signs and the
#' same limited pivoting: a column is moved to the end when what is left of its norm, once the
#' columns before it are accounted for, is less than `tol` times the norm that it had. Its element
#' `qr` stays on the device, and so do the results of the functions of it: `qr.Q()`, `qr.R()`,
#' `qr.X()`, `qr.qy()`, `qr.qty()`, `qr.coef()`, `qr.fitted()`, `qr.resid()`, `qr.solve()` and
#' [solve()].
#' Every other function of R that takes a `"qr"` works on it as well, in R.
#'
#' `qr.solve(a, b)` and `qr.coef(qr(a), b)` solve systems of equations, and those with more
#' equations than unknowns in the least-squares sense.
#'
#' In `float32` a column that is an exact combination of others has a rest of about 1e-7 to 1e-6 of
#' its norm, from rounding alone: there `tol` is 1e-5 unless it is given. What stands beside the
#' factors is converted to their type.
#'
#' `LAPACK = TRUE` (pivoting by the largest norm) is worked on in R.
#' @param x,a,b,y,k,Dvec,complete,ncol,LAPACK,... As for [base::qr()], [base::qr.Q()] and
#'   [base::qr.X()]; `a` may be a matrix or a `"qr"` object.
#' @param tol The tolerance for detecting linear dependencies: by default 1e-7, and 1e-5 for
#'   `float32`.
#' @param qr An object of class `"qr"`.
#' @return `qr()`: a list of class `"qr"` with `qr` (a `gpuMatrix`), `rank`, `qraux` and `pivot`.
#'   The others: what the functions of base R give, as arrays on the device.
#' @section Errors:
#' `anygpu_error_argument` where base R raises an error: missing or infinite values ("NA/NaN/Inf in
#' foreign function call"), "singular matrix 'a' in solve", "'qr' and 'y' must have the same number
#' of rows".
#' @source Schreiber and Van Loan (1989), "A storage-efficient WY representation for products of
#'   Householder transformations"; Elmroth and Gustavson (2000), "Applying recursion to serial and
#'   parallel QR factorization".
#' @examples
#' x <- gpu(cbind(1, c(1, 2, 3, 4)), device = "host")
#' y <- c(1.1, 1.9, 3.2, 3.8)
#' q <- qr(x)
#' q$rank
#' qr.coef(q, y)
#' qr.resid(q, y)
#' qr.Q(q) %*% qr.R(q)
#' qr.solve(x, y)
#' @name qr.gpu
NULL

#' @rdname qr.gpu
#' @exportS3Method
qr.gpu <- function(x, tol = NULL, LAPACK = FALSE, ...) {
  if (is.null(tol)) tol <- default_tol(x)
  if (isTRUE(LAPACK) || length(dim(x)) > 2L || !is.numeric(x) && !is.logical(x)) {
    return(in_r("qr", list(x, tol = tol, LAPACK = LAPACK, ...)))
  }
  result <- .Call(C_qr, x, tol)
  names <- if (length(dim(x)) == 2L) dimnames(x) else if (!is.null(names(x))) list(names(x), NULL)
  if (!is.null(names[[2L]])) names[[2L]] <- names[[2L]][result$pivot]
  if (!is.null(names)) dimnames(result$qr) <- names
  result
}

default_tol <- function(x) if (is_gpu(x) && identical(gpu_type(x), "float32")) 1e-5 else 1e-7

# Factors that lie on a device, in LINPACK's form.
on_device <- function(qr) {
  inherits(qr, "qr") && is.list(qr) && is_array(qr$qr) && !isTRUE(attr(qr, "useLAPACK"))
}

# f with the arguments that this version of R has.
with_formals <- function(like, f) {
  formals(f) <- formals(like)
  f
}

# One of base R's errors.
stop_as_r <- function(text) stop_status("argument", gettext(text, domain = "R-base"))

stop_unless_rows <- function(qr, y) {
  if (NROW(y) != nrow(qr$qr)) stop_as_r("'qr' and 'y' must have the same number of rows")
}

setOldClass("qr")

#' @rdname qr.gpu
#' @exportMethod qr.Q
setGeneric("qr.Q")
#' @rdname qr.gpu
setMethod("qr.Q", "qr", function(qr, complete = FALSE, Dvec) {
  if (!on_device(qr)) return(base::qr.Q(qr, complete, Dvec))
  n <- if (complete) nrow(qr$qr) else min(dim(qr$qr))
  d <- if (missing(Dvec)) rep_len(1, n) else Dvec
  if (!complete || length(d) > n) d <- d[seq_len(n)]
  if (length(d) != n) d <- rep_len(d, n)
  .Call(C_qr_expand, qr$qr, qr$qraux, qr$rank, d, n)
})

#' @rdname qr.gpu
#' @exportMethod qr.R
setGeneric("qr.R")
#' @rdname qr.gpu
setMethod("qr.R", "qr", with_formals(base::qr.R, function(qr, complete = FALSE) {
  if (!on_device(qr)) return(base::qr.R(qr, complete))
  n <- if (complete) nrow(qr$qr) else min(dim(qr$qr))
  result <- .Call(C_qr_upper, qr$qr, n)
  names <- dimnames(qr$qr)
  if (!is.null(names[[1L]])) names[[1L]] <- names[[1L]][seq_len(n)]
  if (!is.null(names)) dimnames(result) <- names
  result
}))

#' @rdname qr.gpu
#' @exportMethod qr.X
setGeneric("qr.X")
# the generic has base R's default of `ncol`, which looks into the function that is called
utils::globalVariables("R")
#' @rdname qr.gpu
setMethod("qr.X", "qr", function(qr, complete = FALSE,
                                 ncol = if (complete) nrow(R) else min(dim(R))) {
  R <- qr$qr # for the default of `ncol`
  if (!on_device(qr)) return(base::qr.X(qr, complete, ncol))
  p <- ncol(R)
  moved <- !identical(qr$pivot, seq_len(p))
  if (moved && ncol < p) stop_as_r("need larger value of 'ncol' as pivoting occurred")
  R <- qr.R(qr, complete = TRUE)
  names <- colnames(R)
  if (ncol < p) R <- R[, seq_len(ncol), drop = FALSE]
  dimnames(R) <- NULL
  result <- if (ncol <= p) {
    .Call(C_qr_expand, qr$qr, qr$qraux, qr$rank, R, ncol)
  } else {
    wide <- gpu_zeros(nrow(R), ncol, type = gpu_type(R), device = device_of(R))
    diag(wide) <- 1
    wide[, seq_len(p)] <- R
    .Call(C_qr_expand, qr$qr, qr$qraux, qr$rank, wide, ncol)
  }
  back <- seq_len(ncol)
  back[qr$pivot[qr$pivot <= ncol]] <- seq_len(min(p, ncol))
  if (moved) result <- result[, back, drop = FALSE]
  row_names <- rownames(qr$qr)
  if (ncol > p) names <- row_names <- NULL
  if (moved && !is.null(names)) names <- names[back]
  else if (!is.null(names)) names <- names[seq_len(ncol)]
  if (!is.null(names) || !is.null(row_names)) dimnames(result) <- list(row_names, names)
  result
})

#' @rdname qr.gpu
#' @exportMethod qr.qy
setGeneric("qr.qy")
#' @rdname qr.gpu
setMethod("qr.qy", "qr", function(qr, y) {
  if (!on_device(qr)) return(base::qr.qy(qr, y))
  stop_unless_rows(qr, y)
  .Call(C_qr_multiply, qr$qr, qr$qraux, qr$rank, y, FALSE)
})

#' @rdname qr.gpu
#' @exportMethod qr.qty
setGeneric("qr.qty")
#' @rdname qr.gpu
setMethod("qr.qty", "qr", function(qr, y) {
  if (!on_device(qr)) return(base::qr.qty(qr, y))
  stop_unless_rows(qr, y)
  .Call(C_qr_multiply, qr$qr, qr$qraux, qr$rank, y, TRUE)
})

#' @rdname qr.gpu
#' @exportMethod qr.fitted
setGeneric("qr.fitted")
#' @rdname qr.gpu
setMethod("qr.fitted", "qr", function(qr, y, k = qr$rank) {
  if (!on_device(qr)) return(base::qr.fitted(qr, y, k))
  k <- as.integer(k)
  if (k > qr$rank) stop_as_r("'k' is too large")
  stop_unless_rows(qr, y)
  if (k == 0L) return(y) # which is what R's gives, too
  .Call(C_qr_project, qr$qr, qr$qraux, k, y, FALSE)
})

#' @rdname qr.gpu
#' @exportMethod qr.resid
setGeneric("qr.resid")
#' @rdname qr.gpu
setMethod("qr.resid", "qr", function(qr, y) {
  if (!on_device(qr)) return(base::qr.resid(qr, y))
  if (qr$rank == 0L) return(y)
  stop_unless_rows(qr, y)
  .Call(C_qr_project, qr$qr, qr$qraux, qr$rank, y, TRUE)
})

#' @rdname qr.gpu
#' @exportMethod qr.coef
setGeneric("qr.coef")
#' @rdname qr.gpu
setMethod("qr.coef", "qr", function(qr, y) {
  if (!on_device(qr)) return(base::qr.coef(qr, y))
  if (is.data.frame(y)) y <- as.matrix(y)
  stop_unless_rows(qr, y)
  p <- ncol(qr$qr)
  k <- qr$rank
  coef <- if (k > 0L) {
    .Call(C_qr_coef, qr$qr, qr$qraux, k, y)
  } else {
    gpu(matrix(NA_real_, p, NCOL(y)), gpu_type(qr$qr), device_of(qr$qr))
  }
  if (k > 0L && k < p) coef <- coef[match(seq_len(p), qr$pivot[seq_len(k)]), , drop = FALSE]
  names <- colnames(qr$qr)
  names[qr$pivot] <- names
  if (!is.matrix(y)) {
    coef <- drop(coef)
    if (length(coef) > 1L) names(coef) <- names
  } else if (!is.null(names) || !is.null(colnames(y))) {
    dimnames(coef) <- list(names, colnames(y))
  }
  coef
})

#' @rdname qr.gpu
#' @exportMethod qr.solve
setGeneric("qr.solve")
solve_least_squares <- function(a, b, tol = 1e-7) {
  if (!inherits(a, "qr")) {
    if (!is_array(a) && is.numeric(a)) a <- gpu(a, real_type_of(b), device_of(b))
    a <- qr(a, tol = if (missing(tol)) default_tol(a) else tol)
  }
  if (!on_device(a)) return(base::qr.solve(a, b))
  solve_qr(a, b, missing(b), "singular matrix 'a' in solve")
}
set_binary_methods("qr.solve", solve_least_squares)
for (class in gpu_classes) setMethod("qr.solve", c(class, "missing"), solve_least_squares)
for (class in c(gpu_classes, "ANY")) setMethod("qr.solve", c("qr", class), solve_least_squares)
rm(class)

#' @exportMethod solve
solve_by_qr <- function(a, b, ...) {
  if (!on_device(a)) return(base::solve.qr(a, b, ...))
  solve_qr(a, b, missing(b), "singular matrix 'a' in 'solve'")
}
setMethod("solve", "qr", solve_by_qr)
for (class in gpu_classes) setMethod("solve", c("qr", class), solve_by_qr)
rm(class)

solve_qr <- function(a, b, invert, text) {
  d <- dim(a$qr)
  if (a$rank != min(d)) stop_as_r(text)
  if (invert) {
    if (d[1L] != d[2L]) stop_as_r("only square matrices can be inverted")
    b <- gpu_eye(d[1L], type = gpu_type(a$qr), device = device_of(a$qr))
  }
  result <- qr.coef(a, b)
  missing_ones <- is.na(result)
  if (plain(any(missing_ones))) result[missing_ones] <- 0
  result
}

#' Least squares, of the least norm
#'
#' The `x` for which the squares of `b - a %*% x` have the least sum, and of all that do, the one
#' whose own squares have: for matrices of any shape and rank. Where `a` has full column rank this
#' is [qr.solve()]; otherwise the coefficients that `qr.coef()` has as `NA` and those beside them
#' are spread. The rank is that of [qr()], from which `a` is factored twice (a complete
#' orthogonal decomposition; Golub and Van Loan, "Matrix Computations", section 5.5).
#' @param a A matrix made by [gpu()], or an ordinary one where `b` is on a device.
#' @param b A vector or matrix of as many rows.
#' @param tol The tolerance of [qr()][qr.gpu].
#' @return A `gpuVector` of `ncol(a)` elements or, for a matrix `b`, a `gpuMatrix` of `ncol(a)` rows
#'   and `ncol(b)` columns.
#' @section Errors:
#' `anygpu_error_argument` for missing or infinite values in `a` or another number of rows.
#' @examples
#' a <- gpu(cbind(1, c(1, 2, 3), c(2, 4, 6)), device = "host")
#' gpu_lstsq(a, c(1, 2, 3))
#' @export
gpu_lstsq <- function(a, b, tol = NULL) {
  if (!is_array(a)) {
    a <- if (is_array(b)) gpu(a, real_type_of(b), device_of(b)) else gpu(a)
  }
  q <- qr(a, tol = tol)
  k <- q$rank
  p <- ncol(q$qr)
  if (k == p && p > 0L) return(qr.coef(q, b))
  stop_unless_rows(q, b)
  x <- if (k == 0L) {
    gpu_zeros(p, NCOL(b), type = gpu_type(q$qr), device = device_of(q$qr))
  } else {
    target <- qr.qty(q, if (is.matrix(b)) b else matrix_of(b))[seq_len(k), , drop = FALSE]
    dual <- .Call(C_qr, t(qr.R(q)[seq_len(k), , drop = FALSE]), 0)
    .Call(C_qr_least, dual$qr, dual$qraux, k, target)[order(q$pivot), , drop = FALSE]
  }
  if (!is.matrix(b)) {
    names <- colnames(a)
    x <- drop(x)
    if (length(x) > 1L) names(x) <- names
  } else if (!is.null(colnames(a)) || !is.null(colnames(b))) {
    dimnames(x) <- list(colnames(a), colnames(b))
  }
  x
}

# A vector as one column.
matrix_of <- function(x) {
  names(x) <- NULL
  dim(x) <- c(length(x), 1L)
  x
}
