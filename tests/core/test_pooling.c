/* Maxima and averages of windows of images, and their gradients, against naive loops: on the host,
 * and on OpenCL as the code is written for a CPU device and for a GPU. */
#include "core.h"
#include "values_kit.h"

typedef struct {
  int64_t channels, samples;
  ag_window w;
  int count_pad;
} problem;

static int64_t images_count(const problem *p) {
  return p->channels * p->w.in[0] * p->w.in[1] * p->samples;
}
static int64_t pooled_count(const problem *p) {
  return p->channels * p->w.out[0] * p->w.out[1] * p->samples;
}

/* Place number e of the window of output (x, y): its index in the sample's image, or -1. */
static int64_t place(const problem *p, int64_t x, int64_t y, int64_t e) {
  const ag_window *w = &p->w;
  const int64_t px = w->mul[0] * x + w->dil[0] * (e % w->k[0]) - w->off[0],
                py = w->mul[1] * y + w->dil[1] * (e / w->k[0]) - w->off[1];
  return px < 0 || py < 0 || px >= w->in[0] || py >= w->in[1] ? -1 : px + w->in[0] * py;
}

/* -- naive loops ----------------------------------------------------------------------------- */
/* One window of one channel: `x` is its first element, places are p->channels apart. Adds what g
 * gives back to `dx`. */
static double window(const problem *p, ag_pooling op, int64_t ox, int64_t oy, const double *x,
                     double g, double *dx) {
  const int64_t all = p->w.k[0] * p->w.k[1];
  int64_t n = 0, first = -1;
  double sum = 0, most = -INFINITY;
  for (int64_t e = 0; e < all; e++) {
    const int64_t at = place(p, ox, oy, e) * p->channels;
    if (at < 0) continue;
    n++;
    sum += x[at];
    if (first < 0 || x[at] > most || (x[at] != x[at] && most == most)) first = at, most = x[at];
  }
  const double divisor = (double)(p->count_pad ? all : n);
  if (op == AG_POOLING_MAX) dx[first] += g;
  for (int64_t e = 0; e < all && op == AG_POOLING_AVERAGE; e++)
    if (place(p, ox, oy, e) >= 0) dx[place(p, ox, oy, e) * p->channels] += g / divisor;
  return op == AG_POOLING_MAX ? most : sum / divisor;
}

static void naive(const problem *p, ag_pooling op, const double *x, const double *g, double *y,
                  double *dx) {
  const int64_t image = p->channels * p->w.in[0] * p->w.in[1];
  memset(dx, 0, (size_t)images_count(p) * sizeof *dx);
  for (int64_t o = 0; o < pooled_count(p); o++) {
    const int64_t c = o % p->channels, ox = o / p->channels % p->w.out[0],
                  oy = o / p->channels / p->w.out[0] % p->w.out[1],
                  from = c + o / p->channels / p->w.out[0] / p->w.out[1] * image;
    y[o] = window(p, op, ox, oy, x + from, g[o], dx + from);
  }
}

/* -- one case -------------------------------------------------------------------------------- */
static double *small_numbers(int64_t n, int missing) { /* with ties */
  double *x = numbers(n, 1);
  for (int64_t i = 0; i < n; i++) x[i] = missing && i % 11 == 3 ? NAN : floor(x[i] * 4);
  return x;
}

static void upload(ag_array **out, ag_dtype type, ag_shape shape, const double *x) {
  CHECK_OK(ag_array_write(out, dev, type, shape, x, AG_F64));
}

static void one_case(const problem *p, ag_pooling op, ag_dtype type, int missing) {
  const int64_t nx = images_count(p), ny = pooled_count(p);
  double *x = small_numbers(nx, missing), *g = numbers(ny, 2), *y = numbers(ny, 1),
         *dx = numbers(nx, 1), *have = numbers(nx > ny ? nx : ny, 1);
  ag_array *a, *b, *pooled, *weighted, *s, *grad;
  char what[120];
  naive(p, op, x, g, y, dx);
  upload(&a, type, ag_shape_of(4, p->channels, p->w.in[0], p->w.in[1], p->samples), x);
  upload(&b, type, ag_shape_of(4, p->channels, p->w.out[0], p->w.out[1], p->samples), g);
  CHECK_OK(ag_expr_pooling(&pooled, a, op, &p->w, p->count_pad));
  CHECK_OK(ag_expr_binary(&weighted, AG_OP_mul, pooled, b));
  CHECK_OK(ag_expr_reduce(&s, weighted, AG_SUM, 0, 4, 0));
  CHECK_OK(ag_grad(s, 1, &a, &grad));
  snprintf(what, sizeof what, "%s %s %s %ld x %ld x %ld x %ld, windows %ld x %ld", dev->id,
           op == AG_POOLING_MAX ? "max" : "average", ag_dtype_name(type), (long)p->channels,
           (long)p->w.in[0], (long)p->w.in[1], (long)p->samples, (long)p->w.k[0], (long)p->w.k[1]);
  CHECK_OK(ag_array_read(pooled, have, AG_F64));
  for (int64_t i = 0; i < ny; i++) have[i] += 100, y[i] += 100; /* small ones are not exact */
  check_values(what, ny, have, y, type == AG_F32 ? 1e-7 : 1e-14);
  CHECK_OK(ag_array_read(grad, have, AG_F64));
  for (int64_t i = 0; i < nx; i++) have[i] += 100, dx[i] += 100;
  check_values(what, nx, have, dx, type == AG_F32 ? 1e-6 : 1e-14);
  ag_array *made[] = {a, b, pooled, weighted, s, grad};
  for (int i = 0; i < 6; i++) ag_array_release(made[i]);
  free(x), free(g), free(y), free(dx), free(have);
}

