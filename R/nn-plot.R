#' Plot a fit
#'
#' Draws the course of the training: the loss and each metric by epoch, on the training
#' samples (a line) and on those held out (a broken line), with the loss of the best constant
#' prediction (dotted) where it is in sight. Or the architecture: a box for each layer with the
#' shape of its output, in the order of computation from top to bottom.
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

# -- the architecture ------------------------------------------------------------------------------

# Boxes in rows by depth: a layer stands below all those it takes.
nn_plot_architecture <- function(fit) {
  net <- nn_fit_net(fit)
  boxes <- nn_boxes(net)
  old <- graphics::par(mar = c(0.5, 0.5, 0.5, 0.5))
  on.exit(graphics::par(old))
  graphics::plot.new()
  graphics::plot.window(c(0, 1), c(max(boxes$y) + 0.6, min(boxes$y) - 0.6))
  half <- 0.32
  size <- min(1, 0.9 / max(graphics::strwidth(boxes$text)) / max(boxes$across),
              1.5 * half / abs(graphics::strheight("X\nX")))
  from <- nn_arrows(net)
  graphics::arrows(boxes$x[from$from], boxes$y[from$from] + half, boxes$x[from$to],
                   boxes$y[from$to] - half, length = 0.06, col = "grey40")
  width <- 0.46 / boxes$across
  graphics::rect(boxes$x - width, boxes$y - half, boxes$x + width, boxes$y + half,
                 col = boxes$col, border = "grey40")
  graphics::text(boxes$x, boxes$y, boxes$text, cex = size)
  invisible(fit)
}

# A row per input and layer: where its box is and what it says. Inputs come first.
nn_boxes <- function(net) {
  shapes <- nn_model_shapes(net$model, nn_network_shapes(net))
  inputs <- nn_network_shapes(net)
  depth <- numeric(length(net$model$layers))
  for (i in seq_along(depth)) {
    from <- net$model$from[[i]]
    depth[i] <- 1 + max(0, depth[from[from > 0]])
  }
  y <- c(rep(0, length(inputs)), depth)
  across <- as.vector(table(factor(y))[as.character(y)])
  place <- stats::ave(y, y, FUN = seq_along)
  text <- c(paste0("input\n", vapply(inputs, nn_shape_text, "")),
            paste0(nn_model_text(net$model), "\n", vapply(shapes, nn_shape_text, "")))
  frozen <- vapply(net$model$layers, function(l) isTRUE(l$frozen), NA)
  col <- c(rep("#eeeeee", length(inputs)), base::ifelse(frozen, "#d9e2ec", "#fdf6e3"))
  data.frame(x = (place - 0.5) / across, y = y, across = across, text = text, col = col)
}

# From which box to which: rows of nn_boxes().
nn_arrows <- function(net) {
  n <- length(net$inputs)
  do.call(rbind, lapply(seq_along(net$model$layers), function(i) {
    from <- net$model$from[[i]]
    data.frame(from = base::ifelse(from < 0, -from, from + n), to = i + n)
  }))
}
