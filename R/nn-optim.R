#' Optimisers
#'
#' How the weights `w` follow the gradient `g` of a batch's mean loss, in step `t = 1, 2, ...`. What
#' is kept from step to step starts at 0. Conventions and defaults are those of PyTorch ([layers]
#' has those of Keras beside them).
#'
#' `opt_sgd()`: gradient descent on batches, with momentum: `v = momentum v + g`, `w = w - lr v`.
#' With `nesterov` the step is `lr (g + momentum v)` (Sutskever et al. 2013).
#'
#' `opt_adam()`: `m = beta1 m + (1 - beta1) g`, `v = beta2 v + (1 - beta2) g^2`, and
#' `w = w - lr m' / (sqrt(v') + eps)` where `m' = m / (1 - beta1^t)` and `v' = v / (1 - beta2^t)`
#' (Kingma and Ba 2015, algorithm 1).
#'
#' `opt_adamw()`: Adam with decoupled weight decay: `w` is first diminished by
#' `lr weight_decay w` (Loshchilov and Hutter 2019, algorithm 2).
#'
#' `opt_rmsprop()`: `v = rho v + (1 - rho) g^2`, `w = w - lr g / (sqrt(v) + eps)` (Tieleman and
#' Hinton 2012). If `centered`, `v` is diminished by the square of `m = rho m + (1 - rho) g` before
#' the root is taken (Graves 2013). With momentum, `u = momentum u + g / (sqrt(v) + eps)` takes the
#' place of the quotient.
#'
#' `opt_adagrad()`: `v = v + g^2`, `w = w - lr g / (sqrt(v) + eps)` (Duchi et al. 2011).
#'
#' `opt_adadelta()`: `v = rho v + (1 - rho) g^2`, `d = g sqrt(u + eps) / sqrt(v + eps)`,
#' `u = rho u + (1 - rho) d^2`, `w = w - lr d` (Zeiler 2012).
#'
#' `opt_lion()`: `w = w - lr (sign(beta1 m + (1 - beta1) g) + weight_decay w)`,
#' then `m = beta2 m + (1 - beta2) g` (Chen et al. 2023).
#'
#' `opt_lbfgs()`: no batches: each step uses all samples, with a limited-memory quasi-Newton
#' direction (Liu and Nocedal 1989) and a line search for the strong Wolfe conditions (More and
#' Thuente 1994). For small data and small networks, where it needs no learning rate and gets to a
#' lower loss than the others. The epochs of [nn_fit()] are its iterations. It ends before `epochs`
#' when the loss falls below `abstol` or by no more than a share `reltol` of itself.
#'
#' @section Penalties and the rest:
#' Every optimiser but `opt_lbfgs()` takes in `...`:
#' \describe{
#'   \item{`l1`, `l2`}{penalties on all weights and biases: `l1 sum(abs(w)) + l2 sum(w^2)` is added
#'     to the mean loss. (nnet's `decay` is added to the sum over the samples: it is `l2` times
#'     their number.) They show in no reported loss.}
#'   \item{`clip_value`}{the largest size of an element of the gradient; larger ones are cut.}
#'   \item{`clip_norm`}{the largest Euclidean norm of the gradient of all weights together; a longer
#'     one is shortened (Pascanu et al. 2013).}
#'   \item{`weight_decay`}{`opt_adamw()`, `opt_lion()`: as above. Otherwise `weight_decay w` is
#'     added to `g`, which is what `l2 = weight_decay / 2` does, but after clipping.}
#'   \item{`ema`}{at least 0 and less than 1: the fit gets, instead of the last weights, a moving
#'     average of them in which those of `k` steps ago count `ema^k` (Polyak and Juditsky 1992).}
#' }
#' They are applied in this order. `opt_lbfgs()` has `l2`.
#'
#' @param lr Learning rate, a number greater than 0, or a [schedule][schedules].
#' @param momentum At least 0 and less than 1.
#' @param nesterov Whether the momentum is Nesterov's.
#' @param beta1,beta2,rho Decay rates of running means, at least 0 and less than 1.
#' @param eps A small number greater than 0 that keeps the quotient finite.
#' @param centered Whether the variance of the gradient takes the place of its mean square.
#' @param weight_decay See below.
#' @param history How many steps the direction is made from: each takes memory for two numbers per
#'   parameter.
#' @param abstol,reltol When to stop: see above.
#' @param l2 Penalty `l2 sum(w^2)`, at least 0.
#' @param ... See below.
#' @return An object of class `nn_optimizer`, for [nn_fit()].
#' @section Errors: A number out of its range gives an error of class
#'   `anygpu_error_argument`.
#' @references Kingma, D. P. and Ba, J. (2015). Adam: a method for stochastic optimization. *ICLR*.
#'
#'   Loshchilov, I. and Hutter, F. (2019). Decoupled weight decay regularization. *ICLR*.
#'
#'   Tieleman, T. and Hinton, G. (2012). Lecture 6.5: rmsprop. *Coursera: Neural Networks for
#'   Machine Learning*.
#'
#'   Graves, A. (2013). Generating sequences with recurrent neural networks. arXiv:1308.0850.
#'
#'   Duchi, J., Hazan, E. and Singer, Y. (2011). Adaptive subgradient methods for online learning
#'   and stochastic optimization. *JMLR* 12.
#'
#'   Zeiler, M. D. (2012). ADADELTA: an adaptive learning rate method. arXiv:1212.5701.
#'
#'   Chen, X. et al. (2023). Symbolic discovery of optimization algorithms. arXiv:2302.06675.
#'
#'   Sutskever, I., Martens, J., Dahl, G. and Hinton, G. (2013). On the importance of initialization
#'   and momentum in deep learning. *ICML*.
#'
#'   Pascanu, R., Mikolov, T. and Bengio, Y. (2013). On the difficulty of training recurrent neural
#'   networks. *ICML*.
#'
#'   Polyak, B. T. and Juditsky, A. B. (1992). Acceleration of stochastic approximation by
#'   averaging. *SIAM Journal on Control and Optimization* 30.
#'
#'   Liu, D. C. and Nocedal, J. (1989). On the limited memory BFGS method for large scale
#'   optimization. *Mathematical Programming* 45.
#'
#'   More, J. J. and Thuente, D. J. (1994). Line search algorithms with guaranteed sufficient
#'   decrease. *ACM Transactions on Mathematical Software* 20.
#' @examples
#' opt_sgd(0.1, momentum = 0.9)
#' opt_adam(lr_cosine(0.01, warmup = 0.1), clip_norm = 1)
#' opt_adamw(weight_decay = 0.05, ema = 0.999)
#' opt_lbfgs(l2 = 1e-4)
#' @name optimizers
NULL

