nn_rate_new <- function(opt, steps, epochs) list(lr = opt$lr, steps = steps, epochs = epochs)
nn_rate_at <- function(rate, opt, t) nn_rates(rate$lr, t, rate$steps, rate$epochs)
nn_rate_after <- function(rate, opt, loss) rate
