/* The host's loops for one instruction set: what host_avx512.c, host_avx2.c and host_base.c have in
 * common. They name the table (ISA, ISA_NAME), say how long a vector is (VBYTES, in bytes), include
 * the system's headers, set the compiler's target and include this. */
#ifndef AG_HOST_LOOPS_H
#define AG_HOST_LOOPS_H

#include "device.h"
#include "host_isa.h"
#include "host_math.h"
#include "host_prod.h"

/* The functions of math.cl, called element by element. */
#define cospi(x) cospi_f64(x)
#define sinpi(x) sinpi_f64(x)
#define scalar   float
#include "../../inst/kernels/math.cl"
#undef scalar
#define scalar double
#include "../../inst/kernels/math.cl"
#undef scalar
#undef cospi
#undef sinpi

/* Before a loop: the result is either the argument itself or apart from it. */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

/* LOOP(fn, out, in, text): result[i] = text of a, b, y of type `in`. */
#define LOOP(fn, out, in, text) LOOP_AS(fn, out, in, text, INDEPENDENT)
#define LOOP_AS(fn, out, in, text, pragma)                                                         \
  static void fn(int64_t n, void *to, const void *pa, const void *pb, const void *py) {            \
    out *result = to;                                                                              \
    const in *va = pa, *vb = pb, *vy = py;                                                         \
    pragma for (int64_t i = 0; i < n; i++) {                                                       \
      const in a = va[i], b = vb[i], y = vy[i];                                                    \
      (void)a, (void)b, (void)y;                                                                   \
      result[i] = (out)(text);                                                                     \
    }                                                                                              \
  }

#define NA_INT           AG_NA_INT
#define AG_NO_DERIVATIVE NAN
#define integer          int32_t
#include "../../inst/kernels/integer.cl"

/* x^y: in double from the C library; in float through our double functions. The row itself sees
 * to 0^y, and to infinite powers of negative numbers. */
MATH_INLINE double pow_f64(double x, double y) { return pow(x, y); }
MATH_INLINE float pow_f32(float x, float y) {
  double l = log_f64(fabsf(x)), p = exp_f64(y * l);
  float whole = rintf(y), half = 0.5f * y;
  p = ((y == 0) | (l == 0)) ? 1 : p;
  p = ((x < 0) & (half != rintf(half))) ? -p : p;
  return ((x < 0) & (y != whole)) ? NAN : (float)p;
}

/* y[0 .. ROOTS-1] = sqrt(x[0 ..]): compilers refuse vector code to sqrt() because it may set errno.
 */
#if VBYTES == 64
#define ROOTS_F64(y, x) _mm512_storeu_pd(y, _mm512_sqrt_pd(_mm512_loadu_pd(x)))
#define ROOTS_F32(y, x) _mm512_storeu_ps(y, _mm512_sqrt_ps(_mm512_loadu_ps(x)))
#elif VBYTES == 32
#define ROOTS_F64(y, x) _mm256_storeu_pd(y, _mm256_sqrt_pd(_mm256_loadu_pd(x)))
#define ROOTS_F32(y, x) _mm256_storeu_ps(y, _mm256_sqrt_ps(_mm256_loadu_ps(x)))
#elif HOST_X86
#define ROOTS_F64(y, x) _mm_storeu_pd(y, _mm_sqrt_pd(_mm_loadu_pd(x)))
#define ROOTS_F32(y, x) _mm_storeu_ps(y, _mm_sqrt_ps(_mm_loadu_ps(x)))
#elif defined(__aarch64__)
#define ROOTS_F64(y, x) vst1q_f64(y, vsqrtq_f64(vld1q_f64(x)))
#define ROOTS_F32(y, x) vst1q_f32(y, vsqrtq_f32(vld1q_f32(x)))
#else
#define ROOTS_F64(y, x) ((y)[0] = sqrt((x)[0]), (y)[1] = sqrt((x)[1]))
#define ROOTS_F32(y, x)                                                                            \
  ((y)[0] = sqrtf((x)[0]), (y)[1] = sqrtf((x)[1]), (y)[2] = sqrtf((x)[2]), (y)[3] = sqrtf((x)[3]))
