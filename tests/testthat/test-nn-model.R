test_that("models and layers print and hold what was asked for", {
  net <- nn_model(layer_dense(256, "relu"), layer_dense(10))
  expect_output(print(net), paste0("<nn_model> 2 layers\n  1  dense, 256 units, relu\n",
                                   "  2  dense, 10 units, linear"))
  expect_output(print(layer_dense(1)), "<nn_layer> dense, 1 unit, linear")
  expect_identical(layer_dense(2), layer_dense(2, "linear"))
})

test_that("bad layers and models are classed errors", {
  for (units in list(0, -1, 1.5, NA, "a", NULL, c(1, 2), Inf)) {
    expect_error(layer_dense(units), "`units` must be a whole", class = "anygpu_error_argument")
  }
  expect_error(layer_dense(1, "swish"), "\"linear\", \"relu\".*not \"swish\"",
               class = "anygpu_error_argument")
  expect_error(layer_dense(1, c("relu", "tanh")), class = "anygpu_error_argument")
  expect_error(nn_model(), "at least one layer", class = "anygpu_error_argument")
  expect_error(nn_model(layer_dense(1), 3), "argument 2 .* not 3", class = "anygpu_error_argument")
  expect_error(nn_model(list(layer_dense(1))), class = "anygpu_error_argument")
})

test_that("starting weights are He for relu, Glorot otherwise, and from R's seed", {
  set.seed(1)
  he <- anygpu:::nn_layer_init(layer_dense(200, "relu"), 100)
  expect_equal(stats::sd(he$weight), sqrt(2 / 100), tolerance = 0.02)
  glorot <- anygpu:::nn_layer_init(layer_dense(200), 100)
  expect_lte(max(abs(glorot$weight)), sqrt(6 / 300))
  expect_gt(max(abs(glorot$weight)), 0.99 * sqrt(6 / 300))
  expect_identical(glorot$bias, numeric(200))
  set.seed(1)
  expect_identical(anygpu:::nn_layer_init(layer_dense(200, "relu"), 100), he)
})
