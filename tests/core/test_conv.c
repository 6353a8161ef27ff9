/* Convolutions, their gradients, and those of the gradients, against plain loops in double, over
 * many windows; with the epilogue that is fused behind them; on the host, and on OpenCL as the code
 * is written for a CPU device and for a GPU. */
#include "devices_kit.h"
#include "values_kit.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int64_t in, out, groups, samples, image[2]; /* channels; of the untransposed convolution */
  ag_conv_step step;
  int64_t more[2]; /* transposed: see conv.h */
  int transposed;
} geometry;

/* -- numbers --------------------------------------------------------------------------------- */
static uint64_t seed = 1;
static double number(void) { /* in [-1, 1), exact in float */
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (double)(seed >> 43) / 1048576.0 - 1;
}
static int64_t whole(int64_t below) { return (int64_t)((number() + 1) / 2 * (double)below); }

typedef struct {
  ag_shape shape;
  int64_t n;
  double *value;
} values;

static values values_of(ag_shape shape, int random) {
  values v = {.shape = shape, .n = ag_shape_count(&shape)};
  v.value = calloc((size_t)v.n + 1, sizeof *v.value);
  for (int64_t i = 0; i < v.n && random; i++) v.value[i] = number();
  return v;
}

static double *at(const values *v, int64_t a, int64_t b, int64_t c, int64_t d) {
  const int64_t *n = v->shape.dim;
  return &v->value[a + n[0] * (b + n[1] * (c + n[2] * d))];
}

/* -- plain loops ----------------------------------------------------------------------------- */
static int64_t position(const ag_window *w, int a, int64_t o, int64_t k) {
  const int64_t t = w->mul[a] * o + w->dil[a] * k - w->off[a];
  return t >= 0 && t % w->div[a] == 0 && t / w->div[a] < w->in[a] ? t / w->div[a] : -1;
}

typedef struct {
  ag_window w;
  int64_t in, out, groups; /* channels of a group */
  int transposed;
  values *x, *f, *y; /* images, weight, result */
} loops;

typedef void (*term_fn)(double *x, double *f, double *y);

/* All terms of one output channel and place. */
static void over_window(const loops *l, int64_t o, int64_t ox, int64_t oy, int64_t n,
                        term_fn term) {
  const int64_t g = o / l->out;
  for (int64_t ky = 0; ky < l->w.k[1]; ky++)
    for (int64_t kx = 0; kx < l->w.k[0]; kx++) {
      const int64_t px = position(&l->w, 0, ox, kx), py = position(&l->w, 1, oy, ky);
      for (int64_t c = 0; c < l->in && px >= 0 && py >= 0; c++)
        term(at(l->x, g * l->in + c, px, py, n),
             l->transposed ? at(l->f, g * l->in + c, o % l->out, kx, ky) : at(l->f, o, c, kx, ky),
             at(l->y, o, ox, oy, n));
    }
}

static void over_all(const loops *l, term_fn term) {
  const int64_t *n = l->y->shape.dim;
  for (int64_t i = 0; i < n[3]; i++)
    for (int64_t oy = 0; oy < n[2]; oy++)
      for (int64_t ox = 0; ox < n[1]; ox++)
        for (int64_t o = 0; o < n[0]; o++) over_window(l, o, ox, oy, i, term);
}

static void to_result(double *x, double *f, double *y) { *y += *x * *f; }
static void to_weight(double *x, double *f, double *y) { *f += *x * *y; }
static void to_images(double *x, double *f, double *y) { *x += *f * *y; }

/* -- comparing ------------------------------------------------------------------------------- */
static char what[400];

static void compare(const char *name, ag_array *have, const values *want) {
  const double tolerance = have->type == AG_F64 ? 1e-12 : 2e-5;
  double *value = calloc((size_t)want->n + 1, sizeof *value), scale = 1e-30;
  CHECK(ag_shape_equal(&have->shape, &want->shape), "%s: %s has another shape", what, name);
  CHECK_OK(ag_array_read(have, value, AG_F64));
  for (int64_t i = 0; i < want->n; i++) scale = fmax(scale, fabs(want->value[i]));
  int64_t i = 0;
  while (i < want->n && fabs(value[i] - want->value[i]) <= tolerance * scale) i++;
  CHECK(i == want->n, "%s: %s: element %ld of %ld is %.9g, not %.9g", what, name, (long)i,
        (long)want->n, i < want->n ? value[i] : 0, i < want->n ? want->value[i] : 0);
  free(value);
}

