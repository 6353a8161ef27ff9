# Whatever fails or strikes while a network is trained: a condition, nothing left behind, and R goes
# on working.
x <- as.matrix(iris[1:4])
y <- iris$Species
net <- nn_model(layer_dense(4, "relu"), layer_dense(3))
thirds <- function(k) if (k <= 3) list(x[seq(k, 150, 3), ], y[seq(k, 150, 3)])

file_of_iris <- function() {
  path <- tempfile(fileext = ".bin")
  nn_file_write(path, x, y)
  path
}

# `code` raises an error of `class`, and leaves nothing on the device.
expect_clean_error <- function(code, class, pattern = NULL) {
  base <- live()
  expect_error(code, pattern, class = class)
  expect_identical(live(), base)
}

# -- device calls that fail ------------------------------------------------------------------------

# Every `step`-th device call of work() in turn.
expect_survives <- function(work, step = 59) {
  on.exit(.Call(anygpu:::C_fault, 0))
  work()
  base <- live()
  result <- NULL
  failed <- 0
  for (n in seq(1, 3000, step)) {
    .Call(anygpu:::C_fault, n)
    result <- tryCatch(work(), error = identity)
    .Call(anygpu:::C_fault, 0)
    if (!inherits(result, "error")) break
    failed <- failed + 1
    expect_s3_class(result, "anygpu_error_device")
  }
  expect_gt(failed, 0)
  expect_false(inherits(result, "error"))
  rm(result)
  expect_identical(live(), base)
}

test_that("a device call that fails ends a training, a prediction, a search: no leak", {
  images <- array(runif(24 * 36), c(24, 6, 6, 1))
  sign <- factor(rep(c("a", "b"), 12))
  cnn <- nn_model(layer_conv2d(2, 3, activation = "relu"), layer_batch_norm(),
                  layer_max_pool2d(2), layer_flatten(), layer_dense(2))
  path <- file_of_iris()
  save <- tempfile()
  fit <- nn_quiet(net, x, y, epochs = 1, checkpoint = save)
  expect_survives(function() nn_quiet(net, x, y, epochs = 2, batch_size = 64, validation = 0.2,
                                      metrics = "auc"))
  expect_survives(function() nn_quiet(cnn, images, sign, epochs = 1, batch_size = 10))
  expect_survives(function() nn_quiet(cnn, images, sign, epochs = 2, optimizer = opt_lbfgs()))
  expect_survives(function() predict(fit, x, batch_size = 50))
  expect_survives(function() nn_quiet(net, nn_source(thirds, 150), epochs = 1, metrics = "auc"))
  expect_survives(function() nn_quiet(net, nn_file(path, chunk = 64), epochs = 1))
  expect_survives(function() nn_resume(save, epochs = 2, verbose = FALSE))
  expect_survives(function() nn_lr_find(net, x, y, steps = 10), 199)
})

# -- errors of the user's functions ----------------------------------------------------------------

test_that("errors in callbacks, losses, metrics, layers and sources pass, and nothing is left", {
  fails <- function(...) stop(structure(class = c("own", "error", "condition"),
                                        list(message = "own", call = NULL)))
  nn_quiet(net, x, y, epochs = 1)
  for (when in names(nn_callback())) {
    callback <- do.call(nn_callback, stats::setNames(list(fails), when))
    expect_clean_error(nn_quiet(net, x, y, epochs = 1, callbacks = callback), "own")
  }
  expect_clean_error(nn_quiet(net, x, y, loss = fails), "own")
  expect_clean_error(nn_quiet(net, x, y, metrics = fails), "own")
  expect_clean_error(nn_quiet(net, x, y, metrics = metric_custom("m", fails, collect = TRUE)),
                     "own")
  lambda <- nn_model(layer_lambda(fails), layer_dense(3))
  expect_clean_error(nn_quiet(lambda, x, y), "own")
  second <- function(k) if (k == 2) fails() else thirds(k)
  expect_clean_error(nn_quiet(net, nn_source(second, 150)), "own")
  expect_clean_error(nn_quiet(net, nn_source(thirds), validation = nn_source(fails, 9)), "own")
})

test_that("sources whose pieces change are classed errors, and nothing is left", {
  expect_piece_error <- function(class, pattern, piece) {
    source <- nn_source(function(k) if (k == 3) piece else thirds(k), 150)
    expect_clean_error(nn_quiet(net, source, epochs = 2), paste0("anygpu_error_", class), pattern)
  }
  nn_quiet(net, nn_source(thirds), epochs = 1)
  expect_piece_error("shape", "has 3 columns, .* with 4", list(x[, 1:3], y))
  expect_piece_error("shape", "has 150 rows, .* has 149", list(x, y[-1]))
  expect_piece_error("shape", "0 rows", list(x[0, ], y[0]))
  expect_piece_error("argument", "missing or infinite", list(replace(x, 7, NA), y))
  expect_piece_error("type", "`piece 3\\$y` has numbers, .* classes", list(x, as.numeric(y)))
  expect_piece_error("type", "must be a numeric matrix", list(NULL, NULL))
  expect_piece_error("shape", "piece 3 has weights, the first one has none", list(x, y, 1:150))
  epoch <- 0
  once <- function(k) {
    if (k == 1) epoch <<- epoch + 1
    if (epoch == 1) thirds(k)
  }
  expect_clean_error(nn_quiet(net, nn_source(once, 150), epochs = 3), "anygpu_error_shape",
                     "the source gave no samples in epoch 2")
  nothing <- nn_source(function(k) NULL, 9)
  expect_clean_error(nn_quiet(net, nn_source(thirds), validation = nothing), "anygpu_error_shape",
                     "the source for validation gave no samples in epoch 1")
})

