/* The rows of host_chol.c's pivoted factorisation for one type: REAL, FN(name), IS_F64. */

/* Exchanges rows and columns j and p > j of the symmetric matrix in the upper triangle, and what
 * rows above j have there. */
static void FN(exchange)(const chol *s, int64_t j, int64_t p) {
  REAL *a = (REAL *)(void *)s->a, t;
  const int64_t ld = s->lda, n = s->n;
#define EXCHANGE(x, y) t = (x), (x) = (y), (y) = t
  if (j == p) return;
  EXCHANGE(a[j + j * ld], a[p + p * ld]);
  for (int64_t i = 0; i < j; i++) EXCHANGE(a[i + j * ld], a[i + p * ld]);
  for (int64_t i = j + 1; i < p; i++) EXCHANGE(a[j + i * ld], a[i + p * ld]);
  for (int64_t i = p + 1; i < n; i++) EXCHANGE(a[j + i * ld], a[p + i * ld]);
#undef EXCHANGE
}

typedef struct {
  const chol *s;
  int64_t k, j;
  REAL pivot, *dots;
} FN(row_job);

/* Row j of R, right of its diagonal, and the sums of squares in these columns since row k. */
static void FN(row_task)(void *ctx, int task, int worker) {
  const FN(row_job) *job = ctx;
  const chol *s = job->s;
  const int64_t ld = s->lda, k = job->k, j = job->j, first = j + 1 + task * s->stripe,
                last = min64(first + s->stripe, s->n);
  const REAL *x = (const REAL *)(const void *)s->a + j * ld;
  (void)worker;
  for (int64_t c = first; c < last; c++) {
    REAL *y = (REAL *)(void *)s->a + c * ld, sum[4] = {0};
    int64_t i = k;
    for (; i + 4 <= j; i += 4)
      for (int l = 0; l < 4; l++) sum[l] += x[i + l] * y[i + l];
    for (; i < j; i++) sum[0] += x[i] * y[i];
    y[j] = (y[j] - ((sum[0] + sum[1]) + (sum[2] + sum[3]))) / job->pivot;
    job->dots[c] += y[j] * y[j];
  }
}

/* Rows [k, k + width) of R; returns how many of them there are before the pivots end. */
static int64_t FN(pivot_rows)(chol *s, int64_t k, int64_t width, double tol, double *stop,
                              void *room, int32_t *pivot) {
  REAL *a = (REAL *)(void *)s->a, *dots = room;
  const int64_t n = s->n, ld = s->lda;
  for (int64_t i = k; i < n; i++) dots[i] = 0;
  for (int64_t j = k; j < k + width; j++) {
    int64_t p = j;
    for (int64_t i = j; i < n; i++)
      if (a[i + i * ld] - dots[i] > a[p + p * ld] - dots[p]) p = i;
    const REAL most = a[p + p * ld] - dots[p];
    if (j == 0)
      *stop = tol < 0 ? (double)n * (IS_F64 ? DBL_EPSILON / 2 : FLT_EPSILON / 2) * most : tol;
    if (!(most > 0) || (j > 0 && !(most > *stop))) {
      if (j > 0) a[j + j * ld] = most; /* as LAPACK leaves it */
      return j - k;
    }
    FN(exchange)(s, j, p);
    const int32_t old = pivot[j];
    pivot[j] = pivot[p], pivot[p] = old;
    dots[p] = dots[j];
    FN(row_job) job = {s, k, j, (REAL)sqrt(most), dots};
    a[j + j * ld] = job.pivot;
    s->stripe = (n - j) * (j - k) > 65536 ? (n - j + 2 * ag_threads()) / (2 * ag_threads()) : n;
    ag_parallel((int)((n - j - 1 + s->stripe - 1) / s->stripe), FN(row_task), &job);
  }
  return width;
}

#undef REAL
#undef FN
#undef IS_F64
