/* c(), cbind() and rbind(): arrays of ours and plain vectors side by side. R settles the extents
 * and the names. */
#include "glue.h"

typedef struct {
  int n;
  r_operand *part;
  ag_device *dev; /* that of the first array */
  ag_dtype type;
} parts;

static int max_of(int a, int b) { return a > b ? a : b; }

/* R's type of a part: logical, integer, double. */
static int rank_of(ag_dtype type) { return type == AG_BOOL ? 0 : type == AG_I32 ? 1 : 2; }

/* As R promotes. Real numbers are what the real arrays among the parts are; plain ones adapt to
 * them. 0 if a part is nothing that the device holds, or no part is an array. The list is ours. */
static int parts_get(parts *p, SEXP list_) {
  int rank = 0, f32 = 0, f64 = 0;
  *p = (parts){.n = Rf_length(list_)};
  p->part = (r_operand *)R_alloc((size_t)p->n + 1, sizeof *p->part);
  for (int i = 0; i < p->n; i++) {
    r_operand *o = &p->part[i];
    SET_VECTOR_ELT(list_, i, r_adopt(VECTOR_ELT(list_, i)));
    if (!r_operand_get(o, VECTOR_ELT(list_, i))) return 0;
    rank = max_of(rank, rank_of(o->type));
    if (!o->array) continue;
    if (!p->dev) p->dev = o->array->dev;
    f64 |= o->type == AG_F64, f32 |= o->type == AG_F32;
  }
  if (!p->dev) return 0;
  p->type = rank == 0                          ? AG_BOOL
            : rank == 1                        ? AG_I32
            : f64 || (!f32 && p->dev->has_f64) ? AG_F64
                                               : AG_F32;
  return 1;
}

static ag_status part_array(ag_array **out, const parts *p, int i) {
  const r_operand *o = &p->part[i];
  if (o->array) return ag_expr_cast(out, o->array, p->type);
  if (o->n == 1 && o->nd == 0 && rank_of(p->type) == 2)
    return r_operand_array(out, o, p->dev, p->type);
  return ag_array_write(out, p->dev, p->type, o->shape, o->data, o->type);
}

static ag_array **new_list(int n) {
  ag_array **list = (ag_array **)R_alloc((size_t)n + 1, sizeof *list);
  for (int i = 0; i < n; i++) list[i] = NULL;
  return list;
}

static void release_all(int n, ag_array **list) {
  for (int i = 0; i < n; i++) ag_array_release(list[i]);
}

/* -- c() --------------------------------------------------------------------------------------- */
static ag_status concat(ag_array **out, const parts *p, ag_array **list) {
  ag_status status = AG_OK;
  for (int i = 0; i < p->n && status == AG_OK; i++) status = part_array(&list[i], p, i);
  if (status == AG_OK) status = ag_expr_concat(out, p->n, list);
  release_all(p->n, list);
  return status;
}

/* NULL when R has to do it. */
SEXP ffi_concat(SEXP list_, SEXP names_) {
  parts p;
  if (!parts_get(&p, list_ = PROTECT(Rf_shallow_duplicate(list_)))) {
    UNPROTECT(1);
    return R_NilValue;
  }
  ag_array **list = new_list(p.n);
  SEXP own_ = PROTECT(r_array_new());
  r_check(concat(r_array_out(own_), &p, list));
  SEXP ans_ = PROTECT(r_array_value(own_));
  if (!Rf_isNull(names_)) Rf_setAttrib(ans_, R_NamesSymbol, names_);
  r_set_class(ans_);
  UNPROTECT(3);
  return ans_;
}

/* -- cbind() and rbind() ----------------------------------------------------------------------- */
/* A vector as one row or column of `extent` elements: recycled or cut. */
static ag_status as_line(ag_array **a, int64_t extent, int along) {
  int64_t n = ag_array_count(*a), first = 0, step = 1, one = 1;
  ag_shape shape = along ? ag_shape_of(2, extent, one) : ag_shape_of(2, one, extent);
  ag_array *line = NULL, *next = NULL;
  ag_status status = ag_expr_reshape(&line, *a, ag_shape_of(1, n));
  if (status == AG_OK && n > extent) status = ag_expr_slice(&next, line, &first, &step, &extent);
  else if (status == AG_OK) status = ag_expr_recycle(&next, line, ag_shape_of(1, extent));
  ag_array_release(line);
  ag_array_release(*a);
  *a = NULL;
  AG_TRY(status);
  status = ag_expr_reshape(a, next, shape);
  ag_array_release(next);
  return status;
}

static ag_status bind(ag_array **out, const parts *p, ag_array **list, int64_t extent, int along) {
  ag_status status = AG_OK;
  for (int i = 0; i < p->n && status == AG_OK; i++) {
    status = part_array(&list[i], p, i);
    if (status == AG_OK && p->part[i].nd != 2) status = as_line(&list[i], extent, along);
  }
  if (status == AG_OK) status = ag_expr_bind(out, p->n, list, along);
  release_all(p->n, list);
  return status;
}

/* along_: 0 rbind, 1 cbind; extent_: of the other dimension. NULL when R has to do it. */
SEXP ffi_bind(SEXP list_, SEXP along_, SEXP extent_, SEXP names_) {
  parts p;
  int along = Rf_asInteger(along_);
  int64_t extent = (int64_t)Rf_asReal(extent_);
  if (!parts_get(&p, list_ = PROTECT(Rf_shallow_duplicate(list_)))) {
    UNPROTECT(1);
    return R_NilValue;
  }
  ag_array **list = new_list(p.n);
  SEXP own_ = PROTECT(r_array_new());
  r_check(bind(r_array_out(own_), &p, list, extent, along));
  SEXP ans_ = PROTECT(r_array_object(own_));
  if (!Rf_isNull(names_)) Rf_setAttrib(ans_, R_DimNamesSymbol, names_);
  UNPROTECT(3);
  return ans_;
}

/* -- arrays ------------------------------------------------------------------------------------ */
/* Arrays whose extents agree but for that of dimension along_ (1-based), along which they stand
 * side by side. */
SEXP ffi_concat_along(SEXP list_, SEXP along_) {
  int n = Rf_length(list_);
  ag_array **x = new_list(n);
  for (int i = 0; i < n; i++) {
    x[i] = r_array(VECTOR_ELT(list_, i));
    if (!x[i]) r_stop(AG_E_TYPE, "arrays made by gpu() are wanted");
  }
  SEXP own_ = PROTECT(r_array_new());
  r_check(ag_expr_bind(r_array_out(own_), n, x, Rf_asInteger(along_) - 1));
  SEXP ans_ = r_array_object(own_);
  UNPROTECT(1);
  return ans_;
}
