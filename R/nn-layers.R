# What a layer is to the trainer. `shape` is that of one sample, in the order that arrays have
# inside a network: reversed, features or channels first (see ?layers). Arrays there have one
# dimension more, the samples, as the last. A layer's functions compose operations that run lazily
# on device arrays: the trainer runs them once on placeholders, predict() on data.

# The shape of the output for an input of `shape` (a list of shapes for a layer that merges).
nn_layer_shape <- function(layer, shape) UseMethod("nn_layer_shape")
# Named list of starting values of what is trained; their dims are the parameters' shapes.
nn_layer_init <- function(layer, shape) UseMethod("nn_layer_init")
# Named list of starting values of what is kept but not trained.
nn_layer_state <- function(layer, shape) UseMethod("nn_layer_state")
# The output for the input `h` (a list of inputs for a layer that merges). `w` holds parameters and
# state by name; `ctx` is made by nn_ctx().
nn_layer_forward <- function(layer, w, h, ctx) UseMethod("nn_layer_forward")

#' @exportS3Method
nn_layer_shape.default <- function(layer, shape) shape
#' @exportS3Method
nn_layer_init.default <- function(layer, shape) list()
#' @exportS3Method
nn_layer_state.default <- function(layer, shape) list()

# A layer of class nn_layer_<kind>: its settings by name.
nn_layer <- function(kind, ...) {
  structure(list(...), class = c(paste0("nn_layer_", kind), "nn_layer"))
}

nn_layer_kind <- function(layer) sub("^nn_layer_", "", class(layer)[1])
nn_kind_text <- function(layer) gsub("_", " ", nn_layer_kind(layer))

# What a layer may ask of the run it is part of:
#   training         whether this is a training step
#   uniform(dim)     random numbers within (0, 1), new in each batch
#   update(name, x)  the state `name` of this layer becomes x when the step is done
#   keep(h)          an output as later layers and the way back get it
nn_ctx <- function(training = FALSE, type = "float32",
                   uniform = function(dim) gpu_runif(dim, type = type),
                   update = function(name, value) invisible(), keep = identity) {
  list(training = training, uniform = uniform, update = update, keep = keep)
}

# The same elements in another shape, without a copy where that can be.
nn_reshape <- function(h, dim) .Call(C_reshape, h, as.integer(dim))

# "28 x 28 x 1": a shape as the user gave it.
nn_shape_text <- function(shape) {
  if (is.list(shape)) return(paste(vapply(shape, nn_shape_text, ""), collapse = " and "))
  paste(rev(shape), collapse = " x ")
}

# An error of a layer about its input; nn_model_shapes() puts the layer's number before it.
nn_shape_stop <- function(format, ...) nn_stop("shape", format, ...)

#' @export
format.nn_layer <- function(x, ...) {
  settings <- unclass(x)
  settings <- settings[!vapply(settings, is.null, NA)]
  units <- settings$units
  if (!is.null(units)) units <- paste(units, if (units == 1) "unit" else "units")
  activation <- settings$activation
  rest <- settings[setdiff(names(settings), c("units", "activation", "bias", "name", "frozen"))]
  rest <- rest[vapply(rest, function(v) is.atomic(v) && !isFALSE(v), NA)]
  rest <- vapply(names(rest), function(n) {
    paste(c(gsub("_", " ", n), if (!isTRUE(rest[[n]])) paste(rest[[n]], collapse = " x ")),
          collapse = " ")
  }, "")
  paste(c(nn_kind_text(x), units, rest, activation,
          if (isFALSE(x$bias)) "no bias", if (isTRUE(x$frozen)) "frozen"), collapse = ", ")
}

#' @export
print.nn_layer <- function(x, ...) {
  cat("<nn_layer> ", format(x), "\n", sep = "")
  invisible(x)
}
