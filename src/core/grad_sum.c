#include "grad_sum.h"
#include "expr.h"
#include <stdlib.h>

struct ag_term {
  ag_term *next;   /* the term that came before */
  ag_array *g, *b; /* owned; b: of products */
  ag_axes axes;
  ag_precision precision;
};

static ag_status no_memory(void) { return ag_fail(AG_E_MEMORY, "out of memory"); }

/* -- terms ----------------------------------------------------------------------------------- */
ag_status ag_grad_add(ag_grad_sum *s, ag_array *g) {
  if (!s->total) {
    s->total = g;
    return AG_OK;
  }
  ag_array *sum = NULL;
  ag_status status = ag_expr_binary(&sum, AG_OP_add, s->total, g);
  ag_array_release(g);
  AG_TRY(status);
  ag_array_release(s->total);
  s->total = sum;
  return AG_OK;
}

static ag_status add_term(ag_grad_sum *s, ag_term_kind kind, ag_term term) {
  ag_term *t = malloc(sizeof *t);
  if (!t) {
    ag_array_release(term.g);
    return no_memory();
  }
  *t = term;
  if (t->b) (void)ag_array_retain(t->b);
  t->next = s->term[kind];
  s->term[kind] = t;
  return AG_OK;
}

ag_status ag_grad_add_slice(ag_grad_sum *s, ag_array *g, const ag_axes *axes) {
  return add_term(s, AG_TERM_SLICE, (ag_term){.g = g, .axes = *axes});
}

ag_status ag_grad_add_product(ag_grad_sum *s, ag_array *g, ag_array *b, ag_precision precision) {
  return add_term(s, AG_TERM_PRODUCT, (ag_term){.g = g, .b = b, .precision = precision});
}

ag_status ag_grad_add_rows(ag_grad_sum *s, ag_array *g) {
  return add_term(s, AG_TERM_ROWS, (ag_term){.g = g});
}

static void drop_terms(ag_term **first) {
  for (ag_term *t = *first, *next; t; t = next) {
    next = t->next;
    ag_array_release(t->g);
    ag_array_release(t->b);
    free(t);
  }
  *first = NULL;
}

void ag_grad_drop(ag_grad_sum *s) {
  for (int kind = 0; kind < AG_TERM_KINDS; kind++) drop_terms(&s->term[kind]);
  ag_array_release(s->total);
  s->total = NULL;
}

/* The terms as a list, in the order in which they came; NULL if there is no memory. */
static ag_term **list_terms(ag_term *first, int *n) {
  *n = 0;
  for (ag_term *t = first; t; t = t->next) ++*n;
  ag_term **list = malloc(((size_t)*n + 1) * sizeof *list);
  int i = *n;
  for (ag_term *t = first; t && list; t = t->next) list[--i] = t;
  return list;
}

/* -- joining --------------------------------------------------------------------------------- */
ag_status ag_joins_add(ag_joins *joins, ag_array *concat) {
  if (joins->n == joins->cap) {
    int cap = joins->cap ? 2 * joins->cap : 16;
    ag_array **array = realloc(joins->array, (size_t)cap * sizeof *array);
    if (!array) return no_memory();
    joins->array = array, joins->cap = cap;
  }
  joins->array[joins->n++] = ag_array_retain(concat);
  return AG_OK;
}

void ag_joins_drop(ag_joins *joins) {
  for (int i = 0; i < joins->n; i++) ag_array_release(joins->array[i]);
  free(joins->array);
}

static const ag_array *below_reshape(const ag_array *x) {
  return x->kind == AG_RESHAPE ? x->arg[0] : x;
}

/* Where the parts stand in `whole`, one after the other (step 1) or in reverse (-1); -1 if they do
 * not. */
static int find_run(const ag_array *whole, int n, ag_array *const *part, int step) {
  for (int at = 0; at < whole->nargs; at++) {
    int k = 0, last = at + step * (n - 1);
    if (last < 0 || last >= whole->nargs) continue;
    while (k < n && below_reshape(whole->arg[at + step * k]) == below_reshape(part[k])) k++;
    if (k == n) return step > 0 ? at : last;
  }
  return -1;
}

