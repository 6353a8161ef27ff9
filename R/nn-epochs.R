# The epochs: R's part is to shuffle, to take notes and to decide whether to go on.

# Trains as `job` says (see nn_job()), going on from `from` (of a checkpoint) if there is one.
nn_job_run <- function(job, from = NULL) {
  optim <- nn_optim_of(job)
  trainer <- nn_trainer(job$net, job$weights, job$state, job$data, optim, job$metrics)
  on.exit(.Call(C_nn_free, trainer$handle))
  run <- nn_run_new(job, trainer)
  if (!is.null(from)) nn_run_restore(run, from)
  nn_run_passes(run)
  if (nn_is_lbfgs(job$options$optimizer)) nn_run_lbfgs(run) else nn_run_epochs(run)
  nn_run_result(run)
}

# The optimiser as the trainer asks for it.
nn_optim_of <- function(job) {
  opt <- job$options$optimizer
  if (nn_is_lbfgs(opt)) return(nn_lbfgs_optim(opt, length(job$split$train)))
  list(nstate = nn_optim_nstate(opt), nscalar = nn_optim_nscalar(opt),
       step = function(p, g, state, scalar, size) nn_optim_trace(opt, p, g, state, scalar))
}

nn_is_lbfgs <- function(optimizer) identical(optimizer$name, "lbfgs")

# What changes from epoch to epoch, an environment.
nn_run_new <- function(job, trainer) {
  run <- new.env()
  run$job <- job
  run$trainer <- trainer
  run$batch <- if (nn_is_lbfgs(job$options$optimizer)) {
    min(nn_lbfgs_batch, length(job$split$train))
  } else {
    nn_batch_size(job$options$batch_size, length(job$split$train), job$options$batch_asked)
  }
  run$steps <- as.integer(ceiling(length(job$split$train) / run$batch)) # in an epoch
  run$step <- 0
  run$epoch <- 0L
  run$rows <- list()
  run$key <- floor(stats::runif(1) * 2^40)
  run$rates <- NULL # the state of a schedule that looks at the loss
  run$interrupted <- FALSE
  run$stop <- NULL # why training ends before the last epoch
  run$best <- NULL
  run$restored <- FALSE # whether the parameters are those of the best epoch
  run
}

nn_run_passes <- function(run) {
  if (!is.null(run$job$source)) return(invisible()) # each chunk is a pass
  nn_trainer_pass(run$trainer, "train", run$job$split$train, run$batch)
  # results do not depend on the size of these batches: large, for speed
  nn_trainer_pass(run$trainer, "valid", run$job$split$valid, max(run$batch, 1024L))
}

nn_run_epochs <- function(run) {
  epochs <- run$job$options$epochs
  nn_call_back(run, "on_train_begin")
  nn_run_interruptible(run, {
    while (run$epoch < epochs && !run$interrupted && is.null(run$stop)) {
      run$epoch <- run$epoch + 1L
      nn_run_epoch(run)
    }
  })
  nn_run_best_restore(run)
  nn_call_back(run, "on_train_end")
  nn_warn_end(run)
}

# What was done before an interrupt is kept, wherever it strikes: in R or while the device works.
nn_run_interruptible <- function(run, code) {
  end <- function(e) run$interrupted <- TRUE
  tryCatch(code, interrupt = end, anygpu_error_interrupt = end)
}

# Seconds; proc.time() has no more than milliseconds, in which a small epoch is over.
nn_clock <- function() as.numeric(Sys.time())

nn_run_epoch <- function(run) {
  start <- nn_clock()
  nn_call_back(run, "on_epoch_begin")
  train <- nn_run_train(run)
  if (train$samples == 0) return(invisible())
  valid <- if (length(run$job$split$valid) && !run$interrupted) nn_run_valid(run)
  row <- nn_history_row(run, train$sums / train$samples, valid, nn_clock() - start)
  run$rows[[run$epoch]] <- row
  if (run$job$options$verbose) nn_report(run, row)
  if (!is.finite(row[["loss"]])) {
    run$stop <- "diverged"
    run$finite <- c(train$sums[length(train$sums)], train$batches)
    return(invisible())
  }
  run$rates <- nn_rates_note(run$job$options$optimizer$lr, run$rates, nn_watched(row))
  nn_early_stop(run, row)
  nn_call_back(run, "on_epoch_end", row)
  nn_checkpoint_write(run)
}

