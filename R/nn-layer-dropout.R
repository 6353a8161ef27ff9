# Dropout: noise against overfitting.

#' Dropout layer
#'
#' In training each number is set to 0 with probability `rate`, anew for each batch, and the others
#' are divided by `1 - rate`, so that sums keep their expectation. Predictions are made without.
#'
#' @param rate The share to drop, at least 0 and less than 1.
#' @param ... The output of another layer may stand before all other arguments, as the pipe puts it:
#'   see [nn_model()].
#' @return An object of class `nn_layer`, to be given to [nn_model()].
#' @section Errors: A bad `rate` gives an error of class `anygpu_error_argument`.
#' @references Srivastava, N., Hinton, G., Krizhevsky, A., Sutskever, I. and Salakhutdinov, R.
#'   (2014). Dropout: a simple way to prevent neural networks from overfitting. *JMLR* 15.
#' @seealso [layers]
#' @examples
#' nn_model(layer_dense(128, "relu"), layer_dropout(0.3), layer_dense(10))
#' @export
layer_dropout <- function(rate, ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_layer("dropout", rate = nn_number(rate, "rate", 0, 1, closed = TRUE))
}

#' @exportS3Method
nn_layer_forward.nn_layer_dropout <- function(layer, w, h, ctx) {
  if (!ctx$training || layer$rate == 0) return(h)
  h * (ctx$uniform(dim(h)) > layer$rate) / (1 - layer$rate)
}
