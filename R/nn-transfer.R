#' Trained layers
#'
#' `nn_layers()` takes layers out of a fit together with what they have learnt, to be put into
#' another [nn_model()]. A whole fit can be given to [nn_fit()] as its `model`: the training goes on
#' from its weights, with inputs standardised as before. [nn_freeze()] keeps layers as they are.
#'
#' @param fit A result of [nn_fit()].
#' @param layers Which layers: numbers, or negative ones for all but those. `NULL`: all.
#' @return A list of layers of class `nn_layers`, which [nn_model()] takes like the layers
#'   themselves.
#' @section Errors: As in [nn_freeze()].
#' @examples
#' set.seed(1)
#' first <- nn_fit(nn_model(layer_dense(16, "relu"), layer_dense(3)), as.matrix(iris[1:4]),
#'                 iris$Species, epochs = 10, standardize = FALSE)
#' net <- nn_freeze(nn_model(nn_layers(first, 1), layer_dense(1)), 1)
#' second <- nn_fit(net, as.matrix(iris[1:4]), iris$Sepal.Length, epochs = 5, standardize = FALSE)
#' identical(second$weights[[1]], first$weights[[1]])
#' @seealso [nn_freeze()]
#' @export
nn_layers <- function(fit, layers = NULL) {
  nn_check_class(fit, "fit", "nn_fit", "a fit made by nn_fit()")
  at <- nn_which_layers(layers, length(fit$model$layers))
  structure(nn_as_model(fit)$layers[at], class = "nn_layers")
}

#' @export
print.nn_layers <- function(x, ...) {
  cat(sprintf("<nn_layers> %d trained\n", length(x)))
  cat(sprintf("  %d  %s", seq_along(x), vapply(x, format, "")), sep = "\n")
  invisible(x)
}

# The model of a fit whose layers start from what they have learnt.
nn_as_model <- function(model) {
  if (!inherits(model, "nn_fit")) return(model)
  fit <- model
  model <- fit$model
  of <- nn_weights_of(model)
  for (i in seq_along(model$layers)) {
    model$layers[[i]]$learnt <- list(weights = fit$weights[[of[i]]], state = fit$state[[of[i]]])
  }
  model$scaling <- fit$net$scaling
  model
}

# What a layer starts from: what it has learnt, if anything, in place of `fresh` values.
nn_layer_learnt <- function(layer, what, fresh) {
  learnt <- layer$learnt[[what]]
  if (length(learnt) == 0) return(fresh)
  for (name in names(fresh)) {
    if (identical(nn_dim(fresh[[name]]), nn_dim(learnt[[name]]))) next
    nn_stop("shape", "its `%s` is %s, here it would be %s", name,
            paste(nn_dim(learnt[[name]]), collapse = " x "),
            paste(nn_dim(fresh[[name]]), collapse = " x "))
  }
  learnt[names(fresh)]
}

nn_dim <- function(x) as.integer(if (is.null(dim(x))) length(x) else dim(x))

# The model alone, as a fit keeps it.
nn_model_bare <- function(model) {
  model$scaling <- model$asked <- NULL
  model$layers <- lapply(model$layers, function(layer) {
    layer$learnt <- NULL
    layer
  })
  model
}
