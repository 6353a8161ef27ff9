/* host_panel.h's text for one type: REAL, FN(name). */
#define VEC    FN(vec)
#define LANES  ((int)(VBYTES / sizeof(REAL)))
#define AT(p)  (*(FN(mem) *)(p))
#define GET(p) ((VEC) * (const FN(mem) *)(p))

/* -- triangular solves --------------------------------------------------------------------------
 * x_j = (x_j - sum of T(j, l) x_l over l < j) / T(j, j) for vectors x_j along x + j*ldx. */
MICRO_INLINE void FN(tri_run)(const int divide, int vectors, int n, const REAL *t, int64_t rs,
                              int64_t cs, const REAL *d, int64_t ds, REAL *x, int64_t ldx) {
  for (int v = 0; v < vectors; v++, x += LANES) {
    VEC r[AG_TRI];
    MICRO_UNROLL
    for (int j = 0; j < AG_TRI; j++) {
      if (j >= n) break;
      r[j] = GET(x + j * ldx);
      MICRO_UNROLL
      for (int l = 0; l < j; l++) r[j] -= (t[j * rs + l * cs] - (VEC){0}) * r[l];
      if (divide) r[j] /= d[j * ds] - (VEC){0};
      else r[j] *= d[j * ds] - (VEC){0};
      AT(x + j * ldx) = r[j];
    }
  }
}

static void FN(tri)(int m, int n, const REAL *t, int64_t rs, int64_t cs, const REAL *d, int64_t ds,
                    int divide, REAL *x, int64_t ldx) {
  const int vectors = (m + LANES - 1) / LANES;
  if (divide) FN(tri_run)(1, vectors, n, t, rs, cs, d, ds, x, ldx);
  else if (n == AG_TRI) FN(tri_run)(0, vectors, AG_TRI, t, rs, cs, d, ds, x, ldx);
  else FN(tri_run)(0, vectors, n, t, rs, cs, d, ds, x, ldx);
}

/* -- LU of a narrow panel ---------------------------------------------------------------------- */
MICRO_INLINE REAL FN(magnitude)(REAL x) { return x < 0 ? -x : x; }

/* The row of the largest magnitude, the first of equals; NaN is none, unless nothing else is. */
static int64_t FN(lu_pivot)(int64_t m, const REAL *x) {
  REAL most = 0, part[4 * LANES] = {0};
  int64_t i = 0;
  for (; i + 4 * LANES <= m; i += 4 * LANES)
    for (int l = 0; l < 4 * LANES; l++) {
      const REAL v = FN(magnitude)(x[i + l]);
      part[l] = v > part[l] ? v : part[l];
    }
  for (; i < m; i++) most = FN(magnitude)(x[i]) > most ? FN(magnitude)(x[i]) : most;
  for (int l = 0; l < 4 * LANES; l++) most = part[l] > most ? part[l] : most;
  for (i = 0; i < m; i++)
    if (FN(magnitude)(x[i]) == most) return i;
  return 0;
}

static void FN(lu_swap)(int n, REAL *a, int64_t lda, int64_t i, int64_t p) {
  for (int j = 0; j < n && i != p; j++) {
    REAL t = a[i + j * lda];
    a[i + j * lda] = a[p + j * lda];
    a[p + j * lda] = t;
  }
}

/* Column x below the pivot becomes multipliers; a reciprocal that overflows is not used. */
static void FN(lu_scale)(int64_t m, REAL *x, REAL pivot) {
  const REAL r = 1 / pivot;
  if (FN(magnitude)(pivot) >= (REAL)PANEL_LEAST(REAL))
    for (int64_t i = 0; i < m; i++) x[i] *= r;
  else
    for (int64_t i = 0; i < m; i++) x[i] /= pivot;
}

/* y -= x u for nc columns y, at most 4 at a time. */
MICRO_INLINE void FN(lu_axpy)(const int nc, int64_t m, const REAL *x, const REAL *u, int64_t ldu,
                              REAL *y, int64_t ldy) {
  int64_t i = 0;
  VEC f[4];
  MICRO_UNROLL
  for (int c = 0; c < nc; c++) f[c] = u[c * ldu] - (VEC){0};
  for (; i + LANES <= m; i += LANES) {
    VEC v = GET(x + i);
    MICRO_UNROLL
    for (int c = 0; c < nc; c++) AT(y + c * ldy + i) = GET(y + c * ldy + i) - v * f[c];
  }
  for (; i < m; i++)
    for (int c = 0; c < nc; c++) y[c * ldy + i] -= x[i] * u[c * ldu];
}

static void FN(lu_update)(int64_t m, int n, const REAL *x, const REAL *u, int64_t ldu, REAL *y,
                          int64_t ldy) {
  for (; n >= 4; n -= 4, u += 4 * ldu, y += 4 * ldy) FN(lu_axpy)(4, m, x, u, ldu, y, ldy);
  if (n >= 2) {
    FN(lu_axpy)(2, m, x, u, ldu, y, ldy);
    n -= 2, u += 2 * ldu, y += 2 * ldy;
  }
  if (n) FN(lu_axpy)(1, m, x, u, ldu, y, ldy);
}

static int FN(lu_panel)(int64_t m, int n, REAL *a, int64_t lda, int32_t *pivot) {
  int zero = 0;
  for (int j = 0; j < n && j < m; j++) {
    REAL *x = a + j + j * lda;
    const int64_t p = FN(lu_pivot)(m - j, x);
    pivot[j] = (int32_t)(j + p);
    if (x[p] == 0) {
      if (!zero) zero = j + 1;
      continue;
    }
    FN(lu_swap)(n, a, lda, j, j + p);
    FN(lu_scale)(m - j - 1, x + 1, x[0]);
    FN(lu_update)(m - j - 1, n - j - 1, x + 1, x + lda, lda, x + 1 + lda, lda);
  }
  return zero;
}

/* -- Cholesky of a small matrix ------------------------------------------------------------------
 * R' R = A, R over the upper triangle of A. */
static int FN(chol_panel)(int n, REAL *a, int64_t lda) {
  for (int j = 0; j < n; j++) {
    REAL *x = a + j * lda, sum = x[j];
    for (int i = 0; i < j; i++) {
      const REAL *y = a + i * lda;
      REAL s = x[i];
      for (int l = 0; l < i; l++) s -= y[l] * x[l];
      x[i] = s / y[i];
      sum -= x[i] * x[i];
    }
    if (!(sum > 0)) return j + 1;
    x[j] = (REAL)sqrt(sum);
  }
  return 0;
}

#undef REAL
#undef FN
#undef VEC
#undef LANES
#undef AT
#undef GET
