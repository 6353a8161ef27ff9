# Embeddings: numbers for codes.

#' Embedding layer
#'
#' Stands for each of `vocabulary` codes by `units` numbers, which are trained: for the levels of a
#' factor, or the words of a text. An input of `n x time` codes becomes `n x time x units`.
#'
#' Codes count from 1, as those of a factor do (in Keras and PyTorch from 0: add 1). [nn_fit()]
#' gives an error for data with a code that is not from 1 to `vocabulary`; in a prediction, or for
#' codes that other layers make, the output is then `NA`. The parameter is `weight`, `units x
#' vocabulary`; it starts uniform within 0.05 of 0, from R's random numbers.
#'
#' @param units How many numbers stand for a code.
#' @param vocabulary How many codes there are: the number of levels.
#' @inheritParams layer_dense
#' @return An object of class `nn_layer`, to be given to [nn_model()].
#' @section Errors: Bad arguments, and codes out of range in the data of the training, give an error
#'   of class `anygpu_error_argument`.
#' @references Bengio, Y., Ducharme, R., Vincent, P. and Jauvin, C. (2003). A neural probabilistic
#'   language model. *JMLR* 3.
#' @seealso [layers]
#' @examples
#' nn_model(layer_embedding(8, vocabulary = 1000), layer_global_average_pool(), layer_dense(2))
#' @export
layer_embedding <- function(units, vocabulary, ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_layer("embedding", units = nn_count(units, "units"),
           vocabulary = nn_count(vocabulary, "vocabulary"))
}

#' @exportS3Method
nn_layer_shape.nn_layer_embedding <- function(layer, shape) c(layer$units, shape)

#' @exportS3Method
nn_layer_init.nn_layer_embedding <- function(layer, shape) {
  n <- layer$units * layer$vocabulary
  list(weight = matrix(stats::runif(n, -0.05, 0.05), layer$units))
}

#' @exportS3Method
nn_layer_forward.nn_layer_embedding <- function(layer, w, h, ctx) nn_gather(w$weight, h - 1)

# The numbers of the embeddings that input k goes to.
nn_embeddings_of <- function(model, k) {
  takes <- vapply(seq_along(model$layers), function(i) {
    any(model$from[[i]] == -k) && inherits(model$layers[[i]], "nn_layer_embedding")
  }, NA)
  which(takes)
}

# The codes in the data are those that embeddings know.
nn_check_codes <- function(net, x) {
  for (k in seq_along(x)) {
    at <- nn_embeddings_of(net$model, k)
    most <- vapply(net$model$layers[at], `[[`, 1L, "vocabulary")
    if (length(at) == 0 || (min(x[[k]]) >= 1 && max(x[[k]]) <= min(most))) next
    layer <- at[which.min(most)]
    nn_stop("argument", "layer %d (embedding) has codes 1 to %d, `%s` has %g to %g%s", layer,
            min(most), net$inputs[[k]]$name, min(x[[k]]), max(x[[k]]),
            if (min(x[[k]]) == 0) ": add 1 to codes that count from 0" else "")
  }
}
