# Cross-entropy, and classes as zeros and ones.

# With top = max_i z_i and sum = sum_i exp(z_i - top), the loss is
# sum_i q_i (log(sum) - (z_i - top)) and its derivative exp(z_i - top) / sum - q_i, where the q are
# the wanted probabilities. Taking out the largest keeps exp() in range. What is cheap is written
# anew for each user, which computes it in its own kernel; a node with two users would be stored.
#' @rdname losses
#' @order 10
#' @export
loss_cross_entropy <- function(label_smoothing = 0) {
  a <- nn_number(label_smoothing, "label_smoothing", 0, 1, closed = TRUE)
  of_columns <- function(y, z) {
    q <- function() nn_smooth(if (nrow(y) == 1) nn_ones(nn_hot(y, z), z) else y, a, nrow(z))
    top <- colMaxs(z)
    below <- function() z - stretch(top, z, 2)
    sum <- colSums(exp(below()))
    list(cost = q() * (log(stretch(sum, z, 2)) - below()),
         slope = exp(below()) / stretch(sum, z, 2) - q())
  }
  parts <- function(y, z, s, w) {
    share <- 1 / (nn_outputs_of(z) / dim(z)[1])
    p <- lapply(of_columns(nn_as_columns(y), nn_as_columns(z)), nn_reshape, dim(z))
    list(cost = nn_times(p$cost, share), slope = p$slope * nn_times(s, share))
  }
  nn_loss("cross_entropy", parts, link = softmax, absorbs = "softmax", kind = "shares",
          baseline = function(y, w, k) nn_entropy(nn_smooth(nn_class_shares(y, w, k), a, k)),
          check = nn_check_probabilities,
          settings = if (a > 0) list(label_smoothing = a) else list())
}

# TRUE where the first index of the matrix z is the class of its column.
nn_hot <- function(y, z) .Call(C_cast, row(z), gpu_type(y)) == stretch(y + 1, z, 2)

nn_smooth <- function(q, a, k) if (a == 0) q else q * (1 - a) + a / k

# Logical values or whole numbers, of the type of z.
nn_ones <- function(hit, z) .Call(C_cast, hit, gpu_type(z))

# The shares of k classes in y: codes, or probabilities (k x ... x n).
nn_class_shares <- function(y, w, k) {
  if (dim(y)[1] == 1) return(nn_shares(y, w, k))
  steps <- nn_outputs_of(y) / k
  as.vector(matrix(y, k) %*% rep(nn_unit_weights(w, nn_extent(y)) / steps, each = steps))
}

nn_entropy <- function(p) -sum(nn_xlogx(p))

nn_check_probabilities <- function(y) {
  if (dim(y)[1] == 1) return(invisible())
  if (all(y >= 0) && all(abs(colSums(matrix(y, dim(y)[1])) - 1) < 1e-4)) return(invisible())
  nn_stop("argument", "`y` of several columns must hold probabilities: each row sums to 1")
}
