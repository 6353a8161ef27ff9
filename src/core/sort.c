/* Sorting: kernels made by hand, built and launched once. */
#include "sort.h"
#include "array_new.h"
#include <stdlib.h>

static ag_status no_memory(void) { return ag_fail(AG_E_MEMORY, "out of memory"); }

/* A kernel being made: its slots are arrays, forced, or memory of its own. */
typedef struct {
  ag_device *dev;
  ag_kernel *k;
  ag_binding bind[AG_SORT_SLOTS];
  ag_buffer *own[AG_SORT_SLOTS]; /* references */
} launcher;

static ag_status begin(launcher *l, ag_sort_step step, ag_array *x) {
  *l = (launcher){.dev = x->dev};
  AG_TRY(ag_array_force(1, &x));
  if (!x->dev || x->kind != AG_BUFFER)
    return ag_fail(AG_E_ARGUMENT, "an array on a device is wanted");
  l->dev = x->dev;
  l->k = calloc(1, sizeof *l->k);
  if (!l->k) return no_memory();
  l->k->kind = AG_K_SORT;
  l->k->nslots = AG_SORT_SLOTS;
  l->k->sort.step = step;
  l->k->sort.type = x->type;
  l->k->sort.n = ag_array_count(x);
  if (l->k->sort.n > INT32_MAX)
    return ag_fail(AG_E_SHAPE, "sorting: arrays of at most 2147483647 elements are possible");
  return AG_OK;
}

static ag_status bind_array(launcher *l, int slot, ag_array *x) {
  AG_TRY(ag_array_force(1, &x));
  if (x->dev != l->dev || x->kind != AG_BUFFER)
    return ag_fail(AG_E_DEVICE, "arrays on one device are wanted");
  l->bind[slot] = (ag_binding){x->buf->mem, x->offset};
  return AG_OK;
}

static ag_status bind_new(launcher *l, int slot, size_t bytes) {
  AG_TRY(ag_buffer_new(&l->own[slot], l->dev, bytes));
  l->bind[slot].mem = l->own[slot]->mem;
  return AG_OK;
}

/* Room for keys with their rows, twice. */
static ag_status bind_room(launcher *l) {
  const size_t each = l->k->sort.type == AG_F64 ? 16 : 8;
  AG_TRY(bind_new(l, 2, (size_t)l->k->sort.n * each));
  return bind_new(l, 3, (size_t)l->k->sort.n * each);
}

static ag_status launch(launcher *l) {
  AG_TRY(ag_device_build(l->dev, l->k));
  return ag_device_launch(l->dev, l->k, l->bind);
}

/* Slot `result` becomes *out if all went well. */
static ag_status end(launcher *l, ag_status status, ag_array **out, int result, ag_dtype type,
                     ag_shape shape) {
  if (status == AG_OK) status = ag_array_from_buffer(out, l->own[result], 0, type, shape);
  for (int i = 0; i < AG_SORT_SLOTS; i++) ag_buffer_release(l->own[i]);
  if (l->k && l->k->code) l->dev->table->unbuild(l->dev, l->k);
  free(l->k);
  return status;
}

/* -- order ----------------------------------------------------------------------------------- */
/* segment: see kernel.h */
static ag_status order_step(launcher *l, ag_array *key, ag_sort_by by, ag_array *from,
                            int64_t segment) {
  AG_TRY(begin(l, AG_SORT_ORDER, key));
  l->k->sort.by = by;
  l->k->sort.segment = segment;
  if (segment) l->k->sort.type = AG_I32;
  l->k->sort.from = from != NULL;
  AG_TRY(bind_array(l, 0, key));
  AG_TRY(bind_new(l, 1, (size_t)l->k->sort.n * sizeof(int32_t)));
  AG_TRY(bind_room(l));
  if (from) AG_TRY(bind_array(l, 4, from));
  return launch(l);
}

static ag_status order_by(ag_array **out, ag_array *key, ag_sort_by by, ag_array *from,
                          int64_t segment) {
  launcher l;
  ag_status status = order_step(&l, key, by, from, segment);
  return end(&l, status, out, 1, AG_I32, ag_shape_of(1, ag_array_count(key)));
}

