/* The SVD by bidiagonalisation. A wide matrix is transposed first; of one that is much taller than
 * wide the R of its QR factorisation is decomposed. Float32 matrices are reduced and vectors
 * transformed back in float32; the bidiagonal problem between is in double. */
#include "svd.h"
#include "bidiag.h"
#include "bidiag_svd.h"
#include "expr.h"
#include "qr.h"
#include "threads.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* QR comes first where rows are this much more than columns (Chan 1982). */
#define TALL 1.6
/* On devices that the CPU cannot reach: up to so many elements it is faster to do all on the CPU.
 */
#define SMALL 1000000

typedef struct {
  ag_device *home, *dev; /* where x is, and where the work is done */
  ag_dtype type;
  int64_t m, n; /* of A, which is x or its transpose: m >= n */
  int wide;
  double unit; /* A is x times this, a power of two */
  ag_block a;  /* A; the reflectors of its QR factorisation, or Q's */
  ag_buffer *own_a;
  int tall;
  double *aux; /* of the QR factorisation */
  int32_t *pivot;
  ag_block r; /* n x n */
  ag_buffer *own_r;
  ag_bidiag b;
  ag_bidiag_vectors vectors; /* of the bidiagonal matrix */
} svd;

/* One set of singular vectors, a column each. */
typedef struct {
  ag_block x;
  ag_buffer *own;
} basis;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

/* -- what comes in ----------------------------------------------------------------------------- */

static ag_status largest(ag_array *x, double *most) {
  ag_array *size = NULL, *max = NULL;
  ag_status status = ag_expr_unary(&size, AG_OP_abs, x);
  if (status == AG_OK) status = ag_expr_reduce(&max, size, AG_MAX, 0, x->shape.nd, 0);
  if (status == AG_OK) status = ag_array_read(max, most, AG_F64);
  ag_array_release(size), ag_array_release(max);
  if (status != AG_OK) return status;
  return isfinite(*most) ? AG_OK : ag_fail(AG_E_ARGUMENT, "infinite or missing values in 'x'");
}

/* A power of two that brings the largest element near 1 where squares might lose digits. */
static double unit_for(double most, ag_dtype type) {
  const double limit = type == AG_F64 ? 1e-30 : 1e-3;
  int exponent;
  if (most == 0 || (most > limit && most < 1 / limit)) return 1;
  frexp(most, &exponent);
  if (exponent < -1000) exponent = -1000; /* the unit itself must not overflow */
  return ldexp(1, -exponent);
}

static ag_status scaled(ag_array **out, ag_array *x, double unit) {
  ag_array *number;
  AG_TRY(ag_expr_scalar(&number, unit, x->type));
  ag_status status = ag_expr_binary(out, AG_OP_mul, x, number);
  ag_array_release(number);
  if (status == AG_OK) status = ag_array_force(1, out);
  return status;
}

/* A on the device where the work is done. */
static ag_status place(svd *s, const ag_block *x) {
  AG_TRY(ag_block_new(&s->a, &s->own_a, s->dev, s->type, s->m, s->n));
  if (s->dev == s->home) return ag_block_copy(&s->a, x, s->wide);
  if (!s->wide) return ag_block_read(x, ag_block_host(&s->a), s->m);
  ag_buffer *own;
  ag_block here;
  AG_TRY(ag_block_new(&here, &own, s->dev, s->type, x->rows, x->cols));
  ag_status status = ag_block_read(x, ag_block_host(&here), x->rows);
  if (status == AG_OK) status = ag_block_copy(&s->a, &here, 1);
  ag_buffer_release(own);
  return status;
}

static ag_status take_in(svd *s, ag_array *x) {
  double most;
  AG_TRY(ag_array_force(1, &x));
  AG_TRY(largest(x, &most));
  s->unit = unit_for(most, s->type);
  ag_array *y = NULL;
  if (s->unit != 1) AG_TRY(scaled(&y, x, s->unit));
  const ag_block block = ag_block_of(y ? y : x);
  ag_status status = place(s, &block);
  ag_array_release(y);
  return status;
}

/* -- reduction --------------------------------------------------------------------------------- */

