/* Reverse-mode differentiation: each kind of node has one function that says
 * what its arguments' gradients are, given its own; the result is more graph. */
#include "grad.h"
#include "array_new.h"
#include "conv.h"
#include "grad_keep.h"
#include "grad_sum.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  ag_array *x; /* borrowed */
  ag_grad_sum sum;
} tape_node;

typedef struct {
  tape_node *node; /* those that depend on some x, arguments before users */
  int n, cap;
  ag_array **seen; /* all that are marked, borrowed */
  int nseen, seen_cap;
  ag_joins joins;
  ag_keep keep;
  int below_outputs; /* of a network: the nodes that are pushed now are kept */
} tape;

/* -- which nodes lie between x and y ------------------------------------------------------- */
enum { UNSEEN = -1, INDEPENDENT = -2 };

static void *grown(void *mem, int n, int *cap, size_t size) {
  if (n < *cap) return mem;
  int more = *cap ? 2 * *cap : 64;
  mem = realloc(mem, (size_t)more * size);
  if (mem) *cap = more;
  return mem;
}

static ag_status push(tape *t, ag_array *x) {
  tape_node *node = grown(t->node, t->n, &t->cap, sizeof *node);
  if (!node) return ag_fail(AG_E_MEMORY, "out of memory");
  t->node = node;
  x->mark = t->n;
  t->node[t->n++] = (tape_node){.x = x};
  return t->below_outputs ? ag_keep_add(&t->keep, x) : AG_OK;
}

static ag_status see(tape *t, ag_array *x) {
  ag_array **seen = grown(t->seen, t->nseen, &t->seen_cap, sizeof *seen);
  if (!seen) return ag_fail(AG_E_MEMORY, "out of memory");
  t->seen = seen;
  t->seen[t->nseen++] = x;
  x->mark = INDEPENDENT;
  return AG_OK;
}

static int depends(const ag_array *x) {
  for (int i = 0; i < x->nargs; i++)
    if (x->arg[i] && x->arg[i]->mark >= 0) return 1;
  return 0;
}

/* The arguments of x are visited. It joins the tape if one of them is there. */
static ag_status visit(tape *t, ag_array *x) {
  AG_TRY(see(t, x));
  if (!depends(x)) return AG_OK;
  if (x->kind == AG_CONCAT && x->u.along == x->shape.nd - 1) AG_TRY(ag_joins_add(&t->joins, x));
  return push(t, x);
}

/* The x are on the tape already. */
static ag_status visit_below(tape *t, ag_array *y) {
  ag_walk walk = {0};
  ag_status status = ag_walk_begin(&walk, y);
  while (status == AG_OK && (y = ag_walk_next(&walk, &status))) status = visit(t, y);
  ag_walk_end(&walk);
  return status;
}

static void tape_drop(tape *t) {
  for (int i = 0; i < t->n; i++) t->node[i].x->mark = UNSEEN;
  for (int i = 0; i < t->nseen; i++) t->seen[i]->mark = UNSEEN;
  for (int i = 0; i < t->n; i++) ag_grad_drop(&t->node[i].sum);
  ag_joins_drop(&t->joins);
  ag_keep_drop(&t->keep);
  free(t->node);
  free(t->seen);
}

static int wants(const ag_array *x) { return x && x->mark >= 0; }

/* What the way back knows of x: borrowed. */
static ag_status known(tape *t, ag_array **value, ag_array *x) {
  return ag_keep_value(&t->keep, value, x);
}

/* -- accumulating -------------------------------------------------------------------------- */
static ag_grad_sum *sum_of(const tape *t, const ag_array *x) { return &t->node[x->mark].sum; }

/* Adds g (taken over) to the gradient of x. */
static ag_status add_grad(tape *t, const ag_array *x, ag_array *g) {
  return ag_grad_add(sum_of(t, x), g);
}

/* Ends a chain of steps: `s` is the status of the last one, `g` its result. */
static ag_status give(tape *t, const ag_array *x, ag_status s, ag_array *g) {
  return s == AG_OK ? add_grad(t, x, g) : s;
}

/* Runs `call` on *g, writing `next`; replaces *g, which is released either way. */
#define STEP(g, call)                                                                              \
  do {                                                                                             \
    ag_array *next = NULL;                                                                         \
    ag_status step_status = (call);                                                                \
    ag_array_release(g);                                                                           \
    g = next;                                                                                      \
    if (step_status != AG_OK) return step_status;                                                  \
  } while (0)

