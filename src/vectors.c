/* Functions that see their arguments as vectors, recycled to the longest whatever their dim:
 * ifelse(), pmin(), pmax(), atan2(), bitwAnd() and its like. Each entry gives NULL for what is left
 * to R: vectors without elements, factors, strings. */
#include "glue.h"
#include <string.h>

/* -- operands ---------------------------------------------------------------------------------- */
static int is_real(ag_dtype type) { return type == AG_F64 || type == AG_F32; }

/* r_operand_get() of each one; 0 if one of them is left to R. */
static int get_operands(r_operand *o, int n, const SEXP *x_) {
  for (int i = 0; i < n; i++)
    if (!r_operand_get(&o[i], x_[i]) || o[i].n == 0) return 0;
  return 1;
}

static ag_device *device_of(int n, const r_operand *o) {
  for (int i = 0; i < n; i++)
    if (o[i].array && o[i].array->dev) return o[i].array->dev;
  return NULL;
}

static int64_t longest(int n, const r_operand *o) {
  int64_t most = 1;
  for (int i = 0; i < n; i++) most = o[i].n > most ? o[i].n : most;
  return most;
}

/* Plain data and single numbers adapt to the arrays: float64 wins over float32. */
static ag_dtype common_real(const ag_device *d, int n, const r_operand *o) {
  ag_dtype type = AG_BOOL;
  for (int single = 0; single < 2 && type == AG_BOOL; single++)
    for (int i = 0; i < n; i++)
      if (o[i].array && is_real(o[i].type) && (single || o[i].n > 1) && type != AG_F64)
        type = o[i].type;
  return type != AG_BOOL ? type : d->has_f64 ? AG_F64 : AG_F32;
}

/* R's order of types: logical, integer, real. */
static ag_dtype common_type(const ag_device *d, int n, const r_operand *o) {
  int real = 0, integer = 0;
  for (int i = 0; i < n; i++) real |= is_real(o[i].type), integer |= o[i].type == AG_I32;
  return real ? common_real(d, n, o) : integer ? AG_I32 : AG_BOOL;
}

/* If all went well so far (s): x becomes `next`, which `call` makes of it. */
#define STEP(s, x, call)                                                                           \
  do {                                                                                             \
    ag_array *next = NULL;                                                                         \
    if (s != AG_OK) break;                                                                         \
    s = (call);                                                                                    \
    ag_array_release(x);                                                                           \
    x = next;                                                                                      \
  } while (0)

/* The operand as an array of this type and shape: its elements recycled, or the first of them.
 * Plain single numbers stay numbers. */
static ag_status fit(ag_array **out, const r_operand *o, ag_device *d, ag_dtype type,
                     const ag_shape *shape) {
  ag_array *x;
  ag_status s = AG_OK;
  const int64_t first = 0, step = 1, count = ag_shape_count(shape);
  AG_TRY(r_operand_array(&x, o, d, type));
  STEP(s, x, ag_expr_cast(&next, x, type));
  if (s == AG_OK && x->kind != AG_SCALAR) {
    if (o->n != count) STEP(s, x, ag_expr_reshape(&next, x, ag_shape_of(1, o->n)));
    if (o->n > count) STEP(s, x, ag_expr_slice(&next, x, &first, &step, &count));
    STEP(s, x, ag_expr_recycle(&next, x, *shape));
  }
  *out = x;
  return s;
}

static ag_status fit_all(ag_array **out, int n, const r_operand *o, ag_device *d, ag_dtype type,
                         const ag_shape *shape) {
  ag_status s = AG_OK;
  for (int i = 0; i < n; i++) out[i] = NULL;
  for (int i = 0; i < n && s == AG_OK; i++) s = fit(&out[i], &o[i], d, type, shape);
  return s;
}

static void release_all(int n, ag_array **x) {
  for (int i = 0; i < n; i++) ag_array_release(x[i]);
}

