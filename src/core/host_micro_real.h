/* host_micro.h's text for one type: REAL, FN(name), and FMA, PART_LOAD, PART_STORE where there are
 * any. */
typedef REAL FN(vec) __attribute__((vector_size(VBYTES)));
typedef REAL FN(mem) __attribute__((vector_size(VBYTES), aligned(sizeof(REAL)), may_alias));
typedef REAL FN(quarter) __attribute__((vector_size(16)));
typedef REAL FN(qmem) __attribute__((vector_size(16), aligned(sizeof(REAL)), may_alias));
#define VEC    FN(vec)
#define LANES  ((int)(VBYTES / sizeof(REAL)))
#define AT(p)  (*(FN(mem) *)(p))
#define GET(p) ((VEC) * (const FN(mem) *)(p))

#ifndef FMA
#define FMA(a, b, c)        ((c) + (a) * (b))
#define PART_LOAD(p, r)     FN(part_load)(p, r)
#define PART_STORE(p, r, v) FN(part_store)(p, r, v)
MICRO_INLINE VEC FN(part_load)(const REAL *p,
                               int r) { /* r < 4: a loop would become a call of memcpy() */
  VEC v = {p[0]};
  if (r > 1) v[1] = p[1];
#if REAL_IS_FLOAT
  if (r > 2) v[2] = p[2];
#endif
  return v;
}
MICRO_INLINE void FN(part_store)(REAL *p, int r, VEC v) {
  for (int i = 0; i < r; i++) p[i] = v[i];
}
#endif

/* One term of the tile: a column of A by a row of B. */
MICRO_INLINE void FN(step)(VEC acc[MICRO_MV][MICRO_NR], const int mv, const int nv, const int part,
                           int r, const REAL *a, int64_t lda, const REAL *b, const REAL *b4,
                           int64_t cs_b) {
  VEC x[MICRO_MV];
  MICRO_UNROLL
  for (int v = 0; v < mv; v++) __builtin_prefetch(a + MICRO_AHEAD * lda + v * LANES);
  MICRO_UNROLL
  for (int v = 0; v < mv; v++)
    x[v] = part && v == mv - 1 ? (VEC)PART_LOAD(a + v * LANES, r) : GET(a + v * LANES);
  MICRO_UNROLL
  for (int j = 0; j < nv; j++) {
    VEC y = (j < 4 ? b[j * cs_b] : b4[(j - 4) * cs_b]) - (VEC){0};
    MICRO_UNROLL
    for (int v = 0; v < mv; v++) acc[v][j] = FMA(x[v], y, acc[v][j]);
  }
}

/* The tile of mv vectors x nv columns; `r` lanes of the last vector count. mv, nv, part are
 * constants at each call, so that the loops over them disappear and the tile stays in registers. */
MICRO_INLINE void FN(tile)(const int mv, const int nv, const int part, int r, int64_t k,
                           const REAL *a, int64_t lda, const REAL *b, int64_t rs_b, int64_t cs_b,
                           REAL *c, int64_t ldc, int into) {
  VEC acc[MICRO_MV][MICRO_NR];
  const REAL *b4 = b + 4 * cs_b, *soon = c;
  int64_t l = 0;
  MICRO_UNROLL
  for (int j = 0; j < nv; j++) {
    MICRO_UNROLL
    for (int v = 0; v < mv; v++) acc[v][j] = (VEC){0};
  }
  /* C is asked for a column at a time: all at once, it would hold up A and B */
  for (; l < k && soon < c + nv * ldc; soon += ldc) {
    MICRO_UNROLL
    for (int v = 0; v < mv; v++) __builtin_prefetch(soon + v * LANES, 1);
    if (l + 4 > k) continue;
    MICRO_UNROLL
    for (int u = 0; u < 4; u++) {
      FN(step)(acc, mv, nv, part, r, a, lda, b, b4, cs_b);
      a += lda, b += rs_b, b4 += rs_b;
    }
    l += 4;
  }
  for (; l < k; l++) {
    FN(step)(acc, mv, nv, part, r, a, lda, b, b4, cs_b);
    a += lda, b += rs_b, b4 += rs_b;
  }
  MICRO_UNROLL
  for (int j = 0; j < nv; j++) {
    REAL *to = c + j * ldc;
    MICRO_UNROLL
    for (int v = 0; v < mv; v++, to += LANES) {
      VEC x = acc[v][j];
      if (into == AG_INTO_SUB) x = -x;
      if (v < mv - 1 || r == LANES) AT(to) = into == AG_INTO_SET ? x : GET(to) + x;
      else PART_STORE(to, r, into == AG_INTO_SET ? x : (VEC)PART_LOAD(to, r) + x);
    }
  }
}