/* R of the QR factorisation, zeros below its diagonal. */
static ag_status copy_triangle(svd *s) {
  const size_t size = ag_dtype_size(s->type), n = (size_t)s->n;
  const ag_block top = ag_block_part(&s->a, 0, s->n, 0, s->n);
  char *x = malloc(n * n * size);
  if (!x)
    return ag_fail(AG_E_MEMORY, "svd: no memory for a triangle of order %lld", (long long)s->n);
  ag_status status = ag_block_read(&top, x, s->n);
  for (size_t j = 0; j < n; j++) memset(x + (j * n + j + 1) * size, 0, (n - j - 1) * size);
  if (status == AG_OK) status = ag_block_write(&s->r, x, s->n);
  free(x);
  return status;
}

static ag_status factor_first(svd *s) {
  int64_t rank;
  s->aux = malloc((size_t)s->n * sizeof *s->aux);
  s->pivot = malloc((size_t)s->n * sizeof *s->pivot);
  if (!s->aux || !s->pivot) return ag_fail(AG_E_MEMORY, "svd: no memory");
  for (int64_t j = 0; j < s->n; j++) s->pivot[j] = (int32_t)j;
  AG_TRY(ag_qr_factor(&s->a, 0, &rank, s->aux, s->pivot));
  AG_TRY(ag_block_new(&s->r, &s->own_r, s->dev, s->type, s->n, s->n));
  return copy_triangle(s);
}

static ag_status reduce(svd *s) {
  s->tall = (double)s->m >= TALL * (double)s->n && s->n < INT32_MAX;
  if (!s->tall) return ag_bidiag_reduce(&s->b, &s->a);
  AG_TRY(factor_first(s));
  return ag_bidiag_reduce(&s->b, &s->r);
}

static ag_status values(svd *s, int64_t left, int64_t right, double *d) {
  AG_TRY(left > 0 || right > 0 ? ag_bidiag_svd(s->n, s->b.d, s->b.e, left > 0, &s->vectors)
                               : ag_bidiag_values(s->n, s->b.d, s->b.e));
  for (int64_t j = 0; j < s->n; j++) d[j] = s->b.d[j] / s->unit;
  return AG_OK;
}

/* -- vectors ----------------------------------------------------------------------------------- */

typedef struct {
  int64_t rows, n, first, ld;
  const int64_t *from;
  const double *vectors;
  char *to;
  ag_dtype type;
} filling;

/* Column j of the basis to begin with: one of the bidiagonal matrix's vectors, or a unit vector. */
static void fill_task(void *ctx, int task, int worker) {
  const filling *f = ctx;
  const int64_t j = task;
  const size_t size = ag_dtype_size(f->type);
  char *to = f->to + (size_t)(j * f->rows) * size;
  const double *x = f->vectors + (j < f->n ? f->from[j] * f->ld : 0), one = 1;
  const int64_t count = j < f->n ? f->n : 1, at = j < f->n ? 0 : j;
  (void)worker;
  memset(to, 0, (size_t)f->rows * size);
  if (j >= f->n) x = &one;
  if (f->type == AG_F64) memcpy(to + (size_t)at * size, x, (size_t)count * size);
  else
    for (int64_t i = 0; i < count; i++) ((float *)to)[at + i] = (float)x[i];
}

/* rows x cols: the bidiagonal matrix's vectors on top. */
static ag_status begin_basis(svd *s, basis *y, int left, int64_t rows, int64_t cols) {
  const ag_bidiag_vectors *v = &s->vectors;
  AG_TRY(ag_block_new(&y->x, &y->own, s->dev, s->type, rows, cols));
  char *here = ag_block_host(&y->x);
  filling f = {.rows = rows,
               .n = s->n,
               .from = v->from,
               .type = s->type,
               .vectors = left ? v->u : v->v,
               .ld = left ? v->ldu : v->ldv};
  f.to = here ? here : malloc((size_t)(rows * cols) * ag_dtype_size(s->type));
  if (!f.to) return ag_fail(AG_E_MEMORY, "svd: no memory for %lld vectors", (long long)cols);
  ag_parallel((int)cols, fill_task, &f);
  if (here) return AG_OK;
  ag_status status = ag_block_write(&y->x, f.to, rows);
  free(f.to);
  return status;
}

