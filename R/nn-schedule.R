#' Learning rate schedules
#'
#' Learning rates that change while a network is trained, to be given as the `lr` of an optimiser
#' such as [opt_adam()]. `lr` is the rate at the start, or after the warm-up. An epoch's steps are
#' its batches.
#'
#' `lr_step()`: the rate is multiplied by `factor` after each `every` epochs; or, if `at` is given,
#' after the epochs `at`.
#'
#' `lr_exponential()`: the rate is multiplied by `factor` in the course of each epoch, a little at
#' each step.
#'
#' `lr_cosine()`: with `T` steps in all, of which the first `W = warmup T` warm up, the rate of step
#' `t` is `lr t / W` up to `W`, then falls as half a cosine wave, from `lr` at step `W + 1` to
#' `min` at its end (Loshchilov and Hutter 2017, without restarts).
#'
#' `lr_one_cycle()`: from `lr / start` up to `lr` in the share `up` of all steps, then down to
#' `lr / start / end`, each half a cosine wave (Smith and Topin 2018; as PyTorch, but the momentum
#' stays).
#'
#' `lr_plateau()`: the rate is multiplied by `factor`, but not below `min`, when the validation loss
#' (or the training loss if there is no validation) has not fallen for more than `patience` epochs
#' below `1 - threshold` times its lowest value.
#'
#' @param lr Learning rate, greater than 0.
#' @param every A number of epochs, at least 1.
#' @param at Numbers of epochs, increasing, in place of `every`.
#' @param factor Greater than 0 and less than 1.
#' @param warmup The share of the steps in which the rate grows: at least 0 and less than 1.
#' @param min The lowest rate, at least 0.
#' @param up The share of the steps in which the rate grows: greater than 0 and less than 1.
#' @param start,end How much lower than the highest rate the first is, and than that the last:
#'   at least 1.
#' @param patience A number of epochs, at least 0.
#' @param threshold At least 0 and less than 1.
#' @return An object of class `nn_schedule`, with `format()`, `print()` and `plot()` methods.
#' @section Errors: A number out of its range gives an error of class `anygpu_error_argument`.
#' @references Loshchilov, I. and Hutter, F. (2017). SGDR: stochastic gradient descent with warm
#'   restarts. *ICLR*.
#'
#'   Smith, L. N. and Topin, N. (2018). Super-convergence: very fast training of neural networks
#'   using large learning rates. arXiv:1708.07120.
#' @examples
#' lr_step(0.1, every = 30)
#' opt_sgd(lr_one_cycle(0.1), momentum = 0.9)
#' plot(lr_cosine(0.01, warmup = 0.1), epochs = 5, steps = 50)
#' @name schedules
NULL

#' @rdname schedules
#' @export
lr_step <- function(lr, every = 10, factor = 0.1, at = NULL) {
  if (!is.null(at)) {
    if (!is.numeric(at) || is.unsorted(at, strictly = TRUE)) {
      nn_stop("argument", "`at` must be increasing numbers of epochs, not %s", nn_describe(at))
    }
    at <- vapply(at, nn_count, 0L, name = "at")
  }
  nn_schedule("step", lr, every = if (is.null(at)) nn_count(every, "every"),
              factor = nn_number(factor, "factor", 0, 1), at = at)
}

#' @rdname schedules
#' @export
lr_exponential <- function(lr, factor = 0.95) {
  nn_schedule("exponential", lr, factor = nn_number(factor, "factor", 0, 1))
}

#' @rdname schedules
#' @export
lr_cosine <- function(lr, warmup = 0, min = 0) {
  nn_schedule("cosine", lr, warmup = nn_number(warmup, "warmup", 0, 1, closed = TRUE),
              min = nn_number(min, "min", closed = TRUE))
}

#' @rdname schedules
#' @export
lr_one_cycle <- function(lr, up = 0.3, start = 25, end = 1e4) {
  nn_schedule("one_cycle", lr, up = nn_number(up, "up", 0, 1),
              start = nn_number(start, "start", 1, closed = TRUE),
              end = nn_number(end, "end", 1, closed = TRUE))
}

#' @rdname schedules
#' @export
lr_plateau <- function(lr, factor = 0.1, patience = 10, threshold = 1e-4, min = 0) {
  patience <- nn_number(patience, "patience", closed = TRUE)
  nn_schedule("plateau", lr, factor = nn_number(factor, "factor", 0, 1), patience = patience,
              threshold = nn_number(threshold, "threshold", 0, 1, closed = TRUE),
              min = nn_number(min, "min", closed = TRUE))
}

nn_schedule <- function(name, lr, ...) {
  structure(list(name = name, lr = nn_number(lr, "lr"), ...), class = "nn_schedule")
}

