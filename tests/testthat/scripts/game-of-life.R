# Conway's Game of Life on a torus: a glider, a blinker and a block.

world <- matrix(0L, 12, 16)
world[cbind(c(1, 2, 3, 3, 3), c(2, 3, 1, 2, 3))] <- 1L
world[6, 9:11] <- 1L
world[9:10, 4:5] <- 1L
world <- as_array(world)

shift <- function(x, down, right) {
  rows <- (seq_len(nrow(x)) - 1 - down) %% nrow(x) + 1
  cols <- (seq_len(ncol(x)) - 1 - right) %% ncol(x) + 1
  x[rows, cols]
}

show_world <- function(world) {
  cells <- ifelse(as.matrix(world) == 1, "#", ".")
  cat(apply(cells, 1, paste, collapse = ""), sep = "\n")
}

population <- integer()
for (generation in 1:20) {
  neighbours <- 0L
  for (down in -1:1) {
    for (right in -1:1) {
      if (down != 0 || right != 0) neighbours <- neighbours + shift(world, down, right)
    }
  }
  born <- world == 0 & neighbours == 3
  stays <- world == 1 & (neighbours == 2 | neighbours == 3)
  world[] <- as.integer(born | stays)
  population[generation] <- sum(world)
  if (generation %% 10 == 0) {
    cat("generation", generation, "\n")
    show_world(world)
  }
}
cat("population:", population, "\n")
print(which(world == 1, arr.ind = TRUE)[1:4, ])
