/* Owners, conversions and conditions: see glue.h. */
#include "glue.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SEXP r_namespace;

/* -- owners ------------------------------------------------------------------------------------ */
/* Ours are external pointers with this tag. */
static SEXP owner_tag(void) {
  static SEXP tag;
  if (!tag) tag = Rf_install("anygpu_array");
  return tag;
}

void r_handle_forget_shapes(r_handle *h) {
  while (h->reshaped) {
    r_reshaped *next = h->reshaped->next;
    ag_array_release(h->reshaped->array);
    free(h->reshaped);
    h->reshaped = next;
  }
}

void r_handle_drop(r_handle *h) {
  if (h->array) h->type = h->array->type, h->dev = h->array->dev;
  r_handle_forget_shapes(h);
  ag_array_release(h->array);
  h->array = NULL;
}

static void finalize(SEXP own_) {
  r_handle *h = R_ExternalPtrAddr(own_);
  if (!h) return;
  R_ClearExternalPtr(own_);
  r_handle_drop(h);
  free(h);
}

SEXP r_array_new(void) {
  SEXP own_ = PROTECT(R_MakeExternalPtr(NULL, owner_tag(), R_NilValue));
  R_RegisterCFinalizerEx(own_, finalize, FALSE);
  r_handle *h = calloc(1, sizeof *h);
  if (!h) Rf_error("out of memory");
  R_SetExternalPtrAddr(own_, h);
  UNPROTECT(1);
  return own_;
}

r_handle *r_handle_of(SEXP own_) { return R_ExternalPtrAddr(own_); }

ag_array **r_array_out(SEXP own_) { return &r_handle_of(own_)->array; }

ag_status r_handle_upload(r_handle *h, ag_device *fallback, const void *host, ag_dtype storage,
                          int64_t n) {
  if (h->array) return AG_OK;
  if (!h->dev) h->dev = fallback;
  if (h->type == AG_F64 && !h->dev->has_f64) h->type = AG_F32;
  return ag_array_write(&h->array, h->dev, h->type, ag_shape_of(1, n), host, storage);
}

/* -- arrays in R objects ----------------------------------------------------------------------- */
int r_is_array(SEXP x_) { return r_altrep_unwrap(x_) != NULL; }

ag_dtype r_array_type(SEXP x_) {
  r_handle *h = r_handle_of(R_altrep_data1(r_altrep_unwrap(x_)));
  return h->array ? h->array->type : h->type;
}

/* The handle's array in another shape. Kept until the handle goes: vectors with different dims may
 * share a handle (R's wrappers), and a caller holds what it was given without a reference. */
static ag_status in_shape(ag_array **out, r_handle *h, ag_shape shape) {
  *out = h->array;
  if (ag_shape_equal(&h->array->shape, &shape)) return AG_OK;
  for (r_reshaped *r = h->reshaped; r; r = r->next)
    if (ag_shape_equal(&r->array->shape, &shape)) {
      *out = r->array;
      return AG_OK;
    }
  r_reshaped *r = malloc(sizeof *r);
  if (!r) return ag_fail(AG_E_MEMORY, "out of memory");
  ag_status status = ag_expr_reshape(&r->array, h->array, shape);
  if (status != AG_OK) {
    free(r);
    return status;
  }
  r->next = h->reshaped;
  h->reshaped = r;
  *out = r->array;
  return AG_OK;
}

ag_array *r_array(SEXP x_) {
  SEXP v_ = r_altrep_unwrap(x_);
  if (!v_) return NULL;
  r_handle *h = r_handle_of(R_altrep_data1(v_));
  if (!h->array) {
    ag_device *d = h->dev ? h->dev : r_device(R_NilValue);
    SEXP host_ = R_altrep_data2(v_);
    r_check(r_handle_upload(h, d, DATAPTR_RO(host_), (ag_dtype)r_storage(host_), XLENGTH(host_)));
  }
  ag_array *a;
  r_check(in_shape(&a, h, r_shape(x_)));
  return a;
}

static const char *class_name[] = {"gpuVector", "gpuMatrix", "gpuArray"};

