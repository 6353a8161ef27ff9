work <- function() {
  x <- gpu(matrix(runif(400), 20))
  y <- (x %*% x + 1) / sum(x)
  as.matrix(exp(y) > 1)
  sum(colMeans(y[1:5, ]))
}

test_that("nothing is left behind", {
  work()
  base <- live()
  for (i in 1:20) work()
  expect_identical(live(), base)
  for (i in 1:20) try(gpu(matrix(1:4, 2)) %*% gpu(1:3), silent = TRUE)
  for (i in 1:20) try(gpu_grad(function(x) if (x[1] > 0) 1, gpu(1)), silent = TRUE)
  for (i in 1:5) gpu_jit(function(x) x * 2)(gpu(c(1, 2)))
  expect_identical(live(), base)
})

test_that("a device call that fails is an error and no leak, whichever it is", {
  work()
  base <- live()
  on.exit(.Call(anygpu:::C_fault, 0))
  worked <- FALSE
  for (n in 1:200) {
    .Call(anygpu:::C_fault, n)
    result <- tryCatch(as.numeric(work()), error = identity)
    .Call(anygpu:::C_fault, 0)
    if (!inherits(result, "error")) {
      worked <- TRUE
      break
    }
    expect_s3_class(result, "anygpu_error")
  }
  rm(result) # a number that is still on the device
  expect_identical(live(), base)
  expect_true(worked)
  expect_true(is.finite(work()))
})

test_that("a limit is kept, and lifted", {
  gpu_memory(release = TRUE)
  on.exit(gpu_memory(limit = Inf))
  gpu_memory(limit = 2^20)
  expect_error(gpu(numeric(1e6)), class = "anygpu_error_memory")
  for (i in 1:50) x <- gpu(numeric(5e4)) # garbage makes room
  rm(x)
  gpu_memory(limit = Inf)
  expect_identical(length(gpu(numeric(1e6))), 1000000L)
  m <- gpu_memory()
  expect_true(all(c("id", "used", "pool", "peak", "limit") %in% names(m)))
  expect_error(gpu_memory(limit = -1), class = "anygpu_error_argument")
  expect_error(gpu_memory(limit = "a"), class = "anygpu_error_argument")
})

test_that("gpu_stats() counts what comes back, and for whom", {
  gpu_stats(reset = TRUE)
  x <- gpu(runif(1000))
  fft(x)
  s <- gpu_stats()
  expect_gte(s$uploads, 1)
  expect_gte(s$downloads, 1)
  expect_gt(length(s$downloads_by), 0)
  gpu(c(1, 2, 3)) + 1i
  expect_identical(gpu_stats()$fallbacks[["+"]], 1)
  expect_output(print(gpu_stats()), "downloads")
})

test_that("a wide graph under memory pressure still computes", {
  gpu_memory(release = TRUE)
  on.exit(gpu_memory(limit = Inf))
  x <- gpu(runif(1e5))
  gpu_memory(limit = sum(gpu_memory()$used) + 8e6)
  for (i in 1:30) y <- gpu_force(exp(x) + i)
  expect_equal(as.vector(y)[1], exp(as.vector(x)[1]) + 30, tolerance = 1e-5)
})
