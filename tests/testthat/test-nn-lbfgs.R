x <- as.matrix(iris[1:4])

lbfgs_fit <- function(model, y, ..., epochs = 200, optimizer = opt_lbfgs()) {
  set.seed(8)
  nn_quiet(model, x, y, epochs = epochs, optimizer = optimizer, ...)
}

test_that("a linear model ends where lm() does", {
  fit <- lbfgs_fit(nn_model(layer_dense(1)), iris$Sepal.Length)
  line <- stats::lm(iris$Sepal.Length ~ x)
  expect_identical(fit$net$type, "float64")
  expect_identical(fit$stopped, "converged")
  expect_equal(unname(predict(fit, x)), unname(stats::fitted(line)), tolerance = 1e-5)
  expect_equal(utils::tail(fit$history$loss, 1), mean(stats::residuals(line)^2), tolerance = 1e-8)
  expect_true(all(diff(fit$history$loss) <= 0))
})

test_that("the penalty is minimised with the loss, as optim() does", {
  l2 <- 0.1
  s <- scale(x)
  y <- as.vector(scale(iris$Sepal.Width))
  want <- stats::optim(numeric(5), function(w) mean((y - s %*% w[-5] - w[5])^2) + l2 * sum(w^2),
                       method = "BFGS", control = list(reltol = 1e-14))
  fit <- lbfgs_fit(nn_model(layer_dense(1)), y, optimizer = opt_lbfgs(l2 = l2))
  expect_equal(as.vector(fit$weights[[1]]$weight), want$par[1:4], tolerance = 1e-4)
  # the history has the loss alone
  expect_equal(utils::tail(fit$history$loss, 1), mean((y - predict(fit, x))^2), tolerance = 1e-6)
})

test_that("the loss of nnet is reached", {
  skip_if_not_installed("nnet")
  nnet <- getExportedValue("nnet", "nnet") # a peer, no dependency
  class.ind <- getExportedValue("nnet", "class.ind")
  decay <- 0.5
  set.seed(9)
  s <- as.data.frame(scale(x))
  best <- min(replicate(3, {
    nnet(s, class.ind(iris$Species), size = 3, softmax = TRUE, decay = decay, maxit = 500,
         trace = FALSE)$value
  }))
  ours <- min(vapply(1:3, function(seed) {
    set.seed(seed)
    fit <- nn_quiet(nn_model(layer_dense(3, "sigmoid"), layer_dense(3)), x, iris$Species,
                    epochs = 500, optimizer = opt_lbfgs(l2 = decay / 150))
    n <- nrow(fit$history)
    150 * fit$history$loss[n] + decay * sum(unlist(fit$weights)^2)
  }, 0))
  expect_lt(ours, best * 1.01)
})

test_that("single iterations are the same as all at once", {
  net <- nn_model(layer_dense(3, "tanh"), layer_dense(3))
  once <- lbfgs_fit(net, iris$Species, epochs = 15)
  seen <- 0
  each <- lbfgs_fit(net, iris$Species, epochs = 15,
                    callbacks = function(state) seen <<- state$epoch)
  expect_identical(each$weights, once$weights)
  expect_equal(each$history$loss, once$history$loss, tolerance = 1e-12)
  expect_equal(seen, 15)
  held <- lbfgs_fit(net, iris$Species, validation = 0.3, early_stopping = 5)
  expect_equal(held$best_epoch, which.min(held$history$val_loss))
  in_float32 <- lbfgs_fit(net, iris$Species, epochs = 15, precision = "float32")
  expect_equal(in_float32$history$loss[15], once$history$loss[15], tolerance = 1e-2)
})

test_that("an interrupt keeps the fit so far", {
  skip_on_os("windows")
  skip_on_cran()
  set.seed(10)
  big <- matrix(stats::rnorm(2e5), 2000)
  # sent when the kernels are there, however long that took
  later <- function(state) {
    if (state$epoch == 1) system(sprintf("(sleep 1; kill -INT %d) >/dev/null 2>&1 &", Sys.getpid()))
  }
  expect_warning(
    fit <- nn_quiet(nn_model(layer_dense(64, "tanh"), layer_dense(1)), big, stats::rnorm(2000),
                    epochs = 1e5, optimizer = opt_lbfgs(abstol = 0, reltol = 0),
                    callbacks = later),
    "interrupted", class = "anygpu_warning_interrupt"
  )
  expect_true(fit$interrupted)
  expect_true(all(is.finite(predict(fit, big))))
  expect_gt(nrow(fit$history), 0)
})

test_that("the history has no penalty in it, whoever looks", {
  fit <- function(...) {
    set.seed(1)
    nn_quiet(nn_model(layer_dense(3, "tanh"), layer_dense(1)), cars["speed"], cars$dist, epochs = 9,
             optimizer = opt_lbfgs(l2 = 0.1), ...)
  }
  expect_equal(fit()$history$loss, fit(callbacks = function(state) NULL)$history$loss,
               tolerance = 1e-6)
})
