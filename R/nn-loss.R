#' Losses
#'
#' What a prediction costs. The training loss is the mean of the samples' losses, weighted if there
#' are weights. `z` is the output of the last layer, without an activation: a loss brings its own
#' response function, which [predict()][predict.nn_fit] applies. With several outputs per sample
#' (columns of `y`, steps of a sequence, pixels) a sample's loss is the mean over them, unless
#' said otherwise.
#'
#' Of numbers `y`, which `z` estimates:
#' \describe{
#'   \item{`loss_mse()`}{`(z - y)^2`}
#'   \item{`loss_mae()`}{`abs(z - y)`}
#'   \item{`loss_huber()`}{`a^2 / 2` if `a = abs(z - y)` is at most `delta`, else
#'     `delta (a - delta / 2)`}
#'   \item{`loss_quantile()`}{`max(tau (y - z), (tau - 1) (y - z))`: `z` estimates the
#'     `tau`-quantile. Several `tau` want as many outputs, for a single `y`; the
#'     quantiles may cross.}
#'   \item{`loss_gaussian()`}{`-log(dnorm(y, z1, exp(z2)))`: two outputs for each number, first all
#'     the means, then all the logarithms of standard deviations. The response is the mean.}
#'   \item{`loss_cosine()`}{`1 - sum(y z) / (norm(y) norm(z))`, over the outputs}
#' }
#' Of counts, with the response `mu = exp(z)`:
#' \describe{
#'   \item{`loss_poisson()`}{`-log(dpois(y, mu))`}
#'   \item{`loss_negative_binomial()`}{`-log(dnbinom(y, size = theta, mu = mu))`}
#' }
#' Of classes:
#' \describe{
#'   \item{`loss_cross_entropy()`}{`-log(p)` of the true class. The response is `p`, the softmax of
#'     an output for each class. `y` may also be a matrix of probabilities, which weigh the
#'     logarithms. With `label_smoothing = a` and `k` classes, the true class counts as
#'     `1 - a + a / k` and each other one as `a / k` (Szegedy et al. 2016).}
#'   \item{`loss_binary_cross_entropy()`}{`-y log(p) - (1 - y) log(1 - p)`, where the response is
#'     `p = 1 / (1 + exp(-z))`; of two classes, with a single output, or of numbers `y`
#'     within 0 and 1.}
#'   \item{`loss_hinge()`}{`max_j(z_j + (j != y)) - z_y`, of an output for each class (Crammer and
#'     Singer 2001)}
#'   \item{`loss_triplet()`, `loss_contrastive()`}{see below}
#' }
#'
#' `loss_triplet()` and `loss_contrastive()` place samples in a space (whose dimension is the number
#' of outputs) such that those of a class are close to each other. They compare the samples of a
#' batch, whose distances are `d`. The triplet loss is the mean of `margin + d(i, p) - d(i, q)`
#' over all triplets where that is positive; `p` is of `i`'s class, `q` of another
#' (batch all, Hermans et al. 2017). Time and memory grow with the cube of the batch size. The
#' contrastive loss is the mean over all pairs of `d^2 / 2` within a class
#' and `max(0, margin - d)^2 / 2` otherwise (Hadsell et al. 2006). A sample's weight is that of the
#' triplets or pairs whose first element it is.
#'
#' A number times a loss is a loss: of several outputs, `list(loss_mse(), 0.2 * loss_mae())` says how
#' much each counts in their sum.
#'
#' An R function `f(y_true, y_pred)` is a loss too: see [nn_fit()]. Its arguments are arrays with a
#' sample per row, `y_pred` being `z`, and `y_true` a column for each class (0 or 1) where `y` is a
#' factor. It is run once, on
#' placeholders, so it must be composed of operations that are accelerated, and returns a number for
#' each sample or one for the batch. With one for the batch, sample weights are an error,
#' unless the function has a third argument, which then gets them (a vector, mean 1).
#'
#' @param delta Where the loss turns from square to linear, greater than 0, in units of `y`.
#' @param tau Which quantile: one or more numbers between 0 and 1.
#' @param label_smoothing Share of the probability that is spread over all classes: at least 0 and
#'   less than 1.
#' @param theta The size: the variance is `mu + mu^2 / theta`. Greater than 0.
#' @param margin The distance to be kept, greater than 0.
#' @return An object of class `nn_loss`, for the `loss` of [nn_fit()].
#' @section Errors: A number out of its range, or any arithmetic but a product with a positive
#'   number, gives an error of class `anygpu_error_argument`.
#' @references Szegedy, C., Vanhoucke, V., Ioffe, S., Shlens, J. and Wojna, Z. (2016). Rethinking
#'   the inception architecture for computer vision. *CVPR*.
#'
#'   Huber, P. J. (1964). Robust estimation of a location parameter. *Annals of Mathematical
#'   Statistics* 35.
#'
#'   Koenker, R. and Bassett, G. (1978). Regression quantiles. *Econometrica* 46.
#'
#'   Crammer, K. and Singer, Y. (2001). On the algorithmic implementation of multiclass kernel-based
#'   vector machines. *JMLR* 2.
#'
#'   Hermans, A., Beyer, L. and Leibe, B. (2017). In defense of the triplet loss for person
#'   re-identification. arXiv:1703.07737.
#'
#'   Hadsell, R., Chopra, S. and LeCun, Y. (2006). Dimensionality reduction by learning an invariant
#'   mapping. *CVPR*.
#' @examples
#' loss_huber(delta = 2)
#' loss_cross_entropy(label_smoothing = 0.1)
#' 0.2 * loss_mae()
#' set.seed(1)
#' fit <- nn_fit(nn_model(layer_dense(1)), scale(cars["speed"]), cars$dist, epochs = 2,
#'               loss = loss_quantile(0.9))
#' @name losses
NULL

