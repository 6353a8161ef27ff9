# What base R gives for each matrix of an array.
each <- function(f, ..., n) {
  at <- function(x, i) if (length(dim(x)) == 3) x[, , if (dim(x)[3] == 1) 1 else i] else x
  shaped <- function(x) if (length(dim(x)) == 3) array(x, dim(x)[1:2]) else x
  slice <- function(x, i) {
    if (length(dim(x)) < 3) return(x)
    matrix(at(x, i), dim(x)[1], dim(x)[2])
  }
  lapply(seq_len(n), function(i) do.call(f, lapply(list(...), slice, i)))
}

random_array <- function(...) array(round(rnorm(prod(...)), 3), c(...))

# gpu_matmul() by a loop of %*%.
loop_matmul <- function(x, y, tx = FALSE, ty = FALSE) {
  n <- max(dim(x)[3], dim(y)[3], na.rm = TRUE)
  if (isTRUE(dim(x)[3] == 0) || isTRUE(dim(y)[3] == 0)) n <- 0
  m <- dim(x)[1 + tx]
  k <- dim(y)[2 - ty]
  one <- function(a, b) (if (tx) t(a) else a) %*% (if (ty) t(b) else b)
  array(unlist(each(one, x, y, n = n)), c(m, k, n))
}

expect_matmul <- function(x, y, tx = FALSE, ty = FALSE) {
  for (type in test_types()) {
    got <- gpu_matmul(gpu(x, type), gpu(y, type), tx, ty)
    expect_equal(as.array(anygpu:::plain(got)), loop_matmul(x, y, tx, ty),
      tolerance = tolerances[[type]]
    )
  }
}
