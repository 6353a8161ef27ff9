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
  expect_nn_error("shape", "`x` has 2 rows", net, array(0, c(2, 2, 2)), y)
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
  expect_nn_error("type", "use factor\\(y\\)", net, x, matrix(as.character(y)))
  expect_nn_error("type", "as.numeric\\(y\\) is a number", net, x, Sys.Date() + 1:150)
  expect_nn_error("shape", "gives 3 values per sample, `y` has 2 classes", net, x, y == "setosa")
  expect_nn_error("shape", "one is needed for each", net, x, as.list(1:150))
  expect_nn_error("shape", "`x` has 150 rows, `y` has 149 values", net, x, y[-1])
  expect_nn_error("shape", "`y` has 3 rows", net, x, diag(3))
  expect_nn_error("shape", "gives 3 values per sample, `y` has 1 column", net, x, iris[[1]])
  expect_nn_error("shape", "gives 2 values per sample, `y` has 3 classes",
                  nn_model(layer_dense(2)), x, y)
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
  expect_nn_error("argument", "`optimizer` must be .* or one of \"sgd\", \"adam\", .*\"adan\"",
                  net, x, y, optimizer = "adan")
  expect_nn_error("argument", "`loss` must be a loss .* or one of", net, x, y, loss = "hinges")
  expect_nn_error("argument", "`validation`", net, x, y, validation = 1)
  expect_nn_error("argument", "`validation`", net, x, y, validation = 151)
  expect_nn_error("argument", "list of 1", net, x, y, validation = list(x))
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

# -- nn_data() by itself ---------------------------------------------------------------------------

nn_data <- anygpu:::nn_data
expect_data_error <- function(class, pattern, ...) {
  expect_error(nn_data(...), pattern, class = paste0("anygpu_error_", class))
}

test_that("nn_data describes inputs and targets", {
  d <- nn_data(iris[1:4], y)
  expect_equal(d$n, 150)
  expect_identical(d$x, list(x))
  expect_identical(d$inputs[[1]], list(name = "x", dim = 4L, columns = names(iris)[1:4],
                                       levels = NULL, offset = FALSE))
  expect_identical(d$y[[1]], list(name = "y", kind = "class", values = as.integer(y),
                                  levels = levels(y), logical = FALSE, outputs = 3L))
  expect_null(d$weights)
  several <- nn_data(list(a = array(0, c(5, 4, 3, 2)), b = factor(letters[c(1, 2, 3, 1, 2)])),
                     list(1:5 + 0.5, matrix(1:10, 5), c(TRUE, FALSE, TRUE, TRUE, FALSE)), 1:5)
  expect_identical(lapply(several$inputs, `[[`, "dim"), list(c(4L, 3L, 2L), 1L))
  expect_identical(several$x[[2]], matrix(c(1:3, 1:2)))
  expect_identical(several$inputs[[2]]$levels, c("a", "b", "c"))
  expect_identical(vapply(several$y, `[[`, "", "kind"), c("numeric", "numeric", "class"))
  expect_identical(lapply(several$y, `[[`, "matrix"), list(FALSE, TRUE, NULL))
  expect_identical(several$y[[3]]$values, c(2L, 1L, 2L, 2L, 1L))
  expect_identical(several$y[[3]]$levels, c("FALSE", "TRUE"))
  expect_identical(several$weights, as.double(1:5))
})

test_that("device arrays and matrices of package Matrix are inputs", {
  d <- nn_data(gpu(x), gpu(x[, 1]))
  expect_true(is_gpu(d$x[[1]]))
  expect_identical(d$inputs[[1]]$dim, 4L)
  bad <- gpu(array(c(1, NA, 3:8), c(2, 2, 2)))
  expect_data_error("argument", "the first at x\\[2, 1, 1\\]", bad, 1:2)
  skip_if_not_installed("Matrix")
  sparse <- getExportedValue("Matrix", "Matrix")(diag(3), sparse = TRUE)
  expect_identical(unname(nn_data(sparse, 1:3)$x[[1]]), diag(3))
})

