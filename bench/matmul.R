# The package's own matrix product against OpenBLAS: bench/matmul.c times both in turn on the
# host, without R; the product on OpenCL is timed here and set beside that run's sgemm.

run_c <- function() {
  program <- file.path(tempdir(), "matmul")
  sources <- c("bench/matmul.c", Sys.glob("src/core/*.c"))
  status <- system2("gcc", c("-std=gnu99", "-O2", "-Isrc", "-Isrc/core", "-o", program, sources,
                             "-lpthread", "-ldl", "-lm"), stdout = FALSE)
  if (status == 0) system2(program, stdout = TRUE)
}

# "float32  512 x  512 x  512 NN  1234.5 us  123 GFLOP/s   OpenBLAS 1234.5 us  120 GFLOP/s ..."
lines <- run_c()
pattern <- "^(float..) +(\\d+) x +(\\d+) x +(\\d+) NN .* (\\S+) GFLOP/s +OpenBLAS .* (\\S+) GFLOP/s"
found <- regmatches(lines, regexec(pattern, lines, perl = TRUE))
square <- Filter(function(f) {
  length(f) > 0 && f[3] == f[4] && f[3] == f[5] && as.numeric(f[3]) >= 512
}, found)
if (is.null(lines)) {
  skipped("matmul on the host", "bench/matmul.c does not compile here")
} else if (length(square) == 0) {
  skipped("matmul against OpenBLAS", "libopenblas.so.0 is not installed")
}
for (f in square) {
  result(sprintf("matmul %s, %s", f[3], f[2]), "host", as.numeric(f[6]), as.numeric(f[7]),
         "OpenBLAS", "GFLOP/s", bar = 0.8, rate = TRUE)
}

sgemm <- Filter(function(f) f[2] == "float32" && f[3] == 1024, square)
if (length(sgemm) && has_opencl()) {
  rate <- with_gpu_device("opencl", {
    x <- gpu_force(gpu(matrix(runif(1024^2), 1024), type = "float32"))
    ms <- time_ms(function() {
      gpu_force(x %*% x)
      gpu_synchronize()
    })
    2 * 1024^3 / ms / 1e6
  })
  result("matmul 1024, float32", "opencl", rate, as.numeric(sgemm[[1]][7]), "OpenBLAS", "GFLOP/s",
         bar = 0.4, rate = TRUE)
}
