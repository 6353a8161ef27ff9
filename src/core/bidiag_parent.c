/* The parent's vectors: the children's, sorted by which rows are not zero, times the middle's. */
#include "bidiag_merge.h"
#include "host_gemm.h"
#include "threads.h"
#include <string.h>

typedef struct {
  ag_bidiag_merge *m;
  double *x; /* u or v at the node's corner */
  int64_t ld, rows, top,
      bottom; /* rows in all, of the first child, where those of the second begin */
} side;

static side left_side(ag_bidiag_merge *m) {
  return (side){m, ag_bidiag_u(m, m->lo, m->lo), m->t->n, m->n, m->left, m->left + 1};
}
static side right_side(ag_bidiag_merge *m) {
  return (side){m, ag_bidiag_v(m, m->lo, m->lo), m->t->n + 1, m->n + 1, m->left + 1, m->left + 1};
}

static void copy_rows(const side *s, int64_t to, int64_t from, int64_t first, int64_t end) {
  memcpy(s->m->w + to * s->rows + first, s->x + from * s->ld + first,
         (size_t)(end - first) * sizeof(double));
}

static void gather_task(void *ctx, int task, int worker) {
  const side *s = ctx;
  const ag_bidiag_merge *m = s->m;
  int64_t from, to;
  (void)worker;
  ag_bidiag_chunk(m->n, task, &from, &to);
  for (int64_t i = from; i < to; i++) {
    if (i >= m->k) {
      copy_rows(s, i, m->dropped[i - m->k], 0, s->rows);
      continue;
    }
    const char type = i == 0 ? AG_ROWS_BOTH : m->t->type[m->lo + m->kept[i]];
    if (type != AG_ROWS_BOTTOM) copy_rows(s, m->row[i], m->kept[i], 0, s->top);
    if (type != AG_ROWS_TOP) copy_rows(s, m->row[i], m->kept[i], s->bottom, s->rows);
  }
}

static void scatter_task(void *ctx, int task, int worker) {
  const side *s = ctx;
  int64_t from, to;
  (void)worker;
  ag_bidiag_chunk(s->m->ndropped, task, &from, &to);
  for (int64_t i = s->m->k + from; i < s->m->k + to; i++)
    memcpy(s->x + i * s->ld, s->m->w + i * s->rows, (size_t)s->rows * sizeof(double));
}

/* Rows first, ... of w, columns c0 to c1, times those rows of the middle's vectors. */
static ag_status rows_product(const side *s, int64_t first, int64_t rows, int64_t c0, int64_t c1) {
  const ag_bidiag_merge *m = s->m;
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
  const ag_bidiag_merge *m = s->m;
  const int64_t top = m->count[AG_ROWS_TOP];
  ag_parallel(ag_bidiag_chunks(m->n), gather_task, (void *)(uintptr_t)s);
  AG_TRY(rows_product(s, 0, s->top, 0, top + 1 + m->count[AG_ROWS_BOTH]));
  AG_TRY(rows_product(s, s->bottom, s->rows - s->bottom, top, m->k));
  ag_parallel(ag_bidiag_chunks(m->ndropped), scatter_task, (void *)(uintptr_t)s);
  return AG_OK;
}

ag_status ag_bidiag_multiply_right(ag_bidiag_merge *m) {
  const side s = right_side(m);
  return multiply(&s);
}

/* The middle row and column of u are those of the unit matrix. */
ag_status ag_bidiag_multiply_left(ag_bidiag_merge *m) {
  const side s = left_side(m);
  AG_TRY(multiply(&s));
  for (int64_t j = 0; j < m->n; j++)
    s.x[m->left + j * s.ld] = j < m->k ? m->q[m->row[0] + j * m->k] : 0;
  return AG_OK;
}
