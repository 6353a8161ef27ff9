# Convolutions.

#' Convolutional layers
#'
#' Each output is an activation of a weighted sum over a small window of its input and a bias; the
#' window moves over the input, its weights stay. `layer_conv2d()` is for images, `n x height x
#' width x channels`; `layer_conv1d()` for sequences, `n x time x features`.
#' `layer_depthwise_conv2d()` treats each channel on its own; `layer_conv2d_transpose()` goes the
#' way back of a convolution, and so makes images larger.
#'
#' With padding `"valid"` windows stay within the input, and the output has
#' `(input - size) %/% stride + 1` elements in each dimension (with `dilation`, the size is
#' `(kernel_size - 1) * dilation + 1`). With `"same"` it has `ceiling(input / stride)`: as many
#' zeros as needed are put around the input, the odd one at the end, as in TensorFlow and Keras. A
#' number of zeros is put on both sides, as in PyTorch. A transposed convolution makes
#' `(input - 1) * stride + size` elements, with `"same"` `input * stride`; a number is cut off on
#' both sides.
#'
#' The parameters are `weight` (filters x channels / groups x width x height; of a transposed
#' convolution channels x filters / groups x width x height) and `bias`. They start as those of
#' [layer_dense()], the inputs being the numbers in a window (of a transposed convolution divided by
#' the strides: so many meet in an output).
#'
#' @param filters The number of output channels.
#' @param kernel_size The size of the window: one number, or two for `c(height, width)`.
#' @param strides By how much the window moves, likewise.
#' @param padding `"valid"`, `"same"`, or the number of zeros on both sides of each dimension: one,
#'   or two for `c(height, width)`.
#' @param dilation The distance between neighbours in the window, a number or two.
#' @param groups In how many groups channels and filters are divided: each filter sees the channels
#'   of its own group only.
#' @param multiplier How many filters each channel has.
#' @inheritParams layer_dense
#' @return An object of class `nn_layer`, to be given to [nn_model()].
#' @section Errors: Bad arguments give an error of class `anygpu_error_argument`; an input of other
#'   dimensions, one smaller than the window, or channels that the groups do not divide give one of
#'   class `anygpu_error_shape` when the layer meets its input.
#' @references Dumoulin, V. and Visin, F. (2016). A guide to convolution arithmetic for deep
#'   learning. arXiv:1603.07285.
#' @seealso [layer_max_pool2d()], [layers]
#' @examples
#' nn_model(layer_conv2d(16, 3, activation = "relu"), layer_max_pool2d(2), layer_flatten(),
#'          layer_dense(10))
#' nn_model(layer_conv1d(8, 5, strides = 2, padding = "same"), layer_global_average_pool())
#' @name convolutions
NULL

#' @rdname convolutions
#' @export
layer_conv1d <- function(filters, kernel_size, strides = 1, padding = "valid", dilation = 1,
                         groups = 1, activation = NULL, bias = TRUE, ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_conv("conv1d", 1, filters, kernel_size, strides, padding, dilation, groups, activation, bias)
}

#' @rdname convolutions
#' @export
layer_conv2d <- function(filters, kernel_size, strides = 1, padding = "valid", dilation = 1,
                         groups = 1, activation = NULL, bias = TRUE, ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_conv("conv2d", 2, filters, kernel_size, strides, padding, dilation, groups, activation, bias)
}

#' @rdname convolutions
#' @export
layer_depthwise_conv2d <- function(kernel_size, multiplier = 1, strides = 1, padding = "valid",
                                   dilation = 1, activation = NULL, bias = TRUE, ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  layer <- nn_conv("depthwise_conv2d", 2, 1, kernel_size, strides, padding, dilation, 1,
                   activation, bias)
  layer$multiplier <- nn_count(multiplier, "multiplier")
  layer
}

#' @rdname convolutions
#' @export
layer_conv2d_transpose <- function(filters, kernel_size, strides = 1, padding = "valid",
                                   dilation = 1, groups = 1, activation = NULL, bias = TRUE,
                                   ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_conv("conv2d_transpose", 2, filters, kernel_size, strides, padding, dilation, groups,
          activation, bias)
}

nn_conv <- function(kind, rank, filters, kernel_size, strides, padding, dilation, groups,
                    activation, bias) {
  layer <- nn_layer(kind, filters = nn_count(filters, "filters"),
                    kernel_size = nn_sides(kernel_size, "kernel_size", rank),
                    strides = nn_sides(strides, "strides", rank),
                    padding = nn_padding(padding, rank),
                    dilation = nn_sides(dilation, "dilation", rank),
                    groups = nn_count(groups, "groups"),
                    activation = nn_activation(activation), bias = nn_flag(bias, "bias"))
  if (layer$filters %% layer$groups == 0) return(layer)
  nn_stop("argument", "%d `groups` do not divide %d `filters`", layer$groups, layer$filters)
}

# -- the numbers of a layer that meets `channels` --------------------------------------------------

nn_conv_rank <- function(layer) length(layer$kernel_size)

nn_conv_filters <- function(layer, channels) {
  if (is.null(layer$multiplier)) layer$filters else layer$multiplier * channels
}

nn_conv_groups <- function(layer, channels) {
  groups <- if (is.null(layer$multiplier)) layer$groups else channels
  if (channels %% groups == 0) return(groups)
  nn_shape_stop("%d groups do not divide %d channels", groups, channels)
}

# Starting values for windows of which each output sees `inputs`; `from` and `to`: the first two
# extents of the weight.
nn_conv_start <- function(layer, from, to, inputs, filters) {
  size <- rev(layer$kernel_size)
  outputs <- filters * prod(size) / layer$groups
  weight <- nn_draw(c(from, to, size), inputs, outputs, layer$activation)
  c(list(weight = weight), if (layer$bias) list(bias = numeric(filters)))
}

