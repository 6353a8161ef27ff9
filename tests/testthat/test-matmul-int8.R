bytes <- function(rows, cols, from = -128:127) matrix(sample(from, rows * cols, TRUE), rows)

# R's product of integers is double, and exact.
exactly <- function(x, y) {
  z <- x %*% y
  storage.mode(z) <- "integer"
  z
}

test_that("products of small integers are R's, exactly", {
  for (k in c(0L, 1L, 2L, 7L, 64L, 1025L)) for (m in c(1, 17, 50)) for (n in c(1, 9, 33)) {
    x <- bytes(m, k)
    y <- bytes(k, n)
    z <- gpu_matmul_int8(gpu(x), y)
    expect_identical(gpu_type(z), "int32")
    expect_identical(anygpu:::plain(z), exactly(x, y), info = paste(m, k, n))
  }
  x <- bytes(20, 3000, c(-128L, 127L))
  expect_identical(anygpu:::plain(gpu_matmul_int8(x, gpu(t(x)))), exactly(x, t(x)))
  expect_identical(dim(gpu_matmul_int8(x[0, ], t(x))), c(0L, 20L))
})

test_that("names are those of the product", {
  x <- matrix(1:6, 2, dimnames = list(r = c("a", "b"), NULL))
  y <- matrix(1:6, 3, dimnames = list(NULL, c("p", "q")))
  expect_identical(anygpu:::plain(gpu_matmul_int8(gpu(x), y)), exactly(x, y))
})

test_that("a sum that does not fit is NA, with a warning", {
  x <- matrix(-128L, 1, 131072)
  expect_identical(anygpu:::plain(gpu_matmul_int8(x[, -1, drop = FALSE], t(x)[-1, , drop = FALSE])),
                   matrix(131071L * 16384L))
  expect_warning(z <- anygpu:::plain(gpu_matmul_int8(x, t(x))), "NA")
  expect_identical(z, matrix(NA_integer_))
})

test_that("what is no small integer is an error", {
  x <- matrix(1:4, 2)
  for (bad in c(-129L, 128L, NA)) {
    y <- x
    y[3] <- bad
    expect_error(gpu_matmul_int8(x, y), "`y`", class = "anygpu_error_argument")
    expect_error(gpu_matmul_int8(gpu(y), x), "`x`", class = "anygpu_error_argument")
  }
  expect_error(gpu_matmul_int8(x * 1, x), class = "anygpu_error_type")
  expect_error(gpu_matmul_int8(x, 1:2), class = "anygpu_error_type")
  expect_error(gpu_matmul_int8(gpu(x), rbind(x, x)), "x is 2 x 2, y is 4 x 2",
               class = "anygpu_error_shape")
})
