#' Find a learning rate
#'
#' Trains for a short while with a learning rate that grows from step to step, from far too low to
#' far too high, and notes the loss of each batch (Smith 2017). A good rate is where the loss falls
#' most steeply; where it rises again the rate is too high.
#'
#' The suggestion is the rate at which the smoothed loss falls fastest per unit of `log(lr)`, the
#' first tenth of the steps left out.
#' Smoothing is a running mean in which the losses of `k` steps ago count `0.9^k`. Training ends
#' before `to` is reached when the smoothed loss is over four times its lowest value (counted from
#' the loss at the start), or no number.
#'
#' The model stays as it is: what is trained is a copy.
#' @param model,x,y,batch_size,... As for [nn_fit()]. There are no samples held out.
#' @param optimizer An optimiser with a learning rate, which is replaced.
#' @param from,to The first and the last learning rate, greater than 0.
#' @param steps How many steps, at least 10.
#' @return An object of class `nn_lr_find`: a list of `steps`, a data frame with the columns `lr`,
#'   `loss` and `smooth`, and of `suggestion`, a number. Methods: `print()`, `plot()`,
#'   `as.data.frame()`.
#' @section Errors: Those of [nn_fit()]; an optimiser without a learning rate gives an error of
#'   class `anygpu_error_argument`.
#' @references Smith, L. N. (2017). Cyclical learning rates for training neural networks. *WACV*.
#' @examples
#' set.seed(1)
#' net <- nn_model(layer_dense(16, "relu"), layer_dense(3))
#' found <- nn_lr_find(net, iris[1:4], iris$Species, steps = 50)
#' found
#' plot(found)
#' @export
nn_lr_find <- function(model, x, y, optimizer = opt_adam(), batch_size = 32, from = 1e-6, to = 10,
                       steps = 100, ...) {
  optimizer <- nn_as_optimizer(optimizer)
  if (is.null(optimizer$lr)) {
    nn_stop("argument", "opt_%s() has no learning rate to be found", optimizer$name)
  }
  from <- nn_number(from, "from")
  to <- nn_number(to, "to", from)
  steps <- nn_count(steps, "steps")
  if (steps < 10) nn_stop("argument", "`steps` must be at least 10, not %d", steps)
  optimizer$lr <- nn_schedule("range", from, to = to, steps = steps)
  n <- nn_rows(if (is.list(x) && !is.data.frame(x)) x[[1]] else x)
  batch <- min(nn_count(batch_size, "batch_size"), n)
  notes <- nn_lr_notes(n, batch, steps)
  # a loss that is no number is one of the ends that are looked for
  withCallingHandlers(
    nn_fit(model, x, y, epochs = ceiling(steps / ceiling(n / batch)), batch_size = batch,
           optimizer = optimizer, callbacks = nn_callback(on_batch_end = notes$see),
           validation = 0, verbose = FALSE, ...),
    anygpu_warning_diverged = function(w) invokeRestart("muffleWarning")
  )
  nn_lr_found(notes$losses(), from * (to / from)^((seq_len(steps) - 1) / (steps - 1)))
}

# see(): called after each batch with the mean loss of the epoch so far; losses(): of each batch.
nn_lr_notes <- function(n, batch, steps) {
  losses <- numeric()
  epoch <- done <- total <- 0
  see <- function(state) {
    if (state$epoch != epoch) done <<- total <<- 0
    epoch <<- state$epoch
    now <- min(done + batch, n)
    sum <- state$scores[["loss"]] * now
    losses <<- c(losses, (sum - total) / (now - done))
    done <<- now
    total <<- sum
    if (length(losses) >= steps || nn_lr_over(losses)) "stop"
  }
  list(see = see, losses = function() losses)
}

# Running means; each weighs the losses of k steps ago by 0.9^k.
nn_lr_smooth <- function(losses) {
  sums <- stats::filter(losses, 0.9, "recursive")
  as.vector(sums) / cumsum(0.9^(seq_along(losses) - 1))
}

nn_lr_over <- function(losses) {
  if (!is.finite(losses[length(losses)])) return(TRUE)
  smooth <- nn_lr_smooth(losses)
  low <- min(smooth)
  smooth[length(smooth)] - low > 3 * abs(low) && smooth[length(smooth)] > smooth[1]
}

nn_lr_found <- function(losses, lr) {
  known <- which(is.finite(losses))
  steps <- data.frame(lr = lr[known], loss = losses[known])
  steps$smooth <- nn_lr_smooth(steps$loss)
  structure(list(steps = steps, suggestion = nn_lr_suggest(steps)), class = "nn_lr_find")
}

# Where the smoothed loss falls fastest before its minimum, over a tenth of the steps. (The rates
# are spaced evenly in log(lr).) The first tenth is left out: a mean of few losses is noise.
nn_lr_suggest <- function(steps) {
  tenth <- max(1, nrow(steps) %/% 10)
  from <- seq_len(nrow(steps) - tenth)
  from <- from[from > tenth & from + tenth <= which.min(steps$smooth)]
  fall <- steps$smooth[from] - steps$smooth[from + tenth]
  if (!any(fall > 0)) return(NA_real_)
  best <- from[which.max(fall)]
  sqrt(steps$lr[best] * steps$lr[best + tenth])
}

#' @export
print.nn_lr_find <- function(x, ...) {
  n <- nrow(x$steps)
  range <- format(signif(x$steps$lr[c(1, n)], 3))
  cat(sprintf("<nn_lr_find> %d steps, learning rates %s to %s\n", n, range[1], range[2]))
  if (is.na(x$suggestion)) {
    cat("the loss did not fall: start from a lower rate\n")
  } else {
    cat("the loss falls fastest at", format(signif(x$suggestion, 3)), "\n")
  }
  invisible(x)
}

#' @export
as.data.frame.nn_lr_find <- function(x, ...) x$steps

#' Plot the search for a learning rate
#'
#' Draws the loss of each batch and its running mean against the learning rate, with a line at the
#' suggestion.
#' @param x A result of [nn_lr_find()].
#' @param ... Further arguments of [graphics::plot.default()].
#' @return `x`, invisibly.
#' @examples
#' set.seed(1)
#' found <- nn_lr_find(nn_model(layer_dense(1)), cars["speed"], cars$dist, steps = 40)
#' plot(found)
#' @exportS3Method
plot.nn_lr_find <- function(x, ...) {
  s <- x$steps
  # single losses at the end may be huge
  top <- max(s$smooth[is.finite(s$smooth)], s$loss[1])
  settings <- utils::modifyList(
    list(type = "p", log = "x", xlab = "Learning rate", ylab = "Loss", col = "grey60", pch = 20,
         ylim = c(min(s$smooth, s$loss), top)),
    list(...)
  )
  do.call(graphics::plot, c(list(s$lr, s$loss), settings))
  graphics::lines(s$lr, s$smooth, lwd = 2)
  if (!is.na(x$suggestion)) graphics::abline(v = x$suggestion, lty = 2)
  invisible(x)
}
