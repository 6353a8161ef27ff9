m <- matrix(c(1.5, -2, 3, 4, 0.25, -1, 2, 8, -0.5, 1, 1, 7), 4,
            dimnames = list(letters[1:4], c("p", "q", "r")))

test_that("sweep", {
  expect_gpu(function(x) sweep(x, 2, c(1, 2, 3)), m)
  expect_gpu(function(x) sweep(x, 1, c(1, 2, 3, 4), "*"), m)
  expect_gpu(function(x, s) sweep(x, 2, s, `/`), m, c(1, 2, 3))
  expect_gpu(function(x) sweep(x, c(1, 3), 1:8, "+"), array(1:24 / 2, c(2, 3, 4)))
  expect_gpu(function(x) sweep(x, c(3, 1), 1:8, "+"), array(1:24 / 2, c(2, 3, 4)))
  expect_gpu(function(x) sweep(x, 2, 5), m)
  expect_gpu(function(x) sweep(x, 2, c(1, 2)), m)
  expect_gpu(function(x) sweep(x, 2, c(1, NA, 3), ">"), m)
  expect_identical(sweep(m, 2, 1:3), base::sweep(m, 2, 1:3))
})

test_that("scale", {
  f64 <- intersect("float64", test_types()) # the attributes are compared to the last digit
  for (x in list(m, unname(m), replace(m, c(2, 7), NA))) {
    expect_gpu(scale, x, types = f64)
    expect_gpu(function(x) scale(x, FALSE), x, types = f64)
    expect_gpu(function(x) c(scale(x)), x)
    got <- attributes(scale(gpu(x, "float32")))
    for (what in c("scaled:center", "scaled:scale")) {
      expect_equal(got[[what]], attr(scale(x), what), tolerance = 1e-6)
    }
  }
  expect_gpu(function(x) scale(x, TRUE, FALSE), m)
  expect_gpu(function(x) scale(x, c(1, 2, 3), c(2, 2, 4)), m)
  expect_gpu(function(x) scale(x, FALSE, FALSE), m)
  expect_gpu(scale, matrix(c(1L, 5L, 2L, 7L), 2))
  expect_gpu(scale, c(1, 2, 4))
  expect_gpu(function(x) scale(x, c(1, 2)), m)
})

test_that("sums by group", {
  expect_gpu(function(x) rowsum(x, c(2, 1, 2, 1)), m)
  expect_gpu(function(x) rowsum(x, c("b", "a", "c", "b")), m)
  expect_gpu(function(x) rowsum(x, c("b", "a", "c", "b"), reorder = FALSE), unname(m))
  expect_gpu(function(x) rowsum(x, c(2, 1, 2, 1)), c(1.5, 2, 3, 4))
  expect_gpu(function(x) rowsum(x, c(2, 1, 2, 1)), matrix(1:8, 4))
  expect_gpu(function(x) rowsum(x, c(2, 1, 2, 1)), c(.Machine$integer.max, 1L, 1L, 2L))
  expect_gpu(function(x) rowsum(x, c(2, 1, 2, 1)), replace(m, c(2, 7), NA))
  expect_gpu(function(x) rowsum(x, c(2, 1, 2, 1), na.rm = TRUE), replace(m, c(2, 7), NA))
  expect_gpu(function(x) rowsum(x, c(2, NA, 2, 1)), m)
  expect_gpu(function(x) rowsum(x, 1:3), m)
  group <- rep(1:7, length.out = 1000)
  expect_gpu(function(x) rowsum(x, group), matrix(round(runif(3000), 3), 1000))
})

test_that("variance, covariance, correlation", {
  expect_gpu(var, c(m))
  expect_gpu(var, m)
  expect_gpu(sd, c(m))
  expect_gpu(sd, m)
  expect_gpu(var, c(1L, 5L, 9L))
  expect_gpu(var, c(1, NA, 3))
  expect_gpu(function(x) var(x, na.rm = TRUE), c(1, NA, 3))
  expect_gpu(function(x) sd(x, na.rm = TRUE), c(1, NA, 3, 7))
  expect_gpu(function(x) var(x, na.rm = TRUE), replace(m, 2, NA))
  expect_gpu(cov, m)
  expect_gpu(cov, replace(m, 2, NA))
  expect_gpu(function(x, y) cov(x, y), m, m[, 1:2] * 2)
  expect_gpu(cor, m)
  expect_gpu(function(x, y) cor(x, y), m, m[4:1, 1:2])
  expect_gpu(function(x, y) cor(x, y), c(m), c(t(m)))
  expect_gpu(function(x) cor(x, method = "spearman"), m)
  expect_gpu(function(x) cor(x, use = "complete.obs"), replace(m, 2, NA))
  expect_gpu(cor, cbind(1, c(1, 2, 3)))
  expect_identical(var(1:3), stats::var(1:3))
  expect_identical(sd(1:3), stats::sd(1:3))
  expect_identical(cov(m), stats::cov(m))
  expect_identical(cor(m), stats::cor(m))
})
