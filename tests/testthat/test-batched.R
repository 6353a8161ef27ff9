# A slice of an array of matrices, as a matrix; a matrix is its own slice.
slice <- function(x, i) {
  if (length(dim(x)) < 3) return(x)
  matrix(x[, , min(i, dim(x)[3])], dim(x)[1], dim(x)[2])
}

random_array <- function(...) array(rnorm(prod(...)), c(...))
spd_array <- function(n, batch) {
  a <- random_array(c(n, n, batch))
  for (i in seq_len(batch)) a[, , i] <- crossprod(slice(a, i)) + diag(n)
  a
}
symmetric_array <- function(n, batch) {
  a <- random_array(c(n, n, batch))
  a + aperm(a, c(2, 1, 3))
}

# What f of base R gives for each slice, of dimensions `dim` each.
loop <- function(f, dim, batch, ...) {
  one <- function(i) do.call(f, lapply(list(...), slice, i))
  array(as.double(unlist(lapply(seq_len(batch), one))), c(dim, batch))
}

# Both types of what the device computes, against base R on what the device holds.
expect_batched <- function(f, reference, ..., tolerance = 1) {
  for (type in test_types()) {
    on_device <- lapply(list(...), gpu, type = type)
    want <- do.call(reference, lapply(on_device, anygpu:::plain))
    got <- anygpu:::plain(do.call(f, on_device))
    expect_identical(dim(got), dim(want))
    expect_equal(c(got), c(want), tolerance = tolerance * tolerances[[type]])
  }
}

# -- products -------------------------------------------------------------------------------------
loop_matmul <- function(x, y, tx = FALSE, ty = FALSE) {
  extents <- c(dim(x)[3], dim(y)[3])
  batch <- if (any(extents == 0, na.rm = TRUE)) 0 else max(extents, na.rm = TRUE)
  one <- function(a, b) (if (tx) t(a) else a) %*% (if (ty) t(b) else b)
  loop(one, c(dim(x)[1 + tx], dim(y)[2 - ty]), batch, x, y)
}
turned <- function(x) aperm(x, c(2, 1, 3))

test_that("products of each pair of matrices", {
  set.seed(1)
  shapes <- thinned(list(
    c(3, 4, 2), c(70, 33, 17), c(8, 8, 8), c(1, 5, 1), c(1, 1, 9), c(16, 1, 40), c(200, 5, 3),
    c(40, 300, 33), c(1, 1, 1), c(3, 0, 2), c(0, 3, 2), c(67, 64, 65)
  ), 4)
  for (s in shapes) for (batch in thinned(c(5, 1, 0, 40), 2)) {
    x <- random_array(c(s[1], s[2], batch))
    y <- random_array(c(s[2], s[3], batch))
    one_x <- random_array(s[1:2])
    one_y <- random_array(s[2:3])
    expect_batched(gpu_matmul, loop_matmul, x, y)
    expect_batched(function(x, y) gpu_matmul(x, y, TRUE), function(x, y) loop_matmul(x, y, TRUE),
                   turned(x), y)
    expect_batched(function(x, y) gpu_matmul(x, y, FALSE, TRUE),
                   function(x, y) loop_matmul(x, y, FALSE, TRUE), x, turned(y))
    expect_batched(gpu_matmul, loop_matmul, one_x, y)
    expect_batched(gpu_matmul, loop_matmul, x, one_y)
    expect_batched(gpu_matmul, loop_matmul, array(one_x, c(s[1:2], 1)), y)
    expect_batched(gpu_matmul, loop_matmul, x, array(one_y, c(s[2:3], 1)))
  }
})

test_that("large products, and many", {
  set.seed(2)
  x <- random_array(c(200, 210, 3))
  y <- random_array(c(210, 220, 3))
  expect_batched(gpu_matmul, loop_matmul, x, y)
  x <- random_array(c(4, 3, 3000))
  y <- random_array(c(3, 5, 3000))
  expect_batched(gpu_matmul, loop_matmul, x, y)
})

