set.seed(1)
shapes <- list(
  c(3, 4), c(1, 5), c(5, 1), c(1, 1), c(0, 3), c(3, 0), c(13, 17), c(2, 3, 4), c(1, 3, 1)
)
named <- function(x) {
  dimnames(x) <- setNames(
    lapply(dim(x), function(n) if (n) paste0("n", seq_len(n))), letters[seq_along(dim(x))]
  )
  x
}
filled <- function(d) array(round(rnorm(prod(d)), 2), d)

# Runs f and wants nothing read back and nothing left to R.
expect_on_device <- function(f, ...) {
  before <- gpu_stats()
  force(f(...))
  after <- gpu_stats()
  expect_identical(after$downloads, before$downloads)
  expect_identical(after$fallbacks, before$fallbacks)
}

test_that("dim<- takes and refuses what R does", {
  for (d in thinned(list(c(2, 6), c(3, 2, 2), 12, c(1, 12), c(2, 3, 2, 1, 1, 1, 1, 1)), 2)) {
    expect_gpu(function(x) { dim(x) <- d; x }, as.numeric(1:12))
  }
  for (d in list(5, c(2, 5), c(-3, -4), c(NA, 4), integer(), "a", list(3))) {
    expect_gpu(function(x) { dim(x) <- d; x }, as.numeric(1:12))
  }
  expect_gpu(function(x) { dim(x) <- NULL; x }, named(filled(c(3, 4))))
  expect_gpu(function(x) { dim(x) <- c(2, 6); x }, c(a = 1, b = 2, 3:12))
  x <- gpu(c(1, 2))
  dim(x) <- c(2, rep(1, 8))
  expect_identical(dim(x), c(2L, rep(1L, 8)))
  for (d in list(3, c(-1, -2), c(NA, 1), integer())) {
    y <- c(1, 2)
    want <- tryCatch(dim(y) <- d, error = conditionMessage)
    x <- gpu(y)
    expect_identical(tryCatch(dim(x) <- d, error = conditionMessage), want)
  }
})

test_that("names and dimnames", {
  for (n in c(3, 70)) {
    v <- as.numeric(seq_len(n))
    x <- gpu(matrix(v, n, 2))
    m <- matrix(v, n, 2)
    expect_gpu(function(x) { names(x) <- paste0("a", seq_along(x)); x }, v)
    expect_gpu(function(x) { names(x) <- c("a", "b"); names(x)[3] <- "c"; names(x) }, v)
    expect_gpu(function(x) { names(x) <- c("a", "b"); names(x) <- NULL; x + 1 }, v)
    expect_gpu(function(x) { dimnames(x) <- list(NULL, c("a", "b")); x * 2 }, m)
    expect_gpu(function(x) { dimnames(x) <- list(r = seq_len(nrow(x)), NULL); x * 2 }, m)
    expect_gpu(function(x) { rownames(x) <- seq_len(nrow(x)); colnames(x) <- c("u", "v"); x }, m)
    expect_gpu(function(x) { y <- x; colnames(x) <- c("u", "v"); list(dimnames(y)) ; y }, m)
    expect_error(dimnames(x) <- list("a"))
    expect_gpu(function(x) unname(x), named(m))
    expect_gpu(function(x) { levels(x) <- c("a", "b"); levels(x) }, v)
    expect_gpu(function(x) structure(x, dim = c(2, n)), c(v, v))
  }
  expect_gpu(function(x) { names(x) <- c("a", "b"); x }, array(1:2, 2))
  x <- gpu(matrix(1:200 + 0, 100))
  y <- x
  dimnames(x) <- list(NULL, c("a", "b"))
  expect_s4_class(x, "gpuMatrix")
  expect_on_device(function(x) gpu_force(sum(x[, 2] * 2 + x[, 1])), x)
  expect_null(dimnames(y))
})

