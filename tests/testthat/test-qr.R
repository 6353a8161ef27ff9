# Base R's qr() on the values that the device has (rounded, where it is float32) is the oracle.
plain <- anygpu:::plain
tol_of <- function(type) if (type == "float32") 1e-5 else 1e-7
eps_of <- function(type) if (type == "float32") 2^-23 else 2^-52

# The largest difference over the largest element.
apart <- function(x, y) {
  x <- plain(x)
  if (!identical(dim(x), dim(y)) || length(x) != length(y)) return(Inf)
  if (!identical(c(is.na(x)), c(is.na(y)))) return(Inf)
  if (length(y) == 0L || all(is.na(y))) return(0)
  max(abs(x - y), na.rm = TRUE) / max(abs(y), 1e-300, na.rm = TRUE)
}

expect_near <- function(x, y, tolerance, what) {
  if (is_gpu(x) && apart(x, y) <= tolerance &&
        identical(attributes(plain(x)), attributes(y))) {
    return(invisible(succeed()))
  }
  expect_true(is_gpu(x), info = what)
  expect_lte(apart(x, y), tolerance, label = what)
  expect_identical(attributes(plain(x)), attributes(y), info = what)
}

# qr(x) has base R's rank, pivot, R and dimnames; `same` if the vectors below the diagonal are well
# determined. A P = Q R, and Q is orthogonal.
expect_qr <- function(x, type, same = TRUE) {
  g <- gpu(x, type)
  x <- plain(g)
  q <- qr(g)
  b <- base::qr(x, tol = tol_of(type))
  what <- paste(paste(dim(x), collapse = " x "), type)
  eps <- eps_of(type)
  room <- 10 * eps * (10 + sqrt(max(dim(x))))
  expect_identical(names(q), names(b))
  expect_identical(class(q), class(b))
  expect_identical(q$rank, b$rank, info = what)
  expect_identical(q$pivot, b$pivot, info = what)
  expect_identical(dimnames(q$qr), dimnames(b$qr), info = what)
  expect_identical(length(q$qraux), length(b$qraux))
  if (same && min(dim(x))) { # base R's qr.R() fails without rows
    seen <- row(b$qr) <= col(b$qr) | col(b$qr) <= b$rank
    expect_near(qr.R(q), base::qr.R(b), 20 * room, paste("R of", what))
    expect_lte(apart(q$qr * seen, b$qr * seen), 20 * room, label = what)
    expect_equal(q$qraux[seq_len(b$rank)], b$qraux[seq_len(b$rank)], tolerance = 20 * room)
  }
  all <- plain(qr.Q(q, complete = TRUE))
  expect_lte(apart(crossprod(all), diag(nrow(x))), room, label = paste("orthogonality of", what))
  expect_lte(apart(all %*% plain(qr.R(q, complete = TRUE)), unname(x[, q$pivot, drop = FALSE])),
             room + 2 * (b$rank < min(dim(x))) * tol_of(type), label = paste("residual of", what))
  invisible(q)
}

shapes <- list(
  c(5, 5), c(1, 1), c(0, 0), c(0, 3), c(3, 0), c(1, 6), c(6, 1), c(64, 64), c(7, 3), c(3, 7),
  c(31, 17), c(17, 31), c(65, 65), c(128, 127), c(300, 100), c(100, 300), c(256, 64), c(293, 293)
)

test_that("factors are R's for all shapes", {
  set.seed(4)
  for (type in test_types()) {
    for (shape in thinned(shapes, 9)) {
      x <- matrix(rnorm(prod(shape)), shape[1], shape[2])
      # a square random matrix may be ill-conditioned
      if (shape[1] == shape[2]) x <- x + diag(3 * sqrt(shape[1]), shape[1])
      expect_qr(x, type)
    }
  }
})

test_that("dimnames follow their columns", {
  x <- cbind(a = c(1, 2, 3, 5), b = c(2, 4, 6, 10), c = c(1, 0, 0, 1), d = 0, e = c(5, 5, 1, 2))
  rownames(x) <- letters[1:4]
  for (type in test_types()) {
    q <- expect_qr(x, type)
    expect_identical(q$pivot, c(1L, 3L, 5L, 2L, 4L))
  }
  names(dimnames(x)) <- c("rows", "cols")
  g <- gpu(x)
  b <- base::qr(plain(g), tol = tol_of(gpu_type(g)))
  expect_identical(dimnames(qr(g)$qr), dimnames(b$qr))
})

