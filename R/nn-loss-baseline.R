# The losses of constant predictions, and checks of targets: in plain R.

# The loss of the best constant prediction on the training samples, summed over the outputs.
nn_baseline_of <- function(net, data, rows) {
  w <- if (is.null(data$weights)) rep(1, length(rows)) else data$weights[rows]
  w <- w / sum(w)
  parts <- Map(function(output, y) {
    if (length(dim(y)) > 2) return(NA_real_)
    y <- t(as.matrix(y)[rows, , drop = FALSE])
    output$loss$baseline(y, w, prod(output$wanted)) * nn_loss_unit(output)
  }, net$outputs, data$y)
  Reduce(`+`, parts)
}

nn_unit_weights <- function(w, n) if (is.null(w)) rep(1 / n, n) else w / sum(w)

# `best(y, w)` of each output, averaged; the w sum to 1.
nn_baseline <- function(best) {
  function(y, w, k) {
    d <- dim(y)
    w <- nn_unit_weights(w, d[length(d)])
    mean(apply(matrix(y, ncol = length(w)), 1, best, w))
  }
}

nn_weighted_quantile <- function(y, w, p) {
  o <- base::order(y)
  y[o][sum(cumsum(w[o]) < p - 1e-12) + 1]
}

nn_xlogx <- function(p) base::ifelse(p > 0, p * log(p), 0)

# The shares of the classes 0, 1, ..., k - 1.
nn_shares <- function(y, w, k) {
  each <- nn_outputs_of(y)
  w <- rep(nn_unit_weights(w, nn_extent(y)) / each, each = each)
  vapply(seq_len(k) - 1, function(class) sum(w[y == class]), 0)
}

nn_check_counts <- function(name) {
  function(y) {
    if (all(y >= 0)) return(invisible())
    nn_stop("argument", "loss \"%s\" is for counts: `y` must not be negative", name)
  }
}