test_that("operands are seen through views, and what follows is fused", {
  set.seed(3)
  x <- random_array(c(5, 4, 6))
  y <- random_array(c(7, 4, 6))
  bias <- random_array(c(5, 7))
  f <- function(x, y, product) tanh(product(x[-1, , 6:1], aperm(y, c(2, 1, 3))) + 1)
  for (type in test_types()) {
    gx <- gpu(x, type)
    gy <- gpu(y, type)
    expect_equal(as.array(f(gx, gy, gpu_matmul)), f(x, y, loop_matmul),
                 tolerance = tolerances[[type]])
    lines <- capture.output(gpu_explain(tanh(gpu_matmul(gx, gy, FALSE, TRUE) + 1)))
    expect_length(grep("^[0-9]+\\.", lines), 1)
    expect_match(lines, "matmul 6 of 5 x 4 x 7", all = FALSE)
  }
})

test_that("a product of matrices is a matrix, and ordinary arrays are taken", {
  x <- matrix(1:6 / 2, 2, dimnames = list(c("a", "b"), NULL))
  y <- matrix(1:6, 3, dimnames = list(NULL, c("p", "q")))
  expect_equal(anygpu:::plain(gpu_matmul(x, y)), x %*% y)
  expect_s4_class(gpu_matmul(x, y), "gpuMatrix")
  expect_equal(anygpu:::plain(gpu_matmul(y, gpu(x), TRUE, TRUE)), crossprod(y, t(x)))
  z <- gpu_matmul(array(1:12, c(2, 3, 2)), y)
  expect_s4_class(z, "gpuArray")
  expect_identical(gpu_type(gpu_matmul(gpu(x, "float32"), y)), "float32")
})

test_that("dimnames of products", {
  names <- function(...) list(r = c("a", "b"), c = c("x", "y"), ...)
  x <- array(1:8, c(2, 2, 2), names(m = c("one", "two")))
  y <- array(1:8, c(2, 2, 2))
  rownames(y) <- c("k", "l")
  expect_identical(dimnames(gpu_matmul(x, y)), list(r = c("a", "b"), NULL, m = c("one", "two")))
  expect_identical(dimnames(gpu_matmul(y, x)),
                   list(c("k", "l"), c = c("x", "y"), m = c("one", "two")))
  expect_identical(dimnames(gpu_matmul(x, y, TRUE, TRUE)),
                   list(c = c("x", "y"), c("k", "l"), m = c("one", "two")))
  expect_identical(dimnames(gpu_matmul(x[, , 1, drop = FALSE], y)),
                   list(r = c("a", "b"), NULL, NULL))
  expect_null(dimnames(gpu_matmul(unname(y), unname(y))))
})

test_that("products that do not fit say both shapes", {
  x <- gpu(array(1, c(3, 4, 5)))
  expect_error(gpu_matmul(x, array(1, c(5, 2, 5))), "gpu_matmul: x is 3 x 4 x 5, y is 5 x 2 x 5",
               fixed = TRUE, class = "anygpu_error_shape")
  expect_error(gpu_matmul(x, array(1, c(4, 2, 3))), class = "anygpu_error_shape")
  expect_error(gpu_matmul(x, x, TRUE, TRUE), "3 x 4 x 5 (transposed)", fixed = TRUE,
               class = "anygpu_error_shape")
  expect_error(gpu_matmul(x, 1:4), class = "anygpu_error_shape")
  expect_error(gpu_matmul(x, "a"), class = "anygpu_error_type")
  expect_error(gpu_matmul(matrix(1, 2, 3), matrix(1, 2, 3)), "gpu_matmul: x is 2 x 3, y is 2 x 3")
})

