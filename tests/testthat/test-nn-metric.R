# What the trainer does with a metric: sums of two batches, divided by the weights.
run_metric <- function(metric, y, z, w = NULL, type = "float64", loss = NULL, k, class) {
  m <- anygpu:::nn_as_metric(metric, loss, k, class)
  n <- dim(z)[length(dim(z))]
  cut <- list(seq_len(n %/% 3), (n %/% 3 + 1):n)
  take <- function(x, i) if (length(dim(x)) == 2) x[, i, drop = FALSE] else x[, , i, drop = FALSE]
  sums <- lapply(cut, function(i) {
    inputs <- lapply(c(list(take(y, i), take(z, i)), if (!is.null(w)) list(w[i])), gpu, type = type)
    p <- Map(function(x, i) .Call(anygpu:::C_placeholder, x, i), inputs, seq_along(inputs) - 1L)
    s <- m$sums(p[[1]], p[[2]], if (!is.null(w)) p[[3]])
    as.vector(anygpu:::run_traced(list(s), inputs)[[1]])
  })
  expect_length(sums[[1]], m$n)
  m$value(Reduce(`+`, sums) / (if (is.null(w)) n else sum(w)))
}

of_classes <- function(metric, y, z, w = NULL, type = "float64", k = nrow(z),
                       loss = loss_cross_entropy()) {
  run_metric(metric, y, z, w, type, loss, k, TRUE)
}
of_numbers <- function(metric, y, z, w = NULL, type = "float64", loss = loss_mse()) {
  run_metric(metric, y, z, w, type, loss, nrow(y), FALSE)
}

expect_metric <- function(f, want) {
  for (type in test_types()) {
    expect_equal(f(type), want, tolerance = if (type == "float64") 1e-10 else 1e-4)
  }
}

ref_f1 <- function(y, guess, w, class) {
  tp <- sum(w[y == class & guess == class])
  2 * tp / (sum(w[y == class]) + sum(w[guess == class]))
}

test_that("metrics of classes are those of plain R", {
  set.seed(31)
  z <- matrix(rnorm(4 * 50), 4)
  y <- matrix(sample.int(4, 50, TRUE) - 1, 1)
  guess <- apply(z, 2, which.max) - 1
  rank <- apply(-z, 2, rank)[cbind(c(y) + 1, 1:50)]
  for (w in list(NULL, runif(50))) {
    v <- if (is.null(w)) rep(1, 50) else w
    expect_metric(function(type) of_classes("accuracy", y, z, w, type),
                  weighted.mean(guess == y, v))
    expect_metric(function(type) of_classes(metric_top_k(2), y, z, w, type),
                  weighted.mean(rank <= 2, v))
    expect_metric(function(type) of_classes("f1", y, z, w, type),
                  mean(vapply(0:3, function(class) ref_f1(c(y), guess, v, class), 0)))
  }
})

test_that("of two classes the second is the positive one, with two outputs or one", {
  set.seed(32)
  z <- matrix(rnorm(40), 1)
  y <- matrix(rbinom(40, 1, plogis(z)) + 0, 1)
  guess <- (z > 0) + 0
  want <- ref_f1(c(y), c(guess), rep(1, 40), 1)
  for (metric in list("f1", metric_f1())) {
    expect_metric(function(type) of_classes(metric, y, z, NULL, type, 2), want)
    expect_metric(function(type) of_classes(metric, y, rbind(-z, z), NULL, type, 2), want)
  }
  expect_metric(function(type) of_classes("accuracy", y, z, NULL, type, 2), mean(guess == y))
})

test_that("f1 leaves out classes that do not occur", {
  z <- diag(3)[, c(1, 2, 1, 2)]
  expect_equal(of_classes("f1", matrix(c(0, 1, 1, 1), 1), z, type = "float32"),
               mean(c(2 / 3, 0.8)))
})

test_that("sequences of classes count step by step", {
  set.seed(33)
  z <- array(rnorm(3 * 2 * 6), c(3, 2, 6))
  y <- array(sample.int(3, 12, TRUE) - 1, c(1, 2, 6))
  w <- runif(6)
  right <- apply(z, 2:3, which.max) - 1 == y[1, , ]
  expect_metric(function(type) of_classes("accuracy", y, z, w, type, 3),
                weighted.mean(colMeans(right), w))
  guess <- c(apply(z, 2:3, which.max)) - 1
  want <- mean(vapply(0:2, function(k) ref_f1(c(y), guess, rep(w, each = 2), k), 0))
  expect_metric(function(type) of_classes("f1", y, z, w, type, 3), want)
})

