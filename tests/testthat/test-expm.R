# The exponential of a matrix, against closed forms and eigen-decompositions in base R.

expect_exponential <- function(x, want, factor = 1) {
  for (type in test_types()) {
    got <- gpu_expm(gpu(x, type))
    expect_s4_class(got, "gpuMatrix")
    expect_identical(gpu_type(got), type)
    unit <- c(float64 = 2^-52, float32 = 2^-23)[[type]]
    size <- max(1, colSums(abs(x)))
    apart <- max(abs(plain_all(got) - want)) / max(abs(want))
    expect_lt(apart / unit, 20 * factor * nrow(x) * size, label = paste(type, apart))
  }
}

test_that("closed forms", {
  expect_exponential(matrix(0, 5, 5), diag(5))
  expect_exponential(diag(c(-3, 0, 2)), diag(exp(c(-3, 0, 2))))
  for (angle in c(1e-3, 0.1, 0.5, 1.5, 3, 20)) {
    turn <- matrix(c(cos(angle), sin(angle), -sin(angle), cos(angle)), 2)
    expect_exponential(matrix(c(0, angle, -angle, 0), 2), turn)
  }
  n <- 6
  shift <- matrix(0, n, n)
  shift[cbind(2:n, 1:(n - 1))] <- 1
  k <- row(shift) - col(shift)
  expect_exponential(shift, ifelse(k >= 0, 1 / gamma(pmax(k, 0) + 1), 0))
  expect_exponential(matrix(2.5, 1, 1), matrix(exp(2.5)))
})

test_that("of symmetric matrices, by their eigenvalues", {
  for (n in c(3, 17, 64, 130)) {
    x <- crossprod(matrix(rnorm(n * n), n)) / n
    for (scale in c(-2, 0.01, 0.3, 2)) {
      e <- base::eigen(x * scale, TRUE)
      expect_exponential(x * scale, e$vectors %*% (exp(e$values) * t(e$vectors)))
    }
  }
})

test_that("exp(x) exp(-x) is the identity, for matrices that are not symmetric", {
  x <- matrix(rnorm(400), 20) / 4
  for (type in test_types()) {
    both <- plain_all(gpu_expm(gpu(x, type)) %*% gpu_expm(gpu(-x, type)))
    expect_lt(max(abs(both - diag(20))), if (type == "float64") 1e-11 else 1e-2)
  }
})

test_that("all of it runs on the device", {
  old <- options(anygpu.fallback = "error")
  on.exit(options(old))
  for (scale in c(0.01, 10)) expect_s4_class(gpu_expm(gpu(diag(3) * scale)), "gpuMatrix")
})

test_that("types, names, extremes", {
  x <- matrix(0L, 2, 2, dimnames = list(c("a", "b"), c("c", "d")))
  expect_identical(dimnames(gpu_expm(gpu(x))), dimnames(x))
  expect_equal(plain_all(gpu_expm(gpu(unname(x)))), diag(2))
  expect_equal(plain_all(gpu_expm(matrix(0, 2, 2))), diag(2))
  expect_identical(dim(gpu_expm(gpu(matrix(0, 0, 0)))), c(0L, 0L))
  # too large for the type, or gone: no error, no endless loop
  expect_equal(plain_all(gpu_expm(gpu(diag(c(-1e5, -1e5))))), matrix(0, 2, 2))
  expect_false(all(is.finite(plain_all(gpu_expm(gpu(diag(c(1e30, 1))))))))
})

test_that("what is no square matrix of finite numbers is refused", {
  for (x in list(matrix(1, 2, 3), 1:3, array(1, c(2, 2, 2)), matrix(NA_real_, 2, 2),
                 matrix(c(1, Inf, 1, 1), 2))) {
    expect_error(gpu_expm(gpu(x)), class = "anygpu_error_argument")
  }
})
