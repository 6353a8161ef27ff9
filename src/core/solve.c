/* Linear systems of arrays. */
#include "solve.h"
#include "cond.h"
#include "lu.h"
#include <math.h>
#include <stdlib.h>

static ag_status no_memory(void) { return ag_fail(AG_E_MEMORY, "out of memory"); }

/* -- arrays and their blocks ------------------------------------------------------------------- */
/* Not initialised. */
static ag_status new_array(ag_array **out, ag_device *d, ag_dtype type, ag_shape shape) {
  ag_buffer *b;
  AG_TRY(ag_buffer_new(&b, d, (size_t)ag_shape_count(&shape) * ag_dtype_size(type)));
  ag_status status = ag_array_from_buffer(out, b, 0, type, shape);
  ag_buffer_release(b);
  return status;
}

/* Rows [0, rows) and columns [0, cols) of x, as an array of `shape` that nobody else has. */
static ag_status copy_part(ag_array **out, ag_array *x, int64_t rows, int64_t cols,
                           ag_shape shape) {
  AG_TRY(ag_array_force(1, &x));
  AG_TRY(new_array(out, x->dev, x->type, shape));
  const ag_block all = ag_block_of(x), from = ag_block_part(&all, 0, rows, 0, cols);
  ag_block to = ag_block_of(*out);
  to.rows = rows, to.cols = cols;
  ag_status status = ag_block_copy(&to, &from, 0);
  if (status == AG_OK) return AG_OK;
  ag_array_release(*out);
  *out = NULL;
  return status;
}

static ag_status copy_all(ag_array **out, ag_array *x) {
  return copy_part(out, x, x->shape.dim[0], x->shape.nd > 1 ? x->shape.dim[1] : 1, x->shape);
}

static ag_status identity(ag_array **out, ag_device *d, ag_dtype type, int64_t n) {
  AG_TRY(ag_array_zeros(out, d, type, ag_shape_of(2, n, n)));
  const ag_block b = ag_block_of(*out);
  ag_status status = ag_block_triangle(&b, &b, 1, 1);
  if (status == AG_OK) return AG_OK;
  ag_array_release(*out);
  *out = NULL;
  return status;
}

/* Of two statuses the first that failed. */
static ag_status keep(ag_array **out, ag_status status) {
  if (status == AG_OK) return AG_OK;
  ag_array_release(*out);
  *out = NULL;
  return status;
}

/* The first zero on the diagonal of the leading n x n part, from 1; else 0. */
static ag_status first_zero(int64_t *zero, const ag_block *t, int64_t n) {
  const ag_block square = ag_block_part(t, 0, n, 0, n), d = ag_block_diagonal(&square);
  *zero = 0;
  if (n == 0) return AG_OK;
  void *x = malloc((size_t)n * sizeof(double));
  if (!x) return no_memory();
  ag_status status = ag_block_read(&d, x, 1);
  for (int64_t i = n; status == AG_OK && i-- > 0;)
    if ((t->type == AG_F64 ? ((double *)x)[i] : ((float *)x)[i]) == 0) *zero = i + 1;
  free(x);
  return status;
}

/* -- square systems ---------------------------------------------------------------------------- */
typedef struct {
  ag_array *lu;
  int32_t *pivot;
} factored;

static void factored_drop(factored *f) {
  ag_array_release(f->lu);
  free(f->pivot);
}

static int is_singular(const ag_system *how, double tol) {
  return how->zero || (tol > 0 && how->rcond < tol);
}

/* Whether to go on is left to the caller: is_singular(). */
static ag_status factor(factored *f, ag_system *how, ag_array *a, double tol) {
  double norm = 0;
  how->zero = 0, how->rcond = -1;
  f->pivot = malloc((size_t)(a->shape.dim[0] + 1) * sizeof *f->pivot);
  if (!f->pivot) return no_memory();
  if (tol > 0) AG_TRY(ag_cond_norm(&norm, a, 0));
  AG_TRY(copy_all(&f->lu, a));
  const ag_block lu = ag_block_of(f->lu);
  AG_TRY(ag_lu(&lu, f->pivot, &how->zero));
  if (tol > 0 && !how->zero) AG_TRY(ag_cond_lu(&how->rcond, &lu, f->pivot, norm, 0));
  return AG_OK;
}

static ag_status solve_factored(ag_array **out, const factored *f, ag_array *b) {
  AG_TRY(b ? copy_all(out, b) : identity(out, f->lu->dev, f->lu->type, f->lu->shape.dim[0]));
  const ag_block lu = ag_block_of(f->lu), x = ag_block_of(*out);
  return keep(out, ag_lu_solve(&lu, f->pivot, &x));
}

ag_status ag_solve(ag_array **out, ag_system *how, ag_array *a, ag_array *b, double tol) {
  factored f = {0};
  *out = NULL;
  ag_status status = factor(&f, how, a, tol);
  if (status == AG_OK && !is_singular(how, tol)) status = solve_factored(out, &f, b);
  factored_drop(&f);
  return status;
}

ag_status ag_solve_rcond(double *out, ag_array *a, int rows) {
  factored f = {0};
  ag_system how;
  double norm;
  *out = 0;
  AG_TRY(ag_cond_norm(&norm, a, rows));
  ag_status status = factor(&f, &how, a, 0);
  if (status == AG_OK && !how.zero) {
    const ag_block lu = ag_block_of(f.lu);
    status = ag_cond_lu(out, &lu, f.pivot, norm, rows);
  }
  factored_drop(&f);
  return status;
}

