/* Rebuilding a traced graph with a dimension more: each kind of node has one function that says
 * what it is of batched arguments. What does not depend on the slice stays as it is. */
#include "batch.h"
#include "conv.h"
#include <stdlib.h>

typedef struct {
  ag_array **node; /* that were visited, arguments before users; borrowed */
  ag_array **made; /* node[i] for all slices, NULL where it does not depend on them; owned */
  int n, cap;
  int64_t batch; /* slices */
  int leading;   /* their dimension is the first one */
  int stuck;     /* a node that cannot be batched was met */
} batch;

enum { UNSEEN = -1, INDEPENDENT = -2 };

static ag_status no_memory(void) { return ag_fail(AG_E_MEMORY, "out of memory"); }

/* What cannot be batched: the caller does something else. */
static ag_status give_up(batch *b) {
  b->stuck = 1;
  return AG_OK;
}

/* -- shapes ------------------------------------------------------------------------------------ */
/* Dimension q of a node among those of its batched form. */
static int moved(const batch *b, int q) { return b->leading ? q + 1 : q; }
static int batch_dim(const batch *b, const ag_shape *s) { return b->leading ? 0 : s->nd; }

static ag_shape batched_shape(const batch *b, const ag_shape *s) {
  ag_shape r = {.nd = s->nd + 1};
  for (int q = 0; q < s->nd; q++) r.dim[moved(b, q)] = s->dim[q];
  r.dim[batch_dim(b, s)] = b->batch;
  return r;
}

static ag_shape flat_shape(int64_t n) { return ag_shape_of(1, n); }

/* The axes of a view of one slice as those of a view of all. */
static ag_axes batched_axes(const batch *b, const ag_axes *v, int nd) {
  ag_axes r = {.nd = v->nd + 1};
  for (int q = 0; q < v->nd; q++) {
    int to = moved(b, q);
    r.axis[to] = v->axis[q] < 0 ? -1 : moved(b, v->axis[q]);
    r.off[to] = v->off[q];
    r.step[to] = v->step[q];
  }
  int own = b->leading ? 0 : v->nd;
  r.axis[own] = b->leading ? 0 : nd;
  r.step[own] = 1;
  return r;
}

/* -- arguments --------------------------------------------------------------------------------- */
static int depends(const ag_array *x) { return x->mark >= 0; }

/* The same values in each slice. */
static ag_status repeated(const batch *b, ag_array **out, ag_array *x) {
  ag_axes axes = {.nd = x->shape.nd};
  for (int q = 0; q < axes.nd; q++) axes.axis[q] = moved(b, q), axes.step[q] = 1;
  return ag_expr_view(out, x, batched_shape(b, &x->shape), &axes);
}

/* Argument i of x for all slices; single numbers stay single. */
static ag_status argument(const batch *b, ag_array **out, const ag_array *x, int i) {
  ag_array *a = x->arg[i];
  if (depends(a)) *out = ag_array_retain(b->made[a->mark]);
  else if (a->kind == AG_SCALAR) *out = ag_array_retain(a);
  else return repeated(b, out, a);
  return AG_OK;
}

/* -- one function for each kind -------------------------------------------------------------- */
static ag_status batch_elementwise(const batch *b, ag_array **out, const ag_array *x) {
  ag_array *arg[3] = {NULL, NULL, NULL};
  ag_status status = AG_OK;
  for (int i = 0; i < x->nargs && status == AG_OK; i++)
    if (x->arg[i]) status = argument(b, &arg[i], x, i);
  if (status == AG_OK) status = ag_expr_apply(out, (ag_op)x->op, arg);
  for (int i = 0; i < 3; i++) ag_array_release(arg[i]);
  return status;
}

/* Element i of a slice is element i mod n of its argument: views of whole copies, and of the first
 * elements of those. */
static ag_status batch_recycle(const batch *b, ag_array **out, const ag_array *x, ag_array *a) {
  int64_t n = ag_array_count(x->arg[0]), total = ag_array_count(x), copies = (total + n - 1) / n;
  ag_shape one = flat_shape(n), many = ag_shape_of(2, n, copies), all = flat_shape(n * copies),
           cut = flat_shape(total);
  ag_axes stretch = {.nd = 1, .axis = {0}, .step = {1}}, start = stretch;
  ag_axes wide = batched_axes(b, &stretch, 2), first = batched_axes(b, &start, 1);
  ag_array *flat = NULL, *copied = NULL, *line = NULL, *part = NULL;
  ag_status s = ag_expr_reshape(&flat, a, batched_shape(b, &one));
  if (s == AG_OK) s = ag_expr_view(&copied, flat, batched_shape(b, &many), &wide);
  if (s == AG_OK) s = ag_expr_reshape(&line, copied, batched_shape(b, &all));
  if (s == AG_OK) s = ag_expr_view(&part, line, batched_shape(b, &cut), &first);
  if (s == AG_OK) s = ag_expr_reshape(out, part, batched_shape(b, &x->shape));
  ag_array *owned[] = {flat, copied, line, part};
  for (int i = 0; i < 4; i++) ag_array_release(owned[i]);
  return s;
}

