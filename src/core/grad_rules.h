/* The rules of differentiation: each kind of node has one that gives its arguments their gradients,
 * `g` being the node's own. What it gives is graph again, so derivatives have derivatives. */
#ifndef AG_GRAD_RULES_H
#define AG_GRAD_RULES_H

#include "grad_tape.h"

AG_CHECKED ag_status ag_grad_elementwise(ag_tape *t, ag_array *x, ag_array *g);
AG_CHECKED ag_status ag_grad_cast(ag_tape *t, ag_array *x, ag_array *g);
AG_CHECKED ag_status ag_grad_view(ag_tape *t, ag_array *x, ag_array *g);
AG_CHECKED ag_status ag_grad_reshape(ag_tape *t, ag_array *x, ag_array *g);
AG_CHECKED ag_status ag_grad_recycle(ag_tape *t, ag_array *x, ag_array *g);
AG_CHECKED ag_status ag_grad_embed(ag_tape *t, ag_array *x, ag_array *g);
AG_CHECKED ag_status ag_grad_concat(ag_tape *t, ag_array *x, ag_array *g);
AG_CHECKED ag_status ag_grad_gather(ag_tape *t, ag_array *x, ag_array *g);
AG_CHECKED ag_status ag_grad_take(ag_tape *t, ag_array *x, ag_array *g);
AG_CHECKED ag_status ag_grad_scatter(ag_tape *t, ag_array *x, ag_array *g);
AG_CHECKED ag_status ag_grad_reduce(ag_tape *t, ag_array *x, ag_array *g);
AG_CHECKED ag_status ag_grad_scan(ag_tape *t, ag_array *x, ag_array *g);
AG_CHECKED ag_status ag_grad_product(ag_tape *t, ag_array *x, ag_array *g);
AG_CHECKED ag_status ag_grad_conv(ag_tape *t, ag_array *x, ag_array *g);
AG_CHECKED ag_status ag_grad_pooling(ag_tape *t, ag_array *x, ag_array *g);

/* *out = g times what the row `op`, a column of derivatives, says at the arguments a, b and y. */
AG_CHECKED ag_status ag_grad_chain(ag_array **out, ag_op op, ag_array *const *arg, ag_array *g);
/* The derivative by argument `by` of that column itself; NULL where it is zero. */
AG_CHECKED ag_status ag_grad_of_column(ag_array **out, ag_op op, ag_array *const *arg, int by,
                                       ag_dtype type);
/* The products of all other elements of x along its dimension 1 of 3. */
AG_CHECKED ag_status ag_grad_others(ag_array **out, ag_array *x);

/* Runs `call` on *g, writing `next`; replaces *g, which is released either way. */
#define AG_GRAD_STEP(g, call)                                                                      \
  do {                                                                                             \
    ag_array *next = NULL;                                                                         \
    ag_status step_status = (call);                                                                \
    ag_array_release(g);                                                                           \
    g = next;                                                                                      \
    if (step_status != AG_OK) return step_status;                                                  \
  } while (0)

#endif