# -- what the trainer asks for -----------------------------------------------------------------

# The learning rates of the steps t = 1, 2, ... of a run of `epochs` epochs of `steps` steps.
# `lr`: a number or a schedule; `state`: of a schedule that looks at the loss.
nn_rates <- function(lr, t, steps, epochs, state = NULL) {
  if (is.numeric(lr)) return(rep(lr, length(t)))
  nn_schedule_rates[[lr$name]](lr, t, steps, steps * epochs, state)
}

# One row per schedule: the rates of steps t out of `total`.
nn_schedule_rates <- list(
  step = function(s, t, steps, total, state) {
    epoch <- (t - 1) %/% steps
    drops <- if (is.null(s$at)) epoch %/% s$every else base::findInterval(epoch, s$at)
    s$lr * s$factor^drops
  },
  exponential = function(s, t, steps, total, state) s$lr * s$factor^((t - 1) / steps),
  cosine = function(s, t, steps, total, state) {
    warm <- round(s$warmup * total)
    fall <- nn_half_wave((t - 1 - warm) / (total - warm), s$lr, s$min)
    base::ifelse(t <= warm, s$lr * t / warm, fall)
  },
  one_cycle = function(s, t, steps, total, state) {
    top <- s$up * total - 1
    first <- s$lr / s$start
    rise <- nn_half_wave((t - 1) / top, first, s$lr)
    fall <- nn_half_wave((t - 1 - top) / (total - 1 - top), s$lr, first / s$end)
    base::ifelse(t - 1 <= top, rise, fall)
  },
  # of nn_lr_find()
  range = function(s, t, steps, total, state) s$lr * (s$to / s$lr)^((t - 1) / (s$steps - 1)),
  plateau = function(s, t, steps, total, state) {
    rep(max(s$lr * s$factor^(if (is.null(state)) 0 else state$drops), s$min), length(t))
  }
)

# From `from` at 0 to `to` at 1.
nn_half_wave <- function(x, from, to) {
  x <- base::pmin(base::pmax(x, 0), 1)
  to + (from - to) * (1 + cos(pi * x)) / 2
}

# The state after an epoch with this loss; NULL is the state before the first. Nothing to keep for
# a rate that does not look at the loss.
nn_rates_note <- function(lr, state, loss) {
  if (!inherits(lr, "nn_schedule") || lr$name != "plateau") return(NULL)
  if (is.null(state)) state <- list(best = Inf, bad = 0, drops = 0)
  # a loss may be negative: lower by a share of its size
  limit <- if (is.finite(state$best)) state$best - lr$threshold * abs(state$best) else Inf
  if (is.finite(loss) && loss < limit) return(list(best = loss, bad = 0, drops = state$drops))
  state$bad <- state$bad + 1
  if (state$bad > lr$patience) {
    state$bad <- 0
    state$drops <- state$drops + 1
  }
  state
}

# -- methods -----------------------------------------------------------------------------------

#' @export
format.nn_schedule <- function(x, ...) {
  values <- Filter(Negate(is.null), unclass(x)[-1])
  values <- vapply(values, function(v) paste(format(v), collapse = " "), "")
  sprintf("%s (%s)", gsub("_", " ", x$name), paste(names(values), values, collapse = ", "))
}

#' @export
print.nn_schedule <- function(x, ...) {
  cat("<nn_schedule> ", format(x), "\n", sep = "")
  invisible(x)
}

#' Plot a learning rate schedule
#'
#' Draws the rates of all steps of a training. For [lr_plateau()] these are the rates if the loss
#' never falls after the first epoch.
#' @param x A [schedule][schedules].
#' @param epochs,steps How many epochs, of how many batches.
#' @param ... Further arguments of [graphics::plot.default()].
#' @return A data frame of `epoch` (with fractions) and `lr`, invisibly.
#' @examples
#' plot(lr_step(0.1, every = 3), epochs = 10)
#' @exportS3Method
plot.nn_schedule <- function(x, epochs = 10, steps = 100, ...) {
  epochs <- nn_count(epochs, "epochs")
  steps <- nn_count(steps, "steps")
  lr <- numeric()
  state <- NULL
  for (epoch in seq_len(epochs)) {
    lr <- c(lr, nn_rates(x, (epoch - 1) * steps + seq_len(steps), steps, epochs, state))
    state <- nn_rates_note(x, state, 1)
  }
  data <- data.frame(epoch = seq_along(lr) / steps, lr = lr)
  settings <- utils::modifyList(
    list(type = "l", xlab = "Epoch", ylab = "Learning rate", main = format(x),
         ylim = c(0, max(lr))),
    list(...)
  )
  do.call(graphics::plot, c(list(data$epoch, data$lr), settings))
  invisible(data)
}
