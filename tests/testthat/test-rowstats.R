# By apply(): the functions of matrixStats, of which some are not there and others differ in names.
log_sum_exp <- function(x, na.rm = FALSE) {
  if (na.rm) x <- x[!is.na(x)]
  if (length(x) == 0) return(-Inf)
  m <- max(x)
  if (is.infinite(m)) m else m + log(sum(exp(x - m)))
}
extreme <- function(f) function(x, na.rm = FALSE) suppressWarnings(f(x, na.rm = na.rm))
variance <- function(x, na.rm = FALSE) stats::var(as.double(x), na.rm = na.rm)
reference_of <- list(
  Vars = variance, Sds = function(x, na.rm = FALSE) sqrt(variance(x, na.rm)), Prods = prod,
  Maxs = extreme(max), Mins = extreme(min), LogSumExps = log_sum_exp, Cumsums = cumsum,
  Cumprods = cumprod, Cummaxs = cummax, Cummins = cummin, Anys = any, Alls = all,
  Counts = sum, AnyNAs = anyNA
)

statistics <- list(
  row = list(
    Vars = rowVars, Sds = rowSds, Prods = rowProds, Maxs = rowMaxs, Mins = rowMins,
    LogSumExps = rowLogSumExps, Cumsums = rowCumsums, Cumprods = rowCumprods,
    Cummaxs = rowCummaxs, Cummins = rowCummins, Anys = rowAnys, Alls = rowAlls,
    Counts = rowCounts, AnyNAs = rowAnyNAs
  ),
  col = list(
    Vars = colVars, Sds = colSds, Prods = colProds, Maxs = colMaxs, Mins = colMins,
    LogSumExps = colLogSumExps, Cumsums = colCumsums, Cumprods = colCumprods,
    Cummaxs = colCummaxs, Cummins = colCummins, Anys = colAnys, Alls = colAlls,
    Counts = colCounts, AnyNAs = colAnyNAs
  )
)

# The function of rows or columns, and apply() with the reference, as functions of a matrix.
expect_stat <- function(side, stat, x, ...) {
  f <- statistics[[side]][[stat]]
  naive <- function(x, ...) {
    one <- function(v) c(unname(reference_of[[stat]](v, ...)))
    result <- apply(x, if (side == "row") 1 else 2, one)
    if (!is.matrix(result)) return(result)
    if (side == "row") result <- t(result)
    dimnames(result) <- dimnames(x)
    result
  }
  expect_gpu(function(x) if (is_gpu(x)) f(x, ...) else naive(x, ...), x)
}

reals <- matrix(c(1.5, -2, 3, 4, 0.25, -1, 2, 8, -0.5, 1, 1, 7), 3,
                dimnames = list(letters[1:3], c("p", "q", "r", "s")))

test_that("statistics of rows and columns", {
  missing <- replace(reals, c(2, 7), c(NA, NaN))
  for (side in c("row", "col")) {
    for (stat in c("Vars", "Sds", "Prods", "Maxs", "Mins", "LogSumExps")) {
      expect_stat(side, stat, reals)
      expect_stat(side, stat, missing)
      expect_stat(side, stat, missing, na.rm = TRUE)
      expect_stat(side, stat, matrix(c(3L, NA, 7L, 1L, 2L, 5L), 2))
      expect_stat(side, stat, matrix(c(3L, NA, 7L, 1L, 2L, 5L), 2), na.rm = TRUE)
      expect_stat(side, stat, random_matrix(c(67, 31)))
      expect_stat(side, stat, matrix(c(Inf, 1, -Inf, -Inf, 2, NA), 2))
      expect_stat(side, stat, matrix(c(NA, 1, NA, 2), 2), na.rm = TRUE)
    }
    for (stat in c("Cumsums", "Cumprods", "Cummaxs", "Cummins")) {
      expect_stat(side, stat, reals)
      expect_stat(side, stat, missing)
      expect_stat(side, stat, matrix(c(3L, NA, 7L, 1L, 2L, 5L), 2))
      expect_stat(side, stat, matrix(runif(3000, 0.9, 1.1), 300))
    }
    expect_stat(side, "AnyNAs", missing)
  }
})

