# One table of ratios, each to a peer that ran in turn with ours in this run:
#
#   make bench                    all questions
#   make bench RESULT=name        and keeps the table as bench/results/name.md
#   Rscript bench/run.R - mlp     one question (the file bench/mlp.R)
#
# A question is a file bench/<name>.R that defines nothing but calls result() and skipped().

suppressPackageStartupMessages(library(anygpu))

table <- list()

# `ours` and `peer` are times in `unit`, or rates. `bar`: how many times as fast as the peer is
# promised at least, or with `most` how many times the peer's time at most.
result <- function(what, device, ours, peer, peer_name, unit = "ms", bar = NA, most = FALSE,
                   rate = FALSE) {
  faster <- if (rate) ours / peer else peer / ours
  holds <- if (most) ours / peer <= bar else faster >= bar
  met <- if (is.na(bar)) "" else if (holds) "yes" else "NO"
  bar_text <- if (is.na(bar)) "" else paste(if (most) "time at most x" else "at least x", bar)
  add(what, device, show(ours, unit), paste(peer_name, show(peer, unit)), sprintf("%.2f", faster),
      bar_text, met)
}

# A value with a bar of its own and no peer.
value <- function(what, device, ours, unit, bar = NA, most = TRUE) {
  met <- if (is.na(bar)) "" else if (if (most) ours <= bar else ours >= bar) "yes" else "NO"
  bar_text <- if (is.na(bar)) "" else paste(if (most) "at most" else "at least", bar, unit)
  add(what, device, show(ours, unit), "", "", bar_text, met)
}

add <- function(...) {
  row <- c(...)
  table[[length(table) + 1]] <<- row
  print_row(row)
}

columns <- c("what", "device", "ours", "peer", "times as fast", "bar", "met")
print_row <- function(row) {
  cat(do.call(sprintf, as.list(c("%-42s %-7s %14s  %-24s %13s  %-18s %s\n", row))))
}

skipped <- function(what, why) cat("skipped: ", what, " (", why, ")\n", sep = "")

show <- function(x, unit) paste(format(signif(x, 3), big.mark = ","), unit)

# The median of `n` runs in milliseconds, after one that is not counted.
time_ms <- function(f, n = 7) {
  f()
  median(vapply(seq_len(n), function(i) {
    gc(FALSE)
    start <- Sys.time()
    f()
    as.numeric(difftime(Sys.time(), start, units = "secs")) * 1000
  }, 0))
}

# The median of each of several functions, run in turn so that a busy machine hits all alike.
time_in_turn <- function(fs, n = 7) {
  for (f in fs) f()
  times <- replicate(n, vapply(fs, function(f) {
    gc(FALSE)
    start <- Sys.time()
    f()
    as.numeric(difftime(Sys.time(), start, units = "secs")) * 1000
  }, 0))
  apply(matrix(times, length(fs)), 1, median)
}

has_opencl <- function() any(startsWith(gpu_devices()$id, "opencl"))
bench_devices <- function() c("host", if (has_opencl()) "opencl")

# Builds bench/<name>.c as a shared object and loads it; FALSE without a compiler.
load_c <- function(name) {
  out <- file.path(tempdir(), paste0(name, .Platform$dynlib.ext))
  status <- system2(file.path(R.home("bin"), "R"),
                    c("CMD", "SHLIB", "-o", out, file.path("bench", paste0(name, ".c"))),
                    stdout = FALSE, stderr = FALSE)
  unlink(file.path("bench", paste0(name, ".o")))
  if (status == 0) dyn.load(out)
  status == 0
}

# The python that has torch, or NULL.
torch_python <- function() {
  for (python in c(Sys.which("python3"), "/usr/bin/python3")) {
    if (!nzchar(python)) next
    status <- suppressWarnings(system2(python, c("-c", shQuote("import torch")), stdout = FALSE,
                                       stderr = FALSE))
    if (status == 0) return(python)
  }
  NULL
}

# Seconds per epoch of the network `what` of torch_nn.py; NA without PyTorch. x: an array, samples
# first; y: numbers or a factor.
torch_epoch <- function(what, x, y) {
  python <- torch_python()
  if (is.null(python)) {
    skipped("PyTorch", "no python3 with torch")
    return(NA_real_)
  }
  files <- c(tempfile(), tempfile())
  on.exit(unlink(files))
  writeBin(as.vector(aperm(x)), files[1], size = 4)
  if (is.factor(y)) writeBin(as.integer(y) - 1L, files[2]) else writeBin(y, files[2], size = 4)
  arguments <- c("bench/torch_nn.py", what, files, NROW(x), torch_device())
  seconds <- system2(python, arguments, stdout = TRUE, stderr = FALSE)
  if (length(seconds) == 1) return(as.numeric(seconds))
  skipped("PyTorch", paste(what, "does not run on", torch_device()))
  NA_real_
}

