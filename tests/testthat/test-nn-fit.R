iris_fit <- function(...) {
  set.seed(1)
  net <- nn_model(layer_dense(12, "relu"), layer_dense(3, "softmax"))
  nn_quiet(net, iris[1:4], iris$Species, epochs = 40, batch_size = 16, optimizer = opt_adam(0.02),
           ...)
}

test_that("predict gives classes, probabilities and the same as plain R", {
  fit <- iris_fit()
  class <- predict(fit, iris[1:4], type = "class")
  expect_s3_class(class, "factor")
  expect_identical(levels(class), levels(iris$Species))
  expect_gt(mean(class == iris$Species), 0.95)
  prob <- predict(fit, as.matrix(iris[1:4]), type = "prob")
  expect_equal(dim(prob), c(150L, 3L))
  expect_identical(colnames(prob), levels(iris$Species))
  expect_equal(unname(rowSums(prob)), rep(1, 150))
  expect_equal(unname(prob), ref_output(fit$weights, c("relu", "softmax"), scale(iris[1:4])),
               tolerance = 1e-5, ignore_attr = TRUE)
  expect_identical(predict(fit, iris[1:4]), predict(fit, iris[1:4], type = "prob"))
})

test_that("a regression predicts a vector for a vector and a matrix for a matrix", {
  y <- cbind(a = iris$Sepal.Width, b = iris$Sepal.Length)
  one <- nn_raw(nn_model(layer_dense(1)), iris[3:4], y[, 1], epochs = 2)
  two <- nn_quiet(nn_model(layer_dense(2)), iris[3:4], y, epochs = 2)
  want <- ref_output(one$weights, "linear", as.matrix(iris[3:4]))[, 1]
  expect_equal(predict(one, iris[3:4]), want, tolerance = 1e-5, ignore_attr = TRUE)
  expect_identical(colnames(predict(two, iris[3:4])), c("a", "b"))
  expect_equal(dim(predict(two, iris[1, 3:4])), c(1L, 2L))
  expect_error(predict(one, iris[3:4], type = "class"), "regression",
               class = "anygpu_error_argument")
})

test_that("prediction in pieces is prediction", {
  fit <- iris_fit()
  x <- as.matrix(iris[1:4])
  for (size in c(1, 7, 149, 1000)) {
    expect_equal(predict(fit, x, batch_size = size), predict(fit, x), tolerance = 1e-6)
  }
  expect_error(predict(fit, x, batch_size = 0), "`batch_size`", class = "anygpu_error_argument")
})

test_that("new data are matched by name and checked", {
  fit <- iris_fit()
  expect_identical(predict(fit, iris), predict(fit, iris[1:4]))
  expect_identical(predict(fit, iris[5:1]), predict(fit, iris[1:4]))
  expect_error(predict(fit, iris[1:3]), "has 3 columns, the model was .* with 4: `Petal.Width`",
               class = "anygpu_error_shape")
  expect_error(predict(fit), "`newdata` is missing", class = "anygpu_error_argument")
  expect_error(predict(fit, iris[1:4], type = "links"), "\"prob\"", class = "anygpu_error_argument")
  bad <- as.matrix(iris[1:4])
  bad[3, 2] <- NA
  expect_error(predict(fit, bad), "newdata\\[3, 2\\]", class = "anygpu_error_argument")
})

test_that("odd level names come back as they were", {
  odd <- c("", "NA", "a b", "\u00e4", "1")
  y <- factor(rep(odd, 6), levels = odd)
  fit <- nn_quiet(nn_model(layer_dense(5)), diag(5)[rep(1:5, 6), ], y, epochs = 200, batch_size = 5,
                  optimizer = opt_adam(0.1))
  expect_identical(predict(fit, diag(5), type = "class"), factor(odd, levels = odd))
  expect_identical(colnames(predict(fit, diag(5))), odd)
  # a level without samples keeps its place
  z <- factor(rep(c("x", "z"), 5), levels = c("x", "y", "z"))
  fit <- nn_quiet(nn_model(layer_dense(3)), matrix(rnorm(10), 10), z, epochs = 1)
  expect_identical(levels(predict(fit, matrix(0, 1, 1), type = "class")), c("x", "y", "z"))
})

