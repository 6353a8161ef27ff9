# Errors in units of what is unavoidable: eps of the type times the larger extent. Ten times what
# LAPACK's are in these units (in double, of the same matrix) is allowed.
eps_of <- function(type) if (type == "float64") .Machine$double.eps else 2^-23
limit_for <- function(x) 10 * max(svd_error(x, base::svd(x), "float64"), 0.1)
limit <- 5

# Of x = u diag(d) t(v), in double: the largest of the three errors.
svd_error <- function(x, s, type) {
  u <- as.matrix(s$u)
  v <- as.matrix(s$v)
  k <- length(s$d)
  size <- max(s$d[1], max(abs(x)))
  if (size == 0) size <- 1
  off <- function(q) max(0, abs(crossprod(q) - diag(ncol(q))))
  product <- u[, seq_len(k), drop = FALSE] %*% (s$d / size * t(v[, seq_len(k), drop = FALSE]))
  max(abs(product - x / size), off(u), off(v)) / eps_of(type) / max(dim(x), 4)
}

# x is rounded to the type first.
expect_svd <- function(x, types = test_types()) {
  for (type in types) {
    a <- gpu(x, type)
    x_here <- as.matrix(a)
    dimnames(x_here) <- NULL
    want <- base::svd(x_here, 0, 0)$d
    s <- svd(a)
    expect_s4_class(s$u, "gpuMatrix")
    expect_identical(c(dim(s$u), dim(s$v)), c(nrow(x), min(dim(x)), ncol(x), min(dim(x))))
    expect_identical(c(gpu_type(s$u), gpu_type(s$v)), c(type, type))
    expect_lt(svd_error(x_here, s, type), limit_for(x_here))
    allowed <- limit * eps_of(type) * max(dim(x), 4) * max(want[1], 5e-324)
    expect_lte(max(abs(s$d - want)), allowed)
    expect_lte(max(abs(svd(a, nu = 0, nv = 0)$d - want)), allowed)
    expect_false(is.unsorted(-s$d))
    expect_true(all(s$d >= 0))
  }
}

gauss <- function(m, n) matrix(rnorm(m * n), m, n)

test_that("any shape", {
  with_seed_shown({
    sizes <- c(1, 2, 3, 5, 8, 13, 16, 31, 32, 33, 64, 67, 127, 128, 211, 300)
    for (n in thinned(sizes, 9)) expect_svd(gauss(n, n))
    shapes <- list(
      c(1, 7), c(7, 1), c(3, 2), c(2, 3), c(40, 30), c(30, 40), c(53, 47), c(300, 7), c(7, 300),
      c(300, 199), c(199, 300), c(300, 100), c(97, 256), c(1, 300), c(300, 1), c(128, 80)
    )
    for (dim in thinned(shapes, 6)) expect_svd(gauss(dim[1], dim[2]))
  })
})

test_that("a matrix that stays on the device is reduced there", {
  skip_if(gpu_device() == "host")
  with_seed_shown({
    expect_svd(gauss(1050, 960), types = "float32")
    expect_svd(gauss(4000, 260), types = "float32")
    expect_svd(gauss(260, 4000), types = "float32")
  })
})

test_that("hard matrices", {
  hilbert <- function(n) outer(seq_len(n), seq_len(n), function(i, j) 1 / (i + j - 1))
  with_seed_shown({
    low <- tcrossprod(gauss(60, 5), gauss(40, 5))
    hard <- list(
      hilbert(12), hilbert(100), low, cbind(low, low), diag(1, 50), diag(0, 20), diag(10^-(0:40)),
      matrix(1, 33, 20), gauss(70, 70) * 10^-seq(0, 30, length.out = 70),
      gauss(70, 50) %*% diag(10^-seq(0, 25, length.out = 50)), rbind(diag(3, 20), 0, 0),
      outer(1:40, 1:40, pmin), toeplitz(c(2, -1, rep(0, 98))), gauss(40, 40) + 1e6,
      kronecker(diag(1, 10), gauss(7, 7)), matrix(c(0, 1, 0, 0), 2), upper.tri(diag(64)) + 0
    )
    for (x in thinned(hard, 8)) expect_svd(x)
  })
})

test_that("huge and tiny matrices", {
  with_seed_shown({
    x <- gauss(40, 30)
    if ("float64" %in% test_types()) for (unit in c(1e150, 1e-150, 1e300, 1e-300, 1e-310)) {
      s <- svd(gpu(x * unit, "float64"))
      expect_equal(s$d / unit, base::svd(x)$d, tolerance = if (unit < 1e-307) 1e-3 else 1e-13)
      expect_lt(svd_error(x, list(d = s$d / unit, u = s$u, v = s$v), "float64"),
                if (unit < 1e-307) Inf else limit)
    }
    for (unit in c(1e30, 1e-30, 1e36, 1e-36)) {
      s <- svd(gpu(x * unit, "float32"))
      expect_equal(s$d / unit, base::svd(x)$d, tolerance = 1e-5)
      expect_lt(svd_error(x, list(d = s$d / unit, u = s$u, v = s$v), "float32"), limit)
    }
  })
})

