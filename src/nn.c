/* The trainer's entries: a trainer is an external pointer that lives as long as nn_fit() runs.
 * R composes what a batch does of operations on the trainer's placeholders. */
#include "glue.h"
#include "nn/epoch.h"
#include "nn/minimize.h"
#include "nn/samples.h"
#include <string.h>

/* -- the handle -------------------------------------------------------------------------------- */
static void trainer_finalize(SEXP own_) {
  ag_trainer_free(R_ExternalPtrAddr(own_));
  R_ClearExternalPtr(own_);
}

static SEXP trainer_new(void) {
  SEXP own_ = PROTECT(R_MakeExternalPtr(NULL, Rf_install("anygpu_trainer"), R_NilValue));
  R_RegisterCFinalizerEx(own_, trainer_finalize, FALSE);
  UNPROTECT(1);
  return own_;
}

static ag_trainer *r_trainer(SEXP x_) {
  void *t = TYPEOF(x_) == EXTPTRSXP ? R_ExternalPtrAddr(x_) : NULL;
  if (!t) r_stop(AG_E_ARGUMENT, "this trainer is gone: it does not survive the session");
  return t;
}

/* "param", "fixed", "state" or "scalar", and from 0 the number among these. */
static int r_which(SEXP name_, SEXP number_) {
  const char *name = CHAR(STRING_ELT(name_, 0));
  int i = Rf_asInteger(number_);
  if (!strcmp(name, "param")) return AG_IN_PARAM;
  if (!strcmp(name, "fixed")) return AG_IN_FIXED;
  if (!strcmp(name, "state") && i >= 0 && i < AG_MAX_STATE) return AG_IN_STATE + i;
  if (!strcmp(name, "scalar") && i >= 0 && i < AG_MAX_STEP_SCALAR) return AG_IN_SCALAR + i;
  r_stop(AG_E_ARGUMENT, "a trainer has no \"%s\" %d", name, i);
  return -1;
}

static int r_pass(SEXP pass_) {
  int pass = Rf_asInteger(pass_);
  if (pass < 0 || pass >= AG_MAX_PASS) r_stop(AG_E_ARGUMENT, "there is no pass %d", pass);
  return pass;
}

/* -- data -------------------------------------------------------------------------------------- */
/* Samples first in R, last on the device. */
static void data_upload(ag_array **out, ag_device *d, ag_dtype type, SEXP x_) {
  ag_array *ours = r_array(x_);
  ag_shape shape = r_shape(x_);
  if (!ours && TYPEOF(x_) != REALSXP) r_stop(AG_E_TYPE, "data of the trainer must be doubles");
  const double *x = ours ? NULL : REAL_RO(x_);
  r_check(ours ? ag_samples_of(out, type, ours) : ag_samples_write(out, d, type, shape, x));
}

static void owner_drop(SEXP own_) {
  ag_array_release(*r_array_out(own_));
  *r_array_out(own_) = NULL;
}

/* `data_`: list of arrays (plain, or ours). `shape_`: how many states and scalars. */
SEXP ffi_nn_trainer(SEXP data_, SEXP param_, SEXP fixed_, SEXP shape_, SEXP type_) {
  int n = Rf_length(data_);
  if (n > AG_MAX_DATA) r_stop(AG_E_ARGUMENT, "at most %d inputs and targets", AG_MAX_DATA);
  ag_device *dev = NULL;
  for (int i = 0; i < n && !dev; i++) {
    ag_array *a = r_array(VECTOR_ELT(data_, i));
    if (a) dev = a->dev;
  }
  if (!dev) dev = r_device(R_NilValue);
  ag_trainer_spec spec = {.type = r_dtype(type_, REALSXP, dev),
                          .ndata = n,
                          .nstate = INTEGER(shape_)[0],
                          .nscalar = INTEGER(shape_)[1],
                          .nparam = Rf_xlength(param_),
                          .nfixed = Rf_xlength(fixed_),
                          .param = REAL_RO(param_),
                          .fixed = REAL_RO(fixed_)};
  SEXP own_ = PROTECT(trainer_new()), owners_ = PROTECT(Rf_allocVector(VECSXP, n));
  ag_array *data[AG_MAX_DATA];
  for (int i = 0; i < n; i++) {
    SET_VECTOR_ELT(owners_, i, r_array_new());
    ag_array **out = r_array_out(VECTOR_ELT(owners_, i));
    data_upload(out, dev, spec.type, VECTOR_ELT(data_, i));
    data[i] = *out;
  }
  spec.data = data;
  ag_trainer *t = NULL;
  r_check(ag_trainer_new(&t, dev, &spec));
  R_SetExternalPtrAddr(own_, t);
  for (int i = 0; i < n; i++) owner_drop(VECTOR_ELT(owners_, i)); /* or they live until collected */
  UNPROTECT(2);
  return own_;
}

