/* The inner steps of factorisations and triangular solves on the host for one instruction set:
 * what is left beside products. Included after host_micro.h; PANEL_FIELDS goes into the ag_isa. */
#ifndef AG_HOST_PANEL_H
#define AG_HOST_PANEL_H

#define PANEL_LEAST(type) (sizeof(type) == 4 ? 1.17549435e-38 : 2.2250738585072014e-308)

#define REAL     float
#define FN(name) name##_f32
#include "host_panel_real.h"

#define REAL     double
#define FN(name) name##_f64
#include "host_panel_real.h"

#define PANEL_FIELDS                                                                               \
  .tri_f32 = tri_f32, .tri_f64 = tri_f64, .lu_f32 = lu_panel_f32, .lu_f64 = lu_panel_f64,          \
  .chol_f32 = chol_panel_f32, .chol_f64 = chol_panel_f64

#endif
