/* QR factorisations: A P = Q R within rounding, Q orthogonal, columns moved as LINPACK does it. */
#include "devices_kit.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ag_device *dev;
static ag_dtype type;
static unsigned long seed = 2024;

static double uniform(void) { /* in (-1, 1) */
  seed = seed * 6364136223846793005UL + 1442695040888963407UL;
  return (double)(seed >> 33) / 1073741824.0 - 1;
}
static double eps(void) { return type == AG_F64 ? DBL_EPSILON : FLT_EPSILON; }

/* -- matrices: on the device, and the same numbers here ---------------------------------------- */
static double *numbers(int64_t n) { return calloc((size_t)(n + 1), sizeof(double)); }

static ag_array *up(const double *v, int64_t m, int64_t n) {
  ag_array *x = NULL;
  CHECK_OK(ag_array_write(&x, dev, type, ag_shape_of(2, m, n), v, AG_F64));
  CHECK_OK(ag_array_force(1, &x));
  return x;
}
static double *down(ag_array *x) {
  double *v = numbers(ag_array_count(x));
  CHECK_OK(ag_array_read(x, v, AG_F64));
  return v;
}

typedef enum {
  RANDOM,
  GRADED,
  HILBERT,
  DEPENDENT,
  HUGE_SCALE,
  TINY_SCALE,
  ZEROS,
  COLUMNS,
  KINDS
} kind;
static const char *kind_name[] = {"random", "graded", "hilbert", "dependent",
                                  "huge",   "tiny",   "zeros",   "columns"};

static double element(kind k, int64_t i, int64_t j, int64_t m) {
  const double range = type == AG_F64 ? 250 : 30;
  switch (k) {
  case GRADED: return uniform() * pow(10, -10.0 * (double)i / (double)m);
  case HILBERT: return 1 / (double)(i + j + 1);
  case HUGE_SCALE: return uniform() * pow(10, range);
  case TINY_SCALE: return uniform() * pow(10, -range);
  case ZEROS: return 0;
  case COLUMNS: return uniform() * pow(10, (j % 2 ? 0.5 : -0.5) * range);
  default: return uniform();
  }
}

/* In `dependent`, every third column from the third on is the sum of the two before it, and column
 * 5 is zero. */
static double *matrix(kind k, int64_t m, int64_t n) {
  double *v = numbers(m * n);
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < m; i++) {
      double *x = &v[i + j * m];
      *x = element(k, i, j, m);
      if (k == DEPENDENT && j % 3 == 2) *x = v[i + (j - 1) * m] + v[i + (j - 2) * m];
      if (k == DEPENDENT && j == 5) *x = 0;
      if (type == AG_F32) *x = (double)(float)*x;
    }
  return v;
}

static double largest(const double *v, int64_t n) {
  double most = 0;
  for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(v[i]));
  return most;
}

/* -- a factorisation --------------------------------------------------------------------------- */
typedef struct {
  int64_t m, n, rank;
  double *a, *qr, *aux;
  int32_t *pivot;
  ag_array *x;
} qr;

static qr qr_of(double *a, int64_t m, int64_t n, double tol) {
  qr q = {.m = m, .n = n, .a = a, .rank = -1, .x = up(a, m, n), .aux = numbers(n)};
  q.pivot = malloc((size_t)(n + 1) * sizeof *q.pivot);
  for (int64_t j = 0; j < n; j++) q.pivot[j] = (int32_t)j;
  const ag_block b = ag_block_of(q.x);
  CHECK_OK(ag_qr_factor(&b, tol, &q.rank, q.aux, q.pivot));
  q.qr = down(q.x);
  return q;
}
static void qr_drop(qr *q) {
  free(q->a), free(q->qr), free(q->aux), free(q->pivot);
  ag_array_release(q->x);
}

/* Q R, or Q' Q, as `what` of this many columns says. */
static double *times_q(const qr *q, const double *c, int64_t cols, int transposed) {
  ag_array *x = up(c, q->m, cols);
  const ag_block b = ag_block_of(x), a = ag_block_of(q->x);
  CHECK_OK(ag_qr_apply(&a, q->aux, AG_QR_LINPACK, q->m, &b, transposed));
  double *v = down(x);
  ag_array_release(x);
  return v;
}

