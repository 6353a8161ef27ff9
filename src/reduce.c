/* Reductions to a number. Along dimensions: rowstats.c. */
#include "glue.h"
#include <math.h>
#include <string.h>

/* R's names of the reductions. */
static const struct {
  const char *name;
  ag_reduction r;
  int keeps; /* integers give an integer */
} reductions[] = {{"sum", AG_SUM, 1},
                  {"mean", AG_MEAN, 0},
                  {"prod", AG_PROD, 0},
                  {"min", AG_MIN, 1},
                  {"max", AG_MAX, 1},
                  {"any", AG_ANY, 0},
                  {"all", AG_ALL, 0},
                  {"which.max", AG_WHICH_MAX, 0},
                  {"which.min", AG_WHICH_MIN, 0}};
#define NREDUCTIONS (int)(sizeof reductions / sizeof *reductions)

static int find_reduction(SEXP name_) {
  for (int i = 0; i < NREDUCTIONS; i++)
    if (!strcmp(CHAR(STRING_ELT(name_, 0)), reductions[i].name)) return i;
  r_stop(AG_E_ARGUMENT, "no such reduction: %s", CHAR(STRING_ELT(name_, 0)));
  return -1;
}

static int is_real(const ag_array *a) { return a->type == AG_F64 || a->type == AG_F32; }

/* The real type that holds what integers are reduced to; AG_F32 holds whole numbers to 2^24 only.
 */
static ag_dtype real_of(const ag_array *a) { return a->dev->has_f64 ? AG_F64 : AG_F32; }

/* The extreme of nothing is R's, with its warning. */
static int accelerated(int k, const ag_array *a) {
  ag_reduction r = reductions[k].r;
  if (r == AG_MIN || r == AG_MAX) return ag_array_count(a) > 0;
  if (is_real(a) || r == AG_ANY || r == AG_ALL || a->dev->has_f64) return 1;
  return a->type == AG_BOOL && ag_array_count(a) < 16777216 && r != AG_PROD;
}

static ag_status reduce(ag_array **out, int k, ag_array *a, int skip) {
  ag_dtype type = reductions[k].keeps ? AG_I32 : real_of(a);
  return ag_expr_reduce_as(out, a, reductions[k].r, 0, a->shape.nd, 0, skip, type);
}

/* Whether some element is missing: runs what is pending. */
static ag_status any_missing(int *found, ag_array *a) {
  ag_array *mask, *is = NULL, *any = NULL;
  int32_t value = 0;
  AG_TRY(ag_expr_cast(&mask, a, AG_BOOL));
  ag_status s = ag_expr_unary(&is, AG_OP_is_na, mask);
  if (s == AG_OK) s = ag_expr_reduce(&any, is, AG_ANY, 0, a->shape.nd, 0);
  if (s == AG_OK) s = ag_array_read(any, &value, AG_I32);
  ag_array_release(mask), ag_array_release(is), ag_array_release(any);
  *found = value != 0;
  return s;
}

/* What a type known beforehand does not hold: a sum of integers past R's integers, and the extreme
 * where all may be missing. Such results are looked at. */
static int must_look(int k, const ag_array *a, int skip) {
  if (a->traced) return 0;
  if (reductions[k].r == AG_SUM) return a->type == AG_I32;
  return skip && (reductions[k].r == AG_MIN || reductions[k].r == AG_MAX);
}

static ag_status holds(int *ok, int k, ag_array *a, ag_array *result, int skip) {
  double value;
  int missing = 0;
  AG_TRY(ag_array_read(result, &value, AG_F64));
  *ok = 1;
  if (reductions[k].r != AG_SUM) {
    *ok = fabs(value) < (is_real(a) ? (double)INFINITY : 2147483647.0);
  } else if (value != value) {
    if (!skip) AG_TRY(any_missing(&missing, a));
    *ok = missing;
  }
  return AG_OK;
}

/* NULL when R has to do it. */
SEXP ffi_reduce(SEXP name_, SEXP x_, SEXP narm_) {
  int k = find_reduction(name_), skip = Rf_asLogical(narm_) == TRUE, ok = 1;
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = r_array(x_);
  SEXP own_ = PROTECT(r_array_new()), ans_ = R_NilValue;
  if (a && accelerated(k, a)) {
    r_check(reduce(r_array_out(own_), k, a, skip));
    if (must_look(k, a, skip)) r_check(holds(&ok, k, a, *r_array_out(own_), skip));
    if (ok) ans_ = r_array_number(own_);
  }
  UNPROTECT(2);
  return ans_;
}

