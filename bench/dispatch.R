# What one operator costs before anything runs: `x + 1` builds a node.

x <- gpu_force(gpu(matrix(runif(100), 10)))
n <- 20000
add <- function() for (i in seq_len(n)) x + 1
empty <- function() for (i in seq_len(n)) NULL
us <- (time_ms(add) - time_ms(empty)) * 1000 / n
value("operator dispatch, x + 1 pending", "host", us, "us", 8)
