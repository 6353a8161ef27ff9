#' Read an IDX file
#'
#' Reads a file in the IDX format, in which the MNIST database and others like it
#' are distributed, plain or compressed with gzip.
#'
#' An IDX file begins with two zero bytes, a byte for the type, a byte for the number
#' of dimensions and one big-endian 32-bit integer for each extent; the values
#' follow, big-endian, with the last dimension varying fastest. The result
#' has the same dimensions in R's order: `x[i, j, k]` is the value at item `i`, row
#' `j`, column `k`, and the first dimension counts the items.
#'
#' @param file The path of the file.
#' @return An integer vector or array for the types unsigned byte (`0x08`),
#'   signed byte (`0x09`), short (`0x0B`) and int (`0x0C`), a double one for float
#'   (`0x0D`) and double (`0x0E`). A file of one dimension gives a vector without
#'   dimensions. In files of type int the value -2^31 is read as `NA`.
#' @section Errors: A file that cannot be opened, has another format, ends too
#'   early or goes on after its last value gives an error of the class
#'   `anygpu_error_argument`.
#' @source The format is described at the end of the page of the MNIST database
#'   by LeCun, Cortes and Burges.
#' @seealso [digits], a part of MNIST that comes with the package.
#' @examples
#' # two images of 2 x 3 pixels, unsigned bytes
#' path <- tempfile()
#' writeBin(as.raw(c(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1:12)), path)
#' x <- read_idx(path)
#' dim(x)
#' x[1, , ]
#' unlink(path)
#' @export
read_idx <- function(file) {
  if (!is.character(file) || length(file) != 1 || is.na(file)) {
    idx_stop("`file` must be the path of one file, not ", idx_describe(file))
  }
  if (!file.exists(file)) idx_stop("there is no file '", file, "'")
  if (dir.exists(file)) idx_stop("'", file, "' is a folder, not a file")
  # gzfile() reads plain files as well
  con <- idx_try(file, gzfile(file, "rb"))
  on.exit(close(con))
  head <- idx_header(con, file)
  x <- idx_values(con, file, head)
  if (length(head$dim) == 1) return(x)
  aperm(array(x, rev(head$dim)))
}

# One row per type of value: what readBin() is told.
idx_types <- data.frame(
  code = c(0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e),
  what = c("integer", "integer", "integer", "integer", "numeric", "numeric"),
  size = c(1L, 1L, 2L, 4L, 4L, 8L),
  signed = c(FALSE, TRUE, TRUE, TRUE, TRUE, TRUE)
)

# Type and extents, from the bytes in front of the values.
idx_header <- function(con, file) {
  magic <- idx_read(con, file, "raw", 4)
  if (length(magic) < 4 || any(magic[1:2] != 0)) {
    idx_stop("'", file, "' is not an IDX file: it begins with ", idx_bytes(magic),
             ", not with two zero bytes, a type and a number of dimensions")
  }
  type <- idx_types[idx_types$code == as.integer(magic[3]), ]
  if (nrow(type) == 0) {
    idx_stop("'", file, "' is not an IDX file: the type 0x", magic[3],
             " is none of 0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e")
  }
  nd <- as.integer(magic[4])
  if (nd == 0) idx_stop("'", file, "' is not an IDX file: it has no dimensions")
  dim <- idx_read(con, file, "integer", nd, 4L)
  if (length(dim) < nd) idx_stop("'", file, "' is truncated: it ends within the dimensions")
  if (anyNA(dim) || any(dim < 0)) {
    idx_stop("'", file, "' has a dimension over 2147483647, which R's arrays cannot have")
  }
  list(type = type, dim = dim)
}

# The values, in the file's order; nothing may follow them.
idx_values <- function(con, file, head) {
  type <- head$type
  n <- prod(as.numeric(head$dim))
  x <- idx_read(con, file, type$what, n, type$size, type$signed)
  if (length(x) < n) {
    idx_stop("'", file, "' is truncated: ", paste(head$dim, collapse = " x "), " is ",
             format(n, big.mark = ","), " values, the file has ",
             format(length(x), big.mark = ","))
  }
  if (length(idx_read(con, file, "raw", 1)) > 0) {
    idx_stop("'", file, "' goes on after its ", format(n, big.mark = ","), " values (",
             paste(head$dim, collapse = " x "), ")")
  }
  x
}

# At most n values, read in pieces: a header that promises far more than the file
# holds costs no memory.
idx_read <- function(con, file, what, n, size = 1L, signed = TRUE) {
  piece <- 2^24
  out <- list(vector(what, 0))
  while (n > 0) {
    x <- idx_try(file, readBin(con, what, min(n, piece), size, signed, endian = "big"))
    out[[length(out) + 1]] <- x
    if (length(x) < min(n, piece)) break
    n <- n - length(x)
  }
  unlist(out)
}

# What the connection has to say (no permission, a damaged gzip stream) becomes our error.
idx_try <- function(file, expr) {
  problem <- function(e) idx_stop("'", file, "' cannot be read: ", conditionMessage(e))
  tryCatch(expr, warning = problem, error = problem)
}

idx_bytes <- function(x) {
  if (length(x) == 0) "nothing" else paste0("0x", x, collapse = " ")
}

idx_describe <- function(x) {
  if (is.null(x)) "NULL" else paste0("an object of class ", class(x)[1], " and length ", length(x))
}

idx_stop <- function(...) {
  stop(structure(
    class = c("anygpu_error_argument", "anygpu_error", "error", "condition"),
    list(message = paste0("`read_idx()`: ", ...), call = NULL)
  ))
}
