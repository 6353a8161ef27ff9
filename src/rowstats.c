/* Statistics of the rows or columns of an array, and vectors stretched over it. */
#include "glue.h"
#include <float.h>
#include <string.h>

/* What is reduced: dimensions [first, last) of x; missing values are left out where skip. */
typedef struct {
  ag_array *x;
  int first, last, skip;
} task;

static int is_real(ag_dtype type) { return type == AG_F64 || type == AG_F32; }

static ag_dtype real_of(const ag_array *a) {
  return is_real(a->type) ? a->type : a->dev && !a->dev->has_f64 ? AG_F32 : AG_F64;
}

/* -- steps: each takes over what it replaces --------------------------------------------------- */
/* *x = op(*x, b) */
static ag_status apply(ag_array **x, ag_op op, ag_array *b) {
  ag_array *y;
  AG_TRY(b ? ag_expr_binary(&y, op, *x, b) : ag_expr_unary(&y, op, *x));
  ag_array_release(*x);
  *x = y;
  return AG_OK;
}

static ag_status apply_number(ag_array **x, ag_op op, double value) {
  ag_array *number;
  AG_TRY(ag_expr_scalar(&number, value, is_real((*x)->type) ? (*x)->type : AG_F64));
  ag_status s = apply(x, op, number);
  ag_array_release(number);
  return s;
}

static ag_status cast_to(ag_array **x, ag_dtype type) {
  ag_array *y;
  AG_TRY(ag_expr_cast(&y, *x, type));
  ag_array_release(*x);
  *x = y;
  return AG_OK;
}

static ag_status reduce(ag_array **out, const task *t, ag_array *x, ag_reduction r, int keep,
                        ag_dtype type) {
  return ag_expr_reduce_as(out, x, r, t->first, t->last, keep, t->skip, type);
}

/* One statistic per row stretched over t's array; `kept` has extents of 1. */
static ag_status subtract_stretched(ag_array **out, const task *t, ag_array *kept) {
  ag_array *wide;
  AG_TRY(ag_expr_broadcast(&wide, kept, t->x->shape));
  ag_status s = ag_expr_binary(out, AG_OP_sub, t->x, wide);
  ag_array_release(wide);
  return s;
}

/* *x in the shape that a reduction without `keep` has. */
static ag_status drop_dims(ag_array **x, const task *t) {
  ag_shape shape = {0};
  for (int q = 0; q < t->x->shape.nd; q++)
    if (q < t->first || q >= t->last) shape.dim[shape.nd++] = t->x->shape.dim[q];
  if (!shape.nd) shape = ag_shape_of(1, (int64_t)1);
  ag_array *y;
  AG_TRY(ag_expr_reshape(&y, *x, shape));
  ag_array_release(*x);
  *x = y;
  return AG_OK;
}

/* -- counts and variances ---------------------------------------------------------------------- */
static ag_status present(ag_array **out, const task *t) {
  *out = ag_array_retain(t->x);
  AG_TRY(cast_to(out, AG_BOOL));
  AG_TRY(apply(out, AG_OP_is_na, NULL));
  return apply(out, AG_OP_not, NULL);
}

/* *x becomes x / (n - 1), n the number of elements that count. */
static ag_status by_degrees(ag_array **x, const task *t) {
  ag_array *n = NULL, *is = NULL;
  if (!t->skip) {
    double count = 1;
    for (int q = t->first; q < t->last; q++) count *= (double)t->x->shape.dim[q];
    return apply_number(x, AG_OP_div, count - 1);
  }
  ag_status s = present(&is, t);
  if (s == AG_OK) s = reduce(&n, t, is, AG_SUM, 0, (*x)->type);
  if (s == AG_OK) s = apply_number(&n, AG_OP_sub, 1);
  if (s == AG_OK) s = apply(x, AG_OP_div, n);
  ag_array_release(is), ag_array_release(n);
  return s;
}

