# Windows over sequences and images, which convolutions and poolings share. Settings are as users
# give them, (height, width); on the device pairs are (width, height), and a sequence is an image of
# height 1.

# One number for each of `rank` dimensions.
nn_sides <- function(x, name, rank) {
  if (length(x) == 1) x <- rep(x, rank)
  if (length(x) == rank) return(vapply(x, nn_count, 1L, name = name))
  nn_stop("argument", "`%s` must be %s, not %s", name,
          if (rank == 1) "a number" else "one number or two (height, width)", nn_describe(x))
}

# "same", or zeros on either side of each dimension.
nn_padding <- function(x, rank) {
  if (identical(x, "same")) return(x)
  if (identical(x, "valid")) return(integer(rank))
  if (is.numeric(x) && length(x) %in% c(1, rank) && all(x >= 0 & x == round(x)) && !anyNA(x)) {
    return(rep(as.integer(x), length.out = rank))
  }
  nn_stop("argument", "`padding` must be \"valid\", \"same\" or whole numbers, not %s",
          nn_describe(x))
}

nn_same <- function(layer) identical(layer$padding, "same")

# The settings of a layer as the device takes them.
nn_pair <- function(x, fill = 1L) if (length(x) == 1) c(x, fill) else rev(x)

# (width, height) of what a sample of `shape` has beside its channels; an error if it is not of
# `rank` dimensions.
nn_width_height <- function(shape, rank) {
  if (length(shape) == rank + 1) return(if (rank == 1) c(shape[2], 1) else shape[2:3])
  one <- if (length(shape) == rank) {
    sprintf(" (a single %s is a last dimension of 1)", if (rank == 1) "feature" else "channel")
  } else {
    ""
  }
  nn_shape_stop("a sample must be %s, not %s%s",
                if (rank == 1) "time x features" else "height x width x channels",
                nn_shape_text(shape), one)
}

# Where windows of `size` lie in `extent`: list(pad, out). Padding is (before the width, after it,
# before the height, after it); "same" gives as many outputs as there are strides in the extent,
# with the odd zero at the end, as in TensorFlow.
nn_windows <- function(layer, extent, size, dilation = c(1, 1)) {
  strides <- nn_pair(layer$strides)
  reach <- (size - 1) * dilation + 1
  if (nn_same(layer)) {
    out <- ceiling(extent / strides)
    total <- pmax((out - 1) * strides + reach - extent, 0)
    return(list(pad = nn_split_padding(total), out = out))
  }
  zeros <- nn_pair(layer$padding, 0L)
  out <- (extent + 2 * zeros - reach) %/% strides + 1
  if (any(out < 1)) {
    nn_shape_stop("windows of %s do not fit", nn_shape_text(reach[seq_along(layer$padding)]))
  }
  list(pad = rep(zeros, each = 2), out = out)
}

nn_split_padding <- function(total) c(rbind(total %/% 2, total - total %/% 2))

# Images are what is computed on: a sequence gets a height of 1, and loses it again.
nn_as_image <- function(h) {
  d <- dim(h)
  if (length(d) == 4) h else nn_reshape(h, c(d[1:2], 1, d[3]))
}

nn_as_input <- function(z, rank) {
  d <- dim(z)
  if (rank == 2) z else nn_reshape(z, d[-3])
}

# ", strides 2 x 2, same": what differs from windows side by side or one apart.
nn_window_text <- function(layer, strides = 1) {
  padding <- if (nn_same(layer)) "same" else if (any(layer$padding > 0)) {
    paste("padding", nn_sides_text(layer$padding))
  }
  c(if (any(layer$strides != strides)) paste("strides", nn_sides_text(layer$strides)), padding)
}

nn_sides_text <- function(x) paste(x, collapse = " x ")
