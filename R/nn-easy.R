#' A neural network in one line
#'
#' Makes a network of dense layers for the data and trains it: [nn_model()] and [nn_fit()] with
#' defaults that suit most tables. The last layer has as many outputs as the response needs; inputs
#' and a numeric response are standardised.
#'
#' Small data (at most 2,000 samples and 10,000 weights) are trained by [opt_lbfgs()], at most 100
#' iterations on all samples, with `"tanh"` units and, if there are hidden layers, a penalty
#' `l2 = 0.01`, without which so many weights would learn the samples by heart. Others are trained
#' by [opt_adam()] in batches of 32 (128 of more than 10,000 samples), for 20 epochs or as many as
#' make 1,000 steps, with `"relu"` units.
#'
#' The arguments of [nnet::nnet()] are understood: `size` is a single hidden layer of `"sigmoid"`
#' units, `decay` (0 with `size`) the penalty `decay * sum(w^2)` on the loss summed over the
#' samples, `maxit` the greatest number of iterations.
#'
#' @param x A formula (see [nn_fit.formula()] for what it may contain), or inputs as for [nn_fit()]:
#'   a numeric matrix or a data frame of numbers.
#' @param formula,data,subset,na.action,weights,embed As for [nn_fit.formula()].
#' @param y The response: a factor or numbers.
#' @param hidden Units of the hidden layers; `NULL` or `integer()`: none, a (generalised) linear
#'   model.
#' @param activation Of the hidden layers, see [activations]; `NULL`: see below.
#' @param size,decay,maxit As in [nnet::nnet()], see below: `size` in place of `hidden`, `decay` in
#'   place of an `optimizer` with a penalty, `maxit` in place of `epochs`.
#' @param loss,optimizer,epochs,batch_size As for [nn_fit()]; `NULL`: see below.
#' @param ... Further arguments of [nn_fit()], such as `validation`, `early_stopping`, `metrics`.
#' @return As [nn_fit()].
#' @section Errors: As those of [nn_fit()].
#' @examples
#' set.seed(1)
#' fit <- nn(Species ~ ., iris, hidden = 8)
#' table(predict(fit, iris, type = "class"), iris$Species)
#'
#' fit <- nn(dist ~ speed, cars, size = 4, decay = 0.01, maxit = 50)
#' predict(fit, data.frame(speed = c(5, 15, 25)))
#' @export
nn <- function(x, ...) UseMethod("nn")

#' @rdname nn
#' @export
nn.formula <- function(formula, data, subset, na.action, weights, embed = NULL,
                       hidden = c(64, 32), activation = NULL, size = NULL, decay = NULL,
                       maxit = NULL, loss = NULL, optimizer = NULL, epochs = NULL,
                       batch_size = NULL, ...) {
  call <- match.call()
  design <- nn_design(call, "formula", embed, parent.frame())
  plan <- nn_easy_plan(nn_design_inputs(design), nn_rows(design$y), design$y, loss,
                       nn_easy_hidden(hidden, size, missing(hidden)), activation, size)
  how <- nn_easy_training(plan, optimizer, decay, epochs, maxit, batch_size)
  nn_fit_design(plan$model, design, nn_call(call, "nn"), loss = loss, optimizer = how$optimizer,
                epochs = how$epochs, batch_size = how$batch_size, ...)
}

#' @rdname nn
#' @export
nn.default <- function(x, y, weights = NULL, hidden = c(64, 32), activation = NULL, size = NULL,
                       decay = NULL, maxit = NULL, loss = NULL, optimizer = NULL, epochs = NULL,
                       batch_size = NULL, ...) {
  call <- match.call()
  inputs <- nn_inputs(x)
  if (length(inputs$x) > 1 || length(inputs$inputs[[1]]$dim) > 1) {
    nn_stop("shape", paste("nn() is for matrices and data frames, not %s: nn_model() makes other",
                           "networks"), nn_describe(x))
  }
  plan <- nn_easy_plan(inputs$inputs[[1]]$dim, nn_rows(inputs$x[[1]]), y, loss,
                       nn_easy_hidden(hidden, size, missing(hidden)), activation, size)
  how <- nn_easy_training(plan, optimizer, decay, epochs, maxit, batch_size)
  fit <- nn_fit.default(plan$model, x, y, weights = weights, loss = loss,
                        optimizer = how$optimizer, epochs = how$epochs,
                        batch_size = how$batch_size, ...)
  fit$call <- nn_call(call, "nn")
  fit
}

nn_easy_hidden <- function(hidden, size, by_default) {
  if (is.null(size)) return(hidden)
  if (!by_default) nn_stop("argument", "`size` takes the place of `hidden`: only one can be given")
  nn_count(size, "size")
}

# How many numbers a sample has once its factors are embedded.
nn_design_inputs <- function(design) {
  matrix <- if (is.list(design$x)) design$x$x else design$x
  (if (is.null(matrix)) 0 else ncol(matrix)) + sum(design$formula$embed)
}

# list(model, small, n, l2): what suits n samples of `inputs` numbers.
nn_easy_plan <- function(inputs, n, y, loss, hidden, activation, size) {
  target <- suppressWarnings(nn_outputs(y, n), classes = "anygpu_warning_class") # nn_fit() will
  if (length(target) > 1) {
    nn_stop("shape", "nn() is for one target, not %d: nn_model() makes other networks",
            length(target))
  }
  hidden <- vapply(as.list(hidden), nn_count, 1L, name = "hidden")
  wanted <- nn_output_of(target[[1]], loss, FALSE, NULL)$wanted
  units <- if (anyNA(wanted)) target[[1]]$outputs else max(wanted)
  widths <- c(inputs, hidden, units)
  weights <- sum((utils::head(widths, -1) + 1) * widths[-1])
  small <- n <= 2000 && weights <= 10000
  if (is.null(activation)) {
    activation <- if (!is.null(size)) "sigmoid" else if (small) "tanh" else "relu"
  }
  layers <- c(lapply(hidden, layer_dense, activation), list(layer_dense(units)))
  list(model = do.call(nn_model, layers), small = small, n = n,
       l2 = if (small && length(hidden) && is.null(size)) 0.01 else 0)
}

# list(optimizer, epochs, batch_size), where the user does not say.
nn_easy_training <- function(plan, optimizer, decay, epochs, maxit, batch_size) {
  if (!is.null(maxit)) {
    if (!is.null(epochs)) nn_stop("argument", "`maxit` takes the place of `epochs`: give only one")
    epochs <- nn_count(maxit, "maxit")
  }
  if (!is.null(optimizer) && !is.null(decay)) {
    nn_stop("argument", "with an `optimizer`, give it the penalty `l2` in place of `decay`")
  }
  if (!is.null(optimizer)) {
    optimizer <- nn_as_optimizer(optimizer)
  } else {
    l2 <- if (is.null(decay)) plan$l2 else nn_number(decay, "decay", closed = TRUE) / plan$n
    optimizer <- if (plan$small) opt_lbfgs(l2 = l2) else opt_adam(l2 = l2)
  }
  if (is.null(batch_size)) batch_size <- min(if (plan$n > 10000) 128 else 32, plan$n)
  if (is.null(epochs)) {
    epochs <- if (nn_is_lbfgs(optimizer)) 100 else max(20, ceiling(1000 * batch_size / plan$n))
  }
  list(optimizer = optimizer, epochs = epochs, batch_size = batch_size)
}
