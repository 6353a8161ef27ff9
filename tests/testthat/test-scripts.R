# Everyday scripts of base R print the same with plain arrays and with arrays of the device.
#
# A script calls as_array() where its data are made and prints as it likes. The header line of a
# printed array ("<gpuMatrix 3 x 3 float64, host>") is the one difference that is promised, so it is
# dropped. Real numbers are rounded by the scripts: in float64 the text is identical, in float32 the
# numbers in it agree to 1 in 1,000 and the rest is identical.

script_output <- function(file, as_array) {
  env <- list2env(list(as_array = as_array), parent = globalenv())
  set.seed(1)
  out <- utils::capture.output(source(file, local = env, echo = FALSE))
  out[!grepl("^<gpu(Vector|Matrix|Array) .*>$", out)]
}

number <- "-?[0-9]+([.][0-9]*)?(e[-+]?[0-9]+)?"
numbers_in <- function(text) as.numeric(unlist(regmatches(text, gregexpr(number, text))))
words_in <- function(text) gsub("[ *]+", " ", trimws(gsub(number, "*", text)))

for (file in list.files(test_path("scripts"), "[.]R$", full.names = TRUE)) {
  test_that(paste(basename(file), "prints the same with arrays of the device"), {
    expect_silent(want <- script_output(file, identity))
    expect_gt(length(want), 2)
    for (type in test_types()) {
      expect_no_warning(
        got <- script_output(file, function(x) gpu(x, if (is.double(x)) type))
      )
      if (type == "float64") {
        expect_identical(got, want, info = type)
      } else {
        expect_identical(words_in(got), words_in(want), info = type)
        expect_equal(numbers_in(got), numbers_in(want), tolerance = 1e-3, info = type)
      }
    }
  })
}
