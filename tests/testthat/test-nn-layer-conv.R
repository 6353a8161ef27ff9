# A layer with the settings of a fixture; names may be the beginnings of the arguments'.
made_as <- function(layer, name, drop = "levels") {
  settings <- fixture(name)$settings
  do.call(layer, settings[setdiff(names(settings), drop)])
}

test_that("convolutions are PyTorch's", {
  for (case in c("", "_same", "_stride", "_dilation", "_groups")) {
    name <- paste0("conv1d", case)
    expect_fixture(made_as(layer_conv1d, name), name)
  }
  for (case in c("", "_same", "_stride", "_stride_same", "_dilation", "_dilation_same", "_groups",
                 "_1x1")) {
    name <- paste0("conv2d", case)
    expect_fixture(made_as(layer_conv2d, name), name)
  }
  expect_fixture(made_as(layer_depthwise_conv2d, "conv2d_depthwise", c("filters", "groups")),
                 "conv2d_depthwise")
  expect_fixture(layer_depthwise_conv2d(2, multiplier = 2), "conv2d_depthwise_multiplier")
})

# Its weight is that of the convolution that goes the other way.
swapped <- function(want) {
  for (part in c("w", "dw")) want[[part]]$weight <- aperm(want[[part]]$weight, c(2, 1, 3, 4))
  want
}

test_that("transposed convolutions are PyTorch's", {
  for (case in c("", "_stride", "_same")) {
    name <- paste0("conv2d_transpose", case)
    expect_fixture(made_as(layer_conv2d_transpose, name), name, change = swapped)
  }
})

test_that("pooling is PyTorch's", {
  expect_pool <- function(layer, name) expect_fixture(made_as(layer, name), name)
  expect_pool(layer_max_pool1d, "max_pool1d")
  expect_pool(layer_average_pool1d, "avg_pool1d")
  for (case in c("", "_stride", "_same")) {
    expect_pool(layer_max_pool2d, paste0("max_pool2d", case))
    expect_pool(layer_average_pool2d, paste0("avg_pool2d", case))
  }
  for (rank in c("1d", "2d")) {
    expect_pool(layer_global_max_pool, paste0("global_max_pool", rank))
    expect_pool(layer_global_average_pool, paste0("global_avg_pool", rank))
  }
})

# channels x width x height, plain R, one loop per window
conv_of <- function(strides, padding, dilation = c(1, 1), groups = 1) {
  function(w, h) {
    d <- dim(h)
    k <- dim(w$weight)[3:4]
    reach <- (k - 1) * dilation + 1
    if (identical(padding, "same")) {
      out <- ceiling(d[2:3] / strides)
      before <- pmax((out - 1) * strides + reach - d[2:3], 0) %/% 2
    } else {
      before <- rep(padding, 2)
      out <- (d[2:3] + 2 * padding - reach) %/% strides + 1
    }
    wide <- array(0, c(d[1], d[2:3] + 2 * reach + 2 * before, d[4]))
    wide[, before[1] + seq_len(d[2]), before[2] + seq_len(d[3]), ] <- h
    f <- dim(w$weight)[1]
    y <- array(0, c(f, out, d[4]))
    per <- d[1] / groups
    for (o in seq_len(f)) for (i in seq_len(out[1])) for (j in seq_len(out[2])) {
      at <- (o - 1) %/% (f / groups) * per + seq_len(per)
      x <- wide[at, (i - 1) * strides[1] + (seq_len(k[1]) - 1) * dilation[1] + 1,
                (j - 1) * strides[2] + (seq_len(k[2]) - 1) * dilation[2] + 1, , drop = FALSE]
      y[o, i, j, ] <- colSums(x * c(w$weight[o, , , ]), dims = 3) + w$bias[o]
    }
    y
  }
}

test_that("convolutions are what loops in R say", {
  expect_layer(layer_conv2d(2, c(2, 3), c(1, 2), "same", activation = "tanh"), c(2, 5, 4),
               function(w, h) tanh(conv_of(c(2, 1), "same")(w, h)),
               bad = list(3, c(2, 5), c(2, 5, 4, 3)))
  expect_layer(layer_conv2d(2, 3, padding = 1, dilation = 2), c(1, 6, 5),
               conv_of(c(1, 1), 1, c(2, 2)), bad = list(c(1, 2, 2)))
  expect_layer(layer_conv2d(4, 1, groups = 2, bias = FALSE), c(2, 3, 2),
               bad = list(c(3, 3, 2)))
  expect_layer(layer_depthwise_conv2d(2, 2), c(2, 3, 4), conv_of(c(1, 1), 0, groups = 2))
  expect_layer(layer_conv1d(2, 3, 2, "same", activation = "relu"), c(2, 6), bad = list(3))
  expect_layer(layer_conv2d_transpose(2, c(2, 3), 2), c(3, 2, 3), bad = list(c(3, 2)))
  expect_layer(layer_conv2d_transpose(2, 1, 2, "same", activation = "sigmoid"), c(1, 2, 3))
  expect_layer(layer_conv2d_transpose(4, 3, 1, 1, groups = 2), c(2, 2, 3),
               bad = list(c(3, 2, 3), c(2, 1, 0)))
})

