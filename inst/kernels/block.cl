/* Steps of blocked algorithms on column-major matrices.
 *
 *   ag_block_trsm      L X = B in place, L(i, l) = t[t_at + i * t_row + l * t_col] lower and at
 *                      most MOST x MOST, B(i, j) = b[b_at + i * b_row + j * b_col]; an item per j
 *   ag_block_fetch     rows row[count ... 2 count) of A to `room`, then
 *   ag_block_place     these to rows row[0 ... count); one item per element
 *   ag_block_triangle  out = the upper or lower triangle of `in`, zeros elsewhere; per element */
#ifdef AG_FP64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
#ifndef REAL
#define REAL float
#endif
#ifndef MOST
#define MOST 32
#endif
typedef REAL real;

/* The triangle is read once into local memory; what is solved stays in registers, which is why the
 * loops have constant bounds. */
__kernel void ag_block_trsm(__global const real *t, long t_at, long t_row, long t_col,
                            __global real *b, long b_at, long b_row, long b_col, long n, long count,
                            long unit) {
  __local real tri[MOST * MOST];
  const int me = get_local_id(0), items = get_local_size(0);
  for (int e = me; e < MOST * MOST; e += items) {
    const int i = e / MOST, l = e % MOST;
    const int inside = i < n && l <= i && !(unit && l == i);
    tri[e] = inside ? t[t_at + i * t_row + l * t_col] : (real)(l == i);
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  const long j = get_global_id(0);
  if (j < count) {
    __global real *column = b + b_at + j * b_col;
    real x[MOST];
#pragma unroll
    for (int i = 0; i < MOST; i++) {
      if (i < n) {
        real sum = column[i * b_row];
#pragma unroll
        for (int l = 0; l < i; l++) sum -= tri[i * MOST + l] * x[l];
        x[i] = sum / tri[i * MOST + i];
        column[i * b_row] = x[i];
      }
    }
  }
}

__kernel void ag_block_fetch(__global const real *a, long a_at, long lda, __global const int *row,
                             long row_at, __global real *room, long count, long cols) {
  const long t = get_global_id(0), i = t % count, j = t / count;
  if (j < cols) room[t] = a[a_at + row[row_at + count + i] + j * lda];
}

__kernel void ag_block_place(__global real *a, long a_at, long lda, __global const int *row,
                             long row_at, __global const real *room, long count, long cols) {
  const long t = get_global_id(0), i = t % count, j = t / count;
  if (j < cols) a[a_at + row[row_at + i] + j * lda] = room[t];
}

__kernel void ag_block_triangle(__global const real *in, long in_at, long ldi, __global real *out,
                                long out_at, long ldo, long rows, long cols, long upper,
                                long unit) {
  const long t = get_global_id(0), i = t % rows, j = t / rows;
  if (j >= cols) return;
  const int inside = upper ? i <= j : i >= j;
  const real x = unit && i == j ? (real)1 : in[in_at + i + j * ldi];
  out[out_at + i + j * ldo] = inside ? x : (real)0;
}
