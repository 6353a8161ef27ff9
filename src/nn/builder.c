#include "builder.h"
#include <stdlib.h>

static int grow(ag_builder *b) {
  if (b->n < b->capacity) return 1;
  int capacity = b->capacity ? 2 * b->capacity : 32;
  ag_array **node = realloc(b->node, (size_t)capacity * sizeof *node);
  if (!node) {
    b->status = ag_fail(AG_E_MEMORY, "no memory for %d nodes of an expression", capacity);
    return 0;
  }
  b->node = node;
  b->capacity = capacity;
  return 1;
}

ag_array *ag_builder_own(ag_builder *b, ag_status status, ag_array *node) {
  if (b->status != AG_OK || status != AG_OK || !grow(b)) {
    if (status == AG_OK) ag_array_release(node);
    if (b->status == AG_OK) b->status = status;
    return NULL;
  }
  return b->node[b->n++] = node;
}

ag_array *ag_builder_scalar(ag_builder *b, double value) {
  ag_array *out = NULL;
  if (b->status != AG_OK) return NULL;
  ag_status status = ag_expr_scalar(&out, value, AG_F32);
  return ag_builder_own(b, status, out);
}

ag_array *ag_builder_unary(ag_builder *b, ag_op op, ag_array *x) {
  ag_array *out = NULL;
  if (b->status != AG_OK) return NULL;
  ag_status status = ag_expr_unary(&out, op, x);
  return ag_builder_own(b, status, out);
}

ag_array *ag_builder_binary(ag_builder *b, ag_op op, ag_array *x, ag_array *y) {
  ag_array *out = NULL;
  if (b->status != AG_OK) return NULL;
  ag_status status = ag_expr_binary(&out, op, x, y);
  return ag_builder_own(b, status, out);
}

ag_array *ag_builder_reduce(ag_builder *b, ag_array *x, ag_reduction r, int first, int last) {
  ag_array *out = NULL;
  if (b->status != AG_OK) return NULL;
  ag_status status = ag_expr_reduce(&out, x, r, first, last, 1);
  return ag_builder_own(b, status, out);
}

ag_array *ag_builder_stretch(ag_builder *b, ag_array *x, const ag_array *like) {
  ag_array *out = NULL;
  if (b->status != AG_OK) return NULL;
  ag_status status = ag_expr_broadcast(&out, x, like->shape);
  return ag_builder_own(b, status, out);
}

ag_array *ag_builder_gather(ag_builder *b, ag_array *x, ag_array *index) {
  ag_array *out = NULL;
  if (b->status != AG_OK) return NULL;
  ag_status status = ag_expr_gather(&out, x, index);
  return ag_builder_own(b, status, out);
}

ag_array *ag_builder_cast(ag_builder *b, ag_array *x, ag_dtype type) {
  ag_array *out = NULL;
  if (b->status != AG_OK) return NULL;
  ag_status status = ag_expr_cast(&out, x, type);
  return ag_builder_own(b, status, out);
}

ag_array *ag_builder_concat(ag_builder *b, int n, ag_array *const *x) {
  ag_array *out = NULL;
  if (b->status != AG_OK) return NULL;
  ag_status status = ag_expr_concat(&out, n, x);
  return ag_builder_own(b, status, out);
}

ag_status ag_builder_end(ag_builder *b) {
  for (int i = 0; i < b->n; i++) ag_array_release(b->node[i]);
  free(b->node);
  b->node = NULL;
  b->n = b->capacity = 0;
  return b->status;
}
