/* bidiag.c's text for one type: REAL, FN(name).
 *
 * A panel of `nb` columns and rows of the trailing matrix A (m x n) is reduced; A itself stays as
 * it is meanwhile. What it would be by now is A - L R', where columns 2j and 2j + 1 of L (m x 2 nb)
 * are u_j and x_j, those of R (n x 2 nb) y_j and v_j: u and v are the reflectors' vectors, and
 *
 *   y_j = tau A_now' u_j,   x_j = tau A_now v_j.
 *
 * Half of all work is these two products. v_j is a row of A minus y_j, scaled and with another
 * first element, so both are computed while a few columns of A pass through the cache once (Howell
 * et al. 2008, "Cache efficient bidiagonalization using BLAS 2.5 operators"): a pass over columns,
 * and then one over rows, which gives x_j and the next column to reduce. */

typedef struct {
  int64_t m, n, i; /* step i */
  const REAL *a;   /* A, where the CPU can reach it; else NULL: products come from the device */
  int64_t lda;
  const REAL *col, *row; /* the first nb + 1 columns, the first nb rows */
  int64_t ld_col, ld_row;
  REAL *l, *r;
  REAL *coef; /* 2 nb: L' u */
  REAL *v;    /* n: the row to reduce */
  REAL *w;    /* m for each worker: A times that row, of the columns it saw; zero between */
  REAL *sums; /* for each worker, stride SUMS: R' v or L' u; the square of the norm */
  double tau;
  double beta, scale; /* of the row: its first element becomes beta; scale = 1 / (first - beta) */
  int64_t step;       /* columns or rows that are a task */
  int next;           /* whether there is another column to reduce */
  const ag_isa *isa;
} FN(panel);

#define SUMS (2 * AG_BIDIAG_PANEL + 16)
#define NORM (2 * AG_BIDIAG_PANEL)

/* y = (+=, -=) A x; x has a stride */
static void FN(times)(const ag_isa *isa, int64_t rows, int64_t cols, const REAL *a, int64_t lda,
                      const REAL *x, int64_t stride, REAL *y, ag_into into) {
  const int64_t mr = isa->FN(mr);
  if (cols == 0) return;
  for (int64_t i = 0; i < rows; i += mr)
    isa->FN(micro)((int)(rows - i < mr ? rows - i : mr), 1, cols, a + i, lda, x, stride, 0, y + i,
                   rows, into);
}

/* y = (+=) A' x */
static void FN(dots)(const ag_isa *isa, int64_t rows, int64_t cols, const REAL *a, int64_t lda,
                     const REAL *x, REAL *y, ag_into into) {
  if (cols > 0) isa->FN(dots)(cols, 1, rows, a, lda, x, 0, y, cols, into);
}

static REAL FN(square)(const ag_isa *isa, int64_t n, const REAL *x) {
  REAL sum = 0;
  if (n > 0) isa->FN(dots)(1, 1, n, x, n, x, n, &sum, 1, AG_INTO_SET);
  return sum;
}

/* For columns j, ... of A: y, the row to reduce, and what they add to A times that row. */
static void FN(columns_task)(void *ctx, int task, int worker) {
  FN(panel) *p = ctx;
  const int64_t i = p->i, k = 2 * i, j = i + 1 + task * p->step,
                cols = p->n - j < p->step ? p->n - j : p->step;
  REAL *y = p->r + j + k * p->n, *v = p->v + j, *sums = p->sums + worker * SUMS;
  const REAL *u = p->l + i + k * p->m, *r = p->r + j;
  if (p->a) FN(dots)(p->isa, p->m - i, cols, p->a + i + j * p->lda, p->lda, u, y, AG_INTO_SET);
  FN(times)(p->isa, cols, k, r, p->n, p->coef, 1, y, AG_INTO_SUB);
  for (int64_t c = 0; c < cols; c++) {
    y[c] *= (REAL)p->tau;
    v[c] = p->row[i + (j + c) * p->ld_row] - y[c];
  }
  FN(times)(p->isa, cols, k, r, p->n, p->l + i, p->m, v, AG_INTO_SUB);
  FN(dots)(p->isa, cols, k + 1, r, p->n, v, sums, AG_INTO_ADD);
  const int64_t first = task == 0; /* the first element is no part of the norm */
  sums[NORM] += FN(square)(p->isa, cols - first, v + first);
  if (p->a) FN(times)
  (p->isa, p->m - i - 1, cols, p->a + i + 1 + j * p->lda, p->lda, v, 1,
   p->w + worker * p->m + i + 1, AG_INTO_ADD);
}

