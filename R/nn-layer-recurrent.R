#' Recurrent layers
#'
#' Layers that read a sequence step by step and keep a state of `units` numbers: an input of
#' `n x time x features` gives the state after the last step, `n x units`, or after each one,
#' `n x time x units`. `layer_rnn()` is the simple (Elman) network, `layer_lstm()` the long
#' short-term memory, `layer_gru()` the gated recurrent unit.
#'
#' With \eqn{x_t} the input at step t, \eqn{h} the state before it (0 at the start), \eqn{\sigma}
#' the sigmoid and \eqn{*} the elementwise product, the state after the step is
#'
#' * `layer_rnn()`: \eqn{a(W x_t + b + R h)}, with the `activation` \eqn{a};
#' * `layer_lstm()`: \eqn{\sigma(o) * \tanh(c)}{sigma(o) * tanh(c)}, where the memory \eqn{c}
#'   becomes \eqn{\sigma(f) * c + \sigma(i) * \tanh(g)}{sigma(f) * c + sigma(i) * tanh(g)}, and
#'   \eqn{i, f, g, o} are the four blocks of `units` rows of \eqn{W x_t + b + R h};
#' * `layer_gru()`: \eqn{(1 - \sigma(z)) * n + \sigma(z) * h}{(1 - sigma(z)) * n + sigma(z) * h},
#'   where \eqn{r, z} are the first two blocks of \eqn{W x_t + b + R h + d}, and
#'   \eqn{n = \tanh(W_n x_t + b_n + \sigma(r) * (R_n h + d_n))}{n = tanh(W_n x_t + b_n +
#'   sigma(r) * (R_n h + d_n))} of the third.
#'
#' The blocks are in PyTorch's order, and so its weights can be put in as they are (its LSTM and
#' simple network have two biases where one, their sum, does: here there is one).
#'
#' The parameters are `weight` (\eqn{W}, a row for each unit of each block, a column for each
#' feature), `recurrent` (\eqn{R}, likewise, `units` columns), `bias` (\eqn{b}) and, of a GRU,
#' `recurrent_bias` (\eqn{d}). They start, from R's random numbers, uniform (Glorot and Bengio
#' 2010), orthogonal (Saxe et al. 2014) and 0; the biases of an LSTM's \eqn{f} start at 1, so that
#' it remembers at first (Jozefowicz et al. 2015). The parameters of the second direction have
#' `_back` behind their names.
#'
#' @param units The size of the state, a whole number of at least 1.
#' @param activation Of `layer_rnn()`: `"tanh"`, or another one of [activations].
#' @param return_sequences Whether the states after all steps are wanted (for another recurrent
#'   layer, say), and not only the last one.
#' @param direction Whether the sequence is read from its first step to the last (`"forward"`), from
#'   the last to the first (`"backward"`), or by two networks in `"both"` ways, whose
#'   states stand side by side: forward first, `2 * units` in all. With `return_sequences` the
#'   states stay where their input is; the last state of reading backward is then at the first step.
#' @param ... The output of another layer may stand before all other arguments, as the pipe puts it:
#'   see [nn_model()].
#' @return An object of class `nn_layer`, to be given to [nn_model()].
#' @section Errors: Bad settings give an error of class `anygpu_error_argument`; an input that is no
#'   sequence, one of class `anygpu_error_shape`.
#' @references Hochreiter, S. and Schmidhuber, J. (1997). Long short-term memory. *Neural
#'   Computation* 9, 1735-1780.
#'
#'   Cho, K. et al. (2014). Learning phrase representations using RNN encoder-decoder for
#'   statistical machine translation. *EMNLP*.
#'
#'   Saxe, A., McClelland, J. and Ganguli, S. (2014). Exact solutions to the nonlinear dynamics of
#'   learning in deep linear neural networks. *ICLR*.
#'
#'   Jozefowicz, R., Zaremba, W. and Sutskever, I. (2015). An empirical exploration of recurrent
#'   network architectures. *ICML*.
#' @examples
#' layer_lstm(64)
#' nn_model(layer_gru(32, return_sequences = TRUE, direction = "both"), layer_lstm(32),
#'          layer_dense(2))
#' @name recurrent
NULL

#' @rdname recurrent
#' @export
layer_rnn <- function(units, activation = "tanh", return_sequences = FALSE,
                      direction = "forward", ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_recurrent("rnn", units, return_sequences, direction, activation = nn_activation(activation))
}

#' @rdname recurrent
#' @export
layer_lstm <- function(units, return_sequences = FALSE, direction = "forward", ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_recurrent("lstm", units, return_sequences, direction)
}

#' @rdname recurrent
#' @export
layer_gru <- function(units, return_sequences = FALSE, direction = "forward", ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_recurrent("gru", units, return_sequences, direction)
}

nn_recurrent <- function(kind, units, return_sequences, direction, ...) {
  layer <- nn_layer(kind, units = nn_count(units, "units"), ...,
                    return_sequences = nn_flag(return_sequences, "return_sequences"),
                    direction = nn_choice(direction, "direction",
                                          c("forward", "backward", "both"), "forward"))
  class(layer) <- append(class(layer), "nn_layer_recurrent", 1)
  layer
}

#' @exportS3Method
nn_layer_shape.nn_layer_recurrent <- function(layer, shape) {
  nn_check_sequence(shape)
  c(layer$units * (1L + (layer$direction == "both")), if (layer$return_sequences) shape[2])
}

