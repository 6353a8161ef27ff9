# Singular value decomposition, and what is made of it.

#' Singular value decomposition
#'
#' As [base::svd()] and [base::La.svd()]. Matrices made by [gpu()] are reduced to bidiagonal form
#' on their device, which is decomposed by divide and conquer on the CPU, in double precision; the
#' vectors are transformed back on the device. Small matrices are decomposed on the CPU altogether.
#'
#' Singular vectors are determined up to their sign. Here it is the same on every device: in each
#' column of `u` (of `v`, where `u` does not have it) the first of those components is positive that
#' are, to one part in a thousand, the largest in absolute value. R's own signs are others.
#'
#' `float32` matrices have singular values that are accurate to float32's precision, in relation to
#' the largest of them.
#' @param x A matrix.
#' @param nu,nv How many left and right singular vectors: any number from 0 to the number of rows
#'   (columns) of `x`. With `nu = 0, nv = 0` the values alone are computed, which is several times
#'   faster.
#' @param ... For [base::svd()].
#' @return A list of
#'   * `d`: the singular values, descending; an ordinary vector
#'   * `u`: a matrix with `nu` columns on the device of `x` and of its type; not there if `nu` is 0
#'   * `v`: the same with `nv` columns; of `La.svd()` `vt`, its transpose
#'
#'   `x` is `u %*% diag(d) %*% t(v)`. There are no dimnames.
#' @section Errors:
#' `anygpu_error_argument`: "infinite or missing values in 'x'", "a dimension is zero".
#' @references
#' M. Gu, S. C. Eisenstat (1995), A divide-and-conquer algorithm for the bidiagonal SVD.
#' \emph{SIAM Journal on Matrix Analysis and Applications} 16, 79-92.
#' @examples
#' x <- gpu(matrix(c(2, 0, 1, 1, 3, 1), 3), device = "host")
#' s <- svd(x)
#' s$d
#' s$u %*% diag(s$d) %*% t(s$v)
#' La.svd(x, nu = 0)$vt
#' @seealso [gpu_rsvd()] for the largest few values of a large matrix, [gpu_pinv()]
#' @export
svd <- function(x, nu = min(n, p), nv = min(n, p), ...) {
  n <- NROW(x)
  p <- NCOL(x)
  if (!is_array(x)) return(base::svd(x, nu, nv, ...))
  s <- decompose(x, nu, nv)
  c(list(d = s$d), if (!is.null(s$u)) list(u = s$u), if (!is.null(s$v)) list(v = s$v))
}

#' @rdname svd
#' @export
La.svd <- function(x, nu = min(n, p), nv = min(n, p)) {
  n <- NROW(x)
  p <- NCOL(x)
  if (!is_array(x)) return(base::La.svd(x, nu, nv))
  s <- decompose(x, nu, nv)
  c(list(d = s$d), if (!is.null(s$u)) list(u = s$u), if (!is.null(s$v)) list(vt = t(s$v)))
}

# A list of d, u, v; the latter NULL where not wanted.
decompose <- function(x, nu, nv) {
  x <- as_one_matrix(x, "svd")
  if (!length(x)) stop_status("argument", "a dimension is zero")
  nu <- vector_count(nu, nrow(x), "nu")
  nv <- vector_count(nv, ncol(x), "nv")
  s <- .Call(C_svd, x, nu, nv)
  names(s) <- c("d", "u", "v")
  s
}

# Vectors are matrices of one column.
as_one_matrix <- function(x, caller) {
  if (is.matrix(x)) return(x)
  if (length(dim(x)) > 1L) stop_status("shape", paste0(caller, "(): a matrix is wanted"))
  .Call(C_reshape, x, c(length(x), 1L))
}

# More than there are are all of them, as in R.
vector_count <- function(n, most, name) {
  if (!is.numeric(n) && !is.logical(n) || length(n) != 1L || is.na(n) || n < 0) {
    stop_status("argument", paste0("`", name, "`: a number that is not negative is wanted"))
  }
  min(floor(n), most)
}

#' Norm of a matrix
#'
#' As [base::norm()]: of arrays made by [gpu()], computed on their device.
#' @param x A matrix.
#' @param type `"O"` or `"1"`: the largest sum of absolute values of a column; `"I"`: of a row;
#'   `"F"` or `"E"`: the root of the sum of squares; `"M"`: the largest absolute value; `"2"`: the
#'   largest singular value.
#' @param ... None.
#' @return A number.
#' @section Errors:
#' `anygpu_error_argument` and `anygpu_error_shape` where R's function raises an error.
#' @examples
#' x <- gpu(matrix(c(1, -2, 3, 4), 2), device = "host")
#' norm(x)
#' norm(x, "F")
#' norm(x, "2")
#' @name norm
#' @aliases norm,gpuMatrix,missing-method norm,gpuMatrix,ANY-method norm,ANY,missing-method
#' @aliases norm,gpuVector,missing-method norm,gpuVector,ANY-method
#' @aliases norm,gpuArray,missing-method norm,gpuArray,ANY-method
#' @exportMethod norm
NULL

