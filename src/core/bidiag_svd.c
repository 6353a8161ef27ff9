/* Divide and conquer (Gu & Eisenstat 1995, "A divide-and-conquer algorithm for the bidiagonal
 * SVD").
 *
 * A node of the tree is a range of n rows lo, ..., of B with n + 1 columns: it is bidiagonal, the
 * last column holds one element, e[lo + n - 1]. (B itself gets a last column of zeros.) Its SVD has
 * n values and n + 1 right vectors, of which the last one, column lo + n of v, spans the null
 * space. Leaves are solved by implicit QR. Two children and the row between them, `mid`, make their
 * parent
 *
 *       [U1    ] [      D1      0     0 ] [V1 v1      ]'
 *       [   1  ] [a l1' a x   b f2'  b y] [      V2 v2]     a = d[mid], b = e[mid],
 *       [    U2] [      0       0    D2 ]                   (l1' x) last row of [V1 v1],
 *                                                           (f2' y) first row of [V2 v2]
 *
 * One rotation of v1 and v2 leaves a single element in place of a x and b y; then the middle matrix
 * has a full row z and else a diagonal p, p[mid] = 0. Where an element of z is negligible, or two
 * of p are equal, a value is final ("deflated"). The others are roots of a secular equation; z is
 * made anew from the roots (by Loewner's formula), as if these were exact: so the vectors, which
 * have a closed form, are orthogonal to working precision. Those of the parent are the children's
 * times these: matrix products, and nearly all of the work. */
#include "bidiag_merge.h"
#include "threads.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAF 26
/* From here on a node's merging is worth several threads; below, nodes are. */
#define PARALLEL_NODE 400

/* Number i of the 2^level nodes of a level. */
static ag_bidiag_node find_node(int64_t n, int level, int64_t i) {
  ag_bidiag_node x = {0, n};
  while (level-- > 0) {
    int64_t left = x.n / 2;
    if (i >> level & 1) x.lo += left + 1, x.n -= left + 1;
    else x.n = left;
  }
  return x;
}

/* -- leaves ------------------------------------------------------------------------------------ */

/* Rotates the element in the last column away, from the bottom up. */
static void square_leaf(ag_bidiag_tree *t, ag_bidiag_node x) {
  const int64_t last = x.lo + x.n, ld = t->n + 1;
  double f = t->e[last - 1], c, s;
  for (int64_t i = last - 1; i >= x.lo && f != 0; i--) {
    ag_rotation(t->d[i], f, &c, &s, &t->d[i]);
    ag_rotate(x.n + 1, t->v + x.lo + i * ld, t->v + x.lo + last * ld, c, s);
    if (i == x.lo) break;
    f = -s * t->e[i - 1];
    t->e[i - 1] *= c;
  }
}

static void solve_leaf(ag_bidiag_tree *t, ag_bidiag_node x) {
  const int64_t ldu = t->n, ldv = t->n + 1;
  double *u = t->u ? t->u + x.lo * (ldu + 1) : NULL, *v = t->v + x.lo * (ldv + 1);
  for (int64_t i = 0; u && i < x.n; i++) u[i * (ldu + 1)] = 1;
  for (int64_t i = 0; i <= x.n; i++) v[i * (ldv + 1)] = 1;
  square_leaf(t, x);
  if (!ag_bidiag_qr(x.n, t->d + x.lo, t->e + x.lo, u, x.n, ldu, v, x.n + 1, ldv))
    __atomic_store_n(&t->failed, 1, __ATOMIC_RELAXED);
  for (int64_t i = x.lo; i < x.lo + x.n; i++) t->order[i] = i;
  ag_bidiag_sort(x.n, t->order + x.lo, t->d);
}

/* -- the tree ---------------------------------------------------------------------------------- */
typedef struct {
  ag_bidiag_tree *t;
  int level;
} level_job;

static void leaf_task(void *ctx, int task, int worker) {
  const level_job *job = ctx;
  (void)worker;
  solve_leaf(job->t, find_node(job->t->n, job->level, task));
}

static void merge_task(void *ctx, int task, int worker) {
  const level_job *job = ctx;
  (void)worker;
  if (ag_bidiag_merge_node(job->t, find_node(job->t->n, job->level, task)) != AG_OK)
    __atomic_store_n(&job->t->failed, 1, __ATOMIC_RELAXED);
}

static ag_status solve_tree(ag_bidiag_tree *t) {
  level_job job = {t, 0};
  while (t->n >> job.level > LEAF) job.level++;
  ag_parallel(1 << job.level, leaf_task, &job);
  while (job.level-- > 0 && !t->failed) {
    const int nodes = 1 << job.level;
    if (ag_hook_interrupted && ag_hook_interrupted()) return ag_fail(AG_E_INTERRUPT, "interrupted");
    if (t->n >> job.level < PARALLEL_NODE) ag_parallel(nodes, merge_task, &job);
    else
      for (int i = 0; i < nodes; i++) merge_task(&job, i, ag_threads_self());
  }
  return t->failed ? ag_fail(AG_E_MEMORY, "svd: no memory, or no convergence") : AG_OK;
}

