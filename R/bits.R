# The functions of bits are base R's closures: ours call them where no argument is an array of ours.

#' Functions of bits
#'
#' [base::bitwAnd()] and its like, which run on the device where an argument is an array made by
#' [gpu()]. For other arguments they are base R's functions.
#' @param a,b,n As for [base::bitwAnd()]: integers, or real numbers, which are truncated.
#' @return A `gpuVector` of type `int32`, without other attributes, as in base R.
#' @section Errors:
#' Those of base R, for logical values say.
#' @examples
#' x <- gpu(c(12L, 10L, NA), device = "host")
#' bitwAnd(x, 6L)
#' bitwShiftL(x, 1L)
#' @name bits
NULL

bitwise <- function(name, a, b = NULL) {
  args <- if (is.null(b)) list(a) else list(a, b)
  whole <- lapply(args, function(x) {
    if (!is.double(x)) x else if (is_gpu(x)) gpu_as(x, "int32", NULL) else as.integer(x)
  })
  result <- if (all(vapply(whole, is.integer, NA))) {
    .Call(C_vectors, name, whole[[1]], if (!is.null(b)) whole[[2]])
  }
  if (is.null(result)) in_r(name, args, Find(is_array, args)) else result
}

#' @rdname bits
#' @export
bitwAnd <- function(a, b) {
  if (is_array(a) || is_array(b)) bitwise("bitwAnd", a, b) else base::bitwAnd(a, b)
}

#' @rdname bits
#' @export
bitwOr <- function(a, b) {
  if (is_array(a) || is_array(b)) bitwise("bitwOr", a, b) else base::bitwOr(a, b)
}

#' @rdname bits
#' @export
bitwXor <- function(a, b) {
  if (is_array(a) || is_array(b)) bitwise("bitwXor", a, b) else base::bitwXor(a, b)
}

#' @rdname bits
#' @export
bitwNot <- function(a) if (is_array(a)) bitwise("bitwNot", a) else base::bitwNot(a)

#' @rdname bits
#' @export
bitwShiftL <- function(a, n) {
  if (is_array(a) || is_array(n)) bitwise("bitwShiftL", a, n) else base::bitwShiftL(a, n)
}

#' @rdname bits
#' @export
bitwShiftR <- function(a, n) {
  if (is_array(a) || is_array(n)) bitwise("bitwShiftR", a, n) else base::bitwShiftR(a, n)
}
