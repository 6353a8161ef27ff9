/* Symmetric eigenproblems: residuals, orthogonality and known eigenvalues. */
#include "check.h"
#include "core.h"
#include "tridiag.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 88172645463325252u;
static double uniform(void) { /* xorshift (Marsaglia 2003) */
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (double)(seed >> 11) * 0x1p-52 - 1;
}

/* ---- tridiagonal ---- */

typedef void filling(int64_t n, double *d, double *e);

static void random_entries(int64_t n, double *d, double *e) {
  for (int64_t i = 0; i < n; i++) d[i] = uniform(), e[i] = uniform();
}
static void graded(int64_t n, double *d, double *e) {
  for (int64_t i = 0; i < n; i++) d[i] = pow(10, -16.0 * (double)i / (double)n), e[i] = d[i] * 0.1;
}
static void graded_up(int64_t n, double *d, double *e) {
  for (int64_t i = 0; i < n; i++) d[i] = pow(10, 300.0 * (double)i / (double)n - 150), e[i] = d[i];
}
static void wilkinson(int64_t n, double *d, double *e) { /* W21, glued to the next by 1e-8 */
  for (int64_t i = 0; i < n; i++) {
    d[i] = fabs((double)(i % 21) - 10);
    e[i] = i % 21 == 20 ? 1e-8 : 1;
  }
}
static void clustered(int64_t n, double *d, double *e) {
  for (int64_t i = 0; i < n; i++) d[i] = 1 + 1e-14 * uniform(), e[i] = 1e-13 * uniform();
}
static void zeros_between(int64_t n, double *d, double *e) {
  for (int64_t i = 0; i < n; i++) d[i] = uniform(), e[i] = i % 3 ? 0 : uniform();
}
static void all_equal(int64_t n, double *d, double *e) {
  for (int64_t i = 0; i < n; i++) d[i] = 2, e[i] = 2;
}
static void identity(int64_t n, double *d, double *e) {
  for (int64_t i = 0; i < n; i++) d[i] = 1, e[i] = 0;
}
static void nothing(int64_t n, double *d, double *e) {
  for (int64_t i = 0; i < n; i++) d[i] = e[i] = 0;
}
static void no_diagonal(int64_t n, double *d, double *e) {
  for (int64_t i = 0; i < n; i++) d[i] = 0, e[i] = i % 2 ? -1 : 1e-3;
}
static void huge(int64_t n, double *d, double *e) {
  for (int64_t i = 0; i < n; i++) d[i] = 1e307 * uniform(), e[i] = 1e307 * uniform();
}
static void tiny(int64_t n, double *d, double *e) {
  for (int64_t i = 0; i < n; i++) d[i] = 1e-305 * uniform(), e[i] = 1e-305 * uniform();
}
static void second_difference(int64_t n, double *d, double *e) {
  for (int64_t i = 0; i < n; i++) d[i] = 2, e[i] = -1;
}

static const struct {
  const char *name;
  filling *fill;
} kinds[] = {{"random", random_entries},
             {"graded", graded},
             {"graded up", graded_up},
             {"Wilkinson", wilkinson},
             {"clustered", clustered},
             {"zeros", zeros_between},
             {"all equal", all_equal},
             {"identity", identity},
             {"nothing", nothing},
             {"no diagonal", no_diagonal},
             {"huge", huge},
             {"tiny", tiny},
             {"second difference", second_difference}};

/* Largest element of |Q'Q - 1| and of |T Q - Q diag(w)| / |T|, in units of n eps. */
static double orthogonality(int64_t n, const double *q) {
  double most = 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j <= i; j++) {
      double sum = i == j ? -1 : 0;
      for (int64_t k = 0; k < n; k++) sum += q[k + i * n] * q[k + j * n];
      if (!(fabs(sum) <= most)) most = fabs(sum);
    }
  return most / ((double)(n ? n : 1) * DBL_EPSILON);
}

static double residual(int64_t n, const double *d, const double *e, const double *w,
                       const double *q) {
  double most = 0, norm = 0;
  for (int64_t i = 0; i < n; i++) norm = fmax(norm, fmax(fabs(d[i]), i < n - 1 ? fabs(e[i]) : 0));
  if (norm == 0) norm = 1;
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < n; i++) {
      double x = (d[i] / norm - w[j] / norm) * q[i + j * n];
      if (i > 0) x += e[i - 1] / norm * q[i - 1 + j * n];
      if (i < n - 1) x += e[i] / norm * q[i + 1 + j * n];
      if (!(fabs(x) <= most)) most = fabs(x);
    }
  return most / ((double)(n ? n : 1) * DBL_EPSILON);
}

