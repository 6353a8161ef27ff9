callback_net <- function() nn_model(layer_dense(4, "tanh"), layer_dense(3))
callback_fit <- function(callbacks, epochs = 3, ...) {
  set.seed(1)
  nn_quiet(callback_net(), iris[1:4], iris$Species, epochs = epochs, batch_size = 50,
           callbacks = callbacks, ...)
}

test_that("each function is called when it is due", {
  seen <- character()
  note <- function(when) function(state) seen <<- c(seen, paste(when, state$epoch, state$step))
  callback_fit(nn_callback(note("begin"), note("epoch"), note("batch"), note("done"), note("end")),
               epochs = 2)
  # the step counts what an epoch has ended
  expect_identical(sub(" .*", "", seen), c("begin", rep(c("epoch", rep("batch", 3), "done"), 2),
                                           "end"))
  expect_identical(seen[c(1, 2, 6, 7, 11, 12)], c("begin 0 0", "epoch 1 0", "done 1 3",
                                                  "epoch 2 3", "done 2 6", "end 2 6"))
})

test_that("a callback sees scores, history and weights, and changes nothing", {
  last <- NULL
  fit <- callback_fit(function(state) last <<- c(state, list(w = state$weights())))
  expect_identical(last$w, fit$weights)
  expect_equal(unname(last$scores["loss"]), fit$history$loss[3])
  expect_equal(last$history, fit$history)
  expect_s3_class(last$model, "nn_model")
  expect_identical(callback_fit(NULL)$weights, fit$weights)
  batch <- callback_fit(nn_callback(on_batch_end = function(state) last <<- state))
  expect_identical(batch$weights, fit$weights) # the fast loop and the slow one are the same
  expect_equal(unname(last$scores["loss"]), fit$history$loss[3])
})

test_that("\"stop\" ends the training", {
  fit <- callback_fit(function(state) if (state$epoch == 2) "stop", epochs = 9)
  expect_equal(nrow(fit$history), 2)
  expect_output(print(fit), "2 of 9 epochs \\(ended by a callback\\)")
  half <- callback_fit(nn_callback(on_batch_end = function(state) "stop"))
  expect_equal(nrow(half$history), 1)
  expect_true(is.finite(half$history$loss))
})

test_that("an error in a callback is the user's, and bad callbacks are classed errors", {
  expect_error(callback_fit(function(state) stop("mine")), "mine")
  expect_error(nn_callback(on_epoch_end = 1), "`on_epoch_end` must be a function",
               class = "anygpu_error_argument")
  expect_error(callback_fit(list("a")), "`callbacks`", class = "anygpu_error_argument")
  expect_output(print(nn_callback(on_train_end = print)), "<nn_callback> on_train_end")
})
