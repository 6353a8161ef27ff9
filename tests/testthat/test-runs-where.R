test_that("the table says what gpu_stats() sees", {
  skip_if_not(gpu_device() == "host")
  table <- gpu_runs_where(device = "host")
  expect_gt(nrow(table), 100)
  expect_identical(anyDuplicated(table$call), 0L)
  expect_true(all(unlist(table[-(1:2)]) %in% c("device", "R", "-")))
  x <- matrix(c(5, 2, 9, 4, 7, 1, 8, 3, 6), 3)
  reads <- function(f) {
    x <- gpu(x, "float64")
    before <- gpu_stats()
    result <- f(x)
    if (is_gpu(result)) gpu_force(result)
    after <- gpu_stats()
    !identical(before[c("downloads_by", "fallbacks")], after[c("downloads_by", "fallbacks")])
  }
  for (call in c("x[2:3, ]", "x + y", "exp(x)", "crossprod(x)", "rowSums(x)", "solve(x)",
                 "signif(x, 2)", "det(x)", "which(x > 2)", "range(x)")) {
    said <- table$float64[table$call == call]
    f <- function(x) eval(str2lang(call), list(x = x, y = x))
    expect_identical(reads(f), said == "R", info = call)
  }
})

test_that("the user's counters and options stay as they were", {
  gpu_stats(reset = TRUE)
  fft(gpu(c(1, 2, 3)))
  before <- gpu_stats()[c("downloads_by", "fallbacks")]
  old <- options(anygpu.fallback = "error")
  on.exit(options(old))
  gpu_runs_where("rounding")
  expect_identical(getOption("anygpu.fallback"), "error")
  expect_identical(gpu_stats()[c("downloads_by", "fallbacks")], before)
})

test_that("concepts are chosen by name", {
  table <- gpu_runs_where(c("indexing", "rounding"))
  expect_identical(unique(table$concept), c("indexing", "rounding"))
  expect_error(gpu_runs_where("cooking"), "cooking", class = "anygpu_error_argument")
})
