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
