test_that("a compiled function does what the function does", {
  f <- function(x, y) (x + y) * 2 - sum(x)
  g <- gpu_jit(f)
  for (i in 1:3) for (n in c(3, 100)) {
    x <- gpu(runif(n))
    y <- gpu(runif(n))
    expect_equal(as.vector(g(x, y)), as.vector(f(x, y)), tolerance = 1e-4)
  }
})

test_that("f runs once for each kind of argument", {
  n <- 0
  g <- gpu_jit(function(x, k = 1) {
    n <<- n + 1
    x * k
  })
  a <- g(gpu(c(1, 2)))
  b <- g(gpu(c(3, 4)))
  expect_identical(n, 1)
  expect_equal(as.vector(a), c(1, 2))
  expect_equal(as.vector(b), c(3, 4))
  g(gpu(c(1, 2, 3)))
  g(gpu(c(1, 2), "float32"), 2)
  g(gpu(c(1, 2)), k = 5)
  expect_identical(n, 4)
})

test_that("lists of results, names and numbers", {
  g <- gpu_jit(function(x) list(total = sum(x), twice = x * 2, constant = 7))
  r <- g(gpu(c(a = 1, b = 2)))
  expect_equal(as.vector(r$total), 3)
  expect_equal(anygpu:::plain(r$twice), c(a = 2, b = 4))
  expect_identical(r$constant, 7)
})

test_that("an argument can come back as it is", {
  g <- gpu_jit(function(x) list(x, t(x)))
  x <- gpu(matrix(1:4 / 2, 2))
  r <- g(x)
  expect_equal(as.matrix(r[[1]]), as.matrix(x))
  expect_equal(as.matrix(r[[2]]), as.matrix(t(x)))
})

test_that("a function that looks at values is refused", {
  g <- gpu_jit(function(x) if (x[1] > 0) x else -x)
  expect_error(g(gpu(c(1, 2))), class = "anygpu_error_argument")
  expect_error(gpu_jit(1), class = "anygpu_error_argument")
})