/* From the last key to the first: each keeps the order of rows that it calls equal. */
ag_status ag_sort_order(ag_array **out, int n, ag_array *const *key, const ag_sort_by *by) {
  ag_array *so_far = NULL;
  for (int i = n - 1; i >= 0; i--) {
    ag_array *next = NULL;
    ag_status status = order_by(&next, key[i], by[i], so_far, 0);
    ag_array_release(so_far);
    if (status != AG_OK) return status;
    so_far = next;
  }
  *out = so_far;
  return AG_OK;
}

ag_status ag_sort_columns(ag_array **out, ag_array *x, ag_sort_by by) {
  ag_array *all;
  if (x->shape.nd != 2) return ag_fail(AG_E_SHAPE, "a matrix is wanted");
  AG_TRY(order_by(&all, x, by, NULL, 0));
  if (x->shape.dim[0] == 0 || x->shape.dim[1] < 2) {
    *out = all;
    return AG_OK;
  }
  ag_status status = order_by(out, x, (ag_sort_by){0, 0, 0}, all, x->shape.dim[0]);
  ag_array_release(all);
  return status;
}

static ag_status take_step(launcher *l, ag_array *x, ag_array *order) {
  AG_TRY(begin(l, AG_SORT_TAKE, x));
  AG_TRY(bind_array(l, 0, x));
  AG_TRY(bind_array(l, 1, order));
  AG_TRY(bind_new(l, 2, (size_t)l->k->sort.n * ag_dtype_size(x->type)));
  return launch(l);
}

ag_status ag_sort_take(ag_array **out, ag_array *x, ag_array *order) {
  launcher l;
  ag_status status = take_step(&l, x, order);
  return end(&l, status, out, 2, x->type, x->shape);
}

/* -- values ---------------------------------------------------------------------------------- */
static ag_status values_step(launcher *l, ag_array *x, ag_sort_by by) {
  AG_TRY(begin(l, AG_SORT_VALUES, x));
  l->k->sort.by = by;
  AG_TRY(bind_array(l, 0, x));
  AG_TRY(bind_new(l, 1, (size_t)l->k->sort.n * ag_dtype_size(x->type)));
  AG_TRY(bind_room(l));
  return launch(l);
}

ag_status ag_sort_values(ag_array **out, ag_array *x, ag_sort_by by) {
  launcher l;
  ag_status status = values_step(&l, x, by);
  return end(&l, status, out, 1, x->type, ag_shape_of(1, ag_array_count(x)));
}

/* -- ranks ----------------------------------------------------------------------------------- */
static ag_dtype rank_type(const ag_device *d, ag_rank rank) {
  switch (rank) {
  case AG_RANK_AVERAGE: return d->has_f64 ? AG_F64 : AG_F32;
  case AG_RANK_REPEATS:
  case AG_RANK_REPEATED: return AG_BOOL;
  default: return AG_I32;
  }
}

static ag_status rank_step(launcher *l, ag_array *x, ag_array *order, const ag_rank_by *by) {
  AG_TRY(begin(l, AG_SORT_RANK, x));
  l->k->sort.by = by->by;
  l->k->sort.rank = by->rank;
  l->k->sort.missing = by->missing;
  l->k->sort.segment = by->segment ? by->segment : l->k->sort.n + 1;
  l->k->sort.limit = by->limit ? by->limit : l->k->sort.n;
  l->k->sort.otherwise = by->otherwise;
  l->k->sort.out = rank_type(l->dev, by->rank);
  AG_TRY(bind_array(l, 0, x));
  AG_TRY(bind_array(l, 1, order));
  AG_TRY(bind_new(l, 2, (size_t)l->k->sort.n * ag_dtype_size(l->k->sort.out)));
  return launch(l);
}

ag_status ag_sort_rank(ag_array **out, ag_array *x, ag_array *order, const ag_rank_by *by) {
  launcher l;
  ag_status status = rank_step(&l, x, order, by);
  return end(&l, status, out, 2, status == AG_OK ? l.k->sort.out : AG_I32, x->shape);
}

