/* Linear algebra of many small matrices: arrays of n x n x batch. */
#include "glue.h"

static int is_real(const r_operand *o) { return o->type == AG_F64 || o->type == AG_F32; }

/* Adopted and protected by the caller; checked to hold square matrices. */
static void get_matrices(r_operand *o, SEXP a_, const char *caller) {
  char text[200];
  if (!r_operand_get(o, a_)) r_stop(AG_E_TYPE, "%s: a numeric array is wanted", caller);
  if (o->nd != 3 || o->shape.dim[0] != o->shape.dim[1])
    r_stop(AG_E_SHAPE, "%s: a is %s: an array of n x n x batch is wanted", caller,
           ag_shape_print(&o->shape, text, sizeof text));
}

/* What two operands (one, if b is NULL) are computed in: the type of those that are ours. */
static ag_dtype common_type(const r_operand *a, const r_operand *b, const ag_device *d) {
  const int ours_a = a->array && is_real(a), ours_b = b && b->array && is_real(b);
  if (ours_a && ours_b) return a->type == AG_F64 ? a->type : b->type;
  if (ours_a) return a->type;
  return ours_b ? b->type : d->has_f64 ? AG_F64 : AG_F32;
}

static ag_device *device_of(const r_operand *a, const r_operand *b) {
  return a->array ? a->array->dev : b && b->array ? b->array->dev : r_device(R_NilValue);
}

static ag_status real_array(ag_array **out, const r_operand *o, ag_device *d, ag_dtype type) {
  ag_array *x;
  r_operand array = *o;
  array.nd = 3; /* a single number is an array here */
  AG_TRY(r_operand_array(&x, &array, d, type));
  ag_status status = ag_expr_cast(out, x, type);
  ag_array_release(x);
  return status;
}

/* -- solve ------------------------------------------------------------------------------------- */
/* b: n x k x batch, or n x batch, which is n x 1 x batch here. */
static void get_right_sides(r_operand *b, SEXP b_, const r_operand *a) {
  char at[200], bt[200];
  if (!r_operand_get(b, b_)) r_stop(AG_E_TYPE, "gpu_solve: a numeric array is wanted");
  const int64_t n = a->shape.dim[0], batch = a->shape.dim[2];
  if (b->nd < 2 || b->nd > 3 || b->shape.dim[0] != n || b->shape.dim[b->nd - 1] != batch)
    r_stop(AG_E_SHAPE, "gpu_solve: a is %s, b is %s", ag_shape_print(&a->shape, at, sizeof at),
           ag_shape_print(&b->shape, bt, sizeof bt));
}

static ag_status solve_sides(ag_array **out, ag_failure *failed, ag_array *a, ag_array *b) {
  ag_array *sides = NULL, *x = NULL;
  const ag_shape shape = b->shape;
  AG_TRY(ag_expr_reshape(
      &sides, b, shape.nd == 3 ? shape : ag_shape_of(3, shape.dim[0], (int64_t)1, shape.dim[1])));
  ag_status s = ag_batched_solve(&x, failed, a, sides);
  if (s == AG_OK) s = ag_expr_reshape(out, x, shape);
  ag_array_release(sides);
  ag_array_release(x);
  return s;
}

static ag_status solve(ag_array **out, ag_failure *failed, const r_operand *a, const r_operand *b,
                       ag_device *d) {
  ag_array *left = NULL, *right = NULL;
  const ag_dtype type = common_type(a, b, d);
  ag_status s = real_array(&left, a, d, type);
  if (s == AG_OK && b) s = real_array(&right, b, d, type);
  if (s == AG_OK)
    s = b ? solve_sides(out, failed, left, right) : ag_batched_solve(out, failed, left, NULL);
  ag_array_release(left);
  ag_array_release(right);
  return s;
}

/* As solve() names its result: rows as a's columns, columns as b's, or a's rows. */
static void name_solution(SEXP ans_, SEXP a_, SEXP b_, int nd) {
  SEXP an_ = PROTECT(Rf_getAttrib(a_, R_DimNamesSymbol)),
       bn_ = PROTECT(Rf_isNull(b_) ? an_ : Rf_getAttrib(b_, R_DimNamesSymbol));
  SEXP last_ = Rf_length(bn_) == nd && !Rf_isNull(VECTOR_ELT(bn_, nd - 1)) ? bn_ : an_;
  const int last = last_ == bn_ ? nd - 1 : 2;
  SEXP from_[3] = {an_, bn_, last_};
  int at[3] = {1, Rf_isNull(b_) ? 0 : 1, last};
  if (nd == 2) from_[1] = last_, at[1] = last;
  r_name_dims(ans_, nd, from_, at);
  UNPROTECT(2);
}