test_that("nu and nv as R's", {
  set.seed(3)
  for (dim in list(c(7, 4), c(4, 7), c(5, 5), c(20, 3), c(3, 20))) {
    x <- gauss(dim[1], dim[2])
    a <- gpu(x)
    type <- gpu_type(a)
    for (nu in c(0, 1, 3, 4, dim[1], 99)) for (nv in c(0, 2, dim[2], 99)) {
      want <- base::svd(x, nu, nv)
      got <- svd(a, nu, nv)
      expect_identical(names(got), names(want))
      expect_identical(lapply(got, dim), lapply(want, dim))
      expect_equal(got$d, want$d, tolerance = tolerances[[type]])
      for (q in got[-1]) {
        q <- as.matrix(q)
        expect_lt(max(abs(crossprod(q) - diag(ncol(q)))), 100 * eps_of(type))
      }
      # up to their signs they are R's, those that are determined
      for (which in names(got)[-1]) {
        j <- seq_len(min(dim, ncol(got[[which]])))
        expect_equal(abs(as.matrix(got[[which]])[, j]), abs(want[[which]][, j]),
                     tolerance = 100 * tolerances[[type]])
      }
      want <- base::La.svd(x, nu, nv)
      got <- La.svd(a, nu, nv)
      expect_identical(names(got), names(want))
      expect_identical(lapply(got, dim), lapply(want, dim))
    }
  }
  expect_identical(dim(svd(gpu(c(3, 4, 0)))$u), c(3L, 1L))
  expect_equal(svd(gpu(c(3, 4, 0)))$d, 5)
  expect_equal(svd(gpu(matrix(1:4, 2)))$d, base::svd(matrix(1:4, 2))$d, tolerance = 1e-6)
  flags <- gpu(matrix(c(TRUE, FALSE, TRUE, TRUE), 2))
  expect_equal(svd(flags)$d, sqrt((3 + c(1, -1) * sqrt(5)) / 2), tolerance = 1e-6)
  named <- gpu(matrix(1:4 / 3, 2, dimnames = list(c("a", "b"), c("p", "q"))))
  expect_null(dimnames(svd(named)$u))
  expect_null(dimnames(svd(named)$v))
})

test_that("signs: the first of the largest components is positive", {
  set.seed(4)
  positive <- function(q) {
    all(apply(as.matrix(q), 2, function(x) x[which(abs(x) >= 0.999 * max(abs(x)))[1]] > 0))
  }
  for (dim in list(c(30, 20), c(20, 30), c(9, 9), c(100, 10))) {
    x <- gpu(gauss(dim[1], dim[2]))
    expect_true(positive(svd(x, dim[1], dim[2])$u))
    expect_true(positive(svd(x, nu = 0)$v))
    s <- svd(x, 2, 5)
    expect_true(positive(s$u))
    expect_true(positive(s$v[, 3:5]))
    expect_equal(c(s$u %*% diag(s$d[1:2])), c(x %*% s$v[, 1:2]), tolerance = 1e-4)
  }
  # components of the same size
  expect_true(positive(svd(gpu(matrix(c(1, 1, 1, -1), 2)))$u))
  expect_true(positive(svd(gpu(matrix(1, 64, 64)), nu = 1, nv = 1)$u))
})

test_that("what is not on a device goes to R's functions", {
  x <- matrix(c(1, 2, 3, 4, 5, 7), 3)
  expect_identical(svd(x), base::svd(x))
  expect_identical(svd(x, 3, 0), base::svd(x, 3, 0))
  expect_identical(svd(x, nv = 1), base::svd(x, nv = 1))
  expect_identical(svd(1:3), base::svd(1:3))
  expect_identical(La.svd(x, nu = 3), base::La.svd(x, nu = 3))
  expect_identical(norm(x), base::norm(x))
  expect_identical(norm(x, "2"), base::norm(x, "2"))
  expect_error(norm(1:3), "numeric matrix")
})