#define MICRO_ARGS                                                                                 \
  int r, int64_t k, const REAL *a, int64_t lda, const REAL *b, int64_t rs_b, int64_t cs_b,         \
      REAL *c, int64_t ldc, int into
#define MICRO_PASS(n) n, part, r, k, a, lda, b, rs_b, cs_b, c, ldc, into

/* All columns for rows that fill mv vectors. */
MICRO_INLINE void FN(columns)(const int mv, const int part, int64_t n, MICRO_ARGS) {
  for (; n >= MICRO_NR; n -= MICRO_NR, b += MICRO_NR * cs_b, c += MICRO_NR * ldc)
    FN(tile)(mv, MICRO_PASS(MICRO_NR));
  if (MICRO_NR > 4 && n >= 4) {
    FN(tile)(mv, MICRO_PASS(4));
    n -= 4, b += 4 * cs_b, c += 4 * ldc;
  }
  if (n >= 2) {
    FN(tile)(mv, MICRO_PASS(2));
    n -= 2, b += 2 * cs_b, c += 2 * ldc;
  }
  if (n) FN(tile)(mv, MICRO_PASS(1));
}

#define MICRO_ROWS(mv)                                                                             \
  static void FN(rows##mv)(int64_t n, MICRO_ARGS) {                                                \
    if (MICRO_MASKED) FN(columns)(mv, 1, n, r, k, a, lda, b, rs_b, cs_b, c, ldc, into);            \
    else if (r < LANES) FN(columns)(mv, 1, n, r, k, a, lda, b, rs_b, cs_b, c, ldc, into);          \
    else FN(columns)(mv, 0, n, LANES, k, a, lda, b, rs_b, cs_b, c, ldc, into);                     \
  }
MICRO_ROWS(1)
MICRO_ROWS(2)
#if MICRO_MV > 2
MICRO_ROWS(3)
#endif

static void FN(micro)(int m, int64_t n, int64_t k, const REAL *a, int64_t lda, const REAL *b,
                      int64_t rs_b, int64_t cs_b, REAL *c, int64_t ldc, int into) {
  int r = m % LANES ? m % LANES : LANES;
  if (m <= LANES) FN(rows1)(n, r, k, a, lda, b, rs_b, cs_b, c, ldc, into);
#if MICRO_MV > 2
  else if (m > 2 * LANES) FN(rows3)(n, r, k, a, lda, b, rs_b, cs_b, c, ldc, into);
#endif
  else FN(rows2)(n, r, k, a, lda, b, rs_b, cs_b, c, ldc, into);
}

/* ---- dot products ---- */

#define QUARTER    ((int)(16 / sizeof(REAL)))
#define QPUT(p, v) (*(FN(qmem) *)(p) = (v))
#define QGET(p)    (*(const FN(qmem) *)(p))

MICRO_INLINE REAL FN(total)(VEC v) {
  REAL x[LANES];
  AT(x) = v;
  FN(quarter) sum = QGET(x);
  for (int i = 1; i < LANES / QUARTER; i++) sum += QGET(x + i * QUARTER);
  return REAL_IS_FLOAT ? (sum[0] + sum[1]) + (sum[2 % QUARTER] + sum[3 % QUARTER])
                       : sum[0] + sum[1];
}

