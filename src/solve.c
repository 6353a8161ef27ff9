/* Linear systems: solve(), chol(), chol2inv(), backsolve(), determinant(), rcond(), LU, with R's
 * checks, messages and names. */
#include "glue.h"
#include <float.h>
#include <limits.h>
#include <string.h>

/* -- 1 convert --------------------------------------------------------------------------------- */
typedef struct {
  r_operand x;
  int64_t rows, cols; /* a vector is a column */
} matrix;

/* 0 if x_ is no matrix or vector of numbers. */
static int matrix_get(matrix *m, SEXP x_) {
  if (!r_operand_get(&m->x, x_) || m->x.nd > 2) return 0;
  m->rows = m->x.nd == 2 ? m->x.shape.dim[0] : m->x.n;
  m->cols = m->x.nd == 2 ? m->x.shape.dim[1] : 1;
  return 1;
}

static int is_real(ag_dtype type) { return type == AG_F64 || type == AG_F32; }

/* The type to compute in: that of the arrays of ours among both, the wider one. b may be NULL. */
static ag_dtype common_type(const matrix *a, const matrix *b, const ag_device *d) {
  int f64 = 0, f32 = 0;
  const matrix *both[2] = {a, b};
  for (int i = 0; i < 2; i++)
    if (both[i] && both[i]->x.array && is_real(both[i]->x.type)) {
      if (both[i]->x.type == AG_F64) f64 = 1;
      else f32 = 1;
    }
  return f64 ? AG_F64 : f32 || !d->has_f64 ? AG_F32 : AG_F64;
}

static ag_device *common_device(const matrix *a, const matrix *b) {
  ag_device *of_a = a->x.array ? a->x.array->dev : NULL,
            *of_b = b && b->x.array ? b->x.array->dev : NULL;
  if (of_a && of_b && of_a != of_b)
    r_stop(AG_E_DEVICE, "arrays on one device are wanted, not on %s and %s", of_a->id, of_b->id);
  return of_a ? of_a : of_b;
}

/* -- 3 fill ------------------------------------------------------------------------------------ */
/* A matrix of reals on `d`, computed. */
static ag_status as_matrix(ag_array **out, const matrix *m, ag_device *d, ag_dtype type) {
  ag_array *x, *typed;
  r_operand o = m->x;
  o.nd = 2; /* a single number is an array here */
  AG_TRY(r_operand_array(&x, &o, d, type));
  ag_status status = ag_expr_cast(&typed, x, type);
  ag_array_release(x);
  AG_TRY(status);
  status = ag_expr_reshape(out, typed, ag_shape_of(2, m->rows, m->cols));
  ag_array_release(typed);
  AG_TRY(status);
  return ag_array_force(1, out);
}

static ag_status as_vector(ag_array **x, int64_t n) {
  ag_array *flat;
  AG_TRY(ag_expr_reshape(&flat, *x, ag_shape_of(1, n)));
  ag_array_release(*x);
  *x = flat;
  return AG_OK;
}

/* -- solve() ----------------------------------------------------------------------------------- */
enum { NEVER, AUTO, ALWAYS };
#define WORTH_REFINING 256 /* rows */

static int refine_mode(SEXP mode_) {
  static const char *const name[] = {"never", "auto", "always"};
  for (int i = NEVER; i <= ALWAYS; i++)
    if (Rf_isString(mode_) && Rf_length(mode_) == 1 && !strcmp(CHAR(STRING_ELT(mode_, 0)), name[i]))
      return i;
  r_stop(AG_E_ARGUMENT, "option anygpu.refine: \"auto\", \"always\" or \"never\" is wanted");
  return AUTO;
}

/* Whether float64 numbers are to be factored in float32. */
static ag_status wants_refining(int *yes, int mode, const matrix *a, ag_dtype type, ag_device *d) {
  *yes = 0;
  if (mode == NEVER) return AG_OK;
  if (type == AG_F32) { /* the numbers are more exact than what computes with them */
    *yes = !a->x.array && a->x.type == AG_F64 && (mode == ALWAYS || !d->has_f64);
    return AG_OK;
  }
  *yes = mode == ALWAYS;
  return mode == AUTO && a->rows >= WORTH_REFINING ? ag_solve_is_slow(yes, d) : AG_OK;
}

