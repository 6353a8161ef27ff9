/* Many small problems: kernels made by hand, built and launched once. */
#include "batched.h"
#include "batched_large.h"
#include "kernel.h"
#include <stdlib.h>

/* Rows from which blocked algorithms are faster, one matrix after the other: measured on the host,
 * where a vector of large matrices does not stay in the caches. */
#define LARGE       97
#define LARGE_EIGEN 49

/* Forces `a`, checked to be square matrices. */
static ag_status ready(ag_array *a) {
  char text[200];
  if (a->shape.nd != 3 || a->shape.dim[0] != a->shape.dim[1])
    return ag_fail(AG_E_SHAPE, "a is %s: an array of n x n x batch is wanted",
                   ag_shape_print(&a->shape, text, sizeof text));
  AG_TRY(ag_array_force(1, &a));
  if (!a->dev || a->kind != AG_BUFFER || a->type > AG_F32)
    return ag_fail(AG_E_ARGUMENT, "an array of reals on a device is wanted");
  return AG_OK;
}

typedef struct {
  ag_device *dev;
  ag_kernel *k;
  ag_binding bind[AG_BATCHED_SLOTS];
  ag_buffer *own[AG_BATCHED_SLOTS]; /* references */
} launcher;

static void bind_array(launcher *l, int slot, const ag_array *x) {
  l->bind[slot] = (ag_binding){x->buf->mem, x->offset};
}

static ag_status begin(launcher *l, ag_batched_step step, ag_array *a) {
  *l = (launcher){.dev = a->dev};
  l->k = calloc(1, sizeof *l->k);
  if (!l->k) return ag_fail(AG_E_MEMORY, "out of memory");
  l->k->kind = AG_K_BATCHED;
  l->k->nslots = AG_BATCHED_SLOTS;
  l->k->batched.step = step, l->k->batched.type = a->type;
  l->k->batched.n = a->shape.dim[0], l->k->batched.batch = a->shape.dim[2];
  bind_array(l, AG_BATCHED_A, a);
  return AG_OK;
}

static ag_status bind_new(launcher *l, int slot, int64_t count, ag_dtype type) {
  AG_TRY(ag_buffer_new(&l->own[slot], l->dev, (size_t)count * ag_dtype_size(type)));
  l->bind[slot].mem = l->own[slot]->mem;
  return AG_OK;
}

static ag_status launch(launcher *l) {
  if (l->k->batched.batch == 0) return AG_OK;
  AG_TRY(ag_device_build(l->dev, l->k));
  return ag_device_launch(l->dev, l->k, l->bind);
}

static ag_status result(launcher *l, ag_array **out, int slot, ag_shape shape) {
  return ag_array_from_buffer(out, l->own[slot], 0, l->k->batched.type, shape);
}

static void end(launcher *l) {
  for (int i = 0; i < AG_BATCHED_SLOTS; i++) ag_buffer_release(l->own[i]);
  if (l->k && l->k->code) l->dev->table->unbuild(l->dev, l->k);
  free(l->k);
}

/* Reads what the kernel says of its success. */
static ag_status first_failure(launcher *l, ag_failure *failed) {
  const int64_t batch = l->k->batched.batch;
  *failed = (ag_failure){0, 0};
  if (batch == 0) return AG_OK;
  int32_t *info = malloc((size_t)batch * sizeof *info);
  if (!info) return ag_fail(AG_E_MEMORY, "out of memory");
  ag_status s = ag_buffer_read(l->own[AG_BATCHED_Y], info, 0, (size_t)batch * sizeof *info);
  for (int64_t i = 0; i < batch && s == AG_OK && !failed->matrix; i++)
    if (info[i]) *failed = (ag_failure){i + 1, info[i]};
  free(info);
  return s;
}

/* -- solve ----------------------------------------------------------------------------------- */
static ag_status solve(launcher *l, ag_array **x, ag_failure *failed, ag_array *a, ag_array *b) {
  const ag_shape shape = b ? b->shape : a->shape;
  AG_TRY(begin(l, AG_BATCHED_SOLVE, a));
  l->k->batched.k = shape.dim[1], l->k->batched.identity = !b;
  if (b) bind_array(l, AG_BATCHED_B, b);
  AG_TRY(bind_new(l, AG_BATCHED_X, ag_shape_count(&shape), a->type));
  AG_TRY(bind_new(l, AG_BATCHED_Y, shape.dim[2], AG_I32));
  AG_TRY(launch(l));
  AG_TRY(first_failure(l, failed));
  return result(l, x, AG_BATCHED_X, shape);
}