test_that("dependent columns go to the end in R's order", {
  set.seed(5)
  dependent <- function(m, n, bad) {
    x <- matrix(rnorm(m * n), m, n)
    for (j in bad) x[, j] <- x[, max(1, j - 1)] - x[, 1] / 2
    x
  }
  cases <- list(
    list(40, 30, c(3, 7, 8, 9, 30)), list(150, 140, seq(2, 140, 2)), list(90, 200, 20:85),
    list(200, 130, c(64, 65, 129)), list(100, 100, 5:100)
  )
  for (type in test_types()) {
    for (case in thinned(cases, 2)) {
      expect_qr(do.call(dependent, case), type)
    }
    expect_qr(matrix(0, 70, 80), type)
    expect_qr(matrix(1, 70, 80), type)
  }
})

test_that("hard matrices: backward stable, with R's rank", {
  set.seed(6)
  n <- 60
  random <- matrix(rnorm(n * n), n)
  for (type in test_types()) {
    scale <- if (type == "float64") 1e200 else 1e30
    expect_qr(random * 10^-seq(0, 8, length.out = n), type, same = FALSE) # rows graded
    expect_qr(random %*% diag(10^seq(-9, 9, length.out = n)), type, same = FALSE)
    expect_qr(1 / outer(1:12, 0:11, "+"), type, same = FALSE) # Hilbert's
    expect_qr(random * scale, type, same = FALSE)
    expect_qr(random / scale, type, same = FALSE)
    expect_qr(random[, 1:5] %*% random[1:5, ], type, same = FALSE)
  }
})

# Errors of the factorisation x[, pivot] = Q R and of Q' Q = 1, in units of eps max(dim(x)).
errors <- function(x, q, r, pivot, eps) {
  scale <- max(abs(x))
  size <- function(m) sqrt(sum(m^2))
  c(size(x[, pivot] / scale - q %*% (r / scale)) / size(x / scale),
    size(crossprod(q) - diag(nrow(q)))) / max(dim(x)) / eps
}

test_that("errors are within ten times LAPACK's", {
  set.seed(16)
  n <- if (gpu_device() == "host") 300 else 120
  random <- matrix(rnorm(n * n), n)
  for (type in test_types()) {
    scale <- if (type == "float64") 1e200 else 1e30
    cases <- list(
      random = random, graded = random * 10^-seq(0, 12, length.out = n),
      columns = random %*% diag(10^-seq(0, 12, length.out = n)),
      hilbert = 1 / outer(1:n, seq_len(n) - 1, "+"), deficient = random[, 1:20] %*% random[1:20, ],
      huge = random * scale, tiny = random / scale, tall = random[, 1:40], wide = random[1:40, ]
    )
    for (name in names(cases)) {
      g <- gpu(cases[[name]], type)
      x <- plain(g)
      q <- qr(g, tol = 0)
      have <- errors(x, plain(qr.Q(q, TRUE)), plain(qr.R(q, TRUE)), q$pivot, eps_of(type))
      b <- base::qr(x, LAPACK = TRUE)
      want <- errors(x, base::qr.Q(b, TRUE), base::qr.R(b, TRUE), b$pivot, 2^-52)
      expect_lte(have[1], 10 * want[1], label = paste("residual,", name, type))
      expect_lte(have[2], 10 * want[2], label = paste("orthogonality,", name, type))
    }
  }
})

uses <- list(
  qr.qy = function(q, y) qr.qy(q, y), qr.qty = function(q, y) qr.qty(q, y),
  qr.coef = function(q, y) qr.coef(q, y), qr.fitted = function(q, y) qr.fitted(q, y),
  qr.resid = function(q, y) qr.resid(q, y)
)

