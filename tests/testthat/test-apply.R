named <- function(x) {
  dimnames(x) <- setNames(
    lapply(dim(x), function(n) paste0("n", seq_len(n))), letters[seq_along(dim(x))]
  )
  x
}
filled <- function(d) array(round(rnorm(prod(d)), 2), d)
slopes <- 1:4 / 2

# made of accelerated operations
traced <- list(
  sum, mean, "max", min, prod, range, rev, length_one = function(v) sum(v^2),
  function(r) r / sum(r^2), function(r) c(low = min(r), high = max(r)),
  function(v) sqrt(abs(v)) * 2,
  function(v) v[1] - v[length(v)], function(v) sum(v > 0),
  function(v) any(v > 1), function(v) all(v > -1) , function(v) v > 0,
  function(v) { m <- mean(v); sqrt(sum((v - m)^2) / (length(v) - 1)) },
  function(v) v - c(1, 2)[seq_len(min(2, length(v)))][1], function(v) rep(v, 2),
  function(v) if (length(v) > 2) sum(v) else prod(v), function(v) c(v, sum(v)),
  function(v) outer(v, v), function(v) { f <- function(u) u + 1; f(v) }, function(v) -v
)

test_that("functions of accelerated operations run on the device", {
  shapes <- list(c(3, 4), c(1, 5), c(5, 1), c(70, 3), c(2, 3, 4), c(1, 1))
  for (d in thinned(shapes, 1)) {
    margins <- if (length(d) == 2) list(1, 2, 1:2, 2:1) else list(1, 2, 3, c(1, 3), c(3, 1), 1:3)
    for (margin in thinned(margins, 2)) {
      for (f in thinned(if (prod(d) == 12) traced else sample(traced, 8), 12)) {
        x <- filled(d)
        expect_gpu(function(x) apply(x, margin, f), x)
        if (gpu_device() == "host") expect_gpu(function(x) apply(x, margin, f), named(x))
        g <- gpu(x)
        before <- gpu_stats()
        apply(g, margin, f)
        expect_identical(gpu_stats()$fallbacks, before$fallbacks)
        expect_identical(gpu_stats()$downloads, before$downloads)
      }
    }
  }
})

test_that("arguments, products and other arrays", {
  x <- filled(c(5, 4))
  a <- filled(c(3, 4))
  expect_gpu(function(x) apply(x, 1, function(v, k) sum(v) * k, k = 3), x)
  expect_gpu(function(x) apply(x, 1, function(v) v * slopes), x)
  expect_gpu(function(x, a) apply(x, 1, function(v) a %*% v), x, a)
  expect_gpu(function(x, a) apply(x, 1, function(v) v %*% t(a)), x, a)
  expect_gpu(function(x, s) apply(x, 1, function(v) t(v) %*% s %*% v), x, crossprod(a))
  expect_gpu(function(x, s) apply(x, 1, function(v) sum(v * (s %*% v))), x, crossprod(a))
  expect_gpu(function(x, a) apply(t(x), 2, function(v) a %*% v), x, a)
  expect_gpu(function(x, a) apply(x * 2, 1, function(v) sum(a) + v), x, a)
  expect_gpu(function(x) apply(x, 1, max) + 1, x)
  expect_gpu(function(x) apply(x, 1, crossprod), x)
  expect_gpu(function(x) apply(x, 1, cumsum), x)
  expect_gpu(function(x) apply(x, c("a"), sum), named(x))
  expect_gpu(function(x) apply(x, 1, sum), matrix(c(TRUE, FALSE, NA, TRUE), 2))
  logical <- matrix(c(TRUE, FALSE, NA, TRUE), 2)
  expect_gpu(function(x) apply(x, 1, function(v) v & c(TRUE, NA)), logical)
  expect_gpu(function(x) apply(x, 2, sum), matrix(1:6, 2))
  expect_gpu(function(x) apply(x, 1, mean), matrix(c(1, NA, NaN, 2, Inf, 3), 2))
  m <- gpu(x)
  f <- function(u) sum(u * 2)
  before <- gpu_stats()$fallbacks
  force(apply(m, 1, function(v) f(v) + 1))
  force(apply(m, 1, function(v) a %*% v))
  expect_identical(setdiff(names(gpu_stats()$fallbacks), names(before)), character())
  expect_gradient(function(x) { dim(x) <- c(2, 3); sum(apply(x, 1, function(v) sum(v^2))^2) },
                  c(1, 2, 3, -1, 0.5, 2))
})

