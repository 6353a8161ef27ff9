# Checks of arguments, and the conditions that the trainer signals.

# An error of class anygpu_error_<class>.
nn_stop <- function(class, format, ...) stop_status(class, nn_text(format, ...))

nn_warn <- function(class, format, ...) {
  class <- c(paste0("anygpu_warning_", class), "anygpu_warning", "warning", "condition")
  warning(structure(class = class, list(message = nn_text(format, ...), call = user_call())))
}

nn_text <- function(format, ...) if (...length()) sprintf(format, ...) else format

# "a character vector of length 2", "NULL", "a 3 x 2 logical matrix"
nn_describe <- function(x) {
  if (is.null(x)) return("NULL")
  if (is.data.frame(x)) return(sprintf("a data frame of %d x %d", nrow(x), ncol(x)))
  type <- if (is.factor(x)) "factor" else if (is.object(x)) class(x)[1] else typeof(x)
  if (!is.null(dim(x))) {
    return(sprintf("a %s %s of type %s", paste(dim(x), collapse = " x "),
                   if (length(dim(x)) == 2) "matrix" else "array", type))
  }
  if (is.numeric(x) && length(x) == 1 && !is.object(x)) return(format(x))
  if (is.logical(x) && length(x) == 1 && !is.object(x)) return(format(x))
  if (is.character(x) && length(x) == 1) return(encodeString(x, quote = "\""))
  if (is.function(x)) return("a function")
  sprintf("%s of length %d", type, length(x))
}

# "1 input", "2 inputs"
nn_some_of <- function(n, what) sprintf("%d %s%s", as.integer(n), what, if (n == 1) "" else "s")

# A whole number of at least 1, as integer.
nn_count <- function(x, name) {
  if (is.numeric(x) && length(x) == 1 && is.finite(x) && x >= 1 && x == round(x) &&
        x <= .Machine$integer.max) {
    return(as.integer(x))
  }
  nn_stop("argument", "`%s` must be a whole number of at least 1, not %s", name, nn_describe(x))
}

# A number within (low, high), or [low, high) if `closed`.
nn_number <- function(x, name, low = 0, high = Inf, closed = FALSE) {
  if (is.numeric(x) && length(x) == 1 && is.finite(x) && x < high &&
        (x > low || (closed && x == low))) {
    return(as.numeric(x))
  }
  nn_stop("argument", "`%s` must be a number %s %g%s, not %s", name,
          if (closed) "of at least" else "greater than", low,
          if (is.finite(high)) sprintf(" and less than %g", high) else "", nn_describe(x))
}

nn_check_class <- function(x, name, class, what) {
  if (inherits(x, class)) return(invisible())
  nn_stop("argument", "`%s` must be %s, not %s", name, what, nn_describe(x))
}

nn_flag <- function(x, name) {
  if (is.logical(x) && length(x) == 1 && !is.na(x)) return(x)
  nn_stop("argument", "`%s` must be TRUE or FALSE, not %s", name, nn_describe(x))
}

# One of `choices`; NULL gives `default`.
nn_choice <- function(x, name, choices, default = NULL) {
  if (is.null(x)) return(default)
  if (is.character(x) && length(x) == 1 && x %in% choices) return(x)
  nn_stop("argument", "`%s` must be one of %s, not %s", name,
          paste0("\"", choices, "\"", collapse = ", "), nn_describe(x))
}
