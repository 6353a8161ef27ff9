# Integers, logical values, and what becomes of them beside other types.

top <- .Machine$integer.max
care <- c(-top, -7L, -1L, 0L, 1L, 2L, 8L, top, NA)
pairs <- expand.grid(a = care, b = care)

test_that("arithmetic of integers is exact, with NA and R's warnings", {
  for (op in c("+", "-", "*", "%%", "%/%", "/", "^")) {
    expect_gpu(get(op), pairs$a, pairs$b, types = test_types()[1])
  }
  for (op in c("==", "!=", "<", ">", "<=", ">=", "&", "|", "xor")) {
    expect_gpu(get(op), pairs$a, pairs$b, types = test_types()[1])
  }
  for (f in list(`+`, `-`, `!`, abs, sign, is.na, is.nan, is.finite, is.infinite, anyNA)) {
    expect_gpu(f, care, types = test_types()[1])
    expect_gpu(f, c(a = TRUE, b = FALSE, c = NA), types = test_types()[1])
  }
})

test_that("integers do not pass through float32", {
  big <- 16777217L + 0:3
  expect_identical(as.vector(gpu(big) + 1L), big + 1L)
  expect_identical(as.vector(gpu(big) == big[1]), big == big[1])
  expect_identical(as.vector(gpu(big) == 16777218), big == 16777218)
  expect_identical(as.vector(gpu(big) * -1L), -big)
  expect_identical(as.vector(pmax(gpu(big), big[2])), pmax(big, big[2]))
  expect_identical(as.vector(ifelse(gpu(big) > big[2], big, 0L)), ifelse(big > big[2], big, 0L))
})

test_that("the overflow warning comes from the user's call, and only for new NAs", {
  x <- gpu(c(top, NA, 1L))
  w <- tryCatch(x + 1L, warning = identity)
  expect_identical(conditionMessage(w), "NAs produced by integer overflow")
  expect_identical(conditionCall(w), quote(x + 1L))
  expect_silent(gpu(c(1L, NA)) + c(NA, 2L))
  expect_silent(gpu(c(TRUE, NA)) + TRUE)
  expect_silent(gpu(c(5L, 0L)) %/% 0L)
})

test_that("operands of different types promote as in R", {
  values <- list(
    l = c(TRUE, FALSE, NA, TRUE), i = c(5L, NA, -3L, 0L), d = c(1.5, NA, -2, 0), one = 2L,
    yes = TRUE, half = 0.5, m = matrix(c(1L, NA, 3L, 4L), 2)
  )
  for (op in thinned(c("+", "-", "*", "/", "%%", "%/%", "==", "<", "&", "^"), 2)) {
    for (a in names(values)) {
      for (b in names(values)) {
        if (length(values[[a]]) > 1 || length(values[[b]]) > 1) {
          expect_gpu(get(op), values[[a]], values[[b]])
          expect_gpu(function(x) get(op)(x, values[[b]]), values[[a]])
        }
      }
    }
  }
})

test_that("arrays of one element and without elements are R's, whatever that is", {
  one <- list(array(2L, 1), matrix(2, 1, 1), integer(0), matrix(0L, 0, 3), numeric(0), logical(0))
  for (x in one) {
    for (op in thinned(c("+", "<", "&", "%/%"), 2)) {
      expect_gpu(get(op), x, 1:3)
      expect_gpu(get(op), c(1, 2, 3), x)
      expect_gpu(get(op), x, x)
      expect_gpu(function(x) get(op)(x, 2L), x)
    }
    expect_gpu(function(x) pmin(x, 1L), x)
    expect_gpu(function(x) pmax(1:3, x, na.rm = TRUE), x)
    expect_gpu(function(x) ifelse(x > 1, x, 0L), x)
    expect_gpu(function(x) atan2(x, 1), x)
    expect_gpu(function(x) round(x, 1), x)
    expect_gpu(function(x) -x, x)
    expect_gpu(abs, x)
  }
})

test_that("powers are right beside zeros, infinite and missing ones", {
  x <- c(8, 0, -2, Inf, 3, NA, -Inf, 2, NaN, 7, -1, 0.5)
  y <- c(1, 2, 3, -1, NA, 0, Inf, -Inf, -3, 0.5)
  p <- expand.grid(x = x, y = y)
  expect_gpu(function(x, y) suppressWarnings(x^y), p$x, p$y)
})

