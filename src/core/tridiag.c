/* Values alone: the QL iteration in the root-free form of Pal, Walker and Kahan (Parlett, The
 * Symmetric Eigenvalue Problem, 8.15). With vectors: divide and conquer (tridiag_merge.c), at whose
 * leaves stands the implicit QR step (Golub and Van Loan, Matrix Computations, 8.3). */
#include "tridiag.h"
#include "device.h"
#include "threads.h"
#include "tridiag_merge.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNIT   0x1p-53
#define SWEEPS 40 /* per eigenvalue, on the average; two are usual */
#define LEAF   32
#define ALONE  256 /* nodes up to this size are merged by one thread each */

/* ---- scaling ---- */

/* Divides by a power of 2, such that the largest element is about 1: squares and products of
 * elements that matter neither overflow nor vanish. Returns the exponent. */
static int scale_down(int64_t n, double *d, double *e) {
  double most = 0;
  int exponent = 0;
  for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(d[i]));
  for (int64_t i = 0; i < n - 1; i++) most = fmax(most, fabs(e[i]));
  if (most == 0) return 0;
  frexp(most, &exponent);
  for (int64_t i = 0; i < n; i++) d[i] = ldexp(d[i], -exponent);
  for (int64_t i = 0; i < n - 1; i++) e[i] = ldexp(e[i], -exponent);
  return exponent;
}

static void scale_up(int64_t n, double *d, int exponent) {
  for (int64_t i = 0; i < n; i++) d[i] = ldexp(d[i], exponent);
}

static ag_status failed(void) {
  return ag_fail(AG_E_ARGUMENT, "the iteration for the eigenvalues did not converge");
}

/* ---- values ---- */

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The eigenvalue of [a b; b c] that is nearer to a. */
static double shift_of(double a, double b, double c) {
  double h = (c - a) / 2, r = hypot(h, b);
  if (b == 0) return a;
  return a - b * (b / (h + (h < 0 ? -r : r)));
}

/* One sweep over [l, m], whose squared off-diagonal elements e2[l], ..., e2[m-1] are not
 * negligible; e2[l] shrinks, and d[l] tends to an eigenvalue. */
static void root_free_sweep(double *d, double *e2, int64_t l, int64_t m) {
  double shift = shift_of(d[l], sqrt(e2[l]), d[l + 1]);
  double c = 1, s = 0, gamma = d[m] - shift, p = gamma * gamma;
  for (int64_t i = m - 1; i >= l; i--) {
    double b = e2[i], r = p + b, last_c = c, last_gamma = gamma, a = d[i];
    if (i != m - 1) e2[i + 1] = s * r;
    c = p / r, s = b / r;
    gamma = c * (a - shift) - s * last_gamma;
    d[i + 1] = last_gamma + (a - gamma);
    p = c != 0 ? gamma * gamma / c : last_c * b;
  }
  e2[l] = s * p;
  d[l] = shift + gamma;
}

static int root_free(int64_t n, double *d, double *e2) {
  int64_t left = SWEEPS * n, m;
  for (int64_t l = 0; l < n; l++)
    for (;;) {
      for (m = l; m < n - 1; m++)
        if (e2[m] <= UNIT * UNIT * fabs(d[m] * d[m + 1]) || e2[m] < 1e-300) break;
      if (m < n - 1) e2[m] = 0;
      if (m == l) break;
      if (left-- == 0) return 0;
      root_free_sweep(d, e2, l, m);
    }
  return 1;
}

ag_status ag_tridiag_values(int64_t n, double *d, double *e) {
  int exponent = scale_down(n, d, e);
  for (int64_t i = 0; i < n - 1; i++) e[i] *= e[i];
  if (!root_free(n, d, e)) return failed();
  if (n > 1) qsort(d, (size_t)n, sizeof *d, by_size);
  scale_up(n, d, exponent);
  return AG_OK;
}

/* ---- leaves ---- */

/* A step on rows [l, m]: a bulge is chased from the top to the bottom by rotations of neighbouring
 * rows and columns, which are applied to the n rows of q as well. */
