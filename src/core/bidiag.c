/* Bidiagonal form: panels on the CPU, products with the trailing matrix where that lies. */
#include "bidiag.h"
#include "host_gemm.h"
#include "host_isa.h"
#include "threads.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Buffers beside a matrix that the CPU cannot reach. */
typedef struct {
  ag_block x, y; /* one column each */
  ag_block l, r; /* the panel's L and R */
  ag_buffer *own_x, *own_y, *own_l, *own_r;
  void *copy; /* in the CPU's memory: the panel's columns and rows */
} far;

/* y = A x or A' x with vectors in the CPU's memory */
static ag_status far_times(far *f, const ag_block *a, int transposed, const void *x, void *y) {
  const ag_block from = ag_block_part(&f->x, 0, transposed ? a->rows : a->cols, 0, 1),
                 to = ag_block_part(&f->y, 0, transposed ? a->cols : a->rows, 0, 1);
  AG_TRY(ag_block_write(&from, x, from.rows));
  AG_TRY(ag_block_gemm(AG_INTO_SET, &to, a, transposed, &from, 0));
  return ag_block_read(&to, y, to.rows);
}

static ag_status far_new(far *f, const ag_block *a) {
  ag_device *d = a->buf->dev;
  const int64_t nb = AG_BIDIAG_PANEL;
  AG_TRY(ag_block_new(&f->x, &f->own_x, d, a->type, a->rows, 1));
  AG_TRY(ag_block_new(&f->y, &f->own_y, d, a->type, a->rows, 1));
  AG_TRY(ag_block_new(&f->l, &f->own_l, d, a->type, a->rows, 2 * nb));
  AG_TRY(ag_block_new(&f->r, &f->own_r, d, a->type, a->cols, 2 * nb));
  f->copy = malloc((size_t)((nb + 1) * a->rows + nb * a->cols) * ag_dtype_size(a->type));
  return f->copy ? AG_OK : ag_fail(AG_E_MEMORY, "svd: no memory for a panel");
}

static void far_drop(far *f) {
  ag_buffer_release(f->own_x);
  ag_buffer_release(f->own_y);
  ag_buffer_release(f->own_l);
  ag_buffer_release(f->own_r);
  free(f->copy);
}

static void *take(char **next, int64_t count, size_t size) {
  char *x = *next;
  *next += ((size_t)count * size + 63) / 64 * 64;
  return x;
}

#define REAL     double
#define FN(name) name##_f64
#include "bidiag_panel.h"
#undef REAL
#undef FN
#define REAL     float
#define FN(name) name##_f32
#include "bidiag_panel.h"
#undef REAL
#undef FN

/* Elements of a panel's arrays, as FN(reduce) takes them. */
static int64_t panel_size(int64_t m, int64_t n) {
  const int64_t nb = AG_BIDIAG_PANEL, threads = ag_threads();
  return (m + n) * 2 * nb + m * threads + n + (threads + 1) * (2 * nb + 16) + 6 * 64;
}

static ag_status result_new(ag_bidiag *b, const ag_block *a) {
  const int64_t n = a->cols;
  memset(b, 0, sizeof *b);
  double *x = b->memory = calloc((size_t)n + 1, 4 * sizeof(double));
  if (!x) return ag_fail(AG_E_MEMORY, "svd: no memory");
  b->d = x, b->e = x + n, b->tau_q = x + 2 * n, b->tau_p = x + 3 * n;
  b->q = *a;
  return ag_block_new(&b->p, &b->own, a->buf->dev, a->type, n, n);
}

ag_status ag_bidiag_reduce(ag_bidiag *out, const ag_block *a) {
  far f = {0};
  const int reachable = ag_block_host(a) != NULL;
  AG_TRY(result_new(out, a));
  void *memory = calloc((size_t)panel_size(a->rows, a->cols), ag_dtype_size(a->type));
  ag_status status = memory ? AG_OK : ag_fail(AG_E_MEMORY, "svd: no memory for a panel");
  if (status == AG_OK && !reachable) status = far_new(&f, a);
  if (status == AG_OK)
    status = a->type == AG_F64 ? reduce_f64(out, reachable ? NULL : &f, a, memory)
                               : reduce_f32(out, reachable ? NULL : &f, a, memory);
  free(memory);
  far_drop(&f);
  return status;
}

void ag_bidiag_drop(ag_bidiag *x) {
  ag_buffer_release(x->own);
  free(x->memory);
  memset(x, 0, sizeof *x);
}

/* -- products with the factors ----------------------------------------------------------------- */

/* Reflectors that are applied at once. */
#define GROUP 128

typedef struct {
  ag_block v, gram, w, w2, t; /* rows x GROUP; GROUP x GROUP, GROUP x columns of C; T */
  ag_buffer *own_v, *own_gram, *own_w, *own_w2;
  double *g, *t_host; /* GROUP x GROUP */
  float *narrow;
} compact;

