# An independent network in plain R, double precision: what nn_fit() should do, step by step.
# Weights as in nn_fit()$weights; x is n x p.

ref_act <- list(
  linear = function(z) z,
  relu = function(z) pmax(z, 0),
  sigmoid = function(z) 1 / (1 + exp(-z)),
  tanh = tanh,
  softmax = function(z) t(t(exp(z)) / colSums(exp(z)))
)

ref_output <- function(weights, acts, x) {
  h <- t(x)
  for (i in seq_along(weights)) {
    h <- ref_act[[acts[i]]](weights[[i]]$weight %*% h + weights[[i]]$bias)
  }
  t(h)
}

# y: a matrix for mse, codes 1, 2, ... for cross entropy (of the output as logits)
ref_loss <- function(weights, acts, x, y, loss) {
  z <- ref_output(weights, acts, x)
  if (loss == "mse") return(mean((z - y)^2))
  mean(log(rowSums(exp(z))) - z[cbind(seq_along(y), y)])
}

ref_gradient <- function(weights, acts, x, y, loss, eps = 1e-6) {
  flat <- unlist(weights)
  g <- vapply(seq_along(flat), function(i) {
    up <- down <- flat
    up[i] <- up[i] + eps
    down[i] <- down[i] - eps
    (ref_loss(relist(up, weights), acts, x, y, loss) -
       ref_loss(relist(down, weights), acts, x, y, loss)) / (2 * eps)
  }, 0)
  unname(g)
}

# Trains over the same batches as nn_fit() after the same set.seed(): the split, the weights, the
# key of the random numbers within layers, then one permutation per epoch.
ref_train <- function(model, x, y, loss, epochs, batch_size, step) {
  acts <- vapply(model$layers, `[[`, "", "activation")
  if (loss == "cross_entropy") acts[acts == "softmax"] <- "linear"
  weights <- nn_start(model, ncol(x))
  stats::runif(1)
  state <- list()
  t <- 0
  for (epoch in seq_len(epochs)) {
    order <- sample.int(nrow(x))
    for (first in seq(1, nrow(x), by = batch_size)) {
      rows <- order[first:min(first + batch_size - 1, nrow(x))]
      t <- t + 1
      yb <- if (is.matrix(y)) y[rows, , drop = FALSE] else y[rows]
      g <- ref_gradient(weights, acts, x[rows, , drop = FALSE], yb, loss)
      state <- step(unname(unlist(weights)), g, state, t)
      weights <- relist(state$p, weights)
    }
  }
  weights
}

ref_sgd <- function(lr, momentum) {
  function(p, g, state, t) {
    v <- if (is.null(state$v)) g else momentum * state$v + g
    list(p = p - lr * v, v = v)
  }
}

ref_adam <- function(lr, b1, b2, eps) {
  function(p, g, state, t) {
    m <- b1 * (if (t == 1) 0 else state$m) + (1 - b1) * g
    v <- b2 * (if (t == 1) 0 else state$v) + (1 - b2) * g^2
    list(p = p - lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), m = m, v = v)
  }
}

nn_quiet <- function(...) nn_fit(..., verbose = FALSE)

# The weights that nn_fit() draws next for samples of `p` features.
nn_start <- function(model, p) anygpu:::nn_model_make(model, list(as.integer(p)), "weights")

# On the data as they are: what the network in plain R sees.
nn_raw <- function(...) nn_quiet(..., standardize = FALSE)

# Two interleaved spirals.
nn_spirals <- function(n) {
  a <- sqrt(stats::runif(n)) * 2 * pi
  side <- rep(0:1, length.out = n)
  x <- cbind(a * cos(a + pi * side), a * sin(a + pi * side)) / 6
  list(x = x, y = factor(side))
}
