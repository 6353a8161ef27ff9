/* Gradients that are sums of many terms (slices, time steps) against finite differences. */
#include "devices_kit.h"
#include "owned_kit.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 6, COLS = 5, STEPS = 4, MOST = 64 };

static ag_device *dev;

/* -- building ---------------------------------------------------------------------------------- */
static ag_array *unary(ag_op op, ag_array *a) {
  ag_array *y = NULL;
  ag_status status = ag_expr_unary(&y, op, a);
  return own(status, y);
}
static ag_array *binary(ag_op op, ag_array *a, ag_array *b) {
  ag_array *y = NULL;
  ag_status status = ag_expr_binary(&y, op, a, b);
  return own(status, y);
}
static ag_array *product(ag_array *a, ag_array *b) {
  ag_array *y = NULL;
  ag_status status = ag_expr_matmul(&y, a, b, 0, 0);
  return own(status, y);
}
static ag_array *sum(ag_array *x) {
  ag_array *y = NULL;
  ag_status status = ag_expr_reduce(&y, x, AG_SUM, 0, x->shape.nd, 0);
  return own(status, y);
}
/* Rows (d = 0) or columns first, ..., last - 1. */
static ag_array *slice(ag_array *x, int d, int64_t first, int64_t last) {
  int64_t from[2] = {0}, step[2] = {1, 1}, n[2] = {x->shape.dim[0], x->shape.dim[1]};
  from[d] = first, n[d] = last - first;
  ag_array *y = NULL;
  ag_status status = ag_expr_slice(&y, x, from, step, n);
  return own(status, y);
}
/* Numbers that differ: so that no two terms of a gradient can be mistaken for each other. */
static ag_array *weights(ag_shape shape) {
  double v[MOST * 4];
  int64_t n = ag_shape_count(&shape);
  for (int64_t i = 0; i < n; i++) v[i] = 0.3 + (double)(i * 5 % 17) / 10;
  ag_array *y = NULL;
  ag_status status = ag_array_write(&y, dev, AG_F64, shape, v, AG_F64);
  return own(status, y);
}
static ag_array *weighted(ag_array *x) {
  return sum(binary(AG_OP_mul, unary(AG_OP_square, x), weights(x->shape)));
}

/* -- objectives --------------------------------------------------------------------------------*/
/* Of a matrix and a vector of its rows. */
typedef ag_array *(*objective)(ag_array *x, ag_array *bias);

static ag_array *tiles(ag_array *x, ag_array *bias) { /* rows 0-1, 2-2, 3-5, all different */
  ag_array *a = weighted(unary(AG_OP_tanh, slice(x, 0, 0, 2))), *b = weighted(slice(x, 0, 2, 3)),
           *c = weighted(unary(AG_OP_exp, slice(x, 0, 3, ROWS)));
  return binary(AG_OP_add, binary(AG_OP_add, a, binary(AG_OP_mul, b, c)), sum(bias));
}
static ag_array *gaps(ag_array *x, ag_array *bias) { /* columns 1 and 3; x as a whole too */
  ag_array *a = weighted(unary(AG_OP_tanh, slice(x, 1, 1, 2))), *b = weighted(slice(x, 1, 3, 4));
  return binary(AG_OP_add, binary(AG_OP_mul, a, b), weighted(binary(AG_OP_mul, x, bias)));
}
static ag_array *overlaps(ag_array *x, ag_array *bias) {
  ag_array *a = weighted(slice(x, 0, 0, 4)), *b = weighted(slice(x, 0, 2, ROWS)),
           *c = weighted(slice(x, 1, 0, 2));
  return binary(AG_OP_add, binary(AG_OP_mul, a, b), binary(AG_OP_mul, c, weighted(bias)));
}

/* h <- tanh(R h + bias + p_t), R from x, p_t columns of something computed from x; looks at the
 * last h, or at all of them in the order of time or the opposite one. */
static ag_array *recurrent(ag_array *x, ag_array *bias, int look) {
  ag_array *r = slice(x, 1, 0, 3), *square = NULL, *p, *h = NULL, *all[STEPS], *joined = NULL;
  ag_status status = ag_expr_matmul(&square, r, slice(x, 1, 2, 5), 0, 1);
  r = unary(AG_OP_sin, own(status, square));
  p = product(r, weights(ag_shape_of(2, (int64_t)ROWS, (int64_t)STEPS * 2)));
  for (int t = 0; t < STEPS; t++) {
    ag_array *z = slice(p, 1, 2 * t, 2 * t + 2);
    if (h) z = binary(AG_OP_add, binary(AG_OP_add, product(r, h), bias), z);
    h = all[look == 2 ? STEPS - 1 - t : t] = unary(AG_OP_tanh, z);
  }
  if (!look) return weighted(h);
  status = ag_expr_bind(&joined, STEPS, all, 1);
  return weighted(own(status, joined));
}
static ag_array *last_state(ag_array *x, ag_array *bias) { return recurrent(x, bias, 0); }
static ag_array *all_states(ag_array *x, ag_array *bias) { return recurrent(x, bias, 1); }
static ag_array *backwards(ag_array *x, ag_array *bias) { return recurrent(x, bias, 2); }

/* The same of gradients: their own gradients are second derivatives. */
static objective bent;
static ag_array *slopes(ag_array *x, ag_array *bias) {
  ag_array *of[2] = {x, bias}, *g[2] = {NULL, NULL};
  ag_status status = ag_grad(bent(x, bias), 2, of, g);
  own(status, g[0]);
  own(status, g[1]);
  return binary(AG_OP_add, weighted(g[0]), weighted(g[1]));
}

