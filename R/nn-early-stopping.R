#' End a training when it no longer gets better
#'
#' @param patience How many epochs without a better value end the training.
#' @param monitor A column of the history, such as `"val_accuracy"`; `NULL`: the loss of the samples
#'   held out, or of the training if there are none.
#' @param min_delta How much better counts as better.
#' @param restore Whether the weights of the best epoch are restored at the end.
#' @return An object for the argument `early_stopping` of [nn_fit()].
#' @examples
#' set.seed(1)
#' fit <- nn_fit(nn_model(layer_dense(3)), iris[1:4], iris$Species, epochs = 100,
#'               validation = 0.2, early_stopping = nn_early_stopping(5),
#'               optimizer = opt_adam(0.1))
#' fit$best_epoch
#' @export
nn_early_stopping <- function(patience = 5, monitor = NULL, min_delta = 0, restore = TRUE) {
  if (!is.null(monitor) && !(is.character(monitor) && length(monitor) == 1)) {
    nn_stop("argument", "`monitor` must be the name of a column of the history, not %s",
            nn_describe(monitor))
  }
  structure(list(patience = nn_count(patience, "patience"), monitor = monitor,
                 min_delta = nn_number(min_delta, "min_delta", closed = TRUE),
                 restore = nn_flag(restore, "restore")), class = "nn_early_stopping")
}

nn_as_early_stopping <- function(x) {
  if (is.null(x) || inherits(x, "nn_early_stopping")) return(x)
  nn_early_stopping(nn_count(x, "early_stopping"))
}

# Keeps the best epoch, and ends the training when it lies too far back.
nn_early_stop <- function(run, row) {
  rule <- run$job$options$early_stopping
  if (is.null(rule)) return(invisible())
  value <- nn_monitored(run, rule, row)
  best <- run$best
  if (is.null(best) || value < best$value - rule$min_delta) {
    run$best <- list(value = value, epoch = run$epoch,
                     param = if (rule$restore) nn_run_param(run),
                     fixed = if (rule$restore) nn_trainer_read(run$trainer, "fixed"))
  } else if (run$epoch - best$epoch >= rule$patience) {
    run$stop <- "early"
  }
}

# The value that is watched, so that less is better.
nn_monitored <- function(run, rule, row) {
  if (is.null(rule$monitor)) return(nn_watched(row))
  if (!rule$monitor %in% names(row)) {
    nn_stop("argument", "`monitor` is \"%s\": the history has %s", rule$monitor,
            nn_some(names(row), 20))
  }
  if (is.na(row[[rule$monitor]]) && startsWith(rule$monitor, "val_")) {
    nn_stop("argument", "`monitor` is \"%s\", but no samples are held out: see `validation`",
            rule$monitor)
  }
  if (nn_higher_is_better(run, sub("^val_", "", rule$monitor))) -row[[rule$monitor]]
  else row[[rule$monitor]]
}

nn_higher_is_better <- function(run, name) {
  any(unlist(Map(function(metrics, suffix) {
    lapply(metrics, function(m) m$better == "higher" && name == paste0(m$name, suffix))
  }, run$job$metrics, nn_suffixes(run$job$net$outputs))))
}

nn_run_best_restore <- function(run) {
  rule <- run$job$options$early_stopping
  if (is.null(rule) || !rule$restore || is.null(run$best$param)) return(invisible())
  nn_trainer_write(run$trainer, "param", run$best$param)
  run$restored <- TRUE
  nn_trainer_write(run$trainer, "fixed", run$best$fixed)
}
