# The package's own matrix product against OpenBLAS: bench/matmul.c times both in turn on the
# host, without R; the product on OpenCL is timed here and set beside that run's sgemm.

run_c <- function() {
  program <- file.path(tempdir(), "matmul")
  sources <- c("bench/matmul.c", Sys.glob("src/core/*.c"))
  status <- system2("gcc", c("-std=gnu99", "-O2", "-Isrc", "-Isrc/core", "-o", program, sources,
                             "-lpthread", "-ldl", "-lm"), stdout = FALSE)
  if (status == 0) system2(program, stdout = TRUE)
}

# "float32  512 x  512 x  512 NN =   1234.5 us  123 GFLOP/s   OpenBLAS 1234.5 us  120 GFLOP/s ..."
lines <- run_c()
pattern <- paste0("^(float..|int8) +(\\d+) x +(\\d+) x +(\\d+) (..) (-?=) .* (\\S+) GF?L?OP/s +",
                  "(\\S+) .* (\\S+) GFLOP/s")
found <- Filter(length, regmatches(lines, regexec(pattern, lines, perl = TRUE)))
if (is.null(lines)) {
  skipped("matmul on the host", "bench/matmul.c does not compile here")
} else if (!any(vapply(found, `[`, "", 9) == "OpenBLAS")) {
  skipped("matmul against OpenBLAS", "libopenblas.so.0 is not installed")
}
# what a trainer makes is smaller, and promised nowhere
large <- Filter(function(f) prod(as.numeric(f[3:5])) >= 3.9e6, found)
for (f in large) {
  size <- unique(f[3:5])
  what <- if (length(size) == 1) size else paste(f[3], "x", f[5], "x", f[4])
  layout <- if (f[6] == "NN") "" else paste0(" ", f[6])
  result(sprintf("matmul %s%s%s, %s", what, layout, if (f[7] == "-=") ", -=" else "", f[2]), "host",
         as.numeric(f[8]), as.numeric(f[10]), f[9], "GFLOP/s",
         bar = if (f[2] == "int8") 3 else 0.95, rate = TRUE)
}

# What a program of this folder prints: "what 1024<TAB>rate<TAB>unit<TAB>error".
program_lines <- function(compile, args) {
  program <- tempfile("bench")
  options <- c("-O2", "-o", program, compile[-1])
  status <- system2(compile[1], options, stdout = FALSE, stderr = FALSE)
  if (status != 0) return(NULL)
  out <- suppressWarnings(system2(program, args, stdout = TRUE, stderr = FALSE))
  lines <- strsplit(out, "\t")
  setNames(lapply(lines, function(l) as.numeric(l[2])), vapply(lines, `[`, "", 1))
}

if (has_opencl()) {
  core <- c("-std=gnu99", "-Isrc", "-Isrc/core", "bench/gpu.c", Sys.glob("src/core/*.c"))
  ours <- program_lines(c("gcc", core, "-lpthread", "-ldl", "-lm"),
                        c("opencl", "inst/kernels", "turns", "1024"))
  rate <- ours[["in turn: matmul float32 exact 1024"]]
  if (is.null(rate)) {
    skipped("matmul on OpenCL", "libopenblas.so.0 is not installed")
  } else {
    result("matmul 1024, float32", "opencl", rate, ours[["in turn: OpenBLAS's sgemm 1024"]],
           "OpenBLAS", "GFLOP/s", bar = 0.6, rate = TRUE)
    peers <- list(CLBlast = c("gcc", "bench/clblast.c", "-lclblast", "-lOpenCL"),
                  ViennaCL = c("g++", "-w", "bench/viennacl.cc", "-lOpenCL"))
    for (peer in names(peers)) {
      theirs <- program_lines(peers[[peer]], "1024")[["matmul float32 exact 1024"]]
      if (is.null(theirs)) {
        skipped(paste("matmul against", peer), "it is not installed")
      } else {
        result("the same", "opencl", rate, theirs, peer, "GFLOP/s", rate = TRUE)
      }
    }
  }
}