static ag_status compact_new(compact *x, int64_t rows, const ag_block *c) {
  ag_device *d = c->buf->dev;
  AG_TRY(ag_block_new(&x->v, &x->own_v, d, c->type, rows, GROUP));
  AG_TRY(ag_block_new(&x->gram, &x->own_gram, d, c->type, GROUP, GROUP));
  AG_TRY(ag_block_new(&x->w, &x->own_w, d, c->type, GROUP, c->cols));
  AG_TRY(ag_block_new(&x->w2, &x->own_w2, d, c->type, GROUP, c->cols));
  x->g = malloc(GROUP * GROUP * (2 * sizeof(double) + sizeof(float)));
  if (!x->g) return ag_fail(AG_E_MEMORY, "svd: no memory");
  x->t_host = x->g + GROUP * GROUP;
  x->narrow = (float *)(x->t_host + GROUP * GROUP);
  return AG_OK;
}

static void compact_drop(compact *x) {
  ag_buffer_release(x->own_v);
  ag_buffer_release(x->own_gram);
  ag_buffer_release(x->own_w);
  ag_buffer_release(x->own_w2);
  free(x->g);
}

static ag_block reshaped(const ag_block *b, int64_t rows, int64_t cols) {
  ag_block x = *b;
  x.rows = x.ld = rows, x.cols = cols;
  return x;
}

static ag_status read_gram(compact *x, const ag_block *gram) {
  const int64_t count = gram->rows * gram->cols;
  if (gram->type == AG_F64) return ag_block_read(gram, x->g, gram->rows);
  AG_TRY(ag_block_read(gram, x->narrow, gram->rows));
  for (int64_t i = 0; i < count; i++) x->g[i] = x->narrow[i];
  return AG_OK;
}

static ag_status write_t(compact *x, const ag_block *t) {
  const int64_t count = t->rows * t->cols;
  if (t->type == AG_F64) return ag_block_write(t, x->t_host, t->rows);
  for (int64_t i = 0; i < count; i++) x->narrow[i] = (float)x->t_host[i];
  return ag_block_write(t, x->narrow, t->rows);
}

/* H1 H2 ... = 1 - V T V' (Schreiber & Van Loan 1989): T is upper triangular, and column j of it
 * above the diagonal is -tau[j] T G[, j], G = V' V. */
static void make_t(int64_t k, const double *g, const double *tau, double *t) {
  memset(t, 0, (size_t)(k * k) * sizeof *t);
  for (int64_t j = 0; j < k; j++) {
    for (int64_t i = 0; i < j; i++) {
      double sum = 0;
      for (int64_t l = i; l < j; l++) sum += t[i + l * k] * g[l + j * k];
      t[i + j * k] = -tau[j] * sum;
    }
    t[j + j * k] = tau[j];
  }
}

/* Copies reflectors first, ... of `from`, zeros above them. */
static ag_status gather(const compact *x, const ag_block *v, const ag_block *from, int64_t first) {
  AG_TRY(ag_buffer_zero(x->own_v, 0, (size_t)(v->rows * v->cols) * ag_dtype_size(v->type)));
  for (int64_t j = 0; j < v->cols; j += AG_BIDIAG_PANEL) {
    const int64_t cols = v->cols - j < AG_BIDIAG_PANEL ? v->cols - j : AG_BIDIAG_PANEL;
    const ag_block to = ag_block_part(v, j, v->rows - j, j, cols),
                   part = ag_block_part(from, first + j, v->rows - j, first + j, cols);
    AG_TRY(ag_block_copy(&to, &part, 0));
  }
  return AG_OK;
}

/* C = (1 - V T V') C */
static ag_status apply_group(compact *x, const ag_block *all, int64_t first, int64_t k,
                             const double *tau, const ag_block *c) {
  const ag_block v = reshaped(&x->v, all->rows - first, k), gram = reshaped(&x->gram, k, k),
                 w = reshaped(&x->w, k, c->cols), w2 = reshaped(&x->w2, k, c->cols),
                 below = ag_block_part(c, first, c->rows - first, 0, c->cols);
  AG_TRY(gather(x, &v, all, first));
  AG_TRY(ag_block_gemm(AG_INTO_SET, &gram, &v, 1, &v, 0));
  AG_TRY(read_gram(x, &gram));
  make_t(k, x->g, tau + first, x->t_host);
  AG_TRY(write_t(x, &gram));
  AG_TRY(ag_block_gemm(AG_INTO_SET, &w, &v, 1, &below, 0));
  AG_TRY(ag_block_gemm(AG_INTO_SET, &w2, &gram, 0, &w, 0));
  return ag_block_gemm(AG_INTO_SUB, &below, &v, 0, &w2, 0);
}

ag_status ag_reflectors_apply(const ag_block *v, const double *tau, const ag_block *c) {
  compact x = {0};
  if (c->cols == 0 || v->cols == 0) return AG_OK;
  ag_status status = compact_new(&x, v->rows, c);
  for (int64_t first = (v->cols - 1) / GROUP * GROUP; first >= 0 && status == AG_OK;
       first -= GROUP) {
    const int64_t k = v->cols - first < GROUP ? v->cols - first : GROUP;
    if (ag_hook_interrupted && ag_hook_interrupted())
      status = ag_fail(AG_E_INTERRUPT, "interrupted");
    if (status == AG_OK) status = apply_group(&x, v, first, k, tau, c);
  }
  compact_drop(&x);
  return status;
}