/* -- what LU gives ----------------------------------------------------------------------------- */
static void permutation(int32_t *perm, int64_t m, const int32_t *pivot, int64_t k) {
  for (int64_t i = 0; i < m; i++) perm[i] = (int32_t)i;
  for (int64_t i = 0; i < k; i++) {
    const int32_t t = perm[i];
    perm[i] = perm[pivot[i]];
    perm[pivot[i]] = t;
  }
}

/* The upper triangle of x's first `rows` rows, or the lower one, with ones, of its first `cols`
 * columns. */
static ag_status triangle_of(ag_array **out, ag_array *x, int64_t rows, int64_t cols, int upper) {
  AG_TRY(copy_part(out, x, rows, cols, ag_shape_of(2, rows, cols)));
  const ag_block b = ag_block_of(*out);
  return keep(out, ag_block_triangle(&b, &b, upper, !upper));
}

ag_status ag_solve_lu(ag_array **l, ag_array **u, int32_t *perm, ag_array *a) {
  const int64_t m = a->shape.dim[0], n = a->shape.dim[1], k = m < n ? m : n;
  factored f = {0};
  ag_system how;
  *l = *u = NULL;
  ag_status status = factor(&f, &how, a, 0);
  if (status == AG_OK) status = triangle_of(l, f.lu, m, k, 0);
  if (status == AG_OK) status = triangle_of(u, f.lu, k, n, 1);
  if (status == AG_OK) permutation(perm, m, f.pivot, k);
  else ag_array_release(*l), *l = NULL;
  factored_drop(&f);
  return status;
}

static void multiply_diagonal(double *modulus, int *sign, int64_t n, const double *d,
                              int logarithm) {
  double product = 1, sum = 0;
  for (int64_t i = 0; i < n; i++) {
    if (d[i] < 0) *sign = -*sign;
    product *= fabs(d[i]);
    sum += log(fabs(d[i]));
  }
  *modulus = logarithm ? sum : product;
}

ag_status ag_solve_det(double *modulus, int *sign, ag_array *a, int logarithm) {
  const int64_t n = a->shape.dim[0];
  factored f = {0};
  ag_system how;
  ag_array *diagonal = NULL;
  double *d = malloc((size_t)(n + 1) * sizeof *d);
  ag_status status = d ? factor(&f, &how, a, 0) : no_memory();
  *sign = 1, *modulus = logarithm ? -INFINITY : 0;
  if (status == AG_OK && !how.zero) {
    const ag_block lu = ag_block_of(f.lu), from = ag_block_diagonal(&lu);
    status = new_array(&diagonal, a->dev, a->type, ag_shape_of(2, 1, n));
    if (status == AG_OK) {
      const ag_block to = ag_block_of(diagonal);
      status = ag_block_copy(&to, &from, 0);
    }
    if (status == AG_OK) status = ag_array_read(diagonal, d, AG_F64);
    for (int64_t i = 0; i < n; i++)
      if (f.pivot[i] != i) *sign = -*sign;
    if (status == AG_OK) multiply_diagonal(modulus, sign, n, d, logarithm);
  }
  ag_array_release(diagonal);
  factored_drop(&f);
  free(d);
  return status;
}

/* -- Cholesky and triangles -------------------------------------------------------------------- */
ag_status ag_solve_chol(ag_array **out, int64_t *minor, ag_array *a) {
  AG_TRY(copy_all(out, a));
  const ag_block b = ag_block_of(*out);
  AG_TRY(keep(out, ag_chol(&b, minor)));
  if (*minor) ag_array_release(*out), *out = NULL;
  return AG_OK;
}

ag_status ag_solve_chol_pivoted(ag_array **out, double tol, int32_t *pivot, int64_t *rank,
                                ag_array *a) {
  AG_TRY(copy_all(out, a));
  const ag_block b = ag_block_of(*out);
  return keep(out, ag_chol_pivoted(&b, tol, pivot, rank));
}

ag_status ag_solve_chol_inverse(ag_array **out, int64_t *zero, ag_array *r, int64_t n) {
  *out = NULL;
  AG_TRY(ag_array_force(1, &r));
  const ag_block all = ag_block_of(r), t = ag_block_part(&all, 0, n, 0, n);
  AG_TRY(first_zero(zero, &t, n));
  if (*zero) return AG_OK;
  AG_TRY(identity(out, r->dev, r->type, n));
  const ag_block x = ag_block_of(*out);
  AG_TRY(keep(out, ag_block_trsm(&t, (ag_tri){.upper = 1, .trans = 1}, &x)));
  return keep(out, ag_block_trsm(&t, (ag_tri){.upper = 1}, &x));
}

ag_status ag_solve_triangle(ag_array **out, int64_t *zero, ag_array *t, ag_tri how, ag_array *b,
                            int64_t n) {
  const int64_t cols = b->shape.nd > 1 ? b->shape.dim[1] : 1;
  *out = NULL;
  AG_TRY(ag_array_force(1, &t));
  const ag_block all = ag_block_of(t), triangle = ag_block_part(&all, 0, n, 0, n);
  AG_TRY(first_zero(zero, &triangle, n));
  if (*zero) return AG_OK;
  AG_TRY(copy_part(out, b, n, cols, ag_shape_of(2, n, cols)));
  const ag_block x = ag_block_of(*out);
  return keep(out, ag_block_trsm(&triangle, how, &x));
}
