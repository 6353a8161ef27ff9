# Base R's model.matrix() without contrasts is the oracle of the columns.
design <- function(formula, data, subset, na.action, weights, embed = NULL) {
  anygpu:::nn_design(match.call(), "formula", embed, parent.frame())
}
full_matrix <- function(formula, data) {
  frame <- stats::model.frame(formula, data)
  factors <- Filter(is.factor, frame[-1])
  full <- lapply(factors, stats::contrasts, contrasts = FALSE)
  x <- stats::model.matrix(formula, frame, contrasts.arg = full)
  x <- x[, colnames(x) != "(Intercept)", drop = FALSE]
  attributes(x)[c("assign", "contrasts")] <- NULL
  x
}
expect_columns <- function(formula, data) {
  eval(bquote(expect_equal(design(.(formula), data)$x, full_matrix(.(formula), data))))
}

test_that("the columns are those of model.matrix() without contrasts", {
  expect_columns(Sepal.Length ~ ., iris)
  expect_columns(Sepal.Length ~ 0 + Species, iris)
  expect_columns(breaks ~ wool * tension, warpbreaks)
  expect_columns(breaks ~ wool:tension, warpbreaks)
  expect_columns(Sepal.Length ~ Species * Petal.Width + log(Petal.Length), iris)
  expect_columns(dist ~ poly(speed, 3) + scale(speed) + I(speed^2), cars)
  expect_columns(mpg ~ factor(cyl) * poly(hp, 2) - hp, mtcars)
  expect_columns(cbind(mpg, disp) ~ (hp + wt + factor(gear))^2, mtcars)
  three <- data.frame(y = 1:12, a = gl(2, 6), b = gl(3, 2, 12), c = gl(2, 1, 12), z = sqrt(1:12))
  expect_columns(y ~ a:b:c + z:b, three)
})

test_that("logical values, characters, dates and single levels are predictors", {
  d <- data.frame(y = 1:4, l = c(TRUE, FALSE, TRUE, TRUE), s = c("u", "v", "u", "u"),
                  t = as.Date("2020-01-01") + 0:3, one = factor(rep("only", 4), c("only", "not")))
  x <- design(y ~ l + s + t + one, d)$x
  expect_identical(colnames(x), c("lTRUE", "su", "sv", "t", "oneonly"))
  expect_equal(unname(x), cbind(c(1, 0, 1, 1), c(1, 0, 1, 1), c(0, 1, 0, 0), 18262 + 0:3, 1))
  expect_error(design(y ~ I(complex(4)), d), "not", class = "anygpu_error_type")
})

test_that("subset, weights, offset, na.action and the response are as in lm()", {
  d <- airquality
  got <- design(Ozone ~ Temp + offset(Wind), d, subset = Month > 5, weights = Day)
  want <- stats::lm(Ozone ~ Temp + offset(Wind), d, subset = Month > 5, weights = Day)
  frame <- stats::model.frame(want)
  expect_equal(got$y, stats::model.response(frame))
  expect_equal(got$weights, stats::model.weights(frame))
  expect_equal(c(got$offset), stats::model.offset(frame))
  expect_equal(got$formula$na.action, want$na.action)
  expect_equal(got$x, stats::model.matrix(want)[, -1, drop = FALSE])
  expect_error(design(Ozone ~ Temp, d, na.action = na.fail), class = "anygpu_error")
  response <- factor(c("b", "a"), c("a", "b", "c"))
  expect_identical(levels(design(response ~ z, data.frame(z = 1:2))$y), c("a", "b", "c"))
})

test_that("formulas that cannot be used are classed errors", {
  expect_error(design(~ speed, cars), "no response", class = "anygpu_error_argument")
  expect_error(design(dist ~ 1, cars), "no predictors", class = "anygpu_error_argument")
  expect_error(design(dist ~ nowhere, cars), "nowhere", class = "anygpu_error_argument")
  expect_error(design(dist ~ speed, cars, subset = speed > 99), "0 rows",
               class = "anygpu_error_shape")
})