test_that("bad data are classed errors that name the place", {
  expect_data_error("type", "a formula makes indicators", iris, y)
  expect_data_error("shape", "cbind\\(\\) makes a matrix", 1:10, 1:10)
  expect_data_error("shape", "2 x 0 x 3: nothing", array(0, c(2, 0, 3)), 1:2)
  expect_data_error("argument", "no input", list(), y)
  expect_data_error("argument", "no target", x, list())
  expect_data_error("shape", "`x\\$a` has 150 samples \\(150 x 4\\), `x\\[\\[2\\]\\]` has 3 ",
                    list(a = x, matrix(0, 3, 2)), y)
  expect_data_error("argument", "`x\\$f` has 1 missing or infinite value, .*x\\$f\\[2, 1\\]",
                    list(f = factor(c("a", NA))), 1:2)
  expect_data_error("argument", "`y\\$b` has 1 missing", x, list(a = y, b = c(NA, rep(1, 149))))
  expect_data_error("argument", "2 missing values, the first at y\\[3\\]", x,
                    replace(y, c(3, 9), NA))
  expect_data_error("type", "not NULL", x, NULL)
  expect_data_error("shape", "no columns", x, matrix(0, 150, 0))
  expect_data_error("type", "`weights` must be numeric", x, y, "a")
  expect_data_error("shape", "`weights` has 2 values for 150", x, y, 1:2)
  expect_data_error("argument", "weights\\[2\\] is", x, y, c(1, -1, rep(1, 148)))
  expect_data_error("argument", "all 0", x, y, numeric(150))
  expect_data_error("argument", "first at weights\\[1\\]", x, y, c(NA, rep(1, 149)))
  expect_warning(nn_data(x, factor(rep("one", 150), c("one", "two"))), "of one class, \"one\"",
                 class = "anygpu_warning_class")
})

test_that("further data must be like those of the training", {
  like <- function(x, y, data) anygpu:::nn_data_like(x, y, data)
  data <- nn_data(iris[1:4], y)
  part <- c(1, 60, 140)
  shuffled <- like(iris[part, c(5, 3, 1, 4, 2)], y[part], data)
  expect_identical(unname(shuffled$x[[1]]), unname(x[part, ]))
  expect_identical(like(x[part, 4:1], y[part], data)$x[[1]], x[part, ])
  expect_identical(like(unname(x[part, ]), y[part], data)$x[[1]], unname(x[part, ]))
  expect_identical(like(x[part, ], factor(y[part], rev(levels(y))), data)$y[[1]]$values, 1:3)
  expect_like_error <- function(class, pattern, ...) {
    expect_error(like(...), pattern, class = paste0("anygpu_error_", class))
  }
  expect_like_error("shape", "`validation\\$x` has 3 columns, the .* with 4: `Petal.Width` is",
                    iris[1:3], y, data)
  renamed <- x
  colnames(renamed)[2] <- "width"
  expect_like_error("shape", "lacks the column `Sepal.Width`", renamed, y, data)
  expect_like_error("levels", "`validation\\$y` has the level \"rose\".*\"setosa\", \"versicolor\"",
                    x[1:2, ], factor(c("setosa", "rose")), data)
  expect_like_error("type", "`validation\\$y` has numbers, in the training these were classes",
                    x[1:2, ], 1:2, data)
  expect_like_error("shape", "`validation\\$x` has 3 rows, `validation\\$y` has 2", x[1:3, ],
                    y[1:2], data)
  images <- nn_data(array(0, c(3, 4, 4, 1)), 1:3)
  expect_like_error("shape", "samples of 5 x 4 x 1, the model was trained with 4 x 4 x 1",
                    array(0, c(3, 5, 4, 1)), 1:3, images)
  two <- nn_data(list(a = diag(2), b = factor(c("u", "v"))), 1:2)
  turned <- like(list(b = factor(c("v", "v")), a = diag(2)), 1:2, two)
  expect_identical(turned$x, list(diag(2), matrix(c(2L, 2L))))
  expect_like_error("shape", "has 1 input, the model was trained with 2", diag(2), 1:2, two)
  expect_like_error("levels", "`validation\\$x\\$b` has the level \"w\"",
                    list(a = diag(2), b = factor(c("u", "w"))), 1:2, two)
  expect_like_error("shape", "has 1 target, the training data have 2", x, y,
                    nn_data(x, list(y, 1:150)))
})

test_that("a batch holds at most all samples", {
  size <- anygpu:::nn_batch_size
  expect_identical(size(32, 100), 32L)
  expect_identical(size(32, 10, asked = FALSE), 10L)
  expect_warning(expect_identical(size(32, 10), 10L), "only 10 samples",
                 class = "anygpu_warning_batch")
})
