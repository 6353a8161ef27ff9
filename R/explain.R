#' What would run
#'
#' Shows the kernels that computing `x` would run: what was fused into what.
#' @param x An array made by [gpu()], or a number that such an array gave.
#' @return The text, invisibly; `""` when nothing is pending.
#' @examples
#' x <- gpu(c(1, 2, 3), device = "host")
#' gpu_explain(1 / (1 + exp(-(2 * x + 1))))
#' gpu_explain(x)
#' @export
gpu_explain <- function(x) {
  text <- .Call(C_explain, x)
  cat(if (nzchar(text)) text else "nothing pending", if (!endsWith(text, "\n")) "\n", sep = "")
  invisible(text)
}
