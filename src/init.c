/* Registration. Loading touches no device. */
#include "glue.h"
#include <R_ext/Rdynload.h>
#include <R_ext/Visibility.h>

#define ENTRY_0 (void)
#define ENTRY_1 (SEXP)
#define ENTRY_2 (SEXP, SEXP)
#define ENTRY_3 (SEXP, SEXP, SEXP)
#define ENTRY_4 (SEXP, SEXP, SEXP, SEXP)
#define ENTRY_5 (SEXP, SEXP, SEXP, SEXP, SEXP)
#define ENTRY_6 (SEXP, SEXP, SEXP, SEXP, SEXP, SEXP)
#define ENTRY_7 (SEXP, SEXP, SEXP, SEXP, SEXP, SEXP, SEXP)
#define ENTRY_8 (SEXP, SEXP, SEXP, SEXP, SEXP, SEXP, SEXP, SEXP)

#define ENTRY(name, n) extern SEXP ffi_##name ENTRY_##n;
#include "entries.h"
#undef ENTRY

#define ENTRY(name, n) {"C_" #name, (DL_FUNC)(void (*)(void)) & ffi_##name, n},
static const R_CallMethodDef entries[] = {
#include "entries.h"
    {NULL, NULL, 0}};
#undef ENTRY

void attribute_visible R_init_anygpu(DllInfo *dll) {
  R_registerRoutines(dll, NULL, entries, NULL, NULL);
  R_useDynamicSymbols(dll, FALSE);
  R_forceSymbols(dll, TRUE);
  r_altrep_init(dll);
}
