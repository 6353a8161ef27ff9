/* Convolutions and poolings of images. */
#include "conv.h"
#include "grad_rules.h"

/* -- convolutions -------------------------------------------------------------------------- */
ag_status ag_grad_conv(ag_tape *t, ag_array *x, ag_array *g) {
  ag_status s = AG_OK;
  g = ag_array_retain(g);
  if (g->kind == AG_SCALAR) AG_GRAD_STEP(g, ag_expr_recycle(&next, g, x->shape));
  for (int i = 0; i < 2 && s == AG_OK; i++) {
    ag_array *part = NULL;
    if (!ag_tape_has(x->arg[i])) continue;
    s = ag_conv_grad(&part, x, i, g);
    s = ag_tape_give(t, x->arg[i], s, part);
  }
  ag_array_release(g);
  return s;
}

/* -- poolings ------------------------------------------------------------------------------ */
ag_status ag_grad_pooling(ag_tape *t, ag_array *x, ag_array *g) {
  if (x->op == AG_POOLING_MAX_BACK)
    return ag_fail(AG_E_ARGUMENT, "the second derivative of a maximum is not provided");
  g = ag_array_retain(g);
  if (g->kind == AG_SCALAR) AG_GRAD_STEP(g, ag_expr_recycle(&next, g, x->shape));
  AG_GRAD_STEP(g, x->op == AG_POOLING_AVERAGE_BACK
              ? ag_expr_pooling(&next, g, AG_POOLING_AVERAGE, &x->u.pooling.window,
                                x->u.pooling.count_pad)
              : ag_expr_pooling_back(&next, x, g));
  return ag_tape_give(t, x->arg[0], AG_OK, g);
}
