/* What the files that build nodes share. */
#ifndef AG_EXPR_NEW_H
#define AG_EXPR_NEW_H

#include "array_new.h"
#include "expr.h"

/* A pending node of n arguments (retained; NULL is fine) on their common device. */
AG_CHECKED ag_status ag_expr_node(ag_array **out, ag_kind kind, ag_dtype type, ag_shape shape,
                                  int n, ag_array *const *arg);
/* The type of reals in which they are computed: float64 wins over float32; single numbers adapt to
 * the arrays they meet. */
ag_dtype ag_expr_common_real(int n, ag_array *const *arg);
/* x in `type` for a kernel that needs it in memory. What is kept in bfloat16 is read for this
 * kernel alone: no float32 of it lives on until another kernel, later in the graph, reads it
 * again. */
AG_CHECKED ag_status ag_expr_operand(ag_array **out, ag_array *x, ag_dtype type);
/* While it is on, however deep the graph, nothing is run: for walks that need the nodes' marks. */
void ag_expr_hold(int on);

#endif
