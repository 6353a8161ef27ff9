# Standardisation: which columns, and by what.

# Whether an input is standardised unless the user says otherwise: factors, an offset, and `codes`
# are not.
nn_standardizes <- function(input, codes = FALSE) {
  is.null(input$levels) && !codes && !isTRUE(input$offset)
}

# The layers that take input k.
nn_takers <- function(model, k) {
  model$layers[vapply(model$from, function(from) any(from == -k), NA)]
}

nn_takes_codes <- function(model, k) {
  any(vapply(nn_takers(model, k), inherits, NA, "nn_layer_embedding"))
}

# nn_standardize() of input k of a model: the pixels of an image are no columns of a table, their
# differences in mean and spread are what it is made of. So where the model puts samples into
# another shape at once, the last dimension of that counts.
nn_standardize_input <- function(x, model, k, rows, name) {
  columns <- dim(x)[length(dim(x))]
  channels <- nn_channels(model, k, dim(x)[-1])
  if (channels == columns) return(nn_standardize(x, rows, name))
  lapply(nn_standardize(nn_by_channel(x, channels), rows, name), rep, length.out = columns)
}

# The last dimension of samples of `dim` in the shape that a model puts input k into.
nn_channels <- function(model, k, dim) {
  columns <- dim[length(dim)]
  for (layer in nn_takers(model, k)) {
    if (!inherits(layer, "nn_layer_reshape") || length(layer$dim) < 2) next
    channels <- layer$dim[length(layer$dim)]
    if (is.na(channels)) channels <- prod(dim) / prod(layer$dim, na.rm = TRUE)
    if (channels == 1 || length(dim) == 1 && columns %% channels == 0) return(channels)
  }
  columns
}

# The values of each channel, which runs fastest in a sample, in the last dimension.
nn_by_channel <- function(x, channels) {
  n <- nn_rows(x)
  each <- length(x) / n / channels
  dim(x) <- if (channels == 1) c(n, each, 1) else c(n, channels, each)
  if (channels == 1) x else aperm(x, c(1, 3, 2))
}

# An offset is in the units of the data: it is scaled as the target is.
nn_offset_scaling <- function(outputs) {
  scale <- outputs[[1]]$output$scale
  if (identical(scale, 1)) NULL else list(center = 0, scale = scale)
}

# list(center, scale) of the columns of x, which has samples first: of an array the columns are the
# last dimension (features, channels), of a vector there is one. (x - center) / scale has mean 0 and
# standard deviation 1. Columns of zeros and ones only (indicators) stay as they are, constant
# ones become 0. `rows`: the samples of the training, NULL for all.
nn_standardize <- function(x, rows = NULL, name = "x") {
  columns <- dimnames(x)[[max(length(dim(x)), 1)]]
  m <- if (is_gpu(x)) nn_moments_device(x, rows) else nn_moments(x, rows)
  rounding <- if (is_gpu(x) && gpu_type(x) == "float32") 1e-7 else 1e-14
  constant <- !(m$sd > rounding * abs(m$mean)) | m$sd == 0
  nn_warn_constant(which(constant & !m$indicator), columns, name)
  list(center = ifelse(m$indicator, 0, m$mean), scale = ifelse(m$indicator | constant, 1, m$sd))
}

nn_warn_constant <- function(constant, columns, name) {
  n <- length(constant)
  if (n == 0) return(invisible())
  which <- if (is.null(columns)) constant else columns[constant]
  which[which == ""] <- constant[which == ""]
  shown <- paste0(paste0("`", utils::head(which, 5), "`", collapse = ", "), if (n > 5) ", ...")
  nn_warn("constant", paste("%d %s of `%s` %s constant (%s): standardised to 0, nothing is learnt",
                            "from %s"), n, if (n == 1) "column" else "columns", name,
          if (n == 1) "is" else "are", shown, if (n == 1) "it" else "them")
}

# list(mean, sd, indicator) per column; one column at a time is copied.
nn_moments <- function(x, rows) {
  p <- if (is.null(dim(x))) 1 else dim(x)[length(dim(x))]
  each <- length(x) / p
  pick <- nn_picked(x, rows)
  columns <- lapply(seq_len(p), function(j) {
    v <- as.double(x[seq(each * (j - 1) + 1, each * j)])
    if (!is.null(pick)) v <- v[pick]
    top <- max(abs(v), .Machine$double.xmin) # the squares of large numbers overflow
    list(mean = mean(v), sd = if (length(v) > 1) stats::sd(v / top) * top else 0,
         indicator = min(v) >= 0 && max(v) <= 1 && all(v == 0 | v == 1))
  })
  list(mean = vapply(columns, `[[`, 0, "mean"), sd = vapply(columns, `[[`, 0, "sd"),
       indicator = vapply(columns, `[[`, NA, "indicator"))
}

# Of the samples `rows`, the positions within a column; NULL for all.
nn_picked <- function(x, rows) {
  if (is.null(rows)) return(NULL)
  n <- nn_rows(x)
  inner <- if (length(dim(x)) < 3) 1 else prod(dim(x)[-c(1, length(dim(x)))])
  rep(rows, inner) + rep(n * (seq_len(inner) - 1), each = length(rows))
}

# From the first row on, so that sums of float32 are not of one large number again and again.
nn_moments_device <- function(x, rows) {
  if (!is.null(rows)) x <- nn_take(x, rows)
  p <- if (is.null(dim(x))) 1L else dim(x)[length(dim(x))]
  dim(x) <- c(length(x) / p, p)
  binary <- colSums((x == 0) + (x == 1)) == nrow(x)
  pivot <- as.vector(x[1, ])
  x <- sweep(x, 2, pivot)
  mean <- as.vector(colMeans(x))
  x <- sweep(x, 2, mean)
  top <- as.vector(colMaxs(abs(x))) # the squares of large numbers overflow
  x <- sweep(x, 2, base::ifelse(top > 0, top, 1), `/`)
  sd <- top * sqrt(as.vector(colSums(x * x)) / max(nrow(x) - 1, 1))
  list(mean = pivot + mean, sd = sd, indicator = as.vector(binary))
}

# x standardised: plain numbers in double precision, device arrays in their own.
nn_scale <- function(x, scaling) {
  if (is_gpu(x)) return(nn_scale_device(x, scaling))
  each <- length(x) / length(scaling$center)
  for (j in which(scaling$center != 0 | scaling$scale != 1)) { # a copy of one column at a time
    at <- seq(each * (j - 1) + 1, length.out = each)
    x[at] <- (x[at] - scaling$center[j]) / scaling$scale[j]
  }
  x
}

# A mean has more digits than the array's type may hold: what that leaves out is taken off after the
# difference, which is small.
nn_scale_device <- function(x, scaling) {
  most <- as.vector(gpu(scaling$center, type = gpu_type(x)))
  last <- length(dim(x))
  x <- sweep(sweep(x, last, most), last, scaling$center - most)
  sweep(x, last, scaling$scale, `/`)
}

# The samples `rows` of an array with samples first.
nn_take <- function(x, rows) {
  if (is.null(dim(x))) return(x[rows])
  rest <- rep(list(quote(expr = )), length(dim(x)) - 1) # as in x[rows, , ]
  do.call(`[`, c(list(x, rows), rest, drop = FALSE))
}
