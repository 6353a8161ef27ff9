vectors <- list(
  c(3, NA, 1, NaN, 3, -0, 0, NA, NaN, 1, Inf), c(3L, NA, 1L, 3L, NA), c(TRUE, NA, TRUE),
  c(b = 1, a = 1), c(1, 2, 3), numeric(0), 5, rep(2, 100)
)

test_that("unique, duplicated, anyDuplicated", {
  for (x in c(vectors, list(sample(1000L, 100003, TRUE), round(rnorm(3000), 1)))) {
    for (f in list(unique, duplicated, anyDuplicated)) {
      expect_gpu(f, x)
      expect_gpu(function(x) f(x, fromLast = TRUE), x)
    }
  }
  expect_gpu(function(x) duplicated(x, incomparables = 3), vectors[[1]])
  expect_gpu(function(x) unique(x, incomparables = 3), vectors[[1]])
  m <- matrix(c(1, 1, 2, 2, 1, 1), 2)
  for (f in list(unique, duplicated, anyDuplicated)) expect_gpu(f, m)
  expect_gpu(function(x) unique(x, MARGIN = 2), m)
})

test_that("match and %in%", {
  # tables that are short beside x are searched
  for (x in c(vectors, list(rep(vectors[[1]], 10), rep(vectors[[2]], 10)))) {
    expect_gpu(function(x, y) match(x, y), x, c(1, NaN, 3, 1, 0))
    expect_gpu(function(x, y) match(x, y, nomatch = 0L), x, c(2L, NA, 3L))
    expect_gpu(function(x, y) x %in% y, x, c(TRUE, NA))
    expect_gpu(function(x) x %in% c(3, NA), x)
    expect_gpu(function(x) match(c(1, 3), x), x)
  }
  expect_gpu(function(x, y) match(x, y), sample(5000L, 100003, TRUE), sample(5000L, 3000))
  expect_gpu(function(x) 3 %in% x, c(1, 3))
  expect_gpu(function(x) match(x, 3, incomparables = 3), c(1, 3))
  expect_gpu(function(x) match(x, c("1", "b")), c(2, 1))
  expect_gpu(function(x) match(x, list(1, 2)), c(2, 1))
  expect_gpu(function(x, y) x %in% y, matrix(c(1, 2, 3, 4), 2), c(2, 3))
  expect_identical(match("b", letters), 2L)
  expect_identical("b" %in% letters, TRUE)
  expect_identical(`%in%`(1, 1:2), TRUE)
  expect_gpu(function(x) sort(union(x, c(9, 8))), c(1, 9))
  expect_gpu(function(x) setdiff(x, c(9, 8)), c(1, 9, 3))
})

test_that("table", {
  expect_gpu(table, c(3, 1, 3, NA, 2))
  expect_gpu(function(x) table(x, useNA = "ifany"), c(3, 1, 3, NA, 2))
  expect_gpu(function(x, y) table(x, y), c(1L, 2L, 1L), c(TRUE, FALSE, TRUE))
})
