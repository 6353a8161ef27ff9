/* Nodes that read or write elements by position. */
#include "expr_new.h"
#include <string.h>

static ag_status check(const ag_shape *shape, const ag_subscript *s) {
  int picked = 0;
  for (int q = 0; q < shape->nd; q++) {
    int64_t last = s->first[q] + s->step[q] * (s->n[q] - 1), n = shape->dim[q];
    if (s->at[q]) {
      picked++;
      if (s->at[q]->type != AG_I32 || ag_array_count(s->at[q]) != s->n[q])
        return ag_fail(AG_E_ARGUMENT, "internal: positions are int32 vectors of the extent");
    } else if (s->n[q] && (s->first[q] < 0 || s->first[q] >= n || last < 0 || last >= n)) {
      return ag_fail(AG_E_ARGUMENT, "subscript out of bounds");
    }
  }
  return picked <= AG_MAX_PICK
             ? AG_OK
             : ag_fail(AG_E_ARGUMENT, "internal: at most %d vectors of positions", AG_MAX_PICK);
}

static ag_shape chosen(const ag_shape *shape, const ag_subscript *s) {
  ag_shape r = {.nd = shape->nd};
  memcpy(r.dim, s->n, sizeof r.dim);
  return r;
}

/* Fills picks, and arg[1], ... with the positions as they lie along the chosen elements. */
static ag_status along(ag_picks *p, ag_array **arg, ag_shape space, const ag_subscript *s) {
  *p = (ag_picks){.axes = {.nd = space.nd}};
  for (int q = 0; q < space.nd; q++) {
    p->axes.axis[q] = -1;
    if (!s->at[q]) {
      p->axes.axis[q] = q, p->axes.off[q] = s->first[q], p->axes.step[q] = s->step[q];
      continue;
    }
    ag_axes axes = {.nd = 1, .axis = {q}, .step = {1}};
    AG_TRY(ag_expr_view(&arg[1 + p->n], s->at[q], space, &axes));
    p->dim[p->n++] = q;
  }
  return AG_OK;
}

static void drop(ag_array **arg) {
  for (int i = 1; i <= AG_MAX_PICK; i++) ag_array_release(arg[i]);
}

ag_status ag_expr_take(ag_array **out, ag_array *x, const ag_subscript *s) {
  ag_array *arg[1 + AG_MAX_PICK] = {x};
  ag_picks picks;
  AG_TRY(check(&x->shape, s));
  ag_shape space = chosen(&x->shape, s);
  ag_status status = along(&picks, arg, space, s);
  if (status == AG_OK && !picks.n) status = ag_expr_view(out, x, space, &picks.axes);
  else if (status == AG_OK) {
    status = ag_expr_node(out, AG_TAKE, x->type, space, 1 + picks.n, arg);
    if (status == AG_OK) (*out)->u.picks = picks;
  }
  drop(arg);
  return status;
}

/* The node has it stretched over its shape. */
ag_array *ag_expr_positions(const ag_array *take, int i) {
  ag_array *stretched = take->arg[1 + i];
  return take->shape.nd == 1 ? stretched : stretched->arg[0];
}

ag_status ag_expr_put(ag_array **out, ag_shape shape, const ag_subscript *s, ag_array *value) {
  ag_array *arg[1 + AG_MAX_PICK] = {NULL};
  ag_picks picks;
  AG_TRY(check(&shape, s));
  ag_shape space = chosen(&shape, s);
  AG_TRY(ag_expr_recycle(&arg[0], value, space));
  ag_status status = along(&picks, arg, space, s);
  if (status == AG_OK) status = ag_expr_node(out, AG_PUT, value->type, shape, 1 + picks.n, arg);
  if (status == AG_OK) (*out)->u.picks = picks;
  ag_array_release(arg[0]);
  drop(arg);
  return status;
}

ag_status ag_expr_scatter(ag_array **out, ag_array *x, ag_array *index, int along, int64_t extent,
                          int first) {
  if (index->type != AG_I32 || index->shape.nd != 1 || along < 0 || along >= x->shape.nd ||
      index->shape.dim[0] != x->shape.dim[along] || x->type > AG_F32)
    return ag_fail(AG_E_ARGUMENT, "internal: scatter takes real numbers and a vector of int32 "
                                  "positions of their extent");
  ag_shape shape = x->shape;
  ag_array *arg[2] = {x, index};
  shape.dim[along] = extent;
  AG_TRY(ag_expr_node(out, AG_SCATTER, x->type, shape, 2, arg));
  (*out)->u.scatter.along = along, (*out)->u.scatter.first = first;
  return AG_OK;
}

ag_status ag_expr_select(ag_array **out, ag_array *mask, ag_array *value) {
  int64_t n = ag_array_count(mask);
  if (mask->type != AG_BOOL || ag_array_count(value) != n || n >= INT32_MAX)
    return ag_fail(AG_E_ARGUMENT, "internal: select takes a logical array and as many values");
  ag_array *arg[2] = {NULL, NULL};
  ag_status status = ag_expr_reshape(&arg[0], mask, ag_shape_of(1, n));
  if (status == AG_OK) status = ag_expr_reshape(&arg[1], value, ag_shape_of(1, n));
  if (status == AG_OK)
    status = ag_expr_node(out, AG_SELECT, value->type, ag_shape_of(1, n + 1), 2, arg);
  ag_array_release(arg[0]);
  ag_array_release(arg[1]);
  return status;
}
