# Data that do not fit into memory: sources, which give them piece by piece ("chunks").

#' Data from a function
#'
#' A source of samples that [nn_fit()] asks for piece by piece, for data that do not fit into memory
#' or are made while the training runs (augmentation, simulation). It takes the place of `x` and
#' `y`.
#'
#' In each epoch `f` is called with 1, 2, ... until it returns `NULL`. The pieces may differ in
#' size. They are cut into batches in the order in which they come, and the samples of a piece are
#' shuffled; what is left of a piece is put before the next one, so only the last batch of an
#' epoch is smaller. Inputs and targets are standardised by the first piece.
#'
#' The next piece is asked for before the results of the last one are waited for: on a GPU its last
#' steps may still run then, on `host` they are done. `f` may use R's random number stream.
#' @param f A function of the number of the piece (or of nothing) that returns `list(x, y)` or
#'   `list(x, y, weights)`, as [nn_fit()] takes them, or `NULL` after the last piece.
#' @param n The number of samples in an epoch. `NULL`: they are counted, by asking for all pieces
#'   once before the training.
#' @return An object of class `nn_source`.
#' @section Errors: Pieces that do not fit to the first one give errors of classes as those of
#'   [nn_fit()].
#' @examples
#' # four pieces of 50 samples of a noisy sine
#' piece <- function(k) {
#'   if (k > 4) return(NULL)
#'   x <- runif(50, -3, 3)
#'   list(x = cbind(x), y = sin(x) + rnorm(50, sd = 0.1))
#' }
#' set.seed(1)
#' net <- nn_model(layer_dense(16, "tanh"), layer_dense(1))
#' fit <- nn_fit(net, nn_source(piece, n = 200), epochs = 30, optimizer = opt_adam(0.02))
#' predict(fit, cbind(c(-1, 0, 1)))
#' @seealso [nn_file()] for a file that is read while the device computes.
#' @export
nn_source <- function(f, n = NULL) {
  if (!is.function(f)) {
    nn_stop("argument", "`f` must be a function of the number of a piece, not %s", nn_describe(f))
  }
  if (!is.null(n)) n <- nn_count(n, "n")
  structure(list(f = f, n = n), class = c("nn_source_function", "nn_source"))
}

#' @export
print.nn_source <- function(x, ...) {
  cat("<nn_source> ", format(x), "\n", sep = "")
  invisible(x)
}

#' @export
format.nn_source_function <- function(x, ...) {
  paste0("a function of ", if (length(formals(args(x$f)))) "the piece" else "nothing",
         if (!is.null(x$n)) sprintf(", %s samples", format(x$n, big.mark = ",")))
}

# -- a source at work ------------------------------------------------------------------------------
#
# nn_source_open() gives a state, an environment; nn_source_next() the next chunk as nn_data() would
# describe it, or NULL after the last one of a pass, and then again those of the next pass. All
# chunks but the last of a pass are multiples of `batch` samples. state$n: samples in a pass.

# `like`: what the chunks are to be like (NULL: the first one); `type`: of the arrays; `most`:
# samples in a chunk, at least `batch` (state$most may be lowered before the first pass).
nn_source_open <- function(source, batch, type = "float32", like = NULL, most = Inf) {
  UseMethod("nn_source_open")
}

nn_source_next <- function(state) nn_source_chunk(state$source, state)

# The first chunk, which stays the first one of the first pass.
nn_source_peek <- function(state) {
  if (is.null(state$peeked)) state$peeked <- nn_source_next(state)
  if (is.null(state$peeked)) nn_stop("shape", "the source has no samples")
  state$peeked
}

nn_source_chunk <- function(source, state) UseMethod("nn_source_chunk")

#' @exportS3Method
nn_source_open.nn_source_function <- function(source, batch, type = "float32", like = NULL,
                                              most = Inf) {
  state <- new.env()
  state$source <- source
  state$batch <- batch
  state$most <- most
  state$like <- like
  state$piece <- 0
  state$n <- if (is.null(source$n)) nn_source_count(source) else source$n
  state
}

#' @exportS3Method
nn_source_chunk.nn_source_function <- function(source, state) {
  if (!is.null(state$peeked)) return(nn_source_unpeek(state))
  repeat {
    rest <- state$rest
    if (!is.null(rest) && rest$n >= state$batch) {
      return(nn_source_cut(state, min(rest$n, state$most) %/% state$batch * state$batch))
    }
    data <- if (!isTRUE(state$ended)) nn_source_piece(state)
    if (is.null(data)) return(nn_source_end(state))
    state$rest <- if (is.null(rest)) data else nn_data_bind(rest, data)
  }
}

# The first n samples of what is left.
nn_source_cut <- function(state, n) {
  data <- state$rest
  state$rest <- NULL
  if (n == data$n) return(data)
  state$rest <- nn_data_rows(data, (n + 1):data$n)
  nn_data_rows(data, seq_len(n))
}

nn_source_unpeek <- function(state) {
  data <- state$peeked
  state$peeked <- NULL
  data
}

# The end of a pass: first what is left, then NULL.
nn_source_end <- function(state) {
  rest <- state$rest
  state$rest <- NULL
  state$ended <- !is.null(rest)
  rest
}

