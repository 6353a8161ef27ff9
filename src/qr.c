/* QR factorisations, in the form of R's qr(), and what base R makes of them. */
#include "glue.h"
#include <string.h>

/* -- memory of one's own ----------------------------------------------------------------------- */
/* Consumes `x`: a materialised matrix of this type that nobody else sees. */
static ag_status own_copy(ag_array **out, ag_array *x, ag_dtype type) {
  ag_array *real = NULL;
  ag_buffer *own = NULL;
  ag_block to;
  ag_status s = ag_expr_cast(&real, x, type);
  ag_array_release(x);
  if (s == AG_OK) s = ag_array_force(1, &real);
  if (s == AG_OK && real->refs == 1 && real->buf->refs == 1 && !real->buf->borrowed) {
    *out = real;
    return AG_OK;
  }
  if (s == AG_OK) {
    const ag_block from = ag_block_of(real);
    s = ag_block_new(&to, &own, real->dev, type, from.rows, from.cols);
    if (s == AG_OK) s = ag_block_copy(&to, &from, 0);
    if (s == AG_OK) s = ag_array_from_buffer(out, own, 0, type, real->shape);
  }
  ag_buffer_release(own), ag_array_release(real);
  return s;
}

/* Of `rows` x `cols`, all zeros. */
static ag_status zeros(ag_array **out, const ag_array *like, int64_t rows, int64_t cols) {
  ag_array *x;
  AG_TRY(ag_array_zeros(&x, like->dev, like->type, ag_shape_of(2, rows, cols)));
  return own_copy(out, x, like->type);
}

/* The operand as a matrix of its own memory beside the array `like`. */
static ag_status operand_copy(ag_array **out, const r_operand *o, const ag_array *like) {
  ag_array *a, *matrix;
  r_operand given = *o;
  given.nd = 2; /* a single number is an array here */
  if (o->array && o->array->dev != like->dev)
    return ag_fail(AG_E_DEVICE, "the arrays are on different devices: %s and %s", like->dev->id,
                   o->array->dev->id);
  AG_TRY(r_operand_array(&a, &given, like->dev, like->type));
  const int64_t rows = o->shape.dim[0], cols = o->shape.nd == 2 ? o->shape.dim[1] : 1;
  const ag_status s = ag_expr_reshape(&matrix, a, ag_shape_of(2, rows, cols));
  ag_array_release(a);
  return s == AG_OK ? own_copy(out, matrix, like->type) : s;
}

/* -- the factorisation ------------------------------------------------------------------------- */
/* Whether all elements are finite. */
static ag_status is_finite(int *yes, ag_array *x) {
  ag_array *zero = NULL, *product = NULL, *sum = NULL;
  double value = 0;
  ag_status s = ag_expr_scalar(&zero, 0, x->type);
  if (s == AG_OK) s = ag_expr_binary(&product, AG_OP_mul, x, zero);
  if (s == AG_OK) s = ag_expr_reduce(&sum, product, AG_SUM, 0, 2, 0);
  if (s == AG_OK) s = ag_array_read(sum, &value, AG_F64);
  ag_array_release(zero), ag_array_release(product), ag_array_release(sum);
  *yes = value == 0;
  return s;
}

static void stop_if_not_finite(ag_array *x, int arg) {
  int yes = 1;
  if (ag_array_count(x)) r_check(is_finite(&yes, x));
  if (!yes) r_stop(AG_E_ARGUMENT, "NA/NaN/Inf in foreign function call (arg %d)", arg);
}

/* x_ as a matrix; a vector is one column. */
static SEXP factored_copy(SEXP x_) {
  r_operand x;
  if (!r_operand_get(&x, x_) || !x.array || x.shape.nd > 2)
    r_stop(AG_E_TYPE, "`qr()`: a matrix made by gpu() is wanted");
  const ag_dtype type = x.type == AG_F64 || x.type == AG_F32 ? x.type
                        : x.array->dev->has_f64              ? AG_F64
                                                             : AG_F32;
  const ag_array like = {.type = type, .dev = x.array->dev};
  SEXP own_ = PROTECT(r_array_new());
  r_check(operand_copy(r_array_out(own_), &x, &like));
  stop_if_not_finite(*r_array_out(own_), 1);
  UNPROTECT(1);
  return own_;
}

