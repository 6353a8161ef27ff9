x <- as.matrix(iris[1:4])
transfer_fit <- function(model, y = iris$Species, ...) {
  set.seed(4)
  nn_quiet(model, x, y, epochs = 3, optimizer = opt_adam(0.01), ...)
}

test_that("a fit as a model goes on from its weights and its standardisation", {
  fit <- transfer_fit(nn_model(layer_dense(8, "tanh"), layer_batch_norm(), layer_dense(3)))
  still <- nn_quiet(fit, x[41:60, ], iris$Species[41:60], epochs = 1, optimizer = opt_sgd(1e-30))
  expect_identical(still$weights, fit$weights)
  expect_identical(still$net$scaling, fit$net$scaling) # not that of the 20 flowers
  more <- transfer_fit(fit)
  expect_lt(more$history$loss[1], fit$history$loss[1])
  expect_null(more$model$layers[[1]]$start) # a fit keeps its weights once
})

test_that("trained layers move to another model, and stay if they are frozen", {
  fit <- transfer_fit(nn_model(layer_dense(8, "tanh"), layer_dense(3)), standardize = FALSE)
  net <- nn_model(nn_layers(fit, -2), layer_dense(1))
  moved <- nn_quiet(net, x, iris$Sepal.Length, epochs = 1, standardize = FALSE,
                    optimizer = opt_sgd(1e-30))
  expect_identical(moved$weights[[1]], fit$weights[[1]])
  frozen <- transfer_fit(nn_freeze(net, 1), iris$Sepal.Length, standardize = FALSE)
  expect_identical(frozen$weights[[1]], fit$weights[[1]])
  tuned <- transfer_fit(nn_unfreeze(frozen), iris$Sepal.Length, standardize = FALSE)
  expect_false(identical(tuned$weights[[1]], fit$weights[[1]]))
  expect_output(print(nn_layers(fit)), "<nn_layers> 2 trained")
})

test_that("layers that do not fit are classed errors", {
  fit <- transfer_fit(nn_model(layer_dense(8, "tanh"), layer_dense(3)))
  expect_error(nn_quiet(nn_model(nn_layers(fit)), x[, 1:3], iris$Species),
               "layer 1 \\(dense\\).*its `weight` is 8 x 4, here it would be 8 x 3",
               class = "anygpu_error_shape")
  expect_error(nn_layers(fit, 3), "numbers of the 2 layers", class = "anygpu_error_argument")
  expect_error(nn_layers(nn_model(layer_dense(1))), "`fit`", class = "anygpu_error_argument")
})
