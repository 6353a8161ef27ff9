x <- as.matrix(iris[1:4])

test_that("a graph of layers is a chain written otherwise", {
  chain <- nn_model(layer_dense(5, "tanh"), layer_dense(3))
  graph <- nn_model(nn_input() |> layer_dense(5, "tanh") |> layer_dense(3))
  fit <- function(model) {
    set.seed(7)
    nn_quiet(model, x, iris$Species, epochs = 2)$weights
  }
  expect_identical(fit(graph), fit(chain))
  expect_output(print(graph), "<nn_model> 2 layers\n  1  dense, 5 units, tanh\n  2  dense, 3")
})

test_that("a shortcut is computed as in plain R", {
  input <- nn_input()
  h <- input |> layer_dense(4, "tanh")
  fit <- nn_raw(nn_model(layer_add(input, h) |> layer_dense(1)), x, iris$Sepal.Width, epochs = 1,
                precision = "float64")
  w <- fit$weights
  hidden <- tanh(w[[1]]$weight %*% t(x) + w[[1]]$bias) + t(x)
  expect_equal(unname(predict(fit, x)), as.vector(w[[3]]$weight %*% hidden + w[[3]]$bias))
})

test_that("several inputs and outputs are trained together", {
  a <- nn_input()
  b <- nn_input(2)
  h <- layer_concat(a |> layer_dense(3), b |> layer_dense(3))
  net <- nn_model(h |> layer_dense(1), h |> layer_dense(3), inputs = list(a, b))
  expect_equal(length(net$inputs), 2)
  y <- list(iris$Petal.Width, iris$Species)
  fit <- nn_quiet(net, list(x[, 1:2], x[, 3:4]), y, epochs = 20, optimizer = opt_adam(0.05))
  expect_lt(fit$history$loss_1[20], fit$history$loss_1[1])
  expect_lt(fit$history$loss_2[20], fit$history$loss_2[1])
  expect_error(nn_quiet(net, x, y), "model has 2 inputs, `x` has 1", class = "anygpu_error_shape")
  expect_error(nn_quiet(net, list(x, x), y), "input 2 of the model is 2 per sample",
               class = "anygpu_error_shape")
  expect_error(nn_quiet(net, list(x[, 1:2], x[, 3:4]), y[[1]]), "2 outputs, `y` has 1",
               class = "anygpu_error_shape")
  expect_error(nn_quiet(net, list(x[, 1:2], x[, 3:4]), y, loss = list("mse")),
               "1 elements? for 2 outputs", class = "anygpu_error_argument")
})

test_that("a layer that is used twice has two sets of weights, an output may be inside", {
  h <- nn_input() |> layer_dense(3, "tanh")
  net <- nn_model(h |> layer_dense(3), h)
  expect_equal(net$outputs, c(2, 1))
  fit <- nn_quiet(net, x, list(iris$Species, x[, 1:3] / 10), epochs = 1)
  expect_equal(dim(predict(fit, x)[[2]]), c(150L, 3L))
})

test_that("nodes print, and what is no graph is a classed error", {
  expect_output(print(nn_input(c(28, 28, 1))), "<nn_node> input of 28 x 28 x 1")
  expect_error(nn_input("a"), "`shape`", class = "anygpu_error_argument")
  a <- nn_input()
  bad <- function(pattern, ...) {
    expect_error(nn_model(...), pattern, class = "anygpu_error_argument")
  }
  bad("must come from a layer", a |> layer_dense(1), a)
  bad("list of nn_input\\(\\)s, not of 3", a |> layer_dense(1), inputs = list(3))
  bad("not of outputs of layers", a |> layer_dense(1), inputs = a |> layer_dense(2))
  bad("from 2 inputs, `inputs` has 1", layer_add(a, nn_input()), inputs = a)
  bad("for outputs made from nn_input", layer_dense(1), inputs = a)
  expect_error(nn_model(nn_input() |> layer_dense(1), layer_dense(1)), "the output of one",
               class = "anygpu_error_argument")
})