/* Elements from args first, ..., of a CONCAT, as an array of `shape`. */
static ag_status piece(ag_array **out, ag_array *whole, int first, ag_shape shape) {
  int64_t from = 0, step = 1, n = ag_shape_count(&shape);
  ag_array *flat, *run;
  for (int i = 0; i < first; i++) from += ag_array_count(whole->arg[i]);
  AG_TRY(ag_expr_reshape(&flat, whole, ag_shape_of(1, ag_array_count(whole))));
  ag_status status = ag_expr_slice(&run, flat, &from, &step, &n);
  ag_array_release(flat);
  AG_TRY(status);
  status = ag_expr_reshape(out, run, shape);
  ag_array_release(run);
  return status;
}

/* The parts side by side along their last dimension; *reversed (unless NULL): whether in the
 * opposite order. */
static ag_status join(ag_array **out, ag_joins *joins, int n, ag_array *const *part,
                      int *reversed) {
  ag_shape shape = part[0]->shape;
  const int along = shape.nd - 1;
  for (int i = 1; i < n; i++) shape.dim[along] += part[i]->shape.dim[along];
  if (reversed) *reversed = 0;
  for (int i = 0; i < joins->n; i++)
    for (int step = 1; step >= (reversed ? -1 : 1); step -= 2) {
      int at = find_run(joins->array[i], n, part, step);
      if (at < 0) continue;
      if (reversed) *reversed = step < 0;
      return piece(out, joins->array[i], at, shape);
    }
  AG_TRY(ag_expr_bind(out, n, part, along));
  return ag_joins_add(joins, *out);
}

/* Parts that are kept in bfloat16 are joined there, and read from there. */
static ag_status join_kept(ag_array **out, ag_joins *joins, int n, ag_array *const *part) {
  int kept = 0;
  while (kept < n && ag_is_widened(part[kept])) kept++;
  if (kept < n) return join(out, joins, n, part, NULL);
  ag_array **narrow = malloc((size_t)n * sizeof *narrow), *all;
  if (!narrow) return no_memory();
  for (int i = 0; i < n; i++) narrow[i] = part[i]->arg[0];
  ag_status status = join(&all, joins, n, narrow, NULL);
  free(narrow);
  AG_TRY(status);
  status = ag_expr_cast(out, all, AG_F32);
  ag_array_release(all);
  return status;
}

/* -- slices ---------------------------------------------------------------------------------- */
/* If the view reaches every element of its source once, the way back is a view too. */
static int inverse_view(const ag_axes *v, const ag_shape *source, const ag_shape *g,
                        ag_axes *back) {
  *back = (ag_axes){.nd = g->nd};
  for (int d = 0; d < g->nd; d++) back->axis[d] = -1;
  for (int q = 0; q < v->nd; q++) {
    int d = v->axis[q];
    if (d < 0 ? source->dim[q] != 1
              : g->dim[d] != source->dim[q] || (v->step[q] != 1 && v->step[q] != -1))
      return 0;
    if (d < 0) continue;
    if (back->axis[d] >= 0) return 0; /* a diagonal */
    back->axis[d] = q;
    back->step[d] = v->step[q];
    back->off[d] = -v->step[q] * v->off[q];
  }
  return 1;
}

/* Adds the term alone. */
static ag_status add_apart(ag_grad_sum *s, const ag_term *t, ag_shape source) {
  ag_axes back;
  ag_array *whole;
  if (inverse_view(&t->axes, &source, &t->g->shape, &back))
    AG_TRY(ag_expr_view(&whole, t->g, source, &back));
  else AG_TRY(ag_expr_embed(&whole, t->g, source, &t->axes));
  return ag_grad_add(s, whole);
}

/* The one dimension in which the term is a range, all of the others being whole; -1 if it is not
 * such a slice. */
