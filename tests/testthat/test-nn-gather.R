nn_gather <- anygpu:::nn_gather

test_that("columns are gathered by codes of any shape", {
  set.seed(1)
  table <- matrix(rnorm(60), 5)
  codes <- array(sample(0:11, 24, TRUE), c(2, 3, 4))
  for (type in test_types()) {
    got <- nn_gather(gpu(table, type), gpu(codes + 0, "float32"))
    expect_equal(anygpu:::plain(got), array(table[, codes + 1], c(5, 2, 3, 4)), tolerance = 1e-6)
  }
  expect_equal(anygpu:::plain(nn_gather(gpu(table), c(3L, 0L))), table[, c(4, 1)],
    tolerance = 1e-6)
})

test_that("a code that no column has gives NA", {
  got <- anygpu:::plain(nn_gather(gpu(diag(3)), gpu(c(-1, 0, 3, NA))))
  expect_equal(is.na(got), matrix(c(TRUE, FALSE, TRUE, TRUE), 3, 4, byrow = TRUE))
  lost <- gpu_grad(function(x) sum(nn_gather(x, c(5L, 1L)) * 2), gpu(diag(3)))
  expect_equal(anygpu:::plain(lost), cbind(c(0, 0, 0), 2, 0))
  expect_error(nn_gather(gpu(1:3 + 0), 1L), class = "anygpu_error_argument")
})

test_that("chosen elements have a gradient", {
  set.seed(2)
  x <- matrix(rnorm(30), 5)
  i <- c(2L, 6L, 2L, 1L)
  on_device <- gpu(i)
  codes <- matrix(c(3, 0, 3, 5, 1, 3), 2)
  w <- rnorm(120)
  expect_derivatives(function(x) sum(nn_gather(x, codes)^3), x, function(x) sum(x[, codes + 1]^3))
  expect_derivatives(function(x) sum(x[, on_device]^3), x, function(x) sum(x[, i]^3))
  expect_derivatives(function(x) sum(x[c(5, 1, 1), c(2, 4)]^3), x)
  expect_derivatives(function(x) sum(x[c(20, 1, 1)]^2) + sum(x[, c(1, 1, 3)][5:4, ]^3), x)
  y <- array(rnorm(60), c(3, 4, 5))
  expect_derivatives(function(x) sum(x[c(1, 3, 1), 4:2, c(5, 2, 4, 2)]^3), y)
})

test_that("an index may be an argument of a traced function", {
  x <- matrix(1:12 + 0, 3, dimnames = list(NULL, letters[1:4]))
  chosen <- gpu_jit(function(x, i) x[, i] * 2)
  at <- gpu_jit(function(table, codes) nn_gather(table, codes))
  dx <- gpu(x)
  for (i in list(c(1L, 4L, 1L), c(3L, 2L, 2L))) {
    expect_equal(unname(anygpu:::plain(chosen(dx, gpu(i)))), unname(x[, i] * 2))
    expect_equal(anygpu:::plain(at(dx, gpu(i - 1))), unname(x[, i]))
  }
  expect_equal(c(is.na(anygpu:::plain(chosen(dx, gpu(c(0L, 5L, 4L)))))), rep(c(TRUE, TRUE, FALSE),
    each = 3))
})
