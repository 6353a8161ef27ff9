/* L-BFGS (Liu and Nocedal 1989): the minimum of a smooth function of many variables, from its
 * values and gradients. In double precision, on the CPU: what it does itself is a few vector
 * operations per iteration. */
#ifndef AG_LBFGS_H
#define AG_LBFGS_H

#include "../core/core.h"

/* *value and gradient[0..n-1] at x. A value that is not finite is allowed: the step was too long.
 */
typedef ag_status (*ag_lbfgs_fn)(void *ctx, const double *x, double *value, double *gradient);

typedef struct ag_lbfgs ag_lbfgs;

/* `history`: how many steps the direction is made from. Evaluates f at the start x; `ctx` must
 * outlive the result. */
AG_CHECKED ag_status ag_lbfgs_new(ag_lbfgs **out, int64_t n, int history, const double *x,
                                  ag_lbfgs_fn f, void *ctx);
void ag_lbfgs_free(ag_lbfgs *l); /* NULL is fine */

/* When to stop: the value is below abstol; an iteration lowered it by no more than
 * reltol (|value| + reltol), even along the gradient. */
typedef struct {
  double abstol, reltol;
} ag_lbfgs_stop;

/* One iteration: a direction, and as many evaluations as the line search needs. *done is set when
 * there is nothing more to gain. A failure of f is handed on; the point is then the best so far. */
AG_CHECKED ag_status ag_lbfgs_iterate(ag_lbfgs *l, ag_lbfgs_stop stop, int *done);

/* The best point so far, its value, and how often f was called. */
const double *ag_lbfgs_x(const ag_lbfgs *l);
double ag_lbfgs_value(const ag_lbfgs *l);
int64_t ag_lbfgs_evaluations(const ag_lbfgs *l);

#endif
