/* The engine against plain C: random programs of array operations are built as a graph and, step by
 * step, on plain arrays of doubles; some nodes are forced on the way; at the end all must agree. */
#include "check.h"
#include "core.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  ag_array *x;
  ag_shape shape;
  double *v;
} pair;

static ag_device *dev;
static ag_dtype type;
static unsigned long seed;

static int pick(int n) {
  seed = seed * 6364136223846793005UL + 1442695040888963407UL;
  return (int)((seed >> 33) % (unsigned long)n);
}

static double *new_values(const ag_shape *s) {
  return malloc(((size_t)ag_shape_count(s) + 1) * sizeof(double));
}

static pair leaf(ag_shape shape) {
  pair p = {.shape = shape, .v = new_values(&shape)};
  for (int64_t i = 0; i < ag_shape_count(&shape); i++) p.v[i] = (pick(2001) - 1000) / 512.0;
  CHECK_OK(ag_array_write(&p.x, dev, type, shape, p.v, AG_F64));
  return p;
}

/* -- one step on both sides ---------------------------------------------------------------- */
static pair binary(ag_op op, const pair *a, const pair *b) {
  int64_t na = ag_shape_count(&a->shape), nb = ag_shape_count(&b->shape);
  ag_shape s = nb > na || (nb == na && b->shape.nd > a->shape.nd) ? b->shape : a->shape;
  pair p = {.shape = s, .v = new_values(&s)};
  for (int64_t i = 0; i < ag_shape_count(&s); i++) {
    double u = a->v[i % na], w = b->v[i % nb];
    p.v[i] = op == AG_OP_add   ? u + w
             : op == AG_OP_mul ? u * w
             : op == AG_OP_sub ? u - w
             : u > w           ? u
                               : w;
  }
  CHECK_OK(ag_expr_binary(&p.x, op, a->x, b->x));
  return p;
}

static pair scaled(const pair *a, double k) {
  pair p = {.shape = a->shape, .v = new_values(&a->shape)};
  ag_array *s;
  for (int64_t i = 0; i < ag_shape_count(&a->shape); i++) p.v[i] = a->v[i] * k;
  CHECK_OK(ag_expr_scalar(&s, k, AG_F64));
  CHECK_OK(ag_expr_binary(&p.x, AG_OP_mul, a->x, s));
  ag_array_release(s);
  return p;
}

static pair transposed(const pair *a) {
  int64_t n = a->shape.dim[0], m = a->shape.nd == 2 ? a->shape.dim[1] : 1;
  pair p = {.shape = ag_shape_of(2, m, n)};
  p.v = new_values(&p.shape);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < m; j++) p.v[j + i * m] = a->v[i + j * n];
  CHECK_OK(ag_expr_transpose(&p.x, a->x));
  return p;
}

static pair reshaped(const pair *a) {
  int64_t n = ag_shape_count(&a->shape), d = 1;
  for (int64_t c = 1; c <= n; c++)
    if (n % c == 0 && pick(3) == 0) d = c;
  pair p = {.shape = n && pick(2) ? ag_shape_of(2, d, n / d) : ag_shape_of(1, n)};
  p.v = new_values(&p.shape);
  memcpy(p.v, a->v, (size_t)n * sizeof *p.v);
  CHECK_OK(ag_expr_reshape(&p.x, a->x, p.shape));
  return p;
}

static pair sliced(const pair *a) {
  int64_t first[2] = {0, 0}, step[2] = {1, 1}, extent[2] = {1, 1};
  int nd = a->shape.nd;
  for (int q = 0; q < nd; q++) {
    int64_t n = a->shape.dim[q];
    if (!n) {
      extent[q] = 0;
      continue;
    }
    first[q] = pick((int)n);
    step[q] = pick(2) ? 1 : -1;
    extent[q] = step[q] > 0 ? 1 + pick((int)(n - first[q])) : 1 + pick((int)first[q] + 1);
  }
  pair p = {.shape = {.nd = nd}};
  for (int q = 0; q < nd; q++) p.shape.dim[q] = extent[q];
  p.v = new_values(&p.shape);
  for (int64_t j = 0; j < extent[1]; j++)
    for (int64_t i = 0; i < extent[0]; i++)
      p.v[i + j * extent[0]] =
          a->v[first[0] + step[0] * i + (nd == 2 ? (first[1] + step[1] * j) * a->shape.dim[0] : 0)];
  CHECK_OK(ag_expr_slice(&p.x, a->x, first, step, extent));
  return p;
}

