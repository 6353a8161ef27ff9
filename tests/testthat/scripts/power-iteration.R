# The largest eigenvalues of a symmetric matrix by power iteration and deflation.

set.seed(2)
m <- matrix(rnorm(400), 20)
a <- as_array(crossprod(m) / 20)

largest <- function(a, steps = 300) {
  v <- as_array(rep(1, ncol(a)))
  for (i in seq_len(steps)) {
    w <- a %*% v
    v <- w / sqrt(sum(w^2))
  }
  list(value = drop(crossprod(v, a %*% v)), vector = v)
}

values <- numeric(3)
for (k in 1:3) {
  pair <- largest(a)
  values[k] <- pair$value
  a <- a - values[k] * pair$vector %*% t(pair$vector)
}
cat("largest eigenvalues:", signif(values, 4), "\n")
truth <- eigen(crossprod(m) / 20, symmetric = TRUE, only.values = TRUE)$values
cat("as eigen() says:", all(abs(values - truth[1:3]) < 1e-2), "\n")
cat("what is left:", signif(sum(diag(a)), 3), "of", signif(sum(truth), 3), "\n")
