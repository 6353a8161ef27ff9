# Cholesky factorisations and triangular systems, against base R in double.

positive <- function(n) crossprod(matrix(rnorm(n * n), n)) / n + diag(n)

test_that("chol() is base R's over many sizes", {
  with_seed_shown(
    for (n in thinned(c(1, 2, 3, 7, 8, 13, 31, 32, 33, 64, 97, 128, 131, 256, 300), 15)) {
      expect_gpu(function(a) chol(a), positive(n))
    }
  )
})

test_that("chol() reads the upper triangle, takes integers, and names what R names", {
  a <- positive(5)
  a[lower.tri(a)] <- 99
  expect_gpu(function(a) chol(a), a)
  dimnames(a) <- list(letters[1:5], LETTERS[1:5])
  expect_gpu(function(a) chol(a), a)
  expect_gpu(function(a) chol(a, pivot = TRUE), a)
  expect_gpu(function(a) chol(a), matrix(c(2L, 1L, 1L, 3L), 2))
  expect_gpu(function(a) chol(a), matrix(4))
})

message_of <- function(code) tryCatch({
  code
  "none"
}, error = conditionMessage)

test_that("chol()'s errors are base R's", {
  same <- function(a, ...) {
    expect_identical(message_of(chol(gpu(a), ...)), message_of(chol(a, ...)))
    expect_error(chol(gpu(a), ...), class = "anygpu_error")
  }
  same(matrix(1:12 / 2, 3))
  same(matrix(c(1, 2, 2, 1), 2))
  same(matrix(0, 3, 3))
  same(matrix(0, 0, 0))
  same(diag(c(1, 2, -1, 1)))
  for (at in c(1, 50, 200, 300)) {
    a <- positive(300)
    a[at, at] <- -1
    same(a)
  }
  expect_error(chol(gpu(matrix(c(1, NaN, NaN, 1), 2))), "leading minor of order 2")
  expect_error(chol(gpu(matrix(NA_real_, 200, 200))), "leading minor of order 1")
  expect_error(chol(gpu(matrix(c(1, Inf, Inf, 1), 2))), "leading minor of order 2")
})

test_that("chol(pivot = TRUE) is base R's", {
  with_seed_shown({
    for (n in c(1, 2, 5, 33, 64, 65, 130)) {
      a <- positive(n) * outer(seq_len(n), seq_len(n))
      for (type in test_types()) {
        x <- anygpu:::plain(gpu(a, type))
        got <- anygpu:::plain(chol(gpu(a, type), pivot = TRUE))
        p <- attr(got, "pivot")
        expect_identical(sort(p), seq_len(n))
        expect_identical(attr(got, "rank"), as.integer(n))
        expect_equal(crossprod(got[, seq_len(n), drop = FALSE]), x[p, p, drop = FALSE],
                     tolerance = tolerances[[type]])
      }
      if ("float64" %in% test_types()) {
        expect_gpu(function(a) chol(a, pivot = TRUE), a, types = "float64")
      }
    }
  })
})

test_that("chol(pivot = TRUE) finds the rank, with R's warning", {
  skip_if_not("float64" %in% test_types())
  with_seed_shown({
    low <- crossprod(matrix(rnorm(5 * 20), 5))
    expect_warning(r <- chol(gpu(low, "float64"), pivot = TRUE), "rank-deficient")
    want <- suppressWarnings(chol(low, pivot = TRUE))
    expect_identical(attr(r, "rank"), attr(want, "rank"))
    expect_identical(attr(r, "pivot")[1:5], attr(want, "pivot")[1:5])
    expect_equal(c(plain_all(r))[1:5], c(want)[1:5], tolerance = 1e-8)
  })
  expect_gpu(function(a) chol(a, pivot = TRUE), matrix(1, 3, 3))
  expect_gpu(function(a) chol(a, pivot = TRUE, tol = 0.5), diag(c(4, 2, 1, 0.25)))
  expect_gpu(function(a) chol(a, pivot = TRUE), matrix(0, 3, 3))
  expect_gpu(function(a) chol(a, pivot = TRUE), diag(c(-1, -2)))
  expect_warning(chol(gpu(matrix(c(1, NaN, NaN, 1), 2)), pivot = TRUE), "rank-deficient")
})

