/* The SVD of bidiagonal matrices: residual and orthogonality, in units of n eps, of easy matrices
 * and of those that are hard for divide and conquer. */
#include "bidiag.h"
#include "bidiag_svd.h"
#include "check.h"
#include "core.h"
#include "secular_root.h"
#include "threads.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 7;
static double uniform(void) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (double)(seed >> 11) / 9007199254740992.0;
}
static double normal(void) {
  return sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform());
}

typedef enum {
  RANDOM,
  GRADED,
  REVERSED,
  CLUSTERED,
  ZERO_D,
  ZERO_E,
  EQUAL,
  IDENTITY,
  NOTHING,
  HUGE_,
  TINY,
  MIXED,
  WIDE_RANGE,
  SMALL_E,
  GLUED,
  KINDS
} kind;
static const char *const kind_name[] = {"random",     "graded",     "reversed",  "clustered",
                                        "zeros in d", "zeros in e", "all equal", "identity",
                                        "nothing",    "huge",       "tiny",      "mixed",
                                        "wide range", "small e",    "glued"};

static void make(kind how, int64_t n, double *d, double *e) {
  for (int64_t i = 0; i < n; i++) {
    const double at = n > 1 ? (double)i / (double)(n - 1) : 0;
    double x = normal(), y = normal();
    switch (how) {
    case GRADED: x *= pow(10, -30 * at), y *= pow(10, -30 * at); break;
    case REVERSED: x *= pow(10, 30 * at - 30), y *= pow(10, 30 * at - 30); break;
    case CLUSTERED: x = 1 + 1e-14 * x, y *= 1e-13; break;
    case ZERO_D: x = uniform() < 0.2 ? 0 : x; break;
    case ZERO_E: y = uniform() < 0.3 ? 0 : y; break;
    case EQUAL: x = y = 1; break;
    case IDENTITY: x = 1, y = 0; break;
    case NOTHING: x = y = 0; break;
    case HUGE_: x *= 1e300, y *= 1e300; break;
    case TINY: x *= 1e-300, y *= 1e-300; break;
    case MIXED: x *= pow(10, 40 * uniform() - 20), y *= pow(10, 40 * uniform() - 20); break;
    case WIDE_RANGE:
      x *= pow(10, 500 * uniform() - 300), y *= pow(10, 500 * uniform() - 300);
      break;
    case SMALL_E: y *= 1e-9; break;
    case GLUED: x = 1 + (double)(i % 10), y = i % 10 == 9 ? 1e-10 : 0.5; break;
    default: break;
    }
    d[i] = x;
    if (i < n - 1) e[i] = y;
  }
}

/* max |X'X - 1| over the singular vectors */
static double departure(int64_t n, const double *x, int64_t ld, const int64_t *from) {
  double most = 0;
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i <= j; i++) {
      const double *a = x + from[i] * ld, *b = x + from[j] * ld;
      double sum = 0;
      for (int64_t l = 0; l < n; l++) sum += a[l] * b[l];
      most = fmax(most, fabs(sum - (i == j)));
      if (isnan(sum)) return NAN;
    }
  return most;
}

/* max |B v - d u| / max |B|, and the other way round: U' B V is diagonal as U and V are orthogonal
 */
static double residual(int64_t n, const double *d0, const double *e0, double scale, const double *d,
                       const ag_bidiag_vectors *x) {
  double most = 0;
  for (int64_t j = 0; j < n; j++) {
    const double *u = x->u + x->from[j] * x->ldu, *v = x->v + x->from[j] * x->ldv;
    for (int64_t i = 0; i < n; i++) {
      double r = d0[i] / scale * v[i] - d[j] / scale * u[i];
      if (i < n - 1) r += e0[i] / scale * v[i + 1];
      if (isnan(r)) return NAN;
      most = fmax(most, fabs(r));
    }
  }
  return most;
}

static double largest(int64_t n, const double *d, const double *e) {
  double most = 0;
  for (int64_t i = 0; i < n; i++) most = fmax(most, fmax(fabs(d[i]), i < n - 1 ? fabs(e[i]) : 0));
  return most > 0 ? most : 1;
}

static double worst[3]; /* orthogonality, residual, values: in n eps */

