/* Building nodes: shapes and types are settled here, nothing runs. */
#include "expr_new.h"
#include <math.h>
#include <string.h>

/* A pending chain longer than this is run, so that a loop of x <- 0.99 * x + 1 stays in bounded
 * memory and the walks below may recurse. Traced graphs cannot run and are not cut. */
#define MAX_DEPTH 64

static int held;

void ag_expr_hold(int on) { held = on; }

static ag_status cap_depth(int n, ag_array *const *arg) {
  for (int i = 0; i < n && !held; i++)
    if (arg[i] && arg[i]->depth >= MAX_DEPTH && !arg[i]->traced) AG_TRY(ag_array_force(1, &arg[i]));
  return AG_OK;
}

/* Arguments live on one device; scalars belong to none. */
static ag_status same_device(int n, ag_array *const *arg) {
  ag_device *d = NULL;
  for (int i = 0; i < n; i++) {
    ag_device *e = arg[i] ? arg[i]->dev : NULL;
    if (d && e && d != e)
      return ag_fail(AG_E_DEVICE, "the arrays are on different devices: %s and %s", d->id, e->id);
    if (e) d = e;
  }
  return AG_OK;
}

ag_status ag_expr_node(ag_array **out, ag_kind kind, ag_dtype type, ag_shape shape, int n,
                       ag_array *const *arg) {
  AG_TRY(same_device(n, arg));
  AG_TRY(cap_depth(n, arg));
  ag_array *x;
  AG_TRY(ag_array_new(&x, kind, type, shape, n));
  for (int i = 0; i < n; i++) ag_array_set_arg(x, i, arg[i]);
  *out = x;
  return AG_OK;
}

/* -- leaves -------------------------------------------------------------------------------- */
/* What a number becomes in a type, as casts do it; NA is a NaN here. */
static double number_as(double value, ag_dtype type) {
  if (value != value || type == AG_F64 || type == AG_F32) return value;
  if (type == AG_BOOL) return value != 0;
  return value > -2147483648.0 && value < 2147483648.0 ? trunc(value) : (double)NAN;
}

ag_status ag_expr_scalar(ag_array **out, double value, ag_dtype type) {
  AG_TRY(ag_array_new(out, AG_SCALAR, type, ag_shape_of(1, (int64_t)1), 0));
  (*out)->u.value = number_as(value, type);
  return AG_OK;
}

ag_status ag_expr_scalar_input(ag_array **out, ag_dtype type, int param) {
  AG_TRY(ag_expr_scalar(out, 0, type));
  (*out)->param = param;
  (*out)->traced = 1;
  return AG_OK;
}

ag_status ag_expr_input(ag_array **out, ag_device *d, ag_dtype type, ag_shape shape, int param) {
  AG_TRY(ag_array_new(out, AG_BUFFER, type, shape, 0));
  (*out)->dev = d;
  (*out)->param = param;
  (*out)->traced = 1;
  return AG_OK;
}

ag_status ag_expr_iota(ag_array **out, ag_device *d, ag_dtype type, int64_t n) {
  AG_TRY(ag_array_new(out, AG_IOTA, type, ag_shape_of(1, n), 0));
  (*out)->dev = d;
  return AG_OK;
}

ag_status ag_expr_random(ag_array **out, ag_device *d, ag_dtype type, ag_shape shape,
                         ag_distribution dist, uint64_t key) {
  AG_TRY(ag_array_new(out, AG_RANDOM, type, shape, 0));
  (*out)->dev = d;
  (*out)->op = (int)dist;
  (*out)->u.key = key;
  return AG_OK;
}

ag_status ag_expr_random_input(ag_array **out, ag_device *d, ag_dtype type, ag_shape shape,
                               ag_distribution dist, int param) {
  AG_TRY(ag_expr_random(out, d, type, shape, dist, 0));
  (*out)->param = param;
  (*out)->traced = 1;
  return AG_OK;
}

/* -- types --------------------------------------------------------------------------------- */
static ag_dtype default_real(const ag_device *d) { return d && !d->has_f64 ? AG_F32 : AG_F64; }

