# Matrix products. crossprod() and tcrossprod() are closures before R 4.4, primitives from then on.

#' @exportMethod "%*%"
set_binary_methods("%*%", function(x, y) complete(.Call(C_matmul, x, y, FALSE, FALSE), x, y))

if (!is.primitive(crossprod)) {
  setGeneric("crossprod")
  setGeneric("tcrossprod")
}

# With the formals of this R's generic.
product <- function(ta, tb) {
  f <- eval(substitute(
    function(x, y = NULL) {
      if (is.null(y)) y <- x
      complete(.Call(C_matmul, x, y, ta, tb), x, y, ta, tb)
    },
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
#' @section Large matrices:
#' An ordinary matrix that finds no room on the device goes there in panels, in `%*%`,
#' `crossprod()`, `tcrossprod()` and in `gpu_matmul()` of two matrices; a product that finds no
#' room stays in R, as an ordinary matrix. There is no room where one array would be larger than the
#' device allows, or [gpu_memory()]'s limit (on a graphics card also its memory) would be exceeded.
#' @seealso [gpu_solve()] for systems of equations, [gpu_matmul_int8()] for small integers.
#' @examples
#' x <- gpu(array(1:24, c(2, 3, 4)), device = "host")
#' y <- array(1:12, c(3, 1, 4))
#' gpu_matmul(x, y)
#' gpu_matmul(x, x, transpose_x = TRUE)
#' gpu_matmul(x, matrix(1, 3, 2)) # one matrix for all
#' @export
gpu_matmul <- function(x, y, transpose_x = FALSE, transpose_y = FALSE) {
  z <- .Call(C_products, x, y, transpose_x, transpose_y)
  complete(z, x, y, isTRUE(transpose_x), isTRUE(transpose_y))
}

# -- by panels ---------------------------------------------------------------------------------

# The product z; or where z says that there is no room for it, the product by panels.
complete <- function(z, x, y, ta = FALSE, tb = FALSE) {
  if (is.object(z)) z else by_panels(x, y, ta, tb, z)
}

# `needs`: the extents of x and y as matrices, and how many elements a panel may have. The panels'
# products are added up in R.
by_panels <- function(x, y, ta, tb, needs) {
  like <- if (is_gpu(x)) x else if (is_gpu(y)) y
  x <- as_extent(x, needs[1:2])
  y <- as_extent(y, needs[3:4])
  z <- empty_product(x, y, ta, tb)
  extents <- c(m = nrow(z), k = dim(x)[2 - ta], n = ncol(z))
  step <- panel_steps(extents, needs[5], is_gpu(x), is_gpu(y))
  for (j in pieces(extents[["n"]], step[["n"]])) for (l in pieces(extents[["k"]], step[["k"]])) {
    right <- panel(y, if (tb) j else l, if (tb) l else j, like)
    for (i in pieces(extents[["m"]], step[["m"]])) {
      left <- panel(x, if (ta) l else i, if (ta) i else l, like)
      part <- plain(.Call(C_products, left, right, ta, tb))
      z[i, j] <- z[i, j] + part
    }
  }
  if (length(z) > needs[5]) return(z)
  if (is.null(like)) gpu(z) else gpu(z, real_type_of(like), device_of(like))
}

as_extent <- function(x, extent) {
  if (!identical(as.double(dim(x)), extent)) dim(x) <- extent
  x
}

# Zeros with the dimnames that R gives the product.
empty_product <- function(x, y, ta, tb) {
  x <- plain(if (ta) x[0, , drop = FALSE] else x[, 0, drop = FALSE])
  y <- plain(if (tb) y[, 0, drop = FALSE] else y[0, , drop = FALSE])
  (if (ta) t(x) else x) %*% (if (tb) t(y) else y) + 0
}

# The longest side of what is too large is halved until nothing is; what is on the device already
# takes no room.
panel_steps <- function(extents, most, have_x, have_y) {
  step <- extents
  sides <- list(if (!have_x) c("m", "k"), if (!have_y) c("k", "n"), c("m", "n"))
  for (pair in Filter(length, sides)) while (prod(step[pair]) > most && max(step[pair]) > 1) {
    longest <- pair[which.max(step[pair])]
    step[longest] <- ceiling(step[longest] / 2)
  }
  step
}

# 1..n in runs of `step`.
pieces <- function(n, step) {
  lapply(seq(1, by = step, length.out = ceiling(n / step)), function(i) i:min(i + step - 1, n))
}

panel <- function(x, i, j, like) {
  if (length(i) < nrow(x) || length(j) < ncol(x)) x <- x[i, j, drop = FALSE]
  if (is_gpu(x) || is.null(like)) x else gpu(x, real_type_of(like), device_of(like))
}

# -- int8 --------------------------------------------------------------------------------------

#' Products of small integers
#'
#' The product of two matrices whose values are integers from -128 to 127, exactly. On the device
#' `host` it is computed from bytes, with the processor's instructions for that (VNNI) where it has
#' them: several times as fast as a product of `"float32"`. Elsewhere it is made of products of
#' `"float32"` that are at most 1024 terms deep, and therefore exact.
#'
#' @param x,y Matrices of integers, made by [gpu()] or ordinary ones.
#' @return The product as a matrix of `"int32"` on the device of `x` (else that of `y`, else
#'   [gpu_device()]), with the dimnames that `%*%` gives; `NA` with a warning where it does not fit,
#'   which takes more than 131,071 terms.
#' @section Errors:
#' An `anygpu_error_argument` if a value is `NA`, or not from -128 to 127; an `anygpu_error_type` if
#' an operand does not consist of integers (doubles are none), an `anygpu_error_shape` if they do
#' not fit.
#' @seealso [gpu_matmul()]
#' @examples
#' x <- gpu(matrix(c(-128L, 127L, 5L, 0L), 2), device = "host")
#' gpu_matmul_int8(x, matrix(1:4, 2))
#' @export
gpu_matmul_int8 <- function(x, y) {
  device <- .Call(C_device, if (is_gpu(x)) device_of(x) else if (is_gpu(y)) device_of(y))
  x <- int8_matrix(x, "x", device)
  y <- int8_matrix(y, "y", device)
  if (ncol(x) != nrow(y)) {
    stop_status("shape", sprintf("gpu_matmul_int8: x is %d x %d, y is %d x %d", nrow(x), ncol(x),
                                 nrow(y), ncol(y)))
  }
  z <- if (identical(device, "host")) {
    int8_sum(x, y, 131071, function(x, y) .Call(C_matmul_int8, x, y))
  } else {
    int8_sum(x, y, 1024, function(x, y) {
      gpu(gpu(x, "float32") %*% gpu(y, "float32"), "int32")
    })
  }
  names <- dimnames(empty_product(x, y, FALSE, FALSE))
  if (!is.null(names)) dimnames(z) <- names
  z
}

int8_matrix <- function(x, name, device) {
  if (length(dim(x)) != 2 || !is.integer(x)) {
    stop_status("type", paste0("gpu_matmul_int8: `", name, "`: a matrix of integers is wanted"))
  }
  x <- gpu(x, "int32", device)
  if (!identical(device, "host") && length(x) > 0 && !isTRUE(plain(all(abs(x + 0.5) < 128)))) {
    stop_status("argument", paste0("gpu_matmul_int8: `", name,
                                   "` has NA, or values outside of -128 to 127"))
  }
  x
}

# The sum of products over at most `depth` columns of x at a time.
int8_sum <- function(x, y, depth, multiply) {
  if (ncol(x) <= depth) return(multiply(x, y))
  Reduce(`+`, lapply(pieces(ncol(x), depth), function(l) {
    multiply(x[, l, drop = FALSE], y[l, , drop = FALSE])
  }))
}
