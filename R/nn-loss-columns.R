# Losses of several outputs at once.

#' @rdname losses
#' @order 6
#' @export
loss_gaussian <- function() {
  parts <- function(y, z, s, w) {
    k <- dim(z)[1] / 2
    z <- nn_as_columns(z)
    log_sd <- z[k + seq_len(k), , drop = FALSE]
    r <- (nn_as_columns(y) - z[seq_len(k), , drop = FALSE]) * exp(-log_sd)
    cost <- log_sd + 0.5 * (r * r) + 0.5 * log(2 * pi)
    list(cost = nn_reshape(nn_times(cost, 1 / nn_outputs_of(y)), dim(y)))
  }
  best <- function(y, w) 0.5 * (log(2 * pi * sum(w * (y - sum(w * y))^2)) + 1)
  mean <- function(z) {
    k <- dim(z)[1] / 2
    first <- nn_as_columns(z)[seq_len(k), , drop = FALSE]
    if (length(dim(z)) == 2) first else nn_reshape(first, c(k, dim(z)[-1]))
  }
  nn_loss("gaussian", parts, link = mean, baseline = nn_baseline(best),
          outputs = function(target) 2L * target$outputs)
}

# A matrix with a column for each element of the dimensions after the first.
nn_as_columns <- function(x) {
  d <- dim(x)
  if (length(d) == 2) x else nn_reshape(x, c(d[1], prod(d[-1])))
}

# `cost(y, z)`: the losses of the columns of two matrices. A sample of several columns (steps of a
# sequence) has the mean of theirs.
nn_loss_by_column <- function(cost) {
  function(y, z, s, w) {
    inner <- dim(z)[-1]
    each <- nn_times(cost(nn_as_columns(y), nn_as_columns(z)), nn_extent(z) / prod(inner))
    list(cost = if (length(inner) == 1) each else nn_reshape(each, inner))
  }
}

#' @rdname losses
#' @order 7
#' @export
loss_cosine <- function() {
  cost <- function(y, z) {
    1 - colSums(z * y) / sqrt(pmax(colSums(z * z) * colSums(y * y), 1e-16))
  }
  best <- function(y, w, k) {
    unit <- t(t(y) / pmax(sqrt(colSums(y^2)), 1e-8))
    1 - sqrt(sum((unit %*% nn_unit_weights(w, ncol(y)))^2))
  }
  nn_loss("cosine", nn_loss_by_column(cost), baseline = best)
}

#' @rdname losses
#' @order 12
#' @export
loss_hinge <- function() {
  # j = y gives 0, so the largest is no less than that
  cost <- function(y, z) colMaxs(z + 1 - nn_hot(y, z)) - colSums(z * nn_hot(y, z))
  nn_loss(
    "hinge", nn_loss_by_column(cost), kind = "class",
    baseline = function(y, w, k) min(1, 2 * (1 - max(nn_shares(y, w, k))))
  )
}
