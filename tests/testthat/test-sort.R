# Values that have broken sorts before.
special <- c(3, NA, -Inf, 0, NaN, -0, Inf, 1e300, -1e-300, NA, 0, 3, -2.5, NaN)
ints <- c(3L, NA, -5L, 0L, 3L, .Machine$integer.max, -.Machine$integer.max, NA, 0L)
flags <- c(TRUE, NA, FALSE, TRUE, FALSE, NA)

test_that("sort: NA placement, direction, all types", {
  for (decreasing in c(FALSE, TRUE)) {
    for (na.last in list(NA, TRUE, FALSE)) {
      f <- function(x) sort(x, decreasing = decreasing, na.last = na.last)
      for (x in list(special, ints, flags, c(b = 2, a = NA, c = 1), c(NaN, NA), c(5, 4))) {
        expect_gpu(f, x)
      }
    }
  }
})

test_that("order: NA placement, direction, stable", {
  for (decreasing in c(FALSE, TRUE)) {
    for (na.last in list(NA, TRUE, FALSE)) {
      f <- function(x) order(x, decreasing = decreasing, na.last = na.last)
      for (x in list(special, ints, flags, c(1, 1, 0, 0, 1), numeric(0))) expect_gpu(f, x)
    }
  }
  for (method in c("auto", "shell", "radix")) {
    expect_gpu(function(x) order(x, method = method), special)
  }
})

test_that("lengths and patterns", {
  for (n in c(0, 1, 2, 64, 1000, 100003)) {
    for (x in thinned(list(
      round(rnorm(n), 2), sample.int(n), sample(c(TRUE, FALSE, NA), n, TRUE), seq_len(n) / 2,
      rev(seq_len(n)) + 0.5, rep(7.5, n)
    ), 4)) {
      expect_gpu(sort, x)
      expect_gpu(order, x)
      expect_gpu(function(x) order(x, decreasing = TRUE), x)
    }
  }
})

test_that("zeros keep their signs", {
  x <- c(0, -0, 1, -0, 0, -1)
  expect_identical(1 / anygpu:::plain(sort(gpu(x))), 1 / x[order(x)])
  x <- rep(x, 20000)
  expect_identical(1 / anygpu:::plain(sort(gpu(x))), 1 / x[order(x)])
})

test_that("several keys of mixed types", {
  a <- c(2L, 1L, 2L, NA, 1L, 2L)
  b <- c(1.5, NA, 1.5, 0, -3, NaN)
  d <- c(TRUE, FALSE, NA, TRUE, TRUE, FALSE)
  expect_gpu(function(x, y, z) order(x, y, z), a, b, d)
  expect_gpu(function(x, y, z) order(z, x, y, decreasing = TRUE), a, b, d)
  expect_gpu(function(x, y, z) order(z, x, y, na.last = FALSE), a, b, d)
  expect_gpu(function(x, y, z) order(z, y, x, na.last = NA), a, b, d)
  expect_gpu(function(x, y) order(x, y, na.last = NA), c(2L, 1L, 2L), c(3, 2, 1))
  expect_gpu(function(x, y, z) {
    order(x, z, y, decreasing = c(TRUE, FALSE, TRUE), method = "radix")
  }, a, b, d)
  expect_gpu(function(x) order(x, c(6, 5, 4, 3, 2, 1)), a)
  expect_gpu(function(x) order(x, letters[6:1]), a)
  expect_gpu(function(x) order(x, factor(c(1, 1, 2, 2, 3, 3))), a)
})

test_that("random keys", {
  with_seed_shown(for (k in thinned(1:40, 6)) {
    n <- sample(c(5, 70, 3000, 40000), 1)
    draw <- function() {
      x <- switch(sample(4, 1), sample(9L, n, TRUE), rnorm(n), round(rexp(n), 1),
        sample(c(TRUE, FALSE), n, TRUE)
      )
      x[sample(n, n %/% sample(c(5, 1000), 1))] <- NA
      x
    }
    last <- sample(c(TRUE, FALSE), 1)
    down <- sample(c(TRUE, FALSE), 2, TRUE)
    expect_gpu(function(x, y) {
      order(x, y, na.last = last, decreasing = down, method = "radix")
    }, draw(), draw())
    expect_gpu(function(x) sort(x, decreasing = down[1]), draw())
  })
})

test_that("what R's functions complain about", {
  expect_gpu(function(x) sort(x, decreasing = NA), special)
  expect_gpu(function(x) order(x, 1:3), special)
  expect_gpu(function(x) order(x, decreasing = c(TRUE, FALSE)), special)
  expect_gpu(function(x) order(x, method = "quick"), special)
})

test_that("partial, methods and other arguments are R's", {
  expect_gpu(function(x) sort(x, partial = 3), c(3, 1, 2, 5, 4))
  expect_gpu(function(x) sort(x, method = "quick"), c(3, 1, 2, 5, 4))
  expect_gpu(function(x) sort(x, index.return = TRUE)$ix, c(3, 1, 2, 5, 4))
  expect_gpu(sort, matrix(c(3, 1, 2, NA), 2))
  expect_gpu(order, matrix(c(3, 1, 2, NA), 2))
  expect_gpu(sort, array(c(3, 1, 2), 3, list(letters[1:3])))
  expect_identical(order(c(3, 1, 2), decreasing = TRUE), c(1L, 3L, 2L))
  expect_identical(order(c("b", "a")), 2:1)
})

test_that("sorting stays on the device", {
  x <- gpu(rnorm(1000))
  y <- x > 0
  old <- options(anygpu.fallback = "error")
  on.exit(options(old))
  before <- gpu_stats()$fallbacks
  s <- sort(x)
  o <- order(y, x)
  r <- rank(x)
  u <- unique(y)
  expect_identical(gpu_stats()$fallbacks, before)
  expect_s4_class(s, "gpuVector")
  expect_s4_class(o, "gpuVector")
  expect_identical(gpu_type(o), "int32")
  expect_s4_class(r, "gpuVector")
  expect_identical(length(u), 2L)
})

test_that("a failure at any call is an error and leaks nothing", {
  x <- gpu_force(gpu(rnorm(3000)))
  before <- live()
  for (n in 1:50) {
    .Call(anygpu:::C_fault, n)
    result <- try(rank(x), silent = TRUE)
    .Call(anygpu:::C_fault, 0)
    done <- !inherits(result, "try-error")
    if (!done) expect_s3_class(attr(result, "condition"), "anygpu_error_device")
    result <- NULL
    if (done) break
  }
  expect_true(done)
  expect_gt(n, 4)
  expect_equal(live(), before)
})

test_that("placeholders cannot be sorted", {
  expect_error(gpu_grad(function(x) sum(sort(x)), gpu(c(2, 1))), class = "anygpu_error")
})
