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

test_that("matrices of numbers are standardised; images, factors and codes are not", {
  input <- function(x) anygpu:::nn_inputs(x)$inputs[[1]]
  which <- anygpu:::nn_standardizes
  expect_true(which(input(iris[1:4])))
  expect_false(which(input(array(0, c(2, 3, 3)))))
  expect_false(which(input(factor(1:3))))
  expect_false(which(input(matrix(1:4, 2)), embedded = TRUE))
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