static ag_array *upload(ag_device *d, ag_dtype type, const values *v) {
  ag_array *x = NULL;
  CHECK_OK(ag_array_write(&x, d, type, v->shape, v->value, AG_F64));
  return x;
}

static void drop(int n, ag_array **x) {
  for (int i = 0; i < n; i++) ag_array_release(x[i]);
}

/* -- one geometry ---------------------------------------------------------------------------- */
static ag_window window_of(const geometry *g) {
  return g->transposed ? ag_conv_window_transposed(&g->step, g->image, g->more)
                       : ag_conv_window(&g->step, g->image);
}

static void describe(const geometry *g, ag_dtype type, const ag_device *d) {
  const ag_conv_step *s = &g->step;
  snprintf(what, sizeof what,
           "%s %s%s: %ld x %ld x %ld x %ld to %ld, %ld groups, window %ld x %ld, stride %ld %ld, "
           "dilation %ld %ld, pad %ld %ld %ld %ld",
           d->id, ag_dtype_name(type), g->transposed ? " transposed" : "", (long)g->in,
           (long)g->image[0], (long)g->image[1], (long)g->samples, (long)g->out, (long)g->groups,
           (long)s->k[0], (long)s->k[1], (long)s->stride[0], (long)s->stride[1],
           (long)s->dilation[0], (long)s->dilation[1], (long)s->before[0], (long)s->after[0],
           (long)s->before[1], (long)s->after[1]);
}

/* y, and the gradients of sum(y * g) by x and f; then those of the gradient by f. */
static void check_arrays(const loops *l, values *g, ag_device *d, ag_dtype type) {
  ag_array *x = upload(d, type, l->x), *f = upload(d, type, l->f), *up = upload(d, type, g);
  ag_array *y = NULL, *yg = NULL, *grad[2] = {NULL, NULL}, *second[2] = {NULL, NULL};
  ag_array *of[2] = {x, f}, *of_up[2] = {x, up};
  values dx = values_of(l->x->shape, 0), df = values_of(l->f->shape, 0),
         again = values_of(l->y->shape, 0);
  loops back = *l;
  CHECK_OK(ag_expr_conv(&y, x, f, &l->w, l->groups, l->transposed));
  CHECK_OK(ag_expr_binary(&yg, AG_OP_mul, y, up));
  CHECK_OK(ag_grad(yg, 2, of, grad));
  compare("result", y, l->y);
  back.y = g;
  back.x = &dx, over_all(&back, to_images);
  back.x = l->x, back.f = &df, over_all(&back, to_weight);
  compare("gradient by images", grad[0], &dx);
  compare("gradient by weight", grad[1], &df);
  /* the gradient by the weight once more: of sum(weight's gradient * f) by the images and by g */
  if (!l->transposed) {
    ag_array *dw = NULL, *dwf = NULL;
    CHECK_OK(ag_expr_conv_weight(&dw, up, x, &l->w, l->groups));
    CHECK_OK(ag_expr_binary(&dwf, AG_OP_mul, dw, f));
    CHECK_OK(ag_grad(dwf, 2, of_up, second));
    compare("second gradient by images", second[0], &dx);
    compare("second gradient by result", second[1], l->y);
    drop(2, (ag_array *[]){dw, dwf});
    drop(2, second);
  }
  drop(5, (ag_array *[]){x, f, up, y, yg});
  drop(2, grad);
  free(dx.value), free(df.value), free(again.value);
}

static void check_geometry(geometry g, ag_device *d) {
  loops l = {.w = window_of(&g), .groups = g.groups, .transposed = g.transposed};
  l.in = g.in / g.groups, l.out = g.out / g.groups;
  values x = values_of(ag_shape_of(4, g.in, g.image[0], g.image[1], g.samples), 1);
  values f = values_of(g.transposed ? ag_shape_of(4, g.in, l.out, g.step.k[0], g.step.k[1])
                                    : ag_shape_of(4, g.out, l.in, g.step.k[0], g.step.k[1]),
                       1);
  const ag_shape shape = ag_shape_of(4, g.out, l.w.out[0], l.w.out[1], g.samples);
  values y = values_of(shape, 0), up = values_of(shape, 1);
  l.x = &x, l.f = &f, l.y = &y;
  over_all(&l, to_result);
  for (ag_dtype type = AG_F64; type <= AG_F32; type++) {
    if (type == AG_F64 && !d->has_f64) continue;
    describe(&g, type, d);
    check_arrays(&l, &up, d, type);
  }
  free(x.value), free(f.value), free(y.value), free(up.value);
}

