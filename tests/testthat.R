library(testthat)
library(anygpu)

# tools/check.sh sets it where all tests have just run
filter <- Sys.getenv("ANYGPU_TEST_FILTER")
test_check("anygpu", filter = if (nzchar(filter)) filter)
