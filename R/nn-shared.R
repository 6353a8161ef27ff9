# Layers at several places of a network, with the same weights.

#' Shared layers
#'
#' Makes of layers a function of nodes. Wherever it is used, the layers have the same weights, which
#' are trained by all these uses together: the two towers of a siamese network, or a text encoder
#' for question and answer.
#'
#' The shapes of the inputs have to be such that the weights are of the same shape at each use. The
#' running means of a [layer_batch_norm()] follow the mean over the uses in a step. Weights are
#' counted, drawn and kept once, at the first use; [nn_freeze()] of one use freezes all.
#'
#' @param ... Layers such as [layer_dense()], a model made by [nn_model()], or a fit, from whose
#'   weights the training then starts.
#' @return A function of nodes (see [nn_input()]), as many as the model has inputs, one for layers.
#'   It gives a node; of a model with several outputs a list of nodes.
#' @section Errors: What [nn_model()] does not take, or calling the function with anything but the
#'   right number of nodes, gives an error of class `anygpu_error_argument`; an input for which the
#'   weights would have another shape one of class `anygpu_error_shape` when the model meets its
#'   data.
#' @references Bromley, J., Guyon, I., LeCun, Y., Saeckinger, E. and Shah, R. (1993). Signature
#'   verification using a "siamese" time delay neural network. *NeurIPS*.
#' @seealso [nn_model()], [nn_layers()] to use trained layers in another model
#' @examples
#' # how far apart two samples are, in a space that is learnt
#' tower <- nn_shared(layer_dense(16, "relu"), layer_dense(2))
#' a <- nn_input(4)
#' b <- nn_input(4)
#' d <- layer_add(tower(a), tower(b) |> layer_lambda(function(x) -x)) |>
#'   layer_lambda(function(x) sqrt(colSums(x^2) + 1e-6), "distance")
#' nn_model(d, inputs = list(a, b))
#' @export
nn_shared <- function(...) {
  parts <- list(...)
  model <- if (length(parts) == 1 && inherits(parts[[1]], c("nn_model", "nn_fit"))) {
    nn_as_model(parts[[1]])
  } else {
    nn_model(...)
  }
  ids <- nn_share_ids(model)
  function(...) {
    nodes <- list(...)
    if (length(nodes) != length(model$inputs) || !all(vapply(nodes, nn_is_node, NA))) {
      nn_stop("argument", "shared layers with %d %s are a function of as many nodes, %s",
              length(model$inputs), if (length(model$inputs) == 1) "input" else "inputs",
              "see nn_input()")
    }
    out <- nn_model_on(model, nodes, ids)
    if (length(out) == 1) out[[1]] else out
  }
}

# A number for each layer of a model that is to be part of others: those with the same number have
# the same weights.
nn_share_ids <- function(model) nn_next_number(length(model$layers))[nn_weights_of(model)]

# For each layer the one whose weights it has.
nn_weights_of <- function(model) {
  if (is.null(model$weights_of)) seq_along(model$layers) else model$weights_of
}

# The outputs of a model on other nodes as its inputs.
nn_model_on <- function(model, nodes, ids = nn_share_ids(model)) {
  out <- list()
  for (i in seq_along(model$layers)) {
    from <- lapply(model$from[[i]], function(f) if (f < 0) nodes[[-f]] else out[[f]])
    out[[i]] <- nn_node(model$layers[[i]], from, shared = ids[i])
  }
  out[model$outputs]
}
