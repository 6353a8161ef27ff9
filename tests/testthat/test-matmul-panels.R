# f() with room for so many bytes on the device.
with_room <- function(bytes, f) {
  gc()
  gpu_memory(limit = sum(gpu_memory()$used[gpu_memory()$id == gpu_device()]) + bytes)
  on.exit(gpu_memory(limit = Inf))
  f()
}

type <- if ("float64" %in% test_types()) "float64" else "float32"
expect_panels <- function(bytes, f, want, on_device) {
  got <- with_room(bytes, f)
  expect_identical(is_gpu(got), on_device)
  got <- anygpu:::plain(got)
  expect_equal(got, want, tolerance = tolerances[[type]])
}

a <- random_matrix(c(300, 200))
dimnames(a) <- list(NULL, columns = paste0("c", 1:200))
b <- random_matrix(c(200, 500))

test_that("an ordinary matrix that has no room goes up in panels", {
  x <- gpu(t(a[1:7, ]), type)
  expect_panels(3e5, function() crossprod(x, b), a[1:7, ] %*% b, TRUE)
  expect_panels(3e5, function() crossprod(b, x), t(b) %*% t(a[1:7, ]), TRUE)
  expect_panels(3e5, function() t(x) %*% b, a[1:7, ] %*% b, TRUE)
  expect_panels(3e5, function() tcrossprod(t(b), t(x)), t(b) %*% t(a[1:7, ]), TRUE)
  expect_panels(2e5, function() x[, 1] %*% b, a[1, , drop = TRUE] %*% b, TRUE)
})

test_that("a result that has no room stays in R", {
  x <- gpu(a, type)
  expect_panels(8e5, function() x %*% b, a %*% b, FALSE)
  expect_panels(1e5, function() crossprod(x), crossprod(a), FALSE)
  expect_panels(2e5, function() tcrossprod(x, a), tcrossprod(a), FALSE)
})

test_that("two ordinary matrices go by panels in gpu_matmul()", {
  old <- options(anygpu.type = type)
  on.exit(options(old))
  expect_panels(1e6, function() gpu_matmul(a, b), a %*% b, FALSE)
  expect_panels(1e6, function() gpu_matmul(a, t(b), transpose_y = TRUE), a %*% b, FALSE)
  expect_panels(1e6, function() gpu_matmul(t(a), b, transpose_x = TRUE), a %*% b, FALSE)
})

test_that("what fits is not cut, and what does not fit together is an error as ever", {
  x <- gpu(a, type)
  z <- with_room(1e7, function() {
    gpu_stats(reset = TRUE)
    z <- gpu_force(x %*% b)
    expect_equal(gpu_stats()$downloads, 0)
    z
  })
  expect_true(is_gpu(z))
  expect_error(with_room(1e7, function() x %*% a), "x is 300 x 200, y is 300 x 200",
               class = "anygpu_error_shape")
  expect_error(with_room(1e4, function() gpu(b)), class = "anygpu_error_memory")
})
