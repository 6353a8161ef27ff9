# Each loss: the constructor's value, its plain R reference for one sample (y, z of one column), and
# what to draw z and y of n samples from.
draw_z <- function(k) function(n) matrix(rnorm(k * n), k)
draw_class <- function(k) function(n) matrix(as.numeric(sample.int(k, n, TRUE)) - 1, 1)

loss_cases <- list(
  mse = list(loss_mse(), function(y, z) mean((y - z)^2), draw_z(3), draw_z(3)),
  mae = list(loss_mae(), function(y, z) mean(abs(y - z)), draw_z(3), draw_z(3)),
  huber = list(loss_huber(0.7), function(y, z) {
    a <- abs(y - z)
    mean(base::ifelse(a <= 0.7, a^2 / 2, 0.7 * (a - 0.35)))
  }, draw_z(2), draw_z(2)),
  quantile = list(loss_quantile(0.2), function(y, z) {
    mean(base::ifelse(y > z, 0.2 * (y - z), 0.8 * (z - y)))
  }, draw_z(1), draw_z(1)),
  quantiles = list(loss_quantile(c(0.1, 0.5, 0.9)), function(y, z) {
    tau <- c(0.1, 0.5, 0.9)
    mean(base::ifelse(c(y) > z, tau * (c(y) - z), (1 - tau) * (z - c(y))))
  }, draw_z(3), draw_z(1)),
  cross_entropy = list(loss_cross_entropy(), function(y, z) {
    -log(exp(z) / sum(exp(z)))[y + 1]
  }, draw_z(4), draw_class(4)),
  smoothed = list(loss_cross_entropy(0.1), function(y, z) {
    q <- 0.1 / 4 + 0.9 * (seq_len(4) == c(y) + 1)
    -sum(q * log(exp(z) / sum(exp(z))))
  }, draw_z(4), draw_class(4)),
  probabilities = list(loss_cross_entropy(), function(y, z) {
    -sum(y * log(exp(z) / sum(exp(z))))
  }, draw_z(3), function(n) apply(matrix(runif(3 * n), 3), 2, function(v) v / sum(v))),
  binary = list(loss_binary_cross_entropy(), function(y, z) {
    -mean(dbinom(y, 1, plogis(z), log = TRUE))
  }, draw_z(2), function(n) matrix(rbinom(2 * n, 1, 0.4), 2) + 0),
  poisson = list(loss_poisson(), function(y, z) -dpois(y, exp(z), log = TRUE),
                 draw_z(1), function(n) matrix(rpois(n, 3), 1) + 0),
  negative_binomial = list(loss_negative_binomial(2.5), function(y, z) {
    -dnbinom(y, size = 2.5, mu = exp(z), log = TRUE)
  }, draw_z(1), function(n) matrix(rpois(n, 3), 1) + 0),
  gaussian = list(loss_gaussian(), function(y, z) {
    -mean(dnorm(y, z[1:2], exp(z[3:4]), log = TRUE))
  }, draw_z(4), draw_z(2)),
  hinge = list(loss_hinge(), function(y, z) {
    max(z + (seq_along(z) != c(y) + 1)) - z[y + 1]
  }, draw_z(3), draw_class(3)),
  hinge_two = list(loss_hinge(), function(y, z) max(0, 1 - (2 * y - 1) * diff(c(z))),
                   draw_z(2), draw_class(2)),
  cosine = list(loss_cosine(), function(y, z) {
    1 - sum(y * z) / sqrt(sum(y^2) * sum(z^2))
  }, draw_z(3), draw_z(3))
)

each_column <- function(f, y, z) {
  vapply(seq_len(ncol(z)), function(i) f(y[, i, drop = FALSE], z[, i, drop = FALSE]), 0)
}

loss_samples <- function(loss, y, z) anygpu:::nn_by_sample(loss$parts(y, z, 1, NULL)$cost)

placeholder_of <- function(x, number) .Call(anygpu:::C_placeholder, x, number)