/* list(qr, rank, qraux, pivot), of class "qr", without dimnames. */
SEXP ffi_qr(SEXP x_, SEXP tol_) {
  static const char *name[] = {"qr", "rank", "qraux", "pivot"};
  const double tol = Rf_asReal(tol_);
  x_ = PROTECT(r_adopt(x_));
  SEXP own_ = PROTECT(factored_copy(x_));
  ag_block a = ag_block_of(*r_array_out(own_));
  SEXP ans_ = PROTECT(Rf_allocVector(VECSXP, 4)), names_ = PROTECT(Rf_allocVector(STRSXP, 4));
  for (int i = 0; i < 4; i++) SET_STRING_ELT(names_, i, Rf_mkChar(name[i]));
  Rf_setAttrib(ans_, R_NamesSymbol, names_);
  SEXP aux_ = SET_VECTOR_ELT(ans_, 2, Rf_allocVector(REALSXP, a.cols)),
       pivot_ = SET_VECTOR_ELT(ans_, 3, Rf_allocVector(INTSXP, a.cols));
  int64_t rank;
  for (int64_t j = 0; j < a.cols; j++) INTEGER(pivot_)[j] = (int)j + 1;
  r_check(ag_qr_factor(&a, tol, &rank, REAL(aux_), INTEGER(pivot_)));
  SET_VECTOR_ELT(ans_, 0, r_array_object(own_));
  SET_VECTOR_ELT(ans_, 1, Rf_ScalarInteger((int)rank));
  Rf_setAttrib(ans_, R_ClassSymbol, Rf_mkString("qr"));
  UNPROTECT(4);
  return ans_;
}

/* -- what is made of it ------------------------------------------------------------------------ */
typedef struct {
  ag_array *qr; /* borrowed, materialised */
  const double *aux;
  int64_t k;
  ag_block a;
} factors;

/* qr_ is ours; the first k_ reflectors count. */
static factors factors_of(SEXP qr_, SEXP aux_, SEXP k_) {
  factors f = {.qr = r_array(qr_), .k = Rf_asInteger(k_)};
  if (!f.qr || f.qr->shape.nd != 2 || (f.qr->type != AG_F64 && f.qr->type != AG_F32) ||
      TYPEOF(aux_) != REALSXP || XLENGTH(aux_) < f.k || f.k < 0 || f.k > f.qr->shape.dim[0] ||
      f.k > f.qr->shape.dim[1])
    r_stop(AG_E_ARGUMENT, "argument is not a QR decomposition");
  r_check(ag_array_force(1, &f.qr));
  f.aux = REAL(aux_);
  f.a = ag_block_of(f.qr);
  return f;
}

/* y as a matrix, copied, for its rows to be those of the factorisation. */
static SEXP rhs_copy(const factors *f, SEXP y_) {
  r_operand y;
  if (!r_operand_get(&y, y_) || y.shape.nd > 2)
    r_stop(AG_E_TYPE, "a numeric matrix or vector is wanted");
  if (y.shape.dim[0] != f->a.rows)
    r_stop(AG_E_SHAPE, "'qr' and 'y' must have the same number of rows");
  SEXP own_ = PROTECT(r_array_new());
  r_check(operand_copy(r_array_out(own_), &y, f->qr));
  UNPROTECT(1);
  return own_;
}

/* The owner's matrix in the shape of y_, with its names. */
static SEXP shaped_like(SEXP own_, SEXP y_) {
  SEXP ans_ = PROTECT(r_array_value(own_));
  r_copy_names(ans_, y_);
  r_set_class(ans_);
  UNPROTECT(1);
  return ans_;
}

