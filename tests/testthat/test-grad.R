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
  expect_equal(as.vector(gpu_grad(function(x) 1, c(1, Inf, NA))), c(0, 0, 0))
  expect_equal(as.vector(gpu_grad(function(x) sum(x > 1), c(1, 2))), c(0, 0))
  x <- gpu(matrix(c(1, 2), 1, dimnames = list("a", c("b", "c"))))
  expect_equal(anygpu:::plain(gpu_grad(function(x) 2L, x)), anygpu:::plain(x * 0))
})

test_that("products have gradients at zeros too", {
  for (zeros in list(integer(), 2, c(2, 5))) {
    x <- replace(c(1.5, 2, -3, 0.5, 4), zeros, 0)
    expect_derivatives(prod, x)
    expect_derivatives(function(x) sum(cumprod(x)^2), x)
  }
  x <- matrix(c(1, 0, 2, 3, 0, 0, 1, 4), 2)
  expect_derivatives(function(x) sum(colProds(x)^2 * 1:4) + sum(rowProds(x)), x, function(x) {
    sum(apply(x, 2, prod)^2 * 1:4) + sum(apply(x, 1, prod))
  })
})

test_that("what na.rm leaves out has no gradient", {
  x <- c(2, NA, 3, 0.5, NaN)
  slope <- function(f) as.vector(gpu_grad(f, x))
  expect_equal(slope(function(x) sum(x, na.rm = TRUE)^2), c(11, 0, 11, 11, 0))
  expect_equal(slope(function(x) mean(x, na.rm = TRUE)^2), c(2, 0, 2, 2, 0) / 3 * 5.5 / 3)
  expect_equal(slope(function(x) prod(x, na.rm = TRUE)), c(1.5, 0, 1, 6, 0))
  expect_equal(slope(function(x) max(x, na.rm = TRUE)^2), c(0, 0, 6, 0, 0))
  expect_equal(slope(function(x) min(x, na.rm = TRUE)^2), c(0, 0, 0, 1, 0))
  expect_equal(slope(function(x) sum(gpu_grad(function(u) prod(u, na.rm = TRUE), x))),
               c(3.5, 0, 2.5, 5, 0))
})

test_that("gradients are functions like others", {
  x <- gpu(c(1, 2, 3))
  slope <- function(f) as.vector(gpu_grad(f, x))
  cube <- function(x) sum(x^3)
  expect_equal(slope(function(x) sum(gpu_grad(cube, x) * x)), 9 * c(1, 4, 9))
  # the outer x is a constant within
  expect_equal(slope(function(x) sum(gpu_grad(function(u) sum(u * x), x) * x)), c(2, 4, 6))
  expect_equal(slope(function(x) sum(gpu_grad(function(u) 1, x) + x)), c(1, 1, 1))
  expect_equal(slope(gpu_jit(cube)), 3 * c(1, 4, 9))
  expect_equal(as.vector(gpu_jit(function(x) gpu_grad(cube, x))(x)), 3 * c(1, 4, 9))
  inner <- gpu_jit(function(x) list(x^2, sum(x)))
  expect_equal(as.vector(gpu_jit(function(x) inner(x)[[1]] * inner(x)[[2]])(x)), c(6, 24, 54))
})

test_that("arguments that are not vectors of real numbers are taken", {
  expect_equal(as.vector(gpu_grad(function(x) x^2, 3)), 6)
  expect_equal(as.vector(gpu_grad(function(x) sum(x^2), c(TRUE, FALSE))), c(2, 0))
  expect_equal(as.vector(gpu_grad(function(x) sum(x^2), gpu(1:2))), c(2, 4))
  expect_equal(as.vector(gpu_grad(function(x) sum(x), numeric(0))), numeric(0))
})

test_that("a long function has a gradient", {
  x <- gpu(c(1, 2, 3))
  factor <- gpu(c(1.001, 1.002, 1))
  long <- function(x) {
    for (i in 1:300) x <- x * factor # all of its gradient is a constant
    sum(x)
  }
  tolerance <- if (gpu_type(x) == "float64") 1e-12 else 1e-4
  expect_equal(as.vector(gpu_grad(long, x)), c(1.001, 1.002, 1)^300, tolerance = tolerance)
})

test_that("elements are assigned to in a function that is traced", {
  x <- gpu(matrix(c(1, 2, 3, 4, 5, 6), 2, dimnames = list(c("a", "b"), NULL)))
  change <- function(x) {
    x[2, ] <- x[1, ] * 10
    x[, c(3, 1)] <- x[, 1:2] + NaN
    x["a", 2] <- 7
    x[2] <- sum(x[, 2])
    x[x > 8] <- -1
    x
  }
  expect_identical(anygpu:::plain(gpu_jit(change)(x)), anygpu:::plain(change(anygpu:::plain(x))))
  constant <- gpu(c(1, 2, 3))
  put <- function(x) {
    constant[2] <- x[1]^2
    sum(constant^2)
  }
  expect_equal(as.vector(gpu_grad(put, gpu(c(3, 4)))), c(4 * 27, 0))
  expect_equal(as.vector(constant), c(1, 2, 3))
  whole <- gpu_jit(function(x) {
    x[1] <- 5L
    x
  })
  expect_error(whole(gpu(1:3)), class = "anygpu_error_type")
})

test_that("what cannot be traced says so", {
  x <- gpu(c(1, 2))
  looks <- function(x) if (sum(x) > 0) sum(x) else 0
  expect_error(gpu_grad(looks, x), class = "anygpu_error_argument")
  expect_error(gpu_grad(function(x) x, x), class = "anygpu_error_shape")
  expect_error(gpu_grad(function(x) "a", x), class = "anygpu_error_shape")
  expect_error(gpu_grad(1, x), class = "anygpu_error_argument")
})
