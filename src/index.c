/* x[i, j, ...]: ranges are views, positions a gather, a mask of a vector a selection. What an index
 * means that is neither a number nor a logical value, R says: see positions() in R/index.R. */
#include "subscript.h"

/* -- reading indices --------------------------------------------------------------------------- */
typedef struct {
  int nd; /* 1: of the elements as a vector */
  r_subscript s[AG_MAX_DIM];
  ag_shape shape; /* that the indices are for */
} indices;

/* 0 if R has to look at them first. */
static int read_indices(indices *ix, SEXP x_, ag_array *a, SEXP index_, int *nprotect) {
  ix->nd = Rf_length(index_);
  if (ix->nd == 1 && r_is_matrix_index(VECTOR_ELT(index_, 0), x_)) return 0;
  ix->shape = ix->nd == 1 ? ag_shape_of(1, ag_array_count(a)) : a->shape;
  if (ix->nd > AG_MAX_DIM || ix->nd != ix->shape.nd) return 0;
  for (int q = 0; q < ix->nd; q++)
    if (!r_subscript_get(&ix->s[q], VECTOR_ELT(index_, q), ix->shape.dim[q], a->dev, ix->nd == 1, 0,
                         nprotect))
      return 0;
  return 1;
}

static ag_status subscript_of(ag_subscript *to, indices *ix, ag_device *d, int lasting) {
  *to = (ag_subscript){{0}, {0}, {0}, {NULL}};
  for (int q = 0; q < ix->nd; q++) {
    ix->s[q].lasting = lasting;
    AG_TRY(r_subscript_array(&to->at[q], &ix->s[q], d));
    to->first[q] = ix->s[q].first, to->step[q] = ix->s[q].step, to->n[q] = ix->s[q].n;
  }
  return AG_OK;
}

/* -- elements ---------------------------------------------------------------------------------- */
/* More vectors of positions than a kernel takes: the first of them one after the other. */
static ag_status take(ag_array **out, ag_array *x, const ag_subscript *s) {
  ag_subscript some = *s, rest = *s;
  int vectors = 0, over = 0;
  for (int q = 0; q < x->shape.nd; q++) {
    if (!s->at[q]) continue;
    ag_subscript *not_now = vectors++ < AG_MAX_PICK ? &rest : &some;
    over |= not_now == &some;
    not_now->at[q] = NULL, not_now->first[q] = 0, not_now->step[q] = 1;
    not_now->n[q] = not_now == &some ? x->shape.dim[q] : s->n[q];
  }
  if (!over) return ag_expr_take(out, x, s);
  for (int q = 0; q < x->shape.nd; q++)
    if (!s->at[q]) rest.first[q] = 0, rest.step[q] = 1;
  ag_array *part;
  AG_TRY(ag_expr_take(&part, x, &some));
  ag_status status = take(out, part, &rest);
  ag_array_release(part);
  return status;
}

static int any_borrowed(const indices *ix) {
  int any = 0;
  for (int q = 0; q < ix->nd; q++) any |= ix->s[q].borrowed;
  return any;
}

static ag_status elements(ag_array **out, ag_array *a, indices *ix) {
  ag_array *x;
  ag_subscript s;
  AG_TRY(ag_expr_reshape(&x, a, ix->shape));
  ag_status status;
  if (ix->nd == 1 && ix->s[0].mask && !a->traced) {
    status = ag_index_select(out, ix->s[0].mask, x);
    if (status == AG_OK) ix->s[0].n = ag_array_count(*out);
  } else {
    status = subscript_of(&s, ix, a->dev, a->traced);
    if (status == AG_OK) status = take(out, x, &s);
    if (status == AG_OK && any_borrowed(ix)) status = ag_array_force(1, out);
  }
  ag_array_release(x);
  return status;
}

/* -- attributes -------------------------------------------------------------------------------- */
/* With positions of a mask, which a selection did not need. */
static SEXP names_of(SEXP names_, r_subscript *s, ag_device *d) {
  ag_array *at;
  if (Rf_isNull(names_)) return names_;
  if (s->mask) r_check(r_subscript_array(&at, s, d));
  return r_subscript_names(names_, s);
}

