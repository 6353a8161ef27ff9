/* A panel is factored recursively (Elmroth and Gustavson 2000, "Applying recursion to serial and
 * parallel QR factorization"): the left half, the product of its reflectors applied to the right
 * half, the right half. So nearly all of its work is products of matrices, too. */
#include "qr_panel.h"
#include "host_gemm.h"
#include "host_isa.h"
#include <float.h>
#include <math.h>
#include <string.h>

/* Columns that are factored one by one. */
#define LEAF 8

#define REAL     double
#define FN(name) name##_f64
#define TYPE     AG_F64
/* sums of squares in between are as good as any */
#define SQUARES_LEAST (DBL_MIN / DBL_EPSILON / DBL_EPSILON)
#define SQUARES_MOST  DBL_MAX
#include "qr_panel_real.h"

#define REAL          float
#define FN(name)      name##_f32
#define TYPE          AG_F32
#define SQUARES_LEAST (FLT_MIN / FLT_EPSILON / FLT_EPSILON)
#define SQUARES_MOST  FLT_MAX
#include "qr_panel_real.h"

ag_status ag_qr_panel_factor(ag_qr_panel *p, int64_t *made) {
  return p->type == AG_F64 ? panel_f64(p, made) : panel_f32(p, made);
}
