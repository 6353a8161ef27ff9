# What a user gives as x, y and weights, checked, in the form that the trainer takes:
#   n        number of samples
#   x        list of arrays, samples first, of their own type, plain or on a device
#   inputs   for each what a sample is: list(name, dim, columns, levels, offset). Kept in the fit,
#            where it says what newdata must be like.
#   y        list of targets: list(name, kind, values, ...), see nn_target()
#   weights  NULL or n numbers
nn_data <- function(x, y, weights = NULL) {
  x <- nn_inputs(x)
  n <- nn_rows(x$x[[1]])
  y <- nn_outputs(y, n)
  list(n = n, x = x$x, inputs = x$inputs, y = y, weights = nn_case_weights(weights, n))
}

# Further samples (a validation set) for a model that was, or will be, trained on `data`.
nn_data_like <- function(x, y, data, name = "validation", weights = NULL) {
  x <- nn_inputs(x, paste0(name, "$x"), data$inputs)
  n <- nn_rows(x$x[[1]])
  y <- nn_outputs(y, n, paste0(name, "$y"), data$y, paste0(name, "$x"))
  list(n = n, x = x$x, inputs = x$inputs, y = y, weights = nn_case_weights(weights, n))
}

# -- inputs ----------------------------------------------------------------------------------------

# list(x, inputs) of one input or a list of several; `like`: the inputs of the training; `none`:
# whether there may be no samples.
nn_inputs <- function(x, name = "x", like = NULL, none = FALSE) {
  several <- is.list(x) && !is.data.frame(x)
  if (!several) x <- list(x)
  if (length(x) == 0) nn_stop("argument", "`%s` is an empty list: there is no input", name)
  x <- nn_match_inputs(x, name, like)
  names <- if (several) nn_element_names(name, x) else name
  out <- Map(nn_input_of, x, names, if (is.null(like)) list(NULL) else like, none)
  nn_same_rows(lapply(out, `[[`, "x"), names)
  list(x = unname(lapply(out, `[[`, "x")), inputs = unname(lapply(out, `[[`, "input")))
}

# "x$price" or "x[[2]]"
nn_element_names <- function(name, x) {
  given <- if (is.null(names(x))) character(length(x)) else names(x)
  ifelse(given == "", sprintf("%s[[%d]]", name, seq_along(x)), paste0(name, "$", given))
}

# How the user calls inputs or targets: "price" of "x$price"; `unnamed` for those without.
nn_labels <- function(parts, unnamed = "") {
  names <- vapply(parts, `[[`, "", "name")
  ifelse(grepl("$", names, fixed = TRUE), sub("^[^$]*[$]", "", names), as.character(unnamed))
}

# In the order of the training: by name where all have one, else as they come.
nn_in_order <- function(x, like) {
  wanted <- nn_labels(like)
  if (all(wanted != "" & wanted %in% names(x))) x[wanted] else x
}

nn_match_inputs <- function(x, name, like) {
  if (is.null(like)) return(x)
  x <- nn_in_order(x, like)
  if (length(x) == length(like)) return(x)
  nn_stop("shape", "`%s` has %d %s, the model was trained with %d", name, length(x),
          if (length(x) == 1) "input" else "inputs", length(like))
}

# One input: list(x = an array, input = what it is).
nn_input_of <- function(x, name, like, none) {
  levels <- NULL
  offset <- isTRUE(attr(x, "nn_offset")) # of a formula: added to the output as it is
  if (offset) attr(x, "nn_offset") <- NULL
  if (is.factor(x)) {
    levels <- if (is.null(like)) levels(x) else like$levels
    x <- nn_codes(x, name, levels)
  }
  if (is.data.frame(x)) x <- nn_frame(x, name, like$columns)
  if (isS4(x) && !is.numeric(x) && !is.logical(x) && length(dim(x)) == 2) x <- as.matrix(x)
  nn_check_numbers(x, name, none)
  columns <- dimnames(x)[[length(dim(x))]]
  input <- list(name = name, dim = dim(x)[-1], columns = columns, levels = levels,
                offset = offset)
  if (!is.null(like)) x <- nn_check_like(x, input, like)
  nn_finite(x, name)
  list(x = x, input = input)
}

