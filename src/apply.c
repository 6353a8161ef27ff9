/* apply(): a function that was traced on one slice, for all slices at once. */
#include "glue.h"

/* The batched y as a matrix with a column for each slice. */
static ag_status columns(ag_array **out, ag_array *all, int64_t n, int leading) {
  int64_t count = ag_array_count(all), each = n ? count / n : 0;
  if (!leading) return ag_expr_reshape(out, all, ag_shape_of(2, each, n));
  ag_array *rows;
  AG_TRY(ag_expr_reshape(&rows, all, ag_shape_of(2, n, each)));
  ag_status status = each == 1 ? ag_expr_reshape(out, rows, ag_shape_of(2, each, n))
                               : ag_expr_transpose(out, rows);
  ag_array_release(rows);
  return status;
}

/* y_: what the function made of the placeholder slice_. x_: the slices side by side along its last
 * (leading_: first) dimension. NULL if the function cannot run on all of them at once. */
SEXP ffi_batch(SEXP y_, SEXP slice_, SEXP x_, SEXP leading_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *y = r_array(y_), *slice = r_array(slice_), *x = r_array(x_);
  int leading = Rf_asLogical(leading_);
  int64_t n = x->shape.dim[leading ? 0 : x->shape.nd - 1];
  SEXP all_ = PROTECT(r_array_new()), own_ = PROTECT(r_array_new()), ans_ = R_NilValue;
  r_check(ag_batch(r_array_out(all_), y, slice, x, leading));
  if (*r_array_out(all_)) {
    r_check(columns(r_array_out(own_), *r_array_out(all_), n, leading));
    ans_ = r_array_object(own_);
  }
  UNPROTECT(3);
  return ans_;
}
