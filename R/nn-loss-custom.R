# Losses by name, and R functions as losses.

# The named loss: "mse" is loss_mse().
nn_loss_table <- function() {
  list(mse = loss_mse, mae = loss_mae, huber = loss_huber, quantile = loss_quantile,
       cross_entropy = loss_cross_entropy, binary_cross_entropy = loss_binary_cross_entropy,
       poisson = loss_poisson, negative_binomial = loss_negative_binomial,
       gaussian = loss_gaussian, hinge = loss_hinge, cosine = loss_cosine,
       triplet = loss_triplet, contrastive = loss_contrastive)
}

# A loss from a loss, a name or a function of (y_true, y_pred). `classes`: how many y has, 0 if it
# is no factor.
nn_as_loss <- function(x, classes = 0L) {
  if (inherits(x, "nn_loss")) return(x)
  if (is.function(x)) return(nn_loss_of_function(x, classes))
  table <- nn_loss_table()
  if (is.character(x) && length(x) == 1 && x %in% names(table)) return(table[[x]]())
  nn_stop("argument", "`loss` must be a loss such as loss_huber(), a function or one of %s, not %s",
          paste0("\"", names(table), "\"", collapse = ", "), nn_describe(x))
}

nn_loss_of_function <- function(f, classes) {
  takes_weights <- length(formals(args(f))) > 2
  parts <- function(y, z, s, w) {
    n <- nn_extent(z)
    value <- nn_call_user(f, y, z, classes, if (takes_weights) list(w))
    if (!is_gpu(value) || !length(value) %in% c(1, n)) {
      nn_stop("shape", "the loss must return %s, computed from `y_pred`, not %s",
              "a number for each sample of the batch or one for all", nn_describe(value))
    }
    if (length(value) == n) return(list(cost = nn_reshape(value, n)))
    if (!is.null(w) && !takes_weights) {
      nn_stop("argument", "%s: return one for each sample, or take a third argument, the weights",
              "a loss that returns one number for the batch knows nothing of sample weights")
    }
    list(cost = .Call(C_rep, value, 1, n, NULL, NULL))
  }
  nn_loss("function", parts, kind = if (classes) "class" else "numeric",
          outputs = function(target) NA_integer_)
}

# f(y_true, y_pred, ...) on a batch as users see it: samples first, a column for each class.
nn_call_user <- function(f, y, z, classes, more = list()) {
  if (classes) {
    each <- .Call(C_rep, y, classes, classes * length(y), c(classes, length(y)), NULL)
    y <- nn_reshape(nn_ones(nn_hot(y, each), y), c(classes, dim(y)[-1]))
  }
  # by name, for an error that shows its call cannot show a placeholder
  y_true <- aperm(y)
  y_pred <- aperm(z)
  if (length(more)) f(y_true, y_pred, more[[1]]) else f(y_true, y_pred)
}
