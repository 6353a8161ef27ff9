# Scans and reductions against the memory they have to move, measured by our own kernels that do
# nothing else: x + 0 reads and writes, sum() reads.

time_on <- function(device, ours, bound, what, type, bar) {
  ms <- time_in_turn(list(ours, bound), 11)
  host <- device == "host"
  result(paste0(what, ", ", type), device, ms[1], ms[2], "moving the memory",
         bar = if (host) bar else NA, most = TRUE)
}

wait_for <- function(y) {
  gpu_force(y)
  gpu_synchronize()
}

scans <- function(device, type) {
  x <- tryCatch(gpu_force(gpu(runif(1e7), type = type)), anygpu_error_type = function(e) NULL)
  if (is.null(x)) return(skipped(paste("scans", type), paste(device, "has no", type)))
  stopifnot(all.equal(as.numeric(cumsum(x)[1e7]), as.numeric(sum(x)), tolerance = 1e-6))
  move <- function() wait_for(x + 0)
  time_on(device, function() wait_for(cumsum(x)), move, "cumsum, 1e7", type,
          if (type == "float64") 1.5 else NA)
  time_on(device, function() wait_for(cummax(x)), move, "cummax, 1e7", type, NA)
}

reductions <- function(device, type) {
  x <- tryCatch(gpu_force(gpu(matrix(runif(9e6), 3000), type = type)),
                anygpu_error_type = function(e) NULL)
  if (is.null(x)) return(skipped(paste("reductions", type), paste(device, "has no", type)))
  read <- function() sum(x) + 0
  bar <- if (type == "float32") 1.5 else NA
  for (f in c("rowSums", "colSums", "rowMaxs", "colMaxs")) {
    time_on(device, function() wait_for(get(f)(x)), read, paste0(f, ", 3000 x 3000"), type,
            if (endsWith(f, "Sums")) bar else NA)
  }
  skip <- function() wait_for(colSums(x, na.rm = TRUE))
  time_on(device, skip, read, "colSums, na.rm", type, NA)
}

against_r <- function(device) {
  x <- runif(1e7)
  g <- gpu_force(gpu(x))
  ms <- time_in_turn(list(function() wait_for(cumsum(g)), function() cumsum(x)), 5)
  result("cumsum, 1e7", device, ms[1], ms[2], "base R")
  m <- matrix(runif(9e6), 3000)
  g <- gpu_force(gpu(m))
  for (f in c("rowSums", "colSums")) {
    ms <- time_in_turn(list(function() wait_for(get(f)(g)), function() get(f)(m)), 5)
    result(paste0(f, ", 3000 x 3000"), device, ms[1], ms[2], "base R")
  }
}

for (device in bench_devices()) {
  for (type in c("float32", "float64")) {
    with_gpu_device(device, {
      scans(device, type)
      reductions(device, type)
    })
  }
  with_gpu_device(device, against_r(device))
}
