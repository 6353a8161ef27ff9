# apply(): a function that is made of accelerated operations is traced on one slice, and its graph
# rebuilt for all slices at once. Every other function runs in R.

#' @exportMethod apply
setGeneric("apply")
setMethod("apply", "gpu", function(X, MARGIN, FUN, ..., simplify = TRUE) {
  FUN <- match.fun(FUN)
  result <- if (isTRUE(simplify)) apply_on_device(X, MARGIN, FUN, ...)
  if (!is.null(result)) return(result)
  in_r("apply", list(X, MARGIN, FUN, ..., simplify = simplify), X)
})

# NULL when R has to.
apply_on_device <- function(X, MARGIN, FUN, ...) {
  d <- dim(X)
  names <- dimnames(X)
  margin <- if (is.character(MARGIN)) match(MARGIN, names(names)) else MARGIN
  usable <- is.numeric(margin) && length(margin) && all(margin %in% seq_along(d)) &&
    !anyDuplicated(margin) && all(d > 0L) && length(d) - length(margin) < 8L
  if (!usable || !is_traceable(FUN)) return(NULL)
  margin <- as.integer(margin)
  slice <- slice_of(X, d[-margin], names[-margin])
  y <- trace_slice(FUN, slice, ...)
  if (is.null(y)) return(NULL)
  # rows of a matrix lie side by side along its first dimension
  leading <- identical(margin, seq_along(margin)) && length(margin) < length(d)
  all <- .Call(C_batch, y, slice, side_by_side(X, d, margin, leading), leading)
  if (is.null(all)) all <- .Call(C_batch, y, slice, side_by_side(X, d, margin, !leading), !leading)
  if (!is.null(all)) shape_applied(all, y, d[margin], names[margin], names[-margin])
}

# A placeholder for what FUN sees.
slice_of <- function(X, d, names) {
  like <- if (length(d) < 2L) {
    .Call(C_rep, X, 1, prod(d), NULL, if (length(names)) names[[1L]])
  } else {
    .Call(C_rep, X, 1, prod(d), d, names)
  }
  .Call(C_placeholder, like, 0L)
}

side_by_side <- function(X, d, margin, leading) {
  rest <- seq_along(d)[-margin]
  n <- as.integer(prod(d[margin]))
  slice <- if (length(rest)) d[rest] else 1L
  if (leading) return(.Call(C_aperm, X, c(margin, rest), c(n, slice), NULL))
  .Call(C_aperm, X, c(rest, margin), c(slice, n), NULL)
}

# What FUN makes of the placeholder, if it can be told without looking at values and without a
# condition of any kind; else NULL, and nothing was counted.
trace_slice <- function(FUN, slice, ...) {
  saved <- mget(c("downloads", "fallbacks"), counts)
  seed <- get0(".Random.seed", globalenv(), inherits = FALSE)
  none <- function(condition) NULL
  y <- tryCatch(FUN(slice, ...), error = none, warning = none, message = none)
  if (!identical(seed, get0(".Random.seed", globalenv(), inherits = FALSE))) {
    if (is.null(seed)) rm(".Random.seed", envir = globalenv())
    else assign(".Random.seed", seed, globalenv())
    y <- NULL
  }
  if (!is.null(y) && is_gpu(y) && is_traced(y) && length(y) > 0L) return(y)
  list2env(saved, counts)
  NULL
}

# As the end of base R's apply(): dim and names of the results `all`, a column for each slice.
shape_applied <- function(all, y, d, names, names_called) {
  n <- length(y)
  if (n == 1L) {
    if (length(d) == 1L) {
      dim(all) <- NULL
      if (length(names[[1L]])) names(all) <- names[[1L]]
      return(all)
    }
    dim(all) <- d
    if (!all_null(names)) dimnames(all) <- names
    return(all)
  }
  own <- names(y)
  dim(all) <- c(n, d)
  if (is.null(names)) names <- vector("list", length(d))
  first <- list(own)
  if (length(names_called) && !is.null(names(names_called))) {
    title <- names(names_called)[1L]
    if (nzchar(title) && length(own) == length(names_called[[1L]])) names(first) <- title
  }
  names <- c(first, names)
  if (!is.null(names(names)) || !all_null(names)) dimnames(all) <- names
  all
}

all_null <- function(x) all(vapply(x, is.null, NA))

# -- which functions are traced ----------------------------------------------------------------
# Tracing runs FUN once where R runs it for each slice: only functions are traced of whose code it
# can be seen that they do nothing but compute.