/* Gives the memory back now: placeholders that R still holds refer to none of it. */
SEXP ffi_nn_free(SEXP trainer_) {
  trainer_finalize(trainer_);
  return R_NilValue;
}

SEXP ffi_nn_device(SEXP trainer_) { return Rf_mkString(r_trainer(trainer_)->dev->id); }

/* Other samples in place of data i (from 0). */
SEXP ffi_nn_data(SEXP trainer_, SEXP i_, SEXP x_) {
  ag_trainer *t = r_trainer(trainer_);
  SEXP own_ = PROTECT(r_array_new());
  data_upload(r_array_out(own_), t->dev, t->type, x_);
  r_check(ag_trainer_data(t, Rf_asInteger(i_), *r_array_out(own_)));
  owner_drop(own_);
  UNPROTECT(1);
  return R_NilValue;
}

/* -- tracing: placeholders for R, plans from what R made of them ------------------------------- */
static SEXP r_borrowed(ag_array *x) {
  SEXP own_ = PROTECT(r_array_new());
  *r_array_out(own_) = ag_array_retain(x);
  SEXP out_ = r_array_object(own_);
  UNPROTECT(1);
  return out_;
}

/* Elements of the parameters from `offset` on. */
SEXP ffi_nn_view(SEXP trainer_, SEXP which_, SEXP offset_, SEXP dim_) {
  ag_trainer *t = r_trainer(trainer_);
  int which = r_which(which_, Rf_ScalarInteger(0));
  ag_shape shape = r_shape_of_dim(dim_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_trainer_view(t, which, (int64_t)Rf_asReal(offset_), shape, r_array_out(own_)));
  SEXP out_ = r_array_object(own_);
  UNPROTECT(1);
  return out_;
}

SEXP ffi_nn_vector(SEXP trainer_, SEXP which_, SEXP i_) {
  ag_array *x = ag_trainer_input(r_trainer(trainer_), r_which(which_, i_));
  if (!x) r_stop(AG_E_ARGUMENT, "the trainer has none");
  return r_borrowed(x);
}

/* `index_`: samples from 0, or how many. */
SEXP ffi_nn_pass(SEXP trainer_, SEXP pass_, SEXP index_, SEXP batch_) {
  ag_trainer *t = r_trainer(trainer_);
  int pass = r_pass(pass_), all = TYPEOF(index_) == REALSXP;
  int64_t n = all ? (int64_t)Rf_asReal(index_) : Rf_xlength(index_);
  const int *index = all ? NULL : INTEGER_RO(index_);
  r_check(ag_trainer_pass(t, pass, n, index, Rf_asInteger(batch_)));
  return R_NilValue;
}

SEXP ffi_nn_has(SEXP trainer_, SEXP pass_, SEXP size_) {
  return Rf_ScalarLogical(ag_trainer_has(r_trainer(trainer_), r_pass(pass_), Rf_asInteger(size_)));
}

/* The list of the batch's data. */
SEXP ffi_nn_trace(SEXP trainer_, SEXP pass_, SEXP size_) {
  ag_trainer *t = r_trainer(trainer_);
  int pass = r_pass(pass_), n = t->ndata;
  ag_array *out[AG_MAX_DATA] = {NULL};
  SEXP ans_ = PROTECT(Rf_allocVector(VECSXP, n));
  for (int i = 0; i < n; i++) SET_VECTOR_ELT(ans_, i, r_array_new());
  ag_status status = ag_trainer_trace(t, pass, Rf_asInteger(size_), out);
  for (int i = 0; i < n; i++) *r_array_out(VECTOR_ELT(ans_, i)) = out[i];
  r_check(status);
  for (int i = 0; i < n; i++) SET_VECTOR_ELT(ans_, i, r_array_object(VECTOR_ELT(ans_, i)));
  UNPROTECT(1);
  return ans_;
}