# list(total, gradient) of a batch, traced as the trainer does it.
trace_loss <- function(loss, y, z, w = NULL, type = "float64") {
  inputs <- lapply(list(y, z, w)[1:(2 + !is.null(w))], gpu, type = type)
  p <- Map(placeholder_of, inputs, seq_along(inputs) - 1L)
  t <- anygpu:::nn_loss_trace(loss, p[[1]], p[[2]], if (!is.null(w)) p[[3]])
  g <- .Call(anygpu:::C_grad, sum(t$seed), p[2])[[1]]
  out <- anygpu:::run_traced(list(t$total, g), inputs)
  list(total = as.vector(out[[1]]), gradient = as.array(out[[2]]))
}

slopes <- function(f, x, h = 1e-5) {
  g <- vapply(seq_along(x), function(i) {
    f(replace(x, i, x[i] + h)) - f(replace(x, i, x[i] - h))
  }, 0)
  array(g / (2 * h), dim(x))
}

test_that("losses are those of plain R, sample by sample", {
  set.seed(11)
  for (name in names(loss_cases)) {
    case <- loss_cases[[name]]
    for (n in c(7, 1)) {
      z <- case[[3]](n)
      y <- case[[4]](n)
      want <- each_column(case[[2]], y, z)
      for (type in test_types()) {
        got <- loss_samples(case[[1]], gpu(y, type), gpu(z, type))
        expect_equal(as.vector(got), want, tolerance = tolerances[[type]], info = paste(name, type))
      }
    }
  }
})

test_that("a batch's total and gradient are those of plain R, with weights and without", {
  set.seed(12)
  for (name in thinned(names(loss_cases), 6)) {
    case <- loss_cases[[name]]
    z <- case[[3]](5)
    y <- case[[4]](5)
    for (w in list(NULL, c(0, 0.5, 1, 1.5, 2))) {
      weights <- if (is.null(w)) rep(1, 5) else w
      total <- function(z) sum(weights * each_column(case[[2]], y, z))
      for (type in test_types()) {
        got <- trace_loss(case[[1]], y, z, w, type)
        expect_equal(got$total, total(z), tolerance = tolerances[[type]], info = name)
        expect_equal(got$gradient, slopes(total, z) / 5, info = name,
                     tolerance = if (type == "float64") 1e-6 else 1e-3)
      }
    }
  }
})

test_that("a sample's loss is the mean over the steps of a sequence", {
  set.seed(13)
  for (name in thinned(setdiff(names(loss_cases), "quantiles"), 5)) {
    case <- loss_cases[[name]]
    z <- case[[3]](6)
    y <- case[[4]](6)
    want <- colMeans(matrix(each_column(case[[2]], y, z), 2))
    in_steps <- function(x) array(x, c(nrow(x), 2, 3))
    got <- loss_samples(case[[1]], gpu(in_steps(y)), gpu(in_steps(z)))
    expect_equal(as.vector(got), want, tolerance = 1e-6, info = name)
    skip_if_not("float64" %in% test_types())
    total <- function(z) sum(each_column(case[[2]], y, matrix(z, ncol = 6)))
    flat <- trace_loss(case[[1]], in_steps(y), in_steps(z))
    expect_equal(flat$gradient, in_steps(slopes(total, z) / 2 / 3), tolerance = 1e-6, info = name)
  }
})

# -- of whole batches --------------------------------------------------------------------------

ref_distances <- function(z) as.matrix(dist(t(z)))

# The terms of each anchor, by loops; the triplet loss counts the active ones.
ref_triplet <- function(y, z, margin) {
  d <- ref_distances(z)
  n <- ncol(z)
  sums <- numeric(n)
  active <- 0
  for (i in seq_len(n)) for (p in seq_len(n)) for (q in seq_len(n)) {
    if (p == i || y[p] != y[i] || y[q] == y[i]) next
    excess <- max(0, margin + d[i, p] - d[i, q])
    sums[i] <- sums[i] + excess
    active <- active + (excess > 0)
  }
  n * sums / max(active, 1)
}

ref_contrastive <- function(y, z, margin) {
  d <- ref_distances(z)
  n <- ncol(z)
  vapply(seq_len(n), function(i) {
    same <- y[-i] == y[i]
    sum(base::ifelse(same, d[i, -i]^2, base::pmax(0, margin - d[i, -i])^2)) / 2 / (n - 1)
  }, 0)
}

