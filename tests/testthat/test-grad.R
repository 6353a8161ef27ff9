test_that("gradients of reductions, products, views and broadcasts", {
  set.seed(5)
  x <- matrix(runif(12, 0.5, 2), 3)
  w <- matrix(runif(12), 4)
  expect_gradient(function(x) sum(x^2), x)
  expect_gradient(function(x) mean(exp(x)), x)
  expect_gradient(function(x) sum((x %*% w)^2), x)
  expect_gradient(function(x) sum((w %*% x)^2), x)
  expect_gradient(function(x) sum(crossprod(x)^2), x)
  expect_gradient(function(x) sum(tcrossprod(x) * (1:9)), x)
  expect_gradient(function(x) sum(t(x)[2:3, ] * 3), x)
  expect_gradient(function(x) x[2, 3]^2, x)
  expect_gradient(function(x) sum(colSums(x)^2), x)
  expect_gradient(function(x) sum(rowMeans(x)^3), x)
  expect_gradient(function(x) sum(x * rowSums(x)), x)
  expect_gradient(function(x) max(x), x)
  expect_gradient(function(x) sqrt(sum(x^2)), x)
  expect_gradient(function(x) prod(x), c(x)[1:5])
  expect_gradient(function(x) sum(x + c(1, 2, 3)), x)
  expect_gradient(function(x) sum(log(x, 3) / x), x)
})

test_that("further arguments are constants, and ordinary vectors are taken", {
  expect_equal(as.vector(gpu_grad(function(x, k) sum(k * x), c(1, 2), 3)), c(3, 3))
  expect_equal(as.vector(gpu_grad(function(x) sum(x^2), 1:3)), c(2, 4, 6))
})

test_that("the gradient of a constant is zero", {
  expect_equal(as.vector(gpu_grad(function(x) 1, c(1, 2))), c(0, 0))
  expect_equal(as.vector(gpu_grad(function(x) sum(x > 1), c(1, 2))), c(0, 0))
})

test_that("what cannot be traced says so", {
  x <- gpu(c(1, 2))
  looks <- function(x) if (sum(x) > 0) sum(x) else 0
  expect_error(gpu_grad(looks, x), class = "anygpu_error_argument")
  expect_error(gpu_grad(function(x) x, x), class = "anygpu_error_shape")
  expect_error(gpu_grad(function(x) "a", x), class = "anygpu_error_shape")
  expect_error(gpu_grad(1, x), class = "anygpu_error_argument")
})
