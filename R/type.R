#' The type of an array
#'
#' @param x An array made by [gpu()].
#' @return `"float64"`, `"float32"`, `"int32"` or `"logical"`.
#' @seealso [gpu()] with its argument `type`, which converts.
#' @examples
#' x <- gpu(c(1, 2), type = "float32", device = "host")
#' gpu_type(x)
#' gpu_type(x > 1)
#' @export
gpu_type <- function(x) .Call(C_info, x)[1]

# NULL (the default type) or "float32": what a result that R computed from `x` is stored as.
real_type_of <- function(x) if (identical(gpu_type(x), "float32")) "float32"

# Where x lives; NULL if it was not uploaded yet.
device_of <- function(x) {
  id <- .Call(C_info, x)[2]
  if (nzchar(id)) id
}

# "computed", "pending", "traced" or "host copy"
state_of <- function(x) .Call(C_info, x)[3]
