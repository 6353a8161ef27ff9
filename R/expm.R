# The matrix exponential: scaling and squaring with Pade approximants (Higham, SIAM J. Matrix Anal.
# Appl. 26, 2005).

#' The exponential of a matrix
#'
#' `I + x + x^2/2! + x^3/3! + ...`, by scaling and squaring: all of it products on the device, and
#' one linear system.
#' @param x A square matrix, made by [gpu()] or ordinary (which then goes to the default device).
#' @return A `gpuMatrix` with the dimnames of `x`, of real type.
#' @section Errors:
#' `anygpu_error_shape` for what is no square matrix, `anygpu_error_argument` where elements are
#' missing or not finite.
#' @examples
#' gpu_expm(gpu(matrix(c(0, 1, -1, 0), 2), device = "host"))
#' c(cos(1), sin(1))
#' @seealso [solve.gpu]
#' @export
gpu_expm <- function(x) {
  if (!is_gpu(x)) x <- gpu(as.matrix(x))
  if (!is.matrix(x) || nrow(x) != ncol(x)) {
    stop_status("shape", "gpu_expm(): a square matrix is wanted")
  }
  if (!is.double(x)) x <- x * 1
  if (!length(x)) return(x)
  norm <- plain(max(colSums(abs(x))))
  if (!is.finite(norm)) stop_status("argument", "gpu_expm(): an element is missing or not finite")
  single <- identical(gpu_type(x), "float32")
  table <- if (single) pade_single else pade_double
  degree <- c(which(norm <= table$theta), nrow(table))[1L]
  doublings <- max(0, ceiling(log2(norm / table$theta[degree])))
  y <- unname(x)
  # two steps, as 2^-doublings may be too small a number
  if (doublings > 0) y <- y / 2^(doublings %/% 2) / 2^(doublings - doublings %/% 2)
  y <- pade(y, table$degree[degree])
  for (i in seq_len(doublings)) y <- gpu_force(y %*% y)
  dimnames(y) <- dimnames(x)
  y
}

# Up to which 1-norm the approximant of a degree is exact to the last digit.
pade_double <- data.frame(
  degree = c(3, 5, 7, 9, 13),
  theta = c(1.495585217958292e-2, 2.539398330063230e-1, 9.504178996162932e-1, 2.097847961257068,
            5.371920351148152)
)
pade_single <- data.frame(
  degree = c(3, 5, 7), theta = c(4.258730016922831e-1, 1.880152677804762, 3.925724783138660)
)

# Coefficients of the numerator, of powers 0, ..., m, the last one 1.
pade_coefficients <- function(m) {
  j <- 0:m
  factorial(2 * m - j) * factorial(m) / (factorial(2 * m) * factorial(m - j) * factorial(j)) *
    factorial(2 * m) / factorial(m)
}

# q(x)^-1 p(x) with p(x) = even + odd and q(x) = even - odd powers.
pade <- function(x, m) {
  b <- pade_coefficients(m)
  one <- gpu_eye(nrow(x), gpu_type(x), device_of(x))
  x2 <- x %*% x
  parts <- if (m == 13) pade_13(x2, one, b) else pade_low(x2, one, b)
  odd <- x %*% parts$odd
  solve(parts$even - odd, parts$even + odd, tol = 0)
}

pade_low <- function(x2, one, b) {
  even <- b[1] * one
  odd <- b[2] * one
  power <- one
  for (k in seq(3, length(b), 2)) {
    power <- if (k == 3) x2 else power %*% x2
    even <- even + b[k] * power
    odd <- odd + b[k + 1] * power
  }
  list(even = even, odd = odd)
}

# Six products instead of seven.
pade_13 <- function(x2, one, b) {
  x4 <- x2 %*% x2
  x6 <- x4 %*% x2
  list(
    odd = x6 %*% (b[14] * x6 + b[12] * x4 + b[10] * x2) + b[8] * x6 + b[6] * x4 + b[4] * x2 +
      b[2] * one,
    even = x6 %*% (b[13] * x6 + b[11] * x4 + b[9] * x2) + b[7] * x6 + b[5] * x4 + b[3] * x2 +
      b[1] * one
  )
}
