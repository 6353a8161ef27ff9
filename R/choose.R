# ifelse(), pmin(), pmax(): functions of several arrays that base R does not dispatch on. Where no
# argument is an array of ours, base R's function is called.

#' Choosing elements
#'
#' `ifelse()`, `pmin()` and `pmax()` of base R, which run on the device (as part of one kernel with
#' the operations around them) where an argument is an array made by [gpu()]. For other
#' arguments they are base R's functions.
#'
#' `ifelse()` evaluates `yes` and `no` only if base R would, unless they are plain arithmetic, in
#' which case no look at the values of `test` is needed. The type of its result is the
#' common type of `yes` and `no`, also where base R's is that of the only one used.
#' @param test,yes,no As for [base::ifelse()].
#' @param ...,na.rm As for [base::pmin()].
#' @return What base R gives, as an array: `ifelse()` with the attributes of `test`, `pmin()` and
#'   `pmax()` with those of their first argument.
#' @section Errors:
#' Those of base R. Arguments that are no numbers or logical values are left to R.
#' @examples
#' x <- gpu(c(-1, 0, NA, 2), device = "host")
#' ifelse(x > 0, x, 0)
#' pmax(x, 0, na.rm = TRUE)
#' @name choose
NULL

# Of one of our classes; single numbers on their way from the device are not.
is_array <- function(x) is.object(x) && is_gpu(x)

#' @rdname choose
#' @export
ifelse <- function(test, yes, no) {
  if (is_array(test)) {
    both <- state_of(test) == "traced" || (harmless(substitute(yes)) && harmless(substitute(no)))
    if (both) return(choose(test, yes, no))
    some <- some_of(test)
  } else {
    if (!is.atomic(test) || is.object(test) || (length(test) == 1 && is.null(attributes(test)))) {
      return(base::ifelse(test, yes, no))
    }
    truth <- as.logical(test)
    some <- c(any(truth, na.rm = TRUE), !all(truth, na.rm = TRUE))
    if (!(some[1] && is_array(yes)) && !(some[2] && is_array(no))) {
      return(base::ifelse(test, yes, no))
    }
  }
  choose(test, if (some[1]) yes else NA, if (some[2]) no else NA)
}

choose <- function(test, yes, no) {
  result <- .Call(C_ifelse, test, yes, no)
  if (!is.null(result)) return(result)
  in_r("ifelse", list(test, yes, no), Find(is_array, list(test, yes, no)))
}

# Whether some element is TRUE, and whether some is FALSE.
some_of <- function(test) {
  if (length(test) == 0) return(c(FALSE, FALSE))
  no <- !test
  c(isTRUE(any(!no)), isTRUE(any(no)))
}

# Expressions that neither fail nor recurse nor take long: it does not matter whether they are
# evaluated.
harmless_functions <- c(
  "(", "+", "-", "*", "/", "^", "%%", "%/%", "==", "!=", "<", ">", "<=", ">=", "!", "&", "|", "[",
  "[[", "$", ":", "c", "abs", "sign", "sqrt", "exp", "log", "log2", "log10", "log1p", "expm1",
  "sin", "cos", "tan", "tanh", "floor", "ceiling", "round", "trunc", "is.na", "pmin", "pmax", "sum",
  "mean", "min", "max", "t", "as.numeric", "as.integer", "as.logical", "length", "nrow", "ncol"
)

harmless <- function(e) {
  if (!is.call(e)) return(TRUE)
  if (!is.symbol(e[[1]]) || !as.character(e[[1]]) %in% harmless_functions) return(FALSE)
  for (i in seq_along(e)[-1]) if (is.call(e[[i]]) && !harmless(e[[i]])) return(FALSE)
  TRUE
}

#' @rdname choose
#' @export
pmin <- function(..., na.rm = FALSE) {
  args <- list(...)
  for (x in args) if (is_array(x)) return(extreme("pmin", args, na.rm))
  base::pmin(..., na.rm = na.rm)
}

#' @rdname choose
#' @export
pmax <- function(..., na.rm = FALSE) {
  args <- list(...)
  for (x in args) if (is_array(x)) return(extreme("pmax", args, na.rm))
  base::pmax(..., na.rm = na.rm)
}

extreme <- function(name, args, na.rm) {
  result <- .Call(C_extreme, name, args, na.rm)
  if (!is.null(result)) return(result)
  in_r(name, c(args, na.rm = na.rm), Find(is_array, args))
}
