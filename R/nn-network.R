# A network ready for data: what nn_fit() trains and a fit keeps, so that both run it alike.
#   model     the nn_model()
#   inputs    for each input what a sample is (see nn_data())
#   scaling   for each input NULL, or list(center, scale) of its last dimension
#   outputs   for each output list(name, kind, levels, names, matrix, loss, center, scale); kind
#             is "class" (a factor), "shares" (of classes, one column each) or "numeric"
#   type      "float32" or "float64": what is computed with
#   precision of products: "exact", "tf32" or "bf16" (see ?anygpu.matmul); with "bf16" training also
#             keeps what its way back needs in bfloat16

# The shapes of a sample of each input, as layers see them.
nn_network_shapes <- function(net) lapply(net$inputs, function(input) rev(as.integer(input$dim)))

# The outputs for the inputs x (a list of arrays, standardised, samples last), before the link of
# each loss.
nn_network_forward <- function(net, w, x, ctx_of) {
  nn_exactly(net$precision, nn_model_forward(nn_model_unlinked(net), w, x, ctx_of))
}

# Numbers on the device where the network runs.
nn_constant <- function(x, type) if (length(x) == 1) as.numeric(x) else gpu(x, type = type)

# Evaluates code whose products are computed as precisely as `precision` says.
nn_exactly <- function(precision, code) {
  old <- options(anygpu.matmul = precision)
  on.exit(options(old))
  code
}

# The model without an activation at an output that the loss computes itself, more accurately.
nn_model_unlinked <- function(net) {
  model <- net$model
  for (i in seq_along(model$outputs)) {
    at <- model$outputs[i]
    absorbed <- net$outputs[[i]]$loss$absorbs
    if (at > 0 && !is.null(absorbed) && identical(model$layers[[at]]$activation, absorbed)) {
      model$layers[[at]]$activation <- "linear"
    }
  }
  model
}

# -- parameters ------------------------------------------------------------------------------------

# Where each parameter and state of each layer lies in the flat vectors: for each layer a list by
# name of list(which = "param" or "fixed", offset, dim, values). Frozen layers are fixed.
nn_layout <- function(net, weights, state) {
  offset <- c(param = 0, fixed = 0)
  place <- function(values, which) {
    at <- list(which = which, offset = offset[[which]], values = values,
               dim = if (is.null(dim(values))) length(values) else dim(values))
    offset[which] <<- offset[[which]] + length(values)
    at
  }
  lapply(seq_along(net$model$layers), function(i) {
    frozen <- isTRUE(net$model$layers[[i]]$frozen)
    c(lapply(weights[[i]], place, if (frozen) "fixed" else "param"),
      lapply(state[[i]], place, "fixed"))
  })
}

nn_flat <- function(layout, which) {
  places <- unlist(layout, recursive = FALSE)
  as.double(unlist(lapply(places, function(p) if (p$which == which) p$values),
                   use.names = FALSE))
}

# The values of the flat vectors in the form of `weights` (one named list per layer).
nn_unflat <- function(layout, weights, param, fixed) {
  flat <- list(param = param, fixed = fixed)
  Map(function(places, layer) {
    Map(function(p, value) {
      value[] <- flat[[p$which]][p$offset + seq_along(value)]
      value
    }, places[names(layer)], layer)
  }, layout, weights)
}

# -- losses ----------------------------------------------------------------------------------------

# The loss and the data's part of output i. Numbers are standardised if the loss allows it: each
# column by its mean, all by one scale, so that the loss can be given in the data's units.
nn_output_of <- function(target, loss, standardize, rows, name = target$name) {
  loss <- nn_as_loss(if (is.null(loss)) nn_default_loss(target) else loss, length(target$levels))
  one <- loss$kind == "shares" && NCOL(target$values) == 1
  if (loss$kind == "class" || one) target <- nn_as_classes(target)
  if (loss$kind == "numeric" && target$kind == "class") {
    nn_stop("type", "loss \"%s\" needs a numeric `%s`, not a factor: leave out `loss`", loss$name,
            name)
  }
  values <- if (target$kind == "class") target$values - 1 else target$values
  if (!is.double(values)) storage.mode(values) <- "double"
  if (target$kind == "numeric") loss$check(aperm(nn_columns(values)))
  output <- list(name = name, kind = target$kind, levels = target$levels, names = target$names,
                 logical = target$logical, matrix = target$matrix, loss = loss, center = 0,
                 scale = 1)
  if (loss$kind == "shares" && length(dim(values)) == 2 && ncol(values) > 1) {
    output$kind <- "shares"
    output$levels <- nn_column_names(values)
  }
  if (standardize && target$kind == "numeric" && !is.na(loss$degree)) {
    output[c("center", "scale")] <- nn_response_scale(values, rows)
    values <- nn_standard_response(output, values)
  }
  values <- nn_columns(values)
  output$columns <- dim(values)[length(dim(values))]
  list(output = output, values = values, wanted = loss$outputs(target))
}

nn_default_loss <- function(target) if (target$kind == "class") "cross_entropy" else "mse"

nn_is_classification <- function(output) output$kind != "numeric"

nn_column_names <- function(x) {
  if (is.null(colnames(x))) as.character(seq_len(ncol(x))) else colnames(x)
}

nn_columns <- function(x) if (is.null(dim(x))) matrix(x, ncol = 1) else x

# Of an array the columns are the last dimension.
nn_response_scale <- function(values, rows) {
  values <- nn_take(as.array(nn_columns(values)), rows)
  values <- matrix(as.vector(values), ncol = dim(values)[length(dim(values))])
  center <- colMeans(values)
  values <- t(t(values) - center)
  top <- max(abs(values), .Machine$double.xmin) # the squares of large numbers overflow
  scale <- top * sqrt(sum((values / top)^2) / max(1, length(values) - ncol(values)))
  constant <- !is.finite(scale) || scale <= 1e-14 * max(abs(center))
  list(center = center, scale = if (constant) 1 else scale)
}

nn_standard_response <- function(output, values) {
  if (is.null(dim(values))) return((values - output$center) / output$scale)
  sweep(values, length(dim(values)), output$center) / output$scale
}

# What a loss of standardised targets is multiplied by to be in the units of the data.
nn_loss_unit <- function(output) {
  if (identical(output$scale, 1)) 1 else output$scale^output$loss$degree
}