MICRO_INLINE void FN(dot_rows)(const int rows, int64_t k, const REAL *a, int64_t rs_a,
                               const REAL *b, REAL *c, int into) {
  VEC acc[4];
  int64_t l = 0;
  int r = (int)(k % LANES);
  MICRO_UNROLL
  for (int i = 0; i < rows; i++) acc[i] = (VEC){0};
  for (; l + LANES <= k; l += LANES) {
    VEC y = GET(b + l);
    MICRO_UNROLL
    for (int i = 0; i < rows; i++) acc[i] = FMA(GET(a + i * rs_a + l), y, acc[i]);
  }
  if (r) {
    VEC y = (VEC)PART_LOAD(b + l, r);
    MICRO_UNROLL
    for (int i = 0; i < rows; i++) acc[i] = FMA((VEC)PART_LOAD(a + i * rs_a + l, r), y, acc[i]);
  }
  MICRO_UNROLL
  for (int i = 0; i < rows; i++) {
    REAL x = FN(total)(acc[i]);
    c[i] = into == AG_INTO_SET ? x : into == AG_INTO_ADD ? c[i] + x : c[i] - x;
  }
}

static void FN(dots)(int64_t m, int64_t n, int64_t k, const REAL *a, int64_t rs_a, const REAL *b,
                     int64_t cs_b, REAL *c, int64_t ldc, int into) {
  for (int64_t i = 0; i < m;) {
    int rows = m - i >= 4 ? 4 : 1;
    for (int64_t j = 0; j < n; j++)
      if (rows == 4) FN(dot_rows)(4, k, a + i * rs_a, rs_a, b + j * cs_b, c + i + j * ldc, into);
      else FN(dot_rows)(1, k, a + i * rs_a, rs_a, b + j * cs_b, c + i + j * ldc, into);
    i += rows;
  }
}

/* ---- convolutions ---- */

#include "host_conv_real.h"
#if REAL_IS_FLOAT
#include "host_winograd_real.h"
#endif

/* ---- symmetric matrix times vector ---- */

#define SYMV_COLUMNS (VBYTES == 64 ? 8 : 4)

/* nc columns of the lower triangle, each element used twice: as it is, and mirrored. */
MICRO_INLINE void FN(symv_columns)(const int nc, int64_t n, const REAL *a, int64_t lda,
                                   const REAL *x, REAL *y) {
  VEC acc[SYMV_COLUMNS], xj[SYMV_COLUMNS];
  int64_t i = nc;
  for (int j = 0; j < nc; j++) {
    y[j] += a[j + j * lda] * x[j];
    for (int r = j + 1; r < nc; r++) {
      y[r] += a[r + j * lda] * x[j];
      y[j] += a[r + j * lda] * x[r];
    }
  }
  MICRO_UNROLL
  for (int j = 0; j < nc; j++) acc[j] = (VEC){0}, xj[j] = x[j] - (VEC){0};
  for (; i + LANES <= n; i += LANES) {
    VEC xi = GET(x + i), yi = GET(y + i);
    MICRO_UNROLL
    for (int j = 0; j < nc; j++) {
      VEC aij = GET(a + i + j * lda);
      yi = FMA(aij, xj[j], yi);
      acc[j] = FMA(aij, xi, acc[j]);
    }
    AT(y + i) = yi;
  }
  if (i < n) {
    int r = (int)(n - i);
    VEC xi = (VEC)PART_LOAD(x + i, r), yi = (VEC)PART_LOAD(y + i, r);
    MICRO_UNROLL
    for (int j = 0; j < nc; j++) {
      VEC aij = (VEC)PART_LOAD(a + i + j * lda, r);
      yi = FMA(aij, xj[j], yi);
      acc[j] = FMA(aij, xi, acc[j]);
    }
    PART_STORE(y + i, r, yi);
  }
  MICRO_UNROLL
  for (int j = 0; j < nc; j++) y[j] += FN(total)(acc[j]);
}

