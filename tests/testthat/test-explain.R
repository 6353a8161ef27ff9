test_that("an elementwise expression is one kernel", {
  x <- gpu(runif(100))
  expect_match(paste(capture.output(gpu_explain(x)), collapse = " "), "nothing pending")
  y <- 1 / (1 + exp(-(2 * x + 1)))
  text <- capture.output(gpu_explain(y))
  expect_length(grep("^[0-9]+\\.", text), 1)
  before <- gpu_stats()$launches
  gpu_force(y)
  expect_equal(gpu_stats()$launches - before, 1)
  expect_match(paste(capture.output(gpu_explain(y)), collapse = " "), "nothing pending")
  expect_error(gpu_explain(1), class = "anygpu_error_type")
})
