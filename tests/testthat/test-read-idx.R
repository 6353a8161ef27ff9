# An IDX file of the given type and extents around the bytes of its values.
idx_file <- function(type, dim, values, env = parent.frame(), open = file) {
  path <- tempfile(fileext = ".idx")
  do.call(on.exit, list(substitute(unlink(p), list(p = path)), add = TRUE), envir = env)
  con <- open(path, "wb")
  writeBin(as.raw(c(0, 0, type, length(dim))), con)
  writeBin(as.integer(dim), con, endian = "big")
  if (is.raw(values)) writeBin(values, con) else writeBin(values, con, endian = "big")
  close(con)
  path
}

expect_idx_error <- function(file, regexp) {
  e <- expect_error(read_idx(file), regexp, class = "anygpu_error_argument")
  expect_s3_class(e, "anygpu_error")
}

test_that("the first dimension counts the items, the last varies fastest in the file", {
  x <- read_idx(idx_file(0x08, c(2, 3, 4), as.raw(1:24)))
  expect_type(x, "integer")
  expect_identical(dim(x), c(2L, 3L, 4L))
  expect_identical(x[1, , ], matrix(1:12, 3, byrow = TRUE))
  expect_identical(x[2, , ], matrix(13:24, 3, byrow = TRUE))
})

test_that("one dimension gives a plain vector", {
  expect_identical(read_idx(idx_file(0x08, 3, as.raw(c(0, 128, 255)))), c(0L, 128L, 255L))
})

test_that("gzipped files are read alike", {
  expect_identical(read_idx(idx_file(0x08, c(2, 2), as.raw(1:4), open = gzfile)),
                   matrix(1:4, 2, byrow = TRUE))
})

test_that("all six types are read", {
  expect_identical(read_idx(idx_file(0x09, 2, as.raw(c(255, 127)))), c(-1L, 127L))
  expect_identical(read_idx(idx_file(0x0b, 2, as.raw(c(255, 254, 1, 0)))), c(-2L, 256L))
  expect_identical(read_idx(idx_file(0x0c, 2, c(-70000L, 70000L))), c(-70000L, 70000L))
  expect_identical(read_idx(idx_file(0x0d, 1, as.raw(c(0x3f, 0xc0, 0, 0)))), 1.5)
  expect_identical(read_idx(idx_file(0x0e, 2, c(pi, -1e300))), c(pi, -1e300))
})

test_that("extents of zero give an empty array", {
  expect_identical(read_idx(idx_file(0x08, c(0, 28), raw())), matrix(0L, 0, 28))
  expect_identical(read_idx(idx_file(0x0e, 0, raw())), numeric())
})

test_that("anything else is a clear error", {
  expect_idx_error(NULL, "must be the path of one file, not NULL")
  expect_idx_error(c("a", "b"), "class character and length 2")
  expect_idx_error(NA_character_, "path of one file")
  expect_idx_error(file.path(tempdir(), "absent"), "there is no file")
  expect_idx_error(tempdir(), "is a folder")

  text <- tempfile()
  on.exit(unlink(text))
  writeLines("5.1,3.5,1.4,0.2,setosa", text)
  expect_idx_error(text, "not an IDX file: it begins with 0x35 0x2e 0x31 0x2c")
  file.create(text)
  expect_idx_error(text, "not an IDX file: it begins with nothing")

  expect_idx_error(idx_file(0x0a, 1, as.raw(1)), "type 0x0a is none of")
  expect_idx_error(idx_file(0x08, integer(), raw()), "it has no dimensions")
  expect_idx_error(idx_file(0x08, c(2, 3), as.raw(1:5)),
                   "truncated: 2 x 3 is 6 values, the file has 5")
  expect_idx_error(idx_file(0x08, c(2, 3), as.raw(1:7)), "goes on after its 6 values \\(2 x 3\\)")
  expect_idx_error(idx_file(0x08, c(1, -1), as.raw(1)), "over 2147483647")
  expect_idx_error(idx_file(0x0c, rep(2e9, 8), raw()), "truncated")
})

test_that("a header that is cut off and a damaged gzip stream are errors", {
  path <- tempfile()
  on.exit(unlink(path))
  writeBin(as.raw(c(0, 0, 8, 3, 0, 0, 0, 2, 0)), path)
  expect_idx_error(path, "ends within the dimensions")

  set.seed(1)
  values <- as.raw(sample(0:255, 1e4, TRUE))
  whole <- idx_file(0x08, 1e4, values, open = gzfile)
  bytes <- readBin(whole, "raw", file.size(whole))
  writeBin(bytes[seq_len(length(bytes) %/% 2)], path)
  expect_idx_error(path, "truncated|cannot be read")
})
