# LSTM of 64 units over 50 steps, batch 64, Adam: one epoch against PyTorch. To be told is which of
# ten features has the largest mean.

set.seed(1)
n <- 64 * 40
x <- array(rnorm(n * 50 * 32), c(n, 50, 32))
y <- factor(max.col(apply(x[, , 1:10], c(1, 3), mean)), levels = 1:10)
net <- nn_model(layer_lstm(64), layer_dense(10))
fit <- function(epochs) {
  nn_fit(net, x, y, epochs = epochs, batch_size = 64, optimizer = opt_adam(lr = 0.001),
         standardize = FALSE, verbose = FALSE)
}
train_question(sprintf("LSTM 64, 50 steps, batch 64, epoch of %d", n), "lstm", fit, x, y, bar = 0.7)