/* For rows of A: x, and the next column. coef holds R' v. */
static void FN(rows_task)(void *ctx, int task, int worker) {
  FN(panel) *p = ctx;
  const int64_t i = p->i + 1, k = 2 * i, at = i + task * p->step,
                rows = p->m - at < p->step ? p->m - at : p->step;
  const REAL *col = p->col + at + i * p->ld_col, *l = p->l + at;
  REAL *x = p->l + at + (k - 1) * p->m, *a = p->l + at + k * p->m, *sums = p->sums + worker * SUMS;
  for (int64_t r = 0; r < rows; r++) x[r] = -(REAL)p->beta * col[r];
  for (int t = 0; t < ag_threads(); t++) {
    REAL *w = p->w + t * p->m + at;
    for (int64_t r = 0; r < rows; r++) x[r] += w[r], w[r] = 0;
  }
  for (int64_t r = 0; r < rows; r++) x[r] *= (REAL)p->scale;
  FN(times)(p->isa, rows, k - 1, l, p->m, p->coef, 1, x, AG_INTO_SUB);
  for (int64_t r = 0; r < rows; r++) x[r] *= (REAL)p->tau;
  if (!p->next) return;
  memcpy(a, col, (size_t)rows * sizeof *a);
  FN(times)(p->isa, rows, k, l, p->m, p->r + i, p->n, a, AG_INTO_SUB);
  FN(dots)(p->isa, rows, k, l, p->m, a, sums, AG_INTO_ADD);
  const int64_t first = task == 0;
  sums[NORM] += FN(square)(p->isa, rows - first, a + first);
}

/* The workers' sums together, k of them and the norm's; they are zero afterwards. */
static double FN(collect)(FN(panel) * p, int64_t k, REAL *to) {
  double norm = 0;
  for (int64_t c = 0; c < k; c++) to[c] = 0;
  for (int t = 0; t < ag_threads(); t++) {
    REAL *sums = p->sums + t * SUMS;
    for (int64_t c = 0; c < k; c++) to[c] += sums[c];
    norm += (double)sums[NORM];
    memset(sums, 0, SUMS * sizeof *sums);
  }
  return norm;
}

/* The reflector that takes x (n elements; `rest` the squares of all but the first) to beta e1. x
 * becomes its vector, whose first element is 1. Returns 1 / (x[0] - beta), or 0 where tau is 0. */
static double FN(reflector)(int64_t n, REAL *x, double rest, double *beta, double *tau) {
  const double first = (double)x[0];
  x[0] = 1;
  if (!(rest > (sizeof(REAL) == 4 ? 1e-32 : 1e-280))) {
    memset(x + 1, 0, (size_t)(n - 1) * sizeof *x);
    *tau = 0, *beta = first;
    return 0;
  }
  *beta = -copysign(sqrt(first * first + rest), first);
  *tau = (*beta - first) / *beta;
  const double scale = 1 / (first - *beta);
  for (int64_t i = 1; i < n; i++) x[i] *= (REAL)scale;
  return scale;
}

/* From the sums S' x to those with the reflector's vector: (S' x - beta S[0, ]) * scale; s0 has a
 * stride. */
static void FN(scale_sums)(int64_t k, REAL *sums, const REAL *s0, int64_t stride, double beta,
                           double scale) {
  for (int64_t c = 0; c < k; c++)
    sums[c] = (REAL)(((double)sums[c] - beta * (double)s0[c * stride]) * scale);
}

/* Column i of the panel stands in L and becomes the reflector. */
static void FN(reduce_column)(FN(panel) * p, double *d, double *tau) {
  const int64_t i = p->i, k = 2 * i;
  REAL *u = p->l + i + k * p->m;
  const double norm = FN(collect)(p, k, p->coef);
  const double scale = FN(reflector)(p->m - i, u, norm, d, tau);
  FN(scale_sums)(k, p->coef, p->l + i, p->m, *d, scale);
  p->tau = *tau;
}