# Every function of the factors q of x, for a vector and a matrix beside it.
expect_uses <- function(x, type) {
  g <- gpu(x, type)
  b <- base::qr(plain(g), tol = tol_of(type))
  q <- qr(g)
  tolerance <- 1000 * eps_of(type) * (10 + sqrt(max(dim(x))))
  y <- stats::setNames(round(rnorm(nrow(x)), 2), if (nrow(x)) paste0("y", seq_len(nrow(x))))
  Y <- matrix(round(rnorm(2 * nrow(x)), 2), nrow(x), 2, dimnames = list(NULL, c("u", "v")))
  for (name in names(uses)) {
    f <- uses[[name]]
    what <- paste(name, paste(dim(x), collapse = " x "), type)
    for (rhs in list(y, Y, unname(Y))) {
      rhs <- plain(gpu(rhs, type))
      want <- get(name, baseenv())(b, rhs)
      # without a rank these return their argument
      as_given <- b$rank == 0 && name %in% c("qr.resid", "qr.fitted")
      if (!as_given) expect_near(f(q, rhs), want, tolerance, what)
      expect_near(f(q, gpu(rhs, type)), want, tolerance, what)
    }
  }
}

test_that("functions of the factors are R's", {
  set.seed(7)
  for (type in test_types()) {
    for (shape in thinned(shapes, 7)) {
      x <- matrix(rnorm(prod(shape)), shape[1], shape[2])
      if (shape[1] <= shape[2]) x <- x + diag(3 * sqrt(shape[2]), shape[1], shape[2])
      expect_uses(x, type)
    }
    x <- matrix(rnorm(80), 10, dimnames = list(NULL, LETTERS[1:8]))
    x[, 3] <- x[, 1] - x[, 2]
    x[, 6] <- 0
    expect_uses(x, type)
    expect_uses(0 * x, type)
  }
})

test_that("Q, R and X", {
  set.seed(8)
  x <- matrix(rnorm(80), 10, dimnames = list(letters[1:10], LETTERS[1:8]))
  x[, 3] <- x[, 1] - x[, 2]
  full <- matrix(rnorm(130), 13, dimnames = list(NULL, LETTERS[1:10]))
  cases <- list(x, full, unname(x), t(full), unname(t(full)), x[, 1, drop = FALSE])
  for (type in test_types()) {
    for (m in cases) {
      g <- gpu(m, type)
      b <- base::qr(plain(g), tol = tol_of(type))
      q <- qr(g)
      tolerance <- 1000 * eps_of(type)
      for (complete in c(FALSE, TRUE)) {
        expect_near(qr.Q(q, complete), base::qr.Q(b, complete), tolerance, "Q")
        expect_near(qr.R(q, complete), base::qr.R(b, complete), tolerance, "R")
        expect_near(qr.X(q, complete), base::qr.X(b, complete), tolerance, "X")
      }
      expect_near(qr.X(q, ncol = 12), base::qr.X(b, ncol = 12), tolerance, "X")
      if (!identical(q$pivot, seq_len(ncol(m)))) {
        expect_error(qr.X(q, ncol = 2), "need larger value", class = "anygpu_error_argument")
      } else if (ncol(m) > 2) {
        expect_near(qr.X(q, ncol = 2), base::qr.X(b, ncol = 2), tolerance, "X")
      }
      D <- seq_len(min(dim(m))) + 1
      expect_near(qr.Q(q, Dvec = D), base::qr.Q(b, Dvec = D), tolerance, "Q D")
      D <- seq_len(nrow(m)) + 1
      expect_near(qr.Q(q, TRUE, D), base::qr.Q(b, TRUE, D), tolerance, "Q D")
      expect_near(qr.Q(q, FALSE, gpu(D)), base::qr.Q(b, FALSE, D), tolerance, "Q D")
    }
  }
})

