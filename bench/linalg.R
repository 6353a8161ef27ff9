# Factorisations and solvers against base R: on the host against R with the BLAS and LAPACK that
# it runs on here (make bench installs OpenBLAS), on OpenCL against R with the reference BLAS, in
# a process of its own.

set.seed(1)

problems <- function(n) {
  a <- matrix(rnorm(n * n), n)
  s <- crossprod(a) / n + diag(n)
  list(a = a, s = s, b = rnorm(n))
}

# Each as a function of a general matrix, a symmetric one that is positive definite, and a vector.
tasks <- list(
  chol = function(p) chol(p$s),
  solve = function(p) solve(p$a, p$b),
  "solve, inverse" = function(p) solve(p$a),
  qr = function(p) qr(p$a),
  "eigen, symmetric" = function(p) eigen(p$s, symmetric = TRUE),
  "eigen, values" = function(p) eigen(p$s, symmetric = TRUE, only.values = TRUE),
  svd = function(p) svd(p$a),
  "svd, values" = function(p) svd(p$a, nu = 0, nv = 0)
)
# R's default qr() is LINPACK's; LAPACK's is the faster peer.
base_tasks <- modifyList(tasks, list(qr = function(p) qr(p$a, LAPACK = TRUE)))

settle <- function(x) {
  for (y in if (is.list(x)) x else list(x)) if (is_gpu(y)) gpu_force(y)
  gpu_synchronize()
}

on_device <- function(p, type) lapply(p, function(x) gpu_force(gpu(x, type = type)))

# What R links to may be a name that several libraries go by.
library_name <- basename(normalizePath(La_library()))
fast_blas <- grepl("openblas|mkl|accelerate|veclib", library_name, ignore.case = TRUE)
blas <- if (grepl("openblas", library_name)) "OpenBLAS" else library_name

for (n in c(1000, 2000)) {
  p <- problems(n)
  g <- with_gpu_device("host", on_device(p, "float64"))
  for (name in names(tasks)) {
    ms <- time_in_turn(list(function() settle(tasks[[name]](g)), function() base_tasks[[name]](p)),
                       n = if (n == 1000) 7 else 3)
    bar <- if (fast_blas && !grepl("inverse|values", name)) 0.9 else NA
    result(sprintf("%s, %d, float64", name, n), "host", ms[1], ms[2], blas, bar = bar)
  }
}

# Milliseconds of base R with the reference BLAS and LAPACK, by task.
reference_times <- function(names, n) {
  libraries <- file.path("/usr/lib", paste0(R.version$arch, "-linux-gnu"),
                         c("blas/libblas.so.3", "lapack/liblapack.so.3"))
  if (!all(file.exists(libraries))) return(NULL)
  script <- tempfile(fileext = ".R")
  data <- tempfile(fileext = ".rds")
  saveRDS(list(base_tasks[names], problems(n)), data)
  writeLines(c(
    sprintf("x <- readRDS(%s)", deparse(data)),
    "time <- function(f) system.time(f(x[[2]]))[['elapsed']] * 1000",
    "cat(grepl('openblas', La_library()), vapply(x[[1]], time, 0))"
  ), script)
  out <- system2("Rscript", c("--vanilla", script), stdout = TRUE,
                 env = paste0("LD_PRELOAD=", paste(libraries, collapse = ":")))
  out <- strsplit(out[length(out)], " ")[[1]]
  if (out[1] == "TRUE") NULL else setNames(as.numeric(out[-1]), names)
}

if (has_opencl()) {
  names <- c("chol", "solve", "qr")
  n <- 2000
  p <- problems(n)
  host <- with_gpu_device("host", on_device(p, "float32"))
  opencl <- with_gpu_device("opencl", on_device(p, "float32"))
  reference <- reference_times(names, n)
  if (is.null(reference)) skipped("R with the reference BLAS", "it is not installed apart")
  for (name in names) {
    ms <- time_in_turn(list(function() settle(tasks[[name]](opencl)),
                            function() settle(tasks[[name]](host))), n = 3)
    what <- sprintf("%s, %d, float32", name, n)
    result(what, "opencl", ms[1], ms[2], "host", bar = 3, most = TRUE)
    if (!is.null(reference)) {
      result(what, "opencl", ms[1], reference[[name]], "reference BLAS", bar = 1)
    }
  }
}
