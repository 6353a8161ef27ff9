/* Singular value decomposition. */
#include "glue.h"

/* A matrix of reals: x itself, or a copy in the type of reals. */
static ag_status as_real(ag_array **out, ag_array *x) {
  if (x->type == AG_F64 || x->type == AG_F32) {
    *out = ag_array_retain(x);
    return AG_OK;
  }
  return ag_expr_cast(out, x, x->dev->has_f64 ? AG_F64 : AG_F32);
}

static ag_status svd(ag_array *x, int64_t nu, int64_t nv, double *d, ag_array **u, ag_array **v) {
  ag_array *real;
  AG_TRY(as_real(&real, x));
  ag_status status = ag_svd(real, nu, nv, d, u, v);
  ag_array_release(real);
  return status;
}

static ag_array *matrix_of(SEXP x_) {
  ag_array *x = r_array(x_);
  if (!x || x->shape.nd != 2) r_stop(AG_E_SHAPE, "svd: a matrix on a device is wanted");
  return x;
}

static SEXP object_or_null(SEXP own_) {
  return *r_array_out(own_) ? r_array_object(own_) : R_NilValue;
}

/* Of a matrix that is not empty, 0 <= nu <= rows, 0 <= nv <= columns: a list of d, u and v, the
 * latter NULL where no columns of them are wanted. */
SEXP ffi_svd(SEXP x_, SEXP nu_, SEXP nv_) {
  const int64_t nu = (int64_t)Rf_asReal(nu_), nv = (int64_t)Rf_asReal(nv_);
  x_ = PROTECT(r_adopt(x_));
  ag_array *x = matrix_of(x_);
  const int64_t m = x->shape.dim[0], n = x->shape.dim[1];
  SEXP ans_ = PROTECT(Rf_allocVector(VECSXP, 3));
  SEXP u_ = PROTECT(r_array_new()), v_ = PROTECT(r_array_new());
  SET_VECTOR_ELT(ans_, 0, Rf_allocVector(REALSXP, (R_xlen_t)(m < n ? m : n)));
  r_check(svd(x, nu, nv, REAL(VECTOR_ELT(ans_, 0)), r_array_out(u_), r_array_out(v_)));
  SET_VECTOR_ELT(ans_, 1, object_or_null(u_));
  SET_VECTOR_ELT(ans_, 2, object_or_null(v_));
  UNPROTECT(4);
  return ans_;
}

/* u and v (or NULL), with as many columns, in svd()'s signs. */
SEXP ffi_svd_signs(SEXP u_, SEXP v_) {
  u_ = PROTECT(r_adopt(u_)), v_ = PROTECT(r_adopt(v_));
  ag_array *u = matrix_of(u_), *v = Rf_isNull(v_) ? NULL : matrix_of(v_);
  SEXP ans_ = PROTECT(Rf_allocVector(VECSXP, 2));
  SEXP new_u_ = PROTECT(r_array_new()), new_v_ = PROTECT(r_array_new());
  r_check(ag_svd_signs(u, v, r_array_out(new_u_), r_array_out(new_v_)));
  SET_VECTOR_ELT(ans_, 0, object_or_null(new_u_));
  SET_VECTOR_ELT(ans_, 1, object_or_null(new_v_));
  UNPROTECT(5);
  return ans_;
}
