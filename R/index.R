# Indexing: ranges and single positions are views on the device, everything else is R's.

#' @exportMethod "["
setMethod("[", "gpu", function(x, i, j, ..., drop = TRUE) {
  n <- nargs() - !missing(drop)
  if (n == 2L) {
    if (missing(i)) return(x)
    result <- .Call(C_index, x, i, NULL, TRUE)
    if (!is.null(result)) return(result)
    return(index_in_r(x, list(i), drop))
  }
  i <- if (missing(i)) TRUE else i
  j <- if (missing(j)) TRUE else j
  if (n == 3L) {
    result <- .Call(C_index, x, i, j, drop)
    if (!is.null(result)) return(result)
    return(index_in_r(x, list(i, j), drop))
  }
  rest <- lapply(seq_len(...length()), function(k) TRUE)
  for (k in seq_along(rest)) {
    if (!eval(call("missing", as.name(paste0("..", k))))) rest[[k]] <- ...elt(k)
  }
  index_in_r(x, c(list(i, j), rest), drop)
})

#' @exportMethod "[["
setMethod("[[", "gpu", function(x, i, j, ...) {
  result <- if (missing(j)) .Call(C_index, x, i, NULL, TRUE) else .Call(C_index, x, i, j, TRUE)
  if (length(result) == 1) {
    names(result) <- NULL
    return(result)
  }
  if (missing(j)) base_try(plain(x)[[i, ...]]) else base_try(plain(x)[[i, j, ...]])
})

# TRUE in `index` stands for a missing one: the same thing for base R.
index_in_r <- function(x, index, drop) {
  in_r("[", c(list(x), index, list(drop = drop)), x)
}

# Numbers and logical values are assigned by R itself, to the host copy, which is uploaded again
# when it
# is needed. Values of another kind make an ordinary vector of the array.
#' @exportMethod "[<-"
for (class in c("character", "complex", "list", "raw")) {
  setMethod("[<-", c(x = "gpu", value = class), function(x, i, j, ..., value) {
    call <- sys.call()
    call[[1]] <- quote(`[<-`)
    call[[2]] <- plain(x)
    call[[length(call)]] <- value
    eval(call, parent.frame())
  })
}
rm(class)
