test_that("dense layers act on the features of each position", {
  expect_layer(layer_dense(4, "tanh"), 3, function(w, h) tanh(w$weight %*% h + w$bias))
  expect_layer(layer_dense(2, bias = FALSE), c(3, 5))
})

test_that("activations are layers too", {
  expect_layer(layer_activation("silu"), c(3, 2), function(w, h) references$silu(h))
  expect_layer(layer_prelu(), c(3, 2), function(w, h) ifelse(h < 0, h * w$slope, h))
  expect_fixture(layer_prelu(), "prelu")
  for (name in names(anygpu:::nn_activations)) {
    fixture_name <- if (name == "exponential") "exp" else name
    if (name == "relu6") next # not among PyTorch's numbers
    expect_fixture_activation(anygpu:::nn_activations[[name]], fixture_name)
  }
})

test_that("dropout drops in training, and keeps the expectation", {
  u <- (seq_len(60) * 0.618) %% 1
  expect_layer(layer_dropout(0.3), 20, function(w, h) h * (u > 0.3) / 0.7, training = TRUE)
  expect_layer(layer_dropout(0.3), 20, function(w, h) h)
  expect_layer(layer_dropout(0), 20, function(w, h) h, training = TRUE)
  ones <- gpu(matrix(1, 100, 100))
  dropped <- anygpu:::nn_layer_forward(layer_dropout(0.3), NULL, ones, anygpu:::nn_ctx(TRUE))
  expect_equal(anygpu:::plain(mean(dropped)), 1, tolerance = 0.05)
  expect_equal(anygpu:::plain(mean(dropped == 0)), 0.3, tolerance = 0.05)
})

test_that("shapes are changed as users see them", {
  x <- array(rnorm(48), c(2, 4, 3, 2)) # samples x height x width x channels
  seen <- function(layer, x) {
    aperm(anygpu:::plain(anygpu:::nn_layer_forward(layer, NULL, gpu(aperm(x)), NULL)))
  }
  row_major <- t(apply(x, 1, function(s) c(aperm(s))))
  expect_equal(seen(layer_flatten(), x), row_major, tolerance = 1e-6)
  expect_equal(seen(layer_reshape(c(4, 3, 2)), row_major), x, tolerance = 1e-6)
  expect_equal(seen(layer_reshape(c(4, NA, 2)), row_major), x, tolerance = 1e-6)
  expect_equal(seen(layer_permute(c(2, 3, 1)), x), aperm(x, c(1, 3, 4, 2)), tolerance = 1e-6)
  expect_layer(layer_flatten(), c(2, 3, 4))
  expect_layer(layer_reshape(c(4, NA)), c(2, 3, 4), bad = list(7, c(3, 3)))
  expect_layer(layer_permute(c(3, 1, 2)), c(2, 3, 4), bad = list(7, c(3, 3)))
})

test_that("merging layers", {
  two <- function(f) {
    node <- nn_input()
    f(node, node)$layer
  }
  expect_layer(two(layer_add), list(3, 3), function(w, h) h[[1]] + h[[2]], bad = list(list(3, 2)))
  expect_layer(two(layer_multiply), list(c(3, 2), c(3, 2)), function(w, h) h[[1]] * h[[2]])
  expect_layer(two(layer_average), list(3, 3, 3), function(w, h) Reduce(`+`, h) / 3)
  expect_layer(two(layer_concat), list(3, 2, 1), function(w, h) do.call(rbind, h),
               bad = list(list(c(3, 2), c(3, 4)), list(3, c(3, 2))))
  along <- layer_concat(nn_input(), nn_input(), along = 1)$layer
  expect_layer(along, list(c(2, 3, 1), c(2, 3, 4)), bad = list(list(c(2, 3, 1), c(2, 4, 4))))
  expect_error(layer_add(nn_input()), "two or more", class = "anygpu_error_argument")
  expect_error(layer_add(nn_input(), 3), "not 3", class = "anygpu_error_argument")
})

test_that("a lambda layer may ask for random numbers and for what it runs", {
  noise <- layer_lambda(function(x, ctx) if (ctx$training) x * ctx$uniform(dim(x)) else x)
  u <- array((1:18 * 0.618) %% 1, c(3, 2, 3))
  expect_layer(noise, c(3, 2), function(w, h) h * u, training = TRUE)
  expect_layer(noise, c(3, 2), function(w, h) h)
})

test_that("lambda layers take any expression", {
  expect_layer(layer_lambda(function(x) x^2 + sin(x)), c(3, 2), function(w, h) h^2 + sin(h))
  expect_layer(layer_lambda(function(x) colSums(x^2)), 3, function(w, h) colSums(h^2))
  expect_layer(layer_lambda(function(x) x[1:2, , drop = FALSE]), 4, function(w, h) h[1:2, ])
  expect_error(anygpu:::nn_layer_shape(layer_lambda(sum), 3), class = "anygpu_error_shape")
  expect_error(anygpu:::nn_layer_shape(layer_lambda(t), 3), class = "anygpu_error_shape")
  expect_error(layer_lambda(3), "must be a function", class = "anygpu_error_argument")
  expect_output(print(layer_lambda(function(x) x^2)), "lambda, x^2", fixed = TRUE)
  expect_error(anygpu:::nn_layer_shape(layer_lambda(function(x) array(as.vector(x), dim(x))), 3),
               "of R: it must be", class = "anygpu_error_argument")
  expect_layer(layer_lambda(function(x) x > 0), c(3, 2), function(w, h) (h > 0) + 0)
})