test_that("a fit is plain R and predicts the same after saveRDS() in a fresh session", {
  fit <- iris_fit()
  types <- rapply(unclass(fit)["weights"], typeof, how = "unlist")
  expect_true(all(types == "double"))
  file <- tempfile(fileext = ".rds")
  saveRDS(fit, file)
  expect_identical(readRDS(file), fit)
  want <- tempfile(fileext = ".rds")
  saveRDS(predict(fit, iris[1:4]), want)
  skip_if_not(nzchar(system.file(package = "anygpu")))
  script <- tempfile(fileext = ".R")
  lib <- dirname(system.file(package = "anygpu"))
  writeLines(c(sprintf("library(anygpu, lib.loc = %s)", deparse(lib)),
               sprintf("p <- predict(readRDS(%s), iris[1:4])", deparse(file)),
               sprintf("stopifnot(identical(p, readRDS(%s)))", deparse(want))), script)
  rscript <- file.path(R.home("bin"), "Rscript")
  status <- system2(rscript, shQuote(script), stdout = FALSE, stderr = FALSE)
  expect_equal(status, 0)
})

test_that("a fit prints, sums up and plots", {
  fit <- iris_fit(validation = 0.2)
  out <- utils::capture.output(print(fit))
  expect_match(out[1], "classification, 3 classes, 99 parameters")
  expect_match(out, "1  dense, 12 units, relu", all = FALSE)
  expect_match(out, "on 120 samples \\(30 held out\\), batches of 16, adam \\(lr 0.02", all = FALSE)
  expect_match(out, "40 of 40 epochs", all = FALSE)
  expect_match(out, "^training: +loss [0-9.]+, accuracy [0-9.]+$", all = FALSE)
  expect_match(out, "^baseline: +loss 1\\.0[0-9]+ ", all = FALSE)
  expect_match(out, "^validation: +loss [0-9.]+, accuracy", all = FALSE)
  about <- summary(fit)
  expect_equal(about$layers$parameters, c(60, 39))
  expect_equal(about$layers$output, c("12", "3"))
  expect_equal(about$parameters, 99)
  expect_output(print(about), "99 parameters")
  expect_identical(as.data.frame(fit), fit$history)
  file <- tempfile(fileext = ".pdf")
  grDevices::pdf(file)
  on.exit(grDevices::dev.off())
  before <- graphics::par("mfrow")
  expect_invisible(plot(fit))
  expect_identical(graphics::par("mfrow"), before)
  expect_invisible(plot(nn_quiet(nn_model(layer_dense(1)), iris[1:3], iris[[4]], epochs = 1)))
})

test_that("device arrays are taken as data", {
  x <- as.matrix(iris[1:4])
  set.seed(1)
  a <- nn_quiet(nn_model(layer_dense(3)), x, iris$Species, epochs = 2)
  set.seed(1)
  b <- nn_quiet(nn_model(layer_dense(3)), gpu(x), iris$Species, epochs = 2)
  expect_identical(a$weights, b$weights)
  expect_equal(predict(a, gpu(x)), predict(a, x), tolerance = 1e-6, ignore_attr = TRUE)
})