SEXP ffi_nn_random(SEXP trainer_, SEXP dim_) {
  ag_trainer *t = r_trainer(trainer_);
  ag_shape shape = r_shape_of_dim(dim_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_trainer_random(t, shape, r_array_out(own_)));
  SEXP out_ = r_array_object(own_);
  UNPROTECT(1);
  return out_;
}

static ag_array *r_traced(SEXP x_) {
  ag_array *x = r_array(x_);
  if (!x) r_stop(AG_E_TYPE, "this does not depend on the data: a layer or a loss left the device");
  return x;
}

/* d sum(loss) / d parameters. What leads to the arrays `kept_` is kept in bfloat16. */
SEXP ffi_nn_gradient(SEXP trainer_, SEXP loss_, SEXP kept_) {
  ag_trainer *t = r_trainer(trainer_);
  ag_array *loss = r_traced(loss_);
  const int nz = Rf_length(kept_);
  ag_array **z = (ag_array **)R_alloc((size_t)nz + 1, sizeof *z);
  for (int i = 0; i < nz; i++) z[i] = r_traced(VECTOR_ELT(kept_, i));
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_trainer_gradient(t, loss, nz, z, r_array_out(own_)));
  SEXP out_ = r_array_object(own_);
  UNPROTECT(1);
  return out_;
}

/* x rounded to bfloat16, which is what is stored of it. */
SEXP ffi_nn_keep(SEXP x_) {
  ag_array *x = r_traced(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_expr_keep(r_array_out(own_), x));
  SEXP out_ = r_array_object(own_);
  UNPROTECT(1);
  return out_;
}

/* The vector of several arrays' elements. */
SEXP ffi_nn_join(SEXP list_) {
  int n = Rf_length(list_);
  ag_array **x = (ag_array **)R_alloc((size_t)n + 1, sizeof *x);
  for (int i = 0; i < n; i++) x[i] = r_traced(VECTOR_ELT(list_, i));
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_expr_concat(r_array_out(own_), n, x));
  SEXP out_ = r_array_object(own_);
  UNPROTECT(1);
  return out_;
}

/* `sum_`: what to sum over the pass, a list of arrays. `next_`: next values, NULL for none: of
 * the parameters, of what is fixed, of the states. */
SEXP ffi_nn_compile(SEXP trainer_, SEXP sum_, SEXP next_) {
  ag_trainer *t = r_trainer(trainer_);
  int which[AG_MAX_STATE + 2], n = 0, nsum = Rf_length(sum_);
  ag_array *next[AG_MAX_STATE + 2];
  ag_array **sum = (ag_array **)R_alloc((size_t)nsum + 1, sizeof *sum);
  for (int i = 0; i < nsum; i++) sum[i] = r_traced(VECTOR_ELT(sum_, i));
  for (int i = 0; i < Rf_length(next_) && i < AG_MAX_STATE + 2; i++) {
    if (VECTOR_ELT(next_, i) == R_NilValue) continue;
    which[n] = AG_IN_PARAM + i;
    next[n++] = r_traced(VECTOR_ELT(next_, i));
  }
  ag_batch_step step = {.nsum = nsum, .nnext = n, .sum = sum, .which = which, .next = next};
  r_check(ag_trainer_compile(t, &step));
  return R_NilValue;
}

/* -- running ----------------------------------------------------------------------------------- */
/* c(batches, interrupted) of those run. `scalar_`: a matrix, a column for each batch, or NULL. */
SEXP ffi_nn_run(SEXP trainer_, SEXP pass_, SEXP batches_, SEXP scalar_, SEXP key_) {
  ag_trainer *t = r_trainer(trainer_);
  const double *b = REAL_RO(batches_); /* first, how many, seconds */
  ag_epoch_run run = {.pass = r_pass(pass_),
                      .first = (int64_t)b[0],
                      .batches = (int64_t)b[1],
                      .seconds = b[2],
                      .scalar = scalar_ == R_NilValue ? NULL : REAL_RO(scalar_),
                      .key = (uint64_t)Rf_asReal(key_)};
  if (run.scalar && Rf_xlength(scalar_) < run.batches * t->nscalar)
    r_stop(AG_E_SHAPE, "there are not enough numbers for %d batches", (int)run.batches);
  ag_epoch_done done;
  r_check(ag_epoch_run_batches(t, &run, &done));
  SEXP out_ = PROTECT(Rf_allocVector(REALSXP, 2));
  REAL(out_)[0] = (double)done.batches;
  REAL(out_)[1] = done.interrupted;
  UNPROTECT(1);
  return out_;
}