# A factor as its codes 1, 2, ..., for an embedding.
nn_codes <- function(x, name, levels) {
  if (is.null(levels)) {
    nn_stop("type", "`%s` is a factor, the model was trained with numbers", name)
  }
  nn_check_levels(x, name, levels)
  matrix(match(as.character(x), levels), length(x), 1)
}

# New levels have no place in a trained model.
nn_check_levels <- function(x, name, levels) {
  new <- setdiff(levels(x)[tabulate(x, nlevels(x)) > 0], levels)
  if (length(new) == 0) return(invisible())
  nn_stop("levels", paste("`%s` has the level \"%s\", which the training data did not have (it",
                          "had %s): leave out those rows, or give them one of these levels"),
          name, new[1], nn_some(levels))
}

# "a", "b", "c", ... (12)
nn_some <- function(x, most = 6) {
  shown <- paste0("\"", utils::head(x, most), "\"", collapse = ", ")
  if (length(x) <= most) shown else sprintf("%s, ... (%d)", shown, length(x))
}

# The numeric matrix of a data frame, of its columns `columns` where it has them all.
nn_frame <- function(x, name, columns) {
  x <- as.data.frame(x) # of a tibble or data.table, whose `[` differs
  if (!is.null(columns) && all(columns %in% names(x))) x <- x[columns]
  bad <- !vapply(x, function(column) is.numeric(column) || is.logical(column), NA)
  if (any(bad)) {
    column <- x[[which(bad)[1]]]
    nn_stop("type", "column `%s` of `%s` is not numeric but %s%s", names(x)[which(bad)[1]], name,
            nn_describe(column),
            if (is.factor(column) || is.character(column)) ": a formula makes indicators of it"
            else if (nn_is_time(column)) ": a formula takes it, or as.numeric()" else "")
  }
  as.matrix(x)
}

nn_check_numbers <- function(x, name, none) {
  if (!is.numeric(x) && !is.logical(x)) {
    nn_stop("type", "`%s` must be a numeric matrix or array or a data frame of numbers, not %s",
            name, nn_describe(x))
  }
  if (length(dim(x)) < 2) {
    nn_stop("shape", paste("`%s` must be a matrix with one sample per row, or an array with",
                           "samples first, not %s%s"), name, nn_describe(x),
            if (length(x) > 1) ": cbind() makes a matrix of one column" else "")
  }
  if (all(dim(x)[if (none) -1 else TRUE] > 0)) return(invisible())
  nn_stop("shape", if (length(dim(x)) == 2) {
    sprintf("`%s` has %d rows and %d columns: nothing to work on", name, nrow(x), ncol(x))
  } else {
    sprintf("`%s` is of %s: nothing to work on", name, paste(dim(x), collapse = " x "))
  })
}

# x with the columns of `like`, in its order: by name where both have names.
nn_check_like <- function(x, input, like) {
  nn_check_sample(input, like)
  if (is.null(input$columns) || is.null(like$columns) ||
        identical(input$columns, like$columns)) return(x)
  at <- match(like$columns, input$columns)
  if (anyNA(at)) {
    nn_stop("shape", "`%s` lacks the column `%s` that the model was trained with", input$name,
            like$columns[is.na(at)][1])
  }
  if (length(dim(x)) == 2) return(x[, at, drop = FALSE])
  nn_stop("shape", "the columns of `%s` are in another order than those of the training data",
          input$name)
}

