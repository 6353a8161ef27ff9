/* QR, blocked: a panel of columns is factored on the CPU (qr_panel.c), and the product of its
 * reflectors is applied to the columns on its right by products of matrices on the device. */
#include "qr.h"
#include "qr_panel.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Columns in a panel: so few that V' C on the host reads C where it lies; elsewhere a launch has to
 * be worth it. */
#define WIDTH_HOST 48
#define WIDTH      64
/* Columns that are moved at a time. */
#define MOVED 256

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t width_of(const ag_block *a) { return ag_block_host(a) ? WIDTH_HOST : WIDTH; }

static double real_get(const void *x, int64_t i, ag_dtype type) {
  return type == AG_F64 ? ((const double *)x)[i] : (double)((const float *)x)[i];
}
static void real_set(void *x, int64_t i, ag_dtype type, double value) {
  if (type == AG_F64) ((double *)x)[i] = value;
  else ((float *)x)[i] = (float)value;
}

static void *host_new(int64_t elements, ag_dtype type) {
  void *mem = calloc((size_t)(elements + 1), ag_dtype_size(type));
  if (!mem) (void)ag_fail(AG_E_MEMORY, "out of memory");
  return mem;
}

/* -- products of reflectors -------------------------------------------------------------------- */
ag_status ag_qr_reflect(const ag_block *v, const ag_block *t, const ag_block *c, int right,
                        int transposed) {
  ag_device *d = c->buf->dev;
  const int64_t k = v->cols, m = right ? c->rows : k, n = right ? k : c->cols;
  ag_buffer *own[2] = {NULL, NULL};
  ag_block w, tw;
  if (k == 0 || c->rows == 0 || c->cols == 0) return AG_OK;
  ag_status s = ag_block_new(&w, &own[0], d, c->type, m, n);
  if (s == AG_OK) s = ag_block_new(&tw, &own[1], d, c->type, m, n);
  if (right) { /* C - ((C V) op(T)) V' */
    if (s == AG_OK) s = ag_block_gemm(AG_INTO_SET, &w, c, 0, v, 0);
    if (s == AG_OK) s = ag_block_gemm(AG_INTO_SET, &tw, &w, 0, t, transposed);
    if (s == AG_OK) s = ag_block_gemm(AG_INTO_SUB, c, &tw, 0, v, 1);
  } else { /* C - V (op(T) (V' C)) */
    if (s == AG_OK) s = ag_block_gemm(AG_INTO_SET, &w, v, 1, c, 0);
    if (s == AG_OK) s = ag_block_gemm(AG_INTO_SET, &tw, t, transposed, &w, 0);
    if (s == AG_OK) s = ag_block_gemm(AG_INTO_SUB, c, v, 0, &tw, 0);
  }
  ag_buffer_release(own[0]), ag_buffer_release(own[1]);
  return s;
}

/* In place of G = V'V, column by column: above tau[j] stands -tau[j] T V' v_j. */
static void triangle(double *g, int64_t k, const double *tau) {
  for (int64_t j = 0; j < k; j++) {
    double *to = g + j * k;
    for (int64_t l = 0; l < j; l++) { /* T times a column, column by column */
      const double x = to[l], *from = g + l * k;
      for (int64_t i = 0; i < l; i++) to[i] += from[i] * x;
      to[l] = from[l] * x;
    }
    for (int64_t i = 0; i < j; i++) to[i] *= -tau[j];
    to[j] = tau[j];
    memset(to + j + 1, 0, (size_t)(k - j - 1) * sizeof *to);
  }
}

