#include "subscript.h"
#include <string.h>

/* Device vectors shorter than this are read and looked at here: less work than two reductions. */
#define SMALL 16384

/* -- positions in R vectors -------------------------------------------------------------------- */
/* What is to be known of them before they are used. */
typedef struct {
  double low, high; /* of those that are not NA */
  int na, fraction, progression;
} survey;

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC optimize("O3") /* -O2 leaves the loop over all positions scalar */
#endif
static void bounds_int(const int *at, R_xlen_t n, int *low, int *high, int *na) {
  int least = INT32_MAX, most = AG_NA_INT + 1, missing = 0;
  for (R_xlen_t k = 0; k < n; k++) {
    int v = at[k], is_na = v == NA_INTEGER;
    missing |= is_na;
    least = !is_na && v < least ? v : least;
    most = v > most ? v : most;
  }
  *low = least, *high = most, *na = missing;
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC pop_options
#endif

static survey survey_int(const int *at, R_xlen_t n) {
  int low, high, na;
  bounds_int(at, n, &low, &high, &na);
  survey s = {low, high, na, 0, n > 0};
  for (R_xlen_t k = 2; k < n && s.progression; k++)
    s.progression = (int64_t)at[k] - at[k - 1] == (int64_t)at[1] - at[0];
  return s;
}

static survey survey_real(const double *at, R_xlen_t n) {
  double low = R_PosInf, high = R_NegInf;
  int na = 0, fraction = 0;
  for (R_xlen_t k = 0; k < n; k++) {
    double v = at[k];
    int is_na = v != v;
    na |= is_na;
    fraction |= !is_na & (v != (double)(int64_t)(v < 9e15 && v > -9e15 ? v : 0.5));
    low = v < low ? v : low;
    high = v > high ? v : high;
  }
  survey s = {low, high, na, fraction, n > 0 && !fraction};
  for (R_xlen_t k = 2; k < n && s.progression; k++)
    s.progression = at[k] - at[k - 1] == at[1] - at[0];
  return s;
}

static double position(SEXP i_, R_xlen_t k) {
  if (TYPEOF(i_) == REALSXP) return REAL_RO(i_)[k];
  int v = INTEGER_RO(i_)[k];
  return v == NA_INTEGER ? NA_REAL : v;
}

static SEXP protect(SEXP x_, int *nprotect) {
  ++*nprotect;
  return PROTECT(x_);
}

/* A range if they are one, else as they are. All are 1 or more, or NA. */
static int positive(r_subscript *s, SEXP i_, const survey *v, int64_t extent, int beyond) {
  R_xlen_t n = XLENGTH(i_);
  s->n = n;
  if (v->high > (double)extent && !beyond) return 0;
  s->missing = v->na || v->high > (double)extent;
  if (v->progression && !s->missing) {
    s->first = (int64_t)position(i_, 0) - 1;
    s->step = n > 1 ? (int64_t)position(i_, 1) - 1 - s->first : 1;
    s->whole = n == extent && s->first == 0 && s->step == 1;
    if (s->step != 0) return 1;
  }
  s->at_ = i_;
  return 1;
}

/* Looks again at positions made here. */
static int made(r_subscript *s, SEXP at_, int64_t extent, int beyond) {
  survey v = survey_int(INTEGER_RO(at_), XLENGTH(at_));
  return positive(s, at_, &v, extent, beyond);
}

static int without_zeros(r_subscript *s, SEXP i_, int64_t extent, int beyond, int *nprotect) {
  R_xlen_t n = XLENGTH(i_), kept = 0;
  for (R_xlen_t k = 0; k < n; k++) {
    double v = position(i_, k);
    kept += !(v > -1 && v < 1);
  }
  SEXP at_ = protect(Rf_allocVector(INTSXP, kept), nprotect);
  int *at = INTEGER(at_);
  for (R_xlen_t k = 0; k < n; k++) {
    double v = position(i_, k);
    if (v > -1 && v < 1) continue;
    *at++ = v != v ? NA_INTEGER : v > INT32_MAX ? INT32_MAX : (int)v;
  }
  return made(s, at_, extent, beyond);
}

/* All but those. */
static int negative(r_subscript *s, SEXP i_, int64_t extent, int *nprotect) {
  unsigned char *out = (unsigned char *)R_alloc((size_t)extent + 1, 1);
  int64_t kept = extent;
  memset(out, 0, (size_t)extent + 1);
  for (R_xlen_t k = 0; k < XLENGTH(i_); k++) {
    double v = -position(i_, k);
    if (!(v >= 1 && v < (double)extent + 1) || out[(int64_t)v - 1]) continue;
    out[(int64_t)v - 1] = 1;
    kept--;
  }
  SEXP at_ = protect(Rf_allocVector(INTSXP, kept), nprotect);
  int *at = INTEGER(at_);
  for (int64_t k = 0; k < extent; k++)
    if (!out[k]) *at++ = (int)k + 1;
  return made(s, at_, extent, 0);
}

static int numeric(r_subscript *s, SEXP i_, int64_t extent, int beyond, int *nprotect) {
  R_xlen_t n = XLENGTH(i_);
  survey v = TYPEOF(i_) == INTSXP ? survey_int(INTEGER_RO(i_), n) : survey_real(REAL_RO(i_), n);
  if (n == 0) return 1;
  if (v.high > INT32_MAX || v.low < -INT32_MAX) return 0;
  if (v.low >= 1 && !v.fraction) return positive(s, i_, &v, extent, beyond);
  if (v.low > -1) return without_zeros(s, i_, extent, beyond, nprotect);
  return v.high < 1 && !v.na ? negative(s, i_, extent, nprotect) : 0;
}

static int whole(r_subscript *s, int64_t extent) {
  s->n = extent;
  return s->whole = 1;
}

static int logical(r_subscript *s, SEXP i_, int64_t extent, int beyond, int *nprotect) {
  const int *is = LOGICAL_RO(i_);
  R_xlen_t n = XLENGTH(i_), count = 0;
  int64_t length = n > extent ? n : extent;
  if (n == 1 && is[0] == TRUE && extent > 0) return whole(s, extent);
  if ((n > extent && !beyond) || length > INT32_MAX) return 0;
  if (n == 0) return 1;
  for (R_xlen_t k = 0; k < length; k++) count += is[k < n ? k : k % n] != 0;
  SEXP at_ = protect(Rf_allocVector(INTSXP, count), nprotect);
  int *at = INTEGER(at_);
  for (R_xlen_t k = 0; k < length; k++) {
    int v = is[k < n ? k : k % n];
    if (v) *at++ = v == NA_LOGICAL ? NA_INTEGER : (int)k + 1;
  }
  return made(s, at_, extent, beyond);
}

/* -- index vectors on the device --------------------------------------------------------------- */
static int mask_on_device(r_subscript *s, ag_array *a, int64_t extent, int *nprotect) {
  if (a->type != AG_BOOL || ag_array_count(a) != extent || extent == 0) return 0;
  s->own_ = protect(r_array_new(), nprotect);
  s->mask = a;
  s->missing = 1; /* perhaps */
  return 1;
}

static ag_status extreme(double *value, ag_array *a, ag_reduction r) {
  ag_array *x;
  AG_TRY(ag_expr_reduce(&x, a, r, 0, a->shape.nd, 0));
  ag_status status = ag_array_read(x, value, AG_F64);
  ag_array_release(x);
  return status;
}

static void own_positions(r_subscript *s, ag_array *a, int *nprotect) {
  s->own_ = protect(r_array_new(), nprotect);
  ag_array *cast;
  r_check(ag_expr_cast(&cast, a, AG_I32));
  ag_status status =
      ag_expr_reshape(r_array_out(s->own_), cast, ag_shape_of(1, ag_array_count(cast)));
  ag_array_release(cast);
  r_check(status);
  s->at = *r_array_out(s->own_);
  s->n = ag_array_count(s->at);
}

/* Nobody knows the positions yet: those that turn out to be outside are none. */
static int positions_traced(r_subscript *s, ag_array *a, int *nprotect) {
  own_positions(s, a, nprotect);
  return s->missing = 1;
}

/* Whole positions from 1 on, without NA: they stay on the device. */
static int positions_on_device(r_subscript *s, ag_array *a, int64_t extent, int beyond,
                               int *nprotect) {
  double low, high;
  if (a->type == AG_F32 || (a->type == AG_I32 && !a->dev->has_f64)) return 0;
  r_check(extreme(&low, a, AG_MIN));
  r_check(extreme(&high, a, AG_MAX));
  if (!(low >= 1) || !(high <= INT32_MAX) || (high > (double)extent && !beyond)) return 0;
  own_positions(s, a, nprotect);
  s->missing = high > (double)extent;
  return 1;
}

/* An ordinary vector of the same values. Not counted as a download: an index is small. */
static SEXP values_of(ag_array *a, int *nprotect) {
  SEXP at_ = protect(Rf_allocVector(r_sexptype(a->type), ag_array_count(a)), nprotect);
  r_check(ag_array_read(a, DATAPTR(at_), (ag_dtype)r_storage(at_)));
  return at_;
}

int r_is_matrix_index(SEXP i_, SEXP x_) {
  SEXP dim_ = Rf_getAttrib(i_, R_DimSymbol);
  return TYPEOF(i_) != LGLSXP && Rf_length(dim_) == 2 &&
         INTEGER_ELT(dim_, 1) == Rf_length(Rf_getAttrib(x_, R_DimSymbol));
}

/* -- the entry --------------------------------------------------------------------------------- */
static int is_class(SEXP i_) { return Rf_isObject(i_) && !r_has_class(i_); }

int r_subscript_get(r_subscript *s, SEXP i_, int64_t extent, const ag_device *d, int beyond,
                    int writes, int *nprotect) {
  *s = (r_subscript){.step = 1, .own_ = R_NilValue};
  if (TYPEOF(i_) == SYMSXP) return whole(s, extent);
  if (r_storage(i_) < 0 || is_class(i_) || extent > INT32_MAX) return 0;
  ag_array *a = r_is_array(i_) ? r_array(i_) : NULL;
  if (a && a->dev == d && a->traced && a->type != AG_BOOL && !writes)
    return positions_traced(s, a, nprotect);
  if (a && a->dev == d && mask_on_device(s, a, extent, nprotect)) return 1;
  if (a && a->dev == d && !writes && a->type != AG_BOOL && ag_array_count(a) > SMALL &&
      positions_on_device(s, a, extent, beyond, nprotect))
    return 1;
  if (a) i_ = values_of(a, nprotect);
  int ok = TYPEOF(i_) == LGLSXP ? logical(s, i_, extent, beyond, nprotect)
                                : numeric(s, i_, extent, beyond, nprotect);
  if (s->at_) s->own_ = protect(r_array_new(), nprotect);
  return ok;
}

/* Many whole positions need no copy where the device reads R's memory. */
static ag_status borrow(r_subscript *s, ag_device *d) {
  ag_buffer *b = NULL;
  if (TYPEOF(s->at_) != INTSXP || s->n < SMALL || s->lasting) return AG_OK;
  AG_TRY(ag_buffer_borrow(&b, d, INTEGER_RO(s->at_), (size_t)s->n * sizeof(int)));
  if (!b) return AG_OK;
  s->borrowed = 1;
  ag_status status = ag_array_from_buffer(r_array_out(s->own_), b, 0, AG_I32, ag_shape_of(1, s->n));
  ag_buffer_release(b);
  return status;
}

ag_status r_subscript_array(ag_array **at, r_subscript *s, ag_device *d) {
  *at = NULL;
  if (s->mask && !s->at) {
    AG_TRY(ag_index_which(r_array_out(s->own_), s->mask, 1));
    s->at = *r_array_out(s->own_);
    s->n = ag_array_count(s->at);
  } else if (s->at_ && !s->at) {
    AG_TRY(borrow(s, d));
    if (!s->borrowed)
      AG_TRY(ag_array_write(r_array_out(s->own_), d, AG_I32, ag_shape_of(1, s->n),
                            DATAPTR_RO(s->at_), (ag_dtype)r_storage(s->at_)));
    s->at = *r_array_out(s->own_);
  }
  *at = s->at;
  return AG_OK;
}

SEXP r_subscript_names(SEXP names_, r_subscript *s) {
  if (Rf_isNull(names_) || s->whole) return names_;
  if (s->at && s->at->traced) return R_NilValue;
  SEXP ans_ = PROTECT(Rf_allocVector(STRSXP, s->n)), at_ = R_NilValue;
  if (s->at_) at_ = s->at_;
  else if (s->at) {
    at_ = PROTECT(Rf_allocVector(INTSXP, s->n));
    r_check(ag_array_read(s->at, INTEGER(at_), AG_I32));
    UNPROTECT(1);
  }
  PROTECT(at_);
  for (int64_t k = 0; k < s->n; k++) {
    double v = Rf_isNull(at_) ? (double)(s->first + k * s->step + 1) : position(at_, k);
    SET_STRING_ELT(ans_, k,
                   v >= 1 && v < (double)XLENGTH(names_) + 1 ? STRING_ELT(names_, (R_xlen_t)v - 1)
                                                             : NA_STRING);
  }
  UNPROTECT(2);
  return ans_;
}
