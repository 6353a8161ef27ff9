#' Predict with a neural network
#'
#' Runs a fitted model forward, on the current device, in pieces that fit into its memory.
#'
#' @param object A result of [nn_fit()].
#' @param newdata Samples as for [nn_fit()]: with the inputs that the model was trained with. A data
#'   frame may have further columns, if the training data had column names.
#' @param type `"response"`: the outputs of a regression, the probabilities of a classification (for
#'   other losses what their link makes of the outputs, such as a mean count); `"prob"`:
#'   probabilities, a matrix of samples x classes; `"class"`: the most probable class, a
#'   factor with the levels of the training data; `"link"`: the outputs as they are, before the
#'   link. Of a model with several outputs, one for all or one for each.
#' @param batch_size Samples in a piece; `NULL`: so many that their largest intermediate arrays
#'   take about 64 MiB.
#' @param ... Not used.
#' @return A factor for `"class"` (logical if the target was); else a numeric matrix (or array) with
#'   a row per sample, or a vector for a single number per sample, with the names of rows (of
#'   `newdata`) and columns (of the target, or its classes) where there are any. A list of these for
#'   a model with several outputs. Of a fit by a formula, samples with missing values are `NA`.
#' @section Errors: Data of other shape give an error of class `anygpu_error_shape`;
#'   classes or probabilities of a regression one of class `anygpu_error_argument`.
#' @examples
#' set.seed(1)
#' fit <- nn_fit(nn_model(layer_dense(8, "tanh"), layer_dense(1)), cars["speed"], cars$dist,
#'               epochs = 50, optimizer = opt_sgd(0.1))
#' predict(fit, cars["speed"])[1:5]
#' @export
predict.nn_fit <- function(object, newdata, type = c("response", "prob", "class", "link"),
                           batch_size = NULL, ...) {
  nn_check_version(object$version, "this fit")
  if (missing(newdata)) {
    nn_stop("argument", paste("`newdata` is missing: the fit does not keep the training data",
                              "(fitted() finds them again)"))
  }
  x <- nn_fit_inputs(object, newdata)
  nn_predict(object, x, type, if (is.null(object$formula)) nn_row_names(newdata) else x$rows,
             batch_size)
}

# Predictions for checked inputs list(x, na.action): rows that were left out are NA.
nn_predict <- function(fit, inputs, type, names, piece = NULL) {
  net <- nn_fit_net(fit)
  type <- nn_predict_types(type, net$outputs)
  z <- nn_network_predict(net, fit$weights, fit$state, inputs$x, piece)
  out <- Map(nn_response, net$outputs, z, type, list(names))
  nn_by_output(lapply(out, function(v) stats::napredict(inputs$na.action, v)), net$outputs)
}

# One for all outputs, or for each.
nn_predict_types <- function(type, outputs) {
  types <- c("response", "prob", "class", "link")
  if (identical(type, types)) return("response")
  if (length(type) != length(outputs)) return(nn_choice(type, "type", types))
  vapply(type, nn_choice, "", name = "type", choices = types)
}

# Of one output what there is; else a list with the names that the targets had.
nn_by_output <- function(values, outputs) {
  if (length(outputs) == 1) return(values[[1]])
  labels <- nn_labels(outputs)
  if (all(labels == "")) unname(values) else stats::setNames(values, labels)
}

nn_fit_net <- function(fit) c(list(model = fit$model), fit$net)

# The inputs, as those of the training: list(x, inputs), and of a formula na.action.
nn_fit_inputs <- function(fit, newdata) {
  if (is.null(fit$formula)) return(nn_inputs(newdata, "newdata", fit$net$inputs, none = TRUE))
  data <- nn_formula_data(fit, newdata)
  c(nn_inputs(nn_with_offset(data), "newdata", fit$net$inputs, none = TRUE),
    data[c("na.action", "rows")])
}

nn_row_names <- function(x) {
  if (is.list(x) && !is.data.frame(x)) return(nn_row_names(x[[1]]))
  if (is.data.frame(x)) return(if (.row_names_info(x) > 0) row.names(x))
  dimnames(x)[[1]]
}

