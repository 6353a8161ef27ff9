# The rows and columns of a matrix, by matrixStats' names.

#' Statistics of rows and columns
#'
#' The functions of the package matrixStats of these names, on a device: `rowVars(x)` is
#' `apply(x, 1, var)`, `colCumsums(x)` is `apply(x, 2, cumsum)`, and so on. Variances are computed
#' in two passes, `rowLogSumExps(x)` is log(sum(exp(x))) without overflow. `rowWhichMaxs()` gives
#' the place of the first of the largest elements, as `max.col(x, "first")`.
#'
#' @param x A matrix: one made by [gpu()], or an ordinary one, which goes to the default device.
#'   Numeric; for `rowAnys()`, `rowAlls()`, `rowCounts()` logical or numeric.
#' @param lx As `x`: logarithms.
#' @param rows,cols What to use of the matrix: indices, or `NULL` for all.
#' @param na.rm Whether `NA` and `NaN` are left out.
#' @param value What to look for: `TRUE`, `FALSE`, `NA` or a number.
#' @param ... Not used.
#' @param useNames Whether the names of rows and columns are kept.
#' @return A vector with an element for each row or column; a matrix of two columns for
#'   `rowRanges()` and `colRanges()`; a matrix like `x` for the cumulative functions. Without
#'   `na.rm` a missing
#'   value makes the result of its row missing. Integers stay integers in maxima, minima, ranges and
#'   cumulative sums, with `NA` and a warning where a sum does not fit.
#' @section Errors:
#' An `anygpu_error_shape` if `x` is no matrix; for `rowWhichMaxs()` also if it has no columns.
#' @source Bengtsson, H., the package matrixStats: names and arguments.
#' @examples
#' x <- gpu(matrix(c(1, 5, 3, 2), 2), device = "host")
#' rowMaxs(x)
#' rowWhichMaxs(x)
#' colVars(x)
#' rowCumsums(x)
#' rowCounts(x, value = 5)
#' @name rowstats
NULL

# The part of x that is asked for, as an array of ours.
part_of <- function(x, rows, cols, caller) {
  x <- if (is_gpu(x)) x else gpu(x)
  if (length(dim(x)) != 2) stop_status("shape", paste0(caller, "(): a matrix is wanted"))
  if (is.null(rows) && is.null(cols)) return(x)
  x[if (is.null(rows)) TRUE else rows, if (is.null(cols)) TRUE else cols, drop = FALSE]
}

# The statistic `name` of each row (by_row) or column; `f` does what the device cannot, on a matrix.
stat_by <- function(name, f, by_row, caller, x, rows, cols, na.rm, useNames) {
  x <- part_of(x, rows, cols, caller)
  result <- .Call(C_reduce_dims, name, x, by_row, 1L, isTRUE(na.rm))
  if (is.null(result)) result <- in_r(name, list(x, if (by_row) 1L else 2L, f), x, apply)
  if (!isTRUE(useNames)) names(result) <- NULL
  result
}

extreme_by <- function(name, by_row, caller, x, rows, cols, na.rm, useNames) {
  x <- part_of(x, rows, cols, caller)
  n <- if (by_row) ncol(x) else nrow(x)
  # an infinity stands for the extreme of nothing, which no integer holds
  if (!is.double(x) && (isTRUE(na.rm) || n == 0)) {
    result <- stat_by(name, get(name), by_row, caller, x * 1, NULL, NULL, na.rm, useNames)
    return(if (isTRUE(plain(any(abs(result) == Inf)))) result else gpu(result, "int32"))
  }
  stat_by(name, get(name), by_row, caller, x, NULL, NULL, na.rm, useNames)
}

scan_by <- function(name, by_row, caller, x, rows, cols, useNames) {
  x <- part_of(x, rows, cols, caller)
  result <- .Call(C_scan_rows, name, x, by_row)
  if (name == "cumsum" && is.integer(result) && anyNA(result) && !anyNA(x)) {
    warning("integer overflow in '", caller, "': such sums are NA", call. = FALSE)
  }
  if (!isTRUE(useNames)) dimnames(result) <- NULL
  result
}

# Whether elements are `value`, as logical.
is_value <- function(x, value) {
  if (length(value) != 1) stop_status("argument", "`value`: a single value is wanted")
  if (is.na(value)) return(is.na(x))
  if (isTRUE(value)) !(!x) else if (isFALSE(value)) !x else x == value
}

truth_by <- function(name, f, by_row, caller, x, rows, cols, value, na.rm, useNames) {
  x <- is_value(part_of(x, rows, cols, caller), value)
  stat_by(name, f, by_row, caller, x, NULL, NULL, na.rm, useNames)
}

#' @rdname rowstats
#' @export
rowVars <- function(x, rows = NULL, cols = NULL, na.rm = FALSE, ..., useNames = TRUE) {
  stat_by("var", function(v) stats::var(v, na.rm = na.rm), TRUE, "rowVars", x, rows, cols,
    na.rm, useNames)
}