ag_status ag_qr_triangle(const ag_block *t, const ag_block *v, const double *tau) {
  const int64_t k = v->cols, n = k * k;
  double *g = host_new(n, AG_F64);
  void *real = host_new(n, t->type);
  ag_status s = g && real ? AG_OK : AG_E_MEMORY;
  if (s == AG_OK) s = ag_block_gemm(AG_INTO_SET, t, v, 1, v, 0);
  if (s == AG_OK) s = ag_block_read(t, real, k);
  if (s == AG_OK) {
    for (int64_t i = 0; i < n; i++) g[i] = real_get(real, i, t->type);
    triangle(g, k, tau);
    for (int64_t i = 0; i < n; i++) real_set(real, i, t->type, g[i]);
    s = ag_block_write(t, real, k);
  }
  free(g), free(real);
  return s;
}

/* V of the reflectors that lie below the diagonal of `a`, whose first row is the diagonal's. */
static ag_status unpack(const ag_block *v, const ag_block *a, const double *aux, ag_qr_form form) {
  const int64_t k = a->cols;
  const ag_block diagonal = ag_block_diagonal(v);
  void *here = host_new(k, a->type);
  if (!here) return AG_E_MEMORY;
  for (int64_t j = 0; j < k; j++) real_set(here, j, a->type, aux[j]);
  ag_status s = ag_block_triangle(v, a, 0, form == AG_QR_LAPACK);
  if (s == AG_OK && form == AG_QR_LINPACK) s = ag_block_write(&diagonal, here, 1);
  free(here);
  return s;
}

/* -- the factorisation ------------------------------------------------------------------------- */
typedef struct {
  const ag_block *a;
  ag_device *dev;
  int64_t width;
  double tol;
  double *aux;
  int32_t *pivot;
  ag_buffer *own[2];
  ag_block v, t; /* of the panel at hand; v is made anew as narrow and low as it is */
  char *here;    /* this computer's: where the CPU can use the device's, NULL */
  char *here_v, *here_t;
  void *work;
} factoring;

static void drop(factoring *f) {
  ag_buffer_release(f->own[0]), ag_buffer_release(f->own[1]);
  free(f->here), free(f->here_v), free(f->here_t), free(f->work);
}

static ag_status start(factoring *f) {
  const int64_t m = f->a->rows, w = f->width;
  const ag_dtype type = f->a->type;
  AG_TRY(ag_block_new(&f->v, &f->own[0], f->dev, type, m, w));
  AG_TRY(ag_block_new(&f->t, &f->own[1], f->dev, type, w, w));
  f->work = host_new(2 * w * w, type);
  if (!f->work) return AG_E_MEMORY;
  if (ag_block_host(f->a)) return AG_OK;
  f->here = host_new(m * w, type), f->here_v = host_new(m * w, type);
  f->here_t = host_new(w * w, type);
  return f->here && f->here_v && f->here_t ? AG_OK : AG_E_MEMORY;
}

/* A block of `rows` x `cols` in the memory of `b`. */
static ag_block shaped(const ag_block *b, int64_t rows, int64_t cols) {
  ag_block s = *b;
  s.ld = s.rows = rows, s.cols = cols;
  return s;
}

/* Columns j, ..., j + n - 1, from row j on; *made reflectors; f->v and f->t become theirs. */
static ag_status panel(factoring *f, int64_t j, int64_t n, double tol, int64_t *made) {
  const int64_t m = f->a->rows, first = tol > 0 ? 0 : j;
  const ag_block columns = ag_block_part(f->a, first, m - first, j, n);
  char *in_place = ag_block_host(&columns);
  ag_qr_panel p = {.type = f->a->type, .top = j - first, .rows = m - first, .cols = n, .tol = tol};
  f->v = shaped(&f->v, m - j, n), f->t = shaped(&f->t, n, n);
  p.a = in_place ? in_place : f->here, p.lda = in_place ? f->a->ld : m - first;
  p.v = in_place ? ag_block_host(&f->v) : f->here_v, p.ldv = m - j;
  p.t = in_place ? ag_block_host(&f->t) : f->here_t, p.ldt = n;
  p.aux = f->aux + j, p.pivot = f->pivot + j, p.work = f->work;
  if (!in_place) AG_TRY(ag_block_read(&columns, p.a, p.lda));
  AG_TRY(ag_qr_panel_factor(&p, made));
  if (!in_place) AG_TRY(ag_block_write(&columns, p.a, p.lda));
  f->v.cols = *made, f->t.rows = f->t.cols = *made;
  if (in_place) return AG_OK;
  AG_TRY(ag_block_write(&f->v, p.v, p.ldv));
  return ag_block_write(&f->t, p.t, p.ldt);
}

