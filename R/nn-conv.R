# Convolutions of images, channels x width x height x samples, on a device. A line, as of a series,
# is an image of height 1. Pairs are (width, height).

# `w`: channels out x channels in / groups x width x height of the window. `pad`: zeros before the
# width, after it, before the height, after it. The windows `dilation` apart and moved by `stride`
# that do not fit at the end are left out.
nn_conv2d <- function(x, w, stride = c(1, 1), dilation = c(1, 1), pad = c(0, 0, 0, 0), groups = 1) {
  .Call(C_conv, x, w, nn_conv_geometry(stride, dilation, pad), groups, FALSE)
}

# The transpose of the convolution that takes results to `x`: its weight `w` is channels in x
# channels out / groups x width x height. `pad` is cut off, `output_pad` (less than the stride) are
# the rows and columns at the end that that convolution left out.
nn_conv2d_transpose <- function(x, w, stride = c(1, 1), dilation = c(1, 1), pad = c(0, 0, 0, 0),
                                output_pad = c(0, 0), groups = 1) {
  if (any(output_pad >= stride)) {
    nn_stop("argument", "an output padding of %s is not less than the stride, %s",
            paste(output_pad, collapse = ", "), paste(stride, collapse = ", "))
  }
  .Call(C_conv, x, w, nn_conv_geometry(stride, dilation, pad, output_pad), groups, TRUE)
}

nn_conv_geometry <- function(stride, dilation, pad, output_pad = c(0, 0)) {
  as.integer(c(stride, dilation, pad[c(1, 3, 2, 4)], output_pad))
}
