/* What is compiled once per instruction set and chosen at run time. */
#ifndef AG_HOST_ISA_H
#define AG_HOST_ISA_H

#include "ops.h"
#include <stddef.h>
#include <stdint.h>

/* y[i] = f(a[i], b[i], c[i]) for n elements; pointers a function does not use may point anywhere
 * readable. y may be the same as an argument, otherwise they do not overlap. */
typedef void (*ag_loop)(int64_t n, void *y, const void *a, const void *b, const void *c);

/* Reductions and scans keep their state in accumulators, pairs of a double and an int64_t:
 *
 *               value                              at
 *   sum, mean   the sum; of integers 0, or NA      of integers the sum
 *   prod        value * 2^at is the product, which neither overflows nor vanishes on the way
 *   min, max    the extreme; NaN wins, NA over NaN
 *   any, all    0, 1, or NaN for NA
 *   which_...   the extreme                        its place, -1 while there is none
 *
 * A run folds n consecutive elements, the first of them number r, into one accumulator; a row folds
 * element i, number r, into accumulator i. With `skip`, NA and NaN are left out. */
typedef void (*ag_fold_run)(int64_t n, const void *x, int skip, double *value, int64_t *at,
                            int64_t r);
typedef ag_fold_run ag_fold_row;
/* Folds AG_ROWS rows of n elements, `stride` elements apart, into n sums at once: an accumulator is
 * then read and written once for all of them. */
#define AG_ROWS 8
typedef void (*ag_fold_rows_fn)(int64_t n, const void *x, int64_t stride, double *value);
/* y[i] = what is accumulated after x[i], beginning with the accumulator given. y is of x's type. */
typedef void (*ag_scan_run)(int64_t n, const void *x, void *y, double value, int64_t at);

typedef struct {
  ag_fold_run sum, prod, min, max, any, all, which_min, which_max;
  ag_fold_row sum_row, prod_row, min_row, max_row, any_row, all_row, which_min_row, which_max_row;
  ag_fold_rows_fn sum_rows; /* of reals */
  ag_scan_run scan_sum, scan_prod, scan_min, scan_max;
} ag_folds;

/* Product of int8 in int32, from host_int8.h: a packed word holds `group` terms of a sum. */
typedef struct {
  int mr, nr, group;
  int offset; /* what packing adds to A */
  /* C[m x n] = A B + start, or += A B, for m <= mr, n <= nr, of packed panels of k words */
  void (*micro)(int m, int n, int64_t k, const int8_t *a, const int8_t *b, const int32_t *start,
                int32_t *c, int64_t ldc, int add);
  /* m rows of k elements x[i*rs + l*cs] become one panel `width` rows high, plus `offset` or not */
  void (*pack)(int m, int64_t k, const int8_t *x, int64_t rs, int64_t cs, int8_t *y, int width,
               int plus);
  /* sum[j] = the sum over l < k of x[l*rs + j*cs] */
  void (*sums)(int64_t k, int n, const int8_t *x, int64_t rs, int64_t cs, int32_t *sum);
} ag_isa_i8;

/* What poolings do to the n channels at one place of an image, from host_pooling.h. */
typedef struct {
  void (*max)(int64_t n, void *y, const void *x); /* y = max(y, x), NaN wins */
  void (*add)(int64_t n, void *y, const void *x);
  void (*divide)(int64_t n, void *y, const void *x, double divisor); /* y = x / divisor */
  /* to[i] += rest[i] and rest[i] = 0 where x[i] is the maximum */
  void (*give)(int64_t n, void *to, void *rest, const void *x, const void *maximum);
  /* to[i] = v[i] and rest[i] = 0 where x[i] is the maximum and rest[i] is not 0 */
  void (*pick)(int64_t n, void *to, void *rest, const void *x, const void *maximum, const void *v);
  void (*fill)(int64_t n, void *y, double value);
} ag_pooling_loops;

/* n terms of a sum: from element a of A and element b of B on. */
typedef struct {
  int64_t a, b, n;
} ag_conv_run;

