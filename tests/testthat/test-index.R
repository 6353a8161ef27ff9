p <- matrix(1:20 / 4, 4, dimnames = list(letters[1:4], NULL))
v <- c(a = 1, b = 2, c = 3, d = 4)

test_that("ranges and single positions are views", {
  for (f in list(
    function(x) x[2:3, 1:2], function(x) x[2, ], function(x) x[, 3], function(x) x[2:3, ],
    function(x) x[, 2:4], function(x) x[2, 3], function(x) x[4:1, 5:3],
    function(x) x[c(1, 3), c(1, 3, 5)], function(x) x[2, , drop = FALSE],
    function(x) x[, 2, drop = FALSE], function(x) x[2, 3, drop = FALSE],
    function(x) x[5], function(x) x[3:9], function(x) x[], function(x) x[, ], function(x) x[[7]],
    function(x) x[[2, 3]], function(x) x[1.9, 2.1]
  )) {
    before <- gpu_stats()$fallbacks["["]
    expect_gpu(f, p)
    expect_gpu(f, unname(p))
    expect_gpu(f, structure(p, dimnames = list(R = letters[1:4], C = LETTERS[1:5])))
    expect_gpu(f, p > 2)
    expect_identical(gpu_stats()$fallbacks["["], before)
  }
  for (f in list(function(x) x[2], function(x) x[2:3], function(x) x[4:1], function(x) x[[2]])) {
    expect_gpu(f, v)
  }
})

test_that("everything else is what R does", {
  for (f in list(
    function(x) x[-1, ], function(x) x[c(TRUE, FALSE), ], function(x) x["b", ],
    function(x) x[c("a", "d"), 2],
    function(x) x[c(1, 1, 3), ], function(x) x[0, ], function(x) x[, 0], function(x) x[c(1, NA), ],
    function(x) x[x > 2], function(x) x[cbind(1:2, 2:3)], function(x) x[100], function(x) x[5, 1],
    function(x) x[1, 2, 3], function(x) x["z", ], function(x) x[-(1:3), 2],
    function(x) x[c(2, 1, 4), ]
  )) {
    expect_gpu(f, p)
  }
  for (f in list(
    function(x) x["c"], function(x) x[-1], function(x) x[c(TRUE, FALSE)], function(x) x[0],
    function(x) x[9], function(x) x[["b"]], function(x) x[[9]], function(x) x[1, 1]
  )) {
    expect_gpu(f, v)
  }
  a <- array(1:24 / 2, 2:4)
  expect_gpu(function(x) x[1, , ], a)
  expect_gpu(function(x) x[, 2:3, -1], a)
  expect_gpu(function(x) x[2, 3, 4], a)
})

test_that("arguments are evaluated once", {
  n <- 0
  count <- function() {
    n <<- n + 1
    -1
  }
  gpu(p)[count(), ]
  gpu(array(1:24, 2:4))[, , count()]
  expect_identical(n, 2)
})

test_that("a single element is a number on the device", {
  x <- gpu(unname(p))
  s <- x[2, 3]
  expect_true(is_gpu(s))
  expect_identical(class(s), "numeric")
  expect_equal(s + 0, p[[2, 3]])
})

test_that("a piece of a large array is read alone", {
  x <- gpu(matrix(runif(1e5), 100))
  gpu_force(x)
  before <- gpu_stats()$download_bytes
  as.matrix(x[1:3, 1:3])
  expect_lt(gpu_stats()$download_bytes - before, 1000)
})

test_that("slices of slices and of pending arrays", {
  expect_gpu(function(x) (x + 1)[2:4, 2:5][2, ], p)
  expect_gpu(function(x) t(x[2:4, ])[1:2, ] * 2, p)
  expect_gpu(function(x) x[2:3, 1:2] %*% x[1:2, 4:5], p)
  expect_gpu(function(x) sum(x[, 2]) + colSums(x[1:2, ]), p)
})
