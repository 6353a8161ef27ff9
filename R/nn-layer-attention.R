#' Attention
#'
#' Multi-head attention (Vaswani et al. 2017): each step of a sequence of queries takes a weighted
#' mean of the values at all steps of a sequence, with weights from how well its query fits the
#' keys there. In `layer_multi_head_attention()` queries, keys and values are linear functions of
#' the inputs; `heads` such means are taken side by side, and a linear function of all gives the
#' output. As nothing in it depends on where a step stands, `layer_positional()` adds to each step a
#' pattern of sines that says so.
#'
#' With Q, K and V the queries, keys and values of a head, a column for each step, the weights are
#' `softmax(t(K) %*% Q / sqrt(key_dim))` with the softmax along the keys, and the head gives
#' `V %*% weights`. Where `mask` and `causal` leave a query no key, it gets 0 from all heads (and
#' the output's bias).
#'
#' The parameters are `query`, `key`, `value` (a row for each number of a head, head after
#' head; a column for each feature), `output`, and their biases `query_bias` and so on: those of
#' PyTorch, with its `in_proj` cut in three. They start uniform (Glorot and Bengio 2010), the
#' biases at 0.
#'
#' `layer_positional()` adds at step \eqn{t} = 0, 1, ... to the features \eqn{2i + 1} and
#' \eqn{2i + 2} (of \eqn{d}) the numbers \eqn{\sin(t / 10000^{2i / d})}{sin(t / 10000^(2i/d))} and
#' \eqn{\cos(t / 10000^{2i / d})}{cos(t / 10000^(2i/d))}. It has no parameters.
#'
#' @param heads The number of heads.
#' @param key_dim The size of a query, a key and a value of a head; `NULL`: the number of features
#'   divided by `heads`.
#' @param causal Whether a step sees itself and earlier ones only.
#' @param value The output of another layer from which the keys and values are computed; `NULL`: the
#'   first argument, which is self-attention.
#' @param mask The output of another layer, or an [nn_input()], which says what can be seen: 1, or 0
#'   for padding, of `n x time` of the values, or of `n x queries x time`; `NULL`: all.
#' @param ... The output of another layer, a sequence of `n x time x features`, may stand before all
#'   other arguments, as the pipe puts it: see [nn_model()].
#' @return An object of class `nn_layer` to be given to [nn_model()], or after a node a
#'   node. The output has the shape of the first input.
#' @section Errors: Bad settings give an error of class `anygpu_error_argument`; inputs that do not
#'   fit, one of class `anygpu_error_shape`.
#' @references Vaswani, A. et al. (2017). Attention is all you need. *NeurIPS*.
#' @examples
#' nn_model(layer_positional(), layer_multi_head_attention(4), layer_dense(1))
#'
#' x <- nn_input(c(20, 32))
#' seen <- nn_input(20)
#' h <- x |> layer_positional() |> layer_multi_head_attention(4, mask = seen)
#' nn_model(h |> layer_lstm(16) |> layer_dense(1), inputs = list(x, seen))
#' @export
layer_multi_head_attention <- function(heads, key_dim = NULL, causal = FALSE, value = NULL,
                                       mask = NULL, ...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  layer <- nn_layer("multi_head_attention", heads = nn_count(heads, "heads"),
                    key_dim = if (!is.null(key_dim)) nn_count(key_dim, "key_dim"),
                    causal = nn_flag(causal, "causal"), value = nn_has_node(value, "value"),
                    mask = nn_has_node(mask, "mask"))
  structure(layer, nodes = c(if (layer$value) list(value), if (layer$mask) list(mask)))
}

# Whether a layer's argument that is a node or NULL is a node.
nn_has_node <- function(x, name) {
  if (is.null(x)) return(FALSE)
  nn_check_class(x, name, "nn_node", "the output of a layer, or NULL")
  TRUE
}

# What it takes, by role: the inputs themselves, or their shapes.
nn_attention_inputs <- function(layer, x) {
  if (!is.list(x)) x <- list(x)
  if (length(x) != 1 + layer$value + layer$mask) {
    nn_shape_stop("with `value` or `mask` its first argument must be the output of a layer")
  }
  list(query = x[[1]], value = x[[1 + layer$value]], mask = if (layer$mask) x[[length(x)]])
}

#' @exportS3Method
nn_layer_shape.nn_layer_multi_head_attention <- function(layer, shape) {
  shape <- nn_attention_inputs(layer, shape)
  nn_check_sequence(shape$query)
  nn_check_sequence(shape$value)
  if (is.null(layer$key_dim) && shape$query[1] %% layer$heads != 0) {
    nn_shape_stop("%d features cannot be divided among %d heads: set `key_dim`", shape$query[1],
                  layer$heads)
  }
  seen <- c(shape$value[2], shape$query[2])
  if (layer$mask && !(nn_same_shape(shape$mask, seen) || nn_same_shape(shape$mask, seen[1]))) {
    nn_shape_stop("the mask must be n x %d or n x %s, not n x %s", seen[1], nn_shape_text(seen),
                  nn_shape_text(shape$mask))
  }
  shape$query
}

