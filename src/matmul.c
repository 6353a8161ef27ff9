/* Matrix products with R's rules for vectors and dimnames. */
#include "glue.h"
#include <string.h>

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

static int fits(extent ex, extent ey, int ta, int tb) {
  return (ta ? ex.rows : ex.cols) == (tb ? ey.cols : ey.rows);
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

/* What the product is computed in. */
static ag_dtype real_type(const r_operand *x, const r_operand *y, const ag_device *d) {
  if (x->array && is_real(x)) return x->type;
  if (y->array && is_real(y)) return y->type;
  return d->has_f64 ? AG_F64 : AG_F32;
}

/* The product of a and b, which are released, if all went well so far. */
static ag_status multiply(ag_array **out, ag_status status, ag_array *a, ag_array *b, int ta,
                          int tb, ag_precision precision) {
  ag_matmul_precision = precision;
  if (status == AG_OK) status = ag_expr_matmul(out, a, b, ta, tb);
  ag_matmul_precision = AG_EXACT;
  ag_array_release(a);
  ag_array_release(b);
  return status;
}

static ag_status matmul(ag_array **out, const r_operand *x, extent ex, const r_operand *y,
                        extent ey, int ta, int tb) {
  ag_device *d = x->array ? x->array->dev : y->array->dev;
  const ag_dtype real = real_type(x, y, d);
  const ag_precision precision = r_precision(d, real);
  ag_array *a = NULL, *b = NULL;
  ag_status status = as_matrix(&a, x, ex, d, real);
  if (status == AG_OK) status = as_matrix(&b, y, ey, d, real);
  return multiply(out, status, a, b, ta, tb, precision);
}

/* Rows are named as x's outer dimension, columns as y's. */
static void name_product(SEXP ans_, SEXP x_, SEXP y_, int ta, int tb) {
  SEXP from_[2];
  const int at[2] = {ta ? 1 : 0, tb ? 0 : 1};
  from_[0] = PROTECT(Rf_getAttrib(x_, R_DimNamesSymbol));
  from_[1] = PROTECT(Rf_getAttrib(y_, R_DimNamesSymbol));
  for (int i = 0; i < 2; i++)
    if (Rf_length(from_[i]) != 2) from_[i] = R_NilValue;
  r_name_dims(ans_, 2, from_, at);
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

/* Whether the product, and what has to go up for it, find room on the device. */
static int has_room(ag_device *d, const r_operand *x, const r_operand *y, extent result,
                    ag_dtype real) {
  const double size = (double)ag_dtype_size(real);
  const double bytes[3] = {x->array ? 0 : (double)x->n * size, y->array ? 0 : (double)y->n * size,
                           (double)result.rows * (double)result.cols * size};
  const ag_room room = ag_device_room(d);
  double all = 0;
  for (int i = 0; i < 3; i++) {
    if (bytes[i] > (double)room.each) return 0;
    all += bytes[i];
  }
  return all <= (double)room.all;
}

/* What R/matmul.R needs to go by panels: the extents as matrices, and the bytes of a panel; NULL
 * where that is not necessary. */
static SEXP panels_wanted(const r_operand *x, extent ex, const r_operand *y, extent ey, int ta,
                          int tb) {
  ag_device *d = x->array ? x->array->dev : y->array ? y->array->dev : r_device(R_NilValue);
  const extent result = {ta ? ex.cols : ex.rows, tb ? ey.rows : ey.cols};
  const ag_dtype real = real_type(x, y, d);
  if ((x->array && x->array->traced) || (y->array && y->array->traced)) return NULL;
  if (has_room(d, x, y, result, real)) return NULL;
  R_gc(); /* arrays that nobody has any more take room */
  if (has_room(d, x, y, result, real)) return NULL;
  const ag_room room = ag_device_room(d);
  const double bytes = room.each < room.all / 4 ? (double)room.each : (double)room.all / 4;
  const double value[] = {(double)ex.rows, (double)ex.cols, (double)ey.rows, (double)ey.cols,
                          bytes / (double)ag_dtype_size(real)};
  SEXP ans_ = Rf_allocVector(REALSXP, 5);
  memcpy(REAL(ans_), value, sizeof value);
  return ans_;
}

/* ta: t(x) %*% y; tb: x %*% t(y). Where there is no room on the device: see panels_wanted(). */
SEXP ffi_matmul(SEXP x_, SEXP y_, SEXP ta_, SEXP tb_) {
  int ta = Rf_asLogical(ta_), tb = Rf_asLogical(tb_);
  x_ = PROTECT(r_adopt(x_)), y_ = PROTECT(r_adopt(y_));
  r_operand x = {0}, y = {0};
  int have_x = r_operand_get(&x, x_), have_y = r_operand_get(&y, y_);
  check_types(&x, have_x, &y, have_y, ta, tb);
  extent ex, ey;
  extents(&ex, &ey, &x, &y, ta, tb);
  SEXP panels_ = fits(ex, ey, ta, tb) ? panels_wanted(&x, ex, &y, ey, ta, tb) : NULL;
  if (panels_) {
    UNPROTECT(2);
    return panels_;
  }
  SEXP own_ = PROTECT(r_array_new());
  r_check(matmul(r_array_out(own_), &x, ex, &y, ey, ta, tb));
  SEXP ans_ = PROTECT(r_array_object(own_));
  name_product(ans_, x_, y_, ta, tb);
  UNPROTECT(4);
  return ans_;
}

/* -- many products --------------------------------------------------------------------------- */
/* x and y as they are: matrices, or arrays of three dimensions. */
static ag_status products(ag_array **out, const r_operand *x, const r_operand *y, ag_device *d,
                          int ta, int tb) {
  const ag_dtype real = real_type(x, y, d);
  const ag_precision precision = r_precision(d, real);
  ag_array *a = NULL, *b = NULL;
  ag_status status = r_operand_array(&a, x, d, real);
  if (status == AG_OK) status = r_operand_array(&b, y, d, real);
  return multiply(out, status, a, b, ta, tb, precision);
}

static int64_t matrices_in(const r_operand *o) { return o->nd == 3 ? o->shape.dim[2] : 1; }

static void check_products(const r_operand *x, int have_x, const r_operand *y, int have_y, int ta,
                           int tb) {
  char xt[200], yt[200];
  if (!have_x || !have_y) r_stop(AG_E_TYPE, "gpu_matmul: numeric arrays are wanted");
  ag_shape_print(&x->shape, xt, sizeof xt);
  ag_shape_print(&y->shape, yt, sizeof yt);
  if (x->nd < 2 || x->nd > 3 || y->nd < 2 || y->nd > 3)
    r_stop(AG_E_SHAPE,
           "gpu_matmul: matrices or arrays of three dimensions are wanted: x has %d, y %d", x->nd,
           y->nd);
  const int64_t nx = matrices_in(x), ny = matrices_in(y);
  if (x->shape.dim[!ta] != y->shape.dim[!!tb] || (nx != ny && nx != 1 && ny != 1))
    r_stop(AG_E_SHAPE, "gpu_matmul: x is %s%s, y is %s%s", xt, ta ? " (transposed)" : "", yt,
           tb ? " (transposed)" : "");
}

/* The third dimension is named as that of the first operand that has as many matrices, and names
 * for them. */
static int names_matrices(SEXP names_, const r_operand *o, int64_t batch) {
  return Rf_length(names_) == 3 && matrices_in(o) == batch && !Rf_isNull(VECTOR_ELT(names_, 2));
}

static void name_products(SEXP ans_, SEXP x_, const r_operand *x, SEXP y_, const r_operand *y,
                          int ta, int tb) {
  SEXP xn_ = PROTECT(Rf_getAttrib(x_, R_DimNamesSymbol)),
       yn_ = PROTECT(Rf_getAttrib(y_, R_DimNamesSymbol));
  const int nd = x->nd == 3 || y->nd == 3 ? 3 : 2, at[3] = {ta ? 1 : 0, tb ? 0 : 1, 2};
  const int64_t batch = matrices_in(x) == 1 ? matrices_in(y) : matrices_in(x);
  SEXP from_[3] = {xn_, yn_, R_NilValue};
  if (names_matrices(xn_, x, batch)) from_[2] = xn_;
  else if (names_matrices(yn_, y, batch)) from_[2] = yn_;
  r_name_dims(ans_, nd, from_, at);
  UNPROTECT(2);
}

SEXP ffi_products(SEXP x_, SEXP y_, SEXP ta_, SEXP tb_) {
  int ta = Rf_asLogical(ta_) == 1, tb = Rf_asLogical(tb_) == 1;
  x_ = PROTECT(r_adopt(x_)), y_ = PROTECT(r_adopt(y_));
  r_operand x = {0}, y = {0};
  int have_x = r_operand_get(&x, x_), have_y = r_operand_get(&y, y_);
  check_products(&x, have_x, &y, have_y, ta, tb);
  ag_device *d = x.array ? x.array->dev : y.array ? y.array->dev : r_device(R_NilValue);
  SEXP panels_ =
      x.nd == 2 && y.nd == 2 ? panels_wanted(&x, of_matrix(&x), &y, of_matrix(&y), ta, tb) : NULL;
  if (panels_) {
    UNPROTECT(2);
    return panels_;
  }
  SEXP own_ = PROTECT(r_array_new());
  r_check(products(r_array_out(own_), &x, &y, d, ta, tb));
  SEXP ans_ = PROTECT(r_array_object(own_));
  name_products(ans_, x_, &x, y_, &y, ta, tb);
  UNPROTECT(4);
  return ans_;
}

/* -- int8 ------------------------------------------------------------------------------------ */
/* Matrices of int32 on the host. */
SEXP ffi_matmul_int8(SEXP x_, SEXP y_) {
  ag_array *x = r_array(x_), *y = r_array(y_);
  if (!x || !y) r_stop(AG_E_TYPE, "gpu_matmul_int8: two matrices of int32 are wanted");
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_matmul_int8(r_array_out(own_), x, y));
  SEXP ans_ = PROTECT(r_array_object(own_));
  UNPROTECT(2);
  return ans_;
}
