# Operators: one .Call each. What the C code does not do comes back to fallback().

#' @exportMethod Ops
set_binary_methods("Ops", function(e1, e2) .Call(C_binary, .Generic, e1, e2))
for (class in gpu_classes) {
  setMethod("Ops", c(class, "missing"), function(e1, e2) .Call(C_unary, .Generic, e1))
}
rm(class)

#' @exportMethod "!"
setMethod("!", "gpu", function(x) .Call(C_unary, "!", x))

#' @exportMethod is.na
setMethod("is.na", "gpu", function(x) .Call(C_test, "is.na", x))

#' @exportMethod is.nan
setMethod("is.nan", "gpu", function(x) .Call(C_test, "is.nan", x))

#' @exportMethod is.finite
setMethod("is.finite", "gpu", function(x) .Call(C_test, "is.finite", x))

#' @exportMethod is.infinite
setMethod("is.infinite", "gpu", function(x) .Call(C_test, "is.infinite", x))

#' @exportMethod anyNA
setMethod("anyNA", "gpu", function(x, recursive = FALSE) as.logical(any(is.na(x))))

#' Elementwise functions for neural networks
#'
#' `relu(x)` is max(x, 0), `sigmoid(x)` 1 / (1 + exp(-x)), `softplus(x)` log(1 + exp(x)),
#' `gelu(x)` x [pnorm][stats::pnorm](x), `erf(x)` the error function 2 pnorm(x sqrt(2)) - 1.
#' @param x An array made by [gpu()], or an ordinary numeric vector, which is computed on the
#'   default device.
#' @return As `x`.
#' @references Hendrycks, D. and Gimpel, K. (2016) Gaussian error linear units. arXiv:1606.08415.
#' @examples
#' relu(gpu(c(-1, 2), device = "host"))
#' with_gpu_device("host", sigmoid(0))
#' @name activations
NULL

elementwise <- function(name, x) {
  if (is_gpu(x)) return(.Call(C_unary, name, x))
  result <- .Call(C_unary, name, gpu(x))
  attributes(result) <- NULL
  result <- plain(result)[seq_along(x)]
  attributes(result) <- attributes(x)
  result
}

#' @rdname activations
#' @export
relu <- function(x) elementwise("relu", x)

#' @rdname activations
#' @export
sigmoid <- function(x) elementwise("sigmoid", x)

#' @rdname activations
#' @export
gelu <- function(x) elementwise("gelu", x)

#' @rdname activations
#' @export
softplus <- function(x) elementwise("softplus", x)

#' @rdname activations
#' @export
erf <- function(x) elementwise("erf", x)

# The rows of ops.def: name, R's name, arity, group, domain of test arguments, title, and whether
# it has a derivative.
ops_table <- function() as.data.frame(.Call(C_ops_table))