static void try_kind(kind how, int64_t n) {
  const size_t bytes = (size_t)(n + 1) * sizeof(double);
  double *d0 = calloc(bytes, 1), *e0 = calloc(bytes, 1), *d = malloc(bytes), *e = malloc(bytes),
         *d2 = malloc(bytes);
  ag_bidiag_vectors x;
  make(how, n, d0, e0);
  memcpy(d, d0, bytes), memcpy(e, e0, bytes);
  CHECK_OK(ag_bidiag_svd(n, d, e, 1, &x));
  if (n > 0) { /* one set of vectors alone: the same */
    ag_bidiag_vectors y;
    memcpy(d2, d0, bytes), memcpy(e, e0, bytes);
    CHECK_OK(ag_bidiag_svd(n, d2, e, 0, &y));
    CHECK(!y.u && !memcmp(d, d2, (size_t)n * 8) &&
              !memcmp(x.v, y.v, (size_t)((n + 1) * (n + 1)) * 8),
          "%s %d: right vectors alone", kind_name[how], (int)n);
    ag_bidiag_free(&y);
  }
  memcpy(d2, d0, bytes), memcpy(e, e0, bytes);
  CHECK_OK(ag_bidiag_values(n, d2, e));
  if (n > 0) {
    const double scale = largest(n, d0, e0), unit = (double)n * DBL_EPSILON;
    double ou = departure(n, x.u, x.ldu, x.from) / unit,
           ov = departure(n, x.v, x.ldv, x.from) / unit;
    double r = residual(n, d0, e0, scale, d, &x) / unit, off = 0;
    int sorted = 1;
    for (int64_t i = 0; i < n; i++) {
      off = fmax(off, fabs(d[i] - d2[i]) / scale / unit);
      sorted &= d[i] >= 0 && d2[i] >= 0 && (i == 0 || (d[i] <= d[i - 1] && d2[i] <= d2[i - 1]));
    }
    const double limit = n < 4 ? 8 : 4;
    CHECK(ou <= limit && ov <= limit, "%s %d: orthogonality %g, %g", kind_name[how], (int)n, ou,
          ov);
    CHECK(r <= 2 * limit, "%s %d: residual %g", kind_name[how], (int)n, r);
    CHECK(off <= 2 * limit, "%s %d: values differ by %g", kind_name[how], (int)n, off);
    CHECK(sorted, "%s %d: order", kind_name[how], (int)n);
    worst[0] = fmax(worst[0], fmax(ou, ov)), worst[1] = fmax(worst[1], r);
    worst[2] = fmax(worst[2], off);
  }
  ag_bidiag_free(&x);
  free(d0), free(e0), free(d), free(e), free(d2);
}

/* A graded matrix keeps the digits of its smallest values: d = 1, 1e-8, ... with e small beside
 * them; the product of all values is that of d. */
static void test_relative(void) {
  double d[20], e[20], sum = 0, want = 0;
  for (int i = 0; i < 20; i++) d[i] = pow(10, -8.0 * i), e[i] = 0.5 * d[i], want += log(d[i]);
  CHECK_OK(ag_bidiag_values(20, d, e));
  for (int i = 0; i < 20; i++) sum += log(d[i]);
  CHECK(fabs(sum - want) < 1e-12, "the product of graded values: logarithms differ by %g",
        sum - want);
}

/* f changes its sign at the root, and gaps are those of the root. */
static void test_secular(int64_t k, int squared) {
  double *p = malloc((size_t)k * 8), *w = malloc((size_t)k * 8), *gap = malloc((size_t)k * 8),
         offset;
  int64_t base, bad = 0;
  ag_secular s = {k, p, w, 1 + uniform(), 0, squared};
  for (int64_t i = 0; i < k; i++) {
    p[i] = i == 0 ? (squared ? 0 : normal()) : p[i - 1] + pow(10, -12 * uniform());
    w[i] = pow(10, -20 * uniform());
    s.sum_w += w[i];
  }
  for (int64_t j = 0; j < k; j++) {
    ag_secular_root(&s, j, gap, &base, &offset);
    double f = 1 / s.rho, size = f;
    for (int64_t i = 0; i < k; i++) f += w[i] / gap[i], size += fabs(w[i] / gap[i]);
    bad += !(fabs(f) <= 64 * DBL_EPSILON * size * 4) || !(gap[j] < 0) ||
           (j + 1 < k && !(gap[j + 1] > 0)) || (base != j && base != j + 1);
  }
  CHECK(!bad, "%d of %d secular roots (squared %d)", (int)bad, (int)k, squared);
  free(p), free(w), free(gap);
}

/* -- reduction --------------------------------------------------------------------------------- */

static ag_array *to_device(ag_device *d, ag_dtype type, int64_t rows, int64_t cols,
                           const double *x) {
  ag_array *a = NULL;
  CHECK_OK(ag_array_write(&a, d, type, ag_shape_of(2, rows, cols), x, AG_F64));
  CHECK_OK(ag_array_force(1, &a));
  return a;
}

