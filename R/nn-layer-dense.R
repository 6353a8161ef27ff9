#' Dense layer
#'
#' A fully connected layer: each of its `units` is an activation of a weighted sum of
#' all its inputs and a bias, `activation(W %*% h + b)`, with a sample per column of `h`.
#' On an input with further dimensions (`n x time x features`) it acts on the last one alone.
#'
#' The number of inputs is not given: it follows from the data when the model is fitted.
#' Weights are drawn from R's random number stream when fitting starts, so
#' [set.seed()] is enough to get the same ones again: normal with standard deviation
#' `sqrt(2 / inputs)` before a `"relu"` or one of its kind (He et al. 2015), uniform within
#' `sqrt(6 / (inputs + units))` of 0 otherwise (Glorot and Bengio 2010). Biases start at 0.
#'
#' @param units The number of outputs, a whole number of at least 1.
#' @param activation `NULL` or `"linear"`, or the name of an activation: see [activations].
#'   A softmax in the last layer is not needed for classification: the loss
#'   takes the layer's output before the softmax in any case, which is more accurate.
#' @param bias Whether there is a bias.
#' @param ... The output of another layer may stand before all other arguments, as the pipe puts it:
#'   see [nn_model()].
#' @return An object of class `nn_layer`, to be given to [nn_model()].
#' @section Errors: A bad `units` or an unknown `activation` gives an error of class
#'   `anygpu_error_argument`.
#' @references He, K., Zhang, X., Ren, S. and Sun, J. (2015). Delving deep into rectifiers. *ICCV*.
#'
#'   Glorot, X. and Bengio, Y. (2010). Understanding the difficulty of training deep
#'   feedforward neural networks. *AISTATS*.
#' @seealso [layers], also for where defaults differ from those of Keras and PyTorch
#' @examples
#' layer_dense(16, "relu")
#' nn_model(layer_dense(16, "relu"), layer_dense(3))
#' @export
layer_dense <- function(units, activation = NULL, bias = TRUE, ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_layer("dense", units = nn_count(units, "units"), activation = nn_activation(activation),
           bias = nn_flag(bias, "bias"))
}

#' @exportS3Method
nn_layer_shape.nn_layer_dense <- function(layer, shape) c(layer$units, shape[-1])

#' @exportS3Method
nn_layer_init.nn_layer_dense <- function(layer, shape) {
  weight <- nn_draw(c(layer$units, shape[1]), shape[1], layer$units, layer$activation)
  c(list(weight = weight), if (layer$bias) list(bias = numeric(layer$units)))
}

# Starting weights of dimensions `dim`, each output of which has `inputs` terms.
nn_draw <- function(dim, inputs, outputs, activation = "linear") {
  n <- prod(dim)
  array(if (activation %in% c("relu", "relu6", "leaky_relu")) {
    stats::rnorm(n, sd = sqrt(2 / inputs))
  } else {
    limit <- sqrt(6 / (inputs + outputs))
    stats::runif(n, -limit, limit)
  }, dim)
}

#' @exportS3Method
nn_layer_forward.nn_layer_dense <- function(layer, w, h, ctx) {
  shape <- dim(h)
  if (length(shape) > 2) h <- nn_reshape(h, c(shape[1], prod(shape[-1])))
  z <- w$weight %*% h
  if (layer$bias) z <- z + w$bias
  if (length(shape) > 2) z <- nn_reshape(z, c(layer$units, shape[-1]))
  nn_activate(layer$activation, z)
}
