# The steps of the optimisers, as expressions of flat vectors: each becomes one kernel.
#
#   nstate(o)                how many vectors as long as the parameters are kept; they start at 0
#   scalars(o, t, lr)        the numbers that change from step to step, a list of vectors along the
#                            steps t (from 1, with the learning rates lr)
#   step(o, p, g, state, s)  list of the next p and the next states; s holds the scalars of this
#                            step as arrays of one element
#
# What depends on the step alone is folded into the scalars: it would be computed anew for each
# parameter. (Scalars are arrays: s[[1]] * s[[2]] would be such a computation.)
nn_optim_kinds <- list(
  sgd = list(
    nstate = function(o) (o$momentum > 0) + 0L,
    scalars = function(o, t, lr) list(lr),
    step = function(o, p, g, state, s) {
      if (o$momentum == 0) return(list(p - g * s[[1]]))
      v <- state[[1]] * o$momentum + g
      list(p - (if (o$nesterov) g + v * o$momentum else v) * s[[1]], v)
    }
  ),

  # With r = sqrt(1 - b2^t), lr m' / (sqrt(v') + eps) is (lr r / (1 - b1^t)) m / (sqrt(v) + r eps).
  adam = list(
    nstate = function(o) 2L,
    scalars = function(o, t, lr) {
      r <- sqrt(1 - o$beta2^t)
      list(lr * r / (1 - o$beta1^t), o$eps * r)
    },
    step = function(o, p, g, state, s) {
      m <- state[[1]] * o$beta1 + g * (1 - o$beta1)
      v <- state[[2]] * o$beta2 + g * g * (1 - o$beta2)
      list(p - m * s[[1]] / (sqrt(v) + s[[2]]), m, v)
    }
  ),

  rmsprop = list(
    nstate = function(o) 1L + o$centered + (o$momentum > 0),
    scalars = function(o, t, lr) list(lr),
    step = function(o, p, g, state, s) {
      v <- state[[1]] * o$rho + g * g * (1 - o$rho)
      m <- if (o$centered) state[[2]] * o$rho + g * (1 - o$rho)
      # rounding can make a variance of 0 negative
      square <- if (o$centered) pmax(v - m * m, 0) else v
      u <- g / (sqrt(square) + o$eps)
      if (o$momentum > 0) u <- state[[2 + o$centered]] * o$momentum + u
      c(list(p - u * s[[1]], v), if (o$centered) list(m), if (o$momentum > 0) list(u))
    }
  ),

  adagrad = list(
    nstate = function(o) 1L,
    scalars = function(o, t, lr) list(lr),
    step = function(o, p, g, state, s) {
      v <- state[[1]] + g * g
      list(p - g * s[[1]] / (sqrt(v) + o$eps), v)
    }
  ),

  adadelta = list(
    nstate = function(o) 2L,
    scalars = function(o, t, lr) list(lr),
    step = function(o, p, g, state, s) {
      v <- state[[1]] * o$rho + g * g * (1 - o$rho)
      d <- g * sqrt((state[[2]] + o$eps) / (v + o$eps))
      u <- state[[2]] * o$rho + d * d * (1 - o$rho)
      list(nn_beside(p - d * s[[1]], u), v, u)
    }
  ),

  lion = list(
    nstate = function(o) 1L,
    scalars = function(o, t, lr) list(lr),
    step = function(o, p, g, state, s) {
      u <- sign(state[[1]] * o$beta1 + g * (1 - o$beta1))
      m <- state[[1]] * o$beta2 + g * (1 - o$beta2)
      list(nn_beside(p - u * s[[1]], m), m)
    }
  )
)

# p, in one kernel with x: a result that no other one is made from would have a kernel of its own.
nn_beside <- function(p, x) p + x * 0

# AdamW is Adam on weights that were diminished before.
nn_optim_kind <- function(o) nn_optim_kinds[[if (o$name == "adamw") "adam" else o$name]]

# -- what the trainer asks for -----------------------------------------------------------------

nn_optim_decoupled <- function(o) o$name %in% c("adamw", "lion") && o$weight_decay > 0

# How many vectors and how many numbers per step the optimiser `o` has; a moving average of the
# parameters is the last of each.
nn_optim_nstate <- function(o) nn_optim_kind(o)$nstate(o) + !is.null(o$ema)
nn_optim_nscalar <- function(o) nrow(nn_optim_scalars(o, 1, 1))

# The numbers of the steps t, a column each; lr: their learning rates.
nn_optim_scalars <- function(o, t, lr) {
  rows <- nn_optim_kind(o)$scalars(o, t, lr)
  if (nn_optim_decoupled(o)) rows <- c(rows, list(lr * o$weight_decay))
  # the share of the new parameters in an average of the first t: from a start at anything
  if (!is.null(o$ema)) rows <- c(rows, list((1 - o$ema) / (1 - o$ema^t)))
  matrix(unlist(rows), ncol = length(t), byrow = TRUE)
}

# The next values of p and of the states, a list, from the gradient g of the mean loss.
nn_optim_trace <- function(o, p, g, state, scalar) {
  kind <- nn_optim_kind(o)
  nstate <- kind$nstate(o)
  g <- nn_optim_clip(o, nn_optim_gradient(o, p, g))
  decoupled <- nn_optim_decoupled(o)
  if (o$weight_decay > 0 && !decoupled) g <- g + p * o$weight_decay
  last <- length(scalar) - !is.null(o$ema)
  from <- if (decoupled) p - p * scalar[[last]] else p
  stepped <- kind$step(o, from, g, state[seq_len(nstate)], scalar)
  if (is.null(o$ema)) return(stepped)
  mean <- state[[nstate + 1]]
  c(stepped, list(mean + (stepped[[1]] - mean) * scalar[[last + 1]]))
}

# What the penalties add to the mean loss, and to its gradient.
nn_optim_penalty <- function(o, p) {
  (if (isTRUE(o$l1 > 0)) sum(abs(p)) * o$l1 else 0) + (if (o$l2 > 0) sum(p * p) * o$l2 else 0)
}

nn_optim_gradient <- function(o, p, g) {
  if (isTRUE(o$l1 > 0)) g <- g + sign(p) * o$l1
  if (o$l2 > 0) g <- g + p * (2 * o$l2)
  g
}

nn_optim_clip <- function(o, g) {
  if (!is.null(o$clip_value)) g <- pmax(pmin(g, o$clip_value), -o$clip_value)
  if (is.null(o$clip_norm)) return(g)
  # as PyTorch; the sum of one element makes this a number computed once, not for each parameter
  g * sum(pmin(o$clip_norm / (sqrt(sum(g * g)) + 1e-6), 1))
}
