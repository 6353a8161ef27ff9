#include "grad_keep.h"
#include "expr.h"
#include <stdlib.h>

static ag_status no_memory(void) { return ag_fail(AG_E_MEMORY, "out of memory"); }

/* -- what is exact --------------------------------------------------------------------------- */
static int is_leaf(const ag_array *x) {
  return x->kind == AG_BUFFER || x->kind == AG_SCALAR || x->kind == AG_IOTA;
}

/* A view that repeats elements is as large as what it is used with. */
static int is_exact(const ag_keep *k, const ag_array *x) {
  for (; ag_is_viewlike(x); x = x->arg[0])
    if (ag_array_count(x) > ag_array_count(x->arg[0])) return 0;
  return is_leaf(x) || (x->mark >= 0 && x->mark < k->n && k->node[x->mark].exact);
}

static int made_of_exact(const ag_keep *k, const ag_array *x) {
  if (is_leaf(x) || x->kind == AG_REDUCE) return 1;
  if (x->kind != AG_ELEMENTWISE && x->kind != AG_CAST) return 0;
  for (int i = 0; i < x->nargs; i++)
    if (x->arg[i] && !is_exact(k, x->arg[i])) return 0;
  return 1;
}

ag_status ag_keep_add(ag_keep *k, ag_array *x) {
  if (k->n == k->cap) {
    int cap = k->cap ? 2 * k->cap : 64;
    ag_kept *node = realloc(k->node, (size_t)cap * sizeof *node);
    if (!node) return no_memory();
    k->node = node, k->cap = cap;
  }
  k->node[k->n] = (ag_kept){.exact = made_of_exact(k, x)};
  if (x->type == AG_B16 && x->kind == AG_CAST && x->arg[0]->mark >= 0)
    k->node[x->arg[0]->mark].narrow = x;
  k->n++;
  return AG_OK;
}

void ag_keep_exact(ag_keep *k, ag_array *x) {
  while (ag_is_viewlike(x)) x = x->arg[0];
  if (x->mark >= 0 && x->mark < k->n) k->node[x->mark].exact = 1;
}

/* -- what is known --------------------------------------------------------------------------- */
/* Takes over x. */
static ag_status own(ag_keep *k, ag_array *x) {
  if (k->nmade == k->made_cap) {
    int cap = k->made_cap ? 2 * k->made_cap : 64;
    ag_array **made = realloc(k->made, (size_t)cap * sizeof *made);
    if (!made) {
      ag_array_release(x);
      return no_memory();
    }
    k->made = made, k->made_cap = cap;
  }
  k->made[k->nmade++] = x;
  return AG_OK;
}

static ag_status known_view(ag_keep *k, ag_array **value, ag_array *x) {
  ag_array *below;
  AG_TRY(ag_keep_value(k, &below, x->arg[0]));
  *value = x;
  if (below == x->arg[0]) return AG_OK;
  AG_TRY(ag_expr_view_like(value, x, below));
  return own(k, *value);
}

/* 0 and 1, of dropout: bfloat16 holds them. Such a mask depends on no parameter. */
static int is_mask(const ag_array *x) {
  return x->kind == AG_CAST && x->type == AG_F32 && x->arg[0]->type == AG_BOOL;
}

static ag_status known_mask(ag_keep *k, ag_array **value, ag_array *x) {
  AG_TRY(ag_expr_keep(value, x));
  return own(k, *value);
}

ag_status ag_keep_value(ag_keep *k, ag_array **value, ag_array *x) {
  *value = x;
  if (!k->on || x->type != AG_F32 || is_leaf(x)) return AG_OK;
  if (ag_is_viewlike(x)) return known_view(k, value, x);
  if (x->mark < 0 && is_mask(x)) return known_mask(k, value, x);
  if (x->mark < 0 || x->mark >= k->n || k->node[x->mark].exact) return AG_OK;
  ag_kept *node = &k->node[x->mark];
  if (!node->known && node->narrow) AG_TRY(ag_expr_cast(&node->known, node->narrow, AG_F32));
  if (!node->known) AG_TRY(ag_expr_keep(&node->known, x));
  *value = node->known;
  return AG_OK;
}

void ag_keep_drop(ag_keep *k) {
  for (int i = 0; i < k->n; i++) ag_array_release(k->node[i].known);
  for (int i = 0; i < k->nmade; i++) ag_array_release(k->made[i]);
  free(k->node);
  free(k->made);
}
