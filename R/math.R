#' @exportMethod Math
setMethod("Math", "gpu", function(x) .Call(C_unary, .Generic, x))

# R's log() of base 2 and 10 are functions of their own.
#' @exportMethod log
setMethod("log", "gpu", function(x, ...) {
  if (...length() == 0) return(.Call(C_unary, "log", x))
  base <- ..1
  if (identical(base, 2)) return(.Call(C_unary, "log2", x))
  if (identical(base, 10)) return(.Call(C_unary, "log10", x))
  result <- .Call(C_vectors, "log", x, base)
  if (is.null(result)) in_r("log", list(x, base), x) else result
})

#' @exportMethod Math2
setMethod("Math2", "gpu", function(x, digits) {
  result <- if (.Generic == "round") round_to(x, if (missing(digits)) 0 else digits)
  if (!is.null(result)) return(result)
  in_r(.Generic, if (missing(digits)) list(x) else list(x, digits), x)
})

# Base R: 10^digits is 1 / 10^-digits below 0; a number of that size or more is returned as it is
# if its last digit, estimated from its exponent, is right of the 15th (DBL_DIG). NULL: left to R,
# as powers of ten above the 22nd are not exact.
round_to <- function(x, digits) {
  if (!is.numeric(digits) || length(digits) != 1 || is.na(digits)) return(NULL)
  digits <- floor(digits + 0.5)
  if (digits == 0) return(.Call(C_unary, "round", x))
  if (abs(digits) > 22) return(NULL)
  exponent <- ceiling((15 - digits) / log10(2) - 0.5) + -2:2
  exponent <- exponent[log10(2) * (0.5 + exponent) + digits > 15][1]
  tens <- if (digits > 0) 10^digits else 1 / 10^-digits
  .Call(C_round, x, tens, 2^exponent)
}

# As base R: the longer one's attributes, and recycling without a warning.
#' @exportMethod atan2
setGeneric("atan2")
set_binary_methods("atan2", function(y, x) {
  result <- .Call(C_vectors, "atan2", y, x)
  if (is.null(result)) in_r("atan2", list(y, x), if (is_gpu(y)) y else x) else result
})
