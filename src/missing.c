/* Missing values: is.na() and its like, and NAs that an operation made. */
#include "glue.h"
#include <string.h>

static int is_real(const ag_array *x) { return x->type == AG_F64 || x->type == AG_F32; }

/* NaN is missing to is.na(). */
static ag_status missing(ag_array **out, ag_array *x) {
  return ag_expr_unary(out, is_real(x) ? AG_OP_missing : AG_OP_is_na, x);
}

/* -- tests of each element --------------------------------------------------------------------- */
/* Integers are finite or NA, never NaN or infinite. */
static ag_status test_integers(ag_array **out, int op, ag_array *x) {
  if (op != AG_OP_is_finite) return ag_array_zeros(out, x->dev, AG_BOOL, x->shape);
  ag_array *na;
  AG_TRY(missing(&na, x));
  ag_status status = ag_expr_unary(out, AG_OP_not, na);
  ag_array_release(na);
  return status;
}

static ag_status is_nan(ag_array **out, ag_array *x) {
  ag_array *number;
  AG_TRY(ag_expr_unary(&number, AG_OP_nan, x));
  ag_status status = ag_expr_cast(out, number, AG_BOOL);
  ag_array_release(number);
  return status;
}

static ag_status test(ag_array **out, const char *name, ag_array *x) {
  if (!strcmp(name, "is.na")) return missing(out, x);
  int op = ag_op_find(name, 1);
  if (!is_real(x)) return test_integers(out, op, x);
  return op < 0 ? is_nan(out, x) : ag_expr_unary(out, (ag_op)op, x);
}

/* "is.na", "is.nan", "is.finite" or "is.infinite" of an array. */
SEXP ffi_test(SEXP name_, SEXP x_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = r_array(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(test(r_array_out(own_), CHAR(STRING_ELT(name_, 0)), a));
  SEXP ans_ = PROTECT(r_array_value(own_));
  r_copy_names(ans_, x_);
  r_set_class(ans_);
  UNPROTECT(3);
  return ans_;
}

/* -- NAs that were made ------------------------------------------------------------------------ */
static ag_status any_true(int *yes, ag_array *x) {
  ag_array *any;
  AG_TRY(ag_expr_reduce(&any, x, AG_ANY, 0, x->shape.nd, 0));
  ag_status status = ag_array_read(any, yes, AG_BOOL);
  ag_array_release(any);
  return status;
}

/* *is is no longer true where x is missing. */
static ag_status but_where_missing(ag_array **is, ag_array *x) {
  ag_array *na, *rest = NULL;
  AG_TRY(missing(&na, x));
  ag_status status = ag_expr_binary(&rest, AG_OP_int_gt, *is, na);
  ag_array_release(na);
  ag_array_release(*is);
  *is = rest;
  return status;
}

/* Most arrays have no NA: then one look is enough. */
ag_status r_new_missing(int *yes, ag_array *x, int n, ag_array *const *from) {
  ag_array *is;
  *yes = 0;
  if (x->traced || ag_array_count(x) == 0) return AG_OK;
  AG_TRY(ag_array_force(1, &x));
  AG_TRY(missing(&is, x));
  ag_status status = any_true(yes, is);
  for (int i = 0; i < n && *yes && status == AG_OK; i++) status = but_where_missing(&is, from[i]);
  if (n && *yes && status == AG_OK) status = any_true(yes, is);
  ag_array_release(is);
  return status;
}
