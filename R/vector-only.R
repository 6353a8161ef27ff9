# Functions of R that look at the class: those that ask base R's is.vector(), and I(), which adds a
# class. They work on the values.

#' @exportMethod rle
setGeneric("rle")
setMethod("rle", "gpu", function(x) in_r("rle", list(as.vector(x))))

#' @exportMethod embed
#' @importFrom stats embed
setGeneric("embed")
setMethod("embed", "gpu", function(x, dimension = 1) {
  in_r("embed", list(x, dimension), x, stats::embed)
})

# Its arguments depend on the version of R.
#' @exportMethod toeplitz
#' @importFrom stats toeplitz
setGeneric("toeplitz")
toeplitz_in_r <- function() in_r("toeplitz", as.list(environment()), x, stats::toeplitz)
formals(toeplitz_in_r) <- formals(stats::toeplitz)
setMethod("toeplitz", "gpu", toeplitz_in_r)

#' @exportMethod I
setGeneric("I")
setMethod("I", "gpu", function(x) in_r("I", list(x)))
