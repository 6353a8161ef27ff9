# The loss and gradients of an LSTM layer (64 units, 50 steps, batch 64), as the trainer traces them,
# without the trainer: gpu_jit() of loss and gradients. Prints kernels, the time to trace, the time of a
# step. Run: Rscript bench/lstm_graph.R [lstm|gru|rnn] [device]
#
# Wanted per time step of an LSTM are 4 launches: forward the product R h + p_t, and one kernel of all
# gates (outputs: what the way back reads again); on the way back one kernel of all gates' gradients,
# stored side by side, and the product R' dz; then one product over all steps for each weight.
# (Kernels: ANYGPU_DEBUG=3 and fewer steps.) What stands between, seen from here:
# * a node that two kernels read is stored by a third; it could be a further output of the first;
# * the gradients of the four slices of z (and of the steps' slices of p) are four (50) arrays filled up
#   with zeros and added: their slices do not overlap and cover all, so they are a concatenation, and
#   its parts further outputs of one kernel, with strides;
# * dR is a sum of 50 products.

args <- commandArgs(TRUE)
kind <- if (length(args) > 0) args[1] else "lstm"
device <- if (length(args) > 1) args[2] else "host"
suppressPackageStartupMessages(library(anygpu))
nn <- asNamespace("anygpu")
set.seed(1)
units <- 64; steps <- 50; n <- 64; features <- 32
layer <- get(paste0("layer_", kind), nn)(units)
shape <- c(features, steps)
w <- lapply(c(nn$nn_layer_init(layer, shape), list(head = matrix(rnorm(10 * units) / 8, 10))),
            gpu, type = "float32", device = device)
x <- gpu(array(rnorm(features * steps * n), c(shape, n)), "float32", device)
y <- gpu(matrix(rnorm(10 * n), 10), "float32", device)
f <- gpu_jit(function(x, y, ...) {
  w <- setNames(list(...), names_of_w)
  h <- nn$nn_layer_forward(layer, w, x, nn$nn_ctx(TRUE))
  loss <- mean((w$head %*% h - y)^2)
  c(list(loss), .Call(nn$C_grad, loss, unname(w)))
})
names_of_w <- names(w)
run <- function() {
  r <- do.call(f, c(list(x, y), unname(w)))
  invisible(as.numeric(r[[1]]))
}
cat("trace and first run:", system.time(run())[["elapsed"]], "s\n")
before <- gpu_stats()
run()
after <- gpu_stats()
cat("launches:", after$launches - before$launches, " programs built:", after$builds, "\n")
times <- replicate(30, system.time(for (i in 1:3) run())[["elapsed"]] / 3 * 1000)
cat(sprintf("a step: median %.2f ms, least %.2f ms\n", median(times), min(times)))
