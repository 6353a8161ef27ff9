/* Nodes: counting, making, and their way to and from host memory. */
#include "array_new.h"
#include "host_isa.h"
#include "plan.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t live_arrays;

int64_t ag_array_live(void) { return live_arrays; }

ag_status ag_array_new(ag_array **out, ag_kind kind, ag_dtype type, ag_shape shape, int nargs) {
  ag_array *x = calloc(1, sizeof *x + (size_t)nargs * sizeof *x->arg);
  if (!x) return ag_fail(AG_E_MEMORY, "out of memory");
  x->refs = 1, x->kind = kind, x->type = type, x->shape = shape;
  x->nargs = nargs, x->arg = (ag_array **)(x + 1);
  x->param = x->mark = -1;
  live_arrays++;
  *out = x;
  return AG_OK;
}

void ag_array_set_arg(ag_array *x, int i, ag_array *a) {
  if (!a) return;
  x->arg[i] = ag_array_retain(a);
  if (!x->dev) x->dev = a->dev;
  if (a->traced) x->traced = 1;
  if (a->kind != AG_BUFFER && a->depth >= x->depth) x->depth = a->depth + 1;
}

static void drop_args(ag_array *x) {
  for (int i = 0; i < x->nargs; i++) ag_array_release(x->arg[i]);
  x->nargs = 0;
}

void ag_array_materialise(ag_array *x, ag_buffer *b, int64_t offset) {
  x->buf = ag_buffer_retain(b);
  x->offset = offset;
  x->kind = AG_BUFFER;
  x->dev = b->dev;
  x->depth = 0;
  drop_args(x);
}

ag_array *ag_array_retain(ag_array *x) {
  x->refs++;
  return x;
}

/* By a list, as what hangs on a node may be deep. */
void ag_array_release(ag_array *x) {
  if (!x || --x->refs) return;
  x->u.dead = NULL;
  while (x) {
    ag_array *rest = x->u.dead;
    for (int i = 0; i < x->nargs; i++) {
      ag_array *a = x->arg[i];
      if (!a || --a->refs) continue;
      a->u.dead = rest;
      rest = a;
    }
    ag_buffer_release(x->buf);
    free(x);
    live_arrays--;
    x = rest;
  }
}

/* -- visiting ---------------------------------------------------------------------------------- */
static ag_status walk_push(ag_walk *w, ag_array *x) {
  if (w->n == w->cap) {
    int cap = w->cap ? 2 * w->cap : 256;
    ag_array **stack = realloc(w->stack, (size_t)cap * sizeof *stack);
    if (!stack) return ag_fail(AG_E_MEMORY, "out of memory");
    w->stack = stack, w->cap = cap;
  }
  w->stack[w->n++] = x;
  return AG_OK;
}

ag_status ag_walk_begin(ag_walk *w, ag_array *x) {
  w->n = 0;
  return walk_push(w, x);
}

ag_array *ag_walk_next(ag_walk *w, ag_status *status) {
  while (w->n) {
    ag_array *x = w->stack[w->n - 1];
    int below = w->n;
    const int forwards = w->parts_last_first && x->kind == AG_CONCAT;
    for (int k = x->mark == -1 ? x->nargs - 1 : -1; k >= 0; k--) {
      ag_array *a = x->arg[forwards ? x->nargs - 1 - k : k]; /* the first one pushed comes last */
      if (!a || a->mark != -1) continue;
      if ((*status = walk_push(w, a)) != AG_OK) return NULL;
    }
    if (w->n > below) continue; /* its arguments first */
    w->n--;
    if (x->mark == -1) return x;
  }
  return NULL;
}

void ag_walk_end(ag_walk *w) { free(w->stack); }

/* -- shapes ------------------------------------------------------------------------------------ */
int64_t ag_shape_count(const ag_shape *s) {
  int64_t n = 1;
  for (int i = 0; i < s->nd; i++) n *= s->dim[i];
  return n;
}

int64_t ag_array_count(const ag_array *x) { return ag_shape_count(&x->shape); }

int ag_shape_equal(const ag_shape *a, const ag_shape *b) {
  return a->nd == b->nd && !memcmp(a->dim, b->dim, (size_t)a->nd * sizeof *a->dim);
}

ag_shape ag_shape_of(int nd, ...) {
  ag_shape s = {.nd = nd};
  va_list args;
  va_start(args, nd);
  for (int i = 0; i < nd; i++) s.dim[i] = va_arg(args, int64_t);
  va_end(args);
  return s;
}

