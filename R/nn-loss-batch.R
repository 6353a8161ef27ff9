# Losses that compare the samples of a batch: z holds a place for each, y its class.

#' @rdname losses
#' @export
loss_triplet <- function(margin = 1) {
  margin <- nn_number(margin, "margin")
  # the sum over p of the samples' triplets, for each i and q; a triplet is (p, i, q)
  parts <- function(y, z, s, w) {
    n <- ncol(z)
    d <- nn_distances(z)
    same <- nn_pairs(y)
    excess <- relu(nn_spread(d, 0L) - nn_spread(d, 1L) + margin) * nn_spread(same$friends, 0L) *
      nn_spread(same$others, 1L)
    active <- pmax(sum(excess > 0), 1)
    list(cost = colSums(excess) * (n / active))
  }
  nn_loss("triplet", parts, kind = "class", outputs = function(target) NA_integer_,
          settings = list(margin = margin))
}

#' @rdname losses
#' @export
loss_contrastive <- function(margin = 1) {
  margin <- nn_number(margin, "margin")
  parts <- function(y, z, s, w) {
    d <- nn_distances(z)
    same <- nn_pairs(y)
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

# Which pairs of samples are of one class (but not the same sample), and which of two: n x n.
nn_pairs <- function(y) {
  n <- length(y)
  like <- nn_reshape(y, c(1, n))
  square <- .Call(C_spread, nn_reshape(y, n), c(n, n), 0L)
  equal <- square == t(square)
  list(friends = equal & row(square) != col(square), others = !equal)
}

# x[a, b] as an n x n x n array: [a, b, .] or [., a, b].
nn_spread <- function(x, first) .Call(C_spread, x, rep(nrow(x), 3), first)
