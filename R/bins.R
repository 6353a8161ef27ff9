# Counting into bins.

#' @rdname sort.gpu
#' @export
tabulate <- function(bin, nbins = max(1L, bin, na.rm = TRUE)) {
  if (!is_gpu(bin)) return(base::tabulate(bin, nbins))
  if (missing(nbins)) nbins <- largest_bin(bin)
  nbins <- plain(nbins)
  here <- is.numeric(bin) && is.numeric(nbins) && length(nbins) == 1L &&
    isTRUE(nbins >= 0 & nbins <= .Machine$integer.max)
  if (here) .Call(C_tabulate, bin, nbins) else in_r("tabulate", list(bin, nbins), bin)
}

largest_bin <- function(bin) {
  s <- .Call(C_sort, bin, TRUE, NA)
  if (length(s)) max(1L, as.integer(.Call(C_pick, s, 1))) else 1L
}

#' @rdname sort.gpu
#' @export
findInterval <- function(x, vec, rightmost.closed = FALSE, all.inside = FALSE, left.open = FALSE,
                         ...) {
  if (!is_gpu(x)) {
    return(base::findInterval(x, plain(vec), rightmost.closed, all.inside, left.open, ...))
  }
  vec <- plain(vec)
  here <- is_flag(rightmost.closed) && is_flag(all.inside) && is_flag(left.open) &&
    identical(FALSE, is.unsorted(vec)) && is.numeric(vec) && length(vec) > 1L
  result <- if (here) {
    .Call(C_search, x, vec, left.open, rightmost.closed, as.integer(all.inside))
  }
  if (!is.null(result)) return(result)
  in_r("findInterval", list(x, vec, rightmost.closed, all.inside, left.open, ...), x)
}

#' @rdname sort.gpu
#' @param breaks,labels,include.lowest,right,dig.lab,ordered_result As for R's [cut()].
#' @exportS3Method
cut.gpu <- function(x, breaks, labels = NULL, include.lowest = FALSE, right = TRUE, dig.lab = 3L,
                    ordered_result = FALSE, ...) {
  breaks <- plain(breaks)
  if (length(breaks) == 1L && isTRUE(breaks >= 2) && length(x)) {
    breaks <- equal_breaks(range_without_na(x), breaks)
  }
  # an empty factor has the levels, and R raises the errors
  if (length(breaks) > 1L && is.numeric(x)) {
    none <- base_try(cut(numeric(), breaks, labels, include.lowest, right, dig.lab, ordered_result,
                         ...))
    codes <- .Call(C_search, x, sort(as.double(breaks)), right, include.lowest, 2L)
    if (!is.null(codes)) return(with_levels(codes, none))
  }
  in_r("cut", list(x, breaks, labels, include.lowest, right, dig.lab, ordered_result, ...))
}

with_levels <- function(codes, none) {
  if (!is.factor(none)) return(codes)
  codes <- as.vector(plain(codes))
  attributes(codes) <- attributes(none)
  codes
}

range_without_na <- function(x) {
  s <- sorted_numbers(x)
  as.double(.Call(C_pick, s$values, c(1, s$n)[s$n > 0]))
}

# As R's cut.default().
equal_breaks <- function(ends, n) {
  n <- as.integer(n + 1)
  width <- diff(ends)
  if (length(width) == 0L) return(n - 1L)
  if (width == 0) {
    width <- if (ends[1] != 0) abs(ends[1]) else 1
    return(seq.int(ends[1] - width / 1000, ends[2] + width / 1000, length.out = n))
  }
  breaks <- seq.int(ends[1], ends[2], length.out = n)
  breaks[c(1L, n)] <- c(ends[1] - width / 1000, ends[2] + width / 1000)
  breaks
}
