#' Memory of the devices
#'
#' Memory that arrays no longer use stays in a pool and is used again. `gpu_memory()` shows both,
#' and
#' can set a limit or give the pool back.
#' @param limit Bytes that the device may use, `Inf` for no limit of this kind. When it is reached,
#'   R's
#'   garbage collector runs and the pool is given back; if that does not help, an
#'   `anygpu_error_memory` is raised.
#' @param release Whether to collect garbage and give the pool back to the driver.
#' @param device The device that `limit` and `release` are for, by default [gpu_device()].
#' @return A data frame with a row for each device in use: `id`, `buffers` (blocks in use), `used`,
#'   `pool`, `peak` and `limit`, in bytes; invisibly when something was changed.
#' @examples
#' x <- gpu(runif(1000), device = "host")
#' gpu_memory()
#' @export
gpu_memory <- function(limit = NULL, release = FALSE, device = NULL) {
  if (!is.null(limit)) {
    if (!is.numeric(limit) || length(limit) != 1 || is.na(limit) || limit < 0) {
      stop_status("argument", "`limit`: a number of bytes is wanted, or Inf for none")
    }
    .Call(C_memory_limit, device, as.double(limit))
  }
  if (release) {
    gc()
    .Call(C_memory_trim, device)
  }
  memory <- as.data.frame(.Call(C_memory))
  if (is.null(limit) && !release) memory else invisible(memory)
}

#' What was done
#'
#' Counts since the start of the session, or the last reset: kernels run and built, bytes moved, and
#' what went back to R: which functions read whole arrays, and which operations were not
#' accelerated.
#' @param reset Whether to start again from 0 afterwards.
#' @return A list: `launches`, `builds`, `cache_hits` (kernels), `uploads`, `upload_bytes`,
#'   `downloads`, `download_bytes` (transfers), `allocs`, `pool_hits` (blocks of memory),
#'   `downloads_by` (elements
#'   read, by function) and `fallbacks` (calls, by function).
#' @examples
#' x <- gpu(runif(1000), device = "host")
#' y <- fft(x)
#' gpu_stats()
#' @importFrom utils head
#' @export
gpu_stats <- function(reset = FALSE) {
  stats <- .Call(C_stats, reset)
  stats$downloads_by <- sort(unlist(counts$downloads), decreasing = TRUE)
  stats$fallbacks <- sort(unlist(counts$fallbacks), decreasing = TRUE)
  if (reset) counts$downloads <- counts$fallbacks <- list()
  structure(stats, class = "gpu_stats")
}

#' @exportS3Method
print.gpu_stats <- function(x, ...) {
  line <- function(title, ...) cat(sprintf("%-10s %s\n", title, paste0(...)))
  line("kernels", x$launches, " run, ", x$builds, " built, ", x$cache_hits, " found in the cache")
  line("uploads", x$uploads, " (", format_bytes(x$upload_bytes), ")")
  line("downloads", x$downloads, " (", format_bytes(x$download_bytes), ")")
  line("memory", x$allocs, " blocks from the device, ", x$pool_hits, " from the pool")
  for (name in c("downloads_by", "fallbacks")) {
    top <- head(x[[name]], 5)
    if (length(top)) {
      title <- if (name == "fallbacks") "in R" else "read by"
      count <- format(top, trim = TRUE, big.mark = ",")
      line(title, paste0(names(top), " (", count, ")", collapse = ", "))
    }
  }
  invisible(x)
}

format_bytes <- function(n) {
  if (is.na(n)) return("unknown")
  format(structure(n, class = "object_size"), units = "auto", standard = "SI")
}
