# The oracle is base R in double precision on ordinary arrays, never another device.

# Unless the environment says otherwise the tests run on the host.
test_device <- function() {
  id <- Sys.getenv("ANYGPU_DEVICE")
  if (nzchar(id)) id else "host"
}
options(anygpu.device = test_device(), anygpu.type = NULL)

test_types <- function() {
  devices <- gpu_devices()
  c(if (devices$float64[devices$id == gpu_device()]) "float64", "float32")
}

tolerances <- c(float64 = 1e-10, float32 = 2e-4)

# Devices that compile every new kernel for a second or so get the first n cases of many.
thinned <- function(cases, n) if (gpu_device() == "host") cases else cases[seq_len(n)]

# What goes to the device: everything numeric or logical but single numbers.
goes_up <- function(x) {
  (is.numeric(x) || is.logical(x)) && !is.object(x) && (length(x) != 1 || !is.null(dim(x)))
}

# The value, the condition classes and the warnings of an expression.
outcome <- function(code) {
  warnings <- character()
  value <- withCallingHandlers(
    tryCatch(code, error = identity),
    warning = function(w) {
      warnings <<- c(warnings, conditionMessage(w))
      invokeRestart("muffleWarning")
    }
  )
  list(value = value, warnings = warnings)
}

# f(...) on arrays of the device under test, in every type, is what f(...) is in base R:
# values (within the tolerance), attributes, errors and warnings.
expect_gpu <- function(f, ..., types = test_types(), tolerance = NULL, warnings = TRUE) {
  args <- list(...)
  up <- vapply(args, goes_up, NA)
  for (type in types) {
    on_device <- args
    on_device[up] <- lapply(args[up], function(x) gpu(x, if (is.double(x)) type))
    rounded <- args
    rounded[up] <- lapply(on_device[up], anygpu:::plain)
    want <- outcome(do.call(f, rounded))
    got <- outcome(do.call(f, on_device))
    expect_outcome(got, want, type, tolerance, warnings)
  }
  invisible()
}

agrees <- function(value, want, tolerance) {
  identical(typeof(value), typeof(want)) && identical(attributes(value), attributes(want)) &&
    identical(is.na(value), is.na(want)) &&
    isTRUE(all.equal(c(value), c(want), tolerance = tolerance))
}

expect_outcome <- function(got, want, type, tolerance, warnings) {
  if (inherits(want$value, "error")) {
    expect_s3_class(got$value, "anygpu_error")
    return(invisible())
  }
  if (inherits(got$value, "error")) {
    fail(paste0(type, ": ", conditionMessage(got$value)))
    return(invisible())
  }
  value <- anygpu:::plain(got$value)
  if (is.null(tolerance)) tolerance <- tolerances[[type]]
  # one expectation where all is well: five of testthat's take longer than the case itself
  if (agrees(value, want$value, tolerance) &&
        (!warnings || identical(got$warnings, want$warnings))) {
    return(invisible(succeed()))
  }
  expect_equal(c(value), c(want$value), tolerance = tolerance, info = type)
  expect_identical(typeof(value), typeof(want$value))
  expect_identical(is.na(c(value)), is.na(c(want$value)), info = type)
  expect_identical(attributes(value), attributes(want$value), info = type)
  if (warnings) expect_identical(got$warnings, want$warnings, info = type)
}

# The gradient of f is what finite differences of f in base R say.
expect_gradient <- function(f, x, reference = f, tolerance = 1e-5) {
  skip_if_not("float64" %in% test_types())
  h <- 1e-5
  slope <- vapply(seq_along(x), function(i) {
    up <- x
    down <- x
    up[i] <- x[i] + h
    down[i] <- x[i] - h
    (reference(up) - reference(down)) / (2 * h)
  }, 0)
  got <- anygpu:::plain(gpu_grad(f, gpu(x, "float64")))
  expect_equal(c(got), slope, tolerance = tolerance)
  expect_identical(dim(got), dim(x))
}

