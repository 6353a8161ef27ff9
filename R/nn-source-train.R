# Training on a source: an epoch passes over its chunks, which take turns in the trainer's memory.

#' Train a neural network on data that come in pieces
#'
#' [nn_fit()] on an [nn_source()] or [nn_file()]: only a piece of the data is in memory at a time.
#' Inputs and targets are standardised by the first piece, by which the baseline is made, too.
#'
#' @param model An [nn_model()].
#' @param x An [nn_source()] or [nn_file()].
#' @param validation `NULL`, or other data: `list(x, y)` or a source.
#' @param epochs,batch_size,optimizer,loss,class_weights As for [nn_fit()], but for [opt_lbfgs()],
#'   which needs all samples at once.
#' @param metrics As for [nn_fit()]. Those that need all scores at once, such as [metric_auc()],
#'   take a further pass over the samples held out, or if there are none over those of the training.
#' @param standardize,callbacks,early_stopping,checkpoint,precision,verbose As for [nn_fit()].
#' @param ... None.
#' @return As [nn_fit()].
#' @section Errors: As those of [nn_fit()].
#' @examples
#' set.seed(1)
#' piece <- function(k) if (k <= 3) list(iris[seq(k, 150, 3), 1:4], iris$Species[seq(k, 150, 3)])
#' fit <- nn_fit(nn_model(layer_dense(3)), nn_source(piece), epochs = 20,
#'               validation = list(iris[1:4], iris$Species))
#' tail(fit$history, 1)
#' @export
nn_fit.nn_source <- function(model, x, epochs = 10, batch_size = 32, optimizer = opt_adam(),
                             loss = NULL, validation = NULL, class_weights = NULL,
                             metrics = NULL, standardize = TRUE, callbacks = NULL,
                             early_stopping = NULL, checkpoint = NULL, precision = NULL,
                             verbose = nn_verbose(), ...) {
  nn_check_dots(...)
  options <- nn_options(epochs, batch_size, optimizer, callbacks, early_stopping, checkpoint,
                        precision, verbose, !missing(batch_size))
  job <- nn_source_job(model, x, loss, validation, class_weights, metrics, standardize, options)
  fit <- nn_job_run(job)
  fit$call <- nn_call(match.call(), "nn_fit")
  fit
}

# nn_job() on the first chunk, and with it `source` and `valid_source` (their states), and how the
# weights of a chunk are made: `class_weights`, `weight_unit`. The trainer has room for `capacity`
# samples, the size of the largest chunk; `split` has as many samples as there are in all.
nn_source_job <- function(model, source, loss, validation, class_weights, metrics, standardize,
                          options) {
  if (nn_is_lbfgs(options$optimizer)) {
    nn_stop("argument", paste("opt_lbfgs() needs all samples at once, which a source does not",
                              "have: use opt_adam(), or give nn_fit() arrays, as `x` and `y`"))
  }
  type <- if (options$precision == "float64") "float64" else "float32"
  state <- nn_source_open(source, options$batch_size, type)
  first <- nn_source_peek(state)
  job <- nn_job(model, first, loss, 0, class_weights, metrics, standardize, options)
  if (!is.null(class_weights)) {
    job$class_weights <- nn_class_weights(class_weights, job$net$outputs[[1]]$levels)
  }
  job$weight_unit <- 1
  job$weight_unit <- mean(nn_chunk_weights(job, first, nn_chunk_targets(job, first)))
  job$source <- state
  job$capacity <- if (is.finite(state$most)) state$most else max(first$n, options$batch_size)
  state$most <- job$capacity
  job$data[c("x", "y", "weights")] <- lapply(job$data[c("x", "y", "weights")], nn_fill,
                                             job$capacity)
  job$valid_source <- nn_source_validation(validation, first, nn_valid_batch(options$batch_size,
                                                                             job$capacity), type)
  job$split <- list(train = seq_len(state$n), valid = seq_len(max(0, job$valid_source$n)))
  job
}

# What is used for validation does not matter for the result: large, for speed.
nn_valid_batch <- function(batch, capacity) min(max(batch, 1024), capacity)

# Arrays (or a vector, or a list of arrays) with as many samples as the trainer has room for: what
# is added is never visited.
nn_fill <- function(x, n) {
  if (is.list(x)) return(lapply(x, nn_fill, n))
  if (is.null(x) || nn_rows(x) == n) return(x)
  nn_take(x, rep_len(seq_len(nn_rows(x)), n))
}

