/* A node with two users is stored, by a kernel of its own. What is cheap is therefore built afresh
 * for each user and computed again inside the user's kernel; and the gradients are written down
 * here instead of derived, which makes each a single kernel. */
#include "loss.h"

static ag_array *sub(ag_builder *b, ag_array *x, ag_array *y) {
  return ag_builder_binary(b, AG_OP_sub, x, y);
}

static ag_array *scale(ag_builder *b, double factor, ag_array *x) {
  return factor == 1 ? x : ag_builder_binary(b, AG_OP_mul, ag_builder_scalar(b, factor), x);
}

static ag_loss_terms mse(ag_builder *b, ag_array *z, ag_array *y) {
  double rows = (double)z->shape.dim[0], cols = (double)z->shape.dim[1];
  ag_array *square = ag_builder_unary(b, AG_OP_square, sub(b, z, y));
  ag_array *gradient = scale(b, 2 / (rows * cols), sub(b, z, y));
  return (ag_loss_terms){.total = ag_builder_reduce(b, scale(b, 1 / rows, square), AG_SUM, 0, 2),
                         .gradient = ag_builder_unary(b, AG_OP_stop, gradient)};
}

/* exp(z_ij - top_j): taking out the largest keeps exp() in range. */
static ag_array *exp_below(ag_builder *b, ag_array *z, ag_array *top) {
  return ag_builder_unary(b, AG_OP_exp, sub(b, z, ag_builder_stretch(b, top, z)));
}

/* The largest z of each sample; no gradient passes, since softmax does not depend on it. */
static ag_array *top_of(ag_builder *b, ag_array *z) {
  return ag_builder_unary(b, AG_OP_stop, ag_builder_reduce(b, z, AG_MAX, 0, 1));
}

ag_array *ag_loss_softmax(ag_builder *b, ag_array *z) {
  ag_array *e = exp_below(b, z, top_of(b, z));
  ag_array *sum = ag_builder_reduce(b, e, AG_SUM, 0, 1);
  return ag_builder_binary(b, AG_OP_div, e, ag_builder_stretch(b, sum, z));
}

/* 1 where row i is the class of column j, else 0. */
static ag_array *one_hot(ag_builder *b, ag_array *z, ag_array *y) {
  ag_array *row = NULL;
  if (b->status != AG_OK) return NULL;
  ag_status status = ag_expr_iota(&row, z->dev, AG_F32, z->shape.dim[0]);
  row = ag_builder_stretch(b, ag_builder_own(b, status, row), z);
  ag_array *hit = ag_builder_binary(b, AG_OP_eq, row, ag_builder_stretch(b, y, z));
  return ag_builder_cast(b, hit, AG_F32);
}

/* One element: how often the first of the largest z is that of class y. */
static ag_array *hits_of(ag_builder *b, ag_array *z, ag_array *y) {
  ag_array *best = ag_builder_cast(b, ag_builder_reduce(b, z, AG_WHICH_MAX, 0, 1), AG_F32);
  ag_array *hit = ag_builder_cast(b, ag_builder_binary(b, AG_OP_eq, best, y), AG_F32);
  return ag_builder_reduce(b, hit, AG_SUM, 0, 2);
}

/* With top = max_i z_i and sum = sum_i exp(z_i - top), a sample's loss is
 * log(sum) - (z_y - top), and its gradient exp(z_i - top) / sum - onehot_i. */
static ag_loss_terms cross_entropy(ag_builder *b, ag_array *z, ag_array *y) {
  ag_array *top = ag_builder_reduce(b, z, AG_MAX, 0, 1);
  ag_array *sum = ag_builder_reduce(b, exp_below(b, z, top), AG_SUM, 0, 1);
  ag_array *lse = ag_builder_unary(b, AG_OP_log, ag_builder_stretch(b, sum, z));
  ag_array *cost = sub(b, lse, sub(b, z, ag_builder_stretch(b, top, z)));
  ag_array *own = ag_builder_binary(b, AG_OP_mul, one_hot(b, z, y), cost);
  ag_array *p =
      ag_builder_binary(b, AG_OP_div, exp_below(b, z, top), ag_builder_stretch(b, sum, z));
  ag_array *gradient = scale(b, 1 / (double)z->shape.dim[1], sub(b, p, one_hot(b, z, y)));
  return (ag_loss_terms){.total = ag_builder_reduce(b, own, AG_SUM, 0, 2),
                         .hits = hits_of(b, z, y),
                         .gradient = ag_builder_unary(b, AG_OP_stop, gradient)};
}

int ag_loss_nsums(ag_loss loss) { return loss == AG_LOSS_CROSS_ENTROPY ? 2 : 1; }

ag_loss_terms ag_loss_build(ag_builder *b, ag_loss loss, ag_array *z, ag_array *y) {
  ag_loss_terms terms = {NULL, NULL, NULL};
  if (b->status == AG_OK) terms = loss == AG_LOSS_MSE ? mse(b, z, y) : cross_entropy(b, z, y);
  return b->status == AG_OK ? terms : (ag_loss_terms){NULL, NULL, NULL};
}
