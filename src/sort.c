/* Sorting: orders, sorted values, ranks, search. */
#include "glue.h"
#include <string.h>

/* An array of ours, adopted and protected by the caller. */
static ag_array *array_of(SEXP x_) {
  ag_array *a = r_array(x_);
  if (!a) r_stop(AG_E_TYPE, "an array made by gpu() is wanted");
  return a;
}

/* The first n elements. */
static ag_status head(ag_array **out, ag_array *x, int64_t n) {
  const int64_t zero = 0, one = 1;
  ag_array *flat;
  AG_TRY(ag_expr_reshape(&flat, x, ag_shape_of(1, ag_array_count(x))));
  ag_status status = ag_expr_slice(out, flat, &zero, &one, &n);
  ag_array_release(flat);
  return status;
}

/* *out without the missing ones at its end: those of `x` (in the order *out if it is one). */
static ag_status drop_missing(ag_array **out, ag_array *x, int is_order) {
  int64_t n;
  AG_TRY(ag_sort_count(&n, x, is_order ? *out : NULL));
  if (n == ag_array_count(*out)) return AG_OK;
  ag_array *all = *out;
  *out = NULL;
  ag_status status = head(out, all, n);
  ag_array_release(all);
  return status;
}

/* na_last_ NA drops missing values. */
static ag_sort_by sort_by(int decreasing, SEXP na_last_) {
  return (ag_sort_by){.decreasing = decreasing, .na_first = Rf_asLogical(na_last_) == FALSE};
}

/* -- orders ------------------------------------------------------------------------------------ */
#define MAX_KEYS 64

static ag_status order_keys(ag_array **out, int n, const r_operand *key, ag_device *d,
                            const ag_sort_by *by, int drop) {
  ag_array *array[MAX_KEYS] = {0};
  ag_status status = AG_OK;
  for (int i = 0; i < n && status == AG_OK; i++) {
    const r_operand *k = &key[i];
    if (k->array) array[i] = ag_array_retain(k->array);
    else
      status = ag_array_write(&array[i], d, k->type == AG_F64 && !d->has_f64 ? AG_F32 : k->type,
                              ag_shape_of(1, k->n), k->data, k->type);
  }
  if (status == AG_OK) status = ag_sort_order(out, n, array, by);
  if (status == AG_OK && drop) status = drop_missing(out, array[0], 1);
  for (int i = 0; i < n; i++) ag_array_release(array[i]);
  return status;
}

/* keys_: a list of arrays and plain vectors of one length, at least one an array; decreasing_ for
 * each. na_last_ NA needs a single key. NULL when R has to do it. */
SEXP ffi_order(SEXP keys_, SEXP decreasing_, SEXP na_last_) {
  r_operand key[MAX_KEYS];
  ag_sort_by by[MAX_KEYS];
  const int n = Rf_length(keys_);
  ag_device *d = NULL;
  if (n > MAX_KEYS) return R_NilValue;
  for (int i = 0; i < n; i++) {
    if (!r_operand_get(&key[i], VECTOR_ELT(keys_, i))) return R_NilValue;
    by[i] = sort_by(LOGICAL(decreasing_)[i], na_last_);
    if (key[i].array && !d) d = key[i].array->dev;
    else if (key[i].array && key[i].array->dev != d) return R_NilValue;
    if (key[i].n > INT32_MAX) return R_NilValue;
  }
  if (!d) return R_NilValue;
  for (int i = 0; i < n; i++) /* plain numbers that float32 does not hold */
    if (!key[i].array && key[i].type == AG_F64 && !d->has_f64) return R_NilValue;
  SEXP own_ = PROTECT(r_array_new());
  r_check(order_keys(r_array_out(own_), n, key, d, by, Rf_asLogical(na_last_) == NA_LOGICAL));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(1);
  return ans_;
}

/* Of a matrix: the order of all elements, column by column. */
SEXP ffi_order_columns(SEXP x_) {
  ag_array *a = array_of(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_sort_columns(r_array_out(own_), a, (ag_sort_by){0, 0, 0}));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(1);
  return ans_;
}

/* -- values ------------------------------------------------------------------------------------ */
static ag_status sort_values(ag_array **out, ag_array *a, ag_sort_by by, int drop) {
  AG_TRY(ag_sort_values(out, a, by));
  return drop ? drop_missing(out, *out, 0) : AG_OK;
}

