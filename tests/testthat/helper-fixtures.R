# PyTorch's numbers for small layers and losses, in fixtures/<name>.R, from make_fixtures.py there.
# Arrays are in the layout of the network (dimensions reversed, samples last), in float64.
#
# A layer's fixture is a list of
#   settings   what the layer was told, by the names and in the order (height, width) of users
#   training   TRUE or FALSE
#   x          the input; a list for a layer of several inputs; whole numbers for an embedding
#   mask       attention only: TRUE where a key may be looked at: keys x n, keys x queries x n
#   w, state   the weights and what is not trained, by name
#   g          the gradient of the loss by the output: the loss is sum(g * y)
#   y, dx, dw  the output, the gradients by the input (none by codes) and by each weight
#   new_state  the state after the pass
#
# name                               weights, with their dimensions
# dense                              weight (units x inputs), bias
# conv1d, _same, _stride, _dilation, _groups
#                                    weight (filters x channels / groups x time), bias
# conv2d, _same, _stride, _stride_same, _dilation, _dilation_same, _groups, _depthwise,
#   _depthwise_multiplier, _1x1      weight (filters x channels / groups x width x height), bias
# conv2d_transpose, _stride, _same   the same; "same" gives input * stride elements
# max_pool1d, avg_pool1d, max_pool2d, _stride, _same, avg_pool2d, _stride, _same
# global_max_pool1d, global_avg_pool1d, global_max_pool2d, global_avg_pool2d
# batch_norm_eval, batch_norm_train, batch_norm_dense_eval, batch_norm_dense_train
#                                    scale, shift; state: mean, variance (after: unbiased variance,
#                                    new = (1 - momentum) old + momentum batch, momentum 0.1)
# layer_norm, layer_norm_sequence    scale, shift (per feature)
# embedding                          weight (units x levels); codes count from 1
# simple_rnn, lstm, gru, each also with _sequences, _bidirectional, _bidirectional_sequences
#                                    weight (gates units x features), recurrent (... x units),
#                                    bias; gru: recurrent_bias too; the way back: weight_back, ...;
#                                    gates: lstm i, f, g, o; gru r, z, n
# attention, _causal, _mask, _cross  query, query_bias, key, key_bias, value, value_bias, output,
#                                    output_bias (units x units); _cross: x is list(queries, keys)
# prelu                              slope (per feature)
#
# activations: list(x, g, <activation> = list(y, dx)), samples last, softmax over the features:
#   linear relu leaky_relu (0.01) elu selu gelu silu softplus sigmoid tanh softmax hard_sigmoid
#   (relu6(x + 3) / 6) hard_tanh hard_silu softsign exp log_softmax
# losses: list(<loss> = list(y_true, y_pred, value, gradient, settings ...)), values x samples:
#   mse mae huber quantile cross_entropy (classes from 0; y_pred before the softmax)
#   cross_entropy_one_hot cross_entropy_soft cross_entropy_smoothing binary_cross_entropy (logits)
#   poisson (log mean) gaussian (mean, log sd) hinge (classes) cosine triplet contrastive
#   negative_binomial (log mean)

fixture <- function(name) dget(test_path("fixtures", paste0(name, ".R")))

# The layer computes what the fixture says: output, new state and all gradients. `x`: the input, if
# the layer takes it in another form, as list(x, mask); `rename`: the fixture's names of the layer's
# weights, if they differ, as in c(gamma = "scale"); `change`: what is done to the fixture first.
expect_fixture <- function(layer, name, x = NULL, rename = NULL, change = identity,
                           tolerance = 1e-6) {
  skip_if_not("float64" %in% test_types())
  want <- change(fixture(name))
  if (!is.null(x)) want$x <- x
  want <- fixture_renamed(want, rename)
  start <- anygpu:::nn_layer_init(layer, fixture_shape(want$x))
  expect_setequal(as.character(names(start)), as.character(names(want$w)))
  expect_identical(lapply(start, fixture_dim), lapply(want$w, fixture_dim)[names(start)])
  got <- fixture_run(layer, want)
  want$dx <- as_list(want$dx)
  for (part in intersect(c("y", "dx", "dw", "new_state"), names(want))) {
    expect_equal(got[[part]], want[[part]], tolerance = tolerance, info = paste(name, part))
  }
}

