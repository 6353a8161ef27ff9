open <- function(...) anygpu:::nn_source_open(...)
following <- function(state) anygpu:::nn_source_next(state)

# All chunks of a pass, with the inputs as ordinary arrays.
pass <- function(state) {
  chunks <- list()
  while (!is.null(chunk <- following(state))) {
    chunk$x <- lapply(chunk$x, as.array)
    chunks <- c(chunks, list(chunk))
  }
  chunks
}
joined <- function(chunks) Reduce(anygpu:::nn_data_bind, chunks)
sizes <- function(chunks) vapply(chunks, `[[`, 0, "n")

pieces <- function(n) {
  force(n)
  ends <- cumsum(n)
  function(k) {
    if (k > length(n)) return(NULL)
    rows <- seq(ends[k] - n[k] + 1, length.out = n[k])
    list(x = cbind(rows, rows^2), y = rows + 0.5, weights = rows)
  }
}

test_that("pieces of a function become whole batches, and nothing is lost", {
  state <- open(nn_source(pieces(c(10, 3, 2, 1, 9))), 4)
  expect_equal(state$n, 25)
  first <- anygpu:::nn_source_peek(state)
  expect_identical(first$x[[1]], cbind(rows = 1:8 + 0, c(1:8)^2), ignore_attr = TRUE)
  for (epoch in 1:2) {
    chunks <- pass(state)
    expect_equal(sizes(chunks), c(8, 4, 4, 8, 1))
    all <- joined(chunks)
    expect_equal(unname(all$x[[1]]), cbind(1:25, (1:25)^2))
    expect_equal(all$y[[1]]$values, 1:25 + 0.5)
    expect_equal(all$weights, 1:25)
  }
  expect_equal(sizes(pass(open(nn_source(pieces(c(4, 4)), n = 8), 4))), c(4, 4))
  expect_equal(sizes(pass(open(nn_source(pieces(c(1, 1))), 4))), 2)
})

test_that("a function without arguments keeps its own count", {
  k <- 0
  f <- function() {
    k <<- (k + 1) %% 4
    if (k > 0) list(diag(3) * k, 1:3)
  }
  state <- open(nn_source(f), 3)
  expect_equal(state$n, 9)
  anygpu:::nn_source_peek(state)
  want <- rbind(diag(3), 2 * diag(3), 3 * diag(3))
  for (epoch in 1:2) expect_equal(joined(pass(state))$x[[1]], want)
})

test_that("sources that cannot be used are classed errors", {
  expect_source_error <- function(class, pattern, f, n = 8) {
    expect_error(pass(open(nn_source(f, n), 2)), pattern, class = paste0("anygpu_error_", class))
  }
  expect_error(nn_source(1), "`f` must be a function", class = "anygpu_error_argument")
  expect_error(nn_source(identity, 0), "`n`", class = "anygpu_error_argument")
  expect_source_error("type", "must return list\\(x, y\\)", function(k) diag(2))
  expect_source_error("shape", "no samples", function(k) NULL, NULL)
  other <- function(k) if (k < 3) list(matrix(0, 4, k + 1), 1:4)
  expect_source_error("shape", "`piece 2\\$x` has 3 columns, the model was trained with 2", other)
  odd <- function(k) if (k < 3) list(diag(2), factor(letters[k + 0:1], letters[k + 0:1]))
  expect_source_error("levels", "`piece 2\\$y` has the level \"c\"", odd)
  some <- function(k) if (k < 3) list(x = diag(2), y = 1:2, weights = if (k == 1) 1:2)
  expect_source_error("shape", "piece 2 has no weights", some)
  hole <- function(k) if (k < 3) list(diag(2), c(1, if (k == 1) 2 else NA))
  expect_source_error("argument", "first at piece 2\\$y\\[2\\]", hole)
})

# -- files -----------------------------------------------------------------------------------------

file_of <- function(...) {
  path <- tempfile(fileext = ".bin")
  nn_file_write(path, ...)
  path
}

