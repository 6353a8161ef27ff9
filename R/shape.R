# Rearranging arrays: views on the device, made by one .Call each. The names are R's.

#' @exportMethod "dim<-"
setMethod("dim<-", "gpu", function(x, value) {
  if (is.null(value)) return(.Call(C_reshape, x, NULL))
  if (length(value) > 8L) return(in_r("dim<-", list(x, value)))
  value <- plain(value)
  if (!is.numeric(value) || length(value) == 0L || anyNA(value) || any(value < 0)) {
    one <- TRUE
    base_try(dim(one) <- value) # R says what is wrong
  }
  value <- as.integer(value)
  if (prod(value) != length(x)) {
    stop_status("shape", gettextf(
      "dims [product %d] do not match the length of object [%d]", as.integer(prod(value)),
      length(x), domain = "R"
    ))
  }
  .Call(C_reshape, x, value)
})

#' @exportS3Method
t.gpu <- function(x) .Call(C_transpose, x)

#' @exportS3Method
rev.gpu <- function(x) if (length(x)) .Call(C_rev, x, rev(names(x))) else x

#' @exportMethod drop
setGeneric("drop")
setMethod("drop", "gpu", function(x) {
  d <- dim(x)
  keep <- which(d != 1L)
  if (length(keep) == length(d)) return(x)
  names <- dimnames(x)
  if (length(keep) > 1L) {
    dim(x) <- d[keep]
    if (!is.null(names)) names <- names[keep]
    if (!all(vapply(names, is.null, NA))) dimnames(x) <- names
    return(x)
  }
  # of a single element those of the only dimension that has any
  if (length(keep) == 0L) keep <- which(!vapply(names, is.null, NA))
  dim(x) <- NULL
  if (length(keep) == 1L) names(x) <- names[[keep]]
  x
})

# -- permuting and repeating -----------------------------------------------------------------------

#' @exportS3Method
aperm.gpu <- function(a, perm = NULL, resize = TRUE, ...) {
  d <- dim(a)
  names <- dimnames(a)
  p <- if (is.null(perm)) rev(seq_along(d)) else perm
  if (is.character(p)) p <- match(p, names(names))
  if (!is.numeric(p) || length(d) == 0L || !identical(sort(as.integer(p)), seq_along(d))) {
    return(in_r("aperm", list(a, perm, resize), a))
  }
  p <- as.integer(p)
  if (!resize) return(.Call(C_aperm, a, p, d, NULL))
  .Call(C_aperm, a, p, d[p], if (!is.null(names)) names[p])
}

# rep.int() and rep_len() come here too; they give no names.
#' @exportS3Method
rep.gpu <- function(x, times = 1, length.out = NA, each = 1, ...) {
  caller <- if (sys.parent()) sys.function(sys.parent())
  if (identical(caller, base::rep.int) || identical(caller, base::rep_len)) names(x) <- NULL
  counts <- list(times, length.out, each)
  if (length(x) == 0L && is.na(length.out[1])) return(x) # with its dim, as in R
  if (all(lengths(counts) == 1L) && length(x) > 0L) {
    counts <- lapply(counts, function(n) if (is.numeric(n) && !is.object(n)) trunc(n) else n)
    each <- if (is.na(counts[[3]])) 1 else counts[[3]]
    n <- if (is.na(counts[[2]])) length(x) * each * counts[[1]] else counts[[2]]
    if (isTRUE(each >= 1) && isTRUE(n >= 0) && isTRUE(n < 2^52)) {
      names <- if (!is.null(names(x))) rep_len(rep(names(x), each = each), n)
      return(.Call(C_rep, x, each, n, NULL, names))
    }
  }
  if (!is.null(dim(x))) dim(x) <- NULL
  at <- base_try(rep(seq_along(x), times = times, length.out = length.out, each = each))
  x[at]
}

# -- rows, columns and the diagonal ----------------------------------------------------------------

#' @exportMethod row
setGeneric("row")
setMethod("row", "gpu", function(x, as.factor = FALSE) {
  if (length(dim(x)) != 2L || !identical(as.factor, FALSE)) return(in_r("row", list(x, as.factor)))
  .Call(C_positions, x, 0L)
})

#' @exportMethod col
setGeneric("col")
setMethod("col", "gpu", function(x, as.factor = FALSE) {
  if (length(dim(x)) != 2L || !identical(as.factor, FALSE)) return(in_r("col", list(x, as.factor)))
  .Call(C_positions, x, 1L)
})

triangle <- function(name, x, diag, operator) {
  result <- if (length(dim(x)) == 2L) .Call(C_triangle, x, operator)
  if (is.null(result)) in_r(name, list(x, diag), x) else result
}

#' @exportMethod upper.tri
setGeneric("upper.tri")
setMethod("upper.tri", "gpu", function(x, diag = FALSE) {
  triangle("upper.tri", x, diag, if (diag) "<=" else "<")
})

#' @exportMethod lower.tri
setGeneric("lower.tri")
setMethod("lower.tri", "gpu", function(x, diag = FALSE) {
  triangle("lower.tri", x, diag, if (diag) ">=" else ">")
})

