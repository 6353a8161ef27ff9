/* Running sums, products, maxima and minima. The scanned dimensions are one here, the second of
 * three. */
#include "bag.h"
#include "grad_rules.h"

static ag_shape lines_of(const ag_array *x) {
  ag_shape s = ag_shape_of(3, (int64_t)1, (int64_t)1, (int64_t)1);
  for (int q = 0; q < x->shape.nd; q++)
    s.dim[q < x->u.axis.first ? 0 : q < x->u.axis.last ? 1 : 2] *= x->shape.dim[q];
  return s;
}

/* n elements of each line, all of one value. */
static ag_array *filled(ag_bag *b, const ag_array *like, int64_t n, double value) {
  ag_shape s = like->shape;
  s.dim[1] = n;
  return ag_bag_recycle(b, ag_bag_scalar(b, value, like->type), s);
}

/* Element i of each line is x's element i - 1, and `value` where there is none. */
static ag_array *moved_up(ag_bag *b, ag_array *x, double value) {
  const int64_t n = x->shape.dim[1];
  ag_array *first = filled(b, x, 1, value);
  return n == 1 ? first : ag_bag_bind(b, first, ag_bag_slice(b, x, 1, 0, 1, n - 1), 1);
}

/* Element i is x's element i + by, and 0 where there is none. */
static ag_array *moved_down(ag_bag *b, ag_array *x, int64_t by) {
  const int64_t n = x->shape.dim[1];
  if (by >= n) return filled(b, x, n, 0);
  return ag_bag_bind(b, ag_bag_slice(b, x, 1, by, 1, n - by), filled(b, x, by, 0), 1);
}

static ag_array *reversed(ag_bag *b, ag_array *x) {
  const int64_t n = x->shape.dim[1];
  return ag_bag_slice(b, x, 1, n - 1, -1, n);
}

/* An element is part of all sums from itself on: the running sum from the other end. */
static ag_array *part_of_sum(ag_bag *b, ag_array *g) {
  g = reversed(b, g);
  return b->status == AG_OK ? reversed(b, ag_bag_scan(b, g, AG_SUM, 1, 2)) : NULL;
}

/* Of y_k = x_1 ... x_k element x_i gets
 *   (x_1 ... x_i-1) S_i,  S_i = sum over k >= i of g_k x_i+1 ... x_k = g_i + x_i+1 S_i+1.
 * No division, so zeros are no exception. S by doubling: with the terms to k < i + d in S and
 * x_i+1 ... x_i+d in A, those to k < i + 2d are S_i + A_i S_i+d. */
static ag_array *part_of_prod(ag_bag *b, ag_array *from, ag_array *y, ag_array *g) {
  const int64_t n = from->shape.dim[1];
  ag_array *s = g, *a = moved_down(b, from, 1);
  for (int64_t d = 1; d < n && b->status == AG_OK; d *= 2) {
    s = ag_bag_op(b, AG_OP_add, s, ag_bag_op(b, AG_OP_mul, a, moved_down(b, s, d)));
    if (2 * d < n && b->status == AG_OK) a = ag_bag_op(b, AG_OP_mul, a, moved_down(b, a, d));
  }
  return b->status == AG_OK ? ag_bag_op(b, AG_OP_mul, moved_up(b, y, 1), s) : NULL;
}

/* 0, 1, ... through all lines. */
static ag_array *numbers(ag_bag *b, const ag_array *like) {
  ag_array *out = NULL;
  const int64_t n = ag_array_count(like);
  if (b->status == AG_OK && n > INT32_MAX)
    b->status = ag_fail(AG_E_ARGUMENT, "the gradient of a running extreme of so many elements");
  if (b->status == AG_OK) b->status = ag_expr_iota(&out, like->dev, AG_I32, n);
  return ag_bag_reshape(b, ag_bag_keep(b, b->status, out), like->shape);
}

/* A record is an element beyond all before it; it gets the gradients up to the next one. */
static ag_array *part_of_extreme(ag_bag *b, int is_max, ag_array *from, ag_array *y, ag_array *g) {
  const int64_t n = from->shape.dim[1], all = ag_array_count(from);
  ag_array *at = numbers(b, from), *out = NULL;
  if (n > 1 && b->status == AG_OK) {
    ag_array *record =
        ag_bag_op(b, is_max ? AG_OP_gt : AG_OP_lt, ag_bag_slice(b, from, 1, 1, 1, n - 1),
                  ag_bag_slice(b, y, 1, 0, 1, n - 1));
    ag_array *later =
        ag_bag_choose(b, record, ag_bag_slice(b, at, 1, 1, 1, n - 1), ag_bag_scalar(b, 0, AG_I32));
    at = ag_bag_bind(b, ag_bag_slice(b, at, 1, 0, 1, 1), later, 1);
    at = ag_bag_scan(b, at, AG_MAX, 1, 2);
  }
  at = ag_bag_reshape(b, at, ag_shape_of(1, all));
  g = ag_bag_reshape(b, g, ag_shape_of(1, all));
  if (b->status == AG_OK) b->status = ag_expr_scatter(&out, g, at, 0, all, 0);
  return ag_bag_keep(b, b->status, out);
}

ag_status ag_grad_scan(ag_tape *t, ag_array *x, ag_array *g) {
  ag_bag b = {0};
  ag_array *part;
  if (x->type > AG_F32) return AG_OK;
  const ag_shape lines = lines_of(x);
  ag_array *from = ag_bag_reshape(&b, x->arg[0], lines), *y = ag_bag_reshape(&b, x, lines);
  g = ag_bag_recycle(&b, ag_bag_recycle(&b, g, x->shape), lines);
  if (b.status == AG_OK && ag_array_count(x))
    g = x->op == AG_SUM    ? part_of_sum(&b, g)
        : x->op == AG_PROD ? part_of_prod(&b, from, y, g)
                           : part_of_extreme(&b, x->op == AG_MAX, from, y, g);
  ag_status s = ag_bag_end(&b, &part, ag_bag_reshape(&b, g, x->shape));
  return ag_tape_give(t, x->arg[0], s, part);
}
