# k-means by hand: three groups of points in the plane.

set.seed(1)
n <- 150
groups <- rep(1:3, each = n / 3)
middle <- rbind(c(0, 0), c(6, 1), c(2, 7))
x <- as_array(middle[groups, ] + matrix(rnorm(2 * n), n))

centers <- x[c(1, 60, 110), ]
for (step in 1:20) {
  distance <- sapply(1:3, function(k) rowSums(sweep(x, 2, centers[k, ])^2))
  cluster <- apply(distance, 1, which.min)
  moved <- centers
  for (k in 1:3) moved[k, ] <- colMeans(x[cluster == k, , drop = FALSE])
  shift <- max(abs(moved - centers))
  centers <- moved
  if (shift < 1e-6) break
}

dimnames(centers) <- list(paste("center", 1:3), c("x", "y"))
cat("steps:", step, "\n")
print(signif(centers, 5))
print(table(groups, cluster))
cat("within:", signif(sum((x - centers[cluster, ])^2), 5), "\n")
