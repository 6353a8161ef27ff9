/* LU and Cholesky of blocks: on `host` where they lie; elsewhere by halves, down to panels that are
 * read, factored on the CPU, and written back. */
#include "lu.h"
#include "host_factor.h"
#include <stdlib.h>

/* A panel costs a transfer each way: narrow ones where the device is much faster than the CPU, wide
 * ones where it is the CPU. */
static int64_t panel_width(const ag_block *a) { return a->buf->dev->is_gpu ? 32 : 192; }
static int64_t block_width(const ag_block *a) { return a->buf->dev->is_gpu ? 128 : 2048; }

/* Half of n, in whole panels. */
static int64_t half_of(int64_t n, int64_t width) { return (n / 2 + width - 1) / width * width; }

static ag_host_matrix matrix_at(const ag_block *a, void *mem, int64_t ld) {
  return (ag_host_matrix){.type = a->type, .rows = a->rows, .cols = a->cols, .a = mem, .lda = ld};
}

/* A copy on the CPU, to be freed. */
static ag_status fetch(void **out, const ag_block *a) {
  *out = malloc((size_t)(a->rows * a->cols) * ag_dtype_size(a->type));
  if (!*out) return ag_fail(AG_E_MEMORY, "out of memory");
  const ag_status status = ag_block_read(a, *out, a->rows);
  if (status != AG_OK) free(*out);
  return status;
}

/* -- LU ---------------------------------------------------------------------------------------- */
static ag_status lu_panel(const ag_block *a, int32_t *pivot, int64_t *zero) {
  void *copy;
  AG_TRY(fetch(&copy, a));
  const ag_host_matrix m = matrix_at(a, copy, a->rows);
  ag_status status = ag_host_lu(&m, pivot, zero);
  if (status == AG_OK) status = ag_block_write(a, copy, a->rows);
  free(copy);
  return status;
}

/* rows >= cols */
static ag_status lu_halves(const ag_block *a, int32_t *pivot, int64_t *zero) {
  const int64_t m = a->rows, n = a->cols, width = panel_width(a);
  int64_t zero2;
  if (n <= width) return lu_panel(a, pivot, zero);
  const int64_t n1 = half_of(n, width), n2 = n - n1;
  const ag_block left = ag_block_part(a, 0, m, 0, n1), right = ag_block_part(a, 0, m, n1, n2),
                 top = ag_block_part(a, 0, n1, 0, n1), top2 = ag_block_part(a, 0, n1, n1, n2),
                 below = ag_block_part(a, n1, m - n1, 0, n1),
                 below2 = ag_block_part(a, n1, m - n1, n1, n2);
  AG_TRY(lu_halves(&left, pivot, zero));
  AG_TRY(ag_block_swap(&right, pivot, n1, 0));
  AG_TRY(ag_block_trsm(&top, (ag_tri){.unit = 1}, &top2));
  AG_TRY(ag_block_gemm(AG_INTO_SUB, &below2, &below, 0, &top2, 0));
  AG_TRY(lu_halves(&below2, pivot + n1, &zero2));
  AG_TRY(ag_block_swap(&below, pivot + n1, n2, 0));
  for (int64_t i = n1; i < n; i++) pivot[i] += (int32_t)n1;
  if (zero2 && !*zero) *zero = n1 + zero2;
  return AG_OK;
}

ag_status ag_lu(const ag_block *a, int32_t *pivot, int64_t *zero) {
  const int64_t m = a->rows, n = a->cols;
  void *here = ag_block_host(a);
  *zero = 0;
  if (m == 0 || n == 0) return AG_OK;
  if (here) {
    const ag_host_matrix mine = matrix_at(a, here, a->ld);
    return ag_host_lu(&mine, pivot, zero);
  }
  const ag_block square = ag_block_part(a, 0, m, 0, m < n ? m : n);
  AG_TRY(lu_halves(&square, pivot, zero));
  if (m >= n) return AG_OK;
  const ag_block right = ag_block_part(a, 0, m, m, n - m);
  AG_TRY(ag_block_swap(&right, pivot, m, 0));
  return ag_block_trsm(&square, (ag_tri){.unit = 1}, &right);
}