/* Q B P' is A, and Q' Q is 1. */
static void test_reduce(ag_device *dev, ag_dtype type, int64_t m, int64_t n, int graded) {
  const size_t bytes = (size_t)(m * m + 1) * sizeof(double);
  double *x = malloc(bytes), *y = calloc(bytes, 1), *t = calloc(bytes, 1);
  for (int64_t i = 0; i < m * n; i++)
    x[i] = (double)(float)(normal() * (graded ? pow(10, -40 * uniform()) : 1));
  ag_array *a = to_device(dev, type, m, n, x);
  ag_block block = ag_block_of(a);
  ag_bidiag b;
  CHECK_OK(ag_bidiag_reduce(&b, &block));
  for (int64_t j = 0; j < n; j++) {
    y[j + j * m] = b.d[j];
    if (j > 0) y[j - 1 + j * m] = b.e[j - 1];
  }
  ag_array *c = to_device(dev, type, m, n, y);
  block = ag_block_of(c);
  CHECK_OK(ag_reflectors_apply(&b.q, b.tau_q, &block));
  CHECK_OK(ag_array_read(c, y, AG_F64));
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < m; i++) t[j + i * n] = y[i + j * m];
  ag_array *ct = to_device(dev, type, n, m, t);
  block = ag_block_of(ct);
  CHECK_OK(ag_reflectors_apply(&b.p, b.tau_p, &block));
  CHECK_OK(ag_array_read(ct, t, AG_F64));
  double off = 0, orthogonal = 0;
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < m; i++) off = fmax(off, fabs(t[j + i * n] - x[i + j * m]));
  memset(y, 0, bytes);
  for (int64_t i = 0; i < m; i++) y[i * (m + 1)] = 1;
  ag_array *q = to_device(dev, type, m, m, y);
  block = ag_block_of(q);
  CHECK_OK(ag_reflectors_apply(&b.q, b.tau_q, &block));
  CHECK_OK(ag_array_read(q, y, AG_F64));
  int64_t *from = malloc((size_t)m * sizeof *from);
  for (int64_t i = 0; i < m; i++) from[i] = i;
  orthogonal = departure(m, y, m, from);
  const double unit = (type == AG_F64 ? DBL_EPSILON : 1.2e-7) * sqrt((double)m) * 10;
  CHECK(off <= unit * 4, "%s %d x %d: Q B P' - A: %g", dev->id, (int)m, (int)n, off);
  CHECK(orthogonal <= unit, "%s %d x %d: Q'Q - 1: %g", dev->id, (int)m, (int)n, orthogonal);
  ag_bidiag_drop(&b);
  ag_array_release(a), ag_array_release(c), ag_array_release(ct), ag_array_release(q);
  free(x), free(y), free(t), free(from);
}

static void test_reductions(ag_device *d) {
  static const int shape[][2] = {{1, 1},   {2, 1},   {2, 2},   {5, 3},    {31, 31},  {32, 32},
                                 {33, 33}, {64, 40}, {97, 97}, {130, 33}, {211, 200}};
  for (ag_dtype type = d->has_f64 ? AG_F64 : AG_F32; type <= AG_F32; type++)
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
      for (int graded = 0; graded < 2; graded++)
        test_reduce(d, type, shape[i][0], shape[i][1], graded);
}

int main(int argc, char **argv) {
  ag_device *d;
  int skipped = 0;
  if (argc > 1) ag_device_set_kernel_dir(argv[1]);
  static const int64_t size[] = {0,  1,  2,  3,   4,   5,   7,   13,  26, 27,
                                 31, 53, 64, 101, 127, 211, 256, 401, 499};
  CHECK_OK(ag_device_find(&d, "host"));
  ag_threads_set(2);
  for (size_t i = 0; i < sizeof size / sizeof *size; i++)
    for (int how = 0; how < KINDS; how++) try_kind((kind)how, size[i]);
  test_relative();
  for (int64_t k = 1; k < 300; k += 1 + k / 3) test_secular(k, 0), test_secular(k, 1);
  test_reductions(d);
  if (ag_device_find(&d, "opencl") == AG_OK) {
    test_reductions(d);
  } else {
    printf("no OpenCL device: %s\n", ag_device_opencl_problem());
    skipped = 1;
  }
  CHECK(ag_array_live() == 0, "%d arrays are left", (int)ag_array_live());
  ag_device_shutdown();
  ag_threads_stop();
  printf("worst, in n eps: orthogonality %.2f, residual %.2f, values %.2f\n", worst[0], worst[1],
         worst[2]);
  return check_summary(skipped);
}
