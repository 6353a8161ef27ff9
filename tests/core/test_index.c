/* Taking, putting and selecting elements by position, against plain C, in the shapes and types that
 * R's indexing needs. */
#include "check.h"
#include "core.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ag_device *dev;
static ag_dtype type;
static unsigned long seed = 4711;

static int pick(int n) {
  seed = seed * 6364136223846793005UL + 1442695040888963407UL;
  return (int)((seed >> 33) % (unsigned long)n);
}

/* Small whole numbers: every type holds them. */
static double *values(int64_t n) {
  double *v = malloc(((size_t)n + 1) * sizeof *v);
  for (int64_t i = 0; i < n; i++) v[i] = type == AG_BOOL ? pick(2) : pick(1000) - 500;
  return v;
}

static ag_array *upload(ag_shape shape, const double *v) {
  ag_array *x;
  CHECK_OK(ag_array_write(&x, dev, type, shape, v, AG_F64));
  return x;
}

static void expect(ag_array *x, const double *want, int64_t n, const char *what) {
  double *have = malloc(((size_t)n + 1) * sizeof *have);
  int bad = 0;
  CHECK(ag_array_count(x) == n, "%s: %d elements, not %d", what, (int)ag_array_count(x), (int)n);
  CHECK_OK(ag_array_read(x, have, AG_F64));
  for (int64_t i = 0; i < n && ag_array_count(x) == n; i++)
    bad += !(have[i] == want[i] || (have[i] != have[i] && want[i] != want[i]));
  CHECK(!bad, "%s: %d of %d elements differ", what, bad, (int)n);
  free(have);
}

/* A random subscript; where[q][k] is the 0-based position, or -1. `unique`: none twice, none -1. */
static void random_subscript(ag_subscript *s, const ag_shape *shape, int64_t **where, int unique) {
  int vectors = 0;
  *s = (ag_subscript){{0}, {0}, {0}, {NULL}};
  for (int q = 0; q < shape->nd; q++) {
    int64_t extent = shape->dim[q];
    where[q] = calloc((size_t)extent + 9, sizeof **where);
    if (pick(2) && vectors < AG_MAX_PICK) {
      int32_t at[400];
      vectors++;
      s->n[q] = unique ? pick((int)extent) + 1 : pick((int)extent + 8);
      int start = pick((int)extent), step = extent % 7 ? 7 : 1; /* a walk that meets none twice */
      for (int64_t k = 0; k < s->n[q]; k++) {
        where[q][k] = unique ? (start + k * step) % extent : pick((int)extent + 2) - 1;
        if (where[q][k] == extent) where[q][k] = -1;
        at[k] = where[q][k] >= 0 ? (int32_t)where[q][k] + 1
                : pick(2)        ? AG_NA_INT
                : pick(2)        ? 0
                                 : (int32_t)extent + 1 + pick(9);
      }
      CHECK_OK(ag_array_write(&s->at[q], dev, AG_I32, ag_shape_of(1, s->n[q]), at, AG_I32));
      continue;
    }
    s->first[q] = pick((int)extent);
    s->step[q] = pick(2) ? 1 : -1;
    int64_t room = s->step[q] > 0 ? extent - s->first[q] : s->first[q] + 1;
    s->n[q] = pick((int)room) + 1;
    for (int64_t k = 0; k < s->n[q]; k++) where[q][k] = s->first[q] + k * s->step[q];
  }
}

static void drop_subscript(ag_subscript *s, int nd, int64_t **where) {
  for (int q = 0; q < nd; q++) {
    ag_array_release(s->at[q]);
    free(where[q]);
  }
}

/* The element number that chosen element i is, or -1. */
static int64_t element(const ag_shape *shape, const ag_subscript *s, int64_t **where, int64_t i) {
  int64_t at = 0, stride = 1;
  for (int q = 0; q < shape->nd; q++) {
    int64_t w = where[q][i % s->n[q]];
    if (w < 0) return -1;
    at += w * stride;
    i /= s->n[q];
    stride *= shape->dim[q];
  }
  return at;
}

