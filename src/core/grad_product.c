/* Matrix products. */
#include "grad_rules.h"

/* The sum over the products in which the one matrix `x` was used. */
static ag_status over_products(ag_array **part, const ag_array *x) {
  ag_array *sum, *all = *part;
  if (ag_shape_equal(&all->shape, &x->shape)) return AG_OK;
  *part = NULL;
  ag_status s = ag_expr_reduce(&sum, all, AG_SUM, 2, 3, 1);
  ag_array_release(all);
  AG_TRY(s);
  s = ag_expr_reshape(part, sum, x->shape);
  ag_array_release(sum);
  return s;
}

/* Where one A meets the columns of all B side by side, those of B and dC are one matrix each. */
static int is_one_product(const ag_array *x) {
  const ag_array *a = x->arg[0], *b = x->arg[1];
  return x->shape.nd == 3 && !x->u.trans.tb && (a->shape.nd == 2 || a->shape.dim[2] == 1) &&
         b->shape.nd == 3 && b->shape.dim[2] == x->shape.dim[2];
}

static ag_status side_by_side(ag_array **out, ag_array *x) {
  ag_shape flat = ag_shape_of(2, x->shape.dim[0], x->shape.dim[1] * x->shape.dim[2]);
  return ag_expr_reshape(out, x, flat);
}

static ag_status grad_left_of_all(ag_array **part, const ag_array *x, ag_array *b, ag_array *g) {
  ag_array *all_b = NULL, *all_g = NULL, *product = NULL;
  ag_status s = side_by_side(&all_b, b);
  if (s == AG_OK) s = side_by_side(&all_g, g);
  if (s == AG_OK)
    s = x->u.trans.ta ? ag_expr_matmul(&product, all_b, all_g, 0, 1)
                      : ag_expr_matmul(&product, all_g, all_b, 0, 1);
  if (s == AG_OK) s = ag_expr_reshape(part, product, x->arg[0]->shape);
  ag_array *owned[] = {all_b, all_g, product};
  for (int i = 0; i < 3; i++) ag_array_release(owned[i]);
  return s;
}

/* With what is known of the other factor.
 * C = op(A) op(B):  dA = dC op(B)', dB = op(A)' dC, each transposed where its operand was. */
static ag_status grad_left(ag_array **part, const ag_array *x, ag_array *b, ag_array *g) {
  const int ta = x->u.trans.ta, tb = x->u.trans.tb;
  if (is_one_product(x)) return grad_left_of_all(part, x, b, g);
  AG_TRY(ta ? ag_expr_matmul(part, b, g, tb, 1) : ag_expr_matmul(part, g, b, 0, !tb));
  return over_products(part, x->arg[0]);
}

static ag_status grad_right(ag_array **part, const ag_array *x, ag_array *a, ag_array *g) {
  const int ta = x->u.trans.ta, tb = x->u.trans.tb;
  AG_TRY(tb ? ag_expr_matmul(part, g, a, 1, ta) : ag_expr_matmul(part, a, g, !ta, 0));
  return over_products(part, x->arg[1]);
}

/* dA = dC B', which is summed up if A is the left factor of several products. */
static int is_plain_product(const ag_array *x, const ag_array *g) {
  return !x->u.trans.ta && !x->u.trans.tb && x->arg[0]->shape.nd == 2 && x->arg[1]->shape.nd == 2 &&
         ag_shape_equal(&g->shape, &x->shape);
}

static ag_status grad_matmul(ag_tape *t, ag_array *x, ag_array *g) {
  for (int i = 0; i < 2; i++) {
    ag_array *part = NULL, *other;
    if (!ag_tape_has(x->arg[i])) continue;
    AG_TRY(ag_tape_known(t, &other, x->arg[!i]));
    if (i == 0 && is_plain_product(x, g)) {
      AG_TRY(ag_grad_add_product(ag_tape_sum(t, x->arg[0]), ag_array_retain(g), other,
                                 x->u.trans.precision));
      continue;
    }
    ag_status s = i ? grad_right(&part, x, other, g) : grad_left(&part, x, other, g);
    AG_TRY(ag_tape_give(t, x->arg[i], s, part));
  }
  return AG_OK;
}

/* As precise as the product itself. */
ag_status ag_grad_product(ag_tape *t, ag_array *x, ag_array *g) {
  ag_matmul_precision = x->u.trans.precision;
  ag_status s = grad_matmul(t, x, g);
  ag_matmul_precision = AG_EXACT;
  return s;
}
