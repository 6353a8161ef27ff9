/* Rearranging: rev, rep, aperm, diag, the operands of outer(), positions of rows and columns. All
 * but a matrix from its diagonal are views of what they are made from, so that operations on them
 * are one kernel. R computes the names; nothing here looks at values. */
#include "glue.h"

/* The owner's array as an object with the given dim and names (or dimnames); NULL for none. */
static SEXP finish(SEXP own_, SEXP dim_, SEXP names_) {
  SEXP ans_ = PROTECT(r_array_value(own_));
  if (!Rf_isNull(dim_)) Rf_setAttrib(ans_, R_DimSymbol, dim_);
  if (!Rf_isNull(names_))
    Rf_setAttrib(ans_, Rf_isNull(dim_) ? R_NamesSymbol : R_DimNamesSymbol, names_);
  r_set_class(ans_);
  UNPROTECT(1);
  return ans_;
}

static ag_array *array_of(SEXP x_) {
  ag_array *a = r_array(x_);
  if (!a) r_stop(AG_E_TYPE, "an array made by gpu() is wanted");
  return a;
}

static ag_status flatten(ag_array **out, ag_array *a) {
  return ag_expr_reshape(out, a, ag_shape_of(1, ag_array_count(a)));
}

/* Ends a step from *a, which is owned, to its result. */
static ag_status step_to(ag_array **a, ag_status status, ag_array **next) {
  ag_array_release(*a);
  *a = status == AG_OK ? *next : NULL;
  return status;
}

static ag_status slice_vector(ag_array **a, int64_t first, int64_t step, int64_t n) {
  ag_array *next = NULL;
  return step_to(a, ag_expr_slice(&next, *a, &first, &step, &n), &next);
}

static ag_status reshape(ag_array **a, ag_shape shape) {
  ag_array *next = NULL;
  return step_to(a, ag_expr_reshape(&next, *a, shape), &next);
}

static ag_status view(ag_array **a, ag_shape shape, ag_axes axes) {
  ag_array *next = NULL;
  return step_to(a, ag_expr_view(&next, *a, shape, &axes), &next);
}

/* -- vectors ----------------------------------------------------------------------------------- */
static ag_status reverse(ag_array **out, ag_array *a) {
  int64_t n = ag_array_count(a);
  AG_TRY(flatten(out, a));
  return slice_vector(out, n ? n - 1 : 0, -1, n);
}

