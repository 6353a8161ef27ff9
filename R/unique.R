# Equal values: found by sorting.

# Base R's own methods are for arrays with dimensions and for values that never match.
is_plain_vector <- function(x, incomparables) {
  is.null(dim(x)) && length(x) > 0L && is_sortable(x) && identical(incomparables, FALSE)
}

#' @rdname sort.gpu
#' @param fromLast As for R's [duplicated()].
#' @exportS3Method
duplicated.gpu <- function(x, incomparables = FALSE, fromLast = FALSE, ...) {
  if (is_plain_vector(x, incomparables) && is_flag(fromLast)) {
    return(.Call(C_duplicated, x, fromLast))
  }
  in_r("duplicated", list(x, incomparables = incomparables, fromLast = fromLast, ...), x)
}

#' @rdname sort.gpu
#' @exportS3Method
unique.gpu <- function(x, incomparables = FALSE, fromLast = FALSE, ...) {
  if (!(is_plain_vector(x, incomparables) && is_flag(fromLast))) {
    return(in_r("unique", list(x, incomparables = incomparables, fromLast = fromLast, ...), x))
  }
  repeats <- .Call(C_duplicated, x, fromLast)
  first <- .Call(C_order, list(repeats), FALSE, TRUE) # those that are no repeats, as they come
  .Call(C_head, .Call(C_take, x, first), length(x) - as.double(sum(repeats)))
}

#' @rdname sort.gpu
#' @exportS3Method
anyDuplicated.gpu <- function(x, incomparables = FALSE, fromLast = FALSE, ...) {
  if (!(is_plain_vector(x, incomparables) && is_flag(fromLast))) {
    args <- list(x, incomparables = incomparables, fromLast = fromLast, ...)
    return(in_r("anyDuplicated", args))
  }
  repeats <- .Call(C_duplicated, x, fromLast)
  o <- .Call(C_order, list(repeats), !fromLast, TRUE) # repeats come first, or last
  at <- .Call(C_pick, o, if (fromLast) as.double(length(x)) else 1)
  if (.Call(C_pick, repeats, as.double(at))) at else 0L
}

#' @rdname sort.gpu
#' @export
match <- function(x, table, nomatch = NA_integer_, incomparables = NULL) {
  if (!is_gpu(x) && !is_gpu(table)) return(base::match(x, table, nomatch, incomparables))
  here <- is.null(incomparables) || identical(incomparables, FALSE)
  result <- if (here) .Call(C_match, x, table, as.integer(nomatch))
  if (!is.null(result)) return(result)
  in_r("match", list(x, table, nomatch, incomparables), if (is_gpu(x)) x else table)
}

#' @rdname sort.gpu
#' @export
`%in%` <- function(x, table) match(x, table, nomatch = 0L) > 0L
