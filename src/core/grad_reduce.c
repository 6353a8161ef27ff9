/* Reductions. Where missing elements are skipped, they get no gradient. */
#include "bag.h"
#include "grad_rules.h"

/* The reduction's result, or its gradient, stretched over what was reduced. */
static ag_array *stretched(ag_bag *b, const ag_array *x, ag_array *value) {
  ag_shape keep = x->arg[0]->shape;
  for (int q = x->u.axis.first; q < x->u.axis.last; q++) keep.dim[q] = 1;
  return ag_bag_broadcast(b, ag_bag_reshape(b, value, keep), x->arg[0]->shape);
}

static ag_array *missing_of(ag_bag *b, ag_array *x) { return ag_bag_op(b, AG_OP_missing, x, NULL); }

/* g times the product of all other elements. */
static ag_array *part_of_prod(ag_bag *b, const ag_array *x, ag_array *g) {
  const ag_shape whole = x->arg[0]->shape;
  ag_shape s = ag_shape_of(3, (int64_t)1, (int64_t)1, (int64_t)1);
  ag_array *from = x->arg[0], *rest = NULL;
  for (int q = 0; q < whole.nd; q++)
    s.dim[q < x->u.axis.first ? 0 : q < x->u.axis.last ? 1 : 2] *= whole.dim[q];
  if (x->u.axis.skip)
    from = ag_bag_choose(b, missing_of(b, from), ag_bag_scalar(b, 1, x->type), from);
  from = ag_bag_reshape(b, from, s);
  if (b->status == AG_OK) b->status = ag_grad_others(&rest, from);
  rest = ag_bag_reshape(b, ag_bag_keep(b, b->status, rest), whole);
  return ag_bag_op(b, AG_OP_mul, g, rest);
}

/* The extreme elements share the gradient. */
static ag_array *part_of_extreme(ag_bag *b, ag_array *x, ag_array *g) {
  ag_array *zero = ag_bag_scalar(b, 0, x->type);
  ag_array *is = ag_bag_op(b, AG_OP_eq, x->arg[0], stretched(b, x, x));
  is = ag_bag_cast(b, is, x->type);
  if (x->u.axis.skip) is = ag_bag_choose(b, missing_of(b, x->arg[0]), zero, is);
  ag_array *count = ag_bag_reduce(b, is, AG_SUM, x->u.axis.first, x->u.axis.last);
  return ag_bag_op(b, AG_OP_div, ag_bag_op(b, AG_OP_mul, g, is), stretched(b, x, count));
}

static ag_array *part_of_mean(ag_bag *b, const ag_array *x, ag_array *g) {
  const double count = (double)ag_array_count(x->arg[0]) / (double)ag_array_count(x);
  return ag_bag_op(b, AG_OP_div, g, ag_bag_scalar(b, count, x->type));
}

ag_status ag_grad_reduce(ag_tape *t, ag_array *x, ag_array *g) {
  ag_bag b = {0};
  ag_array *part;
  if (x->type > AG_F32 || x->arg[0]->type > AG_F32) return AG_OK; /* any, which_max, integers */
  g = stretched(&b, x, g);
  switch ((ag_reduction)x->op) {
  case AG_MEAN: g = part_of_mean(&b, x, g); break;
  case AG_PROD: g = part_of_prod(&b, x, g); break;
  case AG_MIN:
  case AG_MAX: g = part_of_extreme(&b, x, g); break;
  default: break;
  }
  if (x->u.axis.skip)
    g = ag_bag_choose(&b, missing_of(&b, x->arg[0]), ag_bag_scalar(&b, 0, x->type), g);
  ag_status s = ag_bag_end(&b, &part, g);
  return ag_tape_give(t, x->arg[0], s, part);
}
