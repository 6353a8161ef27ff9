# The columns of `table` (dim x vocabulary) that `codes` name, an array of any shape of the numbers
# 0 to vocabulary - 1: dim x shape of codes. Both may be placeholders, and `table` has a gradient. A
# code that no column has gives NA and does not count in the gradient; what is not whole is cut off.
nn_gather <- function(table, codes) {
  if (!is_gpu(codes)) codes <- gpu(codes, device = gpu_device(table))
  .Call(C_gather, table, codes)
}
