/* Nodes that move elements: their gradients move them back. */
#include "grad_rules.h"

/* Sums the dimensions that the view broadcast; they stay, with extent 1. */
static ag_status sum_broadcast(ag_array **out, const ag_array *x, ag_array *g) {
  int named[AG_MAX_DIM] = {0};
  for (int q = 0; q < x->u.axes.nd; q++)
    if (x->u.axes.axis[q] >= 0) named[x->u.axes.axis[q]] = 1;
  g = ag_array_retain(g);
  for (int d = 0, end; d < x->shape.nd; d = end + 1) {
    for (end = d; end < x->shape.nd && !named[end];) end++;
    if (end > d) AG_GRAD_STEP(g, ag_expr_reduce(&next, g, AG_SUM, d, end, 1));
  }
  *out = g;
  return AG_OK;
}

/* Whether x is a vector that stands in each column of a matrix. */
static int is_column(const ag_array *x) {
  const ag_axes *v = &x->u.axes;
  return v->nd == 1 && x->shape.nd == 2 && v->axis[0] == 0 && v->step[0] == 1 && v->off[0] == 0 &&
         x->shape.dim[0] == x->arg[0]->shape.dim[0];
}

ag_status ag_grad_view(ag_tape *t, ag_array *x, ag_array *g) {
  ag_array *sum;
  if (is_column(x) && ag_shape_equal(&g->shape, &x->shape))
    return ag_grad_add_rows(ag_tape_sum(t, x->arg[0]), ag_array_retain(g));
  AG_TRY(sum_broadcast(&sum, x, g));
  return ag_grad_add_slice(ag_tape_sum(t, x->arg[0]), sum, &x->u.axes);
}

ag_status ag_grad_reshape(ag_tape *t, ag_array *x, ag_array *g) {
  ag_array *part;
  AG_TRY(ag_expr_reshape(&part, g, x->arg[0]->shape));
  return ag_tape_give(t, x->arg[0], AG_OK, part);
}

/* Folds the recycled copies on top of each other; a last, partial copy is filled up with zeros. */
ag_status ag_grad_recycle(ag_tape *t, ag_array *x, ag_array *g) {
  int64_t n = ag_array_count(x->arg[0]), total = ag_array_count(x), copies = (total + n - 1) / n;
  ag_axes start = {.nd = 1, .axis = {0}, .step = {1}};
  g = ag_array_retain(g);
  AG_GRAD_STEP(g, ag_expr_reshape(&next, g, ag_shape_of(1, total)));
  if (copies * n != total)
    AG_GRAD_STEP(g, ag_expr_embed(&next, g, ag_shape_of(1, copies * n), &start));
  AG_GRAD_STEP(g, ag_expr_reshape(&next, g, ag_shape_of(2, n, copies)));
  AG_GRAD_STEP(g, ag_expr_reduce(&next, g, AG_SUM, 1, 2, 0));
  AG_GRAD_STEP(g, ag_expr_reshape(&next, g, x->arg[0]->shape));
  return ag_tape_give(t, x->arg[0], AG_OK, g);
}

ag_status ag_grad_embed(ag_tape *t, ag_array *x, ag_array *g) {
  ag_array *part;
  AG_TRY(ag_expr_view(&part, g, x->arg[0]->shape, &x->u.axes));
  return ag_tape_give(t, x->arg[0], AG_OK, part);
}

ag_status ag_grad_concat(ag_tape *t, ag_array *x, ag_array *g) {
  int64_t first[AG_MAX_DIM] = {0}, step[AG_MAX_DIM], extent[AG_MAX_DIM];
  int along = x->u.along;
  for (int q = 0; q < x->shape.nd; q++) step[q] = 1, extent[q] = x->shape.dim[q];
  for (int i = 0; i < x->nargs; i++) {
    const ag_shape *shape = &x->arg[i]->shape;
    extent[along] = x->shape.nd == 1 ? ag_shape_count(shape) : shape->dim[along];
    if (ag_tape_has(x->arg[i])) {
      ag_array *part;
      AG_TRY(ag_expr_slice(&part, g, first, step, extent));
      AG_GRAD_STEP(part, ag_expr_reshape(&next, part, *shape));
      AG_TRY(ag_tape_give(t, x->arg[i], AG_OK, part));
    }
    first[along] += extent[along];
  }
  return AG_OK;
}
