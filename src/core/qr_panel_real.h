/* qr_panel.c's text for one type: REAL, FN(name), TYPE, SQUARES_LEAST, SQUARES_MOST. */

static REAL *FN(a_at)(const ag_qr_panel *p, int64_t i, int64_t j) {
  return (REAL *)p->a + i + j * p->lda;
}
static REAL *FN(v_at)(const ag_qr_panel *p, int64_t i, int64_t j) {
  return (REAL *)p->v + i + j * p->ldv;
}
static REAL *FN(t_at)(const ag_qr_panel *p, int64_t i, int64_t j) {
  return (REAL *)p->t + i + j * p->ldt;
}

/* Neither overflows nor vanishes on the way. */
static double FN(norm)(int64_t n, const REAL *x) {
  REAL squares = 0, most = 0;
  double sum = 0;
  if (n <= 0) return 0;
  ag_isa_get()->FN(dots)(1, 1, n, x, n, x, n, &squares, 1, AG_INTO_SET);
  if (squares >= SQUARES_LEAST && squares <= SQUARES_MOST) return sqrt((double)squares);
  for (int64_t i = 0; i < n; i++) {
    const REAL size = x[i] < 0 ? -x[i] : x[i];
    if (size > most) most = size;
  }
  if (most == 0) return 0;
  for (int64_t i = 0; i < n; i++) {
    const double share = (double)x[i] / (double)most;
    sum += share * share;
  }
  return (double)most * sqrt(sum);
}

static int FN(is_negligible)(const ag_qr_panel *p, int64_t j, double rest) {
  if (p->tol <= 0) return 0;
  const double all = hypot(rest, FN(norm)(p->top + j, FN(a_at)(p, 0, j)));
  return rest < (all == 0 ? 1 : all) * p->tol;
}

/* Makes the reflector of column j from its `n` last elements, whose norm is given. There is none
 * for a single element, nor for zeros. */
static void FN(reflector)(ag_qr_panel *p, int64_t j, int64_t n, double norm) {
  REAL *x = FN(a_at)(p, p->top + j, j), *v = FN(v_at)(p, 0, j);
  memset(v, 0, (size_t)(p->rows - p->top) * sizeof *v);
  p->aux[j] = norm;
  *FN(t_at)(p, j, j) = 0;
  if (n == 1 || norm == 0) return;
  const double s = x[0] < 0 ? -norm : norm;
  const REAL factor = (REAL)(1 / s);
  REAL *u = v + j;
  if (norm > SQUARES_LEAST) /* so that its inverse is a number of full precision */
    for (int64_t i = 1; i < n; i++) u[i] = x[i] = x[i] * factor;
  else
    for (int64_t i = 1; i < n; i++) u[i] = x[i] = (REAL)(x[i] / s);
  u[0] = (REAL)(1 + x[0] / s);
  p->aux[j] = u[0];
  *FN(t_at)(p, j, j) = 1 / u[0];
  x[0] = (REAL)-s;
}

/* Reflector j applied to columns j + 1, ..., b - 1. */
static void FN(reflect)(ag_qr_panel *p, int64_t j, int64_t b, int64_t n) {
  const ag_isa *isa = ag_isa_get();
  const REAL *u = FN(v_at)(p, j, j);
  REAL *c = FN(a_at)(p, p->top + j, j + 1), *share = p->work;
  const int64_t cols = b - j - 1;
  const int strip = isa->FN(mr);
  if (cols == 0 || *FN(t_at)(p, j, j) == 0) return;
  isa->FN(dots)(cols, 1, n, c, p->lda, u, n, share, cols, AG_INTO_SET);
  for (int64_t k = 0; k < cols; k++) share[k] /= u[0];
  for (int64_t i = 0; i < n; i += strip)
    isa->FN(micro)(n - i < strip ? (int)(n - i) : strip, cols, 1, u + i, n, share, cols, 1, c + i,
                   p->lda, AG_INTO_SUB);
}

/* Column j of T, for columns a, a + 1, ...: -T V' u / u_0 above the diagonal. */
static void FN(extend)(ag_qr_panel *p, int64_t a, int64_t j, int64_t n) {
  const int64_t k = j - a;
  const REAL tau = *FN(t_at)(p, j, j);
  REAL *to = FN(t_at)(p, a, j), *inner = p->work;
  if (k == 0) return;
  ag_isa_get()->FN(dots)(k, 1, n, FN(v_at)(p, j, a), p->ldv, FN(v_at)(p, j, j), n, inner, k,
                         AG_INTO_SET);
  for (int64_t i = 0; i < k; i++) {
    REAL sum = 0;
    for (int64_t l = i; l < k; l++) sum += *FN(t_at)(p, a + i, a + l) * inner[l];
    to[i] = -tau * sum;
  }
}

/* Columns a, ..., b - 1, one by one; ends before a negligible one. How many were done. */
static int64_t FN(leaf)(ag_qr_panel *p, int64_t a, int64_t b) {
  for (int64_t j = a; j < b; j++) {
    const int64_t n = p->rows - p->top - j;
    const double norm = FN(norm)(n, FN(a_at)(p, p->top + j, j));
    if (FN(is_negligible)(p, j, norm)) return j - a;
    FN(reflector)(p, j, n, norm);
    FN(extend)(p, a, j, n);
    FN(reflect)(p, j, b, n);
  }
  return b - a;
}

