/* The plain conversion loops that a transfer is measured against. */
#include <R.h>
#include <Rinternals.h>

SEXP convert_down(SEXP x_) { /* double to float, in the bytes of a raw vector */
  R_xlen_t n = XLENGTH(x_);
  SEXP out_ = PROTECT(allocVector(RAWSXP, n * (R_xlen_t)sizeof(float)));
  const double *x = REAL(x_);
  float *y = (float *)RAW(out_);
  for (R_xlen_t i = 0; i < n; i++) y[i] = (float)x[i];
  UNPROTECT(1);
  return out_;
}

SEXP convert_up(SEXP x_) { /* and back */
  R_xlen_t n = XLENGTH(x_) / (R_xlen_t)sizeof(float);
  SEXP out_ = PROTECT(allocVector(REALSXP, n));
  const float *x = (const float *)RAW(x_);
  double *y = REAL(out_);
  for (R_xlen_t i = 0; i < n; i++) y[i] = x[i];
  UNPROTECT(1);
  return out_;
}
