/* Devices, memory and what is counted. */
#include "glue.h"
#include <R_ext/Utils.h>

/* -- hooks ------------------------------------------------------------------------------------- */
static void check_interrupt(void *unused) {
  (void)unused;
  R_CheckUserInterrupt();
}
static int interrupted(void) { return !R_ToplevelExec(check_interrupt, NULL); }

static void log_line(const char *line) { REprintf("%s\n", line); }

/* At load: where the kernels are, and the namespace whose functions C calls. */
SEXP ffi_setup(SEXP namespace_, SEXP kernels_) {
  r_namespace = namespace_;
  R_PreserveObject(r_namespace);
  ag_device_set_kernel_dir(CHAR(STRING_ELT(kernels_, 0)));
  ag_hook_gc = R_gc;
  ag_hook_tuning_file = r_tuning_file;
  ag_hook_interrupted = interrupted;
  ag_hook_log = log_line;
  return R_NilValue;
}

/* -- devices ----------------------------------------------------------------------------------- */
static void describe(SEXP columns_, int i, const ag_device *d) {
  SET_STRING_ELT(VECTOR_ELT(columns_, 0), i, Rf_mkChar(d->id));
  SET_STRING_ELT(VECTOR_ELT(columns_, 1), i, Rf_mkChar(d->name));
  SET_STRING_ELT(VECTOR_ELT(columns_, 2), i, Rf_mkChar(d->driver));
  LOGICAL(VECTOR_ELT(columns_, 3))[i] = d->is_gpu;
  LOGICAL(VECTOR_ELT(columns_, 4))[i] = d->has_f64;
  INTEGER(VECTOR_ELT(columns_, 5))[i] = d->compute_units;
  REAL(VECTOR_ELT(columns_, 6))[i] = d->memory ? (double)d->memory : NA_REAL;
}

SEXP ffi_devices(void) {
  static const char *name[] = {"id", "name", "driver", "gpu", "float64", "units", "memory", ""};
  static const SEXPTYPE type[] = {STRSXP, STRSXP, STRSXP, LGLSXP, LGLSXP, INTSXP, REALSXP};
  int n = ag_device_count();
  SEXP ans_ = PROTECT(Rf_mkNamed(VECSXP, name));
  for (int k = 0; k < 7; k++) SET_VECTOR_ELT(ans_, k, Rf_allocVector(type[k], n));
  for (int i = 0; i < n; i++) describe(ans_, i, ag_device_get(i));
  UNPROTECT(1);
  return ans_;
}

/* The id of the device that `id_` names: NULL for the default. Opens it. */
SEXP ffi_device(SEXP id_) { return Rf_mkString(r_device(id_)->id); }

SEXP ffi_opencl_problem(void) { return Rf_mkString(ag_device_opencl_problem()); }

SEXP ffi_synchronize(SEXP id_) {
  r_check(ag_device_finish(r_device(id_)));
  return R_NilValue;
}

/* -- memory ------------------------------------------------------------------------------------ */
/* Of the devices that are open. */
SEXP ffi_memory(void) {
  static const char *name[] = {"id", "buffers", "used", "pool", "peak", "limit", ""};
  int n = 0;
  for (int i = 0; i < ag_device_count(); i++) n += ag_device_get(i)->state != NULL;
  SEXP ans_ = PROTECT(Rf_mkNamed(VECSXP, name));
  for (int k = 0; k < 6; k++) SET_VECTOR_ELT(ans_, k, Rf_allocVector(k ? REALSXP : STRSXP, n));
  for (int i = 0, row = 0; i < ag_device_count() && row < n; i++) {
    const ag_device *d = ag_device_get(i);
    if (!d->state) continue;
    ag_memory m = ag_device_memory(d);
    double value[] = {(double)m.live_buffers, (double)m.live_bytes, (double)m.pool_bytes,
                      (double)m.peak_bytes, m.limit ? (double)m.limit : R_PosInf};
    SET_STRING_ELT(VECTOR_ELT(ans_, 0), row, Rf_mkChar(d->id));
    for (int k = 1; k < 6; k++) REAL(VECTOR_ELT(ans_, k))[row] = value[k - 1];
    row++;
  }
  UNPROTECT(1);
  return ans_;
}

SEXP ffi_memory_limit(SEXP id_, SEXP bytes_) {
  double bytes = Rf_asReal(bytes_);
  if (!(bytes >= 0)) r_stop(AG_E_ARGUMENT, "limit: a number of bytes is wanted, or Inf for none");
  ag_device_set_limit(r_device(id_), R_FINITE(bytes) ? (size_t)bytes : 0);
  return R_NilValue;
}

SEXP ffi_memory_trim(SEXP id_) {
  ag_device_trim(r_device(id_));
  return R_NilValue;
}

/* -- counters ---------------------------------------------------------------------------------- */
SEXP ffi_stats(SEXP reset_) {
  static const char *name[] = {"launches",     "builds",    "cache_hits",     "uploads",
                               "upload_bytes", "downloads", "download_bytes", "allocs",
                               "pool_hits",    ""};
  ag_stats s = ag_stat;
  double value[] = {(double)s.launches,       (double)s.builds,       (double)s.cache_hits,
                    (double)s.uploads,        (double)s.upload_bytes, (double)s.downloads,
                    (double)s.download_bytes, (double)s.allocs,       (double)s.pool_hits};
  SEXP ans_ = PROTECT(Rf_mkNamed(VECSXP, name));
  for (int k = 0; k < 9; k++) SET_VECTOR_ELT(ans_, k, Rf_ScalarReal(value[k]));
  if (Rf_asLogical(reset_) == TRUE) ag_stat = (ag_stats){0};
  UNPROTECT(1);
  return ans_;
}

/* c(nodes, buffers) that are alive: for leak tests. */
SEXP ffi_live(void) {
  double buffers = 0;
  for (int i = 0; i < ag_device_count(); i++)
    if (ag_device_get(i)->state) buffers += (double)ag_device_memory(ag_device_get(i)).live_buffers;
  SEXP ans_ = PROTECT(Rf_allocVector(REALSXP, 2));
  REAL(ans_)[0] = (double)ag_array_live();
  REAL(ans_)[1] = buffers;
  UNPROTECT(1);
  return ans_;
}

/* Tests only: the n-th device call from now on fails. */
SEXP ffi_fault(SEXP n_) {
  ag_fault_after((long)Rf_asReal(n_));
  return R_NilValue;
}
