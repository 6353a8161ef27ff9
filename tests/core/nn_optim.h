#include "optim.h"
#include <math.h>

int ag_optim_nstates(const ag_optim *o) {
  if (o->kind == AG_OPTIM_ADAM) return 2;
  return o->momentum != 0;
}

void ag_optim_scalars(const ag_optim *o, int64_t t, double scalar[AG_OPTIM_SCALARS]) {
  scalar[0] = o->lr;
  scalar[1] = 0;
  if (o->kind != AG_OPTIM_ADAM) return;
  double r = sqrt(1 - pow(o->beta2, (double)t));
  scalar[0] = o->lr * r / (1 - pow(o->beta1, (double)t));
  scalar[1] = o->eps * r;
}

static ag_array *add(ag_builder *b, ag_array *x, ag_array *y) {
  return ag_builder_binary(b, AG_OP_add, x, y);
}

static ag_array *mul(ag_builder *b, ag_array *x, ag_array *y) {
  return ag_builder_binary(b, AG_OP_mul, x, y);
}

/* rate a + share x */
static ag_array *blend(ag_builder *b, double rate, ag_array *a, double share, ag_array *x) {
  return add(b, mul(b, ag_builder_scalar(b, rate), a), mul(b, ag_builder_scalar(b, share), x));
}

static void sgd(ag_builder *b, const ag_optim *o, ag_array *p, ag_array *g, ag_array *const *state,
                ag_array *const *scalar, ag_array **next) {
  ag_array *v = g;
  if (o->momentum != 0)
    next[1] = v = add(b, mul(b, ag_builder_scalar(b, o->momentum), state[0]), g);
  next[0] = ag_builder_binary(b, AG_OP_sub, p, mul(b, scalar[0], v));
}

/* With r = sqrt(1 - b2^t), lr mhat / (sqrt(vhat) + eps) is lr r / (1 - b1^t) m / (sqrt(v) + r eps):
 * the two corrections are folded into the scalars. */
static void adam(ag_builder *b, const ag_optim *o, ag_array *p, ag_array *g, ag_array *const *state,
                 ag_array *const *scalar, ag_array **next) {
  ag_array *m = blend(b, o->beta1, state[0], 1 - o->beta1, g);
  ag_array *v = blend(b, o->beta2, state[1], 1 - o->beta2, ag_builder_unary(b, AG_OP_square, g));
  ag_array *scale = add(b, ag_builder_unary(b, AG_OP_sqrt, v), scalar[1]);
  ag_array *step = ag_builder_binary(b, AG_OP_div, mul(b, scalar[0], m), scale);
  next[0] = ag_builder_binary(b, AG_OP_sub, p, step);
  next[1] = m;
  next[2] = v;
}

void ag_optim_step(ag_builder *b, const ag_optim *o, ag_array *p, ag_array *g,
                   ag_array *const *state, ag_array *const *scalar, ag_array **next) {
  if (o->kind == AG_OPTIM_ADAM) adam(b, o, p, g, state, scalar, next);
  else sgd(b, o, p, g, state, scalar, next);
}
