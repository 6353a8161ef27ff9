/* Gradients: walks the graph backwards and builds more graph. */
#ifndef AG_GRAD_H
#define AG_GRAD_H

#include "expr.h"

/* out[i] = d sum(y) / d x[i], of x[i]'s shape; zeros where y does not depend on it. One reference
 * each. */
AG_CHECKED ag_status ag_grad(ag_array *y, int n, ag_array *const *x, ag_array **out);

#endif
