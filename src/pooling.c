/* Maxima and averages of windows of images. */
#include "glue.h"
#include <string.h>

/* Of the geometry (size, stride, padding before, padding after: pairs of width and height). */
static ag_window window_of(const ag_array *x, const int *geometry) {
  ag_window w = {.div = {1, 1}, .dil = {1, 1}};
  for (int axis = 0; axis < 2; axis++) {
    const int64_t in = x->shape.dim[1 + axis], size = geometry[axis], step = geometry[2 + axis],
                  room = in + geometry[4 + axis] + geometry[6 + axis] - size;
    w.in[axis] = in, w.k[axis] = size, w.mul[axis] = step, w.off[axis] = geometry[4 + axis];
    w.out[axis] = room < 0 ? 0 : room / step + 1;
  }
  return w;
}

/* `geometry_`: 8 integers, checked in R. */
SEXP ffi_pooling(SEXP x_, SEXP kind_, SEXP geometry_, SEXP count_pad_) {
  const int average = !strcmp(CHAR(STRING_ELT(kind_, 0)), "average"),
            count_pad = Rf_asLogical(count_pad_) == TRUE;
  x_ = PROTECT(r_adopt(x_));
  ag_array *x = r_array(x_);
  if (!x || x->shape.nd != 4)
    r_stop(AG_E_SHAPE, "pooling: an array of channels x width x height x samples is wanted");
  const ag_window w = window_of(x, INTEGER(geometry_));
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_expr_pooling(r_array_out(own_), x, average ? AG_POOLING_AVERAGE : AG_POOLING_MAX, &w,
                          count_pad));
  SEXP ans_ = PROTECT(r_array_object(own_));
  UNPROTECT(3);
  return ans_;
}
