#include "place.h"
#include <string.h>

ag_place ag_place_identity(const ag_shape *space) {
  ag_place p = {.linear = 0, .axes = {.nd = space->nd}};
  for (int q = 0; q < space->nd; q++) p.axes.axis[q] = q, p.axes.step[q] = 1;
  return p;
}

ag_access ag_place_access(const ag_place *p, const ag_shape *shape) {
  if (p->linear) return p->at;
  ag_access at = {.step = 1};
  int64_t stride = 1;
  for (int q = 0; q < shape->nd; q++) {
    at.base += p->axes.off[q] * stride;
    if (p->axes.axis[q] >= 0) at.stride[p->axes.axis[q]] += p->axes.step[q] * stride;
    stride *= shape->dim[q];
  }
  return at;
}

int ag_access_contiguous(const ag_access *at, const ag_shape *space) {
  int64_t stride = 1;
  if (at->mod) return 0;
  for (int k = 0; k < space->nd; k++) {
    if (space->dim[k] != 1 && at->stride[k] != stride) return 0;
    stride *= space->dim[k];
  }
  return 1;
}

int ag_access_equal(const ag_access *a, const ag_access *b, int nd) {
  return a->base == b->base && a->mod == b->mod &&
         (!a->mod || (a->off == b->off && a->step == b->step)) &&
         !memcmp(a->stride, b->stride, (size_t)nd * sizeof *a->stride);
}

/* The axes that a view names, seen through the axes that lead to the view. */
static ag_axes compose(const ag_axes *outer, const ag_axes *view) {
  ag_axes r = {.nd = view->nd};
  for (int q = 0; q < view->nd; q++) {
    int d = view->axis[q];
    r.axis[q] = d < 0 ? -1 : outer->axis[d];
    r.off[q] = view->off[q] + (d < 0 ? 0 : view->step[q] * outer->off[d]);
    r.step[q] = d < 0 ? 0 : view->step[q] * outer->step[d];
  }
  return r;
}

/* at := off + step * at, whether or not there is a modulus. */
static void rescale(ag_access *at, int64_t off, int64_t step) {
  if (at->mod) {
    at->off = off + step * at->off;
    at->step *= step;
    return;
  }
  at->base = off + step * at->base;
  for (int k = 0; k < AG_MAX_DIM; k++) at->stride[k] *= step;
}

/* A vector's place by axes is as good as a linear one, and views can be followed through it. */
static void vector_to_axes(ag_place *p) {
  int axis = -1;
  if (p->at.mod) return;
  for (int k = 0; k < AG_MAX_DIM; k++) {
    if (!p->at.stride[k]) continue;
    if (axis >= 0) return;
    axis = k;
  }
  p->axes = (ag_axes){
      .nd = 1, .axis = {axis}, .off = {p->at.base}, .step = {axis < 0 ? 0 : p->at.stride[axis]}};
  p->linear = 0;
}

/* A linear place that runs through all elements in order is the identity, if the shapes agree. */
static void normalise(ag_place *p, const ag_shape *shape, const ag_shape *space) {
  if (!p->linear) return;
  if (shape->nd == 1) vector_to_axes(p);
  else if (ag_shape_equal(shape, space) && p->at.base == 0 && ag_access_contiguous(&p->at, space))
    *p = ag_place_identity(space);
}

static int through_view(ag_place *out, const ag_place *p, const ag_array *x) {
  const ag_axes *view = &x->u.axes;
  const ag_shape *source = &x->arg[0]->shape;
  if (!p->linear) {
    *out = (ag_place){.linear = 0, .axes = compose(&p->axes, view)};
    return 1;
  }
  if (x->shape.nd != 1) return 0;
  int64_t stride = 1, off = 0, step = 0;
  for (int q = 0; q < source->nd; q++) {
    off += view->off[q] * stride;
    if (view->axis[q] >= 0) step += view->step[q] * stride;
    stride *= source->dim[q];
  }
  *out = *p;
  rescale(&out->at, off, step);
  return 1;
}

static int through_recycle(ag_place *out, const ag_place *p, const ag_array *x) {
  *out = (ag_place){.linear = 1, .at = ag_place_access(p, &x->shape)};
  if (out->at.mod) return 0;
  out->at.mod = ag_array_count(x->arg[0]);
  out->at.off = 0;
  out->at.step = 1;
  return 1;
}

int ag_place_through(ag_place *out, const ag_place *p, const ag_array *x, const ag_shape *space) {
  int ok = 1;
  if (x->kind == AG_VIEW) ok = through_view(out, p, x);
  else if (x->kind == AG_RECYCLE) ok = through_recycle(out, p, x);
  else *out = (ag_place){.linear = 1, .at = ag_place_access(p, &x->shape)};
  if (ok) normalise(out, &x->arg[0]->shape, space);
  return ok;
}

ag_array *ag_place_operand(ag_place *at, ag_array *x) {
  ag_shape space = x->shape;
  ag_place inner;
  *at = ag_place_identity(&space);
  while ((x->kind == AG_VIEW || x->kind == AG_RESHAPE || x->kind == AG_RECYCLE) &&
         ag_place_through(&inner, at, x, &space) &&
         !ag_place_access(&inner, &x->arg[0]->shape).mod) {
    *at = inner;
    x = x->arg[0];
  }
  return x;
}

ag_array *ag_place_run(int64_t *base, ag_array *x) {
  ag_place at;
  ag_array *source = ag_place_operand(&at, x);
  ag_access access = ag_place_access(&at, &source->shape);
  *base = ag_access_contiguous(&access, &x->shape) ? access.base : 0;
  return ag_access_contiguous(&access, &x->shape) ? source : x;
}
