# First and second derivatives against finite differences of plain R.

# Numbers so that no two elements can be mistaken for each other.
different <- function(n) 0.3 + (seq_len(n) * 5) %% 17 / 10

# Differences of f, even in h, without their error in h^2 (Richardson 1911).
without_error <- function(f, h) (4 * f(h / 2) - f(h)) / 3

# d f / d x[i].
slope_at <- function(f, x, i) {
  without_error(function(h) {
    e <- replace(x * 0, i, h)
    (f(x + e) - f(x - e)) / (2 * h)
  }, 1e-4)
}

# d^2 f / d x[i] dv.
bend_at <- function(f, x, v, i) {
  without_error(function(h) {
    e <- replace(x * 0, i, h)
    (f(x + e + h * v) - f(x + e - h * v) - f(x - e + h * v) + f(x - e - h * v)) / (4 * h^2)
  }, 2e-3)
}

# The gradient of f at x, and that of its product with some vector, are what differences of
# `reference` in plain R say; at most 24 elements are looked at.
expect_derivatives <- function(f, x, reference = f, info = NULL) {
  skip_if_not("float64" %in% test_types())
  v <- x * 0 + different(length(x))
  up <- gpu(x, "float64")
  first <- anygpu:::plain(gpu_grad(f, up))
  second <- anygpu:::plain(gpu_grad(function(x) sum(gpu_grad(f, x) * v), up))
  at <- unique(round(seq(1, length(x), length.out = min(24, length(x)))))
  expect_equal(first[at], vapply(at, slope_at, 0, f = reference, x = x), tolerance = 1e-6,
               info = info)
  expect_identical(dim(first), dim(x))
  # where a function is not bent at all nothing but the rounding error of the differences remains
  error <- abs(second[at] - vapply(at, bend_at, 0, f = reference, x = x, v = v))
  most <- 1e-4 * (1 + abs(second[at]) + 1e-5 * abs(reference(x)))
  expect_true(all(error < most), info = paste("second derivative of", info))
}
