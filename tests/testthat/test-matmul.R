products <- list(`%*%`, crossprod, tcrossprod)

test_that("matrices of all shapes", {
  for (n in c(0, 1, 2, 7, 33)) for (k in c(0, 1, 5, 64)) for (m in c(1, 3, 70)) {
    a <- random_matrix(c(n, k))
    b <- random_matrix(c(k, m))
    expect_gpu(`%*%`, a, b)
    expect_gpu(crossprod, t(a), b)
    expect_gpu(tcrossprod, a, t(b))
  }
})

test_that("one argument", {
  a <- random_matrix(c(5, 3))
  expect_gpu(crossprod, a)
  expect_gpu(tcrossprod, a)
  expect_gpu(crossprod, c(1, 2, 3))
  expect_gpu(tcrossprod, c(1, 2, 3))
})

test_that("vectors are rows or columns, whichever fits", {
  vectors <- list(c(1, 2, 3), c(1, 2), 5, c(1, 2, 3, 4))
  matrices <- lapply(list(c(3, 2), c(1, 3), c(3, 1), c(1, 1)), random_matrix)
  for (f in products) for (v in vectors) {
    for (m in matrices) {
      expect_gpu(f, v, m)
      expect_gpu(f, m, v)
      expect_gpu(function(x) f(x, v), m)
      expect_gpu(function(x) f(v, x), m)
    }
    for (w in vectors) if (length(v) > 1 || length(w) > 1) expect_gpu(f, v, w)
  }
})

test_that("dimnames and types are R's", {
  a <- matrix(1:6 / 2, 2, dimnames = list(rows = c("a", "b"), cols = c("x", "y", "z")))
  b <- matrix(1:6 / 3, 3, dimnames = list(NULL, c("p", "q")))
  expect_gpu(`%*%`, a, b)
  expect_gpu(`%*%`, b, a)
  expect_gpu(crossprod, a)
  expect_gpu(tcrossprod, a)
  expect_gpu(crossprod, a, a[, 1:2])
  expect_gpu(function(x) x %*% matrix(1:6, 3), a)
  expect_gpu(function(x) x %*% matrix(TRUE, 3, 2), a)
  expect_gpu(`%*%`, matrix(c(1, NA, 3, 4), 2), diag(2))
})

test_that("what is around a product is fused into it", {
  x <- gpu(random_matrix(c(20, 10)))
  text <- capture.output(gpu_explain(1 / (1 + exp(-(x %*% t(x) / 10 + 1)))))
  expect_length(grep("^[0-9]+\\.", text), 1)
})

test_that("products that do not fit say both shapes", {
  x <- gpu(random_matrix(c(3, 4)))
  y <- gpu(random_matrix(c(5, 2)))
  expect_error(x %*% y, "`%*%`: x is 3 x 4, y is 5 x 2", fixed = TRUE, class = "anygpu_error_shape")
  expect_error(crossprod(x, y), "crossprod", class = "anygpu_error_shape")
  expect_error(tcrossprod(x, y), "tcrossprod", class = "anygpu_error_shape")
  expect_error(x %*% "a", class = "anygpu_error_type")
  expect_error(x %*% NULL, class = "anygpu_error_type")
  expect_error(x %*% gpu(array(1, c(4, 2, 2))), class = "anygpu_error_shape")
})
