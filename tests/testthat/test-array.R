test_that("values, NA and shapes survive the way to the device and back", {
  for (dim in test_shapes) {
    p <- random_matrix(dim)
    for (type in test_types()) {
      expect_equal(as.matrix(gpu(p, type)), p, tolerance = 1e-6)
    }
  }
  special <- c(NA, NaN, Inf, -Inf, 0, -0, 1)
  for (type in test_types()) {
    back <- as.vector(gpu(special, type))
    expect_identical(back, special)
    expect_identical(is.nan(back), is.nan(special))
  }
  expect_identical(as.vector(gpu(c(1L, NA))), c(1L, NA))
  expect_identical(as.vector(gpu(c(TRUE, NA, FALSE))), c(TRUE, NA, FALSE))
  expect_identical(as.array(gpu(array(1:24, 2:4))), array(1:24, 2:4))
  expect_identical(as.vector(gpu(numeric(0))), numeric(0))
})

test_that("classes follow the dimensions", {
  expect_s4_class(gpu(1:3), "gpuVector")
  expect_s4_class(gpu(matrix(1:4, 2)), "gpuMatrix")
  expect_s4_class(gpu(array(1:8, c(2, 2, 2))), "gpuArray")
  expect_true(is.matrix(gpu(matrix(1:4, 2))))
  expect_true(is.numeric(gpu(c(1, 2))))
  expect_true(is.logical(gpu(TRUE)))
  expect_identical(dim(gpu(matrix(1:6, 2))), 2:3)
  expect_identical(c(nrow(gpu(matrix(1:6, 2))), ncol(gpu(matrix(1:6, 2)))), 2:3)
  expect_true(is_gpu(gpu(1)))
  expect_false(is_gpu(1))
  expect_false(is_gpu("a"))
})

test_that("types are chosen and converted", {
  expect_identical(gpu_type(gpu(1:3)), "int32")
  expect_identical(gpu_type(gpu(TRUE)), "logical")
  expect_identical(gpu_type(gpu(1, "float32")), "float32")
  expect_identical(gpu_type(gpu(1:3, "float32")), "float32")
  expect_identical(gpu_type(gpu(gpu(c(1, 2), "float32"), "int32")), "int32")
  old <- options(anygpu.type = "float32")
  on.exit(options(old))
  expect_identical(gpu_type(gpu(1.5)), "float32")
})

test_that("attributes other than the class go along", {
  p <- structure(matrix(1:4 / 2, 2, dimnames = list(NULL, c("a", "b"))), note = "kept")
  expect_identical(anygpu:::plain(gpu(p)), p)
  frame <- data.frame(a = 1:2, b = 3:4)
  expect_identical(as.matrix(gpu(frame)), as.matrix(frame))
})

test_that("makers", {
  expect_equal(as.matrix(gpu_zeros(2, 3)), matrix(0, 2, 3))
  expect_equal(as.matrix(gpu_zeros(c(2, 3))), matrix(0, 2, 3))
  expect_equal(as.vector(gpu_zeros(4, type = "int32")), integer(4))
  for (n in c(0, 1, 2, 5, 70)) expect_equal(as.matrix(gpu_eye(n)), diag(n))
  expect_equal(as.matrix(gpu_matrix(1:6, 2)), matrix(1:6, 2))
  by_row <- matrix(1:6, ncol = 2, byrow = TRUE)
  expect_equal(as.matrix(gpu_matrix(1:6, ncol = 2, byrow = TRUE)), by_row)
  expect_equal(as.matrix(gpu_matrix(gpu(1:6), 3)), matrix(1:6, 3))
})

test_that("dim<- and t()", {
  expect_gpu(t, matrix(1:6 / 2, 2, dimnames = list(a = c("x", "y"), NULL)))
  expect_gpu(t, c(a = 1, b = 2))
  expect_gpu(t, c(1, 2))
  reshape <- function(x, dim) {
    dim(x) <- dim
    x
  }
  expect_gpu(function(x) reshape(x, c(3, 2)), matrix(1:6 / 2, 2))
  expect_gpu(function(x) reshape(x, NULL), matrix(1:6 / 2, 2))
  expect_gpu(function(x) reshape(x, c(1, 2, 3)), c(1, 2, 3, 4, 5, 6))
  expect_gpu(function(x) reshape(x, c(4, 2)), c(1, 2, 3, 4, 5, 6))
  expect_gpu(function(x) reshape(x, -1), c(1, 2))
})

test_that("any R function takes an array", {
  set.seed(1)
  p <- matrix(rnorm(60), 12, dimnames = list(NULL, letters[1:5]))
  x <- gpu(p)
  close <- function(got, want) expect_equal(got, want, tolerance = 1e-4)
  close(as.vector(apply(x, 1, max)), apply(p, 1, max))
  coefficients <- function(x) unname(stats::coef(stats::lm(x[, 1] ~ x[, 2:3])))
  close(coefficients(x), coefficients(p))
  close(as.data.frame(x), as.data.frame(p))
  close(summary(x), summary(p))
  close(stats::cor(x), stats::cor(p))
  close(as.matrix(outer(x[, 1], 1:2)), outer(p[, 1], 1:2))
  close(as.matrix(scale(x)), as.matrix(scale(p)))
  close(anygpu:::plain(stats::quantile(x)), stats::quantile(p))
  close(unname(as.matrix(cbind(x, 1))), unname(cbind(p, 1)))
  close(svd(x)$d, svd(p)$d)
  close(as.vector(sweep(x, 2, colMeans(x))), as.vector(sweep(p, 2, colMeans(p))))
  close(as.vector(head(x, 2)), as.vector(head(p, 2)))
  close(vapply(split(x[, 1], rep(1:2, 6)), sum, 0), vapply(split(p[, 1], rep(1:2, 6)), sum, 0))
  close(ifelse(as.matrix(x > 0), 1, 0), ifelse(p > 0, 1, 0))
  expect_identical(dim(model.matrix(~ x)), dim(model.matrix(~ p)))
})

test_that("forcing keeps the values on the device", {
  x <- gpu(c(1, 2)) + 1
  expect_identical(anygpu:::state_of(x), "pending")
  before <- gpu_stats()$downloads
  gpu_force(x)
  gpu_synchronize()
  expect_identical(gpu_stats()$downloads, before)
  expect_identical(anygpu:::state_of(x), "computed")
  expect_equal(as.vector(x), c(2, 3))
})

test_that("wrong data are refused with a clear error", {
  expect_error(gpu("a"), "numbers or logical", class = "anygpu_error_type")
  expect_error(gpu(NULL), class = "anygpu_error_type")
  expect_error(gpu(matrix(letters, 2)), class = "anygpu_error_type")
  expect_error(gpu(factor("a")), "factor", class = "anygpu_error_type")
  expect_error(gpu(Sys.Date()), "Date", class = "anygpu_error_type")
  expect_error(gpu(1i), "complex", class = "anygpu_error_type")
  expect_error(gpu(list(1)), class = "anygpu_error_type")
  expect_error(gpu(1, type = "float16"), class = "anygpu_error_type")
  expect_error(gpu(array(1, rep(1, 9))), class = "anygpu_error_shape")
  expect_error(gpu_zeros(-1), class = "anygpu_error_argument")
  expect_error(gpu_zeros("a"), class = "anygpu_error_argument")
  expect_error(gpu_eye(c(1, 2)), class = "anygpu_error_argument")
  expect_error(gpu_type(1), class = "anygpu_error_type")
})