/* -- elementwise --------------------------------------------------------------------------- */
static int is_number(const char *text, double *value) {
  char *end;
  *value = strtod(text, &end);
  return *end == 0;
}

static ag_status derivative(tape *t, ag_array **out, ag_array *x, ag_op op, ag_array *g) {
  double value;
  ag_array *factor, *third = x->nargs > 2 ? x->arg[2] : x;
  ag_array *arg[3] = {x->arg[0], x->nargs > 1 ? x->arg[1] : NULL, third};
  for (int i = 0; i < 3; i++)
    if (arg[i] && ag_op_get(op)->uses[i]) AG_TRY(known(t, &arg[i], arg[i]));
  if (is_number(ag_op_get(op)->text, &value)) {
    if (value == 1) {
      *out = ag_array_retain(g);
      return AG_OK;
    }
    AG_TRY(ag_expr_scalar(&factor, value, x->type));
  } else {
    AG_TRY(ag_expr_apply(&factor, op, arg));
  }
  ag_status status = ag_expr_binary(out, AG_OP_mul, g, factor);
  ag_array_release(factor);
  return status;
}

static ag_status grad_elementwise(tape *t, ag_array *x, ag_array *g) {
  for (int i = 0; i < x->nargs && i < 2; i++) {
    ag_op op = (ag_op)(x->op + 1 + i);
    ag_array *part;
    if (!wants(x->arg[i]) || !strcmp(ag_op_get(op)->text, "0")) continue;
    if (!ag_op_get(op)->differentiable)
      return ag_fail(AG_E_ARGUMENT, "`%s` has no derivative here", ag_op_get((ag_op)x->op)->name);
    AG_TRY(derivative(t, &part, x, op, g));
    AG_TRY(add_grad(t, x->arg[i], part));
  }
  return AG_OK;
}

static ag_status grad_cast(tape *t, ag_array *x, ag_array *g) {
  ag_array *part;
  if (x->type == AG_B16 || ag_is_widened(x)) return add_grad(t, x->arg[0], ag_array_retain(g));
  if (x->arg[0]->type > AG_F32) return AG_OK; /* integers and logicals carry no gradient */
  AG_TRY(ag_expr_cast(&part, g, x->arg[0]->type));
  return add_grad(t, x->arg[0], part);
}

