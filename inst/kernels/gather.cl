/* Columns by index: out[i, j] = in[i, index[j]] for i < rows, j < cols; `in` has in_cols columns,
 * and an index outside of 0 .. in_cols - 1 gives NA. All are contiguous; `..._at` is the first
 * element of each. Values are moved as bits, so 4- and 8-byte types share the text.
 *
 * Item t copies RUN consecutive rows of one column. */
#ifndef element
#define element uint /* ulong for 8 bytes */
#endif
#ifndef NA_BITS
#define NA_BITS 0x7FC007A2U /* float32's; float64: 0x7FF00000000007A2UL, others: 0x80000000U */
#endif
#ifndef RUN
#define RUN 1 /* rows per item: 1 on a GPU, where neighbours coalesce; many on a CPU */
#endif

__kernel void ag_gather(__global const element *in, long in_at, __global const int *index,
                        long index_at, __global element *out, long out_at, long rows, long cols,
                        long in_cols) {
  const long runs = (rows + RUN - 1) / RUN, t = get_global_id(0);
  const long j = t / runs, first = t % runs * RUN;
  if (j >= cols) return;
  const long from = index[index_at + j];
  const int good = from >= 0 && from < in_cols;
  const long last = min(first + RUN, rows);
  for (long i = first; i < last; i++)
    out[out_at + j * rows + i] = good ? in[in_at + from * rows + i] : NA_BITS;
}
