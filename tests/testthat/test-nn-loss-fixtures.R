test_that("losses and their gradients are PyTorch's", {
  losses <- list(
    mse = loss_mse(), mae = loss_mae(), huber = loss_huber(), quantile = loss_quantile(0.3),
    cross_entropy = loss_cross_entropy(), cross_entropy_one_hot = loss_cross_entropy(),
    cross_entropy_soft = loss_cross_entropy(), cross_entropy_smoothing = loss_cross_entropy(0.1),
    binary_cross_entropy = loss_binary_cross_entropy(), poisson = loss_poisson(),
    gaussian = loss_gaussian(), hinge = loss_hinge(), cosine = loss_cosine(),
    triplet = loss_triplet(), contrastive = loss_contrastive(),
    negative_binomial = loss_negative_binomial(2.5)
  )
  expect_setequal(names(losses), names(fixture("losses")))
  for (name in names(losses)) expect_fixture_loss(losses[[name]], name)
})
