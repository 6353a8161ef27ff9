/* The tile of a convolution for one type, within host_micro_real.h's text: as a tile of a product,
 * but with the terms of its sum in runs, each from a place of its own in A and B. `depth`: B has a
 * row for each of A's, as channels that are not mixed. */
MICRO_INLINE void FN(conv_step)(VEC acc[MICRO_MV][MICRO_NR], const int mv, const int nv,
                                const int part, const int depth, int r, const REAL *a, int64_t lda,
                                const REAL *b, int64_t cs_b) {
  if (!depth) {
    FN(step)(acc, mv, nv, part, r, a, lda, b, b + 4 * cs_b, cs_b);
    return;
  }
  VEC x = part ? (VEC)PART_LOAD(a, r) : GET(a);
  MICRO_UNROLL
  for (int j = 0; j < nv; j++)
    acc[0][j] = FMA(x, part ? (VEC)PART_LOAD(b + j * cs_b, r) : GET(b + j * cs_b), acc[0][j]);
}

MICRO_INLINE void FN(conv_tile)(const int mv, const int nv, const int part, const int depth, int r,
                                const ag_conv_sum *s, const REAL *a, const REAL *b, REAL *c) {
  VEC acc[MICRO_MV][MICRO_NR];
  MICRO_UNROLL
  for (int j = 0; j < nv; j++) {
    MICRO_UNROLL
    for (int v = 0; v < mv; v++) acc[v][j] = (VEC){0};
  }
  for (const ag_conv_run *run = s->run; run < s->run + s->runs; run++) {
    const REAL *p = a + run->a, *q = b + run->b;
    int64_t l = run->n;
    for (; l >= 4; l -= 4) {
      MICRO_UNROLL
      for (int u = 0; u < 4; u++) {
        FN(conv_step)(acc, mv, nv, part, depth, r, p, s->lda, q, s->cs_b);
        p += s->lda, q += s->rs_b;
      }
    }
    for (; l > 0; l--) {
      FN(conv_step)(acc, mv, nv, part, depth, r, p, s->lda, q, s->cs_b);
      p += s->lda, q += s->rs_b;
    }
  }
  MICRO_UNROLL
  for (int j = 0; j < nv; j++) {
    REAL *to = c + j * s->ldc;
    MICRO_UNROLL
    for (int v = 0; v < mv; v++, to += LANES) {
      if (v < mv - 1 || r == LANES) AT(to) = s->add ? GET(to) + acc[v][j] : acc[v][j];
      else PART_STORE(to, r, s->add ? (VEC)PART_LOAD(to, r) + acc[v][j] : acc[v][j]);
    }
  }
}

#define CONV_TILE(nv)                                                                              \
  case nv: FN(conv_tile)(mv, nv, part, depth, r, s, a, b, c); break

/* All columns for rows that fill mv vectors, in tiles of about equal width. */
MICRO_INLINE void FN(conv_columns)(const int mv, const int part, const int depth, int r, int64_t n,
                                   const ag_conv_sum *s, const REAL *a, const REAL *b, REAL *c) {
  while (n > 0) {
    const int64_t tiles = (n + MICRO_NR - 1) / MICRO_NR, width = (n + tiles - 1) / tiles;
    switch (width) {
      CONV_TILE(1);
      CONV_TILE(2);
      CONV_TILE(3);
      CONV_TILE(4);
#if MICRO_NR > 4
      CONV_TILE(5);
      CONV_TILE(6);
#endif
#if MICRO_NR > 6
      CONV_TILE(7);
      CONV_TILE(8);
#endif
    }
    n -= width, b += width * s->cs_b, c += width * s->ldc;
  }
}

#define CONV_ROWS(mv)                                                                              \
  static void FN(conv_rows##mv)(int r, int64_t n, const ag_conv_sum *s, const REAL *a,             \
                                const REAL *b, REAL *c) {                                          \
    if (MICRO_MASKED) FN(conv_columns)(mv, 1, 0, r, n, s, a, b, c);                                \
    else if (r < LANES) FN(conv_columns)(mv, 1, 0, r, n, s, a, b, c);                              \
    else FN(conv_columns)(mv, 0, 0, LANES, n, s, a, b, c);                                         \
  }
CONV_ROWS(1)
CONV_ROWS(2)
#if MICRO_MV > 2
CONV_ROWS(3)
#endif

static void FN(conv)(int64_t m, int64_t n, const ag_conv_sum *s, const REAL *a, const REAL *b,
                     REAL *c) {
  int r = (int)(m % LANES ? m % LANES : LANES);
  if (m <= LANES) FN(conv_rows1)(r, n, s, a, b, c);
#if MICRO_MV > 2
  else if (m > 2 * LANES) FN(conv_rows3)(r, n, s, a, b, c);
#endif
  else FN(conv_rows2)(r, n, s, a, b, c);
}

static void FN(conv_depth)(int64_t m, int64_t n, const ag_conv_sum *s, const REAL *a, const REAL *b,
                           REAL *c) {
  for (; m >= LANES; m -= LANES, a += LANES, b += LANES, c += LANES)
    FN(conv_columns)(1, 0, 1, LANES, n, s, a, b, c);
  if (m > 0) FN(conv_columns)(1, 1, 1, (int)m, n, s, a, b, c);
}

#undef CONV_TILE
#undef CONV_ROWS