# For each output the values before the link, samples first, in the units of the loss.
nn_network_predict <- function(net, weights, state, x, piece = NULL) {
  n <- nn_rows(x[[1]])
  if (n == 0) return(nn_network_nothing(net))
  w <- Map(function(a, b) lapply(c(a, b), gpu, type = net$type), weights, state)
  piece <- if (is.null(piece)) nn_piece(net) else nn_count(piece, "batch_size")
  ctx <- nn_ctx(FALSE, net$type)
  parts <- lapply(seq(1L, n, by = piece), function(first) {
    rows <- first:min(first + piece - 1L, n)
    h <- Map(function(a, scaling) nn_on_device(nn_take(a, rows), net$type, scaling), x, net$scaling)
    lapply(nn_network_forward(net, w, h, function(i) ctx), function(z) nn_plain(aperm(z)))
  })
  lapply(seq_along(net$outputs), function(i) {
    do.call(nn_bind_samples, lapply(parts, `[[`, i))
  })
}

# The outputs of no samples.
nn_network_nothing <- function(net) {
  inputs <- nn_network_shapes(net)
  shapes <- nn_model_shapes(net$model, inputs)
  lapply(net$model$outputs, function(at) array(0, c(0, rev(nn_given(at, inputs, shapes)))))
}

# Standardised, samples last, as layers see them.
nn_on_device <- function(x, type, scaling) gpu(aperm(nn_upload(x, scaling)), type = type)

nn_plain <- function(x) array(as.vector(x), dim(x))

# Samples whose intermediate arrays take about 64 MiB at the widest layer.
nn_piece <- function(net) {
  shapes <- nn_model_shapes(net$model, nn_network_shapes(net))
  widest <- max(vapply(c(shapes, nn_network_shapes(net)), prod, 0))
  as.integer(max(1, min(4096, 2^24 %/% (4 * widest))))
}

# What output i says, of the kind `type`.
nn_response <- function(output, z, type, names) {
  loss <- output$loss
  classes <- nn_is_classification(output)
  if (type %in% c("prob", "class") && !classes) {
    nn_stop("argument", "type \"%s\" needs a classification; `%s` was trained as a regression",
            type, output$name)
  }
  if (classes) {
    rownames(z) <- names
    return(nn_class_response(output, z, type))
  }
  z <- if (type == "link") nn_back(output, z) else nn_back(output, nn_link(loss, z))
  if (isTRUE(output$matrix) || length(dim(z)) > 2 || ncol(z) > 1) {
    if (length(dim(z)) == 2) dimnames(z) <- nn_names_of(names, output$names, ncol(z))
    return(z)
  }
  stats::setNames(z[, 1], if (length(names)) names)
}

nn_names_of <- function(rows, columns, n) {
  if (length(columns) != n) columns <- NULL
  if (is.null(rows) && is.null(columns)) NULL else list(rows, columns)
}

# In the units of the data.
nn_back <- function(output, z) {
  if (identical(output$scale, 1) && all(output$center == 0)) return(z)
  sweep(z * output$scale, length(dim(z)), output$center, `+`)
}

# A link is written for outputs first.
nn_link <- function(loss, z) {
  if (length(dim(z)) > 2) aperm(loss$link(aperm(z))) else t(as.matrix(loss$link(t(z))))
}

nn_class_response <- function(output, z, type) {
  if (type == "link") return(if (ncol(z) == 1) z[, 1] else nn_named(z, output$levels))
  p <- nn_probabilities(output, z)
  if (type == "prob" || type == "response") return(p)
  best <- max.col(p, ties.method = "first")
  if (isTRUE(output$logical)) return(best == 2)
  factor(output$levels[best], levels = output$levels)
}

nn_named <- function(z, levels) {
  if (ncol(z) == length(levels)) colnames(z) <- levels
  z
}

# samples x classes; of a loss with one output per sample that is the probability of the second.
nn_probabilities <- function(output, z) {
  p <- nn_link(output$loss, z)
  if (ncol(z) == 1 && length(output$levels) == 2) p <- cbind(1 - p, p)
  dimnames(p) <- nn_names_of(rownames(z), output$levels, ncol(p))
  p
}
