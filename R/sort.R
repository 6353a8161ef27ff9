# Sorting: values, and the order of rows.

#' Sorting on the device
#'
#' [sort()], [order()], [rank()], [quantile()][stats::quantile], [median()][stats::median],
#' [unique()], [duplicated()], [match()], `%in%`, [tabulate()], [cut()] and [findInterval()] of
#' arrays made by [gpu()] run on their device, with R's results: the order of equal values is that
#' in which they came, and missing values go where `na.last` says. `order()`, `match()`, `%in%`,
#' `tabulate()` and `findInterval()` are functions of this package, which hand everything
#' that is not on a device to R's of the same name.
#'
#' Names, `partial`, `incomparables`, other types of quantiles than 7, `ties.method = "random"` and
#' arrays with dimensions (of [unique()] and [duplicated()]) are worked on in R.
#'
#' @param x,table,bin Arrays made by [gpu()], or what R's functions take.
#' @param decreasing,na.last,method,nomatch,incomparables,nbins,... As for the functions of base R;
#'   `...` of `order()` are keys of the same length.
#' @param vec,rightmost.closed,all.inside,left.open As for R's [findInterval()].
#' @return What the functions of R give. `sort()`, `order()`, `rank()`, `match()`, `tabulate()` and
#'   `findInterval()`: a `gpuVector`; `quantile()`, `median()` and `anyDuplicated()`: ordinary
#'   numbers; `cut()`: a factor.
#' @section Errors:
#' `anygpu_error_argument` where R's functions raise an error.
#' @examples
#' x <- gpu(c(3, 1, NA, 2, 1), device = "host")
#' sort(x, na.last = TRUE)
#' order(x, decreasing = TRUE)
#' median(x, na.rm = TRUE)
#' unique(x)
#' x %in% c(1, 2)
#' findInterval(x, c(1, 2))
#' @name sort.gpu
NULL

# Rows are int32 on the device.
is_sortable <- function(x) length(x) <= .Machine$integer.max

is_flag <- function(x) is.logical(x) && length(x) == 1L && !is.na(x)

#' @rdname sort.gpu
#' @exportS3Method
sort.gpu <- function(x, decreasing = FALSE, na.last = NA, ...) {
  plain_call <- ...length() == 0L && is_flag(decreasing) && is.logical(na.last) &&
    length(na.last) == 1L && length(dim(x)) != 1L && is_sortable(x)
  if (!plain_call) {
    return(in_r("sort", list(x, decreasing = decreasing, na.last = na.last, ...), x))
  }
  result <- .Call(C_sort, x, decreasing, na.last)
  if (is.null(names(x))) return(result)
  names(result) <- names(x)[plain(.Call(C_order, list(x), decreasing, na.last))]
  result
}

#' @rdname sort.gpu
#' @export
order <- function(..., na.last = TRUE, decreasing = FALSE, method = c("auto", "shell", "radix")) {
  keys <- list(...)
  ours <- vapply(keys, is_gpu, NA)
  if (!any(ours)) {
    return(base::order(..., na.last = na.last, decreasing = decreasing, method = method))
  }
  result <- order_here(keys, na.last, as.logical(decreasing), method)
  if (!is.null(result)) return(result)
  options <- list(na.last = na.last, decreasing = decreasing, method = method)
  in_r("order", c(keys, options), keys[[which(ours)[1L]]])
}

# NULL if R has to do it, and for arguments that R has to complain about.
order_here <- function(keys, na.last, decreasing, method) {
  good <- length(unique(lengths(keys))) == 1L && !anyNA(decreasing) && is.logical(na.last) &&
    length(na.last) == 1L && all(method %in% c("auto", "shell", "radix")) &&
    length(decreasing) %in% c(1L, if (!identical(method, "shell")) length(keys))
  if (!good) return(NULL)
  if (is.na(na.last) && length(keys) > 1L) {
    if (any(vapply(keys, anyNA, NA))) return(NULL)
    na.last <- TRUE
  }
  .Call(C_order, unname(keys), rep_len(decreasing, length(keys)), na.last)
}

#' @exportMethod rank
setGeneric("rank")
setMethod("rank", "gpu", function(x, na.last = "keep", ties.method = c(
                                    "average", "first", "last", "random", "max", "min"
                                  )) {
  if (missing(na.last)) na.last <- formals(base::rank)$na.last # differs between versions of R
  ties <- base_try(match.arg(ties.method))
  result <- rank_here(x, na.last, ties)
  if (is.null(result)) {
    return(in_r("rank", list(x, na.last = na.last, ties.method = ties), x))
  }
  names(result) <- names(x)
  result
})

rank_here <- function(x, na.last, ties) {
  keep <- identical(na.last, "keep")
  if (ties == "random" || length(na.last) != 1L) return(NULL)
  if (length(x) == 0L || !is_sortable(x)) return(NULL)
  if (!keep && is.na(na.last)) {
    if (anyNA(x)) return(NULL)
    na.last <- TRUE
  }
  if (!keep && !is_flag(na.last)) return(NULL)
  o <- .Call(C_order, list(x), FALSE, keep || na.last)
  # R's own result has another type when nothing is left
  if (keep && is.na(.Call(C_pick, x, as.double(.Call(C_pick, o, 1))))) return(NULL)
  result <- .Call(C_rank, x, o, ties, !keep && !na.last, keep, FALSE)
  if (is.null(dim(result))) result else .Call(C_reshape, result, NULL)
}