test_that("least squares and systems of equations", {
  set.seed(9)
  a <- matrix(rnorm(900), 30, dimnames = list(NULL, paste0("x", 1:30))) + diag(10, 30)
  tall <- matrix(rnorm(120), 30)
  y <- rnorm(30)
  Y <- matrix(rnorm(60), 30, dimnames = list(NULL, c("p", "q")))
  for (type in test_types()) {
    tolerance <- 2000 * eps_of(type)
    for (m in list(a, tall, tall[1:3, ])) {
      g <- gpu(m, type)
      x <- plain(g)
      for (rhs in list(y[seq_len(nrow(m))], Y[seq_len(nrow(m)), ])) {
        rhs <- plain(gpu(rhs, type))
        want <- base::qr.solve(x, rhs)
        expect_near(qr.solve(g, rhs), want, tolerance, "solve")
        expect_near(qr.solve(g, gpu(rhs, type)), want, tolerance, "solve")
        expect_near(qr.solve(x, gpu(rhs, type)), want, tolerance, "solve")
        expect_near(qr.solve(qr(g), rhs), want, tolerance, "solve")
        expect_near(solve(qr(g), rhs), base::solve.qr(base::qr(x), rhs), tolerance, "solve")
      }
    }
    g <- gpu(a, type)
    inverse <- base::qr.solve(plain(g))
    expect_near(qr.solve(g), inverse, tolerance, "inverse")
    expect_near(solve(qr(g)), inverse, tolerance, "inverse")
    expect_error(qr.solve(gpu(tall, type)), "only square matrices can be inverted",
                 class = "anygpu_error_argument")
    bad <- gpu(cbind(y, 2 * y, 1), type)
    expect_error(qr.solve(bad, y), "singular matrix 'a' in solve", class = "anygpu_error_argument")
    expect_error(solve(qr(bad), y), "singular matrix 'a' in 'solve'",
                 class = "anygpu_error_argument")
  }
})

test_that("least squares of the least norm, for any rank", {
  set.seed(19)
  pseudo_solve <- function(a, b, rank) {
    s <- svd(a)
    i <- seq_len(rank)
    s$v[, i, drop = FALSE] %*% (crossprod(s$u[, i, drop = FALSE], b) / s$d[i])
  }
  full <- matrix(rnorm(600), 30)
  cases <- list(full, t(full), full[, c(1:7, 3, 9:12, 1)], t(full)[, c(1:7, 3, 9:12)],
                full[, 1:5] %*% t(full[, 1:5]), full[1:4, 1, drop = FALSE])
  for (type in test_types()) {
    for (a in cases) {
      a <- plain(gpu(a, type))
      rank <- base::qr(a, tol_of(type))$rank
      b <- plain(gpu(rnorm(nrow(a)), type))
      B <- matrix(rnorm(2 * nrow(a)), ncol = 2, dimnames = list(NULL, c("u", "v")))
      tolerance <- 2000 * eps_of(type)
      expect_lte(apart(as.matrix(plain(gpu_lstsq(gpu(a, type), b))), pseudo_solve(a, b, rank)),
                 tolerance)
      x <- gpu_lstsq(gpu(a, type), B)
      expect_lte(apart(unname(plain(x)), unname(pseudo_solve(a, B, rank))), tolerance)
      expect_identical(colnames(x), c("u", "v"))
      expect_lte(apart(as.matrix(plain(gpu_lstsq(a, gpu(b, type)))), pseudo_solve(a, b, rank)),
                 tolerance)
    }
  }
  named <- gpu(cbind(a = 1:3, b = 2 * 1:3))
  expect_equal(plain(gpu_lstsq(named, 1:3)), c(a = 0.2, b = 0.4), tolerance = 1e-5)
  expect_equal(plain(gpu_lstsq(0 * named, 1:3)), c(a = 0, b = 0))
  expect_error(gpu_lstsq(named, 1:4), "same number of rows", class = "anygpu_error_argument")
})

