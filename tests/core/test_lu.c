/* Triangular solves, row exchanges, triangles, LU and Cholesky, against plain loops in double. */
#include "devices_kit.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ag_device *dev;
static ag_dtype type;
static unsigned long seed = 7;

static double uniform(void) { /* in (-1, 1) */
  seed = seed * 6364136223846793005UL + 1442695040888963407UL;
  return (double)(seed >> 11) / 4503599627370496.0 - 1;
}
static int pick(int n) {
  seed = seed * 6364136223846793005UL + 1442695040888963407UL;
  return (int)((seed >> 33) % (unsigned long)n);
}

static double epsilon(void) { return type == AG_F64 ? DBL_EPSILON : FLT_EPSILON; }

/* A matrix on the device, and what it should hold. */
typedef struct {
  int64_t rows, cols;
  double *v;
  ag_array *x;
} matrix;

static double rounded(double x) { return type == AG_F64 ? x : (double)(float)x; }

static matrix matrix_new(int64_t rows, int64_t cols) {
  matrix m = {rows, cols, malloc((size_t)(rows * cols + 1) * sizeof(double)), NULL};
  for (int64_t i = 0; i < rows * cols; i++) m.v[i] = rounded(uniform());
  return m;
}

static ag_block matrix_up(matrix *m) {
  CHECK_OK(ag_array_write(&m->x, dev, type, ag_shape_of(2, m->rows, m->cols), m->v, AG_F64));
  CHECK_OK(ag_array_force(1, &m->x));
  return ag_block_of(m->x);
}

static void matrix_drop(matrix *m) {
  ag_array_release(m->x);
  free(m->v);
}

static double *matrix_down(const matrix *m) {
  double *have = malloc((size_t)(m->rows * m->cols + 1) * sizeof *have);
  CHECK_OK(ag_array_read(m->x, have, AG_F64));
  return have;
}

/* -- trsm -------------------------------------------------------------------------------------- */
static double triangle_at(const matrix *t, ag_tri how, int64_t i, int64_t j) {
  if (how.trans) {
    const int64_t k = i;
    i = j, j = k;
  }
  if (how.unit && i == j) return 1;
  return (how.upper ? i <= j : i >= j) ? t->v[i + 2 + (j + 1) * t->rows] : 0;
}

/* |B - op(T) X| against |op(T)| |X|, element by element; the margin around B is untouched. */
static double solve_error(const matrix *t, ag_tri how, const matrix *b, const double *x, int64_t n,
                          int64_t rows, int64_t cols) {
  double worst = 0;
  for (int64_t j = 0; j < cols; j++)
    for (int64_t i = 0; i < rows; i++) {
      double r = b->v[i + 3 + (j + 2) * b->rows], size = fabs(r);
      for (int64_t l = 0; l < n; l++) {
        const double term = how.right ? x[i + 3 + (l + 2) * b->rows] * triangle_at(t, how, l, j)
                                      : triangle_at(t, how, i, l) * x[l + 3 + (j + 2) * b->rows];
        r -= term;
        size += fabs(term);
      }
      if (!(fabs(r) <= worst * size)) worst = fabs(r) / size;
    }
  return worst;
}

static void test_trsm(int n, int count, ag_tri how, double scale) {
  const int64_t rows = how.right ? count : n, cols = how.right ? n : count;
  matrix t = matrix_new(n + 3, n + 2), b = matrix_new(rows + 4, cols + 3);
  for (int64_t i = 0; i < t.rows * t.cols; i++) t.v[i] = rounded(t.v[i] * scale / (n + 1));
  for (int64_t i = 0; i < n; i++)
    t.v[i + 2 + (i + 1) * t.rows] = rounded(scale * (1 + fabs(uniform())));
  /* what may not be read */
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < n; i++)
      if (how.upper ? i > j : i < j) t.v[i + 2 + (j + 1) * t.rows] = NAN;
      else if (how.unit && i == j) t.v[i + 2 + (j + 1) * t.rows] = NAN;
  ag_block all_t = matrix_up(&t), all_b = matrix_up(&b), pt = ag_block_part(&all_t, 2, n, 1, n),
           pb = ag_block_part(&all_b, 3, rows, 2, cols);
  CHECK_OK(ag_block_trsm(&pt, how, &pb));
  double *x = matrix_down(&b), error = solve_error(&t, how, &b, x, n, rows, cols);
  CHECK(error <= 2 * (n + 1) * epsilon(),
        "trsm %d, %d right-hand sides, right %d upper %d trans %d unit %d, scale %g: error %g", n,
        count, how.right, how.upper, how.trans, how.unit, scale, error / epsilon());
  int64_t touched = 0;
  for (int64_t j = 0; j < b.cols; j++)
    for (int64_t i = 0; i < b.rows; i++)
      if (i < 3 || i >= 3 + rows || j < 2 || j >= 2 + cols)
        touched += x[i + j * b.rows] != b.v[i + j * b.rows];
  CHECK(!touched, "trsm %d: %d elements around B were written", n, (int)touched);
  free(x);
  matrix_drop(&t), matrix_drop(&b);
}

