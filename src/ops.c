/* Elementwise operators and functions, with R's rules for the attributes of the result. */
#include "glue.h"
#include <math.h>

/* What is not accelerated: base R on the values, and its result as an array again. */
static SEXP fallback(SEXP op_, SEXP x_, SEXP y_) {
  return r_call("fallback", y_ ? 3 : 2, op_, x_, y_);
}

static int is_real(ag_dtype type) { return type == AG_F64 || type == AG_F32; }

static const ag_device *device_of(const r_operand *x, const r_operand *y) {
  return x->array && x->array->dev ? x->array->dev : y->array ? y->array->dev : NULL;
}

/* -- which row --------------------------------------------------------------------------------- */
/* No real; in a comparison also a plain whole number, which compares alike as an integer. */
static int is_integer(const r_operand *o, int compares) {
  if (!is_real(o->type)) return 1;
  if (!compares || o->array || o->n != 1 || o->nd) return 0;
  double v = *(const double *)o->data;
  return v == trunc(v) && fabs(v) <= 2147483647;
}

/* R's arithmetic of integers gives integers: where no operand is real, the row of integers if there
 * is one. */
static int row_of(int op, const r_operand *x, const r_operand *y) {
  int compares = ag_op_gives_logical(ag_op_get((ag_op)op)->group);
  int of_integers = ag_op_of_integers((ag_op)op);
  return of_integers >= 0 && is_integer(x, compares) && is_integer(y, compares) ? of_integers : op;
}

/* -- what is left to R ------------------------------------------------------------------------- */
/* Comparing integers with reals: they do not fit float32. */
static int accelerated_type(int op, const r_operand *x, const r_operand *y) {
  if (ag_op_get((ag_op)op)->group != AG_COMPARE || device_of(x, y)->has_f64) return 1;
  return x->type != AG_I32 && y->type != AG_I32;
}

/* An array of one element beside a longer vector, and vectors without elements, have rules of their
 * own. */
static int accelerated_shape(const r_operand *x, const r_operand *y) {
  if (x->n != y->n && (x->n == 0 || y->n == 0)) return 0;
  if (x->nd && !y->nd && x->n == 1 && y->n > 1) return 0;
  if (y->nd && !x->nd && y->n == 1 && x->n > 1) return 0;
  return 1;
}

/* -- shapes that do not fit -------------------------------------------------------------------- */
static void check_shapes(const char *op, const r_operand *x, const r_operand *y) {
  int arrays = (x->nd > 0) + (y->nd > 0);
  const r_operand *array = x->nd ? x : y, *other = array == x ? y : x;
  if (arrays == 0 || (arrays == 1 && other->n <= array->n)) return;
  if (arrays == 2 && x->nd == y->nd && ag_shape_equal(&x->shape, &y->shape)) return;
  char xt[200], yt[200];
  ag_shape_print(&x->shape, xt, sizeof xt), ag_shape_print(&y->shape, yt, sizeof yt);
  r_stop(AG_E_SHAPE, "`%s`: non-conformable arrays: x is %s, y is %s", op, xt, yt);
}

static void warn_recycling(const r_operand *x, const r_operand *y) {
  int64_t longer = x->n > y->n ? x->n : y->n, shorter = x->n > y->n ? y->n : x->n;
  if (shorter > 1 && longer % shorter) r_call("warn_recycling", 0, NULL, NULL, NULL);
}

/* -- attributes -------------------------------------------------------------------------------- */
/* As R's arithmetic: the dim of an array, the names of x or else y where the length is right; Arith
 * keeps other attributes too, those of x over those of y. */
static void copy_attributes(SEXP ans_, SEXP x_, const r_operand *x, SEXP y_, const r_operand *y,
                            int most) {
  R_xlen_t n = XLENGTH(ans_);
  if (most && y->n == n) Rf_copyMostAttrib(y_, ans_);
  if (most && x->n == n) Rf_copyMostAttrib(x_, ans_);
  int xarray = x->nd > 0, yarray = y->nd > 0;
  SEXP name = xarray || yarray ? R_DimNamesSymbol : R_NamesSymbol;
  if (xarray || yarray)
    Rf_setAttrib(ans_, R_DimSymbol, Rf_getAttrib(xarray ? x_ : y_, R_DimSymbol));
  SEXP names_ = x->n == n && xarray >= yarray ? Rf_getAttrib(x_, name) : R_NilValue;
  if (Rf_isNull(names_) && y->n == n && yarray >= xarray) names_ = Rf_getAttrib(y_, name);
  if (!Rf_isNull(names_)) Rf_setAttrib(ans_, name, PROTECT(names_)), UNPROTECT(1);
}

void r_copy_names(SEXP ans_, SEXP x_) {
  SEXP dim_ = Rf_getAttrib(x_, R_DimSymbol);
  SEXP name = Rf_isNull(dim_) ? R_NamesSymbol : R_DimNamesSymbol;
  if (!Rf_isNull(dim_)) Rf_setAttrib(ans_, R_DimSymbol, dim_);
  SEXP names_ = PROTECT(Rf_getAttrib(x_, name));
  if (!Rf_isNull(names_)) Rf_setAttrib(ans_, name, names_);
  UNPROTECT(1);
}

