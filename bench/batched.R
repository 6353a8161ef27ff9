# Many small matrices at once against an R loop over them.

rows <- function(device, type, n, batch, bar = NA) {
  a <- array(rnorm(n * n * batch), c(n, n, batch))
  b <- matrix(rnorm(n * batch), n)
  s <- array(apply(a, 3, crossprod), dim(a)) + c(diag(n))
  up <- function(x) tryCatch(gpu_force(gpu(x, type)), anygpu_error_type = function(e) NULL)
  ga <- up(a)
  if (is.null(ga)) return(skipped(paste("batched", type), paste(device, "has no", type)))
  gb <- up(b)
  gs <- up(s)
  compare <- function(what, ours, loop, bar = NA) {
    run <- function() {
      y <- ours()
      gpu_force(if (is.list(y)) y$vectors else y)
      gpu_synchronize()
    }
    ms <- time_in_turn(list(run, function() for (i in seq_len(batch)) loop(i)), 3)
    result(sprintf("%s, %s of %d x %d, %s", what, format(batch, big.mark = ","), n, n, type),
           device, ms[1], ms[2], "R loop", bar = bar)
  }
  x <- as.matrix(gpu_solve(ga, gb))
  stopifnot(all.equal(x[, 7], solve(a[, , 7], b[, 7]), tolerance = 1e-3))
  compare("solve", function() gpu_solve(ga, gb), function(i) solve(a[, , i], b[, i]), bar)
  compare("inverse", function() gpu_solve(ga), function(i) solve(a[, , i]))
  compare("chol", function() gpu_chol(gs), function(i) chol(s[, , i]))
  compare("det", function() gpu_det(ga), function(i) det(a[, , i]))
  compare("eigen", function() gpu_eigen_sym(gs), function(i) eigen(s[, , i], TRUE))
  compare("matmul", function() gpu_matmul(ga, gs), function(i) a[, , i] %*% s[, , i])
}

for (device in bench_devices()) {
  for (type in c("float64", "float32")) with_gpu_device(device, rows(device, type, 8, 10000, 20))
  with_gpu_device(device, rows(device, "float32", 32, 1000))
}