/* -- geometries ------------------------------------------------------------------------------ */
static const geometry some[] = {
    /* the layers of a small network for digits, "same" */
    {1, 32, 1, 3, {28, 28}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}, 0},
    {32, 64, 1, 3, {14, 14}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}, 0},
    /* "valid", pointwise, pointwise with a stride, a line */
    {5, 7, 1, 2, {9, 11}, {{3, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, {0, 0}, 0},
    {8, 6, 1, 2, {5, 7}, {{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, {0, 0}, 0},
    {8, 6, 1, 2, {9, 7}, {{1, 1}, {2, 2}, {1, 1}, {0, 0}, {0, 0}}, {0, 0}, 0},
    {4, 5, 1, 2, {50, 1}, {{5, 1}, {2, 1}, {1, 1}, {2, 0}, {2, 0}}, {0, 0}, 0},
    /* a stride that is larger than the window, dilation, both, uneven zeros */
    {3, 5, 1, 2, {13, 11}, {{2, 2}, {3, 4}, {1, 1}, {0, 0}, {0, 0}}, {0, 0}, 0},
    {3, 5, 1, 2, {13, 17}, {{3, 3}, {1, 1}, {2, 3}, {2, 3}, {2, 3}}, {0, 0}, 0},
    {6, 4, 1, 2, {23, 19}, {{4, 3}, {2, 3}, {3, 2}, {3, 1}, {0, 2}}, {0, 0}, 0},
    {2, 3, 1, 2, {7, 7}, {{3, 3}, {2, 2}, {1, 1}, {0, 0}, {1, 1}}, {0, 0}, 0},
    /* one pixel; a window larger than the image; nothing but zeros beside it */
    {4, 6, 1, 3, {1, 1}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}, 0},
    {2, 3, 1, 2, {3, 2}, {{7, 5}, {1, 1}, {1, 1}, {3, 2}, {3, 2}}, {0, 0}, 0},
    {2, 3, 1, 2, {2, 2}, {{2, 2}, {1, 1}, {5, 5}, {6, 6}, {6, 6}}, {0, 0}, 0},
    /* groups: several, as many as channels, with a factor */
    {12, 8, 4, 2, {8, 6}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}, 0},
    {6, 9, 3, 2, {8, 6}, {{3, 2}, {2, 1}, {1, 2}, {0, 0}, {0, 0}}, {0, 0}, 0},
    {8, 4, 2, 2, {8, 6}, {{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, {0, 0}, 0},
    {37, 37, 37, 2, {10, 9}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}, 0},
    {16, 16, 16, 3, {11, 9}, {{5, 3}, {2, 2}, {1, 2}, {2, 1}, {1, 2}}, {0, 0}, 0},
    {5, 10, 5, 2, {6, 7}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}, 0},
    /* channels for several panels; so many that the sum and the weight come in pieces */
    {17, 131, 1, 1, {7, 7}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}, 0},
    {500, 150, 1, 1, {5, 4}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}, 0},
    {300, 520, 1, 1, {3, 3}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}, 0},
    /* Winograd's method, with an edge, flipped both ways by the gradients, of many tiles */
    {40, 48, 1, 2, {13, 10}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {0, 0}}, {0, 0}, 0},
    {64, 64, 1, 2, {16, 16}, {{3, 3}, {1, 1}, {1, 1}, {2, 0}, {2, 2}}, {0, 0}, 0},
    {33, 70, 1, 1, {131, 5}, {{3, 3}, {1, 1}, {1, 1}, {0, 0}, {1, 1}}, {0, 0}, 0},
    {48, 40, 1, 3, {12, 11}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}, 1},
    /* images for several pieces, of rows and of columns */
    {3, 8, 1, 2, {101, 83}, {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}}, {0, 0}, 0},
    {16, 24, 1, 1, {6007, 1}, {{3, 1}, {2, 1}, {1, 1}, {1, 0}, {1, 0}}, {0, 0}, 0},
    /* no samples */
    {3, 4, 1, 0, {5, 5}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}, 0},
    /* transposed */
    {6, 4, 1, 2, {7, 5}, {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}, {1, 1}, 1},
    {6, 4, 1, 2, {7, 5}, {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}}, {0, 0}, 1},
    {4, 6, 2, 2, {5, 6}, {{4, 3}, {3, 2}, {2, 1}, {2, 0}, {1, 1}}, {2, 0}, 1},
    {8, 8, 8, 2, {5, 6}, {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}, {0, 1}, 1},
    {3, 2, 1, 1, {4, 4}, {{1, 1}, {3, 2}, {1, 1}, {0, 0}, {0, 0}}, {2, 1}, 1},
};

