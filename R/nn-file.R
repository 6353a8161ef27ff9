# Files of samples. After a header of `header` bytes there is one record per sample: the values of
# its fields (inputs, targets, weight) one after the other, without gaps, each with its last
# dimension varying fastest; all little endian. The number of samples follows from the size of the
# file, so samples are added by adding records.
#
# Header: the bytes "anygpu01"; int32 bytes of the header, int32 number of fields; and per field
#   int32 role (1 input, 2 target, 3 weight), type (0 uint8, 1 int32, 2 float32, 3 float64),
#   kind (0 numbers, 1 codes 1, 2, ... of levels, 2 the same of FALSE and TRUE),
#   shape (0 a vector, 1 a matrix or array), number of dimensions of a sample, these;
#   string name; strings of column names; strings of levels.
# A string is an int32 number of bytes and UTF-8, strings an int32 number (-1: none) and these.

#' Samples in a file
#'
#' `nn_file_write()` writes samples to a file, `nn_file()` opens it as data for [nn_fit()]: it is
#' read piece by piece, by a thread of its own while the device computes, so it may be larger than
#' the memory.
#'
#' @section Order:
#' An epoch visits the pieces in random order, and the samples of a piece in random order. That does
#' not help where all samples of one class come after those of another: write them mixed.
#'
#' @section Format:
#' A header describes the fields of a sample: inputs, targets, weight. Then follows one record per
#' sample, the values of its fields one after the other without gaps, little endian, with the last
#' dimension varying fastest. Samples are added to a file by adding records.
#' @param path The file.
#' @param x,y,weights Samples as for [nn_fit()]: matrices, arrays, data frames, lists of them.
#' @param type How the values of the inputs are kept, one for all or one for each: `"float32"`,
#'   `"float64"`, `"int32"`, or `"uint8"` for whole numbers from 0 to 255. By default `"int32"` for
#'   integers and factors, else `"float32"`. Targets and weights are kept exactly.
#' @param append Whether to add the samples to those of a file that exists.
#' @return `nn_file_write()`: `path`, invisibly. `nn_file()`: an object of class `nn_source`.
#' @section Errors: A file that is not one of samples, or ends within one, and samples that do not
#'   fit to those that a file has, give errors of class `anygpu_error_argument` or
#'   `anygpu_error_shape`.
#' @examples
#' path <- tempfile()
#' nn_file_write(path, iris[1:50, 1:4], iris$Species[1:50])
#' nn_file_write(path, iris[51:150, 1:4], iris$Species[51:150], append = TRUE)
#' nn_file(path)
#'
#' set.seed(1)
#' fit <- nn_fit(nn_model(layer_dense(3)), nn_file(path), epochs = 20)
#' mean(predict(fit, iris[1:4], type = "class") == iris$Species)
#' unlink(path)
#' @seealso [nn_source()] for data from a function.
#' @export
nn_file_write <- function(path, x, y, weights = NULL, type = NULL, append = FALSE) {
  path <- nn_check_path(path)
  if (nn_flag(append, "append") && file.exists(path)) {
    old <- nn_file(path)
    data <- nn_data_like(x, y, old$like, "new data", weights)
    fields <- old$fields
    if (is.null(weights) != !any(nn_field_roles(fields) == 3)) {
      nn_stop("argument", "'%s' has %s weights: so must the new data", path,
              if (is.null(weights)) "" else "no")
    }
  } else {
    # samples of other classes may follow
    data <- suppressWarnings(nn_data(x, y, weights), classes = "anygpu_warning_class")
    fields <- nn_file_fields(data, type)
    con <- base_try(file(path, "wb"))
    writeBin(nn_file_header(fields), con)
    close(con)
  }
  con <- base_try(file(path, "ab"))
  on.exit(close(con))
  nn_file_records(con, fields, nn_field_values(data))
  invisible(path)
}

#' @rdname nn_file_write
#' @param chunk Samples that are read at once; `NULL`: about 32 MiB of them. It is made a multiple
#'   of the batches' size.
#' @export
nn_file <- function(path, chunk = NULL) {
  path <- nn_check_path(path)
  if (!file.exists(path)) nn_stop("argument", "there is no file '%s'", path)
  if (!is.null(chunk)) chunk <- nn_count(chunk, "chunk")
  head <- nn_file_read_header(path)
  record <- sum(nn_field_counts(head$fields) * nn_field_sizes(head$fields))
  n <- (file.size(path) - head$bytes) / record
  if (n != floor(n) || n < 1) {
    nn_stop("argument", "'%s' ends within a sample: %s bytes each, %s bytes in all", path, record,
            format(file.size(path) - head$bytes, big.mark = ","))
  }
  structure(class = c("nn_source_file", "nn_source"), list(
    path = path, n = n, offset = head$bytes, fields = head$fields, chunk = chunk,
    like = nn_file_like(head$fields)
  ))
}

