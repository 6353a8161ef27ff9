/* The trainer's entries: a trainer is an external pointer that lives as long as nn_fit() runs. */
#include "glue.h"
#include "nn/epoch.h"
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

/* -- arguments --------------------------------------------------------------------------------- */
static double number(SEXP list_, const char *name) {
  SEXP names_ = Rf_getAttrib(list_, R_NamesSymbol);
  for (R_xlen_t i = 0; i < Rf_xlength(names_); i++)
    if (!strcmp(CHAR(STRING_ELT(names_, i)), name)) return Rf_asReal(VECTOR_ELT(list_, i));
  return 0;
}

/* From opt_sgd() or opt_adam(): a list of its name and numbers. */
static ag_optim r_optim(SEXP x_) {
  int adam = !strcmp(CHAR(STRING_ELT(VECTOR_ELT(x_, 0), 0)), "adam");
  return (ag_optim){.kind = adam ? AG_OPTIM_ADAM : AG_OPTIM_SGD,
                    .lr = number(x_, "lr"),
                    .momentum = number(x_, "momentum"),
                    .beta1 = number(x_, "beta1"),
                    .beta2 = number(x_, "beta2"),
                    .eps = number(x_, "eps")};
}

static ag_loss r_loss(SEXP x_) {
  return strcmp(CHAR(STRING_ELT(x_, 0)), "mse") ? AG_LOSS_CROSS_ENTROPY : AG_LOSS_MSE;
}

/* -- x as p x n float32 ------------------------------------------------------------------------ */
static ag_status samples_from_array(ag_array **out, ag_array *x) {
  ag_array *f32;
  AG_TRY(ag_expr_cast(&f32, x, AG_F32));
  ag_status status = ag_expr_transpose(out, f32);
  ag_array_release(f32);
  return status;
}

static void owner_drop(ag_array **x) {
  ag_array_release(*x);
  *x = NULL;
}

/* `x_` is n x p (plain, or an array of ours), `y_` the targets, k x n. */
SEXP ffi_nn_trainer(SEXP x_, SEXP y_, SEXP loss_, SEXP optim_, SEXP param_) {
  ag_array *ours = r_array(x_);
  ag_device *dev = ours ? ours->dev : r_device(R_NilValue);
  const double *x = ours ? NULL : REAL(x_), *y = REAL(y_), *param = REAL(param_);
  ag_shape xs = r_shape(x_), ys = r_shape(y_);
  ag_optim optim = r_optim(optim_);
  SEXP own_x_ = PROTECT(r_array_new()), own_y_ = PROTECT(r_array_new());
  SEXP own_ = PROTECT(trainer_new());
  ag_array **px = r_array_out(own_x_), **py = r_array_out(own_y_);
  r_check(ours ? samples_from_array(px, ours) : ag_samples_write(px, dev, xs.dim[0], xs.dim[1], x));
  r_check(ag_array_write(py, dev, AG_F32, ys, y, AG_F64));
  ag_trainer *t = NULL;
  r_check(ag_trainer_new(&t, *px, *py, r_loss(loss_), &optim, Rf_xlength(param_), param));
  R_SetExternalPtrAddr(own_, t);
  owner_drop(px); /* or the data would live until these owners are collected */
  owner_drop(py);
  UNPROTECT(3);
  return own_;
}

/* Gives the memory back now: placeholders that R still holds refer to none of it. */
SEXP ffi_nn_free(SEXP trainer_) {
  trainer_finalize(trainer_);
  return R_NilValue;
}

SEXP ffi_nn_device(SEXP trainer_) { return Rf_mkString(r_trainer(trainer_)->dev->id); }

/* -- tracing: placeholders for R, plans from what R made of them ------------------------------- */
SEXP ffi_nn_param(SEXP trainer_, SEXP offset_, SEXP dim_) {
  ag_trainer *t = r_trainer(trainer_);
  ag_shape shape = r_shape_of_dim(dim_);
  int64_t offset = (int64_t)Rf_asReal(offset_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_trainer_param(t, offset, shape, r_array_out(own_)));
  SEXP out_ = r_array_object(own_);
  UNPROTECT(1);
  return out_;
}

