predict_fit <- function(model, y, x = as.matrix(iris[1:4]), ..., epochs = 5) {
  set.seed(5)
  nn_quiet(model, x, y, epochs = epochs, ...)
}
x <- as.matrix(iris[1:4])

test_that("a factor has classes, probabilities and logits", {
  fit <- predict_fit(nn_model(layer_dense(3)), iris$Species)
  z <- predict(fit, x, type = "link")
  p <- predict(fit, x)
  expect_identical(colnames(z), levels(iris$Species))
  expect_equal(p, exp(z) / rowSums(exp(z)), tolerance = 1e-6)
  expect_identical(predict(fit, x, type = "prob"), p)
  expect_identical(as.integer(predict(fit, x, type = "class")), max.col(p))
})

test_that("two classes need one output only, and logical stays logical", {
  y <- iris$Species == "virginica"
  fit <- predict_fit(nn_model(layer_dense(1)), y, loss = "binary_cross_entropy")
  p <- predict(fit, x, type = "prob")
  expect_identical(colnames(p), c("FALSE", "TRUE"))
  expect_equal(p[, "TRUE"], unname(stats::plogis(predict(fit, x, type = "link"))),
               tolerance = 1e-6, ignore_attr = TRUE)
  expect_identical(predict(fit, x, type = "class"), unname(p[, "TRUE"] > 0.5))
  two <- predict_fit(nn_model(layer_dense(2)), factor(y, labels = c("no", "yes")))
  expect_identical(levels(predict(two, x, type = "class")), c("no", "yes"))
})

test_that("counts have a mean, and its logarithm as link", {
  fit <- predict_fit(nn_model(layer_dense(1)), rep(0:2, 50), loss = "poisson")
  expect_equal(predict(fit, x), exp(predict(fit, x, type = "link")), tolerance = 1e-6)
  expect_true(all(predict(fit, x) > 0))
  expect_error(predict(fit, x, type = "prob"), "\"prob\" needs a classification",
               class = "anygpu_error_argument")
})

test_that("several outputs are a list", {
  h <- nn_input() |> layer_dense(6, "tanh")
  net <- nn_model(h |> layer_dense(3), h |> layer_dense(1))
  fit <- predict_fit(net, list(iris$Species, iris$Sepal.Length))
  p <- predict(fit, x)
  expect_length(p, 2)
  expect_equal(dim(p[[1]]), c(150L, 3L))
  expect_length(p[[2]], 150)
  expect_error(predict(fit, x, type = "class"), "`y[[2]]` was trained as a reg", fixed = TRUE,
               class = "anygpu_error_argument")
  expect_named(fit$history, c("epoch", "loss", "loss_1", "loss_2", "accuracy_1", "val_loss",
                              "val_loss_1", "val_loss_2", "val_accuracy_1", "lr", "seconds"))
  expect_equal(fit$history$loss, fit$history$loss_1 + fit$history$loss_2, tolerance = 1e-6)
})

test_that("rows keep their names, and of a formula's fit missing values are NA", {
  named <- x[1:3, ]
  rownames(named) <- c("a", "b", "c")
  fit <- predict_fit(nn_model(layer_dense(3)), iris$Species)
  expect_identical(rownames(predict(fit, named)), rownames(named))
  expect_null(rownames(predict(fit, x)))
  fit <- nn(dist ~ speed, cars, hidden = 2, maxit = 3, verbose = FALSE)
  p <- predict(fit, data.frame(speed = c(10, NA, 20)))
  expect_identical(unname(is.na(p)), c(FALSE, TRUE, FALSE))
  fit <- nn(Species ~ ., iris, hidden = 2, maxit = 3, verbose = FALSE)
  holes <- replace(iris[1:3, ], cbind(2, 1), NA)
  expect_identical(is.na(predict(fit, holes, type = "class")), c(FALSE, TRUE, FALSE))
  expect_identical(unname(is.na(predict(fit, holes)[, 1])), c(FALSE, TRUE, FALSE))
})

test_that("no samples have no predictions, of the same kind", {
  nothing <- function(p) { # what `p` has but for its samples
    if (length(dim(p)) == 2) p[0, , drop = FALSE] else p[0]
  }
  expect_nothing <- function(fit, some, types = c("response", "link")) {
    for (type in types) {
      none <- predict(fit, if (length(dim(some)) == 2) some[0, ] else some[0, , , , drop = FALSE],
                      type = type)
      expect_equal(none, nothing(predict(fit, some, type = type)), ignore_attr = "names")
    }
  }
  all <- c("response", "link", "prob", "class")
  y <- iris$Species
  expect_nothing(predict_fit(nn_model(layer_dense(3)), y, epochs = 1), x, all)
  expect_nothing(predict_fit(nn_model(layer_dense(3)), y, epochs = 1), iris[1:4], all)
  expect_nothing(predict_fit(nn_model(layer_dense(3)), y, epochs = 1), gpu(x), all)
  expect_nothing(nn(Species ~ ., iris, hidden = 2, maxit = 2, verbose = FALSE), iris, all)
  expect_nothing(predict_fit(nn_model(layer_dense(1)), y == "setosa",
                             loss = "binary_cross_entropy", epochs = 1), x, all)
  expect_nothing(predict_fit(nn_model(layer_dense(1)), iris[[1]], epochs = 1), x)
  expect_nothing(predict_fit(nn_model(layer_dense(2)), as.matrix(iris[1:2]), epochs = 1), x)
  expect_nothing(predict_fit(nn_model(layer_dense(1)), rep(0:2, 50), loss = "poisson", epochs = 1),
                 x)
  expect_nothing(nn(dist ~ speed, cars, hidden = 2, maxit = 2, verbose = FALSE), cars)
  images <- array(stats::rnorm(6 * 4 * 4), c(6, 4, 4, 1))
  conv <- nn_model(layer_conv2d(3, 2), layer_flatten(), layer_dense(2))
  expect_nothing(predict_fit(conv, factor(rep(1:2, 3)), images, epochs = 1), images, all)
  late <- nn(Ozone ~ Wind, airquality, hidden = 2, maxit = 2, verbose = FALSE)
  expect_identical(predict(late, data.frame(Wind = c(NA, NA_real_))), c(NA, NA_real_))
})