/* A tile of a convolution, over all terms l of all runs,
 *   C(i, j) = (+=) sum of A[run.a + l lda + i] B[run.b + l rs_b + j cs_b]
 * or, where channels are not mixed, of A[...] B[... + i]. */
typedef struct {
  int64_t runs;
  const ag_conv_run *run;
  int64_t lda, rs_b, cs_b, ldc;
  int add;
} ag_conv_sum;

/* Many small problems, column-major, one after the other. */
typedef struct {
  ag_batched_step step;
  int64_t n, k, batch;
  const void *a, *b; /* b NULL: the unit matrix */
  void *x, *vectors; /* vectors NULL: none */
  int32_t *info;
} ag_batched;

typedef struct {
  const char *name;                                 /* "avx512", "avx2", "neon", "baseline" */
  ag_loop op_f32[AG_OP_COUNT], op_f64[AG_OP_COUNT]; /* rows of integers: the same loop in both */
  /* [from][to] by ag_dtype; NA is kept, NaN to int gives NA, real to logical is x != 0. bfloat16 is
   * made of float32, where NA becomes NaN, and read as float32 */
  ag_loop cast[5][5];
  /* copies past the caches what is not read again soon: saves reading `to` before writing it */
  void (*stream)(size_t bytes, void *to, const void *from);
  void (*stream_end)(void); /* before another thread may read what was streamed */
  ag_folds fold[4];         /* reductions and scans, by ag_dtype */
  /* y[i] = philox stream `key` at counters first, first+1, ...: uniform in (0,1) or standard normal
   */
  void (*uniform_f32)(int64_t n, float *y, uint64_t key, int64_t first);
  void (*uniform_f64)(int64_t n, double *y, uint64_t key, int64_t first);
  void (*normal_f32)(int64_t n, float *y, uint64_t key, int64_t first);
  void (*normal_f64)(int64_t n, double *y, uint64_t key, int64_t first);
  /* Matmul, from host_micro.h (MICRO_FIELDS): C[m x n] = (+=, -=) A B for m <= mr, any n. Column l
   * of A is a[l*lda .. l*lda+m), B(l, j) = b[l*rs_b + j*cs_b], c has leading dimension ldc; `into`
   * is an ag_into. */
  int mr_f32, nr_f32, mr_f64, nr_f64;
  void (*micro_f32)(int m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                    int64_t rs_b, int64_t cs_b, float *c, int64_t ldc, int into);
  void (*micro_f64)(int m, int64_t n, int64_t k, const double *a, int64_t lda, const double *b,
                    int64_t rs_b, int64_t cs_b, double *c, int64_t ldc, int into);
  /* c[i + j*ldc] = (+=, -=) sum over l of a[i*rs_a + l] * b[l + j*cs_b]: for few columns */
  void (*dots_f32)(int64_t m, int64_t n, int64_t k, const float *a, int64_t rs_a, const float *b,
                   int64_t cs_b, float *c, int64_t ldc, int into);
  void (*dots_f64)(int64_t m, int64_t n, int64_t k, const double *a, int64_t rs_a, const double *b,
                   int64_t cs_b, double *c, int64_t ldc, int into);
  /* C is m x n: m <= mr; any m for channels that are not mixed (depth). */
  void (*conv_f32)(int64_t m, int64_t n, const ag_conv_sum *s, const float *a, const float *b,
                   float *c);
  void (*conv_f64)(int64_t m, int64_t n, const ag_conv_sum *s, const double *a, const double *b,
                   double *c);
  void (*conv_depth_f32)(int64_t m, int64_t n, const ag_conv_sum *s, const float *a, const float *b,
                         float *c);
  void (*conv_depth_f64)(int64_t m, int64_t n, const ag_conv_sum *s, const double *a,
                         const double *b, double *c);
  /* From host_winograd_real.h, of n channels: of 6 x 6 pixels x; of 36 products to 4 x 4 pixels y,
   * where these are not NULL; back from 4 x 4 pixels. Number i of the 36 is at i * step. */
  void (*winograd_in)(int64_t n, const float *const *x, float *v, int64_t step);
  void (*winograd_out)(int64_t n, const float *m, int64_t step, float *const *y);
  void (*winograd_back)(int64_t n, const float *const *y, float *v, int64_t step);
  /* y[l*width + i] = x[i*rs + l*cs] for i < m <= width, l < k */
  void (*pack_f32)(int m, int64_t k, const float *x, int64_t rs, int64_t cs, float *y, int width);
  void (*pack_f64)(int m, int64_t k, const double *x, int64_t rs, int64_t cs, double *y, int width);
  /* What columns 0 .. cols-1 of the lower triangle of a symmetric n x n matrix contribute to y += A
   * x, there and mirrored; a is the first diagonal element. */
  void (*symv_f32)(int64_t n, int64_t cols, const float *a, int64_t lda, const float *x, float *y);
  void (*symv_f64)(int64_t n, int64_t cols, const double *a, int64_t lda, const double *x,
                   double *y);
  /* Symmetric eigenproblems, from host_eigen.h (EIGEN_FIELDS).
   * secular: sum[0] = sum of z2[i] / x[i], sum[1] = sum of z2[i] / x[i]^2, x[i] = (d[i] - origin) -
   * tau; loewner: delta[i] = x[i], w[i] *= x[i] / (d[i] - pole); quotients: y[i] = a[i] / b[i],
   * returns the sum of their squares. */
  void (*secular)(int64_t n, const double *d, const double *z2, double origin, double tau,
                  double *sum);
  void (*loewner)(int64_t n, const double *d, double pole, double origin, double tau, double *delta,
                  double *w);
  double (*quotients)(int64_t n, const double *a, const double *b, double *y);
  /* Problems first, ..., first + lanes - 1 of many small ones, from host_batched.h
   * (BATCHED_FIELDS); `work` holds ag_batched_room() vectors. */
  int lanes_f32, lanes_f64;
  void (*batched_f32)(const ag_batched *p, int64_t first, void *work);
  void (*batched_f64)(const ag_batched *p, int64_t first, void *work);
  /* From host_panel.h (PANEL_FIELDS). Solves T X = X for the lower triangle T(j, l) = t[j*rs +
   * l*cs] of n <= AG_TRI rows: row j of X is x[j*ldx .. + m), and what lies behind up to a whole
   * vector is computed too. d[j*ds] is T(j, j), or with divide = 0 its reciprocal. */
  void (*tri_f32)(int m, int n, const float *t, int64_t rs, int64_t cs, const float *d, int64_t ds,
                  int divide, float *x, int64_t ldx);
  void (*tri_f64)(int m, int n, const double *t, int64_t rs, int64_t cs, const double *d,
                  int64_t ds, int divide, double *x, int64_t ldx);
  /* LU with partial pivoting of the m x n matrix in place: row j was exchanged with row pivot[j],
   * j < min(m, n). The first j + 1 with U(j, j) = 0, else 0. For a few columns. */
  int (*lu_f32)(int64_t m, int n, float *a, int64_t lda, int32_t *pivot);
  int (*lu_f64)(int64_t m, int n, double *a, int64_t lda, int32_t *pivot);
  /* Cholesky: R with R' R = A over A's upper triangle. The order of the first leading minor that is
   * not positive, else 0. For a few rows. */
  int (*chol_f32)(int n, float *a, int64_t lda);
  int (*chol_f64)(int n, double *a, int64_t lda);
  ag_pooling_loops pooling[2]; /* by ag_dtype */
  ag_isa_i8 i8, i8_vnni;       /* the latter is empty (mr 0) where there is none */
} ag_isa;

enum { AG_TRI = 8 };

/* The best one this processor has; ANYGPU_ISA=baseline|avx2|avx512 forces a lower one (avx512:
 * without VNNI). Never NULL. */
const ag_isa *ag_isa_get(void);
const ag_isa_i8 *ag_isa_i8_get(void);

#endif
