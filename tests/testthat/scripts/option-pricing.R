# The price of options by simulation: European by the formula and by chance, Asian, a barrier.

set.seed(10)
spot <- 100
strike <- 105
rate <- 0.03
sigma <- 0.2
years <- 1
steps <- 50
paths <- 500

dt <- years / steps
z <- as_array(matrix(rnorm(paths * steps), paths))
growth <- (rate - sigma^2 / 2) * dt + sigma * sqrt(dt) * z
price <- spot * exp(t(apply(growth, 1, cumsum)))

discount <- exp(-rate * years)
report <- function(name, payoff) {
  value <- discount * mean(payoff)
  error <- discount * sd(as.vector(payoff)) / sqrt(paths)
  cat(sprintf("%-9s %6.2f +- %.2f\n", name, value, error))
}

last <- price[, steps]
report("call", pmax(last - strike, 0))
report("put", pmax(strike - last, 0))
report("asian", pmax(rowMeans(price) - strike, 0))
highest <- apply(price, 1, max)
report("barrier", ifelse(highest < 130, pmax(last - strike, 0), 0))

d1 <- (log(spot / strike) + (rate + sigma^2 / 2) * years) / (sigma * sqrt(years))
d2 <- d1 - sigma * sqrt(years)
cat("formula:", round(spot * pnorm(d1) - strike * discount * pnorm(d2), 2), "\n")
cat("in the money:", sum(last > strike), "knocked out:", sum(highest >= 130), "\n")
print(round(quantile(last, c(0.05, 0.5, 0.95)), 1))
falls <- apply(price, 1, function(p) min(p / cummax(p)))
cat("worst fall:", round(1 - min(falls), 3), "\n")