SEXP ffi_nn_sums(SEXP trainer_, SEXP pass_) {
  ag_trainer *t = r_trainer(trainer_);
  int pass = r_pass(pass_);
  SEXP out_ = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)t->pass[pass].nsum));
  r_check(ag_epoch_sums(t, pass, REAL(out_)));
  UNPROTECT(1);
  return out_;
}

SEXP ffi_nn_read(SEXP trainer_, SEXP which_, SEXP i_) {
  ag_trainer *t = r_trainer(trainer_);
  int which = r_which(which_, i_);
  SEXP out_ = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)ag_trainer_length(t, which)));
  r_check(ag_trainer_read(t, which, REAL(out_)));
  UNPROTECT(1);
  return out_;
}

SEXP ffi_nn_write(SEXP trainer_, SEXP which_, SEXP i_, SEXP x_) {
  ag_trainer *t = r_trainer(trainer_);
  int which = r_which(which_, i_);
  if (Rf_xlength(x_) != ag_trainer_length(t, which))
    r_stop(AG_E_SHAPE, "a vector of another length");
  const double *x = REAL_RO(x_);
  r_check(ag_trainer_write(t, which, x));
  return R_NilValue;
}

/* -- L-BFGS ------------------------------------------------------------------------------------ */
static void minimizer_finalize(SEXP own_) {
  ag_minimizer_free(R_ExternalPtrAddr(own_));
  R_ClearExternalPtr(own_);
}

/* Keeps the trainer alive. `coef_`: what each sum counts in the loss. */
SEXP ffi_nn_minimizer(SEXP trainer_, SEXP pass_, SEXP history_, SEXP coef_) {
  ag_trainer *t = r_trainer(trainer_);
  int pass = r_pass(pass_), history = Rf_asInteger(history_);
  if (Rf_xlength(coef_) != t->pass[pass].nsum) r_stop(AG_E_SHAPE, "a coefficient for each sum");
  SEXP own_ = PROTECT(R_MakeExternalPtr(NULL, Rf_install("anygpu_minimizer"), trainer_));
  R_RegisterCFinalizerEx(own_, minimizer_finalize, FALSE);
  ag_minimizer *m = NULL;
  r_check(ag_minimizer_new(&m, t, pass, history, REAL_RO(coef_)));
  R_SetExternalPtrAddr(own_, m);
  UNPROTECT(1);
  return own_;
}

/* At most `iterations`: list(losses, done, interrupted, evaluations so far). `stop_`: abstol,
 * reltol, and the l2 that the losses are to be without. */
SEXP ffi_nn_minimize(SEXP minimizer_, SEXP iterations_, SEXP stop_) {
  ag_minimizer *m = R_ExternalPtrAddr(minimizer_);
  if (!m || !R_ExternalPtrAddr(R_ExternalPtrProtected(minimizer_)))
    r_stop(AG_E_ARGUMENT, "this optimiser is gone");
  int iterations = Rf_asInteger(iterations_);
  ag_lbfgs_stop stop = {REAL_RO(stop_)[0], REAL_RO(stop_)[1]};
  double *value = (double *)R_alloc((size_t)iterations + 1, sizeof *value);
  ag_minimizer_done done;
  r_check(ag_minimizer_run(m, iterations, stop, REAL_RO(stop_)[2], value, &done));
  const char *names[] = {"loss", "done", "interrupted", "evaluations", ""};
  SEXP ans_ = PROTECT(Rf_mkNamed(VECSXP, names));
  SET_VECTOR_ELT(ans_, 0, Rf_allocVector(REALSXP, done.iterations));
  for (int i = 0; i < done.iterations; i++) REAL(VECTOR_ELT(ans_, 0))[i] = value[i];
  SET_VECTOR_ELT(ans_, 1, Rf_ScalarLogical(done.done));
  SET_VECTOR_ELT(ans_, 2, Rf_ScalarLogical(done.interrupted));
  SET_VECTOR_ELT(ans_, 3, Rf_ScalarReal((double)ag_minimizer_evaluations(m)));
  UNPROTECT(1);
  return ans_;
}
