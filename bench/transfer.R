# 1e7 doubles to the device as float32 and back, against a plain C loop that converts them.

n <- 1e7
x <- runif(n)
if (load_c("convert")) {
  floats <- .Call("convert_down", x)
  loops <- time_in_turn(list(function() .Call("convert_down", x),
                             function() .Call("convert_up", floats)))
  for (device in bench_devices()) {
    with_gpu_device(device, {
      up <- function() {
        g <- gpu_force(gpu(x, type = "float32"))
        gpu_synchronize()
        g
      }
      # a new array each time: one that has a copy in R is not read again
      down_ms <- median(replicate(7, {
        g <- up()
        gc(FALSE)
        start <- Sys.time()
        as.numeric(g)[n]
        as.numeric(difftime(Sys.time(), start, units = "secs")) * 1000
      }))
      result("1e7 doubles up, as float32", device, time_ms(up), loops[1], "C loop", bar = 3,
             most = TRUE)
      result("1e7 doubles down, from float32", device, down_ms, loops[2], "C loop", bar = 3,
             most = TRUE)
    })
  }
} else {
  skipped("transfer", "bench/convert.c does not compile here")
}
