#' Dense layer
#'
#' A fully connected layer: each of its `units` is an activation of a weighted sum of
#' all its inputs and a bias, `activation(W %*% h + b)`, with a sample per column of `h`.
#'
#' The number of inputs is not given: it follows from the data when the model is fitted.
#' Weights are drawn from R's random number stream when fitting starts, so
#' [set.seed()] is enough to get the same ones again: normal with standard deviation
#' `sqrt(2 / inputs)` before a `"relu"` (He et al. 2015), uniform within
#' `sqrt(6 / (inputs + units))` of 0 otherwise (Glorot and Bengio 2010). Biases start at 0.
#'
#' @param units The number of outputs, a whole number of at least 1.
#' @param activation `"linear"` (or `NULL`), `"relu"`, `"sigmoid"`, `"tanh"` or
#'   `"softmax"`. A softmax in the last layer is not needed for classification: the loss
#'   takes the layer's output before the softmax in any case, which is more accurate.
#' @return An object of class `nn_layer`, to be given to [nn_model()].
#' @section Errors: A bad `units` or an unknown `activation` gives an error of class
#'   `anygpu_error_argument`.
#' @references He, K., Zhang, X., Ren, S. and Sun, J. (2015). Delving deep into rectifiers. *ICCV*.
#'
#'   Glorot, X. and Bengio, Y. (2010). Understanding the difficulty of training deep
#'   feedforward neural networks. *AISTATS*.
#' @examples
#' layer_dense(16, "relu")
#' nn_model(layer_dense(16, "relu"), layer_dense(3))
#' @export
layer_dense <- function(units, activation = NULL) {
  units <- nn_count(units, "units")
  activation <- nn_choice(activation, "activation", names(nn_activations), "linear")
  structure(list(units = units, activation = activation), class = c("nn_layer_dense", "nn_layer"))
}

# What a layer is to the trainer: three functions. `h` has a sample per column; a layer must
# compose operations that plain matrices and device arrays share, because the trainer runs
# it on placeholders and predict() on data.

# Named list of starting values for `inputs` inputs; their shapes are the parameters' shapes.
nn_layer_init <- function(layer, inputs) UseMethod("nn_layer_init")
# The output for input `h`; `par` is what nn_layer_init() returned, on the device.
nn_layer_forward <- function(layer, par, h) UseMethod("nn_layer_forward")
# The number of outputs per sample for `inputs` inputs.
nn_layer_units <- function(layer, inputs) UseMethod("nn_layer_units")

#' @exportS3Method
nn_layer_init.nn_layer_dense <- function(layer, inputs) {
  n <- layer$units * inputs
  weight <- if (layer$activation == "relu") {
    stats::rnorm(n, sd = sqrt(2 / inputs))
  } else {
    limit <- sqrt(6 / (inputs + layer$units))
    stats::runif(n, -limit, limit)
  }
  list(weight = matrix(weight, layer$units, inputs), bias = numeric(layer$units))
}

#' @exportS3Method
nn_layer_forward.nn_layer_dense <- function(layer, par, h) {
  nn_activations[[layer$activation]](par$weight %*% h + par$bias)
}

#' @exportS3Method
nn_layer_units.nn_layer_dense <- function(layer, inputs) layer$units

# One row per activation; each takes a device array with a sample per column.
nn_activations <- list(
  linear = function(z) z,
  relu = function(z) relu(z),
  sigmoid = function(z) sigmoid(z),
  tanh = function(z) tanh(z),
  softmax = function(z) .Call(C_nn_softmax, z)
)

#' @export
format.nn_layer <- function(x, ...) {
  sprintf("%s, %d %s, %s", sub("^nn_layer_", "", class(x)[1]), x$units,
          if (x$units == 1) "unit" else "units", x$activation)
}

#' @export
print.nn_layer <- function(x, ...) {
  cat("<nn_layer> ", format(x), "\n", sep = "")
  invisible(x)
}