test_that("embedded factors are inputs of their own", {
  got <- design(breaks ~ wool + tension, warpbreaks, embed = c(tension = 2))
  expect_named(got$x, c("x", "tension"))
  expect_identical(colnames(got$x$x), c("woolA", "woolB"))
  expect_identical(got$x$tension, warpbreaks$tension)
  expect_identical(got$formula$embed, c(tension = 2L))
  all <- design(breaks ~ wool + tension, warpbreaks, embed = c("tension", "wool"))
  expect_identical(all$formula$embed, c(tension = 2L, wool = 1L))
  expect_named(all$x, c("tension", "wool"))
  expect_error(design(breaks ~ wool, warpbreaks, embed = c(tension = 2)), "no factor among",
               class = "anygpu_error_argument")
  expect_error(design(breaks ~ wool, warpbreaks, embed = c(wool = 0)), "embed\\[\"wool\"\\]",
               class = "anygpu_error_argument")
  expect_error(design(breaks ~ wool, warpbreaks, embed = 3), "must name factors",
               class = "anygpu_error_argument")
})

test_that("new data are transformed as the training data were", {
  fit <- list(formula = design(mpg ~ poly(hp, 2) + scale(wt) + factor(cyl) + offset(qsec),
                               mtcars)$formula)
  whole <- design(mpg ~ poly(hp, 2) + scale(wt) + factor(cyl) + offset(qsec), mtcars)
  rows <- c(3, 30, 12)
  got <- anygpu:::nn_formula_data(fit, mtcars[rows, ])
  expect_equal(got$x, whole$x[rows, ])
  expect_equal(got$offset, whole$offset[rows, , drop = FALSE])
  expect_null(got$na.action)
  expect_null(got$y)
  holes <- mtcars[rows, ]
  holes$wt[2] <- NA
  holes$mpg[1] <- NA
  got <- anygpu:::nn_formula_data(fit, holes)
  expect_equal(got$x, whole$x[rows[-2], ])
  expect_equal(stats::napredict(got$na.action, 1:2), c(1, NA, 2), ignore_attr = TRUE)
  both <- anygpu:::nn_formula_data(fit, holes, response = TRUE)
  expect_equal(both$x, whole$x[rows[3], , drop = FALSE])
  expect_equal(both$y, mtcars$mpg[rows[3]], ignore_attr = TRUE)
})

test_that("new data that do not fit are classed errors", {
  data <- data.frame(y = 1:4, f = c("u", "v", "u", "w"), g = factor(c("a", "b", "a", "b")), z = 4:1)
  whole <- design(y ~ f * z + g, data)
  fit <- whole["formula"]
  new <- function(...) anygpu:::nn_formula_data(fit, data.frame(...))
  expect_identical(colnames(new(f = "v", z = 1, g = "a")$x), colnames(whole$x))
  expect_error(new(f = c("u", "odd"), z = 1:2, g = "a"),
               "`newdata\\$f` has the level \"odd\".*\"u\", \"v\", \"w\"",
               class = "anygpu_error_levels")
  expect_error(new(f = "u", g = "a"), "lacks the variable `z`", class = "anygpu_error_shape")
  expect_error(new(f = "u", z = "1", g = "a"), "z", class = "anygpu_error")
  expect_error(anygpu:::nn_formula_data(fit, diag(2)), "trained by a formula",
               class = "anygpu_error_type")
  fit <- design(y ~ table, data.frame(y = 1:2, table = 1:2))["formula"] # table(): a function
  expect_error(new(z = 1), "lacks the variable `table`", class = "anygpu_error_shape")
  elsewhere <- 1:7
  fit <- design(dist ~ elsewhere, cars[1:7, ])["formula"]
  suppressWarnings( # base R's, for the same reason
    expect_error(anygpu:::nn_formula_data(fit, cars), "`elsewhere` is no column",
                 class = "anygpu_error_shape")
  )
})

# -- training: a network without hidden layers is lm() or glm() ------------------------------------

expect_lm <- function(formula, data, ..., family = NULL) {
  call <- match.call()
  call$family <- NULL
  call[[1]] <- quote(nn)
  call$hidden <- list()
  call$verbose <- FALSE
  fit <- eval(call, parent.frame())
  call$verbose <- call$hidden <- call$loss <- NULL
  call$family <- family
  call[[1]] <- if (is.null(family)) stats::lm else stats::glm
  want <- suppressWarnings(eval(call, parent.frame()))
  new <- data[rev(seq_len(nrow(data))), ]
  expect_equal(unname(predict(fit, new)),
               unname(stats::predict(want, new, type = "response")), tolerance = 1e-5)
  invisible(fit)
}

