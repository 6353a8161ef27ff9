/* What the way back of a gradient knows of the values on the way there: the values themselves, or
 * what is kept of them in bfloat16, which takes half the memory until then. */
#ifndef AG_GRAD_KEEP_H
#define AG_GRAD_KEEP_H

#include "array.h"

typedef struct {
  ag_array *narrow; /* the node in bfloat16, if there is one: borrowed */
  ag_array *known;  /* what is known of it, once that was asked for: owned */
  int exact;        /* kept as it is: parameters, statistics and what is computed of these alone */
} ag_kept;

/* Of the nodes of a tape, by their marks; all that come later are known as they are. */
typedef struct {
  int on; /* else everything is known as it is */
  ag_kept *node;
  int n, cap;
  ag_array **made; /* views of what is known: owned */
  int nmade, made_cap;
} ag_keep;

/* The next node of the tape. */
AG_CHECKED ag_status ag_keep_add(ag_keep *k, ag_array *x);
/* `x`, on the tape, is known as it is. */
void ag_keep_exact(ag_keep *k, ag_array *x);
/* What is known of x, or of what x is a view of, which is on the tape or not: borrowed. */
AG_CHECKED ag_status ag_keep_value(ag_keep *k, ag_array **value, ag_array *x);
void ag_keep_drop(ag_keep *k);

#endif
