stopping_fit <- function(..., epochs = 60, optimizer = opt_adam(0.1)) {
  set.seed(2)
  net <- nn_model(layer_dense(32, "relu"), layer_batch_norm(), layer_dense(3))
  nn_quiet(net, iris[1:4], iris$Species, epochs = epochs, optimizer = optimizer, validation = 0.4,
           ...)
}

test_that("training ends without progress, with the weights of the best epoch", {
  fit <- stopping_fit(early_stopping = 4)
  h <- fit$history
  expect_lt(nrow(h), 60)
  expect_equal(fit$best_epoch, which.min(h$val_loss))
  expect_equal(nrow(h), fit$best_epoch + 4)
  expect_output(print(fit), sprintf("no better since epoch %d", fit$best_epoch))
  short <- stopping_fit(epochs = fit$best_epoch) # the same network, trained just so long
  expect_identical(fit$weights, short$weights)
  expect_identical(fit$state, short$state)
  last <- stopping_fit(early_stopping = nn_early_stopping(4, restore = FALSE))
  expect_identical(last$weights, stopping_fit(epochs = nrow(h))$weights)
})

test_that("a moving average of the weights is restored as it was at the best epoch", {
  opt <- opt_adam(0.1, ema = 0.9)
  fit <- stopping_fit(early_stopping = 4, optimizer = opt)
  expect_identical(fit$weights, stopping_fit(epochs = fit$best_epoch, optimizer = opt)$weights)
})

test_that("what is watched can be chosen", {
  fit <- stopping_fit(early_stopping = nn_early_stopping(3, "val_accuracy"))
  expect_equal(fit$best_epoch, which.max(fit$history$val_accuracy)) # higher is better
  expect_equal(nrow(fit$history), fit$best_epoch + 3)
  expect_equal(stopping_fit(early_stopping = nn_early_stopping(2, min_delta = 100))$best_epoch, 1)
  expect_error(stopping_fit(early_stopping = nn_early_stopping(3, "val_auc")),
               "the history has \"loss\", \"accuracy\"", class = "anygpu_error_argument")
  expect_error(nn_early_stopping(monitor = 3), "`monitor`", class = "anygpu_error_argument")
  expect_error(stopping_fit(early_stopping = 0), "`early_stopping`",
               class = "anygpu_error_argument")
})
