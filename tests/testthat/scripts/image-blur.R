# Blurring an image by sums of its shifted copies, and finding its edges.

rows <- 24
cols <- 30
image <- matrix(0, rows, cols)
image[6:18, 8:22] <- 1
image[10:13, 12:17] <- 0.25
image[row(image) == col(image)] <- 0.75
image <- as_array(image)

pad <- function(x) {
  x <- rbind(x[1, ], x, x[nrow(x), ])
  cbind(x[, 1], x, x[, ncol(x)])
}
neighbour <- function(padded, down, right) {
  padded[1 + down + seq_len(rows), 1 + right + seq_len(cols)]
}

kernel <- outer(c(1, 2, 1), c(1, 2, 1)) / 16
blur <- function(x) {
  padded <- pad(x)
  total <- 0
  for (i in -1:1) {
    for (j in -1:1) total <- total + kernel[i + 2, j + 2] * neighbour(padded, i, j)
  }
  total
}

blurred <- blur(blur(image))
cat("mean before and after:", signif(mean(image), 4), signif(mean(blurred), 4), "\n")
cat("range:", signif(range(blurred), 4), "\n")
print(signif(blurred[5:9, 6:11], 4))

padded <- pad(blurred)
across <- neighbour(padded, 0, 1) - neighbour(padded, 0, -1)
down <- neighbour(padded, 1, 0) - neighbour(padded, -1, 0)
edges <- sqrt(across^2 + down^2) > 0.4
cat(apply(ifelse(as.matrix(edges), "#", "."), 1, paste, collapse = ""), sep = "\n")
cat("edge pixels by row:", rowSums(edges), "\n")
strongest <- which.max(rowSums(abs(across)))
cat("strongest row:", strongest, "\n")