#endif

#define real       double
#define FN(name)   name##_f64
#define LIBM(name) name
#define ROOTS      ROOTS_F64
#include "host_ops.h"
#define real       float
#define FN(name)   name##_f32
#define LIBM(name) name##f
#define ROOTS      ROOTS_F32
#include "host_ops.h"

/* -- casts ---------------------------------------------------------------------------------- */
/* R's NA_real_ is a NaN whose lower word is 1954; in float, a NaN whose low 22 bits are. */
#define NA_LOW 1954u
#define NA_F64 unbits_f64(0x7FF0000000000000u | NA_LOW)
#define NA_F32 unbits_f32(0x7FC00000u | NA_LOW)
MATH_INLINE int is_na_f64(double x) { return (x != x) & ((uint32_t)bits_f64(x) == NA_LOW); }
MATH_INLINE int is_na_f32(float x) { return (x != x) & ((bits_f32(x) & 0x003FFFFFu) == NA_LOW); }
/* Towards 0; what an int cannot hold is NA. */
MATH_INLINE int32_t int_f64(double x) {
  int fits = (x > -2147483648.0) & (x < 2147483648.0);
  int32_t k = (int32_t)(fits ? x : 0);
  return fits ? k : NA_INT;
}
MATH_INLINE int32_t int_f32(float x) {
  int fits = (x > -2147483648.0f) & (x < 2147483648.0f);
  int32_t k = (int32_t)(fits ? x : 0);
  return fits ? k : NA_INT;
}
LOOP(cast_f64_f64, double, double, a)
LOOP(cast_f64_f32, float, double, is_na_f64(a) ? NA_F32 : (float)a)
LOOP(cast_f64_i32, int32_t, double, int_f64(a))
LOOP(cast_f64_bool, int32_t, double, a != a ? NA_INT : a != 0)
LOOP(cast_f32_f64, double, float, is_na_f32(a) ? NA_F64 : (double)a)
LOOP(cast_f32_f32, float, float, a)
LOOP(cast_f32_i32, int32_t, float, int_f32(a))
LOOP(cast_f32_bool, int32_t, float, a != a ? NA_INT : a != 0)
LOOP(cast_i32_f64, double, int32_t, a == NA_INT ? NA_F64 : (double)a)
LOOP(cast_i32_f32, float, int32_t, a == NA_INT ? NA_F32 : (float)a)
LOOP(cast_i32_i32, int32_t, int32_t, a)
LOOP(cast_i32_bool, int32_t, int32_t, a == NA_INT ? NA_INT : a != 0)
/* To the nearest, ties to even: what is added carries into the upper half. A NaN stays one. */
MATH_INLINE uint16_t bf16_f32(float x) {
  uint32_t b = bits_f32(x), nearest = b + 0x7FFFu + ((b >> 16) & 1u);
  return (uint16_t)(((b & 0x7FFFFFFFu) > 0x7F800000u ? b | 0x400000u : nearest) >> 16);
}
LOOP(cast_f32_bf16, uint16_t, float, bf16_f32(a))
LOOP(cast_bf16_f32, float, uint16_t, unbits_f32((uint32_t)a << 16))

/* -- reductions and scans ------------------------------------------------------------------- */
#define PARTS        VBYTES
#define element      double
#define FN(name)     name##_f64
#define MISSING(x)   ((x) != (x))
#define IS_NA(x)     is_na_f64(x)
#define AS_DOUBLE(x) (x)
#include "host_fold.h"
#include "host_fold_real.h"
#define element      float
#define FN(name)     name##_f32
#define MISSING(x)   ((x) != (x))
#define IS_NA(x)     is_na_f32(x)
#define AS_DOUBLE(x) ((double)(x))
#include "host_fold.h"
#include "host_fold_real.h"
#define element      int32_t
#define FN(name)     name##_i32
#define MISSING(x)   ((x) == NA_INT)
#define IS_NA(x)     ((x) == NA_INT)
#define AS_DOUBLE(x) ((x) == NA_INT ? NA_F64 : (double)(x))
#include "host_fold.h"
#include "host_fold_int.h"