static ag_status multiply(const factors *f, ag_array *y, int transposed) {
  const ag_block b = ag_block_of(y);
  return ag_qr_apply(&f->a, f->aux, AG_QR_LINPACK, f->k, &b, transposed);
}

/* Q y, or Q' y. */
SEXP ffi_qr_multiply(SEXP qr_, SEXP aux_, SEXP k_, SEXP y_, SEXP transposed_) {
  y_ = PROTECT(r_adopt(y_));
  const factors f = factors_of(qr_, aux_, k_);
  SEXP own_ = PROTECT(rhs_copy(&f, y_));
  stop_if_not_finite(*r_array_out(own_), 5);
  r_check(multiply(&f, *r_array_out(own_), Rf_asLogical(transposed_)));
  SEXP ans_ = shaped_like(own_, y_);
  UNPROTECT(2);
  return ans_;
}

/* Rows [first, first + n) of `from`, zeros in the others. */
static ag_status some_rows(ag_array **out, const ag_array *from, int64_t first, int64_t n) {
  AG_TRY(zeros(out, from, from->shape.dim[0], from->shape.dim[1]));
  const ag_block all = ag_block_of(from), to = ag_block_of(*out),
                 source = ag_block_part(&all, first, n, 0, all.cols),
                 target = ag_block_part(&to, first, n, 0, to.cols);
  return ag_block_copy(&target, &source, 0);
}

/* The part of y in the span of the first k columns, or (rest_) what it lacks. */
SEXP ffi_qr_project(SEXP qr_, SEXP aux_, SEXP k_, SEXP y_, SEXP rest_) {
  y_ = PROTECT(r_adopt(y_));
  const factors f = factors_of(qr_, aux_, k_);
  const int rest = Rf_asLogical(rest_);
  SEXP full_ = PROTECT(rhs_copy(&f, y_)), own_ = PROTECT(r_array_new());
  stop_if_not_finite(*r_array_out(full_), 5);
  r_check(multiply(&f, *r_array_out(full_), 1));
  r_check(some_rows(r_array_out(own_), *r_array_out(full_), rest ? f.k : 0,
                    rest ? f.a.rows - f.k : f.k));
  r_check(multiply(&f, *r_array_out(own_), 0));
  SEXP ans_ = shaped_like(own_, y_);
  UNPROTECT(3);
  return ans_;
}

/* The first k rows of Q' y, as a new matrix. */
static ag_status top_rows(ag_array **out, const factors *f, ag_array *y) {
  AG_TRY(multiply(f, y, 1));
  AG_TRY(zeros(out, y, f->k, y->shape.dim[1]));
  const ag_block all = ag_block_of(y), to = ag_block_of(*out),
                 source = ag_block_part(&all, 0, f->k, 0, all.cols);
  return ag_block_copy(&to, &source, 0);
}

/* Whether the triangle has a zero on its diagonal. */
static ag_status is_singular(int *yes, const factors *f, void *room) {
  const ag_block square = ag_block_part(&f->a, 0, f->k, 0, f->k),
                 diagonal = ag_block_diagonal(&square);
  AG_TRY(ag_block_read(&diagonal, room, 1));
  *yes = 0;
  for (int64_t i = 0; i < f->k; i++)
    *yes |= f->qr->type == AG_F64 ? ((double *)room)[i] == 0 : ((float *)room)[i] == 0;
  return AG_OK;
}

/* The k coefficients for each column of y, k x ncol(y); k > 0. */
SEXP ffi_qr_coef(SEXP qr_, SEXP aux_, SEXP k_, SEXP y_) {
  int singular;
  y_ = PROTECT(r_adopt(y_));
  const factors f = factors_of(qr_, aux_, k_);
  const ag_block r = ag_block_part(&f.a, 0, f.k, 0, f.k);
  SEXP full_ = PROTECT(rhs_copy(&f, y_)), own_ = PROTECT(r_array_new());
  r_check(is_singular(&singular, &f, R_alloc((size_t)f.k + 1, sizeof(double))));
  if (singular) r_stop(AG_E_ARGUMENT, "exact singularity in 'qr.coef'");
  r_check(top_rows(r_array_out(own_), &f, *r_array_out(full_)));
  const ag_block b = ag_block_of(*r_array_out(own_));
  r_check(ag_block_trsm(&r, (ag_tri){.upper = 1}, &b));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(3);
  return ans_;
}

