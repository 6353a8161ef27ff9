# Networks that are no chain: nodes, which are outputs of layers, and what they are made of.

#' The input of a network
#'
#' Where a functional network begins. Every layer takes the output of another one as its first
#' argument and gives its own output, so networks with branches, shortcuts, several inputs or
#' several outputs are written with the pipe; [nn_model()] takes the outputs.
#'
#' @param shape The dimensions of one sample, as the user's data have them: `c(28, 28, 1)` for
#'   images in an array of `n x 28 x 28 x 1`. `NULL`: as the data will have.
#' @return An object of class `nn_node`.
#' @examples
#' x <- nn_input(8)
#' h <- x |> layer_dense(8, "relu")
#' nn_model(layer_add(x, h) |> layer_dense(1))
#' @export
nn_input <- function(shape = NULL) {
  if (!is.null(shape)) shape <- vapply(as.list(shape), nn_count, 1L, name = "shape")
  nn_node(NULL, list(), rev(shape))
}

# `layer` on the outputs of the nodes `from`; an input has no layer but may have a shape. Nodes with
# the same number `shared` have the same weights.
nn_node <- function(layer, from, shape = NULL, shared = NULL) {
  structure(list(id = nn_next_number(), layer = layer, from = from, shape = shape,
                 shared = shared), class = "nn_node")
}

# `n` numbers that no node has yet.
nn_next_number <- function(n = 1) {
  last <- if (is.null(counts$nn_node)) 0 else counts$nn_node
  counts$nn_node <- last + n
  last + seq_len(n)
}

nn_is_node <- function(x) inherits(x, "nn_node")

# Called by a layer's function with its `...`: its first argument if that has no name, which may be
# a node that the pipe put before the function's own arguments; else NULL. Anything else in `...` is
# an error.
nn_piped <- function(...) {
  call <- sys.call(-1)
  named <- nzchar(names(call))
  if (length(call) < 2 || isTRUE(named[2])) return(nn_check_unused(NULL, ...))
  layer <- sys.function(-1)
  by_name <- names(match.call(layer, call[c(1, which(named))]))
  formal <- setdiff(names(formals(layer)), by_name)[1]
  nn_check_unused(if (formal == "...") ..1 else get(formal, parent.frame()), ...)
}

nn_check_unused <- function(first, ...) {
  if (nn_is_node(first) || ...length() == 0) return(first)
  name <- names(list(...))[1]
  nn_stop("argument", "unused argument %s", if (is.null(name)) nn_describe(..1) else name)
}

# Called by a layer's function that was given a node first: the same call without it makes the
# layer. Further inputs, if the layer takes some, are its attribute "nodes".
nn_connect <- function(node) {
  call <- sys.call(-1)
  layer <- eval(call[-2], parent.frame(2))
  nodes <- attr(layer, "nodes")
  attr(layer, "nodes") <- NULL
  nn_node(layer, c(list(node), nodes))
}

#' @export
format.nn_node <- function(x, ...) {
  if (!is.null(x$layer)) return(format(x$layer))
  if (is.null(x$shape)) "input" else paste("input of", nn_shape_text(x$shape))
}

#' @export
print.nn_node <- function(x, ...) {
  cat("<nn_node> ", format(x), "\n", sep = "")
  invisible(x)
}

# list(layers, from, inputs, outputs, weights_of) of all that leads to the nodes `out`, as
# nn_model() describes it; a layer comes after those it takes. `inputs`: the first inputs.
nn_graph_of <- function(out, inputs = NULL) {
  number <- new.env()
  layers <- from <- list()
  shared <- numeric()
  visit <- function(node) {
    key <- as.character(node$id)
    if (!is.null(number[[key]])) return(number[[key]])
    if (is.null(node$layer)) {
      inputs <<- c(inputs, list(node))
      return(number[[key]] <- -length(inputs))
    }
    args <- vapply(node$from, visit, 0)
    layers <<- c(layers, list(node$layer))
    from <<- c(from, list(args))
    shared <<- c(shared, if (is.null(node$shared)) nn_next_number() else node$shared)
    number[[key]] <- length(layers)
  }
  for (i in seq_along(inputs)) number[[as.character(inputs[[i]]$id)]] <- -i
  outputs <- vapply(out, visit, 0)
  list(layers = layers, from = from, inputs = lapply(inputs, `[[`, "shape"), outputs = outputs,
       weights_of = base::match(shared, shared))
}
