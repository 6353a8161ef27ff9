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
  if (.Generic == "round" && (missing(digits) || identical(as.double(digits), 0))) {
    return(.Call(C_unary, "round", x))
  }
  in_r(.Generic, if (missing(digits)) list(x) else list(x, digits), x)
})

# As base R: the longer one's attributes, and recycling without a warning.
#' @exportMethod atan2
setGeneric("atan2")
set_binary_methods("atan2", function(y, x) {
  result <- .Call(C_vectors, "atan2", y, x)
  if (is.null(result)) in_r("atan2", list(y, x), if (is_gpu(y)) y else x) else result
})
