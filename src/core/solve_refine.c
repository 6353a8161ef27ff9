/* Systems in float64 by way of float32: the factorisation, which is most of the work, in float32,
 * then steps of iterative refinement with residuals in float64 (Langou et al., Exploiting the
 * performance of 32 bit floating point arithmetic in obtaining 64 bit accuracy, SC 2006). */
#include "cond.h"
#include "expr.h"
#include "lu.h"
#include "solve.h"
#include "threads.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_STEPS 30
/* Below this rcond float32 factors are too poor, and cannot tell how poor. */
#define LEAST_RCOND 1e-5

/* -- is it worth it ---------------------------------------------------------------------------- */
static ag_status time_product(double *seconds, ag_device *d, ag_dtype type) {
  enum { N = 1024 };
  ag_array *x;
  ag_buffer *own = NULL;
  ag_block c;
  AG_TRY(ag_array_zeros(&x, d, type, ag_shape_of(2, (int64_t)N, (int64_t)N)));
  const ag_block b = ag_block_of(x);
  ag_status status = ag_block_new(&c, &own, d, type, N, N);
  for (int i = 0; i < 2 && status == AG_OK; i++) { /* the first one builds the kernel */
    const double start = ag_threads_seconds();
    status = ag_block_gemm(AG_INTO_SET, &c, &b, 0, &b, 0);
    if (status == AG_OK) status = ag_device_finish(d);
    *seconds = ag_threads_seconds() - start;
  }
  ag_buffer_release(own);
  ag_array_release(x);
  return status;
}

ag_status ag_solve_is_slow(int *slow, ag_device *d) {
  double of64 = 0, of32 = 0;
  *slow = d->slow_f64 > 0;
  if (!d->has_f64 || !d->is_gpu || d->slow_f64) return AG_OK;
  AG_TRY(time_product(&of32, d, AG_F32));
  AG_TRY(time_product(&of64, d, AG_F64));
  d->slow_f64 = of64 > 6 * of32 ? 1 : -1;
  ag_log(1, "%s: float64 products take %.1f times as long as float32 ones", d->id, of64 / of32);
  *slow = d->slow_f64 > 0;
  return AG_OK;
}

/* -- moving ------------------------------------------------------------------------------------ */
ag_status ag_solve_move(ag_array **out, ag_array *x, ag_device *d, ag_dtype type) {
  if (x->dev == d) {
    AG_TRY(ag_expr_cast(out, x, type));
    return ag_array_force(1, out);
  }
  double *v = malloc((size_t)(ag_array_count(x) + 1) * sizeof *v);
  if (!v) return ag_fail(AG_E_MEMORY, "out of memory");
  ag_status status = ag_array_read(x, v, AG_F64);
  if (status == AG_OK) status = ag_array_write(out, d, type, x->shape, v, AG_F64);
  free(v);
  return status;
}

/* -- refinement -------------------------------------------------------------------------------- */
/* A X = B in float64 on `home`; the factors in float32 on `dev`. Columns of residuals and of
 * solutions are looked at on the CPU. */
typedef struct {
  ag_device *dev;
  int64_t n, cols;
  ag_array *a, *b; /* borrowed */
  ag_array *lu, *x, *r;
  int32_t *pivot;
  double norm; /* |A|, the largest sum of a row */
  double *here, *of_x;
  int done;
} refinement;

static void drop(refinement *s) {
  ag_array_release(s->lu);
  ag_array_release(s->x);
  ag_array_release(s->r);
  free(s->pivot);
  free(s->here);
  free(s->of_x);
}

static double largest(int64_t n, const double *x) {
  double most = 0;
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) return INFINITY;
    if (fabs(x[i]) > most) most = fabs(x[i]);
  }
  return most;
}

/* r = b - A x */
static ag_status residual(refinement *s) {
  const ag_block r = ag_block_of(s->r), b = ag_block_of(s->b), a = ag_block_of(s->a),
                 x = ag_block_of(s->x);
  AG_TRY(ag_block_copy(&r, &b, 0));
  AG_TRY(ag_block_gemm(AG_INTO_SUB, &r, &a, 0, &x, 0));
  AG_TRY(ag_array_read(s->r, s->here, AG_F64));
  return ag_array_read(s->x, s->of_x, AG_F64);
}

/* Whether each column's residual is as small as a solver in float64 would leave it. */
static int is_small(const refinement *s) {
  const double factor = s->norm * DBL_EPSILON / 2 * sqrt((double)s->n);
  for (int64_t j = 0; j < s->cols; j++) {
    const double of_r = largest(s->n, s->here + j * s->n), of_x = largest(s->n, s->of_x + j * s->n);
    if (!isfinite(of_r) || !isfinite(of_x) || of_r > of_x * factor) return 0;
  }
  return 1;
}

