test_that("bad input is a classed error that names the user's call", {
  x <- gpu(matrix(1:4 / 2, 2))
  v <- gpu(c(1, 2, 3))
  table <- list(
    shape = quote(x + gpu(matrix(1, 3, 3))), shape = quote(x + 1:8), shape = quote(x %*% v),
    shape = quote(x + matrix(1, 1, 3)), type = quote(x + "a"), type = quote(gpu(quote(a))),
    type = quote(x %*% "a"), argument = quote(x[3, 1]), argument = quote(x["a", ]),
    argument = quote(x[1, 1, 1]), device = quote(gpu(1, device = "none")),
    shape = quote(dim(x) <- c(3, 3)),
    type = quote(x + list(1)), shape = quote(rowMaxs(v)), argument = quote(rowSums(v))
  )
  for (i in seq_along(table)) {
    e <- tryCatch(eval(table[[i]]), error = identity)
    label <- deparse(table[[i]])
    expect_s3_class(e, "error")
    expect_true(inherits(e, paste0("anygpu_error_", names(table)[i])), info = label)
    expect_true(inherits(e, "anygpu_error"), info = label)
    expect_true(is.call(conditionCall(e)), info = label)
  }
})

test_that("both shapes are in the message, and the call is the user's", {
  f <- function(a, b) a + b
  e <- tryCatch(f(gpu(matrix(0, 3, 4)), gpu(matrix(0, 5, 2))), error = identity)
  expect_match(conditionMessage(e), "3 x 4.*5 x 2")
  expect_identical(conditionCall(e), quote(a + b))
})

test_that("R's warning about recycling", {
  expect_warning(gpu(c(1, 2, 3)) + c(1, 2), "longer object length")
})

test_that("other classes are left to R", {
  x <- gpu(c(1, 2))
  expect_s3_class(x + as.Date("2024-01-01"), "Date")
  expect_identical(as.vector(x) + 1i, x + 1i)
  expect_identical(as.vector(x == "1"), c(TRUE, FALSE))
})