static ag_status batch_reduce(const batch *b, ag_array **out, const ag_array *x, ag_array *a) {
  ag_array *r;
  AG_TRY(ag_expr_reduce_as(&r, a, (ag_reduction)x->op, moved(b, x->u.axis.first),
                           moved(b, x->u.axis.last), 0, x->u.axis.skip, x->type));
  ag_status status = ag_expr_reshape(out, r, batched_shape(b, &x->shape));
  ag_array_release(r);
  return status;
}

/* Along a vector the parts may have any shape. */
static ag_status batch_concat(const batch *b, ag_array **out, const ag_array *x) {
  ag_array **part = calloc((size_t)x->nargs + 1, sizeof *part);
  if (!part) return no_memory();
  ag_status status = AG_OK;
  for (int i = 0; i < x->nargs && status == AG_OK; i++) {
    ag_array *a = x->arg[i], *all = NULL;
    ag_shape flat = x->shape.nd == 1 ? flat_shape(ag_array_count(a)) : a->shape;
    status = depends(a) ? argument(b, &all, x, i) : repeated(b, &all, a);
    if (status == AG_OK) status = ag_expr_reshape(&part[i], all, batched_shape(b, &flat));
    ag_array_release(all);
  }
  if (status == AG_OK) status = ag_expr_bind(out, x->nargs, part, moved(b, x->u.along));
  for (int i = 0; i < x->nargs; i++) ag_array_release(part[i]);
  free(part);
  return status;
}

/* The dot product of two vectors of each slice. */
static ag_status batch_dot(const batch *b, ag_array **out, const ag_array *x) {
  ag_shape line = flat_shape(ag_array_count(x->arg[0]));
  ag_array *u = NULL, *v = NULL, *uv = NULL, *sum = NULL;
  ag_status s = ag_expr_reshape(&u, b->made[x->arg[0]->mark], batched_shape(b, &line));
  if (s == AG_OK) s = ag_expr_reshape(&v, b->made[x->arg[1]->mark], batched_shape(b, &line));
  if (s == AG_OK) s = ag_expr_binary(&uv, AG_OP_mul, u, v);
  if (s == AG_OK) s = ag_expr_reduce(&sum, uv, AG_SUM, moved(b, 0), moved(b, 1), 0);
  if (s == AG_OK) s = ag_expr_reshape(out, sum, batched_shape(b, &x->shape));
  ag_array *owned[] = {u, v, uv, sum};
  for (int i = 0; i < 4; i++) ag_array_release(owned[i]);
  return s;
}

/* The product of a matrix that is the same for all slices and one that is not: with the slices'
 * columns (or rows) side by side it is one product. Side by side they are only if the slices are
 * the last dimension of a right (the first of a left) factor. */
static ag_status batch_product(const batch *b, ag_array **out, const ag_array *x, int right) {
  ag_array *fixed = x->arg[!right], *moving = b->made[x->arg[right]->mark], *side, *product = NULL;
  int64_t n = ag_array_count(x->arg[right]),
          inner = fixed->shape.dim[right ? !x->u.trans.ta : x->u.trans.tb];
  int64_t lines = inner ? n / inner * b->batch : 0;
  AG_TRY(ag_expr_reshape(&side, moving,
                         right ? ag_shape_of(2, inner, lines) : ag_shape_of(2, lines, inner)));
  ag_status s = right ? ag_expr_matmul(&product, fixed, side, x->u.trans.ta, 0)
                      : ag_expr_matmul(&product, side, fixed, 0, x->u.trans.tb);
  if (s == AG_OK) s = ag_expr_reshape(out, product, batched_shape(b, &x->shape));
  ag_array_release(side);
  ag_array_release(product);
  return s;
}

/* Operand i of a product for all slices: its matrices side by side. One that is the same for all of
 * them stays one matrix. */
static ag_status matrices(const batch *b, ag_array **out, const ag_array *x, int i) {
  static const ag_axes slices_last = {.nd = 3, .axis = {2, 0, 1}, .step = {1, 1, 1}};
  ag_array *a = depends(x->arg[i]) ? b->made[x->arg[i]->mark] : x->arg[i];
  if (!depends(x->arg[i]) || !b->leading) {
    *out = ag_array_retain(a);
    return AG_OK;
  }
  return ag_expr_view(out, a, ag_shape_of(3, a->shape.dim[1], a->shape.dim[2], a->shape.dim[0]),
                      &slices_last);
}

