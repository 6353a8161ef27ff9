# The graph of a fit: boxes in rows by depth, a layer below all those it takes. An arrow goes to the
# next row; one that skips rows goes around, in a lane on the right.

nn_box_height <- 0.64 # of a row

nn_plot_architecture <- function(fit) {
  net <- nn_fit_net(fit)
  boxes <- nn_boxes(net)
  arrows <- nn_arrows(net, boxes)
  old <- graphics::par(mar = c(0.5, 0.5, 0.5, 0.5))
  on.exit(graphics::par(old))
  graphics::plot.new()
  graphics::plot.window(c(0, 1 + nn_lane_x(max(arrows$lane))),
                        c(max(boxes$y) + 0.6, min(boxes$y) - 0.6))
  for (i in seq_len(nrow(arrows))) nn_draw_arrow(arrows[i, ], boxes, max(arrows$lane))
  top <- boxes$y - nn_box_height / 2
  graphics::rect(boxes$x - boxes$half, top, boxes$x + boxes$half, top + nn_box_height,
                 col = boxes$col, border = "grey40")
  size <- min(1, 1.8 * boxes$half / graphics::strwidth(boxes$text),
              0.75 * nn_box_height / abs(graphics::strheight("X\nX")))
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
  data.frame(x = (place - 0.5) / across, y = y, half = 0.46 / across, text = text, col = col)
}

# From which box to which, rows of nn_boxes(), and in which lane: 0 is straight to the next row.
nn_arrows <- function(net, boxes) {
  n <- length(net$inputs)
  arrows <- do.call(rbind, lapply(seq_along(net$model$layers), function(i) {
    from <- net$model$from[[i]]
    data.frame(from = base::ifelse(from < 0, -from, from + n), to = i + n)
  }))
  arrows$lane <- nn_lanes(boxes$y[arrows$from], boxes$y[arrows$to])
  arrows
}

# The first lane that no other arrow uses in rows `from` to `to`.
nn_lanes <- function(from, to) {
  lane <- numeric(length(from))
  for (i in which(to - from > 1)) {
    others <- seq_len(i - 1)
    met <- lane[others][from[others] <= to[i] & to[others] >= from[i]]
    lane[i] <- min(setdiff(seq_len(length(met) + 1), met))
  }
  lane
}

nn_lane_x <- function(lane) 0.03 * lane

# Lanes leave boxes beside the straight arrows, and run between the rows, each at a height of its
# own.
nn_draw_arrow <- function(arrow, boxes, lanes) {
  from <- boxes[arrow$from, ]
  to <- boxes[arrow$to, ]
  low <- from$y + nn_box_height / 2
  high <- to$y - nn_box_height / 2
  if (arrow$lane == 0) {
    graphics::arrows(from$x, low, to$x, high, length = 0.06, col = "grey40")
    return(invisible())
  }
  step <- (1 - nn_box_height) * (0.2 + 0.4 * arrow$lane / (lanes + 1))
  aside <- c(from$x + 0.6 * from$half, to$x + 0.6 * to$half)
  around <- 1 + nn_lane_x(arrow$lane)
  graphics::lines(c(aside[1], aside[1], around, around, aside[2]),
                  c(low, low + step, low + step, high - step, high - step), col = "grey40")
  graphics::arrows(aside[2], high - step, aside[2], high, length = 0.06, col = "grey40")
}
