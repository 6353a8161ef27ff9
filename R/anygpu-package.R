#' anygpu: arrays and neural networks on any vendor's GPU
#'
#' An array made by [gpu()] is an R vector or matrix whose values live on a
#' device: a graphics processor of any vendor, reached through OpenCL, or the
#' built-in vectorised device `host` where there is none. Operators on it build
#' an expression; nothing runs until a value is needed, and then a whole
#' elementwise expression runs as one kernel. What is not accelerated still
#' works: the values come back to R.
#'
#' Start with [gpu_sitrep()], which shows the devices that were found,
#' `vignette("anygpu")`, and [nn_fit()] for neural networks.
#'
#' @section Options and environment variables:
#' * `options(anygpu.device = )`, `ANYGPU_DEVICE`: the device to use, such as
#'   `"host"` or `"opencl:0"`; by default a GPU if there is one, else `host`.
#' * `options(anygpu.type = )`: `"float64"` or `"float32"`, the type of new arrays.
#' * `options(anygpu.matmul = )`: `"exact"`, `"tf32"` or `"bf16"`, see [anygpu.matmul].
#' * `options(anygpu.cache = )`: whether what [gpu_tune()] finds is kept on disk, see there.
#' * `ANYGPU_THREADS`: the number of threads of the device `host`.
#' * `ANYGPU_DEBUG`: 1 to 4, what is logged on the standard error stream: devices, launches,
#'   schedules, the text of kernels.
#'
#' @useDynLib anygpu, .registration = TRUE
#' @import methods
#' @keywords internal
"_PACKAGE"
