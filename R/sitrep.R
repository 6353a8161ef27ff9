#' Situation report
#'
#' Prints which devices were found, which one is used and why, what to install to get more, and
#' whether a
#' small computation on each of them agrees with base R.
#' @return Invisibly a data frame: [gpu_devices()] with the columns `used` and `works` (`TRUE`, or
#'   `FALSE`
#'   where the computation failed or differed), and the attribute `problem` (why OpenCL offers
#'   nothing, or `""`).
#' @examples
#' \donttest{
#' gpu_sitrep()
#' }
#' @export
gpu_sitrep <- function() {
  devices <- gpu_devices()
  problem <- .Call(C_opencl_problem)
  default <- tryCatch(.Call(C_device, NULL), anygpu_error = identity)
  devices$used <- devices$id %in% default
  checks <- lapply(devices$id, self_test)
  devices$works <- vapply(checks, is.null, NA)
  cli::cli_h1("anygpu {utils::packageVersion('anygpu')} on R {getRversion()}")
  for (i in seq_len(nrow(devices))) report_device(devices[i, ], checks[[i]])
  report_default(default)
  report_opencl(devices, problem)
  invisible(structure(devices, problem = problem))
}

# NULL, or what went wrong.
self_test <- function(id) {
  x <- matrix(seq(-1, 1, length.out = 30 * 20), 30)
  f <- function(x) colSums(1 / (1 + exp(-(x %*% t(x) + 1))))
  tryCatch(
    {
      type <- if (gpu_devices()$float64[gpu_devices()$id == id]) "float64" else "float32"
      got <- as.vector(f(gpu(x, type, id)))
      off <- max(abs(got / f(x) - 1))
      if (is.na(off) || off > (if (type == "float64") 1e-12 else 1e-4)) {
        paste0("results differ from base R by ", format(off, digits = 2))
      }
    },
    error = conditionMessage
  )
}

report_device <- function(d, wrong) {
  about <- c(
    d$name, if (nzchar(d$driver)) d$driver, paste(d$units, "units"),
    if (!is.na(d$memory)) format_bytes(d$memory), if (!d$float64) "float32 only"
  )
  text <- paste0(d$id, ": ", paste(about, collapse = ", "))
  if (is.null(wrong)) {
    cli::cli_alert_success("{text}")
    cli::cli_bullets(c(" " = "self-test: agrees with base R"))
  } else {
    cli::cli_alert_danger("{text}")
    cli::cli_bullets(c(" " = "self-test failed: {wrong}"))
  }
}

report_default <- function(default) {
  if (inherits(default, "condition")) {
    cli::cli_alert_danger("The device asked for cannot be used: {conditionMessage(default)}")
    return(invisible())
  }
  why <- if (!is.null(getOption("anygpu.device"))) {
    "options(anygpu.device) says so"
  } else if (nzchar(Sys.getenv("ANYGPU_DEVICE"))) {
    "the environment variable ANYGPU_DEVICE says so"
  } else if (default == "host") {
    "there is no GPU"
  } else {
    "it is the first GPU"
  }
  cli::cli_alert_info("New arrays go to {.strong {default}}: {why}.")
  cli::cli_bullets(c(" " = "{.code gpu_device(\"...\")} chooses another."))
}

report_opencl <- function(devices, problem) {
  if (nzchar(problem)) cli::cli_alert_warning("OpenCL: {problem}")
  if (any(devices$gpu)) return(invisible())
  cli::cli_text("To use a GPU, install its OpenCL driver. On Debian and Ubuntu:")
  cli::cli_bullets(c(
    "*" = "AMD: {.code apt install mesa-opencl-icd} (or ROCm from the vendor)",
    "*" = "Intel: {.code apt install intel-opencl-icd}",
    "*" = "NVIDIA: {.code apt install nvidia-opencl-icd}, with the vendor's driver",
    "*" = "the processor as an OpenCL device: {.code apt install pocl-opencl-icd}"
  ))
}
