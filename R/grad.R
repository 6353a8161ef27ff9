#' Gradients
#'
#' The derivative of a function of arrays that returns one number. The function is run once on
#' placeholders to see what it computes, then the graph of that is differentiated.
#'
#' What is accelerated and has a derivative has derivatives of every order: a gradient is a graph
#' again, and `gpu_grad()` may be used inside of a function that is differentiated, as may functions
#' that [gpu_jit()] made. Where there is none the usual choice is made: of equal largest elements
#' all share the gradient of `max()`, the first has that of `pmax()` and of `cummax()`; `abs()` and
#' `relu()` have 0 at 0. Elements that `na.rm` leaves out have none.
#'
#' @section Errors:
#' An `anygpu_error_argument` for what cannot be traced, as it looks at values of the argument
#' (`if (sum(x) > 0)`, `x[x > 0]`, `sort(x)`, `solve(x)`), and for a derivative that is not provided
#' (the second of `digamma()`); an `anygpu_error_shape` if the result is not one number.
#'
#' @param f A function whose first argument is an array and which returns a single number computed
#'   from it by operators and functions that are accelerated. It may assign to elements
#'   (`x[2] <- sum(x)`, `x[x < 0] <- 0`).
#' @param x The array (or ordinary numeric vector or matrix) where the derivative is wanted.
#' @param ... Further arguments of `f`, constants to the derivative.
#' @return An array of the shape of `x`: the derivatives of `f(x, ...)` by the elements of `x`;
#'   zeros where `f` does not use them.
#' @references Griewank, A. and Walther, A. (2008) *Evaluating Derivatives*. SIAM (reverse mode).
#' @examples
#' x <- gpu(c(1, 2, 3), device = "host")
#' gpu_grad(function(x) sum(x^2), x)
#' # the Hessian's product with a vector
#' v <- c(1, 0, 0)
#' gpu_grad(function(x) sum(gpu_grad(function(x) prod(x), x) * v), x)
#' @export
gpu_grad <- function(f, x, ...) {
  if (!is.function(f)) stop_status("argument", "`f`: a function is wanted")
  x <- if (is_gpu(x)) x else gpu(x)
  if (!startsWith(gpu_type(x), "float")) x <- gpu(x, type = .Call(C_info, x[0] + 0)[1])
  # within another traced function: a node of its own, as f may use x itself too, as a constant
  nested <- is_traced(x)
  placeholder <- if (nested) .Call(C_unary, "pos", x) else .Call(C_placeholder, x, 0L)
  y <- f(placeholder, ...)
  if (!(is.numeric(y) && length(y) == 1)) {
    stop_status("shape", "`f`: a function that returns one number is wanted")
  }
  if (!is_traced(y) || !startsWith(gpu_type(y), "float")) {
    y <- sum(.Call(C_unary, "stop", placeholder))
  }
  slope <- .Call(C_grad, y, list(placeholder))
  if (nested) slope[[1]] else run_traced(slope, list(x))[[1]]
}

# Arrays computed from placeholders 0, 1, ..., with the arrays `inputs` put in their place.
run_traced <- function(results, inputs) {
  traced <- vapply(results, is_traced, NA)
  if (any(traced)) {
    plan <- .Call(C_plan, results[traced], length(inputs))
    results[traced] <- .Call(C_plan_run, plan, inputs, results[traced])
  }
  results
}

is_traced <- function(x) is_gpu(x) && state_of(x) == "traced"