nn_same_shape <- function(x, y) length(x) == length(y) && all(x == y)

#' @exportS3Method
nn_layer_init.nn_layer_multi_head_attention <- function(layer, shape) {
  shape <- nn_attention_inputs(layer, shape)
  units <- layer$heads * nn_head_size(layer, shape$query[1])
  draw <- function(to, from) nn_draw(c(to, from), from, to)
  list(query = draw(units, shape$query[1]), query_bias = numeric(units),
       key = draw(units, shape$value[1]), key_bias = numeric(units),
       value = draw(units, shape$value[1]), value_bias = numeric(units),
       output = draw(shape$query[1], units), output_bias = numeric(shape$query[1]))
}

nn_head_size <- function(layer, features) {
  if (is.null(layer$key_dim)) features %/% layer$heads else layer$key_dim
}

#' @exportS3Method
nn_layer_forward.nn_layer_multi_head_attention <- function(layer, w, h, ctx) {
  h <- nn_attention_inputs(layer, h)
  q <- nn_heads(layer, nn_each_step(w$query, w$query_bias, h$query))
  k <- nn_heads(layer, nn_each_step(w$key, w$key_bias, h$value))
  v <- nn_heads(layer, nn_each_step(w$value, w$value_bias, h$value))
  score <- gpu_matmul(k, q * (1 / sqrt(dim(q)[1])), transpose_x = TRUE)
  mean <- gpu_matmul(v, nn_attention_weights(layer, score, h$mask))
  nn_each_step(w$output, w$output_bias, nn_unite_heads(layer, mean))
}

# w %*% h + b at every step: units x time x n.
nn_each_step <- function(w, b, h) {
  d <- dim(h)
  nn_reshape(w %*% nn_reshape(h, c(d[1], prod(d[-1]))) + b, c(dim(w)[1], d[-1]))
}

# From (head's numbers x heads) x time x n to numbers x time x (heads x n), and back.
nn_heads <- function(layer, h) {
  d <- dim(h)
  size <- d[1] %/% layer$heads
  h <- aperm(nn_reshape(h, c(size, layer$heads, d[-1])), c(1, 3, 2, 4))
  nn_reshape(h, c(size, d[2], layer$heads * d[3]))
}

nn_unite_heads <- function(layer, h) {
  d <- dim(h)
  n <- d[3] %/% layer$heads
  h <- aperm(nn_reshape(h, c(d[1:2], layer$heads, n)), c(1, 3, 2, 4))
  nn_reshape(h, c(d[1] * layer$heads, d[2], n))
}

# softmax(score) along the keys, of keys x queries x (heads x n). What is not seen is pushed far
# down, so that its exp() is 0, but not to -Inf: a query that sees nothing then has equal weights,
# which become 0, where 0 / 0 would make its gradients NaN.
nn_attention_weights <- function(layer, score, mask) {
  if (!layer$causal && !layer$mask) return(softmax(score))
  d <- dim(score)
  all <- nn_reshape(score, c(d[1:2], layer$heads, d[3] %/% layer$heads))
  if (layer$causal) all <- all + stretch(nn_causal_score(d), all, 1:2)
  if (layer$mask) {
    seen <- stretch(mask, all, if (length(dim(mask)) == 2) c(1, 4) else c(1, 2, 4))
    all <- softmax(all + (seen - 1) * 1e30) * seen
  } else {
    all <- softmax(all)
  }
  nn_reshape(all, d)
}

# What to add where a key (rows) comes after the query (columns).
nn_causal_score <- function(d) outer(seq_len(d[1]), seq_len(d[2]), `>`) * -1e30

#' @rdname layer_multi_head_attention
#' @export
layer_positional <- function(...) {
  node <- nn_piped(...)
  if (nn_is_node(node)) return(nn_connect(node))
  nn_layer("positional")
}

#' @exportS3Method
nn_layer_shape.nn_layer_positional <- function(layer, shape) {
  nn_check_sequence(shape)
  shape
}

#' @exportS3Method
nn_layer_forward.nn_layer_positional <- function(layer, w, h, ctx) {
  h + stretch(nn_positions(dim(h)[1], dim(h)[2]), h, 1:2)
}

# Sines and cosines in turn, features x time.
nn_positions <- function(features, time) {
  i <- seq_len(features) - 1
  angle <- outer(10000^(-2 * (i %/% 2) / features), seq_len(time) - 1)
  odd <- i %% 2 == 1
  angle[odd, ] <- cos(angle[odd, ])
  angle[!odd, ] <- sin(angle[!odd, ])
  angle
}
