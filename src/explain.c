/* What forcing an array would run. */
#include "glue.h"

static ag_status describe(ag_array *a, ag_strbuf *text) {
  ag_schedule *s;
  AG_TRY(ag_schedule_new(&s, 1, &a, NULL));
  ag_schedule_describe(s, text);
  ag_schedule_free(s);
  return ag_strbuf_get(text) ? AG_OK : ag_fail(AG_E_MEMORY, "out of memory");
}

static SEXP as_string(void *text) { return Rf_mkString(ag_strbuf_get(text)); }
static void drop(void *text) { ag_strbuf_drop(text); }

/* "" when nothing is pending. */
SEXP ffi_explain(SEXP x_) {
  ag_array *a = r_array(x_);
  if (!a) r_stop(AG_E_TYPE, "an array made by gpu() is wanted");
  if (a->kind == AG_BUFFER) return Rf_mkString("");
  ag_strbuf text = {0};
  ag_status status = describe(a, &text);
  if (status != AG_OK) ag_strbuf_drop(&text);
  r_check(status);
  return R_ExecWithCleanup(as_string, &text, drop, &text);
}
