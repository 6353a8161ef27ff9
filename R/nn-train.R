#' Train a neural network
#'
#' Trains a model by mini-batches on the current device (see [gpu_device()]). The data go to
#' the device once; an epoch runs there without R: each batch is gathered by an index, and
#' losses are summed on the device.
#'
#' The loss is the mean over the samples of a batch: `"mse"` is the mean over the outputs of the
#' squared error, `"cross_entropy"` is `-log(p)` of the true class, where `p` comes from a softmax
#' of the last layer's outputs. Computation is in float32 on every device.
#'
#' Everything random (the validation split, the starting weights, the order of the samples in
#' each epoch) comes from R's random number stream: [set.seed()] is enough to get the
#' same fit again.
#'
#' Inputs are used as they are: scale them (see [scale()]) when they are of different size.
#'
#' An interrupt (Ctrl-C, Esc) ends the training between two batches; the fit as it is then is
#' returned, with a warning. So is a fit whose loss is no longer finite.
#'
#' @param model An [nn_model()].
#' @param x A numeric matrix, a data frame of numbers or a device array, one sample per row; no
#'   missing values.
#' @param y A factor (classification: the last layer has a unit for each level), or a
#'   numeric vector or matrix (regression: a unit for each column).
#' @param epochs How often all samples are used, at least 1.
#' @param batch_size Samples per step, at least 1. The last batch of an epoch is smaller if the
#'   number of samples asks for it; no sample is left out.
#' @param optimizer [opt_adam()] or [opt_sgd()].
#' @param loss `"mse"`, `"cross_entropy"`, or `NULL` for the one that suits `y`. With
#'   `"cross_entropy"` a numeric `y` is taken as classes.
#' @param validation The share of samples, chosen at random, that are held out and only
#'   watched: at least 0 and less than 1.
#' @param verbose Whether to show progress on the standard error stream.
#' @return An object of class `nn_fit`, a list of plain R values:
#'   \describe{
#'     \item{`model`}{the model}
#'     \item{`weights`}{for each layer a named list: `weight` (units x inputs) and `bias`}
#'     \item{`history`}{a data frame with a row per epoch: `epoch`, `loss`, `accuracy`,
#'       `val_loss`, `val_accuracy`, `seconds`. The training values are means over the epoch's
#'       batches, each taken before its step.}
#'     \item{`levels`}{of `y`, `NULL` for a regression}
#'     \item{`interrupted`}{whether training ended early}
#'   }
#'   and what it was trained with. It can be saved with [saveRDS()] and used in another
#'   session, on any device. Methods: [predict()][predict.nn_fit], [plot()][plot.nn_fit],
#'   `print()`, `summary()` (a table of the layers), `as.data.frame()` (the history).
#' @section Errors: Data of the wrong type or shape give errors of class `anygpu_error_type` and
#'   `anygpu_error_shape`, other bad arguments (missing values, an unknown loss)
#'   `anygpu_error_argument`. A loss that is not finite gives a warning of class
#'   `anygpu_warning_diverged`, an interrupt one of class `anygpu_warning_interrupt`, samples of
#'   one class only one of class `anygpu_warning_class`.
#' @examples
#' set.seed(1)
#' net <- nn_model(layer_dense(16, "relu"), layer_dense(3))
#' fit <- nn_fit(net, scale(iris[1:4]), iris$Species, epochs = 20, batch_size = 16,
#'               optimizer = opt_adam(0.01), validation = 0.2)
#' fit
#' table(predict(fit, scale(iris[1:4]), type = "class"), iris$Species)
#' @export
nn_fit <- function(model, x, y, epochs = 10, batch_size = 32, optimizer = opt_adam(), loss = NULL,
                   validation = 0, verbose = nn_verbose()) {
  nn_check_class(model, "model", "nn_model", "an nn_model()")
  nn_check_class(optimizer, "optimizer", "nn_optimizer", "opt_adam() or opt_sgd()")
  epochs <- nn_count(epochs, "epochs")
  batch_size <- nn_count(batch_size, "batch_size")
  loss <- nn_choice(loss, "loss", c("mse", "cross_entropy"))
  validation <- nn_number(validation, "validation", 0, 1, closed = TRUE)
  verbose <- nn_flag(verbose, "verbose")
  x <- nn_samples(x, "x")
  target <- nn_targets(y, nrow(x), loss)
  nn_check_outputs(model, ncol(x), target)

  split <- nn_split(nrow(x), validation)
  weights <- nn_model_init(model, ncol(x))
  trainer <- nn_trainer(model, weights, x, target, optimizer)
  on.exit(.Call(C_nn_free, trainer$handle))
  nn_trainer_pass(trainer, split$train, batch_size, training = TRUE)
  # results do not depend on the size of these batches: large, for speed
  nn_trainer_pass(trainer, split$valid, max(batch_size, 1024L), training = FALSE)
  run <- nn_epochs(trainer, split, epochs, verbose)

  structure(class = "nn_fit", list(
    model = model, weights = utils::relist(.Call(C_nn_weights, trainer$handle), weights),
    history = run$history, levels = target$levels, interrupted = run$interrupted,
    loss = target$loss, optimizer = optimizer, epochs = epochs, batch_size = batch_size,
    samples = lengths(split), inputs = ncol(x), features = colnames(x), outputs = target$outputs,
    output_names = target$names, output_matrix = target$matrix, device = trainer$device
  ))
}

# Not while knitting: a document may be made by an interactive session.
nn_verbose <- function() interactive() && !isTRUE(getOption("knitr.in.progress"))

