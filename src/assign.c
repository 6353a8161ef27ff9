/* x[i, j, ...] <- value: written into the array's memory where nobody else holds it, else into a
 * copy on the device. */
#include "subscript.h"
#include <string.h>

/* -- types ------------------------------------------------------------------------------------- */
static int is_real(ag_dtype type) { return type == AG_F64 || type == AG_F32; }

/* The type of the result: x's, unless values of the other type do not fit it. */
static ag_dtype common_type(const ag_array *a, const r_operand *value) {
  if (is_real(a->type)) return value->array && value->type == AG_F64 ? AG_F64 : a->type;
  if (value->type == AG_F32) return AG_F32;
  if (value->type == AG_F64) return a->dev->has_f64 ? AG_F64 : AG_F32;
  return a->type == AG_I32 || value->type == AG_I32 ? AG_I32 : AG_BOOL;
}

static ag_status value_array(ag_array **out, const r_operand *value, ag_device *d, ag_dtype type) {
  if (!value->array) return ag_array_write(out, d, type, value->shape, value->data, value->type);
  return ag_expr_cast(out, value->array, type);
}

/* -- indices ----------------------------------------------------------------------------------- */
/* Of positions that occur twice the last one counts: the others become NA. */
static SEXP last_of_equals(SEXP at_, int64_t extent, int *nprotect) {
  R_xlen_t n = XLENGTH(at_);
  int twice = 0;
  unsigned char *seen = (unsigned char *)R_alloc((size_t)extent / 8 + 1, 1);
  SEXP own_ = PROTECT(Rf_coerceVector(at_, INTSXP));
  if (own_ == at_) own_ = Rf_duplicate(at_);
  UNPROTECT(1);
  ++*nprotect;
  PROTECT(own_);
  int *at = INTEGER(own_);
  memset(seen, 0, (size_t)extent / 8 + 1);
  for (R_xlen_t k = n - 1; k >= 0; k--) {
    if (at[k] == NA_INTEGER) continue;
    int byte = (at[k] - 1) / 8, bit = 1 << (at[k] - 1) % 8;
    if (seen[byte] & bit) at[k] = NA_INTEGER, twice = 1;
    seen[byte] |= (unsigned char)bit;
  }
  return twice ? own_ : at_;
}

/* Whether positions are NA, which only a single value may be written to. */
static int has_na(r_subscript *s) {
  if (!s->mask) return s->missing;
  ag_array *any = NULL, *missing;
  double value = 0;
  r_check(ag_expr_unary(&missing, AG_OP_is_na, s->mask));
  ag_status status = ag_expr_reduce(&any, missing, AG_ANY, 0, missing->shape.nd, 0);
  if (status == AG_OK) status = ag_array_read(any, &value, AG_F64);
  ag_array_release(missing);
  ag_array_release(any);
  r_check(status);
  return value != 0;
}

static int read_indices(r_subscript *s, const ag_shape *shape, SEXP index_, const ag_device *d,
                        int *nprotect) {
  int vectors = 0;
  if (Rf_length(index_) != shape->nd) return 0;
  for (int q = 0; q < shape->nd; q++) {
    if (!r_subscript_get(&s[q], VECTOR_ELT(index_, q), shape->dim[q], d, 0, 1, nprotect)) return 0;
    if (s[q].at_) s[q].at_ = last_of_equals(s[q].at_, shape->dim[q], nprotect);
    vectors += s[q].at_ || s[q].mask;
  }
  return vectors <= AG_MAX_PICK;
}

static ag_subscript subscript_of(r_subscript *s, int nd, ag_device *d) {
  ag_subscript to = {{0}, {0}, {0}, {NULL}};
  for (int q = 0; q < nd; q++) {
    r_check(r_subscript_array(&to.at[q], &s[q], d));
    to.first[q] = s[q].first, to.step[q] = s[q].step, to.n[q] = s[q].n;
  }
  return to;
}

/* R's rules for how many values there are, in R's order. Returns whether there is anything to
 * do. */
static const char wrong_count[] =
    "number of items to replace is not a multiple of replacement length";
static int check_count(r_subscript *s, int nd, int64_t nvalue, const ag_subscript *to) {
  int64_t n = 1;
  for (int q = 0; q < nd; q++) n *= to->n[q];
  if (nd > 2 && n > 0 && nvalue > 0 && n % nvalue) r_stop(AG_E_ARGUMENT, "%s", wrong_count);
  for (int q = 0; q < nd && nvalue > 1; q++)
    if (has_na(&s[q])) r_stop(AG_E_ARGUMENT, "NAs are not allowed in subscripted assignments");
  if (n == 0) return 0;
  if (nvalue == 0) r_stop(AG_E_ARGUMENT, "replacement has length zero");
  if (n % nvalue == 0) return 1;
  if (nd > 1) r_stop(AG_E_ARGUMENT, "%s", wrong_count);
  r_call("warn_replacement", 0, NULL, NULL, NULL);
  return 1;
}

/* -- writing ----------------------------------------------------------------------------------- */
/* Whether x's array may be written in place: x's handle alone holds it. Ends what r_array(x_)
 * gave. */
static int is_alone(SEXP x_, r_handle *h) {
  SEXP v_ = r_altrep_unwrap(x_);
  if (h->array && h->array->traced) return 0;
  if (v_ != x_ && MAYBE_SHARED(v_)) return 0;
  r_handle_forget_shapes(h);
  return h->array && h->array->refs == 1 && h->array->kind == AG_BUFFER;
}

