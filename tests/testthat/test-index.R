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

test_that("positions of every kind, for vectors and arrays", {
  a <- array(as.double(1:60), 3:5, dimnames = list(letters[1:3], NULL, LETTERS[1:5]))
  big <- as.double(1:2000)
  for (f in thinned(list(
    function(x) x[c(3, 1), c(1, 1, 4), c(5, 2)], function(x) x[-2, , c(TRUE, FALSE)],
    function(x) x["b", , "D"], function(x) x[c("c", "a"), 4:1, ], function(x) x[, , 6],
    function(x) x[0, , ], function(x) x[c(NA, 1), 2, 3], function(x) x[, , , 1],
    function(x) x[cbind(1:3, 4:2, c(5, 1, 2))], function(x) x[cbind("a", "b", "C")],
    function(x) x[2, , , drop = FALSE], function(x) x[, 2, 3], function(x) x[factor(c("b", "a"))],
    function(x) x[c(60, 61, NA)], function(x) x[-(1:58)], function(x) x[c(-1, 1)],
    function(x) x[list(1)], function(x) x[["c", 1, "A"]], function(x) x[[61]],
    function(x) x[[1:2]], function(x) x[[3, 4, 5]], function(x) x[[4, 4, 5]]
  ), 4)) {
    expect_gpu(f, a)
    expect_gpu(f, unname(a))
  }
  for (f in list(
    function(x) x[c(1999, 7, 7)], function(x) x[-1], function(x) x[c(TRUE, FALSE, NA)],
    function(x) x[seq(2000, 1, by = -3)], function(x) x[x > 500 & x < 700], function(x) x[x < 0],
    function(x) x[2001], function(x) x[1e10], function(x) x[c(0, 0)], function(x) x[2.9]
  )) {
    expect_gpu(f, big)
    expect_gpu(f, as.integer(big))
    expect_gpu(f, big > 3)
  }
  expect_gpu(function(x) x[2:3], array(1:4 / 2, 4, list(letters[1:4])))
  expect_gpu(function(x) x[2], array(1:4 / 2, 4, list(letters[1:4])))
  expect_gpu(function(x) x[2, drop = FALSE], array(1:4 / 2, 4, list(letters[1:4])))
})

test_that("more vectors of positions than a kernel takes", {
  a <- array(as.double(1:720), c(3, 4, 5, 3, 4))
  i <- c(3, 1)
  expect_gpu(function(x) x[i, i, i, i, i], a)
  expect_gpu(function(x) x[i, , i, i, i], a)
  expect_gpu(function(x) {
    x[i, i, i, i, i] <- 0
    x
  }, a)
})

test_that("indices may live on the device", {
  x <- c(5, 3, 8, 1)
  expect_gpu(function(x, i) x[i], x, c(4, 2))
  expect_gpu(function(x, i) x[i], x, c(4L, NA, 9L))
  expect_gpu(function(x, i) x[i], x, c(TRUE, NA, FALSE, TRUE))
  expect_gpu(function(x, i) x[i], c(a = 1, b = 2, c = 3), c(TRUE, NA, FALSE))
  expect_gpu(function(x, i) x[i, ], p, c(TRUE, FALSE, TRUE, FALSE))
  expect_gpu(function(x, i) x[-i], x, c(1, 2))
  long <- as.double(1:40000)
  i <- c(rev(long), 40001)
  expect_gpu(function(x, i) x[i], long, i)
  expect_gpu(function(x, i) x[i], long, as.integer(i))
  expect_gpu(function(x, i) x[i], long, c(0, i))
  expect_gpu(function(x, i) x[i], long, -i)
})

test_that("a compiled function keeps its positions", {
  i <- sample.int(20000)
  skip_if_not("float64" %in% test_types())
  f <- gpu_jit(function(x) x[i] * 2)
  x <- as.double(1:20000)
  expect_equal(anygpu:::plain(f(gpu(x, "float64"))), x[i] * 2)
  gc()
  expect_equal(anygpu:::plain(f(gpu(x + 1, "float64"))), (x[i] + 1) * 2)
})

test_that("selections and gathers are one launch and stay on the device", {
  x <- gpu_force(gpu(as.double(1:100)))
  i <- c(5, 3, 50)
  launches <- function(code) {
    before <- gpu_stats()
    code
    after <- gpu_stats()
    expect_identical(after$fallbacks, before$fallbacks)
    expect_identical(after$downloads_by, before$downloads_by)
    after$launches - before$launches
  }
  expect_equal(launches(gpu_force(x[i])), 1)
  expect_equal(launches(x[x > 50]), 1)
  expect_equal(launches(gpu_force(x[i] * 2)), 2)
  expect_equal(launches(gpu_force(x[2:9] * 2)), 1)
})