/* A vector's names. A 1-d array remains one, unless a single element is dropped from it. */
static void name_vector(SEXP ans_, SEXP x_, indices *ix, ag_device *d, int drop) {
  int array = Rf_length(Rf_getAttrib(x_, R_DimSymbol)) == 1;
  SEXP names_ = PROTECT(Rf_getAttrib(x_, R_NamesSymbol));
  names_ = names_of(names_, &ix->s[0], d);
  UNPROTECT(1);
  PROTECT(names_);
  if (array && (!drop || ix->s[0].n > 1)) {
    Rf_setAttrib(ans_, R_DimSymbol, PROTECT(Rf_ScalarInteger((int)ix->s[0].n)));
    SEXP old_ = PROTECT(Rf_getAttrib(x_, R_DimNamesSymbol));
    if (!Rf_isNull(old_)) {
      SEXP new_ = PROTECT(Rf_allocVector(VECSXP, 1));
      SET_VECTOR_ELT(new_, 0, names_);
      Rf_setAttrib(new_, R_NamesSymbol, Rf_getAttrib(old_, R_NamesSymbol));
      Rf_setAttrib(ans_, R_DimNamesSymbol, new_);
      UNPROTECT(1);
    }
    r_set_class(ans_);
    UNPROTECT(2);
  } else if (!Rf_isNull(names_)) {
    Rf_setAttrib(ans_, R_NamesSymbol, names_);
  }
  UNPROTECT(1);
}

/* The dimensions that are left: all, or those of an extent other than 1. */
static int dimensions_left(int *left, const indices *ix, int drop) {
  int n = 0;
  for (int q = 0; q < ix->nd; q++)
    if (!drop || ix->s[q].n != 1) left[n++] = q;
  return n;
}

/* R's drop() of a single element: names only if one dimension alone has them. */
static SEXP single_name(SEXP names_, indices *ix, ag_device *d) {
  int named = -1, count = 0;
  for (int q = 0; q < ix->nd; q++)
    if (!Rf_isNull(VECTOR_ELT(names_, q))) named = q, count++;
  return count == 1 ? names_of(VECTOR_ELT(names_, named), &ix->s[named], d) : R_NilValue;
}

static void name_array(SEXP ans_, SEXP names_, indices *ix, ag_device *d, const int *left, int n) {
  SEXP kept_ = PROTECT(Rf_allocVector(VECSXP, n)), titles_ = Rf_getAttrib(names_, R_NamesSymbol);
  int any = 0;
  PROTECT(titles_);
  SEXP kept_titles_ = PROTECT(Rf_isNull(titles_) ? R_NilValue : Rf_allocVector(STRSXP, n));
  for (int k = 0; k < n; k++) {
    SET_VECTOR_ELT(kept_, k, names_of(VECTOR_ELT(names_, left[k]), &ix->s[left[k]], d));
    any |= Rf_length(VECTOR_ELT(kept_, k)) > 0;
    if (!Rf_isNull(titles_)) SET_STRING_ELT(kept_titles_, k, STRING_ELT(titles_, left[k]));
  }
  if (any || n == ix->nd) {
    Rf_setAttrib(kept_, R_NamesSymbol, kept_titles_);
    Rf_setAttrib(ans_, R_DimNamesSymbol, kept_);
  }
  UNPROTECT(3);
}

static void shape_array(SEXP ans_, SEXP x_, indices *ix, ag_device *d, int drop) {
  int left[AG_MAX_DIM], n = dimensions_left(left, ix, drop);
  SEXP names_ = PROTECT(Rf_getAttrib(x_, R_DimNamesSymbol));
  if (n > 1 || !drop) {
    SEXP dim_ = PROTECT(Rf_allocVector(INTSXP, n));
    for (int k = 0; k < n; k++) INTEGER(dim_)[k] = (int)ix->s[left[k]].n;
    Rf_setAttrib(ans_, R_DimSymbol, dim_);
    if (!Rf_isNull(names_)) name_array(ans_, names_, ix, d, left, n);
    UNPROTECT(1);
  } else if (!Rf_isNull(names_)) {
    SEXP name_ = PROTECT(n ? names_of(VECTOR_ELT(names_, left[0]), &ix->s[left[0]], d)
                           : single_name(names_, ix, d));
    if (Rf_length(name_)) Rf_setAttrib(ans_, R_NamesSymbol, name_);
    UNPROTECT(1);
  }
  UNPROTECT(1);
}

