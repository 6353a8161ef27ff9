/* Tracing: R functions run on placeholders, then their graph is differentiated or kept as a plan.
 */
#include "glue.h"
#include <stdlib.h>
#include <string.h>

/* An array like x, without values: input `number` of a plan. */
SEXP ffi_placeholder(SEXP x_, SEXP number_) {
  ag_array *a = r_array(x_);
  if (!a) r_stop(AG_E_TYPE, "an array made by gpu() is wanted");
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_expr_input(r_array_out(own_), a->dev, a->type, a->shape, Rf_asInteger(number_)));
  SEXP ans_ = PROTECT(r_array_value(own_));
  SHALLOW_DUPLICATE_ATTRIB(ans_, x_);
  UNPROTECT(2);
  return ans_;
}

/* -- gradients --------------------------------------------------------------------------------- */
/* d y / d x for each x of the list, with its attributes. */
SEXP ffi_grad(SEXP y_, SEXP x_) {
  int n = Rf_length(x_);
  ag_array *y = r_array(y_);
  ag_array **x = (ag_array **)R_alloc((size_t)n + 1, sizeof *x),
           **g = (ag_array **)R_alloc((size_t)n + 1, sizeof *g);
  SEXP ans_ = PROTECT(Rf_allocVector(VECSXP, n));
  for (int i = 0; i < n; i++) {
    x[i] = r_array(VECTOR_ELT(x_, i));
    SET_VECTOR_ELT(ans_, i, r_array_new());
  }
  r_check(ag_grad(y, n, x, g));
  for (int i = 0; i < n; i++) *r_array_out(VECTOR_ELT(ans_, i)) = g[i];
  for (int i = 0; i < n; i++) {
    SEXP value_ = PROTECT(r_array_value(VECTOR_ELT(ans_, i)));
    SHALLOW_DUPLICATE_ATTRIB(value_, VECTOR_ELT(x_, i));
    SET_VECTOR_ELT(ans_, i, value_);
    UNPROTECT(1);
  }
  UNPROTECT(1);
  return ans_;
}

/* -- plans ------------------------------------------------------------------------------------- */
/* A plan and the inputs nin, nin + 1, ... that its results are written to: a fresh buffer in each
 * run. A result that is an input itself is handed through. */
typedef struct {
  ag_plan *plan; /* NULL if all results are inputs */
  int nin, nout;
  ag_array *out[AG_MAX_OUT];
  int same[AG_MAX_OUT]; /* the number of the input that result i is, or -1 */
} traced_plan;

static void finalize(SEXP plan_) {
  traced_plan *p = R_ExternalPtrAddr(plan_);
  if (!p) return;
  R_ClearExternalPtr(plan_);
  if (p->plan) ag_plan_free(p->plan);
  for (int i = 0; i < p->nout; i++) ag_array_release(p->out[i]);
  free(p);
}

static traced_plan *new_plan(SEXP *plan_) {
  *plan_ = PROTECT(R_MakeExternalPtr(NULL, Rf_install("anygpu_plan"), R_NilValue));
  R_RegisterCFinalizerEx(*plan_, finalize, FALSE);
  traced_plan *p = calloc(1, sizeof *p);
  if (!p) Rf_error("out of memory");
  R_SetExternalPtrAddr(*plan_, p);
  UNPROTECT(1);
  return p;
}

/* What is written in place of target t. An EMBED needs memory of its own, which the plan clears,
 * and a CONCAT has several kernels: these are copied, by a reshape. */
static ag_status writable(ag_array **out, ag_array *t) {
  if (t->kind == AG_EMBED || t->kind == AG_CONCAT) {
    int64_t n = ag_array_count(t), one = 1;
    return ag_expr_reshape(out, t, t->shape.nd == 1 ? ag_shape_of(2, n, one) : ag_shape_of(1, n));
  }
  *out = ag_array_retain(t);
  return AG_OK;
}

