test_that("optimisers hold their numbers and print them", {
  expect_output(print(opt_sgd(0.1, 0.9)), "<nn_optimizer> sgd (lr 0.1, momentum 0.9)", fixed = TRUE)
  expect_output(print(opt_adam()), "adam (lr 0.001, beta1 0.9, beta2 0.999, eps 1e-08)",
                fixed = TRUE)
})

test_that("numbers out of range are classed errors", {
  bad <- list(quote(opt_sgd(0)), quote(opt_sgd(-1)), quote(opt_sgd(NA)), quote(opt_sgd("a")),
              quote(opt_sgd(NULL)), quote(opt_sgd(Inf)), quote(opt_sgd(c(0.1, 0.2))),
              quote(opt_sgd(0.1, 1)), quote(opt_sgd(0.1, -0.1)), quote(opt_adam(0)),
              quote(opt_adam(beta1 = 1)), quote(opt_adam(beta2 = -1)), quote(opt_adam(eps = 0)))
  for (call in bad) expect_error(eval(call), "must be a number", class = "anygpu_error_argument")
})
