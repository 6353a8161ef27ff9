test_that("set.seed() repeats the numbers, and R's stream moves on", {
  set.seed(1)
  a <- as.vector(gpu_runif(100))
  b <- as.vector(gpu_runif(100))
  set.seed(1)
  expect_identical(as.vector(gpu_runif(100)), a)
  expect_false(identical(a, b))
})

test_that("every device draws the same numbers", {
  draws <- lapply(gpu_devices()$id, function(id) {
    set.seed(2)
    draw <- function(f) as.vector(f(1001, type = "float32", device = id))
    list(draw(gpu_runif), draw(gpu_rnorm))
  })
  for (d in draws) {
    expect_equal(d[[1]], draws[[1]][[1]], tolerance = 1e-6)
    expect_equal(d[[2]], draws[[1]][[2]], tolerance = 1e-4)
  }
})

# Kolmogorov's statistic: above 2.2 / sqrt(n) once in ten thousand samples.
distance <- function(x, cdf) {
  n <- length(x)
  max(abs(cdf(sort(x)) - (seq_len(n) - 0.5) / n))
}

test_that("the distributions are right", {
  set.seed(3)
  for (type in test_types()) {
    u <- as.vector(gpu_runif(1e5, type = type))
    expect_true(all(u > 0 & u < 1))
    expect_lt(distance(u, stats::punif), 2.2 / sqrt(1e5))
    z <- as.vector(gpu_rnorm(1e5, type = type))
    expect_lt(distance(z, stats::pnorm), 2.2 / sqrt(1e5))
    expect_lt(abs(stats::cor(z[-1], z[-1e5])), 0.02)
  }
  x <- as.vector(gpu_runif(1000, -2, 3))
  expect_true(all(x > -2 & x < 3))
  y <- as.vector(gpu_rnorm(1e4, 5, 2))
  expect_equal(c(mean(y), stats::sd(y)), c(5, 2), tolerance = 0.05)
})

test_that("shapes", {
  expect_identical(dim(gpu_runif(c(3, 4))), 3:4)
  expect_s4_class(gpu_rnorm(c(2, 3, 4)), "gpuArray")
  expect_identical(length(gpu_rnorm(0)), 0L)
})

test_that("wrong arguments", {
  expect_error(gpu_runif(-1), class = "anygpu_error_argument")
  expect_error(gpu_runif("a"), class = "anygpu_error_argument")
  expect_error(gpu_runif(1, 2, 1), class = "anygpu_error_argument")
  expect_error(gpu_rnorm(1, sd = -1), class = "anygpu_error_argument")
  expect_error(gpu_rnorm(1, mean = c(1, 2)), class = "anygpu_error_argument")
  expect_error(gpu_rnorm(1, type = "int32"), class = "anygpu_error_type")
})