static double norm_of(int64_t n, const double *w) {
  return fmax(fabs(w[0]), fabs(w[n - 1])) + DBL_MIN;
}

static void check_tridiag(int kind, int64_t n) {
  size_t size = (size_t)(n + 1) * sizeof(double);
  double *d = malloc(size), *e = malloc(size), *w = malloc(size), *v = malloc(size),
         *work = malloc(size), *q = malloc((size_t)(n * n + 1) * sizeof(double));
  kinds[kind].fill(n, d, e);
  memcpy(w, d, size), memcpy(work, e, size);
  CHECK_OK(ag_tridiag_vectors(n, w, work, q, n));
  memcpy(v, d, size), memcpy(work, e, size);
  CHECK_OK(ag_tridiag_values(n, v, work));
  double o = orthogonality(n, q), r = residual(n, d, e, w, q), apart = 0;
  CHECK(o < 2, "%s %lld: orthogonality %g n eps", kinds[kind].name, (long long)n, o);
  CHECK(r < 2, "%s %lld: residual %g n eps", kinds[kind].name, (long long)n, r);
  for (int64_t i = 0; i < n; i++) {
    double x = fabs(w[i] - v[i]) / norm_of(n, v);
    if (!(x <= apart)) apart = x;
    if (i && !(w[i - 1] <= w[i] && v[i - 1] <= v[i])) apart = INFINITY;
  }
  CHECK(n == 0 || apart <= 10 * (double)n * DBL_EPSILON, "%s %lld: values differ by %g",
        kinds[kind].name, (long long)n, apart);
  free(d), free(e), free(w), free(v), free(work), free(q);
}

static void check_known(int64_t n) {
  double *d = malloc((size_t)n * sizeof *d), *e = malloc((size_t)n * sizeof *e);
  second_difference(n, d, e);
  CHECK_OK(ag_tridiag_values(n, d, e));
  double most = 0;
  for (int64_t i = 0; i < n; i++) {
    double s = sin((double)(i + 1) * acos(-1) / (double)(2 * n + 2));
    most = fmax(most, fabs(d[i] - 4 * s * s));
  }
  CHECK(most < 4 * (double)n * DBL_EPSILON, "%g", most);
  free(d), free(e);
}

/* The threads share the work, and give the same numbers. */
static void check_threads(int64_t n) {
  size_t size = (size_t)n * sizeof(double);
  double *d = malloc(size), *e = malloc(size), *q[2];
  for (int i = 0; i < 2; i++) {
    seed = 5;
    random_entries(n, d, e);
    q[i] = malloc(size * (size_t)n);
    ag_threads_set(i ? 3 : 1);
    CHECK_OK(ag_tridiag_vectors(n, d, e, q[i], n));
  }
  ag_threads_set(0);
  CHECK(!memcmp(q[0], q[1], size * (size_t)n), "one thread and three differ");
  free(d), free(e), free(q[0]), free(q[1]);
}

/* ---- dense ---- */

static double scale_of(double exponent) { return pow(2, exponent); }

/* x is symmetric in its lower triangle; above stands what must not be looked at. */
static ag_array *random_matrix(ag_device *dev, ag_dtype type, int64_t n, double scale, double *x) {
  ag_array *a;
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = j; i < n; i++) {
      x[i + j * n] = type == AG_F32 ? (double)(float)uniform() : uniform();
      if (i > j) x[j + i * n] = 77;
      x[i + j * n] *= scale;
    }
  CHECK_OK(ag_array_write(&a, dev, type, ag_shape_of(2, n, n), x, AG_F64));
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < j; i++) x[i + j * n] = x[j + i * n];
  return a;
}

static double dense_residual(int64_t n, const double *x, const double *w, const double *q) {
  double most = 0, norm = norm_of(n, w);
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < n; i++) {
      double sum = -w[j] / norm * q[i + j * n];
      for (int64_t k = 0; k < n; k++) sum += x[k + i * n] / norm * q[k + j * n];
      if (!(fabs(sum) <= most)) most = fabs(sum);
    }
  return most / ((double)n * DBL_EPSILON);
}

