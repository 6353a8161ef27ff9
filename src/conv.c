/* Convolutions of images. */
#include "glue.h"

static void check_operands(const r_operand *x, int have_x, const r_operand *w, int have_w) {
  char xt[200], wt[200];
  if (!have_x || !have_w) r_stop(AG_E_TYPE, "convolution: numeric arrays are wanted");
  if (x->nd == 4 && w->nd == 4) return;
  r_stop(AG_E_SHAPE,
         "convolution: x and the weight have four dimensions, x is %s, the weight is %s",
         ag_shape_print(&x->shape, xt, sizeof xt), ag_shape_print(&w->shape, wt, sizeof wt));
}

/* `geometry`: stride, dilation, zeros before, zeros after, what a transposed convolution adds at
 * the end: pairs of width and height, checked in R. */
static ag_window window_of(const r_operand *x, const r_operand *w, const int *geometry,
                           int transposed) {
  char xt[200], wt[200];
  ag_conv_step step;
  int64_t more[2];
  for (int a = 0; a < 2; a++) {
    step.k[a] = w->shape.dim[2 + a];
    step.stride[a] = geometry[a], step.dilation[a] = geometry[2 + a];
    step.before[a] = geometry[4 + a], step.after[a] = geometry[6 + a];
    more[a] = geometry[8 + a];
  }
  const ag_window window = transposed ? ag_conv_window_transposed(&step, x->shape.dim + 1, more)
                                      : ag_conv_window(&step, x->shape.dim + 1);
  if (window.out[0] < 1 || window.out[1] < 1)
    r_stop(AG_E_SHAPE, "convolution: nothing is left of x, which is %s, with a weight of %s",
           ag_shape_print(&x->shape, xt, sizeof xt), ag_shape_print(&w->shape, wt, sizeof wt));
  return window;
}

static ag_status convolve(ag_array **out, const r_operand *x, const r_operand *w,
                          const ag_window *window, int64_t groups, int transposed) {
  ag_device *d = x->array ? x->array->dev : w->array ? w->array->dev : NULL;
  const ag_dtype real = x->array ? x->type : w->array ? w->type : AG_F64;
  ag_array *images = NULL, *weight = NULL;
  ag_status status = r_operand_array(&images, x, d, real);
  if (status == AG_OK) status = r_operand_array(&weight, w, d, real);
  if (status == AG_OK) status = ag_expr_conv(out, images, weight, window, groups, transposed);
  ag_array_release(images);
  ag_array_release(weight);
  return status;
}

SEXP ffi_conv(SEXP x_, SEXP w_, SEXP geometry_, SEXP groups_, SEXP transposed_) {
  const int transposed = Rf_asLogical(transposed_) == TRUE;
  x_ = PROTECT(r_adopt(x_)), w_ = PROTECT(r_adopt(w_));
  r_operand x = {0}, w = {0};
  const int have_x = r_operand_get(&x, x_), have_w = r_operand_get(&w, w_);
  check_operands(&x, have_x, &w, have_w);
  const ag_window window = window_of(&x, &w, INTEGER(geometry_), transposed);
  SEXP own_ = PROTECT(r_array_new());
  r_check(convolve(r_array_out(own_), &x, &w, &window, Rf_asInteger(groups_), transposed));
  SEXP ans_ = PROTECT(r_array_object(own_));
  UNPROTECT(4);
  return ans_;
}