test_that("every other function runs in R, once for each slice", {
  x <- filled(c(4, 3))
  expect_gpu(function(x) apply(x, 1, function(v) sort(v)[2]), x)
  expect_gpu(function(x) apply(x, 1, function(v) if (v[1] > 0) 1 else v), x)
  expect_gpu(function(x) apply(x, 1, function(v) paste(length(v))), x)
  expect_gpu(function(x) apply(x, 1, function(v) list(v)[[1]], simplify = FALSE)[[2]], x)
  expect_gpu(function(x) apply(x, 1, function(v) v[v > 0])[[1]], abs(x))
  expect_gpu(function(x) apply(x, 1, summary), x)
  expect_gpu(function(x) apply(x, 1, function(v) NULL), x)
  expect_gpu(function(x) apply(x, 1, function(v) 1), x)
  expect_gpu(function(x) apply(x, 1, function(v) stop("no")), x)
  expect_gpu(function(x) apply(x, 1, function(v) { warning("hm"); 1 }), x)
  expect_gpu(function(x) apply(x, 1, function(v) v * 1:2), x)
  expect_gpu(function(x) apply(x, 3, sum), x)
  expect_gpu(function(x) apply(x, "q", sum), x)
  expect_gpu(function(x) apply(x, 1, sum), c(1, 2, 3))
  expect_gpu(function(x) apply(x, 1, sum), matrix(0, 0, 3))
  expect_gpu(function(x) apply(x, 1, function(v) v * 2), matrix(0, 3, 0))
  calls <- 0
  force(apply(gpu(x), 1, function(v) { calls <<- calls + 1; sum(v) }))
  expect_equal(calls, 4)
  expect_output(apply(gpu(x), 1, function(v) { cat("row\n"); sum(v) }), "^row\nrow\nrow\nrow$")
  noisy <- function(v) sum(v) + runif(1)
  set.seed(3)
  want <- apply(x, 1, noisy)
  set.seed(3)
  expect_equal(c(anygpu:::plain(apply(gpu(x), 1, noisy))), want, tolerance = 1e-5)
  set.seed(3)
  after <- runif(1)
  set.seed(3)
  force(apply(gpu(x), 1, sum))
  expect_identical(runif(1), after)
})

test_that("apply() takes ordinary arrays as before, and can be compiled", {
  x <- filled(c(3, 4))
  expect_identical(apply(x, 1, sum), base::apply(x, 1, sum))
  f <- gpu_jit(function(x) apply(x, 1, function(v) v / sum(v)))
  expect_equal(anygpu:::plain(f(gpu(x, "float64"))), apply(x, 1, function(v) v / sum(v)))
})

test_that("functions that take or assign elements at positions run on the device", {
  at <- c(3, 1, 3)
  change <- function(v) {
    v[c(3, 1)] <- v[2] * c(2, 3)
    v[2] <- -1
    v
  }
  fs <- list(function(v) v[at] * 2, function(v) v[-2], change, function(v) cumprod(change(v))[at])
  x <- filled(c(4, 5))
  for (f in fs) {
    for (margin in 1:2) {
      expect_gpu(function(x) apply(x, margin, f), x)
      g <- gpu(x)
      before <- gpu_stats()$downloads
      apply(g, margin, f)
      expect_identical(gpu_stats()$downloads, before)
    }
  }
})

# y = f(slice) for all slices of the last dimension at once; NULL if that cannot be.
batched <- function(f, x) {
  d <- dim(x)
  n <- length(d)
  slice <- .Call(anygpu:::C_placeholder, gpu(array(0, d[-n]), gpu_type(x)), 0L)
  .Call(anygpu:::C_batch, f(slice), slice, x, FALSE)
}

test_that("images of all slices are images of one array", {
  x <- gpu(filled(c(2, 5, 4, 3, 2)))
  weight <- gpu(filled(c(3, 2, 3, 2)))
  fs <- list(
    function(v) anygpu:::nn_conv2d(v, weight, pad = c(1, 0, 1, 1)),
    function(v) anygpu:::nn_conv2d_transpose(v, aperm(weight, c(2, 1, 3, 4)), stride = c(2, 1)),
    function(v) anygpu:::nn_pool2d(v, "max", c(2, 2)) * 2,
    function(v) anygpu:::nn_pool2d(v, "average", c(3, 2), c(1, 2), c(1, 1, 0, 1)),
    function(v) gpu_grad(function(u) sum(anygpu:::nn_pool2d(u, "max", c(2, 2))^2), v)
  )
  for (f in fs) {
    all <- anygpu:::plain(batched(f, x))
    for (i in 1:2) {
      expect_equal(all[, i], c(anygpu:::plain(f(x[, , , , i]))), tolerance = 1e-5)
    }
  }
  # a weight that differs from slice to slice
  own_weight <- function(v) anygpu:::nn_conv2d(v, v[, , 1:2, 1:2])
  expect_null(batched(own_weight, gpu(filled(c(2, 2, 4, 3, 2)))))
})

test_that("a function of very many steps is rebuilt for all slices", {
  x <- gpu(filled(c(2, 3)))
  many <- function(v) {
    for (i in 1:100000) v <- -v
    v
  }
  expect_equal(anygpu:::plain(apply(x, 2, many)), anygpu:::plain(x))
})