test_that("aperm", {
  for (d in thinned(shapes, 3)) {
    a <- named(filled(d))
    expect_gpu(function(x) aperm(x), a)
    for (i in 1:3) {
      p <- sample(length(d))
      expect_gpu(function(x) aperm(x, p), a)
      expect_gpu(function(x) aperm(x, p) * 2 - 1, unname(a))
      expect_gpu(function(x) aperm(x, letters[p]), a)
      expect_gpu(function(x) aperm(x, p, resize = FALSE), a)
    }
  }
  a <- filled(c(2, 3, 4))
  for (p in list(1:2, c(1, 1, 2), c(0, 1, 2), c(1, 2, NA), letters[1:3], 4:2)) {
    expect_gpu(function(x) aperm(x, p), a)
  }
  expect_gpu(function(x) aperm(x), array(1:3, 3))
  expect_gpu(function(x) aperm(x), 1:3 + 0)
  expect_gpu(function(x) aperm(x, 3:1), array(c(TRUE, NA, FALSE, TRUE), c(2, 1, 2)))
  b <- gpu(filled(c(20, 30, 40)))
  expect_on_device(function(x) gpu_force(aperm(x, c(2, 3, 1)) + 1), b)
})

test_that("rev, rep, append, head and tail", {
  vectors <- list(c(a = 1, b = 2, c = NA), 1:5, c(TRUE, NA), numeric(), as.numeric(1:100))
  for (v in vectors) {
    expect_gpu(function(x) rev(x), v)
    expect_gpu(function(x) rep(x), v)
    expect_gpu(function(x) rep(x, 3), v)
    expect_gpu(function(x) rep(x, each = 2), v)
    expect_gpu(function(x) rep(x, each = 2, times = 3) , v)
    expect_gpu(function(x) rep(x, length.out = 7), v)
    expect_gpu(function(x) rep(x, each = 3, len = 5), v)
    expect_gpu(function(x) rep(x, times = seq_along(x)), v)
    expect_gpu(function(x) rep(x, times = 0), v)
    expect_gpu(function(x) rep(x, 2.7), v)
    expect_gpu(function(x) rep(x, -1), v)
    expect_gpu(function(x) rep(x, times = 1:17), v)
    expect_gpu(function(x) rep_len(x, 4), v)
    expect_gpu(function(x) rep.int(x, 2), v)
    expect_gpu(function(x) append(x, 9, 1), v)
    for (n in c(2, -2, 0)) {
      expect_gpu(function(x) head(x, n), v)
      expect_gpu(function(x) tail(x, n), v)
    }
  }
  m <- named(filled(c(5, 3)))
  expect_gpu(function(x) rev(x), m)
  expect_gpu(function(x) rep(x, 2), m)
  for (n in list(2, -2, c(2, 2), c(-1, NA), c(NA, -1))) {
    expect_gpu(function(x) head(x, n), m)
    expect_gpu(function(x) tail(x, n), m)
    expect_gpu(function(x) tail(x, n, keepnums = FALSE), unname(m))
    expect_gpu(function(x) tail(x, n), unname(m))
  }
  x <- gpu(runif(1000))
  expect_on_device(function(x) gpu_force(rev(rep(x, 3)) + rep(x, each = 3)), x)
  expect_on_device(function(x) gpu_force(head(x, -3) - tail(x, -3)), x)
})

test_that("rows, columns, triangles", {
  for (d in thinned(Filter(function(d) length(d) == 2, shapes), 3)) {
    m <- named(filled(d))
    expect_gpu(function(x) row(x), m)
    expect_gpu(function(x) col(x), m)
    expect_gpu(function(x) row(x) + 2 * col(x), m)
    expect_gpu(function(x) upper.tri(x), m)
    expect_gpu(function(x) lower.tri(x, diag = TRUE), m)
    expect_gpu(function(x) upper.tri(x, TRUE), m)
  }
  expect_gpu(function(x) row(x, as.factor = TRUE), named(filled(c(3, 2))))
  expect_gpu(function(x) row(x), 1:3 + 0)
  expect_gpu(function(x) lower.tri(x), 1:3 + 0)
  expect_on_device(function(x) gpu_force(x * lower.tri(x)), gpu(filled(c(30, 30))))
})