/* Where the maxima are is linear in what is picked there: the sum of g times what is picked of v is
 * that of v times what is given back of g, for all v and g. */
static void picks(const problem *p, ag_dtype type, int missing) {
  const int64_t nx = images_count(p), ny = pooled_count(p);
  double *x = small_numbers(nx, missing), *g = numbers(ny, 2), *v = numbers(nx, 3),
         *y = numbers(ny, 1), *dx = numbers(nx, 1), *have = numbers(ny, 1), want = 0, sum = 0;
  ag_array *a, *b, *c, *pooled, *weighted, *s, *grad, *again, *picked;
  naive(p, AG_POOLING_MAX, x, g, y, dx);
  upload(&a, type, ag_shape_of(4, p->channels, p->w.in[0], p->w.in[1], p->samples), x);
  upload(&b, type, ag_shape_of(4, p->channels, p->w.out[0], p->w.out[1], p->samples), g);
  upload(&c, type, a->shape, v);
  CHECK_OK(ag_expr_pooling(&pooled, a, AG_POOLING_MAX, &p->w, 0));
  CHECK_OK(ag_expr_binary(&weighted, AG_OP_mul, pooled, b));
  CHECK_OK(ag_expr_reduce(&s, weighted, AG_SUM, 0, 4, 0));
  CHECK_OK(ag_grad(s, 1, &a, &grad));
  CHECK_OK(ag_expr_binary(&again, AG_OP_mul, grad, c));
  CHECK_OK(ag_grad(again, 1, &b, &picked));
  CHECK_OK(ag_array_read(picked, have, AG_F64));
  for (int64_t i = 0; i < ny; i++) sum += have[i] * g[i];
  for (int64_t i = 0; i < nx; i++) want += v[i] * dx[i];
  CHECK(fabs(sum - want) < (type == AG_F32 ? 1e-4 : 1e-11) * (1 + fabs(want)),
        "%s: what is picked sums up to %g, not %g", dev->id, sum, want);
  ag_array *made[] = {a, b, c, pooled, weighted, s, grad, again, picked};
  for (int i = 0; i < 9; i++) ag_array_release(made[i]);
  free(x), free(g), free(v), free(y), free(dx), free(have);
}

/* -- what is tried --------------------------------------------------------------------------- */
static problem make(int64_t channels, int64_t width, int64_t height, int64_t samples,
                    const int64_t *k, const int64_t *step, const int64_t *before,
                    const int64_t *after, int count_pad) {
  problem p = {.channels = channels, .samples = samples, .count_pad = count_pad};
  p.w = (ag_window){.in = {width, height}, .div = {1, 1}, .dil = {1, 1}};
  for (int a = 0; a < 2; a++) {
    p.w.k[a] = k[a], p.w.mul[a] = step[a], p.w.off[a] = before[a];
    p.w.out[a] = (p.w.in[a] + before[a] + after[a] - k[a]) / step[a] + 1;
  }
  return p;
}