nn_check_path <- function(path) {
  if (is.character(path) && length(path) == 1 && !is.na(path)) return(path.expand(path))
  nn_stop("argument", "`path` must be the name of a file, not %s", nn_describe(path))
}

#' @export
format.nn_source_file <- function(x, ...) {
  samples <- vapply(x$fields, function(f) {
    sprintf("%s %s %s", f$name, paste(f$dim, collapse = " x "),
            if (f$kind > 0) sprintf("(%d levels)", length(f$levels)) else nn_file_types[f$type + 1])
  }, "")
  sprintf("'%s', %s samples: %s", x$path, format(x$n, big.mark = ","),
          paste(samples, collapse = ", "))
}

# -- fields ----------------------------------------------------------------------------------------

nn_file_types <- c("uint8", "int32", "float32", "float64")
nn_file_sizes <- c(1, 4, 4, 8)

nn_field_roles <- function(fields) vapply(fields, `[[`, 0, "role")
nn_field_counts <- function(fields) vapply(fields, function(f) prod(f$dim), 0)
nn_field_sizes <- function(fields) nn_file_sizes[vapply(fields, `[[`, 0, "type") + 1]

nn_file_fields <- function(data, type) {
  if (!is.null(type)) {
    for (t in type) nn_choice(t, "type", nn_file_types)
    type <- rep(type, length.out = length(data$x))
  }
  inputs <- lapply(seq_along(data$x), function(i) {
    input <- data$inputs[[i]]
    whole <- is.integer(data$x[[i]]) || is.logical(data$x[[i]])
    t <- if (is.null(type)) if (whole) "int32" else "float32" else type[i]
    nn_field(1, input$name, t, input$dim, columns = input$columns, levels = input$levels,
             kind = if (is.null(input$levels)) 0 else 1, matrix = TRUE)
  })
  targets <- lapply(data$y, function(y) {
    if (y$kind == "class") {
      return(nn_field(2, y$name, "int32", 1, levels = y$levels, kind = 1 + y$logical))
    }
    nn_field(2, y$name, "float64", y$outputs, columns = y$names, matrix = y$matrix)
  })
  c(inputs, targets, if (!is.null(data$weights)) list(nn_field(3, "weights", "float64", 1)))
}

nn_field <- function(role, name, type, dim, columns = NULL, levels = NULL, kind = 0,
                     matrix = FALSE) {
  list(role = role, type = match(type, nn_file_types) - 1, kind = kind, matrix = as.logical(matrix),
       dim = as.integer(dim), name = name, columns = columns, levels = levels)
}

# The fields as nn_data() describes its inputs and targets.
nn_file_like <- function(fields) {
  roles <- nn_field_roles(fields)
  list(
    inputs = lapply(fields[roles == 1], function(f) {
      c(f[c("name", "dim", "columns", "levels")], offset = FALSE)
    }),
    y = lapply(fields[roles == 2], function(f) {
      if (f$kind == 0) {
        return(list(name = f$name, kind = "numeric", names = f$columns, matrix = f$matrix,
                    outputs = f$dim))
      }
      list(name = f$name, kind = "class", levels = f$levels, logical = f$kind == 2,
           outputs = length(f$levels))
    })
  )
}

# The arrays of the fields, samples first.
nn_field_values <- function(data) {
  c(data$x, lapply(data$y, `[[`, "values"), if (!is.null(data$weights)) list(data$weights))
}

# -- writing ---------------------------------------------------------------------------------------

# Records in blocks of about 4 MiB.
nn_file_records <- function(con, fields, values) {
  n <- nn_rows(values[[1]])
  block <- max(1, 2^22 %/% sum(nn_field_counts(fields) * nn_field_sizes(fields)))
  for (first in seq(1, n, by = block)) {
    rows <- first:min(first + block - 1, n)
    bytes <- Map(function(f, v) nn_field_bytes(f, nn_take(v, rows)), fields, values)
    writeBin(as.vector(do.call(rbind, bytes)), con)
  }
}

