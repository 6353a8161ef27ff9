# Losses that compare the samples of a batch: z holds a place for each, y its class.

#' @rdname losses
#' @order 13
#' @export
loss_triplet <- function(margin = 1) {
  margin <- nn_number(margin, "margin")
  # excess[p, i, q]; summed over p a row is left for each i
  parts <- function(y, z, s, w) {
    n <- ncol(z)
    d <- nn_distances(z)
    same <- nn_pairs(y, d)
    excess <- relu(nn_over_triples(d, 0L) - nn_over_triples(d, 1L) + margin) *
      nn_over_triples(same$friends, 0L) * nn_over_triples(same$others, 1L)
    active <- pmax(sum(excess > 0), 1)
    list(cost = t(colSums(excess)) * (n / active))
  }
  nn_loss("triplet", parts, kind = "class", outputs = function(target) NA_integer_,
          settings = list(margin = margin))
}

#' @rdname losses
#' @order 14
#' @export
loss_contrastive <- function(margin = 1) {
  margin <- nn_number(margin, "margin")
  parts <- function(y, z, s, w) {
    d <- nn_distances(z)
    same <- nn_pairs(y, d)
    short <- relu(margin - d)
    cost <- d * d * same$friends + short * short * same$others
    list(cost = cost * (0.5 / max(ncol(z) - 1, 1)))
  }
  nn_loss("contrastive", parts, kind = "class", outputs = function(target) NA_integer_,
          settings = list(margin = margin))
}

# Euclidean distances between the columns. At 0 the root has no derivative: there it is taken to
# be a small constant.
nn_distances <- function(z) {
  square <- colSums(z * z)
  gram <- crossprod(z)
  d2 <- stretch(square, gram, 1) + stretch(square, gram, 2) - 2 * gram
  sqrt(pmax(d2, 1e-12))
}

# Which pairs of samples are of one class (but not the same sample), and which of two, in the shape
# of the distances d.
nn_pairs <- function(y, d) {
  equal <- stretch(y, d, 1) == stretch(y, d, 2)
  list(friends = equal & row(d) != col(d), others = !equal)
}

# x[a, b] as an n x n x n array: [a, b, .] or [., a, b].
nn_over_triples <- function(x, first) {
  d <- rep(nrow(x), 3)
  nn_reshape(.Call(C_spread, x, d, first), d)
}