static pair reduced(const pair *a) {
  int nd = a->shape.nd, axis = nd == 2 ? pick(3) : 0, first = axis == 1,
      last = axis == 0 && nd == 2 ? 1 : nd;
  if (axis == 2) first = 0, last = 2;
  int64_t n = a->shape.dim[0], m = nd == 2 ? a->shape.dim[1] : 1;
  int rows = nd == 2 && axis == 1, cols = nd == 2 && axis == 0;
  pair p = {.shape = ag_shape_of(1, rows ? n : cols ? m : (int64_t)1)};
  p.v = new_values(&p.shape);
  int is_max = pick(2);
  for (int64_t i = 0; i < p.shape.dim[0]; i++) p.v[i] = is_max ? -INFINITY : 0;
  for (int64_t j = 0; j < m; j++)
    for (int64_t i = 0; i < n; i++) {
      double *to = &p.v[rows ? i : cols ? j : 0], v = a->v[i + j * n];
      *to = is_max ? fmax(*to, v) : *to + v;
    }
  CHECK_OK(ag_expr_reduce(&p.x, a->x, is_max ? AG_MAX : AG_SUM, first, last, 0));
  return p;
}

static pair product(const pair *a, const pair *b, int ta, int tb) {
  int64_t m = a->shape.dim[ta], k = a->shape.dim[!ta], n = b->shape.dim[!tb], lda = a->shape.dim[0],
          ldb = b->shape.dim[0];
  pair p = {.shape = ag_shape_of(2, m, n)};
  p.v = new_values(&p.shape);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      double s = 0;
      for (int64_t l = 0; l < k; l++)
        s += a->v[ta ? l + i * lda : i + l * lda] * b->v[tb ? j + l * ldb : l + j * ldb];
      p.v[i + j * m] = s;
    }
  CHECK_OK(ag_expr_matmul(&p.x, a->x, b->x, ta, tb));
  return p;
}

static pair concatenated(const pair *a, const pair *b) {
  int64_t na = ag_shape_count(&a->shape), nb = ag_shape_count(&b->shape);
  pair p = {.shape = ag_shape_of(1, na + nb)};
  p.v = new_values(&p.shape);
  memcpy(p.v, a->v, (size_t)na * sizeof *p.v);
  memcpy(p.v + na, b->v, (size_t)nb * sizeof *p.v);
  ag_array *both[2] = {a->x, b->x};
  CHECK_OK(ag_expr_concat(&p.x, 2, both));
  return p;
}

/* Rows of a over those of b, or columns beside columns. */
static pair bound(const pair *a, const pair *b, int along) {
  int64_t r = a->shape.dim[0], c = a->shape.dim[1], other = b->shape.dim[along],
          rows = along ? r : r + other;
  pair p = {.shape = along ? ag_shape_of(2, r, c + other) : ag_shape_of(2, rows, c)};
  p.v = new_values(&p.shape);
  for (int64_t j = 0; j < p.shape.dim[1]; j++)
    for (int64_t i = 0; i < rows; i++) {
      int from_b = along ? j >= c : i >= r;
      p.v[i + j * rows] = !from_b ? a->v[i + j * r]
                          : along ? b->v[i + (j - c) * r]
                                  : b->v[i - r + j * other];
    }
  ag_array *both[2] = {a->x, b->x};
  CHECK_OK(ag_expr_bind(&p.x, 2, both, along));
  return p;
}

static pair joined(const pair *a, const pair *b) {
  int along = pick(2);
  if (a->shape.nd == 2 && b->shape.nd == 2 && a->shape.dim[!along] == b->shape.dim[!along])
    return bound(a, b, along);
  return concatenated(a, b);
}

