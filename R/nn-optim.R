#' Optimisers
#'
#' How the weights follow the gradient `g` of a batch's mean loss.
#'
#' `opt_sgd()` is gradient descent on batches, with momentum in PyTorch's convention:
#' `v = momentum * v + g; w = w - lr * v`, with `v` 0 at the start.
#'
#' `opt_adam()` is algorithm 1 of Kingma and Ba (2015): `m` and `v` are running means of `g`
#' and of its square, corrected for their start at 0, and
#' `w = w - lr * m / (sqrt(v) + eps)`.
#'
#' @param lr Learning rate, greater than 0.
#' @param momentum At least 0 and less than 1.
#' @param beta1,beta2 Decay rates of the two running means, at least 0 and less than 1.
#' @param eps A small number greater than 0 that keeps the quotient finite.
#' @return An object of class `nn_optimizer`, for [nn_fit()].
#' @section Errors: A number out of its range gives an error of class
#'   `anygpu_error_argument`.
#' @references Kingma, D. P. and Ba, J. (2015). Adam: a method for stochastic optimization. *ICLR*.
#' @examples
#' opt_sgd(0.1, momentum = 0.9)
#' opt_adam()
#' @name optimizers
NULL

#' @rdname optimizers
#' @export
opt_sgd <- function(lr = 0.01, momentum = 0) {
  nn_optimizer("sgd", lr = nn_number(lr, "lr"),
               momentum = nn_number(momentum, "momentum", 0, 1, closed = TRUE))
}

#' @rdname optimizers
#' @export
opt_adam <- function(lr = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8) {
  nn_optimizer("adam", lr = nn_number(lr, "lr"),
               beta1 = nn_number(beta1, "beta1", 0, 1, closed = TRUE),
               beta2 = nn_number(beta2, "beta2", 0, 1, closed = TRUE),
               eps = nn_number(eps, "eps"))
}

nn_optimizer <- function(name, ...) {
  structure(list(name = name, ...), class = "nn_optimizer")
}

#' @export
format.nn_optimizer <- function(x, ...) {
  values <- vapply(unclass(x)[-1], format, "")
  sprintf("%s (%s)", x$name, paste(names(values), values, collapse = ", "))
}

#' @export
print.nn_optimizer <- function(x, ...) {
  cat("<nn_optimizer> ", format(x), "\n", sep = "")
  invisible(x)
}
