/* Many small problems: kernels made by hand, built and launched once. */
#include "batched.h"
#include "kernel.h"
#include <stdlib.h>

typedef struct {
  ag_device *dev;
  ag_kernel *k;
  ag_binding bind[AG_BATCHED_SLOTS];
  ag_buffer *own[AG_BATCHED_SLOTS]; /* references */
} launcher;

static ag_status bind_array(launcher *l, int slot, ag_array *x) {
  AG_TRY(ag_array_force(1, &x));
  if (!x->dev || x->kind != AG_BUFFER)
    return ag_fail(AG_E_ARGUMENT, "an array on a device is wanted");
  if (l->dev && (x->dev != l->dev || x->type != l->k->batched.type))
    return ag_fail(AG_E_DEVICE, "arrays of one type on one device are wanted");
  l->bind[slot] = (ag_binding){x->buf->mem, x->offset};
  return AG_OK;
}

static ag_status begin(launcher *l, ag_batched_step step, ag_array *a) {
  char text[200];
  *l = (launcher){.dev = NULL};
  if (a->shape.nd != 3 || a->shape.dim[0] != a->shape.dim[1])
    return ag_fail(AG_E_SHAPE, "a is %s: an array of n x n x batch is wanted",
                   ag_shape_print(&a->shape, text, sizeof text));
  AG_TRY(bind_array(l, AG_BATCHED_A, a));
  l->dev = a->dev;
  l->k = calloc(1, sizeof *l->k);
  if (!l->k) return ag_fail(AG_E_MEMORY, "out of memory");
  l->k->kind = AG_K_BATCHED;
  l->k->nslots = AG_BATCHED_SLOTS;
  l->k->batched.step = step, l->k->batched.type = a->type;
  l->k->batched.n = a->shape.dim[0], l->k->batched.batch = a->shape.dim[2];
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
  char at[200], bt[200];
  AG_TRY(begin(l, AG_BATCHED_SOLVE, a));
  const ag_shape shape = b ? b->shape : a->shape;
  if (shape.nd != 3 || shape.dim[0] != a->shape.dim[0] || shape.dim[2] != a->shape.dim[2])
    return ag_fail(AG_E_SHAPE, "a is %s, b is %s", ag_shape_print(&a->shape, at, sizeof at),
                   ag_shape_print(&shape, bt, sizeof bt));
  l->k->batched.k = shape.dim[1], l->k->batched.identity = !b;
  if (b) AG_TRY(bind_array(l, AG_BATCHED_B, b));
  AG_TRY(bind_new(l, AG_BATCHED_X, ag_shape_count(&shape), a->type));
  AG_TRY(bind_new(l, AG_BATCHED_Y, shape.dim[2], AG_I32));
  AG_TRY(launch(l));
  AG_TRY(first_failure(l, failed));
  return result(l, x, AG_BATCHED_X, shape);
}

ag_status ag_batched_solve(ag_array **x, ag_failure *failed, ag_array *a, ag_array *b) {
  launcher l;
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
  ag_status status = eigen(&l, values, vectors, a);
  end(&l);
  return status;
}
