standardize <- anygpu:::nn_standardize

test_that("columns get mean 0 and standard deviation 1", {
  s <- scale(iris[1:4])
  want <- list(center = unname(attr(s, "scaled:center")), scale = unname(attr(s, "scaled:scale")))
  expect_equal(standardize(as.matrix(iris[1:4])), want)
  for (type in test_types()) {
    expect_equal(standardize(gpu(as.matrix(iris[1:4]), type)), want,
                 tolerance = tolerances[[type]])
  }
  expect_equal(standardize(cars$dist), list(center = mean(cars$dist), scale = stats::sd(cars$dist)))
  whole <- matrix(1:10, 5)
  expect_equal(standardize(whole), list(center = c(3, 8), scale = rep(stats::sd(1:5), 2)))
})

test_that("numbers whose squares overflow are standardised, too", {
  x <- cbind(c(1, 2, 4), c(-3, 0, 1))
  expect_equal(standardize(x * 1e300)$scale, standardize(x)$scale * 1e300)
  for (type in test_types()) {
    expect_equal(standardize(gpu(x * 1e30, type))$scale, standardize(x)$scale * 1e30,
                 tolerance = tolerances[[type]])
  }
})

test_that("of an array the last dimension counts, and samples can be picked", {
  x <- array(rnorm(5 * 4 * 3 * 2), c(5, 4, 3, 2))
  rows <- c(5, 1, 2)
  want <- function(x) list(center = apply(x, 4, mean), scale = apply(x, 4, stats::sd))
  expect_equal(standardize(x), want(x))
  expect_equal(standardize(x, rows), want(x[rows, , , ]))
  expect_equal(standardize(gpu(x), rows), want(x[rows, , , ]), tolerance = 1e-5)
  m <- matrix(rnorm(10), 5)
  expect_equal(standardize(m, rows), standardize(m[rows, ]))
  expect_equal(standardize(m[, 1], rows), standardize(m[rows, 1]))
})

test_that("indicators stay as they are, constant columns become 0 with a warning", {
  x <- cbind(a = c(0, 1, 1, 0), b = c(1, 2, 3, 4), c = 7, d = 0)
  for (data in list(x, gpu(x))) {
    expect_warning(s <- standardize(data), "1 column of `x` is constant \\(`c`\\)",
                   class = "anygpu_warning_constant")
    expect_equal(s, list(center = c(0, 2.5, 7, 0), scale = c(1, stats::sd(1:4), 1, 1)),
                 tolerance = 1e-6)
  }
  expect_warning(standardize(matrix(3, 4, 9)), "\\(`1`, `2`, `3`, `4`, `5`, ...\\)")
  expect_warning(standardize(rep(5, 3), name = "y"), "1 column of `y` is constant")
  logical <- matrix(c(TRUE, FALSE, TRUE))
  expect_equal(standardize(logical), list(center = 0, scale = 1))
  expect_warning(standardize(matrix(c(1, 2), 1)), class = "anygpu_warning_constant")
})

test_that("numbers are standardised; factors and codes are not", {
  inputs <- function(...) anygpu:::nn_inputs(list(...))$inputs
  standardized <- function(model, ...) {
    anygpu:::nn_standardized_inputs(TRUE, inputs(...), model)
  }
  dense <- nn_model(layer_dense(2))
  expect_true(standardized(dense, iris[1:4]))
  expect_true(standardized(dense, array(0, c(2, 3, 3))))
  expect_false(standardized(dense, factor(1:3)))
  expect_false(standardized(nn_model(layer_embedding(2, 4)), matrix(1:4, 2)))
})

test_that("the columns that become one channel are standardised together", {
  rows <- matrix(stats::rnorm(5 * 12), 5)
  together <- function(x, ..., type = NULL) {
    anygpu:::nn_standardize_input(if (is.null(type)) x else gpu(x, type), nn_model(...), 1, NULL,
                                  "x")
  }
  of <- function(v) list(center = mean(v), scale = stats::sd(v))
  expect_equal(together(rows, layer_reshape(c(3, 4, 1))), lapply(of(rows), rep, 12))
  expect_equal(together(rows, layer_reshape(c(NA, 4, 1))), lapply(of(rows), rep, 12))
  odd <- rep(c(TRUE, FALSE), 6)
  want <- Map(function(a, b) rep(c(a, b), 6), of(rows[, odd]), of(rows[, !odd]))
  expect_equal(together(rows, layer_reshape(c(3, 2, 2))), want)
  expect_equal(together(rows, layer_reshape(c(3, 2, NA))), want)
  for (type in test_types()) {
    expect_equal(together(rows, layer_reshape(c(3, 2, 2)), type = type), want,
                 tolerance = tolerances[[type]])
  }
  expect_equal(together(rows, layer_dense(12), layer_reshape(c(3, 4, 1))), standardize(rows))
  expect_equal(together(rows, layer_reshape(12)), standardize(rows))
  grey <- array(rows, c(5, 3, 4))
  expect_equal(together(grey, layer_reshape(c(3, 4, 1))), lapply(of(rows), rep, 4))
  expect_equal(together(grey, layer_lstm(2)), standardize(grey))
})