SEXP ffi_batched_solve(SEXP a_, SEXP b_) {
  r_operand a = {0}, b = {0};
  const int has_b = !Rf_isNull(b_);
  ag_failure failed = {0, 0};
  a_ = PROTECT(r_adopt(a_)), b_ = PROTECT(r_adopt(b_));
  get_matrices(&a, a_, "gpu_solve");
  if (has_b) get_right_sides(&b, b_, &a);
  ag_device *d = device_of(&a, has_b ? &b : NULL);
  SEXP own_ = PROTECT(r_array_new());
  r_check(solve(r_array_out(own_), &failed, &a, has_b ? &b : NULL, d));
  if (failed.matrix)
    r_stop(AG_E_ARGUMENT, "gpu_solve: system %lld of %lld is exactly singular: U[%lld,%lld] = 0",
           (long long)failed.matrix, (long long)a.shape.dim[2], (long long)failed.at,
           (long long)failed.at);
  SEXP ans_ = PROTECT(r_array_object(own_));
  name_solution(ans_, a_, b_, has_b ? b.nd : 3);
  UNPROTECT(4);
  return ans_;
}

/* -- chol, det --------------------------------------------------------------------------------- */
static ag_status chol(ag_array **out, ag_failure *failed, const r_operand *a, ag_device *d) {
  ag_array *x;
  AG_TRY(real_array(&x, a, d, common_type(a, NULL, d)));
  ag_status status = ag_batched_chol(out, failed, x);
  ag_array_release(x);
  return status;
}

SEXP ffi_batched_chol(SEXP a_) {
  r_operand a = {0};
  ag_failure failed = {0, 0};
  a_ = PROTECT(r_adopt(a_));
  get_matrices(&a, a_, "gpu_chol");
  ag_device *d = device_of(&a, NULL);
  SEXP own_ = PROTECT(r_array_new());
  r_check(chol(r_array_out(own_), &failed, &a, d));
  if (failed.matrix)
    r_stop(AG_E_ARGUMENT,
           "gpu_chol: the leading minor of order %lld is not positive, in matrix %lld of %lld",
           (long long)failed.at, (long long)failed.matrix, (long long)a.shape.dim[2]);
  SEXP ans_ = PROTECT(r_array_object(own_));
  r_copy_names(ans_, a_);
  UNPROTECT(3);
  return ans_;
}

static ag_status det(ag_array **out, const r_operand *a, ag_device *d) {
  ag_array *x;
  AG_TRY(real_array(&x, a, d, common_type(a, NULL, d)));
  ag_status status = ag_batched_det(out, x);
  ag_array_release(x);
  return status;
}

SEXP ffi_batched_det(SEXP a_) {
  r_operand a = {0};
  a_ = PROTECT(r_adopt(a_));
  get_matrices(&a, a_, "gpu_det");
  ag_device *d = device_of(&a, NULL);
  SEXP own_ = PROTECT(r_array_new());
  r_check(det(r_array_out(own_), &a, d));
  SEXP ans_ = PROTECT(r_array_object(own_)), names_ = PROTECT(Rf_getAttrib(a_, R_DimNamesSymbol));
  if (Rf_length(names_) == 3 && !Rf_isNull(VECTOR_ELT(names_, 2)))
    Rf_setAttrib(ans_, R_NamesSymbol, VECTOR_ELT(names_, 2));
  UNPROTECT(4);
  return ans_;
}

/* -- eigen ------------------------------------------------------------------------------------- */
static ag_status eigen(ag_array **values, ag_array **vectors, const r_operand *a, ag_device *d) {
  ag_array *x;
  AG_TRY(real_array(&x, a, d, common_type(a, NULL, d)));
  ag_status status = ag_batched_eigen(values, vectors, x);
  ag_array_release(x);
  return status;
}

/* A list of the values and the vectors, which are NULL if only the values are wanted. */
SEXP ffi_batched_eigen(SEXP a_, SEXP only_values_) {
  r_operand a = {0};
  const int vectors = Rf_asLogical(only_values_) != TRUE;
  a_ = PROTECT(r_adopt(a_));
  get_matrices(&a, a_, "gpu_eigen_sym");
  ag_device *d = device_of(&a, NULL);
  SEXP values_ = PROTECT(r_array_new()), vectors_ = PROTECT(r_array_new());
  r_check(eigen(r_array_out(values_), vectors ? r_array_out(vectors_) : NULL, &a, d));
  SEXP ans_ = PROTECT(Rf_allocVector(VECSXP, 2)),
       names_ = PROTECT(Rf_getAttrib(a_, R_DimNamesSymbol));
  SEXP from_[3] = {R_NilValue, names_, names_}, of_vectors_[3] = {R_NilValue, R_NilValue, names_};
  const int last[3] = {2, 2, 2};
  SET_VECTOR_ELT(ans_, 0, r_array_object(values_));
  r_name_dims(VECTOR_ELT(ans_, 0), 2, from_, last);
  if (vectors) {
    SET_VECTOR_ELT(ans_, 1, r_array_object(vectors_));
    r_name_dims(VECTOR_ELT(ans_, 1), 3, of_vectors_, last);
  }
  UNPROTECT(5);
  return ans_;
}
