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
} kinds[] = {{"random", random_entries}, {"graded", graded},         {"graded up", graded_up},
             {"Wilkinson", wilkinson},   {"clustered", clustered},   {"zeros", zeros_between},
             {"all equal", all_equal},   {"identity", identity},     {"nothing", nothing},
             {"no diagonal", no_diagonal}, {"huge", huge},           {"tiny", tiny},
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
  if (getenv("SHOW")) printf("%-18s %4lld: orthogonality %.3f, residual %.3f\n", kinds[kind].name, (long long)n, o, r);
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

int main(void) {
  static const int64_t size[] = {0, 1, 2, 3, 4, 5, 7, 13, 31, 32, 33, 37, 64, 65, 97, 128, 131, 211,
                                 257, 311, 499};
  for (size_t i = 0; i < sizeof size / sizeof *size; i++)
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
      check_tridiag((int)kind, size[i]);
  check_known(1), check_known(100), check_known(333);
  check_threads(300);
  ag_threads_stop();
  return check_summary(0);
}