/* In two passes: mean, then squared deviations. A mean that is not finite shows in the result. */
static ag_status variance(ag_array **out, const task *t) {
  ag_dtype type = real_of(t->x);
  ag_array *mean = NULL, *d = NULL;
  ag_status s = reduce(&mean, t, t->x, AG_MEAN, 1, type);
  if (s == AG_OK) s = subtract_stretched(&d, t, mean);
  if (s == AG_OK) s = apply(&d, AG_OP_square, NULL);
  if (s == AG_OK) s = reduce(out, t, d, AG_SUM, 0, type);
  if (s == AG_OK) s = by_degrees(out, t);
  if (s == AG_OK) s = apply_number(&mean, AG_OP_mul, 0);
  if (s == AG_OK) s = drop_dims(&mean, t);
  if (s == AG_OK) s = apply(out, AG_OP_add, mean);
  ag_array_release(mean), ag_array_release(d);
  return s;
}

static ag_status deviation(ag_array **out, const task *t) {
  AG_TRY(variance(out, t));
  return apply(out, AG_OP_sqrt, NULL);
}

/* -- logarithm of the sum of exponentials ------------------------------------------------------ */
/* m + log(sum(exp(x - m))) with m the largest x, but finite. */
static ag_status log_sum_exp(ag_array **out, const task *t) {
  ag_dtype type = real_of(t->x);
  const double most = type == AG_F32 ? FLT_MAX : DBL_MAX;
  task real = *t;
  ag_array *m = NULL, *e = NULL;
  AG_TRY(ag_expr_cast(&real.x, t->x, type));
  ag_status s = reduce(&m, t, real.x, AG_MAX, 1, type);
  if (s == AG_OK) s = apply_number(&m, AG_OP_pmin, most);
  if (s == AG_OK) s = apply_number(&m, AG_OP_pmax, -most);
  if (s == AG_OK) s = subtract_stretched(&e, &real, m);
  if (s == AG_OK) s = apply(&e, AG_OP_exp, NULL);
  if (s == AG_OK) s = reduce(out, t, e, AG_SUM, 0, type);
  if (s == AG_OK) s = apply(out, AG_OP_log, NULL);
  if (s == AG_OK) s = drop_dims(&m, t);
  if (s == AG_OK) s = apply(out, AG_OP_add, m);
  ag_array_release(real.x), ag_array_release(m), ag_array_release(e);
  return s;
}

/* -- places ------------------------------------------------------------------------------------ */
/* 1 + the first place of the maximum; NA (a NaN on the way) where there is a NaN. */
static ag_status which_max(ag_array **out, const task *t) {
  ag_array *place = NULL, *top = NULL, *valid = NULL;
  ag_dtype type = real_of(t->x);
  ag_status s = reduce(&place, t, t->x, AG_WHICH_MAX, 0, AG_I32);
  if (s == AG_OK) s = cast_to(&place, type);
  if (s == AG_OK) s = reduce(&top, t, t->x, AG_MAX, 0, type);
  if (s == AG_OK) s = ag_expr_binary(&valid, AG_OP_eq, top, top);
  if (s == AG_OK) s = apply(&place, AG_OP_mul, valid);
  if (s == AG_OK) s = apply_number(&place, AG_OP_add, 1);
  if (s == AG_OK) s = ag_expr_cast(out, place, AG_I32);
  ag_array_release(place), ag_array_release(top), ag_array_release(valid);
  return s;
}

