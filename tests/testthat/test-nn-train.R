test_that("training agrees with an independent network in plain R", {
  x <- matrix(rnorm(21), 7)
  cases <- list(
    list(act = "tanh", loss = "mse", y = cbind(rnorm(7), rnorm(7)), opt = opt_sgd(0.1),
         step = ref_sgd(0.1, 0)),
    list(act = "relu", loss = "mse", y = cbind(rnorm(7), rnorm(7)), opt = opt_sgd(0.05, 0.9),
         step = ref_sgd(0.05, 0.9)),
    list(act = "sigmoid", loss = "mse", y = cbind(rnorm(7), rnorm(7)),
         opt = opt_adam(0.02, 0.8, 0.9, 1e-6), step = ref_adam(0.02, 0.8, 0.9, 1e-6)),
    list(act = "softmax", loss = "mse", y = cbind(rnorm(7), rnorm(7)), opt = opt_sgd(0.1),
         step = ref_sgd(0.1, 0)),
    list(act = "tanh", loss = "cross_entropy", y = c(1, 2, 2, 1, 2, 1, 1), opt = opt_adam(0.01),
         step = ref_adam(0.01, 0.9, 0.999, 1e-8))
  )
  for (case in cases) {
    # a relu at the end could start at its kink, where the reference has no derivative
    last <- if (case$loss == "cross_entropy") "softmax" else sub("relu", "linear", case$act)
    model <- nn_model(layer_dense(4, case$act), layer_dense(2, last))
    set.seed(11)
    want <- ref_train(model, x, case$y, case$loss, epochs = 3, batch_size = 3, step = case$step)
    set.seed(11)
    y <- if (case$loss == "mse") case$y else factor(case$y)
    got <- nn_raw(model, x, y, epochs = 3, batch_size = 3, optimizer = case$opt)
    expect_equal(got$weights, want, tolerance = 1e-4, info = paste(case$act, case$loss))
    expect_equal(got$net$outputs[[1]]$loss$name, case$loss)
  }
})

test_that("the reported losses are those of the epoch", {
  x <- matrix(rnorm(30), 10)
  y <- rnorm(10)
  model <- nn_model(layer_dense(1))
  set.seed(2)
  start <- nn_start(model, 3)
  set.seed(2)
  fit <- nn_raw(model, x, y, epochs = 2, batch_size = 10, optimizer = opt_sgd(0.1))
  expect_equal(fit$history$loss[1], ref_loss(start, "linear", x, cbind(y), "mse"), tolerance = 1e-5)
  expect_named(fit$history, c("epoch", "loss", "val_loss", "lr", "seconds"))
  expect_equal(fit$history$lr, c(0.1, 0.1))
  expect_gt(min(fit$history$seconds), 0)
})

test_that("spirals are learned, and XOR", {
  set.seed(3)
  d <- nn_spirals(600)
  net <- nn_model(layer_dense(32, "relu"), layer_dense(32, "relu"), layer_dense(2))
  fit <- nn_quiet(net, d$x, d$y, epochs = 150, batch_size = 32, optimizer = opt_adam(0.01),
                  validation = 0.2)
  expect_gt(utils::tail(fit$history$accuracy, 1), 0.95)
  expect_gt(utils::tail(fit$history$val_accuracy, 1), 0.9)

  set.seed(4)
  net <- nn_model(layer_dense(8, "tanh"), layer_dense(1, "sigmoid"))
  x <- rbind(c(0, 0), c(0, 1), c(1, 0), c(1, 1))
  fit <- nn_quiet(net, x, c(0, 1, 1, 0), epochs = 500, batch_size = 4, optimizer = opt_adam(0.05))
  expect_equal(round(predict(fit, x)), c(0, 1, 1, 0))
})

test_that("the smaller last batch is used", {
  # 5 samples in batches of 4; the loss of the epoch is the mean over all 5
  x <- matrix(1, 5, 1)
  y <- c(1, 2, 3, 4, 100)
  set.seed(1)
  w <- nn_start(nn_model(layer_dense(1)), 1)[[1]]$weight[1]
  set.seed(1)
  fit <- nn_raw(nn_model(layer_dense(1)), x, y, epochs = 1, batch_size = 4,
                optimizer = opt_sgd(1e-12))
  expect_equal(fit$history$loss, mean((y - w)^2), tolerance = 1e-5)
  one <- nn_raw(nn_model(layer_dense(1)), x, y, epochs = 1)
  expect_equal(nrow(one$history), 1)
})