static int sliced_dim(const ag_term *t, const ag_shape *source) {
  int d = -1;
  if (t->g->shape.nd != source->nd) return -1;
  for (int q = 0; q < source->nd; q++) {
    if (t->axes.axis[q] != q || t->axes.step[q] != 1) return -1;
    if (t->g->shape.dim[q] == source->dim[q]) continue;
    if (d >= 0) return -1;
    d = q;
  }
  return d;
}

static int sorted_dim; /* qsort has no context argument */
static int64_t start_of(const ag_term *t) { return t->axes.off[sorted_dim]; }
static int by_start(const void *p, const void *q) {
  int64_t a = start_of(*(ag_term *const *)p), b = start_of(*(ag_term *const *)q);
  return (a > b) - (a < b);
}

/* Whether they are slices along one dimension that do not overlap; sorts them. */
static int are_apart(int n, ag_term **list, const ag_shape *source) {
  sorted_dim = sliced_dim(list[0], source);
  for (int i = 0; i < n; i++)
    if (sorted_dim < 0 || sliced_dim(list[i], source) != sorted_dim) return 0;
  qsort(list, (size_t)n, sizeof *list, by_start);
  for (int i = 1; i < n; i++)
    if (start_of(list[i - 1]) + list[i - 1]->g->shape.dim[sorted_dim] > start_of(list[i])) return 0;
  return 1;
}

static ag_status zeros(ag_array **out, const ag_term *like, ag_shape shape, int64_t extent) {
  ag_array *zero;
  shape.dim[sorted_dim] = extent;
  AG_TRY(ag_expr_scalar(&zero, 0, like->g->type));
  ag_status status = ag_expr_recycle(out, zero, shape);
  ag_array_release(zero);
  if (status == AG_OK && !(*out)->dev) (*out)->dev = like->g->dev;
  return status;
}

/* The sorted slices with zeros in the gaps between them; `part` has room for them. */
static ag_status fill_gaps(ag_array **part, int *nparts, int n, ag_term *const *list,
                           ag_shape source) {
  int64_t at = 0;
  for (int i = 0; i <= n; i++) {
    int64_t next = i < n ? start_of(list[i]) : source.dim[sorted_dim];
    if (next > at) {
      AG_TRY(zeros(&part[*nparts], list[0], source, next - at));
      ++*nparts;
    }
    if (i == n) break;
    part[(*nparts)++] = ag_array_retain(list[i]->g);
    at = next + list[i]->g->shape.dim[sorted_dim];
  }
  return AG_OK;
}

static ag_status lay_side_by_side(ag_array **out, ag_joins *joins, int n, ag_term *const *list,
                                  ag_shape source) {
  ag_array **part = calloc(2 * (size_t)n + 1, sizeof *part);
  if (!part) return no_memory();
  int nparts = 0;
  ag_status status = fill_gaps(part, &nparts, n, list, source);
  if (status == AG_OK && sorted_dim == source.nd - 1) status = join(out, joins, nparts, part, NULL);
  else if (status == AG_OK) status = ag_expr_bind(out, nparts, part, sorted_dim);
  for (int i = 0; i < nparts; i++) ag_array_release(part[i]);
  free(part);
  return status;
}

static ag_status add_slices(ag_grad_sum *s, int n, ag_term **list, ag_shape source,
                            ag_joins *joins) {
  ag_array *whole;
  if (n > 1 && are_apart(n, list, &source)) {
    AG_TRY(lay_side_by_side(&whole, joins, n, list, source));
    return ag_grad_add(s, whole);
  }
  for (int i = 0; i < n; i++) AG_TRY(add_apart(s, list[i], source));
  return AG_OK;
}

/* -- sums over time -------------------------------------------------------------------------- */
static ag_status product(ag_grad_sum *s, ag_array *g, ag_array *b, ag_precision precision) {
  ag_array *out;
  ag_matmul_precision = precision;
  ag_status status = ag_expr_matmul(&out, g, b, 0, 1);
  ag_matmul_precision = AG_EXACT;
  return status == AG_OK ? ag_grad_add(s, out) : status;
}

