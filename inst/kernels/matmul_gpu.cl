/* Matrix products on a GPU: C[i, j] = sum over l of A(i, l) B(l, j), for i < m, j < n, l < k, with
 * the operands and the epilogue of matmul.cl.
 *
 *   KIND  kernel               for
 *   5     ag_matmul_tiled      local memory holds tiles of A and B, registers a tile of C
 *   6     ag_matmul_grouped    few elements of C: a work-group for each
 *   7     ag_matmul_skinny     at most 8 columns: each item sums a part of a row of C
 *   0     all of them, to compile this file alone
 *
 * With SPLIT, C is the sum over `parts` of partial products, over `chunk` terms each: groups leave
 * them in partial[i + m * (j + n * part)], and ag_matmul_sum adds them up, always in this order.
 * With BATCHED there are several products side by side in C, as in matmul.cl. Not both. */
#ifndef KIND
#define KIND 0
#endif
#ifndef REAL
#define REAL float
#endif
#ifndef SPLIT
#define SPLIT 0
#endif
#ifndef BATCHED
#define BATCHED 0
#endif
#ifndef TILE_M
#define TILE_M 64 /* rows of C per work-group (tiled) */
#endif
#ifndef TILE_N
#define TILE_N 64 /* columns */
#endif
#ifndef DEPTH
#define DEPTH 16 /* of the tiles in local memory */
#endif
#ifndef ITEM_M
#define ITEM_M 4 /* rows of C per item */
#endif
#ifndef ITEM_N
#define ITEM_N 4 /* columns */
#endif
#ifndef VECTOR
#define VECTOR 4 /* elements per load of local memory: 1, 2, 4; divides ITEM_M and ITEM_N */
#endif
#ifndef WIDE
#define WIDE 1 /* elements per load of global memory where they are neighbours: 1, 2, 4 */
#endif
#ifndef PAD
#define PAD 4 /* elements between rows of the tiles in local memory; a multiple of VECTOR */
#endif
#ifndef BUFFERS
#define BUFFERS 2 /* tiles in local memory: 2 are filled and read in turn */
#endif
#ifndef A_BY_ROWS
#define A_BY_ROWS 1 /* neighbours of a row of groups read down columns of A, else along its rows */
#endif
#ifndef B_BY_ROWS
#define B_BY_ROWS 1
#endif
#ifndef A_UNIT
#define A_UNIT 0 /* the stride in that direction is 1 */
#endif
#ifndef B_UNIT
#define B_UNIT 0
#endif
#ifndef OFFSET
#define OFFSET long /* int, where offsets within a tile fit */
#endif
#ifndef ONCE
#define ONCE 0 /* 1: the epilogue is long, it stands there once, not unrolled */
#endif
#ifndef GROUP
#define GROUP 128 /* items per element of C (grouped); a power of 2 */
#endif
#ifndef COLUMNS
#define COLUMNS 4 /* of C (skinny) */
#endif
#ifndef SWAPPED
#define SWAPPED 0 /* 1: what is computed is the transpose of C (skinny) */
#endif
#ifndef ROWS
#define ROWS 64 /* of C per work-group (skinny) */
#endif
#ifndef SLICES
#define SLICES 4 /* items that share a row of C (skinny) */
#endif

typedef REAL real;

#ifndef AG_STORE_PARAMS
#define AG_STORE_PARAMS __global real *c
#define AG_STORE_ARGS   c
static void ag_store(long i, long j, long m, real acc, AG_STORE_PARAMS) { c[i + j * m] = acc; }
#endif

#if BATCHED
#define PRODUCTS , long a_next, long b_next, long columns
#define SEEK(p)  (a += (p) * a_next, b += (p) * (b_next + n * b_col))
#else
#define PRODUCTS
#define SEEK(p)
#endif

#define MATRICES                                                                                   \
  __global const real *a, long a_at, long a_row, long a_col, __global const real *b, long b_at,    \
      long b_row, long b_col, long m, long n, long k PRODUCTS

/* Where a kernel's results go, and which terms it sums. */
#if SPLIT
#define RESULT_PARAMS    __global real *partial, long chunk, long parts
#define PUT(i, j, value) partial[(i) + m * ((j) + n * part)] = (value)
#define FIRST_TERM       (part * chunk)
#define LAST_TERM        min(k, (part + 1) * chunk)
#else
#define RESULT_PARAMS    AG_STORE_PARAMS
#define PUT(i, j, value) ag_store(i, (j) + product * n, m, value, AG_STORE_ARGS)
#define FIRST_TERM       0L
#define LAST_TERM        k
#endif

