# Indexing against base R: a gather by random positions, a selection, and assignments of rows in a
# loop, which must not copy the array.

n <- 1e7
x <- runif(n, -1, 1)
at <- sample.int(n)
m <- matrix(0, 1000, 1000)
row <- runif(1000)

question <- function(device) {
  g <- gpu_force(gpu(x, "float64"))
  positions <- gpu_force(gpu(at))
  done <- function(y) {
    gpu_force(y)
    gpu_synchronize()
  }
  ask <- function(what, ours, in_r, bar) {
    stopifnot(identical(as.vector(ours()), in_r()))
    ms <- time_in_turn(list(function() done(ours()), in_r))
    result(what, device, ms[1], ms[2], "base R", bar = if (device == "host") bar else NA)
  }
  ask("x[i], 1e7 random positions of R", function() g[at], function() x[at], 2)
  ask("x[i], the positions on the device", function() g[positions], function() x[at], 2)
  ask("x[x > 0], 1e7 doubles", function() g[g > 0], function() x[x > 0], 3)

  filled <- function(a) {
    for (i in 1:1000) a[i, ] <- row
    a
  }
  stopifnot(identical(as.matrix(filled(gpu(m))), filled(m)))
  ms <- time_in_turn(list(function() done(filled(gpu(m))), function() filled(m)))
  value("x[i, ] <- v, 1000 x 1000, each", device, ms[1], "us",
        bar = if (device == "host") 20 else NA)
}

for (device in bench_devices()) with_gpu_device(device, question(device))
