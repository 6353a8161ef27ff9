/* Replays of plans: inputs that change from run to run. */
#include "devices_kit.h"
#include <math.h>
#include <stdlib.h>

static ag_device *dev;
static ag_dtype type;

enum { ROWS = 37, COLS = 53, KEY = 4, COUNT = ROWS * COLS };

/* -- keys of random streams ------------------------------------------------------------------ */
/* Targets of one graph: numbers in a map, in a reduction, and the gradient of a loss that uses them
 * twice. `w` are weights, `u` and `z` the numbers. */
enum { MAP, SUMS, GRADIENT, TARGETS };

static void of_random(ag_array *w, ag_array *u, ag_array *z, ag_array **target) {
  ag_array *half, *mask, *dropped, *noisy, *squares, *sum;
  CHECK_OK(ag_expr_scalar(&half, 0.5, type));
  CHECK_OK(ag_expr_binary(&mask, AG_OP_gt, u, half));
  CHECK_OK(ag_expr_binary(&target[MAP], AG_OP_mul, z, half));
  CHECK_OK(ag_expr_reduce(&target[SUMS], target[MAP], AG_SUM, 0, 1, 0));
  CHECK_OK(ag_expr_binary(&dropped, AG_OP_mul, w, mask));
  CHECK_OK(ag_expr_binary(&noisy, AG_OP_add, dropped, z));
  CHECK_OK(ag_expr_unary(&squares, AG_OP_square, noisy));
  CHECK_OK(ag_expr_reduce(&sum, squares, AG_SUM, 0, 2, 0));
  CHECK_OK(ag_grad(sum, 1, &w, &target[GRADIENT]));
  ag_array *all[] = {half, mask, dropped, noisy, squares, sum};
  for (int i = 0; i < 6; i++) ag_array_release(all[i]);
}

static void check_equal(const char *what, ag_array *have, ag_array *want) {
  static double a[COUNT], b[COUNT];
  int64_t n = ag_array_count(want), i = 0;
  CHECK(ag_array_count(have) == n, "%s: %d elements", what, (int)ag_array_count(have));
  CHECK_OK(ag_array_read(have, a, AG_F64));
  CHECK_OK(ag_array_read(want, b, AG_F64));
  while (i < n && fabs(a[i] - b[i]) <= 1e-5 * (1 + fabs(b[i]))) i++;
  CHECK(i == n, "%s: element %d is %g, not %g", what, (int)i, a[i], b[i]);
}

/* A run with those keys gives what streams of those keys give. */
static void check_keys(ag_plan *plan, ag_array *w, uint64_t uniform, uint64_t normal) {
  static const char *const what[TARGETS] = {"map", "sums", "gradient"};
  ag_array *u, *z, *want[TARGETS], *have;
  CHECK_OK(ag_expr_random(&u, dev, type, w->shape, AG_UNIFORM, uniform));
  CHECK_OK(ag_expr_random(&z, dev, type, w->shape, AG_NORMAL, normal));
  of_random(w, u, z, want);
  ag_plan_set_key(plan, KEY, uniform);
  ag_plan_set_key(plan, KEY + 1, normal);
  CHECK_OK(ag_plan_run(plan));
  for (int i = 0; i < TARGETS; i++) {
    CHECK_OK(ag_plan_result(plan, i, &have));
    check_equal(what[i], have, want[i]);
    ag_array_release(have);
    ag_array_release(want[i]);
  }
  ag_array_release(u);
  ag_array_release(z);
}

static void random_inputs(void) {
  ag_array *w, *u, *z, *target[TARGETS], *below;
  ag_plan *plan = NULL;
  double values[COUNT];
  for (int i = 0; i < COUNT; i++) values[i] = i % 11 - 5;
  CHECK_OK(
      ag_array_write(&w, dev, type, ag_shape_of(2, (int64_t)ROWS, (int64_t)COLS), values, AG_F64));
  CHECK_OK(ag_expr_random_input(&u, dev, type, w->shape, AG_UNIFORM, KEY));
  CHECK_OK(ag_expr_random_input(&z, dev, type, w->shape, AG_NORMAL, KEY + 1));
  CHECK_OK(ag_expr_unary(&below, AG_OP_neg, u));
  CHECK(ag_array_force(1, &below) == AG_E_ARGUMENT, "a stream without a key has no values");
  of_random(w, u, z, target);
  CHECK_OK(ag_plan_new(&plan, TARGETS, target, NULL));
  for (uint64_t key = 0; key < 3; key++)
    check_keys(plan, w, key * UINT64_C(0x9E3779B97F4A7C15), 7 - key);
  ag_plan_free(plan);
  for (int i = 0; i < TARGETS; i++) ag_array_release(target[i]);
  ag_array *all[] = {w, u, z, below};
  for (int i = 0; i < 4; i++) ag_array_release(all[i]);
}

static void test(ag_device *d, int opencl) {
  (void)opencl;
  dev = d;
  for (type = d->has_f64 ? AG_F64 : AG_F32; type <= AG_F32; type++) random_inputs();
}

int main(int argc, char **argv) { return on_devices(argc, argv, test); }
