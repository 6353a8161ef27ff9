/* Random arrays: a stream on the device, keyed by one draw from R's generator. */
#include "glue.h"
#include <R_ext/Random.h>

/* 64 bits of R's stream, so that set.seed() is enough. */
static uint64_t draw_key(void) {
  GetRNGstate();
  uint64_t high = (uint64_t)(unif_rand() * 4294967296.0),
           low = (uint64_t)(unif_rand() * 4294967296.0);
  PutRNGstate();
  return high << 32 | low;
}

/* shift + scale * stream */
static ag_status draw(ag_array **out, ag_device *d, ag_dtype type, ag_shape shape,
                      ag_distribution dist, uint64_t key, double shift, double scale) {
  ag_array *stream = NULL, *scaled = NULL, *a = NULL, *b = NULL;
  ag_status status = ag_expr_random(&stream, d, type, shape, dist, key);
  if (status == AG_OK) status = ag_expr_scalar(&a, scale, type);
  if (status == AG_OK) status = ag_expr_scalar(&b, shift, type);
  if (status == AG_OK && scale == 1 && shift == 0) *out = ag_array_retain(stream);
  else if (status == AG_OK) {
    status = ag_expr_binary(&scaled, AG_OP_mul, stream, a);
    if (status == AG_OK) status = ag_expr_binary(out, AG_OP_add, scaled, b);
  }
  ag_array *owned[] = {stream, scaled, a, b};
  for (int i = 0; i < 4; i++) ag_array_release(owned[i]);
  return status;
}

/* dist_: 0 uniform, 1 normal. */
SEXP ffi_random(SEXP dist_, SEXP dim_, SEXP shift_, SEXP scale_, SEXP type_, SEXP device_) {
  ag_shape shape = r_shape_of_dim(dim_);
  ag_device *d = r_device(device_);
  ag_dtype type = r_dtype(type_, REALSXP, d);
  if (type != AG_F64 && type != AG_F32)
    r_stop(AG_E_TYPE, "`type`: \"float64\" or \"float32\" is wanted");
  uint64_t key = draw_key();
  SEXP own_ = PROTECT(r_array_new());
  r_check(draw(r_array_out(own_), d, type, shape, (ag_distribution)Rf_asInteger(dist_), key,
               Rf_asReal(shift_), Rf_asReal(scale_)));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(1);
  return ans_;
}
