test_that("tidy() has a row per layer, glance() one row", {
  skip_if_not_installed("generics")
  fit <- nn_quiet(nn_freeze(nn_model(layer_dense(4, "relu"), layer_dense(3)), 1), iris[1:4],
                  iris$Species, epochs = 2, validation = 0.2)
  tidy <- generics::tidy(fit)
  expect_named(tidy, c("layer", "kind", "output", "parameters", "trained"))
  expect_equal(tidy$parameters, c(20, 15))
  expect_equal(tidy$trained, c(FALSE, TRUE))
  glance <- generics::glance(fit)
  expect_equal(nrow(glance), 1)
  expect_equal(glance$val_loss, fit$history$val_loss[2])
  expect_equal(glance[c("epochs", "parameters", "nobs")],
               data.frame(epochs = 2L, parameters = 35, nobs = 120L))
})

test_that("augment() adds predictions to data", {
  skip_if_not_installed("generics")
  fit <- nn_quiet(nn_model(layer_dense(3)), iris[1:4], iris$Species, epochs = 2)
  more <- generics::augment(fit, iris)
  expect_identical(more[names(iris)], iris)
  expect_identical(more$.class, predict(fit, iris, type = "class"))
  expect_equal(more$.prob_setosa, unname(predict(fit, iris)[, "setosa"]))
  fit <- nn(dist ~ speed, cars, hidden = 2, maxit = 5, verbose = FALSE)
  holes <- rbind(cars[1:2, ], list(speed = NA, dist = 3))
  expect_equal(generics::augment(fit, holes)$.fitted, unname(predict(fit, holes)))
  expect_identical(generics::augment(fit, newdata = holes), generics::augment(fit, holes))
  expect_equal(generics::augment(fit)$.resid, unname(residuals(fit)))
  expect_named(generics::augment(fit, holes["speed"]), c("speed", ".fitted"))
})

test_that("augment() has a column for each column of the target", {
  skip_if_not_installed("generics")
  two <- nn(cbind(mpg, hp) ~ wt, mtcars, hidden = 2, maxit = 2, verbose = FALSE)
  more <- generics::augment(two)
  expect_identical(row.names(more), row.names(mtcars))
  expect_identical(more$.fitted_hp, unname(predict(two, mtcars)[, "hp"]))
  m <- as.matrix(mtcars[c("wt", "qsec")])
  fit <- nn(m, mtcars$mpg, hidden = 2, maxit = 2, verbose = FALSE)
  expect_identical(generics::augment(fit)$.fitted, generics::augment(fit, mtcars)$.fitted)
  h <- nn_input()
  both <- nn_quiet(nn_model(h |> layer_dense(1), h |> layer_dense(1)), m, list(1:32, 32:1),
                   epochs = 1)
  expect_error(generics::augment(both), "one output", class = "anygpu_error_argument")
})
