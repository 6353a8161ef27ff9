rates <- function(lr, epochs, steps, state = NULL) {
  anygpu:::nn_rates(lr, seq_len(epochs * steps), steps, epochs, state)
}

test_that("a number is the rate of every step", {
  expect_identical(rates(0.1, 2, 3), rep(0.1, 6))
})

test_that("lr_step() drops after epochs", {
  expect_equal(rates(lr_step(1, every = 2, factor = 0.5), 5, 2),
               rep(0.5^c(0, 0, 1, 1, 2), each = 2))
  expect_equal(rates(lr_step(1, at = c(1, 4)), 5, 2), rep(10^-c(0, 1, 1, 1, 2), each = 2))
})

test_that("lr_exponential() falls by its factor in an epoch", {
  lr <- rates(lr_exponential(0.2, 0.9), 3, 4)
  expect_equal(lr[c(1, 5, 9)], 0.2 * 0.9^(0:2))
  expect_equal(lr[-1] / lr[-12], rep(0.9^0.25, 11))
})

test_that("lr_cosine() warms up and falls to its minimum", {
  lr <- rates(lr_cosine(0.4, warmup = 0.2, min = 0.1), 10, 2)
  expect_equal(lr[1:5], c(0.1, 0.2, 0.3, 0.4, 0.4))
  expect_equal(lr[5:20], 0.1 + 0.3 * (1 + cos(pi * (0:15) / 16)) / 2)
  expect_equal(rates(lr_cosine(1), 1, 2), c(1, 0.5))
})

# torch.optim.lr_scheduler.OneCycleLR(max_lr = 1, total_steps = 10), its formula
test_that("lr_one_cycle() is PyTorch's", {
  wave <- function(from, to, x) to + (from - to) / 2 * (1 + cos(pi * x))
  want <- c(wave(1 / 25, 1, 0:2 / 2), wave(1, 1 / 25e4, 1:7 / 7))
  expect_equal(rates(lr_one_cycle(1), 5, 2), want)
})

test_that("lr_plateau() drops when the loss does not fall", {
  s <- lr_plateau(1, factor = 0.5, patience = 1, threshold = 0.1, min = 0.2)
  state <- NULL
  seen <- numeric()
  for (loss in c(10, 9.5, 8, NaN, 7.9, 7.8, 7.7, 7.6, 7.5, 1)) {
    seen <- c(seen, rates(s, 1, 1, state))
    state <- anygpu:::nn_rates_note(s, state, loss)
  }
  expect_equal(seen, c(1, 1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.2))
  expect_null(anygpu:::nn_rates_note(0.1, NULL, 1))
  expect_null(anygpu:::nn_rates_note(lr_step(0.1), NULL, 1))
})

test_that("a negative loss falls too", {
  s <- lr_plateau(1, patience = 0, threshold = 0.1)
  state <- anygpu:::nn_rates_note(s, NULL, -10)
  expect_equal(anygpu:::nn_rates_note(s, state, -12)$drops, 0)
  expect_equal(anygpu:::nn_rates_note(s, state, -10.5)$drops, 1)
})

test_that("schedules print and plot", {
  expect_output(print(lr_step(0.1, 30)), "<nn_schedule> step (lr 0.1, every 30, factor 0.1)",
                fixed = TRUE)
  expect_output(print(lr_step(0.1, at = 2:3)), "at 2 3", fixed = TRUE)
  expect_output(print(lr_one_cycle(0.1)), "one cycle (lr 0.1, up 0.3", fixed = TRUE)
  expect_output(print(opt_sgd(lr_exponential(0.1))), "lr exponential (lr 0.1, factor 0.95)",
                fixed = TRUE)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  drawn <- plot(lr_cosine(0.4, warmup = 0.2), epochs = 10, steps = 2)
  expect_equal(drawn$lr, rates(lr_cosine(0.4, warmup = 0.2), 10, 2))
  expect_equal(range(drawn$epoch), c(0.5, 10))
  drawn <- plot(lr_plateau(1, patience = 1), epochs = 6, steps = 1)
  expect_equal(drawn$lr, c(1, 1, 1, 0.1, 0.1, 0.01))
})

test_that("numbers out of range are classed errors", {
  bad <- list(quote(lr_step(0)), quote(lr_step(1, every = 0)), quote(lr_step(1, factor = 1)),
              quote(lr_step(1, at = c(2, 1))), quote(lr_step(1, at = "a")),
              quote(lr_exponential(1, 0)), quote(lr_cosine(1, warmup = 1)),
              quote(lr_cosine(1, min = -1)), quote(lr_one_cycle(1, up = 0)),
              quote(lr_one_cycle(1, start = 0.5)), quote(lr_plateau(1, patience = -1)),
              quote(lr_plateau("a")))
  for (call in bad) {
    expect_error(eval(call), class = "anygpu_error_argument", info = deparse(call))
  }
})