/* Arrays of `type` on `home`; `refined`: float64 there, factored in float32 on `d`. */
static ag_status solve_on(ag_array **out, ag_system *how, const matrix *a, const matrix *b,
                          ag_device *d, ag_device *home, ag_dtype type, double tol, int refined) {
  ag_array *x = NULL, *y = NULL;
  ag_status status = as_matrix(&x, a, home, type);
  if (status == AG_OK && b) status = as_matrix(&y, b, home, type);
  if (status == AG_OK)
    status = refined ? ag_solve_refined(out, how, d, x, y, tol) : ag_solve(out, how, x, y, tol);
  ag_array_release(x);
  ag_array_release(y);
  return status;
}

/* b, an array on `d`, goes to where float64 is. */
static ag_status solve_refined(ag_array **out, ag_system *how, const matrix *a, const matrix *b,
                               ag_device *d, ag_dtype type, double tol) {
  ag_device *home = d;
  matrix moved = b ? *b : (matrix){0};
  ag_array *there = NULL, *result = NULL;
  if (!d->has_f64) AG_TRY(ag_device_find(&home, "host"));
  if (b && b->x.array) {
    AG_TRY(ag_solve_move(&there, b->x.array, home, AG_F64));
    moved.x.array = there;
  }
  ag_status status = solve_on(&result, how, a, b ? &moved : NULL, d, home, AG_F64, tol, 1);
  if (status == AG_OK && result) status = ag_solve_move(out, result, d, type);
  ag_array_release(there);
  ag_array_release(result);
  return status;
}

static ag_status solve(ag_array **out, ag_system *how, const matrix *a, const matrix *b,
                       ag_device *d, double tol, int mode) {
  const ag_dtype type = common_type(a, b, d);
  int refining;
  AG_TRY(wants_refining(&refining, mode, a, type, d));
  if (ISNAN(tol)) tol = refining || type == AG_F64 ? DBL_EPSILON : FLT_EPSILON;
  AG_TRY(refining ? solve_refined(out, how, a, b, d, type, tol)
                  : solve_on(out, how, a, b, d, d, type, tol, 0));
  if (*out && b && b->x.nd < 2) return as_vector(out, a->rows);
  return AG_OK;
}

static void check_system(const matrix *a, const matrix *b, int have_b) {
  const int n = (int)a->rows;
  if (n == 0) r_stop(AG_E_SHAPE, "'a' is 0-diml");
  if (a->cols != n) r_stop(AG_E_SHAPE, "'a' (%d x %d) must be square", n, (int)a->cols);
  if (!have_b) return;
  if (b->cols == 0) r_stop(AG_E_SHAPE, "no right-hand side in 'b'");
  if (b->rows != n)
    r_stop(AG_E_SHAPE, "'b' (%d x %d) must be compatible with 'a' (%d x %d)", (int)b->rows,
           (int)b->cols, n, n);
}

static void check_singular(const ag_system *how, int found) {
  if (how->zero)
    r_stop(AG_E_ARGUMENT, "Lapack routine dgesv: system is exactly singular: U[%d,%d] = 0",
           (int)how->zero, (int)how->zero);
  if (!found)
    r_stop(AG_E_ARGUMENT, "system is computationally singular: reciprocal condition number = %g",
           how->rcond);
}

static SEXP dimnames_part(SEXP x_, int i) {
  SEXP names_ = Rf_getAttrib(x_, R_DimNamesSymbol);
  return Rf_length(names_) == 2 ? VECTOR_ELT(names_, i) : R_NilValue;
}

