# Windows of images in plain R: `x` is channels x width x height x samples.
ref_pool <- function(x, kind, size, stride, pad = c(0, 0, 0, 0), count_pad = FALSE) {
  d <- dim(x)
  first <- function(axis) {
    room <- d[axis + 1] + sum(pad[2 * axis - 1:0]) - size[axis]
    seq(1 - pad[2 * axis - 1], by = stride[axis], length.out = room %/% stride[axis] + 1)
  }
  out <- array(0, c(d[1], length(first(1)), length(first(2)), d[4]))
  for (i in seq_along(first(1))) {
    for (j in seq_along(first(2))) {
      at_x <- intersect(first(1)[i] + seq_len(size[1]) - 1, seq_len(d[2]))
      at_y <- intersect(first(2)[j] + seq_len(size[2]) - 1, seq_len(d[3]))
      window <- x[, at_x, at_y, , drop = FALSE]
      out[, i, j, ] <- if (kind == "max") {
        apply(window, c(1, 4), max)
      } else {
        apply(window, c(1, 4), sum) / if (count_pad) prod(size) else length(at_x) * length(at_y)
      }
    }
  }
  out
}

cases <- list(list(c(2, 2), c(2, 2)),
              list(c(3, 2), c(1, 2), c(1, 1, 0, 1)),
              list(c(2, 3), c(3, 1), c(0, 1, 2, 1), TRUE))

# On a plain array, the reference.
pooled <- function(x, kind, case) {
  f <- if (is_gpu(x)) anygpu:::nn_pool2d else ref_pool
  do.call(f, c(list(x, kind), case))
}

test_that("poolings agree with plain R", {
  set.seed(1)
  x <- array(round(rnorm(3 * 7 * 6 * 2), 1), c(3, 7, 6, 2))
  for (case in cases) {
    expect_gpu(pooled, x, "max", case)
    expect_gpu(pooled, x, "average", case)
  }
  x[2, 3, 3, 1] <- NaN
  expect_gpu(pooled, x, "max", cases[[2]])
})

test_that("poolings have gradients", {
  set.seed(2)
  x <- array(sample(5 * 5 * 4 * 2) / 50, c(2, 5, 5, 4))
  for (case in cases) {
    for (kind in c("max", "average")) {
      expect_derivatives(function(x) sum(pooled(x, kind, case)^3), x, info = kind)
    }
  }
})

test_that("the gradient of a maximum goes to the first of equals", {
  x <- gpu(array(c(1, 2, 2, 2), c(1, 2, 2, 1)), "float32")
  g <- gpu_grad(function(x) sum(anygpu:::nn_pool2d(x, "max", c(2, 2))), x)
  expect_equal(as.vector(g), c(0, 1, 0, 0))
})

test_that("what cannot be pooled is an error", {
  x <- gpu(array(1, c(1, 2, 3, 1)), "float32")
  expect_error(anygpu:::nn_pool2d(x, "max", c(3, 3)), class = "anygpu_error_shape")
  expect_error(anygpu:::nn_pool2d(x[1, , , 1], "max", c(1, 1)), class = "anygpu_error_shape")
  expect_error(anygpu:::nn_pool2d(x, "max", c(2, 2), pad = c(0, 2, 0, 0)),
               class = "anygpu_error_argument")
})