static ag_status right_sides_ready(const ag_array *a, ag_array *b) {
  char at[200], bt[200];
  if (b->shape.nd != 3 || b->shape.dim[0] != a->shape.dim[0] || b->shape.dim[2] != a->shape.dim[2])
    return ag_fail(AG_E_SHAPE, "a is %s, b is %s", ag_shape_print(&a->shape, at, sizeof at),
                   ag_shape_print(&b->shape, bt, sizeof bt));
  AG_TRY(ag_array_force(1, &b));
  if (b->kind != AG_BUFFER || b->dev != a->dev || b->type != a->type)
    return ag_fail(AG_E_DEVICE, "arrays of one type on one device are wanted");
  return AG_OK;
}

ag_status ag_batched_solve(ag_array **x, ag_failure *failed, ag_array *a, ag_array *b) {
  launcher l;
  AG_TRY(ready(a));
  if (b) AG_TRY(right_sides_ready(a, b));
  if (a->shape.dim[0] >= LARGE) return ag_batched_large_solve(x, failed, a, b);
  ag_status status = solve(&l, x, failed, a, b);
  end(&l);
  return status;
}

/* -- the others ------------------------------------------------------------------------------ */
static ag_status chol(launcher *l, ag_array **x, ag_failure *failed, ag_array *a) {
  AG_TRY(begin(l, AG_BATCHED_CHOL, a));
  AG_TRY(bind_new(l, AG_BATCHED_X, ag_array_count(a), a->type));
  AG_TRY(bind_new(l, AG_BATCHED_Y, a->shape.dim[2], AG_I32));
  AG_TRY(launch(l));
  AG_TRY(first_failure(l, failed));
  return result(l, x, AG_BATCHED_X, a->shape);
}

ag_status ag_batched_chol(ag_array **x, ag_failure *failed, ag_array *a) {
  launcher l;
  AG_TRY(ready(a));
  if (a->shape.dim[0] >= LARGE) return ag_batched_large_chol(x, failed, a);
  ag_status status = chol(&l, x, failed, a);
  end(&l);
  return status;
}

static ag_status det(launcher *l, ag_array **x, ag_array *a) {
  AG_TRY(begin(l, AG_BATCHED_DET, a));
  AG_TRY(bind_new(l, AG_BATCHED_X, a->shape.dim[2], a->type));
  AG_TRY(launch(l));
  return result(l, x, AG_BATCHED_X, ag_shape_of(1, a->shape.dim[2]));
}

ag_status ag_batched_det(ag_array **x, ag_array *a) {
  launcher l;
  AG_TRY(ready(a));
  if (a->shape.dim[0] >= LARGE) return ag_batched_large_det(x, a);
  ag_status status = det(&l, x, a);
  end(&l);
  return status;
}

static ag_status eigen(launcher *l, ag_array **values, ag_array **vectors, ag_array *a) {
  const int64_t n = a->shape.dim[0];
  AG_TRY(begin(l, AG_BATCHED_EIGEN, a));
  l->k->batched.vectors = vectors != NULL;
  AG_TRY(bind_new(l, AG_BATCHED_X, n * a->shape.dim[2], a->type));
  if (vectors) AG_TRY(bind_new(l, AG_BATCHED_Y, ag_array_count(a), a->type));
  AG_TRY(launch(l));
  AG_TRY(result(l, values, AG_BATCHED_X, ag_shape_of(2, n, a->shape.dim[2])));
  return vectors ? result(l, vectors, AG_BATCHED_Y, a->shape) : AG_OK;
}

ag_status ag_batched_eigen(ag_array **values, ag_array **vectors, ag_array *a) {
  launcher l;
  AG_TRY(ready(a));
  if (a->shape.dim[0] >= LARGE_EIGEN) return ag_batched_large_eigen(values, vectors, a);
  ag_status status = eigen(&l, values, vectors, a);
  end(&l);
  return status;
}
