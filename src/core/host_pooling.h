/* Poolings for one instruction set: ag_pooling_loops for each type. Included by host_loops.h, whose
 * INDEPENDENT it uses; POOLING_FIELDS goes into the ag_isa. */
#ifndef AG_HOST_POOLING_H
#define AG_HOST_POOLING_H

#define real     float
#define FN(name) name##_f32
#include "host_pooling_real.h"
#define real     double
#define FN(name) name##_f64
#include "host_pooling_real.h"

#define POOLING_LOOPS(type)                                                                        \
  {                                                                                                \
    .max = pooling_max_##type, .add = pooling_add_##type, .divide = pooling_divide_##type,         \
    .give = pooling_give_##type, .pick = pooling_pick_##type, .fill = pooling_fill_##type          \
  }
#define POOLING_FIELDS .pooling = {POOLING_LOOPS(f64), POOLING_LOOPS(f32)}

#endif