test_that("the validation split has the size that was asked for", {
  x <- matrix(rnorm(101), 101)
  for (share in c(0, 0.1, 0.5, 0.999)) {
    fit <- nn_raw(nn_model(layer_dense(1)), x, x[, 1], epochs = 1, validation = share)
    expect_equal(unname(fit$samples[["valid"]]), floor(101 * share))
    expect_equal(sum(fit$samples), 101)
    expect_equal(is.na(fit$history$val_loss), fit$samples[["valid"]] == 0)
  }
  # held-out samples are not trained on
  y <- x[, 1] * 2
  set.seed(8)
  split <- anygpu:::nn_split(101, 0.3)
  y[split$valid] <- 1e3
  set.seed(8)
  fit <- nn_quiet(nn_model(layer_dense(1)), x, y, epochs = 30, optimizer = opt_adam(0.1),
                  validation = 0.3)
  expect_lt(utils::tail(fit$history$loss, 1), 0.01)
  expect_gt(utils::tail(fit$history$val_loss, 1), 1e5)
})

test_that("progress goes to the standard error stream, and only when asked for", {
  run <- function(verbose) {
    utils::capture.output(type = "message", {
      fit <- nn_fit(nn_model(layer_dense(3)), iris[1:4], iris$Species, epochs = 2,
                    verbose = verbose)
    })
  }
  expect_length(run(FALSE), 0)
  expect_match(run(TRUE)[2], "epoch 2/2  loss [0-9.]+, accuracy [0-9.]+")
  expect_output(run(TRUE), NA)
})

test_that("device memory is given back when training ends, or fails", {
  invisible(gc())
  before <- .Call(anygpu:::C_live)
  x <- matrix(rnorm(1e5), 1000)
  fit <- nn_quiet(nn_model(layer_dense(8, "relu"), layer_dense(1)), x, x[, 1], epochs = 1,
                  validation = 0.5)
  expect_lt(.Call(anygpu:::C_live)[1], before[1] + 4e4) # data at once, constants with R's garbage
  invisible(gc())
  expect_equal(.Call(anygpu:::C_live), before)
  failed <- 0
  repeat {
    .Call(anygpu:::C_fault, 5 * failed + 1)
    fit <- tryCatch(nn_quiet(nn_model(layer_dense(1)), iris[1:3], iris[[4]], epochs = 1),
                    anygpu_error = function(e) e)
    .Call(anygpu:::C_fault, 0)
    if (!inherits(fit, "anygpu_error_device") || failed > 500) break
    failed <- failed + 1
  }
  invisible(gc())
  expect_equal(.Call(anygpu:::C_live), before)
})

test_that("samples held out can be marked, and have weights", {
  x <- as.matrix(iris[1:4])
  fit <- function(...) {
    set.seed(1)
    nn_quiet(nn_model(layer_dense(3)), x, iris$Species, epochs = 2, ...)
  }
  marked <- rep(c(FALSE, FALSE, TRUE), 50)
  same <- c("loss", "val_loss", "val_accuracy")
  a <- fit(validation = marked)
  expect_equal(a$history[same], fit(validation = which(marked))$history[same])
  w <- stats::runif(30)
  some <- 101:130 # of one class
  held <- fit(validation = list(x[some, ], iris$Species[some], w))
  p <- predict(held, x[some, ], type = "prob")[, "virginica"]
  expect_equal(held$history$val_loss[2], -sum(w * log(p)) / sum(w), tolerance = 1e-5)
  per_class <- c(1, 2, 4)
  all <- fit(validation = list(x, iris$Species), class_weights = per_class)
  p <- predict(all, x)[cbind(1:150, as.integer(iris$Species))]
  expect_equal(all$history$val_loss[2], -stats::weighted.mean(log(p), per_class[iris$Species]),
               tolerance = 1e-5)
})