void r_name_dims(SEXP ans_, int nd, const SEXP *dimnames_, const int *at) {
  SEXP names_ = PROTECT(Rf_allocVector(VECSXP, nd)), titles_ = PROTECT(Rf_allocVector(STRSXP, nd));
  int named = 0, titled = 0;
  for (int i = 0; i < nd; i++) {
    if (Rf_length(dimnames_[i]) <= at[i]) continue;
    SET_VECTOR_ELT(names_, i, VECTOR_ELT(dimnames_[i], at[i]));
    named |= !Rf_isNull(VECTOR_ELT(names_, i));
    SEXP title_ = Rf_getAttrib(dimnames_[i], R_NamesSymbol);
    if (!Rf_isNull(title_)) SET_STRING_ELT(titles_, i, STRING_ELT(title_, at[i])), titled = 1;
  }
  if (titled) Rf_setAttrib(names_, R_NamesSymbol, titles_);
  if (named) Rf_setAttrib(ans_, R_DimNamesSymbol, names_);
  UNPROTECT(2);
}

/* -- two operands ------------------------------------------------------------------------------ */
/* What plain values become: they adapt to the array they meet. */
static ag_dtype plain_type(int op, const r_operand *x, const r_operand *y) {
  ag_op_domain takes = ag_op_takes(ag_op_get((ag_op)op)->group);
  if (takes != AG_OF_REAL) return takes == AG_OF_INT ? AG_I32 : AG_BOOL;
  if (x->array && is_real(x->type) && x->n >= (y->array ? y->n : 0)) return x->type;
  if (y->array && is_real(y->type)) return y->type;
  if (x->array && is_real(x->type)) return x->type;
  return device_of(x, y)->has_f64 ? AG_F64 : AG_F32;
}

/* Whether the sum, difference or product of integers may not fit. */
static int may_overflow(int op, const r_operand *x, const r_operand *y) {
  int logical = (x->type == AG_BOOL) + (y->type == AG_BOOL);
  switch (op) {
  case AG_OP_int_add:
  case AG_OP_int_sub: return logical < 2;
  case AG_OP_int_mul: return logical == 0;
  default: return 0;
  }
}

/* *new_na: whether a sum, difference or product of integers did not fit. That takes a look at the
 * values, so these are computed at once. */
static ag_status binary(ag_array **out, int *new_na, int op, const r_operand *x,
                        const r_operand *y) {
  ag_device *d = (ag_device *)device_of(x, y);
  ag_dtype type = plain_type(op, x, y);
  ag_array *arg[2] = {NULL, NULL};
  *new_na = 0;
  ag_status status = r_operand_array(&arg[0], x, d, type);
  if (status == AG_OK) status = r_operand_array(&arg[1], y, d, type);
  if (status == AG_OK) status = ag_expr_binary(out, (ag_op)op, arg[0], arg[1]);
  if (status == AG_OK && may_overflow(op, x, y)) status = r_new_missing(new_na, *out, 2, arg);
  ag_array_release(arg[0]);
  ag_array_release(arg[1]);
  return status;
}

SEXP ffi_binary(SEXP op_, SEXP x_, SEXP y_) {
  const char *name = CHAR(STRING_ELT(op_, 0));
  int op = ag_op_find(name, 2), row = op, new_na;
  x_ = PROTECT(r_adopt(x_)), y_ = PROTECT(r_adopt(y_));
  r_operand x, y;
  int ours = op >= 0 && r_operand_get(&x, x_) && r_operand_get(&y, y_);
  if (ours) row = row_of(op, &x, &y);
  if (!ours || !accelerated_type(row, &x, &y) || !accelerated_shape(&x, &y)) {
    SEXP ans_ = fallback(op_, x_, y_);
    UNPROTECT(2);
    return ans_;
  }
  check_shapes(name, &x, &y);
  if (x.n != y.n) warn_recycling(&x, &y);
  SEXP own_ = PROTECT(r_array_new());
  r_check(binary(r_array_out(own_), &new_na, row, &x, &y));
  if (new_na) r_call("warn_overflow", 0, NULL, NULL, NULL);
  SEXP ans_ = PROTECT(r_array_value(own_));
  copy_attributes(ans_, x_, &x, y_, &y, ag_op_get((ag_op)op)->group == AG_ARITH);
  r_set_class(ans_);
  UNPROTECT(4);
  return ans_;
}

/* -- one operand ------------------------------------------------------------------------------- */
/* Whether this R's function makes integers of integers: abs() always does, floor() and its like do
 * in some versions. */
static int keeps_integers(const ag_op_info *op) {
  if (op->group == AG_ARITH) return 1;
  if (op->group != AG_MATH || !*op->r) return 0;
  SEXP one_ = PROTECT(Rf_ScalarInteger(1));
  SEXP call_ = PROTECT(Rf_lang2(Rf_install(op->r), one_));
  int keeps = TYPEOF(Rf_eval(call_, R_BaseEnv)) == INTSXP;
  UNPROTECT(2);
  return keeps;
}

