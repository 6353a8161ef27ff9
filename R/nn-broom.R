# The generics of the package generics, as broom has them: registered when that is loaded.

#' Fits as data frames
#'
#' Methods for `tidy()`, `glance()` and `augment()` of the package \pkg{generics} (which
#' \pkg{broom} exports too).
#'
#' @param x A result of [nn_fit()].
#' @param data The data to be augmented: a data frame; by default those of the training, which are
#'   found as [fitted()][nn_fit-values] does.
#' @param ... Not used.
#' @return `tidy()`: a row per layer with `layer`, `kind`, `output`, `parameters`, `trained`.
#'   `glance()`: one row with the scores of the last (or best) epoch, `baseline`, `epochs`,
#'   `parameters`, `nobs`, `seconds`. `augment()`: `data` with `.fitted` (`.class` and a
#'   column `.prob_<level>` for each class).
#' @examples
#' fit <- nn(dist ~ speed, cars, hidden = 4)
#' if (requireNamespace("generics", quietly = TRUE)) {
#'   print(generics::glance(fit))
#'   head(generics::augment(fit))
#' }
#' @name nn_fit-broom
NULL

#' @rdname nn_fit-broom
#' @exportS3Method generics::tidy
tidy.nn_fit <- function(x, ...) {
  layers <- nn_fit_layers(x)
  data.frame(layer = seq_len(nrow(layers)),
             kind = vapply(x$model$layers, nn_layer_kind, ""),
             layers[c("output", "parameters", "trained")])
}

#' @rdname nn_fit-broom
#' @exportS3Method generics::glance
glance.nn_fit <- function(x, ...) {
  s <- summary(x)
  data.frame(as.list(s$scores), baseline = s$baseline, epochs = s$epochs,
             parameters = s$parameters, nobs = x$samples[["train"]], seconds = s$seconds)
}

#' @rdname nn_fit-broom
#' @exportS3Method generics::augment
augment.nn_fit <- function(x, data = nn_fit_frame(x, parent.frame()), ...) {
  if (length(x$net$outputs) > 1) nn_stop("argument", "augment() is for models with one output")
  new <- if (is.null(x$formula) && !is.null(x$net$inputs[[1]]$columns)) {
    data[x$net$inputs[[1]]$columns]
  } else {
    data
  }
  p <- stats::predict(x, new)
  if (x$net$outputs[[1]]$kind != "class") {
    data$.fitted <- p
    return(data)
  }
  data$.class <- stats::predict(x, new, type = "class")
  colnames(p) <- paste0(".prob_", colnames(p))
  cbind(data, p)
}

# What the call of a fit names as its data; of a formula without `data`, where its variables are.
nn_fit_frame <- function(fit, env) {
  call <- fit$call
  if (is.null(fit$formula)) return(eval(call$x, env))
  env <- environment(fit$formula$terms)
  data <- if (is.null(call$data)) stats::get_all_vars(fit$formula$terms) else eval(call$data, env)
  if (is.null(call$subset)) return(data)
  rows <- eval(call$subset, as.list(data), env)
  data[if (is.logical(rows)) rows & !is.na(rows) else rows, , drop = FALSE]
}
