# The handle: an R vector that C code of anyone may read and write.

values <- function(n = 100) round(sin(seq_len(n)) * 10, 3)

test_that("elements, regions and the data pointer give the values", {
  p <- values(10000)
  for (type in test_types()) {
    x <- gpu(p, type)
    expect_equal(x[[7]], p[7], tolerance = 1e-6)
    expect_equal(as.numeric(x), p, tolerance = 1e-6)
    expect_equal(rev(as.vector(x)), rev(p), tolerance = 1e-6)
    expect_equal(as.vector(sort(x)), sort(p), tolerance = 1e-6)
    expect_equal(which.max(x), which.max(p))
  }
})

test_that("writing makes the host copy the truth, and the copy alone", {
  p <- values()
  x <- gpu(p, "float32")
  y <- x
  y[3] <- 99
  expect_equal(as.vector(x), p, tolerance = 1e-6)
  expect_equal(as.vector(y), replace(p, 3, 99), tolerance = 1e-6)
  expect_equal(as.vector(y + 1), replace(p, 3, 99) + 1, tolerance = 1e-6)
  expect_identical(gpu_type(y), "float32")
  y[4] <- 98
  expect_equal(as.vector(y * 2), replace(replace(p, 3, 99), 4, 98) * 2, tolerance = 1e-6)
  y[] <- 0
  expect_equal(as.vector(y + x), p, tolerance = 1e-6)
})

test_that("assignment of a wider type still gives an array that works", {
  x <- gpu(c(TRUE, FALSE, TRUE))
  x[2] <- 2.5
  expect_equal(as.vector(x * 2), c(2, 5, 2))
  expect_equal(as.vector(-x), c(-1, -2.5, -1))
  expect_equal(sum(x), 4.5)
  expect_output(print(x), "gpuVector")
  y <- gpu(c(1, 2))
  y[1] <- "a"
  expect_identical(y, c("a", "2"))
})

test_that("attributes set on shared vectors of any length are seen", {
  for (n in c(12, 144)) {
    p <- values(n)
    x <- gpu(p)
    y <- x
    dim(y) <- c(n / 4, 4)
    expect_s4_class(y, "gpuMatrix")
    expect_equal(as.matrix(y %*% diag(4)), matrix(p, ncol = 4), tolerance = 1e-5)
    z <- y
    dimnames(z) <- list(NULL, letters[1:4])
    expect_equal(colSums(z)[["b"]], sum(p[n / 4 + seq_len(n / 4)]), tolerance = 1e-5)
    expect_null(dimnames(y))
    w <- x
    names(w) <- paste0("n", seq_len(n))
    expect_equal(as.vector((w + 1)["n2"]), p[2] + 1, tolerance = 1e-6)
    expect_null(names(x))
    u <- y
    attr(u, "dim") <- rev(dim(y))
    expect_equal(as.matrix(u + 0), matrix(p, 4), tolerance = 1e-5)
    expect_equal(as.matrix(y + 0), matrix(p, ncol = 4), tolerance = 1e-5)
    s <- structure(x, dim = c(4, n / 4))
    expect_equal(as.matrix(s * 2), matrix(p * 2, 4), tolerance = 1e-5)
  }
})

test_that("base R's summaries of an unclassed array agree", {
  p <- values(1000)
  x <- as.numeric(gpu(p))
  expect_equal(sum(x), sum(p), tolerance = 1e-4)
  expect_equal(min(x), min(p), tolerance = 1e-6)
  expect_equal(max(x), max(p), tolerance = 1e-6)
  expect_equal(range(x), range(p), tolerance = 1e-6)
  q <- as.numeric(gpu(c(1, NA, 3)))
  expect_identical(sum(q), NA_real_)
  expect_equal(sum(q, na.rm = TRUE), 4)
})

