# Matrix products. crossprod() and tcrossprod() are closures before R 4.4, primitives from then on.

#' @exportMethod "%*%"
set_binary_methods("%*%", function(x, y) .Call(C_matmul, x, y, FALSE, FALSE))

if (!is.primitive(crossprod)) {
  setGeneric("crossprod")
  setGeneric("tcrossprod")
}

# With the formals of this R's generic.
product <- function(ta, tb) {
  f <- eval(substitute(
    function(x, y = NULL) .Call(C_matmul, x, if (is.null(y)) x else y, ta, tb),
    list(ta = ta, tb = tb)
  ))
  if ("..." %in% names(formals(args(crossprod)))) formals(f)["..."] <- formals(plot)["..."]
  environment(f) <- topenv()
  f
}

#' @exportMethod crossprod
set_binary_methods("crossprod", product(TRUE, FALSE))
for (class in gpu_classes) setMethod("crossprod", c(class, "missing"), product(TRUE, FALSE))

#' @exportMethod tcrossprod
set_binary_methods("tcrossprod", product(FALSE, TRUE))
for (class in gpu_classes) setMethod("tcrossprod", c(class, "missing"), product(FALSE, TRUE))

rm(class)

#' Products of many matrices
#'
#' `gpu_matmul()` multiplies matrices, or arrays of matrices: of an array of three dimensions,
#' `x[, , i]` is the matrix number `i`. All products are one kernel, with what is computed from
#' them elementwise fused into it, and are part of [gradients][gpu_grad] and of [compiled
#' functions][gpu_jit].
#'
#' @param x,y Arrays of numbers, made by [gpu()] or ordinary ones, of two or three dimensions: `x`
#'   is m x k x b and `y` is k x n x b. Where one of them is a matrix, or has an extent of 1 in its
#'   third dimension, it is used for all matrices of the other one.
#' @param transpose_x,transpose_y Whether the matrices of `x` (then k x m) or of `y` (then n x k)
#'   are to be transposed; nothing is copied for it.
#' @return The products `x[, , i] %*% y[, , i]`: an array of m x n x b on the device, or a matrix
#'   where `x` and `y` are matrices; with the dimnames that `%*%` gives, and those of the third
#'   dimension.
#' @section Errors:
#' An `anygpu_error_shape` if the operands do not fit, an `anygpu_error_type` if one is no array of
#' numbers.
#' @seealso [gpu_solve()] for systems of equations.
#' @examples
#' x <- gpu(array(1:24, c(2, 3, 4)), device = "host")
#' y <- array(1:12, c(3, 1, 4))
#' gpu_matmul(x, y)
#' gpu_matmul(x, x, transpose_x = TRUE)
#' gpu_matmul(x, matrix(1, 3, 2)) # one matrix for all
#' @export
gpu_matmul <- function(x, y, transpose_x = FALSE, transpose_y = FALSE) {
  .Call(C_products, x, y, transpose_x, transpose_y)
}