/* -- programs ------------------------------------------------------------------------------ */
static int recycles(const pair *a, const pair *b) {
  int64_t na = ag_shape_count(&a->shape), nb = ag_shape_count(&b->shape);
  if (a->shape.nd == 2 && b->shape.nd == 2) return ag_shape_equal(&a->shape, &b->shape);
  if (!na || !nb) return 0;
  return a->shape.nd == 2 ? nb <= na : b->shape.nd == 2 ? na <= nb : 1;
}

static double size_of(const pair *p) {
  double most = 0;
  for (int64_t i = 0; i < ag_shape_count(&p->shape); i++) most = fmax(most, fabs(p->v[i]));
  return most;
}

static pair step(const pair *pool, int n) {
  static const ag_op ops[] = {AG_OP_add, AG_OP_mul, AG_OP_sub, AG_OP_pmax};
  const pair *a = &pool[pick(n)], *b = &pool[pick(n)];
  if (size_of(a) > 1e3) return scaled(a, 1e-3);
  switch (pick(10)) {
  case 0:
  case 1:
  case 2: return recycles(a, b) ? binary(ops[pick(4)], a, b) : scaled(a, 0.5);
  case 3: return a->shape.nd == 2 ? transposed(a) : reshaped(a);
  case 4: return reshaped(a);
  case 5: return sliced(a);
  case 6: return ag_shape_count(&a->shape) ? reduced(a) : scaled(a, 2);
  case 7:
  case 8:
    for (int i = 0; i < n; i++)
      for (int t = 0; t < 4; t++)
        if (a->shape.nd == 2 && pool[i].shape.nd == 2 &&
            a->shape.dim[!(t & 1)] == pool[i].shape.dim[t >> 1] && size_of(&pool[i]) < 100 &&
            pick(3))
          return product(a, &pool[i], t & 1, t >> 1);
    return scaled(a, -1);
  default:
    return ag_shape_count(&a->shape) + ag_shape_count(&b->shape) < 5000 ? joined(a, b)
                                                                        : scaled(a, 3);
  }
}

static void compare(const pair *p, unsigned long start, int at) {
  int64_t n = ag_shape_count(&p->shape);
  double *have = new_values(&p->shape), worst = 0, most = size_of(p);
  CHECK(p->x, "seed %lu, step %d: no array", start, at);
  if (!p->x) exit(1);
  CHECK(ag_shape_equal(&p->x->shape, &p->shape), "seed %lu, step %d: shape", start, at);
  CHECK_OK(ag_array_read(p->x, have, AG_F64));
  for (int64_t i = 0; i < n; i++)
    worst = fmax(worst, isnan(have[i]) ? INFINITY : fabs(have[i] - p->v[i]));
  double tolerance = (type == AG_F32 ? 1e-3 : 1e-9) * (1 + most);
  CHECK(worst <= tolerance, "seed %lu, step %d: off by %g of %g", start, at, worst, most);
  free(have);
}

static void random_program(unsigned long start, int steps) {
  pair pool[64];
  int n = 0;
  seed = start;
  int64_t r = 1 + pick(pick(4) ? 9 : 90), c = 1 + pick(pick(4) ? 9 : 70);
  pool[n++] = leaf(ag_shape_of(2, r, c));
  pool[n++] = leaf(ag_shape_of(2, c, pick(3) ? r : r + 1));
  pool[n++] = leaf(ag_shape_of(1, r));
  pool[n++] = leaf(ag_shape_of(1, (int64_t)(1 + pick(3))));
  if (pick(8) == 0) pool[n++] = leaf(ag_shape_of(2, (int64_t)0, c));
  while (n < steps) {
    pool[n] = step(pool, n);
    if (pick(6) == 0) CHECK_OK(ag_array_force(1, &pool[n].x));
    n++;
  }
  for (int i = n - 1; i >= 0; i--) compare(&pool[i], start, i);
  for (int i = 0; i < n; i++) {
    ag_array_release(pool[i].x);
    free(pool[i].v);
  }
}

/* -- single questions ---------------------------------------------------------------------- */
static ag_array *op1(ag_op op, ag_array *a) {
  ag_array *r = NULL;
  CHECK_OK(ag_expr_unary(&r, op, a));
  ag_array_release(a);
  return r;
}

