# Matrix products. crossprod() and tcrossprod() are closures before R 4.4, primitives from then on.

#' @exportMethod "%*%"
set_binary_methods("%*%", function(x, y) .Call(C_matmul, x, y, FALSE, FALSE))

if (!is.primitive(crossprod)) {
  setGeneric("crossprod")
  setGeneric("tcrossprod")
}

# With the formals of this R's generic.
product <- function(ta, tb) {
  f <- eval(substitute(
    function(x, y = NULL) .Call(C_matmul, x, if (is.null(y)) x else y, ta, tb),
    list(ta = ta, tb = tb)
  ))
  if ("..." %in% names(formals(args(crossprod)))) formals(f)["..."] <- formals(plot)["..."]
  environment(f) <- topenv()
  f
}

#' @exportMethod crossprod
set_binary_methods("crossprod", product(TRUE, FALSE))
for (class in gpu_classes) setMethod("crossprod", c(class, "missing"), product(TRUE, FALSE))

#' @exportMethod tcrossprod
set_binary_methods("tcrossprod", product(FALSE, TRUE))
for (class in gpu_classes) setMethod("tcrossprod", c(class, "missing"), product(FALSE, TRUE))

rm(class)
