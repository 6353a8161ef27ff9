test_that("who reads arrays is counted, and said as the option asks", {
  x <- gpu(as.double(1:20))
  withr_option <- function(how, code) {
    old <- options(anygpu.fallback = how)
    on.exit(options(old))
    code
  }
  gpu_stats(reset = TRUE)
  expect_silent(fft(x))
  expect_identical(names(gpu_stats()$downloads_by), "fft")
  expect_warning(withr_option("warning", fft(x + 1)), "fft\\(\\) reads 20 elements")
  expect_error(withr_option("error", fft(x + 1)), "fft", class = "anygpu_error_fallback")
  expect_error(withr_option("error", signif(x + 1)), "signif", class = "anygpu_error_fallback")
  expect_silent(withr_option("error", as.matrix(x + 1)))
  expect_output(withr_option("error", print(x + 1)))
  expect_identical(withr_option("error", unserialize(serialize(x + 1, NULL))[2]) + 0, 3)
})

test_that("large arrays are mentioned once for each function and session", {
  counts <- anygpu:::counts
  counts$told <- list()
  x <- gpu(seq_len(150000) + 0)
  expect_message(fft(x + 1), "fft\\(\\) reads 150,000 elements")
  expect_silent(fft(x + 2))
  expect_silent(fft(gpu(numeric(100))))
  expect_message(cor(x + 1, x), "cor")
})

test_that("errors of base R show the user's call", {
  e <- tryCatch(signif(gpu(c(1, 2, 3)), "a"), error = identity)
  expect_match(deparse(conditionCall(e))[1], "^signif")
})