static void random_geometry(ag_device *d) {
  geometry g = {.groups = 1 + whole(3), .samples = 1 + whole(3), .transposed = whole(3) == 0};
  g.in = g.groups * (1 + whole(7)), g.out = g.groups * (1 + whole(7));
  if (whole(4) == 0) g.groups = g.in = g.out = 1 + whole(40);
  for (int a = 0; a < 2; a++) {
    g.image[a] = 1 + whole(12);
    g.step.k[a] = 1 + whole(4), g.step.stride[a] = 1 + whole(3), g.step.dilation[a] = 1 + whole(3);
    g.step.before[a] = whole(4), g.step.after[a] = whole(4);
    g.more[a] = whole(g.step.stride[a]);
  }
  const ag_window w = window_of(&g);
  const int64_t *extent = g.transposed ? w.out : w.in;
  for (int a = 0; a < 2; a++) /* that fit */
    if (w.out[a] < 1 ||
        extent[a] + g.step.before[a] + g.step.after[a] <= g.step.dilation[a] * (g.step.k[a] - 1))
      return;
  check_geometry(g, d);
}

/* -- epilogues ------------------------------------------------------------------------------- */
/* relu(conv + bias): one launch, and the same values. */
static void check_epilogue(ag_device *d, ag_dtype type, const geometry *g) {
  const ag_window w = window_of(g);
  values x = values_of(ag_shape_of(4, g->in, g->image[0], g->image[1], g->samples), 1),
         f = values_of(ag_shape_of(4, g->out, g->in / g->groups, g->step.k[0], g->step.k[1]), 1),
         b = values_of(ag_shape_of(1, g->out), 1),
         y = values_of(ag_shape_of(4, g->out, w.out[0], w.out[1], g->samples), 0);
  loops l = {.w = w, .groups = g->groups, .x = &x, .f = &f, .y = &y};
  l.in = g->in / g->groups, l.out = g->out / g->groups;
  over_all(&l, to_result);
  for (int64_t i = 0; i < y.n; i++) y.value[i] += b.value[i % g->out];
  ag_array *a[6] = {upload(d, type, &x), upload(d, type, &f), upload(d, type, &b)};
  CHECK_OK(ag_expr_conv(&a[3], a[0], a[1], &w, g->groups, 0));
  CHECK_OK(ag_expr_binary(&a[4], AG_OP_add, a[3], a[2]));
  CHECK_OK(ag_expr_unary(&a[5], AG_OP_relu, a[4]));
  const int64_t before = ag_stat.launches;
  CHECK_OK(ag_array_force(1, &a[5]));
  CHECK(ag_stat.launches - before == 1, "%s: %ld launches", what,
        (long)(ag_stat.launches - before));
  compare("what it was of", a[4], &y); /* computed once more, where it is asked for */
  for (int64_t i = 0; i < y.n; i++) y.value[i] = fmax(y.value[i], 0);
  compare("epilogue", a[5], &y);
  drop(6, a);
  free(x.value), free(f.value), free(b.value), free(y.value);
}

/* -- determinism ----------------------------------------------------------------------------- */
/* Result and gradients one after the other, computed by so many threads. */
static float *bits(ag_device *d, const geometry *g, const values *x, const values *f, int threads,
                   int64_t *n) {
  const ag_window w = window_of(g);
  ag_array *a[5] = {upload(d, AG_F32, x), upload(d, AG_F32, f)}, *square = NULL;
  CHECK_OK(ag_expr_conv(&a[2], a[0], a[1], &w, g->groups, g->transposed));
  CHECK_OK(ag_expr_binary(&square, AG_OP_mul, a[2], a[2]));
  CHECK_OK(ag_grad(square, 2, a, a + 3));
  *n = ag_array_count(a[2]) + x->n + f->n;
  double *value = calloc((size_t)*n + 1, sizeof *value), *to = value;
  float *all = calloc((size_t)*n + 1, sizeof *all);
  ag_threads_set(threads);
  for (int i = 2; i < 5; i++) {
    CHECK_OK(ag_array_read(a[i], to, AG_F64));
    to += ag_array_count(a[i]);
  }
  ag_threads_set(0);
  for (int64_t i = 0; i < *n; i++) all[i] = (float)value[i];
  drop(5, a);
  ag_array_release(square);
  free(value);
  return all;
}

