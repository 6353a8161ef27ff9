test_that("small arrays are printed whole, large ones as a corner", {
  expect_output(print(gpu(matrix(1:4, 2))), "<gpuMatrix 2 x 2 int32, .*\n     \\[,1\\] \\[,2\\]")
  expect_output(print(gpu(c(a = 1.5))), "1.5")
  x <- gpu(matrix(runif(1e4), 100))
  expect_output(print(x), "94 more rows, 94 more columns")
  expect_output(print(gpu(runif(1e4))), "9990 more elements")
  expect_output(print(gpu(array(1:8, c(2, 2, 2)))), ", , 2")
  expect_output(show(x), "gpuMatrix 100 x 100")
})

test_that("printing and str() read a corner only", {
  x <- gpu_force(gpu(matrix(runif(1e5), 100)))
  before <- gpu_stats()$download_bytes
  capture.output(print(x), str(x), str(list(x)))
  expect_lt(gpu_stats()$download_bytes - before, 2000)
})

test_that("str() and format()", {
  expect_output(str(gpu(c(1, 2))), "gpuVector 2 float")
  expect_output(str(gpu(numeric(0))), "gpuVector 0")
  expect_identical(format(gpu(c(1, 10))), c(" 1", "10"))
})
