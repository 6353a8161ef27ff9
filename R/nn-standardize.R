# Standardisation: which columns, and by what.

# Whether an input is standardised unless the user says otherwise: matrices are; images, sequences,
# factors, an offset, and matrices that a layer takes as codes or makes images of (`whole`) are not.
nn_standardizes <- function(input, whole = FALSE) {
  length(input$dim) == 1 && is.null(input$levels) && !whole && !isTRUE(input$offset)
}

# Whether a layer takes the columns of input k together: codes to be embedded, or pixels that it puts
# in rows and columns, whose differences in mean and spread are what an image is made of.
nn_takes_whole <- function(model, k) {
  taken <- vapply(model$from, function(from) any(from == -k), NA)
  any(vapply(model$layers[taken], function(layer) {
    inherits(layer, "nn_layer_embedding") ||
      (inherits(layer, "nn_layer_reshape") && length(layer$dim) > 1)
  }, NA))
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
