#' Neural network
#'
#' Puts layers together. The result is a plan of the network only: it has no
#' weights until [nn_fit()] draws and trains them.
#'
#' @param ... Layers such as [layer_dense()], from input to output; or, for a network that is no
#'   chain, its outputs (see [nn_input()]).
#' @param inputs For outputs in `...`: a list of the inputs, in the order of the data. `NULL`: in
#'   the order in which they are met.
#' @return An object of class `nn_model`: a list with the elements `layers`, `from` (for each layer
#'   the numbers of the layers whose outputs it takes, `-k` for input `k`), `inputs` (their
#'   shapes), `outputs` (numbers of layers) and `weights_of` (for each layer the number of the one
#'   whose weights it has: its own, but for [nn_shared()]).
#' @section Errors: Anything that is not a layer, an output that comes from no layer, and `inputs`
#'   that are not those of the outputs give errors of class `anygpu_error_argument`.
#' @examples
#' nn_model(layer_dense(256, "relu"), layer_dense(128, "relu"), layer_dense(10))
#'
#' x <- nn_input()
#' h <- x |> layer_dense(16, "relu")
#' nn_model(h |> layer_dense(1), h |> layer_dense(3))
#' @seealso [nn_fit()], [layers], [nn_shared()] for layers that have the same weights
#' @export
nn_model <- function(..., inputs = NULL) {
  parts <- unname(do.call(c, lapply(list(...), function(part) {
    if (inherits(part, "nn_layers")) unclass(part) else list(part)
  })))
  if (length(parts) == 0) nn_stop("argument", "nn_model() needs at least one layer")
  nodes <- vapply(parts, nn_is_node, NA)
  if (all(nodes)) return(nn_model_of_nodes(parts, inputs))
  if (!is.null(inputs)) nn_stop("argument", "`inputs` are for outputs made from nn_input()")
  for (i in seq_along(parts)) {
    if (inherits(parts[[i]], "nn_layer")) next
    nn_stop("argument", "argument %d of nn_model() must be a layer such as layer_dense(), not %s",
            i, if (nodes[i]) "the output of one" else nn_describe(parts[[i]]))
  }
  n <- length(parts)
  structure(class = "nn_model", list(
    layers = parts, from = as.list(c(-1, seq_len(n - 1))), inputs = list(NULL), outputs = n,
    weights_of = seq_len(n)
  ))
}

nn_model_of_nodes <- function(out, inputs) {
  if (nn_is_node(inputs)) inputs <- list(inputs)
  for (node in inputs) {
    if (nn_is_node(node) && is.null(node$layer)) next
    nn_stop("argument", "`inputs` must be a list of nn_input()s, not of %s",
            if (nn_is_node(node)) "outputs of layers" else nn_describe(node))
  }
  graph <- nn_graph_of(out, inputs)
  if (any(graph$outputs < 0)) nn_stop("argument", "an output must come from a layer, not an input")
  if (!is.null(inputs) && length(graph$inputs) > length(inputs)) {
    nn_stop("argument", "the outputs are made from %d inputs, `inputs` has %d",
            length(graph$inputs), length(inputs))
  }
  structure(graph, class = "nn_model")
}

#' @export
format.nn_model <- function(x, ...) {
  paste0("  ", format(seq_along(x$layers)), "  ", nn_model_text(x),
         if (!nn_is_chain(x)) paste0("  <- ", nn_model_from(x)))
}

# What each layer takes: "input", "2, 3".
nn_model_from <- function(model) {
  vapply(model$from, function(f) {
    input <- if (length(model$inputs) == 1) "input" else paste("input", -f)
    paste(ifelse(f < 0, input, f), collapse = ", ")
  }, "")
}

# What each layer is.
nn_model_text <- function(model) {
  of <- nn_weights_of(model)
  paste0(vapply(model$layers, format, ""),
         ifelse(of == seq_along(of), "", paste0(", shared with ", of)))
}

nn_is_chain <- function(model) {
  n <- length(model$layers)
  length(model$outputs) == 1 && model$outputs == n &&
    identical(as.numeric(unlist(model$from)), as.numeric(c(-1, seq_len(n - 1))))
}

#' @export
print.nn_model <- function(x, ...) {
  n <- length(x$layers)
  cat(sprintf("<nn_model> %d %s\n", n, if (n == 1) "layer" else "layers"))
  cat(format(x), sep = "\n")
  invisible(x)
}

# The shapes of all layers' outputs, for inputs of `shapes`. An error names the layer.
nn_model_shapes <- function(model, shapes) {
  out <- list()
  for (i in seq_along(model$layers)) {
    layer <- model$layers[[i]]
    given <- nn_given(model$from[[i]], shapes, out)
    out[[i]] <- nn_at_layer(i, layer, given, as.integer(nn_layer_shape(layer, given)))
  }
  out
}

# Evaluates code about layer i; an error says which layer it is and what it was given.
nn_at_layer <- function(i, layer, given, code) {
  withCallingHandlers(code, anygpu_error = function(e) {
    nn_stop(sub("anygpu_error_", "", class(e)[1]), "layer %d (%s) on an input of %s: %s", i,
            nn_kind_text(layer), nn_shape_text(given), conditionMessage(e))
  })
}

# What a layer takes: of inputs (-k) and of outputs of layers. One alone is not a list.
nn_given <- function(from, inputs, outputs) {
  taken <- lapply(from, function(f) if (f < 0) inputs[[-f]] else outputs[[f]])
  if (length(taken) == 1) taken[[1]] else taken
}

# For each layer its starting "weights" or "state", for inputs of `shapes`: nothing for one that
# shares those of another, into whose shapes they must fit.
nn_model_make <- function(model, shapes, what) {
  make <- if (what == "weights") nn_layer_init else nn_layer_state
  out <- nn_model_shapes(model, shapes)
  of <- nn_weights_of(model)
  values <- list()
  for (i in seq_along(model$layers)) {
    layer <- model$layers[[i]]
    given <- nn_given(model$from[[i]], shapes, out)
    if (of[i] < i) layer$learnt[[what]] <- values[[of[i]]]
    values[[i]] <- nn_at_layer(i, layer, given, nn_layer_learnt(layer, what, make(layer, given)))
  }
  values[of != seq_along(of)] <- list(list())
  values
}

# The outputs, a list, on the list of inputs `x`. `w`: for each layer parameters and state;
# `ctx_of(i)`: the context of layer i.
nn_model_forward <- function(model, w, x, ctx_of) {
  out <- list()
  of <- nn_weights_of(model)
  kept <- nn_kept_layers(model, w, of)
  for (i in seq_along(model$layers)) {
    h <- nn_given(model$from[[i]], x, out)
    layer <- model$layers[[i]]
    ctx <- ctx_of(of[i])
    z <- nn_at_layer(i, layer, nn_sample_shape(h), nn_layer_forward(layer, w[[of[i]]], h, ctx))
    out[[i]] <- if (kept[i]) ctx$keep(z) else z
  }
  out[model$outputs]
}

# Whose outputs may be kept in fewer bits: not the network's own, nor what is still the data.
nn_kept_layers <- function(model, w, of) {
  learnt <- logical(length(of))
  for (i in seq_along(of)) {
    from <- model$from[[i]]
    learnt[i] <- length(w[[of[i]]]) > 0 || any(learnt[from[from > 0]])
  }
  learnt & !seq_along(of) %in% model$outputs
}

# The shape of a sample of an array inside a network, or of each of several.
nn_sample_shape <- function(h) {
  if (is.list(h) && !is_gpu(h)) lapply(h, nn_sample_shape) else dim(h)[-length(dim(h))]
}
