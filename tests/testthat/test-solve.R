# Linear systems and LU, against base R in double.

sizes <- c(1, 2, 3, 7, 8, 13, 31, 32, 33, 64, 97, 128, 131, 256, 300)

# Well-conditioned: what is compared is not the conditioning.
square <- function(n) matrix(rnorm(n * n), n) / sqrt(n) + 2 * diag(n)

test_that("solve() is base R's over many sizes", {
  with_seed_shown(
    for (n in thinned(sizes, 15)) {
      a <- square(n)
      expect_gpu(function(a, b) solve(a, b), a, matrix(rnorm(n * 3), n))
      expect_gpu(function(a, b) solve(a, b), a, cbind(rnorm(n)))
      expect_gpu(function(a) solve(a), a)
    }
  )
})

square_of_five <- square(5)

test_that("solve() takes vectors, plain arguments and integers, and names what R names", {
  a <- square(5)
  dimnames(a) <- list(letters[1:5], LETTERS[1:5])
  b <- matrix(rnorm(10), 5, dimnames = list(NULL, c("x", "y")))
  expect_gpu(function(a, b) solve(a, b), a, b)
  expect_gpu(function(a, b) solve(a, b), a, rnorm(5))
  expect_gpu(function(a, b) solve(a, b), unname(a), b)
  expect_gpu(function(a, b) solve(a, b), unname(a), c(p = 1, q = 2, r = 3, s = 4, t = 5))
  expect_gpu(function(a) solve(a), a)
  expect_gpu(function(a, b) solve(a, b), matrix(c(2L, 1L, 1L, 3L), 2), c(1L, 2L))
  expect_gpu(function(a, b) solve(a, b), matrix(c(TRUE, FALSE, TRUE, TRUE), 2), c(1, 2))
  expect_gpu(function(a) solve(a, rep(1, 5)), a)
  expect_gpu(function(b) solve(square_of_five, b), rnorm(5))
  expect_gpu(function(a) solve(a), matrix(4))
  x <- solve(gpu(a), b)
  expect_true(is_gpu(x))
  expect_identical(gpu_type(solve(gpu(a, "float32"), b)), "float32")
})
test_that("solve() keeps its arguments", {
  a <- gpu(square(20))
  b <- gpu(rnorm(20))
  before <- list(plain_all(a), plain_all(b))
  plain_all(solve(a, b))
  expect_identical(list(plain_all(a), plain_all(b)), before)
})

message_of <- function(code) tryCatch({
  code
  "none"
}, error = conditionMessage)

test_that("solve()'s errors are base R's", {
  same <- function(a, ...) {
    expect_gpu(solve, a, ...)
    for (type in test_types()) {
      expect_identical(message_of(solve(gpu(a, type), ...)), message_of(solve(a, ...)))
    }
  }
  same(matrix(1:12 / 2, 3))
  same(diag(3), matrix(1, 4, 1))
  same(diag(3), 1:4)
  same(diag(3), matrix(1, 3, 0))
  same(matrix(0, 0, 0))
  same(matrix(c(1, 2, 2, 4), 2))
  same(diag(c(1, 1, 0, 1)), 1:4)
  same(matrix(0, 70, 70))
  same(diag(c(1, 1e-30)), 1:2)
  expect_error(solve(gpu(diag(c(1, 2, 0))), 1:3), "system is exactly singular: U[3,3] = 0",
               fixed = TRUE, class = "anygpu_error_argument")
  expect_error(solve(gpu(diag(2)), "a"), class = "anygpu_error_type")
  expect_gpu(function(a) solve(a, 1:2, tol = 0), diag(c(1, 1e-20)))
})

test_that("NA, NaN and Inf end in an error or in missing values, as in base R", {
  for (bad in c(NA, NaN, Inf)) {
    for (n in c(2, 40, 150)) {
      a <- square(n)
      a[n, 1] <- bad
      expect_error(solve(gpu(a)), "computationally singular")
      expect_false(is.finite(determinant(gpu(a))$modulus))
      a <- square(n)
      x <- plain_all(solve(gpu(a), c(bad, rep(1, n - 1))))
      expect_false(all(is.finite(x)))
    }
  }
})

