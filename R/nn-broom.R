# The generics of the package generics, as broom has them: registered when that is loaded.

#' Fits as data frames
#'
#' Methods for `tidy()`, `glance()` and `augment()` of the package \pkg{generics} (which
#' \pkg{broom} exports too).
#'
#' @param x A result of [nn_fit()].
#' @param data The data to be augmented: a data frame; by default those of the training, which are
#'   found as [fitted()][nn_fit-values] does.
#' @param newdata Other data in place of these.
#' @param ... Not used.
#' @return `tidy()`: a row per layer with `layer`, `kind`, `output`, `parameters`, `trained`.
#'   `glance()`: one row with the scores of the last (or best) epoch, `baseline`, `epochs`,
#'   `parameters`, `nobs`, `seconds`. `augment()`: `data` with `.fitted` (for a
#'   target of several columns `.fitted_<column>`), or `.class` and for each class `.prob_<level>`;
#'   for a numeric response of a formula that `data` has, also `.resid`.
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
augment.nn_fit <- function(x, data = nn_fit_frame(x, parent.frame()), newdata = NULL, ...) {
  if (!is.null(newdata)) data <- newdata
  if (length(x$net$inputs) > 1 && is.null(x$formula) || length(x$net$outputs) > 1) {
    nn_stop("argument", "augment() is for models with one input and one output")
  }
  class <- nn_is_classification(x$net$outputs[[1]])
  p <- stats::predict(x, data)
  if (length(dim(p)) > 2) nn_stop("argument", "augment() is for predictions of a row per sample")
  columns <- c(if (class) list(.class = stats::predict(x, data, type = "class")),
               nn_columns_of(p, if (class) ".prob" else ".fitted"), nn_response_less(x, data, p))
  if (!is.data.frame(data)) data <- as.data.frame(data)
  data[names(columns)] <- columns
  data
}

# The columns of a matrix as a named list; of a vector there is one.
nn_columns_of <- function(p, name) {
  if (is.null(dim(p))) return(stats::setNames(list(unname(p)), name))
  columns <- lapply(seq_len(ncol(p)), function(j) unname(p[, j]))
  stats::setNames(columns, if (ncol(p) == 1) name else paste(name, nn_column_names(p), sep = "_"))
}

# list(.resid) of the fitted values p, where the formula says what they are to be compared with.
nn_response_less <- function(fit, data, p) {
  terms <- fit$formula$terms
  if (is.null(terms) || !is.null(dim(p))) return(NULL)
  response <- terms[[2]]
  if (!all(all.vars(response) %in% names(data))) return(NULL)
  y <- eval(response, as.list(data), environment(terms))
  if (is.numeric(y) && length(y) == length(p)) list(.resid = as.vector(y) - unname(p))
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
