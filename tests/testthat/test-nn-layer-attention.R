parts <- c("query", "key", "value", "output")

# h %*% w + b of one sample, features x time.
ref_linear <- function(w, part, h) w[[part]] %*% h + w[[paste0(part, "_bias")]]

# One sample; `seen`: keys x queries.
ref_attention <- function(w, heads, query, value, seen) {
  q <- ref_linear(w, "query", query)
  k <- ref_linear(w, "key", value)
  v <- ref_linear(w, "value", value)
  size <- nrow(q) / heads
  out <- do.call(rbind, lapply(seq_len(heads), function(i) {
    rows <- (i - 1) * size + seq_len(size)
    e <- exp(t(k[rows, , drop = FALSE]) %*% q[rows, , drop = FALSE] / sqrt(size)) * seen
    total <- colSums(e)
    v[rows, , drop = FALSE] %*% sweep(e, 2, ifelse(total == 0, 1, total), "/")
  }))
  ref_linear(w, "output", out)
}

draw_weights <- function(layer, shape) {
  lapply(anygpu:::nn_layer_init(layer, shape), function(v) v + rnorm(length(v)) / 4)
}

# The layer on a list of inputs, on the default device.
forward <- function(layer, w, x, type = test_types()[1]) {
  x <- lapply(x, gpu, type)
  w <- lapply(w, gpu, type)
  anygpu:::nn_layer_forward(layer, w, if (length(x) == 1) x[[1]] else x, anygpu:::nn_ctx())
}

layer_of <- function(node) node$layer
node <- nn_input()

test_that("attention computes what its formula says, with masks and keys of another size", {
  set.seed(1)
  query <- array(rnorm(4 * 3 * 2), c(4, 3, 2))
  value <- array(rnorm(5 * 6 * 2), c(5, 6, 2))
  seen <- cbind(c(1, 1, 0, 1, 0, 0), 0) # the second sample sees nothing
  each <- array(rbinom(6 * 3 * 2, 1, 0.5), c(6, 3, 2))
  layer <- layer_of(layer_multi_head_attention(node, 2, key_dim = 3, value = node, mask = node))
  w <- draw_weights(layer, list(c(4L, 3L), c(5L, 6L), 6L))
  want <- function(seen) {
    vapply(1:2, function(i) ref_attention(w, 2, query[, , i], value[, , i], seen(i)), query[, , 1])
  }
  for (type in test_types()) {
    tolerance <- if (type == "float64") 1e-12 else 1e-5
    expect_equal(as.array(forward(layer, w, list(query, value, seen), type)),
                 want(function(i) seen[, i]), tolerance = tolerance)
    expect_equal(as.array(forward(layer, w, list(query, value, each), type)),
                 want(function(i) each[, , i]), tolerance = tolerance)
  }
})

test_that("a query that sees nothing has a gradient", {
  layer <- layer_of(layer_multi_head_attention(node, 2, mask = node))
  x <- array(rnorm(4 * 3 * 2), c(4, 3, 2))
  w <- lapply(draw_weights(layer, list(c(4L, 3L), 3L)), gpu)
  mask <- gpu(cbind(c(1, 1, 0), 0))
  loss <- function(x) sum(anygpu:::nn_layer_forward(layer, w, list(x, mask), anygpu:::nn_ctx())^2)
  g <- as.array(gpu_grad(loss, gpu(x)))
  expect_true(all(is.finite(g)))
  expect_true(all(g[, , 2] == 0))
  expect_true(all(g[, 1:2, 1] != 0))
})

test_that("attention and its gradients agree with PyTorch", {
  expect_fixture(layer_multi_head_attention(2), "attention")
  expect_fixture(layer_multi_head_attention(2, causal = TRUE), "attention_causal")
  expect_fixture(layer_of(layer_multi_head_attention(node, 2, value = node)), "attention_cross")
  skip_if_not("float64" %in% test_types())
  want <- fixture("attention_mask")
  want$x <- list(want$x, want$mask + 0L) # whole numbers have no gradient
  got <- fixture_run(layer_of(layer_multi_head_attention(node, 2, mask = node)), want)
  expect_equal(got$y, want$y, tolerance = 1e-6)
  expect_equal(got$dx[[1]], want$dx, tolerance = 1e-6)
  expect_equal(got$dw, want$dw, tolerance = 1e-6)
})

test_that("positions are sines and cosines", {
  x <- array(0, c(5, 7, 2))
  h <- as.array(forward(layer_positional(), list(), list(x)))
  for (t in 0:6) for (i in 0:4) {
    angle <- t / 10000^((i - i %% 2) / 5)
    want <- if (i %% 2) cos(angle) else sin(angle)
    expect_equal(h[i + 1, t + 1, ], c(want, want), tolerance = 1e-6)
  }
})

test_that("attention takes nodes, and says what does not fit", {
  x <- nn_input(c(6, 4))
  seen <- nn_input(6)
  model <- nn_model(x |> layer_positional() |> layer_multi_head_attention(2, mask = seen),
                    inputs = list(x, seen))
  expect_identical(lapply(model$from, as.numeric), list(-1, c(1, -2)))
  expect_identical(format(model$layers[[2]]), "multi head attention, heads 2, mask")
  shapes <- function(model, ...) anygpu:::nn_model_shapes(model, list(...))
  expect_identical(shapes(model, c(4L, 6L), 6L)[[2]], c(4L, 6L))
  expect_error(shapes(model, c(4L, 6L), 5L), "n x 6 or", class = "anygpu_error_shape")
  expect_error(shapes(model, c(3L, 6L), 6L), "3 features", class = "anygpu_error_shape")
  expect_error(shapes(nn_model(layer_multi_head_attention(2)), 4L), class = "anygpu_error_shape")
  expect_error(shapes(nn_model(layer_multi_head_attention(2, mask = seen)), c(4L, 6L)),
               "first argument", class = "anygpu_error_shape")
  expect_error(layer_multi_head_attention(2, mask = 1), class = "anygpu_error_argument")
  expect_error(layer_multi_head_attention(0), class = "anygpu_error_argument")
})
