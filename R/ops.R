# Operators: one .Call each. What the C code does not do comes back to fallback().

#' @exportMethod Ops
set_binary_methods("Ops", function(e1, e2) .Call(C_binary, .Generic, e1, e2))
for (class in gpu_classes) {
  setMethod("Ops", c(class, "missing"), function(e1, e2) .Call(C_unary, .Generic, e1))
}
rm(class)

#' @exportMethod "!"
setMethod("!", "gpu", function(x) .Call(C_unary, "!", x))

#' @exportMethod is.na
setMethod("is.na", "gpu", function(x) .Call(C_test, "is.na", x))

#' @exportMethod is.nan
setMethod("is.nan", "gpu", function(x) .Call(C_test, "is.nan", x))

#' @exportMethod is.finite
setMethod("is.finite", "gpu", function(x) .Call(C_test, "is.finite", x))

#' @exportMethod is.infinite
setMethod("is.infinite", "gpu", function(x) .Call(C_test, "is.infinite", x))

#' @exportMethod anyNA
setMethod("anyNA", "gpu", function(x, recursive = FALSE) as.logical(any(is.na(x))))

# The rows of ops.def: name, R's name, arity, group, domain of test arguments, title, and whether
# it has a derivative.
ops_table <- function() as.data.frame(.Call(C_ops_table))
