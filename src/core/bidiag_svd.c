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
#include "bidiag_svd.h"
#include "host_gemm.h"
#include "secular_root.h"
#include "threads.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAF 26
/* From here on a node's merging is worth several threads; below, nodes are. */
#define PARALLEL_NODE 400
#define CHUNK         16 /* roots or rows that are a task */

/* Which rows of the children's vectors are not zero. A column is first of one child, and of both
 * after a rotation. */
enum { TOP, BOTH, BOTTOM, TYPES };

typedef struct {
  int64_t n; /* of the whole problem */
  double *d, *e;
  double *u, *v; /* n x n, or NULL; (n + 1) x (n + 1) */
  double *w, *q; /* as large as v: the children's vectors sorted by type; vectors of the middle */
  double *z, *p, *root; /* n each: of the node at lo from element lo on */
  double *weight;
  int64_t *order; /* of a node's values, ascending, as numbers of columns */
  int64_t *kept, *dropped, *row;
  char *type;
  double *column; /* n for each thread */
  int failed;
} tree;

typedef struct {
  int64_t lo, n;
} node;

/* A node being merged. */
typedef struct {
  tree *t;
  int64_t lo, n, left, mid; /* `left` rows in the first child */
  int64_t k, ndropped;      /* values that remain, and others */
  double scale, sum_w;
  /* the node's part of the tree's arrays */
  double *z, *p, *root, *weight, *w, *q;
  int64_t *kept, *dropped, *row;
  int64_t count[TYPES]; /* of the columns that are kept, the middle one not among them */
} merge;

static double *column_of(double *x, int64_t ld, int64_t row, int64_t col) {
  return x + row + col * ld;
}
static double *u_at(const merge *m, int64_t row, int64_t col) {
  return column_of(m->t->u, m->t->n, row, col);
}
static double *v_at(const merge *m, int64_t row, int64_t col) {
  return column_of(m->t->v, m->t->n + 1, row, col);
}

/* Number i of the 2^level nodes of a level. */
static node find_node(int64_t n, int level, int64_t i) {
  node x = {0, n};
  while (level-- > 0) {
    int64_t left = x.n / 2;
    if (i >> level & 1) x.lo += left + 1, x.n -= left + 1;
    else x.n = left;
  }
  return x;
}

/* -- leaves ------------------------------------------------------------------------------------ */

