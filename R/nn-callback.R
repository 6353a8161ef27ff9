#' Functions that a training calls
#'
#' `nn_callback()` bundles R functions that [nn_fit()] calls at certain points. Each gets one
#' argument, a list: `epoch`, `epochs`, `step` (since the beginning), `model`, `history` (a data
#' frame of the epochs so far), and, where there is one, `scores`: a named vector of the losses and
#' metrics of the epoch, or for `on_batch_end` the loss summed up so far. `weights()` gives the
#' parameters as they are, which are then read from the device. A function that returns `"stop"`
#' ends the training.
#'
#' A function for each batch takes the training out of its fast loop after every batch; the others
#' cost next to nothing.
#'
#' @param on_train_begin,on_epoch_begin,on_batch_end,on_epoch_end,on_train_end Functions, or `NULL`.
#' @return An object of class `nn_callback`.
#' @examples
#' seen <- nn_callback(on_epoch_end = function(state) {
#'   if (state$scores[["loss"]] < 0.3) "stop"
#' })
#' set.seed(1)
#' fit <- nn_fit(nn_model(layer_dense(3)), iris[1:4], iris$Species, epochs = 50, callbacks = seen,
#'               optimizer = opt_adam(0.05))
#' nrow(fit$history)
#' @export
nn_callback <- function(on_train_begin = NULL, on_epoch_begin = NULL, on_batch_end = NULL,
                        on_epoch_end = NULL, on_train_end = NULL) {
  functions <- list(on_train_begin = on_train_begin, on_epoch_begin = on_epoch_begin,
                    on_batch_end = on_batch_end, on_epoch_end = on_epoch_end,
                    on_train_end = on_train_end)
  for (name in names(functions)) {
    if (is.null(functions[[name]]) || is.function(functions[[name]])) next
    nn_stop("argument", "`%s` must be a function, not %s", name, nn_describe(functions[[name]]))
  }
  structure(functions, class = "nn_callback")
}

#' @export
print.nn_callback <- function(x, ...) {
  there <- names(x)[!vapply(x, is.null, NA)]
  cat("<nn_callback> ", if (length(there)) paste(there, collapse = ", ") else "empty", "\n",
      sep = "")
  invisible(x)
}

# A list of callbacks; a function alone is called after each epoch.
nn_callbacks <- function(x) {
  if (is.null(x)) return(list())
  if (inherits(x, "nn_callback") || is.function(x)) x <- list(x)
  lapply(x, function(callback) {
    if (is.function(callback)) callback <- nn_callback(on_epoch_end = callback)
    nn_check_class(callback, "callbacks", "nn_callback", "nn_callback()s")
    callback
  })
}

nn_has_callback <- function(callbacks, when) {
  any(vapply(callbacks, function(callback) !is.null(callback[[when]]), NA))
}

nn_call_back <- function(run, when, scores = NULL) {
  for (callback in run$job$options$callbacks) {
    if (is.null(callback[[when]])) next
    answer <- callback[[when]](list(
      epoch = run$epoch, epochs = run$job$options$epochs, step = run$step,
      model = run$job$net$model, history = nn_history(run$rows), scores = scores,
      weights = function() nn_run_values(run)$weights
    ))
    if (identical(answer, "stop")) run$stop <- "callback"
  }
}

# What is known after a batch: means over the epoch so far.
nn_batch_row <- function(run, done) {
  samples <- min(done * run$batch, length(run$job$split$train))
  nn_scores(run, nn_trainer_sums(run$trainer, "train") / samples)
}
