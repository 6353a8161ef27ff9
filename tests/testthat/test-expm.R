# The matrix exponential, against what is known of it in base R.

# By eigenvalues, for symmetric matrices.
exponential <- function(a) {
  e <- eigen(a, symmetric = TRUE)
  e$vectors %*% (exp(e$values) * t(e$vectors))
}

test_that("gpu_expm() of symmetric matrices is that by eigenvalues", {
  with_seed_shown(
    for (n in c(1, 2, 5, 33, 100)) {
      for (size in c(1e-3, 0.1, 0.5, 2, 4, 30)) {
        a <- matrix(rnorm(n * n), n)
        a <- (a + t(a)) * size / norm(a + t(a), "O")
        want <- exponential(a)
        for (type in test_types()) {
          got <- gpu_expm(gpu(a, type))
          expect_identical(gpu_type(got), type)
          error <- max(abs(plain_all(got) - want)) / max(abs(want))
          expect_lt(error, (size + 1) * if (type == "float64") 1e-13 else 1e-5)
        }
      }
    }
  )
})

test_that("gpu_expm() of other matrices is what formulas say", {
  for (type in test_types()) {
    tolerance <- if (type == "float64") 1e-13 else 1e-5
    for (t in c(0.01, 0.2, 1, 3, 20)) {
      rotation <- plain_all(gpu_expm(gpu(t * matrix(c(0, 1, -1, 0), 2), type)))
      expect_equal(rotation, matrix(c(cos(t), sin(t), -sin(t), cos(t)), 2),
                   tolerance = tolerance * (1 + t))
    }
    shift <- matrix(0, 4, 4)
    shift[cbind(1:3, 2:4)] <- 1 # nilpotent
    want <- diag(4) + shift + shift %*% shift / 2 + shift %*% shift %*% shift / 6
    expect_equal(plain_all(gpu_expm(gpu(shift, type))), want, tolerance = tolerance)
    expect_equal(plain_all(gpu_expm(gpu(diag(c(-700, 1, 0)), type))), diag(exp(c(-700, 1, 0))),
                 tolerance = 100 * tolerance)
    expect_equal(plain_all(gpu_expm(gpu(matrix(0, 3, 3), type))), diag(3))
  }
})

test_that("gpu_expm() keeps dimnames, takes what is a matrix, and refuses the rest", {
  a <- matrix(c(0, 1, 2, 3), 2, dimnames = list(c("a", "b"), c("c", "d")))
  expect_identical(dimnames(gpu_expm(gpu(a))), dimnames(a))
  expect_equal(plain_all(gpu_expm(a)), plain_all(gpu_expm(gpu(a))))
  expect_equal(plain_all(gpu_expm(gpu(matrix(0:3, 2)))), plain_all(gpu_expm(gpu(unname(a)))))
  expect_identical(dim(gpu_expm(gpu(matrix(0, 0, 0)))), c(0L, 0L))
  expect_error(gpu_expm(gpu(matrix(0, 2, 3))), class = "anygpu_error_shape")
  expect_error(gpu_expm(gpu(1:3)), class = "anygpu_error_shape")
  for (bad in c(NA, NaN, Inf)) {
    expect_error(gpu_expm(gpu(matrix(c(1, bad, 2, 3), 2))), class = "anygpu_error_argument")
  }
})