test_that("diag", {
  for (d in thinned(Filter(function(d) length(d) == 2, shapes), 3)) {
    m <- named(filled(d))
    expect_gpu(function(x) diag(x), m)
    expect_gpu(function(x) diag(x), unname(m))
    expect_gpu(function(x) diag(x, names = FALSE), m)
    expect_gpu(function(x) { diag(x) <- 0; x }, m)
    expect_gpu(function(x) { diag(x) <- seq_len(min(dim(x))); x }, m)
    expect_gpu(function(x) { diag(x) <- 1:2; x }, m)
  }
  same <- filled(c(3, 3))
  dimnames(same) <- list(letters[1:3], letters[1:3])
  expect_gpu(function(x) diag(x), same)
  expect_gpu(function(x) diag(x, nrow = 2), same)
  vectors <- list(
    c(1.5, 2, NA), c(a = 1, b = 2), 1:3, c(TRUE, FALSE), as.numeric(1:70), array(1:3, 3)
  )
  for (v in vectors) {
    expect_gpu(function(x) diag(x), v)
    expect_gpu(function(x) diag(x, 4), v)
    expect_gpu(function(x) diag(x, 2, 5), v)
    expect_gpu(function(x) diag(x, ncol = 3, nrow = 6), v)
  }
  expect_gpu(function(x) diag(x), numeric())
  expect_gpu(function(x) diag(x, 2), numeric())
  expect_gpu(function(x) diag(x), filled(c(2, 2, 2)))
  expect_gpu(function(x) diag(x, -1), c(1, 2))
  expect_identical(anygpu:::plain(diag(gpu(3))), diag(3))
  expect_on_device(function(x) gpu_force(diag(diag(x) * 2)), gpu(filled(c(30, 30))))
})

test_that("outer and kronecker", {
  sides <- list(
    c(a = 1, b = 2), as.numeric(1:3), 1:4, c(TRUE, FALSE, NA), named(filled(c(2, 3))), 2.5,
    numeric(), filled(c(2, 1, 3))
  )
  for (x in thinned(sides, 2)) {
    for (y in thinned(sides, 2)) {
      expect_gpu(function(x, y) outer(x, y), x, y)
      expect_gpu(function(x, y) x %o% y, x, y)
      expect_gpu(function(x, y) outer(x, y, "-"), x, y)
      expect_gpu(function(x, y) outer(x, y, function(u, v) sqrt(abs(u)) * 2 + v), x, y)
      expect_gpu(function(x, y) kronecker(x, y), x, y)
      expect_gpu(function(x, y) kronecker(x, y, make.dimnames = TRUE), x, y)
      expect_gpu(function(x, y) x %x% y, x, y)
      expect_gpu(function(x, y) kronecker(x, y, "+"), x, y)
    }
  }
  v <- c(1, 2, 3)
  expect_gpu(function(x) outer(x, 1:2), v)
  expect_gpu(function(x) outer(1:2, x, "^"), v)
  expect_gpu(function(x) outer(c(a = 1), x), v)
  expect_gpu(function(x) outer(x, x, function(u, v, k) u + k * v, k = 3), v)
  expect_gpu(function(x) outer(x, x, k = 3), v)
  expect_gpu(function(x) outer(x, x, function(u, v) 1), v)
  expect_gpu(function(x) outer(x, x, paste), v)
  expect_gpu(function(x) outer(x, letters[1:2], paste), v)
  expect_gpu(function(x) outer(x, x, Vectorize(function(u, v) max(u, v))), v)
  expect_gpu(function(x) outer(x, x, ">="), v)
  big <- gpu(runif(300))
  before <- gpu_stats()$launches
  expect_on_device(function(x) gpu_force(outer(x, x, function(u, v) exp(-(u - v)^2))), big)
  expect_equal(gpu_stats()$launches - before, 1)
  before <- gpu_stats()$launches
  expect_on_device(function(x) gpu_force(kronecker(x, x)), gpu(filled(c(10, 12))))
  expect_equal(gpu_stats()$launches - before, 1)
})

