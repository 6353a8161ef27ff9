/* How matrix products are computed: the option anygpu.matmul, and tuning. */
#include "glue.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- precision --------------------------------------------------------------------------------- */
static ag_precision precision_of_option(void) {
  static const char *const name[] = {"exact", "tf32", "bf16"};
  SEXP option_ = Rf_GetOption1(Rf_install("anygpu.matmul"));
  if (Rf_isNull(option_)) return AG_EXACT;
  if (TYPEOF(option_) == STRSXP && Rf_length(option_) == 1)
    for (int p = AG_EXACT; p <= AG_BF16; p++)
      if (!strcmp(CHAR(STRING_ELT(option_, 0)), name[p])) return (ag_precision)p;
  r_stop(AG_E_ARGUMENT, "the option anygpu.matmul: \"exact\", \"tf32\" or \"bf16\" is wanted");
  return AG_EXACT;
}

ag_precision r_precision(const ag_device *d, ag_dtype type) {
  const ag_precision p = precision_of_option();
  if (p == AG_EXACT || type != AG_F32) return AG_EXACT;
  if (d->has_tensor) return p;
  SEXP id_ = PROTECT(Rf_mkString(d->id));
  r_call("note_exact", 1, id_, NULL, NULL);
  UNPROTECT(1);
  return AG_EXACT;
}

/* -- tuning ------------------------------------------------------------------------------------ */
/* Called by the core: must not jump. */
const char *r_tuning_file(void) {
  static char path[4000];
  int failed = 0;
  SEXP call_ = PROTECT(Rf_lang1(Rf_install("tuning_file")));
  SEXP path_ = R_tryEvalSilent(call_, r_namespace, &failed);
  UNPROTECT(1);
  if (failed || TYPEOF(path_) != STRSXP || Rf_length(path_) != 1) return NULL;
  const int n = snprintf(path, sizeof path, "%s", CHAR(STRING_ELT(path_, 0)));
  return n > 0 && n < (int)sizeof path ? path : NULL;
}

static SEXP report_columns(const ag_tuning *t) {
  static const char *name[] = {"type", "class", "variant", "gflops", "chosen", ""};
  static const SEXPTYPE type[] = {STRSXP, STRSXP, STRSXP, REALSXP, LGLSXP};
  SEXP ans_ = PROTECT(Rf_mkNamed(VECSXP, name));
  for (int i = 0; i < 5; i++) SET_VECTOR_ELT(ans_, i, Rf_allocVector(type[i], t->n));
  for (int i = 0; i < t->n; i++) {
    const ag_tuning_row *row = &t->row[i];
    SET_STRING_ELT(VECTOR_ELT(ans_, 0), i, Rf_mkChar(row->how));
    SET_STRING_ELT(VECTOR_ELT(ans_, 1), i, Rf_mkChar(row->class));
    SET_STRING_ELT(VECTOR_ELT(ans_, 2), i, Rf_mkChar(row->variant));
    REAL(VECTOR_ELT(ans_, 3))[i] = row->gflops;
    LOGICAL(VECTOR_ELT(ans_, 4))[i] = row->chosen;
  }
  UNPROTECT(1);
  return ans_;
}

SEXP ffi_tune(SEXP id_, SEXP seconds_) {
  ag_tuning *report = (ag_tuning *)R_alloc(1, sizeof *report);
  r_check(ag_device_tune(r_device(id_), Rf_asReal(seconds_), report));
  return report_columns(report);
}