# A sample of `input` is what the model was trained with.
nn_check_sample <- function(input, like) {
  if (identical(as.integer(input$dim), as.integer(like$dim))) return(invisible())
  if (length(input$dim) == 1 && length(like$dim) == 1) {
    lost <- setdiff(like$columns, input$columns)
    nn_stop("shape", "`%s` has %d %s, the model was trained with %d%s", input$name, input$dim,
            if (input$dim == 1) "column" else "columns", like$dim,
            if (length(lost)) sprintf(": `%s` is missing", lost[1]) else "")
  }
  nn_stop("shape", "`%s` has samples of %s, the model was trained with %s", input$name,
          paste(input$dim, collapse = " x "), paste(like$dim, collapse = " x "))
}

nn_rows <- function(x) if (is.null(dim(x))) length(x) else dim(x)[1]

nn_same_rows <- function(x, names) {
  rows <- vapply(x, nn_rows, 0L)
  odd <- which(rows != rows[1])[1]
  if (is.na(odd)) return(invisible())
  nn_stop("shape", "`%s` has %d samples (%s), `%s` has %d (%s): they must agree", names[1], rows[1],
          paste(dim(x[[1]]), collapse = " x "), names[odd], rows[odd],
          paste(dim(x[[odd]]), collapse = " x "))
}

# One pass, no temporary: a sum is finite only if all its terms are (or it overflows: look closer).
nn_finite <- function(x, name) {
  if (if (is.integer(x) || is.logical(x)) !anyNA(x) else is.finite(sum(x))) return(invisible())
  bad <- which(!is.finite(as.vector(x)))
  if (length(bad) == 0) return(invisible())
  at <- if (is.null(dim(x))) bad[1] else arrayInd(bad[1], dim(x))
  one <- length(bad) == 1
  nn_stop("argument", paste("`%s` has %d missing or infinite %s, the first at %s[%s]: remove or",
                            "replace %s"), name, length(bad), if (one) "value" else "values",
          name, paste(at, collapse = ", "), if (one) "it" else "them")
}

# -- targets ---------------------------------------------------------------------------------------

# One target or a list of several (a model with several outputs). `like`: those of the training;
# `x`: how the user calls the inputs.
nn_outputs <- function(y, n, name = "y", like = NULL, x = "x") {
  if (is.null(y)) nn_stop("type", "`%s` must be a factor or numbers, not NULL", name)
  several <- is.list(y) && !is.data.frame(y)
  if (!several) y <- list(y)
  if (length(y) == 0) nn_stop("argument", "`%s` is an empty list: there is no target", name)
  if (!is.null(like)) y <- nn_in_order(y, like)
  if (!is.null(like) && length(y) != length(like)) {
    nn_stop("shape", "`%s` has %d %s, the training data have %d", name, length(y),
            if (length(y) == 1) "target" else "targets", length(like))
  }
  names <- if (several) nn_element_names(name, y) else name
  unname(Map(nn_target, y, names, n, if (is.null(like)) list(NULL) else like, x))
}

# A target: list(name, kind, values, ...) and
#   kind "class": values are the codes 1, 2, ... of `levels`; `logical`: they were FALSE and TRUE
#   kind "numeric": values are a vector, or for `matrix` one row per sample with columns `names`
nn_target <- function(y, name, n, like = NULL, x = "x") {
  if (is.data.frame(y)) y <- if (length(y) == 1) y[[1]] else nn_frame(y, name, like$names)
  if (is.numeric(y) && length(dim(y)) == 1) y <- as.vector(y)
  if (is.character(y) && is.null(dim(y))) y <- factor(y)
  if (is.logical(y) && NCOL(y) > 1) y <- y + 0
  if (!is.factor(y) && !is.numeric(y) && !is.logical(y)) {
    nn_stop("type", "`%s` must be a factor (classes) or numeric, not %s%s", name, nn_describe(y),
            if (is.character(y)) sprintf(": use factor(%s) for classes", name)
            else if (nn_is_time(y)) sprintf(": as.numeric(%s) is a number", name) else "")
  }
  if (nn_rows(y) != n) {
    nn_stop("shape", "`%s` has %d rows, `%s` has %d %s: one is needed for each", x, n, name,
            nn_rows(y), if (is.null(dim(y))) "values" else "rows")
  }
  target <- if (is.factor(y) || is.logical(y)) nn_classes(y, name, like) else nn_numbers(y, name)
  target <- c(list(name = name), target)
  if (!is.null(like)) nn_check_target(target, like)
  target
}