test_that("lazy numbers behave as numbers", {
  s <- sum(gpu(c(1, 2)))
  expect_identical(class(s), "numeric")
  expect_equal(seq_len(s), 1:3)
  expect_equal(rep(1, s), c(1, 1, 1))
  expect_true(if (s > 2) TRUE else FALSE)
  expect_equal(switch(s, "a", "b", "c"), "c")
  expect_equal(s + 1, 4)
})

test_that("saveRDS and readRDS keep everything but the device", {
  file <- tempfile(fileext = ".rds")
  for (type in test_types()) {
    x <- gpu(matrix(values(200), 20, dimnames = list(NULL, paste0("c", 1:10))), type)
    y <- x %*% t(x)
    saveRDS(list(x, y, y > 1, gpu(1:3)), file)
    back <- readRDS(file)
    expect_true(identical(back[[1]], x))
    expect_true(identical(back[[2]], y))
    expect_true(identical(back[[3]], y > 1))
    expect_true(identical(back[[4]], gpu(1:3)))
    expect_identical(gpu_type(back[[1]]), type)
    expect_equal(as.matrix(back[[1]] + 1), as.matrix(x + 1))
  }
})

# One of each kind that is not a matrix of real numbers.
other_arrays <- function() {
  list(
    integers = array(c(1:23, NA), 2:4), logical = matrix(c(TRUE, NA, FALSE, TRUE, TRUE, FALSE), 2),
    named = c(a = 1L, b = NA, c = -3L), truth = c(x = TRUE, y = NA), empty = matrix(0L, 0, 3),
    none = logical(0), long = rep(c(5L, NA, -7L), 50), cube = array(1:8 / 4, c(2, 2, 2))
  )
}

expect_same_arrays <- function(got, want) {
  expect_identical(names(got), names(want))
  for (k in names(want)) {
    expect_true(is_gpu(got[[k]]), info = k)
    expect_identical(anygpu:::plain(got[[k]]), want[[k]], info = k)
  }
}

test_that("integer, logical and empty arrays and arrays of 3 dimensions are saved", {
  file <- tempfile(fileext = ".rds")
  x <- lapply(other_arrays(), gpu)
  saveRDS(x, file)
  back <- readRDS(file)
  expect_same_arrays(back, other_arrays())
  expect_identical(lapply(back, gpu_type), lapply(x, gpu_type))
  expect_identical(lapply(back, class), lapply(x, class))
  # what was read is an array like any other
  expect_identical(as.vector(back$logical & TRUE), c(other_arrays()$logical))
  expect_identical(anygpu:::plain(back$integers[2, , ]), other_arrays()$integers[2, , ])
  back$named["b"] <- 9L
  expect_identical(anygpu:::plain(back$named), c(a = 1L, b = 9L, c = -3L))
  expect_identical(anygpu:::plain(x$named), other_arrays()$named)
  # pending ones too
  saveRDS(x$integers > 2L, file)
  expect_identical(anygpu:::plain(readRDS(file)), other_arrays()$integers > 2L)
  expect_identical(anygpu:::plain(unserialize(serialize(!x$truth, NULL))), c(x = FALSE, y = NA))
})

test_that("a fresh session reads integer and logical arrays", {
  skip_on_cran()
  file <- tempfile(fileext = ".rds")
  saveRDS(lapply(other_arrays(), gpu), file)
  code <- sprintf(paste(
    "x <- readRDS(%s); cat(sapply(x, function(a) class(a)[1]), sum(x$integers, na.rm = TRUE),",
    "sum(x$logical, na.rm = TRUE), sum(is.na(x$long)), typeof(x$named), typeof(x$truth))"
  ), deparse(file))
  got <- strsplit(fresh_session(code, "ANYGPU_DEVICE=host"), " ")[[1]]
  want <- c("gpuArray", "gpuMatrix", "gpuVector", "gpuVector", "gpuMatrix", "gpuVector",
            "gpuVector", "gpuArray", "276", "3", "50", "integer", "logical")
  expect_identical(got, want)
})