test_that("bad input", {
  for (bad in c(NA, NaN, Inf, -Inf)) for (type in test_types()) {
    x <- gpu(replace(diag(1, 5), 7, bad), type)
    expect_error(svd(x), "infinite or missing values in 'x'", class = "anygpu_error_argument")
    expect_error(La.svd(x, 0, 0), "infinite or missing values", class = "anygpu_error_argument")
  }
  expect_error(svd(gpu(matrix(0, 0, 3))), "a dimension is zero", class = "anygpu_error_argument")
  expect_error(svd(gpu(matrix(0, 3, 0))), "a dimension is zero", class = "anygpu_error_argument")
  expect_error(svd(gpu(diag(2)), nu = -1), "`nu`", class = "anygpu_error_argument")
  expect_error(svd(gpu(diag(2)), nv = NA), "`nv`", class = "anygpu_error_argument")
  expect_error(svd(gpu(array(0, c(2, 2, 2)))), class = "anygpu_error_shape")
})

test_that("norm", {
  set.seed(5)
  for (x in list(gauss(7, 5), gauss(5, 70), matrix(0, 3, 3), matrix(-2, 1, 1), gauss(64, 64))) {
    for (type in c("O", "I", "F", "M", "2", "o", "1", "i", "E", "f", "m", "e")) {
      expect_gpu(function(x) norm(x, type), x)
    }
    expect_gpu(function(x) norm(x), x)
  }
  for (type in c("O", "I", "F", "M")) {
    expect_gpu(function(x) norm(x, type), matrix(0, 0, 3))
    expect_gpu(function(x) norm(x, type), matrix(0, 3, 0))
    expect_gpu(function(x) norm(x, type), matrix(c(1, Inf, 3, 4), 2))
    expect_true(is.na(norm(gpu(matrix(c(1, NaN, 3, 4), 2)), type)))
  }
  expect_identical(norm(gpu(matrix(c(1, NA, 3, 4), 2)), "2"), NA_real_)
  expect_gpu(function(x) norm(x, "z"), diag(2))
  expect_gpu(function(x) norm(x, 3), diag(2))
  expect_gpu(function(x) norm(x), c(1, 2))
  expect_gpu(function(x) norm(x, "F"), matrix(1:6, 2))
  expect_gpu(function(x) norm(x, "F"), diag(3) * 1e200, types = intersect("float64", test_types()))
  expect_gpu(function(x) norm(x, "F"), diag(3) * 1e-200, types = intersect("float64", test_types()))
  expect_gpu(function(x) norm(x, "F"), diag(3) * 1e-30)
  expect_gpu(function(x) norm(x, "F"), diag(3) * 1e30)
})

test_that("gpu_rsvd", {
  set.seed(6)
  basis <- function(m, n) base::qr.Q(base::qr(gauss(m, n)))
  x <- basis(120, 60) %*% diag(2^-(0:59)) %*% t(basis(60, 60))
  for (type in test_types()) for (a in list(x, t(x))) {
    g <- gpu(a, type)
    set.seed(1)
    s <- gpu_rsvd(g, 8)
    set.seed(1)
    again <- gpu_rsvd(g, 8)
    expect_identical(s$d, again$d)
    expect_identical(as.matrix(s$u), as.matrix(again$u))
    want <- svd(g)
    expect_equal(s$d, want$d[1:8], tolerance = tolerances[[type]])
    expect_identical(dim(s$u), c(nrow(a), 8L))
    expect_identical(dim(s$v), c(ncol(a), 8L))
    expect_identical(gpu_type(s$u), type)
    error <- norm(g - s$u %*% (s$d * t(s$v)), "2")
    expect_lt(error, 1.1 * want$d[9] + 100 * eps_of(type))
    expect_lt(max(abs(as.matrix(crossprod(s$u)) - diag(8))), 1000 * eps_of(type))
    # signs as svd()'s
    expect_equal(as.matrix(s$u)[, 1:4], as.matrix(want$u)[, 1:4],
                 tolerance = 50 * tolerances[[type]])
  }
  expect_equal(gpu_rsvd(gpu(diag(5)), 5)$d, rep(1, 5), tolerance = 1e-5)
  expect_equal(gpu_rsvd(gpu(diag(5)), 1, oversample = 0, power = 0)$d > 0, TRUE)
  expect_equal(gpu_rsvd(gpu(matrix(0, 5, 4)), 2)$d, c(0, 0))
  expect_error(gpu_rsvd(gpu(diag(5)), 6), "`k`", class = "anygpu_error_argument")
  expect_error(gpu_rsvd(gpu(diag(5)), 0), "`k`", class = "anygpu_error_argument")
  expect_error(gpu_rsvd(gpu(diag(5)), 2, power = -1), "`power`", class = "anygpu_error_argument")
  expect_error(gpu_rsvd(gpu(diag(c(1, NA))), 1), "infinite or missing",
               class = "anygpu_error_argument")
  expect_error(gpu_rsvd(diag(5), 2), class = "anygpu_error_type")
})