ag_status ag_lu_solve(const ag_block *lu, const int32_t *pivot, const ag_block *b) {
  AG_TRY(ag_block_swap(b, pivot, lu->rows, 0));
  AG_TRY(ag_block_trsm(lu, (ag_tri){.unit = 1}, b));
  return ag_block_trsm(lu, (ag_tri){.upper = 1}, b);
}

/* -- Cholesky ---------------------------------------------------------------------------------- */
static ag_status chol_block(const ag_block *a, int64_t *minor) {
  void *copy;
  AG_TRY(fetch(&copy, a));
  const ag_host_matrix m = matrix_at(a, copy, a->rows);
  ag_status status = ag_host_chol(&m, minor);
  if (status == AG_OK) status = ag_block_write(a, copy, a->rows);
  free(copy);
  return status;
}

/* C -= R' R, of which the part below the diagonal need not be right. */
static ag_status subtract_square(const ag_block *c, const ag_block *r) {
  const int64_t n = c->rows, n1 = half_of(n, 128);
  if (n <= 512) return ag_block_gemm(AG_INTO_SUB, c, r, 1, r, 0);
  const ag_block c11 = ag_block_part(c, 0, n1, 0, n1), c12 = ag_block_part(c, 0, n1, n1, n - n1),
                 c22 = ag_block_part(c, n1, n - n1, n1, n - n1),
                 r1 = ag_block_part(r, 0, r->rows, 0, n1),
                 r2 = ag_block_part(r, 0, r->rows, n1, n - n1);
  AG_TRY(subtract_square(&c11, &r1));
  AG_TRY(ag_block_gemm(AG_INTO_SUB, &c12, &r1, 1, &r2, 0));
  return subtract_square(&c22, &r2);
}

static ag_status chol_halves(const ag_block *a, int64_t *minor) {
  const int64_t n = a->rows, width = block_width(a), n1 = half_of(n, width);
  if (n <= width) return chol_block(a, minor);
  const ag_block a11 = ag_block_part(a, 0, n1, 0, n1), a12 = ag_block_part(a, 0, n1, n1, n - n1),
                 a22 = ag_block_part(a, n1, n - n1, n1, n - n1);
  AG_TRY(chol_halves(&a11, minor));
  if (*minor) return AG_OK;
  AG_TRY(ag_block_trsm(&a11, (ag_tri){.upper = 1, .trans = 1}, &a12));
  AG_TRY(subtract_square(&a22, &a12));
  AG_TRY(chol_halves(&a22, minor));
  if (*minor) *minor += n1;
  return AG_OK;
}

ag_status ag_chol(const ag_block *a, int64_t *minor) {
  void *here = ag_block_host(a);
  const ag_host_matrix mine = matrix_at(a, here, a->ld);
  *minor = 0;
  if (a->rows == 0) return AG_OK;
  AG_TRY(here ? ag_host_chol(&mine, minor) : chol_halves(a, minor));
  return *minor ? AG_OK : ag_block_triangle(a, a, 1, 0);
}

ag_status ag_chol_pivoted(const ag_block *a, double tol, int32_t *pivot, int64_t *rank) {
  void *here = ag_block_host(a), *copy = NULL;
  *rank = 0;
  if (a->rows == 0) return AG_OK;
  if (!here) AG_TRY(fetch(&copy, a));
  const ag_host_matrix m = here ? matrix_at(a, here, a->ld) : matrix_at(a, copy, a->rows);
  ag_status status = ag_host_chol_pivoted(&m, tol, pivot, rank);
  if (status == AG_OK && copy) status = ag_block_write(a, copy, a->rows);
  free(copy);
  return status == AG_OK ? ag_block_triangle(a, a, 1, 0) : status;
}