# -- interrupts ------------------------------------------------------------------------------------

interrupt <- function() tools::pskill(Sys.getpid(), tools::SIGINT)
expect_interrupted <- function(code, rows) {
  expect_warning(fit <- code, "interrupted in epoch", class = "anygpu_warning_interrupt")
  expect_true(fit$interrupted)
  expect_equal(nrow(fit$history), rows)
  expect_true(all(is.finite(predict(fit, x))))
}

test_that("an interrupt in a function of the user's keeps the epochs before", {
  skip_on_os("windows")
  second <- function(state) if (state$epoch == 2) interrupt()
  expect_interrupted(nn_quiet(net, x, y, callbacks = second), 2)
  begin <- nn_callback(on_epoch_begin = second)
  expect_interrupted(nn_quiet(net, x, y, callbacks = begin), 1)
  expect_interrupted(nn_quiet(net, x, y, callbacks = second, optimizer = opt_lbfgs()), 2)
  epoch <- 0
  source <- nn_source(function(k) {
    if (k == 1) epoch <<- epoch + 1
    if (epoch == 3 && k == 2) interrupt()
    thirds(k)
  }, 150)
  expect_interrupted(nn_quiet(net, source), 2)
})

test_that("an interrupt while the device works for a callback keeps the fit, too", {
  struck <- function(state) if (state$epoch == 2) anygpu:::stop_status("interrupt", "interrupted")
  expect_interrupted(nn_quiet(net, x, y, callbacks = struck), 2)
  expect_interrupted(nn_quiet(net, x, y, callbacks = struck, optimizer = opt_lbfgs()), 2)
})

# -- forks, nested and traced trainings ------------------------------------------------------------

test_that("forked processes train, before, during and after a training of the parent's", {
  skip_on_os("windows")
  skip_if_not(gpu_device() == "host")
  path <- file_of_iris()
  loss <- function(...) {
    set.seed(1)
    nn_quiet(net, ..., epochs = 1)$history$loss
  }
  children <- function(...) unlist(parallel::mclapply(1:2, function(i) loss(...), mc.cores = 2))
  within <- NULL
  fit <- nn_quiet(net, x, y, epochs = 2, callbacks = function(state) within <<- children(x, y))
  want <- loss(x, y)
  expect_equal(within, rep(want, 2))
  expect_equal(children(x, y), rep(want, 2))
  source <- nn_file(path, chunk = 64)
  within <- NULL
  nn_quiet(net, source, epochs = 2, callbacks = function(state) within <<- children(source))
  expect_equal(within, rep(loss(source), 2))
  expect_equal(nrow(fit$history), 2)
})

test_that("a training within another one, or within a traced function, disturbs nothing", {
  fit <- function(...) {
    set.seed(1)
    nn_quiet(net, x, y, epochs = 2, ...)$weights
  }
  inner <- function(state) {
    seed <- get(".Random.seed", globalenv())
    nn_quiet(net, x, y, epochs = 1)
    assign(".Random.seed", seed, globalenv())
  }
  expect_identical(fit(callbacks = inner), fit())
  expect_identical(fit(callbacks = nn_callback(on_batch_end = inner)), fit())
  lbfgs <- function(...) fit(optimizer = opt_lbfgs(), ...)
  expect_identical(lbfgs(callbacks = inner), lbfgs())
  double <- function(a) {
    fit()
    sum(a * 2)
  }
  expect_equal(as.vector(gpu_jit(double)(gpu(1:3))), 12)
  expect_equal(as.vector(gpu_grad(double, gpu(c(1, 2, 3)))), c(2, 2, 2))
  base <- live()
  fit(callbacks = inner)
  expect_identical(live(), base)
})

# -- files -----------------------------------------------------------------------------------------

test_that("a checkpoint that cannot be written is a warning: the training goes on", {
  folder <- tempfile()
  dir.create(folder)
  gone <- function(state) if (state$epoch == 2) unlink(folder, recursive = TRUE)
  expect_warning(
    fit <- nn_quiet(net, x, y, epochs = 2, checkpoint = file.path(folder, "save"),
                    callbacks = gone),
    "no checkpoint .*save\" of epoch 2 was written: cannot open",
    class = "anygpu_warning_checkpoint"
  )
  expect_equal(nrow(fit$history), 2)
})

test_that("a file with any byte of its header changed, or cut anywhere, is no surprise", {
  path <- file_of_iris()
  bytes <- readBin(path, "raw", 1e5)
  damaged <- tempfile()
  outcome <- function(bytes) {
    writeBin(bytes, damaged)
    source <- tryCatch(nn_file(damaged), anygpu_error = identity)
    if (inherits(source, "nn_source")) source <- tryCatch({
      state <- anygpu:::nn_source_open(source, 150)
      suppressWarnings(anygpu:::nn_source_next(state))
      source
    }, anygpu_error = identity)
    inherits(source, "nn_source") || inherits(source, "anygpu_error")
  }
  head <- nn_file(path)$offset
  for (at in seq(1, head, 3)) expect_true(outcome(replace(bytes, at, as.raw(sample(0:255, 1)))))
  for (cut in c(0, seq(1, head, 7), length(bytes) - 1)) expect_true(outcome(bytes[seq_len(cut)]))
  expect_clean_error(nn_file(damaged), "anygpu_error_argument", "ends within a sample")
})
