# Formulas: from a formula and a data frame to inputs, target and weights; and again for new data.

# What nn_fit() and nn() make of a formula: list(x, y, weights, offset, formula, rows), where
# `formula` is what a fit keeps of it (see nn_formula_kept()) and `rows` are the names of the rows.
# `call` is the matched call of the user's function, whose argument `name` is the formula; `embed`:
# see nn_fit.formula().
nn_design <- function(call, name, embed, env) {
  frame <- base_try(eval(nn_frame_call(call, name), env))
  terms <- attr(frame, "terms")
  if (nrow(frame) == 0) {
    nn_stop("shape", "no sample is left: the data have 0 rows after `subset` and `na.action`")
  }
  if (attr(terms, "response") == 0) nn_stop("argument", "the formula has no response: y ~ x")
  frame <- nn_frame_factors(frame)
  kept <- nn_formula_kept(frame, embed)
  list(x = nn_formula_inputs(kept, frame), y = stats::model.response(frame),
       weights = stats::model.weights(frame), offset = nn_formula_offset(frame), formula = kept,
       rows = row.names(frame))
}

# The call of model.frame(), as lm() makes it.
nn_frame_call <- function(call, name) {
  keep <- match(c(name, "data", "subset", "na.action", "weights"), names(call), 0L)
  call <- call[c(1L, keep)]
  names(call)[names(call) == name] <- "formula"
  call[[1L]] <- quote(stats::model.frame)
  call
}

# Character predictors as factors; no levels without samples, whose weights would stay random. The
# response keeps all its levels.
nn_frame_factors <- function(frame) {
  for (i in setdiff(seq_along(frame), attr(attr(frame, "terms"), "response"))) {
    if (is.character(frame[[i]])) frame[[i]] <- factor(frame[[i]])
    if (is.factor(frame[[i]])) frame[[i]] <- droplevels(frame[[i]])
  }
  frame
}

# What new data need: terms (with predvars, so that poly() and scale() are those of the training),
# levels of the factors, which factors are embedded and in how many numbers, rows left out.
nn_formula_kept <- function(frame, embed) {
  terms <- attr(frame, "terms")
  levels <- stats::.getXlevels(terms, frame)
  list(terms = terms, xlevels = levels, embed = nn_embed_sizes(embed, levels, terms),
       na.action = attr(frame, "na.action"))
}

# Named sizes of the embedded factors; of names alone half the number of levels, at most 50.
nn_embed_sizes <- function(embed, levels, terms) {
  if (is.null(embed)) return(NULL)
  if (is.character(embed)) {
    embed <- stats::setNames(pmin(50, ceiling(lengths(levels[embed]) / 2)), embed)
  }
  if (!is.numeric(embed) || is.null(names(embed))) {
    nn_stop("argument", "`embed` must name factors, as in c(cut = 3), not be %s",
            nn_describe(embed))
  }
  factors <- intersect(names(levels), attr(terms, "term.labels"))
  bad <- setdiff(names(embed), factors)
  if (length(bad)) {
    nn_stop("argument", "`embed` names `%s`, which is no factor among the terms (%s)",
            bad[1], if (length(factors)) nn_some(factors) else "there are none")
  }
  vapply(names(embed), function(v) nn_count(embed[[v]], paste0("embed[\"", v, "\"]")), 1L)
}

# One matrix of all terms; with embedded factors a list of it (if there are other terms) and them.
nn_formula_inputs <- function(kept, frame) {
  terms <- kept$terms
  labels <- setdiff(attr(terms, "term.labels"), names(kept$embed))
  factors <- attr(terms, "factors")
  if (length(labels) == 0 && is.null(kept$embed)) {
    nn_stop("argument", "the formula has no predictors")
  }
  blocks <- lapply(labels, function(label) {
    variables <- rownames(factors)[factors[, label] > 0]
    Reduce(nn_products, Map(nn_indicators, frame[variables], variables))
  })
  x <- do.call(cbind, blocks)
  if (!is.null(x)) rownames(x) <- rownames(frame)
  if (is.null(kept$embed)) return(x)
  c(if (!is.null(x)) list(x = x), as.list(frame[names(kept$embed)]))
}

# The columns of a variable: one for each level of a factor (none is left out: a network is no
# linear model whose columns must be independent), those of a matrix, else one.
nn_indicators <- function(v, name) {
  if (is.logical(v)) return(matrix(as.double(v), dimnames = list(NULL, paste0(name, "TRUE"))))
  if (!is.factor(v)) return(nn_numeric_columns(v, name))
  x <- matrix(0, length(v), nlevels(v), dimnames = list(NULL, paste0(name, levels(v))))
  x[cbind(seq_along(v), as.integer(v))] <- 1
  x
}

