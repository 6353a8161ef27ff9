# What can be done with the result of nn_fit().

#' @export
print.nn_fit <- function(x, ...) {
  cat(sprintf("<nn_fit> %s, %d inputs, %d %s\n",
              if (is.null(x$levels)) "regression" else "classification", x$inputs, x$outputs,
              if (!is.null(x$levels)) "classes" else if (x$outputs == 1) "output" else "outputs"))
  layers <- summary(x)
  cat(sprintf("  %d  %s, %d parameters\n", seq_len(nrow(layers)), layers$layer,
              layers$parameters), sep = "")
  cat(sprintf("%s on %d samples%s, batches of %d, %s\n", x$loss, x$samples[["train"]],
              if (x$samples[["valid"]]) sprintf(" (%d held out)", x$samples[["valid"]]) else "",
              x$batch_size, format(x$optimizer)))
  h <- x$history
  cat(sprintf("%d of %d epochs%s in %.1f s on %s\n", nrow(h), x$epochs,
              if (x$interrupted) " (interrupted)" else "", sum(h$seconds), x$device))
  if (nrow(h) == 0) return(invisible(x))
  last <- h[nrow(h), ]
  cat("training:   ", nn_score(last$loss, last$accuracy), "\n", sep = "")
  if (x$samples[["valid"]]) {
    cat("validation: ", nn_score(last$val_loss, last$val_accuracy), "\n", sep = "")
  }
  invisible(x)
}

nn_score <- function(loss, accuracy) {
  paste0("loss ", format(signif(loss, 4)),
         if (!is.na(accuracy)) sprintf(", accuracy %.4f", accuracy))
}

#' @export
summary.nn_fit <- function(object, ...) {
  data.frame(layer = vapply(object$model$layers, format, ""),
             parameters = vapply(object$weights, function(w) sum(lengths(w)), 0))
}

#' @export
as.data.frame.nn_fit <- function(x, ...) x$history

#' Predict with a neural network
#'
#' Runs a fitted model forward, on the current device, a few thousand samples at a time.
#'
#' @param object A result of [nn_fit()].
#' @param newdata Samples as for [nn_fit()]: a numeric matrix, a data frame or a device array
#'   with the columns that the model was trained with. A data frame may have further columns,
#'   if the training data had column names.
#' @param type `"response"`: the outputs of a regression, the probabilities of a classification;
#'   `"prob"`: probabilities, a matrix of samples x classes; `"class"`: the most probable class, a
#'   factor with the levels of the training data.
#' @param ... Not used.
#' @return A factor for `"class"`; else a numeric matrix with a row per sample, or a vector
#'   for a regression on a vector.
#' @section Errors: A wrong number of columns gives an error of class `anygpu_error_shape`;
#'   classes or probabilities of a regression one of class `anygpu_error_argument`.
#' @examples
#' set.seed(1)
#' fit <- nn_fit(nn_model(layer_dense(8, "tanh"), layer_dense(1)), scale(cars["speed"]),
#'               cars$dist / 100, epochs = 50, optimizer = opt_sgd(0.1))
#' predict(fit, scale(cars["speed"]))[1:5]
#' @export
predict.nn_fit <- function(object, newdata, type = c("response", "prob", "class"), ...) {
  if (identical(type, c("response", "prob", "class"))) type <- type[1]
  type <- nn_choice(type, "type", c("response", "prob", "class"), "response")
  if (type != "response" && is.null(object$levels)) {
    nn_stop("argument", "type \"%s\" needs a classification; this is a regression", type)
  }
  if (missing(newdata)) {
    nn_stop("argument", "`newdata` is missing: the fit does not keep the training data")
  }
  x <- nn_samples(newdata, "newdata", object$features)
  if (ncol(x) != object$inputs) {
    nn_stop("shape", "`newdata` has %d columns, the model was trained with %d", ncol(x),
            object$inputs)
  }
  z <- nn_forward(object, x)
  rownames(z) <- rownames(x)
  if (is.null(object$levels)) return(nn_response(object, z))
  colnames(z) <- object$levels
  if (type != "class") return(nn_softmax(z))
  best <- max.col(z, ties.method = "first")
  factor(object$levels[best], levels = object$levels)
}

# Outputs (samples x units), before a softmax if it is a classification. In pieces, so that
# memory stays bounded by the widest layer times the piece.
nn_forward <- function(object, x, piece = 4096L) {
  weights <- lapply(object$weights, lapply, gpu, type = "float32")
  logits <- !is.null(object$levels)
  out <- matrix(NA_real_, nrow(x), object$outputs)
  for (first in seq(1L, nrow(x), by = piece)) {
    rows <- first:min(first + piece - 1L, nrow(x))
    h <- gpu(t(x[rows, , drop = FALSE]), type = "float32")
    out[rows, ] <- t(as.matrix(nn_model_forward(object$model, weights, h, logits)))
  }
  out
}

# Row by row, in double precision; the maximum is taken out first so that exp() stays finite.
nn_softmax <- function(z) {
  e <- exp(z - z[cbind(seq_len(nrow(z)), max.col(z, ties.method = "first"))])
  e / rowSums(e)
}

nn_response <- function(object, z) {
  if (!isTRUE(object$output_matrix)) return(z[, 1])
  colnames(z) <- object$output_names
  z
}

#' Plot the course of a training
#'
#' Draws the loss by epoch, and for a classification the accuracy, on the training
#' samples (a line) and on those held out (a broken line).
#'
#' @param x A result of [nn_fit()].
#' @param col Two colours: training, validation.
#' @param ... Further arguments of [graphics::matplot()].
#' @return `x`, invisibly.
#' @examples
#' set.seed(1)
#' fit <- nn_fit(nn_model(layer_dense(3)), scale(iris[1:4]), iris$Species, epochs = 15,
#'               optimizer = opt_adam(0.05), validation = 0.3)
#' plot(fit)
#' @export
plot.nn_fit <- function(x, col = c("#1b6ca8", "#d1495b"), ...) {
  panels <- if (is.null(x$levels)) "loss" else c("loss", "accuracy")
  old <- graphics::par(mfrow = c(1, length(panels)))
  on.exit(graphics::par(old))
  for (panel in panels) nn_plot_panel(x$history, panel, x$samples[["valid"]] > 0, col, ...)
  invisible(x)
}

nn_plot_panel <- function(history, panel, valid, col, ...) {
  columns <- c(panel, if (valid) paste0("val_", panel))
  values <- as.matrix(history[columns])
  if (!any(is.finite(values))) values[] <- 0 # nothing to show: an empty frame
  graphics::matplot(history$epoch, values, type = if (nrow(values) > 1) "l" else "p", pch = 19,
                    lty = 1:2, lwd = 2, col = col, xlab = "epoch", ylab = panel, las = 1,
                    xaxt = "n", ...)
  graphics::axis(1, at = unique(round(pretty(history$epoch)))) # epochs are whole numbers
  if (!valid) return(invisible())
  graphics::legend(if (panel == "loss") "topright" else "bottomright", c("training", "validation"),
                   lty = 1:2, lwd = 2, col = col, bty = "n")
}