#if HOST_X86
#if VBYTES == 64
#define STREAM_STEP(to, from) _mm512_stream_si512((void *)(to), _mm512_loadu_si512(from))
#elif VBYTES == 32
#define STREAM_STEP(to, from)                                                                      \
  _mm256_stream_si256((__m256i *)(void *)(to), _mm256_loadu_si256((const __m256i *)(from)))
#else
#define STREAM_STEP(to, from)                                                                      \
  _mm_stream_si128((__m128i *)(void *)(to), _mm_loadu_si128((const __m128i *)(from)))
#endif
static void stream(size_t bytes, void *to, const void *from) {
  char *t = to;
  const char *f = from;
  size_t i = 0;
  if ((uintptr_t)t % VBYTES == 0) {
    for (; i + VBYTES <= bytes; i += VBYTES) STREAM_STEP(t + i, (const void *)(f + i));
  }
  memcpy(t + i, f + i, bytes - i);
}
static void stream_end(void) { _mm_sfence(); }
#else
static void stream(size_t bytes, void *to, const void *from) { memcpy(to, from, bytes); }
static void stream_end(void) {}
#endif

#include "host_random.h"

#include "host_int8.h"
#include "host_micro.h"
#include "host_eigen.h"
#include "host_batched.h"
#include "host_panel.h"
#include "host_pooling.h"

#define FOLDS(type, more)                                                                          \
  {                                                                                                \
    .sum = sum_run_##type, .prod = prod_run_##type, .min = min_run_##type, .max = max_run_##type,  \
    .which_min = which_min_run_##type, .which_max = which_max_run_##type,                          \
    .sum_row = sum_row_##type, .prod_row = prod_row_##type, .min_row = min_row_##type,             \
    .max_row = max_row_##type, .which_min_row = which_min_row_##type,                              \
    .which_max_row = which_max_row_##type, .scan_sum = scan_sum_##type,                            \
    .scan_min = scan_min_##type, .scan_max = scan_max_##type, more                                 \
  }
#define REAL_FOLDS(type) .scan_prod = scan_prod_##type, .sum_rows = sum_rows_##type
#define INT_FOLDS                                                                                  \
  .any = any_run_i32, .all = all_run_i32, .any_row = any_row_i32, .all_row = all_row_i32

/* -- the table ------------------------------------------------------------------------------ */
const ag_isa ISA = {
    .name = ISA_NAME,
#define OP(name, r, arity, group, forward, da, db, domain, title)                                  \
  loop_##name##_f32, loop_##name##_da_f32, loop_##name##_db_f32,
    .op_f32 =
        {
#include "ops.def"
        },
#undef OP
#define OP(name, r, arity, group, forward, da, db, domain, title)                                  \
  loop_##name##_f64, loop_##name##_da_f64, loop_##name##_db_f64,
    .op_f64 =
        {
#include "ops.def"
        },
#undef OP
    .cast = {{cast_f64_f64, cast_f64_f32, cast_f64_i32, cast_f64_bool, NULL},
             {cast_f32_f64, cast_f32_f32, cast_f32_i32, cast_f32_bool, cast_f32_bf16},
             {cast_i32_f64, cast_i32_f32, cast_i32_i32, cast_i32_bool, NULL},
             {cast_i32_f64, cast_i32_f32, cast_i32_i32, cast_i32_i32, NULL},
             {NULL, cast_bf16_f32, NULL, NULL, NULL}},
    .stream = stream,
    .stream_end = stream_end,
    .fold = {FOLDS(f64, REAL_FOLDS(f64)), FOLDS(f32, REAL_FOLDS(f32)), FOLDS(i32, INT_FOLDS),
             FOLDS(i32, INT_FOLDS)},
    .uniform_f32 = uniform_f32,
    .uniform_f64 = uniform_f64,
    .normal_f32 = normal_f32,
    .normal_f64 = normal_f64,
    MICRO_FIELDS,
    INT8_FIELDS,
    EIGEN_FIELDS,
    BATCHED_FIELDS,
    PANEL_FIELDS,
    POOLING_FIELDS,
};

#endif
