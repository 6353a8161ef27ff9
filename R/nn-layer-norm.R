# Normalisation. Variances are taken in two passes: the mean of squares minus the squared mean
# loses all digits of data whose mean is large beside its spread.

#' Normalisation layers
#'
#' Bring their input to mean 0 and variance 1, then scale and shift it by trained numbers, one of
#' each per feature (or channel). `layer_batch_norm()` does so for each channel, over
#' the samples of the batch and all positions in them; `layer_layer_norm()` for each sample and
#' position, over its features.
#'
#' Batch normalisation is one thing in training and another in prediction: there, each sample has
#' to be treated the same, whatever it comes with, so the means and variances are those that
#' training left behind, each a running mean over batches, `momentum * old + (1 - momentum) *
#' batch`. A frozen layer (see [nn_freeze()]) uses them in training too, and leaves them as they
#' are. The share of the old one is 0.9 by default, as in PyTorch, where it is called momentum
#' 0.1; in Keras it is 0.99, which takes some hundred batches to be of use. The running variance is
#' that of [var()], with divisor n - 1. A batch of a single row of features has no variance: the
#' layer makes 0 of it (and its shift), from which nothing is learnt.
#'
#' @param momentum How much of the old running mean and variance stays in each batch, at least 0 and
#'   less than 1.
#' @param eps Is added to variances, so that none is 0.
#' @param scale,shift Whether there are trained scales (they start at 1) and shifts (at 0).
#' @param ... The output of another layer may stand before all other arguments, as the pipe puts it:
#'   see [nn_model()].
#' @return An object of class `nn_layer`, to be given to [nn_model()].
#' @section Errors: Bad arguments give an error of class `anygpu_error_argument`.
#' @references Ioffe, S. and Szegedy, C. (2015). Batch normalization: accelerating deep network
#'   training by reducing internal covariate shift. *ICML*.
#'
#'   Ba, J. L., Kiros, J. R. and Hinton, G. E. (2016). Layer normalization. arXiv:1607.06450.
#' @seealso [layers]
#' @examples
#' nn_model(layer_dense(32, bias = FALSE), layer_batch_norm(), layer_activation("relu"),
#'          layer_dense(1))
#' @export
layer_batch_norm <- function(momentum = 0.9, eps = 1e-5, scale = TRUE, shift = TRUE, ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_layer("batch_norm", momentum = nn_number(momentum, "momentum", 0, 1, closed = TRUE),
           eps = nn_number(eps, "eps"), scale = nn_flag(scale, "scale"),
           shift = nn_flag(shift, "shift"))
}

#' @rdname layer_batch_norm
#' @export
layer_layer_norm <- function(eps = 1e-5, scale = TRUE, shift = TRUE, ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_layer("layer_norm", eps = nn_number(eps, "eps"), scale = nn_flag(scale, "scale"),
           shift = nn_flag(shift, "shift"))
}

# -- what both have --------------------------------------------------------------------------------

nn_norm_init <- function(layer, shape) {
  c(if (layer$scale) list(scale = rep(1, shape[1])),
    if (layer$shift) list(shift = numeric(shape[1])))
}

#' @exportS3Method
nn_layer_init.nn_layer_batch_norm <- nn_norm_init
#' @exportS3Method
nn_layer_init.nn_layer_layer_norm <- nn_norm_init

#' @export
format.nn_layer_batch_norm <- function(x, ...) {
  paste0("batch norm", nn_norm_text(x), if (isTRUE(x$frozen)) ", frozen")
}

#' @export
format.nn_layer_layer_norm <- function(x, ...) {
  paste0("layer norm", nn_norm_text(x), if (isTRUE(x$frozen)) ", frozen")
}

nn_norm_text <- function(x) paste0(if (!x$scale) ", no scale", if (!x$shift) ", no shift")

# Both write (h - mean) * factor as d * factor + (center - mean) * factor, where `center` is the
# mean as a constant to gradients and d = h - center. The second term is 0, but has the mean's
# gradient: so that is one sum of what comes back, which the shift's gradient is too. The variance's
# gradient by the mean is the sum of deviations, 0.

nn_square <- function(x) .Call(C_unary, "square", x)

# -- over the batch --------------------------------------------------------------------------------

#' @exportS3Method
nn_layer_state.nn_layer_batch_norm <- function(layer, shape) {
  list(mean = numeric(shape[1]), variance = rep(1, shape[1]))
}

# Channels come first, so R's recycling is over channels: w$mean meets each position and sample.
#' @exportS3Method
nn_layer_forward.nn_layer_batch_norm <- function(layer, w, h, ctx) {
  batch <- ctx$training && !isTRUE(layer$frozen)
  mean <- if (batch) rowMeans(h) else w$mean
  d <- h - nn_detach(mean)
  variance <- if (batch) rowMeans(nn_square(d)) else w$variance
  if (batch) nn_batch_norm_update(layer, w, mean, variance, length(h) / dim(h)[1], ctx)
  factor <- 1 / sqrt(variance + layer$eps)
  if (layer$scale) factor <- factor * w$scale
  y <- d * factor
  if (batch) y <- y + (nn_detach(mean) - mean) * factor
  if (layer$shift) y + w$shift else y
}

nn_batch_norm_update <- function(layer, w, mean, variance, n, ctx) {
  old <- layer$momentum
  ctx$update("mean", old * w$mean + (1 - old) * mean)
  unbiased <- n / max(1, n - 1)
  ctx$update("variance", old * w$variance + ((1 - old) * unbiased) * variance)
}

# -- over the features of a sample -----------------------------------------------------------------

#' @exportS3Method
nn_layer_forward.nn_layer_layer_norm <- function(layer, w, h, ctx) {
  mean <- nn_reduce("mean", h)
  d <- h - nn_spread(nn_detach(mean), h)
  factor <- 1 / sqrt(nn_reduce("mean", nn_square(d)) + layer$eps)
  y <- d * nn_spread(factor, h) + nn_spread((nn_detach(mean) - mean) * factor, h)
  if (layer$scale) y <- y * w$scale
  if (layer$shift) y + w$shift else y
}