test_that("a file gives back what was written", {
  n <- 53
  x <- list(image = array(sample(0:255, n * 24, TRUE), c(n, 4, 3, 2)),
            table = cbind(a = rnorm(n), b = 1e6 + seq_len(n)),
            kind = factor(sample(c("u", "\u00e4\"", ""), n, TRUE), c("u", "\u00e4\"", "")))
  y <- list(class = factor(sample(letters[1:3], n, TRUE)), number = rnorm(n),
            several = cbind(p = rnorm(n), q = pi), yes = rep(c(TRUE, FALSE), length.out = n))
  path <- file_of(x, y, seq_len(n), type = c("uint8", "float64", "int32"))
  source <- nn_file(path)
  want <- anygpu:::nn_data(x, y, seq_len(n))
  expect_equal(source$n, n)
  expect_equal(source$like$inputs, want$inputs)
  for (type in test_types()) {
    state <- open(source, 8, type)
    got <- joined(pass(state))
    expect_equal(lapply(got$x, unname), lapply(want$x, unname), tolerance = tolerances[[type]],
                 ignore_attr = TRUE)
    expect_identical(lapply(got$y, function(t) t[sort(names(t))]),
                     lapply(want$y, function(t) t[sort(names(t))]), ignore_attr = TRUE)
    expect_identical(got$weights, want$weights)
    expect_identical(gpu_type(following(state)$x[[1]]), type)
  }
})

test_that("chunks are read in random order, each sample once in a pass", {
  x <- matrix(1:1000 + 0, 1000)
  path <- file_of(x, x[, 1])
  set.seed(3)
  state <- open(nn_file(path, chunk = 64), 10)
  for (epoch in 1:3) {
    chunks <- pass(state)
    expect_setequal(sizes(chunks), c(60, 40))
    all <- joined(chunks)
    expect_equal(sort(all$y[[1]]$values), x[, 1])
    expect_equal(c(all$x[[1]]), all$y[[1]]$values)
    expect_true(is.unsorted(vapply(chunks, function(ch) ch$y[[1]]$values[1], 0)))
  }
  set.seed(3)
  all <- joined(pass(open(nn_file(path, chunk = 64), 10)))
  set.seed(3)
  state <- open(nn_file(path, chunk = 64), 10)
  expect_identical(joined(pass(state))$y, all$y)
  anygpu:::nn_source_begin(state)
  following(state)
  anygpu:::nn_source_begin(state) # in the middle of a pass
  expect_equal(sum(sizes(pass(state))), 1000)
})

test_that("files grow by appending", {
  path <- file_of(iris[1:50, 1:4], iris$Species[1:50])
  nn_file_write(path, iris[51:150, 4:1], iris$Species[51:150], append = TRUE)
  got <- pass(open(nn_file(path), 150))[[1]]
  expect_equal(got$x[[1]], as.matrix(iris[1:4]), ignore_attr = TRUE, tolerance = 1e-6)
  expect_identical(got$y[[1]]$values, as.integer(iris$Species))
  expect_error(nn_file_write(path, iris[1:3], iris$Species, append = TRUE), "3 columns",
               class = "anygpu_error_shape")
  expect_error(nn_file_write(path, iris[1:4], iris$Species, 1:150, append = TRUE), "no weights",
               class = "anygpu_error_argument")
  expect_output(print(nn_file(path)), "150 samples: x 4 float32, y 1 \\(3 levels\\)")
})

test_that("files that cannot be used are classed errors", {
  expect_file_error <- function(pattern, code) {
    expect_error(code, pattern, class = "anygpu_error_argument")
  }
  expect_file_error("`path` must be", nn_file(1))
  expect_file_error("there is no file", nn_file(tempfile()))
  expect_file_error("`type` must be", file_of(diag(2), 1:2, type = "bits"))
  expect_file_error("`x` has the value 0.5, which uint8", file_of(diag(2) / 2, 1:2, type = "uint8"))
  expect_file_error("value 256", file_of(diag(2) * 256, 1:2, type = "uint8"))
  path <- tempfile()
  writeBin(raw(100), path)
  expect_file_error("is not a file of nn_file_write", nn_file(path))
  path <- file_of(diag(2), 1:2)
  bytes <- readBin(path, "raw", 1e4)
  writeBin(bytes[1:(length(bytes) - 3)], path)
  expect_file_error("ends within a sample", nn_file(path))
  writeBin(bytes[1:20], path)
  expect_file_error("ends within its header", nn_file(path))
  writeBin(bytes, path)
  source <- nn_file(path)
  writeBin(bytes[1:(length(bytes) - 8)], path)
  state <- open(source, 2)
  expect_file_error("ends early", following(state))
  expect_file_error("ends early", following(state))
  unlink(path)
  expect_file_error("No such file", following(open(source, 2)))
})