#' @rdname rowstats
#' @export
colVars <- function(x, rows = NULL, cols = NULL, na.rm = FALSE, ..., useNames = TRUE) {
  stat_by("var", function(v) stats::var(v, na.rm = na.rm), FALSE, "colVars", x, rows, cols,
    na.rm, useNames)
}

#' @rdname rowstats
#' @export
rowSds <- function(x, rows = NULL, cols = NULL, na.rm = FALSE, ..., useNames = TRUE) {
  stat_by("sd", function(v) stats::sd(v, na.rm = na.rm), TRUE, "rowSds", x, rows, cols,
    na.rm, useNames)
}

#' @rdname rowstats
#' @export
colSds <- function(x, rows = NULL, cols = NULL, na.rm = FALSE, ..., useNames = TRUE) {
  stat_by("sd", function(v) stats::sd(v, na.rm = na.rm), FALSE, "colSds", x, rows, cols,
    na.rm, useNames)
}

#' @rdname rowstats
#' @export
rowProds <- function(x, rows = NULL, cols = NULL, na.rm = FALSE, ..., useNames = TRUE) {
  stat_by("prod", function(v) prod(v, na.rm = na.rm), TRUE, "rowProds", x, rows, cols,
    na.rm, useNames)
}

#' @rdname rowstats
#' @export
colProds <- function(x, rows = NULL, cols = NULL, na.rm = FALSE, ..., useNames = TRUE) {
  stat_by("prod", function(v) prod(v, na.rm = na.rm), FALSE, "colProds", x, rows, cols,
    na.rm, useNames)
}

#' @rdname rowstats
#' @export
rowLogSumExps <- function(lx, rows = NULL, cols = NULL, na.rm = FALSE, ..., useNames = TRUE) {
  stat_by("lse", function(v) log(sum(exp(v), na.rm = na.rm)), TRUE, "rowLogSumExps", lx, rows,
    cols, na.rm, useNames)
}

#' @rdname rowstats
#' @export
colLogSumExps <- function(lx, rows = NULL, cols = NULL, na.rm = FALSE, ..., useNames = TRUE) {
  stat_by("lse", function(v) log(sum(exp(v), na.rm = na.rm)), FALSE, "colLogSumExps", lx, rows,
    cols, na.rm, useNames)
}

#' @rdname rowstats
#' @export
rowMaxs <- function(x, rows = NULL, cols = NULL, na.rm = FALSE, ..., useNames = TRUE) {
  extreme_by("max", TRUE, "rowMaxs", x, rows, cols, na.rm, useNames)
}

#' @rdname rowstats
#' @export
colMaxs <- function(x, rows = NULL, cols = NULL, na.rm = FALSE, ..., useNames = TRUE) {
  extreme_by("max", FALSE, "colMaxs", x, rows, cols, na.rm, useNames)
}

#' @rdname rowstats
#' @export
rowMins <- function(x, rows = NULL, cols = NULL, na.rm = FALSE, ..., useNames = TRUE) {
  extreme_by("min", TRUE, "rowMins", x, rows, cols, na.rm, useNames)
}

#' @rdname rowstats
#' @export
colMins <- function(x, rows = NULL, cols = NULL, na.rm = FALSE, ..., useNames = TRUE) {
  extreme_by("min", FALSE, "colMins", x, rows, cols, na.rm, useNames)
}

#' @rdname rowstats
#' @export
rowCumsums <- function(x, rows = NULL, cols = NULL, ..., useNames = TRUE) {
  scan_by("cumsum", TRUE, "rowCumsums", x, rows, cols, useNames)
}

#' @rdname rowstats
#' @export
colCumsums <- function(x, rows = NULL, cols = NULL, ..., useNames = TRUE) {
  scan_by("cumsum", FALSE, "colCumsums", x, rows, cols, useNames)
}

#' @rdname rowstats
#' @export
rowCumprods <- function(x, rows = NULL, cols = NULL, ..., useNames = TRUE) {
  scan_by("cumprod", TRUE, "rowCumprods", x, rows, cols, useNames)
}

#' @rdname rowstats
#' @export
colCumprods <- function(x, rows = NULL, cols = NULL, ..., useNames = TRUE) {
  scan_by("cumprod", FALSE, "colCumprods", x, rows, cols, useNames)
}

#' @rdname rowstats
#' @export
rowCummaxs <- function(x, rows = NULL, cols = NULL, ..., useNames = TRUE) {
  scan_by("cummax", TRUE, "rowCummaxs", x, rows, cols, useNames)
}

#' @rdname rowstats
#' @export
colCummaxs <- function(x, rows = NULL, cols = NULL, ..., useNames = TRUE) {
  scan_by("cummax", FALSE, "colCummaxs", x, rows, cols, useNames)
}

#' @rdname rowstats
#' @export
rowCummins <- function(x, rows = NULL, cols = NULL, ..., useNames = TRUE) {
  scan_by("cummin", TRUE, "rowCummins", x, rows, cols, useNames)
}

