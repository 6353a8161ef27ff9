# Each optimiser in plain R: the formulas of ?optimizers, literally. step(o, p, g, s, t, lr) returns
# list(p, s) with the states s by name.
zero <- function(x) if (is.null(x)) 0 else x

ref_steps <- list(
  sgd = function(o, p, g, s, t, lr) {
    v <- o$momentum * zero(s$v) + g
    list(p - lr * (if (o$nesterov) g + o$momentum * v else v), list(v = v))
  },
  adam = function(o, p, g, s, t, lr) {
    m <- o$beta1 * zero(s$m) + (1 - o$beta1) * g
    v <- o$beta2 * zero(s$v) + (1 - o$beta2) * g^2
    list(p - lr * (m / (1 - o$beta1^t)) / (sqrt(v / (1 - o$beta2^t)) + o$eps), list(m = m, v = v))
  },
  adamw = function(o, p, g, s, t, lr) {
    ref_steps$adam(o, p - lr * o$weight_decay * p, g, s, t, lr)
  },
  rmsprop = function(o, p, g, s, t, lr) {
    v <- o$rho * zero(s$v) + (1 - o$rho) * g^2
    m <- o$rho * zero(s$m) + (1 - o$rho) * g
    u <- o$momentum * zero(s$u) + g / (sqrt(if (o$centered) v - m^2 else v) + o$eps)
    list(p - lr * u, list(v = v, m = m, u = u))
  },
  adagrad = function(o, p, g, s, t, lr) {
    v <- zero(s$v) + g^2
    list(p - lr * g / (sqrt(v) + o$eps), list(v = v))
  },
  adadelta = function(o, p, g, s, t, lr) {
    v <- o$rho * zero(s$v) + (1 - o$rho) * g^2
    d <- g * sqrt(zero(s$u) + o$eps) / sqrt(v + o$eps)
    list(p - lr * d, list(v = v, u = o$rho * zero(s$u) + (1 - o$rho) * d^2))
  },
  lion = function(o, p, g, s, t, lr) {
    u <- sign(o$beta1 * zero(s$m) + (1 - o$beta1) * g) + o$weight_decay * p
    list(p - lr * u, list(m = o$beta2 * zero(s$m) + (1 - o$beta2) * g))
  }
)

# What all optimisers do to the gradient first.
ref_gradient_of <- function(o, p, g) {
  g <- g + o$l1 * sign(p) + 2 * o$l2 * p
  if (!is.null(o$clip_value)) g <- base::pmax(base::pmin(g, o$clip_value), -o$clip_value)
  if (!is.null(o$clip_norm)) g <- g * min(1, o$clip_norm / (sqrt(sum(g^2)) + 1e-6))
  if (o$name %in% c("adamw", "lion")) g else g + o$weight_decay * p
}

ref_run <- function(o, p, gradients, lr) {
  s <- list()
  seen <- NULL
  for (t in seq_len(ncol(gradients))) {
    out <- ref_steps[[o$name]](o, p, ref_gradient_of(o, p, gradients[, t]), s, t, lr[t])
    p <- out[[1]]
    s <- out[[2]]
    seen <- cbind(seen, p)
  }
  age <- (ncol(seen) - 1):0
  list(p = p, ema = if (!is.null(o$ema)) drop(seen %*% o$ema^age) / sum(o$ema^age))
}

# The same by the traced step, replayed as a plan.
run_steps <- function(o, p, gradients, lr, type) {
  nstate <- anygpu:::nn_optim_nstate(o)
  scalars <- anygpu:::nn_optim_scalars(o, seq_along(lr), lr)
  step <- gpu_jit(function(p, g, ...) {
    more <- list(...)
    anygpu:::nn_optim_trace(o, p, g, more[seq_len(nstate)],
                            more[seq_along(more) > nstate])
  })
  now <- c(list(gpu(p, type)), rep(list(gpu(0 * p, type)), nstate))
  launches <- gpu_stats()$launches
  for (t in seq_len(ncol(gradients))) {
    launches <- gpu_stats()$launches
    inputs <- c(now[1], list(gpu(gradients[, t], type)), now[-1], lapply(scalars[, t], gpu, type))
    now <- do.call(step, unname(inputs))
  }
  list(p = as.vector(now[[1]]), ema = if (!is.null(o$ema)) as.vector(now[[nstate + 1]]),
       launches = gpu_stats()$launches - launches)
}

optim_cases <- list(
  opt_sgd(0.1), opt_sgd(0.1, momentum = 0.9), opt_sgd(0.1, momentum = 0.8, nesterov = TRUE),
  opt_adam(0.1), opt_adam(0.1, 0.8, 0.9, 1e-3), opt_adamw(0.1, weight_decay = 0.1),
  opt_adamw(0.1, weight_decay = 0), opt_rmsprop(0.1),
  opt_rmsprop(0.1, momentum = 0.9), opt_rmsprop(0.1, centered = TRUE, rho = 0.9),
  opt_rmsprop(0.1, momentum = 0.5, centered = TRUE), opt_adagrad(0.1), opt_adadelta(),
  opt_lion(0.1), opt_lion(0.1, weight_decay = 0.2)
)

