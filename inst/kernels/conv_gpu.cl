/* Convolutions on a GPU, and their gradients by the weight, with the parameters of conv.cl, which
 * stands in front of this text.
 *
 * One work-group computes TILE_M x TILE_N elements of a product A B of one group, A(i, l) =
 * a[a_at + g * a_group + i + l * a_col]; local memory holds tiles of A and B, registers a tile of
 * the result. Forward, A is the weight (a_group 0: as ag_conv_pack() leaves it), and column j of B
 * is what pixel j looks at. OF_WEIGHT, A is the gradient by the result, and row l of B is what
 * pixel l looks at; a part has `per` pixels. */
#ifndef WINDOW
#include "conv.cl" /* to compile this file alone */
#endif
#ifndef OF_WEIGHT
#define OF_WEIGHT 0
#endif
#ifndef TILE_M
#define TILE_M 64 /* channels out per work-group (tiled) */
#endif
#ifndef TILE_N
#define TILE_N 64 /* pixels per work-group; OF_WEIGHT: channels in at places of the window */
#endif
#ifndef STEP
#define STEP 16 /* terms of a sum in local memory */
#endif
#ifndef ITEM_M
#define ITEM_M 4 /* channels out per item */
#endif
#ifndef ITEM_N
#define ITEM_N 4
#endif
#ifndef RUN
#define RUN 4 /* elements per load of local memory: 2 or 4; divides ITEM_M and ITEM_N */
#endif
#ifndef ONCE
#define ONCE 0 /* 1: the epilogue is long, it stands there once, not unrolled */
#endif

#define SIDE_M (TILE_M / ITEM_M)
#define SIDE_N (TILE_N / ITEM_N)
#define ITEMS  (SIDE_M * SIDE_N) /* a multiple of STEP, TILE_M and TILE_N */
#define LOAD_A (TILE_M * STEP / ITEMS)
#define LOAD_B (TILE_N * STEP / ITEMS)
#define LINE_A (TILE_M + RUN)
#define LINE_B (TILE_N + RUN)
#define EACH(s, count) _Pragma("unroll") for (int s = 0; s < (count); s++)
#define GET_RUN(to, from)                                                                          \
  PASTE(vstore, RUN)(*(__local const PASTE(REAL, RUN) *)(from), 0, to)

#if OF_WEIGHT
#define TILED_PARAMS RESULT
#define TERMS        ((long)out0 * out1 * samples)
#define NCOLUMNS     (in * size0 * size1)
/* The place in the window of this item's column of B, and its next pixel. */
#define B_STATE                                                                                    \
  const uint column = min(j0 + me % TILE_N, columns - 1), tap = column / (uint)in;                 \
  const int ix = (int)(tap % (uint)size0) * dil0 - off0,                                           \
            iy = (int)(tap / (uint)size0) * dil1 - off1;                                           \
  const uint l0 = first + me / TILE_N;                                                             \
  int jx = l0 % (uint)out0, jy = l0 / (uint)out0 % (uint)out1;                                     \
  long n = l0 / (uint)out0 / (uint)out1;                                                           \
  x += x_at + group * in + column % (uint)in;
#define B_DEPTH(s) (me / TILE_N + (s) * (ITEMS / TILE_N))
#define B_PLACE(s) (B_DEPTH(s) * LINE_B + me % TILE_N)
#define B_FETCH                                                                                    \
  EACH(s, LOAD_B) {                                                                                \
    const int px = (int)mul0 * jx + ix, py = (int)mul1 * jy + iy;                                  \
    next_b[s] = ahead + B_DEPTH(s) < last && INSIDE(px, in0) && INSIDE(py, in1)                    \
                    ? x[((n * in1 + py) * in0 + px) * pitch]                                       \
                    : 0;                                                                           \
    for (jx += ITEMS / TILE_N; jx >= out0; jx -= out0)                                             \
      if (++jy == out1) jy = 0, n++;                                                               \
  }
#define PUT(i, j, value)                                                                           \
  result[(i) * by_out + (uint)(j) % (uint)in * by_in + (uint)(j) / (uint)in * by_tap] = (value)
#else
#define TILED_PARAMS AG_STORE_PARAMS
#define TERMS        ((long)in * ax.n * ay.n)
#define NCOLUMNS     PIXELS
/* The pixels of this item's columns of B, and its next term. */
#define B_STATE                                                                                    \
  int x0[LOAD_B], y0[LOAD_B], c = me % STEP, ix = 0, iy = 0;                                       \
  long row0[LOAD_B];                                                                               \
  EACH(s, LOAD_B) {                                                                                \
    const long j = min(j0 + me / STEP + s * (ITEMS / STEP), columns - 1);                          \
    PLACE(j)                                                                                       \
    x0[s] = mul0 * jx + ax.at, y0[s] = mul1 * jy + ay.at, row0[s] = n * in1;                       \
  }                                                                                                \
  NEXT_TERM(0)                                                                                     \
  x += x_at + group * in;
#define NEXT_TERM(step)                                                                            \
  for (c += step; c >= in; c -= in)                                                                \
    if (++ix == ax.n) ix = 0, iy++;