/* The largest element of A P - Q R over eps times its column's norm. */
static double residual(const qr *q) {
  double *r = numbers(q->m * q->n), worst = 0;
  for (int64_t j = 0; j < q->n; j++)
    for (int64_t i = 0; i < q->m && i <= j; i++) r[i + j * q->m] = q->qr[i + j * q->m];
  double *product = times_q(q, r, q->n, 0);
  for (int64_t j = 0; j < q->n; j++) {
    const double *want = q->a + q->pivot[j] * q->m, *have = product + j * q->m;
    const double size = largest(want, q->m);
    double norm = 0, apart = 0;
    for (int64_t i = 0; i < q->m; i++) {
      if (size > 0) norm += want[i] / size * (want[i] / size);
      apart = fmax(apart, fabs(want[i] - have[i]));
      if (!isfinite(have[i])) apart = INFINITY;
    }
    worst = fmax(worst, apart == 0 ? 0 : apart / (size * sqrt(norm)) / eps());
  }
  free(r), free(product);
  return worst;
}

static double orthogonality(const qr *q) {
  double *one = numbers(q->m * q->m), worst = 0;
  for (int64_t i = 0; i < q->m; i++) one[i * (q->m + 1)] = 1;
  double *all = times_q(q, one, q->m, 0), *back = times_q(q, all, q->m, 1);
  for (int64_t i = 0; i < q->m * q->m; i++) worst = fmax(worst, fabs(back[i] - one[i]));
  for (int64_t j = 0; j < q->m; j++) { /* columns have norm 1 */
    double sum = 0;
    for (int64_t i = 0; i < q->m; i++) sum += all[i + j * q->m] * all[i + j * q->m];
    worst = fmax(worst, fabs(sqrt(sum) - 1));
  }
  free(one), free(all), free(back);
  return worst / eps();
}

static void test_factor(kind k, int64_t m, int64_t n, double tol) {
  qr q = qr_of(matrix(k, m, n), m, n, tol);
  const double bound = 10 + 2 * sqrt((double)(m > n ? m : n)), r = residual(&q),
               o = orthogonality(&q);
  CHECK(r < bound, "%s %d x %d, tol %g: residual %g", kind_name[k], (int)m, (int)n, tol, r);
  CHECK(o < bound, "%s %d x %d, tol %g: orthogonality %g", kind_name[k], (int)m, (int)n, tol, o);
  int *seen = calloc((size_t)(n + 1), sizeof *seen), once = 1;
  for (int64_t j = 0; j < n; j++) seen[q.pivot[j]]++;
  for (int64_t j = 0; j < n; j++) once &= seen[j] == 1;
  CHECK(once, "%s %d x %d: pivot is no permutation", kind_name[k], (int)m, (int)n);
  free(seen);
  qr_drop(&q);
}

/* Of a triangular C, half the work gives the same. */
static void test_expand(int64_t m, int64_t n, int64_t cols) {
  qr q = qr_of(matrix(RANDOM, m, n), m, n, 0);
  double *c = matrix(RANDOM, m, cols), apart = 0;
  for (int64_t j = 0; j < cols; j++)
    for (int64_t i = j + 1; i < m; i++) c[i + j * m] = 0;
  ag_array *x = up(c, m, cols);
  const ag_block b = ag_block_of(x), a = ag_block_of(q.x);
  CHECK_OK(ag_qr_expand(&a, q.aux, AG_QR_LINPACK, n, &b));
  double *have = down(x), *want = times_q(&q, c, cols, 0);
  for (int64_t i = 0; i < m * cols; i++) apart = fmax(apart, fabs(have[i] - want[i]));
  CHECK(apart < 50 * eps(), "%d x %d: %g apart", (int)m, (int)n, apart);
  ag_array_release(x);
  free(c), free(have), free(want);
  qr_drop(&q);
}

