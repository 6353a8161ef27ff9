/* The inner loops of the host's matmul for one instruction set. A file that sets VBYTES (bytes in a
 * vector: 64, 32 or 16) and the compiler's target includes this and puts MICRO_FIELDS into its
 * ag_isa.
 *
 * A tile is mr x nr elements of C in registers: MICRO_MV vectors high, MICRO_NR columns wide.
 * Smaller tiles (fewer vectors; 4, 2 or 1 columns; a last vector that is not full) are made of the
 * same text, so edges need neither padding nor a buffer. */
#ifndef AG_HOST_MICRO_H
#define AG_HOST_MICRO_H

#include "kernel.h"
#include <stdint.h>
#if VBYTES > 16
#include <immintrin.h>
#endif

/* Registers: MV * NR for the tile, MV for A, one for B: 32 vector registers, or 16. */
#if VBYTES == 64
#define MICRO_MV 3
#define MICRO_NR 8
#elif VBYTES == 32
#define MICRO_MV 2
#define MICRO_NR 6
#elif defined(__aarch64__)
#define MICRO_MV 3
#define MICRO_NR 8
#else
#define MICRO_MV 2
#define MICRO_NR 4
#endif

#define MICRO_AHEAD  8 /* columns of A */
#define MICRO_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define MICRO_UNROLL                   _Pragma("unroll")
#define MICRO_SHUFFLE(mask, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define MICRO_UNROLL                   _Pragma("GCC unroll 8")
#define MICRO_SHUFFLE(mask, a, b, ...) __builtin_shuffle(a, b, (mask){__VA_ARGS__})
#endif

typedef int32_t micro_i32 __attribute__((vector_size(16)));
typedef int64_t micro_i64 __attribute__((vector_size(16)));

/* PART_LOAD, PART_STORE: the first r lanes of a vector, zeros in the others. Where a masked load
 * costs no more than a plain one, all tiles use it (MICRO_MASKED). */
#define MICRO_MASKED (VBYTES == 64)
#if VBYTES == 32
static const int32_t micro_mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
#define MICRO_MASK(lanes) _mm256_loadu_si256((const __m256i *)(micro_mask + 8 - (lanes)))
#endif

#define REAL          float
#define REAL_IS_FLOAT 1
#define FN(name)      name##_f32
#if VBYTES == 64
#define FMA(a, b, c)        _mm512_fmadd_ps(a, b, c)
#define PART_LOAD(p, r)     _mm512_maskz_loadu_ps((__mmask16)((1u << (r)) - 1), p)
#define PART_STORE(p, r, v) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (r)) - 1), v)
#elif VBYTES == 32
#define FMA(a, b, c)        _mm256_fmadd_ps(a, b, c)
#define PART_LOAD(p, r)     _mm256_maskload_ps(p, MICRO_MASK(r))
#define PART_STORE(p, r, v) _mm256_maskstore_ps(p, MICRO_MASK(r), v)
#endif
#include "host_micro_real.h"

#define REAL          double
#define REAL_IS_FLOAT 0
#define FN(name)      name##_f64
#if VBYTES == 64
#define FMA(a, b, c)        _mm512_fmadd_pd(a, b, c)
#define PART_LOAD(p, r)     _mm512_maskz_loadu_pd((__mmask8)((1u << (r)) - 1), p)
#define PART_STORE(p, r, v) _mm512_mask_storeu_pd(p, (__mmask8)((1u << (r)) - 1), v)
#elif VBYTES == 32
#define FMA(a, b, c)        _mm256_fmadd_pd(a, b, c)
#define PART_LOAD(p, r)     _mm256_maskload_pd(p, MICRO_MASK(2 * (r)))
#define PART_STORE(p, r, v) _mm256_maskstore_pd(p, MICRO_MASK(2 * (r)), v)
#endif
#include "host_micro_real.h"

#define MICRO_FIELDS                                                                               \
  .mr_f32 = MICRO_MV * VBYTES / 4, .nr_f32 = MICRO_NR, .mr_f64 = MICRO_MV * VBYTES / 8,            \
  .nr_f64 = MICRO_NR, .micro_f32 = micro_f32, .micro_f64 = micro_f64, .dots_f32 = dots_f32,        \
  .dots_f64 = dots_f64, .conv_f32 = conv_f32, .conv_f64 = conv_f64,                                \
  .conv_depth_f32 = conv_depth_f32, .conv_depth_f64 = conv_depth_f64,                              \
  .winograd_in = winograd_in_f32, .winograd_out = winograd_out_f32,                                \
  .winograd_back = winograd_back_f32, .pack_f32 = pack_f32, .pack_f64 = pack_f64,                  \
  .symv_f32 = symv_f32, .symv_f64 = symv_f64

#endif
