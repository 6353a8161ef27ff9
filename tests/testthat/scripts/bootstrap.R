# The bootstrap distribution of a mean, and of a difference of medians.

set.seed(7)
waiting <- rexp(40, 1 / 12)
times <- as_array(waiting)
n <- length(times)

resamples <- 400
index <- matrix(sample(n, n * resamples, replace = TRUE), n)
draws <- times[index]
dim(draws) <- dim(index)
means <- colMeans(draws)

cat("mean:", signif(mean(times), 4), "\n")
cat("standard error:", signif(sd(means), 4), "by theory", signif(sd(times) / sqrt(n), 4), "\n")
print(signif(quantile(means, c(0.025, 0.5, 0.975)), 4))
cat("normal interval:", signif(mean(times) + c(-1, 1) * 1.96 * sd(means), 4), "\n")

groups <- rep(c("a", "b"), each = n / 2)
difference <- function(x) median(x[groups == "a"]) - median(x[groups == "b"])
observed <- difference(times)
shuffled <- replicate(100, difference(times[sample(n)]))
cat("difference of medians:", signif(observed, 4), "\n")
cat("p:", mean(abs(shuffled) >= abs(observed) - 1e-4), "\n")
print(tabulate(findInterval(means, 8:16), 9))
