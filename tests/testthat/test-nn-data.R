net <- nn_model(layer_dense(3))
x <- as.matrix(iris[1:4])
y <- iris$Species

expect_nn_error <- function(class, pattern, ...) {
  expect_error(nn_quiet(...), pattern, class = paste0("anygpu_error_", class))
}

test_that("x that cannot be used is a classed error", {
  expect_nn_error("type", "not NULL", net, NULL, y)
  expect_nn_error("type", "character", net, matrix("a", 150, 2), y)
  expect_nn_error("type", "column `Species` of `x` is not numeric but factor", net, iris, y)
  expect_nn_error("shape", "one sample per row", net, 1:10, y)
  expect_nn_error("shape", "one sample per row", net, array(0, c(2, 2, 2)), y)
  expect_nn_error("shape", "0 rows and 4 columns", net, x[0, ], y[0])
  expect_nn_error("shape", "150 rows and 0 columns", net, x[, 0], y)
  bad <- x
  bad[c(7, 160)] <- c(NA, Inf)
  expect_nn_error("argument", "2 missing or infinite values, the first at x\\[7, 1\\]", net, bad, y)
  int <- matrix(c(1L, NA, 3L, 4L), 2)
  expect_nn_error("argument", "x\\[2, 1\\]", net, int, y[1:2])
})

test_that("y that cannot be used is a classed error", {
  expect_nn_error("type", "not NULL", net, x, NULL)
  expect_nn_error("type", "use factor\\(y\\)", net, x, as.character(y))
  expect_nn_error("type", "use factor\\(y\\)", net, x, y == "setosa")
  expect_nn_error("type", "list", net, x, as.list(1:150))
  expect_nn_error("shape", "`x` has 150 rows, `y` has 149 values", net, x, y[-1])
  expect_nn_error("shape", "`y` has 3 rows", net, x, diag(3))
  expect_nn_error("shape", "3 units, `y` has 1 column", net, x, iris[[1]])
  expect_nn_error("shape", "2 units, `y` has 3 classes", nn_model(layer_dense(2)), x, y)
  na <- y
  na[4] <- NA
  expect_nn_error("argument", "1 missing", net, x, na)
  expect_nn_error("argument", "first at y\\[2\\]", net, x, c(1, NaN, 1:148))
  expect_nn_error("type", "\"mse\" needs a numeric `y`", net, x, y, loss = "mse")
})

test_that("other bad arguments are classed errors", {
  expect_nn_error("argument", "`model` must be", "net", x, y)
  expect_nn_error("argument", "`epochs`", net, x, y, epochs = 0)
  expect_nn_error("argument", "`batch_size`", net, x, y, batch_size = 0)
  expect_nn_error("argument", "`batch_size`", net, x, y, batch_size = 2.5)
  expect_nn_error("argument", "`optimizer` must be opt_adam", net, x, y, optimizer = "adam")
  expect_nn_error("argument", "`loss` must be one of", net, x, y, loss = "hinge")
  expect_nn_error("argument", "`validation`", net, x, y, validation = 1)
  expect_nn_error("argument", "`validation`", net, x, y, validation = -0.1)
  expect_nn_error("argument", "`validation`", net, x, y, validation = NA)
  expect_error(nn_fit(net, x, y, verbose = NA), "`verbose`", class = "anygpu_error_argument")
})

test_that("data frames, integers and class codes are taken", {
  fit <- function(x, y, ...) {
    set.seed(1)
    nn_quiet(net, x, y, epochs = 1, ...)$weights
  }
  want <- fit(x, y)
  expect_identical(fit(iris[1:4], y), want)
  expect_identical(fit(x, as.integer(y), loss = "cross_entropy"), want)
  expect_identical(fit(x, data.frame(y)), want)
  whole <- matrix(1:8, 4)
  expect_identical(fit(whole, y[c(1, 51, 101, 1)]), fit(whole + 0, y[c(1, 51, 101, 1)]))
})
