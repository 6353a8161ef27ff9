#' Plot a fit
#'
#' Draws the course of the training: the loss and each metric by epoch, on the training
#' samples (a line) and on those held out (a broken line), with the loss of the best constant
#' prediction (dotted) where it is in sight. Or the architecture: a box for each layer with the
#' shape of its output, in the order of computation from top to bottom, with arrows to the layers
#' that take it.
#'
#' `autoplot()` draws the first with \pkg{ggplot2}.
#'
#' @param x,object A result of [nn_fit()].
#' @param which `"history"` or `"architecture"`.
#' @param col Two colours: training, validation.
#' @param ... Further arguments of [graphics::matplot()].
#' @return `x`, invisibly; `autoplot()` a ggplot.
#' @examples
#' set.seed(1)
#' fit <- nn_fit(nn_model(layer_dense(8, "relu"), layer_dense(3)), iris[1:4], iris$Species,
#'               epochs = 15, optimizer = opt_adam(0.05), validation = 0.3)
#' plot(fit)
#' plot(fit, which = "architecture")
#' @export
plot.nn_fit <- function(x, which = c("history", "architecture"), col = c("#1b6ca8", "#d1495b"),
                        ...) {
  which <- nn_choice(if (length(which) > 1) which[1] else which, "which",
                     c("history", "architecture"))
  if (which == "architecture") return(nn_plot_architecture(x))
  panels <- nn_plot_panels(x)
  mar <- base::pmin(graphics::par("mar"), c(Inf, Inf, 2.1, 1.1)) # there are no titles
  old <- graphics::par(mfrow = grDevices::n2mfrow(length(panels))[2:1], mar = mar)
  on.exit(graphics::par(old))
  for (panel in panels) nn_plot_panel(x, panel, col, ...)
  invisible(x)
}

nn_plot_panels <- function(fit) {
  names <- setdiff(names(fit$history), c("epoch", "lr", "seconds"))
  names[!startsWith(names, "val_")]
}

nn_plot_panel <- function(fit, panel, col, ...) {
  valid <- fit$samples[["valid"]] > 0
  history <- fit$history
  values <- as.matrix(history[c(panel, if (valid) paste0("val_", panel))])
  if (!any(is.finite(values))) values[] <- 0 # nothing to show: an empty frame
  graphics::matplot(history$epoch, values, type = if (nrow(values) > 1) "l" else "p", pch = 19,
                    lty = 1:2, lwd = 2, col = col, xlab = "epoch", ylab = gsub("_", " ", panel),
                    las = 1, xaxt = "n", ...)
  graphics::axis(1, at = unique(round(pretty(history$epoch)))) # epochs are whole numbers
  if (panel == "loss" && is.finite(fit$baseline)) {
    graphics::abline(h = fit$baseline, lty = 3, col = "grey50")
  }
  if (!valid) return(invisible())
  falls <- nrow(values) < 2 || values[nrow(values), 1] <= values[1, 1]
  graphics::legend(if (falls) "topright" else "bottomright", c("training", "validation"),
                   lty = 1:2, lwd = 2, col = col, bty = "n")
}

#' @rdname plot.nn_fit
#' @exportS3Method ggplot2::autoplot
autoplot.nn_fit <- function(object, ...) {
  long <- nn_history_long(object)
  ggplot2::ggplot(long, ggplot2::aes(x = .data[["epoch"]], y = .data[["value"]],
                                     colour = .data[["samples"]])) +
    ggplot2::geom_line(na.rm = TRUE) +
    ggplot2::facet_wrap("score", scales = "free_y") +
    ggplot2::labs(x = "epoch", y = NULL, colour = NULL)
}

utils::globalVariables(".data") # of ggplot2

# data.frame(epoch, score, samples, value)
nn_history_long <- function(fit) {
  one <- function(panel, samples, column) {
    data.frame(epoch = fit$history$epoch, score = panel, samples = samples,
               value = fit$history[[column]])
  }
  panels <- nn_plot_panels(fit)
  held <- if (fit$samples[["valid"]]) panels
  do.call(rbind, c(lapply(panels, function(p) one(p, "training", p)),
                   lapply(held, function(p) one(p, "validation", paste0("val_", p)))))
}
