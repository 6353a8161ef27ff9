# The help page of all methods; its table and its aliases are made from the code.

#' Functions of R that run on the device
#'
#' These functions of base R have methods for arrays made by [gpu()]. Every other function takes the
#' arrays as well, and works on their values in R; [gpu_stats()] shows when that happens.
#'
#' * Operators and the functions below: elementwise, with R's recycling and R's rules for the
#' attributes.
#'   They are not computed at once: an expression of them is one kernel. Warnings such as "NaNs
#'   produced" of `sqrt(-1)` are not given, as they would need a look at the values.
#' * Integers and logical values: `+`, `-`, `*`, `%%`, `%/%`, `abs()` of them give integers, exactly
#'   and on every device. The warning that one was too large is given, so the sum, difference or
#'   product of integers is computed at once. Beside a `float32` array they become `float32`.
#' * `round(x, digits)` of real numbers, where the device has float64; `signif()` is R's.
#' * [ifelse()], [pmin()], [pmax()], [bitwAnd()] and its like, `storage.mode<-`: see their pages.
#' * `%*%`, `crossprod()`, `tcrossprod()`: with the elementwise operations on their result in one
#' kernel.
#' * `sum()`, `mean()`, `prod()`, `min()`, `max()`, `range()`, `any()`, `all()` of a whole array
#' give a number that is
#'   read back only when R looks at it; sums of integers, and extremes with `na.rm = TRUE`, at once.
#' * `cumsum()`, `cumprod()`, `cummax()`, `cummin()`, `diff()`, `which.min()`, `which.max()`,
#'   `scale()`, `rowsum()` of finite values, [sweep()], [var()], [sd()], [cov()], [cor()].
#' * `rowSums()`, `colSums()`, `rowMeans()`, `colMeans()`, [rowMaxs()] and the like.
#' * `t()`, `aperm()`, `dim<-`, `rev()`, `rep()`, `c()`, `cbind()`, `rbind()`, `diag()`, `outer()`,
#'   `kronecker()`, [apply()]; [indexing], with [which()].
#' * `sort()`, [order()], `rank()`, `quantile()`, `median()`, `unique()`, `duplicated()`, [match()],
#'   `cut()`, [findInterval()], [tabulate()].
#'
#' @eval methods_table()
#' @eval methods_aliases()
#' @param x,y,e1,e2,i,j,drop,value,object,digits,base,recursive,na.rm,dims,... As for
#'   the functions of base R.
#' @return What the functions of base R give, as arrays.
#' @examples
#' x <- gpu(matrix(c(1, 2, 3, 4), 2), device = "host")
#' (x %*% x > 8) & !is.na(x)
#' colMeans(sqrt(x))
#' x[2, ]
#' @name gpu-methods
NULL

methods_table <- function() {
  ops <- ops_table()
  name <- ifelse(nzchar(ops$r), ops$r, ops$name)
  exported <- nzchar(ops$r) | ops$name %in% getNamespaceExports(topenv())
  shown <- exported & ops$group != "Integer" & !ops$r %in% c("pmin", "pmax", "ifelse")
  rows <- sprintf("\\code{%s} \\tab %s", gsub("%", "\\\\%", name), ops$title)[shown]
  table <- paste0("\\tabular{ll}{\n", paste(rows, collapse = " \\cr\n"), "\n}")
  paste0("@section Elementwise operations:\n", table)
}

# Every method of the package, as R CMD check wants them documented; but those of generics with a
# page of their own.
own_pages <- c("[", "[[", "[<-", "[[<-", "which", "norm", "eigen")
# Functions with a page that names them; their methods stand here.
own_names <- c("chol2inv", "qr.solve", "rcond")
methods_aliases <- function() {
  namespace <- topenv()
  generics <- setdiff(methods::getGenerics(namespace)@.Data, own_pages)
  aliases <- lapply(generics, function(g) {
    table <- methods::findMethods(g, where = namespace)
    ours <- vapply(table@signatures, function(s) any(s %in% c("gpu", gpu_classes)), NA)
    signatures <- vapply(table@signatures[ours], paste, "", collapse = ",")
    if (length(signatures) == 0) return(NULL)
    named <- g %in% setdiff(getNamespaceExports(namespace), own_names)
    c(if (named) g, paste0(g, ",", signatures, "-method"))
  })
  aliases <- c(unlist(aliases), paste0(c("gpu", gpu_classes), "-class"))
  paste0("@aliases ", paste(unique(aliases), collapse = " "))
}