ag_dtype ag_expr_common_real(int n, ag_array *const *arg) {
  int f64 = 0, f32 = 0, weak64 = 0, weak32 = 0;
  int64_t most = 0;
  ag_device *d = NULL;
  for (int i = 0; i < n; i++)
    if (ag_array_count(arg[i]) > most) most = ag_array_count(arg[i]);
  for (int i = 0; i < n; i++) {
    int weak = arg[i]->kind == AG_SCALAR || (ag_array_count(arg[i]) == 1 && most > 1);
    if (arg[i]->type == AG_F64) weak ? weak64++ : f64++;
    if (arg[i]->type == AG_F32) weak ? weak32++ : f32++;
    if (arg[i]->dev) d = arg[i]->dev;
  }
  if (f64) return AG_F64;
  if (f32) return AG_F32;
  if (weak32 && !weak64) return AG_F32;
  return default_real(d);
}

ag_status ag_expr_cast(ag_array **out, ag_array *x, ag_dtype type) {
  if (x->type == type) {
    *out = ag_array_retain(x);
    return AG_OK;
  }
  if (type == AG_F64 && x->dev && !x->dev->has_f64)
    return ag_fail(AG_E_TYPE, "%s has no float64: use type = \"float32\"", x->dev->id);
  if ((type == AG_B16 && x->type != AG_F32) || (x->type == AG_B16 && type != AG_F32)) {
    ag_array *single; /* there is no shorter way */
    AG_TRY(ag_expr_cast(&single, x, AG_F32));
    ag_status status = ag_expr_cast(out, single, type);
    ag_array_release(single);
    return status;
  }
  if (x->kind == AG_SCALAR && x->param < 0 && type != AG_B16)
    return ag_expr_scalar(out, x->u.value, type);
  if (x->kind == AG_RESHAPE) { /* the shape stays outside: see reshaped() below */
    ag_array *cast;
    AG_TRY(ag_expr_cast(&cast, x->arg[0], type));
    ag_status status = ag_expr_reshape(out, cast, x->shape);
    ag_array_release(cast);
    return status;
  }
  return ag_expr_node(out, AG_CAST, type, x->shape, 1, &x);
}

/* -- elementwise --------------------------------------------------------------------------- */
static ag_status mismatch(ag_op op, const ag_shape *a, const ag_shape *b) {
  char at[200], bt[200];
  const ag_op_info *info = ag_op_get(op);
  return ag_fail(AG_E_SHAPE, "`%s`: x is %s, y is %s", *info->r ? info->r : info->name,
                 ag_shape_print(a, at, sizeof at), ag_shape_print(b, bt, sizeof bt));
}

/* R's rule: arrays must agree; a vector recycles along the array's elements. */
static ag_status common_shape(ag_op op, int n, ag_array *const *arg, ag_shape *shape) {
  *shape = arg[0]->shape;
  for (int i = 1; i < n; i++) {
    const ag_shape *s = &arg[i]->shape;
    int64_t have = ag_shape_count(shape), count = ag_shape_count(s);
    if (s->nd > 1 && shape->nd > 1 && !ag_shape_equal(s, shape)) return mismatch(op, shape, s);
    int longer =
        (s->nd > 1 && have > count) || (shape->nd > 1 && count > have); /* a vector than an array */
    if (longer && have != 1 && count != 1) return mismatch(op, shape, s);
    if (have == 0 || count == 0) {
      if (count == 0) *shape = *s;
    } else if (count > have || (count == have && s->nd > shape->nd)) {
      *shape = *s;
    }
  }
  return AG_OK;
}

static ag_dtype argument_type(ag_op_group group, int n, ag_array *const *arg) {
  switch (ag_op_takes(group)) {
  case AG_OF_LOGICAL: return AG_BOOL;
  case AG_OF_INT: return AG_I32;
  default: return ag_expr_common_real(n, arg);
  }
}

/* Casts and recycles argument i to what the operation works on. */
static ag_status conform(ag_array **out, ag_array *x, ag_dtype type, ag_shape shape) {
  ag_array *cast;
  AG_TRY(ag_expr_cast(&cast, x, type));
  ag_status status = AG_OK;
  if (cast->kind == AG_SCALAR) *out = ag_array_retain(cast);
  else status = ag_expr_recycle(out, cast, shape);
  ag_array_release(cast);
  return status;
}

static int used_args(ag_op op, ag_array *const *arg, ag_array **used) {
  const ag_op_info *info = ag_op_get(op);
  int n = 0;
  for (int i = 0; i < info->arity; i++)
    if (info->uses[i] && arg[i]) used[n++] = arg[i];
  return n;
}

