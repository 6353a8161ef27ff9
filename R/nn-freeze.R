# Transfer learning: what is kept as it is while the rest is trained.

#' Freeze layers
#'
#' The parameters of frozen layers stay as they are when the model is trained, as when layers
#' taken from a fitted model get a new last layer to be trained on other data. A frozen
#' [layer_batch_norm()] also keeps its means and variances. `nn_unfreeze()` undoes it.
#'
#' @param x A model made by [nn_model()], or a fit made by [nn_fit()].
#' @param layers Which layers: numbers, negative ones for all but those, or a logical vector.
#'   `NULL`: all.
#' @return `x`, with these layers frozen (or not); the others are as they were.
#' @section Errors: Numbers of layers that there are not give an error of class
#'   `anygpu_error_argument`.
#' @examples
#' net <- nn_model(layer_dense(32, "relu"), layer_dense(16, "relu"), layer_dense(3))
#' nn_freeze(net, 1:2)
#' @export
nn_freeze <- function(x, layers = NULL) nn_set_frozen(x, layers, TRUE)

#' @rdname nn_freeze
#' @export
nn_unfreeze <- function(x, layers = NULL) nn_set_frozen(x, layers, NULL)

nn_set_frozen <- function(x, layers, value) {
  if (inherits(x, "nn_fit")) {
    x$model <- nn_set_frozen(x$model, layers, value)
    return(x)
  }
  nn_check_class(x, "x", "nn_model", "a model made by nn_model() or a fit made by nn_fit()")
  of <- nn_weights_of(x)
  at <- nn_which_layers(layers, length(x$layers))
  for (i in which(of %in% of[at])) x$layers[[i]]$frozen <- value
  x
}

nn_which_layers <- function(layers, n) {
  if (is.null(layers)) return(seq_len(n))
  at <- if (is.logical(layers) || is.numeric(layers)) {
    tryCatch(seq_len(n)[layers], error = function(e) NA)
  }
  if (length(at) && !anyNA(at)) return(at)
  nn_stop("argument", "`layers` must be numbers of the %d layers, not %s", n, nn_describe(layers))
}
