#' Tuning of matrix products
#'
#' On OpenCL devices a matrix product can be computed in several ways; which one is fastest differs
#' from device to device. `gpu_tune()` measures them all, chooses the fastest of each class, and
#' reports. It need not be called: on a GPU the first product of a class measures for at most half a
#' second (two seconds for the four classes of a type), on a processor that is used through OpenCL
#' the first candidate is taken, as it takes longest to build kernels there and least is gained.
#'
#' Within a session the choice is fixed from the first product of a class on, so that the same
#' product gives the same numbers, bit for bit; `gpu_tune()` may change it for products that are
#' compiled afterwards.
#'
#' What was found is kept in memory. It is kept on disk, in the folder
#' `tools::R_user_dir("anygpu", "cache")`, if you agree: `gpu_cache(TRUE)` makes the folder, and
#' says yes for this and later sessions, `gpu_cache(FALSE)` deletes it. `options(anygpu.cache =
#' TRUE)` and `FALSE` do so for a session. An entry counts for the same device, driver and version
#' of the package.
#'
#' The classes: `large` (large tiles fill the device), `medium`, `deep` (few elements, each a sum of
#' many terms), `narrow` (up to 8 rows or columns). The device `host` has one way only.
#' @param device The device, by default [gpu_device()].
#' @param seconds About how long to measure, in all. Building the kernels comes on top where
#'   `seconds` is small: of each class at least one candidate is measured.
#' @param agree `TRUE` or `FALSE`; `NULL` asks what holds.
#' @return `gpu_tune()` prints and returns, invisibly, a data frame with a row for each candidate:
#'   `type` (`"float32"`, `"float64"`, and where the device has tensor cores `"tf32"` and `"bf16"`),
#'   `class`, `variant`, `gflops` (billions of operations per second), `chosen`. `gpu_cache()`
#'   returns the folder, or `NULL` if nothing is kept on disk; invisibly when that was changed.
#' @examples
#' gpu_tune("host", seconds = 0.1)
#' gpu_cache()
#' @seealso [anygpu.matmul] for less exact and faster products
#' @export
gpu_tune <- function(device = NULL, seconds = 20) {
  if (!is.numeric(seconds) || length(seconds) != 1 || !isTRUE(seconds > 0 && seconds < Inf)) {
    stop_status("argument", "`seconds`: a positive number is wanted")
  }
  id <- if (is_gpu(device)) gpu_device(device) else device
  found <- as.data.frame(.Call(C_tune, id, as.double(seconds)))
  if (nrow(found) == 0) {
    message("There is nothing to tune: this device computes products in one way.")
  } else {
    print(format(found, digits = 3), right = FALSE)
  }
  invisible(found)
}

#' @rdname gpu_tune
#' @importFrom tools R_user_dir
#' @export
gpu_cache <- function(agree = NULL) {
  if (is.null(agree)) return(cache_dir())
  if (!isTRUE(agree) && !isFALSE(agree)) {
    stop_status("argument", "`agree`: TRUE, FALSE or NULL is wanted")
  }
  dir <- R_user_dir("anygpu", "cache")
  if (agree) dir.create(dir, recursive = TRUE, showWarnings = FALSE) else unlink(dir, TRUE)
  options(anygpu.cache = NULL)
  invisible(cache_dir())
}

# The folder, if the user agreed that there is one: by the option, or by having made it.
cache_dir <- function() {
  dir <- R_user_dir("anygpu", "cache")
  option <- getOption("anygpu.cache")
  if (isFALSE(option) || (!isTRUE(option) && !dir.exists(dir))) return(NULL)
  dir
}

# What the core asks for: where to keep what tuning found.
tuning_file <- function() {
  dir <- cache_dir()
  if (is.null(dir)) return(NULL)
  dir.create(dir, recursive = TRUE, showWarnings = FALSE)
  file.path(dir, paste0("matmul-", utils::packageVersion("anygpu"), ".tsv"))
}

#' Precision of matrix products
#'
#' `options(anygpu.matmul = )` chooses how products of `float32` arrays are computed:
#'
#' * `"exact"` (the default): in `float32`
#' * `"tf32"`: the operands are rounded to 10 bits of mantissa (a relative error of up to 5e-4),
#'   sums are `float32`
#' * `"bf16"`: the operands are rounded to 7 bits (a relative error of up to 4e-3)
#'
#' The latter two use the tensor cores of NVIDIA GPUs of compute capability 8 or more (Ampere and
#' later), which are several times faster. Other devices compute exactly, and say so once. The
#' option counts when a product is written, not when it is computed; gradients are computed as the
#' product was. Products that have few rows or columns or few terms may be computed exactly all the
#' same, and so are `float64` arrays, factorisations and solvers, and `rowsum()`.
#' @name anygpu.matmul
#' @examples
#' old <- options(anygpu.matmul = "tf32")
#' x <- gpu(matrix(runif(16), 4), "float32", "host")
#' x %*% x
#' options(old)
#' @seealso [gpu_tune()]
NULL

# Once in a session: the option asks for what the device has not.
note_exact <- function(id) {
  if (is.null(counts$exact_noted)) {
    counts$exact_noted <- TRUE
    message(
      "The device ", id, " has no tensor cores that this package uses: products are exact. ",
      "(said once; see ?anygpu.matmul)"
    )
  }
}
