# MNIST, 784-256-128-10, batch 128, Adam: one epoch against PyTorch, and the accuracy after ten.

data <- mnist()
net <- nn_model(layer_dense(256, "relu"), layer_dense(128, "relu"), layer_dense(10))
fit <- function(epochs) {
  nn_fit(net, data$x, data$y, epochs = epochs, batch_size = 128, optimizer = opt_adam(lr = 0.001),
         standardize = FALSE, verbose = FALSE)
}
train_question(sprintf("MLP 784-256-128-10, one epoch of %d", nrow(data$x)), "mlp", fit, data$x,
               data$y, bar = 0.6, opencl_bar = 2.5)

set.seed(1)
model <- with_gpu_device("host", fit(10))
right <- with_gpu_device("host", mean(predict(model, data$x_test, type = "class") == data$y_test))
value("accuracy after 10 epochs", "host", 100 * right, "%", 97.5, most = FALSE)