/* As a vector without names. */
SEXP ffi_sort(SEXP x_, SEXP decreasing_, SEXP na_last_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = array_of(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(sort_values(r_array_out(own_), a, sort_by(Rf_asLogical(decreasing_), na_last_),
                      Rf_asLogical(na_last_) == NA_LOGICAL));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(2);
  return ans_;
}

/* x[order], with x's dim. */
SEXP ffi_take(SEXP x_, SEXP order_) {
  ag_array *a = array_of(x_), *order = array_of(order_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_sort_take(r_array_out(own_), a, order));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(1);
  return ans_;
}

/* The first n elements, as a vector. */
SEXP ffi_head(SEXP x_, SEXP n_) {
  ag_array *a = array_of(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(head(r_array_out(own_), a, (int64_t)Rf_asReal(n_)));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(1);
  return ans_;
}

/* The elements at these places as an ordinary vector; few of them. */
SEXP ffi_pick(SEXP x_, SEXP at_) {
  ag_array *a = array_of(x_);
  const SEXPTYPE type = r_sexptype(a->type);
  const R_xlen_t n = XLENGTH(at_);
  SEXP ans_ = PROTECT(Rf_allocVector(type, n));
  const ag_dtype storage = (ag_dtype)r_storage(ans_);
  for (R_xlen_t i = 0; i < n; i++)
    r_check(ag_array_read_range(a, (char *)DATAPTR(ans_) + (size_t)i * ag_dtype_size(storage),
                                storage, (int64_t)REAL(at_)[i] - 1, 1));
  UNPROTECT(1);
  return ans_;
}

/* -- ranks ------------------------------------------------------------------------------------- */
static ag_rank find_rank(SEXP name_) {
  static const struct {
    const char *name;
    ag_rank rank;
  } ranks[] = {{"first", AG_RANK_FIRST},       {"last", AG_RANK_LAST},
               {"min", AG_RANK_MIN},           {"max", AG_RANK_MAX},
               {"average", AG_RANK_AVERAGE},   {"repeats", AG_RANK_REPEATS},
               {"repeated", AG_RANK_REPEATED}, {"occurrence", AG_RANK_OCCURRENCE}};
  for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++)
    if (!strcmp(CHAR(STRING_ELT(name_, 0)), ranks[i].name)) return ranks[i].rank;
  r_stop(AG_E_ARGUMENT, "no rank is called \"%s\"", CHAR(STRING_ELT(name_, 0)));
  return AG_RANK_FIRST;
}

/* order_ is x's, with missing values last unless na_first_; keep_: they get NA, else their place.
 * columns_: ranks within columns, by ffi_order_columns(). NULL when R has to do it: float32 does
 * not hold halves of large numbers. */
SEXP ffi_rank(SEXP x_, SEXP order_, SEXP rank_, SEXP na_first_, SEXP keep_, SEXP columns_) {
  ag_array *a = array_of(x_), *order = array_of(order_);
  ag_rank_by by = {.rank = find_rank(rank_),
                   .missing = Rf_asLogical(keep_) ? AG_MISSING_NA : AG_MISSING_FIRST,
                   .by = {.na_first = Rf_asLogical(na_first_)},
                   .segment = Rf_asLogical(columns_) ? a->shape.dim[0] : 0};
  if (by.rank == AG_RANK_AVERAGE && !a->dev->has_f64 && ag_array_count(a) > 8388608)
    return R_NilValue;
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_sort_rank(r_array_out(own_), a, order, &by));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(1);
  return ans_;
}

/* -- equal ones -------------------------------------------------------------------------------- */
static ag_status equal_ones(ag_array **out, ag_array *x, ag_rank rank, int64_t limit,
                            int32_t otherwise) {
  const ag_rank_by by = {.rank = rank, .by = {.apart = 1}, .limit = limit, .otherwise = otherwise};
  ag_array *order;
  AG_TRY(ag_sort_order(&order, 1, &x, &by.by));
  ag_status status = ag_sort_rank(out, x, order, &by);
  ag_array_release(order);
  return status;
}