nn_numeric_columns <- function(v, name) {
  if (!is.numeric(v) && !nn_is_time(v)) {
    nn_stop("type", "`%s` of the formula must be numbers, a factor or logical, not %s", name,
            nn_describe(v))
  }
  if (length(dim(v)) < 2) return(matrix(as.double(v), dimnames = list(NULL, name)))
  columns <- colnames(v)
  if (is.null(columns)) columns <- if (ncol(v) > 1) seq_len(ncol(v)) else ""
  matrix(as.double(v), nrow(v), dimnames = list(NULL, paste0(name, columns)))
}

# All products of a column of a and one of b: an interaction.
nn_products <- function(a, b) {
  i <- rep(seq_len(ncol(a)), ncol(b))
  j <- rep(seq_len(ncol(b)), each = ncol(a))
  x <- a[, i, drop = FALSE] * b[, j, drop = FALSE]
  colnames(x) <- paste(colnames(a)[i], colnames(b)[j], sep = ":")
  x
}

# The sum of all offset() as a matrix of one column, or NULL.
nn_formula_offset <- function(frame) {
  offset <- stats::model.offset(frame)
  if (is.null(offset)) return(NULL)
  unname(as.matrix(offset))
}

# -- new data --------------------------------------------------------------------------------------

# Inputs for a fit with the element `formula`: list(x, offset, rows, na.action, y), where `rows` are
# their names. Rows with missing values are left out; stats::napredict(na.action, ...) puts NA in
# their places. `response`: whether to find y as well (and to leave out rows without it).
nn_formula_data <- function(object, newdata, response = FALSE, name = "newdata") {
  kept <- object$formula
  if (!is.data.frame(newdata) && !is.list(newdata) && !is.environment(newdata)) {
    nn_stop("type", "`%s` must be a data frame, as the model was trained by a formula, not %s",
            name, nn_describe(newdata))
  }
  terms <- if (response) kept$terms else stats::delete.response(kept$terms)
  nn_check_variables(terms, newdata, name)
  frame <- base_try(stats::model.frame(terms, newdata, na.action = stats::na.exclude))
  nn_check_frame_rows(frame, newdata, name)
  frame <- nn_frame_levels(frame, kept$xlevels, name)
  base_try(stats::.checkMFClasses(attr(terms, "dataClasses"), frame), "type")
  list(x = nn_formula_inputs(kept, frame), offset = nn_formula_offset(frame),
       rows = row.names(frame), na.action = attr(frame, "na.action"),
       y = if (response) stats::model.response(frame))
}

# Variables that newdata lacks, and that are nowhere else but for functions of that name.
nn_check_variables <- function(terms, newdata, name) {
  lost <- setdiff(all.vars(attr(terms, "predvars")), names(newdata))
  env <- environment(terms)
  lost <- lost[vapply(lost, function(v) is.function(get0(v, env, ifnotfound = is.na)), NA)]
  if (length(lost) == 0) return(invisible())
  nn_stop("shape", "`%s` lacks the variable `%s` of the formula", name, lost[1])
}

nn_check_frame_rows <- function(frame, newdata, name) {
  rows <- nrow(frame) + length(attr(frame, "na.action"))
  if (!is.data.frame(newdata) || rows == nrow(newdata)) return(invisible())
  lost <- setdiff(all.vars(attr(frame, "terms")), names(newdata))
  nn_stop("shape", paste("`%s` has %d rows, but the formula's variables %d: `%s` is no column of",
                         "it and was found elsewhere"), name, nrow(newdata), rows, lost[1])
}

# The factors with the levels of the training; strings are taken for levels.
nn_frame_levels <- function(frame, levels, name) {
  strings <- vapply(frame, function(v) is.factor(v) || is.character(v), NA)
  for (v in intersect(names(levels), names(frame)[strings])) {
    given <- factor(frame[[v]])
    nn_check_levels(given, paste0(name, "$", v), levels[[v]])
    frame[[v]] <- factor(given, levels[[v]])
  }
  frame
}

# -- training --------------------------------------------------------------------------------------