test_that("a reader works in a forked process, and readers can be dropped at any time", {
  skip_on_os("windows")
  path <- file_of(matrix(1:100 + 0, 100), 1:100)
  state <- open(nn_file(path, chunk = 10), 10)
  following(state)
  in_child <- parallel::mclapply(1:2, function(i) {
    options(anygpu.device = "host")
    n <- 0
    while (!is.null(chunk <- following(state))) n <- n + chunk$n
    n
  }, mc.cores = 2)
  expect_equal(in_child, list(90, 90))
  expect_equal(sum(sizes(pass(state))), 90)
  for (i in 1:20) open(nn_file(path, chunk = 1), 1)
  gc()
  expect_equal(sum(sizes(pass(state))), 100)
})

# -- training --------------------------------------------------------------------------------------

net <- nn_model(layer_dense(3))

test_that("one chunk trains as the same data in memory", {
  skip_if_not(gpu_device() == "host")
  rows <- sample(150)
  x <- as.matrix(iris[rows, 1:4])
  y <- iris$Species[rows]
  w <- seq(0.5, 2, length.out = 150)
  piece <- function(k) if (k == 1) list(x, y, w)
  set.seed(1)
  a <- nn_quiet(net, x, y, weights = w, epochs = 3, batch_size = 16, class_weights = c(1, 2, 3))
  set.seed(1)
  b <- nn_quiet(net, nn_source(piece, 150), epochs = 3, batch_size = 150,
                class_weights = c(1, 2, 3))
  set.seed(1)
  c <- nn_quiet(net, x, y, weights = w, epochs = 3, batch_size = 150, class_weights = c(1, 2, 3))
  expect_equal(b$weights, c$weights, tolerance = 1e-5)
  expect_equal(b$history$loss, c$history$loss, tolerance = 1e-5)
  expect_equal(b$baseline, a$baseline)
})

test_that("chunks of different sizes train, and validate, on all samples", {
  set.seed(2)
  mixed <- sample(150)
  piece <- function(k) {
    rows <- switch(k, 1:20, 21:90, 91:95, 96:150)
    if (!is.null(rows)) list(iris[mixed[rows], 1:4], iris$Species[mixed[rows]])
  }
  all <- list(iris[1:4], iris$Species)
  fit <- nn_quiet(net, nn_source(piece), epochs = 25, batch_size = 16, optimizer = opt_adam(0.05),
                  validation = all)
  expect_equal(fit$samples, c(train = 150, valid = 150))
  last <- fit$history[25, ]
  expect_gt(last$val_accuracy, 0.9)
  expect_equal(last$val_accuracy, mean(predict(fit, all[[1]], type = "class") == all[[2]]))
  p <- predict(fit, all[[1]])
  expect_equal(last$val_loss, -mean(log(p[cbind(1:150, as.integer(all[[2]]))])), tolerance = 1e-4)
  path <- file_of(all[[1]][mixed, ], all[[2]][mixed])
  set.seed(3)
  fit <- nn_quiet(net, nn_file(path, chunk = 32), epochs = 25, batch_size = 16,
                  optimizer = opt_adam(0.05), validation = nn_file(path))
  expect_gt(fit$history$val_accuracy[25], 0.9)
  set.seed(3)
  again <- nn_quiet(net, nn_file(path, chunk = 32), epochs = 25, batch_size = 16,
                    optimizer = opt_adam(0.05), validation = nn_file(path))
  expect_identical(again$weights, fit$weights)
})