/* The class attributes, with their package; made once. */
static SEXP class_of_dims(int nd) {
  static SEXP class[3];
  int k = nd == 0 ? 0 : nd == 2 ? 1 : 2;
  if (!class[k]) {
    SEXP class_ = PROTECT(Rf_mkString(class_name[k]));
    Rf_setAttrib(class_, Rf_install("package"), Rf_mkString("anygpu"));
    MARK_NOT_MUTABLE(class_);
    R_PreserveObject(class_);
    class[k] = class_;
    UNPROTECT(1);
  }
  return class[k];
}

void r_set_class(SEXP x_) {
  SEXP dim_ = Rf_getAttrib(x_, R_DimSymbol);
  Rf_setAttrib(x_, R_ClassSymbol, class_of_dims(Rf_length(dim_)));
  Rf_asS4(x_, TRUE, 0);
}

int r_has_class(SEXP x_) {
  SEXP class_ = Rf_getAttrib(x_, R_ClassSymbol);
  for (int k = 0; k < 3 && Rf_length(class_) == 1; k++)
    if (!strcmp(CHAR(STRING_ELT(class_, 0)), class_name[k])) return 1;
  return 0;
}

SEXP r_array_value(SEXP own_) { return r_altrep_new(own_, (*r_array_out(own_))->type); }

SEXP r_array_object(SEXP own_) {
  SEXP x_ = PROTECT(r_array_value(own_));
  const ag_shape *s = &(*r_array_out(own_))->shape;
  if (s->nd > 1) {
    SEXP dim_ = PROTECT(Rf_allocVector(INTSXP, s->nd));
    for (int i = 0; i < s->nd; i++) INTEGER(dim_)[i] = (int)s->dim[i];
    Rf_setAttrib(x_, R_DimSymbol, dim_);
    UNPROTECT(1);
  }
  r_set_class(x_);
  UNPROTECT(1);
  return x_;
}

SEXP r_array_number(SEXP own_) {
  SEXP x_ = PROTECT(r_array_value(own_));
  if ((*r_array_out(own_))->traced) r_set_class(x_); /* a plain number's methods would look at it */
  UNPROTECT(1);
  return x_;
}

/* -- conversions ------------------------------------------------------------------------------- */
SEXPTYPE r_sexptype(ag_dtype type) {
  return type == AG_I32 ? INTSXP : type == AG_BOOL ? LGLSXP : REALSXP;
}

int r_storage(SEXP x_) {
  switch (TYPEOF(x_)) {
  case REALSXP: return AG_F64;
  case INTSXP: return AG_I32;
  case LGLSXP: return AG_BOOL;
  default: return -1;
  }
}

ag_shape r_shape_of_dim(SEXP dim_) {
  ag_shape s = {.nd = Rf_length(dim_)};
  for (int i = 0; i < s.nd; i++)
    s.dim[i] = TYPEOF(dim_) == INTSXP ? INTEGER(dim_)[i] : (int64_t)REAL(dim_)[i];
  return s;
}

/* More dimensions than the core has are one long vector to it. */
ag_shape r_shape(SEXP x_) {
  SEXP dim_ = Rf_getAttrib(x_, R_DimSymbol);
  int nd = Rf_length(dim_);
  return nd == 0 || nd > AG_MAX_DIM ? ag_shape_of(1, (int64_t)XLENGTH(x_)) : r_shape_of_dim(dim_);
}

ag_device *r_device(SEXP id_) {
  if (Rf_isNull(id_)) id_ = Rf_GetOption1(Rf_install("anygpu.device"));
  if (!Rf_isNull(id_) && (!Rf_isString(id_) || Rf_length(id_) != 1))
    r_stop(AG_E_ARGUMENT, "`device`: one string such as \"host\" or \"opencl:0\" is wanted");
  ag_device *d;
  r_check(ag_device_find(&d, Rf_isNull(id_) ? getenv("ANYGPU_DEVICE") : CHAR(STRING_ELT(id_, 0))));
  return d;
}

