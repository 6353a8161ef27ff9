# Pooling: fewer positions, each the largest number or the mean of several.

#' Pooling layers
#'
#' The largest number or the mean of each channel in a window that moves over an image, `n x height
#' x width x channels`, or a sequence, `n x time x features`. The global ones are over all
#' positions, of images, sequences or anything else between samples and channels, and leave one
#' number of each channel: `n x channels`.
#'
#' Padding is as for [convolutions]; it is never larger than any number, nor does it count in a
#' mean.
#'
#' @param pool_size The size of the window: one number, or two for `c(height, width)`.
#' @param strides By how much it moves, likewise; `NULL`: as `pool_size`, windows side by side.
#' @param padding `"valid"`, `"same"`, or a number, less than `pool_size`, or two: see
#'   [convolutions].
#' @inheritParams layer_dense
#' @return An object of class `nn_layer`, to be given to [nn_model()].
#' @section Errors: Bad arguments give an error of class `anygpu_error_argument`; an input of other
#'   dimensions, or one smaller than the window, one of class `anygpu_error_shape` when the layer
#'   meets it.
#' @seealso [layers]
#' @examples
#' nn_model(layer_conv2d(16, 3, activation = "relu"), layer_max_pool2d(2),
#'          layer_conv2d(32, 3, activation = "relu"), layer_global_average_pool(),
#'          layer_dense(10))
#' @name pooling
NULL

#' @rdname pooling
#' @export
layer_max_pool1d <- function(pool_size = 2, strides = NULL, padding = "valid", ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_pool("max_pool1d", 1, pool_size, strides, padding)
}

#' @rdname pooling
#' @export
layer_max_pool2d <- function(pool_size = 2, strides = NULL, padding = "valid", ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_pool("max_pool2d", 2, pool_size, strides, padding)
}

#' @rdname pooling
#' @export
layer_average_pool1d <- function(pool_size = 2, strides = NULL, padding = "valid", ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_pool("average_pool1d", 1, pool_size, strides, padding)
}

#' @rdname pooling
#' @export
layer_average_pool2d <- function(pool_size = 2, strides = NULL, padding = "valid", ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_pool("average_pool2d", 2, pool_size, strides, padding)
}

#' @rdname pooling
#' @export
layer_global_max_pool <- function(...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_layer("global_max_pool")
}

#' @rdname pooling
#' @export
layer_global_average_pool <- function(...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_layer("global_average_pool")
}

nn_pool <- function(kind, rank, pool_size, strides, padding) {
  pool_size <- nn_sides(pool_size, "pool_size", rank)
  strides <- if (is.null(strides)) pool_size else nn_sides(strides, "strides", rank)
  padding <- nn_padding(padding, rank)
  if (is.numeric(padding) && any(padding >= pool_size)) {
    nn_stop("argument", "`padding`, %s, must be less than `pool_size`, %s", nn_sides_text(padding),
            nn_sides_text(pool_size))
  }
  nn_layer(kind, pool_size = pool_size, strides = strides, padding = padding)
}

# -- windows ---------------------------------------------------------------------------------------

nn_pool_shape <- function(layer, shape) {
  rank <- length(layer$pool_size)
  out <- nn_windows(layer, nn_width_height(shape, rank), nn_pair(layer$pool_size))$out
  c(shape[1], out[seq_len(rank)])
}

nn_pool_forward <- function(layer, w, h, ctx) {
  x <- nn_as_image(h)
  kind <- sub("_pool.*", "", nn_layer_kind(layer))
  size <- nn_pair(layer$pool_size)
  pad <- nn_windows(layer, dim(x)[2:3], size)$pad
  nn_as_input(nn_pool2d(x, kind, size, nn_pair(layer$strides), pad), length(layer$pool_size))
}

#' @exportS3Method
nn_layer_shape.nn_layer_max_pool1d <- nn_pool_shape
#' @exportS3Method
nn_layer_shape.nn_layer_max_pool2d <- nn_pool_shape
#' @exportS3Method
nn_layer_shape.nn_layer_average_pool1d <- nn_pool_shape
#' @exportS3Method
nn_layer_shape.nn_layer_average_pool2d <- nn_pool_shape
#' @exportS3Method
nn_layer_forward.nn_layer_max_pool1d <- nn_pool_forward
#' @exportS3Method
nn_layer_forward.nn_layer_max_pool2d <- nn_pool_forward
#' @exportS3Method
nn_layer_forward.nn_layer_average_pool1d <- nn_pool_forward
#' @exportS3Method
nn_layer_forward.nn_layer_average_pool2d <- nn_pool_forward

nn_pool_text <- function(x, ...) {
  paste(c(nn_kind_text(x), nn_sides_text(x$pool_size),
          nn_window_text(x, x$pool_size)), collapse = ", ")
}

#' @export
format.nn_layer_max_pool1d <- nn_pool_text
#' @export
format.nn_layer_max_pool2d <- nn_pool_text
#' @export
format.nn_layer_average_pool1d <- nn_pool_text
#' @export
format.nn_layer_average_pool2d <- nn_pool_text

# -- everywhere ------------------------------------------------------------------------------------

nn_global_shape <- function(layer, shape) {
  if (length(shape) > 1) return(shape[1])
  nn_shape_stop("a sample has %s features and no other dimension", nn_shape_text(shape))
}

#' @exportS3Method
nn_layer_shape.nn_layer_global_max_pool <- nn_global_shape
#' @exportS3Method
nn_layer_shape.nn_layer_global_average_pool <- nn_global_shape

#' @exportS3Method
nn_layer_forward.nn_layer_global_max_pool <- function(layer, w, h, ctx) {
  nn_reduce("max", h, 2, length(dim(h)) - 1)
}

#' @exportS3Method
nn_layer_forward.nn_layer_global_average_pool <- function(layer, w, h, ctx) {
  nn_reduce("mean", h, 2, length(dim(h)) - 1)
}
