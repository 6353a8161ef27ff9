on_device <- function(f, ...) {
  before <- gpu_stats()
  force(f(...))
  after <- gpu_stats()
  expect_identical(after$downloads, before$downloads)
  expect_identical(after$fallbacks, before$fallbacks)
}
rows_named <- function(m) {
  if (nrow(m)) rownames(m) <- paste0("r", seq_len(nrow(m)))
  m
}
cols_named <- function(m) {
  if (ncol(m)) colnames(m) <- paste0("c", seq_len(ncol(m)))
  m
}

test_that("c() joins what R joins", {
  vectors <- list(
    c(1.5, NA, 3), c(a = 1, b = 2), 1:4, c(TRUE, NA), numeric(), integer(), as.numeric(1:100),
    matrix(1:6, 2)
  )
  for (x in thinned(vectors, 3)) {
    expect_gpu(function(x) c(x), x)
    expect_gpu(function(x) c(x, 1), x)
    expect_gpu(function(x) c(x, 2L, TRUE), x)
    expect_gpu(function(x) c(a = x, b = 3), x)
    expect_gpu(function(x) c(x, NULL), x)
    expect_gpu(function(x) c(1, x), x)
    expect_gpu(function(x) c(x, x, use.names = FALSE), x)
    for (y in thinned(vectors, 3)) {
      expect_gpu(function(x, y) c(x, y), x, y)
      expect_gpu(function(x, y) c(u = x, y), x, y)
    }
  }
  x <- c(1, 2)
  expect_gpu(function(x) c(x, "a"), x)
  expect_gpu(function(x) c(x, 1i), x)
  expect_gpu(function(x) c(x, list(1)), x)
  expect_gpu(function(x) c(x, factor("a")), x)
  expect_gpu(function(x) c(list(1), 2, sum(x)), x)
  expect_identical(gpu_type(c(gpu(1:2 + 0, "float32"), 1)), "float32")
  y <- gpu(runif(1000))
  on_device(function(y) gpu_force(c(y, 1:3, y * 2, sum(y))), y)
})

test_that("cbind() and rbind() of every mix", {
  m <- matrix(round(rnorm(6), 2), 3)
  parts <- list(
    m, rows_named(m), cols_named(m), rows_named(cols_named(m)), matrix(1:6, 3),
    matrix(c(TRUE, NA, FALSE), 3), c(1, 2, 3), c(a = 1, b = 2, c = 3), 1:2, 7, NULL, numeric(),
    matrix(0, 3, 0), c(TRUE, NA, FALSE), 1:5
  )
  turned <- function(x) if (is.null(x)) x else t(x)
  binders <- list(
    cbind, function(...) rbind(...), function(x, y) cbind(x, y), function(x, y) rbind(turned(x), y),
    function(x, y) cbind(u = x, y), function(x, y) rbind(x, v = y),
    function(x, y) cbind(x, y, deparse.level = 0),
    function(x, y) cbind(x, y + 1, deparse.level = 2),
    function(x, y) rbind(x, y + 1 + 1 + 1 + 1, 3, deparse.level = 2),
    function(x, y) rbind(turned(x), turned(y)), function(x, y) cbind(x, 1:3, y, 0)
  )
  for (x in thinned(parts, 2)) {
    for (y in thinned(sample(parts, 5), 2)) { # 1,000 of the 2,500 mixes, others each time
      for (f in binders) {
        if (is.null(x) && is.null(y)) next
        expect_gpu(f, x, y)
      }
    }
  }
})

test_that("binding arrays without elements, of one element, and of more than 64", {
  empty <- matrix(0, 0, 2)
  expect_gpu(function(x) cbind(x, NULL), empty)
  expect_gpu(function(x) cbind(x, 1), empty)
  expect_gpu(function(x) cbind(x, numeric()), empty)
  expect_gpu(function(x) rbind(x, 1:2), empty)
  expect_gpu(function(x) rbind(x, x), empty)
  expect_gpu(function(x) cbind(x, x), numeric())
  expect_gpu(function(x) rbind(x, 1), numeric())
  expect_gpu(function(x) cbind(x), c(a = 1, b = 2))
  expect_gpu(function(x) rbind(x), c(a = 1, b = 2))
  expect_gpu(function(x) cbind(x, 2), matrix(1))
  expect_gpu(function(x) rbind(x, matrix(2)), matrix(1, 1, 1, FALSE, list("a", "b")))
  expect_gpu(function(x) cbind(x, x), array(1:8, c(2, 2, 2)))
  big <- matrix(rnorm(70 * 9), 70)
  expect_gpu(function(x) rbind(x, x[1:5, ] * 2, 1:9), big)
  expect_gpu(function(x) cbind(1, x, x[, 2:3] + 1), big)
  expect_gpu(function(x) cbind(big, x), big)
  expect_gpu(function(x) rbind(big, t(t(x)), 0), big)
  expect_gpu(function(x) rbind(t(x), t(big)), big)
  expect_gpu(function(x, y) rbind(x, y), big, matrix(1:18, 2))
  expect_gpu(function(x) do.call(rbind, rep(list(x), 30)), c(a = 1, b = 2))
  expect_gpu(function(x) do.call(cbind, rep(list(x), 30)), 1:5)
  expect_gpu(function(x) Reduce(rbind, rep(list(x), 10)), c(1, 2))
})