/* -- ifelse() ---------------------------------------------------------------------------------- */
/* a where mask is true, b where it is false, NA where it is NA; a and b of `type`. */
static ag_status choose(ag_array **out, ag_array *mask, ag_array *a, ag_array *b, ag_dtype type) {
  ag_array *arg[3] = {a, b, mask}, *integer;
  if (is_real(type)) return ag_expr_apply(out, AG_OP_choose, arg);
  AG_TRY(ag_expr_apply(&integer, AG_OP_int_choose, arg));
  ag_status status = ag_expr_cast(out, integer, type);
  ag_array_release(integer);
  return status;
}

/* The operands are test, yes, no. */
static ag_status ifelse(ag_array **out, const r_operand *o) {
  ag_device *d = device_of(3, o);
  ag_shape shape = o[0].array ? o[0].array->shape : o[0].shape;
  ag_dtype type = common_type(d, 2, o + 1);
  ag_array *arg[2] = {NULL, NULL}, *mask = NULL;
  ag_status s = fit(&mask, &o[0], d, AG_BOOL, &shape);
  if (s == AG_OK) s = fit_all(arg, 2, o + 1, d, type, &shape);
  if (s == AG_OK) s = choose(out, mask, arg[0], arg[1], type);
  release_all(2, arg);
  ag_array_release(mask);
  return s;
}

SEXP ffi_ifelse(SEXP test_, SEXP yes_, SEXP no_) {
  SEXP x_[3] = {PROTECT(r_adopt(test_)), PROTECT(r_adopt(yes_)), PROTECT(r_adopt(no_))};
  r_operand o[3];
  if (!get_operands(o, 3, x_)) {
    UNPROTECT(3);
    return R_NilValue;
  }
  SEXP own_ = PROTECT(r_array_new());
  r_check(ifelse(r_array_out(own_), o));
  SEXP ans_ = PROTECT(r_array_value(own_));
  SHALLOW_DUPLICATE_ATTRIB(ans_, x_[0]);
  r_set_class(ans_);
  UNPROTECT(5);
  return ans_;
}

/* -- pmin() and pmax() ------------------------------------------------------------------------- */
static ag_status missing(ag_array **out, ag_array *x) {
  return ag_expr_unary(out, is_real(x->type) ? AG_OP_missing : AG_OP_is_na, x);
}

/* The smaller or larger one; NA if one of them is. */
static ag_status extreme(ag_array **out, int least, ag_array *a, ag_array *b) {
  if (is_real(a->type)) return ag_expr_binary(out, least ? AG_OP_pmin : AG_OP_pmax, a, b);
  ag_array *first;
  AG_TRY(ag_expr_binary(&first, least ? AG_OP_int_le : AG_OP_int_ge, a, b));
  ag_status s = choose(out, first, a, b, a->type);
  ag_array_release(first);
  return s;
}

/* Likewise, but the other one if one of them is NA. */
static ag_status extreme_present(ag_array **out, int least, ag_array *a, ag_array *b) {
  ag_array *no_a = NULL, *no_b = NULL, *both = NULL, *rest = NULL;
  ag_status s = missing(&no_a, a);
  if (s == AG_OK) s = missing(&no_b, b);
  if (s == AG_OK) s = extreme(&both, least, a, b);
  if (s == AG_OK) s = choose(&rest, no_b, a, both, a->type);
  if (s == AG_OK) s = choose(out, no_a, b, rest, a->type);
  ag_array *owned[] = {no_a, no_b, both, rest};
  release_all(4, owned);
  return s;
}

static ag_status extremes(ag_array **out, int least, int na_rm, int n, const r_operand *o,
                          ag_array **arg, const ag_shape *shape) {
  ag_device *d = device_of(n, o);
  ag_dtype type = common_type(d, n, o);
  ag_array *x;
  AG_TRY(fit_all(arg, n, o, d, type == AG_BOOL ? AG_I32 : type, shape));
  x = ag_array_retain(arg[0]);
  ag_status s = AG_OK;
  for (int i = 1; i < n; i++)
    STEP(s, x, (na_rm ? extreme_present : extreme)(&next, least, x, arg[i]));
  *out = x;
  return s;
}

