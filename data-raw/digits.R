# Makes data/digits.rda from the four files of the MNIST database, plain or gzipped:
#
#   Rscript data-raw/digits.R FOLDER        (or ANYGPU_MNIST=FOLDER; by default ./mnist)

source("R/read-idx.R")

arg <- c(commandArgs(trailingOnly = TRUE), Sys.getenv("ANYGPU_MNIST", "mnist"))
folder <- arg[nzchar(arg)][1]

mnist <- function(name) {
  path <- file.path(folder, paste0(name, c("", ".gz")))
  read_idx(path[file.exists(path)][1])
}

# n images and their labels. One image per row with its pixels row by row; 32 grey levels
# instead of 256, which brings the compressed file below 2 MB.
subset_of <- function(part, n) {
  images <- mnist(paste0(part, "-images-idx3-ubyte"))
  labels <- mnist(paste0(part, "-labels-idx1-ubyte"))
  i <- sample(dim(images)[1], n)
  x <- t(apply(images[i, , ], 1, t))
  list(x = round(x / 255 * 31) / 31, y = factor(labels[i], levels = 0:9))
}

RNGversion("4.0.0")
set.seed(1998)
train <- subset_of("train", 8000)
test <- subset_of("t10k", 2000)
digits <- list(x = train$x, y = train$y, x_test = test$x, y_test = test$y)

save(digits, file = "data/digits.rda", compress = "xz", compression_level = 9, version = 3)
stopifnot(file.size("data/digits.rda") <= 2e6)