static void implicit_step(double *d, double *e, int64_t l, int64_t m, double *q, int64_t n,
                          int64_t ldq) {
  double x = d[l] - shift_of(d[m], e[m - 1], d[m - 1]), z = e[l];
  for (int64_t k = l; k < m; k++) {
    double r = hypot(x, z), c = r == 0 ? 1 : x / r, s = r == 0 ? 0 : z / r;
    double p = d[k], t = d[k + 1], b = e[k];
    if (k > l) e[k - 1] = r;
    d[k] = c * c * p + 2 * c * s * b + s * s * t;
    d[k + 1] = s * s * p - 2 * c * s * b + c * c * t;
    e[k] = x = c * s * (t - p) + (c * c - s * s) * b;
    if (k < m - 1) {
      z = s * e[k + 1];
      e[k + 1] *= c;
    }
    double *u = q + k * ldq, *v = u + ldq;
    for (int64_t i = 0; i < n; i++) {
      double ui = u[i], vi = v[i];
      u[i] = c * ui + s * vi;
      v[i] = c * vi - s * ui;
    }
  }
}

static void reverse(double *x, int64_t n) {
  for (int64_t i = 0; i < n / 2; i++) {
    double t = x[i];
    x[i] = x[n - 1 - i];
    x[n - 1 - i] = t;
  }
}

/* The step converges quickly where the elements grow towards the top: rows and columns are reversed
 * if they grow downwards. What is negligible beside 1, which the largest element of the whole
 * matrix is, is 0. */
static int implicit_qr(int64_t n, double *d, double *e, double *q, int64_t ldq) {
  int64_t left = SWEEPS * n, l, m = n - 1;
  int upwards = fabs(d[0]) < fabs(d[n - 1]);
  if (upwards) reverse(d, n), reverse(e, n - 1);
  for (int64_t j = 0; j < n; j++) {
    memset(q + j * ldq, 0, (size_t)n * sizeof *q);
    q[(upwards ? n - 1 - j : j) + j * ldq] = 1;
  }
  while (m > 0) {
    for (l = m; l > 0; l--)
      if (fabs(e[l - 1]) <= UNIT * fmax(fabs(d[l - 1]) + fabs(d[l]), 0x1p-20)) break;
    if (l == m) {
      m--;
      continue;
    }
    if (left-- == 0) return 0;
    implicit_step(d, e, l, m, q, n, ldq);
  }
  return 1;
}

static void sort_leaf(int64_t n, const double *d, int64_t *order) {
  for (int64_t k = 0; k < n; k++) {
    int64_t i = k;
    for (; i > 0 && d[order[i - 1]] > d[k]; i--) order[i] = order[i - 1];
    order[i] = k;
  }
}

/* ---- the tree ---- */

/* At depth k there are 2^k nodes, number i being the rows [i n / 2^k, (i + 1) n / 2^k). A node
 * finds its work space where the nodes before it leave off. */
typedef struct {
  int64_t n, ldq;
  int depth; /* of the nodes that are worked on now */
  double *d, *e, *q, *columns, *s, *work;
  int64_t *order, *index;
  int failed; /* an ag_status */
} tree;

static int64_t first_row(const tree *t, int depth, int64_t node) { return (node * t->n) >> depth; }

static void leaf_task(void *ctx, int node, int worker) {
  tree *t = ctx;
  int64_t first = first_row(t, t->depth, node), n = first_row(t, t->depth, node + 1) - first;
  (void)worker;
  if (!implicit_qr(n, t->d + first, t->e + first, t->q + first * (t->ldq + 1), t->ldq))
    __atomic_store_n(&t->failed, AG_E_ARGUMENT, __ATOMIC_RELAXED);
  sort_leaf(n, t->d + first, t->order + first);
}