static int64_t count_of(const ag_shape *shape, const ag_subscript *s) {
  int64_t n = 1;
  for (int q = 0; q < shape->nd; q++) n *= s->n[q];
  return n;
}

static ag_shape random_shape(void) {
  ag_shape shape = {.nd = 1 + pick(4)};
  for (int q = 0; q < shape.nd; q++) shape.dim[q] = 1 + pick(shape.nd == 1 ? 300 : 12);
  return shape;
}

/* x[i, j, ...], of x itself or seen through a transpose, and used in an expression. */
static void taking(void) {
  ag_shape shape = random_shape(), stored = shape;
  int turned = shape.nd == 2 && pick(2);
  if (turned) stored.dim[0] = shape.dim[1], stored.dim[1] = shape.dim[0];
  int64_t n = ag_shape_count(&shape), *where[AG_MAX_DIM];
  double *v = values(n);
  ag_array *x = upload(stored, v), *y = NULL, *z, *seen = ag_array_retain(x);
  if (turned) {
    ag_array_release(seen);
    CHECK_OK(ag_expr_transpose(&seen, x));
  }
  ag_subscript s;
  random_subscript(&s, &shape, where, 0);
  int64_t m = count_of(&shape, &s);
  double *want = malloc(((size_t)m + 1) * sizeof *want);
  for (int64_t i = 0; i < m; i++) {
    int64_t at = element(&shape, &s, where, i);
    if (turned && at >= 0) at = at / shape.dim[0] + at % shape.dim[0] * shape.dim[1];
    want[i] = at < 0 ? NAN : v[at];
  }
  CHECK_OK(ag_expr_take(&y, seen, &s));
  if (type <= AG_F32) {
    CHECK_OK(ag_expr_unary(&z, AG_OP_neg, y));
    for (int64_t i = 0; i < m; i++) want[i] = -want[i];
    expect(z, want, m, "take, then minus");
    for (int64_t i = 0; i < m; i++) want[i] = -want[i];
    ag_array_release(z);
  }
  expect(y, want, m, "take");
  ag_array *all[] = {x, y, seen};
  for (int i = 0; i < 3; i++) ag_array_release(all[i]);
  drop_subscript(&s, shape.nd, where);
  free(v);
  free(want);
}

static void putting(void) {
  ag_shape shape = random_shape();
  int64_t n = ag_shape_count(&shape), *where[AG_MAX_DIM];
  double *v = values(n);
  ag_array *x = upload(shape, v), *held = pick(2) ? ag_array_retain(x) : NULL, *value;
  ag_subscript s;
  random_subscript(&s, &shape, where, 1);
  int64_t m = count_of(&shape, &s), given = m % 3 == 0 ? m / 3 : m % 2 == 0 ? m / 2 : m;
  double *fresh = values(given), *want = malloc((size_t)n * sizeof *want);
  value = upload(ag_shape_of(1, given), fresh);
  memcpy(want, v, (size_t)n * sizeof *want);
  for (int64_t i = 0; i < m; i++) want[element(&shape, &s, where, i)] = fresh[i % given];
  const ag_buffer *memory = x->buf;
  CHECK_OK(ag_index_put(&x, &s, value));
  CHECK((x->buf == memory) == !held, "in place unless it is held");
  expect(x, want, n, "put");
  if (held) expect(held, v, n, "what others hold");
  ag_array_release(held);
  ag_array_release(x);
  ag_array_release(value);
  drop_subscript(&s, shape.nd, where);
  free(v), free(fresh), free(want);
}

