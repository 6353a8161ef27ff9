# Layers from expressions.

#' A layer from a function
#'
#' Any function of array operations as a layer: it is run once to see what it computes, and its
#' gradient follows.
#'
#' @param f A function of one array, written with operators and functions that run on the device
#'   (see [gpu-methods]), that gives an array: what it gets has the layout of the network, its
#'   dimensions reversed (see [layers]): a matrix has features in its rows and samples in its
#'   columns, so `colSums(x)` is over the features of each sample. It must not look at values, and
#'   its result has the samples as its last dimension too. It is run once more, on zeros for one and
#'   for two samples, to find the shape of the result. If it has an argument `ctx`, that is a list
#'   of `training` (whether this is for training) and `uniform`: `ctx$uniform(dim)` gives random
#'   numbers between 0 and 1 that are new in each batch. (Those of [gpu_runif()] would be drawn once
#'   and stay.)
#' @param name What it is called where the model is shown.
#' @param ... The output of another layer may stand before all other arguments, as the pipe puts it:
#'   see [nn_model()].
#' @return An object of class `nn_layer`, to be given to [nn_model()].
#' @section Errors: An `f` that is no function gives an error of class `anygpu_error_argument`. A
#'   result whose last dimension is not that of the samples gives one of class `anygpu_error_shape`
#'   when the layer meets its input.
#' @seealso [layers]
#' @examples
#' nn_model(layer_dense(8), layer_lambda(function(x) x^2), layer_dense(1))
#'
#' # a vector for each sequence, put before every one of 7 steps of a decoder
#' again <- layer_lambda(function(x) aperm(outer(x, rep(1, 7)), c(1, 3, 2)), "repeat 7 times")
#' nn_model(layer_gru(16), again, layer_gru(16, return_sequences = TRUE), layer_dense(2))
#'
#' # normal noise in training (Box and Muller)
#' noise <- function(x, ctx) {
#'   if (!ctx$training) return(x)
#'   u <- ctx$uniform(dim(x))
#'   v <- ctx$uniform(dim(x))
#'   x + 0.1 * sqrt(-2 * log(u)) * cos(2 * pi * v)
#' }
#' nn_model(layer_lambda(noise, "noise"), layer_dense(1))
#' @export
layer_lambda <- function(f, name = NULL, ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  if (!is.function(f)) nn_stop("argument", "`f` must be a function, not %s", nn_describe(f))
  if (!is.null(name) && !(is.character(name) && length(name) == 1)) {
    nn_stop("argument", "`name` must be a string, not %s", nn_describe(name))
  }
  nn_layer("lambda", f = f, name = name)
}

# The function on an input, in the input's type.
nn_lambda_call <- function(layer, h, ctx) {
  takes_ctx <- "ctx" %in% names(formals(args(layer$f)))
  y <- if (takes_ctx) layer$f(h, ctx = ctx) else layer$f(h)
  if (!is_gpu(y)) {
    nn_stop("argument", "the function gives %s of R: it must be made of what runs on the device",
            nn_describe(y))
  }
  if (gpu_type(y) == gpu_type(h)) y else .Call(C_cast, y, gpu_type(h))
}

# Only the last dimension may depend on how many samples there are.
#' @exportS3Method
nn_layer_shape.nn_layer_lambda <- function(layer, shape) {
  dims <- lapply(1:2, function(n) {
    nn_lambda_dim(nn_lambda_call(layer, gpu(array(0, c(shape, n)), "float32"), nn_ctx()))
  })
  last <- vapply(dims, function(d) d[length(d)], 1L)
  if (!identical(last, 1:2) || !identical(dims[[1]][-length(dims[[1]])],
                                          dims[[2]][-length(dims[[2]])])) {
    nn_shape_stop("of 1 and of 2 samples the function makes %s and %s: samples must stay last",
                  paste(dims[[1]], collapse = " x "), paste(dims[[2]], collapse = " x "))
  }
  dims[[1]][-length(dims[[1]])]
}

# A vector has one number for each sample.
nn_lambda_dim <- function(y) {
  d <- if (is.null(dim(y))) c(1L, length(y)) else dim(y)
  if (length(d) == 1) c(1L, d) else d
}

#' @exportS3Method
nn_layer_forward.nn_layer_lambda <- function(layer, w, h, ctx) {
  y <- nn_lambda_call(layer, h, ctx)
  if (length(dim(y)) < 2) nn_reshape(y, nn_lambda_dim(y)) else y
}

#' @export
format.nn_layer_lambda <- function(x, ...) {
  name <- if (is.null(x$name)) paste(deparse(body(x$f)), collapse = " ") else x$name
  paste0("lambda, ", if (nchar(name) > 40) paste0(substr(name, 1, 37), "...") else name)
}
