test_that("digits is what its page says", {
  expect_named(digits, c("x", "y", "x_test", "y_test"))
  expect_identical(dim(digits$x), c(8000L, 784L))
  expect_identical(dim(digits$x_test), c(2000L, 784L))
  expect_type(digits$x, "double")
  expect_identical(sort(unique(c(digits$x))), 0:31 / 31)
  expect_identical(levels(digits$y), as.character(0:9))
  expect_length(digits$y, 8000)
  expect_length(digits$y_test, 2000)
  expect_true(all(table(digits$y) > 600))
  expect_identical(levels(digits$y_test), levels(digits$y))
})

test_that("images and labels belong together", {
  # The nearest of the ten mean images is a fair classifier only if they do.
  centre <- rowsum(digits$x, digits$y) / c(table(digits$y))
  distance <- outer(rep(1, 2000), rowSums(centre^2)) - 2 * digits$x_test %*% t(centre)
  guess <- max.col(-distance) - 1
  expect_gt(mean(guess == as.character(digits$y_test)), 0.75)
})