/* The products of matrices that differ from slice to slice. */
static ag_status batch_products(const batch *b, ag_array **out, const ag_array *x) {
  static const ag_axes slices_first = {.nd = 3, .axis = {1, 2, 0}, .step = {1, 1, 1}};
  ag_array *left = NULL, *right = NULL, *product = NULL;
  ag_status s = matrices(b, &left, x, 0);
  if (s == AG_OK) s = matrices(b, &right, x, 1);
  if (s == AG_OK) s = ag_expr_matmul(&product, left, right, x->u.trans.ta, x->u.trans.tb);
  if (s == AG_OK && b->leading)
    s = ag_expr_view(out, product, batched_shape(b, &x->shape), &slices_first);
  else if (s == AG_OK) *out = ag_array_retain(product);
  ag_array *owned[] = {left, right, product};
  for (int i = 0; i < 3; i++) ag_array_release(owned[i]);
  return s;
}

static int is_line(const ag_array *x) { return x->shape.dim[0] == 1 || x->shape.dim[1] == 1; }

static ag_status batch_matmul(batch *b, ag_array **out, const ag_array *x) {
  int left = depends(x->arg[0]), right = depends(x->arg[1]);
  int turned = right ? x->u.trans.tb : x->u.trans.ta; /* the elements of a line stay in order */
  if (x->shape.nd > 2) return give_up(b);
  if (left && right && ag_array_count(x) == 1) return batch_dot(b, out, x);
  if ((left && right) || (turned && !is_line(x->arg[right])) || b->leading == right ||
      ag_array_count(x->arg[0]) == 0)
    return batch_products(b, out, x);
  return batch_product(b, out, x, right);
}

static ag_status batch_as_precise(batch *b, ag_array **out, const ag_array *x) {
  ag_matmul_precision = x->u.trans.precision;
  ag_status s = batch_matmul(b, out, x);
  ag_matmul_precision = AG_EXACT;
  return s;
}

/* -- positions and images ---------------------------------------------------------------------- */
/* The same positions in each slice. */
static ag_status batch_take(batch *b, ag_array **out, const ag_array *x) {
  const ag_picks *picks = &x->u.picks;
  const ag_shape shape = batched_shape(b, &x->shape);
  ag_subscript s = {{0}, {0}, {0}, {NULL}};
  for (int i = 1; i < x->nargs; i++)
    if (depends(x->arg[i])) return give_up(b);
  for (int q = 0; q < shape.nd; q++) s.step[q] = 1, s.n[q] = shape.dim[q];
  for (int q = 0; q < x->shape.nd; q++)
    s.first[moved(b, q)] = picks->axes.off[q], s.step[moved(b, q)] = picks->axes.step[q];
  for (int i = 0; i < picks->n; i++) s.at[moved(b, picks->dim[i])] = ag_expr_positions(x, i);
  return ag_expr_take(out, b->made[x->arg[0]->mark], &s);
}

static ag_status batch_scatter(batch *b, ag_array **out, const ag_array *x) {
  const int along = x->u.scatter.along;
  if (depends(x->arg[1])) return give_up(b);
  return ag_expr_scatter(out, b->made[x->arg[0]->mark], x->arg[1], moved(b, along),
                         x->shape.dim[along], x->u.scatter.first);
}

/* The images of all slices are samples of one array. */
static ag_status images(const batch *b, ag_array **out, const ag_array *x, int i) {
  ag_array *all;
  AG_TRY(argument(b, &all, x, i));
  ag_shape shape = x->arg[i]->shape;
  shape.dim[3] *= b->batch;
  ag_status s = ag_expr_reshape(out, all, shape);
  ag_array_release(all);
  return s;
}

/* A pooling or, by a weight that is the same for all slices, a convolution. */
static ag_status batch_images(batch *b, ag_array **out, const ag_array *x) {
  const int conv = x->kind == AG_CONV;
  ag_array *arg[3] = {NULL, NULL, NULL}, *all = NULL;
  ag_status s = AG_OK;
  if (b->leading || (conv && depends(x->arg[1]))) return give_up(b);
  for (int i = 0; i < (conv ? 1 : x->nargs) && s == AG_OK; i++) s = images(b, &arg[i], x, i);
  if (s == AG_OK)
    s = conv ? ag_expr_conv(&all, arg[0], x->arg[1], &x->u.conv.window, x->u.conv.groups,
                            x->u.conv.transposed)
             : ag_expr_pooling_like(&all, x, arg);
  if (s == AG_OK) s = ag_expr_reshape(out, all, batched_shape(b, &x->shape));
  ag_array *owned[] = {arg[0], arg[1], arg[2], all};
  for (int i = 0; i < 4; i++) ag_array_release(owned[i]);
  return s;
}

