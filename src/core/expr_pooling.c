/* Nodes of poolings: maxima and averages of windows of images, and the ways back. */
#include "expr_new.h"

static ag_status check_axis(const ag_window *w, int axis) {
  const int64_t reach = w->dil[axis] * (w->k[axis] - 1);
  if (w->div[axis] != 1 || w->mul[axis] < 1 || w->dil[axis] < 1)
    return ag_fail(AG_E_ARGUMENT, "internal: a pooling's windows step forward");
  if (w->out[axis] < 1)
    return ag_fail(AG_E_SHAPE, "pooling: the windows are larger than the image");
  for (int64_t o = 0; o < w->out[axis]; o++) {
    int64_t p = w->mul[axis] * o - w->off[axis];
    const int64_t end = p + reach;
    while (p < 0 && p < end) p += w->dil[axis];
    if (w->k[axis] < 1 || p < 0 || p >= w->in[axis])
      return ag_fail(AG_E_SHAPE, "pooling: a window lies outside of the image");
  }
  return AG_OK;
}

static ag_status check_images(const ag_array *x, int64_t width, int64_t height) {
  char text[200];
  if (x->shape.nd != 4 || x->shape.dim[1] != width || x->shape.dim[2] != height)
    return ag_fail(AG_E_SHAPE, "pooling: images of %lld x %lld are wanted, x is %s",
                   (long long)width, (long long)height,
                   ag_shape_print(&x->shape, text, sizeof text));
  if (x->type > AG_F32)
    return ag_fail(AG_E_TYPE, "pooling: real numbers are wanted, not %s", ag_dtype_name(x->type));
  return AG_OK;
}

static ag_status pooling_node(ag_array **out, ag_pooling op, int nargs, ag_array *const *arg,
                              const ag_array *x, int64_t width, int64_t height, const ag_window *w,
                              int count_pad) {
  const ag_shape shape = ag_shape_of(4, x->shape.dim[0], width, height, x->shape.dim[3]);
  ag_array *own[3] = {NULL, NULL, NULL};
  ag_status status = AG_OK;
  for (int i = 0; i < nargs && status == AG_OK; i++)
    status = ag_expr_operand(&own[i], arg[i], x->type);
  if (status == AG_OK) status = ag_expr_node(out, AG_POOLING, x->type, shape, nargs, own);
  for (int i = 0; i < nargs; i++) ag_array_release(own[i]);
  AG_TRY(status);
  (*out)->op = (int)op;
  (*out)->u.pooling.window = *w;
  (*out)->u.pooling.count_pad = count_pad;
  return AG_OK;
}

ag_status ag_expr_pooling(ag_array **out, ag_array *x, ag_pooling op, const ag_window *w,
                          int count_pad) {
  AG_TRY(check_images(x, w->in[0], w->in[1]));
  for (int axis = 0; axis < 2; axis++) AG_TRY(check_axis(w, axis));
  return pooling_node(out, op, 1, &x, x, w->out[0], w->out[1], w, count_pad);
}

ag_status ag_expr_pooling_back(ag_array **out, const ag_array *pooled, ag_array *x, ag_array *y,
                               ag_array *g) {
  const ag_window *w = &pooled->u.pooling.window;
  const int is_max = pooled->op == AG_POOLING_MAX;
  ag_array *arg[3] = {x, y, g};
  AG_TRY(check_images(g, w->out[0], w->out[1]));
  return pooling_node(out, is_max ? AG_POOLING_MAX_BACK : AG_POOLING_AVERAGE_BACK, is_max ? 3 : 1,
                      is_max ? arg : &g, g, w->in[0], w->in[1], w, pooled->u.pooling.count_pad);
}

ag_status ag_expr_pooling_turned(ag_array **out, const ag_array *x, ag_array *g) {
  const ag_window *w = &x->u.pooling.window;
  const int back = x->op == AG_POOLING_MAX_OF;
  const int64_t *from = back ? w->out : w->in, *to = back ? w->in : w->out;
  ag_array *arg[3] = {x->arg[0], x->arg[1], g};
  AG_TRY(check_images(g, from[0], from[1]));
  return pooling_node(out, back ? AG_POOLING_MAX_BACK : AG_POOLING_MAX_OF, 3, arg, g, to[0], to[1],
                      w, 0);
}

ag_status ag_expr_pooling_like(ag_array **out, const ag_array *x, ag_array *const *arg) {
  return pooling_node(out, (ag_pooling)x->op, x->nargs, arg, arg[0], x->shape.dim[1],
                      x->shape.dim[2], &x->u.pooling.window, x->u.pooling.count_pad);
}
