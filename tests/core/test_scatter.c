/* Gathers, and sums by index that are their gradients, against plain loops. */
#include "devices_kit.h"
#include "opencl.h"
#include <math.h>
#include <stdlib.h>

static ag_device *dev;
static ag_dtype type;
static unsigned long seed = 7;

static int pick(int n) {
  seed = seed * 6364136223846793005UL + 1442695040888963407UL;
  return (int)((seed >> 33) % (unsigned long)n);
}

static double *values(int64_t n) {
  double *v = malloc(((size_t)n + 1) * sizeof *v);
  for (int64_t i = 0; i < n; i++) v[i] = pick(9) - 4;
  return v;
}

static ag_array *upload(ag_dtype of, ag_shape shape, const double *v) {
  ag_array *x = NULL;
  CHECK_OK(ag_array_write(&x, dev, of, shape, v, AG_F64));
  CHECK_OK(ag_array_force(1, &x));
  return x;
}

/* Numbers from `first` - 1 to first + extent: some are outside, and some are NA. */
static double *positions(int64_t n, int64_t extent, int first) {
  double *v = malloc(((size_t)n + 1) * sizeof *v);
  for (int64_t i = 0; i < n; i++) v[i] = pick(20) ? first - 1 + pick((int)extent + 2) : NAN;
  return v;
}

static void expect(ag_array *y, const double *want, int64_t n, const char *what) {
  double *have = malloc(((size_t)n + 1) * sizeof *have);
  int64_t i = 0;
  CHECK(ag_array_count(y) == n, "%s: %d elements", what, (int)ag_array_count(y));
  CHECK_OK(ag_array_read(y, have, AG_F64));
  while (i < n && (have[i] == want[i] || (have[i] != have[i] && want[i] != want[i]))) i++;
  CHECK(i == n, "%s: element %d of %d is %g, not %g", what, (int)i, (int)n, have[i], want[i]);
  free(have);
}

/* x is stored, computed, or a piece of something stored: all have the values v. */
static ag_array *seen(ag_dtype of, ag_shape shape, const double *v, int how) {
  ag_array *x, *part = NULL, *y = NULL, *zero = NULL;
  if (how != 2) x = upload(of, shape, v);
  if (how == 0) return x;
  if (how == 1) {
    CHECK_OK(ag_expr_scalar(&zero, 0, of));
    CHECK_OK(ag_expr_binary(&y, of == AG_I32 ? AG_OP_int_add : AG_OP_add, x, zero));
  } else {
    int64_t n = ag_shape_count(&shape), first = 3, step = 1;
    double *more = calloc((size_t)n + 5, sizeof *more);
    for (int64_t i = 0; i < n; i++) more[3 + i] = v[i];
    x = upload(of, ag_shape_of(1, n + 5), more);
    CHECK_OK(ag_expr_slice(&part, x, &first, &step, &n));
    CHECK_OK(ag_expr_reshape(&y, part, shape));
    free(more);
  }
  ag_array_release(x);
  ag_array_release(part);
  ag_array_release(zero);
  return y;
}

static void scatter(int64_t pre, int64_t n, int64_t post, int64_t cols) {
  const int first = pick(2), how = pick(3);
  double *v = values(pre * n * post), *at = positions(n, cols, first),
         *want = calloc((size_t)(pre * cols * post) + 1, sizeof *want);
  for (int64_t q = 0; q < post; q++)
    for (int64_t i = 0; i < n; i++)
      for (int64_t p = 0; p < pre; p++)
        if (at[i] >= first && at[i] < first + cols)
          want[p + pre * (((int64_t)at[i] - first) + cols * q)] += v[p + pre * (i + n * q)];
  ag_array *x = seen(type, ag_shape_of(3, pre, n, post), v, how),
           *index = seen(AG_I32, ag_shape_of(1, n), at, pick(3)), *y = NULL;
  CHECK_OK(ag_expr_scatter(&y, x, index, 1, cols, first));
  expect(y, want, pre * cols * post, "scatter");
  ag_array *all[] = {x, index, y};
  for (int i = 0; i < 3; i++) ag_array_release(all[i]);
  free(v);
  free(at);
  free(want);
}

static void gather(int64_t rows, int64_t n, int64_t cols) {
  double *v = values(rows * cols), *at = positions(n, cols, 0),
         *want = calloc((size_t)(rows * n) + 1, sizeof *want);
  for (int64_t i = 0; i < rows * n; i++) {
    double j = at[i / rows];
    want[i] = j >= 0 && j < (double)cols ? v[(int64_t)j * rows + i % rows] : NAN;
  }
  ag_array *x = seen(type, ag_shape_of(2, rows, cols), v, pick(3)),
           *index = seen(AG_I32, ag_shape_of(1, n), at, pick(3)), *y = NULL;
  CHECK_OK(ag_expr_gather(&y, x, index));
  expect(y, want, rows * n, "gather");
  ag_array *all[] = {x, index, y};
  for (int i = 0; i < 3; i++) ag_array_release(all[i]);
  free(v);
  free(at);
  free(want);
}