static void test_trsms(void) {
  static const int size[][2] = {{0, 3},  {1, 1},   {3, 5},    {8, 1},   {17, 30},
                                {32, 4}, {33, 70}, {64, 129}, {100, 1}, {150, 61}};
  for (size_t s = 0; s < sizeof size / sizeof *size; s++)
    for (int t = 0; t < 16; t++)
      test_trsm(size[s][0], size[s][1], (ag_tri){t & 1, t >> 1 & 1, t >> 2 & 1, t >> 3}, 1);
  const double tiny = type == AG_F64 ? 1e-308 : 1e-38, huge = type == AG_F64 ? 1e306 : 1e37;
  if (strcmp(dev->id, "host")) return; /* elsewhere subnormal numbers may be zeros */
  test_trsm(40, 20, (ag_tri){.upper = 1}, tiny);
  test_trsm(40, 20, (ag_tri){.right = 1}, huge);
}

/* -- rows and triangles ------------------------------------------------------------------------ */
static void test_swap(int rows, int cols, int n, int back) {
  matrix a = matrix_new(rows + 2, cols + 1);
  int32_t *pivot = malloc((size_t)(n + 1) * sizeof *pivot);
  for (int i = 0; i < n; i++) pivot[i] = i + pick(rows - i);
  ag_block all = matrix_up(&a), part = ag_block_part(&all, 1, rows, 1, cols);
  CHECK_OK(ag_block_swap(&part, pivot, n, back));
  for (int s = 0; s < n; s++)
    for (int j = 0; j < cols; j++) {
      const int i = back ? n - 1 - s : s;
      double *column = a.v + 1 + (j + 1) * a.rows, t = column[i];
      column[i] = column[pivot[i]], column[pivot[i]] = t;
    }
  double *have = matrix_down(&a);
  CHECK(!memcmp(have, a.v, (size_t)(a.rows * a.cols) * sizeof *have), "swap %d x %d, %d, back %d",
        rows, cols, n, back);
  free(have), free(pivot);
  matrix_drop(&a);
}

static void test_triangle(int rows, int cols, int upper, int unit) {
  matrix a = matrix_new(rows, cols);
  const ag_block all = matrix_up(&a);
  for (int j = 0; j < cols; j++)
    for (int i = 0; i < rows; i++)
      if (i == j && unit) a.v[i + j * rows] = 1;
      else if (upper ? i > j : i < j) a.v[i + j * rows] = 0;
  CHECK_OK(ag_block_triangle(&all, &all, upper, unit));
  double *have = matrix_down(&a);
  CHECK(!memcmp(have, a.v, (size_t)(a.rows * a.cols) * sizeof *have),
        "triangle %d x %d, upper %d, unit %d", rows, cols, upper, unit);
  free(have);
  matrix_drop(&a);
}

static void test_rows(void) {
  for (int back = 0; back < 2; back++) {
    test_swap(10, 7, 10, back), test_swap(300, 270, 64, back), test_swap(1, 1, 1, back);
    test_swap(50, 3, 0, back);
  }
  for (int t = 0; t < 4; t++) {
    test_triangle(30, 50, t & 1, t >> 1), test_triangle(300, 290, t & 1, t >> 1);
    test_triangle(0, 4, t & 1, t >> 1), test_triangle(1, 1, t & 1, t >> 1);
  }
}

/* -- LU ---------------------------------------------------------------------------------------- */
/* |L U - P A| against n |L| |U|, element by element. */
static double lu_error(const double *lu, const int32_t *pivot, const matrix *a) {
  const int64_t m = a->rows, n = a->cols, k = m < n ? m : n;
  double worst = 0, *pa = malloc((size_t)(m * n + 1) * sizeof *pa);
  memcpy(pa, a->v, (size_t)(m * n) * sizeof *pa);
  for (int64_t i = 0; i < k; i++)
    for (int64_t j = 0; j < n; j++) {
      const double t = pa[i + j * m];
      pa[i + j * m] = pa[pivot[i] + j * m], pa[pivot[i] + j * m] = t;
    }
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < m; i++) {
      double sum = -pa[i + j * m], size = 0;
      for (int64_t l = 0; l < k && l <= i && l <= j; l++) {
        const double term = (l == i ? 1 : lu[i + l * m]) * lu[l + j * m];
        sum += term;
        size += fabs(term);
      }
      if (!(fabs(sum) <= worst * size)) worst = size > 0 ? fabs(sum) / size : fabs(sum);
    }
  free(pa);
  return worst;
}

