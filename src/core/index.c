#include "index.h"
#include "bag.h"
#include "plan.h"

/* A result that fills less than this part of its memory moves to a block of its own. */
#define SPARSE     2
#define SMALL_SIZE 65536

/* -- selecting --------------------------------------------------------------------------------- */
static ag_status copy(ag_array **out, ag_array *x) {
  AG_TRY(ag_expr_concat(out, 1, &x));
  ag_status status = ag_array_force(1, out);
  if (status == AG_OK) return AG_OK;
  ag_array_release(*out);
  *out = NULL;
  return status;
}

/* The first `count` elements of a forced vector. */
static ag_status first_of(ag_array **out, ag_array *all, int64_t count) {
  AG_TRY(ag_array_from_buffer(out, all->buf, all->offset, all->type, ag_shape_of(1, count)));
  int64_t n = ag_array_count(all);
  if (n < SMALL_SIZE || count > n / SPARSE) return AG_OK;
  ag_array *tight;
  ag_status status = copy(&tight, *out);
  ag_array_release(*out);
  *out = status == AG_OK ? tight : NULL;
  return status;
}

static ag_status count_of(const ag_array *all, int64_t *count) {
  int32_t n = 0;
  int64_t last = all->offset + ag_array_count(all) - 1;
  size_t size = ag_dtype_size(all->type);
  AG_TRY(ag_buffer_read(all->buf, &n, (size_t)last * size, sizeof n));
  *count = n;
  return AG_OK;
}

ag_status ag_index_select(ag_array **out, ag_array *mask, ag_array *value) {
  if (ag_array_count(mask) == 0) return ag_expr_reshape(out, value, ag_shape_of(1, (int64_t)0));
  ag_array *all;
  int64_t count = 0;
  AG_TRY(ag_expr_select(&all, mask, value));
  ag_status status = ag_array_force(1, &all);
  if (status == AG_OK) status = count_of(all, &count);
  if (status == AG_OK) status = first_of(out, all, count);
  ag_array_release(all);
  return status;
}

/* 1, 2, 3, ... */
static ag_status numbers(ag_array **out, ag_device *d, int64_t n) {
  ag_array *from0;
  ag_axes axes = {.nd = 1, .axis = {0}, .off = {1}, .step = {1}};
  AG_TRY(ag_expr_iota(&from0, d, AG_I32, n + 1));
  ag_status status = ag_expr_view(out, from0, ag_shape_of(1, n), &axes);
  ag_array_release(from0);
  return status;
}

static ag_status without_na(ag_array **out, ag_array *mask) {
  ag_array *missing = NULL, *present = NULL;
  ag_status status = ag_expr_unary(&missing, AG_OP_is_na, mask);
  if (status == AG_OK) status = ag_expr_unary(&present, AG_OP_not, missing);
  if (status == AG_OK) status = ag_expr_binary(out, AG_OP_and, mask, present);
  ag_array_release(missing);
  ag_array_release(present);
  return status;
}

ag_status ag_index_which(ag_array **out, ag_array *mask, int na) {
  ag_array *at = NULL, *sure = NULL;
  ag_status status = numbers(&at, mask->dev, ag_array_count(mask));
  if (status == AG_OK && !na) status = without_na(&sure, mask);
  if (status == AG_OK) status = ag_index_select(out, na ? mask : sure, at);
  ag_array_release(at);
  ag_array_release(sure);
  return status;
}

/* -- writing ----------------------------------------------------------------------------------- */
static int is_own(const ag_array *x) {
  return x->kind == AG_BUFFER && x->refs == 1 && x->buf && x->buf->refs == 1;
}

static int is_traced_put(const ag_array *x, const ag_subscript *s, const ag_array *value) {
  int traced = x->traced || value->traced;
  for (int q = 0; q < x->shape.nd; q++) traced |= s->at[q] && s->at[q]->traced;
  return traced;
}

ag_status ag_index_fill(ag_array **out, ag_array *x, ag_array *mask, ag_array *value) {
  ag_bag b = {0};
  ag_array *flat = NULL, *sure = NULL;
  b.status = ag_expr_reshape(&flat, mask, x->shape);
  flat = ag_bag_keep(&b, b.status, flat);
  if (b.status == AG_OK) b.status = without_na(&sure, flat);
  sure = ag_bag_keep(&b, b.status, sure);
  return ag_bag_end(&b, out, ag_bag_choose(&b, sure, ag_bag_cast(&b, value, x->type), x));
}

static ag_array *embedded(ag_bag *b, ag_array *part, ag_shape shape, const ag_axes *axes) {
  ag_array *out = NULL;
  if (b->status == AG_OK) b->status = ag_expr_embed(&out, part, shape, axes);
  return ag_bag_keep(b, b->status, out);
}

/* Values at the subscript of an array of zeros, which has x's shape. */
static ag_array *spread(ag_bag *b, ag_array *value, const ag_array *x, const ag_subscript *s) {
  ag_axes axes = {.nd = x->shape.nd};
  for (int q = 0; q < axes.nd; q++) {
    ag_array *wide = NULL;
    axes.axis[q] = q, axes.off[q] = s->at[q] ? 0 : s->first[q],
    axes.step[q] = s->at[q] ? 1 : s->step[q];
    if (!s->at[q]) continue;
    if (b->status == AG_OK)
      b->status = ag_expr_scatter(&wide, value, s->at[q], q, x->shape.dim[q], 1);
    value = ag_bag_keep(b, b->status, wide);
  }
  return embedded(b, value, x->shape, &axes);
}

/* A new array, as nothing can be written yet: the values where they go, x elsewhere. */
static ag_status put_traced(ag_array **x, const ag_subscript *s, ag_array *value) {
  ag_bag b = {0};
  ag_array *out;
  ag_shape space = {.nd = (*x)->shape.nd};
  if ((*x)->type > AG_F32)
    return ag_fail(AG_E_TYPE, "a traced function can assign to elements of real arrays only");
  for (int q = 0; q < space.nd; q++) space.dim[q] = s->n[q];
  ag_array *one = ag_bag_recycle(&b, ag_bag_scalar(&b, 1, (*x)->type), space);
  ag_array *here = spread(&b, one, *x, s),
           *values = spread(&b, ag_bag_recycle(&b, value, space), *x, s);
  AG_TRY(ag_bag_end(&b, &out, ag_bag_choose(&b, here, values, *x)));
  ag_array_release(*x);
  *x = out;
  return AG_OK;
}

ag_status ag_index_put(ag_array **x, const ag_subscript *s, ag_array *value) {
  ag_array *put;
  if (is_traced_put(*x, s, value)) return put_traced(x, s, value);
  AG_TRY(ag_array_force(1, x));
  AG_TRY(ag_expr_put(&put, (*x)->shape, s, value));
  ag_status status = AG_OK;
  if (!is_own(*x)) {
    ag_array *own = NULL, *shaped = NULL;
    status = copy(&own, *x);
    if (status == AG_OK) status = ag_expr_reshape(&shaped, own, (*x)->shape);
    ag_array_release(own);
    if (status == AG_OK) {
      ag_array_release(*x);
      *x = shaped;
    }
  }
  if (status == AG_OK) status = ag_array_overwrite(*x, put);
  ag_array_release(put);
  return status;
}
