# From and to other kinds of R objects.

# -- to the device ---------------------------------------------------------------------------------

# What gpu() takes as an ordinary vector, matrix or array of numbers or logical values; raises a
# clear error for what it refuses. `what` names it there.
numbers_of <- function(x, what = "x") {
  if (is.data.frame(x)) return(numbers_of_frame(x))
  refused <- refusal(x)
  if (!is.null(refused)) stop_status("type", paste0("gpu(): ", what, " is ", refused))
  if (inherits(x, "integer64")) return(like(as.double(x), x))
  if (inherits(x, "float32")) return(getExportedValue("float", "dbl")(x))
  if (isS4(x) && !is.numeric(x) && !is.logical(x)) x <- as.matrix(x)
  if (is.object(x)) unclass(x) else x
}

# Why x cannot go to the device, and what to do instead; NULL if it can.
refusal <- function(x) {
  times <- c("Date", "POSIXt", "difftime")
  if (is.factor(x)) return("a factor: as.integer() gives its codes, model.matrix() indicators")
  if (inherits(x, times)) {
    return(paste0("of class \"", class(x)[1], "\": as.numeric() gives a number"))
  }
  if (is.complex(x)) return("complex: Re() and Im() give its parts")
  if (inherits(x, "integer64") && !isNamespaceLoaded("bit64")) {
    return("of class \"integer64\": library(bit64) is needed to convert it")
  }
  if (is.numeric(x) || is.logical(x) || inherits(x, "float32")) return(NULL)
  if (isS4(x) && length(dim(x)) == 2) return(NULL)
  kind <- if (is.object(x)) paste0("class \"", class(x)[1]) else paste0("type \"", typeof(x))
  paste0("of ", kind, "\": numbers or logical values are wanted")
}

numbers_of_frame <- function(x) {
  for (name in names(x)) x[[name]] <- numbers_of(x[[name]], paste0("column \"", name, "\""))
  as.matrix(x)
}

# The attributes of x that say of which shape it is, on other values.
like <- function(values, x) {
  for (a in c("dim", "dimnames", "names")) attr(values, a) <- attr(x, a)
  values
}

# The type that `x` is best kept in: NULL for the default one.
own_type <- function(x) if (inherits(x, "float32")) "float32"

# -- another type ----------------------------------------------------------------------------------

#' The storage mode of arrays
#'
#' `storage.mode(x) <- "integer"` and `mode(x) <- "integer"` convert an array made by [gpu()] on its
#' device, with base R's rules: real numbers are cut towards zero, what is too large becomes `NA`
#' with a warning; `dim` and names stay. Values of other classes go to base R's functions.
#' `as.integer(x)` and its like bring the values back as an ordinary vector.
#' @param x Any object.
#' @param value `"double"`, `"numeric"`, `"integer"`, `"logical"`; others (`"character"`) make an
#'   ordinary vector or matrix.
#' @return `x` of that type. A `float32` array is of mode `"double"` already.
#' @examples
#' x <- gpu(matrix(c(1.5, -2.5, NA, 4), 2), device = "host")
#' storage.mode(x) <- "integer"
#' gpu_type(x)
#' @seealso [gpu()] with its argument `type`.
#' @export
`storage.mode<-` <- function(x, value) {
  if (is_array(x)) with_mode(x, value) else base::`storage.mode<-`(x, value)
}

#' @rdname storage.mode-set
#' @export
`mode<-` <- function(x, value) {
  if (is_array(x)) with_mode(x, value) else base::`mode<-`(x, value)
}

with_mode <- function(x, value) {
  if (identical(value, storage.mode(x))) return(x)
  if (!identical(value, "single") && is.character(value) && length(value) == 1) {
    if (value %in% c("double", "numeric")) return(if (is.double(x)) x else .Call(C_cast, x, NULL))
    if (value == "integer") return(.Call(C_cast, x, "int32"))
    if (value == "logical") return(.Call(C_cast, x, "logical"))
  }
  base_try(base::`storage.mode<-`(plain(x), value))
}

# -- to ordinary objects ---------------------------------------------------------------------------

#' @rdname as.matrix.gpu
#' @param row.names,optional,nm As for [as.data.frame()].
#' @exportS3Method
as.data.frame.gpu <- function(x, row.names = NULL, optional = FALSE, ...,
                              nm = deparse1(substitute(x))) {
  if (is.null(dim(x))) {
    as.data.frame(plain(x), row.names = row.names, optional = optional, ..., nm = nm)
  } else {
    as.data.frame(plain(x), row.names = row.names, optional = optional, ...)
  }
}

#' @rdname as.matrix.gpu
#' @exportS3Method
as.list.gpu <- function(x, ...) as.list(plain(x), ...)

#' Comparing and testing arrays
#'
#' `all.equal()` compares the values of arrays made by [gpu()] with those of other arrays, on a
#' device or not. `is.vector()` sees them as the ordinary vectors that they stand for.
#' @param target,current,x,mode,... As for [base::all.equal()] and [base::is.vector()].
#' @return What base R's functions give for the arrays' values.
#' @examples
#' all.equal(gpu(1:3, device = "host") / 3, 1:3 / 3)
#' is.vector(gpu(1:3, device = "host"))
#' @name all.equal.gpu
NULL

#' @rdname all.equal.gpu
#' @exportS3Method all.equal gpu
all.equal.gpu <- function(target, current, ...) all.equal(plain(target), plain(current), ...)

#' @exportMethod all.equal
setGeneric("all.equal")
setMethod("all.equal", c("ANY", "gpu"), function(target, current, ...) {
  all.equal(plain(target), plain(current), ...)
})

#' @rdname all.equal.gpu
#' @export
is.vector <- function(x, mode = "any") {
  if (!is_array(x)) return(base::is.vector(x, mode))
  all(names(attributes(x)) %in% c("names", "class")) &&
    base::is.vector(vector(typeof(x), 0), mode)
}

# barplot() asks base R's is.vector().
#' @importFrom graphics barplot
#' @exportS3Method graphics::barplot gpu
barplot.gpu <- function(height, ...) barplot(plain(height), ...)
