# Layers of several inputs.

#' Layers that merge
#'
#' Make one output of several: their sum, product or mean, number by number, or all of them side
#' by side. A sum with what a few layers ago was the input is the shortcut of a residual network.
#'
#' @param ... Outputs of layers or [nn_input()]s, two or more. For all but `layer_concat()` they
#'   have the same shape.
#' @param along The dimension of a sample along which they stand side by side, counted without that
#'   of the samples; `NULL`: the last one, that of features or channels. The others must agree.
#' @return The output, an object of class `nn_node`: see [nn_model()].
#' @section Errors: Anything else in `...` gives an error of class `anygpu_error_argument`, shapes
#'   that do not fit give one of class `anygpu_error_shape` when the model meets its data.
#' @seealso [layers]
#' @examples
#' x <- nn_input(8)
#' h <- x |> layer_dense(8, "relu")
#' nn_model(layer_add(x, h) |> layer_dense(1))
#' nn_model(layer_concat(x, h) |> layer_dense(1))
#' @export
layer_add <- function(...) nn_merge(nn_layer("add"), list(...))

#' @rdname layer_add
#' @export
layer_multiply <- function(...) nn_merge(nn_layer("multiply"), list(...))

#' @rdname layer_add
#' @export
layer_average <- function(...) nn_merge(nn_layer("average"), list(...))

#' @rdname layer_add
#' @export
layer_concat <- function(..., along = NULL) {
  if (!is.null(along)) along <- nn_count(along, "along")
  nn_merge(nn_layer("concat", along = along), list(...))
}

nn_merge <- function(layer, nodes) {
  what <- paste0("layer_", nn_layer_kind(layer), "()")
  if (length(nodes) < 2) nn_stop("argument", "%s merges two or more outputs of layers", what)
  for (node in nodes) {
    if (nn_is_node(node)) next
    nn_stop("argument", "%s merges outputs of layers (see nn_input()), not %s", what,
            nn_describe(node))
  }
  nn_node(layer, unname(nodes))
}

nn_same_shapes <- function(shapes) {
  if (length(unique(lapply(shapes, as.numeric))) == 1) return(shapes[[1]])
  nn_shape_stop("inputs of one shape are wanted, not %s", nn_shape_text(shapes))
}

#' @exportS3Method
nn_layer_shape.nn_layer_add <- function(layer, shape) nn_same_shapes(shape)
#' @exportS3Method
nn_layer_shape.nn_layer_multiply <- function(layer, shape) nn_same_shapes(shape)
#' @exportS3Method
nn_layer_shape.nn_layer_average <- function(layer, shape) nn_same_shapes(shape)

#' @exportS3Method
nn_layer_forward.nn_layer_add <- function(layer, w, h, ctx) Reduce(`+`, h)
#' @exportS3Method
nn_layer_forward.nn_layer_multiply <- function(layer, w, h, ctx) Reduce(`*`, h)
#' @exportS3Method
nn_layer_forward.nn_layer_average <- function(layer, w, h, ctx) Reduce(`+`, h) / length(h)

# -- side by side ----------------------------------------------------------------------------------

# The dimension among the reversed ones.
nn_concat_along <- function(layer, rank) if (is.null(layer$along)) 1L else rank + 1L - layer$along

#' @exportS3Method
nn_layer_shape.nn_layer_concat <- function(layer, shape) {
  at <- nn_concat_along(layer, length(shape[[1]]))
  if (at < 1) nn_shape_stop("there is no dimension %d of a sample", layer$along)
  others <- unique(lapply(shape, function(s) as.numeric(s[-at])))
  if (length(unique(lengths(shape))) > 1 || length(others) > 1) {
    nn_shape_stop("inputs that differ in dimension %d alone are wanted, not %s",
                  length(shape[[1]]) + 1L - at, nn_shape_text(shape))
  }
  out <- shape[[1]]
  out[at] <- sum(vapply(shape, `[`, 0, at))
  out
}

#' @exportS3Method
nn_layer_forward.nn_layer_concat <- function(layer, w, h, ctx) {
  .Call(C_concat_along, h, nn_concat_along(layer, length(dim(h[[1]])) - 1L))
}