nn_is_time <- function(x) inherits(x, c("Date", "POSIXt", "difftime"))

# A numeric target as classes, for a loss that needs them.
nn_as_classes <- function(target) {
  if (target$kind == "class") return(target)
  if (NCOL(target$values) > 1) {
    nn_stop("shape", "`%s` must be one class per sample, not %s", target$name,
            nn_describe(target$values))
  }
  c(list(name = target$name), nn_classes(factor(as.vector(target$values)), target$name))
}

nn_classes <- function(y, name, like = NULL) {
  if (anyNA(y)) {
    nn_stop("argument", "`%s` has %d missing %s, the first at %s[%d]: remove those samples", name,
            sum(is.na(y)), if (sum(is.na(y)) == 1) "value" else "values", name, which(is.na(y))[1])
  }
  logical <- is.logical(y)
  if (logical) y <- factor(as.vector(y), c(FALSE, TRUE))
  levels <- if (is.null(like)) levels(y) else like$levels
  if (!is.null(levels)) nn_check_levels(y, name, levels)
  counts <- tabulate(y, nlevels(y))
  if (sum(counts > 0) == 1 && is.null(like)) {
    nn_warn("class", "all samples are of one class, \"%s\": there is nothing to tell apart",
            levels(y)[counts > 0])
  }
  list(kind = "class", values = match(levels(y), levels)[y], levels = levels, logical = logical,
       outputs = length(levels))
}

nn_numbers <- function(y, name) {
  if (nn_rows(y) == 0 || length(y) == 0) nn_stop("shape", "`%s` has no columns", name)
  nn_finite(y, name)
  list(kind = "numeric", values = y, names = if (!is.null(dim(y))) dimnames(y)[[length(dim(y))]],
       matrix = !is.null(dim(y)), outputs = if (is.null(dim(y))) 1L else dim(y)[-1])
}

nn_check_target <- function(target, like) {
  if (target$kind != like$kind) {
    kinds <- c(class = "classes", numeric = "numbers")
    nn_stop("type", "`%s` has %s, in the training these were %s", target$name,
            kinds[[target$kind]], kinds[[like$kind]])
  }
  if (identical(as.integer(target$outputs), as.integer(like$outputs))) return(invisible())
  nn_stop("shape", "`%s` has %s columns, in the training there were %s", target$name,
          paste(target$outputs, collapse = " x "), paste(like$outputs, collapse = " x "))
}

# -- weights and batches ---------------------------------------------------------------------------

nn_case_weights <- function(weights, n, name = "weights") {
  if (is.null(weights)) return(NULL)
  if (!is.numeric(weights)) {
    nn_stop("type", "`%s` must be numeric, not %s", name, nn_describe(weights))
  }
  weights <- as.double(weights)
  if (length(weights) != n) {
    nn_stop("shape", "`%s` has %d values for %d samples", name, length(weights), n)
  }
  nn_finite(weights, name)
  if (any(weights < 0)) {
    nn_stop("argument", "`%s` must not be negative, %s[%d] is", name, name, which(weights < 0)[1])
  }
  if (all(weights == 0)) nn_stop("argument", "`%s` are all 0: no sample is left", name)
  weights
}

# The size of a batch of at most n samples. Only a size that the user asked for is worth a warning.
nn_batch_size <- function(batch_size, n, asked = TRUE) {
  batch_size <- nn_count(batch_size, "batch_size")
  if (batch_size <= n) return(batch_size)
  if (asked) {
    nn_warn("batch", "`batch_size` is %d, there are only %d samples: they make one batch",
            batch_size, n)
  }
  as.integer(n)
}
