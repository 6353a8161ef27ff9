library(testthat)
library(anygpu)

test_check("anygpu")
