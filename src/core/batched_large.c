/* Many matrices, each of which is large enough to keep the device busy: one after the other. */
#include "batched_large.h"
#include "cond.h"
#include "eigen_symm.h"
#include "expr.h"
#include "solve.h"
#include <math.h>
#include <stdlib.h>

static int64_t batch_of(const ag_array *a) { return a->shape.dim[2]; }

/* Matrix i of x, which is forced, without a copy. */
static ag_status matrix(ag_array **out, ag_array *x, int64_t i) {
  const ag_shape shape = ag_shape_of(2, x->shape.dim[0], x->shape.dim[1]);
  return ag_array_from_buffer(out, x->buf, x->offset + i * ag_shape_count(&shape), x->type, shape);
}

static ag_status new_array(ag_array **out, ag_array *like, ag_shape shape) {
  ag_buffer *b;
  const size_t bytes = (size_t)ag_shape_count(&shape) * ag_dtype_size(like->type);
  AG_TRY(ag_buffer_new(&b, like->dev, bytes));
  ag_status status = ag_array_from_buffer(out, b, 0, like->type, shape);
  ag_buffer_release(b);
  return status;
}

static ag_block place(ag_array *all, int64_t i) {
  ag_block b = ag_block_of(all);
  b.at += i * b.rows * b.cols;
  return b;
}

static ag_status put(ag_array *all, int64_t i, ag_array *one) {
  AG_TRY(ag_array_force(1, &one));
  const ag_block from = ag_block_of(one), to = place(all, i);
  return ag_block_copy(&to, &from, 0);
}

/* The upper triangle or all of matrix i becomes NaN. */
static ag_status put_nan(ag_array *all, int64_t i, int triangle) {
  ag_array *value, *nans = NULL;
  const ag_shape shape = ag_shape_of(2, all->shape.dim[0], all->shape.dim[1]);
  const ag_block to = place(all, i);
  AG_TRY(ag_expr_scalar(&value, NAN, all->type));
  ag_status s = ag_expr_recycle(&nans, value, shape);
  if (s == AG_OK && !nans->dev) nans->dev = all->dev;
  if (s == AG_OK) s = put(all, i, nans);
  if (s == AG_OK && triangle) s = ag_block_triangle(&to, &to, 1, 0);
  ag_array_release(value);
  ag_array_release(nans);
  return s;
}

/* Calls one(out, failed, a, b, i) for each matrix until one fails, in either way; *out is released
 * then. */
typedef ag_status (*one_fn)(ag_array *out, ag_failure *failed, ag_array *a, ag_array *b, int64_t i);

static ag_status each(ag_array **out, ag_failure *failed, ag_array *a, ag_array *b, one_fn one) {
  *failed = (ag_failure){0, 0};
  AG_TRY(new_array(out, a, b ? b->shape : a->shape));
  ag_status s = AG_OK;
  for (int64_t i = 0; i < batch_of(a) && s == AG_OK && !failed->at; i++) {
    s = one(*out, failed, a, b, i);
    if (failed->at) failed->matrix = i + 1;
  }
  if (s == AG_OK) return s;
  ag_array_release(*out);
  *out = NULL;
  return s;
}

static ag_status solve_one(ag_array *out, ag_failure *failed, ag_array *a, ag_array *b, int64_t i) {
  ag_array *left = NULL, *right = NULL, *x = NULL;
  ag_system how = {0, 0};
  ag_status s = matrix(&left, a, i);
  if (s == AG_OK && b) s = matrix(&right, b, i);
  if (s == AG_OK) s = ag_solve(&x, &how, left, right, 0);
  if (s == AG_OK && x) s = put(out, i, x);
  failed->at = how.zero;
  ag_array_release(left);
  ag_array_release(right);
  ag_array_release(x);
  return s;
}

ag_status ag_batched_large_solve(ag_array **x, ag_failure *failed, ag_array *a, ag_array *b) {
  return each(x, failed, a, b, solve_one);
}

/* Whether the upper triangle has NaN. */
static ag_status has_nan(int *yes, ag_array *a) {
  ag_array *upper;
  double norm = 0;
  AG_TRY(new_array(&upper, a, a->shape));
  const ag_block from = ag_block_of(a), to = ag_block_of(upper);
  ag_status s = ag_block_triangle(&to, &from, 1, 0);
  if (s == AG_OK) s = ag_cond_norm(&norm, upper, 0);
  *yes = isnan(norm);
  ag_array_release(upper);
  return s;
}

static ag_status chol_one(ag_array *out, ag_failure *failed, ag_array *a, ag_array *b, int64_t i) {
  ag_array *one, *x = NULL;
  int nan = 0;
  (void)b;
  AG_TRY(matrix(&one, a, i));
  ag_status s = ag_solve_chol(&x, &failed->at, one);
  if (s == AG_OK && x) s = put(out, i, x);
  if (s == AG_OK && failed->at) s = has_nan(&nan, one);
  if (s == AG_OK && nan) s = put_nan(out, i, 1), failed->at = 0;
  ag_array_release(one);
  ag_array_release(x);
  return s;
}

ag_status ag_batched_large_chol(ag_array **x, ag_failure *failed, ag_array *a) {
  return each(x, failed, a, NULL, chol_one);
}

static ag_status det_one(double *value, ag_array *a, int64_t i) {
  ag_array *one;
  double modulus = 0;
  int sign = 1;
  AG_TRY(matrix(&one, a, i));
  ag_status s = ag_solve_det(&modulus, &sign, one, 1);
  *value = sign * exp(modulus);
  ag_array_release(one);
  return s;
}

ag_status ag_batched_large_det(ag_array **x, ag_array *a) {
  const int64_t batch = batch_of(a);
  double *value = malloc((size_t)(batch + 1) * sizeof *value);
  if (!value) return ag_fail(AG_E_MEMORY, "out of memory");
  ag_status s = AG_OK;
  for (int64_t i = 0; i < batch && s == AG_OK; i++) s = det_one(&value[i], a, i);
  if (s == AG_OK) s = ag_array_write(x, a->dev, a->type, ag_shape_of(1, batch), value, AG_F64);
  free(value);
  return s;
}

/* What is not finite has NaN for its values and vectors. */
static ag_status eigen_one(double *value, ag_array *vectors, ag_array *a, int64_t i) {
  ag_array *one, *v = NULL;
  AG_TRY(matrix(&one, a, i));
  ag_status s = ag_eigen_symmetric(one, value, vectors ? &v : NULL);
  ag_array_release(one);
  if (s == AG_E_ARGUMENT) {
    for (int64_t j = 0; j < a->shape.dim[0]; j++) value[j] = NAN;
    return vectors ? put_nan(vectors, i, 0) : AG_OK;
  }
  if (s == AG_OK && v) s = put(vectors, i, v);
  ag_array_release(v);
  return s;
}

ag_status ag_batched_large_eigen(ag_array **values, ag_array **vectors, ag_array *a) {
  const int64_t n = a->shape.dim[0], batch = batch_of(a);
  ag_array *all = NULL;
  double *value = malloc((size_t)(n * batch + 1) * sizeof *value);
  if (!value) return ag_fail(AG_E_MEMORY, "out of memory");
  ag_status s = vectors ? new_array(&all, a, a->shape) : AG_OK;
  for (int64_t i = 0; i < batch && s == AG_OK; i++) s = eigen_one(value + i * n, all, a, i);
  if (s == AG_OK)
    s = ag_array_write(values, a->dev, a->type, ag_shape_of(2, n, batch), value, AG_F64);
  free(value);
  if (s != AG_OK) ag_array_release(all);
  else if (vectors) *vectors = all;
  return s;
}
