# One line per layer. `shape` is that of a sample inside the network (reversed; a list of shapes for
# a layer that merges).

# On every type: the output has the shape that was promised, its values are those of
# `reference(w, h)` in plain R where given (h a list for a layer that merges); in float64, the
# gradients by the input and by each parameter are what finite differences say; in float32, the
# same gradients up to rounding. Shapes in `bad` are errors of class anygpu_error_shape.
expect_layer <- function(layer, shape, reference = NULL, training = FALSE, bad = list(), n = 3,
                         input = NULL) {
  set.seed(7)
  merges <- is.list(shape)
  shapes <- if (merges) shape else list(shape)
  h <- lapply(shapes, function(s) array(stats::rnorm(prod(s) * n), c(s, n)))
  if (!is.null(input)) h <- list(array(input, c(shape, n)))
  w <- layer_weights(layer, shape)
  state <- anygpu:::nn_layer_state(layer, shape)
  values <- c(unname(h), w)
  run <- function(values) {
    of_h <- seq_along(h)
    arg <- if (merges) unname(values[of_h]) else values[[1]]
    ctx <- layer_ctx(training, anygpu:::gpu_type(values[[1]]))
    anygpu:::nn_layer_forward(layer, c(values[-of_h], lapply(state, like_value, values[[1]])), arg,
                              ctx)
  }
  out <- as.integer(c(anygpu:::nn_layer_shape(layer, shape), n))
  weight <- stats::rnorm(prod(out))
  slopes <- NULL
  for (type in test_types()) {
    up <- lapply(values, function(v) gpu(v, if (is.double(v)) type))
    y <- anygpu:::plain(run(up))
    expect_identical(dim(y), out, info = type)
    if (!is.null(reference)) {
      want <- reference(w, if (merges) h else h[[1]])
      expect_equal(c(y), c(want), tolerance = tolerances[[type]], info = type)
    }
    loss <- function(values) sum(run(values) * gpu(array(weight, out), type))
    by <- which(vapply(values, is.double, NA))
    gradient <- lapply(by, function(i) {
      anygpu:::plain(gpu_grad(function(v) loss(replace(up, i, list(v))), up[[i]]))
    })
    if (type == "float64") slopes <- gradient
    if (type == "float64") expect_slopes(function(v) anygpu:::plain(loss(v)), up, by, gradient)
    else if (!is.null(slopes)) expect_equal(gradient, slopes, tolerance = 1e-3, info = type)
  }
  for (s in bad) expect_error(anygpu:::nn_layer_shape(layer, s), class = "anygpu_error_shape")
}

# Gradients against central differences; some elements of each where a device is slow to start.
expect_slopes <- function(loss, values, by, gradient, step = 1e-5) {
  for (k in seq_along(by)) {
    v <- anygpu:::plain(values[[by[k]]])
    at <- thinned(sample(length(v)), min(4, length(v)))
    slope <- vapply(at, function(j) {
      moved <- function(d) {
        v[j] <- v[j] + d
        loss(replace(values, by[k], list(gpu(v, "float64"))))
      }
      (moved(step) - moved(-step)) / (2 * step)
    }, 0)
    expect_equal(gradient[[k]][at], slope, tolerance = 1e-6, info = paste("argument", k))
  }
}

# Starting weights, moved so that none is 0 or 1.
layer_weights <- function(layer, shape) {
  lapply(anygpu:::nn_layer_init(layer, shape), function(w) {
    w[] <- w + stats::runif(length(w), -0.5, 0.5)
    w
  })
}

like_value <- function(x, like) gpu(x, anygpu:::gpu_type(like))

# The same random numbers in each run.
layer_ctx <- function(training, type) {
  anygpu:::nn_ctx(training, uniform = function(dim) {
    u <- (seq_len(prod(dim)) * 0.618) %% 1
    gpu(array(u, dim), type)
  })
}