/* If all arguments that are no scalars are reshaped from one shape, the operation can run there and
 * its result be reshaped: then it is fused with broadcasting views below, which cannot be followed
 * through a reshape. Replaces the arguments by those; *shape becomes theirs. */
static void reshaped(ag_array **arg, ag_shape *shape) {
  const ag_shape *inner = NULL;
  for (int i = 0; i < 3; i++) {
    if (!arg[i] || arg[i]->kind == AG_SCALAR) continue;
    if (arg[i]->kind != AG_RESHAPE) return;
    if (inner && !ag_shape_equal(inner, &arg[i]->arg[0]->shape)) return;
    inner = &arg[i]->arg[0]->shape;
  }
  if (!inner) return;
  *shape = *inner;
  for (int i = 0; i < 3; i++) {
    if (!arg[i] || arg[i]->kind == AG_SCALAR) continue;
    ag_array *below = ag_array_retain(arg[i]->arg[0]);
    ag_array_release(arg[i]);
    arg[i] = below;
  }
}

ag_status ag_expr_apply(ag_array **out, ag_op op, ag_array *const *arg) {
  const ag_op_info *info = ag_op_get(op);
  ag_array *used[3], *ready[3] = {NULL, NULL, NULL};
  int n = used_args(op, arg, used);
  ag_shape shape = ag_shape_of(1, (int64_t)1);
  ag_dtype type = AG_F64;
  if (n) {
    AG_TRY(same_device(n, used));
    AG_TRY(common_shape(op, n, used, &shape));
    type = argument_type(info->group, n, used);
  }
  ag_status status = AG_OK;
  for (int i = 0; i < info->arity && status == AG_OK; i++)
    if (info->uses[i] && arg[i]) status = conform(&ready[i], arg[i], type, shape);
  ag_shape space = shape;
  ag_array *y = NULL;
  if (status == AG_OK) reshaped(ready, &space);
  if (status == AG_OK)
    status = ag_expr_node(&y, AG_ELEMENTWISE, ag_op_gives_logical(info->group) ? AG_BOOL : type,
                          space, info->arity, ready);
  if (status == AG_OK) y->op = (int)op;
  if (status == AG_OK) status = ag_expr_reshape(out, y, shape);
  ag_array_release(y);
  for (int i = 0; i < 3; i++) ag_array_release(ready[i]);
  return status;
}

ag_status ag_expr_unary(ag_array **out, ag_op op, ag_array *a) {
  ag_array *arg[3] = {a, NULL, NULL};
  return ag_expr_apply(out, op, arg);
}

ag_status ag_expr_binary(ag_array **out, ag_op op, ag_array *a, ag_array *b) {
  ag_array *arg[3] = {a, b, NULL};
  return ag_expr_apply(out, op, arg);
}

/* -- views --------------------------------------------------------------------------------- */
static int is_identity(const ag_array *x, const ag_shape *shape, const ag_axes *axes) {
  if (!ag_shape_equal(&x->shape, shape)) return 0;
  for (int q = 0; q < axes->nd; q++)
    if (axes->axis[q] != q || axes->off[q] || axes->step[q] != 1) return 0;
  return 1;
}

/* Whether the view has x's elements in their order, in a shape with other extents of 1. */
static int keeps_order(const ag_array *x, const ag_shape *shape, const ag_axes *axes) {
  if (ag_array_count(x) != ag_shape_count(shape)) return 0;
  for (int q = 0, last = -1; q < axes->nd; q++) {
    if (axes->off[q]) return 0;
    if (x->shape.dim[q] == 1) continue;
    if (axes->axis[q] <= last || axes->step[q] != 1) return 0;
    last = axes->axis[q];
    if (shape->dim[last] != x->shape.dim[q]) return 0;
  }
  return 1;
}

ag_status ag_expr_view(ag_array **out, ag_array *x, ag_shape shape, const ag_axes *axes) {
  if (is_identity(x, &shape, axes)) {
    *out = ag_array_retain(x);
    return AG_OK;
  }
  /* what is stored anyway takes another shape at no cost */
  if (x->kind == AG_REDUCE && keeps_order(x, &shape, axes)) return ag_expr_reshape(out, x, shape);
  AG_TRY(ag_expr_node(out, AG_VIEW, x->type, shape, 1, &x));
  (*out)->u.axes = *axes;
  return AG_OK;
}

