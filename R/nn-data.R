# What x and y may be, and what the trainer makes of them.

# A numeric matrix or a device array, one sample per row, all values finite. `features` are the
# columns that the model was trained with (NULL: any): a data frame may hold others too.
nn_samples <- function(x, name, features = NULL) {
  if (is.data.frame(x)) x <- nn_frame(x, name, features)
  if (!is.numeric(x) && !is.logical(x)) {
    nn_stop("type", "`%s` must be a numeric matrix or a data frame of numbers, not %s", name,
            nn_describe(x))
  }
  if (length(dim(x)) != 2) {
    nn_stop("shape", "`%s` must be a matrix with one sample per row, not %s", name, nn_describe(x))
  }
  if (nrow(x) == 0 || ncol(x) == 0) {
    nn_stop("shape", "`%s` has %d rows and %d columns: nothing to work on", name, nrow(x), ncol(x))
  }
  nn_finite(x, name)
  if (!is.double(x)) storage.mode(x) <- "double"
  x
}

nn_frame <- function(x, name, features) {
  if (!is.null(features) && all(features %in% names(x))) x <- x[features]
  bad <- !vapply(x, function(column) is.numeric(column) || is.logical(column), NA)
  if (any(bad)) {
    nn_stop("type", "column `%s` of `%s` is not numeric but %s", names(x)[which(bad)[1]], name,
            nn_describe(x[[which(bad)[1]]]))
  }
  as.matrix(x)
}

# One pass, no temporary: a sum is finite only if all its terms are (or it overflows: look closer).
nn_finite <- function(x, name) {
  if (if (is.integer(x) || is.logical(x)) !anyNA(x) else is.finite(sum(x))) return(invisible())
  bad <- which(!is.finite(as.vector(x)))
  if (length(bad) == 0) return(invisible())
  where <- if (length(dim(x)) == 2) {
    sprintf("%s[%d, %d]", name, (bad[1] - 1L) %% nrow(x) + 1L, (bad[1] - 1L) %/% nrow(x) + 1L)
  } else {
    sprintf("%s[%d]", name, bad[1])
  }
  one <- length(bad) == 1
  nn_stop("argument", "`%s` has %d missing or infinite %s, the first at %s: remove or replace %s",
          name, length(bad), if (one) "value" else "values", where, if (one) "it" else "them")
}

# The targets: list(loss, values (k x n, or classes 0, 1, ...), levels, names, vector).
nn_targets <- function(y, n, loss) {
  if (is.null(y)) nn_stop("type", "`y` must be a factor or numbers, not NULL")
  if (is.data.frame(y)) y <- if (length(y) == 1) y[[1]] else nn_frame(y, "y", NULL)
  if (!is.factor(y) && !is.numeric(y)) {
    nn_stop("type", "`y` must be a factor (classes) or numeric, not %s%s", nn_describe(y),
            if (is.character(y) || is.logical(y)) ": use factor(y) for classes" else "")
  }
  if (NROW(y) != n) {
    nn_stop("shape", "`x` has %d rows, `y` has %d %s: one is needed for each", n, NROW(y),
            if (is.null(dim(y))) "values" else "rows")
  }
  if (is.factor(y) || identical(loss, "cross_entropy")) nn_classes(y, loss) else nn_numbers(y)
}

nn_classes <- function(y, loss) {
  if (identical(loss, "mse")) {
    nn_stop("type", "loss \"mse\" needs a numeric `y`, not a factor: leave out `loss`")
  }
  if (NCOL(y) > 1) {
    nn_stop("shape", "loss \"cross_entropy\" needs one class per sample, not %s", nn_describe(y))
  }
  if (anyNA(y)) {
    nn_stop("argument", "`y` has %d missing values: remove those samples", sum(is.na(y)))
  }
  if (!is.factor(y)) y <- factor(as.vector(y))
  seen <- length(unique(y))
  if (seen == 1) {
    nn_warn("class", "all samples are of one class, \"%s\": there is nothing to tell apart", y[1])
  }
  list(loss = "cross_entropy", values = matrix(as.numeric(y) - 1, 1), levels = levels(y),
       outputs = nlevels(y))
}

nn_numbers <- function(y) {
  nn_finite(y, "y")
  if (length(dim(y)) > 2) {
    nn_stop("shape", "`y` must be a vector or a matrix, not %s", nn_describe(y))
  }
  values <- if (is.matrix(y)) t(as.matrix(y)) else matrix(as.numeric(y), 1)
  storage.mode(values) <- "double"
  list(loss = "mse", values = values, outputs = nrow(values), names = colnames(y),
       matrix = is.matrix(y))
}
