/* Matrix products with R's rules for vectors and dimnames. */
#include "glue.h"

typedef struct {
  int64_t rows, cols;
} extent;

static extent of_matrix(const r_operand *o) { return (extent){o->shape.dim[0], o->shape.dim[1]}; }
static extent column(int64_t n) { return (extent){n, 1}; }
static extent row(int64_t n) { return (extent){1, n}; }

/* A vector is a row or a column, whichever fits: the rules of R's matprod(). ta: crossprod, tb:
 * tcrossprod. */
static void two_vectors(extent *x, extent *y, int64_t nx, int64_t ny, int ta, int tb) {
  *x = !ta && !tb && nx > 1 ? row(nx) : column(nx);
  *y = !tb && nx == 1 ? row(ny) : column(ny);
}

static extent left_vector(int64_t n, extent y, int ta, int tb) {
  if (ta) return column(n);
  return n == (tb ? y.cols : y.rows) ? row(n) : column(n);
}

static extent right_vector(int64_t n, extent x, int ta, int tb) {
  if (tb) return x.rows == 1 ? row(n) : column(n);
  return n == (ta ? x.rows : x.cols) ? column(n) : row(n);
}

static void extents(extent *ex, extent *ey, const r_operand *x, const r_operand *y, int ta,
                    int tb) {
  int mx = x->shape.nd == 2, my = y->shape.nd == 2;
  if (mx) *ex = of_matrix(x);
  if (my) *ey = of_matrix(y);
  if (!mx && !my) two_vectors(ex, ey, x->n, y->n, ta, tb);
  else if (!mx) *ex = left_vector(x->n, *ey, ta, tb);
  else if (!my) *ey = right_vector(y->n, *ex, ta, tb);
}

static ag_status as_matrix(ag_array **out, const r_operand *o, extent e, ag_device *d,
                           ag_dtype real) {
  ag_array *a;
  r_operand matrix = *o;
  matrix.nd = 2; /* a single number is an array here */
  AG_TRY(r_operand_array(&a, &matrix, d, real));
  ag_status status = ag_expr_reshape(out, a, ag_shape_of(2, e.rows, e.cols));
  ag_array_release(a);
  return status;
}

static int is_real(const r_operand *o) { return o->type == AG_F64 || o->type == AG_F32; }

static ag_status matmul(ag_array **out, const r_operand *x, extent ex, const r_operand *y,
                        extent ey, int ta, int tb) {
  ag_device *d = x->array ? x->array->dev : y->array->dev;
  ag_dtype real = d->has_f64 ? AG_F64 : AG_F32;
  if (x->array && is_real(x)) real = x->type;
  else if (y->array && is_real(y)) real = y->type;
  ag_array *a = NULL, *b = NULL;
  ag_status status = as_matrix(&a, x, ex, d, real);
  if (status == AG_OK) status = as_matrix(&b, y, ey, d, real);
  if (status == AG_OK) status = ag_expr_matmul(out, a, b, ta, tb);
  ag_array_release(a);
  ag_array_release(b);
  return status;
}

/* Rows are named as x's outer dimension, columns as y's. */
static void name_product(SEXP ans_, SEXP x_, SEXP y_, int ta, int tb) {
  SEXP xn_ = PROTECT(Rf_getAttrib(x_, R_DimNamesSymbol)),
       yn_ = PROTECT(Rf_getAttrib(y_, R_DimNamesSymbol));
  if (Rf_length(xn_) == 2 || Rf_length(yn_) == 2) {
    SEXP names_ = PROTECT(Rf_allocVector(VECSXP, 2)), titles_ = PROTECT(Rf_allocVector(STRSXP, 2));
    SEXP from_[2] = {xn_, yn_};
    int at[2] = {ta ? 1 : 0, tb ? 0 : 1}, titled = 0;
    for (int i = 0; i < 2; i++) {
      if (Rf_length(from_[i]) != 2) continue;
      SET_VECTOR_ELT(names_, i, VECTOR_ELT(from_[i], at[i]));
      SEXP title_ = Rf_getAttrib(from_[i], R_NamesSymbol);
      if (!Rf_isNull(title_)) SET_STRING_ELT(titles_, i, STRING_ELT(title_, at[i])), titled = 1;
    }
    if (titled) Rf_setAttrib(names_, R_NamesSymbol, titles_);
    if (!Rf_isNull(VECTOR_ELT(names_, 0)) || !Rf_isNull(VECTOR_ELT(names_, 1)))
      Rf_setAttrib(ans_, R_DimNamesSymbol, names_);
    UNPROTECT(2);
  }
  UNPROTECT(2);
}

static const char *title(int ta, int tb) { return ta ? "crossprod" : tb ? "tcrossprod" : "%*%"; }

static void check_types(const r_operand *x, int have_x, const r_operand *y, int have_y, int ta,
                        int tb) {
  if (!have_x || !have_y)
    r_stop(AG_E_TYPE, "`%s`: requires numeric matrix/vector arguments", title(ta, tb));
  if (x->shape.nd > 2 || y->shape.nd > 2)
    r_stop(AG_E_SHAPE, "`%s`: matrices or vectors are wanted, not arrays of %d dimensions",
           title(ta, tb), x->shape.nd > 2 ? x->shape.nd : y->shape.nd);
}

/* ta: t(x) %*% y; tb: x %*% t(y). */
SEXP ffi_matmul(SEXP x_, SEXP y_, SEXP ta_, SEXP tb_) {
  int ta = Rf_asLogical(ta_), tb = Rf_asLogical(tb_);
  x_ = PROTECT(r_adopt(x_)), y_ = PROTECT(r_adopt(y_));
  r_operand x = {0}, y = {0};
  int have_x = r_operand_get(&x, x_), have_y = r_operand_get(&y, y_);
  check_types(&x, have_x, &y, have_y, ta, tb);
  extent ex, ey;
  extents(&ex, &ey, &x, &y, ta, tb);
  SEXP own_ = PROTECT(r_array_new());
  r_check(matmul(r_array_out(own_), &x, ex, &y, ey, ta, tb));
  SEXP ans_ = PROTECT(r_array_object(own_));
  name_product(ans_, x_, y_, ta, tb);
  UNPROTECT(4);
  return ans_;
}
