#' Neural network
#'
#' Puts layers one behind the other. The result is a plan of the network only: it has no
#' weights until [nn_fit()] draws and trains them.
#'
#' @param ... Layers such as [layer_dense()], from input to output.
#' @return An object of class `nn_model`: a list with the element `layers`.
#' @section Errors: Anything that is not a layer gives an error of class
#'   `anygpu_error_argument`.
#' @examples
#' nn_model(layer_dense(256, "relu"), layer_dense(128, "relu"), layer_dense(10))
#' @seealso [nn_fit()]
#' @export
nn_model <- function(...) {
  layers <- list(...)
  if (length(layers) == 0) nn_stop("argument", "nn_model() needs at least one layer")
  for (i in seq_along(layers)) {
    if (inherits(layers[[i]], "nn_layer")) next
    nn_stop("argument", "argument %d of nn_model() must be a layer such as layer_dense(), not %s",
            i, nn_describe(layers[[i]]))
  }
  structure(list(layers = unname(layers)), class = "nn_model")
}

#' @export
format.nn_model <- function(x, ...) {
  sprintf("  %d  %s", seq_along(x$layers), vapply(x$layers, format, ""))
}

#' @export
print.nn_model <- function(x, ...) {
  n <- length(x$layers)
  cat(sprintf("<nn_model> %d %s\n", n, if (n == 1) "layer" else "layers"))
  cat(format(x), sep = "\n")
  invisible(x)
}

# Starting weights: one named list per layer.
nn_model_init <- function(model, inputs) {
  weights <- list()
  for (i in seq_along(model$layers)) {
    weights[[i]] <- nn_layer_init(model$layers[[i]], inputs)
    inputs <- nn_layer_units(model$layers[[i]], inputs)
  }
  weights
}

# The output on `h` (a sample per column). `logits`: leave out a softmax at the end.
nn_model_forward <- function(model, weights, h, logits) {
  last <- length(model$layers)
  for (i in seq_len(last)) {
    layer <- model$layers[[i]]
    if (logits && i == last && layer$activation == "softmax") layer$activation <- "linear"
    h <- nn_layer_forward(layer, weights[[i]], h)
  }
  h
}

nn_model_outputs <- function(model, inputs) {
  for (layer in model$layers) inputs <- nn_layer_units(layer, inputs)
  inputs
}