expect_steps <- function(o, launches = 1) {
  p <- rnorm(67)
  gradients <- matrix(rnorm(67 * 5), 67)
  lr <- 0.1 * 0.9^(0:4)
  want <- ref_run(o, p, gradients, lr)
  for (type in test_types()) {
    got <- run_steps(o, p, gradients, lr, type)
    tolerance <- if (type == "float64") 1e-10 else 1e-4
    expect_equal(got$p, want$p, tolerance = tolerance, info = format(o))
    expect_equal(got$ema, want$ema, tolerance = tolerance, info = format(o))
    expect_equal(got$launches, launches, info = format(o))
  }
}

test_that("steps are those of the formulas, and a single kernel", {
  set.seed(21)
  for (o in thinned(optim_cases, 8)) expect_steps(o)
})

test_that("penalties, clipping of elements, decay and averages stay in the kernel", {
  set.seed(22)
  expect_steps(opt_sgd(0.1, weight_decay = 0.3))
  expect_steps(opt_adam(0.1, weight_decay = 0.3, l1 = 0.1, l2 = 0.2))
  expect_steps(opt_adam(0.1, clip_value = 0.5, ema = 0.9))
  expect_steps(opt_adamw(0.1, l2 = 0.1, ema = 0.5))
  expect_steps(opt_rmsprop(0.1, momentum = 0.9, centered = TRUE, ema = 0.99))
})

test_that("clipping by norm is a reduction more", {
  set.seed(23)
  expect_steps(opt_sgd(0.1, momentum = 0.5, clip_norm = 2), launches = 3)
  expect_steps(opt_sgd(0.1, clip_norm = 100), launches = 3)
  # what is clipped is stored, as both the norm and the step are made from it
  expect_steps(opt_lion(0.1, clip_norm = 1, clip_value = 1, l1 = 0.1, ema = 0.8), launches = 4)
})

test_that("states and scalars are within what the trainer holds", {
  all <- opt_adamw(ema = 0.9)
  expect_equal(anygpu:::nn_optim_nstate(all), 3)
  expect_equal(anygpu:::nn_optim_nscalar(all), 4)
  expect_equal(anygpu:::nn_optim_nstate(opt_rmsprop(momentum = 0.9, centered = TRUE, ema = 0)), 4)
  expect_identical(dim(anygpu:::nn_optim_scalars(opt_sgd(), 1:3, c(1, 1, 1))), c(1L, 3L))
})

test_that("penalties are those that the gradient is of", {
  set.seed(24)
  p <- rnorm(9)
  o <- opt_sgd(l1 = 0.3, l2 = 0.2)
  expect_equal(as.vector(anygpu:::nn_optim_penalty(o, gpu(p))), 0.3 * sum(abs(p)) + 0.2 * sum(p^2),
               tolerance = 1e-6)
  g <- as.vector(gpu_grad(function(p) anygpu:::nn_optim_penalty(o, p), gpu(p)))
  expect_equal(as.vector(anygpu:::nn_optim_gradient(o, gpu(p), 0)), g, tolerance = 1e-6)
  expect_identical(anygpu:::nn_optim_penalty(opt_lbfgs(), p), 0)
})

test_that("optimisers hold their numbers and print them", {
  expect_output(print(opt_sgd(0.1, 0.9)), "<nn_optimizer> sgd (lr 0.1, momentum 0.9)", fixed = TRUE)
  expect_output(print(opt_adam()), "adam (lr 0.001, beta1 0.9, beta2 0.999, eps 1e-08)",
                fixed = TRUE)
  expect_output(print(opt_sgd(l2 = 1e-4, clip_norm = 1)),
                "(lr 0.01, momentum 0, l2 1e-04, clip_norm 1)", fixed = TRUE)
  expect_output(print(opt_lbfgs(5)), "lbfgs (history 5, abstol 1e-08, reltol 1e-08)",
                fixed = TRUE)
})

test_that("numbers out of range are classed errors", {
  bad <- list(quote(opt_sgd(0)), quote(opt_sgd(-1)), quote(opt_sgd(NA)), quote(opt_sgd("a")),
              quote(opt_sgd(NULL)), quote(opt_sgd(Inf)), quote(opt_sgd(c(0.1, 0.2))),
              quote(opt_sgd(0.1, 1)), quote(opt_sgd(0.1, -0.1)), quote(opt_adam(0)),
              quote(opt_adam(beta1 = 1)), quote(opt_adam(beta2 = -1)), quote(opt_adam(eps = 0)),
              quote(opt_rmsprop(rho = 1)), quote(opt_adagrad(eps = -1)), quote(opt_adadelta(0)),
              quote(opt_lion(weight_decay = -1)), quote(opt_sgd(l1 = -1)), quote(opt_sgd(l2 = NA)),
              quote(opt_sgd(clip_norm = 0)), quote(opt_sgd(clip_value = -1)),
              quote(opt_sgd(ema = 1)), quote(opt_lbfgs(reltol = 1)))
  for (call in bad) {
    expect_error(eval(call), "must be a number", class = "anygpu_error_argument",
                 info = deparse(call))
  }
  expect_error(opt_lbfgs(0), "whole number", class = "anygpu_error_argument")
  expect_error(opt_sgd(nesterov = 1), "TRUE or FALSE", class = "anygpu_error_argument")
  expect_error(opt_sgd(decay = 1), "no argument `decay`", class = "anygpu_error_argument")
  expect_error(opt_adagrad(0.1, 1e-8, 5), "no argument", class = "anygpu_error_argument")
})