test_that("linear networks on formulas are lm()", {
  skip_if_not("float64" %in% test_types())
  expect_lm(log(breaks) ~ wool * tension, warpbreaks)
  expect_lm(mpg ~ poly(hp, 2) + scale(wt) * factor(cyl), mtcars)
  expect_lm(Ozone ~ Temp + log(Wind), airquality)
  expect_lm(Ozone ~ Temp, airquality, subset = Month > 5, weights = Wind)
  expect_lm(mpg ~ wt + offset(qsec), mtcars)
  expect_lm(cbind(mpg, disp) ~ wt + hp, mtcars)
  expect_lm(mpg ~ ., mtcars[1:4])
})

test_that("offset and weights are as in glm()", {
  skip_if_not("float64" %in% test_types())
  set.seed(1)
  d <- data.frame(x = runif(150), e = runif(150, 1, 20), f = gl(3, 50), w = runif(150))
  d$y <- rpois(150, d$e * exp(0.5 + d$x))
  expect_lm(y ~ x + f + offset(log(e)), d, loss = "poisson", weights = w,
            family = stats::poisson())
})

test_that("a model that exists gets embedded factors and an offset", {
  set.seed(1)
  net <- nn_model(layer_dense(4, "tanh"), layer_dense(1, "softplus"))
  fit <- nn_fit(net, breaks ~ wool + tension + offset(as.numeric(wool)), warpbreaks,
                embed = c(tension = 2), epochs = 3, verbose = FALSE)
  expect_equal(vapply(fit$model$layers, anygpu:::nn_layer_kind, ""),
               c("embedding", "flatten", "concat", "dense", "dense", "add", "activation"))
  p <- predict(fit, warpbreaks)
  expect_length(p, 54)
  odd <- data.frame(wool = gl(2, 1, 2, c("A", "B")), tension = "X")
  expect_error(predict(fit, odd), "level \"X\"", class = "anygpu_error_levels")
  two <- nn_model(layer_dense(1), layer_dense(1))
  expect_s3_class(nn_fit(two, breaks ~ tension, warpbreaks, embed = "tension", epochs = 1,
                         verbose = FALSE), "nn_fit")
})

test_that("rows with missing values are NA in predictions", {
  fit <- nn(Ozone ~ Temp + Wind, airquality, hidden = 3, maxit = 5, verbose = FALSE)
  new <- data.frame(Temp = c(70, NA, 80), Wind = 10, row.names = c("a", "b", "c"))
  p <- predict(fit, new)
  expect_identical(is.na(p), c(a = FALSE, b = TRUE, c = FALSE))
  expect_equal(p[-2], predict(fit, new[-2, ]))
  species <- nn(Species ~ ., iris, hidden = 3, maxit = 5, verbose = FALSE)
  new <- iris[c(1, 60), ]
  new$Petal.Width[1] <- NA
  expect_identical(is.na(predict(species, new, type = "class")), c(TRUE, FALSE))
  expect_equal(dim(predict(species, new, type = "prob")), c(2L, 3L))
})

test_that("update() and a fit that goes on work with formulas", {
  set.seed(1)
  fit <- nn_fit(nn_model(layer_dense(1)), mpg ~ wt + offset(qsec), mtcars, epochs = 3,
                verbose = FALSE)
  more <- nn_fit(fit, mpg ~ wt + offset(qsec), mtcars, epochs = 3, verbose = FALSE)
  expect_lt(more$history$loss[3], fit$history$loss[3])
  again <- update(fit, epochs = 1)
  expect_equal(nrow(again$history), 1)
})

test_that("validation data come as a data frame", {
  set.seed(1)
  held <- c(3, 70, 140)
  fit <- nn_fit(nn_model(layer_dense(3)), Species ~ ., iris[-held, ], epochs = 2,
                validation = iris[held, ], verbose = FALSE)
  expect_equal(fit$samples[["valid"]], 3)
  p <- predict(fit, iris[held, ])
  expect_equal(fit$history$val_loss[2], -mean(log(p[cbind(1:3, 1:3)])), tolerance = 1e-4)
})
