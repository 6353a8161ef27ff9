/* x[i] and x[i, j] with ranges and single numbers: views, not copies. Everything else is left to R.
 */
#include "glue.h"

/* first, first + step, ... (0-based), `n` of them. `whole`: the index was missing. */
typedef struct {
  int64_t first, step, n;
  int whole, single;
} range;

static int64_t index_at(SEXP i_, R_xlen_t k) {
  if (TYPEOF(i_) == INTSXP) return INTEGER_ELT(i_, k);
  double v = REAL_ELT(i_, k);
  return v >= 1 && v < 4503599627370496.0 ? (int64_t)v : 0;
}

/* TRUE stands for a missing index. 0 if it is no range within 1 .. extent. */
static int range_get(range *r, SEXP i_, int64_t extent) {
  if (TYPEOF(i_) == LGLSXP && XLENGTH(i_) == 1 && LOGICAL_ELT(i_, 0) == TRUE && !Rf_isObject(i_)) {
    *r = (range){0, 1, extent, 1, 0};
    return 1;
  }
  if ((TYPEOF(i_) != INTSXP && TYPEOF(i_) != REALSXP) || Rf_isObject(i_) || XLENGTH(i_) == 0 ||
      !Rf_isNull(Rf_getAttrib(i_, R_DimSymbol)))
    return 0;
  R_xlen_t n = XLENGTH(i_);
  int64_t first = index_at(i_, 0), step = n > 1 ? index_at(i_, 1) - first : 1;
  for (R_xlen_t k = 0; k < n; k++) {
    int64_t at = index_at(i_, k);
    if (at != first + k * step || at < 1 || at > extent) return 0;
  }
  *r = (range){first - 1, step, n, 0, n == 1};
  return 1;
}

static SEXP pick_names(SEXP names_, const range *r) {
  if (Rf_isNull(names_) || r->whole) return names_;
  SEXP ans_ = PROTECT(Rf_allocVector(STRSXP, r->n));
  for (int64_t k = 0; k < r->n; k++)
    SET_STRING_ELT(ans_, k, STRING_ELT(names_, r->first + k * r->step));
  UNPROTECT(1);
  return ans_;
}

/* -- x[i] -------------------------------------------------------------------------------------- */
static ag_status pick_vector(ag_array **out, ag_array *a, const range *r) {
  ag_array *flat;
  AG_TRY(ag_expr_reshape(&flat, a, ag_shape_of(1, ag_array_count(a))));
  ag_status status = ag_expr_slice(out, flat, &r->first, &r->step, &r->n);
  ag_array_release(flat);
  return status;
}

static SEXP index_vector(SEXP x_, SEXP i_) {
  ag_array *a = r_array(x_);
  range r;
  if (!range_get(&r, i_, ag_array_count(a))) return R_NilValue;
  SEXP own_ = PROTECT(r_array_new());
  r_check(pick_vector(r_array_out(own_), a, &r));
  SEXP ans_ = PROTECT(r.single ? r_array_number(own_) : r_array_object(own_));
  SEXP names_ = a->shape.nd > 1 ? R_NilValue : Rf_getAttrib(x_, R_NamesSymbol);
  names_ = PROTECT(pick_names(names_, &r));
  if (!Rf_isNull(names_)) Rf_setAttrib(ans_, R_NamesSymbol, names_);
  UNPROTECT(3);
  return ans_;
}

/* -- x[i, j] ----------------------------------------------------------------------------------- */
static ag_status pick_matrix(ag_array **out, ag_array *a, const range r[2], int drop) {
  int64_t first[2] = {r[0].first, r[1].first}, step[2] = {r[0].step, r[1].step},
          n[2] = {r[0].n, r[1].n};
  if (!drop || (n[0] != 1 && n[1] != 1)) return ag_expr_slice(out, a, first, step, n);
  ag_array *matrix;
  AG_TRY(ag_expr_slice(&matrix, a, first, step, n));
  ag_status status = ag_expr_reshape(out, matrix, ag_shape_of(1, n[0] * n[1]));
  ag_array_release(matrix);
  return status;
}

/* R's drop(): the names of the dimension that is left; of a single number those of the only named
 * one. */
static SEXP dropped_names(SEXP names_, const range r[2]) {
  int keep = r[0].n != 1 ? 0 : 1;
  if (r[0].n == 1 && r[1].n == 1) {
    int n0 = Rf_isNull(VECTOR_ELT(names_, 0)), n1 = Rf_isNull(VECTOR_ELT(names_, 1));
    if (n0 == n1) return R_NilValue;
    keep = n0;
  }
  return pick_names(VECTOR_ELT(names_, keep), &r[keep]);
}

static void name_matrix(SEXP ans_, SEXP names_, const range r[2]) {
  SEXP kept_ = PROTECT(Rf_allocVector(VECSXP, 2));
  for (int q = 0; q < 2; q++) SET_VECTOR_ELT(kept_, q, pick_names(VECTOR_ELT(names_, q), &r[q]));
  Rf_setAttrib(kept_, R_NamesSymbol, Rf_getAttrib(names_, R_NamesSymbol));
  Rf_setAttrib(ans_, R_DimNamesSymbol, kept_);
  UNPROTECT(1);
}

static SEXP index_matrix(SEXP x_, SEXP i_, SEXP j_, int drop) {
  ag_array *a = r_array(x_);
  range r[2];
  if (a->shape.nd != 2 || !range_get(&r[0], i_, a->shape.dim[0]) ||
      !range_get(&r[1], j_, a->shape.dim[1]))
    return R_NilValue;
  int dropped = drop && (r[0].n == 1 || r[1].n == 1);
  SEXP own_ = PROTECT(r_array_new());
  r_check(pick_matrix(r_array_out(own_), a, r, drop));
  SEXP ans_ =
      PROTECT(dropped && r[0].n * r[1].n == 1 ? r_array_number(own_) : r_array_object(own_));
  SEXP names_ = PROTECT(Rf_getAttrib(x_, R_DimNamesSymbol));
  if (!Rf_isNull(names_) && dropped)
    Rf_setAttrib(ans_, R_NamesSymbol, PROTECT(dropped_names(names_, r))), UNPROTECT(1);
  else if (!Rf_isNull(names_)) name_matrix(ans_, names_, r);
  UNPROTECT(3);
  return ans_;
}

/* j_ NULL: x[i]. TRUE stands for a missing index. NULL when R has to do it. */
SEXP ffi_index(SEXP x_, SEXP i_, SEXP j_, SEXP drop_) {
  if (!r_is_array(x_)) return R_NilValue;
  return Rf_isNull(j_) ? index_vector(x_, i_) : index_matrix(x_, i_, j_, Rf_asLogical(drop_));
}