test_that("metrics of numbers are those of plain R", {
  set.seed(34)
  z <- matrix(rnorm(60), 2)
  y <- matrix(rnorm(60, 3), 2)
  for (w in list(NULL, runif(30))) {
    v <- if (is.null(w)) rep(1, 30) else w
    expect_metric(function(type) of_numbers("mae", y, z, w, type),
                  weighted.mean(colMeans(abs(y - z)), v))
    expect_metric(function(type) of_numbers("rmse", y, z, w, type),
                  sqrt(weighted.mean(colMeans((y - z)^2), v)))
    r2 <- vapply(1:2, function(i) {
      1 - sum(v * (y[i, ] - z[i, ])^2) / sum(v * (y[i, ] - weighted.mean(y[i, ], v))^2)
    }, 0)
    expect_metric(function(type) of_numbers("r2", y, z, w, type), mean(r2))
  }
})

test_that("metrics of numbers take the response", {
  z <- matrix(c(0, 1, 2), 1)
  y <- matrix(c(1, 2, 9), 1)
  expect_metric(function(type) of_numbers("mae", y, z, NULL, type, loss_poisson()),
                mean(abs(exp(z) - y)))
  expect_metric(function(type) of_numbers("rmse", y, rbind(z, 0), NULL, type, loss_gaussian()),
                sqrt(mean((z - y)^2)))
})

# -- AUC ---------------------------------------------------------------------------------------

ref_auc <- function(positive, score, w = rep(1, length(score))) {
  above <- outer(score[positive], score[!positive], function(a, b) (a > b) + (a == b) / 2)
  ww <- outer(w[positive], w[!positive])
  sum(above * ww) / sum(ww)
}

auc_of <- function(y, z, w = NULL, k = max(2, ncol(z))) {
  anygpu:::nn_as_metric("auc", loss_cross_entropy(), k, TRUE)$value(matrix(y, 1), t(z), w)
}

test_that("AUC counts pairs, ties a half, with weights", {
  set.seed(35)
  y <- rbinom(40, 1, 0.4)
  z <- matrix(round(rnorm(40) + y, 1))
  w <- runif(40)
  expect_equal(auc_of(y, z), ref_auc(y == 1, z))
  expect_equal(auc_of(y, z, w), ref_auc(y == 1, z, w))
  expect_equal(auc_of(y, cbind(1, z + 1)), ref_auc(y == 1, z))
  p <- stats::wilcox.test(z[y == 1], z[y == 0], exact = FALSE)$statistic / (sum(y) * sum(1 - y))
  expect_equal(auc_of(y, z), unname(p))
  expect_identical(auc_of(rep(1, 3), matrix(1:3)), NA_real_)
  expect_true(anygpu:::nn_as_metric("auc", loss_cross_entropy(), 2, TRUE)$collect)
})

test_that("AUC of several classes is Hand and Till's M", {
  set.seed(36)
  y <- sample(0:2, 30, TRUE)
  z <- matrix(rnorm(90), 30)
  p <- exp(z) / rowSums(exp(z))
  pairs <- list(0:1, c(0, 2), 1:2)
  m <- vapply(pairs, function(pair) {
    of <- y %in% pair
    mean(vapply(pair, function(c) ref_auc(y[of] == c, p[of, c + 1]), 0))
  }, 0)
  expect_equal(auc_of(y, z), mean(m), tolerance = 1e-6)
})

# -- of users ----------------------------------------------------------------------------------

test_that("custom metrics are traced, or called on all samples", {
  set.seed(37)
  z <- matrix(rnorm(24), 2)
  y <- matrix(rnorm(24), 2)
  w <- runif(12)
  each <- metric_custom("bias", function(y_true, y_pred) rowMeans(y_pred - y_true))
  expect_metric(function(type) of_numbers(each, y, z, NULL, type), mean(z - y))
  expect_metric(function(type) of_numbers(each, y, z, w, type), weighted.mean(colMeans(z - y), w))
  whole <- function(y_true, y_pred) mean(y_pred)
  expect_metric(function(type) of_numbers(whole, y, z, NULL, type), mean(z))
  late <- metric_custom("worst", function(y_true, y_pred) max(abs(y_true - y_pred)), collect = TRUE)
  late <- anygpu:::nn_as_metric(late, loss_mse(), 2, FALSE)
  expect_true(late$collect)
  expect_equal(late$value(y, z), max(abs(y - z)), tolerance = 1e-6)
})

