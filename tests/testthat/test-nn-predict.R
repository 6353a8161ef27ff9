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
  expect_error(predict(fit, x, type = "class"), "this is a regression",
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
