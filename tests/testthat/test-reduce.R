test_that("whole reductions", {
  p <- matrix(c(1.5, -2, 3, 4, 5, -6), 2)
  for (f in list(sum, mean, min, max, prod, range)) {
    expect_gpu(f, p)
    expect_gpu(f, c(p))
    expect_gpu(f, c(NA, p))
    expect_gpu(function(x) f(x, na.rm = TRUE), c(NA, p))
    expect_gpu(f, 1:7)
    expect_gpu(f, c(TRUE, FALSE, TRUE))
    expect_gpu(f, c(TRUE, NA))
  }
  expect_gpu(function(x) sum(x, 1, 2), p)
  expect_gpu(any, c(TRUE, NA))
  expect_gpu(any, c(FALSE, NA))
  expect_gpu(all, c(TRUE, NA))
  expect_gpu(all, c(FALSE, NA))
  expect_gpu(any, c(0, 1))
  expect_gpu(function(x) any(x > 3), p)
  expect_gpu(function(x) sum(x > 3), p)
  expect_gpu(function(x) mean(x, trim = 0.1), c(p))
})

test_that("integers and logical values are reduced exactly", {
  big <- .Machine$integer.max
  for (f in list(sum, mean, prod, min, max, range)) {
    expect_gpu(f, c(3L, -7L, 20L))
    expect_gpu(f, c(3L, NA, 20L))
    expect_gpu(f, c(NA, NA_integer_))
    expect_gpu(function(x) f(x, na.rm = TRUE), c(3L, NA, -20L))
    expect_gpu(function(x) f(x, na.rm = TRUE), c(TRUE, NA, FALSE))
    expect_gpu(function(x) f(x, na.rm = TRUE), c(NA, NA_integer_))
    expect_gpu(f, c(-big, big))
  }
  expect_gpu(sum, c(big, 1L))
  expect_gpu(sum, c(big, big, -big, -big, 5L))
  expect_gpu(function(x) sum(x, na.rm = TRUE), c(big, 1L, NA))
  expect_gpu(sum, sample(-1000:1000, 100003, TRUE))
  expect_gpu(max, sample(100003))
  expect_gpu(mean, rep(big, 1000))
  expect_gpu(sum, rep(c(TRUE, FALSE, TRUE), 30000))
})

test_that("na.rm leaves out what is missing, on the device", {
  x <- c(NA, 2.5, NaN, -1, 7)
  before <- gpu_stats()$fallbacks
  for (f in list(sum, mean, prod, min, max, range)) {
    expect_gpu(function(x) f(x, na.rm = TRUE), x)
    expect_gpu(function(x) f(x * 2, na.rm = TRUE), x)
    expect_gpu(function(x) f(x, na.rm = TRUE), replace(runif(70000), c(5, 66666), NA))
    expect_gpu(function(x) f(x, na.rm = FALSE), x)
  }
  for (f in list(any, all)) {
    for (v in list(c(TRUE, NA), c(FALSE, NA), c(NA, NA))) {
      expect_gpu(function(x) f(x, na.rm = TRUE), v)
      expect_gpu(f, v)
    }
    expect_gpu(function(x) f(x > 0, na.rm = TRUE), x)
  }
  expect_identical(gpu_stats()$fallbacks, before)
  for (f in list(sum, mean, prod, min, max, range)) {
    expect_gpu(function(x) f(x, na.rm = TRUE), c(NA, NaN))
    expect_gpu(function(x) f(x, na.rm = TRUE), c(NA, Inf, -Inf))
  }
})

test_that("NA is told from NaN where R does", {
  skip_if_not("float64" %in% test_types() && gpu_device() == "host")
  for (f in list(min, max, sum)) {
    for (x in list(c(NaN, NA, 1), c(NA, NaN), c(1, NaN))) {
      expect_identical(is.nan(f(gpu(x, "float64"))), is.nan(f(x)))
    }
  }
})

test_that("several arguments", {
  x <- c(1.5, 2, -3)
  for (f in list(sum, prod, min, max, range)) {
    expect_gpu(function(x, y) f(x, y), x, c(4, 5, NA))
    expect_gpu(function(x, y) f(x, y, 3L, na.rm = TRUE), x, c(4, 5, NA))
    expect_gpu(function(x, y) f(x, y), c(1L, 5L), c(TRUE, FALSE))
    expect_gpu(function(x, y) f(x, y), numeric(0), x)
  }
  expect_gpu(function(x, y) any(x, y), c(FALSE, NA), c(FALSE, TRUE))
  expect_gpu(function(x, y) all(x, y, TRUE), c(TRUE, NA), c(TRUE, TRUE))
  expect_gpu(function(x) range(x, finite = TRUE), c(1, Inf, NA, -2))
})

