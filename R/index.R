# Indexing. Ranges are views, positions a gather, masks a selection; assignments write in place
# where nobody else holds the array. Base R says what other indices (names, matrices, factors) mean,
# on positions alone.

#' Indexing arrays
#'
#' Everything that indexes an ordinary vector, matrix or array indexes one on a device, with the
#' same result: positive, negative, logical and missing indices, names, matrices with a row for each
#' element, `NA`, `drop`.
#'
#' Ranges with a constant step (`x[2:9, ]`, `x[5:1]`) are views: nothing is copied. Other indices
#' are one gather. A logical array of the device, as in `x[x > 0]`, and one of numbers stay there.
#'
#' An index that is an argument of a function being traced ([gpu_jit()]) or is computed from one has
#' no values yet: it must be of positions, those outside of the dimension give `NA`, and names are
#' dropped. An assignment there makes a new array of reals; `x[i] <- value` with one value also
#' takes a logical array `i` that has no values yet.
#'
#' `x[i, j] <- value` writes into the memory of `x`, unless another variable or a pending expression
#' still holds it: then into a copy on the device. The type of `x` stays, if it can hold the values,
#' and else becomes that of the values, as in R.
#'
#' @section Errors:
#' An `anygpu_error_argument` with R's own message.
#' @name indexing
#' @aliases [,gpu-method [[,gpu-method [<-,gpu-method [[<-,gpu-method
#' @examples
#' x <- gpu(matrix(as.double(1:12), 3), device = "host")
#' x[2, ]
#' x[x > 6]
#' x[c(1, 3), 4:3] <- 0
#' x
NULL

#' @exportMethod "["
setMethod("[", "gpu", function(x, i, j, ..., drop = TRUE) {
  n <- nargs() - !missing(drop)
  if (n == 2L) {
    if (missing(i)) return(x)
    return(index_array(x, list(i), drop))
  }
  index_array(x, c(
    list(if (missing(i)) whole else i, if (missing(j)) whole else j), further_indices(...)
  ), drop)
})

# Stands for a missing index.
whole <- quote(whole)

# Those after the second.
further_indices <- function(...) {
  index <- lapply(seq_len(...length()), function(k) whole)
  for (k in seq_along(index)) {
    if (!eval(call("missing", as.name(paste0("..", k))))) index[k] <- list(...elt(k))
  }
  index
}

# As arguments of base R's functions.
base_indices <- function(index) {
  lapply(index, function(i) if (identical(i, whole)) quote(expr = ) else plain(i))
}

index_array <- function(x, index, drop) {
  result <- .Call(C_index, x, index, drop)
  if (is.null(result)) result <- .Call(C_index, x, positions(x, index), drop)
  if (!is.null(result)) return(result)
  in_r("[", list(x), x, function(x) do.call(`[`, c(list(x), base_indices(index), drop = drop)))
}

# What base R understands by the indices: for each the positions, NA where there is none. Its
# errors are R's.
positions <- function(x, index) {
  d <- dim(x)
  if (length(index) == 1L) {
    list(base_try(element_positions(x, d, plain(index[[1L]]))))
  } else if (length(index) != length(d)) {
    stop_status("argument", gettext("incorrect number of dimensions", domain = "R"))
  } else {
    names <- dimnames(x)
    lapply(seq_along(d), function(q) {
      base_try(dim_positions(d[q], if (!is.null(names)) list(names[[q]], "x"), plain(index[[q]])))
    })
  }
}

element_positions <- function(x, d, i) {
  all <- seq_len(length(x))
  if (identical(i, whole)) return(all)
  if (is.matrix(i) && !is.null(d) && ncol(i) == length(d)) {
    all <- array(all, d, if (is.character(i)) dimnames(x))
  } else if (is.character(i)) {
    names(all) <- names(x)
  }
  unname(as.vector(all[i]))
}

# In a matrix of one column, so that what is not there is an error.
dim_positions <- function(extent, names, i) {
  if (identical(i, whole)) return(seq_len(extent))
  all <- matrix(seq_len(extent), extent, 1L, dimnames = if (is.character(i)) names)
  unname(all[i, 1L])
}