test_that("mistakes of the user's own functions and lists are told as they are", {
  fit <- function(...) nn_fit(nn_model(layer_dense(1)), cars["speed"], cars$dist, epochs = 1, ...)
  expect_error(fit(loss = function(y, p) stop("of my own")), "^of my own$")
  expect_error(fit(loss = function(y) y), "unused argument (y_pred)", fixed = TRUE)
  expect_error(gpu_jit(function() 1)(gpu(1)), "unused argument", fixed = TRUE)
  bad <- function(call, message, class = "anygpu_error_argument") {
    expect_error(call, message, class = class, fixed = TRUE)
  }
  three <- metric_custom("three", function(y, p) 1:3, collect = TRUE)
  bad(fit(metrics = three), "not integer of length 3", "anygpu_error_shape")
  bad(fit(metrics = metric_custom("loss", function(y, p) y)), "column \"loss\" already")
  bad(fit(metrics = c("mae", "mae")), "column \"mae\" already")
  bad(fit(validation = list(cars["speed"])), "list(x, y, weights), not a list of 1")
  bad(fit(standardize = NA), "`standardize` must be TRUE or FALSE, or one of them")
  bad(fit(checkpoint = file.path(tempdir(), "none", "x.rds")), "`checkpoint`: there is no folder")
  bad(fit(optimizer = opt_adam), "not a function")
  bad(fit(early_stopping = NA), "not NA")
  bad(nn_fit(nn_model(layer_dense(1)), cars["speed"]), "`y` is missing")
  bad(opt_adam(0.1, 0.9, 0.99, 1e-8, 1), "no argument at that place")
  byname <- nn(dist ~ speed, cars, hidden = NULL, epochs = 1)
  expect_identical(predict(byname, data.frame(speed = NA_real_)), NA_real_)
  expect_warning(nn_fit(nn_model(layer_dense(1)), cbind(a = cars$speed, 7), cars$dist, epochs = 1),
                 "constant (`2`)", fixed = TRUE)
})

test_that("predictions in many pieces are those in one", {
  fit <- nn_fit(nn_model(layer_gru(3, TRUE), layer_dense(2)), array(rnorm(84), c(7, 4, 3)),
                array(rnorm(56), c(7, 4, 2)), epochs = 1, precision = "float64")
  x <- array(rnorm(84), c(7, 4, 3))
  expect_equal(predict(fit, x, batch_size = 2), predict(fit, x))
})

test_that("a target of several steps is centred per column, and predicted in its units", {
  set.seed(1)
  x <- array(rnorm(240), c(20, 4, 3))
  y <- x[, , 1:2] + rep(c(100, -7), each = 80)
  fit <- nn_fit(nn_model(layer_dense(2)), x, y, epochs = 100, optimizer = opt_lbfgs())
  expect_equal(predict(fit, x), y, tolerance = 1e-4)
  expect_equal(fit$net$outputs[[1]]$center, apply(y, 3, mean))
  scaled <- nn_fit(nn_model(layer_dense(2)), x, y + 0, epochs = 1, loss = "huber")
  expect_equal(predict(scaled, x, type = "link"), predict(scaled, x))
})

test_that("an optimiser, a loss and metrics can be named", {
  fit <- function(...) {
    set.seed(1)
    nn_quiet(nn_model(layer_dense(1)), cars["speed"], cars$dist, epochs = 2, ...)
  }
  a <- fit(optimizer = "sgd", loss = "mae", metrics = c("mae", "r2"))
  b <- fit(optimizer = opt_sgd(), loss = loss_mae(), metrics = list(metric_mae(), metric_r2()))
  expect_identical(a$weights, b$weights)
  expect_named(a$history, names(b$history))
  expect_identical(nn(dist ~ speed, cars, optimizer = "lbfgs", epochs = 1)$optimizer, opt_lbfgs())
  for (name in names(anygpu:::nn_optimizer_table())) {
    expect_identical(anygpu:::nn_as_optimizer(name)$name, name)
  }
})

test_that("a fit is small, however much data there was, and standardises what overflows", {
  size <- function(n) {
    x <- matrix(stats::rnorm(4 * n), n)
    fit <- nn_quiet(nn_model(layer_dense(2)), x, factor(rep(1:2, n / 2)), epochs = 1,
                    metrics = c("accuracy", "f1", "auc"))
    expect_identical(fit$metrics, list(c("accuracy", "f1", "auc")))
    length(serialize(fit, NULL))
  }
  expect_lt(size(2000), size(100) + 1000)
  expect_lt(size(100), 50000)
  huge <- nn_quiet(nn_model(layer_dense(1)), cars["speed"], cars$dist * 1e100, epochs = 1)
  expect_true(all(is.finite(predict(huge, cars))))
})
