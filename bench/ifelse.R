# ifelse(x > 0, x, 0) of 1e7 doubles as one fused kernel, against base R; pmax(x, 0) beside it.

n <- 1e7
x <- runif(n, -3, 3)

question <- function(device, type, name, ours, in_r, bar) {
  g <- tryCatch(gpu_force(gpu(x, type = type)), anygpu_error_type = function(e) NULL)
  if (is.null(g)) return(skipped(paste(name, type), paste(device, "has no", type)))
  run <- function() {
    y <- gpu_force(ours(g))
    gpu_synchronize()
    y
  }
  stopifnot(all.equal(as.numeric(run())[1:1000], in_r(x[1:1000]), tolerance = 1e-6))
  before <- gpu_stats()$launches
  run()
  stopifnot("one launch" = gpu_stats()$launches - before == 1)
  ms <- time_in_turn(list(run, function() in_r(x)))
  result(paste0(name, ", 1e7, ", type), device, ms[1], ms[2], "base R", bar = bar)
}

for (device in bench_devices()) {
  for (type in c("float64", "float32")) {
    with_gpu_device(device, {
      question(device, type, "ifelse(x > 0, x, 0)", function(x) ifelse(x > 0, x, 0),
               function(x) base::ifelse(x > 0, x, 0), if (device == "host") 20 else NA)
      question(device, type, "pmax(x, 0)", function(x) pmax(x, 0), function(x) base::pmax(x, 0), NA)
    })
  }
}