#' @exportMethod "[["
setMethod("[[", "gpu", function(x, i, j, ...) {
  index <- if (nargs() - ...length() < 3L || missing(j)) list(i) else c(list(i, j), list(...))
  index <- lapply(index, plain)
  result <- if (all(vapply(index, is_position, NA))) .Call(C_index, x, index, TRUE)
  if (is.null(result) || length(result) != 1L || anyNA(result)) {
    result <- .Call(C_index, x, element_position(x, index), TRUE)
  }
  names(result) <- NULL
  result
})

is_position <- function(i) is.numeric(i) && length(i) == 1L && !is.na(i) && i >= 1

# The position of the element x[[i, ...]], or R's error.
element_position <- function(x, index) {
  d <- dim(x)
  all <- seq_len(length(x))
  if (length(index) > 1L) {
    all <- array(all, d, dimnames(x))
  } else {
    names(all) <- names(x)
  }
  list(base_try(do.call(`[[`, c(list(all), index))))
}

#' @exportMethod "[<-"
setMethod("[<-", "gpu", function(x, i, j, ..., value) {
  n <- nargs() - 1L
  own <- identical(substitute(x), quote(`*tmp*`))
  index <- if (n == 2L) {
    list(if (missing(i)) whole else i)
  } else {
    c(list(if (missing(i)) whole else i, if (missing(j)) whole else j), further_indices(...))
  }
  assign_array(x, index, value, own)
})

# `own`: x is the value of the variable that is assigned to, which R has copied if it was shared.
assign_array <- function(x, index, value, own) {
  if (is.object(value) && !is_gpu(value) || !(is.numeric(value) || is.logical(value))) {
    return(base_try(
      do.call(`[<-`, c(list(plain(x)), base_indices(index), list(value = value)))
    ))
  }
  result <- .Call(C_assign, x, index, value, own)
  if (!is.null(result)) return(result)
  at <- tryCatch(positions(x, index), anygpu_error = function(e) NULL)
  # names that are new and positions beyond the end make the vector longer; errors are R's
  if (!is.null(at) && !(length(at) == 1L && is_beyond(at[[1L]], plain(index[[1L]]), length(x)))) {
    result <- .Call(C_assign, x, at, value, own)
    if (!is.null(result)) return(result)
  }
  in_r("[<-", list(x, value), x, function(x, value) {
    do.call(`[<-`, c(list(x), base_indices(index), list(value = value)))
  })
}

# Whether an element is asked for that is not there: an NA that the index does not have itself.
is_beyond <- function(at, i, n) {
  if (is.logical(i)) length(i) > n else anyNA(at) && !(is.numeric(i) && all(i <= n, na.rm = TRUE))
}

#' @exportMethod "[[<-"
setMethod("[[<-", "gpu", function(x, i, j, ..., value) {
  own <- identical(substitute(x), quote(`*tmp*`))
  index <- if (nargs() - ...length() < 4L) list(i) else c(list(i, j), list(...))
  index <- lapply(index, plain)
  if (length(value) == 1L && (is.numeric(value) || is.logical(value)) && !is.object(plain(value)) &&
        all(vapply(index, is_position, NA))) {
    result <- .Call(C_assign, x, index, value, own)
    if (!is.null(result)) return(result)
  }
  in_r("[[<-", c(list(x), index, list(value = value)), x)
})

warn_replacement <- function() {
  text <- "number of items to replace is not a multiple of replacement length"
  warning(simpleWarning(gettext(text, domain = "R"), user_call()))
}

#' Positions of `TRUE`
#'
#' As [base::which()]; the positions of an array of the device stay there.
#' @param x A logical vector or array.
#' @param arr.ind,useNames As for [base::which()].
#' @return As [base::which()]: for a vector or array made by [gpu()] a `gpuVector` of type
#'   `"int32"`, or a matrix of it.
#' @examples
#' which(gpu(c(3, 1, 2), device = "host") > 1)
#' @export
setGeneric("which")

#' @rdname which
#' @aliases which,gpu-method
setMethod("which", "gpu", function(x, arr.ind = FALSE, useNames = TRUE) {
  at <- .Call(C_which, x)
  if (is.null(at)) return(in_r("which", list(x, arr.ind, useNames), x))
  if (arr.ind && !is.null(dim(x))) {
    return(to_device(arrayInd(plain(at), dim(x), dimnames(x), useNames = useNames), x))
  }
  if (is.null(dim(x)) && !is.null(names(x))) names(at) <- names(x)[plain(at)]
  if (length(at) == 1L) at <- at[1L]
  at
})