/* -- the whole --------------------------------------------------------------------------------- */

/* Divides by the largest element. 1 if they are all zero. */
static double normalise(int64_t n, double *d, double *e) {
  double most = 0;
  for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(d[i]));
  for (int64_t i = 0; i < n - 1; i++) most = fmax(most, fabs(e[i]));
  if (most == 0) return 1;
  for (int64_t i = 0; i < n; i++) d[i] /= most;
  for (int64_t i = 0; i < n - 1; i++) e[i] /= most;
  return most;
}

static int descending(const void *x, const void *y) {
  const double a = *(const double *)x, b = *(const double *)y;
  return a < b ? 1 : a > b ? -1 : 0;
}

ag_status ag_bidiag_values(int64_t n, double *d, double *e) {
  const double scale = normalise(n, d, e);
  if (!ag_bidiag_qr(n, d, e, NULL, 0, 0, NULL, 0, 0))
    return ag_fail(AG_E_ARGUMENT, "svd: the iteration does not converge");
  for (int64_t i = 0; i < n; i++) d[i] *= scale;
  qsort(d, (size_t)n, sizeof *d, descending);
  return AG_OK;
}

/* Memory in one piece; `take` hands out the next part of it. */
static void *take(char **next, int64_t count, size_t size) {
  char *x = *next;
  *next += ((size_t)count * size + 63) / 64 * 64;
  return x;
}

/* From the host's pool: memory that was used before is at hand at once. */
static ag_status memory_new(ag_buffer **own, char **next, size_t bytes) {
  ag_device *host;
  AG_TRY(ag_device_find(&host, "host"));
  AG_TRY(ag_buffer_new(own, host, bytes));
  *next = (*own)->mem;
  return AG_OK;
}

static ag_status result_new(int64_t n, int with_u, ag_bidiag_vectors *out) {
  const int64_t size_u = with_u ? n * n : 0, size_v = (n + 1) * (n + 1);
  const size_t matrices = (size_t)(size_u + size_v) * sizeof(double) + 128;
  char *next;
  AG_TRY(memory_new(&out->own, &next, matrices + (size_t)n * 8));
  memset(next, 0, matrices);
  out->n = n, out->ldu = n, out->ldv = n + 1;
  if (with_u) out->u = take(&next, size_u, sizeof(double));
  out->v = take(&next, size_v, sizeof(double));
  out->from = take(&next, n, sizeof(int64_t));
  return AG_OK;
}

static ag_status tree_new(ag_bidiag_tree *t, ag_buffer **own, int64_t n, int threads) {
  const size_t matrix = (size_t)((n + 1) * (n + 1)) * sizeof(double);
  char *next;
  AG_TRY(memory_new(own, &next, 2 * matrix + (size_t)n * (size_t)(10 + threads) * 8 + 20 * 64));
  t->w = take(&next, (n + 1) * (n + 1), sizeof(double));
  t->q = take(&next, (n + 1) * (n + 1), sizeof(double));
  double **const reals[] = {&t->e, &t->z, &t->p, &t->root, &t->weight};
  for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) *reals[i] = take(&next, n, 8);
  int64_t **const places[] = {&t->order, &t->kept, &t->dropped, &t->row};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) *places[i] = take(&next, n, 8);
  t->type = take(&next, n, 1);
  t->column = take(&next, n * threads, sizeof(double));
  return AG_OK;
}

static ag_status solve(ag_bidiag_tree *t, double *d, double *e, ag_bidiag_vectors *out) {
  const int64_t n = t->n;
  const double scale = normalise(n, d, e);
  memcpy(t->e, e, (size_t)(n - 1) * sizeof *e);
  t->e[n - 1] = 0;
  t->u = out->u, t->v = out->v;
  AG_TRY(solve_tree(t));
  for (int64_t j = 0; j < n; j++) {
    out->from[j] = t->order[n - 1 - j];
    t->z[j] = d[out->from[j]] * scale;
  }
  memcpy(d, t->z, (size_t)n * sizeof *d);
  return AG_OK;
}

ag_status ag_bidiag_svd(int64_t n, double *d, double *e, int with_u, ag_bidiag_vectors *out) {
  ag_bidiag_tree t = {.n = n, .d = d};
  ag_buffer *own = NULL;
  memset(out, 0, sizeof *out);
  if (n <= 0) return AG_OK;
  ag_status status = tree_new(&t, &own, n, ag_threads());
  if (status == AG_OK) status = result_new(n, with_u, out);
  if (status == AG_OK) status = solve(&t, d, e, out);
  ag_buffer_release(own);
  return status;
}

void ag_bidiag_free(ag_bidiag_vectors *x) {
  ag_buffer_release(x->own);
  memset(x, 0, sizeof *x);
}
