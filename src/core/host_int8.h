/* The inner loops of the host's product of int8 matrices for one instruction set; host_micro.h's
 * tile, with sums of int32.
 *
 * Packed operands are made of 4-byte words that hold neighbouring terms of one row of A or column
 * of B: four bytes where the processor adds four products at once (VNNI; A's bytes plus 128, as the
 * instruction wants them unsigned), else two int16. A panel is mr (nr) such words for each group of
 * terms. */
#ifndef AG_HOST_INT8_H
#define AG_HOST_INT8_H

#include "host_micro.h"
#include <string.h>

typedef int32_t int8_vec __attribute__((vector_size(VBYTES)));
typedef int32_t int8_mem __attribute__((vector_size(VBYTES), aligned(4), may_alias));
typedef uint32_t int8_uvec __attribute__((vector_size(VBYTES))); /* sums wrap on the way */
typedef int32_t int8_word __attribute__((may_alias));
typedef int16_t int8_half __attribute__((may_alias));
#define INT8_LANES (VBYTES / 4)
#define INT8_MR    (MICRO_MV * INT8_LANES)

/* acc + the products of the int16 halves of each word. */
#if VBYTES == 64
#define INT8_DOT(acc, x, y)                                                                        \
  ((acc) + (int8_vec)_mm512_madd_epi16((__m512i)(int8_vec)(x), (__m512i)(int8_vec)(y)))
#elif VBYTES == 32
#define INT8_DOT(acc, x, y)                                                                        \
  ((acc) + (int8_vec)_mm256_madd_epi16((__m256i)(int8_vec)(x), (__m256i)(int8_vec)(y)))
#elif defined(__SSE2__)
#include <emmintrin.h>
#define INT8_DOT(acc, x, y)                                                                        \
  ((acc) + (int8_vec)_mm_madd_epi16((__m128i)(int8_vec)(x), (__m128i)(int8_vec)(y)))
#else
#define INT8_LOW(x)         ((int8_vec)((x) << 16) >> 16)
#define INT8_DOT(acc, x, y) ((acc) + INT8_LOW(x) * INT8_LOW(y) + ((x) >> 16) * ((y) >> 16))
#endif

/* Assembly: the compiler must not use the instruction anywhere else, so it is not told of it. */
#if VBYTES == 64 && (defined(__clang__) || __GNUC__ >= 8)
#define INT8_VNNI 1
MICRO_INLINE int8_vec int8_dot4(int8_vec acc, int8_vec x, int8_vec y) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(y));
  return acc;
}
#else
#define INT8_VNNI            0
#define int8_dot4(acc, x, y) INT8_DOT(acc, x, y)
#endif

MICRO_INLINE void int8_tile(const int four, int64_t k, const int8_t *a, const int8_t *b,
                            const int32_t *start, int32_t *c, int64_t ldc, int add) {
  int8_vec acc[MICRO_MV][MICRO_NR];
  MICRO_UNROLL
  for (int j = 0; j < MICRO_NR; j++) {
    MICRO_UNROLL
    for (int v = 0; v < MICRO_MV; v++) acc[v][j] = (int8_vec){0} + (add ? 0 : start[j]);
  }
  for (int64_t l = 0; l < k; l++, a += 4 * INT8_MR, b += 4 * MICRO_NR) {
    int8_vec x[MICRO_MV];
    MICRO_UNROLL
    for (int v = 0; v < MICRO_MV; v++) {
      __builtin_prefetch(a + MICRO_AHEAD * 4 * INT8_MR + v * VBYTES);
      x[v] = *(const int8_mem *)(const void *)(a + v * VBYTES);
    }
    MICRO_UNROLL
    for (int j = 0; j < MICRO_NR; j++) {
      int8_vec y = (int8_vec){0} + ((const int8_word *)(const void *)b)[j];
      MICRO_UNROLL
      for (int v = 0; v < MICRO_MV; v++)
        acc[v][j] = four ? int8_dot4(acc[v][j], x[v], y) : INT8_DOT(acc[v][j], x[v], y);
    }
  }
  MICRO_UNROLL
  for (int j = 0; j < MICRO_NR; j++) {
    MICRO_UNROLL
    for (int v = 0; v < MICRO_MV; v++) {
      int8_mem *to = (int8_mem *)(c + j * ldc + v * INT8_LANES);
      *to = add ? (int8_vec)((int8_uvec)(int8_vec)*to + (int8_uvec)acc[v][j]) : acc[v][j];
    }
  }
}