nn_source_validation <- function(validation, like, batch, type) {
  if (is.null(validation)) return(NULL)
  if (!inherits(validation, "nn_source")) {
    if (!is.list(validation) || length(validation) != 2) {
      nn_stop("argument", "`validation` of a source must be list(x, y) or another source, not %s",
              nn_describe(validation))
    }
    data <- stats::setNames(validation, c("x", "y"))
    if (!is.null(names(validation))) data <- validation[c("x", "y")]
    n <- nn_data_like(data$x, data$y, like)$n
    validation <- nn_source(function(piece) if (piece == 1) data, n)
  }
  nn_source_open(validation, batch, type, c(like[c("inputs", "y")], weights = NA), batch)
}

# -- passes ----------------------------------------------------------------------------------------

# As nn_run_train().
nn_source_train <- function(run) {
  state <- run$job$source
  done <- list(sums = 0, samples = 0, batches = 0)
  chunk <- nn_source_next(state)
  while (!is.null(chunk) && !run$interrupted && is.null(run$stop)) {
    y <- nn_chunk_targets(run$job, chunk)
    nn_chunk_load(run, chunk, y, nn_chunk_weights(run$job, chunk, y))
    nn_trainer_pass(run$trainer, "train", sample.int(chunk$n), run$batch)
    batches <- nn_run_batches(run, ceiling(chunk$n / run$batch), done$batches)
    samples <- min(batches * run$batch, chunk$n)
    chunk <- nn_source_next(state) # while the device may still be at work
    done$sums <- done$sums + nn_trainer_sums(run$trainer, "train")
    done$samples <- done$samples + samples
    done$batches <- done$batches + batches
  }
  if (done$samples == 0 && !run$interrupted && is.null(run$stop)) nn_source_empty(run$epoch)
  done
}

# As nn_run_valid().
nn_source_valid <- function(run) {
  state <- run$job$valid_source
  sums <- total <- 0
  while (!run$interrupted && !is.null(chunk <- nn_source_next(state))) {
    y <- nn_chunk_targets(run$job, chunk)
    w <- nn_chunk_weights(run$job, chunk, y)
    nn_chunk_load(run, chunk, y, w)
    size <- min(state$most, chunk$n)
    nn_trainer_pass(run$trainer, "valid", as.double(chunk$n), size)
    ran <- nn_trainer_run(run$trainer, "valid", 0, ceiling(chunk$n / size))
    if (ran[2] > 0) run$interrupted <- TRUE
    sums <- sums + nn_trainer_sums(run$trainer, "valid")
    total <- total + if (run$trainer$weighted) sum(w) else chunk$n
  }
  if (run$interrupted) return(NULL)
  if (total == 0) nn_source_empty(run$epoch, "for validation ")
  sums / total
}

nn_source_empty <- function(epoch, which = "") {
  nn_stop("shape", "the source %sgave no samples in epoch %d", which, epoch)
}

# As nn_run_outputs(); NULL where the training's pass was broken off.
nn_source_outputs <- function(run) {
  job <- run$job
  held <- !is.null(job$valid_source)
  if (run$interrupted || (!held && !is.null(run$stop))) return(NULL)
  values <- nn_run_values(run)
  parts <- list()
  while (!is.null(chunk <- nn_source_next(if (held) job$valid_source else job$source))) {
    y <- nn_chunk_targets(job, chunk)
    z <- nn_network_predict(job$net, values$weights, values$state, chunk$x)
    parts <- c(parts, list(list(y = y, z = z, w = nn_chunk_weights(job, chunk, y))))
  }
  bind <- function(name, i) do.call(nn_bind_samples, lapply(parts, function(p) p[[name]][[i]]))
  outputs <- seq_along(job$net$outputs)
  list(y = lapply(outputs, bind, name = "y"), z = lapply(outputs, bind, name = "z"),
       w = unlist(lapply(parts, `[[`, "w")))
}

# -- chunks in the trainer -------------------------------------------------------------------------

# The chunk in place of the trainer's data, with its targets and weights.
nn_chunk_load <- function(run, chunk, y, w) {
  data <- c(Map(nn_upload, chunk$x, run$job$net$scaling),
            lapply(c(y, if (run$trainer$weighted) list(matrix(w))), nn_upload))
  data <- nn_fill(data, run$job$capacity)
  for (i in seq_along(data)) .Call(C_nn_data, run$trainer$handle, i - 1L, data[[i]])
}

nn_chunk_targets <- function(job, chunk) Map(nn_target_columns, chunk$y, job$net$outputs)

# How much each sample counts, for targets `y` as the trainer has them.
nn_chunk_weights <- function(job, chunk, y) {
  w <- if (is.null(chunk$weights)) rep(1, chunk$n) else chunk$weights
  if (!is.null(job$class_weights)) {
    w <- w * nn_class_counts(job$net$outputs[[1]], y[[1]], job$class_weights)
  }
  w / job$weight_unit
}
