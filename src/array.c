/* Making arrays, and what there is to know of one. */
#include "glue.h"

/* A plain vector with its attributes but the class. */
SEXP ffi_upload(SEXP x_, SEXP type_, SEXP device_) {
  int storage = r_storage(x_);
  if (storage < 0)
    r_stop(AG_E_TYPE, "gpu(): numbers or logical values are wanted, x is of type \"%s\"",
           Rf_type2char(TYPEOF(x_)));
  if (Rf_length(Rf_getAttrib(x_, R_DimSymbol)) > AG_MAX_DIM)
    r_stop(AG_E_SHAPE, "gpu(): at most %d dimensions are possible, x has %d", AG_MAX_DIM,
           Rf_length(Rf_getAttrib(x_, R_DimSymbol)));
  ag_device *d = r_device(device_);
  ag_dtype type = r_dtype(type_, TYPEOF(x_), d);
  const void *data = DATAPTR_RO(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_array_write(r_array_out(own_), d, type, r_shape(x_), data, (ag_dtype)storage));
  SEXP ans_ = PROTECT(r_array_value(own_));
  SHALLOW_DUPLICATE_ATTRIB(ans_, x_);
  r_set_class(ans_);
  UNPROTECT(2);
  return ans_;
}

/* R's own code can leave our class on an ordinary vector (a logical array that a number was
 * assigned to, say): such a vector goes up. Everything else is returned as it is. */
SEXP r_adopt(SEXP x_) {
  if (!Rf_isObject(x_) || r_storage(x_) < 0 || r_is_array(x_) || !r_has_class(x_)) return x_;
  return ffi_upload(x_, R_NilValue, R_NilValue);
}

/* One value everywhere. Pending: it is made where it is used. */
static ag_status fill(ag_array **out, ag_device *d, ag_dtype type, ag_shape shape, double value) {
  if (value == 0) return ag_array_zeros(out, d, type, shape);
  ag_array *one;
  AG_TRY(ag_array_write(&one, d, type, ag_shape_of(1, (int64_t)1), &value, AG_F64));
  ag_status status = ag_expr_recycle(out, one, shape);
  ag_array_release(one);
  return status;
}

static ag_shape checked_shape(SEXP dim_) {
  if (!Rf_isNumeric(dim_) || Rf_length(dim_) < 1 || Rf_length(dim_) > AG_MAX_DIM)
    r_stop(AG_E_ARGUMENT, "dim: 1 to %d extents are wanted", AG_MAX_DIM);
  for (int i = 0; i < Rf_length(dim_); i++) {
    double extent = TYPEOF(dim_) == INTSXP ? INTEGER(dim_)[i] : REAL(dim_)[i];
    if (!(extent >= 0 && extent <= 2147483647 && extent == (double)(int64_t)extent))
      r_stop(AG_E_ARGUMENT, "dim: %g is not a possible extent", extent);
  }
  return r_shape_of_dim(dim_);
}

SEXP ffi_fill(SEXP value_, SEXP dim_, SEXP type_, SEXP device_) {
  ag_shape shape = checked_shape(dim_);
  double value = Rf_asReal(value_);
  ag_device *d = r_device(device_);
  ag_dtype type = r_dtype(type_, REALSXP, d);
  SEXP own_ = PROTECT(r_array_new());
  r_check(fill(r_array_out(own_), d, type, shape, value));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(1);
  return ans_;
}

/* iota(n * n) mod (n + 1) is 0 on the diagonal. */
static ag_status eye(ag_array **out, ag_device *d, ag_dtype type, int64_t n) {
  ag_array *ones;
  AG_TRY(fill(&ones, d, type, ag_shape_of(1, n), 1));
  ag_axes diagonal = {.nd = 1, .axis = {0}, .step = {n + 1}};
  ag_array *flat = NULL;
  ag_status status = ag_expr_embed(&flat, ones, ag_shape_of(1, n * n), &diagonal);
  if (status == AG_OK) status = ag_expr_reshape(out, flat, ag_shape_of(2, n, n));
  ag_array_release(flat);
  ag_array_release(ones);
  return status;
}

SEXP ffi_eye(SEXP n_, SEXP type_, SEXP device_) {
  ag_shape shape = checked_shape(n_);
  ag_device *d = r_device(device_);
  ag_dtype type = r_dtype(type_, REALSXP, d);
  SEXP own_ = PROTECT(r_array_new());
  r_check(eye(r_array_out(own_), d, type, shape.dim[0]));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(1);
  return ans_;
}

SEXP ffi_is(SEXP x_) {
  return Rf_ScalarLogical(r_is_array(x_) || (Rf_isObject(x_) && r_has_class(x_)));
}