static void FN(reduce_row)(FN(panel) * p, double *e, double *tau) {
  const int64_t i = p->i, k = 2 * i + 1;
  REAL *v = p->r + i + 1 + k * p->n;
  const double norm = FN(collect)(p, k, p->coef);
  memcpy(v, p->v + i + 1, (size_t)(p->n - i - 1) * sizeof *v);
  p->scale = FN(reflector)(p->n - i - 1, v, norm, e, tau);
  FN(scale_sums)(k, p->coef, p->r + i + 1, p->n, *e, p->scale);
  p->beta = *e, p->tau = *tau;
}

/* Tasks of about `bytes` of the `line` elements long columns (or rows), for all threads if they are
 * worth it. */
static int FN(tasks)(FN(panel) * p, int64_t count, int64_t line, int64_t bytes, int64_t multiple) {
  const int64_t work = count * line;
  int64_t step = bytes / (line * (int64_t)sizeof(REAL)) / multiple * multiple;
  if (step < multiple) step = multiple;
  if (work < 8192) step = count;
  else
    while (step > multiple && (count + step - 1) / step < 2 * ag_threads()) step -= multiple;
  p->step = step > 0 ? step : 1;
  return (int)((count + p->step - 1) / p->step);
}

/* The first column comes as it is. */
static void FN(begin)(FN(panel) * p) {
  memcpy(p->l, p->col, (size_t)p->m * sizeof *p->l);
  p->sums[NORM] = FN(square)(p->isa, p->m - 1, p->l + 1);
}

#define PASS_BYTES 262144
static void FN(pass_columns)(FN(panel) * p) {
  ag_parallel(FN(tasks)(p, p->n - p->i - 1, p->m - p->i, PASS_BYTES, 8), FN(columns_task), p);
}
static void FN(pass_rows)(FN(panel) * p) {
  ag_parallel(FN(tasks)(p, p->m - p->i - 1, 2 * p->i + 2, 131072, 64), FN(rows_task), p);
}

/* Column `number` of each pair in L (R) to a matrix: elements above `first` + j are zero. */
static void FN(save)(int64_t rows, int64_t nb, const REAL *pairs, int number, int64_t first,
                     REAL *to, int64_t ld) {
  for (int64_t j = 0; j < nb; j++) {
    const int64_t zeros = first + j < rows ? first + j : rows;
    memset(to + j * ld, 0, (size_t)zeros * sizeof *to);
    memcpy(to + j * ld + zeros, pairs + (2 * j + number) * rows + zeros,
           (size_t)(rows - zeros) * sizeof *to);
  }
}

/* -- where A is -------------------------------------------------------------------------------- */

/* The steps of a panel. On a device the CPU cannot reach, A stays there: only vectors travel. */
static ag_status FN(reduce_panel)(FN(panel) * p, far *f, const ag_block *a, int64_t nb, double *d,
                                  double *e, double *tau_q, double *tau_p) {
  FN(begin)(p);
  for (p->i = 0; p->i < nb; p->i++) {
    const int64_t i = p->i, rows = p->m - i, cols = p->n - i - 1;
    FN(reduce_column)(p, d + i, tau_q + i);
    if (cols == 0) break;
    const ag_block right = ag_block_part(a, i, rows, i + 1, cols),
                   below = ag_block_part(a, i + 1, rows - 1, i + 1, cols);
    if (f) AG_TRY(far_times(f, &right, 1, p->l + i + 2 * i * p->m, p->r + i + 1 + 2 * i * p->n));
    FN(pass_columns)(p);
    if (f) AG_TRY(far_times(f, &below, 0, p->v + i + 1, p->w + i + 1));
    FN(reduce_row)(p, e + i, tau_p + i);
    p->next = i + 1 < nb;
    FN(pass_rows)(p);
  }
  return AG_OK;
}

