# Training by L-BFGS: an iteration of the optimiser, on all samples, is an epoch.

nn_lbfgs_batch <- 8192 # samples in a plan: more are done in turn

# The optimiser's only state is the gradient, which the batches of an evaluation add up.
nn_lbfgs_optim <- function(opt, n) {
  list(nstate = 1L, nscalar = 0L, step = function(p, g, state, scalar, size) {
    list(NULL, state[[1]] + nn_optim_gradient(opt, p, g) * (size / n))
  }, penalty = if (opt$l2 > 0) function(p, size) nn_optim_penalty(opt, p) * size)
}

nn_run_lbfgs <- function(run) {
  opt <- run$job$options$optimizer
  nn_call_back(run, "on_train_begin")
  nn_run_interruptible(run, {
    minimizer <- .Call(C_nn_minimizer, run$trainer$handle, nn_passes[["train"]], opt$history,
                       nn_lbfgs_coef(run))
    while (run$epoch < run$job$options$epochs && !run$interrupted && is.null(run$stop)) {
      nn_lbfgs_epochs(run, minimizer, if (nn_lbfgs_alone(run)) run$job$options$epochs else 1L)
    }
  })
  nn_run_best_restore(run)
  nn_call_back(run, "on_train_end")
  nn_warn_end(run)
}

# Whether nobody looks at single iterations: then all of them are one call.
nn_lbfgs_alone <- function(run) {
  options <- run$job$options
  length(run$job$split$valid) == 0 && length(options$callbacks) == 0 && !options$verbose &&
    is.null(options$early_stopping) && is.null(options$checkpoint)
}

# The mean loss of the sums of a pass, and the penalty, in the units that are minimised.
nn_lbfgs_coef <- function(run) {
  n <- length(run$job$split$train)
  nsum <- length(nn_trainer_sums(run$trainer, "train"))
  counts <- numeric(nsum)
  counts[c(seq_along(run$job$net$outputs), if (nn_lbfgs_penalised(run)) nsum)] <- 1 / n
  counts
}

# The last sum of a pass is then the penalty.
nn_lbfgs_penalised <- function(run) !is.null(run$trainer$optim$penalty)

nn_lbfgs_epochs <- function(run, minimizer, iterations) {
  opt <- run$job$options$optimizer
  start <- nn_clock()
  ran <- .Call(C_nn_minimize, minimizer, as.integer(iterations), c(opt$abstol, opt$reltol, opt$l2))
  seconds <- (nn_clock() - start) / max(1, length(ran$loss))
  run$interrupted <- ran$interrupted
  run$step <- ran$evaluations
  run$lr <- NA_real_
  if (ran$done) run$stop <- "converged"
  if (length(ran$loss) == 0) return(invisible())
  run$epoch <- run$epoch + length(ran$loss)
  row <- nn_lbfgs_row(run, seconds)
  run$rows <- c(run$rows, lapply(ran$loss[-length(ran$loss)], nn_lbfgs_between, row, run))
  run$rows[[run$epoch]] <- row
  if (run$job$options$verbose) nn_report(run, row)
  if (!is.finite(row[["loss"]])) {
    run$stop <- "diverged"
    return(invisible())
  }
  nn_early_stop(run, row)
  nn_call_back(run, "on_epoch_end", row)
  nn_checkpoint_write(run)
}

# The scores with the parameters as they are.
nn_lbfgs_row <- function(run, seconds) {
  n <- length(run$job$split$train)
  ran <- nn_trainer_run(run$trainer, "train", 0, run$steps)
  if (ran[2] > 0) stop_status("interrupt", "interrupted") # these would be scores of a part
  sums <- nn_trainer_sums(run$trainer, "train")
  valid <- if (length(run$job$split$valid)) nn_run_valid(run)
  if (nn_lbfgs_penalised(run)) sums <- sums[-length(sums)]
  nn_history_row(run, sums / n, valid, seconds)
}

# An iteration between: of its scores only the loss is known.
nn_lbfgs_between <- function(loss, row, run) {
  row[setdiff(names(row), c("lr", "seconds"))] <- NA_real_
  outputs <- run$job$net$outputs
  if (length(outputs) == 1) row[["loss"]] <- loss * nn_loss_unit(outputs[[1]])
  row
}