test_that("gradients of products", {
  set.seed(4)
  x <- random_array(c(2, 3, 4))
  y <- random_array(c(3, 5, 4))
  w <- random_array(c(2, 3))
  v <- random_array(c(3, 5))
  total <- function(product, ...) function(x) sum(product(x, ...)^2)
  expect_gradient(total(gpu_matmul, y), x, total(loop_matmul, y))
  expect_gradient(total(gpu_matmul, v), x, total(loop_matmul, v))
  expect_gradient(total(gpu_matmul, y), w, total(loop_matmul, y))
  expect_gradient(total(gpu_matmul, y, TRUE), t(w), total(loop_matmul, y, TRUE))
  expect_gradient(total(gpu_matmul, turned(y), FALSE, TRUE), w,
                  total(loop_matmul, turned(y), FALSE, TRUE))
  expect_gradient(total(gpu_matmul, turned(y), TRUE, TRUE), turned(x),
                  total(loop_matmul, turned(y), TRUE, TRUE))
  right <- function(product, ...) function(y) sum(product(x, y, ...)^2)
  expect_gradient(right(gpu_matmul), y, right(loop_matmul))
  expect_gradient(right(gpu_matmul), v, right(loop_matmul))
  expect_gradient(right(gpu_matmul, FALSE, TRUE), t(v), right(loop_matmul, FALSE, TRUE))
  expect_gradient(right(gpu_matmul), array(v, c(3, 5, 1)), right(loop_matmul))
})

test_that("compiled functions and apply() of products", {
  set.seed(5)
  x <- random_array(c(3, 3, 4))
  y <- random_array(c(3, 2, 4))
  f <- gpu_jit(function(x, y) gpu_matmul(x, y) * 2)
  for (i in 1:2) expect_equal(as.array(f(gpu(x), gpu(y))), loop_matmul(x, y) * 2, tolerance = 1e-5)
  g <- gpu(x)
  before <- gpu_stats()
  for (margin in c(3, 1)) {
    squares <- apply(g, margin, function(a) crossprod(a))
    expect_equal(anygpu:::plain(squares), apply(x, margin, crossprod), tolerance = 1e-5)
    squares <- apply(g, margin, function(a) a %*% t(a + 1))
    expect_equal(anygpu:::plain(squares), apply(x, margin, function(a) a %*% t(a + 1)),
                 tolerance = 1e-5)
  }
  expect_identical(gpu_stats()$fallbacks, before$fallbacks)
})

# -- solve, chol, det, eigen ----------------------------------------------------------------------
sizes <- function() thinned(c(3, 8, 1, 2, 5, 17, 33, 70), 4)

# |A X - B| by what rounding may leave of it: small however bad A's condition is.
backward_error <- function(a, x, b, type) {
  worst <- 0
  for (i in seq_len(dim(a)[3])) {
    residual <- abs(slice(a, i) %*% slice(x, i) - slice(b, i))
    scale <- norm(slice(a, i)) * max(abs(slice(x, i))) + max(abs(slice(b, i)))
    worst <- max(worst, residual / scale)
  }
  worst / c(float64 = .Machine$double.eps, float32 = 2^-23)[[type]]
}

test_that("systems are solved to rounding errors, whatever their condition", {
  set.seed(6)
  hilbert <- function(n) 1 / outer(seq_len(n), seq_len(n), function(i, j) i + j - 1)
  for (n in sizes()) for (batch in thinned(c(37, 1, 5), 1)) {
    a <- random_array(c(n, n, batch))
    a[, , batch] <- hilbert(n)
    if (n > 1 && batch > 2) a[, , 2] <- slice(a, 2) * 10^seq(-6, 6, length.out = n)
    if (n > 1 && batch > 2) a[1, 1, 3] <- 0
    b <- random_array(c(n, 3, batch))
    for (type in test_types()) {
      ga <- gpu(a, type)
      gb <- gpu(b, type)
      x <- gpu_solve(ga, gb)
      expect_identical(gpu_type(x), type)
      held <- as.array(ga)
      expect_lt(backward_error(held, as.array(x), as.array(gb), type), 10 * n)
      one <- gpu_solve(ga, gpu(matrix(b[, 1, ], n), type))
      expect_identical(dim(one), c(as.integer(n), as.integer(batch)))
      expect_equal(c(as.matrix(one)), c(as.array(x)[, 1, ]))
      unit <- array(diag(n), dim(a))
      inverse <- as.array(gpu_solve(ga))
      expect_lt(backward_error(held, inverse, unit, type), 10 * n)
    }
  }
})

