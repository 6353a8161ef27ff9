/* Condition numbers. The 1-norm of an inverse is estimated from a few solves with one right-hand
 * side (Hager, SIAM J. Sci. Stat. Comput. 5, 1984; Higham, ACM Trans. Math. Softw. 14, 1988). These
 * are no work for a device: the factors are read once, and the CPU solves. */
#include "cond.h"
#include "expr.h"
#include "host_trsm.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_STEPS 5

/* -- norms ------------------------------------------------------------------------------------- */
static ag_status sum_magnitudes(ag_array **out, ag_array *x, int rows) {
  ag_array *size;
  AG_TRY(ag_expr_unary(&size, AG_OP_abs, x));
  ag_status status = ag_expr_reduce(out, size, AG_SUM, rows, rows + 1, 0);
  ag_array_release(size);
  return status;
}

ag_status ag_cond_norm(double *out, ag_array *x, int rows) {
  ag_array *sums, *most = NULL;
  *out = 0;
  if (ag_array_count(x) == 0) return AG_OK;
  AG_TRY(sum_magnitudes(&sums, x, rows));
  ag_status status = ag_expr_reduce(&most, sums, AG_MAX, 0, 1, 0);
  ag_array_release(sums);
  if (status == AG_OK) status = ag_array_read(most, out, AG_F64);
  ag_array_release(most);
  return status;
}

/* -- solves ------------------------------------------------------------------------------------ */
/* One or two triangles on the CPU: for LU both are in one matrix, and rows are exchanged. */
typedef struct {
  ag_dtype type;
  int64_t n, ld;
  const void *t;
  void *own, *room; /* freed: a copy of the triangles, and a vector of their type */
  const int32_t *pivot;
  int lu, upper;
} factors;

static ag_status fetch(factors *f, const ag_block *a) {
  const size_t size = ag_dtype_size(a->type);
  f->type = a->type, f->n = a->rows, f->ld = a->ld;
  f->own = NULL;
  f->room = malloc((size_t)f->n * size);
  if (!f->room) return ag_fail(AG_E_MEMORY, "out of memory");
  f->t = ag_block_host(a);
  if (f->t) return AG_OK;
  f->t = f->own = malloc((size_t)(f->n * f->n) * size);
  f->ld = f->n;
  if (!f->own) return ag_fail(AG_E_MEMORY, "out of memory");
  return ag_block_read(a, f->own, f->n);
}

static void drop(factors *f) {
  free(f->own);
  free(f->room);
}

static ag_status solve_triangle(const factors *f, int upper, int unit, int trans) {
  const ag_trsm t = {.type = f->type,
                     .upper = upper,
                     .unit = unit,
                     .trans = trans,
                     .rows = f->n,
                     .cols = 1,
                     .t = f->t,
                     .ldt = f->ld,
                     .b = f->room,
                     .ldb = f->n};
  return ag_host_trsm(&t);
}

static void exchange(const factors *f, double *x, int back) {
  for (int64_t s = 0; s < f->n; s++) {
    const int64_t i = back ? f->n - 1 - s : s;
    const double t = x[i];
    x[i] = x[f->pivot[i]];
    x[f->pivot[i]] = t;
  }
}

static void convert(const factors *f, double *x, int in) {
  double *d = f->room;
  float *s = f->room;
  for (int64_t i = 0; i < f->n; i++)
    if (in && f->type == AG_F64) d[i] = x[i];
    else if (in) s[i] = (float)x[i];
    else x[i] = f->type == AG_F64 ? d[i] : s[i];
}

/* x = A^-1 x, or A^-T x if `trans`. */
static ag_status solve(const factors *f, double *x, int trans) {
  if (f->lu && !trans) exchange(f, x, 0);
  convert(f, x, 1);
  if (!f->lu) {
    AG_TRY(solve_triangle(f, f->upper, 0, trans));
  } else if (trans) {
    AG_TRY(solve_triangle(f, 1, 0, 1));
    AG_TRY(solve_triangle(f, 0, 1, 1));
  } else {
    AG_TRY(solve_triangle(f, 0, 1, 0));
    AG_TRY(solve_triangle(f, 1, 0, 0));
  }
  convert(f, x, 0);
  if (f->lu && trans) exchange(f, x, 1);
  return AG_OK;
}

/* -- the estimate ------------------------------------------------------------------------------ */
static double sum_of(int64_t n, const double *x) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += fabs(x[i]);
  return sum;
}

static int64_t place_of_largest(int64_t n, const double *x) {
  int64_t at = 0;
  for (int64_t i = 1; i < n; i++)
    if (fabs(x[i]) > fabs(x[at])) at = i;
  return at;
}

