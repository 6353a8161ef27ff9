/* C[i, j] = sum over l of A(i, l) B(l, j), for i < m, j < n, l < k. C is column-major.
 *
 *   A(i, l) = a[a_at + i * a_row + l * a_col]      B(l, j) = b[b_at + l * b_row + j * b_col]
 *
 * With BATCHED there are several such products, side by side in C: column j is of product j / n. A
 * of the next product is a_next elements further on, the first column of its B b_next elements
 * behind where column n of this one's would be; `columns` is n times the number of products.
 *
 * What becomes of an element is up to the epilogue, which stands in front of this text: functions
 * ag_store(i, j, m, acc, AG_STORE_ARGS) and, for LANES rows from i on, ag_store_lanes(...).
 *
 *   KIND  kernel                    for
 *   1     ag_matmul_simple          anything; one item per element
 *   2     ag_matmul_rows            CPU, few columns or rows, a_row = 1: vectors down a column of A
 *   3     ag_matmul_dot             CPU, few columns or rows, a_col = b_row = 1: vectors along l
 *   4     ag_matmul_packed          CPU, after ag_matmul_pack_a and _b: registers hold a tile of C
 *   0     all of them, to compile this file alone
 *
 * For GPUs: matmul_gpu.cl. */
#ifndef KIND
#define KIND 0
#endif
#ifndef REAL
#define REAL float
#endif
#ifndef BATCHED
#define BATCHED 0
#endif
#ifndef LANES
#define LANES 16 /* of a vector on a CPU device; 1: there are none */
#endif
#ifndef PANEL
#define PANEL 2 /* vectors in a column of a tile of C (packed) */
#endif
#ifndef COLUMNS
#define COLUMNS 12 /* of a tile of C (packed): PANEL * COLUMNS registers hold it */
#endif

typedef REAL real;
#define PASTE2(x, y) x##y
#define PASTE(x, y)  PASTE2(x, y)
#if LANES > 1
#define LOAD  PASTE(vload, LANES)
#define STORE PASTE(vstore, LANES)
typedef PASTE(REAL, LANES) reals;
#endif

#ifndef AG_STORE_PARAMS
#define AG_STORE_PARAMS __global real *c
#define AG_STORE_ARGS   c
static void ag_store(long i, long j, long m, real acc, AG_STORE_PARAMS) { c[i + j * m] = acc; }
static void ag_store_lanes(long i, long j, long m, reals acc, AG_STORE_PARAMS) {
  STORE(acc, 0, c + i + j * m);
}
#endif

#if BATCHED
#define PRODUCTS       , long a_next, long b_next, long columns
#define SEEK_COLUMN(j) (a += (j) / n * a_next, b += (j) / n * b_next)
#define ALL_COLUMNS    columns
#else
#define PRODUCTS
#define SEEK_COLUMN(j)
#define ALL_COLUMNS n
#endif

#define MATRICES                                                                                   \
  __global const real *a, long a_at, long a_row, long a_col, __global const real *b, long b_at,    \
      long b_row, long b_col, long m, long n, long k PRODUCTS

#if KIND == 0 || KIND == 1
__kernel void ag_matmul_simple(AG_STORE_PARAMS, MATRICES) {
  const long t = get_global_id(0), i = t % m, j = t / m;
  if (j >= ALL_COLUMNS) return;
  SEEK_COLUMN(j);
  real acc = 0;
  for (long l = 0; l < k; l++)
    acc += a[a_at + i * a_row + l * a_col] * b[b_at + l * b_row + j * b_col];
  ag_store(i, j, m, acc, AG_STORE_ARGS);
}
#endif