static void test_lu(int m, int n) {
  matrix a = matrix_new(m, n);
  int32_t *pivot = malloc((size_t)(m + n + 1) * sizeof *pivot);
  int64_t zero = -1;
  const ag_block block = matrix_up(&a);
  CHECK_OK(ag_lu(&block, pivot, &zero));
  double *lu = matrix_down(&a), error = lu_error(lu, pivot, &a), most = 0;
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = j + 1; i < m; i++) most = fmax(most, fabs(lu[i + j * m]));
  CHECK(zero == 0 && error <= (m + 8) * epsilon(), "lu %d x %d: zero %d, error %g", m, n, (int)zero,
        error / epsilon());
  CHECK(most <= 1, "lu %d x %d: a multiplier is %g", m, n, most);
  free(lu), free(pivot);
  matrix_drop(&a);
}

/* Column `at` is a sum of two before it, in numbers without roundoff. */
static void test_singular(int n, int at) {
  matrix a = matrix_new(n, n);
  int32_t *pivot = malloc((size_t)n * sizeof *pivot);
  int64_t zero;
  for (int64_t i = 0; i < n * n; i++) a.v[i] = i % (n + 1) == 0;
  for (int64_t i = 0; i < n; i++) a.v[i + at * n] = i < 2;
  const ag_block block = matrix_up(&a);
  CHECK_OK(ag_lu(&block, pivot, &zero));
  CHECK(zero == at + 1, "lu %d: zero is at %d, not %d", n, (int)zero, at + 1);
  free(pivot);
  matrix_drop(&a);
}

/* NaN ends, whatever it gives. */
static void test_lu_nan(int n) {
  matrix a = matrix_new(n, n);
  int32_t *pivot = malloc((size_t)n * sizeof *pivot);
  int64_t zero, bad = 0;
  for (int64_t i = 0; i < n * n; i += 7) a.v[i] = i % 2 ? NAN : INFINITY;
  const ag_block block = matrix_up(&a);
  CHECK_OK(ag_lu(&block, pivot, &zero));
  for (int i = 0; i < n; i++) bad += pivot[i] < i || pivot[i] >= n;
  CHECK(bad == 0, "lu of NaN, %d: %d pivots are none", n, (int)bad);
  free(pivot);
  matrix_drop(&a);
}

static void test_lus(void) {
  static const int size[][2] = {{1, 1},     {2, 2},     {7, 7},     {8, 20},    {20, 8},
                                {33, 33},   {64, 64},   {97, 97},   {130, 130}, {257, 257},
                                {300, 150}, {150, 300}, {500, 500}, {0, 3},     {3, 0}};
  for (size_t s = 0; s < sizeof size / sizeof *size; s++) test_lu(size[s][0], size[s][1]);
  test_singular(3, 2), test_singular(100, 40), test_singular(300, 290);
  test_lu_nan(5), test_lu_nan(300);
}

/* -- Cholesky ---------------------------------------------------------------------------------- */
/* A A' / n + shift on the diagonal: positive definite for a positive shift. */
static matrix symmetric(int n, int rank, double shift) {
  matrix a = matrix_new(n, rank), s = matrix_new(n, n);
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i <= j; i++) {
      double sum = i == j ? shift : 0;
      for (int64_t l = 0; l < rank; l++) sum += a.v[i + l * n] * a.v[j + l * n] / (n + 1);
      s.v[i + j * n] = s.v[j + i * n] = rounded(sum);
    }
  matrix_drop(&a);
  return s;
}

/* Largest difference between R' R and A with rows and columns `pivot`; R has `rank` rows. */
static double chol_error(const double *r, const matrix *a, const int32_t *pivot, int64_t rank) {
  const int64_t n = a->rows;
  double worst = 0;
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i <= j; i++) {
      double sum = -a->v[(pivot ? pivot[i] : i) + (pivot ? pivot[j] : j) * n];
      for (int64_t l = 0; l <= i && l < rank; l++) sum += r[l + i * n] * r[l + j * n];
      if (!(fabs(sum) <= worst)) worst = fabs(sum);
    }
  return worst;
}