# Arguments from a domain of ops.def.
draw <- function(domain, n) {
  sign <- sample(c(-1, 1), n, TRUE)
  switch(domain,
    real = runif(n, -10, 10), positive = runif(n, 0.01, 10), nonnegative = runif(n, 0, 10),
    unit = runif(n, -0.99, 0.99), above1 = runif(n, 1.01, 10), aboveminus1 = runif(n, -0.9, 10),
    nonzero = sign * runif(n, 0.1, 10), small = runif(n, -3, 3),
    logical = sample(c(FALSE, TRUE, NA), n, TRUE),
    integer = sample(c(-1000:1000, rep(NA, 50)), n, TRUE), bits = sample(c(0:31, NA), n, TRUE),
    stop("no such domain: ", domain)
  )
}

# Independent references of the operations that R does not have under that name.
references <- list(
  relu = function(x) pmax(x, 0), sigmoid = function(x) stats::plogis(x),
  softplus = function(x) -stats::plogis(-x, log.p = TRUE), gelu = function(x) x * stats::pnorm(x),
  erf = function(x) 2 * stats::pnorm(x * sqrt(2)) - 1,
  leaky_relu = function(x, slope = 0.01) ifelse(x < 0, slope * x, x),
  elu = function(x, scale = 1) ifelse(x < 0, scale * (exp(x) - 1), x),
  selu = function(x) 1.0507009873554805 * ifelse(x < 0, 1.6732632423543772 * (exp(x) - 1), x),
  silu = function(x) x * stats::plogis(x), relu6 = function(x) pmin(pmax(x, 0), 6),
  hard_tanh = function(x) pmin(pmax(x, -1), 1),
  hard_sigmoid = function(x) pmin(pmax(x + 3, 0), 6) / 6,
  hard_silu = function(x) x * pmin(pmax(x + 3, 0), 6) / 6, square = function(x) x^2,
  stop = function(x) x, is_na = function(x) is.na(x),
  nan = function(x) is.nan(x) + 0,
  pmin = function(x, y) pmin(x, y), pmax = function(x, y) pmax(x, y)
)

# A row of ops.def as a function for base R, and as one for arrays of ours.
row_reference <- function(row) {
  if (row$name %in% names(references)) references[[row$name]] else get(row$r, baseenv())
}
row_function <- function(row) {
  if (row$arity == 1) {
    function(x) .Call(anygpu:::C_unary, row$name, x)
  } else {
    function(x, y) .Call(anygpu:::C_binary, row$name, x, y)
  }
}

# Shapes that have broken things before: empty, single, prime, more than 64, more than a work-group.
test_shapes <- list(c(0, 3), c(3, 0), c(1, 1), c(1, 7), c(7, 1), c(5, 3), c(13, 17), c(67, 31))

random_matrix <- function(dim) matrix(round(rnorm(prod(dim)), 3), dim[1], dim[2])

# Runs code with a seed that a failure shows.
with_seed_shown <- function(code, seed = sample.int(1e6, 1)) {
  set.seed(seed)
  withCallingHandlers(code, expectation = function(e) {
    if (inherits(e, c("expectation_failure", "expectation_error"))) message("seed: ", seed)
  })
}

# Arrays and buffers alive, after collecting garbage.
live <- function() {
  for (i in 1:2) gc()
  .Call(anygpu:::C_live)
}

# The last line that R code prints in a session of its own.
fresh_session <- function(code, env = character()) {
  libraries <- paste0("R_LIBS=", paste(.libPaths(), collapse = .Platform$path.sep))
  out <- system2(file.path(R.home("bin"), "Rscript"), c("-e", shQuote(code)),
    stdout = TRUE, stderr = TRUE, env = c(libraries, env)
  )
  out[length(out)]
}

# An object in which every array of ours is an ordinary vector.
plain_all <- function(x) {
  if (is.list(x) && !is.data.frame(x)) x[] <- lapply(x, plain_all)
  anygpu:::plain(x)
}
