plot_fit <- function(model = nn_model(layer_dense(4, "relu"), layer_dense(3)), y = iris$Species,
                     ...) {
  nn_quiet(model, iris[1:4], y, epochs = 3, ...)
}

with_pdf <- function(code) {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par(c("mfrow", "mar"))
  force(code)
  expect_identical(graphics::par(c("mfrow", "mar")), before)
}

test_that("histories of all kinds are drawn", {
  with_pdf({
    fit <- plot_fit(validation = 0.2)
    expect_identical(expect_invisible(plot(fit)), fit)
    plot(fit, col = c("black", "red"), log = "y")
    plot(plot_fit(y = iris$Sepal.Width, model = nn_model(layer_dense(1))))
    fit$history <- fit$history[1, ]
    plot(fit)
    fit$history$loss <- NaN
    fit$history$val_loss <- NaN
    plot(fit)
    plot(nn(dist ~ speed, cars, hidden = 2, maxit = 5, verbose = FALSE))
  })
  expect_error(plot(fit, which = "weights"), "`which` must be one of",
               class = "anygpu_error_argument")
})

test_that("architectures are drawn, chains and others", {
  with_pdf({
    plot(plot_fit(), which = "architecture")
    x <- nn_input()
    h <- x |> layer_dense(4)
    plot(plot_fit(nn_model(layer_add(x, h) |> layer_dense(3))), which = "architecture")
  })
})

test_that("a box stands below all that it takes", {
  x <- nn_input()
  h <- x |> layer_dense(4)
  fit <- plot_fit(nn_model(layer_add(x, h) |> layer_dense(3)))
  net <- anygpu:::nn_fit_net(fit)
  boxes <- anygpu:::nn_boxes(net)
  arrows <- anygpu:::nn_arrows(net, boxes)
  expect_equal(boxes$y, c(0, 1, 2, 3))
  expect_equal(arrows$from, c(1, 1, 2, 3))
  expect_equal(arrows$lane, c(0, 1, 0, 0)) # the shortcut goes around
  expect_true(all(boxes$y[arrows$from] < boxes$y[arrows$to]))
})

test_that("arrows that skip the same row have lanes of their own", {
  expect_equal(anygpu:::nn_lanes(c(0, 0, 1, 4, 2), c(1, 3, 4, 6, 3)), c(0, 1, 2, 1, 0))
})

test_that("autoplot() makes a ggplot", {
  skip_if_not_installed("ggplot2")
  p <- ggplot2::autoplot(plot_fit(validation = 0.2))
  expect_s3_class(p, "ggplot")
  expect_equal(nrow(ggplot2::ggplot_build(p)$data[[1]]), 3 * 4)
})
