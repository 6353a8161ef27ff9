# Losses that are sums over single elements of the output.

# `cost(y, z)` and its derivative `slope(y, z)` by z, element by element.
nn_loss_elementwise <- function(name, cost, slope, ...) {
  parts <- function(y, z, s, w) {
    share <- 1 / nn_outputs_of(z)
    list(cost = nn_times(cost(y, z), share), slope = slope(y, z) * nn_times(s, share))
  }
  nn_loss(name, parts, ...)
}

#' @rdname losses
#' @order 2
#' @export
loss_mse <- function() {
  parts <- function(y, z, s, w) {
    share <- 1 / nn_outputs_of(z)
    list(cost = nn_times((z - y) * (z - y), share), slope = (z - y) * nn_times(s, 2 * share))
  }
  nn_loss("mse", parts, degree = 2, baseline = nn_baseline(function(y, w) {
    sum(w * (y - sum(w * y))^2)
  }))
}

#' @rdname losses
#' @order 3
#' @export
loss_mae <- function() {
  nn_loss_elementwise(
    "mae", degree = 1,
    cost = function(y, z) abs(z - y),
    slope = function(y, z) sign(z - y),
    baseline = nn_baseline(function(y, w) sum(w * abs(y - nn_weighted_quantile(y, w, 0.5))))
  )
}

#' @rdname losses
#' @order 4
#' @export
loss_huber <- function(delta = 1) {
  delta <- nn_number(delta, "delta")
  cost <- function(y, z) {
    near <- pmin(abs(z - y), delta)
    near * (abs(z - y) - 0.5 * near)
  }
  best <- function(y, w) {
    risk <- function(z) sum(w * cost(y, z))
    if (all(y == y[1])) 0 else stats::optimize(risk, range(y), tol = 1e-9)$objective
  }
  nn_loss_elementwise(
    "huber", cost, slope = function(y, z) pmax(pmin(z - y, delta), -delta),
    baseline = nn_baseline(best), settings = list(delta = delta)
  )
}

#' @rdname losses
#' @order 5
#' @export
loss_quantile <- function(tau = 0.5) {
  if (!is.numeric(tau) || length(tau) == 0) nn_number(tau, "tau", 0, 1)
  tau <- vapply(tau, nn_number, 0, name = "tau", low = 0, high = 1)
  several <- length(tau) > 1
  over <- function(y, z) if (several) stretch(y, z, 2) else y
  best <- function(y, w) {
    mean(vapply(tau, function(t) {
      d <- y - nn_weighted_quantile(y, w, t)
      sum(w * pmax(t * d, (t - 1) * d))
    }, 0))
  }
  nn_loss_elementwise(
    "quantile", degree = 1,
    cost = function(y, z) pmax(tau * (over(y, z) - z), (tau - 1) * (over(y, z) - z)),
    slope = function(y, z) (z > over(y, z)) - tau,
    outputs = function(target) if (several) length(tau) else target$outputs,
    baseline = nn_baseline(best), settings = list(tau = tau),
    check = function(y) {
      if (!several || nrow(y) == 1) return(invisible())
      nn_stop("shape", "loss_quantile() of several `tau` wants a single `y`, not %d", nrow(y))
    }
  )
}

#' @rdname losses
#' @order 8
#' @export
loss_poisson <- function() {
  nn_loss_elementwise(
    "poisson", link = exp, absorbs = "exponential", check = nn_check_counts("poisson"),
    cost = function(y, z) exp(z) - y * z + lgamma(y + 1),
    slope = function(y, z) exp(z) - y,
    baseline = nn_baseline(function(y, w) -sum(w * stats::dpois(round(y), sum(w * y), TRUE)))
  )
}

# With q = log(1 + mu / theta), the density's logarithm is
# lgamma(y + theta) - lgamma(theta) - lgamma(y + 1) + y (z - log(theta)) - (y + theta) q.
#' @rdname losses
#' @order 9
#' @export
loss_negative_binomial <- function(theta = 1) {
  theta <- nn_number(theta, "theta")
  cost <- function(y, z) {
    (y + theta) * softplus(z - log(theta)) - y * (z - log(theta)) +
      lgamma(y + 1) - lgamma(y + theta) + lgamma(theta)
  }
  best <- function(y, w) {
    -sum(w * stats::dnbinom(round(y), size = theta, mu = sum(w * y), log = TRUE))
  }
  nn_loss_elementwise(
    "negative_binomial", cost, link = exp, absorbs = "exponential", settings = list(theta = theta),
    slope = function(y, z) (y + theta) * sigmoid(z - log(theta)) - y,
    baseline = nn_baseline(best), check = nn_check_counts("negative_binomial")
  )
}

#' @rdname losses
#' @order 11
#' @export
loss_binary_cross_entropy <- function() {
  entropy <- function(y, w) {
    p <- sum(w * y)
    -sum(nn_xlogx(c(p, 1 - p)))
  }
  nn_loss_elementwise(
    "binary_cross_entropy", kind = "either", link = sigmoid, absorbs = "sigmoid",
    cost = function(y, z) softplus(z) - y * z,
    slope = function(y, z) sigmoid(z) - y,
    outputs = function(target) if (is.null(target$levels)) target$outputs else 1L,
    baseline = nn_baseline(entropy),
    check = function(y) {
      if (all(y >= 0 & y <= 1)) return(invisible())
      nn_stop("argument", "loss \"binary_cross_entropy\" wants two classes or `y` within 0 and 1")
    }
  )
}