# "cuda" as bench/gpu.sh asks it: then ours is to run on the same device
torch_device <- function() Sys.getenv("TORCH_DEVICE", "cpu")

# Epochs beside PyTorch's, and OpenCL's beside the host's. fit(epochs) trains the network. Three
# epochs after one that is not counted, as torch_nn.py does it.
train_question <- function(title, what, fit, x, y, bar, opencl_bar = NA) {
  epoch_s <- function(device) with_gpu_device(device, fit(4)$history$seconds[-1])
  beside_torch <- function(device, bar) {
    ours <- epoch_s(device)
    peer <- torch_epoch(what, x, y)
    ours <- median(c(ours, epoch_s(device)))
    if (is.na(peer)) value(title, device, ours, "s")
    else result(title, device, ours, peer, "PyTorch", "s", bar = bar, most = TRUE)
  }
  if (torch_device() != "cpu") return(beside_torch(gpu_device(), bar = 1))
  beside_torch("host", bar)
  if (!has_opencl()) return(invisible())
  host <- epoch_s("host")
  opencl <- median(epoch_s("opencl"))
  host <- median(c(host, epoch_s("host")))
  result(title, "opencl", opencl, host, "host", "s", bar = opencl_bar, most = TRUE)
}

# All of MNIST from ANYGPU_MNIST or ../shared/data/mnist, else the package's part of it.
mnist <- function() {
  folder <- Sys.getenv("ANYGPU_MNIST", file.path("..", "shared", "data", "mnist"))
  read <- function(name) read_idx(file.path(folder, paste0(name, ".gz")))
  if (!file.exists(file.path(folder, "train-images-idx3-ubyte.gz"))) {
    skipped("the full MNIST", "neither ANYGPU_MNIST nor ../shared/data/mnist; digits instead")
    return(digits)
  }
  images <- function(x) matrix(aperm(x, c(1, 3, 2)), dim(x)[1]) / 255
  list(x = images(read("train-images-idx3-ubyte")),
       y = factor(read("train-labels-idx1-ubyte"), levels = 0:9),
       x_test = images(read("t10k-images-idx3-ubyte")),
       y_test = factor(read("t10k-labels-idx1-ubyte"), levels = 0:9))
}

# Images of mnist() as samples x height x width x 1.
as_images <- function(x) {
  array(aperm(array(x, c(nrow(x), 28, 28)), c(1, 3, 2)), c(nrow(x), 28, 28, 1))
}

machine <- function() {
  cpu <- if (file.exists("/proc/cpuinfo")) {
    sub(".*: ", "", grep("^model name", readLines("/proc/cpuinfo"), value = TRUE)[1])
  } else Sys.info()[["machine"]]
  devices <- gpu_devices()
  c(sprintf("%s, %d cores, %s, BLAS of R: %s", cpu, parallel::detectCores(),
            R.version.string, basename(normalizePath(La_library()))),
    paste0(devices$id, ": ", devices$name))
}

args <- commandArgs(trailingOnly = TRUE)
keep <- if (length(args) && !args[1] %in% c("-", "")) args[1]
questions <- if (length(args) > 1) args[-1] else {
  c("elementwise", "ifelse", "index", "sort", "reduce", "matmul", "linalg", "batched", "transfer",
    "dispatch", "mlp", "cnn", "lstm", "steps", "lbfgs")
}
writeLines(c(machine(), ""))
print_row(columns)
for (q in questions) {
  tryCatch(source(file.path("bench", paste0(q, ".R")), local = new.env()),
           error = function(e) skipped(q, conditionMessage(e)))
}

if (!is.null(keep) && length(table)) {
  dir.create("bench/results", showWarnings = FALSE)
  line <- function(x) paste0("| ", paste(x, collapse = " | "), " |")
  text <- c(paste("#", keep), "", paste("*", machine()), "",
            format(Sys.Date(), "Run on %Y-%m-%d by `make bench`."), "",
            line(columns), line(rep("---", 7)), vapply(table, line, ""))
  writeLines(text, file.path("bench/results", paste0(keep, ".md")))
}