/* A tile at the edge of C is computed apart. */
MICRO_INLINE void int8_micro(const int four, int m, int n, int64_t k, const int8_t *a,
                             const int8_t *b, const int32_t *start, int32_t *c, int64_t ldc,
                             int add) {
  int32_t whole[INT8_MR * MICRO_NR];
  if (m == INT8_MR && n == MICRO_NR) {
    int8_tile(four, k, a, b, start, c, ldc, add);
    return;
  }
  static const int32_t zeros[MICRO_NR];
  int8_tile(four, k, a, b, add ? zeros : start, whole, INT8_MR, 0);
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      uint32_t before = add ? (uint32_t)c[i + j * ldc] : 0;
      c[i + j * ldc] = (int32_t)(before + (uint32_t)whole[i + j * INT8_MR]);
    }
}

static void micro_i8(int m, int n, int64_t k, const int8_t *a, const int8_t *b,
                     const int32_t *start, int32_t *c, int64_t ldc, int add) {
  int8_micro(0, m, n, k, a, b, start, c, ldc, add);
}

#if INT8_VNNI
static void micro_vnni(int m, int n, int64_t k, const int8_t *a, const int8_t *b,
                       const int32_t *start, int32_t *c, int64_t ldc, int add) {
  int8_micro(1, m, n, k, a, b, start, c, ldc, add);
}
#endif

/* ---- packing ---- */

/* Terms l, l + 1, ... (as many as there are) of m rows; rows up to `width` are zeros. */
MICRO_INLINE void int8_words(const int group, int m, int64_t terms, const int8_t *x, int64_t rs,
                             int64_t cs, int8_t *y, int width) {
  memset(y, 0, (size_t)(4 * width));
  for (int i = 0; i < m; i++)
    for (int t = 0; t < group && t < terms; t++)
      if (group == 4) y[4 * i + t] = x[i * rs + t * cs];
      else ((int8_half *)(void *)y)[2 * i + t] = x[i * rs + t * cs];
}

/* The same for whole groups and panels: of memory that is contiguous along the sum, or along rows.
 */
MICRO_INLINE void int8_whole(const int group, const int64_t rs, const int64_t cs, int m,
                             const int8_t *x, int8_t *y) {
  for (int i = 0; i < m; i++)
    for (int t = 0; t < group; t++)
      if (group == 4) y[4 * i + t] = x[i * rs + t * cs];
      else ((int8_half *)(void *)y)[2 * i + t] = x[i * rs + t * cs];
}

MICRO_INLINE void int8_pack(const int group, int m, int64_t k, const int8_t *x, int64_t rs,
                            int64_t cs, int8_t *y, int width) {
  for (int64_t l = 0; l < k; l += group, x += group * cs, y += 4 * width)
    if (m < width || l + group > k) int8_words(group, m, k - l, x, rs, cs, y, width);
    else if (cs == 1) int8_whole(group, rs, 1, m, x, y);
    else if (rs == 1) int8_whole(group, 1, cs, m, x, y);
    else int8_whole(group, rs, cs, m, x, y);
}

static void pack_i8(int m, int64_t k, const int8_t *x, int64_t rs, int64_t cs, int8_t *y, int width,
                    int plus) {
  (void)plus;
  int8_pack(2, m, k, x, rs, cs, y, width);
}

#if INT8_VNNI
static void pack_vnni(int m, int64_t k, const int8_t *x, int64_t rs, int64_t cs, int8_t *y,
                      int width, int plus) {
  int8_pack(4, m, k, x, rs, cs, y, width);
  if (plus)
    for (int64_t i = 0; i < (k + 3) / 4 * 4 * width; i++) y[i] = (int8_t)(y[i] ^ -128);
}
#endif

/* sum[j] = the sum over l < k of x[l*rs + j*cs] */
static void sums_i8(int64_t k, int n, const int8_t *x, int64_t rs, int64_t cs, int32_t *sum) {
  for (int j = 0; j < n; j++) {
    const int8_t *column = x + j * cs;
    int32_t total = 0;
    if (rs == 1)
      for (int64_t l = 0; l < k; l++) total += column[l];
    else
      for (int64_t l = 0; l < k; l++) total += column[l * rs];
    sum[j] = total;
  }
}

#define INT8_SHAPE .mr = INT8_MR, .nr = MICRO_NR, .sums = sums_i8
#if INT8_VNNI
#define INT8_FIELDS                                                                                \
  .i8 = {INT8_SHAPE, .group = 2, .micro = micro_i8, .pack = pack_i8},                              \
  .i8_vnni = {INT8_SHAPE, .group = 4, .offset = 128, .micro = micro_vnni, .pack = pack_vnni}
#else
#define INT8_FIELDS .i8 = {INT8_SHAPE, .group = 2, .micro = micro_i8, .pack = pack_i8}
#endif

#endif