static ag_array *op2(ag_op op, ag_array *a, double b) {
  ag_array *s, *r = NULL;
  CHECK_OK(ag_expr_scalar(&s, b, AG_F64));
  CHECK_OK(ag_expr_binary(&r, op, a, s));
  ag_array_release(a);
  ag_array_release(s);
  return r;
}

static void one_launch(void) {
  pair p = leaf(ag_shape_of(2, (int64_t)100, (int64_t)30));
  ag_array *y = op2(AG_OP_add, op2(AG_OP_mul, ag_array_retain(p.x), 2), 1);
  y = op1(AG_OP_exp, op1(AG_OP_neg, y));
  y = op2(AG_OP_pow, op2(AG_OP_add, y, 1), -1);
  int64_t before = ag_stat.launches;
  CHECK_OK(ag_array_force(1, &y));
  CHECK(ag_stat.launches == before + 1, "%d launches", (int)(ag_stat.launches - before));
  double v[3000];
  CHECK_OK(ag_array_read(y, v, AG_F64));
  double want = 1 / (1 + exp(-(2 * p.v[77] + 1)));
  CHECK(fabs(v[77] - want) < (type == AG_F32 ? 1e-6 : 1e-14), "%g, not %g", v[77], want);
  ag_array_release(y);
  ag_array_release(p.x);
  free(p.v);
}

/* A product with bias and activation is one launch. */
static void one_matmul(void) {
  pair a = leaf(ag_shape_of(2, (int64_t)20, (int64_t)10)),
       b = leaf(ag_shape_of(2, (int64_t)10, (int64_t)30)), bias = leaf(ag_shape_of(1, (int64_t)20));
  ag_array *y, *z;
  CHECK_OK(ag_expr_matmul(&y, a.x, b.x, 0, 0));
  CHECK_OK(ag_expr_binary(&z, AG_OP_add, y, bias.x));
  ag_array_release(y);
  z = op1(AG_OP_relu, z);
  int64_t before = ag_stat.launches;
  CHECK_OK(ag_array_force(1, &z));
  CHECK(ag_stat.launches == before + 1, "%d launches", (int)(ag_stat.launches - before));
  ag_array_release(z);
  pair all[3] = {a, b, bias};
  for (int i = 0; i < 3; i++) ag_array_release(all[i].x), free(all[i].v);
}

static void long_loop(void) {
  pair p = leaf(ag_shape_of(1, (int64_t)1000));
  ag_array *x = ag_array_retain(p.x);
  double want = p.v[5];
  int64_t live = ag_array_live();
  for (int i = 0; i < 10000; i++) {
    x = op2(AG_OP_add, op2(AG_OP_mul, x, 0.99), 1);
    want = 0.99 * want + 1;
  }
  CHECK(ag_array_live() - live < 1000, "%d nodes", (int)(ag_array_live() - live));
  double v[1000];
  CHECK_OK(ag_array_read(x, v, AG_F64));
  CHECK(fabs(v[5] - want) < 1e-3, "%g, not %g", v[5], want);
  ag_array_release(x);
  ag_array_release(p.x);
  free(p.v);
}

/* The n-th device call fails, n = 1, 2, ...: a status each time, nothing left behind. */
static void faults(void) {
  pair a = leaf(ag_shape_of(2, (int64_t)20, (int64_t)20));
  int64_t arrays = ag_array_live(), buffers = ag_device_memory(dev).live_buffers;
  int n = 0, done = 0;
  while (!done && ++n < 100) {
    ag_array *y = NULL, *z = NULL, *w = NULL;
    double v[20];
    ag_fault_after(n);
    ag_status s = ag_expr_matmul(&y, a.x, a.x, 0, 1);
    if (s == AG_OK) s = ag_expr_reduce(&z, y, AG_SUM, 0, 1, 0);
    if (s == AG_OK) s = ag_expr_binary(&w, AG_OP_mul, z, z);
    if (s == AG_OK) s = ag_array_read(w, v, AG_F64);
    done = s == AG_OK;
    if (!done) CHECK(strstr(ag_error_message(), "injected"), "%s", ag_error_message());
    ag_fault_after(0);
    if (!done && w) CHECK_OK(ag_array_read(w, v, AG_F64)); /* the graph is still whole */
    ag_array_release(w);
    ag_array_release(z);
    ag_array_release(y);
    CHECK(ag_array_live() == arrays, "fault %d: %d nodes", n, (int)(ag_array_live() - arrays));
    CHECK(ag_device_memory(dev).live_buffers == buffers, "fault %d: buffers", n);
  }
  CHECK(done && n > 5, "%d calls", n);
  ag_array_release(a.x);
  free(a.v);
}

