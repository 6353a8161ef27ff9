#' Random arrays
#'
#' Uniform and normal random numbers, made on the device. Two draws from R's own generator key a
#' counter-based stream (Philox 4x32-10), so `set.seed()` is enough to repeat them, and every
#' device gives the same numbers.
#'
#' @param n How many: one number for a vector, or the extents of a matrix or array.
#' @param min,max,mean,sd Single numbers, as for [runif()][stats::runif] and
#'   [rnorm()][stats::rnorm].
#' @param type `"float64"` or `"float32"`, by default as for [gpu()].
#' @inheritParams gpu
#' @return A `gpuVector`, `gpuMatrix` or `gpuArray`. Uniform numbers are greater than `min` and
#'   less than `max`.
#' @references Salmon, J. K., Moraes, M. A., Dror, R. O. and Shaw, D. E. (2011) Parallel random
#'   numbers: as easy as 1, 2, 3. \doi{10.1145/2063384.2063405}
#' @examples
#' set.seed(1)
#' gpu_runif(3, device = "host")
#' gpu_rnorm(c(2, 3), mean = 10, device = "host")
#' @export
gpu_runif <- function(n, min = 0, max = 1, type = NULL, device = NULL) {
  min <- single_number(min, "min")
  max <- single_number(max, "max")
  if (max < min) stop_status("argument", "`max`: not less than `min` is wanted")
  .Call(C_random, 0L, extents(n), min, max - min, type, device)
}

#' @rdname gpu_runif
#' @export
gpu_rnorm <- function(n, mean = 0, sd = 1, type = NULL, device = NULL) {
  mean <- single_number(mean, "mean")
  sd <- single_number(sd, "sd")
  if (sd < 0) stop_status("argument", "`sd`: not less than 0 is wanted")
  .Call(C_random, 1L, extents(n), mean, sd, type, device)
}

single_number <- function(x, name) {
  if (!is.numeric(x) || length(x) != 1 || is.na(x)) {
    stop_status("argument", paste0("`", name, "`: one number is wanted"))
  }
  as.double(x)
}

extents <- function(n) {
  ok <- is.numeric(n) && length(n) >= 1 && length(n) <= 8 && !anyNA(n)
  if (!ok || any(n < 0 | n != floor(n))) {
    stop_status("argument", "`n`: a number of elements, or 1 to 8 extents are wanted")
  }
  as.double(n)
}
