# Mixed precision beside float32: the memory of a training step, and its time. Each in a session of
# its own: the peak of one session is that of the largest step.

networks <- list(
  "24 dense layers of 128, batch 4096" = list(dim = c(4096, 64), net = quote(
    do.call(nn_model, c(rep(list(layer_dense(128, "relu")), 24), list(layer_dense(1))))
  )),
  "12 convolutions of 32, 16 x 16, batch 64" = list(dim = c(64, 16, 16, 3), net = quote(
    do.call(nn_model, c(rep(list(layer_conv2d(32, 3, padding = "same", activation = "relu")), 12),
                        list(layer_flatten(), layer_dense(1))))
  )),
  "convolutions, batch norm, batch 64" = list(dim = c(64, 32, 32, 3), net = quote({
    block <- function(k) {
      list(layer_conv2d(k, 3, padding = "same"), layer_batch_norm(), layer_activation("relu"))
    }
    do.call(nn_model, c(block(32), block(32), list(layer_max_pool2d()), block(64), block(64),
                        list(layer_max_pool2d(), layer_flatten(), layer_dense(1))))
  })),
  "2 LSTM of 64, 32 steps, batch 256" = list(dim = c(256, 32, 8), net = quote(
    nn_model(layer_lstm(64, return_sequences = TRUE), layer_lstm(64), layer_dense(1))
  ))
)

# c(MB at the peak, ms of the fastest of 8 steps)
step_of <- function(network, precision, device) {
  code <- bquote({
    suppressPackageStartupMessages(library(anygpu))
    x <- array(stats::rnorm(prod(.(network$dim))), .(network$dim))
    n <- dim(x)[1]
    fit <- with_gpu_device(.(device), nn_fit(
      .(network$net), x, stats::rnorm(n), epochs = 8, batch_size = n, optimizer = opt_sgd(0.001),
      precision = .(precision), standardize = FALSE, verbose = FALSE
    ))
    cat("\n", max(gpu_memory()$peak) / 1e6, " ", 1000 * min(fit$history$seconds), sep = "")
  })
  rscript <- file.path(R.home("bin"), "Rscript")
  out <- system2(rscript, "-", input = deparse(code), stdout = TRUE, stderr = FALSE)
  as.numeric(strsplit(out[length(out)], " ")[[1]])
}

for (device in bench_devices()) {
  for (name in names(networks)) {
    bf16 <- step_of(networks[[name]], "bf16", device)
    float32 <- step_of(networks[[name]], "float32", device)
    result(name, device, bf16[1], float32[1], "float32", "MB", bar = 0.75, most = TRUE)
    result(name, device, bf16[2], float32[2], "float32", "ms")
  }
}