/* -- which columns move ------------------------------------------------------------------------ */
/* Columns behind the good ones, in their order; the others likewise. */
static void test_moved(const char *what, double *a, int64_t m, int64_t n, const char *is_bad,
                       double tol) {
  qr q = qr_of(a, m, n, tol);
  int64_t good = 0, at = 0, wrong = 0;
  for (int64_t j = 0; j < n; j++) good += !is_bad[j];
  for (int bad = 0; bad < 2; bad++)
    for (int64_t j = 0; j < n; j++)
      if (is_bad[j] == bad) wrong += q.pivot[at++] != j;
  const double r = residual(&q);
  CHECK(q.rank == good, "%s: rank %d, not %d", what, (int)q.rank, (int)good);
  CHECK(wrong == 0, "%s: %d columns elsewhere", what, (int)wrong);
  CHECK(r < 10 + 2 * sqrt((double)m), "%s: residual %g", what, r);
  qr_drop(&q);
}

/* Column j is a combination of earlier good ones where is_bad[j]. */
static void test_dependent(int64_t m, int64_t n, int every, const char *what) {
  double *a = matrix(RANDOM, m, n);
  char *is_bad = calloc((size_t)n, 1);
  int64_t last = 0, before = 0;
  for (int64_t j = 0; j < n; j++) {
    is_bad[j] = every > 0 ? j % every == every - 1 && j > 1 : j >= -every;
    if (is_bad[j])
      for (int64_t i = 0; i < m; i++) a[i + j * m] = a[i + last * m] - a[i + before * m];
    else before = last, last = j;
  }
  test_moved(what, a, m, n, is_bad, type == AG_F64 ? 1e-7 : 1e-5);
  free(is_bad);
}

/* A small case by hand: x = (1, 1), (1, 1), (0, 1), columns 2 and 3. */
static void test_by_hand(void) {
  const double x[] = {3, 4, 6, 8, 0, 5};
  double *a = numbers(6);
  memcpy(a, x, sizeof x);
  qr q = qr_of(a, 2, 3, 1e-5);
  CHECK(q.rank == 2 && q.pivot[0] == 0 && q.pivot[1] == 2 && q.pivot[2] == 1, "pivot");
  CHECK(fabs(q.qr[0] + 5) < 1e-5 && fabs(q.qr[1] - 0.8) < 1e-6, "first column");
  CHECK(fabs(q.aux[0] - 1.6) < 1e-6 && fabs(q.aux[1] - 3) < 1e-5, "aux");
  CHECK(fabs(q.qr[2] + 4) < 1e-5 && fabs(fabs(q.qr[3]) - 3) < 1e-5, "second column");
  CHECK(fabs(q.qr[4] + 10) < 1e-5 && fabs(q.qr[5]) < 1e-5, "third column");
  qr_drop(&q);
}

/* Unit vectors v are what LAPACK keeps, as are tau = u_0, v = u / u_0. */
static void test_lapack_form(int64_t m, int64_t n) {
  qr q = qr_of(matrix(RANDOM, m, n), m, n, 0);
  double *packed = numbers(m * n), *tau = numbers(n), *c = matrix(RANDOM, m, 3);
  memcpy(packed, q.qr, (size_t)(m * n) * sizeof *packed);
  for (int64_t j = 0; j < n && j < m - 1; j++) {
    tau[j] = q.aux[j];
    for (int64_t i = j + 1; i < m; i++) packed[i + j * m] /= q.aux[j];
  }
  ag_array *p = up(packed, m, n), *x = up(c, m, 3);
  const ag_block a = ag_block_of(p), b = ag_block_of(x);
  CHECK_OK(ag_qr_apply(&a, tau, AG_QR_LAPACK, n, &b, 1));
  double *have = down(x), *want = times_q(&q, c, 3, 1), apart = 0;
  for (int64_t i = 0; i < 3 * m; i++) apart = fmax(apart, fabs(have[i] - want[i]));
  CHECK(apart < 50 * eps(), "the forms differ by %g", apart);
  ag_array_release(p), ag_array_release(x);
  free(packed), free(tau), free(c), free(have), free(want);
  qr_drop(&q);
}