#if KIND == 0 || KIND == 2
/* One item: 4 * LANES rows of one column of C. */
__kernel void ag_matmul_rows(AG_STORE_PARAMS, MATRICES) {
  const long runs = (m + 4 * LANES - 1) / (4 * LANES), t = get_global_id(0);
  const long j = t / runs, last = min(t % runs * (4 * LANES) + 4 * LANES, m);
  if (j >= ALL_COLUMNS) return;
  SEEK_COLUMN(j);
  long i = t % runs * (4 * LANES);
  b += b_at + j * b_col;
  if (i + 4 * LANES <= m) {
    reals acc0 = 0, acc1 = 0, acc2 = 0, acc3 = 0;
    __global const real *at = a + a_at + i;
    for (long l = 0; l < k; l++, at += a_col) {
      const reals x = b[l * b_row];
      acc0 += LOAD(0, at) * x;
      acc1 += LOAD(0, at + LANES) * x;
      acc2 += LOAD(0, at + 2 * LANES) * x;
      acc3 += LOAD(0, at + 3 * LANES) * x;
    }
    ag_store_lanes(i, j, m, acc0, AG_STORE_ARGS);
    ag_store_lanes(i + LANES, j, m, acc1, AG_STORE_ARGS);
    ag_store_lanes(i + 2 * LANES, j, m, acc2, AG_STORE_ARGS);
    ag_store_lanes(i + 3 * LANES, j, m, acc3, AG_STORE_ARGS);
    return;
  }
  for (; i + LANES <= last; i += LANES) {
    reals acc = 0;
    for (long l = 0; l < k; l++) acc += LOAD(0, a + a_at + i + l * a_col) * (reals)(b[l * b_row]);
    ag_store_lanes(i, j, m, acc, AG_STORE_ARGS);
  }
  for (; i < last; i++) {
    real acc = 0;
    for (long l = 0; l < k; l++) acc += a[a_at + i + l * a_col] * b[l * b_row];
    ag_store(i, j, m, acc, AG_STORE_ARGS);
  }
}
#endif

#if KIND == 0 || KIND == 3
/* One item: one element of C. */
__kernel void ag_matmul_dot(AG_STORE_PARAMS, MATRICES) {
  const long t = get_global_id(0), i = t % m, j = t / m;
  if (j >= ALL_COLUMNS) return;
  SEEK_COLUMN(j);
  a += a_at + i * a_row;
  b += b_at + j * b_col;
  reals even = 0, odd = 0;
  long l = 0;
  for (; l + 2 * LANES <= k; l += 2 * LANES) {
    even += LOAD(0, a + l) * LOAD(0, b + l);
    odd += LOAD(0, a + l + LANES) * LOAD(0, b + l + LANES);
  }
  real lane[LANES], acc = 0;
  STORE(even + odd, 0, lane);
  for (int s = 0; s < LANES; s++) acc += lane[s];
  for (; l < k; l++) acc += a[l] * b[l];
  ag_store(i, j, m, acc, AG_STORE_ARGS);
}
#endif

#if KIND == 0 || KIND == 4
/* C is computed in blocks of mc x nc, each as a sum over blocks of kc, one block per pass:
 *
 *            kc                 nc
 *        +-------+          +---+---+        pass = lb + nl * (jb + nj * ib), each product's
 *   mc   | panel |      kc  | p | p |        a panel of A: ROWS rows, packed[l * ROWS + i]
 *        | panel |          | a | a |        a panel of B: COLUMNS columns, packed[l * COLUMNS + j]
 *        +-------+          +---+---+        panels are filled up with zeros
 *
 * Partial sums wait in `raw`, which is C as it comes, until the last block of k. */
#define ROWS   (PANEL * LANES)
#define BLOCKS long mc, long nc, long kc, long nl, long nj, long pass, long passes
#define BLOCK_START                                                                                \
  const long product = pass / passes, lb = pass % passes % nl,                                     \
             i_start = pass % passes / nl / nj * mc, j_start = pass % passes / nl % nj * nc,       \
             l_start = lb * kc, depth = min(kc, k - l_start);

/* One item: 16 values of l of one panel. */
#define RUN 16
__kernel void ag_matmul_pack_a(__global const real *a, long a_at, long a_row, long a_col, long m,
                               long k, BLOCKS, long next, __global real *packed) {
  BLOCK_START
  const long runs = (depth + RUN - 1) / RUN, t = get_global_id(0), panel = t / runs;
  const long i = i_start + panel * ROWS, first = t % runs * RUN, last = min(first + RUN, depth);
  if (panel * ROWS >= mc || i >= m) return;
  packed += panel * depth * ROWS;
  a += a_at + product * next + i * a_row + l_start * a_col;
  const long rows = min(m - i, (long)ROWS);
  if (rows == ROWS && a_row == 1) {
    for (long l = first; l < last; l++)
      for (int v = 0; v < PANEL; v++)
        STORE(LOAD(0, a + l * a_col + v * LANES), 0, packed + l * ROWS + v * LANES);
  } else if (rows == ROWS) {
    for (int r = 0; r < ROWS; r++)
      for (long l = first; l < last; l++) packed[l * ROWS + r] = a[r * a_row + l * a_col];
  } else {
    for (long l = first; l < last; l++)
      for (int r = 0; r < ROWS; r++) packed[l * ROWS + r] = r < rows ? a[r * a_row + l * a_col] : 0;
  }
}

