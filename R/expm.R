# The exponential of a matrix.

#' Exponential of a matrix
#'
#' `exp(x)` in the sense of matrices, the sum of `x^k / k!` with matrix powers: scaling and squaring
#' with a Pade approximant whose degree depends on the norm of `x`. The products run on the device.
#' @param x A square matrix without missing or infinite values, made by [gpu()] or to be moved to
#'   the default device.
#' @return A `gpuMatrix` of the type of `x` (integers and logical values become real numbers), with
#'   the dimnames of `x`. Elements that are too large for the type are `Inf` or `NaN`.
#' @section Errors:
#' `anygpu_error_argument` if `x` is not a square matrix, or not finite.
#' @references N. J. Higham, The scaling and squaring method for the matrix exponential revisited,
#'   SIAM Journal on Matrix Analysis and Applications 26 (2005).
#' @examples
#' x <- gpu(matrix(c(0, 1, -1, 0), 2), device = "host")
#' gpu_expm(x)
#' c(cos(1), sin(1))
#' @export
gpu_expm <- function(x) {
  if (!is_gpu(x)) x <- gpu(x)
  if (!is.double(x)) x <- .Call(C_cast, x, if (has_float64(x)) "float64" else "float32")
  d <- dim(x)
  if (length(d) != 2L || d[1L] != d[2L]) {
    stop_status("argument", "`gpu_expm`: `x` must be a square matrix")
  }
  if (d[1L] == 0L) return(x)
  norm <- plain(max(colSums(abs(x))))
  if (!is.finite(norm) && !all(is.finite(x))) {
    stop_status("argument", "`gpu_expm`: infinite or missing values in `x`")
  }
  names <- dimnames(x)
  result <- squared_pade(unname(x), norm)
  if (!is.null(names)) dimnames(result) <- names
  result
}

has_float64 <- function(x) "float64" %in% types_of_device(device_of(x))

# The largest norms for which the approximants of these degrees are exact to working precision
# (Higham 2005, tables 2.3 and 2.1).
pade_limits <- list(
  float64 = c("3" = 1.495585217958292e-2, "5" = 2.539398330063230e-1, "7" = 9.504178996162932e-1,
              "9" = 2.097847961257068, "13" = 5.371920351148152),
  float32 = c("3" = 4.258730016922831e-1, "5" = 1.880152677804762, "7" = 3.925724783138660)
)

squared_pade <- function(x, norm) {
  limits <- pade_limits[[gpu_type(x)]]
  last <- limits[[length(limits)]]
  fits <- which(norm <= limits)
  if (length(fits)) return(pade(x, as.integer(names(limits)[fits[1L]])))
  # a norm that overflows is no larger than the type's largest number times the size
  size <- if (is.finite(norm)) log2(norm) else log2(nrow(x)) + log2(.Machine$double.xmax)
  squarings <- max(0, ceiling(size - log2(last)))
  half <- floor(squarings / 2) # 2^squarings itself may overflow
  result <- pade(x * 2^-half * 2^(half - squarings), as.integer(names(limits)[length(limits)]))
  for (i in seq_len(squarings)) result <- result %*% result
  result
}

# r(x) = q(x)^-1 p(x), p and q of degree m: p = even + odd, q = even - odd.
pade <- function(x, m) {
  b <- pade_coefficients(m)
  one <- .Call(C_eye, nrow(x), gpu_type(x), device_of(x))
  x2 <- gpu_force(x %*% x)
  powers <- list(one, x2)
  while (2 * length(powers) <= min(m, 7)) {
    powers[[length(powers) + 1L]] <- gpu_force(powers[[length(powers)]] %*% x2)
  }
  if (m == 9) powers[[5L]] <- gpu_force(powers[[3L]] %*% powers[[3L]])
  odd <- weighted_sum(b[seq(2, min(m, 9) + 1, 2)][seq_along(powers)], powers)
  even <- weighted_sum(b[seq(1, min(m, 9) + 1, 2)][seq_along(powers)], powers)
  if (m == 13) { # x^8, x^10, x^12 are x^6 times what is there
    high <- powers[2:4]
    odd <- powers[[4L]] %*% weighted_sum(b[c(10, 12, 14)], high) + odd
    even <- powers[[4L]] %*% weighted_sum(b[c(9, 11, 13)], high) + even
  }
  odd <- gpu_force(x %*% odd)
  solve(even - odd, even + odd)
}

weighted_sum <- function(b, powers) Reduce(`+`, Map(`*`, powers, b))

# (2m - k)! / ((m - k)! k!), a multiple of them, from k = 0 to k = m, for which it is 1.
pade_coefficients <- function(m) {
  b <- rep(1, m + 1)
  for (k in (m - 1):0) b[k + 1] <- b[k + 2] * (2 * m - k) * (k + 1) / (m - k)
  b
}
