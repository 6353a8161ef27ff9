# Reductions of a whole array give a number that is read back only when R looks at it.

#' @exportMethod Summary
setMethod("Summary", "gpu", function(x, ..., na.rm = FALSE) {
  if (...length() > 0) return(summary_of_several(.Generic, list(x, ...), na.rm))
  result <- summary_of(.Generic, x, isTRUE(as.logical(na.rm)))
  if (is.null(result)) in_r(.Generic, list(x, na.rm = na.rm)) else result
})

# NULL when R has to do it.
summary_of <- function(name, x, na.rm) {
  if (name == "range") {
    low <- .Call(C_reduce, "min", x, na.rm)
    if (is.null(low)) return(NULL)
    return(c(low, .Call(C_reduce, "max", x, na.rm)))
  }
  if (name %in% c("any", "all") && is.double(x)) {
    warning("coercing argument of type 'double' to logical", call. = FALSE)
  }
  .Call(C_reduce, name, x, na.rm)
}

# Arrays become numbers (or a range) on the device, R does the rest; not where R's answer needs all
# at once: the warnings of min() and max() when nothing is there, arguments by name.
summary_of_several <- function(name, args, na.rm) {
  if (any(vapply(args, is_traced, NA)) && !isTRUE(as.logical(na.rm))) {
    return(summary_of_traced(name, args))
  }
  all_at_once <- name %in% c("min", "max", "range") && (isTRUE(as.logical(na.rm)) ||
    any(lengths(args) == 0))
  if (!all_at_once && all(names(args) %in% "")) {
    for (i in which(vapply(args, is_gpu, NA))) {
      part <- summary_of(name, args[[i]], isTRUE(as.logical(na.rm)))
      if (!is.null(part)) args[[i]] <- plain(part)
    }
  }
  in_r <- if (any(vapply(args, is_gpu, NA))) in_r else function(name, args) do.call(name, args)
  in_r(name, c(args, na.rm = na.rm))
}

# Of arrays without values yet: the numbers are combined on the device too.
summary_of_traced <- function(name, args) {
  if (name == "range") return(c(summary_of_traced("min", args), summary_of_traced("max", args)))
  parts <- lapply(args, function(x) if (is_gpu(x)) summary_of(name, x, FALSE) else get(name)(x))
  Reduce(list(sum = `+`, prod = `*`, min = pmin, max = pmax, any = `|`, all = `&`)[[name]], parts)
}

#' @exportS3Method
mean.gpu <- function(x, trim = 0, na.rm = FALSE, ...) {
  result <- if (identical(trim, 0)) .Call(C_reduce, "mean", x, isTRUE(na.rm))
  if (!is.null(result)) return(result)
  in_r("mean", list(x, trim = trim, na.rm = na.rm, ...))
}

which_extreme <- function(name, x) {
  at <- .Call(C_which_extreme, name, x)
  if (at == 0L) return(in_r(name, list(x[0])))
  names(at) <- names(x)[at]
  at
}

#' @exportMethod which.min
setGeneric("which.min")
setMethod("which.min", "gpu", function(x) which_extreme("which.min", x))

#' @exportMethod which.max
setGeneric("which.max")
setMethod("which.max", "gpu", function(x) which_extreme("which.max", x))

# -- along dimensions
# --------------------------------------------------------------------------------

# rows: sums over the dimensions after the first `dims`; else over the first `dims`.
reduce_dims <- function(name, f, x, rows, na.rm, dims) {
  result <- .Call(C_reduce_dims, name, x, rows, dims, isTRUE(na.rm))
  if (!is.null(result)) return(result)
  in_r(f, list(x, na.rm, dims), x)
}

#' @exportMethod rowSums
setGeneric("rowSums")
setMethod("rowSums", "gpu", function(x, na.rm = FALSE, dims = 1L) {
  reduce_dims("sum", "rowSums", x, TRUE, na.rm, dims)
})

#' @exportMethod colSums
setGeneric("colSums")
setMethod("colSums", "gpu", function(x, na.rm = FALSE, dims = 1L) {
  reduce_dims("sum", "colSums", x, FALSE, na.rm, dims)
})

#' @exportMethod rowMeans
setGeneric("rowMeans")
setMethod("rowMeans", "gpu", function(x, na.rm = FALSE, dims = 1L) {
  reduce_dims("mean", "rowMeans", x, TRUE, na.rm, dims)
})

#' @exportMethod colMeans
setGeneric("colMeans")
setMethod("colMeans", "gpu", function(x, na.rm = FALSE, dims = 1L) {
  reduce_dims("mean", "colMeans", x, FALSE, na.rm, dims)
})