test_that("the place of an extreme", {
  for (f in list(which.min, which.max)) {
    expect_gpu(f, c(a = 3, b = NA, c = 9, d = -1, e = 9, f = -1))
    expect_gpu(f, c(3L, NA, 9L, 9L, -1L))
    expect_gpu(f, c(FALSE, NA, TRUE))
    expect_gpu(f, c(NA, NaN))
    expect_gpu(f, c(NA, -Inf, Inf))
    expect_gpu(f, numeric(0))
    expect_gpu(f, replace(rnorm(100003), 99999, 10))
    expect_gpu(f, random_matrix(c(4, 3)))
    expect_identical(f(c(b = 2)), c(b = 1L))
  }
})

test_that("empty arrays", {
  for (f in list(sum, prod, min, max, mean)) expect_gpu(f, numeric(0))
  expect_gpu(any, logical(0))
  expect_gpu(all, logical(0))
  for (f in list(sum, prod, min, max, range, mean)) {
    expect_gpu(f, integer(0))
    expect_gpu(f, logical(0))
    expect_gpu(function(x) f(x, na.rm = TRUE), numeric(0))
  }
  for (dim in list(c(0, 3), c(3, 0))) {
    for (f in list(rowSums, colSums, rowMeans, colMeans)) {
      expect_gpu(function(x) f(x, na.rm = TRUE), matrix(0L, dim[1], dim[2]))
    }
  }
})

test_that("long sums are accurate", {
  p <- rep(0.1, 1e6)
  for (type in test_types()) {
    expect_equal(sum(gpu(p, type)) / 1e5, 1, tolerance = if (type == "float64") 1e-12 else 1e-5)
  }
})

test_that("rows and columns", {
  for (dim in test_shapes) {
    p <- random_matrix(dim)
    for (f in list(rowSums, colSums, rowMeans, colMeans)) expect_gpu(f, p)
  }
  named <- matrix(1:6 / 2, 2, dimnames = list(c("a", "b"), NULL))
  for (f in list(rowSums, colSums, rowMeans, colMeans)) {
    expect_gpu(f, named)
    expect_gpu(f, t(named))
    expect_gpu(f, matrix(c(1, NA, 3, 4), 2))
    expect_gpu(function(x) f(x, na.rm = TRUE), matrix(c(1, NA, 3, 4), 2))
    expect_gpu(f, matrix(1:4, 2))
    expect_gpu(f, matrix(c(1L, NA, 3L, .Machine$integer.max, 7L, NA), 2))
    expect_gpu(function(x) f(x, na.rm = TRUE), matrix(c(1L, NA, 3L, NA, 7L, NA), 2))
    expect_gpu(function(x) f(x, na.rm = TRUE), matrix(c(TRUE, NA, FALSE, TRUE), 2))
    expect_gpu(function(x) f(x, na.rm = TRUE, dims = 2), array(c(1:23 / 2, NA), 2:4))
    expect_gpu(f, matrix(c(TRUE, FALSE), 2, 2))
    expect_gpu(function(x) f(x, dims = 2), array(1:24 / 2, 2:4, list(NULL, b = letters[1:3], NULL)))
    expect_gpu(f, array(1:24 / 2, 2:4, list(NULL, b = letters[1:3], NULL)))
    expect_gpu(f, c(1, 2))
  }
})

test_that("rows and columns of large arrays", {
  set.seed(5)
  tall <- matrix(round(runif(5000 * 40), 3), 5000)
  for (f in list(rowSums, colSums, rowMeans, colMeans)) {
    expect_gpu(f, tall)
    expect_gpu(f, t(tall))
    expect_gpu(function(x) f(x, na.rm = TRUE), replace(tall, c(7, 100000), NA))
  }
})

test_that("largest of each row", {
  p <- matrix(c(1, 5, 3, 2, 5, 9, -1, 0, 0), 3, dimnames = list(letters[1:3], NULL))
  expect_gpu(function(x) if (is_gpu(x)) rowMaxs(x) else apply(x, 1, max), p)
  place <- function(x) if (is_gpu(x)) rowWhichMaxs(x) else max.col(x, "first")
  expect_gpu(place, p)
  expect_identical(max.col(gpu(p), "last"), max.col(p, "last"))
  expect_gpu(place, matrix(c(1, NA, 3, 4), 2))
  expect_gpu(place, matrix(c(1, 1, 1, 1), 2))
  expect_error(rowMaxs(gpu(c(1, 2))), "rowMaxs", class = "anygpu_error_shape")
  expect_error(rowWhichMaxs(gpu(c(1, 2))), "rowWhichMaxs", class = "anygpu_error_shape")
})