/* x += what solves for the residual in s->here; columns are scaled, as float32 has less range. */
static ag_status correct(refinement *s) {
  ag_array *d32 = NULL;
  const int64_t n = s->n;
  double *scale = malloc((size_t)(s->cols + 1) * sizeof *scale);
  if (!scale) return ag_fail(AG_E_MEMORY, "out of memory");
  for (int64_t j = 0; j < s->cols; j++) {
    const double size = largest(n, s->here + j * n);
    scale[j] = size > 0 && isfinite(size) ? size : 1;
    for (int64_t i = 0; i < n; i++) s->here[i + j * n] /= scale[j];
  }
  ag_status status = ag_array_write(&d32, s->dev, AG_F32, s->b->shape, s->here, AG_F64);
  if (status == AG_OK) {
    const ag_block lu = ag_block_of(s->lu), d = ag_block_of(d32);
    status = ag_lu_solve(&lu, s->pivot, &d);
  }
  if (status == AG_OK) status = ag_array_read(d32, s->here, AG_F64);
  for (int64_t j = 0; j < s->cols; j++)
    for (int64_t i = 0; i < n; i++) s->of_x[i + j * n] += scale[j] * s->here[i + j * n];
  if (status == AG_OK) {
    const ag_block x = ag_block_of(s->x);
    status = ag_block_write(&x, s->of_x, n);
  }
  ag_array_release(d32);
  free(scale);
  return status;
}

/* s->done stays 0 where float32 does not do. */
static ag_status refine(refinement *s, ag_system *how, double tol) {
  double norm;
  AG_TRY(ag_cond_norm(&norm, s->a, 0));
  AG_TRY(ag_cond_norm(&s->norm, s->a, 1));
  if (!(s->norm > FLT_MIN && norm < FLT_MAX)) return AG_OK;
  AG_TRY(ag_solve_move(&s->lu, s->a, s->dev, AG_F32));
  const ag_block lu = ag_block_of(s->lu);
  AG_TRY(ag_lu(&lu, s->pivot, &how->zero));
  if (how->zero) return AG_OK;
  AG_TRY(ag_cond_lu(&how->rcond, &lu, s->pivot, norm, 0));
  if (how->rcond < LEAST_RCOND || how->rcond < tol) return AG_OK;
  /* from X = 0 the first correction is the solution in float32 */
  AG_TRY(ag_array_zeros(&s->x, s->a->dev, AG_F64, s->b->shape));
  AG_TRY(ag_array_zeros(&s->r, s->a->dev, AG_F64, s->b->shape));
  AG_TRY(residual(s));
  for (int step = 0; step <= MOST_STEPS; step++) {
    if (step > 0 && is_small(s)) {
      s->done = 1;
      return AG_OK;
    }
    AG_TRY(correct(s));
    AG_TRY(residual(s));
  }
  return AG_OK;
}

static ag_status start(refinement *s, ag_system *how, double tol) {
  const size_t count = (size_t)(s->n * s->cols + 1);
  AG_TRY(ag_array_force(1, &s->a));
  AG_TRY(ag_array_force(1, &s->b));
  s->pivot = malloc((size_t)(s->n + 1) * sizeof *s->pivot);
  s->here = malloc(count * sizeof *s->here);
  s->of_x = malloc(count * sizeof *s->of_x);
  if (!s->pivot || !s->here || !s->of_x) return ag_fail(AG_E_MEMORY, "out of memory");
  return refine(s, how, tol);
}

static ag_status solve_with(ag_array **out, ag_system *how, ag_device *d, ag_array *a, ag_array *b,
                            double tol) {
  refinement s = {.dev = d, .a = a, .b = b, .n = a->shape.dim[0]};
  s.cols = b->shape.nd > 1 ? b->shape.dim[1] : 1;
  *out = NULL;
  *how = (ag_system){.rcond = -1};
  ag_status status = start(&s, how, tol);
  if (status == AG_OK && s.done) *out = ag_array_retain(s.x);
  drop(&s);
  if (status != AG_OK || *out) return status;
  ag_log(1, "solve: float32 does not do here, float64 is used");
  return ag_solve(out, how, a, b, tol);
}

ag_status ag_solve_refined(ag_array **out, ag_system *how, ag_device *d, ag_array *a, ag_array *b,
                           double tol) {
  if (b) return solve_with(out, how, d, a, b, tol);
  ag_array *one;
  const int64_t n = a->shape.dim[0];
  AG_TRY(ag_array_zeros(&one, a->dev, AG_F64, ag_shape_of(2, n, n)));
  const ag_block block = ag_block_of(one);
  ag_status status = ag_block_triangle(&block, &block, 1, 1);
  if (status == AG_OK) status = solve_with(out, how, d, a, one, tol);
  ag_array_release(one);
  return status;
}
