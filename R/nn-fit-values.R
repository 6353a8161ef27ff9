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

#' @importFrom stats coef fitted formula nobs predict residuals update
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
  nn_predict(object, data, type, data$names, ...)
}

#' @rdname nn_fit-values
#' @export
residuals.nn_fit <- function(object, ...) {
  data <- nn_fit_data(object, parent.frame())
  p <- nn_predict(object, data["x"], "response", data$names)
  if (!is.list(p)) p <- list(p)
  y <- nn_outputs(data$y, data$n)
  out <- lapply(Map(nn_residual, y, object$net$outputs, p), function(r) {
    stats::naresid(data$na.action, r)
  })
  nn_by_output(out, object$net$outputs)
}

nn_residual <- function(y, output, p) {
  if (output$kind != "class") {
    p[] <- as.vector(y$values) - as.vector(p) # with the names of p
    return(p)
  }
  codes <- nn_target_columns(y, output)[, 1] + 1
  (col(p) == codes) - p
}

# The data of the training (and of the validation, if that was a part of them), from the call:
# list(x, y, n, names, na.action) without the rows that na.action left out.
nn_fit_data <- function(fit, env) {
  if (is.null(fit$call)) nn_stop("argument", "the fit does not know its call, and so not its data")
  data <- tryCatch(
    if (is.null(fit$formula)) nn_fit_arrays(fit, env) else nn_fit_design_data(fit),
    error = function(e) {
      nn_stop("argument", "the data of the training are not there any more: %s",
              conditionMessage(e))
    }
  )
  data$n <- nn_rows(data$x[[1]])
  most <- sum(fit$samples)
  if (data$n < fit$samples[["train"]] || data$n > most) {
    nn_stop("argument", "there were %d samples when the model was trained, there are %d now", most,
            data$n)
  }
  data
}

nn_fit_arrays <- function(fit, env) {
  x <- eval(fit$call$x, env)
  list(x = nn_fit_inputs(fit, x)$x, y = eval(fit$call$y, env), names = nn_row_names(x))
}

nn_fit_design_data <- function(fit) {
  name <- intersect(c("formula", "x"), names(fit$call))[1]
  design <- nn_design(fit$call, name, fit$formula$embed, environment(fit$formula$terms))
  list(x = nn_inputs(nn_with_offset(design), "x", fit$net$inputs)$x, y = design$y,
       names = design$rows, na.action = design$formula$na.action)
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