SEXP ffi_nn_pass(SEXP trainer_, SEXP training_, SEXP index_, SEXP batch_) {
  ag_trainer *t = r_trainer(trainer_);
  const int *index = INTEGER(index_);
  r_check(
      ag_trainer_pass(t, Rf_asLogical(training_), Rf_xlength(index_), index, Rf_asInteger(batch_)));
  return R_NilValue;
}

SEXP ffi_nn_trace(SEXP trainer_, SEXP batch_) {
  ag_trainer *t = r_trainer(trainer_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_trainer_trace(t, Rf_asInteger(batch_), r_array_out(own_)));
  SEXP out_ = r_array_object(own_);
  UNPROTECT(1);
  return out_;
}

SEXP ffi_nn_compile(SEXP trainer_, SEXP training_, SEXP z_) {
  ag_trainer *t = r_trainer(trainer_);
  ag_array *z = r_array(z_);
  if (!z) r_stop(AG_E_TYPE, "the model's output is not a device array: a layer left the device");
  r_check(ag_trainer_compile(t, Rf_asLogical(training_), z));
  return R_NilValue;
}

SEXP ffi_nn_softmax(SEXP z_) {
  ag_array *z = r_array(z_);
  if (!z) r_stop(AG_E_TYPE, "softmax: not a device array");
  SEXP own_ = PROTECT(r_array_new());
  ag_builder b = {0};
  ag_array *out = ag_loss_softmax(&b, z);
  if (out) *r_array_out(own_) = ag_array_retain(out);
  r_check(ag_builder_end(&b));
  SEXP out_ = r_array_object(own_);
  UNPROTECT(1);
  return out_;
}

/* -- running ----------------------------------------------------------------------------------- */
typedef struct {
  int epoch, epochs, classes, rewrite;
  int64_t samples;
} progress_label;

#define BAR 30

/* One line, written over itself; without a terminal there is nothing to write over. */
static void progress_show(void *ctx, const ag_epoch *e) {
  const progress_label *label = ctx;
  if (!label->rewrite) return;
  double share = (double)e->samples / (double)label->samples;
  char bar[BAR + 1] = {0};
  for (int i = 0; i < BAR; i++) bar[i] = i < (int)(share * BAR) ? '=' : ' ';
  REprintf("\repoch %d/%d [%s] %3d%%  loss %.4g", label->epoch, label->epochs, bar,
           (int)(100 * share), e->loss);
  if (label->classes) REprintf("  accuracy %.4f", e->accuracy);
}

/* c(loss, accuracy, samples, interrupted). `label_`: NULL, or epoch, epochs, classes, rewrite. */
SEXP ffi_nn_epoch(SEXP trainer_, SEXP training_, SEXP index_, SEXP label_) {
  ag_trainer *t = r_trainer(trainer_);
  int training = Rf_asLogical(training_);
  const int *index = index_ == R_NilValue ? NULL : INTEGER(index_);
  int64_t n = training ? t->train.n : t->valid.n;
  if (index && Rf_xlength(index_) != n) r_stop(AG_E_SHAPE, "an order of another length");
  progress_label label = {.samples = n};
  if (label_ != R_NilValue) {
    const double *l = REAL(label_);
    label = (progress_label){(int)l[0], (int)l[1], l[2] != 0, l[3] != 0, n};
  }
  ag_epoch epoch;
  r_check(
      ag_pass_run(t, training, index, label_ == R_NilValue ? NULL : progress_show, &label, &epoch));
  const char *names[] = {"loss", "accuracy", "samples", "interrupted", ""};
  SEXP list_ = PROTECT(Rf_mkNamed(REALSXP, names));
  double *out = REAL(list_);
  out[0] = epoch.loss;
  out[1] = epoch.accuracy;
  out[2] = (double)epoch.samples;
  out[3] = epoch.interrupted;
  UNPROTECT(1);
  return list_;
}

SEXP ffi_nn_weights(SEXP trainer_) {
  ag_trainer *t = r_trainer(trainer_);
  SEXP out_ = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)t->nparam));
  r_check(ag_trainer_read(t, REAL(out_)));
  UNPROTECT(1);
  return out_;
}
