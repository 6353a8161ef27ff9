# The reference: the formulas in base R, one time step after the other; x is features x time x n.

ref_block <- function(z, k, units) z[(k - 1) * units + seq_len(units), , drop = FALSE]
ref_sigmoid <- function(z) 1 / (1 + exp(-z))

ref_step <- list(
  rnn = function(w, x, s, block) list(h = tanh(w$weight %*% x + w$bias + w$recurrent %*% s$h)),
  lstm = function(w, x, s, block) {
    z <- w$weight %*% x + w$bias + w$recurrent %*% s$h
    memory <- ref_sigmoid(block(z, 2)) * s$memory + ref_sigmoid(block(z, 1)) * tanh(block(z, 3))
    list(h = ref_sigmoid(block(z, 4)) * tanh(memory), memory = memory)
  },
  gru = function(w, x, s, block) {
    p <- w$weight %*% x + w$bias
    q <- w$recurrent %*% s$h + w$recurrent_bias
    r <- ref_sigmoid(block(p, 1) + block(q, 1))
    z <- ref_sigmoid(block(p, 2) + block(q, 2))
    list(h = (1 - z) * tanh(block(p, 3) + r * block(q, 3)) + z * s$h)
  }
)

# The states after all steps, units x time x n.
ref_states <- function(kind, w, x, back) {
  units <- ncol(w$recurrent)
  steps <- seq_len(dim(x)[2])
  s <- list(h = matrix(0, units, dim(x)[3]), memory = 0)
  out <- array(0, c(units, dim(x)[2:3]))
  for (t in if (back) rev(steps) else steps) {
    x_t <- matrix(x[, t, ], dim(x)[1])
    s <- ref_step[[kind]](w, x_t, s, function(z, k) ref_block(z, k, units))
    out[, t, ] <- s$h
  }
  out
}

ref_recurrent <- function(kind, w, x, return_sequences, direction) {
  last <- function(h, t) matrix(h[, t, ], dim(h)[1])
  back <- w[endsWith(names(w), "_back")]
  names(back) <- sub("_back$", "", names(back))
  f <- if (direction != "backward") ref_states(kind, w, x, FALSE)
  b <- if (direction != "forward") ref_states(kind, if (length(back)) back else w, x, TRUE)
  if (!return_sequences) {
    return(rbind(if (!is.null(f)) last(f, dim(x)[2]), if (!is.null(b)) last(b, 1)))
  }
  if (direction != "both") return(if (is.null(f)) b else f)
  out <- array(0, c(2 * dim(f)[1], dim(f)[-1]))
  out[seq_len(dim(f)[1]), , ] <- f
  out[dim(f)[1] + seq_len(dim(f)[1]), , ] <- b
  out
}

constructors <- list(rnn = layer_rnn, lstm = layer_lstm, gru = layer_gru)

test_that("recurrent layers compute what their formulas say", {
  set.seed(1)
  cases <- expand.grid(kind = names(constructors), sequences = c(TRUE, FALSE), n = c(1, 3),
                       direction = c("forward", "backward", "both"), stringsAsFactors = FALSE)
  for (i in seq_len(nrow(cases))) {
    case <- cases[i, ]
    x <- array(rnorm(2 * 4 * case$n), c(2, 4, case$n))
    layer <- constructors[[case$kind]](3, return_sequences = case$sequences,
                                       direction = case$direction)
    w <- anygpu:::nn_layer_init(layer, c(2L, 4L))
    w <- lapply(w, function(v) v + rnorm(length(v)) / 4)
    want <- ref_recurrent(case$kind, w, x, case$sequences, case$direction)
    for (type in test_types()) {
      h <- anygpu:::nn_layer_forward(layer, lapply(w, gpu, type), gpu(x, type), anygpu:::nn_ctx())
      expect_identical(gpu_type(h), type)
      expect_equal(as.array(h), want, tolerance = if (type == "float64") 1e-12 else 1e-5)
      expect_equal(dim(h)[-length(dim(h))], anygpu:::nn_layer_shape(layer, c(2L, 4L)))
    }
  }
})

