# Activations as layers of their own.

#' Activation layers
#'
#' `layer_activation()` applies an activation by its name, where it is to stand apart from the
#' layer before it: after a [layer_batch_norm()], say. `layer_prelu()` is a [leaky_relu()] whose
#' slope is trained, one for each feature (or channel).
#'
#' @param activation The name of one of the [activations].
#' @param slope The slopes to start with.
#' @param ... The output of another layer may stand before all other arguments, as the pipe puts it:
#'   see [nn_model()].
#' @return An object of class `nn_layer`, to be given to [nn_model()].
#' @section Errors: An unknown `activation` or a `slope` that is no number gives an error of class
#'   `anygpu_error_argument`.
#' @references He, K., Zhang, X., Ren, S. and Sun, J. (2015). Delving deep into rectifiers. *ICCV*.
#' @seealso [layers]
#' @examples
#' nn_model(layer_dense(16), layer_activation("silu"), layer_dense(16), layer_prelu())
#' @export
layer_activation <- function(activation, ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_layer("activation", activation = nn_activation(activation))
}

#' @exportS3Method
nn_layer_forward.nn_layer_activation <- function(layer, w, h, ctx) {
  nn_activate(layer$activation, h)
}

#' @rdname layer_activation
#' @export
layer_prelu <- function(slope = 0.25, ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_layer("prelu", slope = nn_number(slope, "slope", -Inf))
}

#' @exportS3Method
nn_layer_init.nn_layer_prelu <- function(layer, shape) {
  list(slope = rep(layer$slope, shape[1]))
}

#' @exportS3Method
nn_layer_forward.nn_layer_prelu <- function(layer, w, h, ctx) leaky_relu(h, w$slope)
