/* symm_tridiag.c's text for one type: REAL, REAL_TYPE, FN(name), ISA(name). */

typedef struct {
  const ag_isa *isa;
  const ag_block *a;
  REAL *here;    /* the matrix, if it is on the host; else NULL */
  int64_t n, ld; /* of x, y, and columns: ld elements each */
  REAL *x;       /* the panel's V, W, and V again: [V W] and [W V] are two blocks */
  REAL *columns; /* the panel's columns of A, where they are not `here` */
  REAL *y;       /* A v in parts */
  double *d, *e, *tau;
  /* elsewhere than on the host: the same on the device */
  ag_block x_there, v_there, w_there;
  ag_buffer *own[3];
  /* the column that is worked on: number c, the k-th of the panel that begins with `from` */
  int64_t from, c, k;
  int parts;
  int64_t first[TASKS + 1]; /* columns of the parts, from c + 1 */
  REAL vw[2][PANEL];        /* V' v and W' v; then row c + 1 of V and W */
  double scale, add;        /* w = scale * y + add * v */
  double sum[MAX_CHUNK];
  int64_t chunk;
} FN(reduction);

/* Column k of V and of W; column c of the matrix, brought up to date when its turn comes. */
static REAL *FN(v_at)(const FN(reduction) * r, int64_t k) { return r->x + k * r->ld; }
static REAL *FN(w_at)(const FN(reduction) * r, int64_t k) { return r->x + (PANEL + k) * r->ld; }
static REAL *FN(column)(const FN(reduction) * r, int64_t c) {
  return r->here ? r->here + c * r->a->ld : r->columns + (c - r->from) * r->ld;
}

/* y[rows] -= the panel's first k columns, which begin at x, times b. */
static void FN(subtract)(const FN(reduction) * r, int64_t row, int64_t rows, int64_t k,
                         const REAL *x, const REAL *b, REAL *y) {
  int mr = r->ISA(mr);
  for (int64_t i = row; i < row + rows; i += mr)
    r->ISA(micro)((int)min64(mr, row + rows - i), 1, k, x + i, r->ld, b, 1, k, y + i, r->ld,
                  AG_INTO_SUB);
}

/* ---- A v ---- */

static void FN(part_task)(void *ctx, int task, int worker) {
  FN(reduction) *r = ctx;
  const REAL *v = FN(v_at)(r, r->k);
  (void)worker;
  if (task == r->parts) { /* a task of its own: V' v and W' v */
    int64_t at = r->c + 1, m = r->n - at;
    r->ISA(dots)(r->k, 1, m, FN(v_at)(r, 0) + at, r->ld, v + at, m, r->vw[0], PANEL, AG_INTO_SET);
    r->ISA(dots)(r->k, 1, m, FN(w_at)(r, 0) + at, r->ld, v + at, m, r->vw[1], PANEL, AG_INTO_SET);
    return;
  }
  if (!r->here) return;
  int64_t at = r->c + 1 + r->first[task], m = r->n - at;
  REAL *y = r->y + task * r->ld + at;
  memset(y, 0, (size_t)m * sizeof *y);
  r->ISA(symv)(m, r->first[task + 1] - r->first[task], r->here + at * (r->a->ld + 1), r->a->ld,
               v + at, y);
}

static ag_status FN(product_there)(FN(reduction) * r) {
  int64_t at = r->c + 1, m = r->n - at;
  ag_block a = ag_block_part(r->a, at, m, at, m), v = ag_block_part(&r->v_there, at, m, 0, 1),
           w = ag_block_part(&r->w_there, at, m, 0, 1);
  AG_TRY(ag_block_write(&v, FN(v_at)(r, r->k) + at, m));
  AG_TRY(ag_block_gemm(AG_INTO_SET, &w, &a, 1, &v, 0));
  return ag_block_read(&w, r->y + at, m);
}

/* ---- what is linear in n, by chunks of rows ---- */

static int FN(chunks)(FN(reduction) * r) {
  int64_t m = r->n - r->c - 1;
  r->chunk = CHUNK;
  while (r->chunk * MAX_CHUNK < m) r->chunk *= 2;
  if (m <= 2 * r->chunk) r->chunk = m;
  return (int)((m + r->chunk - 1) / r->chunk);
}

