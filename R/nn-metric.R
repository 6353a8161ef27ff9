#' Metrics
#'
#' What is watched beside the loss while a network is trained: for each epoch a number for the
#' training samples (a mean over the batches, each taken before its step) and one for those held
#' out. Sample weights count. With several outputs per sample (columns of `y`, steps of a sequence)
#' the number is a mean over them, unless said otherwise.
#'
#' Of classes:
#' \describe{
#'   \item{`metric_accuracy()`}{the share of samples whose class is the most probable one}
#'   \item{`metric_top_k()`}{the share of samples whose class is among the `k` most probable ones}
#'   \item{`metric_f1()`}{`2 TP / (2 TP + FP + FN)` of the second of two classes; of more classes,
#'     the mean over them of each against the rest}
#'   \item{`metric_auc()`}{the area under the ROC curve: the probability that a sample of the second
#'     class has a higher score than one of the first, ties counting a half; of more classes, the
#'     mean over all pairs of classes (Hand and Till 2001). It needs all scores at once, so it is
#'     computed at the end of an epoch, on the samples held out, or if there are none on those of
#'     the training.}
#' }
#' Of numbers, where the prediction `p` is the loss's response:
#' \describe{
#'   \item{`metric_mae()`}{`mean(abs(y - p))`}
#'   \item{`metric_rmse()`}{`sqrt(mean((y - p)^2))`, over all outputs}
#'   \item{`metric_r2()`}{`1 - sum((y - p)^2) / sum((y - mean(y))^2)`}
#' }
#' `metric_custom()`: a function of arrays with a sample per row: `y_true`, and `y_pred`, the
#' response (probabilities of classes). Where `y` is a factor, `y_true` has a column for each class
#' (0 or 1). The function returns a number for each sample or one for all. It runs on the device and
#' is traced once, so it must be composed of operations that are accelerated; with `collect` it gets
#' ordinary arrays of all samples, as `metric_auc()` does.
#'
#' @param k How many classes, at least 1.
#' @param name What the metric is called.
#' @param f A function of `(y_true, y_pred)`.
#' @param better Whether a `"lower"` or a `"higher"` value is better.
#' @param collect Whether the function is to be called in R, at the end of an epoch, on all samples.
#' @return An object of class `nn_metric`, for the `metrics` of [nn_fit()].
#' @section Errors: Bad arguments give errors of class `anygpu_error_argument`; a metric of
#'   classes for numbers, or the other way round, one of class `anygpu_error_type`.
#' @references Hand, D. J. and Till, R. J. (2001). A simple generalisation of the area under the ROC
#'   curve for multiple class classification problems. *Machine Learning* 45.
#' @examples
#' metric_top_k(3)
#' metric_custom("largest error", function(y_true, y_pred) max(abs(y_true - y_pred)),
#'               collect = TRUE)
#' @name metrics
NULL

# What a metric is to the trainer, once nn_as_metric() has said what it is used with:
#
#   sums(y, z, w)  of a batch: a vector of `n` numbers to be added up over the batches; y, z and w
#                  as a loss gets them
#   value(means)   the metric, from those sums divided by the sum of the weights
#   collect        TRUE: there are no sums, and value(y, z, w) is called in R on all samples, in
#                  ordinary arrays of the same layout
#   shifts         TRUE: only differences count, of y from z or from its mean; then y and z come
#                  without the mean of the target, which would cost digits in float32
#
# What a constructor gives is bind(loss, k, class), a function that gives these for a loss and k
# classes (`class`) or columns of y.
nn_metric <- function(name, bind, kind = c("either", "class", "numeric"), better = "lower",
                      settings = list(), collect = FALSE, shifts = FALSE) {
  structure(class = "nn_metric", list(
    name = name, bind = bind, kind = match.arg(kind), better = better, settings = settings,
    collect = collect, shifts = shifts
  ))
}

# A metric from a metric, a name or a function of (y_true, y_pred), for a loss and k classes
# (`class`) or columns of y.
nn_as_metric <- function(x, loss = loss_mse(), k = 1L, class = loss$kind == "class") {
  if (is.function(x)) x <- metric_custom("custom", x)
  table <- nn_metric_table()
  if (is.character(x) && length(x) == 1 && x %in% names(table)) x <- table[[x]]()
  if (!inherits(x, "nn_metric")) {
    nn_stop("argument", "`metrics` must be metrics such as metric_r2(), functions or %s, not %s",
            paste(c("some of", paste0("\"", names(table), "\"", collapse = ", ")), collapse = " "),
            nn_describe(x))
  }
  if (x$kind != "either" && (x$kind == "class") != class) {
    nn_stop("type", "metric \"%s\" is for %s `y`", x$name,
            if (class) "a numeric" else "a factor as")
  }
  x[c("n", "sums", "value")] <- list(n = 0L, sums = NULL, value = NULL)
  bound <- x$bind(loss, k, class)
  x[names(bound)] <- bound
  x
}