test_that("triplet and contrastive losses are those of plain R", {
  set.seed(14)
  z <- matrix(rnorm(24), 2)
  y <- draw_class(3)(12)
  w <- runif(12)
  cases <- list(list(loss_triplet(0.8), function(z) ref_triplet(y, z, 0.8)),
                list(loss_contrastive(1.5), function(z) ref_contrastive(y, z, 1.5)))
  for (case in cases) {
    for (type in test_types()) {
      tolerance <- if (type == "float64") 1e-6 else 1e-3
      got <- loss_samples(case[[1]], gpu(y, type), gpu(z, type))
      expect_equal(as.vector(got), case[[2]](z), tolerance = tolerance)
      got <- trace_loss(case[[1]], y, z, w, type)
      slope <- slopes(function(z) sum(w * case[[2]](z)), z) / 12
      expect_equal(got$gradient, slope, tolerance = tolerance)
    }
  }
})

test_that("embeddings that coincide have a finite gradient, and a batch of one class a loss of 0", {
  z <- matrix(c(1, 2), 2, 4)
  for (loss in list(loss_triplet(), loss_contrastive())) {
    expect_true(all(is.finite(trace_loss(loss, matrix(c(0, 0, 1, 1), 1), z)$gradient)))
    expect_equal(trace_loss(loss, matrix(0, 1, 4), z)$total, 0, tolerance = 1e-6)
  }
})

# -- R functions -------------------------------------------------------------------------------

test_that("R functions are losses, with samples first", {
  set.seed(15)
  z <- matrix(rnorm(8), 2)
  y <- matrix(rnorm(8), 2)
  w <- c(0.5, 1, 1.5, 1)
  each <- anygpu:::nn_as_loss(function(y_true, y_pred) rowMeans((y_true - y_pred)^2))
  whole <- anygpu:::nn_as_loss(function(y_true, y_pred) mean((y_true - y_pred)^2))
  weighed <- anygpu:::nn_as_loss(function(y_true, y_pred, w) {
    sum(w * rowMeans((y_true - y_pred)^2)) / sum(w)
  })
  for (type in test_types()) {
    tolerance <- if (type == "float64") 1e-10 else 1e-5
    want <- trace_loss(loss_mse(), y, z, type = type)
    for (loss in list(each, whole)) {
      expect_equal(trace_loss(loss, y, z, type = type), want, tolerance = tolerance)
    }
    want <- trace_loss(loss_mse(), y, z, w, type)
    for (loss in list(each, weighed)) {
      expect_equal(trace_loss(loss, y, z, w, type), want, tolerance = tolerance)
    }
  }
  expect_error(trace_loss(whole, y, z, w), "knows nothing of sample weights",
               class = "anygpu_error_argument")
})

test_that("R functions see classes as columns of zeros and ones, and sequences reversed", {
  set.seed(16)
  z <- matrix(rnorm(12), 3)
  y <- draw_class(3)(4)
  f <- function(y_true, y_pred) log(rowSums(exp(y_pred))) - rowSums(y_true * y_pred)
  expect_equal(trace_loss(anygpu:::nn_as_loss(f, 3), y, z), trace_loss(loss_cross_entropy(), y, z),
               tolerance = 1e-5)
  seen <- NULL
  f <- function(y_true, y_pred) {
    seen <<- list(dim(y_true), dim(y_pred))
    rowMeans(y_pred, dims = 1)
  }
  trace_loss(anygpu:::nn_as_loss(f), array(0, c(1, 5, 2)), array(0, c(3, 5, 2)))
  expect_identical(seen, list(c(2L, 5L, 1L), c(2L, 5L, 3L)))
})

test_that("a function that returns something else is a classed error", {
  y <- matrix(0, 2, 4)
  for (f in list(function(a, b) a - b, function(a, b) "loss", function(a, b) 1:4)) {
    expect_error(trace_loss(anygpu:::nn_as_loss(f), y, y), "a number for each sample",
                 class = "anygpu_error_shape")
  }
  looks <- function(a, b) if (mean(b) > 0) mean(b) else mean(a)
  expect_error(trace_loss(anygpu:::nn_as_loss(looks), y, y), class = "anygpu_error_argument")
})