test_that("chol2inv() is base R's", {
  with_seed_shown(
    for (n in c(1, 2, 7, 33, 128, 131)) {
      expect_gpu(function(r) chol2inv(r), chol(positive(n)))
    }
  )
  r <- chol(positive(6))
  r[lower.tri(r)] <- NaN # is not read
  expect_gpu(function(r) chol2inv(r, 4), r)
  expect_gpu(function(r) chol2inv(r), r[, 1:4])
  expect_gpu(function(r) chol2inv(r), r[1:4, ])
  expect_gpu(function(r) chol2inv(r, 7), r)
  expect_gpu(function(r) chol2inv(r, 0), r)
  expect_gpu(function(r) chol2inv(r), diag(c(1, 0)))
  expect_identical(
    message_of(chol2inv(gpu(diag(c(1, 0))))), message_of(chol2inv(diag(c(1, 0))))
  )
  expect_equal(chol2inv(diag(2)), diag(2))
})

upper <- diag(6) + upper.tri(diag(6)) / 3

test_that("backsolve() and forwardsolve() are base R's", {
  with_seed_shown(
    for (n in c(1, 2, 7, 32, 33, 100, 131)) {
      a <- matrix(rnorm(n * n), n) / n + diag(n)
      b <- matrix(rnorm(n * 3), n)
      for (transpose in c(FALSE, TRUE)) {
        expect_gpu(function(a, b) backsolve(a, b, transpose = transpose), a, b)
        expect_gpu(function(a, b) forwardsolve(a, b, transpose = transpose), a, b)
        expect_gpu(function(a, b) backsolve(a, b, upper.tri = FALSE, transpose = transpose), a, b)
      }
      expect_gpu(function(a, b) backsolve(a, b), a, rnorm(n)[seq_len(n)] + 0 * b[, 1])
    }
  )
  a <- matrix(rnorm(36), 6) / 6 + diag(6)
  b <- matrix(rnorm(12), 6, dimnames = list(letters[1:6], c("x", "y")))
  expect_gpu(function(a, b) backsolve(a, b, k = 4), a, b)
  expect_gpu(function(a, b) forwardsolve(a, b, k = 4), a, rnorm(6))
  expect_gpu(function(a, b) backsolve(a, b), a, b)
  expect_gpu(function(a) backsolve(a, 1:6), a)
  expect_gpu(function(b) backsolve(upper, b), rnorm(6))
  expect_gpu(function(a, b) backsolve(a, b), rbind(a, 1), rnorm(7))
  expect_gpu(function(a, b) backsolve(a, b), a, matrix(0, 6, 0))
  expect_equal(backsolve(diag(2), 1:2), c(1, 2))
  expect_equal(forwardsolve(diag(2), 1:2), c(1, 2))
})

test_that("backsolve()'s errors are base R's", {
  same <- function(...) {
    args <- list(...)
    expect_identical(
      message_of(do.call(backsolve, c(list(gpu(args[[1]])), args[-1]))),
      message_of(do.call(base::backsolve, args))
    )
  }
  same(diag(3), 1:2)
  same(diag(3), 1:3, k = 5)
  same(diag(3), 1:3, k = 0)
  same(diag(c(1, 2, 0)), 1:3)
  same(matrix(1:6 / 2, 2), 1:2)
  same(matrix(0, 0, 0), numeric())
  expect_error(backsolve(gpu(diag(2)), "a"), class = "anygpu_error_type")
})

test_that("every failing device call is an error and leaks nothing", {
  before <- live()
  a <- gpu(positive(150))
  b <- gpu(matrix(rnorm(300), 150))
  gpu_force(a)
  gpu_force(b)
  on.exit(.Call(anygpu:::C_fault, 0))
  for (f in list(function() chol(a), function() solve(a, b), function() gpu_lu(a),
                 function() chol2inv(a), function() rcond(a), function() det(a))) {
    n <- 1
    repeat {
      .Call(anygpu:::C_fault, n)
      result <- tryCatch(f(), anygpu_error = identity)
      .Call(anygpu:::C_fault, 0)
      if (!inherits(result, "error") || n > 400) break
      n <- n + if (n < 20) 1 else 7
    }
    expect_false(inherits(result, "error"))
    expect_gt(n, 1)
    rm(result)
  }
  rm(a, b)
  expect_identical(live(), before)
})