static void test_chol(int n) {
  matrix a = symmetric(n, n, 1);
  int64_t minor = -1, below = 0;
  for (int64_t j = 0; j < n; j++) /* what is below is not read */
    for (int64_t i = j + 1; i < n; i++) a.v[i + j * n] = NAN;
  const ag_block block = matrix_up(&a);
  CHECK_OK(ag_chol(&block, &minor));
  double *r = matrix_down(&a), error = chol_error(r, &a, NULL, n);
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = j + 1; i < n; i++) below += r[i + j * n] != 0;
  CHECK(minor == 0 && error <= (n + 5) * epsilon() && below == 0,
        "chol %d: minor %d, error %g, %d below the diagonal", n, (int)minor, error / epsilon(),
        (int)below);
  free(r);
  matrix_drop(&a);
}

static void test_chol_fails(int n, int at, double value) {
  matrix a = symmetric(n, n, 1);
  int64_t minor = -1;
  a.v[at + at * n] = value;
  const ag_block block = matrix_up(&a);
  CHECK_OK(ag_chol(&block, &minor));
  CHECK(minor == at + 1, "chol %d: minor %d, not %d", n, (int)minor, at + 1);
  matrix_drop(&a);
}

static void test_pivoted(int n, int rank) {
  matrix a = symmetric(n, rank, rank < n ? 0 : 1);
  int32_t *pivot = malloc((size_t)(n + 1) * sizeof *pivot);
  int64_t found;
  const ag_block block = matrix_up(&a);
  CHECK_OK(ag_chol_pivoted(&block, n * 10 * epsilon(), pivot, &found));
  double *r = matrix_down(&a), error = chol_error(r, &a, pivot, found);
  CHECK(found == (rank < n ? rank : n), "chol %d with pivots: rank %d, not %d", n, (int)found,
        rank);
  CHECK(error <= 12 * n * epsilon(), "chol %d with pivots: error %g", n, error / epsilon());
  int64_t bad = 0;
  for (int64_t i = 1; i < found; i++)
    bad += r[i + i * n] > r[i - 1 + (i - 1) * n] * (1 + 10 * epsilon());
  CHECK(!bad, "chol %d with pivots: the diagonal does not decrease", n);
  free(r), free(pivot);
  matrix_drop(&a);
}

static void test_chols(void) {
  static const int size[] = {0, 1, 2, 7, 8, 31, 64, 97, 128, 257, 300, 520};
  for (size_t s = 0; s < sizeof size / sizeof *size; s++) test_chol(size[s]);
  test_chol_fails(1, 0, -1), test_chol_fails(40, 20, 0), test_chol_fails(300, 299, -3);
  test_chol_fails(300, 2, NAN), test_chol_fails(600, 400, -1);
  test_pivoted(1, 1), test_pivoted(20, 20), test_pivoted(30, 7), test_pivoted(200, 200);
  test_pivoted(257, 100);
}

/* -- systems ----------------------------------------------------------------------------------- */
/* |B - A X| against |A| |X|, both in the largest sums of rows. */
static double backward_error(const matrix *a, const matrix *b, const double *x) {
  const int64_t n = a->rows;
  double r = 0, of_a = 0, of_x = 0;
  for (int64_t i = 0; i < n; i++) {
    double sum_a = 0, sum_x = 0, sum_r = 0;
    for (int64_t l = 0; l < n; l++) sum_a += fabs(a->v[i + l * n]);
    for (int64_t j = 0; j < b->cols; j++) {
      double sum = b->v[i + j * n];
      for (int64_t l = 0; l < n; l++) sum -= a->v[i + l * n] * x[l + j * n];
      sum_r += fabs(sum);
      sum_x += fabs(x[i + j * n]);
    }
    of_a = fmax(of_a, sum_a), of_x = fmax(of_x, sum_x), r = fmax(r, sum_r);
  }
  return r / (of_a * of_x);
}

static void test_system(int n, int cols, int graded) {
  matrix a = matrix_new(n, n), b = matrix_new(n, cols), x = {.rows = n, .cols = cols};
  ag_system how;
  for (int64_t i = 0; graded && i < n * n; i++)
    a.v[i] = rounded(a.v[i] * pow(10, -(double)(i % n) * 8 / n) * pow(10, (double)(i / n) * 6 / n));
  matrix_up(&a), matrix_up(&b);
  CHECK_OK(ag_solve(&x.x, &how, a.x, b.x, 0));
  double *have = matrix_down(&x), error = backward_error(&a, &b, have);
  CHECK(how.zero == 0 && error <= 3 * n * epsilon(), "solve %d, %d right-hand sides: error %g", n,
        cols, error / epsilon());
  free(have);
  matrix_drop(&a), matrix_drop(&b), matrix_drop(&x);
}

