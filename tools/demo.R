# What `make demo` shows: the devices, timings against base R, a digit classifier. The pictures
# go to demo-out/.

suppressPackageStartupMessages(library(anygpu))

heading <- function(text) {
  cat("\n== ", text, " ", strrep("=", max(0, 72 - nchar(text))), "\n\n", sep = "")
}

heading("Devices")
gpu_sitrep()

heading("Timings, in milliseconds")
time_ms <- function(f) {
  f()
  min(replicate(5, {
    gc(FALSE)
    start <- Sys.time()
    f()
    as.numeric(difftime(Sys.time(), start, units = "secs")) * 1000
  }))
}
n <- 1e7
v <- runif(n)
m <- matrix(rnorm(1e6), 1000)
tasks <- list(
  list("1 / (1 + exp(-(2 * x + 1))), 1e7 values", v, function(x) 1 / (1 + exp(-(2 * x + 1)))),
  list("x %*% x, 1000 x 1000", m, function(x) x %*% x),
  list("colMeans(sqrt(abs(x)) + x^2), 1000 x 1000", m, function(x) colMeans(sqrt(abs(x)) + x^2))
)
rows <- lapply(tasks, function(task) {
  f <- task[[3]]
  on_device <- function(type) {
    x <- gpu_force(gpu(task[[2]], type = type))
    time_ms(function() {
      gpu_force(f(x))
      gpu_synchronize()
    })
  }
  data.frame(task = task[[1]], base_R = time_ms(function() f(task[[2]])),
             float64 = tryCatch(on_device("float64"), anygpu_error_type = function(e) NA),
             float32 = on_device("float32"))
})
table <- do.call(rbind, rows)
table[-1] <- lapply(table[-1], function(ms) vapply(signif(ms, 3), format, ""))
names(table)[-1] <- c("base R", "float64", "float32")
print(table, row.names = FALSE)

heading("A digit classifier, trained on 7,200 of 8,000 images")
set.seed(1)
net <- nn_model(layer_dense(256, "relu"), layer_dense(128, "relu"), layer_dense(10))
fit <- nn_fit(net, digits$x, digits$y, epochs = 10, batch_size = 128, validation = 0.1,
              standardize = FALSE, verbose = TRUE)
print(fit)

guess <- predict(fit, digits$x_test, type = "class")
wrong <- which(guess != digits$y_test)
cat(sprintf("\ntest accuracy: %.2f %% of %s images\n", 100 * mean(guess == digits$y_test),
            format(length(guess), big.mark = ",")))

dir.create("demo-out", showWarnings = FALSE)
png("demo-out/training.png", 900, 400, type = "cairo")
plot(fit)
invisible(dev.off())

png("demo-out/misclassified.png", 900, 500, type = "cairo")
par(mfrow = c(4, 8), mar = c(0.3, 0.3, 1.6, 0.3))
for (i in head(wrong, 32)) {
  image(matrix(digits$x_test[i, ], 28)[, 28:1], col = gray(seq(1, 0, length.out = 32)),
        axes = FALSE, asp = 1, main = sprintf("%s, taken for %s", digits$y_test[i], guess[i]),
        cex.main = 0.9)
}
invisible(dev.off())
cat("wrote demo-out/training.png and demo-out/misclassified.png\n")
