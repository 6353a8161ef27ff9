# Sorting 1e7 values against base R's radix sort: sort(), order(), and what is made of them.

n <- 1e7

compare <- function(what, device, ours, base, bar = NA) {
  run <- function() {
    y <- ours()
    if (is_gpu(y)) gpu_force(y)
    gpu_synchronize()
  }
  ms <- time_in_turn(list(run, base), 5)
  result(what, device, ms[1], ms[2], "base R", bar = if (device == "host") bar else NA)
}

question <- function(device, type) {
  x <- if (type == "int32") sample.int(n) else rnorm(n)
  g <- tryCatch(gpu_force(gpu(x, type = type)), anygpu_error_type = function(e) NULL)
  if (is.null(g)) return(skipped(paste("sort", type), paste(device, "has no", type)))
  stopifnot(identical(as.vector(order(g[1:5000])), base::order(as.vector(g[1:5000]))))
  real <- type == "float64"
  compare(paste("sort, 1e7,", type), device, function() sort(g),
          function() sort(x, method = "radix"), if (real) 3 else NA)
  compare(paste("order, 1e7,", type), device, function() order(g),
          function() base::order(x, method = "radix"), if (real) 2 else NA)
}

for (device in bench_devices()) {
  for (type in c("float64", "float32", "int32")) with_gpu_device(device, question(device, type))
}

x <- rnorm(n)
k <- sample(1000L, n, TRUE)
with_gpu_device("host", {
  g <- gpu(x)
  i <- gpu(k)
  compare("order by int32 and float64, 1e7", "host", function() order(i, g),
          function() base::order(k, x, method = "radix"))
  compare("median, 1e7, float64", "host", function() median(g), function() median(x))
  compare("rank, 1e7, float64", "host", function() rank(g), function() base::rank(x))
  compare("unique, 1e7, int32", "host", function() unique(i), function() unique(k))
  compare("x %in% 1e5 values, 1e7, float64", "host", function() g %in% x[1:1e5],
          function() base::match(x, x[1:1e5], 0L) > 0L)
  compare("findInterval of 1e7 in 1000", "host", function() findInterval(g, sort(x[1:1000])),
          function() base::findInterval(x, sort(x[1:1000])))
  compare("tabulate, 1e7 in 1000", "host", function() tabulate(i, 1000),
          function() base::tabulate(k, 1000))
})
