# The weights after training, in one vector.
trained <- function(model, x, y, precision, ...) {
  set.seed(5)
  fit <- suppressMessages(nn_fit(model, x, y, precision = precision, ...))
  list(w = unlist(coef(fit)), loss = fit$history$loss, fit = fit)
}

precision_cases <- function() {
  set.seed(3)
  n <- 48
  images <- array(rnorm(n * 10 * 9 * 2), c(n, 10, 9, 2))
  steps <- array(rnorm(n * 7 * 3), c(n, 7, 3))
  rows <- matrix(rnorm(n * 6), n)
  words <- matrix(sample(9, n * 5, TRUE), n)
  input <- nn_input(6)
  wide <- input |> layer_dense(12, "silu")
  list(
    mlp = list(rows, nn_model(layer_dense(16, "relu"), layer_dropout(0.2), layer_dense(16, "gelu"),
                              layer_layer_norm(), layer_dense(8, "tanh"), layer_dense(1))),
    graph = list(rows, nn_model(layer_add(wide, wide |> layer_dense(12, "relu")) |>
                                  layer_dense(6) |> layer_concat(input) |> layer_dense(1))),
    cnn = list(images, nn_model(layer_conv2d(6, 3, activation = "relu", padding = "same"),
                                layer_batch_norm(), layer_max_pool2d(),
                                layer_conv2d(5, 3, padding = "same", activation = "elu"),
                                layer_average_pool2d(), layer_flatten(), layer_dense(1))),
    lstm = list(steps, nn_model(layer_lstm(6, return_sequences = TRUE, direction = "both"),
                                layer_gru(5), layer_dense(1))),
    attention = list(words, nn_model(layer_embedding(8, 9), layer_multi_head_attention(2),
                                     layer_layer_norm(), layer_flatten(), layer_dense(1)))
  )
}

test_that("keeping what the way back needs in bfloat16 changes gradients by its rounding alone", {
  y <- rnorm(48)
  for (name in names(precision_cases())) {
    case <- precision_cases()[[name]]
    step <- function(precision, rate) {
      trained(case[[2]], case[[1]], y, precision, epochs = 1, batch_size = 48,
              optimizer = opt_sgd(rate), standardize = FALSE)$w
    }
    start <- step("float32", 1e-30)
    want <- start - step("float32", 1)
    got <- start - step("bf16", 1)
    off <- sqrt(sum((got - want)^2) / sum(want^2))
    expect_lt(off, 0.05, label = name) # of elements that are rounded alike any is the maximum
    expect_gt(off, 1e-6, label = name) # it is rounded
    expect_identical(step("bf16", 1), step("bf16", 1), info = name)
  }
})

test_that("fits in bf16 are about as good as in float32, and the same on every device", {
  y <- rnorm(48)
  for (name in c("mlp", "cnn", "lstm")) {
    case <- precision_cases()[[name]]
    fit <- function(precision) {
      trained(case[[2]], case[[1]], y, precision, epochs = 12, batch_size = 16,
              optimizer = opt_adam(0.01))
    }
    full <- fit("float32")
    half <- fit("bf16")
    expect_lt(max(abs(half$loss / full$loss - 1)), 0.1, label = name)
    expect_lt(tail(half$loss, 1), half$loss[1], label = name)
    expect_false(identical(half$w, full$w), info = name)
    on_host <- with_gpu_device("host", fit("bf16"))
    expect_equal(half$loss, on_host$loss, tolerance = 0.02, info = name)
  }
})

test_that("a fit in bf16 keeps its weights, and predicts, in float32", {
  case <- precision_cases()$mlp
  y <- rnorm(48)
  fit <- trained(case[[2]], case[[1]], y, "bf16", epochs = 2)$fit
  w <- unlist(coef(fit))
  expect_gt(mean(w != 0 & signif(w, 3) != w), 0.5)
  exact <- fit
  exact$net$precision <- "exact"
  with_gpu_device("host", { # which has no tensor cores
    expect_identical(predict(fit, case[[1]]), predict(exact, case[[1]]))
  })
})

test_that("in bf16 training takes less memory", {
  n <- 512
  x <- matrix(rnorm(n * 8), n)
  y <- rnorm(n)
  layers <- rep(list(layer_dense(64, "gelu"), layer_dropout(0.1)), 12)
  used <- function(precision) {
    gpu_memory(release = TRUE)
    most <- 0
    look <- nn_callback(on_epoch_end = function(...) most <<- sum(gpu_memory()$used))
    before <- sum(gpu_memory()$used)
    trained(do.call(nn_model, c(layers, list(layer_dense(1)))), x, y, precision, epochs = 1,
            batch_size = n, callbacks = list(look), optimizer = opt_sgd(0.01))
    most - before
  }
  expect_lt(used("bf16"), 0.65 * used("float32"))
})