# `shape` must be that of a sequence: features and time.
nn_check_sequence <- function(shape) {
  if (length(shape) == 2) return(invisible())
  nn_shape_stop("the input must be n x time x features, not n x %s", nn_shape_text(shape))
}

# What differs between the kinds. blocks: of `units` rows in the products. step: the state after a
# step, of which h is the output; p is the step's input in products, with its bias. Before the first
# step the state is an empty list, and what would be multiplied by 0 is left out.
nn_cells <- list(
  rnn = list(blocks = 1L, step = function(layer, w, p, state) {
    list(h = nn_activate(layer$activation, nn_add_product(p, w$recurrent, state$h)))
  }),
  lstm = list(blocks = 4L, step = function(layer, w, p, state) {
    z <- nn_blocks(nn_add_product(p, w$recurrent, state$h), 4L)
    memory <- sigmoid(z[[1]]) * tanh(z[[3]])
    if (length(state)) memory <- sigmoid(z[[2]]) * state$memory + memory
    list(h = sigmoid(z[[4]]) * tanh(memory), memory = memory)
  }),
  gru = list(blocks = 3L, step = function(layer, w, p, state) {
    z <- nn_blocks(p, 3L)
    q <- nn_blocks(nn_add_product(w$recurrent_bias, w$recurrent, state$h), 3L)
    new <- tanh(z[[3]] + sigmoid(z[[1]] + q[[1]]) * q[[3]])
    keep <- sigmoid(z[[2]] + q[[2]])
    list(h = if (length(state)) new + keep * (state$h - new) else new - keep * new)
  })
)

# p + w %*% h, or p alone where there is no state yet.
nn_add_product <- function(p, w, h) if (is.null(h)) p else w %*% h + p

# The `n` blocks of rows of z, which is a matrix or a vector.
nn_blocks <- function(z, n) {
  rows <- length(z) / n
  if (!is.null(dim(z))) rows <- dim(z)[1] / n
  lapply(seq_len(n) - 1, function(k) {
    at <- k * rows + seq_len(rows)
    if (is.null(dim(z))) z[at] else z[at, , drop = FALSE]
  })
}

#' @exportS3Method
nn_layer_init.nn_layer_recurrent <- function(layer, shape) {
  w <- nn_recurrent_init(layer, shape[1])
  if (layer$direction != "both") return(w)
  back <- nn_recurrent_init(layer, shape[1])
  c(w, stats::setNames(back, paste0(names(back), "_back")))
}

nn_recurrent_init <- function(layer, features) {
  kind <- nn_layer_kind(layer)
  units <- layer$units
  blocks <- nn_cells[[kind]]$blocks
  stack <- function(make) do.call(rbind, lapply(seq_len(blocks), function(block) make()))
  w <- list(
    weight = stack(function() nn_draw(c(units, features), features, units)),
    recurrent = stack(function() nn_draw_orthogonal(units)),
    bias = numeric(blocks * units)
  )
  if (kind == "lstm") w$bias[units + seq_len(units)] <- 1
  if (kind == "gru") w$recurrent_bias <- numeric(blocks * units)
  w
}

# A random rotation, uniformly distributed: the signs make R's diagonal positive (Mezzadri 2007).
nn_draw_orthogonal <- function(n) {
  f <- qr(matrix(stats::rnorm(n * n), n))
  qr.Q(f) %*% diag(sign(diag(qr.R(f))), n)
}

# -- running -----------------------------------------------------------------------------------

#' @exportS3Method
nn_layer_forward.nn_layer_recurrent <- function(layer, w, h, ctx) {
  h <- aperm(h, c(1, 3, 2)) # the samples of a step side by side
  if (layer$direction != "both") return(nn_read(layer, w, h, layer$direction == "backward"))
  is_back <- endsWith(names(w), "_back")
  w_back <- stats::setNames(w[is_back], sub("_back$", "", names(w)[is_back]))
  nn_stack_features(nn_read(layer, w[!is_back], h, FALSE), nn_read(layer, w_back, h, TRUE))
}

# Reads h, features x n x time, in one direction. The input's products of all steps are one; what is
# left for each step is the state's product and one kernel for the rest.
nn_read <- function(layer, w, h, back) {
  n <- dim(h)[2]
  steps <- dim(h)[3]
  cell <- nn_cells[[nn_layer_kind(layer)]]
  rows <- cell$blocks * layer$units
  p <- w$weight %*% nn_reshape(h, c(dim(h)[1], n * steps)) + w$bias
  state <- list()
  out <- vector("list", steps)
  for (t in if (back) rev(seq_len(steps)) else seq_len(steps)) {
    p_t <- p[, (t - 1) * n + seq_len(n), drop = FALSE]
    state <- cell$step(layer, w, p_t, state)
    out[[t]] <- state$h
  }
  if (!layer$return_sequences) return(state$h)
  all <- nn_reshape(.Call(C_concat, out, NULL), c(layer$units, n, steps))
  aperm(all, c(1, 3, 2))
}

# Side by side along the features.
nn_stack_features <- function(x, y) {
  d <- dim(x)
  z <- rbind(nn_reshape(x, c(d[1], prod(d[-1]))), nn_reshape(y, c(d[1], prod(d[-1]))))
  nn_reshape(z, c(2 * d[1], d[-1]))
}

#' @export
format.nn_layer_recurrent <- function(x, ...) {
  if (x$direction == "forward") x$direction <- NULL
  NextMethod()
}
