# A Markov chain of weather: its powers, stationary distribution and a simulation.

states <- c("sun", "cloud", "rain")
p <- rbind(c(0.7, 0.2, 0.1), c(0.3, 0.4, 0.3), c(0.2, 0.4, 0.4))
dimnames(p) <- list(states, states)
p <- as_array(p)

cat("rows sum to one:", all(abs(rowSums(p) - 1) < 1e-6), "\n")
power <- as_array(diag(3))
for (day in 1:7) power <- power %*% p
cat("after a week:\n")
print(round(as.matrix(power), 4))

a <- rbind(t(diag(3) - p)[1:2, ], 1)
stationary <- solve(a, c(0, 0, 1))
names(stationary) <- states
cat("stationary:\n")
print(round(stationary, 4))
cat("unchanged by a step:", max(abs(stationary %*% p - stationary)) < 1e-5, "\n")

set.seed(9)
steps <- 500
u <- runif(steps)
thresholds <- t(apply(p, 1, cumsum))
path <- integer(steps)
path[1] <- 1L
for (i in 2:steps) path[i] <- 1L + sum(u[i] > thresholds[path[i - 1], 1:2])
cat("share of each:", round(tabulate(path, 3) / steps, 3), "\n")
moves <- table(factor(states[path[-steps]], states), factor(states[path[-1]], states))
print(unclass(round(prop.table(moves, 1), 2)))
runs <- rle(path)
cat("longest dry spell:", max(runs$lengths[runs$values != 3]), "\n")
