found_on_iris <- function(...) {
  set.seed(41)
  net <- nn_model(layer_dense(16, "relu"), layer_dense(3))
  nn_lr_find(net, iris[1:4], iris$Species, batch_size = 32, ...)
}

test_that("rates grow from one end to the other, and the loss of each batch is noted", {
  found <- found_on_iris(optimizer = opt_sgd(), from = 1e-4, to = 1e-1, steps = 31)
  steps <- as.data.frame(found)
  expect_equal(steps$lr, 10^seq(-4, -1, by = 0.1))
  expect_true(all(is.finite(steps$loss)))
  # at so low a rate the weights stay as they were: the mean of the batches is the epoch's loss
  set.seed(41)
  net <- nn_model(layer_dense(16, "relu"), layer_dense(3))
  fit <- nn_fit(net, iris[1:4], iris$Species, epochs = 1, optimizer = opt_sgd(1e-12),
                verbose = FALSE)
  found <- found_on_iris(optimizer = opt_sgd(), from = 1e-12, to = 1e-11, steps = 10)
  sizes <- c(32, 32, 32, 32, 22)
  expect_equal(weighted.mean(found$steps$loss[1:5], sizes), fit$history$loss, tolerance = 1e-5)
})

test_that("the suggestion is where the loss falls fastest", {
  steps <- data.frame(lr = 10^(-5:2), smooth = c(1, 1, 0.98, 0.9, 0.5, 0.3, 2, 9))
  expect_equal(anygpu:::nn_lr_suggest(steps), 10^-1.5)
  expect_identical(anygpu:::nn_lr_suggest(data.frame(lr = 1:4, smooth = 1:4)), NA_real_)
  found <- found_on_iris(steps = 60)
  expect_gt(found$suggestion, 1e-4)
  expect_lt(found$suggestion, 1)
})

test_that("the search ends when the loss has grown, or is no number", {
  found <- found_on_iris(optimizer = opt_sgd(), from = 1e-3, to = 1e9, steps = 60)
  expect_lt(nrow(found$steps), 60)
  expect_true(all(is.finite(found$steps$loss)))
  expect_true(anygpu:::nn_lr_over(c(1, NaN)))
  expect_false(anygpu:::nn_lr_over(c(1, 0.1, 0.5)))
})

test_that("results print and plot", {
  found <- found_on_iris(steps = 40)
  expect_output(print(found), "falls fastest at")
  found$suggestion <- NA_real_
  expect_output(print(found), "did not fall")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_identical(plot(found), found)
})

test_that("bad arguments are classed errors", {
  bad <- list(quote(found_on_iris(optimizer = opt_lbfgs())), quote(found_on_iris(steps = 5)),
              quote(found_on_iris(from = 1, to = 0.1)), quote(found_on_iris(optimizer = "gsd")))
  for (call in bad) expect_error(eval(call), class = "anygpu_error_argument", info = deparse(call))
})