static void merge_task(void *ctx, int node, int worker) {
  tree *t = ctx;
  int64_t first = first_row(t, t->depth, node), n = first_row(t, t->depth, node + 1) - first;
  int64_t m = first_row(t, t->depth + 1, 2 * (int64_t)node + 1) - first;
  ag_tridiag_merge g = {.n = n, .m = m, .e = t->e[first + m - 1], .ldq = t->ldq};
  (void)worker;
  g.d = t->d + first, g.q = t->q + first * (t->ldq + 1), g.order = t->order + first;
  g.columns = t->columns + first * t->n, g.s = t->s + first * t->n;
  g.work = t->work + first * (ag_tridiag_merge_work(t->n) / t->n);
  g.index = t->index + 5 * first;
  for (int64_t j = 0; j < n; j++) /* the halves' columns reach over the whole node now */
    memset(g.q + j * g.ldq + (j < m ? m : 0), 0, (size_t)(j < m ? n - m : m) * sizeof(double));
  int status = ag_tridiag_merge_run(&g);
  if (status != AG_OK) __atomic_store_n(&t->failed, status, __ATOMIC_RELAXED);
}

static void conquer(tree *t) {
  while (t->n >> t->depth > LEAF) t->depth++;
  for (int64_t node = 1; node < (int64_t)1 << t->depth; node++) {
    int64_t b = first_row(t, t->depth, node);
    t->d[b - 1] -= fabs(t->e[b - 1]);
    t->d[b] -= fabs(t->e[b - 1]);
  }
  ag_parallel(1 << t->depth, leaf_task, t);
  while (t->depth-- > 0 && t->failed == AG_OK) {
    int nodes = 1 << t->depth;
    if (ag_hook_interrupted && ag_hook_interrupted())
      t->failed = ag_fail(AG_E_INTERRUPT, "interrupted");
    else if (t->n >> t->depth <= ALONE) ag_parallel(nodes, merge_task, t);
    else
      for (int i = 0; i < nodes; i++) merge_task(t, i, ag_threads_self());
  }
}

/* Columns and values in ascending order; uses the work space. */
static void sort_task(void *ctx, int task, int worker) {
  tree *t = ctx;
  (void)worker;
  memcpy(t->columns + task * t->n, t->q + t->order[task] * t->ldq, (size_t)t->n * sizeof(double));
}
static void sorted_task(void *ctx, int task, int worker) {
  tree *t = ctx;
  (void)worker;
  memcpy(t->q + task * t->ldq, t->columns + task * t->n, (size_t)t->n * sizeof(double));
}
static void sort_columns(tree *t) {
  int ordered = 1;
  for (int64_t i = 0; i < t->n; i++) ordered &= t->order[i] == i;
  if (ordered) return;
  for (int64_t i = 0; i < t->n; i++) t->work[i] = t->d[t->order[i]];
  memcpy(t->d, t->work, (size_t)t->n * sizeof(double));
  ag_parallel((int)t->n, sort_task, t);
  ag_parallel((int)t->n, sorted_task, t);
}

/* Work space comes from the host's pool: fresh pages would cost as much as a tenth of the work. */
static ag_status work_space(tree *t, ag_buffer **own) {
  ag_device *host;
  int64_t square = t->n * t->n, work = ag_tridiag_merge_work(t->n);
  AG_TRY(ag_device_find(&host, "host"));
  AG_TRY(ag_buffer_new(own, host, (size_t)(2 * square + work + 6 * t->n) * sizeof(double)));
  t->columns = (*own)->mem;
  t->s = t->columns + square;
  t->work = t->s + square;
  t->order = (int64_t *)(void *)(t->work + work);
  t->index = t->order + t->n;
  return AG_OK;
}

ag_status ag_tridiag_vectors(int64_t n, double *d, double *e, double *q, int64_t ldq) {
  if (n == 0) return AG_OK;
  tree t = {.n = n, .ldq = ldq, .d = d, .e = e, .q = q};
  ag_buffer *own;
  AG_TRY(work_space(&t, &own));
  int exponent = scale_down(n, d, e);
  conquer(&t);
  if (t.failed == AG_OK) sort_columns(&t);
  scale_up(n, d, exponent);
  ag_buffer_release(own);
  return t.failed == AG_E_ARGUMENT ? failed() : (ag_status)t.failed;
}