# What the function returns next, checked; NULL at the end, after which it begins again.
nn_source_piece <- function(state) {
  state$piece <- state$piece + 1
  chunk <- nn_source_call(state$source$f, state$piece)
  if (is.null(chunk)) {
    state$piece <- 0
    return(NULL)
  }
  name <- sprintf("piece %d", as.integer(state$piece))
  if (is.null(state$like)) {
    data <- nn_data(chunk$x, chunk$y, chunk$weights)
    state$like <- list(inputs = data$inputs, y = lapply(data$y, nn_without_values),
                       weights = !is.null(data$weights))
    return(data)
  }
  weighted <- state$like$weights # NA: as they come
  if (!is.na(weighted) && weighted != !is.null(chunk$weights)) {
    nn_stop("shape", "%s has %sweights, the first one has %s", name, if (weighted) "no " else "",
            if (weighted) "some" else "none")
  }
  nn_data_like(chunk$x, chunk$y, state$like, name, chunk$weights)
}

nn_without_values <- function(target) target[names(target) != "values"]

nn_source_call <- function(f, piece) {
  chunk <- if (length(formals(args(f)))) f(piece) else f()
  if (is.null(chunk)) return(NULL)
  if (!is.list(chunk) || is.data.frame(chunk) || length(chunk) < 2) {
    nn_stop("type", "the source must return list(x, y), list(x, y, weights) or NULL, not %s",
            nn_describe(chunk))
  }
  if (is.null(names(chunk))) names(chunk) <- c("x", "y", "weights")[seq_along(chunk)]
  chunk
}

nn_source_count <- function(source) {
  n <- 0
  for (piece in seq_len(.Machine$integer.max)) {
    chunk <- nn_source_call(source$f, piece)
    if (is.null(chunk)) break
    y <- if (is.list(chunk$y) && !is.data.frame(chunk$y)) chunk$y[[1]] else chunk$y
    n <- n + NROW(y)
  }
  if (n == 0) nn_stop("shape", "the source has no samples")
  n
}

# -- files -----------------------------------------------------------------------------------------

#' @exportS3Method
nn_source_open.nn_source_file <- function(source, batch, type = "float32", like = NULL,
                                          most = Inf) {
  if (!is.null(like)) nn_file_check_like(source, like)
  state <- new.env()
  state$source <- source
  state$n <- source$n
  state$type <- type
  samples <- source$chunk
  if (is.null(samples)) samples <- 2^23 / sum(nn_field_counts(source$fields))
  state$most <- min(max(min(samples, most) %/% batch, 1) * batch, source$n)
  state$on_device <- nn_field_roles(source$fields) == 1 # targets are looked at in R
  state$begun <- FALSE
  state
}

# A pass over the chunks in random order: the first ones are read from now on. A state that was
# saved and loaded has lost its reader.
nn_source_begin <- function(state) {
  if (is.null(state$reader) || identical(state$reader, methods::new("externalptr"))) {
    source <- state$source
    types <- vapply(source$fields, function(f) as.integer(f$type), 0L)
    state$reader <- .Call(C_reader_new, source$path, c(source$offset, source$n, state$most),
                          types, nn_field_counts(source$fields), state$on_device, state$type)
  }
  first <- seq(0, state$n - 1, by = state$most)
  .Call(C_reader_start, state$reader, as.double(first[sample.int(length(first))]))
  state$begun <- TRUE
}

nn_file_check_like <- function(source, like) {
  mine <- source$like
  if (length(mine$inputs) != length(like$inputs) || length(mine$y) != length(like$y)) {
    nn_stop("shape", "'%s' has %d inputs and %d targets, the training data have %d and %d",
            source$path, length(mine$inputs), length(mine$y), length(like$inputs), length(like$y))
  }
  Map(nn_check_sample, mine$inputs, like$inputs)
  Map(nn_check_target, mine$y, like$y)
  Map(function(a, b) {
    if (identical(a$levels, b$levels)) return()
    nn_stop("levels", "the levels in '%s' (%s) are not those of the training data (%s)",
            source$path, nn_some(a$levels), nn_some(b$levels))
  }, c(mine$inputs, mine$y), c(like$inputs, like$y))
}

#' @exportS3Method
nn_source_chunk.nn_source_file <- function(source, state) {
  if (!is.null(state$peeked)) return(nn_source_unpeek(state))
  if (!state$begun) nn_source_begin(state)
  fields <- source$fields
  dims <- lapply(fields, function(f) rev(f$dim))
  roles <- nn_field_roles(fields)
  values <- .Call(C_reader_next, state$reader, dims, state$on_device, state$type)
  if (is.null(values)) {
    state$begun <- FALSE
    return(NULL)
  }
  values <- lapply(values, aperm) # inputs: on the device, where this is undone again
  y <- Map(nn_file_target, source$like$y, values[roles == 2])
  list(n = nn_rows(values[[1]]), x = values[roles == 1], inputs = source$like$inputs, y = unname(y),
       weights = if (any(roles == 3)) as.vector(values[[which(roles == 3)]]))
}

nn_file_target <- function(y, values) {
  if (y$kind == "class") values <- as.integer(values)
  else if (!y$matrix) values <- as.vector(values)
  append(y, list(values = values), 2)
}

# -- chunks ----------------------------------------------------------------------------------------

nn_data_rows <- function(data, rows) {
  data$x <- lapply(data$x, nn_take, rows)
  data$y <- lapply(data$y, function(y) {
    y$values <- nn_take(y$values, rows)
    y
  })
  data$weights <- data$weights[rows]
  data$n <- length(rows)
  data
}

nn_data_bind <- function(a, b) {
  bind <- function(u, v) if (is.null(dim(u))) c(u, v) else nn_bind_samples(u, v)
  a$x <- Map(bind, a$x, b$x)
  a$y <- Map(function(u, v) {
    u$values <- bind(u$values, v$values)
    u
  }, a$y, b$y)
  a$weights <- c(a$weights, b$weights)
  a$n <- a$n + b$n
  a
}