/* The row of integers, or +x where there is none: rounding leaves them as they are. */
static int row_for_integers(int op) {
  static signed char known[AG_OP_COUNT]; /* 1: keeps integers, -1: does not */
  if (ag_op_takes(ag_op_get((ag_op)op)->group) != AG_OF_REAL) return op;
  if (!known[op]) known[op] = keeps_integers(ag_op_get((ag_op)op)) ? 1 : -1;
  int of_integers = ag_op_of_integers((ag_op)op);
  return known[op] < 0 ? op : of_integers >= 0 ? of_integers : AG_OP_int_pos;
}

SEXP ffi_unary(SEXP op_, SEXP x_) {
  int op = ag_op_find(CHAR(STRING_ELT(op_, 0)), 1);
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = r_array(x_);
  if (op < 0 || !a) {
    SEXP ans_ = fallback(op_, x_, NULL);
    UNPROTECT(1);
    return ans_;
  }
  if (!is_real(a->type)) op = row_for_integers(op);
  int logic = ag_op_get((ag_op)op)->group == AG_LOGIC;
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_expr_unary(r_array_out(own_), (ag_op)op, a));
  SEXP ans_ = PROTECT(r_array_value(own_));
  if (logic && a->type != AG_BOOL) r_copy_names(ans_, x_), r_set_class(ans_);
  else SHALLOW_DUPLICATE_ATTRIB(ans_, x_);
  if (!Rf_isObject(ans_) && XLENGTH(ans_) != 1) r_set_class(ans_);
  UNPROTECT(3);
  return ans_;
}

/* round(x, digits) as base R does it, in double: x with 10^digits, and the least number that has no
 * such digit. */
static ag_status round_to(ag_array **out, ag_array *x, double tens, double too_large) {
  ag_array *arg[3] = {NULL, NULL, NULL}, *rounded = NULL;
  ag_status s = ag_expr_cast(&arg[0], x, AG_F64);
  if (s == AG_OK) s = ag_expr_scalar(&arg[1], tens, AG_F64);
  if (s == AG_OK) s = ag_expr_scalar(&arg[2], too_large, AG_F64);
  if (s == AG_OK) s = ag_expr_apply(&rounded, AG_OP_round_to, arg);
  if (s == AG_OK) s = ag_expr_cast(out, rounded, x->type);
  ag_array_release(rounded);
  for (int i = 0; i < 3; i++) ag_array_release(arg[i]);
  return s;
}

/* NULL for what is left to R: integers, and devices without float64. */
SEXP ffi_round(SEXP x_, SEXP tens_, SEXP too_large_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = r_array(x_);
  SEXP own_ = PROTECT(r_array_new()), ans_ = R_NilValue;
  if (is_real(a->type) && a->dev && a->dev->has_f64) {
    r_check(round_to(r_array_out(own_), a, Rf_asReal(tens_), Rf_asReal(too_large_)));
    ans_ = r_array_value(own_);
    PROTECT(ans_);
    SHALLOW_DUPLICATE_ATTRIB(ans_, x_);
    UNPROTECT(1);
  }
  UNPROTECT(2);
  return ans_;
}

/* -- the table, for documentation and tests ---------------------------------------------------- */
static const char *group_name[] = {"Arith", "Compare", "Logic",   "Math",
                                   "nn",    "Test",    "Integer", "Integer"};

SEXP ffi_ops_table(void) {
  static const char *column[] = {"name",   "r",     "arity",          "group",
                                 "domain", "title", "differentiable", ""};
  SEXP ans_ = PROTECT(Rf_mkNamed(VECSXP, column));
  int n = AG_OP_COUNT / 3;
  for (int k = 0; k < 7; k++)
    SET_VECTOR_ELT(ans_, k, Rf_allocVector(k == 2 ? INTSXP : k == 6 ? LGLSXP : STRSXP, n));
  for (int i = 0; i < n;
       i++) { /* each row makes three operations, the first of them the row's own */
    const ag_op_info *op = ag_op_get((ag_op)(3 * i)), *da = ag_op_get((ag_op)(3 * i + 1));
    SET_STRING_ELT(VECTOR_ELT(ans_, 0), i, Rf_mkChar(op->name));
    SET_STRING_ELT(VECTOR_ELT(ans_, 1), i, Rf_mkChar(op->r));
    INTEGER(VECTOR_ELT(ans_, 2))[i] = op->arity;
    SET_STRING_ELT(VECTOR_ELT(ans_, 3), i, Rf_mkChar(group_name[op->group]));
    SET_STRING_ELT(VECTOR_ELT(ans_, 4), i, Rf_mkChar(op->domain));
    SET_STRING_ELT(VECTOR_ELT(ans_, 5), i, Rf_mkChar(op->title));
    LOGICAL(VECTOR_ELT(ans_, 6))
    [i] = da->differentiable && ag_op_takes(op->group) == AG_OF_REAL &&
          !ag_op_gives_logical(op->group);
  }
  UNPROTECT(1);
  return ans_;
}
