/* With the eigen-decompositions T1 = Q1 D1 Q1', T2 = Q2 D2 Q2' of the halves,
 *
 *   T = diag(Q1, Q2) (diag(D1, D2) + rho z z') diag(Q1, Q2)',   |z| = 1,
 *
 * where z is the last row of Q1 beside the first of Q2 (Cuppen, Numer. Math. 36, 1981). Columns for
 * which z is negligible, or can be made so by a rotation of two columns with nearly equal d, are
 * eigenvectors already ("deflated"); for the others ag_secular() solves the inner problem, and its
 * vectors are multiplied by Q. There the columns stand in three groups, those that are zero in the
 * lower half, full ones, and those that are zero in the upper half, so that the product never
 * meets the zeros. */
#include "tridiag_merge.h"
#include "host_gemm.h"
#include "secular.h"
#include "threads.h"
#include <math.h>
#include <string.h>

#define UNIT 0x1p-53

enum { UPPER, FULL, LOWER, GROUPS };

typedef struct {
  ag_tridiag_merge *g;
  int64_t *sorted, *kept, *gone, *at, *group; /* columns by d; not deflated; deflated, both by
                                                 ascending d; row in s; of each column */
  int64_t nkept, ngone;
  int64_t start[GROUPS + 1]; /* rows of s: where each group begins */
  double rho, *z, *kept_d, *kept_z, *lambda;
  double *upper, *lower, *rest; /* copies: halves of the kept columns; deflated columns */
} merge;

int64_t ag_tridiag_merge_work(int64_t n) { return 4 * n + ag_secular_work(n); }

/* ---- which columns take part ---- */

static void fetch_z(merge *t) {
  const ag_tridiag_merge *g = t->g;
  double scale = sqrt(0.5), sign = g->e < 0 ? -scale : scale;
  for (int64_t j = 0; j < g->m; j++) t->z[j] = scale * g->q[g->m - 1 + j * g->ldq];
  for (int64_t j = g->m; j < g->n; j++) t->z[j] = sign * g->q[g->m + j * g->ldq];
  t->rho = 2 * fabs(g->e);
}

static void sort_columns(merge *t) {
  const ag_tridiag_merge *g = t->g;
  int64_t i = 0, j = g->m;
  for (int64_t k = 0; k < g->n; k++) {
    int from_upper = j == g->n || (i < g->m && g->d[g->order[i]] <= g->d[g->m + g->order[j]]);
    t->sorted[k] = from_upper ? g->order[i++] : g->m + g->order[j++];
  }
}

static void rotate(double *x, double *y, int64_t n, double c, double s) {
  for (int64_t i = 0; i < n; i++) {
    double u = x[i], v = y[i];
    x[i] = c * u + s * v;
    y[i] = c * v - s * u;
  }
}

static void deflate(merge *t, int64_t col) {
  const double *d = t->g->d;
  int64_t i = t->ngone++;
  for (; i > 0 && d[t->gone[i - 1]] > d[col]; i--) t->gone[i] = t->gone[i - 1];
  t->gone[i] = col;
}

static void keep(merge *t, int64_t col) {
  t->kept[t->nkept] = col;
  t->kept_d[t->nkept] = t->g->d[col];
  t->kept_z[t->nkept++] = t->z[col];
}

/* If columns p and q, d[p] <= d[q], may be rotated such that z[p] = 0: does so, and returns 1. The
 * rotation leaves an element (d[q] - d[p]) c s beside the diagonal, which is neglected. */
static int rotate_away(merge *t, int64_t p, int64_t q, double tolerance) {
  ag_tridiag_merge *g = t->g;
  double r = hypot(t->z[p], t->z[q]), c = t->z[q] / r, s = -t->z[p] / r;
  double dp = g->d[p], dq = g->d[q];
  if (fabs((dq - dp) * c * s) > tolerance) return 0;
  int64_t first = t->group[p] == LOWER && t->group[q] == LOWER ? g->m : 0;
  int64_t last = t->group[p] == UPPER && t->group[q] == UPPER ? g->m : g->n;
  rotate(g->q + p * g->ldq + first, g->q + q * g->ldq + first, last - first, c, s);
  if (t->group[p] != t->group[q]) t->group[p] = t->group[q] = FULL;
  t->z[q] = r, t->z[p] = 0;
  g->d[p] = dp * (c * c) + dq * (s * s);
  g->d[q] = dp * (s * s) + dq * (c * c);
  return 1;
}

static void choose_columns(merge *t) {
  const ag_tridiag_merge *g = t->g;
  double most = 0;
  int64_t last = -1;
  for (int64_t j = 0; j < g->n; j++) {
    most = fmax(most, fmax(fabs(g->d[j]), fabs(t->z[j])));
    t->group[j] = j < g->m ? UPPER : LOWER;
  }
  double tolerance = 8 * UNIT * most;
  for (int64_t k = 0; k < g->n; k++) {
    int64_t j = t->sorted[k];
    if (t->rho * fabs(t->z[j]) <= tolerance) {
      deflate(t, j);
      continue;
    }
    if (last >= 0) {
      if (rotate_away(t, last, j, tolerance)) deflate(t, last);
      else keep(t, last);
    }
    last = j;
  }
  if (last >= 0) keep(t, last);
}