# Functions of R that have no effects and no random numbers.
pure_names <- c(
  "{", "(", "<-", "=", "if", "for", "while", "repeat", "break", "next", "return", "function", ":",
  "&&", "||", "[", "[[", "$", "%o%", "%x%", "c", "length", "nrow", "ncol", "NROW", "NCOL", "dim",
  "names", "seq", "seq_len", "seq_along", "rep", "rep_len", "rep.int", "rev", "t", "crossprod",
  "tcrossprod", "%*%", "mean", "range", "identity", "invisible", "is.null", "is.na", "is.nan",
  "is.finite", "is.infinite", "anyNA", "missing", "numeric", "head", "tail", "append", "drop",
  "outer", "aperm", "diag", "rbind", "cbind", "sort", "order", "rank", "diff", "scale", "sweep",
  "ifelse", "pmin", "pmax", "pmin.int", "pmax.int", "which", "which.max", "which.min", "unname",
  "as.vector", "as.numeric", "as.double", "as.integer", "as.logical", "colSums", "rowSums",
  "colMeans", "rowMeans", "var", "sd", "median", "quantile", "cor", "mad", "IQR", "dim<-", "[<-",
  "[[<-", "names<-", "tabulate", "is.numeric", "is.logical", "xor", "isTRUE", "isFALSE", "nlevels",
  "log", "atan2", "max.col", "upper.tri", "lower.tri", "row", "col", "rowsum", "kronecker"
)
for (group in c("Arith", "Compare", "Logic", "Math", "Math2", "Summary")) {
  pure_names <- unique(c(pure_names, getGroupMembers(group)))
}
rm(group)

# Our exports are as pure, but for those that make, train or look at arrays.
our_pure_names <- function() {
  ours <- getNamespaceExports(topenv())
  ours[!grepl("^(gpu|nn|opt|layer|read|with|is)(_|$)", ours)]
}

is_pure <- function(name, f) {
  if (name %in% our_pure_names()) return(identical(f, get0(name, topenv())))
  if (!name %in% pure_names) return(FALSE)
  is_of_r(f)
}

# Whether R itself, not a user or another package, has defined f.
is_of_r <- function(f) {
  home <- if (is.primitive(f)) "base" else environmentName(topenv(environment(f)))
  home %in% c("base", "stats", "methods", "utils")
}

is_traceable <- function(f, seen = list()) {
  if (is.primitive(f)) {
    name <- Find(function(name) identical(get0(name, baseenv()), f), pure_names)
    return(!is.null(name) && is_pure(name, f))
  }
  for (g in seen) if (identical(f, g)) return(TRUE)
  home <- topenv(environment(f))
  name <- Find(function(name) identical(get0(name, home), f), c(pure_names, our_pure_names()))
  if (!is.null(name)) return(is_pure(name, f))
  if (is_of_r(f)) return(FALSE)
  local <- c(names(formals(f)), assigned_functions(body(f)))
  parts <- c(as.list(formals(f)), body(f))
  all(vapply(parts, is_pure_code, NA, f = f, local = local, seen = c(seen, list(f))))
}

# Names that are given a function within the code: its body is part of the code.
assigned_functions <- function(code) {
  if (!is.call(code)) return(NULL)
  own <- if (is_assignment(code) && is.symbol(code[[2L]]) && is_function_code(code[[3L]])) {
    as.character(code[[2L]])
  }
  c(own, unlist(lapply(as.list(code), function(e) if (is.call(e)) assigned_functions(e))))
}
is_assignment <- function(code) {
  is.symbol(code[[1L]]) && as.character(code[[1L]]) %in% c("<-", "=") && length(code) == 3L
}
is_function_code <- function(code) is.call(code) && identical(code[[1L]], quote(`function`))

is_pure_code <- function(code, f, local, seen) {
  if (!is.call(code)) return(TRUE)
  head <- code[[1L]]
  if (!is.symbol(head)) return(FALSE)
  name <- as.character(head)
  args <- as.list(code)[-1L]
  if (name == "function") args <- c(as.list(args[[1L]]), args[[2L]])
  else if (is_assignment(code) && is.call(args[[1L]])) {
    # x[i] <- value calls `[<-`
    replacement <- as.call(c(as.name(paste0(args[[1L]][[1L]], "<-")), as.list(args[[1L]])[-1L]))
    args[[1L]] <- replacement
  }
  ok <- if (name %in% local) name %in% assigned_functions(body(f)) else {
    g <- get0(name, environment(f), mode = "function")
    !is.null(g) && (is_pure(name, g) || (!is_of_r(g) && is_traceable(g, seen)))
  }
  ok && all(vapply(args, is_pure_code, NA, f = f, local = local, seen = seen))
}