/* Scans, products and extremes of columns. */
static ag_array *columns(ag_array *x, ag_array *bias) {
  static const ag_reduction all[] = {AG_PROD, AG_MAX, AG_MIN, AG_SUM};
  ag_array *y = sum(bias);
  for (int i = 0; i < 4; i++) {
    ag_array *run = NULL, *one = NULL;
    ag_status status = ag_expr_scan(&run, x, all[i], 0, 1);
    y = binary(AG_OP_add, y, weighted(own(status, run)));
    status = ag_expr_reduce(&one, unary(AG_OP_square, x), all[i], 1, 2, 0);
    y = binary(AG_OP_add, y, weighted(binary(AG_OP_mul, own(status, one), bias)));
  }
  return y;
}
/* Rows at positions, of which two are outside of x. */
static ag_array *places(ag_array *x, ag_array *bias) {
  static const int32_t at[] = {5, 1, 9, 1, INT32_MIN, 0};
  ag_array *index = NULL, *taken = NULL, *back = NULL;
  ag_status status = ag_array_write(&index, dev, AG_I32, ag_shape_of(1, (int64_t)6), at, AG_I32);
  own(status, index);
  status = ag_expr_scatter(&back, unary(AG_OP_square, x), index, 0, 6, 0);
  status = ag_expr_scatter(&taken, own(status, back), index, 0, 7, 1);
  return weighted(binary(AG_OP_mul, slice(own(status, taken), 0, 0, ROWS), bias));
}
/* So many steps that what is pending would have run in between, if it could. */
static ag_array *many_steps(ag_array *x, ag_array *bias) {
  ag_array *y = x, *small = NULL;
  ag_status status = ag_expr_scalar(&small, 0.05, AG_F64);
  ag_array *factor = unary(AG_OP_cos, binary(AG_OP_mul, weights(x->shape), own(status, small)));
  for (int i = 0; i < 150; i++) {
    y = binary(AG_OP_mul, y, factor);
    if (i % 50 == 49) y = unary(AG_OP_sin, y);
  }
  return weighted(binary(AG_OP_mul, y, bias));
}

/* -- checking ----------------------------------------------------------------------------------*/
static double value(objective f, const double *v) {
  double y = 0;
  ag_array *x[2] = {NULL, NULL};
  ag_status s =
      ag_array_write(&x[0], dev, AG_F64, ag_shape_of(2, (int64_t)ROWS, (int64_t)COLS), v, AG_F64);
  own(s, x[0]);
  s = ag_array_write(&x[1], dev, AG_F64, ag_shape_of(1, (int64_t)ROWS), v + ROWS * COLS, AG_F64);
  own(s, x[1]);
  CHECK_OK(ag_array_read(f(x[0], x[1]), &y, AG_F64));
  release_all();
  return y;
}

static void check(const char *what, objective f) {
  enum { N = ROWS * COLS + ROWS };
  double v[N], have[N];
  ag_array *x[2], *g[2];
  for (int i = 0; i < N; i++) v[i] = (double)(i * 11 % 23) / 23 - 0.4;
  CHECK_OK(ag_expr_input(&x[0], dev, AG_F64, ag_shape_of(2, (int64_t)ROWS, (int64_t)COLS), 0));
  CHECK_OK(ag_expr_input(&x[1], dev, AG_F64, ag_shape_of(1, (int64_t)ROWS), 1));
  CHECK_OK(ag_grad(f(x[0], x[1]), 2, x, g));
  ag_plan *plan = NULL;
  ag_buffer *b = NULL;
  CHECK_OK(ag_plan_new(&plan, 2, g, NULL));
  CHECK_OK(ag_buffer_new(&b, dev, sizeof v));
  CHECK_OK(ag_buffer_write(b, 0, v, sizeof v));
  for (int i = 0; i < 2; i++) CHECK_OK(ag_plan_bind(plan, i, b, i * ROWS * COLS));
  CHECK_OK(ag_plan_run(plan));
  for (int i = 0; i < 2; i++) {
    ag_array *out = NULL;
    CHECK_OK(ag_plan_result(plan, i, &out));
    CHECK_OK(ag_array_read(out, have + i * ROWS * COLS, AG_F64));
    ag_array_release(out);
  }
  release_all();
  for (int i = 0; i < N; i++) {
    double keep = v[i], h = 1e-5, up, down;
    v[i] = keep + h, up = value(f, v);
    v[i] = keep - h, down = value(f, v);
    v[i] = keep;
    double want = (up - down) / (2 * h);
    CHECK(fabs(have[i] - want) < 1e-6 * (1 + fabs(want)), "%s: derivative %d is %g, not %g", what,
          i, have[i], want);
  }
  ag_plan_free(plan);
  ag_buffer_release(b);
  ag_array *all[] = {x[0], x[1], g[0], g[1]};
  for (int i = 0; i < 4; i++) ag_array_release(all[i]);
}

static void test(ag_device *d, int opencl) {
  dev = d;
  if (!d->has_f64) return;
  check("slices that tile", tiles);
  check("slices with gaps", gaps);
  check("slices that overlap", overlaps);
  check("time steps", last_state);
  check("time steps, all states", all_states);
  check("time steps, backwards", backwards);
  check("columns", columns);
  check("places", places);
  if (opencl) return; /* the rest is the same graphs again, and many kernels to compile */
  check("many steps", many_steps);
  const objective twice[] = {tiles, gaps, overlaps, last_state, all_states, columns, places};
  for (size_t i = 0; i < sizeof twice / sizeof *twice; i++) {
    bent = twice[i];
    check("gradients", slopes);
  }
}

int main(int argc, char **argv) { return on_devices(argc, argv, test); }