static ag_status put(ag_array **x, const ag_shape *shape, const ag_subscript *s,
                     const r_operand *value, ag_dtype type) {
  ag_array *v, *shaped;
  if ((*x)->refs == 1 && (*x)->kind == AG_BUFFER) {
    (*x)->shape = *shape; /* nobody sees it */
  } else {
    AG_TRY(ag_expr_reshape(&shaped, *x, *shape));
    ag_array_release(*x);
    *x = shaped;
  }
  AG_TRY(value_array(&v, value, (*x)->dev, type));
  ag_status status = ag_index_put(x, s, v);
  ag_array_release(v);
  return status;
}

/* x's array, written to, as a new vector over the same handle: the promises of the dispatch still
 * count as users of the old one, and R would copy it at the next assignment. */
static SEXP write_in_place(SEXP x_, r_handle *h, const ag_shape *shape, const ag_subscript *s,
                           const r_operand *value) {
  SEXP v_ = r_altrep_unwrap(x_);
  r_check(put(&h->array, shape, s, value, h->array->type));
  R_set_altrep_data2(v_, R_NilValue);
  SEXP ans_ = PROTECT(r_array_value(R_altrep_data1(v_)));
  SHALLOW_DUPLICATE_ATTRIB(ans_, x_);
  UNPROTECT(1);
  return ans_;
}

static SEXP write_to_copy(SEXP x_, const ag_array *a, const ag_shape *shape, const ag_subscript *s,
                          const r_operand *value, ag_dtype type) {
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_expr_cast(r_array_out(own_), (ag_array *)a, type));
  if (s) r_check(put(r_array_out(own_), shape, s, value, type));
  SEXP ans_ = PROTECT(r_array_value(own_));
  SHALLOW_DUPLICATE_ATTRIB(ans_, x_);
  UNPROTECT(2);
  return ans_;
}

/* The mask of x[mask] <- value that has no values yet; NULL for other indices. */
static ag_array *traced_mask(SEXP index_, const ag_array *x) {
  SEXP mask_ = Rf_length(index_) == 1 ? VECTOR_ELT(index_, 0) : R_NilValue;
  ag_array *mask = r_is_array(mask_) ? r_array(mask_) : NULL;
  int usable = mask && mask->traced && mask->type == AG_BOOL && mask->dev == x->dev;
  return usable && ag_array_count(mask) == ag_array_count(x) ? mask : NULL;
}

static SEXP fill(SEXP x_, ag_array *a, ag_array *mask, const r_operand *value, ag_dtype type) {
  SEXP from_ = PROTECT(r_array_new()), one_ = PROTECT(r_array_new()),
       own_ = PROTECT(r_array_new());
  r_check(ag_expr_cast(r_array_out(from_), a, type));
  r_check(value_array(r_array_out(one_), value, a->dev, type));
  r_check(ag_index_fill(r_array_out(own_), *r_array_out(from_), mask, *r_array_out(one_)));
  SEXP ans_ = PROTECT(r_array_value(own_));
  SHALLOW_DUPLICATE_ATTRIB(ans_, x_);
  UNPROTECT(4);
  return ans_;
}

/* index_ as in ffi_index(). own_: x is a variable's own, as in x[i] <- value: R has copied it if
 * another one had it too. NULL when R has to look at the indices first. */
SEXP ffi_assign(SEXP x_, SEXP index_, SEXP value_, SEXP own_) {
  int nprotect = 2;
  x_ = PROTECT(r_adopt(x_)), value_ = PROTECT(r_adopt(value_));
  ag_array *a = r_array(x_);
  r_operand value;
  r_subscript s[AG_MAX_DIM];
  int single = Rf_length(index_) == 1;
  int matrix = single && r_is_matrix_index(VECTOR_ELT(index_, 0), x_);
  SEXP ans_ = R_NilValue;
  if (!a || matrix || !r_operand_get(&value, value_)) goto done;
  ag_array *mask = traced_mask(index_, a);
  if (mask && value.n == 1 && common_type(a, &value) != AG_BOOL) {
    ans_ = fill(x_, a, mask, &value, common_type(a, &value));
    goto done;
  }
  ag_shape shape = single ? ag_shape_of(1, ag_array_count(a)) : a->shape;
  if (!read_indices(s, &shape, index_, a->dev, &nprotect)) goto done;
  ag_subscript to = subscript_of(s, shape.nd, a->dev);
  int any = check_count(s, shape.nd, value.n, &to);
  ag_dtype type = common_type(a, &value);
  r_handle *h = r_handle_of(R_altrep_data1(r_altrep_unwrap(x_)));
  SEXP value_own_ = PROTECT(r_array_new()); /* it may be x's own */
  nprotect++;
  if (value.array) *r_array_out(value_own_) = ag_array_retain(value.array);
  if (!any && type == a->type) ans_ = x_;
  else if (any && Rf_asLogical(own_) && type == a->type && is_alone(x_, h))
    ans_ = write_in_place(x_, h, &shape, &to, &value);
  else ans_ = write_to_copy(x_, r_array(x_), &shape, any ? &to : NULL, &value, type);
done:
  UNPROTECT(nprotect);
  return ans_;
}
