# The classes, and making arrays.

# An array is an R vector (double, integer or logical) that the package's C code stands behind. The
# classes extend those of ordinary matrices and vectors, so that methods for these apply.
#' @exportClass gpu
setClass("gpu", representation("VIRTUAL"))
#' @exportClass gpuVector
setClass("gpuVector", contains = c("gpu", "numeric"))
#' @exportClass gpuMatrix
setClass("gpuMatrix", contains = c("gpu", "matrix"))
#' @exportClass gpuArray
setClass("gpuArray", contains = c("gpu", "array"))

gpu_classes <- c("gpuVector", "gpuMatrix", "gpuArray")
# What stands beside an array in an operator; with every pair of classes given, dispatch never
# guesses.
plain_classes <- c("numeric", "integer", "logical", "matrix", "array", "vector", "ANY")

# Defines `f` for all pairs of classes of which one is an array.
set_binary_methods <- function(generic, f, where = topenv(parent.frame())) {
  for (a in gpu_classes) {
    for (b in c(gpu_classes, plain_classes)) setMethod(generic, c(a, b), f, where = where)
    for (b in plain_classes) setMethod(generic, c(b, a), f, where = where)
  }
}

#' Arrays on a device
#'
#' `gpu()` moves a vector, matrix or array to a device. The result is still an R vector with its
#' `dim`, `dimnames` and `names`: every R function takes it. Operators and functions that are
#' accelerated build an expression that runs when a value is needed; everything else
#' reads the values back and works on them in R.
#'
#' @param x A numeric or logical vector, matrix or array (or data frame of such columns, table,
#'   matrix of package Matrix, `bit64::integer64` or `float::float32`), or an array made by this
#'   package, which is then moved or converted.
#' @param type `"float64"`, `"float32"`, `"int32"` or `"logical"`. By default integers and logical
#'   values keep their type, and real numbers get `getOption("anygpu.type")`; if that is not set,
#'   `"float64"` where the device has it and else `"float32"`, with a message. `float32` has about 7
#'   digits and is faster.
#' @param device The device, such as `"host"`, `"opencl:0"` or `"gpu"`; by default that of
#'   [gpu_device()].
#' @return An object of class `gpuVector`, `gpuMatrix` or `gpuArray`.
#'
#' @section Errors:
#' An `anygpu_error_type` for anything that is not numeric or logical (complex numbers, strings,
#' factors, dates: the message says what to do), an `anygpu_error_device` for an unknown device, an
#' `anygpu_error_memory` when the device has no room. All of them are `anygpu_error`s.
#' @seealso [gpu_zeros()], [gpu_runif()], [gpu_type()], [gpu_force()]
#' @examples
#' x <- gpu(matrix(c(1, 2, 3, 4), 2), device = "host")
#' x %*% t(x) + 1
#' is.matrix(x)
#' apply(x, 1, max)
#' @export
gpu <- function(x, type = NULL, device = NULL) {
  if (is_gpu(x)) return(gpu_as(x, type, device))
  if (is.null(type)) type <- own_type(x)
  x <- numbers_of(x)
  if (identical(type, "int32") && is.double(x)) x <- base_try(`storage.mode<-`(x, "integer"))
  .Call(C_upload, x, type, device)
}

# An array of ours on another device or of another type.
gpu_as <- function(x, type, device) {
  if (!is.null(device)) device <- .Call(C_device, device)
  if (!is.null(device) && !identical(device, .Call(C_info, x)[2])) {
    if (is.null(type)) type <- gpu_type(x)
    return(.Call(C_upload, plain(x), type, device))
  }
  if (is.null(type)) x else .Call(C_cast, x, type)
}

# An ordinary R vector with the same values and attributes; anything else is returned as it is.
plain <- function(x) .Call(C_plain, x)

#' Is this an array on a device?
#'
#' @param x Any object.
#' @return `TRUE` for arrays made by this package, and for single numbers (`sum(x)`, `x[1, 2]`)
#'   whose value is still on its way from the device.
#' @examples
#' is_gpu(gpu(1:3, device = "host"))
#' is_gpu(1:3)
#' @export
is_gpu <- function(x) .Call(C_is, x)

#' Matrices and arrays on a device
#'
#' As [matrix()] and [array()], with the result on a device. `data` that is on a device
#' already stays there; the functions of base R read its values.
#' @param data,nrow,ncol,byrow,dimnames,dim As for [matrix()] and [array()].
#' @inheritParams gpu
#' @return A `gpuMatrix` of `nrow` rows and `ncol` columns; a `gpuVector`-like `gpuArray` or
#'   `gpuMatrix` with extents `dim`.
#' @examples
#' gpu_matrix(1:6, 2, device = "host")
#' gpu_array(1:4, c(2, 2, 2), device = "host")
#' @export
gpu_matrix <- function(data = NA, nrow = 1, ncol = 1, byrow = FALSE, dimnames = NULL,
                       type = NULL, device = NULL) {
  size <- list()
  if (!missing(nrow)) size$nrow <- nrow
  if (!missing(ncol)) size$ncol <- ncol
  if (is_gpu(data) && length(data) > 0L) {
    d <- matrix_extents(length(data), size)
    if (byrow) d <- rev(d)
    x <- refill(gpu(data, type, device), d, if (!byrow) dimnames)
    if (!byrow) return(x)
    x <- t(x)
    if (!is.null(dimnames)) dimnames(x) <- dimnames
    return(x)
  }
  args <- c(list(data = plain(data)), size, list(byrow = byrow, dimnames = dimnames))
  gpu(base_try(do.call(matrix, args)), type, device)
}