static ag_status compile(traced_plan *p, int n, ag_array *const *target) {
  ag_array *computed[AG_MAX_OUT], *into[AG_MAX_OUT];
  int ncomputed = 0;
  ag_status status = AG_OK;
  for (; p->nout < n && status == AG_OK; p->nout++) {
    int i = p->nout;
    ag_array *t = target[i];
    p->same[i] = t->kind == AG_BUFFER ? t->param : -1;
    status = ag_expr_input(&p->out[i], t->dev, t->type, t->shape, p->nin + i);
    if (p->same[i] >= 0 || status != AG_OK) continue;
    status = writable(&computed[ncomputed], t);
    if (status == AG_OK) into[ncomputed++] = p->out[i];
  }
  if (status == AG_OK && ncomputed) status = ag_plan_new(&p->plan, ncomputed, computed, into);
  for (int i = 0; i < ncomputed; i++) ag_array_release(computed[i]);
  return status;
}

/* The list of results y as a plan of `nin` inputs. */
SEXP ffi_plan(SEXP y_, SEXP nin_) {
  int n = Rf_length(y_);
  if (n > AG_MAX_OUT)
    r_stop(AG_E_ARGUMENT, "a traced function can return at most %d arrays", AG_MAX_OUT);
  ag_array *target[AG_MAX_OUT];
  for (int i = 0; i < n; i++) target[i] = r_array(VECTOR_ELT(y_, i));
  SEXP plan_;
  traced_plan *p = new_plan(&plan_);
  PROTECT(plan_);
  p->nin = Rf_asInteger(nin_);
  r_check(compile(p, n, target));
  UNPROTECT(1);
  return plan_;
}

/* Fresh memory for result i. */
static ag_status bind_result(traced_plan *p, int i, ag_array **out) {
  const ag_array *like = p->out[i];
  ag_buffer *b;
  AG_TRY(ag_buffer_new(&b, like->dev, (size_t)ag_array_count(like) * ag_dtype_size(like->type)));
  ag_status status = ag_array_from_buffer(out, b, 0, like->type, like->shape);
  if (status == AG_OK) status = ag_plan_bind(p->plan, p->nin + i, b, 0);
  ag_buffer_release(b);
  return status;
}

static ag_status run(traced_plan *p, ag_array *const *in, ag_array ***out) {
  AG_TRY(ag_array_force(p->nin, in));
  for (int i = 0; i < p->nin && p->plan; i++)
    AG_TRY(ag_plan_bind(p->plan, i, in[i]->buf, in[i]->offset));
  for (int i = 0; i < p->nout; i++) {
    if (p->same[i] >= 0) *out[i] = ag_array_retain(in[p->same[i]]);
    else AG_TRY(bind_result(p, i, out[i]));
  }
  return p->plan ? ag_plan_run(p->plan) : AG_OK;
}

/* `like`: one R object for each result, whose attributes it gets. */
SEXP ffi_plan_run(SEXP plan_, SEXP in_, SEXP like_) {
  traced_plan *p = R_ExternalPtrAddr(plan_);
  if (!p) r_stop(AG_E_ARGUMENT, "a plan of another session cannot run");
  ag_array **in = (ag_array **)R_alloc((size_t)p->nin + 1, sizeof *in), **out[AG_MAX_OUT];
  SEXP ans_ = PROTECT(Rf_allocVector(VECSXP, p->nout));
  for (int i = 0; i < p->nin; i++) in[i] = r_array(VECTOR_ELT(in_, i));
  for (int i = 0; i < p->nout; i++) {
    SET_VECTOR_ELT(ans_, i, r_array_new());
    out[i] = r_array_out(VECTOR_ELT(ans_, i));
  }
  r_check(run(p, in, out));
  for (int i = 0; i < p->nout; i++) {
    SEXP value_ = PROTECT(r_array_value(VECTOR_ELT(ans_, i)));
    SHALLOW_DUPLICATE_ATTRIB(value_, VECTOR_ELT(like_, i));
    SET_VECTOR_ELT(ans_, i, value_);
    UNPROTECT(1);
  }
  UNPROTECT(1);
  return ans_;
}