static void reverse(int n, ag_array **x) {
  for (int i = 0; i < n / 2; i++) {
    ag_array *swap = x[i];
    x[i] = x[n - 1 - i], x[n - 1 - i] = swap;
  }
}

/* sum of g_t b_t' = [g_1 g_2 ...] [b_1 b_2 ...]' */
static ag_status joined_product(ag_grad_sum *s, int n, ag_array **g, ag_array **b,
                                ag_precision precision, ag_joins *joins) {
  ag_array *left = NULL, *right = NULL;
  int reversed;
  ag_status status = join(&left, joins, n, g, &reversed);
  if (reversed) reverse(n, b);
  if (status == AG_OK) status = join_kept(&right, joins, n, b);
  if (status == AG_OK) status = product(s, left, right, precision);
  ag_array_release(left);
  ag_array_release(right);
  return status;
}

static int are_alike(int n, ag_term *const *list) {
  for (int i = 1; i < n; i++)
    if (list[i]->precision != list[0]->precision || list[i]->g->type != list[0]->g->type ||
        (list[0]->b && list[i]->b->type != list[0]->b->type))
      return 0;
  return 1;
}

static ag_status add_products(ag_grad_sum *s, int n, ag_term *const *list, ag_joins *joins) {
  if (n > 1 && are_alike(n, list)) {
    ag_array **factor = malloc(2 * (size_t)n * sizeof *factor);
    if (!factor) return no_memory();
    for (int i = 0; i < n; i++) /* the last step first: its gradient came first */
      factor[i] = list[n - 1 - i]->g, factor[n + i] = list[n - 1 - i]->b;
    ag_status status = joined_product(s, n, factor, factor + n, list[0]->precision, joins);
    free(factor);
    return status;
  }
  for (int i = 0; i < n; i++) AG_TRY(product(s, list[i]->g, list[i]->b, list[i]->precision));
  return AG_OK;
}

/* Sums of rows, over the last dimension. */
static ag_status add_sums(ag_grad_sum *s, ag_array *g, ag_shape shape) {
  ag_array *sum, *out;
  const int last = g->shape.nd;
  AG_TRY(ag_expr_reduce(&sum, g, AG_SUM, last - 1, last, 1));
  ag_status status = ag_expr_reshape(&out, sum, shape);
  ag_array_release(sum);
  return status == AG_OK ? ag_grad_add(s, out) : status;
}

static ag_status add_rows(ag_grad_sum *s, int n, ag_term *const *list, ag_shape shape,
                          ag_joins *joins) {
  if (n > 1 && are_alike(n, list)) {
    ag_array **part = malloc((size_t)n * sizeof *part), *all = NULL;
    int reversed;
    if (!part) return no_memory();
    for (int i = 0; i < n; i++) part[i] = list[n - 1 - i]->g;
    ag_status status = join(&all, joins, n, part, &reversed);
    if (status == AG_OK) status = add_sums(s, all, shape);
    ag_array_release(all);
    free(part);
    return status;
  }
  for (int i = 0; i < n; i++) AG_TRY(add_sums(s, list[i]->g, shape));
  return AG_OK;
}

/* -- the sum --------------------------------------------------------------------------------- */
static ag_status add_kind(ag_grad_sum *s, ag_term_kind kind, ag_shape shape, ag_joins *joins) {
  int n;
  if (!s->term[kind]) return AG_OK;
  ag_term **list = list_terms(s->term[kind], &n);
  if (!list) return no_memory();
  ag_status status = kind == AG_TERM_SLICE     ? add_slices(s, n, list, shape, joins)
                     : kind == AG_TERM_PRODUCT ? add_products(s, n, list, joins)
                                               : add_rows(s, n, list, shape, joins);
  free(list);
  drop_terms(&s->term[kind]);
  return status;
}

ag_status ag_grad_total(ag_grad_sum *s, ag_shape shape, ag_joins *joins) {
  for (int kind = 0; kind < AG_TERM_KINDS; kind++)
    AG_TRY(add_kind(s, (ag_term_kind)kind, shape, joins));
  return AG_OK;
}
