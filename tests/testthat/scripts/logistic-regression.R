# Logistic regression by Newton's method, beside glm().

set.seed(5)
n <- 200
predictors <- cbind(age = rnorm(n, 50, 10), dose = runif(n, 0, 2))
z <- 0.08 * (predictors[, "age"] - 50) + 1.5 * predictors[, "dose"] - 1.2
answer <- as.numeric(runif(n) < 1 / (1 + exp(-z)))

x <- as_array(cbind(intercept = 1, scale(predictors)))
y <- as_array(answer)

beta <- rep(0, ncol(x))
for (step in 1:25) {
  p <- 1 / (1 + exp(-x %*% beta))
  gradient <- t(x) %*% (y - p)
  w <- as.vector(p * (1 - p))
  hessian <- t(x) %*% (x * w)
  change <- solve(hessian, gradient)
  beta <- beta + as.vector(change)
  if (max(abs(change)) < 1e-4) break
}

covariance <- solve(hessian)
result <- cbind(estimate = beta, se = sqrt(diag(covariance)))
rownames(result) <- colnames(x)
print(round(result, 3))
p <- 1 / (1 + exp(-x %*% beta))
cat("log likelihood:", round(sum(ifelse(y == 1, log(p), log(1 - p))), 2), "\n")
print(table(answer, predicted = as.vector(p > 0.5)))
reference <- glm(answer ~ scale(predictors), family = binomial)
cat("as glm() says:", all(abs(coef(reference) - beta) < 1e-3), "\n")