static void check_threads(ag_device *d, const geometry *g) {
  values x = values_of(ag_shape_of(4, g->in, g->image[0], g->image[1], g->samples), 1),
         f = values_of(g->transposed
                           ? ag_shape_of(4, g->in, g->out / g->groups, g->step.k[0], g->step.k[1])
                           : ag_shape_of(4, g->out, g->in / g->groups, g->step.k[0], g->step.k[1]),
                       1);
  int64_t n;
  float *one = bits(d, g, &x, &f, 1, &n), *three = bits(d, g, &x, &f, 3, &n);
  CHECK(!memcmp(one, three, (size_t)n * sizeof *one), "%s: threads change the result", what);
  free(one), free(three), free(x.value), free(f.value);
}

static void check_errors(ag_device *d) {
  const geometry *g = &some[1];
  const ag_window w = window_of(g);
  values x = values_of(ag_shape_of(4, g->in, g->image[0], g->image[1], g->samples), 1),
         f = values_of(ag_shape_of(4, g->out, g->in + 1, g->step.k[0], g->step.k[1]), 1);
  ag_array *y = NULL, *a[2] = {upload(d, AG_F32, &x), upload(d, AG_F32, &f)};
  CHECK(ag_expr_conv(&y, a[0], a[1], &w, 1, 0) == AG_E_SHAPE, "a weight of other channels");
  CHECK(strstr(ag_error_message(), "32 x 14 x 14 x 3") && strstr(ag_error_message(), "64 x 33"),
        "%s", ag_error_message());
  drop(2, a);
  free(x.value), free(f.value);
}

static void check_all(ag_device *d, int randoms, size_t epilogues) {
  for (size_t i = 0; i < sizeof some / sizeof *some; i++) check_geometry(some[i], d);
  seed = 20;
  for (int i = 0; i < randoms; i++) random_geometry(d);
  for (ag_dtype type = AG_F64; type <= AG_F32; type++)
    if (type == AG_F32 || d->has_f64)
      for (size_t i = 0; i < epilogues; i++)
        if (!some[i].transposed && some[i].samples) {
          describe(&some[i], type, d);
          check_epilogue(d, type, &some[i]);
        }
  check_errors(d);
}

static void check_host(ag_device *d) {
  for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
    describe(&some[i], AG_F32, d);
    check_threads(d, &some[i]);
  }
}

/* Large tiles; groups of so many channels that tiles are taken; items of a work-group are few, or
 * none fit. */
static void check_gpu(ag_device *d) {
  static const geometry large[] = {
      {3, 70, 1, 1, {70, 60}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}, 0},
      {20, 40, 1, 2, {50, 43}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}, 0},
      {18, 24, 2, 2, {9, 8}, {{3, 2}, {1, 2}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}, 0},
      {27, 24, 3, 2, {6, 5}, {{2, 3}, {2, 1}, {1, 1}, {1, 0}, {1, 1}}, {1, 0}, 1}};
  dev = d;
  pretend(1, d->has_f64);
  check_all(d, 30, 4);
  for (int i = 0; i < 4; i++) check_geometry(large[i], d);
  ((ag_cl_state *)d->state)->target.group = 64;
  for (int i = 0; i < 2; i++) check_geometry(some[i], d);
  ((ag_cl_state *)d->state)->target.group = 32;
  check_geometry(some[2], d);
  pretend(0, d->has_f64);
}

static void test_device(ag_device *d, int opencl) {
  const size_t all = sizeof some / sizeof *some;
  check_all(d, opencl ? 60 : 150, opencl ? 8 : all);
  if (opencl) check_gpu(d);
  else check_host(d);
}

int main(int argc, char **argv) { return on_devices(argc, argv, test_device); }
