/* Matrix product on the host: packed, blocked, one micro-kernel per instruction set. */
#ifndef AG_HOST_GEMM_H
#define AG_HOST_GEMM_H

#include "kernel.h"
#include <stdint.h>

/* Called once for each finished tile of C (rows [i, i+m), columns [j, j+n)) while it is still in
 * cache. */
typedef void (*ag_tile_fn)(void *ctx, int64_t i, int64_t m, int64_t j, int64_t n, int worker);

/* C[m x n] = (or +=, or -=) A B with element strides (row, column) of A and B; C column-major with
 * leading dimension ldc, and neither A nor B. k = 0 counts as a product of zeros. `done` may be
 * NULL. `type` is AG_F32 or AG_F64. */
typedef struct {
  ag_dtype type;
  int64_t m, n, k;
  const void *a;
  int64_t rs_a, cs_a;
  const void *b;
  int64_t rs_b, cs_b;
  void *c;
  int64_t ldc;
  ag_into into;
  ag_tile_fn done;
  void *ctx;
} ag_gemm;
/* Runs on the thread pool when it is large enough. */
AG_CHECKED ag_status ag_host_gemm(const ag_gemm *g);

/* C[m x n] = A B of int8 in int32, exactly: k is at most AG_GEMM_I8_DEPTH. Strides as above. */
typedef struct {
  int64_t m, n, k;
  const int8_t *a;
  int64_t rs_a, cs_a;
  const int8_t *b;
  int64_t rs_b, cs_b;
  int32_t *c;
  int64_t ldc;
} ag_gemm_i8;
enum { AG_GEMM_I8_DEPTH = 131071 }; /* times 128 * 128 is less than 2^31 */
AG_CHECKED ag_status ag_host_gemm_i8(const ag_gemm_i8 *g);

#endif
