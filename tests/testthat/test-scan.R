cumulatives <- list(cumsum, cumprod, cummax, cummin)

test_that("cumulative functions are R's", {
  set.seed(11)
  for (f in cumulatives) {
    expect_gpu(f, c(a = 1.5, b = -2, c = 3, d = 0.5))
    expect_gpu(f, random_matrix(c(5, 3)))
    expect_gpu(f, runif(1000, 0.9, 1.1))
    expect_gpu(f, numeric(0))
    expect_gpu(f, integer(0))
    expect_gpu(f, array(1:3 / 2, 3, list(c("a", "b", "c"))))
    expect_gpu(f, c(2L, 7L, 1L, NA, 3L))
    expect_gpu(f, c(TRUE, FALSE, NA, TRUE))
    expect_gpu(f, rep(c(TRUE, FALSE), 40))
    expect_gpu(f, c(1, NA, 2))
    expect_gpu(f, c(NaN, 1, NA))
    expect_gpu(f, c(1, Inf, -Inf, 2))
    expect_gpu(f, matrix(5, 1, 1))
  }
})

test_that("cumulative functions of long vectors", {
  set.seed(12)
  n <- 100003
  expect_gpu(cumsum, runif(n))
  expect_gpu(cumprod, 1 + runif(n, -1, 1) / 1000, tolerance = 1e-2, types = "float32")
  f64 <- intersect("float64", test_types())
  expect_gpu(cumprod, 1 + runif(n, -1, 1) / 1000, types = f64)
  expect_gpu(cummax, rnorm(n))
  expect_gpu(cummin, rnorm(n))
  expect_gpu(cumsum, sample(-50:50, n, TRUE))
  expect_gpu(cummax, c(sample(n), NA, 5L))
  expect_gpu(cumsum, replace(runif(n), 77777, NA))
  expect_gpu(function(x) cumsum(x * 2 + 1), runif(n))
})

test_that("integers overflow with R's warning", {
  expect_gpu(cumsum, c(.Machine$integer.max, 1L, -5L, 2L))
  expect_gpu(cumsum, c(1L, NA, .Machine$integer.max, 1L))
  expect_gpu(cumsum, c(.Machine$integer.max, 1L, -5L, NA))
})

test_that("products that leave the range of a double stay where they are", {
  skip_if_not("float64" %in% test_types())
  expect_gpu(cumprod, c(0, rep(2, 5000)), types = "float64")
  expect_gpu(cumprod, c(rep(10, 5000), 0, 1), types = "float64")
  expect_gpu(prod, c(1e300, 1e300, 1e-300, 1e-300), types = if (gpu_device() == "host") "float64")
})

test_that("a scan is pending, one launch, and works compiled", {
  x <- gpu_force(gpu(runif(100)))
  before <- gpu_stats()
  y <- cumsum(2 * x + 1)
  expect_identical(gpu_stats()$launches, before$launches)
  gpu_force(y)
  expect_identical(gpu_stats()$launches, before$launches + 1)
  expect_identical(gpu_stats()$fallbacks, before$fallbacks)
  f <- gpu_jit(function(x) cumsum(x)^2)
  for (i in 1:2) expect_equal(anygpu:::plain(f(x)), cumsum(anygpu:::plain(x))^2, tolerance = 1e-5)
  for (f in list(cumsum, cumprod, cummax, cummin)) {
    for (x in list(c(0.5, -1, 2), 0.4, rev(1:67 / 60))) {
      expect_derivatives(function(x) sum(f(x)^2 * different(length(x))), x)
    }
  }
  zeros <- c(2, 0, 3, 1, 0, 1.5, 0.7)
  expect_derivatives(function(x) sum(cumprod(x)^2 * different(7)), zeros)
})

test_that("differences", {
  m <- matrix(c(1, 4, 9, 16, 2, 5, 4, 4), 4, dimnames = list(letters[1:4], c("x", "y")))
  expect_gpu(diff, c(a = 1, b = 4, c = 9, d = 2))
  expect_gpu(diff, c(1L, 4L, NA, 2L))
  expect_gpu(diff, m)
  expect_gpu(function(x) diff(x, lag = 2), m)
  expect_gpu(function(x) diff(x, 1, 2), m)
  expect_gpu(function(x) diff(x, lag = 2, differences = 2), c(m))
  expect_gpu(function(x) diff(x, lag = 5), m)
  expect_gpu(function(x) diff(x, lag = 0), m)
  expect_gpu(diff, runif(200))
})