# list(sums, samples, batches) of the training batches of this epoch.
nn_run_train <- function(run) {
  if (!is.null(run$job$source)) return(nn_source_train(run))
  rows <- run$job$split$train
  order <- rows[sample.int(length(rows))]
  nn_trainer_pass(run$trainer, "train", order, run$batch)
  done <- nn_run_batches(run, run$steps)
  samples <- min(done * run$batch, length(rows))
  list(sums = nn_trainer_sums(run$trainer, "train"), samples = samples, batches = done)
}

# Runs the batches of a pass over the training data, or over a part that begins after `before`
# batches of the epoch: how many were done.
nn_run_batches <- function(run, batches, before = 0) {
  opt <- run$job$options$optimizer
  t <- run$step + seq_len(batches)
  rates <- nn_rates(opt$lr, t, run$steps, run$job$options$epochs, run$rates)
  run$lr <- rates[length(rates)]
  scalar <- nn_optim_scalars(opt, t, rates)
  key <- run$key + 4096 * run$epoch + before
  by_batch <- nn_has_callback(run$job$options$callbacks, "on_batch_end")
  bar <- nn_bar(run)
  done <- 0
  while (done < batches && !run$interrupted && is.null(run$stop)) {
    ran <- nn_trainer_run(run$trainer, "train", done, if (by_batch) 1 else batches - done,
                          scalar[, done + seq_len(batches - done), drop = FALSE], key,
                          if (is.null(bar)) 0 else 0.2)
    done <- done + ran[1]
    run$interrupted <- ran[2] > 0
    nn_bar_move(bar, run, done, before)
    if (by_batch) nn_call_back(run, "on_batch_end", nn_batch_row(run, done))
  }
  nn_bar_end(bar)
  run$step <- run$step + done
  done
}

nn_run_valid <- function(run) {
  if (!is.null(run$job$source)) return(nn_source_valid(run))
  n <- length(run$job$split$valid)
  size <- min(max(run$batch, 1024L), n)
  ran <- nn_trainer_run(run$trainer, "valid", 0, ceiling(n / size))
  if (ran[2] > 0) {
    run$interrupted <- TRUE
    return(NULL)
  }
  w <- run$job$data$weights
  nn_trainer_sums(run$trainer, "valid") / if (is.null(w)) n else sum(w[run$job$split$valid])
}

# -- the history -----------------------------------------------------------------------------------

# What was summed over a pass, divided by its samples, as c(loss, metrics): in the units of the
# data.
nn_scores <- function(run, sums) {
  net <- run$job$net
  suffix <- nn_suffixes(net$outputs)
  losses <- sums[seq_along(net$outputs)] * vapply(net$outputs, nn_loss_unit, 0)
  scores <- c(loss = sum(losses))
  if (length(losses) > 1) scores <- c(scores, stats::setNames(losses, paste0("loss", suffix)))
  at <- length(losses)
  for (i in seq_along(net$outputs)) {
    for (m in run$job$metrics[[i]]) {
      value <- NA_real_
      if (!isTRUE(m$collect)) {
        value <- m$value(sums[at + seq_len(m$n)])
        at <- at + m$n
      }
      scores[[paste0(m$name, suffix[i])]] <- value
    }
  }
  scores
}

# What the scores of each of several outputs end in: "_price", "_2".
nn_suffixes <- function(outputs) {
  if (length(outputs) == 1) "" else paste0("_", nn_labels(outputs, seq_along(outputs)))
}

nn_history_row <- function(run, train, valid, seconds) {
  train <- nn_scores(run, train)
  held <- if (is.null(valid)) train * NA_real_ else nn_scores(run, valid)
  collected <- nn_collected(run)
  if (length(run$job$split$valid)) held[names(collected)] <- collected
  else train[names(collected)] <- collected
  names(held) <- paste0("val_", names(held))
  c(train, held, lr = run$lr, seconds = seconds)
}

# Metrics that need all scores at once; NA where these are not to be had.
nn_collected <- function(run) {
  outputs <- run$job$net$outputs
  suffix <- nn_suffixes(outputs)
  out <- numeric()
  all <- NULL
  for (i in seq_along(outputs)) {
    data_units <- function(v) nn_plain(aperm(nn_back(outputs[[i]], v)))
    for (m in run$job$metrics[[i]]) {
      if (!isTRUE(m$collect)) next
      if (is.null(all)) all <- nn_run_outputs(run)
      out[[paste0(m$name, suffix[i])]] <- if (is.null(all)) NA_real_ else {
        m$value(data_units(nn_codes_of_shares(outputs[[i]], all$y[[i]])),
                data_units(all$z[[i]]), all$w)
      }
    }
  }
  out
}

