# A network with something random and something kept in every place.
checkpoint_fit <- function(optimizer, epochs, checkpoint = NULL, ...) {
  set.seed(3)
  net <- nn_model(layer_dense(8, "relu"), layer_batch_norm(), layer_dropout(0.3), layer_dense(3))
  nn_quiet(net, iris[1:4], iris$Species, epochs = epochs, optimizer = optimizer,
           checkpoint = checkpoint, validation = 0.2, ...)
}

# Killed after three of six epochs, resumed among other random numbers: as if nothing had happened.
expect_resumes <- function(optimizer, ...) {
  whole <- checkpoint_fit(optimizer, 6, ...)
  file <- tempfile(fileext = ".rds")
  alive <- TRUE
  kill <- nn_callback(on_epoch_begin = function(state) {
    if (alive && state$epoch > 3) stop("killed")
  })
  expect_error(checkpoint_fit(optimizer, 6, file, callbacks = kill, ...), "killed")
  alive <- FALSE # the checkpoint holds the callback with its environment as it was written
  saved <- readRDS(file)
  saved$job$options$callbacks <- list()
  saveRDS(saved, file)
  set.seed(99)
  again <- nn_resume(file, verbose = FALSE)
  expect_identical(again$weights, whole$weights)
  expect_identical(again$state, whole$state)
  expect_identical(again$history[names(again$history) != "seconds"],
                   whole$history[names(whole$history) != "seconds"])
}

test_that("a training goes on from a checkpoint bit for bit", {
  expect_resumes(opt_adam(0.01))
  expect_resumes(opt_sgd(lr_cosine(0.1), momentum = 0.9))
  expect_resumes(opt_adam(0.01, ema = 0.9), early_stopping = 5)
  expect_resumes(opt_sgd(lr_plateau(0.1, patience = 1)))
})

test_that("a finished training can be made longer", {
  file <- tempfile(fileext = ".rds")
  checkpoint_fit(opt_adam(0.01), 2, file)
  longer <- nn_resume(file, epochs = 5, verbose = FALSE)
  expect_equal(nrow(longer$history), 5)
  expect_identical(longer$weights, checkpoint_fit(opt_adam(0.01), 5)$weights)
  expect_equal(nrow(nn_resume(file, verbose = FALSE)$history), 5) # the file goes on, too
  expect_false(file.exists(paste0(file, ".part")))
})

test_that("a fit by a formula stays one", {
  file <- tempfile(fileext = ".rds")
  set.seed(4)
  fit <- nn(breaks ~ ., warpbreaks, hidden = 3, optimizer = opt_adam(0.01), epochs = 2,
            checkpoint = file, verbose = FALSE)
  again <- nn_resume(file, verbose = FALSE)
  expect_identical(predict(again, warpbreaks), predict(fit, warpbreaks))
  expect_identical(again$call, fit$call)
})

test_that("other files and newer versions are classed errors", {
  file <- tempfile(fileext = ".rds")
  expect_error(nn_resume(file), "is not a checkpoint", class = "anygpu_error_argument")
  saveRDS(1:3, file)
  expect_error(nn_resume(file), "is not a checkpoint", class = "anygpu_error_argument")
  checkpoint_fit(opt_adam(), 1, file)
  saved <- readRDS(file)
  saved$version <- 99L
  saveRDS(saved, file)
  expect_error(nn_resume(file), "newer version of anygpu", class = "anygpu_error_argument")
  expect_error(checkpoint_fit(opt_adam(), 1, checkpoint = 7), "`checkpoint`",
               class = "anygpu_error_argument")
})