test_that("normalisation", {
  layer_of <- function(w, h) {
    m <- array(rep(colMeans(h), each = dim(h)[1]), dim(h))
    v <- array(rep(colMeans((h - m)^2), each = dim(h)[1]), dim(h))
    (h - m) / sqrt(v + 1e-5) * w$scale + w$shift
  }
  batch_of <- function(w, h) {
    m <- rowMeans(h)
    (h - m) / sqrt(rowMeans((h - m)^2) + 1e-5) * w$scale + w$shift
  }
  expect_layer(layer_layer_norm(), c(4, 2), layer_of)
  expect_layer(layer_layer_norm(), 4, layer_of)
  expect_layer(layer_batch_norm(), c(2, 3, 2), batch_of, training = TRUE)
  expect_layer(layer_batch_norm(eps = 0.5, scale = FALSE, shift = FALSE), c(2, 3),
               function(w, h) h / sqrt(1.5))
  expect_fixture(layer_layer_norm(), "layer_norm")
  expect_fixture(layer_layer_norm(), "layer_norm_sequence")
  for (case in c("eval", "train", "dense_eval", "dense_train")) {
    expect_fixture(layer_batch_norm(), paste0("batch_norm_", case))
  }
})

test_that("normalisation keeps digits where the mean is large beside the spread", {
  h <- matrix(c(rnorm(40, 1e4), rnorm(40)), 2, byrow = TRUE)
  up <- gpu(h, "float32")
  rounded <- anygpu:::plain(up)
  w <- lapply(list(scale = c(1, 1), shift = c(0, 0), mean = c(0, 0), variance = c(1, 1)), gpu,
              type = "float32")
  ctx <- anygpu:::nn_ctx(TRUE)
  y <- anygpu:::nn_layer_forward(layer_batch_norm(), w, up, ctx)
  want <- t(apply(rounded, 1, function(v) (v - mean(v)) / sqrt(mean((v - mean(v))^2) + 1e-5)))
  expect_equal(anygpu:::plain(y), want, tolerance = 1e-3)
})

test_that("a frozen batch norm uses and keeps what it learned", {
  layer <- nn_freeze(nn_model(layer_batch_norm()))$layers[[1]]
  expect_layer(layer, 3, function(w, h) h * (w$scale / sqrt(1 + 1e-5)) + w$shift, training = TRUE)
  expect_output(print(layer), "batch norm, frozen")
})

test_that("nn_freeze() and nn_unfreeze() set layers", {
  net <- nn_model(layer_dense(4), layer_dense(3), layer_dense(2))
  frozen <- function(net) vapply(net$layers, function(layer) isTRUE(layer$frozen), NA)
  expect_identical(frozen(nn_freeze(net)), c(TRUE, TRUE, TRUE))
  expect_identical(frozen(nn_freeze(net, -3)), c(TRUE, TRUE, FALSE))
  expect_identical(frozen(nn_unfreeze(nn_freeze(net), 1)), c(FALSE, TRUE, TRUE))
  expect_identical(nn_unfreeze(nn_freeze(net)), net)
  for (bad in list(4, "a", c(1, -1), NA, list(1))) {
    expect_error(nn_freeze(net, bad), "must be numbers of the 3", class = "anygpu_error_argument")
  }
  expect_error(nn_freeze(3), "model made by", class = "anygpu_error_argument")
})

test_that("layers take nodes first", {
  x <- nn_input(4)
  net <- nn_model(x |> layer_dense(4) |> layer_batch_norm() |> layer_activation("relu") |>
                    layer_prelu() |> layer_dropout(0.5) |> layer_reshape(c(2, 2)) |>
                    layer_permute(2:1) |> layer_lambda(function(x) x) |> layer_layer_norm() |>
                    layer_flatten() |> layer_add(x))
  expect_identical(vapply(net$layers, anygpu:::nn_layer_kind, ""),
                   c("dense", "batch_norm", "activation", "prelu", "dropout", "reshape", "permute",
                     "lambda", "layer_norm", "flatten", "add"))
  expect_identical(unlist(anygpu:::nn_model_shapes(net, list(4L))[[11]]), 4L)
  same <- list(x |> layer_dense(3, "relu", FALSE), x |> layer_dense(units = 3, "relu", FALSE),
               x |> layer_dense(units = 3, activation = "relu", bias = FALSE),
               do.call(layer_dense, list(x, 3, "relu", FALSE)))
  for (node in same) expect_identical(node$layer, layer_dense(3, "relu", FALSE))
  expect_error(layer_dense(3, activ = "relu", FALSE, 7), "unused argument 7",
               class = "anygpu_error_argument")
  expect_error(layer_dense(3, wrong = 7), "unused argument wrong", class = "anygpu_error_argument")
  expect_error(layer_flatten(3), "unused argument 3", class = "anygpu_error_argument")
})

test_that("embeddings stand for codes from 1", {
  rows <- function(w, h) w$weight[, h]
  codes <- array(rep(c(1L, 5L, 2L), 4), c(4, 3))
  expect_layer(layer_embedding(3, 5), 4, rows, input = codes)
  expect_layer(layer_embedding(3, 5), 4, rows, input = codes + 0.5) # real numbers are cut off
  expect_fixture(layer_embedding(3, 5), "embedding")
})

test_that("a dense layer is PyTorch's", {
  expect_fixture(layer_dense(length(fixture("dense")$w$bias)), "dense")
})