/* duplicated(): whether an equal one stands before (from_last_: comes later). */
SEXP ffi_duplicated(SEXP x_, SEXP from_last_) {
  x_ = PROTECT(r_adopt(x_));
  ag_array *a = array_of(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(equal_ones(r_array_out(own_), a,
                     Rf_asLogical(from_last_) ? AG_RANK_REPEATED : AG_RANK_REPEATS, 0, 0));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(2);
  return ans_;
}

/* x and a table as flat arrays of one type that holds both; AG_E_TYPE if the device has none. */
static int common_type(const r_operand *x, const r_operand *y, const ag_device *d) {
  const int xr = x->type == AG_F64 || x->type == AG_F32,
            yr = y->type == AG_F64 || y->type == AG_F32;
  if (x->type == y->type && (d->has_f64 || x->type != AG_F64)) return (int)x->type;
  if (!xr && !yr) return AG_I32;
  return d->has_f64 ? AG_F64 : -1;
}

static ag_status flat(ag_array **out, const r_operand *o, ag_device *d, ag_dtype type) {
  ag_array *cast, *owned = NULL;
  if (!o->array) AG_TRY(ag_array_write(&owned, d, type, ag_shape_of(1, o->n), o->data, o->type));
  ag_status status = ag_expr_cast(&cast, owned ? owned : o->array, type);
  ag_array_release(owned);
  if (status != AG_OK) return status;
  status = ag_expr_reshape(out, cast, ag_shape_of(1, o->n));
  ag_array_release(cast);
  return status;
}

/* Table and x as one vector: where the first equal one stands, if that is in the table. */
static ag_status match(ag_array **out, ag_array *table, ag_array *x, int32_t nomatch) {
  ag_array *part[2] = {table, x}, *all = NULL, *place = NULL;
  const int64_t nt = ag_array_count(table), nx = ag_array_count(x), one = 1;
  if (nt < nx / 4) return ag_sort_match(out, x, table, nomatch);
  ag_status status = ag_expr_concat(&all, 2, part);
  if (status == AG_OK) status = equal_ones(&place, all, AG_RANK_OCCURRENCE, nt, nomatch);
  if (status == AG_OK) status = ag_expr_slice(out, place, &nt, &one, &nx);
  ag_array_release(all);
  ag_array_release(place);
  return status;
}

static ag_status match_operands(ag_array **out, const r_operand *x, const r_operand *table,
                                ag_device *d, ag_dtype type, int32_t nomatch) {
  ag_array *a = NULL, *b = NULL;
  ag_status status = flat(&a, x, d, type);
  if (status == AG_OK) status = flat(&b, table, d, type);
  if (status == AG_OK) status = match(out, b, a, nomatch);
  ag_array_release(a);
  ag_array_release(b);
  return status;
}

/* Both operands and what they share; 0 when R has to do it. */
static int pair_get(r_operand *x, SEXP x_, r_operand *y, SEXP y_, ag_device **d, int *type) {
  if (!r_operand_get(x, x_) || !r_operand_get(y, y_)) return 0;
  *d = x->array ? x->array->dev : y->array ? y->array->dev : NULL;
  if (!*d || (x->array && y->array && x->array->dev != y->array->dev)) return 0;
  *type = common_type(x, y, *d);
  return *type >= 0 && x->n > 0 && y->n > 0 && x->n + y->n <= INT32_MAX;
}

SEXP ffi_match(SEXP x_, SEXP table_, SEXP nomatch_) {
  r_operand x, table;
  ag_device *d;
  int type;
  x_ = PROTECT(r_adopt(x_)), table_ = PROTECT(r_adopt(table_));
  SEXP ans_ = R_NilValue;
  if (pair_get(&x, x_, &table, table_, &d, &type)) {
    SEXP own_ = PROTECT(r_array_new());
    r_check(
        match_operands(r_array_out(own_), &x, &table, d, (ag_dtype)type, Rf_asInteger(nomatch_)));
    ans_ = x.n == 1 && !x.array ? r_array_number(own_) : r_array_object(own_);
    UNPROTECT(1);
  }
  UNPROTECT(2);
  return ans_;
}

/* -- search, counts ---------------------------------------------------------------------------- */
static ag_status search(ag_array **out, const r_operand *x, const r_operand *table, ag_device *d,
                        ag_dtype type, int left, int closed, ag_counted counted) {
  ag_array *a = NULL, *b = NULL;
  ag_status status = flat(&a, x, d, type);
  if (status == AG_OK) status = flat(&b, table, d, type);
  if (status == AG_OK) status = ag_sort_search(out, a, b, left, closed, counted);
  ag_array_release(a);
  ag_array_release(b);
  return status;
}

/* counted_: 0 plain, 1 inside, 2 bins. NULL when R has to do it. */
SEXP ffi_search(SEXP x_, SEXP table_, SEXP left_, SEXP closed_, SEXP counted_) {
  r_operand x, table;
  ag_device *d;
  int type;
  x_ = PROTECT(r_adopt(x_)), table_ = PROTECT(r_adopt(table_));
  SEXP ans_ = R_NilValue;
  if (pair_get(&x, x_, &table, table_, &d, &type)) {
    SEXP own_ = PROTECT(r_array_new());
    r_check(search(r_array_out(own_), &x, &table, d, (ag_dtype)type, Rf_asLogical(left_),
                   Rf_asLogical(closed_), (ag_counted)Rf_asInteger(counted_)));
    ans_ = r_array_object(own_);
    UNPROTECT(1);
  }
  UNPROTECT(2);
  return ans_;
}

static ag_status tabulate(ag_array **out, ag_array *a, int64_t n) {
  ag_array *bin;
  AG_TRY(ag_expr_cast(&bin, a, AG_I32));
  ag_status status = ag_sort_tabulate(out, bin, n);
  ag_array_release(bin);
  return status;
}

SEXP ffi_tabulate(SEXP x_, SEXP n_) {
  ag_array *a = array_of(x_);
  SEXP own_ = PROTECT(r_array_new());
  r_check(tabulate(r_array_out(own_), a, Rf_asInteger(n_)));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(1);
  return ans_;
}