test_that("truth of rows and columns", {
  truth <- matrix(c(TRUE, NA, FALSE, FALSE, TRUE, TRUE, FALSE, NA), 2)
  for (side in c("row", "col")) {
    for (stat in c("Anys", "Alls", "Counts")) {
      expect_stat(side, stat, truth)
      expect_stat(side, stat, truth, na.rm = TRUE)
      expect_stat(side, stat, truth[c(1, 1, 2, 2, 1), ])
    }
  }
  x <- gpu(matrix(c(1, 5, NA, 5), 2))
  expect_identical(anygpu:::plain(rowCounts(x, value = 5)), c(NA, 2L))
  expect_identical(anygpu:::plain(rowCounts(x, value = 5, na.rm = TRUE)), c(0L, 2L))
  expect_identical(anygpu:::plain(colCounts(x, value = NA)), c(0L, 1L))
  expect_identical(anygpu:::plain(rowAnys(x, value = 1)), c(TRUE, FALSE))
  expect_identical(anygpu:::plain(rowAlls(x, value = 5)), c(FALSE, TRUE))
  expect_identical(anygpu:::plain(colAlls(x)), c(TRUE, NA))
  expect_error(rowAnys(x, value = 1:2), class = "anygpu_error_argument")
})

test_that("extremes without elements, ranges, places", {
  expect_gpu(function(x) if (is_gpu(x)) rowMaxs(x) else rep(-Inf, 3), matrix(0, 3, 0))
  expect_gpu(function(x) if (is_gpu(x)) colMins(x) else rep(Inf, 3), matrix(0, 0, 3))
  expect_gpu(function(x) if (is_gpu(x)) rowMaxs(x, na.rm = TRUE) else c(-Inf, 2),
             matrix(c(NA, 1L, NA, 2L), 2))
  expect_gpu(function(x) if (is_gpu(x)) rowRanges(x) else t(apply(x, 1, range)), reals)
  unnamed <- function(x) {
    if (is_gpu(x)) colRanges(x, useNames = FALSE) else unname(t(apply(x, 2, range)))
  }
  expect_gpu(unnamed, reals)
  place <- function(x) if (is_gpu(x)) colWhichMaxs(x) else unname(max.col(t(x), "first"))
  expect_gpu(place, reals)
  expect_gpu(place, matrix(c(1L, 7L, 7L, NA, 2L, 3L), 3))
})

test_that("a part of the matrix, names, ordinary matrices", {
  want <- apply(reals[2:3, c(1, 3)], 1, max)
  expect_equal(anygpu:::plain(rowMaxs(gpu(reals), rows = 2:3, cols = c(1, 3))), want)
  expect_identical(names(rowMaxs(gpu(reals), useNames = FALSE)), NULL)
  expect_equal(anygpu:::plain(rowMaxs(reals)), apply(reals, 1, max), tolerance = 1e-6)
  expect_equal(anygpu:::plain(colVars(reals)), apply(reals, 2, stats::var), tolerance = 1e-6)
  expect_warning(rowCumsums(gpu(matrix(c(.Machine$integer.max, 1L), 1))), "overflow")
  expect_error(rowVars(gpu(c(1, 2))), "rowVars", class = "anygpu_error_shape")
  expect_error(colWhichMaxs(gpu_zeros(0, 3)), "colWhichMaxs", class = "anygpu_error_shape")
})

test_that("variances keep their digits far from zero", {
  skip_if_not("float64" %in% test_types())
  x <- matrix(1e8 + c(1, 2, 4, 7, 9, 13), 2)
  have <- anygpu:::plain(rowVars(gpu(x, "float64")))
  expect_equal(have, apply(x, 1, stats::var), tolerance = 1e-12)
})