/* -- the table --------------------------------------------------------------------------------- */
static ag_status sum(ag_array **out, const task *t) {
  return reduce(out, t, t->x, AG_SUM, 0, real_of(t->x));
}
static ag_status mean(ag_array **out, const task *t) {
  return reduce(out, t, t->x, AG_MEAN, 0, real_of(t->x));
}
static ag_status prod(ag_array **out, const task *t) {
  return reduce(out, t, t->x, AG_PROD, 0, real_of(t->x));
}
static ag_status count(ag_array **out, const task *t) {
  return reduce(out, t, t->x, AG_SUM, 0, AG_I32);
}
static ag_status least(ag_array **out, const task *t) {
  return reduce(out, t, t->x, AG_MIN, 0, AG_I32);
}
static ag_status most(ag_array **out, const task *t) {
  return reduce(out, t, t->x, AG_MAX, 0, AG_I32);
}
static ag_status any(ag_array **out, const task *t) {
  return reduce(out, t, t->x, AG_ANY, 0, AG_BOOL);
}
static ag_status all(ag_array **out, const task *t) {
  return reduce(out, t, t->x, AG_ALL, 0, AG_BOOL);
}

static const struct {
  const char *name;
  ag_status (*fn)(ag_array **out, const task *t);
  int whole; /* integers have an exact result without float64 too */
} statistics[] = {{"sum", sum, 0},      {"mean", mean, 0},       {"prod", prod, 0},
                  {"min", least, 1},    {"max", most, 1},        {"any", any, 1},
                  {"all", all, 1},      {"count", count, 1},     {"var", variance, 0},
                  {"sd", deviation, 0}, {"lse", log_sum_exp, 0}, {"which.max", which_max, 1}};

