/* Losses: what a batch costs, as expressions. z and y hold one sample per column. */
#ifndef AG_LOSS_H
#define AG_LOSS_H

#include "builder.h"

/* MSE: mean_i (z_i - y_i)^2; y has z's shape.
 * CROSS_ENTROPY: -log softmax(z)[y]; y is 1 x n with 0-based classes, as float32. */
typedef enum { AG_LOSS_MSE, AG_LOSS_CROSS_ENTROPY } ag_loss;

typedef struct {
  ag_array *total;    /* the losses of the samples, summed: one element */
  ag_array *hits;     /* samples whose largest z is that of class y; NULL for MSE */
  ag_array *gradient; /* of the mean loss by z; a constant to further derivatives */
} ag_loss_terms;

/* All NULL after a failure. The terms belong to the builder. */
ag_loss_terms ag_loss_build(ag_builder *b, ag_loss loss, ag_array *z, ag_array *y);
/* How many sums a loss has: the total, and the hits if there are any. */
int ag_loss_nsums(ag_loss loss);

/* exp(z_ij) / sum_i exp(z_ij): the columns sum to 1. */
ag_array *ag_loss_softmax(ag_builder *b, ag_array *z);

#endif
