#include "bag.h"
#include <stdlib.h>

ag_array *ag_bag_keep(ag_bag *b, ag_status status, ag_array *x) {
  if (status != AG_OK) {
    b->status = status;
    return NULL;
  }
  if (b->n == b->cap) {
    int cap = b->cap ? 2 * b->cap : 32;
    ag_array **node = realloc(b->node, (size_t)cap * sizeof *node);
    if (!node) {
      ag_array_release(x);
      b->status = ag_fail(AG_E_MEMORY, "out of memory");
      return NULL;
    }
    b->node = node, b->cap = cap;
  }
  return b->node[b->n++] = x;
}

ag_status ag_bag_end(ag_bag *b, ag_array **out, ag_array *x) {
  *out = b->status == AG_OK && x ? ag_array_retain(x) : NULL;
  for (int i = 0; i < b->n; i++) ag_array_release(b->node[i]);
  free(b->node);
  return b->status;
}

/* What `call` writes to `out`, unless something failed before. */
#define KEEP(call)                                                                                 \
  do {                                                                                             \
    ag_array *out = NULL;                                                                          \
    ag_status made = b->status;                                                                    \
    if (made == AG_OK) made = (call);                                                              \
    return ag_bag_keep(b, made, out);                                                              \
  } while (0)

ag_array *ag_bag_scalar(ag_bag *b, double value, ag_dtype type) {
  KEEP(ag_expr_scalar(&out, value, type));
}

ag_array *ag_bag_op(ag_bag *b, ag_op op, ag_array *x, ag_array *y) {
  KEEP(ag_expr_binary(&out, op, x, y));
}

ag_array *ag_bag_choose(ag_bag *b, ag_array *test, ag_array *yes, ag_array *no) {
  const int of_int = b->status == AG_OK && yes->type == AG_I32;
  ag_array *arg[3] = {yes, no, b->status == AG_OK ? ag_bag_cast(b, test, yes->type) : NULL};
  KEEP(ag_expr_apply(&out, of_int ? AG_OP_int_choose : AG_OP_choose, arg));
}

ag_array *ag_bag_cast(ag_bag *b, ag_array *x, ag_dtype type) { KEEP(ag_expr_cast(&out, x, type)); }

ag_array *ag_bag_reshape(ag_bag *b, ag_array *x, ag_shape shape) {
  KEEP(ag_expr_reshape(&out, x, shape));
}

ag_array *ag_bag_recycle(ag_bag *b, ag_array *x, ag_shape shape) {
  KEEP(ag_expr_recycle(&out, x, shape));
}

ag_array *ag_bag_broadcast(ag_bag *b, ag_array *x, ag_shape shape) {
  KEEP(ag_expr_broadcast(&out, x, shape));
}

static ag_status slice(ag_array **out, ag_array *x, int dim, int64_t first, int64_t step,
                       int64_t n) {
  int64_t from[AG_MAX_DIM] = {0}, by[AG_MAX_DIM], count[AG_MAX_DIM];
  for (int q = 0; q < x->shape.nd; q++) by[q] = 1, count[q] = x->shape.dim[q];
  from[dim] = first, by[dim] = step, count[dim] = n;
  return ag_expr_slice(out, x, from, by, count);
}

ag_array *ag_bag_slice(ag_bag *b, ag_array *x, int dim, int64_t first, int64_t step, int64_t n) {
  KEEP(slice(&out, x, dim, first, step, n));
}

ag_array *ag_bag_bind(ag_bag *b, ag_array *x, ag_array *y, int along) {
  ag_array *part[2] = {x, y};
  KEEP(ag_expr_bind(&out, 2, part, along));
}

ag_array *ag_bag_reduce(ag_bag *b, ag_array *x, ag_reduction r, int first, int last) {
  KEEP(ag_expr_reduce(&out, x, r, first, last, 0));
}

ag_array *ag_bag_scan(ag_bag *b, ag_array *x, ag_reduction r, int first, int last) {
  KEEP(ag_expr_scan(&out, x, r, first, last));
}
