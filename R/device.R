#' Devices
#'
#' `gpu_devices()` lists the devices: `host`, the package's own vectorised code for the processor,
#' and what OpenCL offers. `gpu_device()` tells which one new arrays go to, and
#' `gpu_device(id)` chooses it for the rest of the session; `with_gpu_device()` chooses it while
#' `code` runs.
#'
#' Without a choice `getOption("anygpu.device")` counts, then the environment variable
#' `ANYGPU_DEVICE`, then the first GPU, then `host`. A processor that OpenCL offers as
#' a device is used only when asked for. Nothing is looked for before an array is made or one
#' of these functions is called.
#'
#' @param device `"host"`, `"gpu"` (the first one), `"opencl"` (its first device), `"opencl:1"`. For
#'   `gpu_device()` also an array, whose device is returned.
#' @param code Code to run.
#' @return `gpu_devices()`: a data frame with a row for each device: `id`, `name`, `driver`, `gpu`,
#'   `float64` (whether it has that type), `units` (of parallel work), `memory` (bytes; `NA` if
#'   unknown).
#'   `gpu_device()`: the id of the device, invisibly when it was chosen.
#'   `with_gpu_device()`: the value of `code`.
#' @examples
#' gpu_devices()
#' with_gpu_device("host", gpu(1:3) * 2)
#' @export
gpu_devices <- function() as.data.frame(.Call(C_devices))

#' @rdname gpu_devices
#' @export
gpu_device <- function(device = NULL) {
  if (is_gpu(device)) {
    id <- device_of(device)
    return(if (is.null(id)) .Call(C_device, NULL) else id)
  }
  id <- .Call(C_device, device)
  if (is.null(device)) return(id)
  options(anygpu.device = id)
  invisible(id)
}

#' @rdname gpu_devices
#' @export
with_gpu_device <- function(device, code) {
  old <- options(anygpu.device = .Call(C_device, device))
  on.exit(options(old))
  code
}