nn_metric_table <- function() {
  list(accuracy = metric_accuracy, top_k = metric_top_k, auc = metric_auc, f1 = metric_f1,
       mae = metric_mae, rmse = metric_rmse, r2 = metric_r2)
}

# A metric that is a function of the mean of `each(y, p)` over the samples.
nn_mean_metric <- function(each, value = function(mean) mean) {
  list(n = 1L, value = value, sums = function(y, z, w) nn_weighted_sum(each(y, z), w))
}

nn_weighted_sum <- function(v, w) sum(if (is.null(w)) v else v * w)

# -- of classes --------------------------------------------------------------------------------

# `hit(y, z)`: whether each column of a matrix is right; a sample may have several.
nn_hits <- function(hit) {
  nn_mean_metric(function(y, z) {
    right <- nn_ones(hit(nn_as_columns(y), nn_as_columns(z)), z)
    steps <- length(right) / nn_extent(z)
    if (steps == 1) right else colMeans(nn_reshape(right, c(steps, nn_extent(z))))
  })
}

#' @rdname metrics
#' @export
metric_accuracy <- function() {
  nn_metric("accuracy", kind = "class", better = "higher", bind = function(loss, k, class) {
    nn_hits(function(y, z) nn_guess(z) == nn_truth(y, z))
  })
}

# The class that is guessed, and the true one, from 1; of a single output, its sign tells.
nn_guess <- function(z) {
  if (nrow(z) == 1) nn_ones(nn_reshape(z > 0, ncol(z)), z) + 1 else nn_ones(colWhichMaxs(z), z)
}

nn_truth <- function(y, z) {
  if (nrow(y) == 1) nn_reshape(y, ncol(y)) + 1 else nn_ones(colWhichMaxs(y), z)
}

#' @rdname metrics
#' @export
metric_top_k <- function(k = 5) {
  k <- nn_count(k, "k")
  hit <- function(y, z) {
    own <- colSums(z * nn_hot(y, z))
    colSums(nn_ones(z > stretch(own, z, 2), z)) < k
  }
  nn_metric(paste0("top_", k), kind = "class", better = "higher", settings = list(k = k),
            bind = function(loss, k, class) nn_hits(hit))
}

# The numbers of true positives, of guesses and of members, for each class.
#' @rdname metrics
#' @export
metric_f1 <- function() {
  bind <- function(loss, k, class) {
    classes <- if (k == 2) 2 else seq_len(k)
    sums <- function(y, z, w) {
      if (!is.null(w)) w <- nn_reshape(nn_stretch(w, y), length(y))
      z <- nn_as_columns(z)
      guess <- nn_guess(z)
      truth <- nn_truth(nn_as_columns(y), z)
      counts <- lapply(classes, function(class) {
        both <- list(guess == class & truth == class, guess == class, truth == class)
        lapply(both, function(hit) nn_weighted_sum(nn_ones(hit, z), w))
      })
      .Call(C_concat, unlist(counts, recursive = FALSE), NULL)
    }
    list(n = 3L * length(classes), sums = sums, value = function(means) {
      means <- matrix(means, 3)
      f1 <- 2 * means[1, ] / (means[2, ] + means[3, ])
      mean(f1[means[2, ] + means[3, ] > 0]) # a class that does not occur has none
    })
  }
  nn_metric("f1", bind, kind = "class", better = "higher")
}

#' @rdname metrics
#' @export
metric_auc <- function() {
  bind <- function(loss, k, class) {
    list(value = function(y, z, w = NULL) {
      if (!is.null(w)) w <- rep(w, each = length(y) / nn_extent(y)) # each step of a sequence
      nn_auc(as.vector(y), nn_class_scores(loss, matrix(z, dim(z)[1])), w)
    })
  }
  nn_metric("auc", bind, kind = "class", better = "higher", collect = TRUE)
}

# A column for each class.
nn_class_scores <- function(loss, z) {
  if (nrow(z) == 1) return(cbind(-z[1, ], z[1, ]))
  if (nrow(z) == 2) return(cbind(z[1, ] - z[2, ], z[2, ] - z[1, ]))
  t(plain(loss$link(gpu(z))))
}

# The mean over all pairs of classes 0, 1, ... that occur, each seen from both sides.
nn_auc <- function(y, scores, w = NULL) {
  if (is.null(w)) w <- rep(1, length(y))
  classes <- sort(base::unique(y))
  if (length(classes) < 2) return(NA_real_)
  pairs <- utils::combn(classes, 2)
  mean(apply(pairs, 2, function(pair) {
    mean(vapply(pair, function(class) {
      of <- y %in% pair
      nn_auc_pair(y[of] == class, scores[of, class + 1], w[of])
    }, 0))
  }))
}