nn_check_outputs <- function(model, inputs, target) {
  units <- nn_model_outputs(model, inputs)
  if (units == target$outputs) return(invisible())
  what <- if (!is.null(target$levels)) "class" else "column"
  if (target$outputs != 1) what <- if (what == "class") "classes" else "columns"
  nn_stop("shape", "the last layer has %d %s, `y` has %d %s: they must agree", units,
          if (units == 1) "unit" else "units", target$outputs, what)
}

# Rows (from 1) for training and for validation, in the order of the data.
nn_split <- function(n, validation) {
  held <- floor(n * validation + 1e-9)
  if (held == 0) return(list(train = seq_len(n), valid = integer()))
  if (held == n) nn_stop("argument", "`validation` leaves no sample of %d for training", n)
  valid <- sort(sample.int(n, held))
  list(train = seq_len(n)[-valid], valid = valid)
}

# Data and weights on the device, and the weights' placeholders in the shape of `weights`.
nn_trainer <- function(model, weights, x, target, optimizer) {
  flat <- as.double(unlist(weights, use.names = FALSE))
  handle <- .Call(C_nn_trainer, x, target$values, target$loss, unclass(optimizer), flat)
  offset <- 0
  placeholder <- function(w) {
    p <- .Call(C_nn_param, handle, offset, if (is.null(dim(w))) length(w) else dim(w))
    offset <<- offset + length(w)
    p
  }
  list(handle = handle, model = model, params = lapply(weights, lapply, placeholder),
       logits = target$loss == "cross_entropy", device = .Call(C_nn_device, handle))
}

# Runs the model on placeholders, once for each size of batch, and makes the plans.
nn_trainer_pass <- function(trainer, rows, batch_size, training) {
  n <- length(rows)
  if (n == 0) return(invisible())
  batch <- min(batch_size, n)
  .Call(C_nn_pass, trainer$handle, training, rows - 1L, batch)
  for (size in setdiff(c(batch, n %% batch), 0)) {
    h <- .Call(C_nn_trace, trainer$handle, size)
    z <- nn_model_forward(trainer$model, trainer$params, h, trainer$logits)
    .Call(C_nn_compile, trainer$handle, training, z)
  }
}

# list(history, interrupted). What was done before an interrupt is kept, wherever it strikes.
nn_epochs <- function(trainer, split, epochs, verbose) {
  rows <- list()
  epoch <- 0L
  interrupted <- FALSE
  rewrite <- verbose && (interactive() || isatty(stderr()))
  tryCatch({
    while (epoch < epochs && !interrupted) {
      epoch <- epoch + 1L
      label <- if (verbose) as.double(c(epoch, epochs, trainer$logits, rewrite))
      row <- nn_epoch(trainer, split, label)
      interrupted <- row[["interrupted"]] > 0
      if (row[["samples"]] > 0) rows[[epoch]] <- row
      if (verbose) nn_report(row, epoch, epochs, rewrite)
      if (!is.finite(row[["loss"]])) break
    }
  }, interrupt = function(e) interrupted <<- TRUE)
  history <- nn_history(rows)
  nn_warn_end(history, epoch, epochs, interrupted)
  list(history = history, interrupted = interrupted)
}

nn_history <- function(rows) {
  columns <- c("loss", "accuracy", "val_loss", "val_accuracy", "seconds")
  values <- matrix(unlist(lapply(rows, `[`, columns)), ncol = length(columns), byrow = TRUE,
                   dimnames = list(NULL, columns))
  data.frame(epoch = seq_along(rows), values)
}

# One row of the history. An epoch is one call; R's part is to shuffle and to take notes.
nn_epoch <- function(trainer, split, label) {
  start <- proc.time()[["elapsed"]]
  order <- split$train[sample.int(length(split$train))] - 1L
  train <- .Call(C_nn_epoch, trainer$handle, TRUE, order, label)
  valid <- c(loss = NA_real_, accuracy = NA_real_, interrupted = 0)
  if (length(split$valid) && !train[["interrupted"]]) {
    valid <- .Call(C_nn_epoch, trainer$handle, FALSE, NULL, NULL)
  }
  accuracy <- c(train[["accuracy"]], valid[["accuracy"]])
  if (!trainer$logits) accuracy[] <- NA
  c(loss = train[["loss"]], accuracy = accuracy[1], val_loss = valid[["loss"]],
    val_accuracy = accuracy[2], seconds = proc.time()[["elapsed"]] - start,
    samples = train[["samples"]], interrupted = max(train[["interrupted"]], valid[["interrupted"]]))
}

# One line on the standard error stream at the end of an epoch, over the bar if there was one.
nn_report <- function(row, epoch, epochs, rewrite) {
  score <- function(loss, accuracy, name) {
    if (is.na(loss)) return("")
    accuracy <- if (is.na(accuracy)) "" else sprintf(" accuracy %.4f", accuracy)
    sprintf("  %sloss %-8.4g%s", name, loss, accuracy)
  }
  line <- sprintf("epoch %*d/%d%s%s  %.1f s", nchar(epochs), epoch, epochs,
                  score(row[["loss"]], row[["accuracy"]], ""),
                  score(row[["val_loss"]], row[["val_accuracy"]], "validation "), row[["seconds"]])
  if (rewrite) line <- paste0("\r", formatC(line, width = -90))
  cat(line, "\n", sep = "", file = stderr())
}

nn_warn_end <- function(history, epoch, epochs, interrupted) {
  if (interrupted) {
    nn_warn("interrupt", "interrupted in epoch %d of %d: the fit as it was then is returned",
            epoch, epochs)
  } else if (!is.finite(history$loss[epoch])) {
    nn_warn("diverged", paste("the loss was not finite in epoch %d: training stopped.",
                              "Try a smaller `lr`, or scale `x` and `y`"), epoch)
  }
}