#' @rdname rowstats
#' @export
colCummins <- function(x, rows = NULL, cols = NULL, ..., useNames = TRUE) {
  scan_by("cummin", FALSE, "colCummins", x, rows, cols, useNames)
}

#' @rdname rowstats
#' @export
rowAnys <- function(x, rows = NULL, cols = NULL, value = TRUE, na.rm = FALSE, ...,
                    useNames = TRUE) {
  truth_by("any", function(v) any(v, na.rm = na.rm), TRUE, "rowAnys", x, rows, cols, value,
    na.rm, useNames)
}

#' @rdname rowstats
#' @export
colAnys <- function(x, rows = NULL, cols = NULL, value = TRUE, na.rm = FALSE, ...,
                    useNames = TRUE) {
  truth_by("any", function(v) any(v, na.rm = na.rm), FALSE, "colAnys", x, rows, cols, value,
    na.rm, useNames)
}

#' @rdname rowstats
#' @export
rowAlls <- function(x, rows = NULL, cols = NULL, value = TRUE, na.rm = FALSE, ...,
                    useNames = TRUE) {
  truth_by("all", function(v) all(v, na.rm = na.rm), TRUE, "rowAlls", x, rows, cols, value,
    na.rm, useNames)
}

#' @rdname rowstats
#' @export
colAlls <- function(x, rows = NULL, cols = NULL, value = TRUE, na.rm = FALSE, ...,
                    useNames = TRUE) {
  truth_by("all", function(v) all(v, na.rm = na.rm), FALSE, "colAlls", x, rows, cols, value,
    na.rm, useNames)
}

#' @rdname rowstats
#' @export
rowCounts <- function(x, rows = NULL, cols = NULL, value = TRUE, na.rm = FALSE, ...,
                      useNames = TRUE) {
  truth_by("count", function(v) sum(v, na.rm = na.rm), TRUE, "rowCounts", x, rows, cols, value,
    na.rm, useNames)
}

#' @rdname rowstats
#' @export
colCounts <- function(x, rows = NULL, cols = NULL, value = TRUE, na.rm = FALSE, ...,
                      useNames = TRUE) {
  truth_by("count", function(v) sum(v, na.rm = na.rm), FALSE, "colCounts", x, rows, cols, value,
    na.rm, useNames)
}

#' @rdname rowstats
#' @export
rowAnyNAs <- function(x, rows = NULL, cols = NULL, ..., useNames = TRUE) {
  truth_by("any", any, TRUE, "rowAnyNAs", x, rows, cols, NA, FALSE, useNames)
}

#' @rdname rowstats
#' @export
colAnyNAs <- function(x, rows = NULL, cols = NULL, ..., useNames = TRUE) {
  truth_by("any", any, FALSE, "colAnyNAs", x, rows, cols, NA, FALSE, useNames)
}

#' @rdname rowstats
#' @export
rowRanges <- function(x, rows = NULL, cols = NULL, na.rm = FALSE, ..., useNames = TRUE) {
  ranges_by(TRUE, "rowRanges", x, rows, cols, na.rm, useNames)
}

#' @rdname rowstats
#' @export
colRanges <- function(x, rows = NULL, cols = NULL, na.rm = FALSE, ..., useNames = TRUE) {
  ranges_by(FALSE, "colRanges", x, rows, cols, na.rm, useNames)
}

ranges_by <- function(by_row, caller, x, rows, cols, na.rm, useNames) {
  x <- part_of(x, rows, cols, caller)
  low <- extreme_by("min", by_row, caller, x, NULL, NULL, na.rm, FALSE)
  high <- extreme_by("max", by_row, caller, x, NULL, NULL, na.rm, FALSE)
  if (is.double(low) != is.double(high)) low <- low * 1
  result <- .Call(C_columns, low, high)
  names <- dimnames(x)[[if (by_row) 1L else 2L]]
  if (isTRUE(useNames) && !is.null(names)) dimnames(result) <- list(names, NULL)
  result
}

#' @rdname rowstats
#' @export
rowWhichMaxs <- function(x, rows = NULL, cols = NULL, ..., useNames = FALSE) {
  which_by(TRUE, "rowWhichMaxs", x, rows, cols, useNames)
}

#' @rdname rowstats
#' @export
colWhichMaxs <- function(x, rows = NULL, cols = NULL, ..., useNames = FALSE) {
  which_by(FALSE, "colWhichMaxs", x, rows, cols, useNames)
}

which_by <- function(by_row, caller, x, rows, cols, useNames) {
  x <- part_of(x, rows, cols, caller)
  if (dim(x)[if (by_row) 2L else 1L] == 0) {
    stop_status("shape", paste0(
      caller, "(): a matrix with at least one ", if (by_row) "column" else "row", " is wanted"
    ))
  }
  first <- function(v) if (anyNA(v)) NA else which.max(v)
  stat_by("which.max", first, by_row, caller, x, NULL, NULL, FALSE, useNames)
}