/* sign = `scale` with the signs of x; whether no sign changed. */
static int take_signs(int64_t n, const double *x, double scale, double *sign) {
  int same = 1;
  for (int64_t i = 0; i < n; i++) {
    const double s = x[i] < 0 ? -scale : scale;
    same &= s == sign[i];
    sign[i] = s;
  }
  return same;
}

/* A lower bound of scale * |A^-1| in the 1-norm, or of A^-T if `trans`, mostly within a factor of
 * three: all vectors carry the factor, so that they neither overflow nor vanish before the result
 * does. */
static ag_status estimate(double *out, const factors *f, double scale, int trans, double *x,
                          double *sign) {
  const int64_t n = f->n;
  double best;
  for (int64_t i = 0; i < n; i++) x[i] = scale / (double)n, sign[i] = 0;
  AG_TRY(solve(f, x, trans));
  best = sum_of(n, x);
  int64_t last = -1;
  for (int step = 0; step < MOST_STEPS && n > 1; step++) {
    if (take_signs(n, x, scale, sign)) break;
    memcpy(x, sign, (size_t)n * sizeof *x);
    AG_TRY(solve(f, x, !trans));
    const int64_t at = place_of_largest(n, x);
    if (last >= 0 && fabs(x[at]) <= fabs(x[last])) break;
    last = at;
    memset(x, 0, (size_t)n * sizeof *x);
    x[at] = scale;
    AG_TRY(solve(f, x, trans));
    const double sum = sum_of(n, x);
    if (sum <= best) break;
    best = sum;
  }
  /* what cancellation hides from the steps above */
  for (int64_t i = 0; i < n; i++)
    x[i] = (i % 2 ? -scale : scale) * (1 + (double)i / (double)(n > 1 ? n - 1 : 1));
  AG_TRY(solve(f, x, trans));
  const double other = 2 * sum_of(n, x) / (3 * (double)n);
  *out = other > best || isnan(other) ? other : best;
  return AG_OK;
}

static ag_status reciprocal(double *out, const factors *f, double norm, int rows) {
  double *x = malloc(2 * (size_t)f->n * sizeof *x), size = 0;
  *out = 0;
  if (!x) return ag_fail(AG_E_MEMORY, "out of memory");
  ag_status status = estimate(&size, f, norm, rows, x, x + f->n);
  if (isfinite(size) && size > 0) *out = 1 / size;
  free(x);
  return status;
}

static ag_status of_factors(double *out, factors *f, const ag_block *a, double norm, int rows) {
  *out = a->rows == 0 ? 1 : 0;
  if (a->rows == 0 || !(norm > 0) || !isfinite(norm)) return AG_OK;
  ag_status status = fetch(f, a);
  if (status == AG_OK) status = reciprocal(out, f, norm, rows);
  drop(f);
  return status;
}

ag_status ag_cond_lu(double *out, const ag_block *lu, const int32_t *pivot, double norm, int rows) {
  factors f = {.pivot = pivot, .lu = 1};
  return of_factors(out, &f, lu, norm, rows);
}

/* |T| is summed here, as what is on T's other side does not count. */
static double norm_of(const factors *f, int upper, int rows, double *sum) {
  const double *d = f->t;
  const float *s = f->t;
  double most = 0;
  memset(sum, 0, (size_t)f->n * sizeof *sum);
  for (int64_t j = 0; j < f->n; j++)
    for (int64_t i = upper ? 0 : j; i < (upper ? j + 1 : f->n); i++)
      sum[rows ? i : j] += fabs(f->type == AG_F64 ? d[i + j * f->ld] : s[i + j * f->ld]);
  for (int64_t i = 0; i < f->n; i++) {
    if (isnan(sum[i])) return sum[i];
    if (sum[i] > most) most = sum[i];
  }
  return most;
}

static ag_status of_triangle(double *out, factors *f, const ag_block *t, int rows) {
  AG_TRY(fetch(f, t));
  double *sum = malloc((size_t)f->n * sizeof *sum);
  if (!sum) return ag_fail(AG_E_MEMORY, "out of memory");
  const double norm = norm_of(f, f->upper, rows, sum);
  free(sum);
  return norm > 0 && isfinite(norm) ? reciprocal(out, f, norm, rows) : AG_OK;
}

ag_status ag_cond_triangle(double *out, const ag_block *t, int upper, int rows) {
  factors f = {.upper = upper};
  *out = t->rows == 0 ? 1 : 0;
  if (t->rows == 0) return AG_OK;
  ag_status status = of_triangle(out, &f, t, rows);
  drop(&f);
  return status;
}
