# One fused kernel against base R's four passes: 1 / (1 + exp(-(2 x + 1))), 1e7 values.

n <- 1e7
x <- runif(n, -3, 3)
in_r <- function() 1 / (1 + exp(-(2 * x + 1)))

question <- function(device, type) {
  g <- tryCatch(gpu_force(gpu(x, type = type)), anygpu_error_type = function(e) NULL)
  if (is.null(g)) return(skipped(paste("elementwise", type), paste(device, "has no", type)))
  ours <- function() {
    y <- gpu_force(1 / (1 + exp(-(2 * g + 1))))
    gpu_synchronize()
    y
  }
  error <- max(abs(as.numeric(ours())[1:1000] - in_r()[1:1000]))
  stopifnot(error < if (type == "float32") 1e-6 else 1e-14)
  before <- gpu_stats()$launches
  ours()
  stopifnot("one launch" = gpu_stats()$launches - before == 1)
  ms <- time_in_turn(list(ours, in_r))
  bar <- if (type == "float32") 15 else if (device == "host") 8 else NA
  result(paste("1/(1+exp(-(2x+1))), 1e7,", type), device, ms[1], ms[2], "base R", bar = bar)
}

for (device in bench_devices()) {
  for (type in c("float32", "float64")) with_gpu_device(device, question(device, type))
}