static int find(SEXP name_) {
  for (size_t i = 0; i < sizeof statistics / sizeof *statistics; i++)
    if (!strcmp(CHAR(STRING_ELT(name_, 0)), statistics[i].name)) return (int)i;
  r_stop(AG_E_ARGUMENT, "no such statistic: %s", CHAR(STRING_ELT(name_, 0)));
  return -1;
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
SEXP ffi_reduce_dims(SEXP name_, SEXP x_, SEXP rows_, SEXP dims_, SEXP narm_) {
  int k = find(name_), dims = Rf_asInteger(dims_), rows = Rf_asLogical(rows_);
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = r_array(x_);
  if (!a || a->shape.nd < 2 || dims < 1 || dims >= a->shape.nd ||
      (!is_real(a->type) && !statistics[k].whole && !a->dev->has_f64)) {
    UNPROTECT(1);
    return R_NilValue;
  }
  task t = {a, rows ? dims : 0, rows ? a->shape.nd : dims, Rf_asLogical(narm_) == TRUE};
  SEXP own_ = PROTECT(r_array_new());
  r_check(statistics[k].fn(r_array_out(own_), &t));
  SEXP ans_ = PROTECT(r_array_object(own_));
  keep_dimnames(ans_, x_, rows ? 0 : dims, rows ? dims : a->shape.nd);
  UNPROTECT(3);
  return ans_;
}

/* Over dimensions first_ to last_, of two or more that the array has; real numbers only. */
SEXP ffi_reduce_over(SEXP name_, SEXP x_, SEXP first_, SEXP last_) {
  int k = find(name_);
  ag_array *a = r_array(x_);
  if (!a || !is_real(a->type)) r_stop(AG_E_TYPE, "an array of real numbers is wanted");
  task t = {a, Rf_asInteger(first_) - 1, Rf_asInteger(last_), 0};
  SEXP own_ = PROTECT(r_array_new());
  r_check(statistics[k].fn(r_array_out(own_), &t));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(1);
  return ans_;
}

/* The variance of all elements, a number. */
SEXP ffi_variance(SEXP x_, SEXP narm_) {
  ag_array *a = r_array(x_);
  if (!a || (!is_real(a->type) && !a->dev->has_f64)) return R_NilValue;
  task t = {a, 0, a->shape.nd, Rf_asLogical(narm_) == TRUE};
  SEXP own_ = PROTECT(r_array_new());
  r_check(variance(r_array_out(own_), &t));
  SEXP ans_ = r_array_number(own_);
  UNPROTECT(1);
  return ans_;
}

/* -- stretching -------------------------------------------------------------------------------- */
/* `v` with an element for each place along the dimensions margin_ (1-based) of x: the array of x's
 * shape that repeats it along the others. On x's device, of its type if that is real. */
SEXP ffi_stretch(SEXP v_, SEXP x_, SEXP margin_) {
  r_operand v;
  ag_array *a = r_array(x_);
  if (!a || !r_operand_get(&v, v_)) r_stop(AG_E_TYPE, "an array and numbers are wanted");
  ag_axes axes = {.nd = Rf_length(margin_)};
  ag_shape shape = {.nd = axes.nd};
  for (int q = 0; q < axes.nd; q++) {
    axes.axis[q] = INTEGER_ELT(margin_, q) - 1, axes.step[q] = 1;
    shape.dim[q] = a->shape.dim[axes.axis[q]];
  }
  SEXP own_ = PROTECT(r_array_new()), up_ = PROTECT(r_array_new()), in_ = PROTECT(r_array_new());
  v.nd = axes.nd; /* not a single number */
  r_check(r_operand_array(r_array_out(up_), &v, a->dev, real_of(a)));
  r_check(ag_expr_reshape(r_array_out(in_), *r_array_out(up_), shape));
  r_check(ag_expr_view(r_array_out(own_), *r_array_out(in_), a->shape, &axes));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(3);
  return ans_;
}

/* Vectors of one length as the columns of a matrix. */
SEXP ffi_columns(SEXP x_, SEXP y_) {
  ag_array *both[2] = {r_array(x_), r_array(y_)};
  if (!both[0] || !both[1]) r_stop(AG_E_TYPE, "arrays are wanted");
  SEXP own_ = PROTECT(r_array_new()), in_ = PROTECT(r_array_new());
  r_check(ag_expr_concat(r_array_out(in_), 2, both));
  ag_shape shape = ag_shape_of(2, ag_array_count(both[0]), (int64_t)2);
  r_check(ag_expr_reshape(r_array_out(own_), *r_array_out(in_), shape));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(2);
  return ans_;
}

/* -- sums by group ----------------------------------------------------------------------------- */
/* member[i, g] is 1 where row i is in group g. */
static ag_status membership(ag_array **out, ag_device *d, ag_dtype type, const int *group,
                            int64_t rows, int64_t groups) {
  ag_array *node[4] = {NULL};
  ag_shape shape = ag_shape_of(2, rows, groups);
  ag_axes along = {.nd = 1, .axis = {0}, .step = {1}}, across = {.nd = 1, .axis = {1}, .step = {1}};
  ag_status s = ag_array_write(&node[0], d, type, ag_shape_of(1, rows), group, AG_I32);
  if (s == AG_OK) s = ag_expr_iota(&node[1], d, type, groups);
  if (s == AG_OK) s = ag_expr_view(&node[2], node[0], shape, &along);
  if (s == AG_OK) s = ag_expr_view(&node[3], node[1], shape, &across);
  if (s == AG_OK) s = ag_expr_binary(out, AG_OP_eq, node[2], node[3]);
  for (int i = 0; i < 4; i++) ag_array_release(node[i]);
  if (s == AG_OK) s = cast_to(out, type);
  return s;
}

/* The sums of x's rows by group_ (0-based, plain integers); finite values only. */
SEXP ffi_rowsum(SEXP x_, SEXP group_, SEXP groups_) {
  ag_array *a = r_array(x_);
  if (!a) r_stop(AG_E_TYPE, "an array is wanted");
  int64_t rows = XLENGTH(group_), groups = Rf_asInteger(groups_);
  const int *group = INTEGER(group_);
  ag_shape shape = ag_shape_of(2, rows, ag_array_count(a) / rows);
  SEXP own_ = PROTECT(r_array_new()), member_ = PROTECT(r_array_new()),
       in_ = PROTECT(r_array_new());
  r_check(membership(r_array_out(member_), a->dev, real_of(a), group, rows, groups));
  r_check(ag_expr_reshape(r_array_out(in_), a, shape));
  r_check(ag_expr_matmul(r_array_out(own_), *r_array_out(member_), *r_array_out(in_), 1, 0));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(3);
  return ans_;
}
