/* Eigenvalues and eigenvectors. */
#include "glue.h"

/* A real array with x's values: x itself, or a copy in the type of reals. */
static ag_status as_real(ag_array **out, ag_array *x) {
  if (x->type == AG_F64 || x->type == AG_F32) {
    *out = ag_array_retain(x);
    return AG_OK;
  }
  return ag_expr_cast(out, x, x->dev->has_f64 ? AG_F64 : AG_F32);
}

static ag_status eigen(ag_array *x, double *values, ag_array **vectors) {
  ag_array *real;
  AG_TRY(as_real(&real, x));
  ag_status status = ag_eigen_symmetric(real, values, vectors);
  ag_array_release(real);
  return status;
}

/* Of the lower triangle of a square matrix that is not empty: a list of values and vectors (NULL if
 * only the values are wanted). */
SEXP ffi_eigen_symmetric(SEXP x_, SEXP only_values_) {
  int only_values = Rf_asLogical(only_values_);
  ag_array *x = r_array(x_);
  SEXP own_ = PROTECT(r_array_new()), ans_ = PROTECT(Rf_allocVector(VECSXP, 2));
  SET_VECTOR_ELT(ans_, 0, Rf_allocVector(REALSXP, (R_xlen_t)x->shape.dim[0]));
  r_check(eigen(x, REAL(VECTOR_ELT(ans_, 0)), only_values ? NULL : r_array_out(own_)));
  if (!only_values) SET_VECTOR_ELT(ans_, 1, r_array_object(own_));
  UNPROTECT(2);
  return ans_;
}
