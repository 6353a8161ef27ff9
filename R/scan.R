# Cumulative functions and differences.

cumulate <- function(name, x) {
  result <- .Call(C_scan, name, x)
  if (is.null(result)) in_r(name, list(x), x) else result
}

#' @exportMethod cumsum
setMethod("cumsum", "gpu", function(x) cumulate("cumsum", x))
#' @exportMethod cumprod
setMethod("cumprod", "gpu", function(x) cumulate("cumprod", x))
#' @exportMethod cummax
setMethod("cummax", "gpu", function(x) cumulate("cummax", x))
#' @exportMethod cummin
setMethod("cummin", "gpu", function(x) cumulate("cummin", x))

# As diff.default(): a matrix is taken by its rows.
#' @exportS3Method
diff.gpu <- function(x, lag = 1L, differences = 1L, ...) {
  if (length(lag) != 1L || length(differences) != 1L || lag < 1L || differences < 1L) {
    stop_status("argument", "'lag' and 'differences' must be integers >= 1")
  }
  lag <- as.integer(lag)
  n <- if (is.matrix(x)) nrow(x) else length(x)
  if (lag * differences >= n) return(x[0L])
  for (i in seq_len(differences)) {
    n <- if (is.matrix(x)) nrow(x) else length(x)
    later <- (1L + lag):n
    earlier <- 1L:(n - lag)
    x <- if (is.matrix(x)) x[later, , drop = FALSE] - x[earlier, , drop = FALSE]
    else x[later] - x[earlier]
  }
  x
}