/* -- search, counts -------------------------------------------------------------------------- */
static ag_status search_step(launcher *l, ag_array *x, ag_array *table, int left, int closed,
                             ag_counted counted) {
  AG_TRY(begin(l, AG_SORT_SEARCH, x));
  l->k->sort.m = ag_array_count(table);
  l->k->sort.left = left;
  l->k->sort.closed = closed;
  l->k->sort.counted = counted;
  if (table->type != x->type) return ag_fail(AG_E_TYPE, "search: one type is wanted");
  AG_TRY(bind_array(l, 0, x));
  AG_TRY(bind_array(l, 1, table));
  AG_TRY(bind_new(l, 2, (size_t)l->k->sort.n * sizeof(int32_t)));
  return launch(l);
}

ag_status ag_sort_search(ag_array **out, ag_array *x, ag_array *table, int left, int closed,
                         ag_counted counted) {
  launcher l;
  ag_status status = search_step(&l, x, table, left, closed, counted);
  return end(&l, status, out, 2, AG_I32, x->shape);
}

static ag_status match_step(launcher *l, ag_array *x, ag_array *table, ag_array *order,
                            int32_t nomatch) {
  AG_TRY(begin(l, AG_SORT_SEARCH, x));
  l->k->sort.m = ag_array_count(table);
  l->k->sort.by.apart = l->k->sort.left = 1;
  l->k->sort.counted = AG_COUNT_MATCH;
  l->k->sort.otherwise = nomatch;
  AG_TRY(bind_array(l, 0, x));
  AG_TRY(bind_array(l, 1, table));
  AG_TRY(bind_new(l, 2, (size_t)l->k->sort.n * sizeof(int32_t)));
  AG_TRY(bind_array(l, 3, order));
  return launch(l);
}

ag_status ag_sort_match(ag_array **out, ag_array *x, ag_array *table, int32_t nomatch) {
  const ag_sort_by by = {.apart = 1};
  ag_array *order = NULL, *sorted = NULL;
  launcher l = {0};
  if (table->type != x->type) return ag_fail(AG_E_TYPE, "match: one type is wanted");
  ag_status status = ag_sort_order(&order, 1, &table, &by);
  if (status == AG_OK) status = ag_sort_take(&sorted, table, order);
  if (status == AG_OK) status = match_step(&l, x, sorted, order, nomatch);
  status = end(&l, status, out, 2, AG_I32, x->shape);
  ag_array_release(order);
  ag_array_release(sorted);
  return status;
}

static ag_status tabulate_step(launcher *l, ag_array *x, int64_t n) {
  AG_TRY(begin(l, AG_SORT_TABULATE, x));
  l->k->sort.m = n;
  AG_TRY(bind_array(l, 0, x));
  AG_TRY(bind_new(l, 1, (size_t)n * sizeof(int32_t)));
  AG_TRY(ag_buffer_zero(l->own[1], 0, (size_t)n * sizeof(int32_t)));
  return launch(l);
}

ag_status ag_sort_tabulate(ag_array **out, ag_array *x, int64_t n) {
  launcher l;
  ag_status status = tabulate_step(&l, x, n);
  return end(&l, status, out, 1, AG_I32, ag_shape_of(1, n));
}

/* -- where the missing values begin ------------------------------------------------------------ */
static ag_status is_missing(int *out, ag_array *x, ag_array *order, int64_t at) {
  int32_t row = (int32_t)at + 1, value;
  if (order) AG_TRY(ag_array_read_range(order, &row, AG_I32, at, 1));
  AG_TRY(ag_array_read_range(x, &value, AG_BOOL, row - 1, 1));
  *out = value == AG_NA_INT;
  return AG_OK;
}

ag_status ag_sort_count(int64_t *out, ag_array *x, ag_array *order) {
  int64_t low = 0, high = ag_array_count(x), at = high - 1; /* most arrays have none: last first */
  while (low < high) {
    int missing;
    AG_TRY(is_missing(&missing, x, order, at));
    if (missing) high = at;
    else low = at + 1;
    at = low + (high - low) / 2;
  }
  *out = low;
  return AG_OK;
}
