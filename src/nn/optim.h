/* Optimisers: one fused elementwise expression over the flat parameter vector. */
#ifndef AG_OPTIM_H
#define AG_OPTIM_H

#include "builder.h"

#define AG_OPTIM_STATES  2 /* vectors as long as the parameters that a step keeps */
#define AG_OPTIM_SCALARS 2 /* numbers that change from step to step */

typedef enum { AG_OPTIM_SGD, AG_OPTIM_ADAM } ag_optim_kind;

/* SGD, in PyTorch's convention: v <- momentum v + g;  p <- p - lr v.
 * Adam (Kingma & Ba 2015, algorithm 1): m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;
 *   p <- p - lr mhat / (sqrt(vhat) + eps), mhat = m / (1 - b1^t), vhat = v / (1 - b2^t). */
typedef struct {
  ag_optim_kind kind;
  double lr;
  double momentum;          /* SGD */
  double beta1, beta2, eps; /* ADAM */
} ag_optim;

int ag_optim_nstates(const ag_optim *o);
/* The values of the scalar inputs at step t = 1, 2, ... */
void ag_optim_scalars(const ag_optim *o, int64_t t, double scalar[AG_OPTIM_SCALARS]);
/* next[0] is the new p, next[1 + i] the new state i. */
void ag_optim_step(ag_builder *b, const ag_optim *o, ag_array *p, ag_array *g,
                   ag_array *const *state, ag_array *const *scalar, ag_array **next);

#endif