/* x of the least norm with A' x = y, where A = Q R has full column rank: Q R'^-1 y. */
SEXP ffi_qr_least(SEXP qr_, SEXP aux_, SEXP k_, SEXP y_) {
  r_operand y;
  y_ = PROTECT(r_adopt(y_));
  const factors f = factors_of(qr_, aux_, k_);
  if (!r_operand_get(&y, y_) || y.shape.nd != 2 || y.shape.dim[0] != f.k)
    r_stop(AG_E_SHAPE, "a matrix of %d rows is wanted", (int)f.k);
  SEXP given_ = PROTECT(r_array_new()), own_ = PROTECT(r_array_new());
  r_check(operand_copy(r_array_out(given_), &y, f.qr));
  r_check(zeros(r_array_out(own_), f.qr, f.a.rows, y.shape.dim[1]));
  const ag_block x = ag_block_of(*r_array_out(own_)), from = ag_block_of(*r_array_out(given_)),
                 top = ag_block_part(&x, 0, f.k, 0, x.cols),
                 r = ag_block_part(&f.a, 0, f.k, 0, f.k);
  r_check(ag_block_copy(&top, &from, 0));
  r_check(ag_block_trsm(&r, (ag_tri){.upper = 1, .trans = 1}, &top));
  r_check(multiply(&f, *r_array_out(own_), 0));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(3);
  return ans_;
}

/* The first rows_ rows of R. */
SEXP ffi_qr_upper(SEXP qr_, SEXP rows_) {
  ag_array *qr = r_array(qr_);
  if (!qr || qr->shape.nd != 2) r_stop(AG_E_TYPE, "an array is wanted");
  const int64_t rows = Rf_asInteger(rows_);
  r_check(ag_array_force(1, &qr));
  SEXP own_ = PROTECT(r_array_new());
  r_check(zeros(r_array_out(own_), qr, rows, qr->shape.dim[1]));
  const ag_block all = ag_block_of(qr), from = ag_block_part(&all, 0, rows, 0, all.cols),
                 to = ag_block_of(*r_array_out(own_));
  r_check(ag_block_triangle(&to, &from, 1, 0));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(1);
  return ans_;
}

/* Q D, D with the vector (or the upper triangular matrix) d_ on its diagonal (in its first columns)
 * and cols_ columns. */
SEXP ffi_qr_expand(SEXP qr_, SEXP aux_, SEXP k_, SEXP d_, SEXP cols_) {
  r_operand d;
  d_ = PROTECT(r_adopt(d_));
  const factors f = factors_of(qr_, aux_, k_);
  if (!r_operand_get(&d, d_)) r_stop(AG_E_TYPE, "numbers are wanted");
  SEXP given_ = PROTECT(r_array_new()), own_ = PROTECT(r_array_new());
  r_check(operand_copy(r_array_out(given_), &d, f.qr));
  r_check(zeros(r_array_out(own_), f.qr, f.a.rows, Rf_asInteger(cols_)));
  const ag_block c = ag_block_of(*r_array_out(own_)), from = ag_block_of(*r_array_out(given_)),
                 corner = ag_block_part(&c, 0, c.rows, 0, from.cols),
                 diagonal = ag_block_diagonal(&c);
  if (d.shape.nd == 2) r_check(ag_block_copy(&corner, &from, 0));
  else r_check(ag_block_copy(&diagonal, &from, 1));
  r_check(ag_qr_expand(&f.a, f.aux, AG_QR_LINPACK, f.k, &c));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(3);
  return ans_;
}