# What a loss is to the trainer. Arrays have outputs first and samples last; classes are codes from
# 0, as real numbers, of extent 1 where z has one for each class.
#
#   parts(y, z, s, w)  list(cost, slope). cost: an array with the samples last, a sample's loss
#                      being the sum of its elements; not summed yet, so that the sum over a batch
#                      is one kernel. slope: s (a number, or an array like z) times the derivatives
#                      of the samples' losses by z, written down where that gives a single kernel;
#                      NULL: to be derived. w: the weights, for losses of whole batches
#   link(z)            the response; of a plain matrix too
#   outputs(target)    the number of outputs for what nn_targets() says; NA: any
#   kind               of y: "numeric", "class" (codes), "either", or "shares": classes, or a column
#                      of shares for each
#   absorbs            the activation that `link` is: one at the end of the model is left out
#   degree             the loss of c y and c z is c^degree times that of y and z; NA: not so
#   baseline(y, w, k)  the loss of the best constant prediction, of plain numbers (k outputs); NA
#   check(y)           an error if these (plain) values cannot be
nn_loss <- function(name, parts, link = nn_link_identity, outputs = nn_outputs_same,
                    kind = "numeric", absorbs = NULL, degree = NA_real_,
                    baseline = function(y, w, k) NA_real_, check = function(y) invisible(),
                    settings = list()) {
  structure(class = "nn_loss", list(
    name = name, parts = parts, link = link, outputs = outputs, kind = kind, absorbs = absorbs,
    degree = degree, baseline = baseline, check = check, settings = settings
  ))
}

nn_link_identity <- function(z) z
nn_outputs_same <- function(target) target$outputs

# -- what the trainer asks for -----------------------------------------------------------------

# list(total, seed) of a batch: `total` is the sum of w times the samples' losses; the gradient of
# the sum of `seed` is that of total / n. `w`: a vector of weights (mean 1 over all samples, not
# over the batch), or NULL. A slope that the loss has written down is a constant in `seed`.
nn_loss_trace <- function(loss, y, z, w = NULL) {
  n <- nn_extent(z)
  parts <- loss$parts(y, z, if (is.null(w)) 1 / n else nn_stretch(w * (1 / n), z), w)
  total <- sum(if (is.null(w)) parts$cost else parts$cost * nn_stretch(w, parts$cost))
  if (is.null(parts$slope)) return(list(total = total, seed = total * (1 / n)))
  list(total = total, seed = z * nn_detach(parts$slope))
}

# The number of samples in a batch, and of outputs per sample.
nn_extent <- function(z) if (is.null(dim(z))) length(z) else dim(z)[length(dim(z))]
nn_outputs_of <- function(z) length(z) / nn_extent(z)

# A value for each sample, stretched over the array x.
nn_stretch <- function(v, x) {
  if (length(dim(x)) < 2) v else stretch(v, x, length(dim(x)))
}

# Sums over all but the samples.
nn_by_sample <- function(x) {
  rest <- length(dim(x)) - 1L
  if (rest < 1) x else colSums(x, dims = rest)
}

nn_times <- function(x, factor) if (identical(factor, 1)) x else x * factor

# -- losses of single elements -----------------------------------------------------------------

# `cost(y, z)` and its derivative `slope(y, z)` by z, element by element.
nn_loss_elementwise <- function(name, cost, slope, ...) {
  parts <- function(y, z, s, w) {
    share <- 1 / nn_outputs_of(z)
    list(cost = nn_times(cost(y, z), share), slope = slope(y, z) * nn_times(s, share))
  }
  nn_loss(name, parts, ...)
}

#' @rdname losses
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

# -- of several outputs at once ----------------------------------------------------------------

#' @rdname losses
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
#' @export
loss_hinge <- function() {
  # j = y gives 0, so the largest is no less than that
  cost <- function(y, z) colMaxs(z + 1 - nn_hot(y, z)) - colSums(z * nn_hot(y, z))
  nn_loss(
    "hinge", nn_loss_by_column(cost), kind = "class",
    baseline = function(y, w, k) min(1, 2 * (1 - max(nn_shares(y, w, k))))
  )
}

# -- plain R: baselines and checks -------------------------------------------------------------

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

# -- methods -----------------------------------------------------------------------------------

#' @export
Ops.nn_loss <- function(e1, e2) {
  if (.Generic != "*" || missing(e2) || (inherits(e1, "nn_loss") && inherits(e2, "nn_loss"))) {
    nn_stop("argument", "a loss can be multiplied by a number, and no more")
  }
  loss <- if (inherits(e1, "nn_loss")) e1 else e2
  nn_loss_times(loss, nn_number(if (inherits(e1, "nn_loss")) e2 else e1, "a factor of a loss"))
}

nn_loss_times <- function(loss, factor) {
  one <- loss
  loss$parts <- function(y, z, s, w) {
    parts <- one$parts(y, z, s * factor, w)
    parts$cost <- parts$cost * factor
    parts
  }
  loss$baseline <- function(y, w, k) one$baseline(y, w, k) * factor
  loss$name <- paste(format(factor), "*", one$name)
  loss
}

#' @export
format.nn_loss <- function(x, ...) {
  settings <- x$settings
  if (length(settings) == 0) return(x$name)
  values <- vapply(settings, function(v) paste(format(v), collapse = " "), "")
  sprintf("%s (%s)", x$name, paste(names(settings), values, collapse = ", "))
}

#' @export
print.nn_loss <- function(x, ...) {
  cat("<nn_loss> ", format(x), "\n", sep = "")
  invisible(x)
}
