/* The ALTREP classes: an R vector of real, integer or logical type over a core array.
 *
 * data1 is the owner (glue.h), data2 a host copy or NULL. States:
 *   array, no host copy    values are on the device only (or pending)
 *   array and host copy    both hold the values, which never change on the device
 *   host copy, no array    R may have written to it: it is the truth, and goes up again on next use
 * A host copy stays as long as the vector lives: C code may hold its address. */
#include "glue.h"
#include <R_ext/Altrep.h>
#include <string.h>

static R_altrep_class_t real_class, integer_class, logical_class;

static r_handle *handle(SEXP x_) { return r_handle_of(R_altrep_data1(x_)); }

SEXP r_altrep_new(SEXP own_, ag_dtype type) {
  SEXPTYPE storage = r_sexptype(type);
  return R_new_altrep(storage == REALSXP  ? real_class
                      : storage == INTSXP ? integer_class
                                          : logical_class,
                      own_, R_NilValue);
}

static int is_ours(SEXP x_) {
  return R_altrep_inherits(x_, real_class) || R_altrep_inherits(x_, integer_class) ||
         R_altrep_inherits(x_, logical_class);
}

/* R wraps a shared vector of 64 or more elements in an ALTREP of its own, with the vector as data1
 * and two integers as data2, when it sets an attribute. */
SEXP r_altrep_unwrap(SEXP x_) {
  while (ALTREP(x_)) {
    if (is_ours(x_)) return x_;
    SEXP inner_ = R_altrep_data1(x_), meta_ = R_altrep_data2(x_);
    if (TYPEOF(inner_) != TYPEOF(x_) || TYPEOF(meta_) != INTSXP) return NULL;
    x_ = inner_;
  }
  return NULL;
}

/* -- reading ----------------------------------------------------------------------------------- */
/* For gpu_stats() and the option anygpu.fallback: who makes a whole array come back to R. The
 * option may make it an error, so it is asked first. */
static void note_download(SEXP x_, R_xlen_t n) {
  const ag_array *a = handle(x_)->array;
  if (n <= 1 || (a && a->traced)) return; /* a placeholder has nothing to read */
  SEXP n_ = PROTECT(Rf_ScalarReal((double)n));
  r_call("note_download", 1, n_, NULL, NULL);
  UNPROTECT(1);
}

/* The host copy, made if need be. */
static SEXP host_copy(SEXP x_) {
  SEXP host_ = R_altrep_data2(x_);
  if (host_ != R_NilValue) return host_;
  R_xlen_t n = XLENGTH(x_);
  note_download(x_, n);
  host_ = PROTECT(Rf_allocVector(TYPEOF(x_), n));
  r_check(ag_array_read(handle(x_)->array, DATAPTR(host_), (ag_dtype)r_storage(x_)));
  R_set_altrep_data2(x_, host_);
  UNPROTECT(1);
  return host_;
}

void r_altrep_read(SEXP v_, void *dst) {
  SEXP host_ = R_altrep_data2(v_);
  size_t size = ag_dtype_size((ag_dtype)r_storage(v_));
  if (host_ != R_NilValue) {
    if (XLENGTH(v_)) memcpy(dst, DATAPTR_RO(host_), (size_t)XLENGTH(v_) * size);
    return;
  }
  note_download(v_, XLENGTH(v_));
  r_check(ag_array_read(handle(v_)->array, dst, (ag_dtype)r_storage(v_)));
}

static R_xlen_t vector_length(SEXP x_) {
  r_handle *h = handle(x_);
  SEXP host_ = R_altrep_data2(x_);
  return host_ != R_NilValue ? XLENGTH(host_) : h->array ? (R_xlen_t)ag_array_count(h->array) : 0;
}

static void *vector_dataptr(SEXP x_, Rboolean writable) {
  SEXP host_ = host_copy(x_);
  if (writable) r_handle_drop(handle(x_));
  return DATAPTR(host_);
}

static const void *vector_dataptr_or_null(SEXP x_) {
  SEXP host_ = R_altrep_data2(x_);
  return host_ == R_NilValue ? NULL : DATAPTR_RO(host_);
}

static double real_elt(SEXP x_, R_xlen_t i) { return REAL_RO(host_copy(x_))[i]; }
static int integer_elt(SEXP x_, R_xlen_t i) { return INTEGER_RO(host_copy(x_))[i]; }
static int logical_elt(SEXP x_, R_xlen_t i) { return LOGICAL_RO(host_copy(x_))[i]; }

/* A piece of a large array is read by itself, unless many pieces are asked for. */
#define SMALL  4096
#define PIECES 8

static R_xlen_t read_region(SEXP x_, R_xlen_t first, R_xlen_t n, void *dst) {
  R_xlen_t length = XLENGTH(x_);
  if (first >= length) return 0;
  if (n > length - first) n = length - first;
  size_t size = ag_dtype_size((ag_dtype)r_storage(x_));
  r_handle *h = handle(x_);
  if (R_altrep_data2(x_) == R_NilValue && length > SMALL && n < length && h->regions++ < PIECES)
    r_check(ag_array_read_range(h->array, dst, (ag_dtype)r_storage(x_), first, n));
  else if (n)
    memcpy(dst, (const char *)DATAPTR_RO(host_copy(x_)) + (size_t)first * size, (size_t)n * size);
  return n;
}

