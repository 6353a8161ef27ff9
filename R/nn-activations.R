# Activations: what stands between the layers. The elementwise ones are rows of src/core/ops.def.

#' Activations
#'
#' Functions that make a network more than a product of matrices. A layer takes their names, as in
#' `layer_dense(32, "relu")`; as functions they act on arrays.
#'
#' \tabular{ll}{
#' `linear` \tab x: no activation \cr
#' `relu` \tab max(x, 0) \cr
#' `relu6` \tab min(max(x, 0), 6) \cr
#' `leaky_relu` \tab x, or `slope` x where x is negative \cr
#' `elu` \tab x, or `scale` (exp(x) - 1) where x is negative \cr
#' `selu` \tab 1.0507 `elu(x, 1.6733)`: layer after layer, variances go towards 1 \cr
#' `gelu` \tab x [pnorm][stats::pnorm](x) \cr
#' `silu` \tab x sigmoid(x), also called swish \cr
#' `softplus` \tab log(1 + exp(x)) \cr
#' `sigmoid` \tab 1 / (1 + exp(-x)) \cr
#' `tanh` \tab R's own \cr
#' `exponential` \tab exp(x): a positive output, as for a mean of counts \cr
#' `softmax` \tab exp(x) over its sum along the first dimension: probabilities of classes \cr
#' `hard_sigmoid` \tab relu6(x + 3) / 6 \cr
#' `hard_tanh` \tab min(max(x, -1), 1) \cr
#' `hard_silu` \tab x relu6(x + 3) / 6, also called hard swish
#' }
#' `erf(x)` is the error function 2 pnorm(x sqrt(2)) - 1.
#'
#' @param x An array made by [gpu()], or an ordinary numeric vector, which is computed on the
#'   default device. `softmax()` takes the first dimension as that of the classes, as arrays inside
#'   a network have it: of a matrix with a sample per row it is `t(softmax(t(x)))`.
#' @param slope,scale What negative numbers are multiplied with: a number, or a vector that is
#'   recycled along `x`.
#' @return As `x`.
#' @seealso [layer_activation()], [layer_prelu()]
#' @references Clevert, D.-A., Unterthiner, T. and Hochreiter, S. (2016) Fast and accurate deep
#'   network learning by exponential linear units (ELUs). *ICLR*.
#'
#'   Hendrycks, D. and Gimpel, K. (2016) Gaussian error linear units. arXiv:1606.08415.
#'
#'   Howard, A. et al. (2019) Searching for MobileNetV3. *ICCV* (the hard ones).
#'
#'   Klambauer, G., Unterthiner, T., Mayr, A. and Hochreiter, S. (2017) Self-normalizing neural
#'   networks. *NeurIPS*.
#' @examples
#' relu(gpu(c(-1, 2), device = "host"))
#' with_gpu_device("host", leaky_relu(c(-1, 2), slope = 0.1))
#' with_gpu_device("host", softmax(c(a = 0, b = log(3))))
#' @name activations
NULL

# `op` of x, or of x and the parameter `b`.
elementwise <- function(op, x, b = NULL) {
  if (is_gpu(x)) return(if (is.null(b)) .Call(C_unary, op, x) else .Call(C_binary, op, x, b))
  of_plain(x, function(x) elementwise(op, x, b))
}

# f of an ordinary vector on the default device; the result, of as many elements, has the vector's
# attributes.
of_plain <- function(x, f) {
  result <- f(gpu(x))
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
relu6 <- function(x) elementwise("relu6", x)

#' @rdname activations
#' @export
leaky_relu <- function(x, slope = 0.01) elementwise("leaky_relu", x, slope)

#' @rdname activations
#' @export
elu <- function(x, scale = 1) elementwise("elu", x, scale)

#' @rdname activations
#' @export
selu <- function(x) elementwise("selu", x)

#' @rdname activations
#' @export
gelu <- function(x) elementwise("gelu", x)

#' @rdname activations
#' @export
silu <- function(x) elementwise("silu", x)

#' @rdname activations
#' @export
softplus <- function(x) elementwise("softplus", x)

#' @rdname activations
#' @export
sigmoid <- function(x) elementwise("sigmoid", x)

#' @rdname activations
#' @export
hard_sigmoid <- function(x) elementwise("hard_sigmoid", x)

#' @rdname activations
#' @export
hard_tanh <- function(x) elementwise("hard_tanh", x)

#' @rdname activations
#' @export
hard_silu <- function(x) elementwise("hard_silu", x)

#' @rdname activations
#' @export
erf <- function(x) elementwise("erf", x)

# Taking out the largest keeps exp() in range; no gradient passes through it, since the result does
# not depend on it.
#' @rdname activations
#' @export
softmax <- function(x) {
  if (!is_gpu(x)) return(of_plain(x, softmax))
  if (is.null(dim(x))) return(like_vector(softmax(nn_reshape(x, c(length(x), 1))), x))
  e <- exp(x - nn_spread(nn_detach(nn_reduce("max", x)), x))
  e / nn_spread(nn_reduce("sum", e), x)
}

like_vector <- function(y, x) {
  y <- .Call(C_reshape, y, NULL)
  names(y) <- names(x)
  y
}

# A statistic ("sum", "mean", "max") over dimensions first to last, by default the features; and
# such statistics of features in h's shape: views, which operations on them read without a copy.
nn_reduce <- function(name, h, first = 1, last = 1) .Call(C_reduce_over, name, h, first, last)
nn_spread <- function(v, h) stretch(v, h, seq_along(dim(h))[-1])

# h, a constant to gradients.
nn_detach <- function(h) .Call(C_unary, "stop", h)

# One row per activation; each takes a device array with features first and samples last.
nn_activations <- list(
  linear = function(z) z,
  relu = relu,
  relu6 = relu6,
  leaky_relu = leaky_relu,
  elu = elu,
  selu = selu,
  gelu = gelu,
  silu = silu,
  softplus = softplus,
  sigmoid = sigmoid,
  tanh = tanh,
  exponential = exp,
  softmax = softmax,
  hard_sigmoid = hard_sigmoid,
  hard_tanh = hard_tanh,
  hard_silu = hard_silu
)

# The activation's name, or an error.
nn_activation <- function(x, name = "activation") {
  nn_choice(x, name, names(nn_activations), "linear")
}

nn_activate <- function(name, z) nn_activations[[name]](z)