__kernel void ag_matmul_pack_b(__global const real *b, long b_at, long b_row, long b_col, long n,
                               long k, BLOCKS, long next, __global real *packed) {
  BLOCK_START
  const long runs = (depth + RUN - 1) / RUN, t = get_global_id(0), panel = t / runs;
  const long j = j_start + panel * COLUMNS, first = t % runs * RUN, last = min(first + RUN, depth);
  if (panel * COLUMNS >= nc || j >= n) return;
  packed += panel * depth * COLUMNS;
  b += b_at + product * next + j * b_col + l_start * b_row;
  const long width = min(n - j, (long)COLUMNS);
  if (width == COLUMNS) {
    for (int s = 0; s < COLUMNS; s++)
      for (long l = first; l < last; l++) packed[l * COLUMNS + s] = b[l * b_row + s * b_col];
  } else {
    for (long l = first; l < last; l++)
      for (int s = 0; s < COLUMNS; s++)
        packed[l * COLUMNS + s] = s < width ? b[l * b_row + s * b_col] : 0;
  }
}

/* One item: a tile of ROWS x COLUMNS. */
__kernel void ag_matmul_packed(AG_STORE_PARAMS, __global const real *packed_a,
                               __global const real *packed_b, __global real *raw, long raw_at,
                               long m, long n, long k, BLOCKS, long column_panels) {
  BLOCK_START
  const long t = get_global_id(0), pi = t / column_panels, pj = t % column_panels;
  const long i = i_start + pi * ROWS, j = product * n + j_start + pj * COLUMNS,
             end = product * n + n;
  if (pi * ROWS >= mc || i >= m || j >= end) return;
  __global const real *pa = packed_a + pi * depth * ROWS, *pb = packed_b + pj * depth * COLUMNS;
  reals acc[COLUMNS][PANEL];
#pragma unroll
  for (int s = 0; s < COLUMNS; s++)
#pragma unroll
    for (int v = 0; v < PANEL; v++) acc[s][v] = 0;
  for (long l = 0; l < depth; l++, pa += ROWS, pb += COLUMNS) {
    reals x[PANEL];
#pragma unroll
    for (int v = 0; v < PANEL; v++) x[v] = LOAD(0, pa + v * LANES);
#pragma unroll
    for (int s = 0; s < COLUMNS; s++) {
      const reals y = pb[s];
#pragma unroll
      for (int v = 0; v < PANEL; v++) acc[s][v] += x[v] * y;
    }
  }
  /* through memory, so that the loop below, with the epilogue in it, stands there once */
  real tile[COLUMNS * ROWS];
#pragma unroll
  for (int s = 0; s < COLUMNS; s++)
#pragma unroll
    for (int v = 0; v < PANEL; v++) STORE(acc[s][v], 0, tile + s * ROWS + v * LANES);
  raw += raw_at;
  for (int e = 0; e < COLUMNS * PANEL; e++) {
    const long row = i + e % PANEL * LANES, column = j + e / PANEL;
    if (column >= end) return;
    if (row + LANES <= m) {
      reals sum = LOAD(0, tile + e * LANES);
      if (lb > 0) sum += LOAD(0, raw + row + column * m);
      if (lb < nl - 1) STORE(sum, 0, raw + row + column * m);
      else ag_store_lanes(row, column, m, sum, AG_STORE_ARGS);
    } else {
      for (long r = row; r < m; r++) {
        real sum = tile[e * LANES + r - row];
        if (lb > 0) sum += raw[r + column * m];
        if (lb < nl - 1) raw[r + column * m] = sum;
        else ag_store(r, column, m, sum, AG_STORE_ARGS);
      }
    }
  }
}
#endif