/* Diagonal matrices have condition numbers that are known. */
static void test_cond(int n, double least) {
  matrix a = matrix_new(n, n);
  double rcond;
  for (int64_t i = 0; i < n * n; i++) a.v[i] = 0;
  for (int64_t i = 0; i < n; i++) a.v[i + i * n] = i == n / 2 ? rounded(least) : 1;
  const ag_block block = matrix_up(&a);
  for (int rows = 0; rows < 2; rows++) {
    CHECK_OK(ag_solve_rcond(&rcond, a.x, rows));
    CHECK(fabs(rcond / least - 1) < 10 * epsilon(), "rcond %d: %g, not %g", n, rcond, least);
    CHECK_OK(ag_cond_triangle(&rcond, &block, rows, rows));
    CHECK(fabs(rcond / least - 1) < 10 * epsilon(), "rcond of a triangle: %g", rcond);
  }
  matrix_drop(&a);
}

/* In float32 with refinement, errors are those of float64; what float32 cannot do is done. */
static void test_refined(int n, int cols, double least) {
  matrix a = matrix_new(n, n), b = matrix_new(n, cols), x = {.rows = n, .cols = cols};
  ag_system how;
  for (int64_t i = 0; i < n; i++) a.v[i] *= least;
  matrix_up(&a), matrix_up(&b);
  CHECK_OK(ag_solve_refined(&x.x, &how, dev, a.x, b.x, 0));
  double *have = matrix_down(&x), error = backward_error(&a, &b, have);
  CHECK(error <= 3 * n * epsilon(), "solve %d, refined: error %g", n, error / epsilon());
  free(have);
  matrix_drop(&a), matrix_drop(&b), matrix_drop(&x);
}

/* The arrays are on the host, which has float64; only the factors are on the device. */
static void test_refined_elsewhere(void) {
  ag_device *device = dev;
  matrix a = matrix_new(90, 90), b = matrix_new(90, 4), x = {.rows = 90, .cols = 4};
  ag_system how;
  CHECK_OK(ag_device_find(&dev, "host"));
  matrix_up(&a), matrix_up(&b);
  CHECK_OK(ag_solve_refined(&x.x, &how, device, a.x, b.x, 0));
  double *have = matrix_down(&x), error = backward_error(&a, &b, have);
  CHECK(error <= 300 * epsilon(), "solve, refined elsewhere: error %g", error / epsilon());
  CHECK(x.x->dev == dev, "solve, refined elsewhere: the result is on %s", x.x->dev->id);
  free(have);
  matrix_drop(&a), matrix_drop(&b), matrix_drop(&x);
  dev = device;
}

static int stop(void) { return 1; }

static void test_interrupt(void) {
  matrix a = symmetric(700, 1, 5);
  int32_t pivot[700];
  int64_t found;
  const ag_block block = matrix_up(&a);
  ag_hook_interrupted = stop;
  CHECK(ag_lu(&block, pivot, &found) == AG_E_INTERRUPT, "lu is not interrupted");
  CHECK(ag_chol(&block, &found) == AG_E_INTERRUPT, "chol is not interrupted");
  ag_hook_interrupted = NULL;
  matrix_drop(&a);
}

static void test_systems(void) {
  for (int graded = 0; graded < 2; graded++) {
    test_system(1, 1, graded), test_system(30, 4, graded), test_system(257, 300, graded);
    test_system(128, 1, graded);
  }
  test_cond(1, 1), test_cond(3, 0.01), test_cond(100, 1e-5);
  if (type != AG_F64) return;
  test_refined(1, 1, 1), test_refined(200, 3, 1), test_refined(40, 2, 1e-9);
  test_refined(40, 2, 1e60);
  test_refined_elsewhere();
}

static void test_all(ag_device *d) {
  dev = d;
  for (type = d->has_f64 ? AG_F64 : AG_F32; type <= AG_F32; type++) {
    test_trsms();
    test_rows();
    test_lus();
    test_chols();
    test_systems();
    test_interrupt();
  }
}

/* Panels as narrow as for a GPU. */
static void test_as_gpu(ag_device *d) {
  const int is_gpu = d->is_gpu;
  d->is_gpu = 1;
  for (type = d->has_f64 ? AG_F64 : AG_F32; type <= AG_F32; type++) {
    test_lus();
    test_chols();
  }
  d->is_gpu = is_gpu;
}

static void test_device(ag_device *d, int opencl) {
  test_all(d);
  if (opencl) test_as_gpu(d);
}

int main(int argc, char **argv) { return on_devices(argc, argv, test_device); }