#' @rdname gpu_matrix
#' @export
gpu_array <- function(data = NA, dim = length(data), dimnames = NULL, type = NULL,
                      device = NULL) {
  dim <- plain(dim)
  usable <- is.numeric(dim) && length(dim) %in% 1:8 && !anyNA(dim) && all(dim >= 0)
  if (usable && is_gpu(data) && length(data) > 0L) {
    return(refill(gpu(data, type, device), as.integer(dim), dimnames))
  }
  gpu(base_try(array(plain(data), dim, dimnames)), type, device)
}

# The elements of x, recycled or cut, in the shape `d`.
refill <- function(x, d, dimnames) {
  .Call(C_rep, x, 1, prod(d), as.integer(d), dimnames)
}

# Rows and columns of matrix(data, ...) for n elements of data. Where they do not fit base R says
# what it does of a stand-in.
matrix_extents <- function(n, size) {
  rows <- if (is.null(size$nrow)) NULL else plain(size$nrow)
  cols <- if (is.null(size$ncol)) NULL else plain(size$ncol)
  if (is.null(rows) && is.null(cols)) return(c(n, 1L))
  if (is.null(rows)) rows <- ceiling(n / cols)
  if (is.null(cols)) cols <- ceiling(n / rows)
  fits <- isTRUE(rows >= 1 && cols >= 1 && (floor(rows) * floor(cols)) %% n == 0)
  if (fits) return(as.integer(c(rows, cols)))
  dim(base_try(do.call(matrix, c(list(data = logical(n)), size))))
}

#' Arrays of zeros, and the identity matrix
#'
#' @param ... The extents: `gpu_zeros(2, 3)` or `gpu_zeros(c(2, 3))`.
#' @param n Rows and columns of the identity matrix.
#' @param type `"float64"`, `"float32"`, `"int32"` or `"logical"`; by default as for [gpu()] of real
#'   numbers.
#' @inheritParams gpu
#' @return A `gpuVector`, `gpuMatrix` or `gpuArray`.
#' @examples
#' gpu_zeros(2, 3, device = "host")
#' gpu_eye(3, device = "host")
#' @export
gpu_zeros <- function(..., type = NULL, device = NULL) {
  .Call(C_fill, 0, c(...), type, device)
}

#' @rdname gpu_zeros
#' @export
gpu_eye <- function(n, type = NULL, device = NULL) {
  if (length(n) != 1) stop_status("argument", "`n`: one number is wanted")
  .Call(C_eye, n, type, device)
}

# -- back to R -----------------------------------------------------------------------------------

#' Ordinary R objects from arrays
#'
#' The values come back from the device, with `dim` and `dimnames`.
#' @param x An array made by [gpu()].
#' @param mode,... As for [as.vector()], [as.matrix()] and [as.array()].
#' @return An ordinary R vector, matrix or array.
#' @examples
#' x <- gpu(matrix(1:4, 2), device = "host")
#' as.matrix(x + 1)
#' @name as.matrix.gpu
NULL

#' @rdname as.matrix.gpu
#' @exportS3Method
as.matrix.gpu <- function(x, ...) {
  x <- plain(x)
  if (is.matrix(x)) x else as.matrix(x, ...)
}

#' @rdname as.matrix.gpu
#' @exportS3Method
as.array.gpu <- function(x, ...) as.array(plain(x), ...)

#' @rdname as.matrix.gpu
#' @exportS3Method
as.vector.gpu <- function(x, mode = "any") as.vector(plain(x), mode)

#' Run what is pending
#'
#' `gpu_force()` runs the expression behind `x`; the values stay on the device. Printing, reading or
#' passing an array to a function of base R does so by itself. `gpu_synchronize()`
#' waits until the device has finished all it was given, as timing needs.
#' @param x An array made by [gpu()].
#' @param device A device, by default [gpu_device()].
#' @return `gpu_force()`: `x`. `gpu_synchronize()`: `NULL`, invisibly.
#' @examples
#' x <- gpu(1:10, "float64", device = "host")
#' y <- gpu_force(exp(x))
#' gpu_synchronize("host")
#' @export
gpu_force <- function(x) .Call(C_force, x)

#' @rdname gpu_force
#' @export
gpu_synchronize <- function(device = NULL) invisible(.Call(C_synchronize, device))