test_that("a column of zeros and ones for each class is a factor in another form", {
  y <- iris$Species
  hot <- 1 * outer(as.integer(y), 1:3, "==")
  colnames(hot) <- levels(y)
  fit <- function(y, ...) {
    predict_fit(nn_model(layer_dense(3)), y, loss = "cross_entropy", validation = 101:150,
                metrics = c("accuracy", "f1", "auc"), class_weights = c(1, 2, 3), ...)
  }
  a <- fit(y)
  b <- fit(hot)
  expect_equal(b$weights, a$weights, tolerance = 1e-6)
  expect_equal(b$history[2:9], a$history[2:9], tolerance = 1e-6)
  for (type in c("prob", "class", "link", "response")) {
    expect_equal(predict(b, x, type = type), predict(a, x, type = type), tolerance = 1e-5)
  }
  expect_output(print(b), "classification, 3 classes")
  unnamed <- predict_fit(nn_model(layer_dense(3)), unname(hot), loss = "cross_entropy", epochs = 1)
  expect_identical(levels(predict(unnamed, x, type = "class")), c("1", "2", "3"))
})

test_that("names of several targets and of their columns are kept", {
  h <- nn_input() |> layer_dense(3)
  net <- nn_model(h |> layer_dense(3), h |> layer_dense(2))
  y <- list(kind = iris$Species, size = cbind(long = iris[[1]], wide = iris[[2]]))
  rownames(x) <- paste0("flower", 1:150)
  some <- list(size = y$size[1:9, ], kind = y$kind[1:9])
  fit <- nn_fit(net, x, y, validation = list(x[1:9, ], some), epochs = 1, verbose = FALSE)
  expect_true(all(c("loss_kind", "accuracy_kind", "val_loss_size") %in% names(fit$history)))
  for (values in list(predict(fit, x), fitted(fit), residuals(fit))) {
    expect_named(values, c("kind", "size"))
    expect_identical(dimnames(values$kind), list(rownames(x), levels(iris$Species)))
    expect_identical(dimnames(values$size), list(rownames(x), c("long", "wide")))
  }
  mixed <- predict(fit, x[1:3, ], type = c("class", "response"))
  expect_identical(levels(mixed$kind), levels(iris$Species))
  expect_identical(mixed$size, predict(fit, x[1:3, ])$size)
  expect_error(predict(fit, x, type = "class"), "`y$size` was trained as a reg", fixed = TRUE,
               class = "anygpu_error_argument")
})

test_that("of a formula's fit the names are those of lm()", {
  fit <- nn(mpg ~ wt, mtcars, hidden = 2, maxit = 2, verbose = FALSE)
  line <- stats::lm(mpg ~ wt, mtcars)
  for (new in list(mtcars[3:5, ], data.frame(wt = 1:3), list(wt = 1:3), mtcars[0, ])) {
    expect_identical(names(predict(fit, new)), names(predict(line, new)))
  }
})

test_that("pieces of images are put together again", {
  images <- array(stats::rnorm(7 * 4 * 3 * 2), c(7, 4, 3, 2))
  fit <- predict_fit(nn_model(layer_conv2d(3, 2), layer_flatten(), layer_dense(2)),
                     cbind(a = 1:7, b = 7:1), images)
  whole <- predict(fit, images)
  expect_equal(predict(fit, images, batch_size = 3), whole, tolerance = 1e-6)
  expect_identical(colnames(whole), c("a", "b"))
  expect_equal(predict(fit, images[2, , , , drop = FALSE]), whole[2, , drop = FALSE],
               tolerance = 1e-6)
  expect_error(predict(fit, images[, 1:3, , ]), "3 x 3 x 2, the model was trained with 4 x 3 x 2",
               class = "anygpu_error_shape")
})

test_that("an output of a sigmoid is in the units of the target", {
  set.seed(6)
  fit <- predict_fit(nn_model(layer_dense(4, "tanh"), layer_dense(1, "sigmoid")),
                     as.numeric(iris$Species == "setosa"), epochs = 100,
                     optimizer = opt_adam(0.05))
  p <- predict(fit, x)
  expect_true(all(p >= 0 & p <= 1))
  expect_equal(round(unname(p)), as.numeric(iris$Species == "setosa"))
})