test_that("inverses, factors and determinants are R's", {
  set.seed(7)
  for (n in sizes()) {
    a <- random_array(c(n, n, 19)) + c(diag(n)) * n
    expect_batched(gpu_solve, function(a) loop(solve, c(n, n), 19, a), a)
    expect_batched(gpu_chol, function(a) loop(chol, c(n, n), 19, a), spd_array(n, 19))
    expect_batched(function(a) gpu_det(a / n), function(a) c(loop(det, NULL, 19, a / n)), a,
                   tolerance = 10)
  }
})

test_that("only the triangles that R reads are read", {
  set.seed(8)
  a <- spd_array(4, 9)
  upper <- a
  lower <- a
  for (i in 1:9) {
    upper[, , i][lower.tri(diag(4))] <- 99
    lower[, , i][upper.tri(diag(4))] <- NA
  }
  expect_equal(as.array(gpu_chol(upper)), as.array(gpu_chol(a)))
  expect_equal(as.array(gpu_eigen_sym(lower)$vectors), as.array(gpu_eigen_sym(a)$vectors))
})

test_that("eigenvalues and eigenvectors", {
  set.seed(9)
  for (n in sizes()) {
    a <- symmetric_array(n, 11)
    a[, , 3] <- diag(n) # equal values
    a[, , 4] <- 0
    a[, , 5] <- 1
    for (type in test_types()) {
      g <- gpu(a, type)
      held <- as.array(g)
      e <- gpu_eigen_sym(g)
      expect_s3_class(e, "eigen")
      want <- loop(function(a) eigen(a, TRUE, TRUE)$values, n, 11, held)
      tolerance <- tolerances[[type]]
      expect_equal(c(as.matrix(e$values)), c(want), tolerance = tolerance)
      expect_identical(dim(e$values), c(as.integer(n), 11L))
      only <- gpu_eigen_sym(g, only.values = TRUE)
      expect_null(only$vectors)
      expect_equal(as.matrix(only$values), as.matrix(e$values), tolerance = tolerance)
      values <- as.matrix(e$values)
      vectors <- as.array(e$vectors)
      for (i in 1:11) {
        v <- slice(vectors, i)
        expect_equal(crossprod(v), diag(n), tolerance = tolerance)
        expect_lt(max(abs(slice(held, i) %*% v - v %*% diag(values[, i], n))),
                  tolerance * (1 + max(abs(values))))
        expect_true(all(diff(values[, i]) <= 0))
        # the first of the largest components is positive
        first <- apply(v, 2, function(u) u[which(abs(u) >= 0.999 * max(abs(u)))[1]])
        expect_true(all(first > 0))
      }
    }
  }
})

test_that("the last dimension keeps its names, the others are named as R names them", {
  names <- list(c("r1", "r2"), c("c1", "c2"), c("one", "two", "three"))
  a <- spd_array(2, 3)
  dimnames(a) <- names
  b <- array(1, c(2, 1, 3), list(NULL, "b", NULL))
  expect_identical(dimnames(gpu_solve(a)), names[c(2, 1, 3)])
  expect_identical(dimnames(gpu_solve(a, b)), list(names[[2]], "b", names[[3]]))
  expect_identical(dimnames(gpu_solve(a, b[, 1, ])), names[2:3])
  expect_identical(dimnames(gpu_chol(a)), c(dimnames(chol(a[, , 1])), names[3]))
  expect_identical(names(gpu_det(a)), names[[3]])
  expect_identical(dimnames(gpu_eigen_sym(a)$values), list(NULL, names[[3]]))
  expect_identical(dimnames(gpu_eigen_sym(a)$vectors), list(NULL, NULL, names[[3]]))
})

