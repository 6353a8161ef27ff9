# Maxima and averages over windows of images, channels x width x height x samples, on a device.
# Global pooling is a reduction over two dimensions and needs nothing of this.

# `size`, `stride`: (width, height) of the windows and between them. `pad`: before the width, after
# it, before the height, after it; less than the window's size. A maximum never sees the padding; an
# average counts it, as zeros, with `count_pad`. What does not fill a window at the end is left out.
nn_pool2d <- function(x, kind, size, stride = size, pad = c(0, 0, 0, 0), count_pad = FALSE) {
  if (any(pad >= rep(size, each = 2))) {
    nn_stop("argument", "a padding of %s is not less than the windows' size, %s",
            paste(pad, collapse = ", "), paste(size, collapse = " x "))
  }
  .Call(C_pooling, x, kind, as.integer(c(size, stride, pad[c(1, 3, 2, 4)])), count_pad)
}