/* Columns j, ..., j + n - 1 go behind all others. */
static ag_status cycle_pivot(factoring *f, int64_t j, int64_t n) {
  const int64_t rest = f->a->cols - j - n;
  int32_t *moved = malloc((size_t)n * sizeof *moved);
  if (!moved) return ag_fail(AG_E_MEMORY, "out of memory");
  memcpy(moved, f->pivot + j, (size_t)n * sizeof *moved);
  memmove(f->pivot + j, f->pivot + j + n, (size_t)rest * sizeof *moved);
  memcpy(f->pivot + j + rest, moved, (size_t)n * sizeof *moved);
  free(moved);
  return AG_OK;
}

static ag_status move(const ag_block *a, int64_t to, int64_t from, int64_t n, const ag_block *by) {
  const ag_block source = ag_block_part(a, 0, a->rows, from, n),
                 target = ag_block_part(a, 0, a->rows, to, n),
                 between = ag_block_part(by, 0, a->rows, 0, n);
  AG_TRY(ag_block_copy(&between, &source, 0));
  return ag_block_copy(&target, &between, 0);
}

static ag_status cycle(factoring *f, int64_t j, int64_t n) {
  const ag_block *a = f->a;
  const int64_t rest = a->cols - j - n, step = min64(rest, MOVED);
  ag_buffer *own[2] = {NULL, NULL};
  ag_block kept, by;
  const ag_block last = ag_block_part(a, 0, a->rows, j + rest, n),
                 these = ag_block_part(a, 0, a->rows, j, n);
  if (rest == 0 || n == 0) return AG_OK;
  AG_TRY(cycle_pivot(f, j, n));
  ag_status s = ag_block_new(&kept, &own[0], f->dev, a->type, a->rows, n);
  if (s == AG_OK) s = ag_block_new(&by, &own[1], f->dev, a->type, a->rows, step);
  if (s == AG_OK) s = ag_block_copy(&kept, &these, 0);
  for (int64_t c = 0; c < rest && s == AG_OK; c += step)
    s = move(a, j + c, j + n + c, min64(step, rest - c), &by);
  if (s == AG_OK) s = ag_block_copy(&last, &kept, 0);
  ag_buffer_release(own[0]), ag_buffer_release(own[1]);
  return s;
}

/* Of columns beyond the last row the norm that is left is that of their last element. */
static ag_status last_row(factoring *f) {
  const int64_t m = f->a->rows, rest = f->a->cols - m;
  const ag_block row = ag_block_part(f->a, m - 1, 1, m, rest);
  if (rest <= 0) return AG_OK;
  void *here = host_new(rest, f->a->type);
  if (!here) return AG_E_MEMORY;
  const ag_status s = ag_block_read(&row, here, 1);
  for (int64_t j = 0; j < rest; j++) f->aux[m + j] = fabs(real_get(here, j, f->a->type));
  free(here);
  return s;
}

/* The good columns, as far as they are known, are those before `good`. */
static ag_status factor(factoring *f, int64_t *rank) {
  const int64_t m = f->a->rows, n = f->a->cols;
  int64_t j = 0, good = n, made;
  while (j < min64(m, n)) {
    const double tol = j < good ? f->tol : 0;
    const int64_t end = min64(min64(j + f->width, m), tol > 0 ? good : n);
    const ag_block right = ag_block_part(f->a, j, m - j, end, n - end);
    if (ag_hook_interrupted && ag_hook_interrupted()) return ag_fail(AG_E_INTERRUPT, "interrupted");
    AG_TRY(panel(f, j, end - j, tol, &made));
    AG_TRY(ag_qr_reflect(&f->v, &f->t, &right, 0, 1));
    j += made;
    AG_TRY(cycle(f, j, end - j));
    good -= end - j;
  }
  *rank = min64(good, min64(m, n));
  return last_row(f);
}

