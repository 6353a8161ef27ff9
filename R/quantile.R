# Quantiles: a sort, of which a few elements come back.

# The values in order without the missing ones, and whether there were any.
sorted_numbers <- function(x) {
  s <- .Call(C_sort, x, FALSE, NA)
  list(values = s, n = length(s), missing = length(s) < length(x))
}

#' @rdname sort.gpu
#' @param na.rm,probs,names,type As for R's [quantile()][stats::quantile].
#' @importFrom stats quantile
#' @exportS3Method
quantile.gpu <- function(x, probs = seq(0, 1, 0.25), na.rm = FALSE, names = TRUE, type = 7, ...) {
  probs <- plain(probs)
  here <- identical(as.double(type), 7) && is.numeric(probs) && !is.logical(x) &&
    is_sortable(x)
  if (!here) return(quantile_in_r(x, probs, na.rm, names, type, ...))
  s <- sorted_numbers(x)
  if (s$n == 0L || (s$missing && !na.rm)) {
    return(quantile_in_r(x, probs, na.rm, names, type, ...))
  }
  # checks probs, and has the names
  ends <- base_try(stats::quantile(c(0, 1), probs, names = names, ...))
  at <- 1 + (s$n - 1) * pmax(0, pmin(1, probs))
  ok <- !is.na(at)
  low <- floor(at[ok])
  part <- at[ok] - low
  below <- as.double(.Call(C_pick, s$values, low))
  above <- as.double(.Call(C_pick, s$values, ceiling(at[ok])))
  between <- part > 0 & above != below
  below[between] <- ((1 - part) * below + part * above)[between]
  ends[ok] <- below
  ends
}

quantile_in_r <- function(x, probs, na.rm, names, type, ...) {
  args <- list(x, probs, na.rm = na.rm, names = names, type = type, ...)
  in_r("quantile", args, f = stats::quantile)
}

#' @rdname sort.gpu
#' @importFrom stats median
#' @exportS3Method
median.gpu <- function(x, na.rm = FALSE, ...) {
  if (!is_sortable(x)) return(in_r("median", list(x, na.rm = na.rm), f = stats::median))
  s <- sorted_numbers(x)
  none <- as.vector(NA, typeof(x))
  if (s$n == 0L || (s$missing && !isTRUE(na.rm))) return(none)
  half <- (s$n + 1) %/% 2
  if (s$n %% 2 == 1) .Call(C_pick, s$values, half) else mean(.Call(C_pick, s$values, half + 0:1))
}
