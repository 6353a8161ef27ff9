/* Reverse-mode differentiation: the nodes between x and y are gone through from y on, and the rule
 * for each gives its arguments their part; the result is more graph. */
#include "grad.h"
#include "expr_new.h"
#include "grad_rules.h"

static ag_status backward(ag_tape *t, ag_array *x, ag_array *g) {
  switch (x->kind) {
  case AG_ELEMENTWISE: return ag_grad_elementwise(t, x, g);
  case AG_CAST: return ag_grad_cast(t, x, g);
  case AG_VIEW: return ag_grad_view(t, x, g);
  case AG_RESHAPE: return ag_grad_reshape(t, x, g);
  case AG_RECYCLE: return ag_grad_recycle(t, x, g);
  case AG_REDUCE: return ag_grad_reduce(t, x, g);
  case AG_SCAN: return ag_grad_scan(t, x, g);
  case AG_MATMUL: return ag_grad_product(t, x, g);
  case AG_CONV:
  case AG_CONV_WEIGHT: return ag_grad_conv(t, x, g);
  case AG_POOLING: return ag_grad_pooling(t, x, g);
  case AG_EMBED: return ag_grad_embed(t, x, g);
  case AG_CONCAT: return ag_grad_concat(t, x, g);
  case AG_GATHER: return ag_grad_gather(t, x, g);
  case AG_TAKE: return ag_grad_take(t, x, g);
  case AG_SCATTER: return ag_grad_scatter(t, x, g);
  case AG_PUT:
  case AG_SELECT:
    return ag_fail(AG_E_ARGUMENT,
                   "the gradient of elements chosen by their values is not provided");
  case AG_BUFFER:
  case AG_SCALAR:
  case AG_IOTA:
  case AG_RANDOM: break;
  }
  return AG_OK;
}

static ag_status constant(ag_array **out, const ag_array *like, double value) {
  ag_array *one;
  AG_TRY(ag_expr_scalar(&one, value, like->type));
  ag_status status = ag_expr_recycle(out, one, like->shape);
  ag_array_release(one);
  if (status == AG_OK && !(*out)->dev) (*out)->dev = like->dev;
  return status;
}

static ag_status total(ag_tape *t, const ag_array *x) {
  return ag_grad_total(ag_tape_sum(t, x), x->shape, &t->joins);
}

/* The nodes below the outputs z stand first on the tape: only of these something is kept. */
static ag_status add_network(ag_tape *t, int nz, ag_array *const *z) {
  for (int i = 0; i < nz; i++) AG_TRY(ag_tape_add_below(t, z[i]));
  for (int i = 0; i < nz; i++) ag_keep_exact(&t->keep, z[i]);
  t->keeps = 0;
  return AG_OK;
}

static ag_status run(ag_tape *t, ag_array *y, int nz, ag_array *const *z, int n,
                     ag_array *const *x) {
  t->keep.on = t->keeps = nz > 0;
  for (int i = 0; i < n; i++) AG_TRY(ag_tape_add(t, x[i]));
  int inputs = t->n; /* fewer than n if an array is named twice */
  AG_TRY(add_network(t, nz, z));
  AG_TRY(ag_tape_add_below(t, y));
  if (!ag_tape_has(y)) return AG_OK;
  AG_TRY(constant(&ag_tape_sum(t, y)->total, y, 1));
  for (int i = t->n - 1; i >= 0; i--) {
    AG_TRY(total(t, t->node[i].x));
    ag_array *g = t->node[i].sum.total;
    if (g && i >= inputs) AG_TRY(backward(t, t->node[i].x, g));
  }
  return AG_OK;
}

static ag_status collect(const ag_tape *t, int n, ag_array *const *x, ag_array **out) {
  for (int i = 0; i < n; i++) {
    ag_array *g = ag_tape_sum(t, x[i])->total;
    if (!g) {
      AG_TRY(constant(&out[i], x[i], 0));
    } else if (g->kind == AG_SCALAR || !ag_shape_equal(&g->shape, &x[i]->shape)) {
      AG_TRY(ag_expr_recycle(&out[i], g, x[i]->shape));
    } else {
      out[i] = ag_array_retain(g);
    }
    if (!out[i]->dev) out[i]->dev = x[i]->dev;
  }
  return AG_OK;
}

ag_status ag_grad_kept(ag_array *y, int nz, ag_array *const *z, int n, ag_array *const *x,
                       ag_array **out) {
  ag_tape t = {0};
  if (y->type > AG_F32)
    return ag_fail(AG_E_TYPE, "the gradient of a %s array is not defined", ag_dtype_name(y->type));
  for (int i = 0; i < n; i++) out[i] = NULL;
  ag_expr_hold(1); /* running would use the marks of the tape's nodes */
  ag_status status = run(&t, y, nz, z, n, x);
  if (status == AG_OK) status = collect(&t, n, x, out);
  ag_tape_drop(&t);
  ag_expr_hold(0);
  if (status == AG_OK) return AG_OK;
  for (int i = 0; i < n; i++) {
    ag_array_release(out[i]);
    out[i] = NULL;
  }
  return status;
}

ag_status ag_grad(ag_array *y, int n, ag_array *const *x, ag_array **out) {
  return ag_grad_kept(y, 0, NULL, n, x, out);
}