test_that("functions of Math on integers and logical values", {
  functions <- c(
    "abs", "sign", "sqrt", "floor", "ceiling", "trunc", "round", "signif", "exp", "log", "expm1",
    "log1p", "cos", "sin", "tan", "cospi", "sinpi", "tanpi", "acos", "asin", "atan", "cosh", "sinh",
    "tanh", "acosh", "asinh", "atanh", "lgamma", "gamma", "digamma", "trigamma", "log2", "log10"
  )
  for (f in thinned(functions, 4)) {
    expect_gpu(function(x) suppressWarnings(get(f)(x)), c(a = 1L, b = 3L, c = NA))
    expect_gpu(function(x) suppressWarnings(get(f)(x)), c(TRUE, FALSE, NA))
    expect_gpu(function(x) suppressWarnings(get(f)(x)), c(0.5, NA, 3, NaN))
    expect_gpu(function(x) suppressWarnings(get(f)(x)), integer(0))
  }
})

test_that("log to any base, atan2, round and signif to digits", {
  x <- c(a = 0.5, b = 2, c = NA, d = 1000)
  expect_gpu(function(x) log(x, 3), x)
  expect_gpu(function(x) log(base = 3, x), x)
  expect_gpu(function(x, y) log(x, y), x, c(2, 10, 3, 7))
  expect_gpu(function(x) log(x, c(2, 3)), matrix(1:4, 2))
  expect_gpu(function(x) log(x, numeric(0)), x)
  expect_gpu(function(x, y) atan2(x, y), x, 1:2)
  expect_gpu(function(x, y) atan2(x, y), 1:2, matrix(1:4 / 2, 2))
  expect_gpu(function(x, y) atan2(x, y), matrix(1:4 / 2, 1), matrix(1:4 / 2, 2))
  expect_gpu(function(x, y) atan2(x, y), structure(c(1, 2), foo = "a"), c(b = 1, c = 2))
  for (d in list(2, -1, 0, 15, NA)) {
    expect_gpu(function(x) round(x, d), c(x, 2.5, -1.005, 0.15), tolerance = 1e-6)
    expect_gpu(function(x) round(x, d), 123:125)
  }
  expect_gpu(function(x) signif(x, 2), c(x, 12345.6))
  skip_if_not("float64" %in% test_types())
  z <- c(sample(1e6, 2000) / 1000 + 0.0005, runif(2000, -1e5, 1e5))
  z <- c(z, 0.15, 2.675, -0.5, 1e15, -0, Inf)
  for (d in thinned(-3:9, 4)) {
    expect_identical(as.vector(round(gpu(z, "float64"), d)), round(z, d), info = d)
  }
})

test_that("tests of each element keep names and dim", {
  x <- c(a = NA, b = NaN, c = Inf, d = -Inf, e = 0)
  for (f in list(is.na, is.nan, is.finite, is.infinite, anyNA)) {
    expect_gpu(f, x)
    expect_gpu(f, structure(x, foo = "bar"))
    expect_gpu(f, matrix(c(1, NA, NaN, Inf), 2, dimnames = list(NULL, c("p", "q"))))
    expect_gpu(f, array(1:8, c(2, 2, 2)))
    expect_gpu(f, numeric(0))
    expect_gpu(f, matrix(0, 0, 3))
    expect_gpu(f, c(seq_len(100002), NA))
  }
})

test_that("complex numbers and strings make R's results", {
  x <- gpu(c(1, 2))
  expect_identical(x + 1i, c(1, 2) + 1i)
  expect_identical(Re(x) + 0, x + 0)
  for (f in c("Re", "Mod", "Conj", "Im", "Arg", "is.numeric")) {
    expect_equal(anygpu:::plain(get(f)(x)), get(f)(c(1, 2)), info = f)
    expect_equal(anygpu:::plain(get(f)(gpu(1:2))), get(f)(1:2), info = f)
  }
  expect_identical(is.numeric(gpu(TRUE)), FALSE)
  expect_error(x + "a", class = "anygpu_error_type")
  expect_true(isTRUE(gpu(1:3)[2] == 2L))
})

