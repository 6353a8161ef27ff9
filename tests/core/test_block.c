/* Blocks of matrices: products into blocks, copies, transfers, against plain loops. */
#include "devices_kit.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ag_device *dev;
static ag_dtype type;
static unsigned long seed = 99;

static int pick(int n) {
  seed = seed * 6364136223846793005UL + 1442695040888963407UL;
  return (int)((seed >> 33) % (unsigned long)n);
}

/* A matrix on the device and the same numbers here: small whole ones, products of them are exact.
 */
typedef struct {
  int64_t rows, cols;
  double *v;
  ag_array *x;
} matrix;

static matrix matrix_new(int64_t rows, int64_t cols) {
  matrix m = {rows, cols, malloc((size_t)(rows * cols + 1) * sizeof(double)), NULL};
  for (int64_t i = 0; i < rows * cols; i++) m.v[i] = pick(9) - 4;
  CHECK_OK(ag_array_write(&m.x, dev, type, ag_shape_of(2, rows, cols), m.v, AG_F64));
  CHECK_OK(ag_array_force(1, &m.x));
  return m;
}

static void matrix_drop(matrix *m) {
  ag_array_release(m->x);
  free(m->v);
}

static void expect_matrix(const matrix *m, const char *what) {
  int64_t n = m->rows * m->cols, bad = 0;
  double *have = malloc((size_t)(n + 1) * sizeof *have);
  CHECK_OK(ag_array_read(m->x, have, AG_F64));
  for (int64_t i = 0; i < n; i++) bad += have[i] != m->v[i];
  CHECK(!bad, "%s: %d of %d elements differ", what, (int)bad, (int)n);
  free(have);
}

/* op(A) is m x k, op(B) is k x n, C is m x n: parts of larger matrices. */
static void test_gemm(int m, int n, int k, int ta, int tb, ag_into into) {
  matrix a = matrix_new((ta ? k : m) + 3, (ta ? m : k) + 2),
         b = matrix_new((tb ? n : k) + 5, (tb ? k : n) + 1), c = matrix_new(m + 4, n + 3);
  ag_block all_a = ag_block_of(a.x), all_b = ag_block_of(b.x), all_c = ag_block_of(c.x);
  ag_block pa = ag_block_part(&all_a, 2, ta ? k : m, 1, ta ? m : k),
           pb = ag_block_part(&all_b, 4, tb ? n : k, 1, tb ? k : n),
           pc = ag_block_part(&all_c, 3, m, 2, n);
  CHECK_OK(ag_block_gemm(into, &pc, &pa, ta, &pb, tb));
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      double sum = 0, *to = &c.v[i + 3 + (j + 2) * c.rows];
      for (int l = 0; l < k; l++)
        sum += a.v[(ta ? l : i) + 2 + ((ta ? i : l) + 1) * a.rows] *
               b.v[(tb ? j : l) + 4 + ((tb ? l : j) + 1) * b.rows];
      *to = into == AG_INTO_SET ? sum : into == AG_INTO_ADD ? *to + sum : *to - sum;
    }
  char what[100];
  snprintf(what, sizeof what, "gemm %d x %d x %d, ta %d, tb %d, into %d", m, k, n, ta, tb,
           (int)into);
  expect_matrix(&c, what);
  matrix_drop(&a), matrix_drop(&b), matrix_drop(&c);
}

static void test_products(void) {
  static const int size[][3] = {{1, 1, 1},    {5, 3, 2},    {1, 40, 7},    {40, 1, 7},
                                {17, 13, 0},  {64, 64, 64}, {130, 70, 33}, {33, 20, 1100},
                                {300, 2, 90}, {2, 300, 90}};
  for (size_t s = 0; s < sizeof size / sizeof *size; s++)
    for (int t = 0; t < 4; t++)
      for (ag_into into = AG_INTO_SET; into <= AG_INTO_SUB; into++)
        test_gemm(size[s][0], size[s][1], size[s][2], t & 1, t >> 1, into);
}

static void test_copies(void) {
  for (int transposed = 0; transposed < 2; transposed++) {
    matrix a = matrix_new(37, 29), b = matrix_new(41, 50);
    ag_block all_a = ag_block_of(a.x), all_b = ag_block_of(b.x);
    ag_block from = ag_block_part(&all_a, 3, 20, 5, 11),
             to = ag_block_part(&all_b, 7, transposed ? 11 : 20, 9, transposed ? 20 : 11);
    CHECK_OK(ag_block_copy(&to, &from, transposed));
    for (int j = 0; j < 11; j++)
      for (int i = 0; i < 20; i++)
        b.v[7 + (transposed ? j : i) + (9 + (transposed ? i : j)) * b.rows] =
            a.v[3 + i + (5 + j) * a.rows];
    expect_matrix(&b, "copy");
    matrix_drop(&a), matrix_drop(&b);
  }
}

/* Reads a part with room between columns here, doubles it, writes it back. */
static void test_transfer(int rows, int cols, int64_t i0, int64_t m, int64_t j0, int64_t n,
                          int64_t ld) {
  matrix a = matrix_new(rows, cols);
  ag_block all = ag_block_of(a.x), part = ag_block_part(&all, i0, m, j0, n);
  const size_t size = ag_dtype_size(type);
  char *here = calloc((size_t)(ld * n + 1), size);
  CHECK_OK(ag_block_read(&part, here, ld));
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < m; i++) {
      void *at = here + (size_t)(i + j * ld) * size;
      if (type == AG_F64) *(double *)at *= 2;
      else *(float *)at *= 2;
      a.v[i0 + i + (j0 + j) * a.rows] *= 2;
    }
  CHECK_OK(ag_block_write(&part, here, ld));
  expect_matrix(&a, "read and write");
  free(here);
  matrix_drop(&a);
}

static void test_all(ag_device *d, int opencl) {
  (void)opencl;
  dev = d;
  for (type = d->has_f64 ? AG_F64 : AG_F32; type <= AG_F32; type++) {
    test_products();
    test_copies();
    test_transfer(30, 20, 0, 30, 0, 20, 30);
    test_transfer(30, 20, 0, 30, 3, 7, 33);
    test_transfer(30, 20, 4, 9, 3, 7, 9);
    test_transfer(30, 20, 4, 9, 3, 7, 12);
    test_transfer(30, 20, 4, 9, 3, 1, 15);
    test_transfer(30, 20, 4, 0, 3, 7, 5);
  }
}

int main(int argc, char **argv) { return on_devices(argc, argv, test_all); }