test_that("other arguments, and what base R keeps", {
  x <- matrix(c(2, 1, 1, 1, 3, 2, 1, 0, 4), 3)
  expect_identical(qr.solve(x, 1:3), base::qr.solve(x, 1:3))
  expect_identical(qr.coef(qr(x), 1:3), base::qr.coef(base::qr(x), 1:3))
  expect_identical(solve(qr(x), 1:3), base::solve(base::qr(x), 1:3))
  expect_identical(qr.R(qr(x)), base::qr.R(base::qr(x)))
  for (v in list(c(TRUE, FALSE, TRUE), 1:3, c(a = 1L, b = 2L, c = 5L))) {
    q <- qr(gpu(v))
    b <- base::qr(v)
    expect_identical(q[c("rank", "pivot")], b[c("rank", "pivot")])
    expect_identical(dimnames(q$qr), dimnames(b$qr))
    expect_equal(c(plain(q$qr)), c(b$qr), tolerance = 1e-6)
  }
  m <- matrix(1:6, 3)
  expect_equal(plain(qr.Q(qr(gpu(m)))), base::qr.Q(base::qr(m)), tolerance = 1e-6)
  old <- options(anygpu.fallback = "silent")
  on.exit(options(old))
  l <- qr(gpu(x), LAPACK = TRUE)
  expect_equal(l$qr, base::qr(x, LAPACK = TRUE)$qr, tolerance = 1e-5)
  # other functions of R take the object
  q <- qr(gpu(x))
  expect_true(is.qr(q))
  expect_equal(kappa(q), kappa(base::qr(x)), tolerance = 1e-4)
  # and base R's own functions do
  expect_equal(base::qr.coef(q, 1:3), base::qr.coef(base::qr(x), 1:3), tolerance = 1e-5)
  expect_equal(c(plain(base::qr.resid(q, 1:3))), c(0, 0, 0), tolerance = 1e-5)
  expect_identical(qr(gpu(x), tol = 10)$rank, base::qr(x, tol = 10)$rank)
})

test_that("bad input is an error of the package", {
  x <- gpu(matrix(c(2, 1, 1, 1, 3, 2), 3))
  q <- qr(x)
  for (bad in c(NA, NaN, Inf, -Inf)) {
    m <- plain(x)
    m[2, 2] <- bad
    expect_error(qr(gpu(m)), "NA/NaN/Inf in foreign function call",
                 class = "anygpu_error_argument")
    expect_error(qr.qty(q, c(1, bad, 2)), "NA/NaN/Inf in foreign function call",
                 class = "anygpu_error_argument")
    expect_identical(is.na(plain(qr.coef(q, c(1, bad, 2)))),
                     is.na(base::qr.coef(base::qr(plain(x)), c(1, bad, 2))))
  }
  for (f in uses) {
    expect_error(f(q, 1:4), "must have the same number of rows", class = "anygpu_error_argument")
  }
  expect_error(qr.coef(q, letters[1:3]), class = "anygpu_error")
  expect_error(qr.fitted(q, 1:3, 3), "'k' is too large", class = "anygpu_error_argument")
  broken <- q
  broken$rank <- 7L
  expect_error(qr.coef(broken, 1:3), "not a QR decomposition", class = "anygpu_error_argument")
  zero <- q
  zero$qr <- 0 * zero$qr
  expect_error(qr.coef(zero, 1:3), "exact singularity in 'qr.coef'",
               class = "anygpu_error_argument")
})

test_that("nothing is read back, nothing leaks", {
  x <- gpu(matrix(rnorm(200 * 20), 200))
  y <- gpu(rnorm(200))
  old <- options(anygpu.fallback = "error")
  on.exit(options(old))
  run <- function() {
    q <- qr(x)
    gpu_force(qr.fitted(q, y) + qr.resid(q, y))
    gpu_force(qr.Q(q) %*% qr.R(q))
    gpu_force(qr.X(q))
    gpu_force(qr.coef(q, y))
    gpu_force(qr.solve(x, y))
    invisible()
  }
  run()
  before <- live()
  run()
  expect_identical(live(), before)
})

test_that("a device call that fails leaves a classed error and no leak", {
  x <- gpu_force(gpu(matrix(rnorm(100 * 30), 100)))
  before <- live()
  failed <- 0
  for (n in c(1:12, 20, 40)) {
    .Call(anygpu:::C_fault, n)
    q <- tryCatch({
      factors <- qr(x)
      qr.coef(factors, rep(1, 100))
    }, error = identity)
    factors <- NULL
    .Call(anygpu:::C_fault, 0)
    if (inherits(q, "error")) {
      failed <- failed + 1
      expect_s3_class(q, "anygpu_error")
    }
    rm(q)
  }
  expect_gt(failed, 5)
  expect_identical(live(), before)
})