SEXP ffi_rev(SEXP x_, SEXP names_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = array_of(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(reverse(r_array_out(own_), a));
  SEXP ans_ = finish(own_, R_NilValue, names_);
  UNPROTECT(2);
  return ans_;
}

/* `n` elements: each of a's `each` times, and again from the start. */
static ag_status repeat(ag_array **out, ag_array *a, int64_t each, int64_t n) {
  int64_t have = ag_array_count(a) * each;
  AG_TRY(flatten(out, a));
  if (each > 1) {
    int64_t times = have ? (n + have - 1) / have : 0;
    AG_TRY(view(out, ag_shape_of(3, each, have / each, times),
                (ag_axes){.nd = 1, .axis = {1}, .step = {1}}));
    have *= times;
    AG_TRY(reshape(out, ag_shape_of(1, have)));
  }
  if (n <= have) return slice_vector(out, 0, 1, n);
  ag_array *next = NULL;
  return step_to(out, ag_expr_recycle(&next, *out, ag_shape_of(1, n)), &next);
}

/* dim_ NULL: a vector. */
SEXP ffi_rep(SEXP x_, SEXP each_, SEXP n_, SEXP dim_, SEXP names_) {
  int64_t each = (int64_t)Rf_asReal(each_), n = (int64_t)Rf_asReal(n_);
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = array_of(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(repeat(r_array_out(own_), a, each, n));
  if (!Rf_isNull(dim_)) r_check(reshape(r_array_out(own_), r_shape_of_dim(dim_)));
  SEXP ans_ = finish(own_, dim_, names_);
  UNPROTECT(2);
  return ans_;
}

/* -- dimensions -------------------------------------------------------------------------------- */
/* Dimension q of the result is dimension perm[q] (1-based) of a. */
static ag_status permute(ag_array **out, ag_array *a, const int *perm) {
  ag_shape shape = {.nd = a->shape.nd};
  ag_axes axes = {.nd = a->shape.nd};
  for (int q = 0; q < shape.nd; q++) {
    shape.dim[q] = a->shape.dim[perm[q] - 1];
    axes.axis[perm[q] - 1] = q;
    axes.step[perm[q] - 1] = 1;
  }
  return ag_expr_view(out, a, shape, &axes);
}

/* dim_: of the result, which need not be the permuted extents. */
SEXP ffi_aperm(SEXP x_, SEXP perm_, SEXP dim_, SEXP names_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = array_of(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(permute(r_array_out(own_), a, INTEGER(perm_)));
  r_check(reshape(r_array_out(own_), r_shape_of_dim(dim_)));
  SEXP ans_ = finish(own_, dim_, names_);
  UNPROTECT(2);
  return ans_;
}

/* The elements of a along the dimensions from `first` on, as a vector of all the elements of
 * `shape`: one operand of outer(). */
static ag_status spread(ag_array **out, ag_array *a, ag_shape shape, int first) {
  ag_axes axes = {.nd = a->shape.nd};
  for (int q = 0; q < axes.nd; q++) axes.axis[q] = first + q, axes.step[q] = 1;
  AG_TRY(ag_expr_view(out, a, shape, &axes));
  return reshape(out, ag_shape_of(1, ag_shape_count(&shape)));
}

SEXP ffi_spread(SEXP x_, SEXP dim_, SEXP first_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = array_of(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(spread(r_array_out(own_), a, r_shape_of_dim(dim_), Rf_asInteger(first_)));
  SEXP ans_ = finish(own_, R_NilValue, R_NilValue);
  UNPROTECT(2);
  return ans_;
}

/* -- rows and columns -------------------------------------------------------------------------- */
/* 1, 2, ... along dimension `along` of a matrix like `like`. */
static ag_status positions(ag_array **out, const ag_array *like, ag_dtype type, int along) {
  AG_TRY(ag_expr_iota(out, like->dev, type, like->shape.dim[along] + 1));
  return view(out, like->shape, (ag_axes){.nd = 1, .axis = {along}, .off = {1}, .step = {1}});
}

/* row() and col(): along_ 0 or 1 */
SEXP ffi_positions(SEXP x_, SEXP along_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = array_of(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(positions(r_array_out(own_), a, AG_I32, Rf_asInteger(along_)));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(2);
  return ans_;
}

static ag_status triangle(ag_array **out, const ag_array *like, ag_op compare) {
  ag_array *row = NULL, *col = NULL;
  ag_dtype type = like->dev && like->dev->has_f64 ? AG_F64 : AG_F32;
  ag_status status = positions(&row, like, type, 0);
  if (status == AG_OK) status = positions(&col, like, type, 1);
  if (status == AG_OK) status = ag_expr_binary(out, compare, row, col);
  ag_array_release(row);
  ag_array_release(col);
  return status;
}

/* compare_: the operator between row and column. NULL when R has to: float32 counts to 2^24. */
SEXP ffi_triangle(SEXP x_, SEXP compare_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = array_of(x_);
  SEXP own_ = PROTECT(r_array_new()), ans_ = R_NilValue;
  int64_t most = a->shape.dim[a->shape.dim[1] > a->shape.dim[0]];
  if (a->dev->has_f64 || most < 16777216) {
    r_check(triangle(r_array_out(own_), a, (ag_op)ag_op_find(CHAR(STRING_ELT(compare_, 0)), 2)));
    ans_ = r_array_object(own_);
  }
  UNPROTECT(2);
  return ans_;
}

/* -- the diagonal ------------------------------------------------------------------------------ */
SEXP ffi_diag_get(SEXP x_, SEXP names_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = array_of(x_);
  int64_t n = a->shape.dim[a->shape.dim[1] < a->shape.dim[0]];
  ag_axes both = {.nd = 2, .axis = {0, 0}, .step = {1, 1}};
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_expr_view(r_array_out(own_), a, ag_shape_of(1, n), &both));
  SEXP ans_ = finish(own_, R_NilValue, names_);
  UNPROTECT(2);
  return ans_;
}

static ag_status on_diagonal(ag_array **out, ag_array *a, ag_shape shape) {
  int64_t n = shape.dim[shape.dim[1] < shape.dim[0]];
  ag_axes both = {.nd = 2, .axis = {0, 0}, .step = {1, 1}};
  if (n == 0) return ag_array_zeros(out, a->dev, a->type, shape);
  AG_TRY(repeat(out, a, 1, n));
  ag_array *next = NULL;
  return step_to(out, ag_expr_embed(&next, *out, shape, &both), &next);
}

/* A matrix of zeros but for x, recycled, on its diagonal. */
SEXP ffi_diag_make(SEXP x_, SEXP dim_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = array_of(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(on_diagonal(r_array_out(own_), a, r_shape_of_dim(dim_)));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(2);
  return ans_;
}
