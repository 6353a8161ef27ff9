/* What the other elements of a product multiply to, for each of them: right where elements are
 * zero, as no division is. Neighbours are multiplied in pairs, the products of pairs in pairs
 * again, up to one; an element's others are its neighbour and the others of their pair. */
#include "bag.h"
#include "grad_rules.h"

/* before x n x after as before x 2 x n/2 x after */
static ag_shape paired(const ag_shape *s) {
  return ag_shape_of(4, s->dim[0], (int64_t)2, s->dim[1] / 2, s->dim[2]);
}

/* The elements of each pair in the opposite order. */
static ag_array *swapped(ag_bag *b, ag_array *x) {
  ag_array *pairs = ag_bag_reshape(b, x, paired(&x->shape)), *out = NULL;
  const ag_axes swap = {.nd = 4, .axis = {0, 1, 2, 3}, .off = {0, 1}, .step = {1, -1, 1, 1}};
  if (b->status == AG_OK) b->status = ag_expr_view(&out, pairs, pairs->shape, &swap);
  return ag_bag_keep(b, b->status, out);
}

static ag_array *others(ag_bag *b, ag_array *x);

static ag_array *others_of_even(ag_bag *b, ag_array *x) {
  const ag_shape s = x->shape;
  const int64_t pairs = s.dim[1] / 2;
  ag_array *product = ag_bag_op(b, AG_OP_mul, ag_bag_slice(b, x, 1, 0, 2, pairs),
                                ag_bag_slice(b, x, 1, 1, 2, pairs));
  ag_array *rest = b->status == AG_OK ? others(b, product) : NULL;
  rest = ag_bag_reshape(b, rest, ag_shape_of(4, s.dim[0], (int64_t)1, pairs, s.dim[2]));
  rest = ag_bag_broadcast(b, rest, paired(&s));
  return ag_bag_reshape(b, ag_bag_op(b, AG_OP_mul, swapped(b, x), rest), s);
}

/* An odd number of elements is made even by a 1. */
static ag_array *others(ag_bag *b, ag_array *x) {
  const ag_shape s = x->shape;
  const int64_t n = s.dim[1];
  ag_array *one = ag_bag_scalar(b, 1, x->type);
  if (n == 1) return ag_bag_recycle(b, one, s);
  if (n % 2 == 0) return others_of_even(b, x);
  ag_array *last = ag_bag_recycle(b, one, ag_shape_of(3, s.dim[0], (int64_t)1, s.dim[2]));
  ag_array *even = ag_bag_bind(b, x, last, 1);
  if (b->status != AG_OK) return NULL;
  return ag_bag_slice(b, others_of_even(b, even), 1, 0, 1, n);
}

ag_status ag_grad_others(ag_array **out, ag_array *x) {
  ag_bag b = {0};
  return ag_bag_end(&b, out, ag_array_count(x) ? others(&b, x) : x);
}