test_that("metrics that need all scores see all pieces: of the validation, else of the training", {
  rows <- which(iris$Species != "setosa")[sample(100)]
  x <- as.matrix(iris[rows, 1:4])
  y <- droplevels(iris$Species[rows])
  w <- seq(0.5, 2, length.out = 100)
  piece <- function(k) if (k <= 4) {
    of <- seq(k, 100, 4)
    list(x[of, ], y[of], w[of])
  }
  spread <- metric_custom("spread", function(y_true, y_pred) diff(range(y_pred)), collect = TRUE)
  score <- function(fit, rows, w = rep(1, length(rows))) {
    anygpu:::nn_auc_pair(y[rows] == levels(y)[2], predict(fit, x[rows, ])[, 2], w)
  }
  two <- nn_model(layer_dense(2))
  metrics <- list("auc", spread)
  fit <- nn_quiet(two, nn_source(piece), epochs = 2, batch_size = 10, metrics = metrics)
  expect_equal(fit$history$auc[2], score(fit, 1:100, w))
  expect_equal(fit$history$spread[2], diff(range(predict(fit, x))), tolerance = 1e-6)
  expect_identical(fit$history$val_auc, c(NA_real_, NA_real_))
  held <- function(k) if (k <= 2) list(x[k + seq(0, 28, 2), ], y[k + seq(0, 28, 2)])
  fit <- nn_quiet(two, nn_source(piece), epochs = 2, batch_size = 10, metrics = metrics,
                  validation = nn_source(held))
  expect_equal(fit$history$val_auc[2], score(fit, 1:30))
  early <- nn_callback(on_batch_end = function(state) "stop")
  fit <- nn_quiet(two, nn_source(piece), batch_size = 10, metrics = "auc", callbacks = early)
  expect_identical(fit$history$auc, NA_real_) # the pass was broken off
})

test_that("samples held out count as their own weights and those of their classes say", {
  half <- function(weights) function(k) if (k <= 2) {
    of <- seq(k, 150, 2)
    list(iris[of, 1:4], iris$Species[of], weights[of])
  }
  expect_held <- function(validation, w) {
    fit <- nn_quiet(net, nn_source(half(rep(c(1, 3), 75))), epochs = 1, class_weights = 3:1,
                    validation = validation)
    p <- log(predict(fit, iris[1:4])[cbind(1:150, as.integer(iris$Species))])
    w <- w * (3:1)[iris$Species]
    expect_equal(fit$history$val_loss, -weighted.mean(p, w), tolerance = 1e-5)
  }
  expect_held(nn_source(half(rep(c(1, 5), 75))), rep(c(1, 5), 75))
  expect_held(list(iris[1:4], iris$Species), 1)
})

test_that("a numeric target is standardised by the first chunk, losses are in its units", {
  set.seed(1)
  x <- matrix(rnorm(600), 200)
  y <- 1000 + 50 * x[, 1] - 20 * x[, 2]
  path <- file_of(x, y)
  fit <- nn_quiet(nn_model(layer_dense(1)), nn_file(path, chunk = 64), epochs = 60,
                  optimizer = opt_adam(0.05), validation = list(x, y))
  expect_equal(predict(fit, x), y, tolerance = 1e-2)
  expect_equal(fit$history$val_loss[60], mean((predict(fit, x) - y)^2), tolerance = 1e-2)
})

test_that("a training on a file goes on from a checkpoint", {
  path <- file_of(iris[1:4], iris$Species)
  save <- tempfile()
  source <- nn_file(path, chunk = 64)
  set.seed(1)
  whole <- nn_quiet(net, source, epochs = 4)
  set.seed(1)
  half <- nn_quiet(net, source, epochs = 2, checkpoint = save)
  expect_equal(nn_resume(save, epochs = 4, verbose = FALSE)$weights, whole$weights)
})

test_that("what a source cannot do is a classed error", {
  source <- nn_source(function(k) if (k == 1) list(iris[1:4], iris$Species), 150)
  expect_no <- function(pattern, ...) {
    expect_error(nn_quiet(net, source, ...), pattern, class = "anygpu_error_argument")
  }
  expect_no("opt_lbfgs\\(\\) needs all", optimizer = opt_lbfgs())
  expect_no("must be list\\(x, y\\) or another source", validation = 0.2)
  expect_no("`sleep`", sleep = 3)
})