nn_conv_end <- function(layer, w, z) {
  if (layer$bias) z <- z + w$bias
  nn_as_input(nn_activate(layer$activation, z), nn_conv_rank(layer))
}

# A window's weight as that of images.
nn_conv_weight <- function(w) {
  d <- dim(w)
  if (length(d) == 4) w else nn_reshape(w, c(d, 1))
}

# -- forward ---------------------------------------------------------------------------------------

nn_conv_windows <- function(layer, extent) {
  nn_windows(layer, extent, nn_pair(layer$kernel_size), nn_pair(layer$dilation))
}

nn_conv_shape <- function(layer, shape) {
  rank <- nn_conv_rank(layer)
  out <- nn_conv_windows(layer, nn_width_height(shape, rank))$out
  nn_conv_groups(layer, shape[1])
  c(nn_conv_filters(layer, shape[1]), out[seq_len(rank)])
}

nn_conv_init <- function(layer, shape) {
  channels <- shape[1] / nn_conv_groups(layer, shape[1])
  filters <- nn_conv_filters(layer, shape[1])
  nn_conv_start(layer, filters, channels, channels * prod(layer$kernel_size), filters)
}

nn_conv_forward <- function(layer, w, h, ctx) {
  x <- nn_as_image(h)
  z <- nn_conv2d(x, nn_conv_weight(w$weight), nn_pair(layer$strides), nn_pair(layer$dilation),
                 nn_conv_windows(layer, dim(x)[2:3])$pad, nn_conv_groups(layer, dim(x)[1]))
  nn_conv_end(layer, w, z)
}

#' @exportS3Method
nn_layer_shape.nn_layer_conv1d <- nn_conv_shape
#' @exportS3Method
nn_layer_shape.nn_layer_conv2d <- nn_conv_shape
#' @exportS3Method
nn_layer_shape.nn_layer_depthwise_conv2d <- nn_conv_shape
#' @exportS3Method
nn_layer_init.nn_layer_conv1d <- nn_conv_init
#' @exportS3Method
nn_layer_init.nn_layer_conv2d <- nn_conv_init
#' @exportS3Method
nn_layer_init.nn_layer_depthwise_conv2d <- nn_conv_init
#' @exportS3Method
nn_layer_forward.nn_layer_conv1d <- nn_conv_forward
#' @exportS3Method
nn_layer_forward.nn_layer_conv2d <- nn_conv_forward
#' @exportS3Method
nn_layer_forward.nn_layer_depthwise_conv2d <- nn_conv_forward

# -- the way back ----------------------------------------------------------------------------------

# list(pad, output_pad, out): `pad` is cut off all that the windows reach; where they do not reach
# `"same"`'s extent, `output_pad` is added at the end.
nn_transposed_windows <- function(layer, extent) {
  strides <- nn_pair(layer$strides)
  reach <- (nn_pair(layer$kernel_size) - 1) * nn_pair(layer$dilation) + 1
  if (nn_same(layer)) {
    return(list(pad = nn_split_padding(pmax(reach - strides, 0)),
                output_pad = pmax(strides - reach, 0), out = extent * strides))
  }
  cut <- nn_pair(layer$padding, 0L)
  out <- (extent - 1) * strides + reach - 2 * cut
  if (any(out < 1)) nn_shape_stop("a padding of %s leaves nothing", nn_sides_text(layer$padding))
  list(pad = rep(cut, each = 2), output_pad = c(0, 0), out = out)
}

#' @exportS3Method
nn_layer_shape.nn_layer_conv2d_transpose <- function(layer, shape) {
  out <- nn_transposed_windows(layer, nn_width_height(shape, 2))$out
  nn_conv_groups(layer, shape[1])
  c(layer$filters, out)
}

# An output lies in one of `strides` windows of each dimension.
#' @exportS3Method
nn_layer_init.nn_layer_conv2d_transpose <- function(layer, shape) {
  nn_conv_groups(layer, shape[1])
  inputs <- shape[1] / layer$groups * prod(layer$kernel_size) / prod(layer$strides)
  nn_conv_start(layer, shape[1], layer$filters / layer$groups, max(1, inputs), layer$filters)
}

#' @exportS3Method
nn_layer_forward.nn_layer_conv2d_transpose <- function(layer, w, h, ctx) {
  at <- nn_transposed_windows(layer, dim(h)[2:3])
  z <- nn_conv2d_transpose(h, w$weight, nn_pair(layer$strides), nn_pair(layer$dilation), at$pad,
                           at$output_pad, layer$groups)
  nn_conv_end(layer, w, z)
}

# -- shown -----------------------------------------------------------------------------------------

nn_conv_text <- function(x, ...) {
  size <- nn_sides_text(x$kernel_size)
  what <- if (is.null(x$multiplier)) {
    paste(x$filters, if (x$filters == 1) "filter of" else "filters of", size)
  } else {
    c(size, if (x$multiplier > 1) paste(x$multiplier, "filters for each channel"))
  }
  activation <- if (x$activation != "linear") x$activation
  paste(c(nn_kind_text(x), what, nn_window_text(x),
          if (any(x$dilation > 1)) paste("dilation", nn_sides_text(x$dilation)),
          if (x$groups > 1) paste(x$groups, "groups"), activation, if (!x$bias) "no bias",
          if (isTRUE(x$frozen)) "frozen"), collapse = ", ")
}

#' @export
format.nn_layer_conv1d <- nn_conv_text
#' @export
format.nn_layer_conv2d <- nn_conv_text
#' @export
format.nn_layer_depthwise_conv2d <- nn_conv_text
#' @export
format.nn_layer_conv2d_transpose <- nn_conv_text