# -- numerical care ----------------------------------------------------------------------------

test_that("large outputs neither overflow nor lose the gradient", {
  z <- matrix(c(500, 0, -500, 500, 400, 0), 3)
  y <- matrix(c(2, 0), 1)
  for (type in test_types()) {
    got <- trace_loss(loss_cross_entropy(), y, z, type = type)
    expect_equal(got$total, 1000)
    expect_equal(got$gradient, matrix(c(0.5, 0, -0.5, 0, 0, 0), 3))
    got <- trace_loss(loss_binary_cross_entropy(), matrix(c(0, 1), 1), matrix(c(300, -300), 1),
                      type = type)
    expect_equal(got, list(total = 600, gradient = matrix(c(0.5, -0.5), 1)))
  }
})

test_that("a loss that is not finite stays so", {
  for (bad in c(NaN, Inf)) {
    for (loss in list(loss_mse(), loss_cross_entropy(), loss_binary_cross_entropy())) {
      y <- matrix(0, if (loss$kind == "numeric") 2 else 1, 3)
      z <- matrix(c(1, 2, bad), if (loss$name == "binary_cross_entropy") 1 else 2, 3)
      expect_false(is.finite(trace_loss(loss, y, z, type = "float32")$total), info = loss$name)
    }
  }
})

# -- plain R parts -----------------------------------------------------------------------------

# The lowest mean loss over constant predictions, by search.
search_baseline <- function(case, y, w, k) {
  risk <- function(z) weighted.mean(each_column(case[[2]], y, matrix(z, k, ncol(y))), w)
  starts <- lapply(1:2, function(i) rnorm(k))
  min(vapply(starts, function(s) {
    for (i in 1:2) s <- stats::optim(s, risk, control = list(maxit = 1000, reltol = 1e-9))$par
    risk(s)
  }, 0))
}

test_that("baselines are the loss of the best constant prediction", {
  set.seed(17)
  for (name in names(loss_cases)) {
    case <- loss_cases[[name]]
    k <- nrow(case[[3]](1))
    y <- case[[4]](21)
    for (w in list(NULL, runif(21))) {
      got <- case[[1]]$baseline(y, w, k)
      want <- suppressWarnings(search_baseline(case, y, if (is.null(w)) rep(1, 21) else w, k))
      expect_equal(got, want, tolerance = 1e-3, info = name)
    }
  }
  expect_identical(loss_triplet()$baseline(y, NULL, 2), NA_real_)
  expect_identical(loss_contrastive()$baseline(y, NULL, 2), NA_real_)
})

test_that("the degree says how a loss scales", {
  set.seed(18)
  for (case in loss_cases) {
    if (is.na(case[[1]]$degree)) next
    z <- case[[3]](1)
    y <- case[[4]](1)
    expect_equal(case[[2]](3 * y, 3 * z), 3^case[[1]]$degree * case[[2]](y, z))
  }
})

test_that("links are the response functions", {
  set.seed(19)
  z <- matrix(rnorm(6), 2)
  link <- function(loss) as.matrix(loss$link(gpu(z)))
  expect_equal(link(loss_mse()), z, tolerance = 1e-6)
  expect_equal(link(loss_poisson()), exp(z), tolerance = 1e-6)
  expect_equal(link(loss_negative_binomial()), exp(z), tolerance = 1e-6)
  expect_equal(link(loss_binary_cross_entropy()), plogis(z), tolerance = 1e-6)
  expect_equal(link(loss_cross_entropy()), t(t(exp(z)) / colSums(exp(z))), tolerance = 1e-6)
  expect_equal(link(loss_gaussian()), z[1, , drop = FALSE], tolerance = 1e-6)
})

test_that("how many outputs a loss wants", {
  outputs <- function(loss, n, levels = NULL) loss$outputs(list(outputs = n, levels = levels))
  expect_equal(outputs(loss_mse(), 3), 3)
  expect_equal(outputs(loss_gaussian(), 3), 6)
  expect_equal(outputs(loss_quantile(c(0.1, 0.9)), 1), 2)
  expect_equal(outputs(loss_cross_entropy(), 3, letters[1:3]), 3)
  expect_equal(outputs(loss_binary_cross_entropy(), 2, c("a", "b")), 1)
  expect_equal(outputs(loss_hinge(), 2, c("a", "b")), 2)
  expect_true(is.na(outputs(loss_triplet(), 3, letters[1:3])))
})

