/* The arrays' side of the host's product of int8: narrows, multiplies. */
#include "int8.h"
#include "host_gemm.h"
#include "threads.h"
#include <stdlib.h>
#include <string.h>

#define CHUNK 65536 /* elements that a task narrows */

typedef struct {
  const int32_t *from;
  int8_t *to;
  int64_t n;
  int wide; /* a value does not fit; NA is one */
} narrowing;

static void narrow_task(void *ctx, int task, int worker) {
  narrowing *w = ctx;
  int64_t first = (int64_t)task * CHUNK, end = first + CHUNK < w->n ? first + CHUNK : w->n;
  int wide = 0;
  (void)worker;
  for (int64_t i = first; i < end; i++) {
    wide |= w->from[i] < -128 || w->from[i] > 127;
    w->to[i] = (int8_t)w->from[i];
  }
  if (wide) __atomic_store_n(&w->wide, 1, __ATOMIC_RELAXED);
}

/* Caller frees *out. */
static ag_status narrow(int8_t **out, const ag_array *x, const char *name) {
  narrowing w = {.from = (const int32_t *)x->buf->mem + x->offset, .n = ag_array_count(x)};
  *out = w.to = malloc((size_t)w.n + 1);
  if (!w.to) return ag_fail(AG_E_MEMORY, "out of memory");
  ag_parallel((int)((w.n + CHUNK - 1) / CHUNK), narrow_task, &w);
  if (!w.wide) return AG_OK;
  return ag_fail(AG_E_ARGUMENT, "gpu_matmul_int8: `%s` has NA, or values outside of -128 to 127",
                 name);
}

static ag_status multiply(ag_buffer *c, const ag_array *x, const ag_array *y) {
  int8_t *a = NULL, *b = NULL;
  ag_status status = narrow(&a, x, "x");
  if (status == AG_OK) status = narrow(&b, y, "y");
  if (status == AG_OK) {
    ag_gemm_i8 g = {.m = x->shape.dim[0], .k = x->shape.dim[1], .n = y->shape.dim[1]};
    g.a = a, g.rs_a = 1, g.cs_a = g.m;
    g.b = b, g.rs_b = 1, g.cs_b = g.k;
    g.c = c->mem, g.ldc = g.m;
    status = ag_host_gemm_i8(&g);
  }
  free(a);
  free(b);
  return status;
}

static ag_status check(const ag_array *x, const ag_array *y) {
  char xt[200], yt[200];
  if (x->type != AG_I32 || y->type != AG_I32 || x->shape.nd != 2 || y->shape.nd != 2)
    return ag_fail(AG_E_TYPE, "gpu_matmul_int8: two matrices of int32 are wanted");
  if (!x->dev || !y->dev || strcmp(x->dev->table->kind, "host") || x->dev != y->dev)
    return ag_fail(AG_E_DEVICE, "gpu_matmul_int8: both matrices are to be on the device `host`");
  if (x->shape.dim[1] != y->shape.dim[0])
    return ag_fail(AG_E_SHAPE, "gpu_matmul_int8: x is %s, y is %s",
                   ag_shape_print(&x->shape, xt, sizeof xt),
                   ag_shape_print(&y->shape, yt, sizeof yt));
  return AG_OK;
}

ag_status ag_matmul_int8(ag_array **out, ag_array *x, ag_array *y) {
  ag_array *both[2] = {x, y};
  ag_buffer *c;
  AG_TRY(check(x, y));
  AG_TRY(ag_array_force(2, both));
  const ag_shape shape = ag_shape_of(2, x->shape.dim[0], y->shape.dim[1]);
  AG_TRY(ag_buffer_new(&c, x->dev, (size_t)ag_shape_count(&shape) * sizeof(int32_t)));
  ag_status status = multiply(c, x, y);
  if (status == AG_OK) status = ag_array_from_buffer(out, c, 0, AG_I32, shape);
  ag_buffer_release(c);
  return status;
}