test_that("pooling layers", {
  expect_layer(layer_max_pool2d(2), c(2, 5, 4), bad = list(3, c(2, 5), c(2, 1, 4)))
  expect_layer(layer_average_pool2d(c(2, 3), 1, "same"), c(2, 4, 3))
  expect_layer(layer_average_pool2d(3, padding = 1), c(2, 4, 3))
  expect_layer(layer_max_pool1d(3, 2), c(2, 7), bad = list(3))
  expect_layer(layer_average_pool1d(), c(2, 7), function(w, h) {
    (h[, c(1, 3, 5), ] + h[, c(2, 4, 6), ]) / 2
  })
  expect_layer(layer_global_max_pool(), c(2, 4, 3), function(w, h) apply(h, c(1, 4), max),
               bad = list(3))
  expect_layer(layer_global_average_pool(), c(2, 5), function(w, h) apply(h, c(1, 3), mean),
               bad = list(3))
})

test_that("starting weights of convolutions count the inputs of a window", {
  set.seed(1)
  spread <- function(layer, shape) {
    w <- anygpu:::nn_layer_init(layer, shape)$weight
    c(stats::sd(w), max(abs(w)))
  }
  he <- spread(layer_conv2d(200, 3, activation = "relu"), c(8, 5, 5))
  expect_equal(he[1], sqrt(2 / 72), tolerance = 0.03)
  glorot <- spread(layer_conv2d(200, 3, groups = 2), c(8, 5, 5))
  expect_equal(glorot[2], sqrt(6 / (4 * 9 + 100 * 9)), tolerance = 0.02)
  depthwise <- spread(layer_depthwise_conv2d(3, activation = "relu"), c(300, 5, 5))
  expect_equal(depthwise[1], sqrt(2 / 9), tolerance = 0.05)
  transposed <- spread(layer_conv2d_transpose(100, 4, 2, activation = "relu"), c(8, 5, 5))
  expect_equal(transposed[1], sqrt(2 / 32), tolerance = 0.03)
})

test_that("layers of windows print what was asked for", {
  expect_identical(format(layer_conv2d(32, c(3, 5), 2, "same", activation = "relu")),
                   "conv2d, 32 filters of 3 x 5, strides 2 x 2, same, relu")
  expect_identical(format(layer_conv1d(1, 3, groups = 1, dilation = 2, bias = FALSE)),
                   "conv1d, 1 filter of 3, dilation 2, no bias")
  expect_identical(format(layer_depthwise_conv2d(3, 2, padding = 1)),
                   "depthwise conv2d, 3 x 3, 2 filters for each channel, padding 1 x 1")
  expect_identical(format(layer_max_pool2d()), "max pool2d, 2 x 2")
  expect_identical(format(layer_average_pool1d(3, 1)), "average pool1d, 3, strides 1")
})

test_that("bad settings of windows are classed errors", {
  bad <- function(code, text) expect_error(code, text, class = "anygpu_error_argument")
  bad(layer_conv2d(0, 3), "`filters`")
  bad(layer_conv2d(1, c(3, 3, 3)), "`kernel_size` must be one number or two")
  bad(layer_conv1d(1, c(3, 3)), "`kernel_size` must be a number")
  bad(layer_conv2d(1, 3, strides = 0), "`strides`")
  bad(layer_conv2d(1, 3, padding = "full"), "`padding` must be \"valid\"")
  bad(layer_conv2d(1, 3, padding = -1), "`padding`")
  bad(layer_conv2d(3, 3, groups = 2), "2 `groups` do not divide 3 `filters`")
  bad(layer_max_pool2d(2, padding = 2), "must be less than `pool_size`")
})

test_that("images without a channel are told what is missing", {
  expect_error(anygpu:::nn_layer_shape(layer_conv2d(1, 3), c(28, 28)),
               "not 28 x 28 \\(a single channel is a last dimension of 1\\)",
               class = "anygpu_error_shape")
})