#' @rdname optimizers
#' @export
opt_sgd <- function(lr = 0.01, momentum = 0, nesterov = FALSE, ...) {
  nn_optimizer("sgd", lr, momentum = nn_share(momentum, "momentum"),
               nesterov = nn_flag(nesterov, "nesterov"), ...)
}

#' @rdname optimizers
#' @export
opt_adam <- function(lr = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, ...) {
  nn_optimizer("adam", lr, beta1 = nn_share(beta1, "beta1"), beta2 = nn_share(beta2, "beta2"),
               eps = nn_number(eps, "eps"), ...)
}

#' @rdname optimizers
#' @export
opt_adamw <- function(lr = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01,
                      ...) {
  nn_optimizer("adamw", lr, beta1 = nn_share(beta1, "beta1"), beta2 = nn_share(beta2, "beta2"),
               eps = nn_number(eps, "eps"), weight_decay = weight_decay, ...)
}

#' @rdname optimizers
#' @export
opt_rmsprop <- function(lr = 0.01, rho = 0.99, eps = 1e-8, momentum = 0, centered = FALSE, ...) {
  nn_optimizer("rmsprop", lr, rho = nn_share(rho, "rho"), eps = nn_number(eps, "eps"),
               momentum = nn_share(momentum, "momentum"), centered = nn_flag(centered, "centered"),
               ...)
}

