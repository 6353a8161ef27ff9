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
#'     the means, then all the logarithms of standard deviations. The response is the mean; both are
#'     in `predict(type = "link")`.}
#'   \item{`loss_cosine()`}{`1 - sum(y z) / (norm(y) norm(z))`, over the outputs}
#' }
#' With the first two and the quantile, [nn_fit()] standardises `y` unless told otherwise. With the
#' others it does not: bring a `y` whose numbers are far from 1 in size to mean 0 and variance 1.
#'
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
#' A number times a loss is a loss: of several outputs, `list(loss_mse(), 0.2 * loss_mae())` says
#' how much each counts in their sum.
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
#' @order 1
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
