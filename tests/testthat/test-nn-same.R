# What has a seed can be had again.
same_fit <- function(...) {
  set.seed(12)
  net <- nn_model(layer_dense(16, "relu"), layer_batch_norm(), layer_dropout(0.2), layer_dense(3))
  nn_quiet(net, iris[1:4], iris$Species, epochs = 3, optimizer = opt_adam(0.01), ...)
}
values <- function(fit) {
  c(fit[c("weights", "state")], list(fit$history[names(fit$history) != "seconds"]))
}

test_that("the same seed gives the same fit, bit for bit", {
  expect_identical(values(same_fit(validation = 0.2)), values(same_fit(validation = 0.2)))
  expect_identical(values(same_fit(precision = "float64")), values(same_fit(precision = "float64")))
})

test_that("neither validation nor metrics nor a callback change what is trained", {
  plain <- same_fit()$weights
  expect_identical(same_fit(metrics = list())$weights, plain)
  expect_identical(same_fit(callbacks = function(state) NULL)$weights, plain)
  other <- list(iris[1:20, 1:4], iris$Species[1:20])
  expect_identical(same_fit(validation = other)$weights, plain)
})

test_that("devices agree up to rounding", {
  other <- setdiff(gpu_devices()$id, "host")
  skip_if(length(other) == 0, "there is only the host")
  a <- with_gpu_device("host", same_fit())
  b <- with_gpu_device(other[1], same_fit())
  expect_equal(b$weights, a$weights, tolerance = 1e-4)
  expect_equal(b$state, a$state, tolerance = 1e-4)
})
