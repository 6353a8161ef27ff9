/* The middle matrix between two children: what of it is final, and roots and vectors of the rest.
 */
#include "bidiag_merge.h"
#include "secular_root.h"
#include "threads.h"
#include <float.h>
#include <math.h>
#include <string.h>

/* -- the middle matrix ------------------------------------------------------------------------- */

/* z, p and the rotation of the two null vectors; all divided by the largest. 0 if they are zero. */
int ag_bidiag_middle_make(ag_bidiag_merge *m) {
  ag_bidiag_tree *t = m->t;
  const int64_t mid = m->mid, last = m->lo + m->n, rows = m->n + 1;
  const double a = t->d[mid], b = t->e[mid];
  double c, s, r;
  m->scale = fmax(fabs(a), fabs(b));
  for (int64_t i = m->lo; i < last; i++)
    if (i != mid) m->scale = fmax(m->scale, t->d[i]);
  if (m->scale == 0) return 0;
  for (int64_t i = m->lo; i < last; i++) {
    m->z[i - m->lo] = i < mid ? a / m->scale * *ag_bidiag_v(m, mid, i)
                              : b / m->scale * *ag_bidiag_v(m, mid + 1, i);
    m->p[i - m->lo] = t->d[i] / m->scale;
  }
  ag_rotation(a / m->scale * *ag_bidiag_v(m, mid, mid),
              b / m->scale * *ag_bidiag_v(m, mid + 1, last), &c, &s, &r);
  ag_rotate(rows, ag_bidiag_v(m, m->lo, mid), ag_bidiag_v(m, m->lo, last), c, s);
  m->z[m->left] = r, m->p[m->left] = 0;
  return 1;
}

/* Merges the children's orders: n - 1 columns, the middle one not among them. */
static void merge_orders(const ag_bidiag_merge *m, int64_t *to) {
  const ag_bidiag_tree *t = m->t;
  const int64_t last = m->lo + m->n;
  int64_t i = m->lo, j = m->mid + 1;
  while (i < m->mid || j < last) {
    int first = j >= last || (i < m->mid && t->d[t->order[i]] <= t->d[t->order[j]]);
    *to++ = t->order[first ? i++ : j++] - m->lo;
  }
}

/* Columns i and j with equal values: z[i] goes to zero. */
static void combine(ag_bidiag_merge *m, int64_t i, int64_t j) {
  char *type = m->t->type + m->lo;
  double c, s, r;
  ag_rotation(m->z[j], m->z[i], &c, &s, &r);
  m->z[j] = r, m->z[i] = 0;
  if (m->t->u)
    ag_rotate(m->n, ag_bidiag_u(m, m->lo, m->lo + j), ag_bidiag_u(m, m->lo, m->lo + i), c, s);
  ag_rotate(m->n + 1, ag_bidiag_v(m, m->lo, m->lo + j), ag_bidiag_v(m, m->lo, m->lo + i), c, s);
  if (type[i] != type[j]) type[i] = type[j] = AG_ROWS_BOTH;
}

/* Fills kept (first the middle, then by ascending value) and dropped. */
void ag_bidiag_middle_deflate(ag_bidiag_merge *m) {
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
static void place_rows(ag_bidiag_merge *m) {
  const char *type = m->t->type + m->lo;
  int64_t next[AG_ROWS_TYPES] = {0};
  memset(m->count, 0, sizeof m->count);
  for (int64_t i = 1; i < m->k; i++) m->count[(int)type[m->kept[i]]]++;
  next[AG_ROWS_BOTH] = m->count[AG_ROWS_TOP] + 1,
  next[AG_ROWS_BOTTOM] = next[AG_ROWS_BOTH] + m->count[AG_ROWS_BOTH];
  m->row[0] = m->count[AG_ROWS_TOP];
  for (int64_t i = 1; i < m->k; i++) m->row[i] = next[(int)type[m->kept[i]]]++;
}

/* -- roots and vectors of the middle matrix ---------------------------------------------------- */

typedef struct {
  ag_bidiag_merge *m;
  const double *pole, *weight; /* k each, ascending */
  double *fresh;               /* z made anew */
  int left;                    /* which vectors */
} middle;

static void roots_task(void *ctx, int task, int worker) {
  const middle *c = ctx;
  const ag_bidiag_merge *m = c->m;
  const ag_secular s = {m->k, c->pole, c->weight, 1, m->sum_w, 1};
  int64_t from, to, base;
  double offset;
  (void)worker;
  ag_bidiag_chunk(m->k, task, &from, &to);
  for (int64_t j = from; j < to; j++) {
    ag_secular_root(&s, j, m->q + j * m->k, &base, &offset);
    m->root[j] = c->pole[base] + offset;
  }
}

/* z[i]^2 = (x[k-1]^2 - p[i]^2) prod over j < i of (x[j]^2 - p[i]^2) / (p[j]^2 - p[i]^2)
 *                           prod over i <= j < k-1 of (x[j]^2 - p[i]^2) / (p[j+1]^2 - p[i]^2) */
static void fresh_task(void *ctx, int task, int worker) {
  const middle *c = ctx;
  const ag_bidiag_merge *m = c->m;
  const double *p = c->pole;
  double x[AG_BIDIAG_CHUNK];
  int64_t from, to, k = m->k;
  (void)worker;
  ag_bidiag_chunk(k, task, &from, &to);
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
  const ag_bidiag_merge *m = c->m;
  double *x = m->t->column + (int64_t)worker * m->t->n;
  int64_t from, to;
  ag_bidiag_chunk(m->k, task, &from, &to);
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

ag_status ag_bidiag_middle_solve(ag_bidiag_merge *m) {
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
  ag_parallel(ag_bidiag_chunks(m->k), roots_task, &c);
  ag_parallel(ag_bidiag_chunks(m->k), fresh_task, &c);
  place_rows(m);
  ag_parallel(ag_bidiag_chunks(m->k), vectors_task, &c);
  AG_TRY(ag_bidiag_multiply_right(m));
  if (!m->t->u) return AG_OK;
  c.left = 1;
  ag_parallel(ag_bidiag_chunks(m->k), vectors_task, &c);
  return ag_bidiag_multiply_left(m);
}
