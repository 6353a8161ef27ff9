# Centring, scaling and sums by group: vectors stretched over a margin.

# `v`, with an element for each place along the dimensions `margin` of x, in x's shape.
stretch <- function(v, x, margin) .Call(C_stretch, v, x, as.integer(margin))

#' Sweep out a statistic
#'
#' As [base::sweep()]. On arrays made by [gpu()] `STATS` is stretched over the array on the device,
#' without a copy, and `FUN` is called with both.
#' @param x An array.
#' @param MARGIN,STATS,FUN,check.margin,... As for [base::sweep()]. `STATS` of another length than
#'   the margin's, or with a `dim` of its own, is left to base R.
#' @return What `FUN` gives: for operators an array like `x`.
#' @examples
#' x <- gpu(matrix(1:6 / 2, 2), device = "host")
#' sweep(x, 2, colMeans(x))
#' @export
sweep <- function(x, MARGIN, STATS, FUN = "-", check.margin = TRUE, ...) {
  if (!is_gpu(x)) return(base::sweep(x, MARGIN, plain(STATS), FUN, check.margin, ...))
  f <- match.fun(FUN)
  fits <- is.numeric(MARGIN) && all(MARGIN %in% seq_along(dim(x))) && !anyDuplicated(MARGIN) &&
    is.null(dim(STATS)) && (is.numeric(STATS) || is.logical(STATS)) &&
    length(STATS) == prod(dim(x)[MARGIN]) && length(STATS) > 0 && length(dim(x)) <= 8
  if (fits) return(f(x, stretch(STATS, x, MARGIN), ...))
  in_r("sweep", list(x, MARGIN, STATS, FUN, check.margin, ...), x)
}

# As scale.default(), with the attributes as ordinary vectors.
#' @exportS3Method
scale.gpu <- function(x, center = TRUE, scale = TRUE) {
  takes <- function(v) is.logical(v) && length(v) == 1L || is.numeric(v) && length(v) == ncol(x)
  if (!is.matrix(x) || !takes(center) || !takes(scale) || !length(x)) {
    return(in_r("scale", list(x, plain(center), plain(scale)), NULL))
  }
  if (is.logical(center)) center <- if (center) colMeans(x, na.rm = TRUE)
  if (!is.null(center)) x <- x - stretch(center, x, 2L)
  if (is.logical(scale)) scale <- if (scale) root_mean_square(x)
  if (!is.null(scale)) x <- x / stretch(scale, x, 2L)
  if (!is.null(center)) attr(x, "scaled:center") <- plain(center)
  if (!is.null(scale)) attr(x, "scaled:scale") <- plain(scale)
  x
}

root_mean_square <- function(x) {
  n <- .Call(C_reduce_dims, "count", !is.na(x), FALSE, 1L, FALSE)
  sqrt(colSums(x^2, na.rm = TRUE) / .Call(C_binary, "pmax", n * 1 - 1, 1))
}

# The product with a matrix of ones where a row is in a group. What is not finite would reach all
# groups, so R does these.
#' @exportS3Method
rowsum.gpu <- function(x, group, reorder = TRUE, na.rm = FALSE, ...) {
  group <- plain(group)
  rows <- if (is.matrix(x)) nrow(x) else length(x)
  fits <- length(group) == rows && is.atomic(group) && !anyNA(group) && length(dim(x)) %in% c(0, 2)
  groups <- if (fits) unique(group)
  if (!fits || is.logical(x) || !length(x) || length(groups) * as.double(rows) > 1e8 ||
    !isTRUE(plain(sum(x * 0)) == 0)) {
    return(in_r("rowsum", list(x, group, reorder = reorder, na.rm = na.rm, ...), x))
  }
  if (isTRUE(reorder)) groups <- sort(groups, na.last = TRUE, method = "quick")
  result <- .Call(C_rowsum, x, match(group, groups) - 1L, length(groups))
  if (!is.double(x)) {
    result <- suppressWarnings(gpu(result, "int32")) # what does not fit is NA, silently as in R
    if (anyNA(result)) return(in_r("rowsum", list(x, group, reorder = reorder), x))
  }
  dimnames(result) <- list(as.character(groups), dimnames(x)[[2L]])
  result
}