/* c(type, device, state); the device of an array that is not there yet is "". */
SEXP ffi_info(SEXP x_) {
  x_ = PROTECT(r_adopt(x_));
  SEXP v_ = r_altrep_unwrap(x_);
  if (!v_) r_stop(AG_E_TYPE, "an array made by gpu() is wanted");
  r_handle *h = r_handle_of(R_altrep_data1(v_));
  const ag_device *d = h->array ? h->array->dev : h->dev;
  SEXP ans_ = PROTECT(Rf_allocVector(STRSXP, 3));
  SET_STRING_ELT(ans_, 0, Rf_mkChar(ag_dtype_name(h->array ? h->array->type : h->type)));
  SET_STRING_ELT(ans_, 1, Rf_mkChar(d ? d->id : ""));
  SET_STRING_ELT(ans_, 2,
                 Rf_mkChar(!h->array                     ? "host copy"
                           : h->array->traced            ? "traced"
                           : h->array->kind == AG_BUFFER ? "computed"
                                                         : "pending"));
  UNPROTECT(2);
  return ans_;
}

/* An ordinary R vector with x's attributes but the class; x itself if it is one. */
SEXP ffi_plain(SEXP x_) {
  SEXP v_ = r_altrep_unwrap(x_);
  if (!v_ && !(Rf_isObject(x_) && r_has_class(x_))) return x_;
  SEXP ans_ = v_ ? Rf_allocVector(TYPEOF(x_), XLENGTH(x_)) : Rf_duplicate(x_);
  PROTECT(ans_);
  if (v_) r_altrep_read(v_, DATAPTR(ans_));
  SHALLOW_DUPLICATE_ATTRIB(ans_, x_);
  Rf_setAttrib(ans_, R_ClassSymbol, R_NilValue);
  ans_ = Rf_asS4(ans_, FALSE, 0);
  UNPROTECT(1);
  return ans_;
}

SEXP ffi_force(SEXP x_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = r_array(x_);
  if (a) r_check(ag_array_force(1, &a));
  UNPROTECT(1);
  return x_;
}

/* type_ NULL: the default type of real numbers. */
SEXP ffi_cast(SEXP x_, SEXP type_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = r_array(x_);
  ag_dtype type = r_dtype(type_, REALSXP, a->dev);
  int new_na = 0, truncates = type == AG_I32 && (a->type == AG_F64 || a->type == AG_F32);
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_expr_cast(r_array_out(own_), a, type));
  if (truncates) r_check(r_new_missing(&new_na, *r_array_out(own_), 1, &a));
  if (new_na) r_call("warn_range", 0, NULL, NULL, NULL);
  SEXP ans_ = PROTECT(r_array_value(own_));
  SHALLOW_DUPLICATE_ATTRIB(ans_, x_);
  UNPROTECT(3);
  return ans_;
}

/* dim<-: as in R names and dimnames go. dim_ NULL makes a vector. */
SEXP ffi_reshape(SEXP x_, SEXP dim_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = r_array(x_);
  if (!a) r_stop(AG_E_TYPE, "an array made by gpu() is wanted");
  ag_shape shape = Rf_isNull(dim_) ? ag_shape_of(1, (int64_t)XLENGTH(x_)) : checked_shape(dim_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_expr_reshape(r_array_out(own_), a, shape));
  SEXP ans_ = PROTECT(r_array_value(own_));
  Rf_copyMostAttrib(x_, ans_);
  if (!Rf_isNull(dim_)) Rf_setAttrib(ans_, R_DimSymbol, PROTECT(Rf_coerceVector(dim_, INTSXP)));
  r_set_class(ans_);
  UNPROTECT(Rf_isNull(dim_) ? 3 : 4);
  return ans_;
}

/* A vector counts as a column, as in R. */
static SEXP transposed_dimnames(SEXP x_, int matrix) {
  SEXP old_ = PROTECT(Rf_getAttrib(x_, matrix ? R_DimNamesSymbol : R_NamesSymbol));
  SEXP new_ = R_NilValue;
  if (!Rf_isNull(old_)) {
    new_ = PROTECT(Rf_allocVector(VECSXP, 2));
    SET_VECTOR_ELT(new_, 1, matrix ? VECTOR_ELT(old_, 0) : old_);
    if (matrix) SET_VECTOR_ELT(new_, 0, VECTOR_ELT(old_, 1));
    SEXP titles_ = matrix ? PROTECT(Rf_getAttrib(old_, R_NamesSymbol)) : PROTECT(R_NilValue);
    if (!Rf_isNull(titles_)) {
      SEXP swapped_ = PROTECT(Rf_allocVector(STRSXP, 2));
      for (int i = 0; i < 2; i++) SET_STRING_ELT(swapped_, i, STRING_ELT(titles_, 1 - i));
      Rf_setAttrib(new_, R_NamesSymbol, swapped_);
      UNPROTECT(1);
    }
    UNPROTECT(2);
  }
  UNPROTECT(1);
  return new_;
}

SEXP ffi_transpose(SEXP x_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = r_array(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_expr_transpose(r_array_out(own_), a));
  SEXP ans_ = PROTECT(r_array_object(own_));
  SEXP names_ = PROTECT(transposed_dimnames(x_, a->shape.nd == 2));
  if (!Rf_isNull(names_)) Rf_setAttrib(ans_, R_DimNamesSymbol, names_);
  UNPROTECT(4);
  return ans_;
}
