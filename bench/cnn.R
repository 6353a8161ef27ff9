# A small CNN on MNIST, batch 128, Adam: one epoch of 10,000 images against PyTorch, and the memory
# of a training step.

data <- mnist()
rows <- seq_len(min(10000, nrow(data$x)))
x <- as_images(data$x[rows, ])
y <- data$y[rows]
net <- nn_model(
  layer_conv2d(32, 3, padding = "same", activation = "relu"), layer_max_pool2d(2),
  layer_conv2d(64, 3, padding = "same", activation = "relu"), layer_max_pool2d(2),
  layer_flatten(), layer_dense(128, "relu"), layer_dense(10)
)
fit <- function(epochs) {
  nn_fit(net, x, y, epochs = epochs, batch_size = 128, optimizer = opt_adam(lr = 0.001),
         standardize = FALSE, verbose = FALSE)
}
train_question(sprintf("CNN 1-32-64, dense 128-10, one epoch of %d", length(y)), "cnn", fit, x, y,
               bar = 0.5)

# What must be alive at the worst time: as the gradient by the first pooling's output is about to be
# computed, all outputs (a layer's bias and activation included) and the gradients by the second
# convolution's and pooling's outputs; always the weights, their gradient, Adam's two means.
live_bytes <- function(batch, classes) {
  outputs <- c(x = 1 * 28^2, conv1 = 32 * 28^2, pool1 = 32 * 14^2, conv2 = 64 * 14^2,
               pool2 = 64 * 7^2, dense1 = 128, dense2 = classes)
  weights <- c(9 * 32 + 32, 9 * 32 * 64 + 64, 64 * 7^2 * 128 + 128, 128 * classes + classes)
  4 * (batch * (sum(outputs) + sum(outputs[c("conv2", "pool2")])) + 4 * sum(weights))
}

# Bytes at the peak of an epoch of two batches, less its data, in a session of its own: the peak of
# this one is of what came before.
step_peak <- function(device) {
  file <- tempfile()
  on.exit(unlink(file))
  rows <- seq_len(256)
  saveRDS(list(net = net, x = x[rows, , , , drop = FALSE], y = y[rows]), file)
  code <- sprintf(
    "library(anygpu)
    a <- readRDS('%s')
    fit <- with_gpu_device('%s', nn_fit(a$net, a$x, a$y, epochs = 1, batch_size = 128,
      optimizer = opt_adam(), standardize = FALSE, verbose = FALSE))
    memory <- gpu_memory()
    cat('\\n', max(memory$peak), sep = '')", file, device)
  rscript <- file.path(R.home("bin"), "Rscript")
  out <- system2(rscript, "-", input = code, stdout = TRUE, stderr = FALSE)
  as.numeric(out[length(out)]) - 256 * 4 * (784 + 1)
}

for (device in if (torch_device() == "cpu") bench_devices() else gpu_device()) {
  result("memory of the CNN's training step", device, step_peak(device) / 1e6,
         live_bytes(128, nlevels(y)) / 1e6, "what must be alive", "MB", bar = 1.2, most = TRUE)
}