#' @exportMethod diag
setGeneric("diag")
setMethod("diag", "gpu", function(x = 1, nrow, ncol, names = TRUE) {
  given <- !missing(nrow) || !missing(ncol)
  if (is.matrix(x) && !given) return(diagonal_of(x, names))
  extents <- list(x = x)
  if (!missing(nrow)) extents$nrow <- nrow
  if (!missing(ncol)) extents$ncol <- ncol
  n <- length(x)
  if (n == 1L && !given && missing(names)) {
    n <- x
    x <- gpu(1, real_type_of(x), device_of(x))
  }
  rows <- if (missing(nrow)) n else nrow
  d <- as.integer(plain(c(rows, if (missing(ncol)) rows else ncol)))
  usable <- length(d) == 2L && !anyNA(d) && all(d >= 0L) && (length(x) > 0L || min(d) == 0L)
  if (!usable || length(dim(x)) > 1L) return(in_r("diag", extents, x))
  .Call(C_diag_make, x, d)
})

diagonal_of <- function(x, names) {
  rows <- NULL
  if (names && !any(vapply(dimnames(x), is.null, NA)) && length(dimnames(x))) {
    at <- seq_len(min(dim(x)))
    rows <- dimnames(x)[[1]][at]
    if (!identical(rows, dimnames(x)[[2]][at]) || length(at) == 0L) rows <- NULL
  }
  .Call(C_diag_get, x, rows)
}

#' @exportMethod "diag<-"
setGeneric("diag<-")
setMethod("diag<-", "gpu", function(x, value) {
  d <- dim(x)
  n <- min(d, Inf)
  if (length(d) != 2L || !(length(value) %in% c(1L, n))) return(in_r("diag<-", list(x, value), x))
  if (n > 0) x[seq.int(1, by = d[1] + 1, length.out = n)] <- value
  x
})

# -- outer products ----------------------------------------------------------------------------

# A plain operand on the device of `like`, its real numbers of the type of those of `like`.
beside <- function(x, like) {
  if (is_gpu(x) && is.object(x)) return(x)
  gpu(x, if (is.double(x)) real_type_of(like), device_of(like))
}

storable <- function(x) {
  (is.numeric(x) || is.logical(x)) && (!is.object(x) || is_gpu(x))
}

extents_of <- function(x) if (is.array(x)) dim(x) else length(x)
names_of_extents <- function(x) {
  if (is.array(x)) dimnames(x) else if (!is.null(names(x))) list(names(x))
}

outer_of <- function(X, Y, FUN = "*", ...) {
  d <- c(extents_of(X), extents_of(Y))
  like <- if (is_gpu(X)) X else Y
  if (!storable(X) || !storable(Y) || length(d) > 8L) {
    return(in_r("outer", list(X, Y, FUN, ...), like))
  }
  x <- .Call(C_spread, beside(X, like), d, 0L)
  y <- .Call(C_spread, beside(Y, like), d, length(extents_of(X)))
  if (is.character(FUN) && FUN == "*") {
    if (...length()) stop_status("argument", "using ... with FUN = \"*\" is an error")
    result <- as_real(x) * y
  } else {
    result <- match.fun(FUN)(x, y, ...)
  }
  if (length(result) != prod(d)) {
    stop_status("shape", gettextf(
      "dims [product %d] do not match the length of object [%d]", prod(d), length(result),
      domain = "R"
    ))
  }
  dim(result) <- d
  names <- list(names_of_extents(X), names_of_extents(Y))
  if (!all(vapply(names, is.null, NA))) {
    dimnames(result) <- c(
      if (is.null(names[[1]])) vector("list", length(extents_of(X))) else names[[1]],
      if (is.null(names[[2]])) vector("list", length(extents_of(Y))) else names[[2]]
    )
  }
  result
}

# Integers and logical values as the device's real numbers, where it has float64.
as_real <- function(x) if (is.double(x)) x else x + 0

#' @exportMethod outer
setGeneric("outer")
set_binary_methods("outer", outer_of)

#' @exportMethod "%o%"
setGeneric("%o%")
set_binary_methods("%o%", function(X, Y) outer_of(X, Y))

kronecker_of <- function(X, Y, FUN = "*", make.dimnames = FALSE, ...) {
  n <- max(length(extents_of(X)), length(extents_of(Y)))
  like <- if (is_gpu(X)) X else Y
  if (!storable(X) || !storable(Y) || n > 4L) {
    return(in_r("kronecker", list(X, Y, FUN, make.dimnames, ...), like))
  }
  names <- list(names_of_extents(X), names_of_extents(Y))
  dx <- c(extents_of(X), rep(1L, n - length(extents_of(X))))
  dy <- c(extents_of(Y), rep(1L, n - length(extents_of(Y))))
  dim(X) <- dx
  dim(Y) <- dy
  result <- aperm(outer_of(X, Y, FUN, ...), c(rbind(n + seq_len(n), seq_len(n))))
  dim(result) <- dx * dy
  if (make.dimnames && !all(vapply(names, is.null, NA))) {
    dimnames(result) <- Map(pair_names, full_names(names[[1]], dx), full_names(names[[2]], dy))
  }
  result
}

full_names <- function(names, d) {
  lapply(seq_along(d), function(i) {
    if (i > length(names) || is.null(names[[i]])) rep("", d[i]) else names[[i]]
  })
}
pair_names <- function(x, y) c(t(outer(x, y, paste, sep = ":")))

#' @exportMethod kronecker
set_binary_methods("kronecker", kronecker_of)

#' @exportMethod "%x%"
setGeneric("%x%")
set_binary_methods("%x%", function(X, Y) kronecker_of(X, Y))
