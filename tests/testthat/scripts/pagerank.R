# PageRank of a small web.

links <- list(
  home = c("about", "news", "shop"), about = "home", news = c("home", "shop", "blog"),
  shop = c("home", "cart"), cart = "shop", blog = c("news", "author"), author = character()
)
pages <- names(links)
n <- length(pages)
adjacency <- matrix(0, n, n, dimnames = list(from = pages, to = pages))
for (page in pages) adjacency[page, links[[page]]] <- 1
adjacency <- as_array(adjacency)

out <- rowSums(adjacency)
cat("links out of each page:\n")
print(out)
transition <- adjacency / ifelse(out == 0, 1, out)
transition[out == 0, ] <- 1 / n

damping <- 0.85
rank <- rep(1 / n, n)
for (i in 1:100) {
  previous <- rank
  rank <- (1 - damping) / n + damping * as.vector(rank %*% transition)
  if (sum(abs(rank - previous)) < 1e-5) break
}
names(rank) <- pages
best <- order(rank, decreasing = TRUE)
print(signif(rank[best], 3))
cat("sum:", round(sum(rank), 4), "\n")
cat("dangling:", pages[which(out == 0)], "\n")