ag_status ag_expr_transpose(ag_array **out, ag_array *x) {
  if (x->shape.nd > 2)
    return ag_fail(AG_E_SHAPE, "t(): a matrix is wanted, not %d dimensions", x->shape.nd);
  int64_t rows = x->shape.dim[0], cols = x->shape.nd == 2 ? x->shape.dim[1] : 1;
  ag_axes axes = {.nd = x->shape.nd, .axis = {1, 0}, .step = {1, 1}};
  return ag_expr_view(out, x, ag_shape_of(2, cols, rows), &axes);
}

ag_status ag_expr_slice(ag_array **out, ag_array *x, const int64_t *first, const int64_t *step,
                        const int64_t *extent) {
  ag_axes axes = {.nd = x->shape.nd};
  ag_shape shape = {.nd = x->shape.nd};
  for (int q = 0; q < x->shape.nd; q++) {
    int64_t last = first[q] + step[q] * (extent[q] - 1), n = x->shape.dim[q];
    if (extent[q] < 0 || (extent[q] && (first[q] < 0 || first[q] >= n || last < 0 || last >= n)))
      return ag_fail(AG_E_ARGUMENT, "subscript out of bounds");
    axes.axis[q] = q, axes.off[q] = first[q], axes.step[q] = step[q];
    shape.dim[q] = extent[q];
  }
  return ag_expr_view(out, x, shape, &axes);
}

ag_status ag_expr_broadcast(ag_array **out, ag_array *x, ag_shape shape) {
  ag_axes axes = {.nd = x->shape.nd};
  for (int q = 0; q < x->shape.nd; q++) {
    int stretch = x->shape.dim[q] == 1;
    if (q >= shape.nd ? !stretch : !stretch && x->shape.dim[q] != shape.dim[q]) {
      char from[200], to[200];
      return ag_fail(AG_E_SHAPE, "%s does not broadcast to %s",
                     ag_shape_print(&x->shape, from, sizeof from),
                     ag_shape_print(&shape, to, sizeof to));
    }
    axes.axis[q] = stretch ? -1 : q;
    axes.step[q] = !stretch;
  }
  return ag_expr_view(out, x, shape, &axes);
}

ag_status ag_expr_reshape(ag_array **out, ag_array *x, ag_shape shape) {
  char from[200], to[200];
  if (ag_shape_equal(&x->shape, &shape)) {
    *out = ag_array_retain(x);
    return AG_OK;
  }
  if (ag_array_count(x) != ag_shape_count(&shape))
    return ag_fail(AG_E_SHAPE, "dim: %s has not as many elements as %s",
                   ag_shape_print(&x->shape, from, sizeof from),
                   ag_shape_print(&shape, to, sizeof to));
  if (x->kind == AG_RESHAPE) return ag_expr_reshape(out, x->arg[0], shape);
  if (x->kind == AG_BUFFER && x->buf)
    return ag_array_from_buffer(out, x->buf, x->offset, x->type, shape);
  return ag_expr_node(out, AG_RESHAPE, x->type, shape, 1, &x);
}

ag_status ag_expr_recycle(ag_array **out, ag_array *x, ag_shape shape) {
  int64_t n = ag_array_count(x), count = ag_shape_count(&shape);
  if (n == count) return ag_expr_reshape(out, x, shape);
  if (n == 0) return ag_fail(AG_E_SHAPE, "an array without elements cannot be recycled");
  if (n == 1 || (x->shape.nd == 1 && n == shape.dim[0])) {
    ag_axes axes = {.nd = x->shape.nd};
    for (int q = 0; q < x->shape.nd; q++) axes.axis[q] = n == 1 ? -1 : 0, axes.step[q] = n != 1;
    return ag_expr_view(out, x, shape, &axes);
  }
  return ag_expr_node(out, AG_RECYCLE, x->type, shape, 1, &x);
}

/* -- reductions ---------------------------------------------------------------------------- */
static int is_real(ag_dtype type) { return type == AG_F64 || type == AG_F32; }

static ag_dtype reduced_type(ag_reduction r, const ag_array *x, ag_dtype type) {
  if (r == AG_ANY || r == AG_ALL) return AG_BOOL;
  if (r == AG_WHICH_MAX || r == AG_WHICH_MIN) return AG_I32;
  return is_real(x->type) ? x->type : type;
}