static ag_status left_basis(svd *s, basis *y, int64_t cols) {
  if (cols == 0) return AG_OK;
  AG_TRY(begin_basis(s, y, 1, s->m, cols));
  if (!s->tall) return ag_reflectors_apply(&s->b.q, s->b.tau_q, &y->x);
  const ag_block top = ag_block_part(&y->x, 0, s->n, 0, min64(cols, s->n));
  AG_TRY(ag_reflectors_apply(&s->b.q, s->b.tau_q, &top));
  return ag_qr_apply(&s->a, s->aux, AG_QR_LINPACK, s->n, &y->x, 0);
}

static ag_status right_basis(svd *s, basis *y, int64_t cols) {
  if (cols == 0) return AG_OK;
  AG_TRY(begin_basis(s, y, 0, s->n, cols));
  return ag_reflectors_apply(&s->b.p, s->b.tau_p, &y->x);
}

/* -- signs ------------------------------------------------------------------------------------- */

typedef struct {
  char *u, *v; /* in the CPU's memory; v may be NULL, or have fewer columns */
  int64_t rows_u, rows_v, cols_v;
  ag_dtype type;
} signing;

#define SIGNS(REAL, ABS)                                                                           \
  static int is_negative_##REAL(const REAL *x, int64_t n) {                                        \
    REAL most = 0;                                                                                 \
    for (int64_t i = 0; i < n; i++) most = ABS(x[i]) > most ? ABS(x[i]) : most;                    \
    for (int64_t i = 0; i < n; i++)                                                                \
      if (ABS(x[i]) >= most * (REAL)0.999) return x[i] < 0;                                        \
    return 0;                                                                                      \
  }                                                                                                \
  static void turn_##REAL(REAL *x, int64_t n) {                                                    \
    for (int64_t i = 0; i < n; i++) x[i] = -x[i];                                                  \
  }                                                                                                \
  static void sign_##REAL(const signing *s, int64_t j) {                                           \
    REAL *u = (REAL *)s->u + j * s->rows_u;                                                        \
    if (!is_negative_##REAL(u, s->rows_u)) return;                                                 \
    turn_##REAL(u, s->rows_u);                                                                     \
    if (j < s->cols_v) turn_##REAL((REAL *)s->v + j * s->rows_v, s->rows_v);                       \
  }
SIGNS(double, fabs)
SIGNS(float, fabsf)

static void sign_task(void *ctx, int task, int worker) {
  const signing *s = ctx;
  (void)worker;
  if (s->type == AG_F64) sign_double(s, task);
  else sign_float(s, task);
}

/* The basis in the CPU's memory: a copy, if it lies elsewhere. */
static ag_status fetch(const basis *y, char **x, char **copy) {
  if (!y->own) return AG_OK;
  *x = ag_block_host(&y->x);
  if (*x) return AG_OK;
  *x = *copy = malloc((size_t)(y->x.rows * y->x.cols) * ag_dtype_size(y->x.type));
  if (!*x) return ag_fail(AG_E_MEMORY, "svd: no memory for %lld vectors", (long long)y->x.cols);
  return ag_block_read(&y->x, *x, y->x.rows);
}

static ag_status put_back(const basis *y, const char *copy) {
  return copy ? ag_block_write(&y->x, copy, y->x.rows) : AG_OK;
}

/* By u's columns; those that only v has, by v's. */
static ag_status set_signs(const basis *u, const basis *v) {
  char *x = NULL, *y = NULL, *copy_x = NULL, *copy_y = NULL;
  ag_status status = fetch(u, &x, &copy_x);
  if (status == AG_OK) status = fetch(v, &y, &copy_y);
  if (status == AG_OK) {
    const int64_t nu = x ? u->x.cols : 0, nv = y ? v->x.cols : 0;
    const ag_dtype type = x ? u->x.type : v->x.type;
    const signing both = {x, y, u->x.rows, v->x.rows, nv, type};
    const size_t skip = (size_t)(nu * v->x.rows) * ag_dtype_size(type);
    const signing rest = {nv > nu ? y + skip : NULL, NULL, v->x.rows, 0, 0, type};
    ag_parallel((int)nu, sign_task, (void *)(uintptr_t)&both);
    if (nv > nu) ag_parallel((int)(nv - nu), sign_task, (void *)(uintptr_t)&rest);
    status = put_back(u, copy_x);
    if (status == AG_OK) status = put_back(v, copy_y);
  }
  free(copy_x), free(copy_y);
  return status;
}