static void set_dimnames(SEXP x_, SEXP rows_, SEXP cols_) {
  if (Rf_isNull(rows_) && Rf_isNull(cols_)) return;
  SEXP names_ = PROTECT(Rf_allocVector(VECSXP, 2));
  SET_VECTOR_ELT(names_, 0, rows_);
  SET_VECTOR_ELT(names_, 1, cols_);
  Rf_setAttrib(x_, R_DimNamesSymbol, names_);
  UNPROTECT(1);
}

/* b_ NULL: the inverse. tol_ NA: the epsilon of the type. */
SEXP ffi_solve(SEXP a_, SEXP b_, SEXP tol_, SEXP refine_) {
  const int have_b = !Rf_isNull(b_), mode = refine_mode(refine_);
  const double tol = Rf_asReal(tol_);
  matrix a = {0}, b = {0};
  ag_system how;
  a_ = PROTECT(r_adopt(a_)), b_ = PROTECT(r_adopt(b_));
  if (!matrix_get(&a, a_)) r_stop(AG_E_TYPE, "'a' must be a numeric matrix");
  if (have_b && !matrix_get(&b, b_)) r_stop(AG_E_TYPE, "'b' must be a numeric matrix");
  check_system(&a, &b, have_b);
  ag_device *d = common_device(&a, have_b ? &b : NULL);
  SEXP own_ = PROTECT(r_array_new());
  r_check(solve(r_array_out(own_), &how, &a, have_b ? &b : NULL, d, tol, mode));
  check_singular(&how, *r_array_out(own_) != NULL);
  SEXP ans_ = PROTECT(r_array_object(own_)), rows_ = dimnames_part(a_, 1);
  if (!have_b) set_dimnames(ans_, rows_, dimnames_part(a_, 0));
  else if (b.x.nd == 2) set_dimnames(ans_, rows_, dimnames_part(b_, 1));
  else if (!Rf_isNull(rows_)) Rf_setAttrib(ans_, R_NamesSymbol, rows_);
  UNPROTECT(4);
  return ans_;
}

/* -- one matrix -------------------------------------------------------------------------------- */
/* An array of ours or what has its class, as a matrix; `name` is what the message calls it. */
static SEXP own_matrix(matrix *m, SEXP x_, const char *name) {
  x_ = PROTECT(r_adopt(x_));
  if (!matrix_get(m, x_) || !m->x.array) r_stop(AG_E_TYPE, "'%s' must be a numeric matrix", name);
  UNPROTECT(1);
  return x_;
}

static ag_status real_matrix(ag_array **out, const matrix *m) {
  ag_device *d = m->x.array->dev;
  return as_matrix(out, m, d, common_type(m, NULL, d));
}

static void check_square(const matrix *m, const char *message) {
  if (m->rows != m->cols) r_stop(AG_E_SHAPE, "%s", message);
}

/* -- chol() ------------------------------------------------------------------------------------ */
static ag_status chol(ag_array **out, const matrix *m, int pivoted, double tol, int32_t *pivot,
                      int64_t *found) {
  ag_array *x;
  AG_TRY(real_matrix(&x, m));
  ag_status status =
      pivoted ? ag_solve_chol_pivoted(out, tol, pivot, found, x) : ag_solve_chol(out, found, x);
  ag_array_release(x);
  return status;
}

/* An integer: the order of the leading minor that is not positive; or the factor, with attributes
 * pivot and rank if pivot_. */
