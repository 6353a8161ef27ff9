/* Nodes that read or add to elements at positions. The way may lead through the positions alone,
 * which have no gradient. */
#include "bag.h"
#include "grad_rules.h"

ag_status ag_grad_gather(ag_tape *t, ag_array *x, ag_array *g) {
  ag_array *part;
  if (!ag_tape_has(x->arg[0])) return AG_OK;
  AG_TRY(ag_expr_recycle(&part, g, x->shape));
  AG_GRAD_STEP(part, ag_expr_scatter(&next, part, x->arg[1], 1, x->arg[0]->shape.dim[1], 0));
  return ag_tape_give(t, x->arg[0], AG_OK, part);
}

/* Back along one dimension after the other: the positions of each are independent of the others. */
ag_status ag_grad_take(ag_tape *t, ag_array *x, ag_array *g) {
  const ag_picks *picks = &x->u.picks;
  const ag_shape *source = &x->arg[0]->shape;
  ag_axes axes = picks->axes;
  ag_array *part;
  if (!ag_tape_has(x->arg[0])) return AG_OK;
  AG_TRY(ag_expr_recycle(&part, g, x->shape));
  for (int i = 0; i < picks->n; i++) {
    int q = picks->dim[i];
    AG_GRAD_STEP(part, ag_expr_scatter(&next, part, ag_expr_positions(x, i), q, source->dim[q], 1));
    axes.axis[q] = q, axes.step[q] = 1;
  }
  return ag_grad_add_slice(ag_tape_sum(t, x->arg[0]), part, &axes);
}

/* -- back through a scatter ------------------------------------------------------------------- */
/* 1-based positions in the result; and where there are none. */
static ag_array *positions_in(ag_bag *b, const ag_array *x, ag_array **outside) {
  ag_array *index = x->arg[1];
  const double first = x->u.scatter.first;
  const double extent = (double)x->shape.dim[x->u.scatter.along];
  ag_array *at = ag_bag_op(b, AG_OP_int_add, index, ag_bag_scalar(b, 1 - first, AG_I32));
  ag_array *in =
      ag_bag_op(b, AG_OP_and, ag_bag_op(b, AG_OP_int_ge, at, ag_bag_scalar(b, 1, AG_I32)),
                ag_bag_op(b, AG_OP_int_le, at, ag_bag_scalar(b, extent, AG_I32)));
  *outside = ag_bag_op(b, AG_OP_or, ag_bag_op(b, AG_OP_is_na, in, NULL),
                       ag_bag_op(b, AG_OP_not, in, NULL));
  return at;
}

static ag_status take_along(ag_array **out, ag_array *g, int along, ag_array *at) {
  ag_subscript s = {{0}, {0}, {0}, {NULL}};
  for (int q = 0; q < g->shape.nd; q++) s.step[q] = 1, s.n[q] = g->shape.dim[q];
  s.at[along] = at, s.n[along] = ag_array_count(at);
  return ag_expr_take(out, g, &s);
}

/* An element gets what stands where it went, and nothing if it went nowhere. */
ag_status ag_grad_scatter(ag_tape *t, ag_array *x, ag_array *g) {
  ag_bag b = {0};
  ag_array *outside, *taken = NULL, *part;
  const int along = x->u.scatter.along;
  ag_shape line = {.nd = x->shape.nd};
  if (!ag_tape_has(x->arg[0])) return AG_OK;
  for (int q = 0; q < line.nd; q++) line.dim[q] = q == along ? ag_array_count(x->arg[1]) : 1;
  ag_array *at = positions_in(&b, x, &outside), *whole = ag_bag_recycle(&b, g, x->shape);
  if (b.status == AG_OK) b.status = take_along(&taken, whole, along, at);
  taken = ag_bag_keep(&b, b.status, taken);
  outside = ag_bag_broadcast(&b, ag_bag_reshape(&b, outside, line), x->arg[0]->shape);
  taken = ag_bag_choose(&b, outside, ag_bag_scalar(&b, 0, x->type), taken);
  ag_status s = ag_bag_end(&b, &part, taken);
  return ag_tape_give(t, x->arg[0], s, part);
}
