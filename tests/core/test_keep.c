/* bfloat16 as a type that arrays are kept in: its rounding, and what is stored of a graph. */
#include "devices_kit.h"
#include "owned_kit.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ag_device *dev;

static float from_bits(uint32_t b) {
  float x;
  memcpy(&x, &b, sizeof x);
  return x;
}
static uint32_t to_bits(float x) {
  uint32_t b;
  memcpy(&b, &x, sizeof b);
  return b;
}

/* -- rounding ---------------------------------------------------------------------------------- */
/* x as a multiple of the last of 8 binary digits, which rint() rounds to the nearest, ties to even;
 * subnormal numbers have their last digit at 2^-133. */
static float reference(float x) {
  int e;
  if (x != x || isinf(x) || x == 0) return x;
  (void)frexp(x, &e);
  const int last = e - 8 < -133 ? -133 : e - 8;
  const double y = ldexp(rint(ldexp(x, -last)), last);
  return fabs(y) >= ldexp(1, 128) ? (float)(y > 0 ? INFINITY : -INFINITY) : (float)y;
}

static ag_array *array_of(const float *x, int64_t n) {
  ag_buffer *b;
  ag_array *a = NULL;
  CHECK_OK(ag_buffer_new(&b, dev, (size_t)n * sizeof *x));
  CHECK_OK(ag_buffer_write(b, 0, x, (size_t)n * sizeof *x));
  CHECK_OK(ag_array_from_buffer(&a, b, 0, AG_F32, ag_shape_of(1, n)));
  ag_buffer_release(b);
  return a;
}

static void read_floats(ag_array *a, float *y) {
  CHECK_OK(ag_array_force(1, &a));
  CHECK_OK(ag_buffer_read(a->buf, y, (size_t)a->offset * sizeof *y,
                          (size_t)ag_array_count(a) * sizeof *y));
}

/* Every upper half of a float with lower halves around the ties, `store`d as bfloat16 or rounded
 * within one kernel. */
static void check_rounding(int store) {
  static const uint32_t low[] = {0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF};
  enum { LOWS = 6, COUNT = 65536 * LOWS };
  float *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y);
  for (int i = 0; i < COUNT; i++) x[i] = from_bits((uint32_t)(i / LOWS) << 16 | low[i % LOWS]);
  ag_array *a = array_of(x, COUNT), *narrow, *wide;
  CHECK_OK(ag_expr_cast(&narrow, a, AG_B16));
  if (store) CHECK_OK(ag_array_force(1, &narrow));
  CHECK_OK(ag_expr_cast(&wide, narrow, AG_F32));
  read_floats(wide, y);
  int wrong = 0;
  for (int i = 0; i < COUNT && wrong < 5; i++) {
    const float want = reference(x[i]);
    const int ok = want != want ? y[i] != y[i] : to_bits(want) == to_bits(y[i]);
    wrong += !ok;
    CHECK(ok, "%s: %08x became %08x, not %08x", dev->id, to_bits(x[i]), to_bits(y[i]),
          to_bits(want));
  }
  if (store) CHECK(narrow->buf && ag_dtype_size(narrow->type) == 2, "stored in two bytes");
  ag_array_release(wide);
  ag_array_release(narrow);
  ag_array_release(a);
  free(x);
  free(y);
}

/* Views of what is stored, in every length around a vector's. */
static void check_lengths(void) {
  float x[77], y[77];
  for (int i = 0; i < 77; i++) x[i] = (float)i * 1.01f;
  for (int n = 1; n <= 77; n += n < 40 ? 1 : 37) {
    const int64_t first = n - 1, step = -1, extent = n;
    ag_array *a = array_of(x, n), *narrow, *back, *wide;
    CHECK_OK(ag_expr_cast(&narrow, a, AG_B16));
    CHECK_OK(ag_array_force(1, &narrow));
    CHECK_OK(ag_expr_slice(&back, narrow, &first, &step, &extent));
    CHECK_OK(ag_expr_cast(&wide, back, AG_F32));
    read_floats(wide, y);
    for (int i = 0; i < n; i++)
      CHECK(y[i] == reference(x[n - 1 - i]), "%s: element %d of %d", dev->id, i, n);
    ag_array *all[] = {a, narrow, back, wide};
    for (int i = 0; i < 4; i++) ag_array_release(all[i]);
  }
}

/* -- what is stored ---------------------------------------------------------------------------- */
enum { SIDE = 64, LAYERS = 8 };

