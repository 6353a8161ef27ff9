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
