/* Many small problems of linear algebra, for one instruction set: the text that OpenCL devices run,
 * with a vector register for its `lanes`. Included after host_micro.h, whose vector types it uses.
 * BATCHED_FIELDS go into the ag_isa. */
#ifndef AG_HOST_BATCHED_H
#define AG_HOST_BATCHED_H

#define MEM
#define INLINE   MICRO_INLINE
#define ag_index int64_t
#define KIND     0

#if VBYTES == 64
#define ANY(t) (_mm512_test_epi64_mask((__m512i)(t), (__m512i)(t)) != 0)
#elif VBYTES == 32
#define ANY(t) (!_mm256_testz_si256((__m256i)(t), (__m256i)(t)))
#else
MICRO_INLINE int any_of(micro_i64 t) { return (t[0] | t[1]) != 0; }
#define ANY(t) any_of((micro_i64)(t))
#endif

#define SPLAT(x)        ((real)(x) + (lanes){0})
#define CHOOSE(t, y, n) ((lanes)(((truth)(y) & (t)) | ((truth)(n) & ~(t))))
#define ROOT(x)         FN(batched_root)(x)

typedef int64_t mask_f64 __attribute__((vector_size(VBYTES)));
typedef int32_t mask_f32 __attribute__((vector_size(VBYTES)));

MICRO_INLINE vec_f32 batched_root_f32(vec_f32 x) {
  vec_f32 y;
  ROOTS_F32((float *)&y, (const float *)&x);
  return y;
}
MICRO_INLINE vec_f64 batched_root_f64(vec_f64 x) {
  vec_f64 y;
  ROOTS_F64((double *)&y, (const double *)&x);
  return y;
}

#define FN(name) name##_f32
#define real     float
#define lanes    vec_f32
#define truth    mask_f32
#define WIDE     0
#define LANES    (VBYTES / 4)
#include "host_batched_real.h"

#define FN(name) name##_f64
#define real     double
#define lanes    vec_f64
#define truth    mask_f64
#define WIDE     1
#define LANES    (VBYTES / 8)
#include "host_batched_real.h"

#undef AT
#undef SIZE
#undef EPSILON
#undef BIG
#undef SHIFT
#undef MAX_SWEEPS
#undef MEM
#undef INLINE
#undef ag_index
#undef KIND
#undef ANY
#undef SPLAT
#undef CHOOSE
#undef ROOT

#define BATCHED_FIELDS                                                                             \
  .batched_f32 = batched_f32, .batched_f64 = batched_f64, .lanes_f32 = VBYTES / 4,                 \
  .lanes_f64 = VBYTES / 8

#endif