static R_xlen_t real_region(SEXP x_, R_xlen_t i, R_xlen_t n, double *dst) {
  return read_region(x_, i, n, dst);
}
static R_xlen_t int_region(SEXP x_, R_xlen_t i, R_xlen_t n, int *dst) {
  return read_region(x_, i, n, dst);
}

/* -- copies and files -------------------------------------------------------------------------- */
/* Shares the device array; a host copy is copied only when it is the truth. */
static SEXP vector_duplicate(SEXP x_, Rboolean deep) {
  (void)deep;
  r_handle *from = handle(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_handle *to = r_handle_of(own_);
  to->type = from->array ? from->array->type : from->type;
  to->dev = from->dev;
  if (from->array) to->array = ag_array_retain(from->array);
  SEXP copy_ = PROTECT(r_altrep_new(own_, to->type));
  if (!from->array && R_altrep_data2(x_) != R_NilValue)
    R_set_altrep_data2(copy_, Rf_duplicate(R_altrep_data2(x_)));
  UNPROTECT(2);
  return copy_;
}

/* list(type, values): nothing of the device. */
static SEXP vector_state(SEXP x_) {
  r_handle *h = handle(x_);
  SEXP state_ = PROTECT(Rf_allocVector(VECSXP, 2));
  SET_VECTOR_ELT(state_, 0, Rf_mkString(ag_dtype_name(h->array ? h->array->type : h->type)));
  SET_VECTOR_ELT(state_, 1, host_copy(x_));
  UNPROTECT(1);
  return state_;
}

static SEXP vector_restore(SEXP class_, SEXP state_) {
  (void)class_;
  const char *name = CHAR(STRING_ELT(VECTOR_ELT(state_, 0), 0));
  SEXP own_ = PROTECT(r_array_new());
  for (int t = AG_F64; t <= AG_BOOL; t++)
    if (!strcmp(name, ag_dtype_name((ag_dtype)t))) r_handle_of(own_)->type = (ag_dtype)t;
  SEXP x_ = PROTECT(r_altrep_new(own_, r_handle_of(own_)->type));
  R_set_altrep_data2(x_, VECTOR_ELT(state_, 1));
  UNPROTECT(2);
  return x_;
}

static Rboolean vector_inspect(SEXP x_, int pre, int deep, int pvec,
                               void (*sub)(SEXP, int, int, int)) {
  (void)pre, (void)deep, (void)pvec, (void)sub;
  r_handle *h = handle(x_);
  ag_dtype type = h->array ? h->array->type : h->type;
  ag_device *d = h->array ? h->array->dev : h->dev;
  Rprintf("anygpu %s on %s, %s%s\n", ag_dtype_name(type), d ? d->id : "no device yet",
          !h->array                     ? "to be uploaded"
          : h->array->kind == AG_BUFFER ? "computed"
                                        : "pending",
          R_altrep_data2(x_) != R_NilValue ? ", with a host copy" : "");
  return TRUE;
}

/* -- summaries on the device ------------------------------------------------------------------- */
/* NULL leaves it to R. */
static SEXP reduce_here(SEXP x_, ag_reduction r, Rboolean narm) {
  ag_array *a = handle(x_)->array;
  if (narm || !a || a->traced || R_altrep_data2(x_) != R_NilValue || ag_array_count(a) == 0)
    return NULL;
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_expr_reduce(r_array_out(own_), a, r, 0, a->shape.nd, 0));
  SEXP ans_ = r_array_value(own_);
  UNPROTECT(1);
  return ans_;
}
static SEXP real_sum(SEXP x_, Rboolean narm) { return reduce_here(x_, AG_SUM, narm); }
static SEXP real_min(SEXP x_, Rboolean narm) { return reduce_here(x_, AG_MIN, narm); }
static SEXP real_max(SEXP x_, Rboolean narm) { return reduce_here(x_, AG_MAX, narm); }

static void common_methods(R_altrep_class_t c) {
  R_set_altrep_Length_method(c, vector_length);
  R_set_altrep_Duplicate_method(c, vector_duplicate);
  R_set_altrep_Serialized_state_method(c, vector_state);
  R_set_altrep_Unserialize_method(c, vector_restore);
  R_set_altrep_Inspect_method(c, vector_inspect);
  R_set_altvec_Dataptr_method(c, vector_dataptr);
  R_set_altvec_Dataptr_or_null_method(c, vector_dataptr_or_null);
}

void r_altrep_init(DllInfo *dll) {
  real_class = R_make_altreal_class("gpu_real", "anygpu", dll);
  common_methods(real_class);
  R_set_altreal_Elt_method(real_class, real_elt);
  R_set_altreal_Get_region_method(real_class, real_region);
  R_set_altreal_Sum_method(real_class, real_sum);
  R_set_altreal_Min_method(real_class, real_min);
  R_set_altreal_Max_method(real_class, real_max);
  integer_class = R_make_altinteger_class("gpu_integer", "anygpu", dll);
  common_methods(integer_class);
  R_set_altinteger_Elt_method(integer_class, integer_elt);
  R_set_altinteger_Get_region_method(integer_class, int_region);
  logical_class = R_make_altlogical_class("gpu_logical", "anygpu", dll);
  common_methods(logical_class);
  R_set_altlogical_Elt_method(logical_class, logical_elt);
  R_set_altlogical_Get_region_method(logical_class, int_region);
}