# Backward error in the largest sums of rows.
backward <- function(a, x, b) {
  norm(b - a %*% x, "I") / (norm(a, "I") * norm(x, "I"))
}

hilbert <- function(n) 1 / outer(seq_len(n), seq_len(n), function(i, j) i + j - 1)

test_that("backward errors are within ten times LAPACK's on hard matrices", {
  set.seed(4)
  n <- 60
  random <- matrix(rnorm(n * n), n)
  hard <- list(
    random = random, graded = random * 10^-(seq_len(n) / 4), columns = t(random * 10^-(1:n / 4)),
    hilbert = hilbert(12), nearly = random %*% diag(c(rep(1, n - 1), 1e-13)),
    huge = random * 1e290, tiny = random * 1e-290,
    growth = diag(n) - lower.tri(diag(n)) + cbind(matrix(0, n, n - 1), c(rep(1, n - 1), 0))
  )
  for (name in names(hard)) {
    for (type in test_types()) {
      a <- hard[[name]]
      # float32 has another range
      if (type == "float32" && name %in% c("huge", "tiny")) {
        a <- if (name == "huge") random * 1e30 else random * 1e-30
      }
      a <- anygpu:::plain(gpu(a, type))
      b <- anygpu:::plain(gpu(matrix(rnorm(2 * nrow(a)), ncol = 2), type))
      x <- anygpu:::plain(solve(gpu(a, type), gpu(b, type), tol = 0))
      scale <- if (type == "float64") 1 else 2^29
      peer <- backward(a, solve(a, b, tol = 0), b)
      expect_lt(backward(a, x, b), 10 * scale * max(peer, 2^-54), label = paste(name, type))
    }
  }
})

test_that("systems are refined to float64", {
  skip_if_not("float64" %in% test_types())
  old <- options(anygpu.refine = "always")
  on.exit(options(old))
  set.seed(5)
  n <- 100
  a <- square(n)
  b <- matrix(rnorm(n * 2), n)
  want <- solve(a, b)
  expect_equal(plain_all(solve(gpu(a, "float64"), b)), want, tolerance = 1e-13)
  expect_equal(plain_all(solve(gpu(a, "float64"))), solve(a), tolerance = 1e-13)
  expect_equal(plain_all(solve(gpu(a, "float64"), b[, 1])), want[, 1], tolerance = 1e-13)
  # what float32 cannot do: too ill-conditioned, or out of its range
  h <- hilbert(8)
  expect_lt(backward(h, plain_all(solve(gpu(h, "float64"), diag(8))), diag(8)), 1e-15)
  expect_equal(plain_all(solve(gpu(a * 1e60, "float64"), b)), want / 1e60, tolerance = 1e-13)
  expect_error(solve(gpu(matrix(1, 3, 3), "float64")), "exactly singular")
  # plain double numbers and a float32 array: one rounding
  ill <- hilbert(6)
  b6 <- gpu(1:6 + 0, "float32")
  x <- solve(ill, b6)
  expect_identical(gpu_type(x), "float32")
  expect_equal(plain_all(x), solve(ill, 1:6), tolerance = 1e-7)
  options(anygpu.refine = "never")
  expect_equal(plain_all(solve(gpu(a, "float64"), b)), want, tolerance = 1e-12)
  options(anygpu.refine = "sometimes")
  expect_error(solve(gpu(a), b), "anygpu.refine", class = "anygpu_error_argument")
})

test_that("determinants are base R's", {
  with_seed_shown(
    for (n in c(1, 2, 3, 17, 64, 131)) {
      a <- square(n)
      expect_gpu(function(a) determinant(a), a, tolerance = 1e-4)
      expect_gpu(function(a) det(a), a[, n:1, drop = FALSE] / 2, tolerance = 1e-3)
      expect_gpu(function(a) determinant(a, logarithm = FALSE), -a / 2, tolerance = 1e-3)
    }
  )
  expect_gpu(function(a) determinant(a), matrix(0, 3, 3))
  expect_gpu(function(a) determinant(a), matrix(0, 0, 0))
  expect_gpu(function(a) det(a), matrix(1:6 / 2, 2))
  if ("float64" %in% test_types()) {
    a <- square(200)
    expect_equal(c(determinant(gpu(a))$modulus), c(determinant(a)$modulus), tolerance = 1e-12)
  }
})

