# Small steps, where overhead is all: MLP 10-40x4-1, batch 32, SGD, time per batch.

n <- 32 * 2000
set.seed(1)
x <- matrix(rnorm(n * 10), n)
y <- sin(x[, 1]) + x[, 2] * x[, 3]
net <- nn_model(layer_dense(40, "relu"), layer_dense(40, "relu"), layer_dense(40, "relu"),
                layer_dense(40, "relu"), layer_dense(1))
batch_us <- function() {
  fit <- nn_fit(net, x, y, epochs = 4, batch_size = 32, optimizer = opt_sgd(lr = 0.01),
                loss = "mse", verbose = FALSE)
  median(fit$history$seconds[-1]) / (n / 32) * 1e6
}

us <- with_gpu_device("host", batch_us())
value("MLP 10-40x4-1, batch 32, SGD: one batch", "host", us, "us", 100)

python <- torch_python()
if (is.null(python)) {
  skipped("PyTorch", "no python3 with torch")
} else {
  x_file <- tempfile()
  y_file <- tempfile()
  writeBin(as.vector(t(x)), x_file, size = 4)
  writeBin(y, y_file, size = 4)
  arguments <- c("bench/torch_mlp.py", "steps", x_file, y_file, n)
  s <- as.numeric(system2(python, arguments, stdout = TRUE))
  result("the same", "host", us, s / (n / 32) * 1e6, "PyTorch", "us")
}
