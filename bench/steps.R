# Small steps, where overhead is all: MLP 10-40x4-1 and 10-160x8-1, batch 32, SGD, time per batch.

small_steps <- function(width, depth, batches, bar) {
  set.seed(1)
  n <- 32 * batches
  x <- matrix(rnorm(n * 10), n)
  y <- sin(x[, 1]) + x[, 2] * x[, 3]
  layers <- c(rep(list(layer_dense(width, "relu")), depth), list(layer_dense(1)))
  net <- do.call(nn_model, layers)
  batch_us <- function() {
    fit <- nn_fit(net, x, y, epochs = 4, batch_size = 32, optimizer = opt_sgd(lr = 0.01),
                  loss = "mse", standardize = FALSE, verbose = FALSE)
    fit$history$seconds[-1] / batches * 1e6
  }
  us <- with_gpu_device("host", batch_us())
  peer <- torch_epoch(paste0("steps", width), x, y) / batches * 1e6
  us <- median(c(us, with_gpu_device("host", batch_us())))
  what <- sprintf("MLP 10-%dx%d-1, batch 32, SGD: one batch", width, depth)
  value(what, "host", us, "us", if (width == 40) 100 else NA)
  if (!is.na(peer)) result("the same", "host", us, peer, "PyTorch", "us", bar = bar, most = TRUE)
}

small_steps(40, 4, batches = 2000, bar = 0.1)
small_steps(160, 8, batches = 500, bar = 0.3)