static void warn_fractions(int n, const r_operand *o, int64_t count) {
  for (int i = 0; i < n; i++)
    if (count % o[i].n) {
      r_call("warn_fraction", 0, NULL, NULL, NULL);
      return;
    }
}

/* As R: the attributes of the first, but those of its extents only if these are the result's. */
static void first_attributes(SEXP ans_, SEXP first_) {
  if (XLENGTH(first_) == XLENGTH(ans_)) SHALLOW_DUPLICATE_ATTRIB(ans_, first_);
  else Rf_copyMostAttrib(first_, ans_);
  r_set_class(ans_);
}

/* args_: a list of at least one. */
SEXP ffi_extreme(SEXP name_, SEXP args_, SEXP na_rm_) {
  int n = Rf_length(args_), least = !strcmp(CHAR(STRING_ELT(name_, 0)), "pmin");
  SEXP *x_ = (SEXP *)R_alloc((size_t)n, sizeof *x_);
  r_operand *o = (r_operand *)R_alloc((size_t)n, sizeof *o);
  ag_array **arg = (ag_array **)R_alloc((size_t)n, sizeof *arg);
  args_ = PROTECT(Rf_shallow_duplicate(args_));
  for (int i = 0; i < n; i++) {
    x_[i] = r_adopt(VECTOR_ELT(args_, i));
    SET_VECTOR_ELT(args_, i, x_[i]);
  }
  if (!get_operands(o, n, x_)) {
    UNPROTECT(1);
    return R_NilValue;
  }
  int64_t count = longest(n, o);
  ag_shape shape = o[0].n == count ? o[0].shape : ag_shape_of(1, count);
  warn_fractions(n, o, count);
  SEXP own_ = PROTECT(r_array_new());
  ag_status s = extremes(r_array_out(own_), least, Rf_asLogical(na_rm_) == 1, n, o, arg, &shape);
  release_all(n, arg);
  r_check(s);
  SEXP ans_ = PROTECT(r_array_value(own_));
  first_attributes(ans_, x_[0]);
  UNPROTECT(3);
  return ans_;
}

/* -- atan2() and the functions of bits --------------------------------------------------------- */
/* Bits are of integers, and their result is a vector without attributes. */
static ag_status apply(ag_array **out, int op, int n, const r_operand *o, const ag_shape *shape) {
  ag_device *d = device_of(n, o);
  int bits = ag_op_takes(ag_op_get((ag_op)op)->group) == AG_OF_INT;
  ag_array *arg[3] = {NULL, NULL, NULL};
  ag_status s = fit_all(arg, n, o, d, bits ? AG_I32 : common_real(d, n, o), shape);
  if (s == AG_OK) s = ag_expr_apply(out, (ag_op)op, arg);
  release_all(n, arg);
  return s;
}

/* y_ NULL: one argument. */
SEXP ffi_vectors(SEXP name_, SEXP x_, SEXP y_) {
  int n = Rf_isNull(y_) ? 1 : 2, op = ag_op_find(CHAR(STRING_ELT(name_, 0)), n);
  SEXP arg_[2] = {PROTECT(r_adopt(x_)), PROTECT(r_adopt(y_))};
  r_operand o[2];
  if (!get_operands(o, n, arg_)) {
    UNPROTECT(2);
    return R_NilValue;
  }
  int64_t count = longest(n, o);
  int bits = ag_op_takes(ag_op_get((ag_op)op)->group) == AG_OF_INT, from = o[0].n != count;
  ag_shape shape = bits ? ag_shape_of(1, count) : o[from].shape;
  SEXP own_ = PROTECT(r_array_new());
  r_check(apply(r_array_out(own_), op, n, o, &shape));
  SEXP ans_ = PROTECT(r_array_value(own_));
  if (!bits) SHALLOW_DUPLICATE_ATTRIB(ans_, arg_[from]);
  r_set_class(ans_);
  UNPROTECT(4);
  return ans_;
}