/* One item: one element. */
#if SPLIT
__kernel void ag_matmul_sum(AG_STORE_PARAMS, __global const real *partial, long m, long n,
                            long parts) {
  const long t = get_global_id(0);
  if (t >= m * n) return;
  real sum = partial[t];
  for (long p = 1; p < parts; p++) sum += partial[t + p * m * n];
  ag_store(t % m, t / m, m, sum, AG_STORE_ARGS);
}
#endif

#if KIND == 0 || KIND == 5
/* One work-group: a tile of TILE_M x TILE_N. The rows of item (x, y) are runs of VECTOR at
 * x * VECTOR, (SIDE_M + x) * VECTOR, ...; its columns likewise, so that neighbours read and write
 * neighbours. While a step of DEPTH terms is computed, the next one is on its way to registers.
 *
 * Rows and columns beyond the edge are copies of the last one, so that only the last step, where
 * terms run out, has to look at what it loads. */
#define SIDE_M (TILE_M / ITEM_M)
#define SIDE_N (TILE_N / ITEM_N)
#define ITEMS  (SIDE_M * SIDE_N)
#define LOAD_A (TILE_M * DEPTH / ITEMS)
#define LOAD_B (TILE_N * DEPTH / ITEMS)
#define PASTE2(x, y) x##y
#define PASTE(x, y)  PASTE2(x, y)
#if VECTOR > 1
typedef PASTE(REAL, VECTOR) run;
#define GET_RUN(to, from) PASTE(vstore, VECTOR)(*(__local const run *)(from), 0, to)
#else
#define GET_RUN(to, from) *(to) = *(from)
#endif

/* Element e of a tile of `SIDE` rows: its row and depth; WIDE elements after it are neighbours. */
#define ROW_OF(e, BY_ROWS, SIDE)   ((BY_ROWS) ? (e) % (SIDE) : (e) / DEPTH)
#define DEPTH_OF(e, BY_ROWS, SIDE) ((BY_ROWS) ? (e) / (SIDE) : (e) % DEPTH)

/* The group's tile: strips of 8 columns of tiles, as groups that run together share operands. */
static void tile_of(long g, long rows, long columns, long *ti, long *tj) {
  const long strip = g / (8 * rows), inside = g % (8 * rows), width = min(8L, columns - strip * 8);
  *tj = strip * 8 + inside % width;
  *ti = inside / width;
}

#define OFFSETS(at, COUNT, BY_ROWS, SIDE, left, row, col)                                          \
  _Pragma("unroll") for (int s = 0; s < COUNT; s += WIDE) {                                        \
    const int e = (me + s / WIDE * ITEMS) * WIDE;                                                  \
    at[s / WIDE] = (OFFSET)(min((long)ROW_OF(e, BY_ROWS, SIDE), left) * row +                      \
                            DEPTH_OF(e, BY_ROWS, SIDE) * col);                                     \
  }

/* Of the elements of a load, element w lies `w` further on where WIDE > 1; terms from `terms` on
 * are zero. */
#if WIDE > 1
#define WIDE_LOAD(to, from) PASTE(vstore, WIDE)(PASTE(vload, WIDE)(0, from), 0, to)
#else
#define WIDE_LOAD(to, from) *(to) = *(from)
#endif
#define FETCH(to, x, at, COUNT)                                                                    \
  _Pragma("unroll") for (int s = 0; s < COUNT; s += WIDE) WIDE_LOAD(to + s, x + at[s / WIDE]);
#define FETCH_CHECKED(to, x, at, COUNT, BY_ROWS, SIDE, terms, left, row, col)                      \
  _Pragma("unroll") for (int s = 0; s < COUNT; s++) {                                              \
    const int e = (me + s / WIDE * ITEMS) * WIDE + s % WIDE;                                       \
    const long l = DEPTH_OF(e, BY_ROWS, SIDE);                                                     \
    to[s] = l < (terms) ? x[min((long)ROW_OF(e, BY_ROWS, SIDE), left) * row + l * col] : 0;        \
  }
