#include "grad_tape.h"
#include "array_new.h"
#include "expr_new.h"
#include <stdlib.h>

enum { UNSEEN = -1, INDEPENDENT = -2 };

static void *grown(void *mem, int n, int *cap, size_t size) {
  if (n < *cap) return mem;
  int more = *cap ? 2 * *cap : 64;
  mem = realloc(mem, (size_t)more * size);
  if (mem) *cap = more;
  return mem;
}

static ag_status push(ag_tape *t, ag_array *x) {
  ag_tape_node *node = grown(t->node, t->n, &t->cap, sizeof *node);
  if (!node) return ag_fail(AG_E_MEMORY, "out of memory");
  t->node = node;
  x->mark = t->n;
  t->node[t->n++] = (ag_tape_node){.x = x};
  return t->keeps ? ag_keep_add(&t->keep, x) : AG_OK;
}

ag_status ag_tape_add(ag_tape *t, ag_array *x) { return x->mark == UNSEEN ? push(t, x) : AG_OK; }

static ag_status see(ag_tape *t, ag_array *x) {
  ag_array **seen = grown(t->seen, t->nseen, &t->seen_cap, sizeof *seen);
  if (!seen) return ag_fail(AG_E_MEMORY, "out of memory");
  t->seen = seen;
  t->seen[t->nseen++] = x;
  x->mark = INDEPENDENT;
  return AG_OK;
}

static int depends(const ag_array *x) {
  for (int i = 0; i < x->nargs; i++)
    if (ag_tape_has(x->arg[i])) return 1;
  return 0;
}

/* The arguments of x are visited. It joins the tape if one of them is there. */
static ag_status visit(ag_tape *t, ag_array *x) {
  AG_TRY(see(t, x));
  if (!depends(x)) return AG_OK;
  if (x->kind == AG_CONCAT && x->u.along == x->shape.nd - 1) AG_TRY(ag_joins_add(&t->joins, x));
  return push(t, x);
}

ag_status ag_tape_add_below(ag_tape *t, ag_array *y) {
  ag_walk walk = {0};
  ag_status status = ag_walk_begin(&walk, y);
  while (status == AG_OK && (y = ag_walk_next(&walk, &status))) status = visit(t, y);
  ag_walk_end(&walk);
  return status;
}

void ag_tape_drop(ag_tape *t) {
  for (int i = 0; i < t->n; i++) t->node[i].x->mark = UNSEEN;
  for (int i = 0; i < t->nseen; i++) t->seen[i]->mark = UNSEEN;
  for (int i = 0; i < t->n; i++) ag_grad_drop(&t->node[i].sum);
  ag_joins_drop(&t->joins);
  ag_keep_drop(&t->keep);
  free(t->node);
  free(t->seen);
}

ag_status ag_tape_known(ag_tape *t, ag_array **value, ag_array *x) {
  return ag_keep_value(&t->keep, value, x);
}

int ag_tape_has(const ag_array *x) { return x && x->mark >= 0; }

ag_grad_sum *ag_tape_sum(const ag_tape *t, const ag_array *x) { return &t->node[x->mark].sum; }

ag_status ag_tape_give(ag_tape *t, const ag_array *x, ag_status last, ag_array *g) {
  return last == AG_OK ? ag_grad_add(ag_tape_sum(t, x), g) : last;
}