/* Rotates the element in the last column away, from the bottom up. */
static void square_leaf(tree *t, node x) {
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

static void sort_by_value(int64_t n, int64_t *order, const double *value) {
  for (int64_t i = 1; i < n; i++) { /* nearly sorted, or few */
    int64_t x = order[i], j = i;
    for (; j > 0 && value[order[j - 1]] > value[x]; j--) order[j] = order[j - 1];
    order[j] = x;
  }
}

static void solve_leaf(tree *t, node x) {
  const int64_t ldu = t->n, ldv = t->n + 1;
  double *u = t->u ? t->u + x.lo * (ldu + 1) : NULL, *v = t->v + x.lo * (ldv + 1);
  for (int64_t i = 0; u && i < x.n; i++) u[i * (ldu + 1)] = 1;
  for (int64_t i = 0; i <= x.n; i++) v[i * (ldv + 1)] = 1;
  square_leaf(t, x);
  if (!ag_bidiag_qr(x.n, t->d + x.lo, t->e + x.lo, u, x.n, ldu, v, x.n + 1, ldv))
    __atomic_store_n(&t->failed, 1, __ATOMIC_RELAXED);
  for (int64_t i = x.lo; i < x.lo + x.n; i++) t->order[i] = i;
  sort_by_value(x.n, t->order + x.lo, t->d);
}

/* -- the middle matrix ------------------------------------------------------------------------- */

/* z, p and the rotation of the two null vectors; all divided by the largest. 0 if they are zero. */
static int make_middle(merge *m) {
  tree *t = m->t;
  const int64_t mid = m->mid, last = m->lo + m->n, rows = m->n + 1;
  const double a = t->d[mid], b = t->e[mid];
  double c, s, r;
  m->scale = fmax(fabs(a), fabs(b));
  for (int64_t i = m->lo; i < last; i++)
    if (i != mid) m->scale = fmax(m->scale, t->d[i]);
  if (m->scale == 0) return 0;
  for (int64_t i = m->lo; i < last; i++) {
    m->z[i - m->lo] =
        i < mid ? a / m->scale * *v_at(m, mid, i) : b / m->scale * *v_at(m, mid + 1, i);
    m->p[i - m->lo] = t->d[i] / m->scale;
  }
  ag_rotation(a / m->scale * *v_at(m, mid, mid), b / m->scale * *v_at(m, mid + 1, last), &c, &s,
              &r);
  ag_rotate(rows, v_at(m, m->lo, mid), v_at(m, m->lo, last), c, s);
  m->z[m->left] = r, m->p[m->left] = 0;
  return 1;
}

/* Merges the children's orders: n - 1 columns, the middle one not among them. */
static void merge_orders(const merge *m, int64_t *to) {
  const tree *t = m->t;
  const int64_t last = m->lo + m->n;
  int64_t i = m->lo, j = m->mid + 1;
  while (i < m->mid || j < last) {
    int first = j >= last || (i < m->mid && t->d[t->order[i]] <= t->d[t->order[j]]);
    *to++ = t->order[first ? i++ : j++] - m->lo;
  }
}

/* Columns i and j with equal values: z[i] goes to zero. */
static void combine(merge *m, int64_t i, int64_t j) {
  char *type = m->t->type + m->lo;
  double c, s, r;
  ag_rotation(m->z[j], m->z[i], &c, &s, &r);
  m->z[j] = r, m->z[i] = 0;
  if (m->t->u) ag_rotate(m->n, u_at(m, m->lo, m->lo + j), u_at(m, m->lo, m->lo + i), c, s);
  ag_rotate(m->n + 1, v_at(m, m->lo, m->lo + j), v_at(m, m->lo, m->lo + i), c, s);
  if (type[i] != type[j]) type[i] = type[j] = BOTH;
}

/* Fills kept (first the middle, then by ascending value) and dropped. */
static void deflate(merge *m) {
  const double tolerance = 8 * DBL_EPSILON;
  int64_t *order = m->row, before = -1; /* `row` is free until later */
  m->kept[m->k++] = m->left;
  if (fabs(m->z[m->left]) <= tolerance) m->z[m->left] = tolerance;
  merge_orders(m, order);
  for (int64_t i = 0; i < m->n - 1; i++) {
    int64_t j = order[i];
    if (fabs(m->z[j]) <= tolerance) {
      m->dropped[m->ndropped++] = j;
    } else if (before >= 0 && m->p[j] - m->p[before] <= tolerance) {
      combine(m, before, j);
      m->dropped[m->ndropped++] = before;
      m->kept[m->k - 1] = before = j;
    } else {
      m->kept[m->k++] = before = j;
    }
  }
  /* poles must differ */
  if (m->k > 1 && m->p[m->kept[1]] < tolerance / 2) m->p[m->kept[1]] = tolerance / 2;
}

/* Puts the children's columns into w: top, middle, both, bottom, dropped; row[i] is where kept[i]
 * went. */
static void place_rows(merge *m) {
  const char *type = m->t->type + m->lo;
  int64_t next[TYPES] = {0};
  memset(m->count, 0, sizeof m->count);
  for (int64_t i = 1; i < m->k; i++) m->count[(int)type[m->kept[i]]]++;
  next[BOTH] = m->count[TOP] + 1, next[BOTTOM] = next[BOTH] + m->count[BOTH];
  m->row[0] = m->count[TOP];
  for (int64_t i = 1; i < m->k; i++) m->row[i] = next[(int)type[m->kept[i]]]++;
}

/* -- roots and vectors of the middle matrix ---------------------------------------------------- */

typedef struct {
  merge *m;
  const double *pole, *weight; /* k each, ascending */
  double *fresh;               /* z made anew */
  int left;                    /* which vectors */
} middle;

static void chunk_of(int64_t k, int task, int64_t *from, int64_t *to) {
  *from = (int64_t)task * CHUNK;
  *to = *from + CHUNK < k ? *from + CHUNK : k;
}
static int chunks(int64_t k) { return (int)((k + CHUNK - 1) / CHUNK); }

static void roots_task(void *ctx, int task, int worker) {
  const middle *c = ctx;
  const merge *m = c->m;
  const ag_secular s = {m->k, c->pole, c->weight, 1, m->sum_w, 1};
  int64_t from, to, base;
  double offset;
  (void)worker;
  chunk_of(m->k, task, &from, &to);
  for (int64_t j = from; j < to; j++) {
    ag_secular_root(&s, j, m->q + j * m->k, &base, &offset);
    m->root[j] = c->pole[base] + offset;
  }
}

/* z[i]^2 = (x[k-1]^2 - p[i]^2) prod over j < i of (x[j]^2 - p[i]^2) / (p[j]^2 - p[i]^2)
 *                           prod over i <= j < k-1 of (x[j]^2 - p[i]^2) / (p[j+1]^2 - p[i]^2) */
static void fresh_task(void *ctx, int task, int worker) {
  const middle *c = ctx;
  const merge *m = c->m;
  const double *p = c->pole;
  double x[CHUNK];
  int64_t from, to, k = m->k;
  (void)worker;
  chunk_of(k, task, &from, &to);
  for (int64_t i = from; i < to; i++) x[i - from] = -m->q[i + (k - 1) * k];
  for (int64_t j = 0; j < k - 1; j++) {
    const double *gap = m->q + j * k;
    for (int64_t i = from; i < to; i++) {
      const double other = j < i ? p[j] : p[j + 1];
      x[i - from] *= gap[i] / ((p[i] - other) * (p[i] + other));
    }
  }
  for (int64_t i = from; i < to; i++)
    c->fresh[i] = copysign(sqrt(fabs(x[i - from])), m->z[m->kept[i]]);
}

/* Column by column in place: gaps become right vectors, rows in the order of w; these become left
 * ones: p[i] z[i] / gap[i], and -1 for the middle row, where the right one has -z[0] / x^2. */
static void vectors_task(void *ctx, int task, int worker) {
  const middle *c = ctx;
  const merge *m = c->m;
  double *x = m->t->column + (int64_t)worker * m->t->n;
  int64_t from, to;
  chunk_of(m->k, task, &from, &to);
  for (int64_t j = from; j < to; j++) {
    double *q = m->q + j * m->k, sum = 0;
    if (c->left)
      for (int64_t i = 0; i < m->k; i++) x[i] = c->pole[i] * q[m->row[i]];
    else
      for (int64_t i = 0; i < m->k; i++) x[i] = c->fresh[i] / q[i];
    if (c->left) x[0] = q[m->row[0]] * m->root[j] / c->fresh[0] * m->root[j];
    for (int64_t i = 0; i < m->k; i++) sum += x[i] * x[i];
    const double f = 1 / sqrt(sum);
    for (int64_t i = 0; i < m->k; i++) q[m->row[i]] = x[i] * f;
  }
}

/* -- the parent's vectors ---------------------------------------------------------------------- */

typedef struct {
  merge *m;
  double *x; /* u or v at the node's corner */
  int64_t ld, rows, top,
      bottom; /* rows in all, of the first child, where those of the second begin */
} side;

static side left_side(merge *m) {
  return (side){m, u_at(m, m->lo, m->lo), m->t->n, m->n, m->left, m->left + 1};
}
static side right_side(merge *m) {
  return (side){m, v_at(m, m->lo, m->lo), m->t->n + 1, m->n + 1, m->left + 1, m->left + 1};
}

static void copy_rows(const side *s, int64_t to, int64_t from, int64_t first, int64_t end) {
  memcpy(s->m->w + to * s->rows + first, s->x + from * s->ld + first,
         (size_t)(end - first) * sizeof(double));
}

static void gather_task(void *ctx, int task, int worker) {
  const side *s = ctx;
  const merge *m = s->m;
  int64_t from, to;
  (void)worker;
  chunk_of(m->n, task, &from, &to);
  for (int64_t i = from; i < to; i++) {
    if (i >= m->k) {
      copy_rows(s, i, m->dropped[i - m->k], 0, s->rows);
      continue;
    }
    const char type = i == 0 ? BOTH : m->t->type[m->lo + m->kept[i]];
    if (type != BOTTOM) copy_rows(s, m->row[i], m->kept[i], 0, s->top);
    if (type != TOP) copy_rows(s, m->row[i], m->kept[i], s->bottom, s->rows);
  }
}

static void scatter_task(void *ctx, int task, int worker) {
  const side *s = ctx;
  int64_t from, to;
  (void)worker;
  chunk_of(s->m->ndropped, task, &from, &to);
  for (int64_t i = s->m->k + from; i < s->m->k + to; i++)
    memcpy(s->x + i * s->ld, s->m->w + i * s->rows, (size_t)s->rows * sizeof(double));
}

/* Rows first, ... of w, columns c0 to c1, times those rows of the middle's vectors. */
static ag_status rows_product(const side *s, int64_t first, int64_t rows, int64_t c0, int64_t c1) {
  const merge *m = s->m;
  const ag_gemm g = {.type = AG_F64,
                     .m = rows,
                     .n = m->k,
                     .k = c1 - c0,
                     .a = m->w + first + c0 * s->rows,
                     .rs_a = 1,
                     .cs_a = s->rows,
                     .b = m->q + c0,
                     .rs_b = 1,
                     .cs_b = m->k,
                     .c = s->x + first,
                     .ldc = s->ld,
                     .into = AG_INTO_SET};
  return ag_host_gemm(&g);
}

static ag_status multiply(const side *s) {
  const merge *m = s->m;
  const int64_t top = m->count[TOP];
  ag_parallel(chunks(m->n), gather_task, (void *)(uintptr_t)s);
  AG_TRY(rows_product(s, 0, s->top, 0, top + 1 + m->count[BOTH]));
  AG_TRY(rows_product(s, s->bottom, s->rows - s->bottom, top, m->k));
  ag_parallel(chunks(m->ndropped), scatter_task, (void *)(uintptr_t)s);
  return AG_OK;
}

/* The middle row and column of u are those of the unit matrix. */
static ag_status multiply_left(merge *m) {
  const side s = left_side(m);
  AG_TRY(multiply(&s));
  for (int64_t j = 0; j < m->n; j++)
    s.x[m->left + j * s.ld] = j < m->k ? m->q[m->row[0] + j * m->k] : 0;
  return AG_OK;
}

/* -- merging ----------------------------------------------------------------------------------- */

static void set_values(merge *m) {
  double *d = m->t->d + m->lo, *value = m->z; /* z has served */
  int64_t *order = m->t->order + m->lo, i = 0, j = 0, at = 0;
  for (int64_t l = 0; l < m->ndropped; l++) value[m->k + l] = d[m->dropped[l]];
  for (int64_t l = 0; l < m->k; l++) value[l] = m->root[l] * m->scale;
  memcpy(d, value, (size_t)m->n * sizeof *d);
  for (int64_t l = 0; l < m->ndropped; l++) m->dropped[l] = m->k + l;
  sort_by_value(m->ndropped, m->dropped, d);
  while (i < m->k || j < m->ndropped) {
    int first = j >= m->ndropped || (i < m->k && d[i] <= d[m->dropped[j]]);
    order[at++] = m->lo + (first ? i++ : m->dropped[j++]);
  }
}

static ag_status solve_middle(merge *m) {
  double *pole = m->p, *weight = m->weight;
  double *scratch = m->root; /* p is read in another order than it is written */
  for (int64_t i = 0; i < m->k; i++) scratch[i] = m->p[m->kept[i]];
  memcpy(pole, scratch, (size_t)m->k * sizeof *pole);
  m->sum_w = 0;
  for (int64_t i = 0; i < m->k; i++) {
    weight[i] = m->z[m->kept[i]] * m->z[m->kept[i]];
    m->sum_w += weight[i];
  }
  middle c = {m, pole, weight, weight, 0};
  ag_parallel(chunks(m->k), roots_task, &c);
  ag_parallel(chunks(m->k), fresh_task, &c);
  place_rows(m);
  ag_parallel(chunks(m->k), vectors_task, &c);
  const side right = right_side(m);
  AG_TRY(multiply(&right));
  if (!m->t->u) return AG_OK;
  c.left = 1;
  ag_parallel(chunks(m->k), vectors_task, &c);
  return multiply_left(m);
}

static ag_status merge_node(tree *t, node x) {
  const int64_t lo = x.lo, at = x.lo * (t->n + 1);
  merge m = {.t = t,
             .lo = lo,
             .n = x.n,
             .left = x.n / 2,
             .mid = lo + x.n / 2,
             .z = t->z + lo,
             .p = t->p + lo,
             .root = t->root + lo,
             .weight = t->weight + lo,
             .w = t->w + at,
             .q = t->q + at,
             .kept = t->kept + lo,
             .dropped = t->dropped + lo,
             .row = t->row + lo};
  if (t->u) *u_at(&m, m.mid, m.mid) = 1;
  for (int64_t i = lo; i < lo + x.n; i++) t->type[i] = i <= m.mid ? TOP : BOTTOM;
  if (make_middle(&m)) {
    deflate(&m);
    AG_TRY(solve_middle(&m));
    set_values(&m);
  } else {
    t->d[m.mid] = 0;
    for (int64_t i = lo; i < lo + x.n; i++) t->order[i] = i;
  }
  return AG_OK;
}

typedef struct {
  tree *t;
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
  if (merge_node(job->t, find_node(job->t->n, job->level, task)) != AG_OK)
    __atomic_store_n(&job->t->failed, 1, __ATOMIC_RELAXED);
}

static ag_status solve_tree(tree *t) {
  level_job job = {t, 0};
  while (t->n >> job.level > LEAF) job.level++;
  ag_parallel(1 << job.level, leaf_task, &job);
  while (job.level-- > 0 && !t->failed) {
    const int nodes = 1 << job.level;
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

static ag_status tree_new(tree *t, ag_buffer **own, int64_t n, int threads) {
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

static ag_status solve(tree *t, double *d, double *e, ag_bidiag_vectors *out) {
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
  tree t = {.n = n, .d = d};
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