/* y = A_now v, in w's place, and the sum of y v. */
static void FN(now_task)(void *ctx, int task, int worker) {
  FN(reduction) *r = ctx;
  int64_t at = r->c + 1, row = at + task * r->chunk, rows = min64(r->chunk, r->n - row);
  const REAL *v = FN(v_at)(r, r->k);
  REAL *w = FN(w_at)(r, r->k);
  double sum = 0;
  (void)worker;
  memcpy(w + row, r->y + row, (size_t)rows * sizeof *w);
  for (int t = 1; t < r->parts; t++) {
    const REAL *y = r->y + t * r->ld;
    int64_t from = at + r->first[t] > row ? at + r->first[t] : row;
    for (int64_t i = from; i < row + rows; i++) w[i] += y[i];
  }
  if (r->k) {
    FN(subtract)(r, row, rows, r->k, FN(v_at)(r, 0), r->vw[1], w);
    FN(subtract)(r, row, rows, r->k, FN(w_at)(r, 0), r->vw[0], w);
  }
  for (int64_t i = row; i < row + rows; i++) sum += (double)w[i] * v[i];
  r->sum[task] = sum;
}

/* Finishes w; brings the next column of the panel up to date. */
static void FN(next_task)(void *ctx, int task, int worker) {
  FN(reduction) *r = ctx;
  int64_t row = r->c + 1 + task * r->chunk, rows = min64(r->chunk, r->n - row);
  const REAL *v = FN(v_at)(r, r->k), scale = (REAL)r->scale, add = (REAL)r->add;
  REAL *w = FN(w_at)(r, r->k);
  (void)worker;
  for (int64_t i = row; i < row + rows; i++) w[i] = scale * w[i] + add * v[i];
  if (r->k + 1 == PANEL) return;
  REAL *a = FN(column)(r, r->c + 1);
  FN(subtract)(r, row, rows, r->k + 1, FN(v_at)(r, 0), r->vw[1], a);
  FN(subtract)(r, row, rows, r->k + 1, FN(w_at)(r, 0), r->vw[0], a);
}

static void FN(find_w)(FN(reduction) * r, double tau) {
  int chunks = FN(chunks)(r);
  double sum = 0;
  ag_parallel(chunks, FN(now_task), r);
  for (int i = 0; i < chunks; i++) sum += r->sum[i];
  r->scale = tau;
  r->add = -tau * tau / 2 * sum;
  int64_t row = r->c + 1;
  for (int64_t l = 0; l <= r->k; l++) {
    r->vw[0][l] = FN(v_at)(r, l)[row];
    r->vw[1][l] = FN(w_at)(r, l)[row];
  }
  r->vw[1][r->k] = (REAL)r->scale * r->vw[1][r->k] + (REAL)r->add * r->vw[0][r->k];
  ag_parallel(chunks, FN(next_task), r);
}

/* ---- a column ---- */

/* v, with (1 - tau v v') x = (e, 0, ...), from the m elements of x; v[0] = 1. */
static void FN(householder)(int64_t m, const REAL *x, REAL *v, double *e, double *tau) {
  double sum = 0, first = x[0];
  for (int64_t i = 1; i < m; i++) sum += (double)x[i] * x[i];
  v[0] = 1;
  *e = first, *tau = 0;
  if (sum > 0) {
    *e = -copysign(hypot(first, sqrt(sum)), first);
    *tau = (*e - first) / *e;
  }
  double scale = sum > 0 ? 1 / (first - *e) : 0;
  for (int64_t i = 1; i < m; i++) v[i] = (REAL)(x[i] * scale);
}

static ag_status FN(reduce_column)(FN(reduction) * r) {
  int64_t c = r->c, m = r->n - c - 1;
  const REAL *a = FN(column)(r, c);
  REAL *v = FN(v_at)(r, r->k);
  r->d[c] = a[c];
  memset(v, 0, (size_t)(c + 1) * sizeof *v);
  if (m == 0) return AG_OK;
  FN(householder)(m, a + c + 1, v + c + 1, &r->e[c], &r->tau[c]);
  r->parts = 1;
  r->first[0] = 0;
  if (r->here) r->parts = equal_areas(m, r->first);
  else AG_TRY(FN(product_there)(r));
  ag_parallel(r->parts + (r->k > 0), FN(part_task), r);
  FN(find_w)(r, r->tau[c]);
  return AG_OK;
}

/* ---- a panel ---- */