static ag_array *tanh_of(ag_array *x) {
  ag_array *y = NULL;
  ag_status s = ag_expr_unary(&y, AG_OP_tanh, x);
  return own(s, y);
}
static ag_array *product(ag_array *a, ag_array *b) {
  ag_array *y = NULL;
  ag_status s = ag_expr_matmul(&y, a, b, 0, 0);
  return own(s, y);
}
static ag_array *keep(ag_array *x, int kept) {
  ag_array *y = NULL;
  if (!kept) return x;
  ag_status s = ag_expr_keep(&y, x);
  return own(s, y);
}

/* The gradient of the sum of z, LAYERS products and tanh() above the input, by the weights, side by
 * side in g; and the bytes of the plan that computes it. */
static int64_t network(ag_buffer *data, int kept, float *g) {
  ag_array *in[LAYERS + 1], *grad[LAYERS], *z, *y = NULL, *all = NULL;
  for (int i = 0; i <= LAYERS; i++) {
    ag_array *a = NULL;
    ag_status s = ag_expr_input(&a, dev, AG_F32, ag_shape_of(2, (int64_t)SIDE, (int64_t)SIDE), i);
    in[i] = own(s, a);
  }
  z = in[LAYERS];
  for (int l = 0; l < LAYERS; l++) {
    z = tanh_of(product(in[l], z));
    if (l < LAYERS - 1) z = keep(z, kept);
  }
  ag_status s = ag_expr_reduce(&y, z, AG_SUM, 0, 2, 0);
  own(s, y);
  CHECK_OK(ag_grad_kept(y, kept, &z, LAYERS, in, grad));
  for (int i = 0; i < LAYERS; i++) own(AG_OK, grad[i]);
  s = ag_expr_concat(&all, LAYERS, grad);
  own(s, all);
  ag_plan *plan;
  const size_t before = ag_device_memory(dev).live_bytes;
  CHECK_OK(ag_plan_new(&plan, 1, &all, NULL));
  for (int i = 0; i <= LAYERS; i++) CHECK_OK(ag_plan_bind(plan, i, data, i * SIDE * SIDE));
  CHECK_OK(ag_plan_run(plan));
  const int64_t used = (int64_t)(ag_device_memory(dev).live_bytes - before);
  ag_array *result = NULL;
  CHECK_OK(ag_plan_result(plan, 0, &result));
  read_floats(result, g);
  ag_array_release(result);
  ag_plan_free(plan);
  release_all();
  return used - LAYERS * SIDE * SIDE * (int64_t)sizeof *g; /* without the result */
}

/* Half the memory, and the same gradient to the rounding of what is kept. */
static void check_memory(void) {
  enum { COUNT = LAYERS * SIDE * SIDE, ALL = COUNT + SIDE * SIDE };
  float *x = malloc(ALL * sizeof *x), *g[3];
  ag_array *data;
  uint32_t state = 1;
  for (int i = 0; i < 3; i++) g[i] = calloc(COUNT, sizeof **g);
  for (int i = 0; i < ALL; i++) {
    state = state * 1664525u + 1013904223u;
    x[i] = (float)((state / 4294967296.0 - 0.5) * 3.5 / sqrt(SIDE));
  }
  data = array_of(x, ALL);
  const int64_t full = network(data->buf, 0, g[0]), half = network(data->buf, 1, g[1]);
  CHECK(network(data->buf, 1, g[2]) == half, "as before");
  CHECK((double)half < 0.75 * (double)full, "%s: %lld bytes, %lld in full", dev->id,
        (long long)half, (long long)full);
  double off = 0, size = 0, again = 0;
  for (int i = 0; i < COUNT; i++) {
    off += (g[1][i] - g[0][i]) * (g[1][i] - g[0][i]);
    size += g[0][i] * g[0][i];
    again += g[1][i] != g[2][i];
  }
  CHECK(sqrt(off / size) < 0.01, "%s: the gradient is off by %g", dev->id, sqrt(off / size));
  CHECK(off > 0, "%s: nothing was rounded", dev->id);
  CHECK(again == 0, "%s: not the same again", dev->id);
  for (int i = 0; i < 3; i++) free(g[i]);
  ag_array_release(data);
  free(x);
}

static void test(ag_device *d, int opencl) {
  (void)opencl;
  dev = d;
  check_rounding(0);
  check_rounding(1);
  check_lengths();
  check_memory();
}

int main(int argc, char **argv) { return on_devices(argc, argv, test); }