test_that("prcomp", {
  set.seed(7)
  x <- gauss(40, 6) %*% diag(c(5, 4, 3, 2, 1, 0.5))
  dimnames(x) <- list(NULL, letters[1:6])
  same <- function(...) {
    for (type in test_types()) {
      want <- prcomp(x, ...)
      got <- prcomp(gpu(x, type), ...)
      tolerance <- 10 * tolerances[[type]]
      expect_identical(names(got), names(want))
      expect_identical(class(got), class(want))
      expect_equal(got$sdev, want$sdev, tolerance = tolerance)
      expect_equal(got$center, want$center, tolerance = tolerance)
      expect_equal(got$scale, want$scale, tolerance = tolerance)
      rotation <- as.matrix(got$rotation)
      expect_identical(dimnames(rotation), dimnames(want$rotation))
      sign <- sign(colSums(rotation * want$rotation))
      signed <- want$rotation * rep(sign, each = nrow(rotation))
      expect_equal(rotation, signed, tolerance = tolerance)
      if (!is.null(want$x)) {
        expect_equal(as.matrix(got$x), want$x * rep(sign, each = nrow(x)), tolerance = tolerance)
      }
    }
  }
  same()
  same(scale. = TRUE)
  same(center = FALSE)
  same(rank. = 2)
  same(tol = 0.3)
  same(retx = FALSE, center = 1:6)
  wide <- t(x)
  expect_equal(prcomp(gpu(wide))$sdev, prcomp(wide)$sdev, tolerance = 1e-4)
  expect_error(prcomp(gpu(cbind(x, 1)), scale. = TRUE), "cannot rescale a constant/zero column",
               class = "anygpu_error_argument")
  expect_error(prcomp(gpu(x), rank. = 0), "`rank.`", class = "anygpu_error_argument")
})

test_that("gpu_pinv", {
  set.seed(8)
  low <- tcrossprod(gauss(12, 3), gauss(9, 3))
  some <- list(gauss(6, 6), gauss(9, 4), gauss(4, 9), low, diag(c(2, 0)))
  for (type in test_types()) for (x in some) {
    a <- gpu(x, type)
    p <- gpu_pinv(a)
    expect_identical(dim(p), rev(dim(x)))
    expect_identical(gpu_type(p), type)
    tolerance <- 100 * tolerances[[type]]
    expect_equal(as.matrix(a %*% p %*% a), x, tolerance = tolerance)
    expect_equal(as.matrix(p %*% a %*% p), as.matrix(p), tolerance = tolerance)
    expect_lt(max(abs(as.matrix(a %*% p - t(a %*% p)))), tolerance)
    expect_lt(max(abs(as.matrix(p %*% a - t(p %*% a)))), tolerance)
  }
  expect_equal(as.matrix(gpu_pinv(gpu(diag(c(4, 1e-3))), tol = 0.01)), diag(c(0.25, 0)))
  expect_identical(as.matrix(gpu_pinv(gpu(matrix(0, 2, 3)))), matrix(0, 3, 2))
  expect_identical(dim(gpu_pinv(gpu(matrix(0, 0, 3)))), c(3L, 0L))
  expect_error(gpu_pinv(gpu(diag(2)), tol = -1), "`tol`", class = "anygpu_error_argument")
})

test_that("a failure at any call is an error and leaks nothing", {
  attempt <- function(n, f) {
    .Call(anygpu:::C_fault, n)
    result <- try(f(), silent = TRUE)
    .Call(anygpu:::C_fault, 0)
    if (!inherits(result, "try-error")) return(TRUE)
    classes <- c("anygpu_error_device", "anygpu_error_memory")
    expect_true(inherits(attr(result, "condition"), classes))
    FALSE
  }
  for (dim in list(c(40, 33), c(90, 33), c(33, 90))) {
    x <- gpu_force(gpu(gauss(dim[1], dim[2])))
    invisible(svd(x))
    before <- live()
    for (n in 1:300) if (done <- attempt(n, function() svd(x))) break
    expect_true(done)
    expect_gt(n, 5)
    expect_equal(live(), before)
  }
  skip_if(gpu_device() == "host")
  x <- gpu_force(gpu(gauss(4000, 260), "float32"))
  before <- live()
  for (n in c(3, 7, 20, 60, 200, 600, 2000)) attempt(n, function() svd(x, 5, 5))
  expect_equal(live(), before)
})

test_that("nothing is left behind", {
  x <- gpu(gauss(50, 30))
  invisible(svd(x))
  before <- live()
  for (i in 1:3) {
    s <- svd(x)
    s <- svd(x, 50, 0)
    s <- gpu_rsvd(x, 3)
  }
  rm(s)
  expect_identical(live(), before)
})
