test_that("tabulate", {
  for (x in list(
    c(1L, 3L, 3L, NA, 0L, -1L, 7L), c(2, 3.9, 1, NA), integer(0), sample(9L, 1e4, TRUE),
    sample(5000L, 1e4, TRUE)
  )) {
    expect_gpu(tabulate, x)
    expect_gpu(function(x) tabulate(x, 3), x)
    expect_gpu(function(x) tabulate(x, nbins = 4000L), x)
  }
  expect_gpu(function(x) tabulate(x, 0), c(1L, 2L))
  expect_gpu(function(x) tabulate(x, NA), c(1L, 2L))
  expect_gpu(tabulate, c(TRUE, FALSE))
  expect_identical(tabulate(c(1, 2, 2)), c(1L, 2L))
})

x <- c(-1, 0, 0.5, 1, 1.5, 2, NA, 3, 3.5, NaN, Inf, -Inf)

test_that("findInterval", {
  for (vec in list(c(0, 1, 2, 3), c(0, 1, 1, 3), 1, c(-Inf, 0, Inf), c(0, 1))) {
    for (k in 0:7) {
      expect_gpu(function(x) {
        findInterval(x, vec, rightmost.closed = k %% 2 == 1, all.inside = k %/% 2 %% 2 == 1,
                     left.open = k %/% 4 == 1)
      }, x)
    }
  }
  expect_gpu(function(x, v) findInterval(x, v), rnorm(100003), sort(rnorm(500)))
  expect_gpu(function(x) findInterval(x, c(1.5, 3)), c(1L, 2L, NA, 3L))
  expect_gpu(function(x) findInterval(x, numeric(0)), x)
  expect_gpu(function(x) findInterval(x, c(2, 1)), x)
  expect_identical(findInterval(1.5, c(1, 2)), 1L)
})

test_that("cut", {
  for (right in c(TRUE, FALSE)) {
    for (lowest in c(TRUE, FALSE)) {
      expect_gpu(function(x) cut(x, c(0, 1, 3), right = right, include.lowest = lowest), x)
      expect_gpu(function(x) cut(x, c(3, 0, 1), labels = FALSE, right = right,
                                 include.lowest = lowest), x)
    }
  }
  y <- c(1, 5, 2, NA, 9.5)
  expect_gpu(function(x) cut(x, 3), y)
  expect_gpu(function(x) cut(x, 3, labels = c("a", "b", "c"), ordered_result = TRUE), y)
  expect_gpu(function(x) cut(x, 4, dig.lab = 2), 1:20)
  expect_gpu(function(x) cut(x, 2), c(3, 3))
  expect_gpu(function(x) cut(x, 2), c(0, 0))
  expect_gpu(function(x) cut(x, c(1, 1, 2)), y)
  expect_gpu(function(x) cut(x, 1), y)
  expect_gpu(function(x) cut(x, c(1, 2), labels = c("a", "b")), y)
  expect_gpu(function(x) cut(x, c(0, 0.5)), numeric(0))
})