/* A -= L R' below and to the right of the panel; the reflectors go to q and p. */
static ag_status FN(finish_panel)(const FN(panel) * s, far *f, const ag_bidiag *b,
                                  const ag_block *a, int64_t at, int64_t nb) {
  const ag_block q = ag_block_part(a, 0, s->m, 0, nb), p = ag_block_part(&b->p, at, s->n, at, nb);
  ag_block rest = ag_block_part(a, nb, s->m - nb, nb, s->n - nb), l, r;
  if (f) {
    l = ag_block_part(&f->l, 0, s->m - nb, 0, 2 * nb),
    r = ag_block_part(&f->r, 0, s->n - nb, 0, 2 * nb);
    l.ld = l.rows, r.ld = r.rows;
    if (rest.cols > 0) {
      AG_TRY(ag_block_write(&l, s->l + nb, s->m));
      AG_TRY(ag_block_write(&r, s->r + nb, s->n));
      AG_TRY(ag_block_gemm(AG_INTO_SUB, &rest, &l, 0, &r, 1));
    }
    FN(save)(s->m, nb, s->l, 0, 0, f->copy, s->m);
    AG_TRY(ag_block_write(&q, f->copy, s->m));
    FN(save)(s->n, nb, s->r, 1, 1, f->copy, s->n);
    return ag_block_write(&p, f->copy, s->n);
  }
  FN(save)(s->m, nb, s->l, 0, 0, ag_block_host(&q), q.ld);
  FN(save)(s->n, nb, s->r, 1, 1, ag_block_host(&p), p.ld);
  const ag_gemm g = {.type = a->type,
                     .m = rest.rows,
                     .n = rest.cols,
                     .k = 2 * nb,
                     .a = s->l + nb,
                     .rs_a = 1,
                     .cs_a = s->m,
                     .b = s->r + nb,
                     .rs_b = s->n,
                     .cs_b = 1,
                     .c = ag_block_host(&rest),
                     .ldc = rest.ld,
                     .into = AG_INTO_SUB};
  return ag_host_gemm(&g);
}

/* Where the panel's rows and columns are read: in A, or in copies. */
static ag_status FN(look)(FN(panel) * s, far *f, const ag_block *a, int64_t nb) {
  s->a = s->col = s->row = ag_block_host(a);
  s->lda = s->ld_col = s->ld_row = a->ld;
  if (!f) return AG_OK;
  const int64_t cols = nb < a->cols ? nb + 1 : nb;
  const ag_block top = ag_block_part(a, 0, nb, 0, a->cols),
                 left = ag_block_part(a, 0, a->rows, 0, cols);
  s->col = f->copy, s->ld_col = a->rows;
  s->row = (REAL *)f->copy + a->rows * cols, s->ld_row = nb;
  AG_TRY(ag_block_read(&left, f->copy, s->ld_col));
  return ag_block_read(&top, (REAL *)f->copy + a->rows * cols, s->ld_row);
}

static ag_status FN(reduce)(ag_bidiag *b, far *f, const ag_block *a, void *memory) {
  const int64_t m = a->rows, n = a->cols, nb = AG_BIDIAG_PANEL;
  ag_status status = AG_OK;
  FN(panel) s = {.isa = ag_isa_get()};
  char *next = memory;
  s.l = take(&next, m * 2 * nb, sizeof(REAL)), s.r = take(&next, n * 2 * nb, sizeof(REAL));
  s.w = take(&next, m * ag_threads(), sizeof(REAL)), s.v = take(&next, n, sizeof(REAL));
  s.sums = take(&next, SUMS * ag_threads(), sizeof(REAL)), s.coef = take(&next, SUMS, sizeof(REAL));
  for (int64_t at = 0; at < n && status == AG_OK; at += nb) {
    const ag_block rest = ag_block_part(a, at, m - at, at, n - at);
    const int64_t cols = n - at < nb ? n - at : nb;
    if (ag_hook_interrupted && ag_hook_interrupted())
      status = ag_fail(AG_E_INTERRUPT, "interrupted");
    s.m = m - at, s.n = n - at;
    if (status == AG_OK) status = FN(look)(&s, f, &rest, cols);
    if (status == AG_OK)
      status =
          FN(reduce_panel)(&s, f, &rest, cols, b->d + at, b->e + at, b->tau_q + at, b->tau_p + at);
    if (status == AG_OK) status = FN(finish_panel)(&s, f, b, &rest, at, cols);
  }
  return status;
}
#undef SUMS
#undef NORM
#undef PASS_BYTES
