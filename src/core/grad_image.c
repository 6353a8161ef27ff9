/* Convolutions and poolings of images. */
#include "conv.h"
#include "grad_rules.h"

/* -- convolutions -------------------------------------------------------------------------- */
ag_status ag_grad_conv(ag_tape *t, ag_array *x, ag_array *g) {
  ag_status s = AG_OK;
  g = ag_array_retain(g);
  if (g->kind == AG_SCALAR) AG_GRAD_STEP(g, ag_expr_recycle(&next, g, x->shape));
  for (int i = 0; i < 2 && s == AG_OK; i++) {
    ag_array *part = NULL, *other;
    if (!ag_tape_has(x->arg[i])) continue;
    s = ag_tape_known(t, &other, x->arg[!i]);
    if (s == AG_OK) s = ag_conv_grad(&part, x, i, other, g);
    s = ag_tape_give(t, x->arg[i], s, part);
  }
  ag_array_release(g);
  return s;
}

/* -- poolings ------------------------------------------------------------------------------ */
/* What is linear in v or g, its last argument, is another's way back; where the maxima are does not
 * change with x but at ties. */
static ag_status way_back(ag_tape *t, ag_array **out, ag_array *x, ag_array *g) {
  const ag_window *w = &x->u.pooling.window;
  ag_array *images, *result;
  switch ((ag_pooling)x->op) {
  case AG_POOLING_MAX_OF:
  case AG_POOLING_MAX_BACK: return ag_expr_pooling_turned(out, x, g);
  case AG_POOLING_AVERAGE_BACK:
    return ag_expr_pooling(out, g, AG_POOLING_AVERAGE, w, x->u.pooling.count_pad);
  default:
    AG_TRY(ag_tape_known(t, &images, x->arg[0]));
    AG_TRY(ag_tape_known(t, &result, x));
    return ag_expr_pooling_back(out, x, images, result, g);
  }
}

ag_status ag_grad_pooling(ag_tape *t, ag_array *x, ag_array *g) {
  ag_array *last = x->arg[x->nargs - 1];
  if (!ag_tape_has(last)) return AG_OK;
  g = ag_array_retain(g);
  if (g->kind == AG_SCALAR) AG_GRAD_STEP(g, ag_expr_recycle(&next, g, x->shape));
  AG_GRAD_STEP(g, way_back(t, &next, x, g));
  return ag_tape_give(t, last, AG_OK, g);
}
