nn_optim_nstate <- function(opt) if (opt$name == "adam") 2L else as.integer(opt$momentum != 0)
nn_optim_nscalar <- function(opt) 2L
nn_optim_scalars <- function(opt, t, lr) {
  if (opt$name != "adam") return(rbind(lr, 0 * t))
  r <- sqrt(1 - opt$beta2^t)
  rbind(lr * r / (1 - opt$beta1^t), opt$eps * r)
}
nn_optim_trace <- function(opt, p, g, state, scalar) {
  if (opt$name == "adam") {
    m <- opt$beta1 * state[[1]] + (1 - opt$beta1) * g
    v <- opt$beta2 * state[[2]] + (1 - opt$beta2) * (g * g)
    return(list(p = p - scalar[[1]] * m / (sqrt(v) + scalar[[2]]), state = list(m, v)))
  }
  if (opt$momentum == 0) return(list(p = p - scalar[[1]] * g, state = list()))
  v <- opt$momentum * state[[1]] + g
  list(p = p - scalar[[1]] * v, state = list(v))
}
nn_optim_average <- function(opt, run) NULL
nn_rate_new <- function(opt, steps, epochs) list()
nn_rate_at <- function(rate, opt, t) rep(opt$lr, length(t))
nn_rate_after <- function(rate, opt, loss) rate
nn_as_metric <- function(m) structure(list(name = "accuracy", n = 1, better = "higher",
  sums = function(y, z, w) sum((rowWhichMaxs(t(z)) - 1) == nn_reshape(y, length(y))),
  value = function(s) s), class = "nn_metric")