test_that("losses are found by name, and print", {
  for (name in names(anygpu:::nn_loss_table())) {
    loss <- anygpu:::nn_as_loss(name)
    expect_s3_class(loss, "nn_loss")
    expect_identical(loss$name, name)
    expect_identical(anygpu:::nn_as_loss(loss), loss)
  }
  expect_output(print(loss_huber(2)), "<nn_loss> huber (delta 2)", fixed = TRUE)
  expect_output(print(loss_mae()), "<nn_loss> mae", fixed = TRUE)
  expect_output(print(loss_quantile(c(0.1, 0.9))), "quantile (tau 0.1 0.9)", fixed = TRUE)
})

test_that("bad arguments and values are classed errors", {
  bad <- list(quote(loss_huber(0)), quote(loss_quantile(1)), quote(loss_quantile("a")),
              quote(loss_quantile(numeric())), quote(loss_quantile(c(0.5, 0))),
              quote(loss_cross_entropy(1)), quote(loss_negative_binomial(-1)),
              quote(loss_triplet(0)), quote(loss_contrastive(NA)),
              quote(anygpu:::nn_as_loss("mean")), quote(anygpu:::nn_as_loss(1)),
              quote(loss_poisson()$check(matrix(-1))),
              quote(loss_negative_binomial()$check(matrix(-1))),
              quote(loss_binary_cross_entropy()$check(matrix(2))),
              quote(loss_cross_entropy()$check(matrix(0.6, 2, 1))))
  for (call in bad) {
    expect_error(eval(call), class = "anygpu_error_argument", info = deparse(call))
  }
  expect_error(loss_quantile(c(0.1, 0.9))$check(matrix(0, 2, 3)), class = "anygpu_error_shape")
})

test_that("a loss times a number counts as much", {
  x <- as.matrix(iris[1:2])
  y <- list(iris$Petal.Length, iris$Species)
  fit <- function(...) {
    set.seed(2)
    h <- nn_input()
    net <- nn_model(h |> layer_dense(1), h |> layer_dense(3))
    nn_quiet(net, x, y, loss = list(...), epochs = 2, optimizer = opt_sgd(0.1))
  }
  one <- fit("mse", "cross_entropy")
  two <- fit(loss_mse() * 2, 2 * loss_cross_entropy())
  expect_equal(two$baseline, 2 * one$baseline)
  # the gradient is twice as long
  set.seed(2)
  h <- nn_input()
  net <- nn_model(h |> layer_dense(1), h |> layer_dense(3))
  half <- nn_quiet(net, x, y, epochs = 2, optimizer = opt_sgd(0.2))
  expect_equal(two$weights, half$weights, tolerance = 1e-5)
  expect_equal(two$history$loss, 2 * half$history$loss, tolerance = 1e-5)
  expect_output(print(0.5 * loss_huber(2)), "0.5 * huber (delta 2)", fixed = TRUE)
  expect_error(loss_mse() + 1, "multiplied by a number", class = "anygpu_error_argument")
  expect_error(-1 * loss_mse(), "greater than 0", class = "anygpu_error_argument")
})

test_that("what a loss absorbs is an activation, which changes nothing", {
  for (name in names(anygpu:::nn_loss_table())) {
    absorbs <- anygpu:::nn_loss_table()[[name]]()$absorbs
    expect_true(is.null(absorbs) || absorbs %in% names(anygpu:::nn_activations), info = name)
  }
  counts <- function(activation) {
    set.seed(1)
    nn_quiet(nn_model(layer_dense(1, activation)), cars["speed"], round(cars$dist / 10),
             loss = "poisson", epochs = 2)
  }
  expect_equal(predict(counts("exponential"), cars[1:3, 1, drop = FALSE]),
               predict(counts(NULL), cars[1:3, 1, drop = FALSE]))
})