/* The sum of x's chosen elements times w has the gradient that adds up w where x was read. */
static void gradient(int64_t rows, int64_t n, int64_t cols, int take) {
  double *v = values(rows * cols), *at = positions(n, cols, take), *w = values(rows * n),
         *want = calloc((size_t)(rows * cols) + 1, sizeof *want);
  for (int64_t i = 0; i < n; i++)
    for (int64_t p = 0; p < rows; p++)
      if (at[i] >= take && at[i] < take + cols)
        want[p + rows * ((int64_t)at[i] - take)] += w[p + rows * i];
  ag_array *x = upload(type, ag_shape_of(2, rows, cols), v),
           *weight = upload(type, ag_shape_of(2, rows, n), w),
           *index = upload(AG_I32, ag_shape_of(1, n), at), *chosen, *product, *sum, *g;
  ag_subscript s = {.step = {1}, .n = {rows, n}, .at = {NULL, index}};
  CHECK_OK(take ? ag_expr_take(&chosen, x, &s) : ag_expr_gather(&chosen, x, index));
  CHECK_OK(ag_expr_binary(&product, AG_OP_mul, chosen, weight));
  CHECK_OK(ag_expr_reduce(&sum, product, AG_SUM, 0, 2, 0));
  CHECK_OK(ag_grad(sum, 1, &x, &g));
  expect(g, want, rows * cols, take ? "gradient of a take" : "gradient of a gather");
  ag_array *all[] = {x, weight, index, chosen, product, sum, g};
  for (int i = 0; i < 7; i++) ag_array_release(all[i]);
  free(v);
  free(at);
  free(w);
  free(want);
}

/* Two vectors of positions, one dimension reversed in part: from each element of the result back to
 * where it was read. */
static void gradient_of_picks(void) {
  enum { A = 5, B = 4, C = 6, NA = 7, NC = 9, NB = 2 };
  double *v = values(A * B * C), *ia = positions(NA, A, 1), *ic = positions(NC, C, 1),
         *w = values(NA * NB * NC), want[A * B * C] = {0};
  for (int k = 0; k < NC; k++)
    for (int j = 0; j < NB; j++)
      for (int i = 0; i < NA; i++)
        if (ia[i] >= 1 && ia[i] <= A && ic[k] >= 1 && ic[k] <= C)
          want[(int)ia[i] - 1 + A * (3 - 2 * j + B * ((int)ic[k] - 1))] += w[i + NA * (j + NB * k)];
  ag_array *x = upload(type, ag_shape_of(3, (int64_t)A, (int64_t)B, (int64_t)C), v),
           *weight = upload(type, ag_shape_of(3, (int64_t)NA, (int64_t)NB, (int64_t)NC), w),
           *at_a = upload(AG_I32, ag_shape_of(1, (int64_t)NA), ia),
           *at_c = upload(AG_I32, ag_shape_of(1, (int64_t)NC), ic), *chosen, *product, *sum, *g;
  ag_subscript s = {.first = {0, 3}, .step = {0, -2}, .n = {NA, NB, NC}, .at = {at_a, NULL, at_c}};
  CHECK_OK(ag_expr_take(&chosen, x, &s));
  CHECK_OK(ag_expr_binary(&product, AG_OP_mul, chosen, weight));
  CHECK_OK(ag_expr_reduce(&sum, product, AG_SUM, 0, 3, 0));
  CHECK_OK(ag_grad(sum, 1, &x, &g));
  expect(g, want, A * B * C, "gradient of two vectors of positions");
  ag_array *all[] = {x, weight, at_a, at_c, chosen, product, sum, g};
  for (int i = 0; i < 8; i++) ag_array_release(all[i]);
  free(v);
  free(ia);
  free(ic);
  free(w);
}

static void test_all(void) {
  static const int64_t shape[][4] = {{1, 1, 1, 1},      {1, 500, 1, 7}, {64, 40, 1, 300},
                                     {5, 0, 2, 3},      {3, 50, 4, 11}, {300, 200, 1, 50},
                                     {1, 3000, 1, 2000}};
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
    for (int again = 0; again < 4; again++)
      scatter(shape[i][0], shape[i][1], shape[i][2], shape[i][3]);
    for (int again = 0; again < 4; again++) gather(shape[i][0], shape[i][1], shape[i][3]);
    gradient(shape[i][0], shape[i][1] + 1, shape[i][3], 0);
    gradient(shape[i][0], shape[i][1] + 1, shape[i][3], 1);
  }
  gradient_of_picks();
}

static void test(ag_device *d, int opencl) {
  dev = d;
  for (type = d->has_f64 ? AG_F64 : AG_F32; type <= AG_F32; type++) test_all();
  if (!opencl) return;
  ag_cg_target *target = &((ag_cl_state *)d->state)->target; /* as if it were a GPU */
  target->is_gpu = 1, target->lanes = 1;
  type = AG_F32;
  test_all();
}

int main(int argc, char **argv) { return on_devices(argc, argv, test); }