test_that("storage.mode<- and mode<- convert between types as R does", {
  x <- c(a = 1.9, b = -1.9, c = NA, d = NaN, e = 0, f = 2147483647.5, g = -2147483648, h = 3e9)
  to <- function(type) {
    function(x) {
      storage.mode(x) <- type
      x
    }
  }
  mode_to <- function(type) {
    function(x) {
      mode(x) <- type
      x
    }
  }
  for (type in c("integer", "logical", "double")) {
    for (f in list(to(type), mode_to(type))) {
      if ("float64" %in% test_types()) expect_gpu(f, x, types = "float64")
      expect_gpu(f, matrix(c(1.5, 0, NA, -7), 2, dimnames = list(NULL, c("p", "q"))))
      expect_gpu(f, c(a = 3L, b = 0L, c = NA))
      expect_gpu(f, c(TRUE, FALSE, NA))
      expect_gpu(f, numeric(0))
    }
    expect_gpu(get(paste0("as.", type)), c(a = 1.5, b = NA))
    expect_gpu(get(paste0("as.", type)), c(a = 2L, b = NA))
  }
  expect_gpu(to("character"), c(a = 1.5, b = NA))
  expect_gpu(to("nonsense"), c(a = 1.5, b = NA))
  y <- gpu(c(1.5, -1.5), "float32")
  storage.mode(y) <- "double"
  expect_identical(gpu_type(y), "float32")
  expect_identical(as.vector(gpu(y, "int32")), c(1L, -1L))
  expect_warning(gpu(c(1, 3e9), "int32"), "coercion to integer range")
  expect_warning(gpu(gpu(c(1, 3e9)), "int32"), "coercion to integer range")
  expect_silent(gpu(gpu(c(1, NaN)), "int32"))
})

test_that("integer operations can be traced", {
  f <- gpu_jit(function(x, y) (x + 1L) * y)
  expect_identical(as.vector(f(gpu(1:3), gpu(4:6))), (1:3 + 1L) * 4:6)
})

# ifelse(), of the common type of both values: base R's is of that which is used.
pick <- function(test, yes, no) {
  order <- c("logical", "integer", "double")
  y <- ifelse(test, yes, no)
  storage.mode(y) <- order[max(match(c(typeof(yes), typeof(no)), order))]
  y
}

# Of whole numbers and halves: in float32 what is less than 2^24 of them is exact, so expressions
# are less deep there, and divisions and large integers are kept for float64.
random_expressions <- function(type, cases, depth) {
  exact <- type == "float64"
  leaf <- c("x", "y", "v", "i", "j", "l", "2L", "0.5", "TRUE", "NA")
  binary <- c("+", "-", "*", "==", "<", "&", "|", "%%", "%/%", "pmin", "pmax", if (exact) "/")
  unary <- c("-", "!", "abs", "is.na", "sign", "is.finite")
  grow <- function(depth) {
    if (depth == 0) return(str2lang(sample(leaf, 1)))
    how <- runif(1)
    if (how < 0.25) as.call(list(as.name(sample(unary, 1)), grow(depth - 1)))
    else if (how < 0.35) call("pick", grow(depth - 1), grow(depth - 1), grow(depth - 1))
    else as.call(list(as.name(sample(binary, 1)), grow(depth - 1), grow(depth - sample(depth, 1))))
  }
  with_seed_shown(for (k in seq_len(cases)) {
    shape <- test_shapes[[sample(length(test_shapes), 1)]]
    n <- prod(shape)
    integers <- function(n) sample(c(-9:9, NA, if (exact) top), n, TRUE)
    args <- list(
      x = matrix(sample(c(-6:6 / 2, NA), n, TRUE), shape[1]),
      y = matrix(sample(-6:6 / 2, n, TRUE), shape[1]),
      i = matrix(integers(n), shape[1]), l = matrix(sample(c(TRUE, FALSE, NA), n, TRUE), shape[1]),
      j = integers(shape[1]), v = sample(-4:4, shape[1], TRUE) / 2
    )
    args <- lapply(args, function(a) if (is.matrix(a) && ncol(a) != shape[2]) a[, 0] else a)
    e <- grow(sample(depth, 1))
    f <- as.function(c(formals(function(x, y, i, l, j, v) NULL), e))
    withCallingHandlers(
      do.call(expect_gpu, c(f, args, tolerance = 1e-3, types = type)),
      expectation_failure = function(c) message(deparse1(e), " of shape ", deparse1(shape))
    )
  })
}

test_that("random expressions of all types agree with base R", {
  for (type in test_types()) {
    cases <- if (gpu_device() == "host") 150 else 6
    random_expressions(type, cases, if (type == "float64") 6 else 3)
  }
})