test_that("rows that become images are the same as images", {
  rows <- matrix(stats::runif(20 * 12), 20)
  images <- aperm(array(rows, c(20, 2, 3, 2)), c(1, 4, 3, 2)) # the last dimension runs fastest
  fit <- function(x, ...) {
    set.seed(2)
    nn_quiet(nn_model(..., layer_conv2d(2, 2), layer_flatten(), layer_dense(1)), x, 1:20,
             epochs = 2)
  }
  a <- fit(rows, layer_reshape(c(2, 3, 2)))
  b <- fit(images)
  expect_equal(a$weights[-1], b$weights, tolerance = 1e-5)
  expect_equal(predict(a, rows), predict(b, images), tolerance = 1e-5)
})

# y depends on the deviations of x from a mean that is far away
set.seed(3)
near <- cbind(stats::rnorm(60), stats::rnorm(60, sd = 1e-3), stats::rnorm(60))
far <- near + rep(c(1e6, -1e5, 0), each = 60)
shifted_fit <- function(x, y = sin(near[, 1]) + near[, 3], ...) {
  set.seed(4)
  nn_quiet(nn_model(layer_dense(4, "tanh"), layer_dense(1)), x, y, epochs = 3,
           optimizer = opt_adam(0.05), ...)
}

test_that("a mean far above the standard deviation costs no digits", {
  want <- shifted_fit(near)
  of_rows <- function(i) predict(want, near[i, ])
  for (x in list(far, as.data.frame(far), if ("float64" %in% test_types()) gpu(far, "float64"))) {
    if (is.null(x)) next
    fit <- shifted_fit(x)
    expect_equal(fit$history$loss, want$history$loss, tolerance = 1e-5)
    expect_equal(unname(predict(fit, x)), predict(want, near), tolerance = 1e-5)
    expect_equal(unname(predict(fit, x[1:7, ])), of_rows(1:7), tolerance = 1e-5)
  }
})

test_that("what float32 holds of such columns is standardised as exactly", {
  rounded <- round(far * 4) / 4
  rounded[, 2] <- rounded[, 2] + seq_len(60) / 4 - 7 # or it is constant
  a <- shifted_fit(gpu(rounded, "float32"))
  b <- shifted_fit(rounded)
  expect_equal(a$net$scaling, b$net$scaling, tolerance = 1e-6)
  expect_equal(a$weights, b$weights, tolerance = 1e-4)
  expect_equal(unname(predict(a, rounded)), unname(predict(b, rounded)), tolerance = 1e-5)
})

test_that("the same of a target, and of batches from a source", {
  a <- shifted_fit(near, near[, 1] + 1e6, validation = 41:60)
  b <- shifted_fit(near, near[, 1], validation = 41:60)
  expect_equal(a$history[2:3], b$history[2:3], tolerance = 1e-4)
  expect_equal(predict(a, near) - 1e6, predict(b, near), tolerance = 1e-4)
  source <- function(x) {
    nn_source(function(i) if (i == 1) list(x = x, y = sin(near[, 1])), 60)
  }
  fit <- function(x) {
    set.seed(5)
    nn_quiet(nn_model(layer_dense(1)), source(x), epochs = 2)
  }
  expect_equal(fit(far)$history$loss, fit(near)$history$loss, tolerance = 1e-5)
})

test_that("samples are taken from arrays of any dimensions", {
  take <- anygpu:::nn_take
  for (x in list(1:4, matrix(1:8, 4), array(1:24, c(4, 3, 2)), array(1:48, c(4, 3, 2, 2)))) {
    want <- array(x, c(4, length(x) / 4))[c(4, 1), ]
    expect_equal(c(take(x, c(4, 1))), c(want))
    expect_equal(c(as.array(take(gpu(x), c(4, 1)))), c(want))
    expect_equal(dim(take(x, 2))[-1], dim(x)[-1])
  }
})
