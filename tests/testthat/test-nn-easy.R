test_that("the network suits the data", {
  small <- nn(Species ~ ., iris, verbose = FALSE, hidden = 6, epochs = 3)
  expect_identical(small$optimizer$name, "lbfgs")
  expect_identical(vapply(small$model$layers, `[[`, 0L, "units"), c(6L, 3L))
  expect_identical(small$model$layers[[1]]$activation, "tanh")
  expect_identical(small$optimizer$l2, 0.01)
  expect_identical(nn(dist ~ speed, cars, hidden = NULL, maxit = 2)$optimizer$l2, 0)
  expect_identical(nn(dist ~ speed, cars, size = 2, maxit = 2)$optimizer$l2, 0)
  large <- nn(Species ~ ., iris[rep(1:150, 20), ], verbose = FALSE, epochs = 1)
  expect_identical(large$optimizer$name, "adam")
  expect_identical(vapply(large$model$layers, `[[`, 0L, "units"), c(64L, 32L, 3L))
  expect_identical(large$model$layers[[1]]$activation, "relu")
  many <- nn(cbind(mpg, hp) ~ wt, mtcars, hidden = NULL, maxit = 2, verbose = FALSE)
  expect_identical(vapply(many$model$layers, `[[`, 0L, "units"), 2L)
  expect_identical(as.list(many$call)[[1]], quote(nn))
})

test_that("size, decay and maxit are those of nnet", {
  fit <- nn(dist ~ speed, cars, size = 4, decay = 0.5, maxit = 7, verbose = FALSE)
  expect_identical(vapply(fit$model$layers, `[[`, 0L, "units"), c(4L, 1L))
  expect_identical(fit$model$layers[[1]]$activation, "sigmoid")
  expect_equal(fit$optimizer$l2, 0.5 / 50)
  expect_equal(fit$epochs, 7)
  expect_lte(nrow(fit$history), 7)
  expect_no <- function(pattern, ...) {
    expect_error(nn(dist ~ speed, cars, ...), pattern, class = "anygpu_error_argument")
  }
  expect_no("`size` takes the place", size = 3, hidden = 2)
  expect_no("`maxit` takes the place", maxit = 3, epochs = 2)
  expect_no("in place of `decay`", decay = 1, optimizer = opt_adam())
  expect_no("`size`", size = 0)
  expect_no("`hidden`", hidden = -1)
  expect_no("`sleep`", sleep = 1)
})

test_that("matrices and data frames are taken as well", {
  set.seed(1)
  a <- nn(as.matrix(iris[1:4]), iris$Species, hidden = 5, maxit = 20, verbose = FALSE)
  set.seed(1)
  b <- nn(iris[1:4], iris$Species, hidden = 5, maxit = 20, verbose = FALSE)
  set.seed(1)
  c <- nn(Species ~ ., iris, hidden = 5, maxit = 20, verbose = FALSE)
  expect_identical(a$weights, b$weights)
  expect_identical(a$weights, c$weights)
  expect_error(nn(array(0, c(3, 2, 2)), 1:3), "matrices and data frames",
               class = "anygpu_error_shape")
  expect_error(nn(diag(2), list(1:2, 1:2)), "one target", class = "anygpu_error_shape")
  expect_error(nn(diag(2), Sys.Date() + 1:2), "as.numeric\\(y\\) is", class = "anygpu_error_type")
})

test_that("arguments of nnet() that are not needed are told so", {
  bad <- function(pattern, ...) {
    expect_error(nn(dist ~ speed, cars, size = 2, ...), pattern, class = "anygpu_error_argument")
  }
  bad("no argument `linout`: a numeric response has linear outputs", linout = TRUE)
  bad("no argument `trace`: use `verbose`", trace = FALSE)
  bad("no argument `lr`: .*opt_adam", lr = 0.1)
})

test_that("strings and logical values are classes", {
  d <- data.frame(x = stats::rnorm(40), s = rep(c("yes", "no"), 20))
  set.seed(1)
  a <- nn(s ~ x, d, hidden = 2, maxit = 3, verbose = FALSE)
  set.seed(1)
  b <- nn(factor(s) ~ x, d, hidden = 2, maxit = 3, verbose = FALSE)
  expect_identical(predict(a, d, type = "class"), predict(b, d, type = "class"))
  expect_identical(levels(predict(a, d, type = "class")), c("no", "yes"))
  yes <- nn(s == "yes" ~ x, d, hidden = 2, maxit = 3, verbose = FALSE)
  expect_type(predict(yes, d, type = "class"), "logical")
})

test_that("there are enough steps for few samples with many columns", {
  plan <- anygpu:::nn_easy_plan(300, 100, stats::rnorm(100), NULL, c(64, 32), NULL, NULL)
  how <- anygpu:::nn_easy_training(plan, NULL, NULL, NULL, NULL, NULL)
  expect_identical(how$optimizer$name, "adam")
  expect_equal(how$epochs * 100 / how$batch_size, 1000, tolerance = 0.01)
  expect_equal(anygpu:::nn_easy_training(plan, NULL, NULL, NULL, 7, NULL)$epochs, 7)
})