setGeneric("norm")
# The method that comes with the generic calls base R's function, not the generic again.
setMethod("norm", c("ANY", "missing"), function(x, type, ...) norm(x, "O", ...))
setMethod("norm", c("gpuMatrix", "missing"), function(x, type, ...) matrix_norm(x, "O"))
setMethod("norm", c("gpuMatrix", "ANY"), function(x, type, ...) matrix_norm(x, type))
for (class in c("gpuVector", "gpuArray")) for (type in c("missing", "ANY")) {
  setMethod("norm", c(class, type), function(x, type, ...) {
    stop_status("shape", "'A' must be a numeric matrix")
  })
}
rm(class, type)

matrix_norm <- function(x, type) {
  if (identical(type, "2")) {
    if (anyNA(x)) return(NA_real_)
    return(decompose(x, 0, 0)$d[1L])
  }
  if (!is.character(type) || !length(type) || is.na(type[1L])) {
    stop_status("argument", "argument type[1]: a character string of one letter is wanted")
  }
  kind <- toupper(type[1L])
  if (!kind %in% c("M", "O", "1", "I", "F", "E")) {
    text <- "argument type[1]='%s' must be one of 'M','1','O','I','F' or 'E'"
    stop_status("argument", sprintf(text, type[1L]))
  }
  if (!length(x)) return(0)
  value <- switch(EXPR = kind,
    M = max(abs(x)), I = max(rowSums(abs(x))), `F` = , E = frobenius(x), max(colSums(abs(x)))
  )
  if (is_traced(value)) value else as.numeric(value)
}

# Squares may neither overflow nor vanish.
frobenius <- function(x) {
  if (is_traced(x)) return(sqrt(sum(x^2)))
  most <- as.numeric(max(abs(x)))
  if (is.na(most) || most == 0 || is.infinite(most)) return(most)
  unit <- 2^min(max(ceiling(log2(most)), -1000), 1000)
  power <- if (abs(log2(unit)) > 100 || !identical(gpu_type(x), "float64")) unit else 1
  # in two steps: 1 / unit need not be a number of x's type
  half <- 2^floor(log2(power) / 2)
  if (power != 1) x <- (x * (1 / half)) * (half / power)
  as.numeric(sqrt(sum(x^2))) * power
}

#' Randomised singular value decomposition
#'
#' The `k` largest singular values of a matrix and their vectors, from products of the matrix with
#' a few random vectors: many times faster than [svd()] where `k` is small. Errors are
#' of the size of the singular values that are left out, times a factor that `power` brings close
#' to 1.
#' @param x A matrix made by [gpu()].
#' @param k How many singular values, at most the smaller extent of `x`.
#' @param oversample How many random vectors more than `k`.
#' @param power How often the random vectors are multiplied by `x` and its transpose: more for
#'   values that decrease slowly.
#' @return A list of `d`, `u` and `v` as [svd()] gives it, with `k` values and columns.
#' @section Errors:
#' `anygpu_error_argument` for numbers that make no sense, or values that are not finite.
#' @section Reproducibility:
#' [set.seed()] decides the random vectors, on every device the same.
#' @references
#' N. Halko, P. G. Martinsson, J. A. Tropp (2011), Finding structure with randomness: Probabilistic
#' algorithms for constructing approximate matrix decompositions. \emph{SIAM Review} 53, 217-288:
#' algorithms 4.4 and 5.1.
#' @examples
#' set.seed(1)
#' x <- gpu(outer(1:30, 1:20, function(i, j) 1 / (i + j)), device = "host")
#' gpu_rsvd(x, 3)$d
#' svd(x)$d[1:3]
#' @export
gpu_rsvd <- function(x, k, oversample = 10, power = 2) {
  x <- device_matrix(x, "gpu_rsvd")
  if (!length(x)) stop_status("argument", "a dimension is zero")
  k <- whole_number(k, "k", 1, min(dim(x)))
  columns <- min(k + whole_number(oversample, "oversample", 0, Inf), dim(x))
  power <- whole_number(power, "power", 0, Inf)
  random <- gpu_rnorm(c(ncol(x), columns), type = real_type(x), device = device_of(x))
  q <- orthonormal(x %*% random)
  for (i in seq_len(power)) q <- orthonormal(x %*% orthonormal(crossprod(x, q)))
  s <- decompose(crossprod(q, x), k, k)
  both <- .Call(C_svd_signs, q %*% s$u, s$v)
  list(d = s$d[seq_len(k)], u = both[[1L]], v = both[[2L]])
}

