# Symmetric eigenproblems: backward errors beside those of LAPACK, in units of n eps |A|.

unit <- c(float64 = 2^-53, float32 = 2^-24)

symmetric <- function(n) {
  x <- matrix(rnorm(n * n), n)
  (x + t(x)) / 2
}

residual <- function(x, values, vectors) {
  size <- max(abs(values), .Machine$double.xmin)
  max(abs((x / size) %*% vectors - vectors %*% diag(values / size, length(values)))) / nrow(x)
}
orthogonality <- function(vectors) {
  max(abs(crossprod(vectors) - diag(ncol(vectors)))) / ncol(vectors)
}

# Within ten times LAPACK's errors, but at least a few units.
expect_eigen <- function(x, label, types = test_types()) {
  for (type in types) {
    u <- unit[[type]]
    g <- gpu(x, type)
    x <- plain_all(g)
    want <- base::eigen(x, TRUE)
    got <- eigen(g, TRUE)
    values <- eigen(g, TRUE, only.values = TRUE)
    vectors <- plain_all(got$vectors)
    size <- max(abs(want$values), .Machine$double.xmin)
    ours <- c(residual(x, got$values, vectors), orthogonality(vectors)) / u
    theirs <- c(residual(x, want$values, want$vectors), orthogonality(want$vectors)) / unit[[1]]
    apart <- max(abs(got$values - want$values), abs(values$values - want$values)) / size / u
    good <- is_gpu(got$vectors) && identical(gpu_type(got$vectors), type) &&
      identical(dim(got$vectors), dim(x)) && !is.unsorted(rev(got$values)) &&
      is.null(values$vectors) && all(ours <= 10 * pmax(theirs, 1)) && apart <= 10 * nrow(x)
    expect(good, paste(label, type, "- ours:", toString(signif(ours, 3)), "LAPACK's:",
                       toString(signif(theirs, 3)), "values:", signif(apart, 3)))
  }
}

test_that("errors are like LAPACK's, over shapes", {
  sizes <- c(1, 2, 3, 5, 7, 16, 31, 32, 33, 64, 97, 127, 128, 129, 160, 193, 256, 293, 300)
  for (n in sizes) with_seed_shown(expect_eigen(symmetric(n), paste("random", n)))
})

test_that("errors are like LAPACK's, for hard matrices", {
  for (n in c(12, 150, 211)) {
    index <- seq_len(n)
    thin <- matrix(rnorm(3 * n), n)
    grade <- 10^(-12 * index / n)
    q <- qr.Q(qr(matrix(rnorm(n * n), n)))
    expect_eigen(1 / outer(index, index, function(i, j) i + j - 1), paste("Hilbert", n))
    expect_eigen(tcrossprod(thin), paste("of rank 3,", n))
    expect_eigen(symmetric(n) * outer(grade, grade), paste("graded", n))
    expect_eigen(symmetric(n) * outer(rev(grade), rev(grade)), paste("graded upwards", n))
    expect_eigen(tcrossprod(q * rep(c(1, 2, 2 + 1e-9), length.out = n^2), q), paste("mixed", n))
    clusters <- q %*% (rep(1:3, length.out = n) * t(q))
    expect_eigen((clusters + t(clusters)) / 2, paste("clusters", n))
    expect_eigen(diag(n), paste("identity", n))
    expect_eigen(matrix(0, n, n), paste("zero", n))
    expect_eigen(matrix(1, n, n), paste("all equal", n))
    expect_eigen(diag(abs(index - n / 2)) + (abs(row(diag(n)) - col(diag(n))) == 1),
                 paste("Wilkinson", n))
  }
})

test_that("huge and tiny matrices are scaled", {
  for (n in c(5, 140)) {
    for (scale in c(1e150, 1e-150, 1e300, 1e-290)) {
      if ("float64" %in% test_types()) {
        expect_eigen(symmetric(n) * scale, paste(n, "times", scale), "float64")
      }
    }
    for (scale in c(1e30, 1e-30)) {
      expect_eigen(symmetric(n) * scale, paste(n, "times", scale), "float32")
    }
  }
})

test_that("the result looks like base R's", {
  x <- symmetric(6)
  dimnames(x) <- list(letters[1:6], letters[1:6])
  e <- eigen(gpu(x))
  expect_s3_class(e, "eigen")
  expect_named(e, c("values", "vectors"))
  expect_false(is_gpu(e$values))
  expect_type(e$values, "double")
  expect_s4_class(e$vectors, "gpuMatrix")
  expect_null(dimnames(e$vectors))
  expect_identical(names(eigen(gpu(x), only.values = TRUE)), c("values", "vectors"))
  expect_false(inherits(eigen(gpu(x), only.values = TRUE), "eigen"))
  whole <- crossprod(matrix(c(1:3, 5:7, 2L), 7, 7))
  storage.mode(whole) <- "integer"
  expect_equal(eigen(gpu(whole))$values, base::eigen(whole)$values, tolerance = 1e-5)
  # of another function of R
  expect_equal(eigen(diag(3)), base::eigen(diag(3)))
})