#' @rdname optimizers
#' @export
opt_adagrad <- function(lr = 0.01, eps = 1e-10, ...) {
  nn_optimizer("adagrad", lr, eps = nn_number(eps, "eps"), ...)
}

#' @rdname optimizers
#' @export
opt_adadelta <- function(lr = 1, rho = 0.9, eps = 1e-6, ...) {
  nn_optimizer("adadelta", lr, rho = nn_share(rho, "rho"), eps = nn_number(eps, "eps"), ...)
}

#' @rdname optimizers
#' @export
opt_lion <- function(lr = 1e-4, beta1 = 0.9, beta2 = 0.99, weight_decay = 0, ...) {
  nn_optimizer("lion", lr, beta1 = nn_share(beta1, "beta1"), beta2 = nn_share(beta2, "beta2"),
               weight_decay = weight_decay, ...)
}

#' @rdname optimizers
#' @export
opt_lbfgs <- function(history = 50, abstol = 1e-8, reltol = 1e-8, l2 = 0) {
  nn_new_optimizer("lbfgs", history = nn_count(history, "history"),
                   abstol = nn_number(abstol, "abstol", closed = TRUE),
                   reltol = nn_number(reltol, "reltol", 0, 1, closed = TRUE),
                   l2 = nn_number(l2, "l2", closed = TRUE))
}

# An optimiser from an optimiser or its name: "adam" is opt_adam().
nn_as_optimizer <- function(x) {
  if (inherits(x, "nn_optimizer")) return(x)
  table <- nn_optimizer_table()
  if (is.character(x) && length(x) == 1 && x %in% names(table)) return(table[[x]]())
  nn_stop("argument", "`optimizer` must be an optimiser such as opt_adam() or one of %s, not %s",
          paste0("\"", names(table), "\"", collapse = ", "), nn_describe(x))
}

nn_optimizer_table <- function() {
  list(sgd = opt_sgd, adam = opt_adam, adamw = opt_adamw, rmsprop = opt_rmsprop,
       adagrad = opt_adagrad, adadelta = opt_adadelta, lion = opt_lion, lbfgs = opt_lbfgs)
}

# Its own numbers come first in `...`, then those that all optimisers have.
nn_optimizer <- function(name, lr, ..., weight_decay = 0, l1 = 0, l2 = 0, clip_value = NULL,
                         clip_norm = NULL, ema = NULL) {
  if (!inherits(lr, "nn_schedule")) lr <- nn_number(lr, "lr")
  own <- list(...)
  unknown <- setdiff(names(own), names(formals(paste0("opt_", name))))
  if (length(unknown) || any(names(own) == "")) {
    unknown <- setdiff(unknown, "")
    nn_stop("argument", "opt_%s() has no argument %s", name,
            if (length(unknown)) paste0("`", unknown[1], "`") else "at that place")
  }
  size <- function(x, name) nn_number(x, name, closed = TRUE)
  bound <- function(x, name) if (!is.null(x)) nn_number(x, name)
  nn_new_optimizer(
    name, lr = lr, ..., weight_decay = size(weight_decay, "weight_decay"), l1 = size(l1, "l1"),
    l2 = size(l2, "l2"), clip_value = bound(clip_value, "clip_value"),
    clip_norm = bound(clip_norm, "clip_norm"), ema = if (!is.null(ema)) nn_share(ema, "ema")
  )
}

nn_new_optimizer <- function(name, ...) {
  structure(list(name = name, ...), class = "nn_optimizer")
}

nn_share <- function(x, name) nn_number(x, name, 0, 1, closed = TRUE)

#' @export
format.nn_optimizer <- function(x, ...) {
  values <- unclass(x)[-1]
  off <- vapply(values, function(v) is.null(v) || isFALSE(v), NA)
  common <- c("weight_decay", "l1", "l2")
  off[common] <- vapply(values[common], function(v) identical(v, 0), NA)
  values <- vapply(values[!off[names(values)]], format, "")
  sprintf("%s (%s)", x$name, paste(names(values), values, collapse = ", "))
}

#' @export
print.nn_optimizer <- function(x, ...) {
  cat("<nn_optimizer> ", format(x), "\n", sep = "")
  invisible(x)
}