test_that("a fresh session reads what this one saved", {
  skip_on_cran()
  file <- tempfile(fileext = ".rds")
  p <- matrix(values(100), 10)
  saveRDS(gpu(p) * 2, file)
  code <- sprintf("x <- readRDS(%s); cat(class(x), sum(as.matrix(x)), sum(x + 1))", deparse(file))
  out <- fresh_session(code, "ANYGPU_DEVICE=host")
  got <- strsplit(out, " ")[[1]]
  expect_identical(got[1], "gpuMatrix")
  expect_equal(as.numeric(got[2:3]), c(sum(p * 2), sum(p * 2 + 1)), tolerance = 1e-4)
})

test_that("arrays travel to workers", {
  skip_on_cran()
  cl <- parallel::makePSOCKcluster(1)
  on.exit(parallel::stopCluster(cl))
  parallel::clusterCall(cl, function(p) .libPaths(p), .libPaths())
  x <- gpu(matrix(values(100), 10))
  got <- parallel::clusterCall(cl, function(x) {
    options(anygpu.device = "host")
    x %*% t(x)
  }, x)[[1]]
  expect_s4_class(got, "gpuMatrix")
  expect_equal(as.matrix(got), as.matrix(x %*% t(x)), tolerance = 1e-4)
})

test_that("integer and logical arrays travel to workers and back", {
  skip_on_cran()
  cl <- parallel::makePSOCKcluster(1)
  on.exit(parallel::stopCluster(cl))
  parallel::clusterCall(cl, function(p) .libPaths(p), .libPaths())
  x <- lapply(other_arrays(), gpu)
  got <- parallel::clusterCall(cl, function(x) {
    options(anygpu.device = "host")
    list(same = x, sums = x$long + 1L, negated = !x$logical, large = x$integers > 10L)
  }, x)[[1]]
  expect_same_arrays(got$same, other_arrays())
  expect_same_arrays(got[-1], with(other_arrays(), list(
    sums = long + 1L, negated = !logical, large = integers > 10L
  )))
})

test_that("forked children compute with integer and logical arrays", {
  skip_on_cran()
  skip_on_os("windows")
  x <- with_gpu_device("host", lapply(other_arrays(), gpu))
  # one that is pending when the child starts
  pending <- x$long * 2L
  got <- parallel::mclapply(1:2, function(i) {
    list(sums = x$long + i, negated = !x$logical, large = x$integers > 10L, twice = pending)
  }, mc.cores = 2)
  for (i in 1:2) {
    expect_same_arrays(got[[i]], with(other_arrays(), list(
      sums = long + i, negated = !logical, large = integers > 10L, twice = long * 2L
    )))
  }
})

test_that("forked children compute on the host", {
  skip_on_cran()
  skip_on_os("windows")
  p <- matrix(values(100), 10)
  x <- gpu(p, device = "host")
  gpu_force(x %*% x)
  got <- parallel::mclapply(1:2, function(i) {
    y <- x * i
    as.matrix(y %*% with_gpu_device("host", gpu(p)))
  }, mc.cores = 2)
  expect_equal(got[[1]], p %*% p, tolerance = 1e-4)
  expect_equal(got[[2]], 2 * p %*% p, tolerance = 1e-4)
})

test_that("a forked child does not hang on its parent's OpenCL device", {
  skip_on_cran()
  skip_on_os("windows")
  skip_if_not(startsWith(gpu_device(), "opencl"))
  x <- gpu_force(gpu(values()) + 1)
  job <- parallel::mcparallel(
    tryCatch(sum(as.vector(x + 1)), anygpu_error_device = function(e) "refused")
  )
  got <- parallel::mccollect(job, wait = FALSE, timeout = 20)
  expect_identical(got[[1]], "refused")
})

test_that("inspecting does not read", {
  x <- gpu(values()) + 1
  before <- gpu_stats()$downloads
  out <- utils::capture.output(.Internal(inspect(x)))
  expect_match(out[1], "anygpu float")
  expect_identical(gpu_stats()$downloads, before)
})
