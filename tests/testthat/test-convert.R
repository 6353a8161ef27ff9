# R CMD check looks up packages that are named with `::` and not asked for.
from_matrix <- function(name) getExportedValue("Matrix", name)

test_that("data frames, tables and Matrix classes become arrays", {
  frame <- data.frame(a = c(1.5, NA), b = 3:4, c = c(TRUE, NA), row.names = c("p", "q"))
  expect_identical(as.matrix(gpu(frame)), as.matrix(frame))
  expect_identical(as.matrix(gpu(frame[2:3])), as.matrix(frame[2:3]))
  expect_identical(gpu_type(gpu(frame[3])), "logical")
  expect_identical(dim(gpu(frame[0, ])), c(0L, 3L))
  counts <- table(g = c("a", "b", "a"), h = c("x", "x", "y"))
  expect_identical(as.matrix(gpu(counts)), unclass(counts))
  expect_identical(gpu_type(gpu(counts)), "int32")
  skip_if_not_installed("Matrix")
  dense <- from_matrix("Matrix")(c(1.5, 2, 3, 4), 2, dimnames = list(NULL, c("a", "b")))
  expect_equal(as.matrix(gpu(dense)), as.matrix(dense))
  products <- from_matrix("crossprod")(dense)
  expect_equal(as.matrix(gpu(products)), as.matrix(products))
  sparse <- from_matrix("sparseMatrix")(1:3, 3:1, x = c(1, 2, 3))
  expect_equal(as.matrix(gpu(sparse)), as.matrix(sparse))
  expect_equal(as.matrix(gpu(sparse > 1)), as.matrix(sparse > 1))
  expect_equal(as.matrix(gpu(from_matrix("Diagonal")(3))), diag(3))
})

test_that("64-bit integers become real numbers", {
  skip_if_not_installed("bit64")
  x <- getExportedValue("bit64", "as.integer64")(c(a = 2^40, b = NA, c = -1))
  expect_equal(as.vector(gpu(x, "float64")), c(2^40, NA, -1))
  expect_equal(as.matrix(gpu(data.frame(n = x)))[, "n"], c(2^40, NA, -1), ignore_attr = TRUE)
})

test_that("float::float32 keeps its type", {
  skip_if_not_installed("float")
  fl <- getExportedValue("float", "fl")
  dbl <- getExportedValue("float", "dbl")
  x <- gpu(fl(matrix(c(0.1, 2, NA, 4), 2)))
  expect_identical(gpu_type(x), "float32")
  expect_identical(as.matrix(x), dbl(fl(matrix(c(0.1, 2, NA, 4), 2))))
})

test_that("what is refused says what to do instead", {
  refused <- function(x, text) expect_error(gpu(x), text, class = "anygpu_error_type")
  refused(factor("a"), "model.matrix")
  refused(Sys.Date(), "\"Date\": as.numeric")
  refused(Sys.time(), "\"POSIXct\": as.numeric")
  refused(as.POSIXlt(Sys.time()), "\"POSIXlt\"")
  refused(Sys.time() - Sys.time(), "\"difftime\": as.numeric")
  refused(1i, "complex: Re\\(\\) and Im\\(\\)")
  refused(matrix(1i, 2, 2), "complex")
  refused("a", "type \"character\": numbers or logical")
  refused(NULL, "\"NULL\"")
  refused(list(1), "\"list\"")
  refused(as.raw(1), "\"raw\"")
  refused(mean, "\"closure\"")
  refused(data.frame(a = 1, b = factor("x")), "column \"b\" is a factor")
  refused(data.frame(a = 1, d = Sys.Date()), "column \"d\" is of class \"Date\"")
  refused(data.frame(a = "x"), "column \"a\" is of type \"character\"")
})

test_that("arrays become what base R makes of their values", {
  m <- matrix(c(3, 1, 2, 5, 4, 6), 3, dimnames = list(NULL, c("a", "b")))
  v <- c(p = 3, q = 1, r = 2)
  for (f in list(as.list, as.vector, as.data.frame, summary, rev, range, stats::quantile, is.vector,
                 as.character, format, unique, table, typeof, storage.mode, mode, is.list)) {
    for (x in list(m, v, 1:3, c(TRUE, FALSE))) {
      expect_identical(plain_all(f(gpu(x, if (is.double(x)) "float32"))), plain_all(f(x)),
                       ignore_attr = "names")
    }
  }
  expect_identical(unlist(lapply(gpu(v), function(x) x + 1)), v + 1)
  expect_identical(as.data.frame(gpu(m, "float32")), as.data.frame(m))
  frame <- data.frame(n = 1:3)
  frame$x <- gpu(v)
  expect_identical(dim(frame), c(3L, 2L))
  expect_identical(data.frame(n = 1:3, x = gpu(v, "float32")), data.frame(n = 1:3, x = v))
})

test_that("all.equal(), identical() and is.vector() see the values", {
  x <- gpu(c(a = 1, b = 2))
  expect_true(all.equal(x, c(a = 1, b = 2)))
  expect_true(all.equal(c(a = 1, b = 2), x))
  expect_true(all.equal(x, x + 1e-12))
  expect_match(all.equal(x, x + 1), "Mean relative difference")
  expect_match(all.equal(c(a = 1, b = 2), x + 1), "Mean relative difference")
  expect_true(all.equal(1, 1 + 1e-12))
  expect_true(identical(x, x))
  expect_true(identical(as.vector(x), c(1, 2)))
  expect_true(is.vector(x))
  expect_true(is.vector(x, "numeric"))
  expect_false(is.vector(x, "list"))
  expect_false(is.vector(gpu(matrix(1:4, 2))))
  expect_false(is.vector(structure(x, foo = "bar")))
  expect_true(is.vector(1:3))
})

test_that("plots take arrays", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  m <- gpu(matrix(c(3, 1, 2, 5, 4, 6), 3))
  for (f in list(graphics::image, graphics::contour, graphics::persp, graphics::matplot,
                 graphics::pairs)) {
    expect_error(f(m), NA)
  }
  x <- gpu(c(3, 1, 2))
  for (f in list(plot, graphics::barplot, graphics::boxplot, graphics::pie, graphics::lines)) {
    expect_error(f(x), NA)
    if (identical(f, graphics::barplot) || identical(f, plot)) expect_error(f(m), NA)
  }
  expect_identical(graphics::hist(x)$counts, graphics::hist(c(3, 1, 2))$counts)
})