test_that("custom metrics of classes get a column for each, and probabilities", {
  set.seed(38)
  z <- matrix(rnorm(30), 3)
  y <- matrix(sample.int(3, 10, TRUE) - 1, 1)
  p <- t(exp(z)) / colSums(exp(z))
  want <- mean(rowSums((diag(3)[c(y) + 1, ] - p)^2))
  brier <- function(y_true, y_pred) rowSums((y_true - y_pred)^2)
  expect_metric(function(type) of_classes(brier, y, z, NULL, type), want)
  late <- metric_custom("brier", brier, collect = TRUE)
  late <- anygpu:::nn_as_metric(late, loss_cross_entropy(), 3, TRUE)
  expect_equal(late$value(y, z), want, tolerance = 1e-6)
})

test_that("metrics print, and say what is better", {
  expect_output(print(metric_top_k(3)), "<nn_metric> top_3 (k 3)", fixed = TRUE)
  expect_output(print(metric_auc()), "<nn_metric> auc", fixed = TRUE)
  better <- vapply(anygpu:::nn_metric_table(), function(f) f()$better, "")
  expect_identical(names(better)[better == "lower"], c("mae", "rmse"))
  expect_identical(metric_custom("a", mean, "higher")$better, "higher")
  expect_s3_class(metric_mae(), "nn_metric")
  expect_s3_class(metric_rmse(), "nn_metric")
  expect_s3_class(metric_r2(), "nn_metric")
  expect_s3_class(metric_accuracy(), "nn_metric")
})

test_that("bad metrics are classed errors", {
  expect_error(metric_top_k(0), class = "anygpu_error_argument")
  expect_error(metric_custom(1, mean), class = "anygpu_error_argument")
  expect_error(metric_custom("a", 1), class = "anygpu_error_argument")
  expect_error(metric_custom("a", mean, collect = 1), class = "anygpu_error_argument")
  expect_error(anygpu:::nn_as_metric("precision"), class = "anygpu_error_argument")
  expect_error(anygpu:::nn_as_metric("accuracy", loss_mse(), 1, FALSE),
               class = "anygpu_error_type")
  expect_error(anygpu:::nn_as_metric("mae", loss_cross_entropy(), 3, TRUE),
               class = "anygpu_error_type")
  y <- matrix(0, 2, 4)
  expect_error(of_numbers(function(a, b) a - b, y, y), class = "anygpu_error_shape")
})

test_that("metrics are in the units of the data, wherever its mean lies", {
  set.seed(7)
  x <- matrix(stats::rnorm(120), 60)
  held <- 41:60
  worst <- metric_custom("worst", function(y_true, y_pred) max(abs(y_true - y_pred)),
                         collect = TRUE)
  level <- metric_custom("level", function(y_true, y_pred) mean(y_true))
  for (far in c(50, 1e6)) {
    y <- far + 10 * x[, 1] + stats::rnorm(60)
    fit <- nn_quiet(nn_model(layer_dense(1)), x, y, validation = held, epochs = 2,
                    metrics = list("mae", "rmse", "r2", worst, level))
    e <- y[held] - predict(fit, x[held, ])
    want <- c(mean(e^2), mean(abs(e)), sqrt(mean(e^2)),
              1 - sum(e^2) / sum((y[held] - mean(y[held]))^2), max(abs(e)), mean(y[held]))
    expect_equal(unlist(fit$history[2, paste0("val_", c("loss", "mae", "rmse", "r2", "worst",
                                                        "level"))]),
                 want, tolerance = 1e-5, ignore_attr = TRUE)
  }
})

test_that("a metric of all samples sees arrays as they were given", {
  x <- array(stats::rnorm(20 * 5 * 2), c(20, 5, 2))
  seen <- list()
  worst <- metric_custom("worst", collect = TRUE, function(y_true, y_pred) {
    seen <<- list(y_true, y_pred)
    apply(abs(y_true - y_pred), 1, max)
  })
  weights <- 1:20
  fit <- nn_quiet(nn_model(layer_dense(2)), x, 3 * x, weights = weights, epochs = 1,
                  metrics = worst)
  p <- predict(fit, x)
  expect_equal(seen[[1]], 3 * x, tolerance = 1e-6)
  expect_equal(seen[[2]], p, tolerance = 1e-6)
  want <- stats::weighted.mean(apply(abs(3 * x - p), 1, max), weights)
  expect_equal(fit$history$worst, want, tolerance = 1e-6)
})