static ag_status check_axes(const ag_array *x, int first, int last) {
  if (first >= 0 && last <= x->shape.nd && first < last) return AG_OK;
  return ag_fail(AG_E_ARGUMENT, "dimensions %d to %d of %d cannot be reduced", first + 1, last,
                 x->shape.nd);
}

ag_status ag_expr_reduce(ag_array **out, ag_array *x, ag_reduction r, int first, int last,
                         int keep) {
  return ag_expr_reduce_as(out, x, r, first, last, keep, 0, default_real(x->dev));
}

/* The mean of what is not missing: their sum by their number. */
static ag_status mean_of_present(ag_array **out, ag_array *x, int first, int last, int keep,
                                 ag_dtype type) {
  ag_array *sum = NULL, *mask = NULL, *absent = NULL, *present = NULL, *count = NULL;
  ag_status s = ag_expr_reduce_as(&sum, x, AG_SUM, first, last, keep, 1, type);
  if (s == AG_OK) s = ag_expr_cast(&mask, x, AG_BOOL);
  if (s == AG_OK) s = ag_expr_unary(&absent, AG_OP_is_na, mask);
  if (s == AG_OK) s = ag_expr_unary(&present, AG_OP_not, absent);
  if (s == AG_OK) s = ag_expr_reduce_as(&count, present, AG_SUM, first, last, keep, 0, sum->type);
  if (s == AG_OK) s = ag_expr_binary(out, AG_OP_div, sum, count);
  ag_array *owned[] = {sum, mask, absent, present, count};
  for (int i = 0; i < 5; i++) ag_array_release(owned[i]);
  return s;
}

ag_status ag_expr_reduce_as(ag_array **out, ag_array *x, ag_reduction r, int first, int last,
                            int keep, int skip, ag_dtype type) {
  AG_TRY(check_axes(x, first, last));
  type = reduced_type(r, x, type);
  if (type == AG_F64 && x->dev && !x->dev->has_f64)
    return ag_fail(AG_E_TYPE, "%s has no float64: use type = \"float32\"", x->dev->id);
  if (r == AG_MEAN && skip) return mean_of_present(out, x, first, last, keep, type);
  ag_shape shape = {0};
  for (int q = 0; q < x->shape.nd; q++) {
    int gone = q >= first && q < last;
    if (!gone || keep) shape.dim[shape.nd++] = gone ? 1 : x->shape.dim[q];
  }
  if (!shape.nd) shape = ag_shape_of(1, (int64_t)1);
  ag_array *cast;
  AG_TRY(ag_expr_cast(&cast, x, type == AG_BOOL ? AG_BOOL : x->type));
  ag_status status = ag_expr_node(out, AG_REDUCE, type, shape, 1, &cast);
  ag_array_release(cast);
  AG_TRY(status);
  (*out)->op = (int)r;
  (*out)->u.axis.first = first, (*out)->u.axis.last = last, (*out)->u.axis.skip = skip;
  return AG_OK;
}

ag_status ag_expr_scan(ag_array **out, ag_array *x, ag_reduction r, int first, int last) {
  ag_array *cast;
  AG_TRY(check_axes(x, first, last));
  ag_dtype type = is_real(x->type) ? x->type : r == AG_PROD ? default_real(x->dev) : AG_I32;
  AG_TRY(ag_expr_cast(&cast, x, type));
  ag_status status = ag_expr_node(out, AG_SCAN, type, x->shape, 1, &cast);
  ag_array_release(cast);
  AG_TRY(status);
  (*out)->op = (int)r;
  (*out)->u.axis.first = first, (*out)->u.axis.last = last;
  return AG_OK;
}

/* -- the rest ------------------------------------------------------------------------------ */
static ag_status no_product(const ag_array *a, const ag_array *b, int ta, int tb) {
  char at[200], bt[200];
  const char *title = a->shape.nd > 2 || b->shape.nd > 2 ? "gpu_matmul"
                      : ta                               ? "`crossprod`"
                      : tb                               ? "`tcrossprod`"
                                                         : "`%*%`";
  return ag_fail(AG_E_SHAPE, "%s: x is %s, y is %s", title,
                 ag_shape_print(&a->shape, at, sizeof at),
                 ag_shape_print(&b->shape, bt, sizeof bt));
}

static int64_t matrices_in(const ag_array *x) { return x->shape.nd == 3 ? x->shape.dim[2] : 1; }