static int dtype_of_name(SEXP name_) {
  if (!Rf_isString(name_) || Rf_length(name_) != 1) return -1;
  for (int t = AG_F64; t <= AG_BOOL; t++)
    if (!strcmp(CHAR(STRING_ELT(name_, 0)), ag_dtype_name((ag_dtype)t))) return t;
  return -1;
}

/* float64 where the device has it; the first float32 array made instead says so. */
static ag_dtype default_real(const ag_device *d) {
  SEXP option_ = Rf_GetOption1(Rf_install("anygpu.type"));
  if (!Rf_isNull(option_)) return r_dtype(option_, REALSXP, d);
  if (d->has_f64) return AG_F64;
  SEXP id_ = PROTECT(Rf_mkString(d->id));
  r_call("note_float32", 1, id_, NULL, NULL);
  UNPROTECT(1);
  return AG_F32;
}

ag_dtype r_dtype(SEXP type_, SEXPTYPE like, const ag_device *d) {
  if (Rf_isNull(type_)) return like == INTSXP ? AG_I32 : like == LGLSXP ? AG_BOOL : default_real(d);
  int type = dtype_of_name(type_);
  if (type < 0)
    r_stop(AG_E_TYPE, "`type`: \"float64\", \"float32\", \"int32\" or \"logical\" is wanted");
  if (type == AG_F64 && !d->has_f64)
    r_stop(AG_E_TYPE, "the device %s has no float64: use type = \"float32\"", d->id);
  return (ag_dtype)type;
}

int r_operand_get(r_operand *o, SEXP x_) {
  int type = r_storage(x_);
  if (type < 0) return 0;
  *o = (r_operand){.type = (ag_dtype)type, .n = XLENGTH(x_), .shape = r_shape(x_)};
  o->nd = Rf_length(Rf_getAttrib(x_, R_DimSymbol));
  o->array = r_array(x_);
  if (o->array) o->type = o->array->type;
  else if (Rf_isObject(x_)) return 0;
  else o->data = DATAPTR_RO(x_);
  return 1;
}

/* A plain number as R's double, NA kept. */
static double number_of(const r_operand *o) {
  if (o->type == AG_F64) return *(const double *)o->data;
  int v = *(const int *)o->data;
  return v == NA_INTEGER ? NA_REAL : v;
}

ag_status r_operand_array(ag_array **out, const r_operand *o, ag_device *d, ag_dtype type) {
  if (o->array) {
    int is_real = o->array->type == AG_F64 || o->array->type == AG_F32;
    if (is_real || type == AG_BOOL) *out = ag_array_retain(o->array);
    else return ag_expr_cast(out, o->array, type);
    return AG_OK;
  }
  if (o->n == 1 && o->nd == 0) return ag_expr_scalar(out, number_of(o), type);
  return ag_array_write(out, d, type, o->shape, o->data, o->type);
}

/* -- R ----------------------------------------------------------------------------------------- */
SEXP r_call(const char *name, int nargs, SEXP a_, SEXP b_, SEXP c_) {
  SEXP arg_[3] = {a_, b_, c_}, call_ = R_NilValue;
  for (int i = nargs; i-- > 0;) {
    PROTECT(call_);
    SEXP quoted_ = TYPEOF(arg_[i]) == LANGSXP || TYPEOF(arg_[i]) == SYMSXP
                       ? Rf_lang2(Rf_install("quote"), arg_[i])
                       : arg_[i];
    PROTECT(quoted_);
    SEXP next_ = Rf_cons(quoted_, call_);
    UNPROTECT(2);
    call_ = next_;
  }
  PROTECT(call_);
  call_ = PROTECT(Rf_lcons(Rf_install(name), call_));
  SEXP ans_ = Rf_eval(call_, r_namespace);
  UNPROTECT(2);
  return ans_;
}

void r_check(ag_status status) {
  if (status == AG_OK) return;
  SEXP name_ = PROTECT(Rf_mkString(ag_status_name(status)));
  SEXP text_ = PROTECT(Rf_mkString(ag_error_message()));
  r_call("stop_status", 2, name_, text_, NULL);
  UNPROTECT(2);
}

void r_stop(ag_status status, const char *format, ...) {
  char text[2000];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  r_check(ag_fail(status, "%s", text));
}