static ag_status FN(multiply)(ag_into into, int64_t m, int64_t n, int64_t k, const REAL *a,
                              int64_t lda, int ta, const REAL *b, int64_t ldb, REAL *c,
                              int64_t ldc) {
  const ag_gemm g = {.type = TYPE,
                     .m = m,
                     .n = n,
                     .k = k,
                     .a = a,
                     .rs_a = ta ? lda : 1,
                     .cs_a = ta ? 1 : lda,
                     .b = b,
                     .rs_b = 1,
                     .cs_b = ldb,
                     .c = c,
                     .ldc = ldc,
                     .into = into};
  return ag_host_gemm(&g);
}

/* The product of reflectors a, ..., b - 1, transposed, applied to columns from, ..., to - 1. */
static ag_status FN(apply)(ag_qr_panel *p, int64_t a, int64_t b, int64_t from, int64_t to) {
  const int64_t k = b - a, cols = to - from, n = p->rows - p->top - a;
  const REAL *v = FN(v_at)(p, a, a);
  REAL *c = FN(a_at)(p, p->top + a, from), *w = p->work, *tw = w + p->cols * p->cols;
  if (k == 0 || cols == 0) return AG_OK;
  AG_TRY(FN(multiply)(AG_INTO_SET, k, cols, n, v, p->ldv, 1, c, p->lda, w, k));
  AG_TRY(FN(multiply)(AG_INTO_SET, k, cols, k, FN(t_at)(p, a, a), p->ldt, 1, w, k, tw, k));
  return FN(multiply)(AG_INTO_SUB, n, cols, k, v, p->ldv, 0, tw, k, c, p->lda);
}

/* T of columns a, ..., b - 1 from those of a, ..., m - 1 and of m, ..., b - 1: between them stands
 * -T1 V1' V2 T2. */
static ag_status FN(join)(ag_qr_panel *p, int64_t a, int64_t m, int64_t b) {
  const int64_t k1 = m - a, k2 = b - m, n = p->rows - p->top - m;
  REAL *w = p->work, *w2 = w + p->cols * p->cols, *t = FN(t_at)(p, a, m);
  if (k1 == 0 || k2 == 0) return AG_OK;
  AG_TRY(FN(multiply)(AG_INTO_SET, k1, k2, n, FN(v_at)(p, m, a), p->ldv, 1, FN(v_at)(p, m, m),
                      p->ldv, w, k1));
  AG_TRY(FN(multiply)(AG_INTO_SET, k1, k2, k2, w, k1, 0, FN(t_at)(p, m, m), p->ldt, w2, k1));
  for (int64_t j = 0; j < k2; j++) memset(t + j * p->ldt, 0, (size_t)k1 * sizeof *t);
  return FN(multiply)(AG_INTO_SUB, k1, k2, k1, FN(t_at)(p, a, a), p->ldt, 0, w2, k1, t, p->ldt);
}

/* Columns a, ..., b - 1; ends before a negligible one. What was done is applied to all of them. */
static ag_status FN(factor)(ag_qr_panel *p, int64_t a, int64_t b, int64_t *made) {
  int64_t left, right;
  if (b - a <= LEAF) {
    *made = FN(leaf)(p, a, b);
    return AG_OK;
  }
  const int64_t m = a + ((b - a) / 2 + LEAF - 1) / LEAF * LEAF;
  AG_TRY(FN(factor)(p, a, m, &left));
  AG_TRY(FN(apply)(p, a, a + left, m, b));
  *made = left;
  if (a + left < m) return AG_OK;
  AG_TRY(FN(factor)(p, m, b, &right));
  *made = left + right;
  return FN(join)(p, a, m, m + right);
}

/* Column j becomes the last one. */
static void FN(cycle)(ag_qr_panel *p, int64_t j) {
  const int64_t last = p->cols - 1;
  const int32_t pivot = p->pivot[j];
  memmove(p->pivot + j, p->pivot + j + 1, (size_t)(last - j) * sizeof pivot);
  p->pivot[last] = pivot;
  for (int64_t l = j; l < last; l++) {
    REAL *x = FN(a_at)(p, 0, l), *y = FN(a_at)(p, 0, l + 1);
    for (int64_t i = 0; i < p->rows; i++) {
      const REAL swapped = x[i];
      x[i] = y[i], y[i] = swapped;
    }
  }
}

static ag_status FN(panel)(ag_qr_panel *p, int64_t *made) {
  int64_t done = 0, good = p->cols, more;
  for (int64_t j = 0; j < p->cols; j++)
    memset(FN(t_at)(p, 0, j), 0, (size_t)p->cols * sizeof(REAL));
  while (done < good) {
    AG_TRY(FN(factor)(p, done, good, &more));
    AG_TRY(FN(apply)(p, done, done + more, good, p->cols)); /* the negligible ones so far */
    AG_TRY(FN(join)(p, 0, done, done + more));
    done += more;
    if (done < good) FN(cycle)(p, done), good--;
  }
  *made = done;
  return AG_OK;
}

#undef REAL
#undef FN
#undef TYPE
#undef SQUARES_LEAST
#undef SQUARES_MOST