/* Rows of s, and columns of the copies, by group. */
static void group_columns(merge *t) {
  int64_t next[GROUPS];
  for (int64_t i = 0; i < t->nkept; i++) t->start[t->group[t->kept[i]] + 1]++;
  for (int k = 0; k < GROUPS; k++) t->start[k + 1] += t->start[k];
  for (int k = 0; k < GROUPS; k++) next[k] = t->start[k];
  for (int64_t i = 0; i < t->nkept; i++) t->at[i] = next[t->group[t->kept[i]]]++;
}

/* ---- the new vectors ---- */

#define COPIES 16 /* columns of one task */

static void copy_task(void *ctx, int task, int worker) {
  merge *t = ctx;
  const ag_tridiag_merge *g = t->g;
  int64_t first = (int64_t)task * COPIES, last = first + COPIES < g->n ? first + COPIES : g->n;
  int64_t lower = g->n - g->m;
  (void)worker;
  for (int64_t i = first; i < last; i++) {
    if (i >= t->nkept) {
      int64_t j = i - t->nkept;
      memcpy(t->rest + j * g->n, g->q + t->gone[j] * g->ldq, (size_t)g->n * sizeof(double));
      continue;
    }
    const double *from = g->q + t->kept[i] * g->ldq;
    int64_t to = t->at[i];
    if (to < t->start[LOWER]) memcpy(t->upper + to * g->m, from, (size_t)g->m * sizeof(double));
    if (to >= t->start[FULL])
      memcpy(t->lower + (to - t->start[FULL]) * lower, from + g->m, (size_t)lower * sizeof(double));
  }
}

static void return_task(void *ctx, int task, int worker) {
  merge *t = ctx;
  const ag_tridiag_merge *g = t->g;
  int64_t first = (int64_t)task * COPIES;
  (void)worker;
  for (int64_t j = first; j < t->ngone && j < first + COPIES; j++)
    memcpy(g->q + (t->nkept + j) * g->ldq, t->rest + j * g->n, (size_t)g->n * sizeof(double));
}

/* Rows [row, row + rows) of q's first columns = x times rows [first, first + k) of s. */
static ag_status multiply(const merge *t, int64_t row, int64_t rows, const double *x, int64_t first,
                          int64_t k) {
  const ag_tridiag_merge *g = t->g;
  ag_gemm product = {.type = AG_F64, .m = rows, .n = t->nkept, .k = k};
  product.a = x, product.rs_a = 1, product.cs_a = rows;
  product.b = g->s + first, product.rs_b = 1, product.cs_b = t->nkept;
  product.c = g->q + row, product.ldc = g->ldq, product.into = AG_INTO_SET;
  return ag_host_gemm(&product);
}

static ag_status new_vectors(merge *t) {
  const ag_tridiag_merge *g = t->g;
  int64_t n_upper = t->start[LOWER], n_lower = t->nkept - t->start[FULL];
  t->upper = g->columns;
  t->lower = t->upper + g->m * n_upper;
  t->rest = t->lower + (g->n - g->m) * n_lower;
  ag_parallel((int)((g->n + COPIES - 1) / COPIES), copy_task, t);
  if (!ag_secular(t->nkept, t->kept_d, t->kept_z, t->rho, t->at, t->lambda, g->s, t->lambda + g->n))
    return AG_E_ARGUMENT;
  AG_TRY(multiply(t, 0, g->m, t->upper, 0, n_upper));
  AG_TRY(multiply(t, g->m, g->n - g->m, t->lower, t->start[FULL], n_lower));
  ag_parallel((int)((t->ngone + COPIES - 1) / COPIES), return_task, t);
  return AG_OK;
}

/* The new values lie in the order of the columns: roots, then what was deflated; both ascend. */
static void new_values(merge *t) {
  const ag_tridiag_merge *g = t->g;
  double *rest = t->z; /* no longer needed */
  int64_t i = 0, j = 0;
  for (int64_t k = 0; k < t->ngone; k++) rest[k] = g->d[t->gone[k]];
  memcpy(g->d, t->lambda, (size_t)t->nkept * sizeof(double));
  memcpy(g->d + t->nkept, rest, (size_t)t->ngone * sizeof(double));
  for (int64_t k = 0; k < g->n; k++) {
    int root = j == t->ngone || (i < t->nkept && t->lambda[i] <= rest[j]);
    g->order[k] = root ? i++ : t->nkept + j++;
  }
}

ag_status ag_tridiag_merge_run(ag_tridiag_merge *g) {
  merge t = {.g = g};
  int64_t n = g->n;
  t.sorted = g->index, t.kept = t.sorted + n, t.gone = t.kept + n, t.at = t.gone + n;
  t.group = t.at + n;
  t.z = g->work, t.kept_d = t.z + n, t.kept_z = t.kept_d + n, t.lambda = t.kept_z + n;
  fetch_z(&t);
  sort_columns(&t);
  choose_columns(&t);
  if (t.nkept == 0) { /* nothing was changed */
    memcpy(g->order, t.sorted, (size_t)n * sizeof(int64_t));
    return AG_OK;
  }
  group_columns(&t);
  AG_TRY(new_vectors(&t));
  new_values(&t);
  return AG_OK;
}