SEXP ffi_chol(SEXP x_, SEXP pivot_, SEXP tol_) {
  const int pivoted = Rf_asLogical(pivot_) == TRUE;
  matrix m;
  int64_t found = 0;
  x_ = PROTECT(own_matrix(&m, x_, "a"));
  check_square(&m, "'a' must be a square matrix");
  if (m.rows == 0) r_stop(AG_E_SHAPE, "'a' must have dims > 0");
  SEXP order_ = PROTECT(Rf_allocVector(INTSXP, pivoted ? m.rows : 0));
  SEXP own_ = PROTECT(r_array_new());
  r_check(chol(r_array_out(own_), &m, pivoted, Rf_asReal(tol_), INTEGER(order_), &found));
  if (!*r_array_out(own_)) {
    UNPROTECT(3);
    return Rf_ScalarInteger((int)found);
  }
  SEXP ans_ = PROTECT(r_array_object(own_)), names_ = Rf_getAttrib(x_, R_DimNamesSymbol);
  if (!pivoted) {
    if (!Rf_isNull(names_)) Rf_setAttrib(ans_, R_DimNamesSymbol, names_);
  } else {
    SEXP cols_ = PROTECT(Rf_duplicate(dimnames_part(x_, 1)));
    for (int i = 0; i < m.rows; i++) {
      if (!Rf_isNull(cols_))
        SET_STRING_ELT(cols_, i, STRING_ELT(dimnames_part(x_, 1), INTEGER(order_)[i]));
      INTEGER(order_)[i]++;
    }
    set_dimnames(ans_, dimnames_part(x_, 0), cols_);
    Rf_setAttrib(ans_, Rf_install("pivot"), order_);
    SEXP rank_ = PROTECT(Rf_ScalarInteger((int)found));
    Rf_setAttrib(ans_, Rf_install("rank"), rank_);
    UNPROTECT(2);
  }
  UNPROTECT(4);
  return ans_;
}

static ag_status chol_inverse(ag_array **out, int64_t *zero, const matrix *m, int64_t n) {
  ag_array *x;
  AG_TRY(real_matrix(&x, m));
  ag_status status = ag_solve_chol_inverse(out, zero, x, n);
  ag_array_release(x);
  return status;
}

SEXP ffi_chol2inv(SEXP x_, SEXP size_) {
  const int n = Rf_asInteger(size_);
  int64_t zero;
  matrix m;
  x_ = PROTECT(own_matrix(&m, x_, "a"));
  if (n == NA_INTEGER || n < 1) r_stop(AG_E_ARGUMENT, "'size' argument must be a positive integer");
  if (n > m.cols) r_stop(AG_E_SHAPE, "'size' cannot exceed ncol(x) = %d", (int)m.cols);
  if (n > m.rows) r_stop(AG_E_SHAPE, "'size' cannot exceed nrow(x) = %d", (int)m.rows);
  SEXP own_ = PROTECT(r_array_new());
  r_check(chol_inverse(r_array_out(own_), &zero, &m, n));
  if (zero)
    r_stop(AG_E_ARGUMENT, "element (%d, %d) is zero, so the inverse cannot be computed", (int)zero,
           (int)zero);
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(2);
  return ans_;
}

/* -- backsolve() ------------------------------------------------------------------------------- */
static ag_status backsolve(ag_array **out, int64_t *zero, const matrix *r, const matrix *x,
                           ag_device *d, ag_tri how, int64_t k) {
  const ag_dtype type = common_type(r, x, d);
  ag_array *t = NULL, *b = NULL;
  ag_status status = as_matrix(&t, r, d, type);
  if (status == AG_OK) status = as_matrix(&b, x, d, type);
  if (status == AG_OK) status = ag_solve_triangle(out, zero, t, how, b, k);
  if (status == AG_OK && *out && x->x.nd < 2) status = as_vector(out, k);
  ag_array_release(t);
  ag_array_release(b);
  return status;
}