test_that("the first system without a result is named", {
  set.seed(10)
  a <- random_array(c(4, 4, 100))
  a[, 3, c(17, 50)] <- 0
  expect_error(gpu_solve(a, a), "system 17 of 100 is exactly singular: U[3,3] = 0", fixed = TRUE,
               class = "anygpu_error_argument")
  expect_error(gpu_solve(a), "system 17 of 100", class = "anygpu_error_argument")
  expect_identical(c(as.vector(gpu_det(a))[c(17, 50)]), c(0, 0))
  s <- spd_array(4, 100)
  s[2, 2, 99:100] <- -1
  expect_error(gpu_chol(s), "the leading minor of order 2 is not positive, in matrix 99 of 100",
               class = "anygpu_error_argument")
})

test_that("what is missing or infinite stays in its matrix", {
  set.seed(11)
  for (n in c(1, 3, 9)) for (bad in c(NaN, NA, Inf)) {
    a <- spd_array(n, 21)
    b <- random_array(c(n, 2, 21))
    broken <- a
    broken[n, 1, 5] <- bad
    broken[1, n, 5] <- bad
    others <- -5
    kept <- function(f) {
      want <- anygpu:::plain(f(gpu(a)))
      got <- anygpu:::plain(f(gpu(broken)))
      last <- length(dim(want))
      part <- function(x, i) if (last == 3) x[, , i] else if (last == 2) x[, i] else x[i]
      expect_identical(part(got, others), part(want, others))
      part(got, 5)
    }
    if (is.na(bad)) {
      expect_true(anyNA(kept(function(a) gpu_solve(a, b))))
      expect_true(anyNA(kept(gpu_chol)))
      expect_true(is.na(kept(gpu_det)))
    }
    expect_true(all(is.na(kept(function(a) gpu_eigen_sym(a)$values))))
    expect_true(all(is.na(kept(function(a) gpu_eigen_sym(a)$vectors))))
  }
})

test_that("matrices that are not small are taken one after the other", {
  set.seed(13)
  n <- 101
  a <- random_array(c(n, n, 3)) + c(diag(n)) * 5
  s <- spd_array(n, 3)
  expect_batched(gpu_solve, function(a) loop(solve, c(n, n), 3, a), a, tolerance = 10)
  expect_batched(gpu_solve, function(a, b) sapply(1:3, function(i) solve(a[, , i], b[, i])), a,
                 random_array(c(n, 3)), tolerance = 10)
  expect_batched(gpu_chol, function(a) loop(chol, c(n, n), 3, a), s)
  expect_batched(function(a) gpu_det(a / 5), function(a) c(loop(det, NULL, 3, a / 5)), a,
                 tolerance = 10)
  expect_batched(function(a) gpu_eigen_sym(a)$values,
                 function(a) loop(function(a) eigen(a, TRUE)$values, n, 3, a), s)
  v <- as.array(gpu_eigen_sym(s)$vectors)
  for (i in 1:3) expect_equal(crossprod(v[, , i]), diag(n), tolerance = 1e-5)
  expect_null(gpu_eigen_sym(s, TRUE)$vectors)
  broken <- s
  broken[3, 2, 2] <- NaN
  broken[2, 3, 2] <- NaN
  expect_identical(which(is.na(colSums(as.matrix(gpu_eigen_sym(broken)$values)))), 2L)
  for (f in list(gpu_chol, gpu_solve)) {
    expect_identical(which(is.na(apply(as.array(f(broken)), 3, sum))), 2L)
  }
  expect_identical(which(is.na(as.vector(gpu_det(broken)))), 2L)
  a[, 7, 3] <- 0
  expect_error(gpu_solve(a), "system 3 of 3 is exactly singular: U[7,7] = 0", fixed = TRUE)
  expect_identical(as.vector(gpu_det(a))[3], 0)
  s[5, 5, 2] <- -1
  expect_error(gpu_chol(s), "the leading minor of order 5 is not positive, in matrix 2 of 3")
})

