test_that("functions that ask is.vector() take arrays", {
  v <- c(3, 3, 1, 2, 2, 2)
  expect_gpu(function(x) rle(x)$lengths, v)
  expect_gpu(function(x) rle(x)$values, v > 1)
  expect_gpu(function(x) embed(x, 2), v)
  expect_gpu(function(x) toeplitz(x), v)
  expect_identical(inverse.rle(rle(gpu(v))), v)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_identical(barplot(gpu(v)), barplot(v))
  expect_identical(rle(v), base::rle(v))
  expect_error(toeplitz(gpu(matrix(1:4, 2))), class = "anygpu_error")
})

test_that("I() in a formula and in a data frame takes arrays", {
  x <- c(1, 2, 3, 4, 6)
  y <- c(2, 3, 5, 4, 9)
  g <- gpu(x)
  expect_silent(fit <- lm(y ~ I(g^2)))
  expect_equal(unname(coef(fit)), unname(coef(lm(y ~ I(x^2)))), tolerance = 1e-5)
  m <- matrix(1:4, 2)
  expect_identical(data.frame(a = I(gpu(m)))[2, ], data.frame(a = I(m))[2, ])
  expect_identical(I(m), base::I(m))
})

test_that("all.equal() compares values, names and extents, whatever side is on the device", {
  m <- matrix(c(1.5, 2, 3, 4), 2, dimnames = list(NULL, c("a", "b")))
  for (type in test_types()) {
    expect_true(all.equal(gpu(m, type), m))
    expect_true(all.equal(m, gpu(m, type)))
    expect_true(all.equal(gpu(m, type), gpu(m)))
    expect_match(all.equal(gpu(m, type), m * 1.01), "Mean relative difference")
    expect_true(all.equal(gpu(m, type), m * 1.01, tolerance = 0.1))
    expect_false(isTRUE(all.equal(gpu(m, type), unname(m))))
  }
  expect_true(all.equal(c(a = 1, b = 2), c(a = 1, b = 2)))
  expect_true(all.equal(list(1), list(1)))
})