SEXP ffi_backsolve(SEXP r_, SEXP x_, SEXP k_, SEXP upper_, SEXP trans_) {
  const int k = Rf_asInteger(k_), upper = Rf_asLogical(upper_), trans = Rf_asLogical(trans_);
  int64_t zero;
  matrix r, x;
  r_ = PROTECT(r_adopt(r_)), x_ = PROTECT(r_adopt(x_));
  if (!matrix_get(&r, r_)) r_stop(AG_E_TYPE, "'r' must be a numeric matrix");
  if (!matrix_get(&x, x_)) r_stop(AG_E_TYPE, "'x' must be a numeric matrix");
  if (k == NA_INTEGER || k <= 0 || k > r.rows || k > r.cols || k > x.rows)
    r_stop(AG_E_ARGUMENT, "invalid '%s' argument", "k");
  if (upper == NA_LOGICAL) r_stop(AG_E_ARGUMENT, "invalid '%s' argument", "upper.tri");
  if (trans == NA_LOGICAL) r_stop(AG_E_ARGUMENT, "invalid '%s' argument", "transpose");
  ag_device *d = common_device(&r, &x);
  SEXP own_ = PROTECT(r_array_new());
  const ag_tri how = {.upper = upper, .trans = trans};
  r_check(backsolve(r_array_out(own_), &zero, &r, &x, d, how, k));
  if (zero)
    r_stop(AG_E_ARGUMENT, "singular matrix in 'backsolve'. First zero in diagonal [%d]", (int)zero);
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(3);
  return ans_;
}

/* -- numbers of a matrix ----------------------------------------------------------------------- */
static ag_status det(double *modulus, int *sign, const matrix *m, int logarithm) {
  ag_array *x;
  AG_TRY(real_matrix(&x, m));
  ag_status status = ag_solve_det(modulus, sign, x, logarithm);
  ag_array_release(x);
  return status;
}

/* c(modulus, sign) */
SEXP ffi_determinant(SEXP x_, SEXP logarithm_) {
  matrix m;
  int sign;
  double modulus;
  x_ = PROTECT(own_matrix(&m, x_, "a"));
  check_square(&m, "'a' must be a square matrix");
  r_check(det(&modulus, &sign, &m, Rf_asLogical(logarithm_) == TRUE));
  SEXP ans_ = Rf_allocVector(REALSXP, 2);
  REAL(ans_)[0] = modulus, REAL(ans_)[1] = sign;
  UNPROTECT(1);
  return ans_;
}

static ag_status rcond(double *out, const matrix *m, int rows, int triangular) {
  ag_array *x;
  AG_TRY(real_matrix(&x, m));
  const ag_block t = ag_block_of(x);
  ag_status status = triangular ? ag_cond_triangle(out, &t, 1, rows) : ag_solve_rcond(out, x, rows);
  ag_array_release(x);
  return status;
}

/* Of a square matrix, or of its upper triangle. */
SEXP ffi_rcond(SEXP x_, SEXP rows_, SEXP triangular_) {
  matrix m;
  double ans;
  x_ = PROTECT(own_matrix(&m, x_, "A"));
  check_square(&m, "'A' must be a square matrix");
  r_check(rcond(&ans, &m, Rf_asLogical(rows_), Rf_asLogical(triangular_)));
  UNPROTECT(1);
  return Rf_ScalarReal(ans);
}

/* -- LU ---------------------------------------------------------------------------------------- */
static ag_status lu(ag_array **l, ag_array **u, int32_t *perm, const matrix *m) {
  ag_array *x;
  AG_TRY(real_matrix(&x, m));
  ag_status status = ag_solve_lu(l, u, perm, x);
  ag_array_release(x);
  return status;
}

/* list(l, u, pivot): x[pivot, ] = l u */
SEXP ffi_lu(SEXP x_) {
  matrix m;
  x_ = PROTECT(own_matrix(&m, x_, "x"));
  SEXP perm_ = PROTECT(Rf_allocVector(INTSXP, m.rows));
  SEXP l_ = PROTECT(r_array_new()), u_ = PROTECT(r_array_new());
  r_check(lu(r_array_out(l_), r_array_out(u_), INTEGER(perm_), &m));
  for (int i = 0; i < m.rows; i++) INTEGER(perm_)[i]++;
  SEXP ans_ = PROTECT(Rf_allocVector(VECSXP, 3));
  SET_VECTOR_ELT(ans_, 0, r_array_object(l_));
  SET_VECTOR_ELT(ans_, 1, r_array_object(u_));
  SET_VECTOR_ELT(ans_, 2, perm_);
  UNPROTECT(5);
  return ans_;
}