test_that("recurrent layers and their gradients agree with PyTorch", {
  names <- c(weight = "kernel", weight_back = "kernel_back")
  for (kind in names(constructors)) {
    make <- constructors[[kind]]
    file <- if (kind == "rnn") "simple_rnn" else kind
    expect_fixture(make(2), file, rename = names)
    expect_fixture(make(2, return_sequences = TRUE), paste0(file, "_sequences"), rename = names)
    expect_fixture(make(2, direction = "both"), paste0(file, "_bidirectional"), rename = names)
    expect_fixture(make(2, return_sequences = TRUE, direction = "both"),
                   paste0(file, "_bidirectional_sequences"), rename = names)
  }
})

test_that("starting values are a rotation, the forget gate's ones, and R's random numbers", {
  start <- function() {
    set.seed(3)
    anygpu:::nn_layer_init(layer_lstm(4), c(2L, 9L))
  }
  w <- start()
  expect_identical(start(), w)
  expect_identical(w$bias, rep(c(0, 1, 0, 0), each = 4))
  for (k in 1:4) expect_equal(crossprod(w$recurrent[4 * (k - 1) + 1:4, ]), diag(4))
  expect_equal(dim(anygpu:::nn_layer_init(layer_gru(1), c(2L, 9L))$recurrent), c(3, 1))
})

test_that("bad settings and inputs that are no sequences are classed errors", {
  expect_error(layer_lstm(0), class = "anygpu_error_argument")
  expect_error(layer_gru(3, direction = "sideways"), class = "anygpu_error_argument")
  expect_error(layer_rnn(3, activation = "no"), class = "anygpu_error_argument")
  expect_error(layer_lstm(3, return_sequences = NA), class = "anygpu_error_argument")
  model <- nn_model(layer_lstm(3), layer_gru(2))
  e <- expect_error(anygpu:::nn_model_shapes(model, list(c(2L, 9L))), class = "anygpu_error_shape")
  expect_match(conditionMessage(e), "layer 2 (gru) on an input of 3", fixed = TRUE)
})

test_that("layers are shown with what was set", {
  expect_identical(format(layer_lstm(8)), "lstm, 8 units")
  expect_identical(format(layer_rnn(1, return_sequences = TRUE, direction = "both")),
                   "rnn, 1 unit, return sequences, direction both, tanh")
})

test_that("the kernels of a step are those of all steps", {
  skip_if_not(startsWith(gpu_device(gpu(1)), "opencl"))
  steps <- function(n) {
    x <- gpu(array(1, c(2, n, 3)), "float32")
    w <- lapply(anygpu:::nn_layer_init(layer_lstm(4), c(2L, n)), gpu, "float32")
    f <- function(v) {
      w$weight <- v
      sum(anygpu:::nn_layer_forward(layer_lstm(4), w, x, anygpu:::nn_ctx()))
    }
    as.array(gpu_grad(f, w$weight))
    gpu_stats()$builds
  }
  first <- steps(6)
  expect_identical(steps(12), first)
})

test_that("a network tells slow from fast waves", {
  set.seed(4)
  speed <- rep(1:3, length.out = 120)
  wave <- outer(speed, 1:16, function(k, t) sin(2 * pi * k * t / 16)) + rnorm(120 * 16, sd = 0.2)
  y <- factor(c("slow", "middle", "fast")[speed])
  fit <- nn_fit(nn_model(layer_gru(8), layer_dense(3)), array(wave, c(120, 16, 1)), y, epochs = 12,
                batch_size = 20, optimizer = opt_adam(lr = 0.03), verbose = FALSE)
  expect_gt(mean(predict(fit, array(wave, c(120, 16, 1)), type = "class") == y), 0.95)
})
