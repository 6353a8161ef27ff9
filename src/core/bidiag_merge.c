/* Merging two children and the row between them. */
#include "bidiag_merge.h"
#include <string.h>

void ag_bidiag_sort(int64_t n, int64_t *order, const double *value) {
  for (int64_t i = 1; i < n; i++) { /* nearly sorted, or few */
    int64_t x = order[i], j = i;
    for (; j > 0 && value[order[j - 1]] > value[x]; j--) order[j] = order[j - 1];
    order[j] = x;
  }
}

static void set_values(ag_bidiag_merge *m) {
  double *d = m->t->d + m->lo, *value = m->z; /* z has served */
  int64_t *order = m->t->order + m->lo, i = 0, j = 0, at = 0;
  for (int64_t l = 0; l < m->ndropped; l++) value[m->k + l] = d[m->dropped[l]];
  for (int64_t l = 0; l < m->k; l++) value[l] = m->root[l] * m->scale;
  memcpy(d, value, (size_t)m->n * sizeof *d);
  for (int64_t l = 0; l < m->ndropped; l++) m->dropped[l] = m->k + l;
  ag_bidiag_sort(m->ndropped, m->dropped, d);
  while (i < m->k || j < m->ndropped) {
    int first = j >= m->ndropped || (i < m->k && d[i] <= d[m->dropped[j]]);
    order[at++] = m->lo + (first ? i++ : m->dropped[j++]);
  }
}

ag_status ag_bidiag_merge_node(ag_bidiag_tree *t, ag_bidiag_node x) {
  const int64_t lo = x.lo, at = x.lo * (t->n + 1);
  ag_bidiag_merge m = {.t = t,
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
  if (t->u) *ag_bidiag_u(&m, m.mid, m.mid) = 1;
  for (int64_t i = lo; i < lo + x.n; i++) t->type[i] = i <= m.mid ? AG_ROWS_TOP : AG_ROWS_BOTTOM;
  if (ag_bidiag_middle_make(&m)) {
    ag_bidiag_middle_deflate(&m);
    AG_TRY(ag_bidiag_middle_solve(&m));
    set_values(&m);
  } else {
    t->d[m.mid] = 0;
    for (int64_t i = lo; i < lo + x.n; i++) t->order[i] = i;
  }
  return AG_OK;
}