static ag_status copy_basis(ag_array *x, basis *y) {
  if (!x) return AG_OK;
  AG_TRY(ag_array_force(1, &x));
  const ag_block from = ag_block_of(x);
  AG_TRY(ag_block_new(&y->x, &y->own, x->dev, x->type, from.rows, from.cols));
  return ag_block_copy(&y->x, &from, 0);
}

static ag_status array_of_basis(const basis *y, ag_array **out) {
  if (!y->own) return AG_OK;
  return ag_array_from_buffer(out, y->own, 0, y->x.type, ag_shape_of(2, y->x.rows, y->x.cols));
}

ag_status ag_svd_signs(ag_array *u, ag_array *v, ag_array **new_u, ag_array **new_v) {
  basis left = {0}, right = {0};
  *new_u = *new_v = NULL;
  ag_status status = copy_basis(u, &left);
  if (status == AG_OK) status = copy_basis(v, &right);
  if (status == AG_OK) status = set_signs(&left, &right);
  if (status == AG_OK) status = array_of_basis(&left, new_u);
  if (status == AG_OK) status = array_of_basis(&right, new_v);
  ag_buffer_release(left.own), ag_buffer_release(right.own);
  return status;
}

/* -- all of it --------------------------------------------------------------------------------- */

static ag_status deliver(const svd *s, const basis *y, ag_array **out) {
  if (!y->own || s->dev == s->home) return array_of_basis(y, out);
  ag_buffer *home;
  ag_block there;
  AG_TRY(ag_block_new(&there, &home, s->home, s->type, y->x.rows, y->x.cols));
  ag_status status = ag_block_write(&there, ag_block_host(&y->x), y->x.rows);
  const basis at_home = {there, home};
  if (status == AG_OK) status = array_of_basis(&at_home, out);
  ag_buffer_release(home);
  return status;
}

static ag_status solve(svd *s, ag_array *x, int64_t nu, int64_t nv, double *d, basis *u, basis *v) {
  const int64_t left = s->wide ? nv : nu, right = s->wide ? nu : nv;
  AG_TRY(take_in(s, x));
  AG_TRY(reduce(s));
  AG_TRY(values(s, left, right, d));
  AG_TRY(left_basis(s, s->wide ? v : u, left));
  AG_TRY(right_basis(s, s->wide ? u : v, right));
  return nu > 0 || nv > 0 ? set_signs(u, v) : AG_OK;
}

static void drop(svd *s) {
  ag_bidiag_free(&s->vectors);
  ag_bidiag_drop(&s->b);
  ag_buffer_release(s->own_a), ag_buffer_release(s->own_r);
  free(s->aux), free(s->pivot);
}

/* The device that does the work. */
static ag_status choose(svd *s) {
  s->dev = s->home;
  if (!strcmp(s->home->table->kind, "host") || s->m * s->n > SMALL) return AG_OK;
  return ag_device_find(&s->dev, "host");
}

ag_status ag_svd(ag_array *x, int64_t nu, int64_t nv, double *d, ag_array **u, ag_array **v) {
  const int64_t rows = x->shape.dim[0], cols = x->shape.dim[1];
  svd s = {.home = x->dev, .type = x->type, .wide = rows < cols};
  basis left = {0}, right = {0};
  s.m = s.wide ? cols : rows, s.n = s.wide ? rows : cols;
  *u = *v = NULL;
  ag_status status = choose(&s);
  if (status == AG_OK) status = solve(&s, x, nu, nv, d, &left, &right);
  if (status == AG_OK) status = deliver(&s, &left, u);
  if (status == AG_OK) status = deliver(&s, &right, v);
  drop(&s);
  ag_buffer_release(left.own), ag_buffer_release(right.own);
  if (status == AG_OK) return AG_OK;
  ag_array_release(*u), ag_array_release(*v);
  *u = *v = NULL;
  return status;
}
