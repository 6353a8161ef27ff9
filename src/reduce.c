/* Reductions to a lazy number, or along dimensions. */
#include "glue.h"
#include <string.h>

/* R's names of the reductions, and the type of the result for logical and integer arrays. */
static const struct {
  const char *name;
  ag_reduction r;
  int counts;  /* integer result for logical arrays */
  int logical; /* for logical arrays only */
} reductions[] = {{"sum", AG_SUM, 1, 0}, {"mean", AG_MEAN, 0, 0}, {"prod", AG_PROD, 0, 0},
                  {"min", AG_MIN, 1, 0}, {"max", AG_MAX, 1, 0},   {"any", AG_ANY, 0, 1},
                  {"all", AG_ALL, 0, 1}};
#define NREDUCTIONS (int)(sizeof reductions / sizeof *reductions)

static int find_reduction(SEXP name_) {
  for (int i = 0; i < NREDUCTIONS; i++)
    if (!strcmp(CHAR(STRING_ELT(name_, 0)), reductions[i].name)) return i;
  return -1;
}

/* Integers would need exact sums; float32 holds whole numbers to 2^24. */
static int accelerated(int k, const ag_array *a) {
  int is_real = a->type == AG_F64 || a->type == AG_F32;
  int empty = ag_array_count(a) == 0;
  if (reductions[k].logical) return a->type == AG_BOOL;
  if (empty && (reductions[k].r == AG_MIN || reductions[k].r == AG_MAX)) return 0;
  if (is_real) return 1;
  if (a->type == AG_I32) return a->dev->has_f64 && reductions[k].r != AG_SUM;
  return ag_array_count(a) < (a->dev->has_f64 ? 2147483648 : 16777216);
}

static ag_status reduce(ag_array **out, int k, ag_array *a) {
  int to_int = reductions[k].counts && (a->type == AG_BOOL || a->type == AG_I32);
  if (!to_int) return ag_expr_reduce(out, a, reductions[k].r, 0, a->shape.nd, 0);
  ag_array *real;
  AG_TRY(ag_expr_reduce(&real, a, reductions[k].r, 0, a->shape.nd, 0));
  ag_status status = ag_expr_cast(out, real, AG_I32);
  ag_array_release(real);
  return status;
}

/* NULL when R has to do it. */
SEXP ffi_reduce(SEXP name_, SEXP x_) {
  int k = find_reduction(name_);
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = r_array(x_);
  SEXP own_ = PROTECT(r_array_new()), ans_ = R_NilValue;
  if (k >= 0 && a && accelerated(k, a)) {
    r_check(reduce(r_array_out(own_), k, a));
    ans_ = r_array_number(own_);
  }
  UNPROTECT(2);
  return ans_;
}

/* The names of what is left: dimensions [first, last) of x. */
static void keep_dimnames(SEXP ans_, SEXP x_, int first, int last) {
  SEXP names_ = PROTECT(Rf_getAttrib(x_, R_DimNamesSymbol));
  if (!Rf_isNull(names_) && last - first == 1)
    Rf_setAttrib(ans_, R_NamesSymbol, VECTOR_ELT(names_, first));
  if (!Rf_isNull(names_) && last - first > 1) {
    SEXP kept_ = PROTECT(Rf_allocVector(VECSXP, last - first));
    SEXP titles_ = PROTECT(Rf_getAttrib(names_, R_NamesSymbol));
    SEXP kept_titles_ =
        PROTECT(Rf_isNull(titles_) ? R_NilValue : Rf_allocVector(STRSXP, last - first));
    for (int i = first; i < last; i++) {
      SET_VECTOR_ELT(kept_, i - first, VECTOR_ELT(names_, i));
      if (!Rf_isNull(titles_)) SET_STRING_ELT(kept_titles_, i - first, STRING_ELT(titles_, i));
    }
    Rf_setAttrib(kept_, R_NamesSymbol, kept_titles_);
    Rf_setAttrib(ans_, R_DimNamesSymbol, kept_);
    UNPROTECT(3);
  }
  UNPROTECT(1);
}

/* colSums and the like: rows_ FALSE reduces the first `dims` dimensions, TRUE the others. NULL when
 * R has to. */
SEXP ffi_reduce_dims(SEXP name_, SEXP x_, SEXP rows_, SEXP dims_) {
  int k = find_reduction(name_), dims = Rf_asInteger(dims_), rows = Rf_asLogical(rows_);
  ag_array *a = r_array(x_);
  if (!a || a->shape.nd < 2 || dims < 1 || dims >= a->shape.nd) return R_NilValue;
  int first = rows ? dims : 0, last = rows ? a->shape.nd : dims;
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_expr_reduce(r_array_out(own_), a, reductions[k].r, first, last, 0));
  SEXP ans_ = PROTECT(r_array_object(own_));
  keep_dimnames(ans_, x_, rows ? 0 : dims, rows ? dims : a->shape.nd);
  UNPROTECT(2);
  return ans_;
}

/* 1 + the first place of each row's maximum; NA (a NaN on the way) in rows with a NaN. */
static ag_status which_max(ag_array **out, ag_array *a) {
  ag_array *place = NULL, *top = NULL, *valid = NULL, *product = NULL, *one = NULL, *sum = NULL;
  ag_status s = ag_expr_reduce(&place, a, AG_WHICH_MAX, 1, 2, 0);
  if (s == AG_OK) s = ag_expr_reduce(&top, a, AG_MAX, 1, 2, 0);
  if (s == AG_OK) s = ag_expr_binary(&valid, AG_OP_eq, top, top);
  if (s == AG_OK) s = ag_expr_binary(&product, AG_OP_mul, place, valid);
  if (s == AG_OK) s = ag_expr_scalar(&one, 1, product->type);
  if (s == AG_OK) s = ag_expr_binary(&sum, AG_OP_add, product, one);
  if (s == AG_OK) s = ag_expr_cast(out, sum, AG_I32);
  ag_array *owned[] = {place, top, valid, product, one, sum};
  for (int i = 0; i < 6; i++) ag_array_release(owned[i]);
  return s;
}

SEXP ffi_row_which_max(SEXP x_) {
  ag_array *a = r_array(x_);
  if (!a || a->shape.nd != 2) r_stop(AG_E_SHAPE, "a matrix is wanted");
  SEXP own_ = PROTECT(r_array_new());
  r_check(which_max(r_array_out(own_), a));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(1);
  return ans_;
}
