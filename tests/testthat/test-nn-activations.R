softmax_of <- function(x) {
  s <- dim(x)
  m <- matrix(x, if (is.null(s)) length(x) else s[1])
  x[] <- apply(m, 2, function(v) exp(v - max(v)) / sum(exp(v - max(v))))
  x
}
references$softmax <- softmax_of

elementwise_ones <- c("relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus",
                      "sigmoid", "hard_sigmoid", "hard_tanh", "hard_silu", "erf")

test_that("activations take ordinary vectors too", {
  x <- matrix(c(-1, 0.5, 2, NA), 2, dimnames = list(c("a", "b"), NULL))
  for (f in c(elementwise_ones, "softmax")) {
    expect_equal(get(f)(x), references[[f]](x), tolerance = 1e-5, info = f)
    expect_gpu(function(x) if (is_gpu(x)) get(f)(x) else references[[f]](x), x)
  }
})

test_that("leaky_relu() and elu() take a number or one for each row", {
  x <- matrix(c(-1, 0.5, 2, -3, -0.1, 4), 2)
  for (b in list(0.3, c(0.2, 0.5))) {
    expect_gpu(function(x) if (is_gpu(x)) leaky_relu(x, b) else references$leaky_relu(x, b), x)
    expect_gpu(function(x) if (is_gpu(x)) elu(x, b) else references$elu(x, b), x)
  }
})

test_that("softmax() is along the first dimension, and takes large numbers", {
  expect_softmax <- function(x) {
    expect_gpu(function(x) if (is_gpu(x)) softmax(x) else softmax_of(x), x)
  }
  set.seed(1)
  expect_softmax(c(a = 1, b = 2, c = -1))
  expect_softmax(array(rnorm(24), 2:4, list(letters[1:2], NULL, NULL)))
  expect_softmax(array(rnorm(12), c(1, 3, 2, 2)))
  expect_softmax(matrix(c(1000, 1001, -1000, -1001), 2))
  weight <- rnorm(24)
  expect_gradient(function(x) sum(softmax(x) * weight), array(rnorm(24), 2:4),
                  function(x) sum(softmax_of(x) * weight))
})

test_that("the table of activations has an entry for each", {
  x <- gpu(matrix(c(-1, 0.5, 2, 7), 2))
  named <- setdiff(c(elementwise_ones, "softmax"), "erf")
  expect_setequal(names(anygpu:::nn_activations), c(named, "linear", "tanh", "exponential"))
  for (name in named) {
    expect_identical(as.matrix(anygpu:::nn_activate(name, x)), as.matrix(get(name)(x)))
  }
})
