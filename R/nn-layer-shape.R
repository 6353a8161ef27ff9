# Layers that give the same numbers another shape. What users write has their order of dimensions;
# inside it is reversed (see ?layers).

#' Layers that change shapes
#'
#' `layer_flatten()` makes one row of features of each sample, whatever its shape;
#' `layer_reshape()` gives it dimensions, and `layer_permute()` puts its dimensions in another
#' order.
#'
#' Flattening and reshaping take the elements of a sample with its last dimension running
#' fastest (row by row, as Keras and NumPy do; [array()] runs the other way): an image of
#' height x width x channels becomes the channels of its first pixel, then those of the
#' pixel to the right of it, and so on.
#'
#' @param dim The dimensions of a sample (without that of the samples). One of them may be `NA`: it
#'   follows from the others.
#' @param perm The new order of the dimensions of a sample, as for [aperm()]: `c(2, 1)` makes
#'   features x time of time x features.
#' @param ... The output of another layer may stand before all other arguments, as the pipe puts it:
#'   see [nn_model()].
#' @return An object of class `nn_layer`, to be given to [nn_model()].
#' @section Errors: Bad arguments give an error of class `anygpu_error_argument`. A `dim` that the
#'   input does not fill, or a `perm` of other dimensions than it has, gives one of class
#'   `anygpu_error_shape` when the layer meets its input.
#' @seealso [layers]
#' @examples
#' nn_model(layer_reshape(c(28, 28, 1)), layer_permute(c(2, 1, 3)), layer_flatten(),
#'          layer_dense(10))
#' @export
layer_flatten <- function(...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_layer("flatten")
}

#' @exportS3Method
nn_layer_shape.nn_layer_flatten <- function(layer, shape) prod(shape)

#' @exportS3Method
nn_layer_forward.nn_layer_flatten <- function(layer, w, h, ctx) nn_reshape_samples(h, nn_size(h))

# The samples of h with the dimensions `shape` each.
nn_reshape_samples <- function(h, shape) nn_reshape(h, c(shape, nn_samples_in(h)))

# How many samples there are, and how many numbers in each.
nn_samples_in <- function(h) dim(h)[length(dim(h))]
nn_size <- function(h) prod(dim(h)[-length(dim(h))])

#' @rdname layer_flatten
#' @export
layer_reshape <- function(dim, ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  if (!length(dim) || length(dim) > 7 || sum(is.na(dim)) > 1) {
    nn_stop("argument", "`dim` must be 1 to 7 extents, at most one of them NA, not %s",
            nn_describe(dim))
  }
  nn_layer("reshape", dim = vapply(dim, function(d) {
    if (is.na(d)) NA_integer_ else nn_count(d, "dim")
  }, 1L))
}

#' @exportS3Method
nn_layer_shape.nn_layer_reshape <- function(layer, shape) {
  to <- rev(layer$dim)
  given <- prod(to, na.rm = TRUE)
  if (anyNA(to)) to[is.na(to)] <- prod(shape) %/% given
  if (prod(to) == prod(shape)) return(to)
  nn_shape_stop("the %g values of a sample do not fill %s", prod(shape),
                paste(layer$dim, collapse = " x "))
}

#' @exportS3Method
nn_layer_forward.nn_layer_reshape <- function(layer, w, h, ctx) {
  nn_reshape_samples(h, nn_layer_shape(layer, dim(h)[-length(dim(h))]))
}

#' @rdname layer_flatten
#' @export
layer_permute <- function(perm, ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  if (!is.numeric(perm) || length(perm) > 7 || !setequal(perm, seq_along(perm))) {
    nn_stop("argument", "`perm` must hold each of 1, 2, ... once, not %s", nn_describe(perm))
  }
  nn_layer("permute", perm = as.integer(perm))
}

# The order of reversed dimensions.
nn_reversed_order <- function(perm) length(perm) + 1L - rev(perm)

#' @exportS3Method
nn_layer_shape.nn_layer_permute <- function(layer, shape) {
  if (length(shape) == length(layer$perm)) return(shape[nn_reversed_order(layer$perm)])
  nn_shape_stop("`perm` has %d dimensions, a sample %d", length(layer$perm), length(shape))
}

#' @exportS3Method
nn_layer_forward.nn_layer_permute <- function(layer, w, h, ctx) {
  aperm(h, c(nn_reversed_order(layer$perm), length(layer$perm) + 1L))
}
