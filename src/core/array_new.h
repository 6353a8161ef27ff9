/* Making, unmaking and visiting nodes: for array.c, expr.c and schedule.c. */
#ifndef AG_ARRAY_NEW_H
#define AG_ARRAY_NEW_H

#include "array.h"

/* A pending node with room for n arguments (NULL); one reference. */
AG_CHECKED ag_status ag_array_new(ag_array **out, ag_kind kind, ag_dtype type, ag_shape shape,
                                  int nargs);
/* Argument i of x becomes a (retained; NULL is fine): takes over its device, depth and tracing. */
void ag_array_set_arg(ag_array *x, int i, ag_array *a);
/* x becomes a leaf over `b` (retained) and lets go of its arguments. */
void ag_array_materialise(ag_array *x, ag_buffer *b, int64_t offset);

/* The nodes below x whose `mark` is -1, arguments before users; not recursive, as traced graphs are
 * deep. Each node that ag_walk_next() gives must be marked before the next call. */
typedef struct {
  ag_array **stack;
  int n, cap;
  int parts_last_first; /* the last argument of a CONCAT before the first */
} ag_walk;
AG_CHECKED ag_status ag_walk_begin(ag_walk *w, ag_array *x); /* *w is zero, or walked before */
ag_array *ag_walk_next(ag_walk *w, ag_status *status);       /* NULL at the end */
void ag_walk_end(ag_walk *w);

#endif