static ag_status rebuild(batch *b, ag_array **out, const ag_array *x) {
  ag_array *a = x->nargs && x->arg[0] && depends(x->arg[0]) ? b->made[x->arg[0]->mark] : NULL;
  ag_axes axes;
  if (x->shape.nd >= AG_MAX_DIM || (x->nargs && x->arg[0] && x->arg[0]->shape.nd >= AG_MAX_DIM))
    return give_up(b);
  switch (x->kind) {
  case AG_ELEMENTWISE: return batch_elementwise(b, out, x);
  case AG_CAST: return ag_expr_cast(out, a, x->type);
  case AG_VIEW:
    axes = batched_axes(b, &x->u.axes, x->shape.nd);
    return ag_expr_view(out, a, batched_shape(b, &x->shape), &axes);
  case AG_RESHAPE: return ag_expr_reshape(out, a, batched_shape(b, &x->shape));
  case AG_RECYCLE: return batch_recycle(b, out, x, a);
  case AG_REDUCE: return batch_reduce(b, out, x, a);
  case AG_SCAN:
    return ag_expr_scan(out, a, (ag_reduction)x->op, moved(b, x->u.axis.first),
                        moved(b, x->u.axis.last));
  case AG_CONCAT: return batch_concat(b, out, x);
  case AG_MATMUL: return batch_as_precise(b, out, x);
  case AG_TAKE: return depends(x->arg[0]) ? batch_take(b, out, x) : give_up(b);
  case AG_SCATTER: return depends(x->arg[0]) ? batch_scatter(b, out, x) : give_up(b);
  case AG_CONV:
  case AG_POOLING: return batch_images(b, out, x);
  case AG_EMBED:
    axes = batched_axes(b, &x->u.axes, x->arg[0]->shape.nd);
    return ag_expr_embed(out, a, batched_shape(b, &x->shape), &axes);
  default: return give_up(b);
  }
}

/* -- the walk ---------------------------------------------------------------------------------- */
static ag_status push(batch *b, ag_array *x, ag_array *made) {
  if (b->n == b->cap) {
    int cap = b->cap ? 2 * b->cap : 64;
    ag_array **node = realloc(b->node, (size_t)cap * sizeof *node);
    if (node) b->node = node;
    ag_array **all = realloc(b->made, (size_t)cap * sizeof *all);
    if (all) b->made = all;
    if (!node || !all) {
      ag_array_release(made);
      return no_memory();
    }
    b->cap = cap;
  }
  x->mark = made ? b->n : INDEPENDENT;
  b->made[b->n] = made;
  b->node[b->n++] = x;
  return AG_OK;
}

/* The arguments of x are visited. */
static ag_status visit(batch *b, ag_array *x) {
  ag_array *made = NULL;
  int any = 0;
  for (int i = 0; i < x->nargs; i++) any |= x->arg[i] && depends(x->arg[i]);
  if (any) AG_TRY(rebuild(b, &made, x));
  return push(b, x, made);
}

/* Only traced nodes are marked: others may be run meanwhile. */
static ag_array *unseen_argument(const ag_array *x) {
  for (int i = 0; i < x->nargs; i++)
    if (x->arg[i] && x->arg[i]->traced && x->arg[i]->mark == UNSEEN) return x->arg[i];
  return NULL;
}

/* Not recursive, as traced graphs are deep. */
static ag_status visit_below(batch *b, ag_array *y) {
  ag_array **path = NULL;
  int n = 0, cap = 0;
  ag_status status = AG_OK;
  while (y && status == AG_OK && !b->stuck) {
    ag_array *below = unseen_argument(y);
    if (below && n == cap) {
      ag_array **more = realloc(path, (size_t)(cap = 2 * cap + 64) * sizeof *path);
      if (!more) status = no_memory();
      else path = more;
    }
    if (status != AG_OK) break;
    if (below) path[n++] = y;
    else status = visit(b, y);
    y = below ? below : n ? path[--n] : NULL;
  }
  free(path);
  return status;
}

ag_status ag_batch(ag_array **out, ag_array *y, ag_array *slice, ag_array *x, int leading) {
  batch b = {.leading = leading};
  *out = NULL;
  b.batch = x->shape.dim[leading ? 0 : x->shape.nd - 1];
  ag_status status = push(&b, slice, ag_array_retain(x));
  if (status == AG_OK && y->traced && y->mark == UNSEEN) status = visit_below(&b, y);
  if (status == AG_OK && !b.stuck && depends(y)) *out = ag_array_retain(b.made[y->mark]);
  for (int i = 0; i < b.n; i++) b.node[i]->mark = UNSEEN, ag_array_release(b.made[i]);
  free(b.node);
  free(b.made);
  return status;
}
