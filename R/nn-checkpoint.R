# Checkpoints: all that a training needs to go on exactly as if it had not been interrupted.

nn_checkpoint_write <- function(run) {
  file <- run$job$options$checkpoint
  if (is.null(file)) return(invisible())
  states <- lapply(seq_len(run$trainer$optim$nstate) - 1L,
                   function(i) nn_trainer_read(run$trainer, "state", i))
  saved <- list(version = nn_fit_version, job = run$job, epoch = run$epoch, step = run$step,
                rows = run$rows, key = run$key, rates = run$rates, best = run$best, lr = run$lr,
                param = nn_trainer_read(run$trainer, "param"),
                fixed = nn_trainer_read(run$trainer, "fixed"), states = states,
                seed = get(".Random.seed", globalenv()), kind = RNGkind())
  problem <- nn_checkpoint_save(structure(saved, class = "nn_checkpoint"), file)
  if (is.null(problem)) return(invisible())
  nn_warn("checkpoint", "no checkpoint \"%s\" of epoch %d was written: %s", file, run$epoch,
          problem)
}

# NULL, or what went wrong. A half-written file never takes the place of a whole one.
nn_checkpoint_save <- function(saved, file) {
  part <- paste0(file, ".part")
  tryCatch(suppressWarnings({
    saveRDS(saved, part, compress = FALSE)
    if (!file.rename(part, file)) stop("it cannot be renamed from \"", part, "\"")
    NULL
  }), error = function(e) {
    unlink(part)
    conditionMessage(e)
  })
}

#' Continue a training from a checkpoint
#'
#' [nn_fit()] with `checkpoint = file` writes the file after each epoch, with all that the training
#' needs: data, weights, what the optimiser keeps, the state of R's random number stream.
#' `nn_resume()` goes on from there as if nothing had happened: on the same device the fit is the
#' same, bit for bit. (L-BFGS begins anew to collect the steps that it makes directions from.)
#'
#' @param file The file's name.
#' @param epochs How many epochs there are to be in all; `NULL`: as it was meant.
#' @param verbose As for [nn_fit()].
#' @return As [nn_fit()]. The state of R's random number stream is what the training makes of it.
#' @section Errors: A file that is no checkpoint, or was written by a newer version of the package,
#'   gives an error of class `anygpu_error_argument`.
#' @examples
#' file <- tempfile(fileext = ".rds")
#' net <- nn_model(layer_dense(8, "tanh"), layer_dense(3))
#' set.seed(1)
#' fit <- nn_fit(net, iris[1:4], iris$Species, epochs = 4)
#' set.seed(1)
#' half <- nn_fit(net, iris[1:4], iris$Species, epochs = 2, checkpoint = file)
#' all.equal(nn_resume(file, epochs = 4)$weights, fit$weights)
#' @export
nn_resume <- function(file, epochs = NULL, verbose = nn_verbose()) {
  saved <- tryCatch(readRDS(file), error = function(e) NULL, warning = function(w) NULL)
  if (!inherits(saved, "nn_checkpoint")) {
    nn_stop("argument", "\"%s\" is not a checkpoint of nn_fit()", file)
  }
  nn_check_version(saved$version, "this checkpoint")
  job <- saved$job
  if (!is.null(epochs)) job$options$epochs <- nn_count(epochs, "epochs")
  job$options$verbose <- nn_flag(verbose, "verbose")
  nn_job_run(job, saved)
}

nn_check_version <- function(version, what) {
  if (length(version) == 1 && version <= nn_fit_version) return(invisible())
  nn_stop("argument", "%s was made by a newer version of anygpu: update the package to use it",
          what)
}

nn_run_restore <- function(run, saved) {
  kept <- c("epoch", "step", "rows", "key", "rates", "best", "lr")
  for (name in kept) run[[name]] <- saved[[name]]
  nn_trainer_write(run$trainer, "param", saved$param)
  nn_trainer_write(run$trainer, "fixed", saved$fixed)
  for (i in seq_along(saved$states)) {
    nn_trainer_write(run$trainer, "state", saved$states[[i]], i - 1L)
  }
  do.call(RNGkind, as.list(saved$kind))
  assign(".Random.seed", saved$seed, globalenv())
}