test_that("signs do not depend on the device", {
  for (type in test_types()) {
    chain <- toeplitz(c(2, -1, rep(0, 18)))
    for (x in list(symmetric(40), symmetric(150), chain, matrix(1, 4, 4))) {
      v <- plain_all(eigen(gpu(x, type))$vectors)
      leading <- apply(v, 2, function(u) u[which(abs(u) >= 0.999 * max(abs(u)))[1]])
      expect_true(all(leading > 0))
    }
  }
  # equally large components
  v <- plain_all(eigen(gpu(matrix(c(0, 1, 1, 0), 2)))$vectors)
  expect_equal(v, matrix(c(1, 1, 1, -1), 2) / sqrt(2), tolerance = 1e-6)
})

test_that("only the lower triangle counts where symmetry is claimed", {
  x <- matrix(rnorm(23 * 23), 23)
  for (n in c(23, 131)) {
    x <- matrix(rnorm(n^2), n)
    g <- gpu(x)
    expect_equal(eigen(g, TRUE)$values, base::eigen(plain_all(g), TRUE)$values, tolerance = 1e-5)
  }
})

test_that("matrices that are not symmetric are left to R", {
  x <- gpu(matrix(c(1, 2, 3, 4, 5, 6, 7, 8, 10), 3))
  want <- base::eigen(plain_all(x))
  got <- eigen(x)
  expect_equal(got, want)
  expect_true("eigen" %in% names(anygpu:::counts$fallbacks))
  expect_equal(eigen(x, only.values = TRUE), base::eigen(plain_all(x), only.values = TRUE))
  turn <- gpu(matrix(c(0, 1, -1, 0), 2))
  expect_type(eigen(turn)$values, "complex")
  expect_type(eigen(turn, TRUE)$values, "double")
})

test_that("errors are base R's", {
  message_of <- function(x, ...) conditionMessage(expect_error(eigen(x, ...)))
  base_message <- function(x) conditionMessage(expect_error(base::eigen(plain_all(x))))
  bad <- list(matrix(1, 2, 3), matrix(1, 0, 0), matrix(1:3, 1), c(1, 2),
              matrix(c(1, NA, NA, 1), 2), matrix(c(1, 2, 2, Inf), 2), matrix(c(NaN, 1, 1, 1), 2))
  for (x in lapply(bad, gpu)) {
    expect_error(eigen(x), class = "anygpu_error_argument")
    expect_identical(message_of(x), base_message(x))
    expect_identical(message_of(x, TRUE, TRUE), base_message(x))
  }
  wide <- symmetric(200)
  wide[150, 3] <- wide[3, 150] <- NaN
  expect_error(eigen(gpu(wide)), "infinite or missing")
  expect_error(eigen(gpu(diag(2)), NA), class = "anygpu_error_argument")
})

test_that("isSymmetric() goes by base R's rules", {
  cases <- list(diag(3), matrix(1:4, 2), matrix(c(1, 2, 2, 1), 2), matrix(1, 2, 3),
                matrix(c(TRUE, FALSE, FALSE, TRUE), 2), matrix(0, 0, 0), matrix(5, 1, 1),
                matrix(c(1, NA, NA, 1), 2), matrix(c(1, NA, 2, 1), 2), matrix(Inf, 2, 2))
  for (x in cases) expect_identical(isSymmetric(gpu(x)), isSymmetric(x))
  expect_error(isSymmetric(gpu(c(1, 2))), class = "anygpu_error_argument") # no method, as in R
  x <- diag(2)
  dimnames(x) <- list(c("a", "b"), c("a", "b"))
  expect_true(isSymmetric(gpu(x)))
  dimnames(x) <- list(c("a", "b"), NULL)
  expect_identical(isSymmetric(gpu(x)), isSymmetric(x))
  skip_if_not("float64" %in% test_types())
  for (by in 10^-(9:16)) {
    for (at in list(c(1, 9), c(7, 5))) {
      x <- symmetric(30)
      x[at[1], at[2]] <- x[at[1], at[2]] * (1 + by)
      expect_identical(isSymmetric(gpu(x, "float64")), isSymmetric(x), info = by)
      expect_identical(isSymmetric(gpu(x, "float64"), tol = 1e-12), isSymmetric(x, tol = 1e-12))
    }
  }
})

test_that("symmetry to the precision of float32 is enough for float32", {
  x <- gpu(symmetric(30), "float32")
  x[7, 5] <- x[7, 5] * (1 + 1e-6)
  expect_true(isSymmetric(x))
  x[7, 5] <- x[7, 5] * (1 + 1e-3)
  expect_false(isSymmetric(x))
})

test_that("nothing is left behind", {
  run <- function(n) for (type in test_types()) eigen(gpu(symmetric(n), type), TRUE)
  run(140)
  before <- live()
  run(140)
  run(20)
  x <- gpu(matrix(NaN, 150, 150))
  try(.Call(anygpu:::C_eigen_symmetric, x, FALSE), silent = TRUE)
  rm(x)
  expect_identical(live(), before)
})

test_that("every device call may fail", {
  x <- gpu(symmetric(140))
  eigen(x, TRUE)
  before <- live()
  failed <- 0
  for (n in c(1:20, seq(25, 400, 25))) {
    .Call(anygpu:::C_fault, n)
    result <- tryCatch(eigen(x, TRUE), anygpu_error = function(e) NULL)
    .Call(anygpu:::C_fault, 0L)
    failed <- failed + is.null(result)
    rm(result)
  }
  expect_gt(failed, 10)
  expect_identical(live(), before)
})