#define B_PLACE(s) (me % STEP * LINE_B + me / STEP + (s) * (ITEMS / STEP))
#define B_FETCH                                                                                    \
  EACH(s, LOAD_B) {                                                                                \
    const int px = x0[s] + ax.by * ix, py = y0[s] + ay.by * iy;                                    \
    next_b[s] = ahead + me % STEP < last && INSIDE(px, in0) && INSIDE(py, in1)                     \
                    ? x[((row0[s] + py) * in0 + px) * pitch + c]                                   \
                    : 0;                                                                           \
  }                                                                                                \
  NEXT_TERM(STEP)
#define PUT(i, j, value)                                                                           \
  do {                                                                                             \
    PLACE(j)                                                                                       \
    ag_store(group * out + (i), NUMBER(j), out * groups, value, AG_STORE_ARGS);                    \
  } while (0)
#endif

/* Rows of item (mx, my) are runs of RUN at mx * RUN, (SIDE_M + mx) * RUN, ..., columns likewise,
 * so that neighbours read and write neighbours. While a step is computed, the next one is on its
 * way to registers. */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
ag_conv_tiled(TILED_PARAMS, __global const real *a, long a_at, long a_group, long a_col,
              __global const real *x, long x_at, WINDOW) {
  __local real as[2][STEP * LINE_A] __attribute__((aligned(32)));
  __local real bs[2][STEP * LINE_B] __attribute__((aligned(32)));
  AXES
  const int me = get_local_id(0), mx = me % SIDE_M, my = me / SIDE_M;
  const long columns = NCOLUMNS, pitch = in * groups;
  if (columns == 0) return; /* a phase without pixels, or, below, with fewer than the first */
  const uint tiles_m = (out + TILE_M - 1) / TILE_M, tiles_n = (columns + TILE_N - 1) / TILE_N,
             tile = get_group_id(0), group = tile / tiles_m / tiles_n % (uint)groups;
  const long i0 = tile % tiles_m * TILE_M, j0 = tile / tiles_m % tiles_n * TILE_N;
#if OF_WEIGHT
  const long part = tile / tiles_m / tiles_n / (uint)groups, first = part * per,
             last = min(first + per, TERMS);
  result += result_at + part * count + group * by_group;
#else
  const long first = 0, last = TERMS;
  if (tile >= tiles_m * tiles_n * groups) return;
#endif
  a += a_at + group * (a_group ? a_group : TERMS * out) + min(i0 + me % TILE_M, out - 1);
  B_STATE
  real next_a[LOAD_A], next_b[LOAD_B], acc[ITEM_N][ITEM_M];
  EACH(s, ITEM_N) EACH(r, ITEM_M) acc[s][r] = 0;
  int at = 0;
  for (long l = first - STEP; l < last; l += STEP) {
    const long ahead = l + STEP; /* the step that is loaded */
    if (ahead < last) {
      EACH(s, LOAD_A) {
        const long term = ahead + me / TILE_M + s * (ITEMS / TILE_M);
        next_a[s] = term < last ? a[term * a_col] : 0;
      }
      B_FETCH
    }
    if (l >= first) {
      __local const real *ax0 = as[at] + mx * RUN, *by0 = bs[at] + my * RUN;
      EACH(d, STEP) {
        real u[ITEM_M], v[ITEM_N];
        EACH(r, ITEM_M / RUN) GET_RUN(u + r * RUN, ax0 + d * LINE_A + r * RUN * SIDE_M);
        EACH(s, ITEM_N / RUN) GET_RUN(v + s * RUN, by0 + d * LINE_B + s * RUN * SIDE_N);
        EACH(s, ITEM_N) EACH(r, ITEM_M) acc[s][r] += u[r] * v[s];
      }
    }
    at ^= 1;
    if (ahead < last) {
      EACH(s, LOAD_A)
      as[at][(me / TILE_M + s * (ITEMS / TILE_M)) * LINE_A + me % TILE_M] = next_a[s];
      EACH(s, LOAD_B) bs[at][B_PLACE(s)] = next_b[s];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
#define ROW_AT(r)    (i0 + ((r) / RUN * SIDE_M + mx) * RUN + (r) % RUN)
#define COLUMN_AT(s) (j0 + ((s) / RUN * SIDE_N + my) * RUN + (s) % RUN)
#if ONCE
  real mine[ITEM_M * ITEM_N];
  EACH(s, ITEM_N) EACH(r, ITEM_M) mine[s * ITEM_M + r] = acc[s][r];
#pragma unroll 1
  for (int e = 0; e < ITEM_M * ITEM_N; e++) {
    const long row = ROW_AT(e % ITEM_M), col = COLUMN_AT(e / ITEM_M);
    if (row < out && col < columns) PUT(row, col, mine[e]);
  }
#else
  EACH(s, ITEM_N) EACH(r, ITEM_M) {
    if (ROW_AT(r) < out && COLUMN_AT(s) < columns) PUT(ROW_AT(r), COLUMN_AT(s), acc[s][r]);
  }
#endif
}
