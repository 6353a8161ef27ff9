# A convolution in plain R: `x` is channels x width x height x samples, `w` channels out x channels
# in / groups x width x height.
ref_conv <- function(x, w, stride = c(1, 1), dilation = c(1, 1), pad = c(0, 0, 0, 0), groups = 1) {
  d <- dim(x)
  k <- dim(w)[3:4]
  padded <- array(0, c(d[1], d[2] + sum(pad[1:2]), d[3] + sum(pad[3:4]), d[4]))
  padded[, pad[1] + seq_len(d[2]), pad[3] + seq_len(d[3]), ] <- x
  size <- (dim(padded)[2:3] - dilation * (k - 1) - 1) %/% stride + 1
  out <- array(0, c(dim(w)[1], size, d[4]))
  from <- split(seq_len(d[1]), rep(seq_len(groups), each = d[1] / groups))
  to <- split(seq_len(dim(w)[1]), rep(seq_len(groups), each = dim(w)[1] / groups))
  for (i in seq_len(size[1])) {
    for (j in seq_len(size[2])) {
      at_x <- (i - 1) * stride[1] + (seq_len(k[1]) - 1) * dilation[1] + 1
      at_y <- (j - 1) * stride[2] + (seq_len(k[2]) - 1) * dilation[2] + 1
      for (g in seq_len(groups)) {
        seen <- matrix(padded[from[[g]], at_x, at_y, ], ncol = d[4])
        out[to[[g]], i, j, ] <- matrix(w[to[[g]], , , ], length(to[[g]])) %*% seen
      }
    }
  }
  out
}

# Its transpose: the derivative of sum(ref_conv(z, w) * x) by z, which is linear in z.
ref_transpose <- function(x, w, stride = c(1, 1), dilation = c(1, 1), pad = c(0, 0, 0, 0),
                          output_pad = c(0, 0), groups = 1) {
  k <- dim(w)[3:4]
  size <- (dim(x)[2:3] - 1) * stride - c(sum(pad[1:2]), sum(pad[3:4])) + dilation * (k - 1) + 1 +
    output_pad
  z <- array(0, c(dim(w)[2] * groups, size, dim(x)[4]))
  for (i in seq_len(length(z) / dim(z)[4])) {
    one <- array(0, dim(z))
    n <- length(z) / dim(z)[4]
    one[i + n * (seq_len(dim(z)[4]) - 1)] <- 1
    y <- ref_conv(one, w, stride, dilation, pad, groups)
    z[i + n * (seq_len(dim(z)[4]) - 1)] <- apply(y * x, 4, sum)
  }
  z
}

cases <- list(
  list(c(4, 3, 3, 3)),
  list(c(4, 3, 3, 2), stride = c(2, 1), pad = c(1, 1, 0, 1)),
  list(c(5, 3, 2, 3), dilation = c(2, 2), pad = c(0, 2, 3, 1)),
  list(c(6, 1, 2, 2), groups = 3, stride = c(2, 3)),
  list(c(3, 1, 3, 3), groups = 3, pad = c(1, 1, 1, 1)),
  list(c(2, 3, 1, 1)),
  list(c(2, 3, 3, 1), pad = c(2, 0, 0, 0))
)

numbers <- function(dim) array(round(rnorm(prod(dim)), 2), dim)

# Where y is on the device, so is x.
like <- function(x, y) if (is_gpu(y)) gpu(x, gpu_type(y)) else x

convolved <- function(x, w, case) {
  do.call(if (is_gpu(x)) anygpu:::nn_conv2d else ref_conv, c(list(x, w), case))
}

transposed <- function(x, w, case) {
  do.call(if (is_gpu(x)) anygpu:::nn_conv2d_transpose else ref_transpose, c(list(x, w), case))
}

test_that("convolutions agree with plain R", {
  set.seed(1)
  x <- numbers(c(3, 7, 6, 2))
  for (case in cases) expect_gpu(convolved, x, numbers(case[[1]]), case[-1])
  series <- numbers(c(3, 20, 1, 2))
  expect_gpu(convolved, series, numbers(c(4, 3, 5, 1)), list(stride = c(3, 1)))
})

test_that("convolutions have gradients", {
  set.seed(2)
  x <- numbers(c(3, 7, 6, 2))
  for (case in cases) {
    w <- numbers(case[[1]])
    expect_derivatives(function(x) sum(convolved(x, like(w, x), case[-1])^3), x)
    expect_derivatives(function(w) sum(convolved(like(x, w), w, case[-1])^3), w)
  }
})

test_that("transposed convolutions agree with plain R and have gradients", {
  set.seed(3)
  x <- numbers(c(4, 3, 4, 2))
  some <- list(
    list(c(4, 2, 3, 3)),
    list(c(4, 2, 3, 2), stride = c(2, 3), pad = c(1, 0, 1, 1), output_pad = c(1, 2)),
    list(c(4, 2, 2, 2), stride = c(2, 2), groups = 2),
    list(c(4, 1, 3, 3), stride = c(2, 1), dilation = c(1, 2), groups = 4)
  )
  for (case in some) {
    w <- numbers(case[[1]])
    expect_gpu(transposed, x, w, case[-1])
    expect_derivatives(function(w) sum(transposed(like(x, w), w, case[-1])^3), w)
    expect_derivatives(function(x) sum(transposed(x, like(w, x), case[-1])^3), x)
  }
})

test_that("a bias and an activation are part of the convolution's kernel", {
  x <- gpu(numbers(c(3, 8, 8, 2)), "float32")
  w <- gpu(numbers(c(4, 3, 3, 3)), "float32")
  b <- gpu(rnorm(4), "float32")
  y <- relu(anygpu:::nn_conv2d(x, w, pad = c(1, 1, 1, 1)) + b)
  expect_length(grep("^[0-9]+\\.", capture.output(gpu_explain(y))), 1)
})

test_that("what does not fit is an error that names both shapes", {
  x <- gpu(array(0, c(3, 5, 5, 2)))
  expect_error(anygpu:::nn_conv2d(x, gpu(array(0, c(4, 2, 3, 3)))), "3 x 5 x 5 x 2.*4 x 2 x 3 x 3",
               class = "anygpu_error_shape")
  expect_error(anygpu:::nn_conv2d(x, gpu(array(0, c(4, 1, 3, 3))), groups = 3),
               "4 x 1 x 3 x 3, 3 groups", class = "anygpu_error_shape")
  expect_error(anygpu:::nn_conv2d(x, gpu(array(0, c(4, 3, 6, 3)))), "4 x 3 x 6 x 3",
               class = "anygpu_error_shape")
  expect_error(anygpu:::nn_conv2d(x, gpu(matrix(0, 3, 3))), "four dimensions",
               class = "anygpu_error_shape")
  expect_error(anygpu:::nn_conv2d(x, "w"), class = "anygpu_error_type")
  expect_error(
    anygpu:::nn_conv2d_transpose(x, gpu(array(0, c(3, 2, 3, 3))), output_pad = c(1, 0)),
    class = "anygpu_error_argument"
  )
})