test_that("drop, and functions of R that rearrange", {
  for (d in list(c(1, 3), c(3, 1), c(1, 1), c(2, 3), c(1, 3, 1), c(2, 1, 3), c(1, 1, 1), c(1, 0))) {
    a <- filled(d)
    expect_gpu(function(x) drop(x), a)
    expect_gpu(function(x) drop(x), named(a))
  }
  expect_gpu(function(x) drop(x), matrix(1, 1, 1, FALSE, list("a", NULL)))
  expect_gpu(function(x) drop(x), array(1:3, 3))
  m <- named(filled(c(4, 3)))
  v <- as.numeric(1:70)
  plain_list <- function(x) lapply(x, function(e) c(anygpu:::plain(e)))
  expect_gpu(function(x) unlist(plain_list(asplit(x, 1))), m)
  expect_gpu(function(x) unlist(plain_list(split(x, rep(1:2, 35)))), v)
  expect_gpu(function(x) unlist(plain_list(split(x, col(x)))), unname(m))
  expect_gpu(function(x) sapply(x, function(e) e + 1), v)
  expect_gpu(function(x) vapply(x, sqrt, 0), c(a = 1, b = 4))
  expect_gpu(function(x) unlist(lapply(x, sqrt)), c(a = 1, b = 4))
  expect_gpu(function(x) mapply(function(a, b) a * b, x, x), v)
  expect_gpu(function(x) Reduce(`+`, x, accumulate = TRUE), v)
  expect_gpu(function(x) Reduce(`+`, list(x, x, x)), v)
  expect_gpu(function(x) do.call(rbind, list(x, x, x)), v)
  expect_gpu(function(x) do.call("cbind", list(a = x, b = x)), v)
  expect_gpu(function(x) matrix(x, 7), v)
  expect_gpu(function(x) array(x, c(7, 5, 2)), v)
  expect_gpu(function(x) Filter(function(e) e > 5, x), v)
  expect_gpu(function(x) unlist(Map(function(a, b) a - b, x, 2)), c(1, 2))
  expect_gpu(function(x) mat.or.vec(2, 2) + matrix(x[1:4], 2), v)
})

test_that("gpu_matrix() and gpu_array() keep arrays on the device", {
  x <- gpu(as.numeric(1:6), "float32")
  expect_identical(anygpu:::plain(gpu_matrix(x, 2)), matrix(as.numeric(1:6), 2))
  expect_identical(anygpu:::plain(gpu_matrix(x, 4, 6)), matrix(as.numeric(1:6), 4, 6))
  expect_identical(anygpu:::plain(gpu_matrix(x, ncol = 3, byrow = TRUE)),
                   matrix(as.numeric(1:6), ncol = 3, byrow = TRUE))
  expect_identical(anygpu:::plain(gpu_matrix(x, 2, dimnames = list(c("a", "b"), NULL))),
                   matrix(as.numeric(1:6), 2, dimnames = list(c("a", "b"), NULL)))
  expect_identical(anygpu:::plain(gpu_matrix(x)), matrix(as.numeric(1:6)))
  expect_identical(gpu_type(gpu_matrix(x, 2)), "float32")
  expect_identical(gpu_type(gpu_matrix(x, 2, type = "int32")), "int32")
  expect_warning(y <- gpu_matrix(x, 4, 4))
  expect_identical(anygpu:::plain(y), suppressWarnings(matrix(as.numeric(1:6), 4, 4)))
  expect_warning(gpu_matrix(x, 4))
  expect_error(gpu_matrix(x, -1), class = "anygpu_error")
  expect_identical(anygpu:::plain(gpu_matrix(x[0], 2, 2, type = "float32")), matrix(NA_real_, 2, 2))
  expect_identical(anygpu:::plain(gpu_array(x, c(2, 3, 2))), array(as.numeric(1:6), c(2, 3, 2)))
  expect_identical(anygpu:::plain(gpu_array(x, 4)), array(as.numeric(1:4), 4))
  expect_identical(anygpu:::plain(gpu_array(x)), array(as.numeric(1:6)))
  expect_identical(anygpu:::plain(gpu_array(1:3, c(2, 2))), array(1:3, c(2, 2)))
  expect_identical(anygpu:::plain(gpu_array(x, c(2, 2), list(c("a", "b"), NULL))),
                   array(as.numeric(1:4), c(2, 2), list(c("a", "b"), NULL)))
  expect_error(gpu_array(x, c(2, -1)), class = "anygpu_error")
  expect_on_device(function(x) gpu_force(gpu_matrix(x, 3, byrow = TRUE) + gpu_array(x, c(3, 2))), x)
  expect_identical(anygpu:::plain(gpu_matrix(sum(x), 2, 2)), matrix(21, 2, 2))
})
