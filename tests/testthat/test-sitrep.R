test_that("the report covers every device, and each works", {
  out <- capture.output(r <- gpu_sitrep(), type = "message")
  expect_identical(r$id, gpu_devices()$id)
  expect_true(all(r$works))
  expect_identical(sum(r$used), 1L)
  expect_type(attr(r, "problem"), "character")
  expect_true(any(grepl("host", out)))
})