/* V goes where the columns were; the remaining lower triangle becomes A - [V W] [W V]'. */
static ag_status FN(update_here)(FN(reduction) * r) {
  int64_t at = r->from + PANEL;
  for (int64_t k = 0; k < PANEL; k++)
    memcpy(r->here + (r->from + k) * r->a->ld, FN(v_at)(r, k), (size_t)r->n * sizeof(REAL));
  for (int64_t j = at; j < r->n; j += UPDATE) {
    ag_gemm g = {.type = REAL_TYPE, .m = r->n - j, .n = min64(UPDATE, r->n - j), .k = 2 * PANEL};
    g.a = FN(v_at)(r, 0) + j, g.rs_a = 1, g.cs_a = r->ld;
    g.b = FN(w_at)(r, 0) + j, g.rs_b = r->ld, g.cs_b = 1;
    g.c = r->here + j * (r->a->ld + 1), g.ldc = r->a->ld, g.into = AG_INTO_SUB;
    AG_TRY(ag_host_gemm(&g));
  }
  return AG_OK;
}

static ag_status FN(update_there)(FN(reduction) * r) {
  int64_t at = r->from + PANEL, m = r->n - at;
  ag_block v = ag_block_part(r->a, 0, r->n, r->from, PANEL);
  ag_block a = ag_block_part(r->a, at, m, at, m),
           vw = ag_block_part(&r->x_there, at, m, 0, 2 * PANEL),
           wv = ag_block_part(&r->x_there, at, m, PANEL, 2 * PANEL);
  AG_TRY(ag_block_write(&v, r->x, r->n));
  AG_TRY(ag_block_write(&r->x_there, r->x, r->n));
  return ag_block_gemm(AG_INTO_SUB, &a, &vw, 0, &wv, 1);
}

static ag_status FN(reduce_panel)(FN(reduction) * r, int64_t from) {
  int64_t columns = min64(PANEL, r->n - from);
  r->from = from;
  if (ag_hook_interrupted && ag_hook_interrupted()) return ag_fail(AG_E_INTERRUPT, "interrupted");
  if (!r->here) {
    ag_block a = ag_block_part(r->a, 0, r->n, from, columns);
    AG_TRY(ag_block_read(&a, r->columns, r->n));
  }
  for (r->k = 0; r->k < columns; r->k++) {
    r->c = from + r->k;
    AG_TRY(FN(reduce_column)(r));
  }
  if (from + PANEL < r->n) {
    memcpy(FN(v_at)(r, 2 * PANEL), r->x, (size_t)(PANEL * r->ld) * sizeof(REAL));
    return r->here ? FN(update_here)(r) : FN(update_there)(r);
  }
  ag_block v = ag_block_part(r->a, 0, r->n, from, columns);
  return ag_block_write(&v, r->x, r->ld);
}

static ag_status FN(reduce_panels)(FN(reduction) * r) {
  if (!r->here) {
    ag_device *d = r->a->buf->dev;
    AG_TRY(ag_block_new(&r->x_there, &r->own[0], d, REAL_TYPE, r->n, 3 * PANEL));
    AG_TRY(ag_block_new(&r->v_there, &r->own[1], d, REAL_TYPE, r->n, 1));
    AG_TRY(ag_block_new(&r->w_there, &r->own[2], d, REAL_TYPE, r->n, 1));
  }
  for (int64_t from = 0; from < r->n; from += PANEL) AG_TRY(FN(reduce_panel)(r, from));
  return AG_OK;
}

static ag_status FN(reduce)(const ag_block *a, double *d, double *e, double *tau) {
  FN(reduction) r = {.isa = ag_isa_get(), .a = a, .n = a->rows, .d = d, .e = e, .tau = tau};
  r.here = ag_block_host(a);
  r.ld = r.here ? (r.n + 15) / 16 * 16 : r.n;
  size_t column = (size_t)r.ld * sizeof(REAL);
  r.x = malloc((3 * PANEL + TASKS + (r.here ? 0 : PANEL)) * column + 1);
  if (!r.x) return ag_fail(AG_E_MEMORY, "eigen: no memory for %d columns", 4 * PANEL);
  r.y = r.x + 3 * PANEL * r.ld;
  r.columns = r.y + TASKS * r.ld;
  ag_status status = FN(reduce_panels)(&r);
  for (int i = 0; i < 3; i++) ag_buffer_release(r.own[i]);
  free(r.x);
  return status;
}

#undef REAL
#undef REAL_TYPE
#undef FN
#undef ISA