#' Train a neural network on a formula
#'
#' [nn_fit()] and [nn()] take a formula and a data frame, as [stats::lm()] does: with interactions,
#' transformations, `.`, [stats::offset()], `subset`, `na.action` and `weights`. Predictions take a
#' data frame with the variables of the formula, and transform them as those of the training:
#' `poly()`, `scale()` and splines keep their constants.
#'
#' A factor becomes one column of 0 and 1 for each of its levels (none is left out, as a network is
#' no linear model that would suffer from dependent columns), a logical variable a single one. With
#' `embed`, a factor of many levels becomes instead a few numbers that are learnt for each level: it
#' is an input of its own for the model (its codes from 1). A model with one input gets all of them
#' side by side, embedded; a model with several inputs takes first the matrix of all other terms,
#' if there are any, then the factors in the order of `embed`.
#'
#' An offset is added to the output before its activation or link.
#'
#' @param model An [nn_model()], or a fit by a formula whose training is to go on.
#' @param x A formula.
#' @param data A data frame; its variables come first, before those where the formula was written.
#' @param subset,na.action,weights As for [stats::lm()]. Weights and subset may use variables of
#'   `data`.
#' @param embed `NULL`, or the names of factors to be embedded, as in `c("cut", "color")`, or how
#'   many numbers each is to become, as in `c(cut = 3, color = 4)`. Of names alone it is half the
#'   number of levels, at most 50.
#' @param validation As for [nn_fit()], where numbers of samples count the rows that are used; or a
#'   data frame with the variables of the formula.
#' @param ... Further arguments of [nn_fit()].
#' @return As [nn_fit()].
#' @section Errors: As those of [nn_fit()]; levels in new data that the training data did not have
#'   give an error of class `anygpu_error_levels`, missing variables one of class
#'   `anygpu_error_shape`.
#' @examples
#' set.seed(1)
#' net <- nn_model(layer_dense(8, "tanh"), layer_dense(1))
#' fit <- nn_fit(net, log(breaks) ~ wool * tension, warpbreaks, epochs = 30,
#'               optimizer = opt_adam(0.02))
#' predict(fit, data.frame(wool = "A", tension = c("L", "M", "H")))
#' @seealso [nn()], which makes the model, too.
#' @export
nn_fit.formula <- function(model, x, data, subset, na.action, weights, embed = NULL,
                           validation = 0, ...) {
  call <- match.call()
  design <- nn_design(call, "x", embed, parent.frame())
  nn_fit_design(model, design, nn_call(call, "nn_fit"), validation, ...)
}

# Trains `model` on what nn_design() made.
nn_fit_design <- function(model, design, call, validation = 0, ...) {
  if (is.data.frame(validation)) {
    other <- nn_formula_data(design, validation, response = TRUE, name = "validation")
    validation <- list(x = nn_with_offset(other), y = other$y)
  }
  # a fit whose training goes on has these inputs already
  goes_on <- inherits(model, "nn_fit")
  model <- if (goes_on) nn_as_model(model) else nn_design_model(model, design)
  model$asked <- list(call = call, formula = design$formula) # also for a checkpoint
  nn_fit.default(model, nn_with_offset(design), design$y, weights = design$weights,
                 validation = validation, ...)
}

# The call of a method as the user wrote it: update() evaluates it.
nn_call <- function(call, name) {
  call[[1]] <- as.name(name)
  call
}

# The inputs, with the offset as the last one.
nn_with_offset <- function(design) {
  if (is.null(design$offset)) return(design$x)
  x <- if (is.list(design$x)) design$x else list(x = design$x)
  c(x, list(offset = structure(design$offset, nn_offset = TRUE)))
}

# The model with inputs of its own for embedded factors and the offset.
nn_design_model <- function(model, design) {
  factors <- design$formula$embed
  several <- is.list(design$x)
  if (!several && is.null(design$offset)) return(model)
  k <- if (several) length(design$x) else 1
  if (!length(model$inputs) %in% c(1, k)) {
    nn_stop("shape", "the model has %d inputs, the formula makes %d (see `embed`)",
            length(model$inputs), k)
  }
  nodes <- lapply(seq_len(k), function(i) nn_input())
  inputs <- if (several && length(model$inputs) == 1) {
    list(nn_embedded(nodes, factors, design$formula$xlevels))
  } else {
    nodes
  }
  out <- nn_model_on(model, inputs)
  if (!is.null(design$offset)) {
    offset <- nn_input()
    nodes <- c(nodes, list(offset))
    out <- list(nn_offset_output(out, offset))
  }
  do.call(nn_model, c(out, list(inputs = nodes)))
}

# One node of all inputs side by side. The last of them are factors.
nn_embedded <- function(nodes, factors, levels) {
  first <- length(nodes) - length(factors)
  parts <- Map(function(node, v) {
    node |> layer_embedding(factors[[v]], vocabulary = length(levels[[v]])) |> layer_flatten()
  }, nodes[first + seq_along(factors)], names(factors))
  parts <- unname(c(nodes[seq_len(first)], parts))
  if (length(parts) == 1) parts[[1]] else do.call(layer_concat, parts)
}

# The offset joins before the activation of the last layer.
nn_offset_output <- function(out, offset) {
  if (length(out) != 1) nn_stop("argument", "offset() needs a model with one output")
  node <- out[[1]]
  activation <- node$layer$activation
  if (is.null(activation) || activation == "linear") return(layer_add(node, offset))
  node$layer$activation <- "linear"
  node$id <- nn_next_number()
  layer_activation(layer_add(node, offset), activation)
}