static void FN(symv)(int64_t n, int64_t cols, const REAL *a, int64_t lda, const REAL *x, REAL *y) {
  int64_t j = 0;
  for (; j + SYMV_COLUMNS <= cols; j += SYMV_COLUMNS)
    FN(symv_columns)(SYMV_COLUMNS, n - j, a + j * (lda + 1), lda, x + j, y + j);
  for (; j < cols; j++) FN(symv_columns)(1, n - j, a + j * (lda + 1), lda, x + j, y + j);
}

/* ---- packing ---- */

/* Four rows (two of doubles) of x, `ld` apart, become columns of y: 16-byte vectors on every
 * processor. */
MICRO_INLINE void FN(transpose)(const REAL *x, int64_t ld, REAL *y, int width) {
#if REAL_IS_FLOAT
  FN(quarter) a = QGET(x), b = QGET(x + ld), c = QGET(x + 2 * ld), d = QGET(x + 3 * ld);
  FN(quarter)
  ab = MICRO_SHUFFLE(micro_i32, a, b, 0, 4, 1, 5), cd = MICRO_SHUFFLE(micro_i32, c, d, 0, 4, 1, 5);
  QPUT(y, MICRO_SHUFFLE(micro_i32, ab, cd, 0, 1, 4, 5));
  QPUT(y + width, MICRO_SHUFFLE(micro_i32, ab, cd, 2, 3, 6, 7));
  ab = MICRO_SHUFFLE(micro_i32, a, b, 2, 6, 3, 7), cd = MICRO_SHUFFLE(micro_i32, c, d, 2, 6, 3, 7);
  QPUT(y + 2 * width, MICRO_SHUFFLE(micro_i32, ab, cd, 0, 1, 4, 5));
  QPUT(y + 3 * width, MICRO_SHUFFLE(micro_i32, ab, cd, 2, 3, 6, 7));
#else
  FN(quarter) a = QGET(x), b = QGET(x + ld);
  QPUT(y, MICRO_SHUFFLE(micro_i64, a, b, 0, 2));
  QPUT(y + width, MICRO_SHUFFLE(micro_i64, a, b, 1, 3));
#endif
}

static void FN(pack_any)(int m, int64_t k, const REAL *x, int64_t rs, int64_t cs, REAL *y,
                         int width) {
  for (int64_t l = 0; l < k; l++)
    for (int i = 0; i < m; i++) y[l * width + i] = x[i * rs + l * cs];
}

/* Columns are contiguous: whole vectors first. */
static void FN(pack_columns)(int m, int64_t k, const REAL *x, int64_t cs, REAL *y, int width) {
  int whole = m / LANES * LANES;
  for (int64_t l = 0; l < k; l++, x += cs, y += width) {
    for (int i = 0; i < whole; i += LANES) AT(y + i) = GET(x + i);
    for (int i = whole; i < m; i++) y[i] = x[i];
  }
}

/* Rows are contiguous. */
static void FN(pack_rows)(int m, int64_t k, const REAL *x, int64_t rs, REAL *y, int width) {
  int64_t l = 0;
  int whole = m / QUARTER * QUARTER;
  for (; l + QUARTER <= k; l += QUARTER)
    for (int i = 0; i < whole; i += QUARTER)
      FN(transpose)(x + i * rs + l, rs, y + l * width + i, width);
  FN(pack_any)(whole, k - l, x + l, rs, 1, y + l * width, width);
  FN(pack_any)(m - whole, k, x + whole * rs, rs, 1, y + whole, width);
}

static void FN(pack)(int m, int64_t k, const REAL *x, int64_t rs, int64_t cs, REAL *y, int width) {
  if (rs == 1) FN(pack_columns)(m, k, x, cs, y, width);
  else if (cs == 1) FN(pack_rows)(m, k, x, rs, y, width);
  else FN(pack_any)(m, k, x, rs, cs, y, width);
}

#undef REAL
#undef REAL_IS_FLOAT
#undef FN
#undef VEC
#undef LANES
#undef AT
#undef GET
#undef FMA
#undef PART_LOAD
#undef PART_STORE
#undef MICRO_ARGS
#undef MICRO_PASS
#undef MICRO_ROWS
#undef QUARTER
#undef SYMV_COLUMNS
#undef QPUT
#undef QGET
