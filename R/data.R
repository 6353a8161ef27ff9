#' Handwritten digits
#'
#' Ten thousand images of handwritten digits, 28 x 28 pixels each, drawn at
#' random from the MNIST database: 8,000 of its 60,000 training images and
#' 2,000 of its 10,000 test images.
#'
#' To keep the package small the 256 grey levels of the original were rounded
#' to 32, so that the values are `k / 31` with `k` from 0 to 31. The full
#' database is read with [read_idx()].
#'
#' @format A list of four:
#' \describe{
#'   \item{`x`}{a numeric matrix of 8,000 x 784, one image per row, values from 0
#'     (background) to 1 (ink). The pixels of a row go from left to right and
#'     then from top to bottom: `matrix(x[i, ], 28, byrow = TRUE)` is image `i`.}
#'   \item{`y`}{a factor of length 8,000 with the levels `"0"` to `"9"`: the digit.}
#'   \item{`x_test`}{a numeric matrix of 2,000 x 784, as `x`.}
#'   \item{`y_test`}{a factor of length 2,000, as `y`.}
#' }
#' @source The MNIST database of handwritten digits by Yann LeCun, Corinna
#'   Cortes and Christopher J. C. Burges, a subset of data collected by the
#'   National Institute of Standards and Technology (NIST) of the United
#'   States. The original site states no licence; the authors are commonly
#'   reported to hold the copyright and to have made the database available
#'   under the terms of the Creative Commons Attribution-Share Alike 3.0
#'   licence, and this data set, a modified subset of it, is passed on under the
#'   same terms. It is not covered by the licence of the package's code.
#'
#'   The script that made it is `data-raw/digits.R` in the package's repository.
#' @references LeCun, Y., Bottou, L., Bengio, Y. and Haffner, P. (1998).
#'   Gradient-based learning applied to document recognition. *Proceedings of
#'   the IEEE*, 86(11), 2278-2324. \doi{10.1109/5.726791}
#' @examples
#' table(digits$y)
#' image(matrix(digits$x[1, ], 28)[, 28:1], col = gray(seq(1, 0, length.out = 32)),
#'       axes = FALSE, asp = 1, main = digits$y[1])
#' @name digits
#' @docType data
#' @usage digits
#' @keywords datasets
NULL
