/* Columns added up by index:
 *   out(p, j, q) = sum over i < n with index[i] = first + j of in(p, i, q)
 * for p < pre, j < cols, q < post, each in the order of i: the same on every device. An index that
 * no j has goes nowhere. All are contiguous; `..._at` is the first element of each.
 *
 * Item t owns RUN rows p of one q, and `range` columns j; it goes through all indices. */
#ifndef REAL
#define REAL float
#endif
#ifndef RUN
#define RUN 1 /* rows per item: 1 on a GPU, where neighbours coalesce; many on a CPU */
#endif

__kernel void ag_scatter(__global const REAL *in, long in_at, __global const int *index,
                         long index_at, __global REAL *out, long out_at, long pre, long n,
                         long post, long cols, long first, long range) {
  const long runs = (pre + RUN - 1) / RUN, t = get_global_id(0), q = t / runs % post;
  const long p = t % runs * RUN, last = min(p + RUN, pre);
  const long from = t / (runs * post) * range, to = min(from + range, cols);
  if (from >= cols) return;
  in += in_at + q * n * pre;
  out += out_at + q * cols * pre;
  index += index_at;
  for (long j = from; j < to; j++)
    for (long i = p; i < last; i++) out[j * pre + i] = 0;
  for (long k = 0; k < n; k++) {
    const long j = index[k] - first;
    if (j < from || j >= to) continue;
    for (long i = p; i < last; i++) out[j * pre + i] += in[k * pre + i];
  }
}