test_that("assignments are R's", {
  m <- p
  assigned <- function(change) {
    body <- substitute({
      change
      x
    }, list(change = substitute(change)))
    as.function(c(alist(x = , v = ), body), envir = parent.frame())
  }
  one <- list(
    assigned(x[2, 3] <- v), assigned(x[5] <- v), assigned(x[x > 2] <- v), assigned(x[, 2] <- v),
    assigned(x["b", ] <- v), assigned(x[] <- v), assigned(x[-1, c(1, 4)] <- v),
    assigned(x[c(TRUE, FALSE), ] <- v), assigned(x[cbind(1:2, 3:4)] <- v), assigned(x[[7]] <- v),
    assigned(x[["a", 2]] <- v), assigned(x[c(1, NA, 3)] <- v), assigned(x[0, ] <- v),
    assigned(x[25] <- v), assigned(x[5, 1] <- v), assigned(x["z", 1] <- v), assigned(x[9, ] <- v),
    assigned(x[c(2, 2, 2), ] <- v), assigned(x[factor("b"), ] <- v), assigned(x[-100] <- v)
  )
  for (f in thinned(one, 6)) {
    for (x in list(m, m > 2, structure(1:20, dim = c(4L, 5L), dimnames = dimnames(m)))) {
      for (v in list(0.5, 7L, NA, TRUE)) expect_gpu(f, x, v)
    }
  }
  several <- list(
    assigned(x[2, ] <- v), assigned(x[x > 2] <- v), assigned(x[c(4, 1, 4)] <- v),
    assigned(x[1:2, 1:2] <- v), assigned(x[c(1, NA)] <- v), assigned(x[] <- v),
    assigned(x[c(3, 1, 3), c(5, 5)] <- v)
  )
  for (f in several) {
    for (v in list(c(1.5, 2.5), 1:5, c(TRUE, NA), numeric(0), c(9, 8, 7), p * 2)) {
      expect_gpu(f, m, v)
      expect_gpu(f, m > 2, v)
    }
  }
  for (f in list(
    assigned(x["c"] <- v), assigned(x["new"] <- v), assigned(x[6] <- v), assigned(x[["b"]] <- v),
    assigned(x[-1] <- v), assigned(x[[9]] <- v), assigned(x[c(TRUE, NA)] <- v)
  )) {
    expect_gpu(f, c(a = 1, b = 2, c = 3, d = 4), 0)
  }
  expect_gpu(assigned(x[2] <- v), c(1.5, 2), "text")
  expect_gpu(assigned(x[2] <- v), c(1.5, 2), 1i)
})

test_that("what is assigned to is written in place, what others hold is not", {
  base <- matrix(as.double(1:1e4), 100)
  x <- gpu(base)
  other <- x
  pending <- x + 1
  x[1, 1] <- -1
  expect_identical(anygpu:::plain(other[1:2, 1]), c(1, 2))
  expect_equal(anygpu:::plain(pending[1:2, 1]), c(2, 3))
  expect_equal(anygpu:::plain(x[1:2, 1]), c(-1, 2))
  expect_identical(x[[1]] + 0, -1)
  called <- `[<-`(x, 2, 1, value = -2)
  expect_equal(anygpu:::plain(x[1:2, 1]), c(-1, 2))
  expect_equal(anygpu:::plain(called[1:2, 1]), c(-1, -2))
  change <- function(a) {
    a[1, 1] <- 99
    a
  }
  expect_equal(change(x)[[1]] + 0, 99)
  expect_equal(x[[1]] + 0, -1)
  in_list <- list(x = x)
  in_list$x[1, 1] <- 5
  expect_equal(x[[1]] + 0, -1)
  expect_equal(in_list$x[[1]] + 0, 5)
  y <- x
  dimnames(y) <- list(NULL, NULL)
  y[1, 1] <- 6
  expect_equal(x[[1]] + 0, -1)

  rm(other, pending, called, in_list, y)
  gc()
  x[1, ] <- 0
  before <- gpu_stats()$allocs + gpu_stats()$pool_hits
  bytes <- gpu_memory()$used[gpu_memory()$id == gpu_device()]
  for (i in 1:50) x[i, ] <- 0
  expect_identical(gpu_memory()$used[gpu_memory()$id == gpu_device()], bytes)
  expect_equal(gpu_stats()$allocs + gpu_stats()$pool_hits - before, 50) # the values
  base[1:50, ] <- 0
  expect_equal(anygpu:::plain(x), base)
})

test_that("which() is R's, and its result stays on the device", {
  m <- structure(p > 2, dimnames = list(letters[1:4], NULL))
  expect_gpu(which, c(TRUE, NA, FALSE, TRUE))
  expect_gpu(which, c(a = TRUE, b = NA, c = FALSE, d = TRUE))
  expect_gpu(which, c(a = TRUE, b = FALSE))
  expect_gpu(which, logical(0))
  expect_gpu(which, c(FALSE, NA))
  expect_gpu(which, m)
  expect_gpu(function(x) which(x, arr.ind = TRUE), m)
  expect_gpu(function(x) which(x, useNames = FALSE), c(a = TRUE, b = TRUE))
  expect_gpu(which, c(1, 0))
  x <- gpu(runif(1e5))
  expect_identical(anygpu:::plain(which(x > 0.5)), which(anygpu:::plain(x) > 0.5))
})
