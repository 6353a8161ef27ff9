test_that("host is always there", {
  devices <- gpu_devices()
  expect_identical(devices$id[1], "host")
  expect_true(devices$float64[1])
  expect_false(devices$gpu[1])
})

test_that("the device is chosen by argument, block and option", {
  old <- options(anygpu.device = NULL)
  on.exit(options(old))
  expect_identical(gpu_device(gpu(1, device = "host")), "host")
  expect_identical(with_gpu_device("host", gpu_device()), "host")
  gpu_device("host")
  expect_identical(getOption("anygpu.device"), "host")
  expect_identical(gpu_device(), "host")
})

test_that("with_gpu_device puts the device back after an error", {
  before <- getOption("anygpu.device")
  expect_error(with_gpu_device("host", stop("x")))
  expect_identical(getOption("anygpu.device"), before)
})

test_that("unknown devices are named with those there are", {
  expect_error(gpu(1, device = "nonsense"), "nonsense.*host", class = "anygpu_error_device")
  expect_error(gpu_device("opencl:99"), class = "anygpu_error_device")
  expect_error(gpu(1, device = 1), class = "anygpu_error_argument")
  expect_error(gpu(1, device = c("host", "host")), class = "anygpu_error_argument")
})

test_that("loading looks for no device", {
  skip_on_cran()
  code <- paste(
    "threads <- function() length(dir('/proc/self/task')); before <- threads();",
    "invisible(loadNamespace('anygpu'));",
    "cat(threads() - before, any(grepl('OpenCL', readLines('/proc/self/maps'))))"
  )
  skip_if_not(file.exists("/proc/self/maps"))
  expect_match(fresh_session(code), "^0 FALSE")
})

test_that("arrays of two devices do not mix, but move", {
  ids <- gpu_devices()$id
  skip_if(length(ids) < 2)
  x <- gpu(c(1, 2), "float32", device = ids[1])
  y <- gpu(x, device = ids[2])
  expect_identical(gpu_device(y), ids[2])
  expect_identical(gpu_type(y), "float32")
  expect_error(x + y, "different devices", class = "anygpu_error_device")
})