/* The shape of the product; 0 if the operands do not fit. */
static int product_shape(ag_shape *shape, const ag_array *a, const ag_array *b, int ta, int tb) {
  const int64_t na = matrices_in(a), nb = matrices_in(b);
  if (a->shape.nd < 2 || a->shape.nd > 3 || b->shape.nd < 2 || b->shape.nd > 3) return 0;
  if (a->shape.dim[!ta] != b->shape.dim[!!tb] || (na != nb && na != 1 && nb != 1)) return 0;
  *shape = ag_shape_of(2, a->shape.dim[!!ta], b->shape.dim[!tb]);
  if (a->shape.nd == 3 || b->shape.nd == 3) shape->nd = 3, shape->dim[2] = na == 1 ? nb : na;
  return 1;
}

ag_precision ag_matmul_precision = AG_EXACT;

ag_status ag_expr_matmul(ag_array **out, ag_array *a, ag_array *b, int ta, int tb) {
  ag_shape shape;
  if (!product_shape(&shape, a, b, ta, tb)) return no_product(a, b, ta, tb);
  ag_array *arg[2] = {a, b}, *cast[2] = {NULL, NULL};
  AG_TRY(same_device(2, arg));
  ag_dtype type = ag_expr_common_real(2, arg);
  ag_status status = ag_expr_operand(&cast[0], a, type);
  if (status == AG_OK) status = ag_expr_operand(&cast[1], b, type);
  if (status == AG_OK) status = ag_expr_node(out, AG_MATMUL, type, shape, 2, cast);
  if (status == AG_OK) {
    (*out)->u.trans.ta = ta, (*out)->u.trans.tb = tb;
    (*out)->u.trans.precision = type == AG_F32 ? ag_matmul_precision : AG_EXACT;
  }
  ag_array_release(cast[0]);
  ag_array_release(cast[1]);
  return status;
}

ag_status ag_expr_gather(ag_array **out, ag_array *x, ag_array *index) {
  if (x->shape.nd != 2 || index->shape.nd != 1 || index->type != AG_I32)
    return ag_fail(AG_E_ARGUMENT, "gather takes a matrix and a vector of int32 indices");
  ag_array *arg[2] = {x, index};
  ag_shape shape = ag_shape_of(2, x->shape.dim[0], index->shape.dim[0]);
  return ag_expr_node(out, AG_GATHER, x->type, shape, 2, arg);
}

ag_status ag_expr_embed(ag_array **out, ag_array *x, ag_shape shape, const ag_axes *axes) {
  AG_TRY(ag_expr_node(out, AG_EMBED, x->type, shape, 1, &x));
  (*out)->u.axes = *axes;
  return AG_OK;
}

ag_status ag_expr_concat(ag_array **out, int n, ag_array *const *x) {
  int64_t count = 0;
  for (int i = 0; i < n; i++) {
    if (x[i]->type != x[0]->type) return ag_fail(AG_E_TYPE, "concat takes arrays of one type");
    count += ag_array_count(x[i]);
  }
  if (!n) return ag_fail(AG_E_ARGUMENT, "concat takes at least one array");
  return ag_expr_node(out, AG_CONCAT, x[0]->type, ag_shape_of(1, count), n, x);
}

ag_status ag_expr_bind(ag_array **out, int n, ag_array *const *x, int along) {
  if (!n) return ag_fail(AG_E_ARGUMENT, "bind takes at least one array");
  ag_shape shape = x[0]->shape;
  if (along < 0 || along >= shape.nd)
    return ag_fail(AG_E_ARGUMENT, "dimension %d of %d cannot be bound along", along + 1, shape.nd);
  shape.dim[along] = 0;
  for (int i = 0; i < n; i++) {
    ag_shape other = x[i]->shape;
    if (x[i]->type != x[0]->type) return ag_fail(AG_E_TYPE, "bind takes arrays of one type");
    other.dim[along] = shape.dim[along];
    if (!ag_shape_equal(&other, &shape))
      return ag_fail(AG_E_SHAPE, "the arrays differ in a dimension that is not bound along");
    shape.dim[along] += x[i]->shape.dim[along];
  }
  AG_TRY(ag_expr_node(out, AG_CONCAT, x[0]->type, shape, n, x));
  (*out)->u.along = along;
  return AG_OK;
}