static void memory_limit(void) {
  ag_array *x = NULL;
  ag_device_set_limit(dev, ag_device_memory(dev).live_bytes + 1000000);
  ag_status s = ag_array_zeros(&x, dev, type, ag_shape_of(1, (int64_t)10000000));
  CHECK(s == AG_E_MEMORY, "%s", ag_status_name(s));
  CHECK(strstr(ag_error_message(), "MB"), "%s", ag_error_message());
  ag_device_set_limit(dev, 0);
  CHECK_OK(ag_array_zeros(&x, dev, type, ag_shape_of(1, (int64_t)10000000)));
  ag_array_release(x);
}

/* w := w - 0.1 g, v := 0.9 v + g in place, replayed */
static void plan_assigns(void) {
  pair w = leaf(ag_shape_of(1, (int64_t)100)), v = leaf(ag_shape_of(1, (int64_t)100));
  ag_array *lr, *v2, *w2, *step;
  CHECK_OK(ag_expr_scalar_input(&lr, type, 7));
  v2 = op2(AG_OP_mul, ag_array_retain(v.x), 0.9);
  CHECK_OK(ag_expr_binary(&step, AG_OP_add, v2, w.x));
  ag_array_release(v2);
  v2 = step;
  CHECK_OK(ag_expr_binary(&step, AG_OP_mul, v2, lr));
  CHECK_OK(ag_expr_binary(&w2, AG_OP_sub, w.x, step));
  ag_plan *plan = NULL;
  ag_array *target[2] = {w2, v2}, *assign[2] = {w.x, v.x};
  CHECK_OK(ag_plan_new(&plan, 2, target, assign));
  for (int i = 0; plan && i < 5; i++) {
    int64_t before = ag_stat.launches, allocs = ag_stat.allocs;
    ag_plan_set(plan, 7, 0.1 / (i + 1));
    CHECK_OK(ag_plan_run(plan));
    CHECK(ag_stat.launches == before + 1 && ag_stat.allocs == allocs, "launches %d",
          (int)(ag_stat.launches - before));
    for (int j = 0; j < 100; j++) {
      v.v[j] = 0.9 * v.v[j] + w.v[j];
      w.v[j] -= v.v[j] * (0.1 / (i + 1));
    }
  }
  compare(&w, 0, 0);
  compare(&v, 0, 1);
  ag_plan_free(plan);
  ag_array *all[] = {lr, step, w2, v2, w.x, v.x};
  for (int i = 0; i < 6; i++) ag_array_release(all[i]);
  free(w.v);
  free(v.v);
}

/* d/dx of sum(exp(W x) * s) + sum(max(x)) against finite differences, through most structural nodes
 */
static double objective(ag_array *w, ag_array *x, ag_array **out) {
  ag_array *wx, *e, *r, *xt, *m, *sum, *two, *sq;
  double v = 0;
  CHECK_OK(ag_expr_matmul(&wx, w, x, 0, 0));
  e = op1(AG_OP_tanh, wx);
  CHECK_OK(ag_expr_reduce(&r, e, AG_MAX, 1, 2, 0));
  CHECK_OK(ag_expr_transpose(&xt, x));
  CHECK_OK(ag_expr_reshape(&two, xt, ag_shape_of(1, ag_array_count(x))));
  CHECK_OK(ag_expr_binary(&sq, AG_OP_mul, two, r)); /* recycles */
  CHECK_OK(ag_expr_reduce(&m, sq, AG_SUM, 0, 1, 0));
  CHECK_OK(ag_expr_reduce(&sum, e, AG_MEAN, 0, 2, 0));
  CHECK_OK(ag_expr_binary(out, AG_OP_add, m, sum));
  if (!(*out)->traced) CHECK_OK(ag_array_read(*out, &v, AG_F64));
  ag_array *all[] = {e, r, xt, two, sq, m, sum};
  for (int i = 0; i < 7; i++) ag_array_release(all[i]);
  return v;
}

