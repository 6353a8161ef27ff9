# lm() is the oracle of which rows there are.
ozone <- Ozone ~ Solar.R + Wind

test_that("fitted values and residuals are those of the rows that lm() has", {
  ozone <- Ozone ~ Solar.R + Wind # its environment is where `late` and `action` are looked for
  late <- airquality$Month > 5
  for (action in list(na.omit, na.exclude)) {
    fit <- nn(ozone, airquality, hidden = 2, maxit = 2, subset = late, na.action = action,
              verbose = FALSE)
    linear <- lm(ozone, airquality, subset = late, na.action = action)
    expect_identical(names(residuals(fit)), names(residuals(linear)))
    expect_identical(is.na(fitted(fit)), is.na(fitted(linear)))
    expect_equal(fitted(fit) + residuals(fit), fitted(linear) + residuals(linear))
  }
})

test_that("so are those of two quantiles and of classes", {
  two <- nn(ozone, airquality, hidden = 2, maxit = 2, loss = loss_quantile(c(0.2, 0.8)),
            verbose = FALSE)
  expect_identical(dim(residuals(two)), c(111L, 2L))
  data <- airquality
  data$Month <- factor(data$Month)
  classes <- nn(Month ~ Ozone, data, hidden = 2, maxit = 2, na.action = na.exclude, verbose = FALSE)
  expect_identical(is.na(fitted(classes, type = "class")), is.na(data$Ozone))
  expect_identical(dim(residuals(classes)), c(153L, 5L))
})

test_that("the training data are the default of augment()", {
  skip_if_not_installed("generics")
  fit <- nn(ozone, airquality, hidden = 2, maxit = 2, verbose = FALSE)
  expect_identical(generics::augment(fit), generics::augment(fit, airquality))
})

values_fit <- nn(dist ~ speed, cars, hidden = 2, maxit = 20, verbose = FALSE)

test_that("fitted() and residuals() are those of the data", {
  expect_equal(fitted(values_fit), predict(values_fit, cars), ignore_attr = TRUE)
  expect_equal(unname(residuals(values_fit)), cars$dist - unname(fitted(values_fit)))
  expect_equal(nobs(values_fit), 50)
  net <- nn_model(layer_dense(3))
  fit <- nn_fit(net, iris[1:4], iris$Species, epochs = 1, verbose = FALSE)
  expect_equal(fitted(fit), predict(fit, iris))
  r <- residuals(fit)
  expect_equal(dim(r), c(150L, 3L))
  expect_equal(unname(rowSums(r)), numeric(150), tolerance = 1e-6)
  expect_named(coef(fit), "1 dense")
})

test_that("rows that were left out are left out, or NA, as lm() has them", {
  for (action in list(stats::na.omit, stats::na.exclude)) {
    fit <- nn(Ozone ~ Wind, airquality, subset = Wind > 8, na.action = action, hidden = 2,
              maxit = 3, verbose = FALSE)
    line <- stats::lm(Ozone ~ Wind, airquality, subset = Wind > 8, na.action = action)
    expect_identical(names(fitted(fit)), names(stats::fitted(line)))
    expect_identical(names(residuals(fit)), names(stats::residuals(line)))
    expect_equal(fitted(fit) + residuals(fit), stats::fitted(line) + stats::residuals(line))
  }
})

test_that("update() trains again with other arguments", {
  more <- update(values_fit, hidden = 3)
  expect_equal(more$model$layers[[1]]$units, 3)
  expect_identical(update(values_fit, hidden = NULL, evaluate = FALSE)$hidden, NULL)
  log <- update(values_fit, log(.) ~ .)
  expect_equal(formula(log), log(dist) ~ speed, ignore_attr = TRUE)
})

test_that("data that have changed or gone are a classed error", {
  d <- iris
  fit <- nn_fit(nn_model(layer_dense(3)), d[1:4], d$Species, epochs = 1, verbose = FALSE)
  d <- iris[1:20, ]
  expect_error(fitted(fit), "were 150 samples .* are 20 now", class = "anygpu_error_argument")
  rm(d)
  expect_error(fitted(fit), "not there any more", class = "anygpu_error_argument")
})