static void selecting(int64_t n, int density) {
  double *v = values(n), *want = malloc(((size_t)n + 1) * sizeof *want);
  int32_t *mask = malloc(((size_t)n + 1) * sizeof *mask);
  int64_t count = 0, sure = 0;
  double *places = malloc(((size_t)n + 1) * sizeof *places);
  for (int64_t i = 0; i < n; i++) {
    mask[i] = pick(100) >= density ? 0 : pick(10) ? 1 : AG_NA_INT;
    if (mask[i]) want[count++] = mask[i] == 1 ? v[i] : NAN;
    if (mask[i] == 1) places[sure++] = (double)(i + 1);
  }
  ag_array *x = upload(ag_shape_of(1, n), v), *m, *y, *w;
  CHECK_OK(ag_array_write(&m, dev, AG_BOOL, ag_shape_of(1, n), mask, AG_BOOL));
  CHECK_OK(ag_index_select(&y, m, x));
  expect(y, want, count, "select");
  CHECK_OK(ag_index_which(&w, m, 0));
  expect(w, places, sure, "which");
  ag_array *all[] = {x, m, y, w};
  for (int i = 0; i < 4; i++) ag_array_release(all[i]);
  free(v), free(want), free(mask), free(places);
}

/* Whatever call fails: an error, the array as it was or as it should be, and no leak. */
static void faults(void) {
  for (long n = 1, failed = 1; failed && n < 60; n++) {
    double v[] = {1, 0, 1, 1};
    int32_t at[] = {2, 4};
    ag_array *x = upload(ag_shape_of(1, (int64_t)4), v), *held = ag_array_retain(x), *mask, *y;
    ag_subscript s = {{0}, {0}, {2}, {NULL}};
    CHECK_OK(ag_array_write(&s.at[0], dev, AG_I32, ag_shape_of(1, (int64_t)2), at, AG_I32));
    CHECK_OK(ag_expr_cast(&mask, x, AG_BOOL));
    ag_fault_after(n);
    ag_status put = ag_index_put(&x, &s, s.at[0]->type == x->type ? s.at[0] : x);
    ag_status select = put == AG_OK ? ag_index_select(&y, mask, x) : put;
    ag_fault_after(0);
    failed = select != AG_OK;
    if (!failed) ag_array_release(y);
    expect(held, v, 4, "held while a call fails");
    ag_array *all[] = {x, held, mask, s.at[0]};
    for (int i = 0; i < 4; i++) ag_array_release(all[i]);
  }
}

static void on_device(const char *id, ag_dtype dtype, int rounds) {
  if (ag_device_find(&dev, id) != AG_OK || (dtype == AG_F64 && !dev->has_f64)) return;
  type = dtype;
  printf("%s %s\n", dev->id, ag_dtype_name(type));
  int64_t arrays = ag_array_live(), buffers = ag_device_memory(dev).live_buffers;
  for (int i = 0; i < rounds; i++) taking();
  for (int i = 0; i < rounds; i++) putting();
  const int64_t sizes[] = {0, 1, 63, 64, 16384, 16385, 100003};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int density = 0; density <= 100; density += 50) selecting(sizes[i], density);
  faults();
  CHECK(ag_array_live() == arrays, "%d nodes leak", (int)(ag_array_live() - arrays));
  CHECK(ag_device_memory(dev).live_buffers == buffers, "buffers leak");
}

static void print_log(const char *line) { fprintf(stderr, "%s\n", line); }

int main(int argc, char **argv) {
  static const ag_dtype types[] = {AG_F64, AG_F32, AG_I32, AG_BOOL};
  int skipped = 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  ag_hook_log = print_log;
  if (argc > 1) ag_device_set_kernel_dir(argv[1]);
  for (int t = 0; t < 4; t++) on_device("host", types[t], 300);
  ag_device *opencl;
  if (ag_device_find(&opencl, "opencl") == AG_OK) {
    for (int t = 0; t < 4; t++) on_device("opencl", types[t], 10);
  } else {
    printf("no OpenCL device: %s\n", ag_device_opencl_problem());
    skipped = 1;
  }
  ag_device_shutdown();
  return check_summary(skipped);
}