test_that("numbers far from 1", {
  skip_if_not("float64" %in% test_types())
  set.seed(12)
  s <- symmetric_array(5, 8)
  for (scale in 2^c(-1000, -500, 500, 1000)) {
    e <- gpu_eigen_sym(gpu(s * scale, "float64"))
    expect_equal(as.matrix(e$values) / scale, as.matrix(gpu_eigen_sym(gpu(s, "float64"))$values))
    expect_equal(as.array(e$vectors), as.array(gpu_eigen_sym(gpu(s, "float64"))$vectors))
  }
  # products of pivots that overflow or vanish on the way
  d <- array(0, c(4, 4, 2))
  d[, , 1] <- diag(c(1e300, 1e300, 1e-300, 1e-290))
  d[, , 2] <- diag(c(1e-300, 1e-300, 1e300, -1e290))
  expect_equal(as.vector(gpu_det(gpu(d, "float64"))), c(1e10, -1e-10), tolerance = 1e-12)
  d[, , 1] <- diag(1e200, 4)
  d[, , 2] <- diag(1e-200, 4)
  expect_identical(as.vector(gpu_det(gpu(d, "float64"))), c(Inf, 0))
})

test_that("no matrices, and matrices of no rows", {
  none <- gpu(array(0, c(3, 3, 0)))
  empty <- gpu(array(0, c(0, 0, 4)))
  expect_identical(dim(gpu_solve(none)), c(3L, 3L, 0L))
  expect_identical(dim(gpu_solve(none, matrix(0, 3, 0))), c(3L, 0L))
  expect_identical(dim(gpu_solve(gpu(spd_array(2, 4)), array(0, c(2, 0, 4)))), c(2L, 0L, 4L))
  expect_identical(dim(gpu_chol(none)), c(3L, 3L, 0L))
  expect_identical(length(gpu_det(none)), 0L)
  expect_identical(dim(gpu_eigen_sym(none)$vectors), c(3L, 3L, 0L))
  expect_identical(dim(gpu_solve(empty)), c(0L, 0L, 4L))
  expect_identical(dim(gpu_chol(empty)), c(0L, 0L, 4L))
  expect_identical(as.vector(gpu_det(empty)), rep(1, 4))
  expect_identical(dim(gpu_eigen_sym(empty)$values), c(0L, 4L))
})

test_that("types, and errors of shape and type", {
  a <- spd_array(3, 4)
  expect_identical(gpu_type(gpu_solve(gpu(a, "float32"), gpu(a, "float32"))), "float32")
  expect_identical(gpu_type(gpu_solve(gpu(a, "float32"), a)), "float32")
  if ("float64" %in% test_types()) {
    expect_identical(gpu_type(gpu_solve(gpu(a, "float32"), gpu(a, "float64"))), "float64")
    expect_equal(as.vector(gpu_det(array(1:8, c(2, 2, 2)))), c(-2, -2))
  }
  expect_error(gpu_solve(a, matrix(1, 3, 3)), "gpu_solve: a is 3 x 3 x 4, b is 3 x 3",
               class = "anygpu_error_shape")
  expect_error(gpu_solve(a, array(1, c(2, 1, 4))), class = "anygpu_error_shape")
  expect_error(gpu_solve(matrix(1, 2, 2)), "n x n x batch", class = "anygpu_error_shape")
  expect_error(gpu_chol(array(1, c(2, 3, 4))), "gpu_chol: a is 2 x 3 x 4",
               class = "anygpu_error_shape")
  expect_error(gpu_det("a"), class = "anygpu_error_type")
  expect_error(gpu_jit(gpu_det)(gpu(a)), class = "anygpu_error_argument")
})

test_that("nothing is left behind, also after errors", {
  a <- gpu(array(0, c(3, 3, 5)))
  before <- live()
  expect_error(gpu_solve(a))
  expect_error(gpu_chol(a))
  invisible(gpu_eigen_sym(a))
  invisible(gpu_det(a))
  expect_identical(live(), before)
})
