# MNIST, 784-256-128-10, batch 128, Adam: one epoch against PyTorch, and the accuracy after ten.

data <- mnist()
n <- nrow(data$x)
net <- nn_model(layer_dense(256, "relu"), layer_dense(128, "relu"), layer_dense(10))
fit <- function(epochs) {
  nn_fit(net, data$x, data$y, epochs = epochs, batch_size = 128, optimizer = opt_adam(lr = 0.001),
         verbose = FALSE)
}
# seconds of three epochs after one that is not counted, as torch_mlp.py does it
epoch_s <- function() fit(4)$history$seconds[-1]

python <- torch_python()
torch_s <- NA
if (is.null(python)) {
  skipped("PyTorch", "no python3 with torch")
} else {
  x_file <- tempfile()
  y_file <- tempfile()
  writeBin(as.vector(t(data$x)), x_file, size = 4)
  writeBin(as.integer(data$y) - 1L, y_file)
  torch <- function() {
    as.numeric(system2(python, c("bench/torch_mlp.py", "mlp", x_file, y_file, n), stdout = TRUE))
  }
}

for (device in bench_devices()) {
  with_gpu_device(device, {
    ours <- epoch_s()
    if (!is.null(python)) torch_s <- torch()
    ours <- median(c(ours, epoch_s()))
    what <- sprintf("MLP 784-256-128-10, one epoch of %d", n)
    if (is.null(python)) {
      add(what, device, show(ours, "s"), "", "", "", "")
    } else {
      result(what, device, ours, torch_s, "PyTorch", "s", bar = if (device == "host") 1 else NA)
    }
  })
}

set.seed(1)
model <- with_gpu_device("host", fit(10))
right <- with_gpu_device("host", mean(predict(model, data$x_test, type = "class") == data$y_test))
value("accuracy after 10 epochs", "host", 100 * right, "%", 97.5, most = FALSE)
