# What other models of R can be asked for.

#' Values of a fit
#'
#' `coef()` gives the parameters, `fitted()` and `residuals()` what the model says of the data that
#' it was trained with, `nobs()` the number of samples it was trained on, `update()` trains again
#' with other arguments.
#'
#' A fit does not keep its data: `fitted()` and `residuals()` evaluate the arguments of the call
#' again, and say so if these have another number of samples now. Rows that `na.action` left out are
#' not among their values, or `NA` with [stats::na.exclude()], as for [stats::lm()].
#'
#' @param object A result of [nn_fit()].
#' @param type As for [predict()][predict.nn_fit].
#' @param ... For `fitted()` further arguments of [predict()][predict.nn_fit]; for `update()`
#'   arguments of the call to be changed, added, or with `NULL` removed.
#' @param formula. For `update()` of a fit by a formula: see [stats::update.formula()].
#' @param evaluate Whether the new call is evaluated.
#' @return `coef()`: for each layer with parameters a named list. `fitted()`: as `predict()`.
#'   `residuals()`: the target minus the fitted values; of a classification indicators of the
#'   classes minus their probabilities. `update()`: a fit, or the call.
#' @section Errors: Data that are no longer there, or have changed, give an error of class
#'   `anygpu_error_argument`.
#' @examples
#' set.seed(1)
#' fit <- nn(dist ~ speed, cars, hidden = 4)
#' head(residuals(fit))
#' nobs(fit)
#' fit2 <- update(fit, hidden = 8)
#' @name nn_fit-values
NULL

#' @rdname nn_fit-values
#' @export
coef.nn_fit <- function(object, ...) {
  w <- object$weights
  names(w) <- paste(seq_along(w), vapply(object$model$layers, nn_layer_kind, ""))
  w[lengths(w) > 0]
}

#' @rdname nn_fit-values
#' @export
nobs.nn_fit <- function(object, ...) object$samples[["train"]]

#' @rdname nn_fit-values
#' @export
fitted.nn_fit <- function(object, type = "response", ...) {
  data <- nn_fit_data(object, parent.frame())
  p <- stats::predict(object, data$x, type = type, ...)
  several <- is.list(p) && !is.data.frame(p)
  out <- lapply(if (several) p else list(p), function(v) {
    stats::naresid(data$na.action, nn_fit_rows(v, data$na.action))
  })
  if (several) out else out[[1]]
}

#' @rdname nn_fit-values
#' @export
residuals.nn_fit <- function(object, ...) {
  data <- nn_fit_data(object, parent.frame())
  p <- stats::predict(object, data$x)
  y <- nn_outputs(data$y, nn_rows(data$y))
  if (!is.list(p) || is.data.frame(p)) p <- list(p)
  p <- lapply(p, nn_fit_rows, data$na.action)
  out <- lapply(Map(nn_residual, y, object$net$outputs, p), stats::naresid, omit = data$na.action)
  if (length(out) == 1) out[[1]] else out
}

nn_residual <- function(y, output, p) {
  if (output$kind != "class") return(y$values - p)
  codes <- nn_target_columns(y, output)[, 1] + 1
  (col(p) == codes) - p
}

# The rows of predictions for which the training has a target, see nn_fit_data().
nn_fit_rows <- function(p, na.action) {
  if (is.null(na.action)) return(p)
  if (is.matrix(p)) p[-na.action, , drop = FALSE] else p[-na.action]
}

# list(x, y, na.action) of the training (and validation), from the call: x with the rows that
# na.action left out, y without.
nn_fit_data <- function(fit, env) {
  call <- fit$call
  if (is.null(call)) nn_stop("argument", "the fit does not know its call, and so not its data")
  if (!is.null(fit$formula)) {
    env <- environment(fit$formula$terms)
    name <- intersect(c("formula", "x"), names(call))[1]
    design <- nn_design(call, name, fit$formula$embed, env)
    x <- nn_fit_frame(call, env)
    return(list(x = x, y = design$y, na.action = design$formula$na.action))
  }
  data <- tryCatch(list(x = eval(call$x, env), y = eval(call$y, env)), error = function(e) {
    nn_stop("argument", "the data of the training are not there any more: %s", conditionMessage(e))
  })
  n <- nn_rows(nn_inputs(data$x)$x[[1]])
  held <- if (is.list(fit$call$validation)) 0 else fit$samples[["valid"]]
  if (n < fit$samples[["train"]] || n > fit$samples[["train"]] + fit$samples[["valid"]]) {
    nn_stop("argument", "the data had %d samples when the model was trained, and have %d now",
            fit$samples[["train"]] + held, n)
  }
  data
}

# The rows of the data frame that the formula was used on.
nn_fit_frame <- function(call, env) {
  data <- if (is.null(call$data)) env else eval(call$data, env)
  if (is.null(call$subset)) return(data)
  rows <- eval(call$subset, as.list(data), env)
  data[if (is.logical(rows)) rows & !is.na(rows) else rows, , drop = FALSE]
}

#' @rdname nn_fit-values
#' @export
update.nn_fit <- function(object, formula., ..., evaluate = TRUE) {
  call <- object$call
  if (is.null(call)) nn_stop("argument", "the fit does not know its call")
  if (!missing(formula.)) {
    if (is.null(object$formula)) nn_stop("argument", "the fit was not made by a formula")
    name <- intersect(c("formula", "x"), names(call))[1]
    call[[name]] <- stats::update(stats::formula(object$formula$terms), formula.)
  }
  extras <- match.call(expand.dots = FALSE)$...
  for (name in names(extras)) call[[name]] <- extras[[name]]
  if (evaluate) eval(call, parent.frame()) else call
}

#' @export
formula.nn_fit <- function(x, ...) {
  if (is.null(x$formula)) nn_stop("argument", "the fit was not made by a formula")
  stats::formula(x$formula$terms)
}
