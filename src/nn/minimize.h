/* L-BFGS on a trainer: the loss over all samples of a pass as a function of the parameters. */
#ifndef AG_MINIMIZE_H
#define AG_MINIMIZE_H

#include "epoch.h"
#include "lbfgs.h"

typedef struct ag_minimizer ag_minimizer;

/* The plans of the pass add each batch's gradient to the optimiser's first state. The loss is
 * sum_i coef[i] sums[i]. `t` must outlive the result. */
AG_CHECKED ag_status ag_minimizer_new(ag_minimizer **out, ag_trainer *t, int pass, int history,
                                      const double *coef);
void ag_minimizer_free(ag_minimizer *m); /* NULL is fine */

typedef struct {
  int iterations; /* that were run */
  int done, interrupted;
} ag_minimizer_done;

/* At most `iterations`; value[i] is the loss after the i-th of them, without its penalty of l2
 * times the sum of the squared parameters. The trainer then has the best parameters so far. */
AG_CHECKED ag_status ag_minimizer_run(ag_minimizer *m, int iterations, ag_lbfgs_stop stop,
                                      double l2, double *value, ag_minimizer_done *done);
int64_t ag_minimizer_evaluations(const ag_minimizer *m);

#endif
