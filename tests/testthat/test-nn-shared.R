x <- as.matrix(iris[1:4])
other <- x[rev(seq_len(150)), ]
y <- as.numeric(iris$Species == rev(iris$Species))

distance <- function(a, b) {
  layer_add(a, b |> layer_lambda(function(x) -x)) |> layer_lambda(function(x) colSums(x^2), "d")
}

test_that("shared layers have one set of weights, which all uses train", {
  tower <- nn_shared(layer_dense(3, "tanh"))
  a <- nn_input(4)
  b <- nn_input(4)
  net <- nn_model(distance(tower(a), tower(b)), inputs = list(a, b))
  expect_equal(net$weights_of, c(1, 1, 3, 4, 5))
  set.seed(3)
  start <- anygpu:::nn_model_make(net, list(4L, 4L), "weights")
  expect_equal(lengths(start), c(2, 0, 0, 0, 0))
  set.seed(3)
  fit <- nn_raw(net, list(x, other), y, epochs = 1, batch_size = 150, optimizer = opt_sgd(0.01),
                precision = "float64")
  out <- function(w, x) tanh(w$weight %*% t(x) + w$bias)
  loss <- function(w) mean((colSums((out(w, x) - out(w, other))^2) - y)^2)
  expect_equal(fit$history$loss, loss(start[[1]]))
  flat <- unlist(start[[1]])
  slope <- vapply(seq_along(flat), function(i) {
    d <- replace(numeric(length(flat)), i, 1e-6)
    (loss(relist(flat + d, start[[1]])) - loss(relist(flat - d, start[[1]]))) / 2e-6
  }, 0)
  expect_equal(unlist(fit$weights[[1]]), flat - 0.01 * slope, tolerance = 1e-7)
  expect_equal(unname(predict(fit, list(x, other))),
               colSums((out(fit$weights[[1]], x) - out(fit$weights[[1]], other))^2))
})

test_that("what a fit of shared layers says of itself", {
  tower <- nn_shared(layer_dense(3, bias = FALSE), layer_batch_norm())
  a <- nn_input()
  b <- nn_input()
  net <- nn_model(layer_concat(a |> tower(), b |> tower()) |> layer_dense(1), inputs = list(a, b))
  expect_output(print(net), "dense, 3 units, linear, no bias, shared with 1", fixed = TRUE)
  fit <- nn_raw(net, list(x, other), y, epochs = 1, batch_size = 150, precision = "float64",
                optimizer = opt_sgd(1e-30))
  expect_equal(summary(fit)$layers$parameters, c(12, 6, 0, 0, 0, 7))
  # the running mean of a batch follows both uses, which see the same flowers in another order
  h <- fit$weights[[1]]$weight %*% t(x)
  expect_equal(fit$state[[2]]$mean, 0.1 * rowMeans(h))
  expect_equal(lengths(fit$state), c(0, 2, 0, 0, 0, 0))
  copy <- unserialize(serialize(fit, NULL))
  expect_identical(predict(copy, list(x, other)), predict(fit, list(x, other)))
  frozen <- vapply(nn_freeze(fit, 3)$model$layers, function(l) isTRUE(l$frozen), NA)
  expect_equal(which(frozen), c(1, 3))
  more <- nn_raw(fit, list(x, other), y, epochs = 1, optimizer = opt_sgd(1e-30),
                 precision = "float64")
  expect_equal(more$weights, fit$weights)
  one <- nn_raw(nn_model(nn_layers(fit, 3), layer_dense(1)), x, y, epochs = 1,
                optimizer = opt_sgd(1e-30), precision = "float64")
  expect_equal(one$weights[[1]], fit$weights[[1]])
})

test_that("a model or a fit is shared like a layer", {
  fit <- nn_raw(nn_model(layer_dense(3, "tanh"), layer_dense(2)), x, x[, 1:2], epochs = 1)
  base <- nn_shared(nn_freeze(fit))
  a <- nn_input()
  b <- nn_input()
  net <- nn_model(layer_add(base(a), base(b)) |> layer_dense(1), inputs = list(a, b))
  expect_equal(net$weights_of, c(1, 2, 1, 2, 5, 6))
  new <- nn_raw(net, list(x, other), y, epochs = 1)
  expect_identical(new$weights[1:2], fit$weights)
  two <- nn_shared(nn_model(layer_add(a, b), inputs = list(a, b)))
  expect_equal(length(nn_model(two(a, b))$layers), 1)
})

test_that("shared layers that are used otherwise are classed errors", {
  tower <- nn_shared(layer_dense(3))
  expect_error(tower(), "as many nodes", class = "anygpu_error_argument")
  expect_error(tower(x), "see nn_input", class = "anygpu_error_argument")
  expect_error(nn_shared(3), "must be a layer", class = "anygpu_error_argument")
  a <- nn_input()
  b <- nn_input()
  net <- nn_model(layer_add(tower(a), tower(b)), inputs = list(a, b))
  expect_error(nn_raw(net, list(x, x[, 1:3]), x[, 1:3]),
               "layer 2 \\(dense\\) on an input of 3: its `weight` is 3 x 4, here .* 3 x 3",
               class = "anygpu_error_shape")
})