#define KEEP(tile, from, COUNT, BY_ROWS, SIDE)                                                     \
  _Pragma("unroll") for (int s = 0; s < COUNT; s++) {                                              \
    const int e = (me + s / WIDE * ITEMS) * WIDE + s % WIDE;                                       \
    (tile)[DEPTH_OF(e, BY_ROWS, SIDE) * (SIDE + PAD) + ROW_OF(e, BY_ROWS, SIDE)] = from[s];        \
  }

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void ag_matmul_tiled(RESULT_PARAMS,
                                                                                 MATRICES) {
  __local real as[BUFFERS][DEPTH * (TILE_M + PAD)] __attribute__((aligned(32)));
  __local real bs[BUFFERS][DEPTH * (TILE_N + PAD)] __attribute__((aligned(32)));
  const int me = get_local_id(0), x = me % SIDE_M, y = me / SIDE_M;
  const long tiles_m = (m + TILE_M - 1) / TILE_M, tiles_n = (n + TILE_N - 1) / TILE_N;
  const long g = get_group_id(0), tiles = tiles_m * tiles_n;
#if SPLIT
  const long part = g / tiles;
#elif BATCHED
  const long product = g / tiles;
#else
  const long product = 0;
#endif
  long ti, tj;
  tile_of(g % tiles, tiles_m, tiles_n, &ti, &tj);
  const long i = ti * TILE_M, j = tj * TILE_N, left_m = m - 1 - i, left_n = n - 1 - j;
  const long first = FIRST_TERM, last = LAST_TERM;
#if BATCHED
  SEEK(product);
#endif
  a += a_at + i * a_row + first * a_col;
  b += b_at + j * b_col + first * b_row;
  OFFSET at_a[LOAD_A / WIDE], at_b[LOAD_B / WIDE];
  OFFSETS(at_a, LOAD_A, A_BY_ROWS, TILE_M, left_m, a_row, a_col)
  OFFSETS(at_b, LOAD_B, B_BY_ROWS, TILE_N, left_n, b_col, b_row)
  /* wide loads do not stop at the edge */
  const int inside = WIDE == 1 || (left_m >= TILE_M - 1 && left_n >= TILE_N - 1);
  real next_a[LOAD_A], next_b[LOAD_B], acc[ITEM_N][ITEM_M];
#pragma unroll
  for (int s = 0; s < ITEM_N; s++)
#pragma unroll
    for (int r = 0; r < ITEM_M; r++) acc[s][r] = 0;
  int at = 0;
  for (long l = first - DEPTH; l < last; l += DEPTH) {
    const long ahead = l + DEPTH; /* the step that is loaded */
    if (ahead < last) {
      if (inside && ahead + DEPTH <= last) {
        FETCH(next_a, a, at_a, LOAD_A)
        FETCH(next_b, b, at_b, LOAD_B)
      } else {
        FETCH_CHECKED(next_a, a, at_a, LOAD_A, A_BY_ROWS, TILE_M, last - ahead, left_m, a_row,
                      a_col)
        FETCH_CHECKED(next_b, b, at_b, LOAD_B, B_BY_ROWS, TILE_N, last - ahead, left_n, b_col,
                      b_row)
      }
      a += DEPTH * a_col;
      b += DEPTH * b_row;
    }
    if (l >= first) {
      __local const real *ax = as[at] + x * VECTOR, *by = bs[at] + y * VECTOR;
#pragma unroll
      for (int d = 0; d < DEPTH; d++) {
        real u[ITEM_M], v[ITEM_N];
#pragma unroll
        for (int r = 0; r < ITEM_M; r += VECTOR)
          GET_RUN(u + r, ax + d * (TILE_M + PAD) + r * SIDE_M);
#pragma unroll
        for (int s = 0; s < ITEM_N; s += VECTOR)
          GET_RUN(v + s, by + d * (TILE_N + PAD) + s * SIDE_N);
#pragma unroll
        for (int s = 0; s < ITEM_N; s++)
#pragma unroll
          for (int r = 0; r < ITEM_M; r++) acc[s][r] += u[r] * v[s];
      }
    }
    if (BUFFERS == 1) barrier(CLK_LOCAL_MEM_FENCE);
    else at ^= 1;
    if (ahead < last) {
      KEEP(as[at], next_a, LOAD_A, A_BY_ROWS, TILE_M)
      KEEP(bs[at], next_b, LOAD_B, B_BY_ROWS, TILE_N)
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
#define ROW_AT(r)    (i + ((r) / VECTOR * SIDE_M + x) * VECTOR + (r) % VECTOR)
#define COLUMN_AT(s) (j + ((s) / VECTOR * SIDE_N + y) * VECTOR + (s) % VECTOR)
#if ONCE
  real mine[ITEM_M * ITEM_N];
#pragma unroll
  for (int s = 0; s < ITEM_N; s++)
#pragma unroll
    for (int r = 0; r < ITEM_M; r++) mine[s * ITEM_M + r] = acc[s][r];
#pragma unroll 1
  for (int e = 0; e < ITEM_M * ITEM_N; e++) {
    const long row = ROW_AT(e % ITEM_M), column = COLUMN_AT(e / ITEM_M);
    if (row < m && column < n) PUT(row, column, mine[e]);
  }
#else
#pragma unroll
  for (int s = 0; s < ITEM_N; s++)
#pragma unroll
    for (int r = 0; r < ITEM_M; r++)
      if (ROW_AT(r) < m && COLUMN_AT(s) < n) PUT(ROW_AT(r), COLUMN_AT(s), acc[s][r]);
#endif
}
#endif

#if KIND == 0 || KIND == 6
/* One work-group: one element of C; its items share the sum over l and meet in a tree. */
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void ag_matmul_grouped(RESULT_PARAMS,
                                                                                   MATRICES) {
  __local real tree[GROUP];
  const int me = get_local_id(0);
  const long g = get_group_id(0), i = g % m, j = g / m % n;
#if SPLIT
  const long part = g / m / n;
#else
  const long product = g / m / n;
  SEEK(product);
#endif
  real acc = 0;
  for (long l = FIRST_TERM + me; l < LAST_TERM; l += GROUP)
    acc += a[a_at + i * a_row + l * a_col] * b[b_at + l * b_row + j * b_col];
  tree[me] = acc;
  for (int reach = GROUP / 2; reach > 0; reach /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (me < reach) tree[me] += tree[me + reach];
  }
  if (me == 0) PUT(i, j, tree[0]);
}
#endif

#if KIND == 0 || KIND == 7
/* One work-group: ROWS rows and all COLUMNS columns. SLICES items share a row: each takes every
 * SLICES-th term, and the first of them adds up what the others found. Where neighbours of a row of
 * items are neighbours in memory: rows (A_BY_ROWS), else terms. A wide C of few rows is computed as
 * its transpose. */
#if SWAPPED
#define PUT_TURNED(i, j, value) PUT(j, i, value)
#define m_of_rows n
#else
#define PUT_TURNED PUT
#define m_of_rows m
#endif
__kernel __attribute__((reqd_work_group_size(ROWS *SLICES, 1, 1))) void
ag_matmul_skinny(RESULT_PARAMS, MATRICES) {
  __local real found[ROWS * SLICES];
  const int me = get_local_id(0);
  const int row = A_BY_ROWS ? me % ROWS : me / SLICES, slice = A_BY_ROWS ? me / ROWS : me % SLICES;
  const long groups = (m_of_rows + ROWS - 1) / ROWS, g = get_group_id(0);
#if SPLIT
  const long part = g / groups;
#else
  const long product = g / groups;
  SEEK(product);
#endif
  const long i = g % groups * ROWS + row, last = LAST_TERM;
#if SWAPPED /* rows are those of t(B), columns those of t(A) */
  __global const real *x = b + b_at + min(i, n - 1) * b_col, *y = a + a_at;
  const long x_col = b_row, y_row = a_col, y_col = a_row;
#else
  __global const real *x = a + a_at + min(i, m - 1) * a_row, *y = b + b_at;
  const long x_col = a_col, y_row = b_row, y_col = b_col;
#endif
  real acc[COLUMNS];
#pragma unroll
  for (int s = 0; s < COLUMNS; s++) acc[s] = 0;
#pragma unroll 4
  for (long l = FIRST_TERM + slice; l < last; l += SLICES) {
    const real v = x[l * x_col];
#pragma unroll
    for (int s = 0; s < COLUMNS; s++) acc[s] += v * y[l * y_row + s * y_col];
  }
#pragma unroll
  for (int s = 0; s < COLUMNS; s++) {
    found[row * SLICES + slice] = acc[s];
    barrier(CLK_LOCAL_MEM_FENCE);
    if (slice == 0 && i < m_of_rows) {
      real sum = acc[s];
      for (int r = 1; r < SLICES; r++) sum += found[row * SLICES + r];
      PUT_TURNED(i, s, sum);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
}
#endif
