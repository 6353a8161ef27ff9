/* Matrix product on the host: packed, blocked, one micro-kernel per instruction set. */
#ifndef AG_HOST_GEMM_H
#define AG_HOST_GEMM_H

#include "error.h"
#include <stdint.h>

/* Called once for each finished tile of C (rows [i, i+m), columns [j, j+n)) while it is still in
 * cache. */
typedef void (*ag_tile_fn)(void *ctx, int64_t i, int64_t m, int64_t j, int64_t n, int worker);

/* C[m x n] = A B with element strides (row, column) of A and B; C column-major with leading
 * dimension m. k = 0 gives zeros. `done` may be NULL. Runs on the thread pool when it is large
 * enough. */
AG_CHECKED ag_status ag_host_gemm_f32(int64_t m, int64_t n, int64_t k, const float *a, int64_t rs_a,
                                      int64_t cs_a, const float *b, int64_t rs_b, int64_t cs_b,
                                      float *c, ag_tile_fn done, void *ctx);
AG_CHECKED ag_status ag_host_gemm_f64(int64_t m, int64_t n, int64_t k, const double *a,
                                      int64_t rs_a, int64_t cs_a, const double *b, int64_t rs_b,
                                      int64_t cs_b, double *c, ag_tile_fn done, void *ctx);

#endif