static void gradient(void) {
  if (type != AG_F64) return;
  pair w = leaf(ag_shape_of(2, (int64_t)5, (int64_t)4)),
       x = leaf(ag_shape_of(2, (int64_t)4, (int64_t)7));
  ag_array *y, *g[2], *wrt[2], *out = NULL;
  double have[28];
  CHECK_OK(ag_expr_input(&wrt[0], dev, type, w.shape, 0));
  CHECK_OK(ag_expr_input(&wrt[1], dev, type, x.shape, 1));
  objective(wrt[0], wrt[1], &y);
  CHECK_OK(ag_grad(y, 2, wrt, g));
  ag_plan *plan = NULL;
  CHECK_OK(ag_plan_new(&plan, 2, g, NULL));
  CHECK_OK(ag_plan_bind(plan, 0, w.x->buf, 0));
  CHECK_OK(ag_plan_bind(plan, 1, x.x->buf, 0));
  CHECK_OK(ag_plan_run(plan));
  CHECK_OK(ag_plan_result(plan, 1, &out));
  CHECK_OK(ag_array_read(out, have, AG_F64));
  for (int i = 0; i < 28; i++) {
    double f[2], keep = x.v[i], h = 1e-5;
    for (int side = 0; side < 2; side++) {
      ag_array *moved, *value;
      x.v[i] = keep + (side ? h : -h);
      CHECK_OK(ag_array_write(&moved, dev, type, x.shape, x.v, AG_F64));
      f[side] = objective(w.x, moved, &value);
      ag_array_release(moved);
      ag_array_release(value);
    }
    x.v[i] = keep;
    double want = (f[1] - f[0]) / (2 * h);
    CHECK(fabs(have[i] - want) < 1e-6 * (1 + fabs(want)), "gradient %d: %g, not %g", i, have[i],
          want);
  }
  ag_plan_free(plan);
  ag_array *all[] = {out, y, g[0], g[1], wrt[0], wrt[1], w.x, x.x};
  for (int i = 0; i < 8; i++) ag_array_release(all[i]);
  free(w.v);
  free(x.v);
}

static void on_device(const char *id, ag_dtype dtype, int programs) {
  if (ag_device_find(&dev, id) != AG_OK || (dtype == AG_F64 && !dev->has_f64)) return;
  type = dtype;
  printf("%s %s\n", dev->id, ag_dtype_name(type));
  int64_t arrays = ag_array_live(), buffers = ag_device_memory(dev).live_buffers;
  one_launch();
  one_matmul();
  long_loop();
  faults();
  memory_limit();
  plan_assigns();
  gradient();
  for (int i = 0; i < programs; i++) random_program(1000003UL * (unsigned)i + 17, 8 + i % 40);
  CHECK(ag_array_live() == arrays, "%d nodes leak", (int)(ag_array_live() - arrays));
  CHECK(ag_device_memory(dev).live_buffers == buffers, "buffers leak");
}

static void print_log(const char *line) { fprintf(stderr, "%s\n", line); }

int main(int argc, char **argv) {
  int programs = argc > 2 ? atoi(argv[2]) : 400, skipped = 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  ag_hook_log = print_log;
  if (argc > 1) ag_device_set_kernel_dir(argv[1]);
  on_device("host", AG_F64, programs);
  on_device("host", AG_F32, programs);
  ag_device *opencl;
  if (ag_device_find(&opencl, "opencl") == AG_OK) {
    on_device("opencl", AG_F64, programs / 10 + 1);
    on_device("opencl", AG_F32, programs / 20 + 1);
  } else {
    printf("no OpenCL device: %s\n", ag_device_opencl_problem());
    skipped = 1;
  }
  ag_device_shutdown();
  return check_summary(skipped);
}
