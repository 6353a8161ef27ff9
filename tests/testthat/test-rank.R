ties <- c("average", "first", "last", "max", "min")
special <- c(3, NA, -Inf, 0, NaN, -0, Inf, 3, 3, NA, 0, -2.5)

test_that("rank: ties and missing values", {
  for (method in ties) {
    for (na.last in list("keep", TRUE, FALSE, NA)) {
      f <- function(x) rank(x, na.last = na.last, ties.method = method)
      for (x in list(special, c(2L, NA, 1L, 2L), c(TRUE, NA, FALSE, TRUE), c(b = 1, a = 1))) {
        expect_gpu(f, x)
      }
    }
    f <- function(x) rank(x, ties.method = method)
    expect_gpu(f, round(rnorm(1000), 1))
    expect_gpu(f, sample(50L, 100003, TRUE))
    expect_gpu(f, rep(1, 70))
    expect_gpu(f, numeric(0))
    expect_gpu(f, c(NA_real_, NA_real_))
    expect_gpu(f, matrix(c(3, 1, 2, 1), 2))
  }
  expect_gpu(rank, special)
  expect_gpu(function(x) {
    set.seed(1)
    rank(x, ties.method = "random")
  }, c(1, 1, 1, 2, 2))
  expect_gpu(function(x) rank(x, ties.method = "best"), special)
  expect_identical(rank(c("b", "a")), rank(c("b", "a")))
})

test_that("median and quantile", {
  for (x in list(
    c(3, 1, 2), c(4, 1, 3, 2), c(a = 4, b = 1), 5:1, 6:1, c(TRUE, FALSE, TRUE), c(TRUE, FALSE),
    c(1, NA, 3), c(NA_integer_, 1L), c(1, NaN), numeric(0), c(NA_real_, NA_real_), c(-Inf, Inf, 2),
    rnorm(1001), rnorm(100003)
  )) {
    expect_gpu(median, x)
    expect_gpu(function(x) median(x, na.rm = TRUE), x)
    expect_gpu(quantile, x)
    expect_gpu(function(x) quantile(x, c(0.1, 0.123456, 0.5, NA, 1), na.rm = TRUE), x)
    expect_gpu(function(x) quantile(x, 0.9, na.rm = TRUE, names = FALSE), x)
  }
  for (type in 1:9) expect_gpu(function(x) quantile(x, type = type), c(5, 3, 8, 1, 1, 4))
  expect_gpu(function(x) quantile(x, 2), c(5, 3, 8))
  expect_gpu(median, matrix(c(5, 3, 8, 1), 2))
  expect_gpu(function(x) median(c(5, 3, 8)), c(1, 2))
  expect_gpu(function(x) unname(summary(x)), c(5, 3, 8, 1))
})

test_that("medians and ranks of rows and columns", {
  skip_if_not_installed("matrixStats")
  theirs <- lapply(c(
    rowMedians = "rowMedians", colMedians = "colMedians", rowRanks = "rowRanks",
    colRanks = "colRanks"
  ), function(name) {
    f <- getExportedValue("matrixStats", name)
    function(...) f(..., useNames = TRUE)
  })
  named <- matrix(round(rnorm(35), 1), 5, dimnames = list(letters[1:5], LETTERS[1:7]))
  holes <- named
  holes[c(3, 9, 20)] <- NA
  large <- random_matrix(c(67, 31))
  for (x in thinned(list(named, holes, t(holes), matrix(c(2, 1), 1), large), 3)) {
    expect_gpu(function(x) if (is_gpu(x)) rowMedians(x) else theirs$rowMedians(x), x)
    expect_gpu(function(x) if (is_gpu(x)) colMedians(x) else theirs$colMedians(x), x)
    expect_gpu(function(x) {
      if (is_gpu(x)) rowMedians(x, na.rm = TRUE) else theirs$rowMedians(x, na.rm = TRUE)
    }, x)
    for (method in ties) {
      expect_gpu(function(x) {
        if (is_gpu(x)) rowRanks(x, method) else theirs$rowRanks(x, ties.method = method)
      }, x)
      expect_gpu(function(x) {
        if (is_gpu(x)) colRanks(x, method) else theirs$colRanks(x, ties.method = method)
      }, x)
      expect_gpu(function(x) {
        if (is_gpu(x)) colRanks(x, method, preserveShape = TRUE)
        else theirs$colRanks(x, ties.method = method, preserveShape = TRUE)
      }, x)
    }
  }
  expect_gpu(function(x) if (is_gpu(x)) colMedians(x) else apply(x, 2, median) + 0,
             matrix(1:6, 2))
  expect_error(rowMedians(gpu(c(1, 2))), "rowMedians", class = "anygpu_error_shape")
  expect_error(colRanks(gpu(c(1, 2))), "colRanks", class = "anygpu_error_shape")
})