# Metrics of classes take codes: of shares that of the largest.
nn_codes_of_shares <- function(output, y) {
  if (output$kind == "shares") matrix(max.col(plain(y), "first") - 1) else y
}

# list(y, z, w), samples first: targets, outputs with the parameters as they are now, and weights,
# of the samples held out, or if there are none of the training.
nn_run_outputs <- function(run) {
  if (!is.null(run$job$source)) return(nn_source_outputs(run))
  data <- run$job$data
  rows <- if (length(run$job$split$valid)) run$job$split$valid else run$job$split$train
  values <- nn_run_values(run)
  x <- lapply(data$x, nn_take, rows)
  list(y = lapply(data$y, nn_take, rows),
       z = nn_network_predict(run$job$net, values$weights, values$state, x),
       w = if (is.null(data$weights)) rep(1, length(rows)) else data$weights[rows])
}

# The parameters that predictions use. A moving average of them is the optimiser's last state.
nn_run_param <- function(run) {
  averaged <- !is.null(run$job$options$optimizer$ema) && run$step > 0 && !run$restored
  if (!averaged) return(nn_trainer_read(run$trainer, "param"))
  nn_trainer_read(run$trainer, "state", run$trainer$optim$nstate - 1L)
}

# Parameters and state as lists per layer.
nn_run_values <- function(run) {
  param <- nn_run_param(run)
  fixed <- nn_trainer_read(run$trainer, "fixed")
  list(weights = nn_unflat(run$trainer$layout, run$job$weights, param, fixed),
       state = nn_unflat(run$trainer$layout, run$job$state, param, fixed))
}

nn_history <- function(rows) {
  if (length(rows) == 0) {
    return(data.frame(epoch = integer(), loss = numeric(), val_loss = numeric(), lr = numeric(),
                      seconds = numeric()))
  }
  values <- do.call(rbind, rows)
  rownames(values) <- NULL
  data.frame(epoch = seq_along(rows), values)
}

# The loss that decides: of the samples held out, if there are any.
nn_watched <- function(row) if (is.na(row[["val_loss"]])) row[["loss"]] else row[["val_loss"]]

# -- the result ------------------------------------------------------------------------------------

nn_run_result <- function(run) {
  values <- nn_run_values(run)
  nn_fit_new(run$job, values, nn_history(run$rows), run$trainer$device,
             interrupted = run$interrupted, stopped = run$stop, best_epoch = run$best$epoch)
}

nn_fit_new <- function(job, values, history, device, ...) {
  structure(class = "nn_fit", c(list(
    model = nn_model_bare(job$net$model), weights = values$weights, state = values$state,
    history = history, baseline = job$baseline, net = job$net[setdiff(names(job$net), "model")],
    optimizer = job$options$optimizer, epochs = job$options$epochs,
    batch_size = job$options$batch_size,
    metrics = lapply(job$metrics, vapply, `[[`, "", "name"), # themselves they hold all they were of
    samples = lengths(job$split), device = device, version = nn_fit_version
  ), job$asked, list(...)))
}

# Of the form of a fit: a package reads fits of its own and of older ones.
nn_fit_version <- 1L

nn_warn_end <- function(run) {
  epochs <- run$job$options$epochs
  if (run$interrupted) {
    nn_warn("interrupt", "interrupted in epoch %d of %d: the fit as it was then is returned",
            max(1L, run$epoch), epochs)
  } else if (identical(run$stop, "diverged")) {
    nn_warn("diverged", "the loss was not finite in %s: training stopped. Try %s",
            nn_diverged_at(run),
            if (nn_is_lbfgs(run$job$options$optimizer)) "to standardise `x` and `y`"
            else "a smaller `lr`, `clip_norm`, or to standardise `x` and `y`")
  }
}

# Which batches it was: once a weight is not finite no later loss is. A single loss may overflow
# without harm.
nn_diverged_at <- function(run) {
  if (is.null(run$finite)) return(sprintf("iteration %d", run$epoch))
  finite <- as.integer(run$finite[1])
  batches <- as.integer(run$finite[2])
  if (all(is.finite(nn_trainer_read(run$trainer, "param")))) {
    return(sprintf("%d of %d batches of epoch %d", batches - finite, batches, run$epoch))
  }
  sprintf("batch %d of %d of epoch %d (step %d)", finite + 1L, batches, run$epoch,
          as.integer(run$step) - batches + finite + 1L)
}