char *ag_shape_print(const ag_shape *s, char *text, size_t size) {
  size_t used = 0;
  if (s->nd == 1) snprintf(text, size, "length %lld", (long long)s->dim[0]);
  for (int i = 0; i < s->nd && s->nd > 1 && used < size; i++)
    used +=
        (size_t)snprintf(text + used, size - used, i ? " x %lld" : "%lld", (long long)s->dim[i]);
  return text;
}

/* -- to and from the host ------------------------------------------------------------------ */
/* Data of another type passes through a staging block that stays in the cache. */
#define STAGE 65536

static ag_status write_as(ag_buffer *b, ag_dtype type, const char *src, ag_dtype src_type,
                          int64_t n) {
  size_t in = ag_dtype_size(src_type), to = ag_dtype_size(type);
  if (type == src_type) return ag_buffer_write(b, 0, src, (size_t)n * in);
  ag_loop cast = ag_isa_get()->cast[src_type][type];
  void *stage = malloc(STAGE * sizeof(double));
  if (!stage) return ag_fail(AG_E_MEMORY, "out of memory");
  ag_status status = AG_OK;
  for (int64_t i = 0; i < n && status == AG_OK; i += STAGE) {
    int64_t len = n - i < STAGE ? n - i : STAGE;
    const char *from = src + (size_t)i * in;
    cast(len, stage, from, from, from);
    status = ag_buffer_write(b, (size_t)i * to, stage, (size_t)len * to);
    if (i) ag_stat.uploads--; /* one upload, however many pieces */
  }
  free(stage);
  return status;
}

ag_status ag_array_write(ag_array **out, ag_device *d, ag_dtype type, ag_shape shape,
                         const void *src, ag_dtype src_type) {
  ag_buffer *b;
  int64_t n = ag_shape_count(&shape);
  AG_TRY(ag_buffer_new(&b, d, (size_t)n * ag_dtype_size(type)));
  ag_status status = write_as(b, type, src, src_type, n);
  if (status == AG_OK) status = ag_array_from_buffer(out, b, 0, type, shape);
  ag_buffer_release(b);
  return status;
}

static ag_status read_as(ag_array *x, char *dst, ag_dtype dst_type, int64_t first, int64_t n) {
  size_t from = ag_dtype_size(x->type), to = ag_dtype_size(dst_type);
  size_t at = (size_t)(x->offset + first) * from;
  if (x->type == dst_type) return ag_buffer_read(x->buf, dst, at, (size_t)n * from);
  ag_loop cast = ag_isa_get()->cast[x->type][dst_type];
  void *stage = malloc(STAGE * sizeof(double));
  if (!stage) return ag_fail(AG_E_MEMORY, "out of memory");
  ag_status status = AG_OK;
  for (int64_t i = 0; i < n && status == AG_OK; i += STAGE) {
    int64_t len = n - i < STAGE ? n - i : STAGE;
    status = ag_buffer_read(x->buf, stage, at + (size_t)i * from, (size_t)len * from);
    if (status == AG_OK) cast(len, dst + (size_t)i * to, stage, stage, stage);
    if (i) ag_stat.downloads--;
  }
  free(stage);
  return status;
}

ag_status ag_array_read_range(ag_array *x, void *dst, ag_dtype dst_type, int64_t first, int64_t n) {
  if (x->kind != AG_BUFFER) AG_TRY(ag_array_force(1, &x));
  if (!x->buf)
    return ag_fail(AG_E_ARGUMENT, "a traced function cannot look at the values of its arrays");
  if (first < 0 || n < 0 || first + n > ag_array_count(x))
    return ag_fail(AG_E_ARGUMENT, "elements %lld to %lld of %lld were asked for",
                   (long long)first + 1, (long long)(first + n), (long long)ag_array_count(x));
  return read_as(x, dst, dst_type, first, n);
}

ag_status ag_array_read(ag_array *x, void *dst, ag_dtype dst_type) {
  return ag_array_read_range(x, dst, dst_type, 0, ag_array_count(x));
}

ag_status ag_array_from_buffer(ag_array **out, ag_buffer *b, int64_t offset, ag_dtype type,
                               ag_shape shape) {
  AG_TRY(ag_array_new(out, AG_BUFFER, type, shape, 0));
  ag_array_materialise(*out, b, offset);
  return AG_OK;
}

ag_status ag_array_zeros(ag_array **out, ag_device *d, ag_dtype type, ag_shape shape) {
  ag_buffer *b;
  size_t bytes = (size_t)ag_shape_count(&shape) * ag_dtype_size(type);
  AG_TRY(ag_buffer_new(&b, d, bytes));
  ag_status status = ag_buffer_zero(b, 0, bytes);
  if (status == AG_OK) status = ag_array_from_buffer(out, b, 0, type, shape);
  ag_buffer_release(b);
  return status;
}