/* The first component that is about as large as the largest. */
static double leading(int64_t n, const double *v) {
  double most = 0;
  for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(v[i]));
  for (int64_t i = 0; i < n; i++)
    if (fabs(v[i]) >= 0.999 * most) return v[i];
  return NAN;
}

static void check_dense(ag_device *dev, ag_dtype type, int64_t n, double scale) {
  size_t size = (size_t)(n * n) * sizeof(double);
  double *x = malloc(size), *q = malloc(size), *w = malloc(size), *v = malloc(size);
  ag_array *a = random_matrix(dev, type, n, scale, x), *vectors;
  double unit = type == AG_F32 ? FLT_EPSILON / DBL_EPSILON : 1, apart = 0;
  CHECK_OK(ag_eigen_symmetric(a, w, &vectors));
  CHECK_OK(ag_eigen_symmetric(a, v, NULL));
  CHECK_OK(ag_array_read(vectors, q, AG_F64));
  double o = orthogonality(n, q) / unit, r = dense_residual(n, x, w, q) / unit;
  CHECK(o < 4 && r < 4, "%s %s %lld x %g: orthogonality %g, residual %g n eps", dev->id,
        ag_dtype_name(type), (long long)n, scale, o, r);
  for (int64_t i = 0; i < n; i++) {
    double difference = fabs(w[i] - v[i]) / norm_of(n, w);
    if (!(difference <= apart) || (i && w[i] > w[i - 1])) apart = difference;
    CHECK(leading(n, q + i * n) > 0, "sign of vector %lld", (long long)i);
  }
  CHECK(apart <= 10 * (double)n * DBL_EPSILON, "values differ by %g", apart);
  ag_array_release(a), ag_array_release(vectors);
  free(x), free(q), free(w), free(v);
}

static void check_not_finite(ag_device *dev, ag_dtype type, int64_t n, double bad) {
  double *x = malloc((size_t)(n * n) * sizeof *x), *w = malloc((size_t)n * sizeof *w);
  ag_array *a = random_matrix(dev, type, n, 1, x), *b, *vectors;
  x[n - 1] = bad;
  CHECK_OK(ag_array_write(&b, dev, type, ag_shape_of(2, n, n), x, AG_F64));
  CHECK(ag_eigen_symmetric(b, w, &vectors) == AG_E_ARGUMENT && !vectors, "not finite");
  CHECK(ag_eigen_symmetric(b, w, NULL) == AG_E_ARGUMENT, "not finite");
  ag_array_release(a), ag_array_release(b);
  free(x), free(w);
}

static void check_device(ag_device *dev) {
  static const int64_t size[] = {1, 2, 3, 17, 32, 33, 64, 129, 160, 193, 257};
  for (ag_dtype type = dev->has_f64 ? AG_F64 : AG_F32; type <= AG_F32; type++) {
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) check_dense(dev, type, size[i], 1);
    check_dense(dev, type, 150, scale_of(type == AG_F64 ? 1000 : 120));
    check_dense(dev, type, 150, scale_of(type == AG_F64 ? -960 : -90));
    check_not_finite(dev, type, 9, NAN);
    check_not_finite(dev, type, 150, INFINITY);
  }
}

/* ---- all ---- */

int main(int argc, char **argv) {
  static const int64_t size[] = {0,  1,  2,  3,  4,   5,   7,   13,  31,  32, 33,
                                 37, 64, 65, 97, 128, 131, 211, 257, 311, 499};
  ag_device *dev;
  int skipped = 0;
  if (argc > 1) ag_device_set_kernel_dir(argv[1]);
  for (size_t i = 0; i < sizeof size / sizeof *size; i++)
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
      check_tridiag((int)kind, size[i]);
  check_known(1), check_known(100), check_known(333);
  check_threads(300);
  CHECK_OK(ag_device_find(&dev, "host"));
  check_device(dev);
  if (ag_device_find(&dev, "opencl") == AG_OK) {
    check_device(dev);
  } else {
    printf("no OpenCL device: %s\n", ag_device_opencl_problem());
    skipped = 1;
  }
  CHECK(ag_array_live() == 0, "%d arrays are left", (int)ag_array_live());
  ag_device_shutdown();
  ag_threads_stop();
  return check_summary(skipped);
}