test_that("rcond() and kappa() are base R's", {
  skip_if_not("float64" %in% test_types())
  with_seed_shown(
    for (n in c(1, 2, 5, 33, 130)) {
      a <- square(n)
      for (norm in c("O", "I", "1")) {
        expect_gpu(function(a) rcond(a, norm), a, types = "float64")
        expect_gpu(function(a) rcond(a, norm, triangular = TRUE), a, types = "float64")
      }
      expect_gpu(function(a) kappa(a), a, types = "float64", tolerance = 1e-8)
      expect_gpu(function(a) kappa(a, exact = TRUE), a, types = "float64", tolerance = 1e-8)
    }
  )
  expect_gpu(function(a) rcond(a), matrix(rnorm(24), 4), types = "float64")
  expect_gpu(function(a) rcond(a), matrix(rnorm(24), 6), types = "float64")
  expect_gpu(function(a) kappa(a), matrix(rnorm(24), 6), types = "float64", tolerance = 1e-8)
  expect_gpu(function(a) kappa(a, method = "direct"), square(6), types = "float64")
  expect_gpu(function(a) rcond(a), matrix(0, 3, 3))
  expect_gpu(function(a) rcond(a), matrix(c(1, NaN, 2, 3), 2))
  expect_gpu(function(a) rcond(a, "F"), diag(2))
  expect_equal(rcond(diag(2)), 1)
  expect_equal(rcond(gpu(diag(c(1, 1e-6)), "float32")), 1e-6, tolerance = 1e-5)
})

test_that("gpu_lu() gives factors of the matrix", {
  with_seed_shown(
    for (type in test_types()) {
      for (d in list(c(1, 1), c(5, 5), c(64, 64), c(30, 50), c(50, 30), c(131, 131), c(0, 3))) {
        a <- anygpu:::plain(gpu(matrix(rnorm(prod(d)), d[1], d[2]), type))
        f <- plain_all(unclass(gpu_lu(gpu(a, type))))
        expect_identical(dim(f$l), as.integer(c(d[1], min(d))))
        expect_identical(dim(f$u), as.integer(c(min(d), d[2])))
        expect_identical(sort(f$pivot), seq_len(d[1]))
        expect_equal(f$l %*% f$u, a[f$pivot, , drop = FALSE], tolerance = tolerances[[type]])
        expect_true(all(f$l[upper.tri(f$l)] == 0) && all(f$u[lower.tri(f$u)] == 0))
        expect_true(all(diag(f$l) == 1) && all(abs(f$l) <= 1))
      }
      a <- square(40)
      f <- gpu_lu(gpu(a, type))
      expect_s3_class(f, "gpu_lu")
      expect_output(print(f), "LU factorisation of a 40 x 40 matrix")
      b <- matrix(rnorm(80), 40)
      expect_equal(plain_all(solve(f, b)), solve(a, b), tolerance = tolerances[[type]])
      expect_equal(plain_all(solve(f, gpu(b, type))), solve(a, b), tolerance = tolerances[[type]])
      expect_equal(plain_all(solve(f, b[, 1])), solve(a, b[, 1]), tolerance = tolerances[[type]])
      expect_equal(plain_all(solve(f)), solve(a), tolerance = tolerances[[type]])
      expect_error(solve(f, 1:3), "must be compatible", class = "anygpu_error_shape")
      expect_error(solve(gpu_lu(gpu(a[, 1:3], type)), 1:40), "must be square")
    }
  )
  expect_s3_class(gpu_lu(diag(3)), "gpu_lu")
})

test_that("no room is a clear error, with sizes", {
  a <- gpu_force(gpu(square(400)))
  gpu_memory(release = TRUE)
  on.exit(gpu_memory(limit = Inf))
  used <- gpu_memory()$used[gpu_memory()$id == gpu_device()]
  gpu_memory(limit = used + 1e5)
  expect_error(solve(a), "MB", class = "anygpu_error_memory")
  expect_error(chol(a), "MB", class = "anygpu_error_memory")
  gpu_memory(limit = Inf)
  expect_identical(dim(solve(a)), c(400L, 400L))
})
