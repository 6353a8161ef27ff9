# What goes wrong most often: each a classed condition that says what and what to do.
x <- as.matrix(iris[1:4])
y <- iris$Species
net <- nn_model(layer_dense(8, "relu"), layer_dense(3))

expect_bad <- function(class, pattern, ...) {
  expect_error(nn_quiet(...), pattern, class = paste0("anygpu_error_", class))
}

test_that("a wrong shape names the layer, its number and both shapes", {
  images <- array(0, c(4, 5, 5, 1))
  expect_bad("shape", "layer 2 \\(conv2d\\) on an input of 8.*height x width x channels",
             nn_model(layer_dense(8), layer_conv2d(2, 3)), x, y)
  expect_bad("shape", "layer 1 \\(conv2d\\) on an input of 5 x 5 x 1.*7 x 7",
             nn_model(layer_conv2d(2, 7), layer_flatten(), layer_dense(2)), images, 1:4)
  expect_bad("shape", "layer 1 \\(reshape\\) on an input of 4.*3 x 3",
             nn_model(layer_reshape(c(3, 3)), layer_dense(1)), x, y)
  expect_bad("shape", "layer 1 \\(dense\\) gives 2 values per sample, `y` has 3 classes",
             nn_model(layer_dense(2)), x, y)
  expect_bad("argument", "layer 2 \\(lambda\\) on an input of 3: a traced function cannot",
             nn_model(layer_dense(3), layer_lambda(function(x) if (sum(x) > 0) x else -x)), x, y)
  expect_bad("shape", "`y` has 1 column: .*use factor\\(y\\)\\)", net, x, as.integer(y))
  expect_bad("shape", "or loss = \"binary_cross_entropy\"", nn_model(layer_dense(1)), x,
             y == "setosa")
  expect_error(nn_fit(x = x, y = y), "nn_model\\(\\) makes one", class = "anygpu_error_argument")
})

test_that("codes that an embedding does not have", {
  codes <- matrix(c(1:5, 5:1), 5)
  words <- function(n) nn_model(layer_embedding(2, n), layer_flatten(), layer_dense(1))
  expect_bad("argument", "layer 1 \\(embedding\\) has codes 1 to 4, `x` has 1 to 5$", words(4),
             codes, 1:5)
  expect_bad("argument", "`x` has 0 to 4: add 1", words(5), codes - 1, 1:5)
  expect_bad("argument", "has codes 1 to 5, `x` has 1 to 6", words(5), codes, 1:5,
             validation = list(matrix(6, 1, 2), 1))
})

test_that("missing values and missing rows", {
  expect_bad("argument", "`x` has 1 missing .* x\\[7, 1\\]: remove or replace it", net,
             replace(x, 7, NA), y)
  expect_bad("argument", "`y` has 1 missing value, .*y\\[4\\]: remove those", net, x,
             replace(y, 4, NA))
  expect_bad("shape", "0 rows and 4 columns", net, x[0, ], y[0])
  expect_bad("shape", "`validation\\$x` has 0 rows", net, x, y, validation = list(x[0, ], y[0]))
})

test_that("levels that the training did not have", {
  d <- data.frame(f = factor(rep(c("a", "b"), 20)), v = seq_len(40) / 40)
  fit <- nn(v ~ f, d, hidden = NULL, maxit = 3, verbose = FALSE)
  expect_error(predict(fit, data.frame(f = "c")), "level \"c\".*had \"a\", \"b\"",
               class = "anygpu_error_levels")
  expect_bad("levels", "has the level \"rose\"", net, x, y,
             validation = list(x[1:2, ], factor(c("setosa", "rose"))))
})

test_that("a constant column, one class and a batch that is too large are warnings", {
  expect_warning(nn_quiet(net, cbind(x, three = 3), y, epochs = 1), "constant \\(`three`\\)",
                 class = "anygpu_warning_constant")
  one <- factor(rep("a", 150), c("a", "b", "c"))
  expect_warning(nn_quiet(net, x, one, epochs = 1), "one class, \"a\"",
                 class = "anygpu_warning_class")
  expect_warning(nn_quiet(net, x, y, epochs = 1, batch_size = 1000), "only 150 samples",
                 class = "anygpu_warning_batch")
  expect_no_warning(nn_quiet(net, x[46:65, ], y[46:65], epochs = 1),
                    class = "anygpu_warning_batch")
})

test_that("validation samples with other columns", {
  expect_bad("shape", "`validation\\$x` has 3 columns, .* with 4: `Petal.Width` is missing", net,
             x, y, validation = list(x[1:9, 1:3], y[1:9]))
  renamed <- x
  colnames(renamed)[2] <- "width"
  expect_bad("shape", "lacks the column `Sepal.Width`", net, x, y, validation = list(renamed, y))
  expect_bad("argument", "list\\(x, y, weights\\), not a list of 1", net, x, y,
             validation = list(x))
})

test_that("a loss that is not finite ends the training and says where", {
  set.seed(11)
  big <- matrix(stats::rnorm(320), 160) * 1e3
  deep <- nn_model(layer_dense(8), layer_dense(1))
  expect_warning(
    fit <- nn_raw(deep, big, stats::rnorm(160), epochs = 50, batch_size = 16,
                  optimizer = opt_sgd(10)),
    "not finite in batch [0-9]+ of 10 of epoch 1 \\(step [0-9]+\\).*smaller `lr`",
    class = "anygpu_warning_diverged"
  )
  expect_lt(nrow(fit$history), 50)
  expect_identical(fit$stopped, "diverged")
  expect_output(print(fit), "the loss was not finite")
  expect_warning(
    nn_raw(deep, big * 1e200, stats::rnorm(160), optimizer = opt_lbfgs()),
    "not finite in iteration 1.*standardise", class = "anygpu_warning_diverged"
  )
})

test_that("a fit of a newer version", {
  fit <- nn_quiet(net, x, y, epochs = 1)
  fit$version <- 99L
  expect_error(predict(fit, x), "newer version of anygpu: update", class = "anygpu_error_argument")
})

test_that("an interrupt keeps the fit so far", {
  skip_on_os("windows")
  skip_on_cran()
  big <- matrix(stats::rnorm(4e4), 2000)
  # sent when the kernels are there, however long that took
  later <- function(state) {
    if (state$epoch == 1) system(sprintf("(sleep 1; kill -INT %d) >/dev/null 2>&1 &", Sys.getpid()))
  }
  expect_warning(
    fit <- nn_quiet(nn_model(layer_dense(64, "relu"), layer_dense(1)), big, big[, 1],
                    epochs = 1e6, callbacks = later),
    "interrupted in epoch [0-9]+ of 1000000", class = "anygpu_warning_interrupt"
  )
  expect_true(fit$interrupted)
  expect_gt(nrow(fit$history), 0)
  expect_true(all(is.finite(predict(fit, big))))
})
