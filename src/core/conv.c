#include "conv.h"
#include "expr_new.h"
#include <stdio.h>

/* -- windows ------------------------------------------------------------------------------- */
ag_window ag_conv_window(const ag_conv_step *s, const int64_t in[2]) {
  ag_window w = {.div = {1, 1}};
  for (int a = 0; a < 2; a++) {
    const int64_t reach = s->dilation[a] * (s->k[a] - 1) + 1,
                  room = in[a] + s->before[a] + s->after[a] - reach;
    w.in[a] = in[a], w.k[a] = s->k[a];
    w.out[a] = room < 0 ? 0 : room / s->stride[a] + 1;
    w.mul[a] = s->stride[a], w.dil[a] = s->dilation[a], w.off[a] = s->before[a];
  }
  return w;
}

ag_window ag_conv_window_transposed(const ag_conv_step *s, const int64_t in[2],
                                    const int64_t more[2]) {
  int64_t large[2];
  for (int a = 0; a < 2; a++)
    large[a] = (in[a] - 1) * s->stride[a] - s->before[a] - s->after[a] +
               s->dilation[a] * (s->k[a] - 1) + 1 + more[a];
  ag_window w = ag_conv_window(s, large);
  for (int a = 0; a < 2; a++) w.out[a] = in[a];
  return ag_window_reversed(&w);
}

/* -- nodes --------------------------------------------------------------------------------- */
static ag_status misfit(const ag_array *x, const ag_array *y, const char *what, int64_t groups) {
  char xt[200], yt[200], gt[40] = "";
  if (groups != 1) snprintf(gt, sizeof gt, ", %lld groups", (long long)groups);
  return ag_fail(AG_E_SHAPE, "convolution: x is %s, the %s is %s%s",
                 ag_shape_print(&x->shape, xt, sizeof xt), what,
                 ag_shape_print(&y->shape, yt, sizeof yt), gt);
}

static int are_images(const ag_shape *s, const int64_t extent[2]) {
  return s->nd == 4 && s->dim[1] == extent[0] && s->dim[2] == extent[1];
}

static int divides(int64_t groups, int64_t channels) {
  return groups > 0 && channels % groups == 0;
}

/* A node of both, in their common type. */
static ag_status conv_node(ag_array **out, ag_kind kind, ag_shape shape, ag_array *a, ag_array *b,
                           const ag_window *w, int64_t groups) {
  ag_array *arg[2] = {a, b}, *cast[2] = {NULL, NULL};
  const ag_dtype type = ag_expr_common_real(2, arg);
  ag_status status = ag_expr_operand(&cast[0], a, type);
  if (status == AG_OK) status = ag_expr_operand(&cast[1], b, type);
  if (status == AG_OK) status = ag_expr_node(out, kind, type, shape, 2, cast);
  if (status == AG_OK) {
    (*out)->u.conv.window = *w;
    (*out)->u.conv.groups = groups;
    (*out)->u.conv.transposed = 0;
  }
  ag_array_release(cast[0]);
  ag_array_release(cast[1]);
  return status;
}

ag_status ag_expr_conv(ag_array **out, ag_array *x, ag_array *weight, const ag_window *w,
                       int64_t groups, int transposed) {
  const ag_shape *f = &weight->shape;
  const int in_first = transposed != 0;
  if (!are_images(&x->shape, w->in) || f->nd != 4 || f->dim[2] != w->k[0] || f->dim[3] != w->k[1] ||
      !divides(groups, f->dim[0]) || !divides(groups, x->shape.dim[0]) ||
      (in_first ? f->dim[0] != x->shape.dim[0] : f->dim[1] * groups != x->shape.dim[0]))
    return misfit(x, weight, "weight", groups);
  const int64_t channels = in_first ? f->dim[1] * groups : f->dim[0];
  AG_TRY(conv_node(out, AG_CONV, ag_shape_of(4, channels, w->out[0], w->out[1], x->shape.dim[3]), x,
                   weight, w, groups));
  (*out)->u.conv.transposed = transposed;
  return AG_OK;
}

ag_status ag_expr_conv_weight(ag_array **out, ag_array *g, ag_array *x, const ag_window *w,
                              int64_t groups) {
  if (!are_images(&x->shape, w->in) || !are_images(&g->shape, w->out) ||
      g->shape.dim[3] != x->shape.dim[3] || !divides(groups, g->shape.dim[0]) ||
      !divides(groups, x->shape.dim[0]))
    return misfit(x, g, "gradient", groups);
  return conv_node(out, AG_CONV_WEIGHT,
                   ag_shape_of(4, g->shape.dim[0], x->shape.dim[0] / groups, w->k[0], w->k[1]), g,
                   x, w, groups);
}

/* -- gradients ----------------------------------------------------------------------------- */
/* By the images: back through the window. By the weight: what is multiplied with the same element
 * of it; of a transposed one, seen from the result. */
static ag_status grad_of_conv(ag_array **out, const ag_array *x, int i, ag_array *other,
                              ag_array *g) {
  const ag_window *w = &x->u.conv.window, back = ag_window_reversed(w);
  const int64_t groups = x->u.conv.groups;
  if (i == 0) return ag_expr_conv(out, g, other, &back, groups, !x->u.conv.transposed);
  return x->u.conv.transposed ? ag_expr_conv_weight(out, other, g, &back, groups)
                              : ag_expr_conv_weight(out, g, other, w, groups);
}

/* A weight's gradient is linear in both of its arguments; its own gradient g is a weight. */
static ag_status grad_of_weight(ag_array **out, const ag_array *x, int i, ag_array *other,
                                ag_array *g) {
  const ag_window *w = &x->u.conv.window, back = ag_window_reversed(w);
  return i ? ag_expr_conv(out, other, g, &back, x->u.conv.groups, 1)
           : ag_expr_conv(out, other, g, w, x->u.conv.groups, 0);
}

ag_status ag_conv_grad(ag_array **out, const ag_array *x, int i, ag_array *other, ag_array *g) {
  return x->kind == AG_CONV ? grad_of_conv(out, x, i, other, g)
                            : grad_of_weight(out, x, i, other, g);
}
