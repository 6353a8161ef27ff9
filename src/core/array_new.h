/* Making and unmaking nodes: for array.c, expr.c and schedule.c. */
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

#endif
