# A regression as statisticians have it: 506 rows, 13-10-1, full batch. How long until the loss is
# that at which nnet(maxit = 100) ends, the median over its starts? Both begin at their own random
# weights, seven times; whoever does not get there within `most` iterations starts again, and the
# time of that counts.

most <- 1000
set.seed(1)
n <- 506
x <- matrix(rnorm(n * 13), n)
y <- sin(x[, 1]) + x[, 2] * x[, 3] + abs(x[, 4]) + x[, 5:13] %*% runif(9, -0.5, 0.5) + rnorm(n) / 4
y <- as.vector(scale(y))
net <- nn_model(layer_dense(10, "sigmoid"), layer_dense(1))
peer <- function(seed, maxit, target = 0) {
  set.seed(seed)
  fit <- nnet::nnet(x, y, size = 10, linout = TRUE, maxit = maxit, abstol = target * n,
                    trace = FALSE)
  fit$value / n
}
ours <- function(seed, epochs) {
  set.seed(seed)
  nn_fit(net, x, y, epochs = epochs, batch_size = n, optimizer = opt_lbfgs(), loss = "mse",
         standardize = FALSE, verbose = FALSE)$history$loss
}
elapsed_ms <- function(f) {
  start <- Sys.time()
  f()
  as.numeric(difftime(Sys.time(), start, units = "secs")) * 1000
}

# Milliseconds of `seed`: as many epochs as it takes are known from a first run.
ours_ms <- function(seed, target) {
  epochs <- which(ours(seed, most) <= target)[1]
  if (is.na(epochs)) return(elapsed_ms(function() ours(seed, most)) + ours_ms(seed + 100, target))
  min(replicate(3, elapsed_ms(function() ours(seed, epochs))))
}
peer_ms <- function(seed, target) {
  if (peer(seed, most, target) > target) {
    return(elapsed_ms(function() peer(seed, most)) + peer_ms(seed + 100, target))
  }
  min(replicate(3, elapsed_ms(function() peer(seed, most, target))))
}

if (!requireNamespace("nnet", quietly = TRUE)) {
  skipped("L-BFGS", "nnet is not installed")
} else {
  target <- median(vapply(1:7, peer, 0, maxit = 100))
  with_gpu_device("host", {
    result(sprintf("13-10-1 on 506 rows until the loss is %.3f", target), "host",
           median(vapply(1:7, ours_ms, 0, target)), median(vapply(1:7, peer_ms, 0, target)), "nnet",
           bar = 1, most = TRUE)
  })
}