# An orthonormal basis of the columns, also where these depend on one another.
orthonormal <- function(y) decompose(y, min(dim(y)), 0)$u

#' Pseudo-inverse
#'
#' The inverse of Moore and Penrose of any matrix, by its singular values.
#' @param x A matrix made by [gpu()].
#' @param tol Singular values up to `tol` times the largest one count as zero. The default is the
#'   larger extent of `x` times the precision of its type.
#' @return A matrix of `x`'s transposed shape, on its device.
#' @section Errors:
#' `anygpu_error_argument`: "infinite or missing values in 'x'".
#' @examples
#' x <- gpu(matrix(c(1, 2, 3, 2, 4, 6), 3), device = "host")
#' x %*% gpu_pinv(x) %*% x
#' @export
gpu_pinv <- function(x, tol = NULL) {
  x <- device_matrix(x, "gpu_pinv")
  if (!length(x)) return(t(x))
  if (is.null(tol)) {
    tol <- max(dim(x)) * if (identical(real_type(x), "float64")) .Machine$double.eps else 2^-23
  }
  if (!is.numeric(tol) || length(tol) != 1L || is.na(tol) || tol < 0) {
    stop_status("argument", "`tol`: a number that is not negative is wanted")
  }
  s <- decompose(x, min(dim(x)), min(dim(x)))
  rank <- sum(s$d > tol * s$d[1L])
  if (rank == 0L) return(t(x) * 0)
  j <- seq_len(rank)
  v <- s$v[, j, drop = FALSE]
  tcrossprod(v / stretch(s$d[j], v, 2L), s$u[, j, drop = FALSE])
}

# A matrix of ours, without dimnames.
device_matrix <- function(x, caller) {
  if (!is_array(x)) {
    stop_status("type", paste0(caller, "(): a matrix made by gpu() is wanted"))
  }
  unname(as_one_matrix(x, caller))
}

# The type that results have.
real_type <- function(x) {
  type <- gpu_type(x)
  if (type %in% c("float64", "float32")) type else gpu_type(x[1L, 1L, drop = FALSE] * 1)
}

whole_number <- function(n, name, least, most) {
  good <- is.numeric(n) && length(n) == 1L && !is.na(n) && n >= least && n <= most && n == floor(n)
  if (good) return(n)
  range <- if (is.finite(most)) paste("from", least, "to", most) else paste("of at least", least)
  stop_status("argument", paste0("`", name, "`: a whole number ", range, " is wanted"))
}

#' Principal components
#'
#' As [stats::prcomp()]: of matrices made by [gpu()], which are centred and decomposed on their
#' device.
#' @param x A matrix made by [gpu()].
#' @param retx,center,scale.,tol,rank.,... As for [stats::prcomp()].
#' @return An object of class `prcomp`: `sdev` is an ordinary vector, `rotation` and `x` are on the
#'   device. Columns of `rotation` have the signs of [svd()].
#' @section Errors:
#' `anygpu_error_argument`: those of R's function.
#' @examples
#' x <- gpu(as.matrix(iris[, 1:4]), device = "host")
#' prcomp(x, scale. = TRUE)$sdev
#' @exportS3Method stats::prcomp gpu
prcomp.gpu <- function(x, retx = TRUE, center = TRUE, scale. = FALSE, tol = NULL, rank. = NULL,
                       ...) {
  chkDots(...)
  x <- scale(as_one_matrix(x, "prcomp"), center = center, scale = scale.)
  centre <- attr(x, "scaled:center")
  scaling <- attr(x, "scaled:scale")
  if (any(scaling == 0)) {
    stop_status("argument", "cannot rescale a constant/zero column to unit variance")
  }
  k <- min(dim(x))
  if (!is.null(rank.)) k <- min(whole_number(rank., "rank.", 1, Inf), k)
  s <- decompose(x, 0, k)
  sdev <- s$d / sqrt(max(1, nrow(x) - 1))
  if (!is.null(tol)) k <- min(k, sum(sdev > sdev[1L] * tol))
  rotation <- s$v[, seq_len(k), drop = FALSE]
  dimnames(rotation) <- list(colnames(x), paste0("PC", seq_len(k)))
  r <- list(
    sdev = sdev, rotation = rotation, center = if (is.null(centre)) FALSE else centre,
    scale = if (is.null(scaling)) FALSE else scaling
  )
  if (retx) r$x <- x %*% rotation
  class(r) <- "prcomp"
  r
}