/* -- the entries ------------------------------------------------------------------------------- */
/* The unclassed number that a single element is, or a vector. */
static SEXP vector_of(SEXP own_) {
  ag_array *a = *r_array_out(own_);
  if (ag_array_count(a) == 1) return r_array_number(own_);
  SEXP ans_ = PROTECT(r_array_value(own_));
  r_set_class(ans_);
  UNPROTECT(1);
  return ans_;
}

/* index_: a list with an index for each dimension, or one for the elements; a symbol for a missing
 * one. NULL when R has to look at them first. */
SEXP ffi_index(SEXP x_, SEXP index_, SEXP drop_) {
  int nprotect = 1, drop = Rf_asLogical(drop_);
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = r_array(x_);
  indices ix;
  SEXP ans_ = R_NilValue;
  if (a && read_indices(&ix, x_, a, index_, &nprotect)) {
    SEXP own_ = PROTECT(r_array_new());
    r_check(elements(r_array_out(own_), a, &ix));
    ans_ = PROTECT(vector_of(own_));
    if (ix.nd == 1) name_vector(ans_, x_, &ix, a->dev, drop);
    else shape_array(ans_, x_, &ix, a->dev, drop);
    if (!Rf_isNull(Rf_getAttrib(ans_, R_DimSymbol))) r_set_class(ans_);
    nprotect += 2;
  }
  UNPROTECT(nprotect);
  return ans_;
}

/* The positions where x is TRUE, without names. */
SEXP ffi_which(SEXP x_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = r_array(x_);
  SEXP own_ = PROTECT(r_array_new()), ans_ = R_NilValue;
  if (a && a->type == AG_BOOL && ag_array_count(a) < INT32_MAX) {
    if (ag_array_count(a)) r_check(ag_index_which(r_array_out(own_), a, 0));
    else r_check(ag_array_zeros(r_array_out(own_), a->dev, AG_I32, ag_shape_of(1, (int64_t)0)));
    ans_ = r_array_object(own_);
  }
  UNPROTECT(2);
  return ans_;
}

/* table[, codes + 1] with the shape of the codes behind the rows, codes being numbers from 0 on
 * that may be traced. NA where there is no such column. */
static ag_status gather(ag_array **out, ag_array *table, ag_array *codes) {
  ag_array *whole = NULL, *index = NULL, *columns = NULL;
  ag_shape shape = {.nd = 1 + codes->shape.nd, .dim = {table->shape.dim[0]}};
  for (int q = 1; q < shape.nd; q++) shape.dim[q] = codes->shape.dim[q - 1];
  ag_status s = ag_expr_cast(&whole, codes, AG_I32);
  if (s == AG_OK) s = ag_expr_reshape(&index, whole, ag_shape_of(1, ag_array_count(codes)));
  if (s == AG_OK) s = ag_expr_gather(&columns, table, index);
  if (s == AG_OK) s = ag_expr_reshape(out, columns, shape);
  ag_array *owned[] = {whole, index, columns};
  for (int i = 0; i < 3; i++) ag_array_release(owned[i]);
  return s;
}

SEXP ffi_gather(SEXP table_, SEXP codes_) {
  ag_array *table = r_array(table_), *codes = r_array(codes_);
  if (!table || !codes || codes->shape.nd >= AG_MAX_DIM)
    r_stop(AG_E_ARGUMENT, "a matrix and an array of codes are wanted");
  SEXP own_ = PROTECT(r_array_new());
  r_check(gather(r_array_out(own_), table, codes));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(1);
  return ans_;
}
