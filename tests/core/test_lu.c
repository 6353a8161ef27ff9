/* Triangular solves, row exchanges, triangles, LU and Cholesky, against plain loops in double. */
#include "check.h"
#include "core.h"
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
        const double term = how.right
                                ? x[i + 3 + (l + 2) * b->rows] * triangle_at(t, how, l, j)
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

static void test_all(ag_device *d) {
  dev = d;
  for (type = d->has_f64 ? AG_F64 : AG_F32; type <= AG_F32; type++) {
    test_trsms();
    test_rows();
  }
}

static void print_log(const char *line) { fprintf(stderr, "%s\n", line); }

int main(int argc, char **argv) {
  ag_device *d;
  int skipped = 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  ag_hook_log = print_log;
  if (argc > 1) ag_device_set_kernel_dir(argv[1]);
  CHECK_OK(ag_device_find(&d, "host"));
  test_all(d);
  if (ag_device_find(&d, "opencl") == AG_OK) {
    test_all(d);
  } else {
    printf("no OpenCL device: %s\n", ag_device_opencl_problem());
    skipped = 1;
  }
  CHECK(ag_array_live() == 0, "%d arrays are left", (int)ag_array_live());
  ag_device_shutdown();
  return check_summary(skipped);
}
