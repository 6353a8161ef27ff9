/* What a gradient's walk knows: the nodes that depend on the arguments, arguments before users, and
 * the sum of what each has been given so far. */
#ifndef AG_GRAD_TAPE_H
#define AG_GRAD_TAPE_H

#include "expr.h"
#include "grad_keep.h"
#include "grad_sum.h"

typedef struct {
  ag_array *x; /* borrowed */
  ag_grad_sum sum;
} ag_tape_node;

typedef struct {
  ag_tape_node *node;
  int n, cap;
  ag_array **seen; /* all that are marked, borrowed */
  int nseen, seen_cap;
  ag_joins joins;
  ag_keep keep;
  int keeps; /* what is added now may be kept in bfloat16 */
} ag_tape;

/* From the first ag_tape_add() to ag_tape_drop() the nodes' marks are in use: nothing may run. */
AG_CHECKED ag_status ag_tape_add(ag_tape *t, ag_array *x);
/* All below y that depend on what is there already. */
AG_CHECKED ag_status ag_tape_add_below(ag_tape *t, ag_array *y);
void ag_tape_drop(ag_tape *t);

/* What the way back knows of the value of x: borrowed. */
AG_CHECKED ag_status ag_tape_known(ag_tape *t, ag_array **value, ag_array *x);
/* Whether x is on the tape; NULL is not. */
int ag_tape_has(const ag_array *x);
ag_grad_sum *ag_tape_sum(const ag_tape *t, const ag_array *x);
/* Ends a chain of steps: if the `last` succeeded, adds its result g (taken over) to x's gradient.
 */
AG_CHECKED ag_status ag_tape_give(ag_tape *t, const ag_array *x, ag_status last, ag_array *g);

#endif