# A loss as the trainer traces it: the mean of a batch is the fixture's, and the gradient.
expect_fixture_loss <- function(loss, name, tolerance = 1e-6) {
  skip_if_not("float64" %in% test_types())
  want <- fixture("losses")[[name]]
  y_true <- fixture_up(want$y_true)
  y_pred <- fixture_up(want$y_pred)
  trace <- function(part) function(z) sum(anygpu:::nn_loss_trace(loss, y_true, z)[[part]])
  value <- c(trace("total")(y_pred)) / ncol(want$y_pred)
  expect_equal(value, want$value, tolerance = tolerance, info = name)
  gradient <- anygpu:::plain(gpu_grad(trace("seed"), y_pred))
  expect_equal(gradient, want$gradient, tolerance = tolerance, info = name)
}

# f(x) is the fixture's activation of that name, and its gradient.
expect_fixture_activation <- function(f, name, tolerance = 1e-6) {
  skip_if_not("float64" %in% test_types())
  all <- fixture("activations")
  x <- fixture_up(all$x)
  g <- fixture_up(all$g)
  expect_equal(anygpu:::plain(f(x)), all[[name]]$y, tolerance = tolerance, info = name)
  gradient <- anygpu:::plain(gpu_grad(function(x) sum(g * f(x)), x))
  expect_equal(gradient, all[[name]]$dx, tolerance = tolerance, info = name)
}

fixture_dim <- function(x) if (is.null(dim(x))) length(x) else dim(x)

# What nn_layer_shape() takes: dimensions without the samples.
fixture_shape <- function(x) {
  if (is.list(x)) lapply(x, fixture_shape) else dim(x)[-length(dim(x))]
}

fixture_renamed <- function(want, rename) {
  for (part in c("w", "dw", "state", "new_state")) {
    at <- match(rename, names(want[[part]]))
    names(want[[part]])[at[!is.na(at)]] <- names(rename)[!is.na(at)]
  }
  want
}

as_list <- function(x) if (is.list(x) || is.null(x)) x else list(x)

# The layer on placeholders, as the trainer runs it: list(y, dx, dw, new_state).
fixture_run <- function(layer, want) {
  x <- as_list(want$x)
  up <- lapply(c(unname(x), want$w, want$state), fixture_up)
  traced <- Map(function(x, i) .Call(anygpu:::C_placeholder, x, i), up, seq_along(up) - 1L)
  h <- unname(traced[seq_along(x)])
  w <- traced[-seq_along(x)]
  state <- want$state
  ctx <- anygpu:::nn_ctx(want$training, "float64",
                         update = function(name, value) state[[name]] <<- value)
  y <- anygpu:::nn_layer_forward(layer, w, if (is.list(want$x)) h else h[[1]], ctx)
  ndx <- length(as_list(want$dx))
  d <- .Call(anygpu:::C_grad, sum(y * fixture_up(want$g)), c(h[seq_len(ndx)], w[names(want$w)]))
  list(y = fixture_values(list(y), up)[[1]], dx = if (ndx) fixture_values(d[seq_len(ndx)], up),
       dw = fixture_values(setNames(d[seq_along(want$w) + ndx], names(want$w)), up),
       new_state = fixture_values(state, up))
}

# Placeholders' results on `inputs`, eight at a time as a plan gives them.
fixture_values <- function(results, inputs) {
  for (part in split(seq_along(results), (seq_along(results) - 1) %/% 8)) {
    results[part] <- anygpu:::run_traced(results[part], unname(inputs))
  }
  lapply(results, anygpu:::plain)
}

fixture_up <- function(x) gpu(x, if (is.double(x)) "float64")