/* -- structure ----------------------------------------------------------------------------- */
/* Sums the dimensions that the view broadcast; they stay, with extent 1. */
static ag_status sum_broadcast(ag_array **out, const ag_array *x, ag_array *g) {
  int named[AG_MAX_DIM] = {0};
  for (int q = 0; q < x->u.axes.nd; q++)
    if (x->u.axes.axis[q] >= 0) named[x->u.axes.axis[q]] = 1;
  g = ag_array_retain(g);
  for (int d = 0, end; d < x->shape.nd; d = end + 1) {
    for (end = d; end < x->shape.nd && !named[end];) end++;
    if (end > d) STEP(g, ag_expr_reduce(&next, g, AG_SUM, d, end, 1));
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

static ag_status grad_view(tape *t, ag_array *x, ag_array *g) {
  ag_array *sum;
  if (is_column(x) && ag_shape_equal(&g->shape, &x->shape))
    return ag_grad_add_rows(sum_of(t, x->arg[0]), ag_array_retain(g));
  AG_TRY(sum_broadcast(&sum, x, g));
  return ag_grad_add_slice(sum_of(t, x->arg[0]), sum, &x->u.axes);
}

static ag_status grad_reshape(tape *t, ag_array *x, ag_array *g) {
  ag_array *part;
  AG_TRY(ag_expr_reshape(&part, g, x->arg[0]->shape));
  return add_grad(t, x->arg[0], part);
}

/* Folds the recycled copies on top of each other; a last, partial copy is filled up with zeros. */
static ag_status grad_recycle(tape *t, ag_array *x, ag_array *g) {
  int64_t n = ag_array_count(x->arg[0]), total = ag_array_count(x), copies = (total + n - 1) / n;
  ag_axes start = {.nd = 1, .axis = {0}, .step = {1}};
  g = ag_array_retain(g);
  STEP(g, ag_expr_reshape(&next, g, ag_shape_of(1, total)));
  if (copies * n != total) STEP(g, ag_expr_embed(&next, g, ag_shape_of(1, copies * n), &start));
  STEP(g, ag_expr_reshape(&next, g, ag_shape_of(2, n, copies)));
  STEP(g, ag_expr_reduce(&next, g, AG_SUM, 1, 2, 0));
  STEP(g, ag_expr_reshape(&next, g, x->arg[0]->shape));
  return add_grad(t, x->arg[0], g);
}

static ag_status grad_embed(tape *t, ag_array *x, ag_array *g) {
  ag_array *part;
  AG_TRY(ag_expr_view(&part, g, x->arg[0]->shape, &x->u.axes));
  return add_grad(t, x->arg[0], part);
}

/* Here and below the way may lead through the positions alone, which have no gradient. */
static ag_status grad_gather(tape *t, ag_array *x, ag_array *g) {
  ag_array *part;
  if (!wants(x->arg[0])) return AG_OK;
  AG_TRY(ag_expr_recycle(&part, g, x->shape));
  STEP(part, ag_expr_scatter(&next, part, x->arg[1], 1, x->arg[0]->shape.dim[1], 0));
  return add_grad(t, x->arg[0], part);
}

/* The vector that chooses along a dimension: the node has it stretched over its shape. */
static ag_array *positions(const ag_array *take, int i) {
  ag_array *stretched = take->arg[1 + i];
  return take->shape.nd == 1 ? stretched : stretched->arg[0];
}

/* Back along one dimension after the other: the positions of each are independent of the others. */
static ag_status grad_take(tape *t, ag_array *x, ag_array *g) {
  const ag_picks *picks = &x->u.picks;
  const ag_shape *source = &x->arg[0]->shape;
  ag_axes axes = picks->axes;
  ag_array *part;
  if (!wants(x->arg[0])) return AG_OK;
  AG_TRY(ag_expr_recycle(&part, g, x->shape));
  for (int i = 0; i < picks->n; i++) {
    int q = picks->dim[i];
    STEP(part, ag_expr_scatter(&next, part, positions(x, i), q, source->dim[q], 1));
    axes.axis[q] = q, axes.step[q] = 1;
  }
  return ag_grad_add_slice(sum_of(t, x->arg[0]), part, &axes);
}

static ag_status grad_concat(tape *t, ag_array *x, ag_array *g) {
  int64_t first[AG_MAX_DIM] = {0}, step[AG_MAX_DIM], extent[AG_MAX_DIM];
  int along = x->u.along;
  for (int q = 0; q < x->shape.nd; q++) step[q] = 1, extent[q] = x->shape.dim[q];
  for (int i = 0; i < x->nargs; i++) {
    const ag_shape *shape = &x->arg[i]->shape;
    extent[along] = x->shape.nd == 1 ? ag_shape_count(shape) : shape->dim[along];
    if (wants(x->arg[i])) {
      ag_array *part;
      AG_TRY(ag_expr_slice(&part, g, first, step, extent));
      STEP(part, ag_expr_reshape(&next, part, *shape));
      AG_TRY(add_grad(t, x->arg[i], part));
    }
    first[along] += extent[along];
  }
  return AG_OK;
}

/* -- reductions ---------------------------------------------------------------------------- */
/* A reduction's result, or its gradient, stretched over what was reduced. */
static ag_status stretch(ag_array **out, const ag_array *x, ag_array *value) {
  ag_shape keep = x->arg[0]->shape;
  for (int q = x->u.axis.first; q < x->u.axis.last; q++) keep.dim[q] = 1;
  ag_array *kept;
  AG_TRY(ag_expr_reshape(&kept, value, keep));
  ag_status status = ag_expr_broadcast(out, kept, x->arg[0]->shape);
  ag_array_release(kept);
  return status;
}

/* a binary operation that takes over its first argument */
static ag_status combine(ag_array **g, ag_op op, ag_array *b) {
  STEP(*g, ag_expr_binary(&next, op, *g, b));
  return AG_OK;
}

static ag_status grad_prod(tape *t, ag_array **g, ag_array *x) {
  ag_array *y, *factor;
  AG_TRY(stretch(&y, x, x));
  ag_status status = combine(g, AG_OP_mul, y);
  ag_array_release(y);
  AG_TRY(status);
  AG_TRY(known(t, &factor, x->arg[0]));
  return combine(g, AG_OP_div, factor);
}

/* The extreme elements share the gradient. */
static ag_status grad_extreme(ag_array **g, ag_array *x) {
  ag_array *y, *is = NULL, *count = NULL, *all = NULL;
  AG_TRY(stretch(&y, x, x));
  ag_status s = ag_expr_binary(&is, AG_OP_eq, x->arg[0], y);
  ag_array_release(y);
  AG_TRY(s);
  STEP(is, ag_expr_cast(&next, is, x->type));
  s = ag_expr_reduce(&count, is, AG_SUM, x->u.axis.first, x->u.axis.last, 0);
  if (s == AG_OK) s = stretch(&all, x, count);
  if (s == AG_OK) s = combine(g, AG_OP_mul, is);
  if (s == AG_OK) s = combine(g, AG_OP_div, all);
  ag_array_release(is);
  ag_array_release(count);
  ag_array_release(all);
  return s;
}

static ag_status grad_mean(ag_array **g, const ag_array *x) {
  ag_array *n;
  double count = (double)ag_array_count(x->arg[0]) / (double)ag_array_count(x);
  AG_TRY(ag_expr_scalar(&n, count, x->type));
  ag_status status = combine(g, AG_OP_div, n);
  ag_array_release(n);
  return status;
}

/* Reverses the axes [first, last): their elements run backwards. */
static ag_status reversed(ag_array **out, const ag_array *scan, ag_array *x) {
  ag_axes axes = {.nd = x->shape.nd};
  for (int q = 0; q < x->shape.nd; q++) {
    int back = q >= scan->u.axis.first && q < scan->u.axis.last;
    axes.axis[q] = q, axes.step[q] = back ? -1 : 1, axes.off[q] = back ? x->shape.dim[q] - 1 : 0;
  }
  return ag_expr_view(out, x, x->shape, &axes);
}

/* An element is part of all sums from itself on: the running sum from the other end. */
static ag_status grad_scan(tape *t, ag_array *x, ag_array *g) {
  if (x->type > AG_F32) return AG_OK;
  if (x->op != AG_SUM)
    return ag_fail(AG_E_ARGUMENT, "of the cumulative functions only cumsum() has a gradient");
  g = ag_array_retain(g);
  if (g->kind == AG_SCALAR) STEP(g, ag_expr_recycle(&next, g, x->shape));
  STEP(g, reversed(&next, x, g));
  STEP(g, ag_expr_scan(&next, g, AG_SUM, x->u.axis.first, x->u.axis.last));
  STEP(g, reversed(&next, x, g));
  return add_grad(t, x->arg[0], g);
}

static ag_status grad_reduce(tape *t, ag_array *x, ag_array *g) {
  ag_array *part;
  ag_status s = AG_OK;
  if (x->type > AG_F32 || x->arg[0]->type > AG_F32) return AG_OK; /* any, which_max, integers */
  if (x->u.axis.skip)
    return ag_fail(AG_E_ARGUMENT, "the gradient of a reduction with na.rm is not provided");
  AG_TRY(stretch(&part, x, g));
  switch ((ag_reduction)x->op) {
  case AG_MEAN: s = grad_mean(&part, x); break;
  case AG_PROD: s = grad_prod(t, &part, x); break;
  case AG_MIN:
  case AG_MAX: s = grad_extreme(&part, x); break;
  default: break;
  }
  if (s != AG_OK) {
    ag_array_release(part);
    return s;
  }
  return add_grad(t, x->arg[0], part);
}

/* -- products ------------------------------------------------------------------------------ */
/* The sum over the products in which the one matrix `x` was used. */
static ag_status over_products(ag_array **part, const ag_array *x) {
  ag_array *sum, *all = *part;
  if (ag_shape_equal(&all->shape, &x->shape)) return AG_OK;
  *part = NULL;
  ag_status s = ag_expr_reduce(&sum, all, AG_SUM, 2, 3, 1);
  ag_array_release(all);
  AG_TRY(s);
  s = ag_expr_reshape(part, sum, x->shape);
  ag_array_release(sum);
  return s;
}

/* Where one A meets the columns of all B side by side, those of B and dC are one matrix each. */
static int is_one_product(const ag_array *x) {
  const ag_array *a = x->arg[0], *b = x->arg[1];
  return x->shape.nd == 3 && !x->u.trans.tb && (a->shape.nd == 2 || a->shape.dim[2] == 1) &&
         b->shape.nd == 3 && b->shape.dim[2] == x->shape.dim[2];
}

static ag_status side_by_side(ag_array **out, ag_array *x) {
  ag_shape flat = ag_shape_of(2, x->shape.dim[0], x->shape.dim[1] * x->shape.dim[2]);
  return ag_expr_reshape(out, x, flat);
}

static ag_status grad_left_of_all(ag_array **part, const ag_array *x, ag_array *b, ag_array *g) {
  ag_array *all_b = NULL, *all_g = NULL, *product = NULL;
  ag_status s = side_by_side(&all_b, b);
  if (s == AG_OK) s = side_by_side(&all_g, g);
  if (s == AG_OK)
    s = x->u.trans.ta ? ag_expr_matmul(&product, all_b, all_g, 0, 1)
                      : ag_expr_matmul(&product, all_g, all_b, 0, 1);
  if (s == AG_OK) s = ag_expr_reshape(part, product, x->arg[0]->shape);
  ag_array *owned[] = {all_b, all_g, product};
  for (int i = 0; i < 3; i++) ag_array_release(owned[i]);
  return s;
}

/* C = op(A) op(B):  dA = dC op(B)', dB = op(A)' dC, each transposed where its operand was. */
static ag_status grad_left(ag_array **part, const ag_array *x, ag_array *b, ag_array *g) {
  const int ta = x->u.trans.ta, tb = x->u.trans.tb;
  if (is_one_product(x)) return grad_left_of_all(part, x, b, g);
  AG_TRY(ta ? ag_expr_matmul(part, b, g, tb, 1) : ag_expr_matmul(part, g, b, 0, !tb));
  return over_products(part, x->arg[0]);
}

static ag_status grad_right(ag_array **part, const ag_array *x, ag_array *a, ag_array *g) {
  const int ta = x->u.trans.ta, tb = x->u.trans.tb;
  AG_TRY(tb ? ag_expr_matmul(part, g, a, 1, ta) : ag_expr_matmul(part, a, g, !ta, 0));
  return over_products(part, x->arg[1]);
}

/* dA = dC B', which is summed up if A is the left factor of several products. */
static int is_plain_product(const ag_array *x, const ag_array *g) {
  return !x->u.trans.ta && !x->u.trans.tb && x->arg[0]->shape.nd == 2 && x->arg[1]->shape.nd == 2 &&
         ag_shape_equal(&g->shape, &x->shape);
}

static ag_status grad_matmul(tape *t, ag_array *x, ag_array *g) {
  for (int i = 0; i < 2; i++) {
    ag_array *part = NULL, *other;
    if (!wants(x->arg[i])) continue;
    AG_TRY(known(t, &other, x->arg[!i]));
    if (i == 0 && is_plain_product(x, g)) {
      AG_TRY(ag_grad_add_product(sum_of(t, x->arg[0]), ag_array_retain(g), other,
                                 x->u.trans.precision));
      continue;
    }
    ag_status s = i ? grad_right(&part, x, other, g) : grad_left(&part, x, other, g);
    AG_TRY(give(t, x->arg[i], s, part));
  }
  return AG_OK;
}

/* As precise as the product itself. */
static ag_status grad_product(tape *t, ag_array *x, ag_array *g) {
  ag_matmul_precision = x->u.trans.precision;
  ag_status s = grad_matmul(t, x, g);
  ag_matmul_precision = AG_EXACT;
  return s;
}

/* -- convolutions -------------------------------------------------------------------------- */
static ag_status grad_conv(tape *t, ag_array *x, ag_array *g) {
  ag_status s = AG_OK;
  g = ag_array_retain(g);
  if (g->kind == AG_SCALAR) STEP(g, ag_expr_recycle(&next, g, x->shape));
  for (int i = 0; i < 2 && s == AG_OK; i++) {
    ag_array *part = NULL, *other;
    if (!wants(x->arg[i])) continue;
    s = known(t, &other, x->arg[!i]);
    if (s == AG_OK) s = ag_conv_grad(&part, x, i, other, g);
    s = give(t, x->arg[i], s, part);
  }
  ag_array_release(g);
  return s;
}

/* -- poolings ------------------------------------------------------------------------------ */
static ag_status grad_pooling(tape *t, ag_array *x, ag_array *g) {
  ag_array *in, *out;
  if (x->op == AG_POOLING_MAX_BACK)
    return ag_fail(AG_E_ARGUMENT, "the second derivative of a maximum is not provided");
  AG_TRY(known(t, &in, x->arg[0]));
  AG_TRY(known(t, &out, x));
  g = ag_array_retain(g);
  if (g->kind == AG_SCALAR) STEP(g, ag_expr_recycle(&next, g, x->shape));
  STEP(g, x->op == AG_POOLING_AVERAGE_BACK
              ? ag_expr_pooling(&next, g, AG_POOLING_AVERAGE, &x->u.pooling.window,
                                x->u.pooling.count_pad)
              : ag_expr_pooling_back(&next, x, in, out, g));
  return add_grad(t, x->arg[0], g);
}

/* -- the walk ------------------------------------------------------------------------------ */
static ag_status backward(tape *t, ag_array *x, ag_array *g) {
  switch (x->kind) {
  case AG_ELEMENTWISE: return grad_elementwise(t, x, g);
  case AG_CAST: return grad_cast(t, x, g);
  case AG_VIEW: return grad_view(t, x, g);
  case AG_RESHAPE: return grad_reshape(t, x, g);
  case AG_RECYCLE: return grad_recycle(t, x, g);
  case AG_REDUCE: return grad_reduce(t, x, g);
  case AG_SCAN: return grad_scan(t, x, g);
  case AG_MATMUL: return grad_product(t, x, g);
  case AG_CONV:
  case AG_CONV_WEIGHT: return grad_conv(t, x, g);
  case AG_POOLING: return grad_pooling(t, x, g);
  case AG_EMBED: return grad_embed(t, x, g);
  case AG_CONCAT: return grad_concat(t, x, g);
  case AG_GATHER: return grad_gather(t, x, g);
  case AG_TAKE: return grad_take(t, x, g);
  case AG_SCATTER:
    return ag_fail(AG_E_ARGUMENT, "the second derivative of a gather is not provided");
  default: return AG_OK; /* leaves */
  }
}

static ag_status constant(ag_array **out, const ag_array *like, double value) {
  ag_array *one;
  AG_TRY(ag_expr_scalar(&one, value, like->type));
  ag_status status = ag_expr_recycle(out, one, like->shape);
  ag_array_release(one);
  if (status == AG_OK && !(*out)->dev) (*out)->dev = like->dev;
  return status;
}

static ag_status total(tape *t, const ag_array *x) {
  return ag_grad_total(sum_of(t, x), x->shape, &t->joins);
}

/* The nodes below the outputs z stand first on the tape. */
static ag_status visit_network(tape *t, int nz, ag_array *const *z) {
  for (int i = 0; i < nz; i++) AG_TRY(visit_below(t, z[i]));
  for (int i = 0; i < nz; i++) ag_keep_exact(&t->keep, z[i]);
  return AG_OK;
}

static ag_status run(tape *t, ag_array *y, int nz, ag_array *const *z, int n, ag_array *const *x) {
  t->keep.on = t->below_outputs = nz > 0;
  for (int i = 0; i < n; i++)
    if (x[i]->mark == UNSEEN) AG_TRY(push(t, x[i]));
  int inputs = t->n; /* fewer than n if an array is named twice */
  AG_TRY(visit_network(t, nz, z));
  t->below_outputs = 0;
  AG_TRY(visit_below(t, y));
  if (y->mark < 0) return AG_OK;
  AG_TRY(constant(&sum_of(t, y)->total, y, 1));
  for (int i = t->n - 1; i >= 0; i--) {
    AG_TRY(total(t, t->node[i].x));
    ag_array *g = t->node[i].sum.total;
    if (g && i >= inputs) AG_TRY(backward(t, t->node[i].x, g));
  }
  return AG_OK;
}

static ag_status collect(const tape *t, int n, ag_array *const *x, ag_array **out) {
  for (int i = 0; i < n; i++) {
    ag_array *g = sum_of(t, x[i])->total;
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
  tape t = {0};
  if (y->type > AG_F32)
    return ag_fail(AG_E_TYPE, "the gradient of a %s array is not defined", ag_dtype_name(y->type));
  for (int i = 0; i < n; i++) out[i] = NULL;
  ag_status status = run(&t, y, nz, z, n, x);
  if (status == AG_OK) status = collect(&t, n, x, out);
  tape_drop(&t);
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