/* which.min and which.max: the place as R's integer, 0 if there is none. */
SEXP ffi_which_extreme(SEXP name_, SEXP x_) {
  int k = find_reduction(name_), at = -1;
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = r_array(x_);
  if (!a) r_stop(AG_E_TYPE, "an array is wanted");
  SEXP own_ = PROTECT(r_array_new());
  if (ag_array_count(a)) {
    r_check(reduce(r_array_out(own_), k, a, 0));
    r_check(ag_array_read(*r_array_out(own_), &at, AG_I32));
  }
  UNPROTECT(2);
  return Rf_ScalarInteger(at + 1);
}

/* -- scans ------------------------------------------------------------------------------------- */
static const struct {
  const char *name;
  ag_reduction r;
} scans[] = {{"cumsum", AG_SUM}, {"cumprod", AG_PROD}, {"cummax", AG_MAX}, {"cummin", AG_MIN}};

static int find_scan(SEXP name_) {
  for (int i = 0; i < 4; i++)
    if (!strcmp(CHAR(STRING_ELT(name_, 0)), scans[i].name)) return i;
  r_stop(AG_E_ARGUMENT, "no such scan: %s", CHAR(STRING_ELT(name_, 0)));
  return -1;
}

/* The number of missing elements of y, and the place of the first one in x (or the length). */
static ag_status count_missing(int *count, int *first, ag_array *y, ag_array *x) {
  ag_array *node[6] = {NULL};
  int32_t any = 0, at = 0;
  ag_status s = ag_expr_cast(&node[0], y, AG_BOOL);
  if (s == AG_OK) s = ag_expr_unary(&node[1], AG_OP_is_na, node[0]);
  if (s == AG_OK) s = ag_expr_reduce_as(&node[2], node[1], AG_SUM, 0, y->shape.nd, 0, 0, AG_I32);
  if (s == AG_OK) s = ag_array_read(node[2], count, AG_I32);
  if (s == AG_OK && *count) {
    s = any_missing(&any, x);
    if (s == AG_OK) s = ag_expr_cast(&node[3], x, AG_BOOL);
    if (s == AG_OK) s = ag_expr_unary(&node[4], AG_OP_is_na, node[3]);
    if (s == AG_OK) s = ag_expr_reduce(&node[5], node[4], AG_WHICH_MAX, 0, x->shape.nd, 0);
    if (s == AG_OK) s = ag_array_read(node[5], &at, AG_I32);
  }
  *first = any ? at : (int)ag_array_count(x);
  for (int i = 0; i < 6; i++) ag_array_release(node[i]);
  return s;
}

/* A sum of integers that does not fit is missing though nothing before it is. */
static int overflows(ag_array *y, ag_array *x) {
  int count = 0, first = 0;
  if (y->type != AG_I32 || y->traced) return 0;
  r_check(count_missing(&count, &first, y, x));
  return count > ag_array_count(x) - first;
}

/* NULL when R has to do it, for a warning of its own. */
SEXP ffi_scan(SEXP name_, SEXP x_) {
  int k = find_scan(name_);
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = r_array(x_);
  if (!a || (scans[k].r == AG_PROD && !is_real(a) && !a->dev->has_f64)) {
    UNPROTECT(1);
    return R_NilValue;
  }
  SEXP own_ = PROTECT(r_array_new()), flat_ = PROTECT(r_array_new());
  r_check(ag_expr_reshape(r_array_out(flat_), a, ag_shape_of(1, ag_array_count(a))));
  r_check(ag_expr_scan(r_array_out(own_), *r_array_out(flat_), scans[k].r, 0, 1));
  if (scans[k].r == AG_SUM && overflows(*r_array_out(own_), *r_array_out(flat_))) {
    UNPROTECT(3);
    return R_NilValue;
  }
  SEXP ans_ = PROTECT(r_array_object(own_));
  Rf_setAttrib(ans_, R_NamesSymbol, PROTECT(Rf_getAttrib(x_, R_NamesSymbol)));
  UNPROTECT(5);
  return ans_;
}

/* Along the rows (rows_ TRUE) or columns of a matrix. */
SEXP ffi_scan_rows(SEXP name_, SEXP x_, SEXP rows_) {
  int k = find_scan(name_), axis = Rf_asLogical(rows_) == TRUE;
  ag_array *a = r_array(x_);
  if (!a || a->shape.nd != 2) r_stop(AG_E_SHAPE, "a matrix is wanted");
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_expr_scan(r_array_out(own_), a, scans[k].r, axis, axis + 1));
  SEXP ans_ = PROTECT(r_array_object(own_));
  Rf_setAttrib(ans_, R_DimNamesSymbol, PROTECT(Rf_getAttrib(x_, R_DimNamesSymbol)));
  UNPROTECT(3);
  return ans_;
}
