# Variances and covariances.

#' Variance, covariance and correlation
#'
#' As [stats::var()], [stats::sd()], [stats::cov()] and [stats::cor()]. Of arrays made by [gpu()]
#' they are computed on the device, in two passes: means first, then products of the deviations.
#' Missing values in matrices that are to be left out (`use`, `na.rm`) and rank correlations are
#' left to R.
#' @param x,y,na.rm,use,method As for [stats::cor()].
#' @return What the functions of the package stats give: a number, or a matrix on the device.
#' @examples
#' x <- gpu(matrix(c(1, 5, 3, 2, 2, 7), 3), device = "host")
#' var(x)
#' sd(x)
#' cor(x)
#' @name var
NULL

#' @rdname var
#' @export
var <- function(x, y = NULL, na.rm = FALSE, use) {
  if (is_gpu(x) && is.null(y) && missing(use)) {
    result <- if (length(dim(x)) == 0) .Call(C_variance, x, isTRUE(na.rm))
    else if (is.matrix(x) && !isTRUE(na.rm)) comoments(x, x)
    if (!is.null(result)) return(result)
  }
  if (!is_gpu(x) && !is_gpu(y)) return(stats::var(x, y, na.rm, use))
  args <- list(x, y, na.rm)
  if (!missing(use)) args$use <- use
  in_r("var", args, if (is_gpu(x)) x else y, stats::var)
}

#' @rdname var
#' @export
sd <- function(x, na.rm = FALSE) {
  if (!is_gpu(x)) return(stats::sd(x, na.rm))
  result <- .Call(C_variance, x, isTRUE(na.rm))
  if (is.null(result)) in_r("sd", list(x, na.rm), NULL, stats::sd) else sqrt(result)
}

#' @rdname var
#' @export
cov <- function(x, y = NULL, use = "everything", method = c("pearson", "kendall", "spearman")) {
  method <- match.arg(method)
  if (!is_gpu(x) && !is_gpu(y)) return(stats::cov(x, y, use, method))
  if (by_moments(x, y, use, method)) return(comoments(x, if (is.null(y)) x else y))
  in_r("cov", list(x, y, use, method), if (is_gpu(x)) x else y, stats::cov)
}

#' @rdname var
#' @export
cor <- function(x, y = NULL, use = "everything", method = c("pearson", "kendall", "spearman")) {
  method <- match.arg(method)
  if (!is_gpu(x) && !is_gpu(y)) return(stats::cor(x, y, use, method))
  if (by_moments(x, y, use, method)) {
    x_sd <- colSds(x, useNames = FALSE)
    y_sd <- if (is.null(y)) x_sd else colSds(y, useNames = FALSE)
    if (!isTRUE(plain(any(x_sd == 0))) && !isTRUE(plain(any(y_sd == 0)))) {
      products <- comoments(x, if (is.null(y)) x else y)
      return(products / stretch(x_sd, products, 1L) / stretch(y_sd, products, 2L))
    }
  }
  in_r("cor", list(x, y, use, method), if (is_gpu(x)) x else y, stats::cor)
}

# Two matrices of as many rows, at least 2, one of them ours.
by_moments <- function(x, y, use, method) {
  is.matrix(x) && (is.null(y) || (is.matrix(y) && nrow(x) == nrow(y))) && nrow(x) > 1 &&
    ncol(x) > 0 && (is.null(y) || ncol(y) > 0) && method == "pearson" &&
    use == "everything" && is.numeric(x) && (is.null(y) || is.numeric(y))
}

# Deviations from the columns' means.
deviations <- function(x) {
  if (!is_gpu(x)) x <- gpu(x)
  x - stretch(colMeans(x), x, 2L)
}

comoments <- function(x, y) {
  result <- crossprod(deviations(x), deviations(y)) / (nrow(x) - 1)
  dimnames(result) <- if (!is.null(colnames(x)) || !is.null(colnames(y))) {
    list(colnames(x), colnames(y))
  }
  result
}