# A raw matrix with a column per sample.
nn_field_bytes <- function(field, v) {
  n <- nn_rows(v)
  v <- as.vector(t(matrix(as.vector(v), n)[, nn_file_order(v), drop = FALSE]))
  type <- nn_file_types[field$type + 1]
  if (type %in% c("uint8", "int32")) v <- nn_whole(v, field$name, type)
  raw <- writeBin(if (is.integer(v)) v else as.double(v), raw(), nn_file_sizes[field$type + 1],
                  endian = "little")
  matrix(raw, ncol = n)
}

# Of an array with samples first, its values within a sample in the order of the file.
nn_file_order <- function(v) {
  d <- dim(v)[-1]
  if (length(d) < 2) return(seq_len(if (length(d)) d else 1))
  as.vector(aperm(array(seq_len(prod(d)), d)))
}

nn_whole <- function(v, name, type) {
  range <- if (type == "uint8") c(0, 255) else c(-1, 1) * .Machine$integer.max
  if (is.logical(v)) v <- as.integer(v)
  bad <- v < range[1] | v > range[2] | v != round(v)
  if (any(bad)) {
    nn_stop("argument", "`%s` has the value %s, which %s cannot hold", name, format(v[bad][1]),
            type)
  }
  as.integer(v)
}

nn_file_header <- function(fields) {
  body <- unlist(lapply(fields, function(f) {
    c(nn_bytes(c(f$role, f$type, f$kind, f$matrix, length(f$dim), f$dim)), nn_string_bytes(f$name),
      nn_strings_bytes(f$columns), nn_strings_bytes(f$levels))
  }))
  bytes <- ceiling((length(body) + 16) / 64) * 64
  c(charToRaw("anygpu01"), nn_bytes(c(bytes, length(fields))), body,
    raw(bytes - length(body) - 16))
}

nn_bytes <- function(x) writeBin(as.integer(x), raw(), 4L, endian = "little")

nn_string_bytes <- function(x) {
  text <- charToRaw(enc2utf8(x))
  c(nn_bytes(length(text)), text)
}

nn_strings_bytes <- function(x) {
  if (is.null(x)) return(nn_bytes(-1))
  c(nn_bytes(length(x)), unlist(lapply(x, nn_string_bytes)))
}

# -- reading ---------------------------------------------------------------------------------------

# list(bytes, fields)
nn_file_read_header <- function(path) {
  con <- base_try(file(path, "rb"))
  on.exit(close(con))
  if (!identical(readBin(con, "raw", 8), charToRaw("anygpu01"))) {
    nn_stop("argument", "'%s' is not a file of nn_file_write()", path)
  }
  head <- nn_read_ints(con, 2, path)
  if (head[1] < 16 || head[2] < 1 || head[2] > 1e3) {
    nn_stop("argument", "the header of '%s' is damaged", path)
  }
  list(bytes = head[1], fields = lapply(seq_len(head[2]), function(i) nn_read_field(con, path)))
}

nn_read_field <- function(con, path) {
  v <- nn_read_ints(con, 5, path)
  if (v[5] > 16) nn_stop("argument", "the header of '%s' is damaged", path)
  dim <- nn_read_ints(con, v[5], path)
  name <- nn_read_string(con, path)
  columns <- nn_read_strings(con, path)
  levels <- nn_read_strings(con, path)
  if (!v[1] %in% 1:3 || !v[2] %in% 0:3 || any(dim < 1)) {
    nn_stop("argument", "the header of '%s' is damaged", path)
  }
  nn_field(v[1], name, nn_file_types[v[2] + 1], dim, columns, levels, v[3], v[4] == 1)
}

nn_read_ints <- function(con, n, path) {
  if (n < 0 || n > 1e7) nn_stop("argument", "the header of '%s' is damaged", path)
  v <- readBin(con, "integer", n, 4L, endian = "little")
  if (length(v) < n) nn_stop("argument", "'%s' ends within its header", path)
  as.double(v)
}

nn_read_string <- function(con, path) {
  n <- nn_read_ints(con, 1, path)
  text <- readBin(con, "raw", min(max(n, 0), file.size(path)))
  if (n < 0 || any(text == 0)) {
    nn_stop("argument", "the header of '%s' is damaged", path)
  }
  if (length(text) < n) nn_stop("argument", "'%s' ends within its header", path)
  text <- rawToChar(text)
  Encoding(text) <- "UTF-8"
  text
}

nn_read_strings <- function(con, path) {
  n <- nn_read_ints(con, 1, path)
  if (n > file.size(path)) nn_stop("argument", "the header of '%s' is damaged", path)
  if (n >= 0) vapply(seq_len(n), function(i) nn_read_string(con, path), "")
}
