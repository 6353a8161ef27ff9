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

test_that("empty arrays", {
  for (f in list(sum, prod, min, max, mean)) expect_gpu(f, numeric(0))
  expect_gpu(any, logical(0))
  expect_gpu(all, logical(0))
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
    expect_gpu(f, matrix(c(TRUE, FALSE), 2, 2))
    expect_gpu(function(x) f(x, dims = 2), array(1:24 / 2, 2:4, list(NULL, b = letters[1:3], NULL)))
    expect_gpu(f, array(1:24 / 2, 2:4, list(NULL, b = letters[1:3], NULL)))
    expect_gpu(f, c(1, 2))
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
