# Runs testthat on the installed package and ends with "N passed, N failed, N skipped". An argument
# chooses among the files.
library(testthat)

filter <- commandArgs(TRUE)

result <- as.data.frame(test_dir(
  "tests/testthat", package = "anygpu", load_package = "installed", stop_on_failure = FALSE,
  reporter = CheckReporter, filter = if (length(filter)) filter[1]
))
failed <- sum(result$failed) + sum(result$error)
cat(sprintf("%d passed, %d failed, %d skipped\n",
            sum(result$passed), failed, sum(result$skipped)))
q(status = failed > 0)