test_that("what does not fit is told as in R", {
  m <- matrix(1:6 + 0, 3)
  expect_gpu(function(x) cbind(x, matrix(0, 2, 2)), m)
  message <- "number of columns of matrices must match \\(see arg 2\\)"
  expect_error(rbind(gpu(m), matrix(0, 2, 3)), message)
  expect_gpu(function(x) cbind(x, 1:2), m)
  expect_gpu(function(x) cbind(x, 1:4), m)
  expect_gpu(function(x) rbind(x, 1:3, 1:5), m)
  expect_gpu(function(x) cbind(x, "a"), m)
  expect_gpu(function(x) cbind(a = x, list(1, 2, 3)), c(1, 2, 3))
  expect_gpu(function(x) rbind(x, 1i), c(1, 2, 3))
  expect_gpu(function(x) cbind(x, factor(c("u", "v", "u"))), c(1, 2, 3))
})

test_that("data frames keep their own methods", {
  d <- data.frame(u = 1:3)
  x <- c(1, 2, 3)
  plain_frame <- function(f) {
    f[] <- lapply(f, function(e) c(anygpu:::plain(e)))
    f
  }
  expect_identical(plain_frame(cbind(d, x = gpu(x))), cbind(d, x = x))
  expect_identical(plain_frame(cbind(x = gpu(x), d)), cbind(x = x, d))
  m <- cbind(p = 1:3 + 0, q = 4)
  expect_identical(plain_frame(cbind(d, gpu(m))), cbind(d, m))
  expect_identical(plain_frame(cbind(gpu(m), d)), cbind(m, d))
  e <- data.frame(p = 1, q = 2)
  expect_identical(plain_frame(rbind(e, gpu(m))), rbind(e, m))
})

test_that("binding is one launch for each argument, and nothing is read", {
  x <- gpu(matrix(runif(400), 20))
  y <- gpu(matrix(runif(200), 10))
  on_device(function(x) gpu_force(cbind(x, x * 2, 1, 1:20)), x)
  before <- gpu_stats()$launches
  on_device(function(x, y) gpu_force(rbind(x, y * 2 + 1, 0)), x, y)
  expect_equal(gpu_stats()$launches - before, 3)
  f <- function(x, y) t(rbind(x, y) + 1) %*% rbind(x, y)
  expect_gpu(f, matrix(runif(40), 8), matrix(1:5, 1))
})

test_that("random programs of binding", {
  skip_if(gpu_device() != "host")
  with_seed_shown({
    x <- random_matrix(c(3, 4))
    g <- gpu(x)
    for (step in 1:60) {
      what <- sample(4, 1)
      v <- round(rnorm(sample(3, 1)), 1)
      v <- rep_len(v, if (what %% 2) ncol(x) else nrow(x))
      apply_step <- function(a) {
        switch(what, rbind(a, v), cbind(v, a), rbind(a[1, ], a), t(cbind(a, a[, 1:2])))
      }
      x <- apply_step(x)
      g <- apply_step(g)
      if (length(x) > 3000) {
        x <- x[1:4, 1:4]
        g <- g[1:4, 1:4]
      }
      expect_identical(anygpu:::plain(g), x)
    }
  })
})

test_that("bound and rearranged arrays have gradients and can be compiled", {
  x <- c(1.5, -2, 0.5)
  expect_gradient(function(x) sum(rbind(x, x * 2)^2 * (1:6)), x,
                  function(x) sum(rbind(x, x * 2)^2 * (1:6)))
  expect_gradient(function(x) sum(c(x, rev(x)^2) * (1:6)), x)
  expect_gradient(function(x) sum(outer(x, x, function(u, v) u * v^2) * (1:9)), x)
  expect_gradient(function(x) sum(rep(x, each = 2, times = 3)^2 * (1:18)), x)
  f <- gpu_jit(function(x) rbind(cbind(x, 1), 2))
  m <- matrix(1:4 + 0, 2)
  expect_identical(anygpu:::plain(f(gpu(m))), rbind(cbind(m, 1), 2))
  expect_identical(anygpu:::plain(f(gpu(m * 2))), rbind(cbind(m * 2, 1), 2))
})