/* C (I - V T V') = ((I - V T' V') C')'. */
static void test_right(int64_t m, int64_t k, int64_t n) {
  double *mv = matrix(RANDOM, m, k), *mc = matrix(RANDOM, n, m), *mt = numbers(k * k),
         *ct = numbers(m * n), tau[64], apart = 0;
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) ct[i + j * m] = mc[j + i * n];
  for (int64_t j = 0; j < k; j++) {
    double sum = 0;
    for (int64_t i = 0; i < m; i++) sum += mv[i + j * m] * mv[i + j * m];
    tau[j] = 2 / sum;
  }
  ag_array *v = up(mv, m, k), *t = up(mt, k, k), *c = up(mc, n, m), *d = up(ct, m, n);
  const ag_block bv = ag_block_of(v), bt = ag_block_of(t), bc = ag_block_of(c), bd = ag_block_of(d);
  CHECK_OK(ag_qr_triangle(&bt, &bv, tau));
  CHECK_OK(ag_qr_reflect(&bv, &bt, &bc, 1, 0));
  CHECK_OK(ag_qr_reflect(&bv, &bt, &bd, 0, 1));
  double *right = down(c), *left = down(d);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) apart = fmax(apart, fabs(left[i + j * m] - right[j + i * n]));
  CHECK(apart < 100 * eps(), "left and right differ by %g", apart);
  for (int64_t j = 0; j < k; j++) /* H_k ... H_1 c, one by one */
    for (int64_t l = 0; l < n; l++) {
      double sum = 0;
      for (int64_t i = 0; i < m; i++) sum += mv[i + j * m] * ct[i + l * m];
      for (int64_t i = 0; i < m; i++) ct[i + l * m] -= tau[j] * sum * mv[i + j * m];
    }
  apart = 0;
  for (int64_t i = 0; i < m * n; i++) apart = fmax(apart, fabs(left[i] - ct[i]));
  CHECK(apart < 100 * eps(), "reflectors one by one differ by %g", apart);
  ag_array_release(v), ag_array_release(t), ag_array_release(c), ag_array_release(d);
  free(mv), free(mc), free(mt), free(ct), free(right), free(left);
}

/* NaN and Inf end like all else. */
static void test_not_finite(void) {
  for (int k = 0; k < 2; k++) {
    double *a = matrix(RANDOM, 90, 80);
    a[90 * 7 + 3] = k ? INFINITY : NAN;
    qr q = qr_of(a, 90, 80, 1e-7);
    CHECK(q.rank >= 0 && q.rank <= 80, "rank %d", (int)q.rank);
    qr_drop(&q);
  }
}

static void test_all(ag_device *d, int few) {
  static const int size[][2] = {{0, 0},   {0, 4},    {4, 0},     {1, 1},    {1, 5},    {5, 1},
                                {2, 2},   {7, 3},    {3, 7},     {17, 17},  {64, 64},  {65, 64},
                                {64, 65}, {129, 67}, {300, 100}, {67, 200}, {211, 211}};
  dev = d;
  for (type = d->has_f64 ? AG_F64 : AG_F32; type <= AG_F32; type++) {
    for (size_t s = 0; s < sizeof size / sizeof *size; s++)
      for (kind k = RANDOM; k < (few && size[s][0] > 17 ? GRADED : KINDS); k++) {
        test_factor(k, size[s][0], size[s][1], 1e-5);
        test_factor(k, size[s][0], size[s][1], 0);
      }
    test_by_hand();
    test_dependent(40, 30, 3, "every third");
    test_dependent(150, 140, 2, "every second");
    test_dependent(150, 140, 64, "two");
    test_dependent(120, 300, -10, "all from the tenth on");
    test_lapack_form(100, 70), test_lapack_form(30, 30);
    test_expand(150, 140, 150), test_expand(150, 140, 40), test_expand(80, 130, 90);
    test_right(50, 20, 30), test_right(130, 64, 33);
    test_not_finite();
  }
}

int main(int argc, char **argv) { return on_devices(argc, argv, test_all); }
