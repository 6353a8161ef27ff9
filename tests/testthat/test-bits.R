test_that("functions of bits are base R's", {
  a <- c(12L, -5L, NA, 0L, .Machine$integer.max)
  b <- c(10L, 3L, 1L, NA, -1L)
  for (f in list(bitwAnd, bitwOr, bitwXor)) {
    expect_gpu(f, a, b)
    expect_gpu(function(x) f(x, 6L), a)
    expect_gpu(function(x) f(6L, x), a)
    expect_gpu(f, a, 1:3)
    expect_gpu(f, matrix(1:4, 2), c(x = 3L, y = 1L))
    expect_gpu(f, c(5, 6.9), 3L)
    expect_gpu(f, integer(0), a)
    expect_gpu(f, c(TRUE, FALSE), c(TRUE, TRUE))
    expect_gpu(f, seq_len(100003), 7L)
    expect_identical(f(5L, 3L), get(c("bitwAnd", "bitwOr", "bitwXor")[c(f(5L, 3L) == 1L,
      f(5L, 3L) == 7L, f(5L, 3L) == 6L)], baseenv())(5L, 3L))
  }
  expect_gpu(bitwNot, a)
  expect_gpu(bitwNot, c(1, 2))
  expect_gpu(bitwNot, c(TRUE, FALSE))
  expect_identical(bitwNot(5L), -6L)
  for (f in list(bitwShiftL, bitwShiftR)) {
    expect_gpu(f, c(1L, -1L, NA, 3L, 5L, 7L), c(0L, 1L, 2L, 31L, 32L, -1L))
    expect_gpu(function(x) f(x, 4L), a)
    expect_identical(f(8L, 0L), 8L)
  }
})

test_that("numbers too large for bits are NA with R's warning", {
  expect_warning(y <- bitwAnd(gpu(c(3e9, 5)), 7L), "coercion to integer range")
  expect_identical(as.vector(y), c(NA, 5L))
})
