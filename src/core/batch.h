/* Batches: the graph of a function of one slice, rebuilt for all slices at once. */
#ifndef AG_BATCH_H
#define AG_BATCH_H

#include "expr.h"

/* `y` depends on the input `slice` (ag_expr_input()). `x` holds `n` slices side by side: its shape
 * is that of the slice with one more dimension, the first if `leading`, else the last. *out: y of
 * each slice, with that dimension likewise. NULL if some node of the graph cannot be batched. */
AG_CHECKED ag_status ag_batch(ag_array **out, ag_array *y, ag_array *slice, ag_array *x,
                              int leading);

#endif
