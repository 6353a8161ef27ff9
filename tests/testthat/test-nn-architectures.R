# Networks as users write them: each trains, and its loss falls. What the layers compute is tested
# one by one elsewhere.
draw <- function(...) array(rnorm(prod(...)), c(...))
classes <- function(n, k) factor(rep_len(seq_len(k), n))

expect_trains <- function(out, x, y, ..., lr = 0.01) {
  set.seed(1)
  model <- if (inherits(out, "nn_model")) out else nn_model(out)
  fit <- nn_quiet(model, x, y, epochs = 6, batch_size = 7, optimizer = opt_adam(lr), ...)
  expect_true(all(is.finite(fit$history$loss)))
  expect_lt(min(fit$history$loss[-1]), fit$history$loss[1])
  expect_false(anyNA(unlist(predict(fit, x))))
}

# Where each kernel is compiled for a while, the other tests are enough.
skip_on_devices <- function() skip_if(gpu_device() != "host", "many kernels to compile")

test_that("residual blocks with normalisation, of odd size", {
  set.seed(1)
  block <- function(x, filters, stride = 1) {
    y <- x |> layer_conv2d(filters, 3, stride, "same", bias = FALSE) |> layer_batch_norm() |>
      layer_activation("relu") |> layer_conv2d(filters, 3, padding = "same", bias = FALSE) |>
      layer_batch_norm()
    shortcut <- if (stride == 1) x else x |> layer_conv2d(filters, 1, stride) |> layer_batch_norm()
    layer_add(y, shortcut) |> layer_activation("relu")
  }
  h <- nn_input(c(9, 7, 3)) |> block(3) |> block(6, 2) |> layer_global_average_pool()
  expect_trains(h |> layer_dense(3), draw(15, 9, 7, 3), classes(15, 3)) # the last batch has one
})

test_that("a U: down, up again by transposed convolutions, and across", {
  skip_on_devices()
  set.seed(1)
  conv <- function(x, filters) x |> layer_conv2d(filters, 3, padding = "same", activation = "relu")
  top <- nn_input(c(8, 8, 1)) |> conv(3)
  low <- top |> layer_max_pool2d(2) |> conv(6)
  up <- layer_concat(low |> layer_conv2d_transpose(3, 2, strides = 2), top) |> conv(3)
  expect_trains(up |> layer_conv2d(1, 1), draw(10, 8, 8, 1), (draw(10, 8, 8, 1) > 0) + 0,
                loss = "binary_cross_entropy")
})

test_that("parallel branches, and convolutions channel by channel", {
  skip_on_devices()
  set.seed(1)
  x <- nn_input(c(6, 5, 2))
  branches <- layer_concat(x |> layer_conv2d(2, 1), x |> layer_conv2d(3, 5, padding = "same"),
                           x |> layer_max_pool2d(3, 1, "same"))
  h <- branches |> layer_depthwise_conv2d(3, strides = 2, padding = "same") |> layer_batch_norm() |>
    layer_activation("relu6") |> layer_conv2d(4, 1) |> layer_global_max_pool() |>
    layer_dropout(0.1)
  expect_trains(h |> layer_dense(2), draw(14, 6, 5, 2), classes(14, 2))
})

test_that("text by a network in both directions, and by a block of attention", {
  skip_on_devices()
  set.seed(1)
  codes <- matrix(sample(9, 14 * 5, TRUE), 14)
  expect_trains(nn_model(layer_embedding(3, 9), layer_lstm(4, direction = "both"), layer_dense(1)),
                codes, classes(14, 2), loss = "binary_cross_entropy")
  h <- nn_input(5) |> layer_embedding(4, 9) |> layer_positional()
  h <- layer_add(h, h |> layer_layer_norm() |> layer_multi_head_attention(2))
  h <- layer_add(h, h |> layer_layer_norm() |> layer_dense(8, "gelu") |> layer_dense(4))
  expect_trains(h |> layer_global_average_pool() |> layer_dense(3), codes, classes(14, 3))
})

test_that("a sequence is read and another one written", {
  skip_on_devices()
  set.seed(1)
  again <- layer_lambda(function(x) aperm(outer(x, rep(1, 3)), c(1, 3, 2)))
  net <- nn_model(layer_gru(4), again, layer_gru(4, return_sequences = TRUE), layer_dense(2))
  expect_trains(net, draw(14, 5, 2), draw(14, 3, 2))
})

test_that("a variational autoencoder draws new noise in each batch", {
  set.seed(1)
  place <- function(x, ctx) {
    mean <- x[1:2, , drop = FALSE]
    if (!ctx$training) return(mean)
    noise <- sqrt(-2 * log(ctx$uniform(dim(mean)))) * cos(2 * pi * ctx$uniform(dim(mean)))
    mean + exp(x[3:4, , drop = FALSE]) * noise
  }
  code <- nn_input(4) |> layer_dense(8, "relu") |> layer_dense(4)
  out <- layer_concat(code |> layer_lambda(place) |> layer_dense(4), code)
  cost <- function(y, p) {
    rowSums((p[, 1:4] - y)^2) + rowSums(p[, 5:6]^2 + exp(2 * p[, 7:8]) - 2 * p[, 7:8] - 1) / 20
  }
  x <- scale(as.matrix(iris[1:4]))
  expect_trains(out, x, x, loss = cost)
})

test_that("several inputs and outputs, each with a loss of its weight", {
  set.seed(1)
  a <- nn_input(4)
  b <- nn_input(c(6, 1))
  h <- layer_concat(a |> layer_dense(4, "relu"),
                    b |> layer_conv1d(3, 3, activation = "relu") |> layer_flatten())
  net <- nn_model(h |> layer_dense(1), h |> layer_dense(3), h |> layer_dense(2),
                  inputs = list(a, b))
  y <- list(rpois(14, 4), classes(14, 3), rnorm(14))
  expect_trains(net, list(draw(14, 4), draw(14, 6, 1)), y,
                loss = list(0.1 * loss_negative_binomial(2), "cross_entropy",
                            0.5 * loss_quantile(c(0.1, 0.9))))
})