# P(score of a positive > that of a negative) + P(equal) / 2, by the weights below each score.
nn_auc_pair <- function(positive, score, w) {
  rank <- base::match(score, sort(base::unique(score)))
  up <- nn_tabulate(rank, w * positive)
  down <- nn_tabulate(rank, w * !positive)
  sum(up * (cumsum(down) - down / 2)) / (sum(up) * sum(down))
}

nn_tabulate <- function(rank, w) as.vector(rowsum(w, factor(rank, seq_len(max(rank)))))

# -- of numbers --------------------------------------------------------------------------------

# Of the samples: the mean over their values of `error(y - p)`.
nn_errors <- function(error, value = function(mean) mean) {
  function(loss, k, class) {
    nn_mean_metric(function(y, z) {
      nn_by_sample(nn_times(error(y - loss$link(z)), 1 / nn_outputs_of(y)))
    }, value)
  }
}

#' @rdname metrics
#' @export
metric_mae <- function() nn_metric("mae", nn_errors(abs), kind = "numeric", shifts = TRUE)

#' @rdname metrics
#' @export
metric_rmse <- function() {
  nn_metric("rmse", nn_errors(function(d) d * d, value = sqrt), kind = "numeric", shifts = TRUE)
}

# Sums of y and of y^2 beside those of the squared errors, for each column.
#' @rdname metrics
#' @export
metric_r2 <- function() {
  bind <- function(loss, k, class) {
    sums <- function(y, z, w) {
      flat <- function(x) nn_reshape(x, c(k, length(y) / k))
      share <- k * nn_extent(y) / length(y) # of a step in its sequence
      weigh <- if (is.null(w)) share else flat(nn_stretch(w, y)) * share
      d <- flat(y - loss$link(z))
      y <- flat(y)
      .Call(C_concat, lapply(list(d * d, y, y * y), function(v) rowSums(v * weigh)), NULL)
    }
    list(n = 3L * as.integer(k), sums = sums, value = function(means) {
      means <- matrix(means, ncol = 3)
      mean(1 - means[, 1] / (means[, 3] - means[, 2]^2))
    })
  }
  nn_metric("r2", bind, kind = "numeric", better = "higher", shifts = TRUE)
}

# -- of users ----------------------------------------------------------------------------------

#' @rdname metrics
#' @export
metric_custom <- function(name, f, better = c("lower", "higher"), collect = FALSE) {
  if (!is.character(name) || length(name) != 1 || is.na(name)) {
    nn_stop("argument", "`name` must be a single string, not %s", nn_describe(name))
  }
  if (!is.function(f)) nn_stop("argument", "`f` must be a function, not %s", nn_describe(f))
  collect <- nn_flag(collect, "collect")
  bind <- function(loss, k, class) {
    if (collect) nn_collected_metric(f, loss, k, class) else nn_traced_metric(f, loss, k, class)
  }
  nn_metric(name, bind, better = match.arg(better), collect = collect)
}

nn_traced_metric <- function(f, loss, k, class) {
  nn_mean_metric(function(y, z) {
    n <- nn_extent(z)
    value <- nn_call_user(f, y, loss$link(z), if (class) k else 0L)
    if (!is_gpu(value) || !length(value) %in% c(1, n)) {
      nn_stop("shape", "a metric must return a number for each sample or one for all, not %s",
              nn_describe(value))
    }
    if (length(value) == n) nn_reshape(value, n) else .Call(C_rep, value, 1, n, NULL, NULL)
  })
}

nn_collected_metric <- function(f, loss, k, class) {
  list(value = function(y, z, w = NULL) {
    if (class) {
      y <- array(outer(seq_len(k) - 1, as.vector(y), "==") + 0, c(k, dim(y)[-1]))
    }
    value <- f(aperm(y), aperm(plain(loss$link(gpu(z)))))
    if (!is.numeric(value) || !length(value) %in% c(1, nn_extent(z))) {
      nn_stop("shape", "a metric must return a number for each sample or one for all, not %s",
              nn_describe(value))
    }
    if (is.null(w) || length(value) == 1) mean(value) else stats::weighted.mean(value, w)
  })
}

#' @export
format.nn_metric <- function(x, ...) {
  if (length(x$settings) == 0) return(x$name)
  sprintf("%s (%s)", x$name, paste(names(x$settings), unlist(x$settings), collapse = ", "))
}

#' @export
print.nn_metric <- function(x, ...) {
  cat("<nn_metric> ", format(x), "\n", sep = "")
  invisible(x)
}