static void all_cases(ag_dtype type) {
  static const int64_t two[2] = {2, 2}, three[2] = {3, 3}, one[2] = {1, 1}, none[2] = {0, 0},
                       odd[2] = {2, 3}, low[2] = {3, 1};
  const problem p[] = {
      make(32, 10, 8, 9, two, two, none, none, 0), /* the common one */
      make(20, 9, 9, 2, two, two, none, none, 0),  /* a rest is left over */
      make(3, 7, 6, 2, three, one, one, one, 0),   /* overlapping */
      make(5, 8, 9, 2, three, two, one, none, 1),  make(16, 7, 9, 3, odd, low, one, two, 1),
      make(1, 11, 5, 1, low, odd, none, none, 0), /* gaps */
      make(8, 5, 4, 2, one, one, none, none, 0),   make(40, 33, 32, 2, three, two, one, one, 0)};
  for (size_t i = 0; i < sizeof p / sizeof *p; i++)
    for (int average = 0; average < 2; average++)
      for (int missing = 0; missing < 2; missing++)
        one_case(&p[i], average ? AG_POOLING_AVERAGE : AG_POOLING_MAX, type, missing);
  problem dilated = make(4, 9, 9, 1, three, one, none, none, 0);
  dilated.w.dil[0] = dilated.w.dil[1] = 2, dilated.w.out[0] = dilated.w.out[1] = 5;
  one_case(&dilated, AG_POOLING_MAX, type, 0);
  one_case(&dilated, AG_POOLING_AVERAGE, type, 0);
  picks(&p[0], type, 1);
  picks(&p[1], type, 0);
  picks(&dilated, type, 1);
}

/* The second sample of some, which is not copied. */
static void slices(void) {
  static const int64_t two[2] = {2, 2}, none[2] = {0, 0};
  const int64_t first[4] = {0, 0, 0, 1}, step[4] = {1, 1, 1, 1}, extent[4] = {1, 2, 2, 1};
  const problem p = make(1, 2, 2, 1, two, two, none, none, 0);
  const double x[12] = {9, 9, 9, 9, 1, 2, 4, 5, 9, 9, 9, 9};
  double have[1];
  ag_array *a, *part, *y;
  upload(&a, AG_F32, ag_shape_of(4, (int64_t)1, (int64_t)2, (int64_t)2, (int64_t)3), x);
  CHECK_OK(ag_expr_slice(&part, a, first, step, extent));
  CHECK_OK(ag_expr_pooling(&y, part, AG_POOLING_AVERAGE, &p.w, 0));
  const int64_t before = ag_stat.launches;
  CHECK_OK(ag_array_read(y, have, AG_F64));
  CHECK(ag_stat.launches == before + 1, "%d launches", (int)(ag_stat.launches - before));
  CHECK(have[0] == 3, "%g", have[0]);
  ag_array_release(a), ag_array_release(part), ag_array_release(y);
}

/* What cannot be pooled, and arrays that are seen through a view. */
static void refusals(void) {
  static const int64_t two[2] = {2, 2}, none[2] = {0, 0}, three[2] = {3, 3};
  problem p = make(2, 4, 4, 1, two, two, none, none, 0), q = p;
  double x[32] = {0}, have[8];
  ag_array *a, *flat, *y;
  for (int i = 0; i < 32; i++) x[i] = i;
  upload(&flat, AG_F32, ag_shape_of(1, (int64_t)32), x);
  CHECK(ag_expr_pooling(&y, flat, AG_POOLING_MAX, &p.w, 0) == AG_E_SHAPE, "a vector");
  CHECK_OK(ag_expr_unary(&a, AG_OP_neg, flat));
  ag_array_release(flat);
  CHECK_OK(
      ag_expr_reshape(&flat, a, ag_shape_of(4, (int64_t)2, (int64_t)4, (int64_t)4, (int64_t)1)));
  q.w.in[0] = 5;
  CHECK(ag_expr_pooling(&y, flat, AG_POOLING_MAX, &q.w, 0) == AG_E_SHAPE, "another width");
  q = make(2, 4, 4, 1, two, two, three, none, 0);
  CHECK(ag_expr_pooling(&y, flat, AG_POOLING_MAX, &q.w, 0) == AG_E_SHAPE, "an empty window");
  CHECK_OK(ag_expr_pooling(&y, flat, AG_POOLING_MAX, &p.w, 0));
  const int64_t before = ag_stat.launches;
  CHECK_OK(ag_array_read(y, have, AG_F64));
  CHECK(ag_stat.launches == before + 2, "%d launches", (int)(ag_stat.launches - before));
  CHECK(have[0] == 0 && have[1] == -1 && have[7] == -21, "%g %g %g", have[0], have[1], have[7]);
  ag_array_release(a), ag_array_release(flat), ag_array_release(y);
}

static void on_device(void) {
  if (dev->has_f64) all_cases(AG_F64);
  all_cases(AG_F32);
  slices();
  refusals();
}

int main(int argc, char **argv) {
  int status;
  setvbuf(stdout, NULL, _IOLBF, 0);
  CHECK_OK(ag_device_find(&dev, "host"));
  on_device();
  if (!open_opencl(argc, argv, &status)) return status;
  on_device();
  pretend(1, dev->has_f64);
  all_cases(AG_F32);
  pretend(0, dev->has_f64);
  CHECK(ag_array_live() == 0, "%d arrays are left", (int)ag_array_live());
  ag_device_shutdown();
  return check_summary(0);
}