ag_status ag_qr_factor(const ag_block *a, double tol, int64_t *rank, double *aux, int32_t *pivot) {
  factoring f = {.a = a, .dev = a->buf->dev, .tol = tol, .aux = aux, .pivot = pivot};
  f.width = min64(width_of(a), min64(a->rows, a->cols));
  for (int64_t j = 0; j < a->cols; j++) aux[j] = 0;
  *rank = 0;
  if (f.width == 0) return AG_OK;
  ag_status s = start(&f);
  if (s == AG_OK) s = factor(&f, rank);
  drop(&f);
  return s;
}

/* -- what is made of it ------------------------------------------------------------------------ */
typedef struct {
  const ag_block *a;
  const double *aux;
  ag_qr_form form;
  int64_t k; /* reflectors */
} product;

/* Reflectors j, ..., j + n - 1 applied to C. */
static ag_status apply_some(const product *q, int64_t j, int64_t n, const ag_block *c,
                            int transposed) {
  const ag_block packed = ag_block_part(q->a, j, q->a->rows - j, j, n);
  const double *aux = q->aux + j;
  ag_device *d = c->buf->dev;
  ag_buffer *own[2] = {NULL, NULL};
  ag_block v, t;
  double tau[WIDTH];
  for (int64_t i = 0; i < n; i++)
    tau[i] = q->form == AG_QR_LAPACK || aux[i] == 0 ? aux[i] : 1 / aux[i];
  ag_status s = ag_block_new(&v, &own[0], d, c->type, packed.rows, n);
  if (s == AG_OK) s = ag_block_new(&t, &own[1], d, c->type, n, n);
  if (s == AG_OK) s = unpack(&v, &packed, aux, q->form);
  if (s == AG_OK) s = ag_qr_triangle(&t, &v, tau);
  if (s == AG_OK) s = ag_qr_reflect(&v, &t, c, 0, transposed);
  ag_buffer_release(own[0]), ag_buffer_release(own[1]);
  return s;
}

/* Of a triangular C the columns on the left of a block of reflectors have only zeros where these
 * act. */
static ag_status apply(const product *q, const ag_block *c, int transposed, int triangular) {
  const int64_t k = min64(q->k, min64(q->a->cols, q->a->rows - (q->form == AG_QR_LINPACK)));
  const int64_t width = width_of(c), blocks = k > 0 && c->cols > 0 ? (k + width - 1) / width : 0;
  for (int64_t i = 0; i < blocks; i++) {
    const int64_t j = (transposed ? i : blocks - 1 - i) * width, n = min64(width, k - j),
                  first = triangular ? min64(j, c->cols) : 0;
    const ag_block part = ag_block_part(c, j, c->rows - j, first, c->cols - first);
    if (ag_hook_interrupted && ag_hook_interrupted()) return ag_fail(AG_E_INTERRUPT, "interrupted");
    if (part.cols > 0) AG_TRY(apply_some(q, j, n, &part, transposed));
  }
  return AG_OK;
}

ag_status ag_qr_apply(const ag_block *a, const double *aux, ag_qr_form form, int64_t k,
                      const ag_block *c, int transposed) {
  const product q = {a, aux, form, k};
  return apply(&q, c, transposed, 0);
}

ag_status ag_qr_expand(const ag_block *a, const double *aux, ag_qr_form form, int64_t k,
                       const ag_block *c) {
  const product q = {a, aux, form, k};
  return apply(&q, c, 0, 1);
}
