/* Gradients: walks the graph backwards and builds more graph. */
#ifndef AG_GRAD_H
#define AG_GRAD_H

#include "expr.h"

/* out[i] = d sum(y) / d x[i], of x[i]'s shape; zeros where y does not depend on it. One reference
 * each. */
AG_CHECKED ag_status ag_grad(ag_array *y, int n, ag_array *const *x, ag_array **out);
/* The same of a network with the outputs `z`, on which y depends: what the way back needs to know
 * of the values below them is kept in bfloat16, but for parameters and statistics (sums, maxima,
 * and what is computed of these alone). The outputs, and all above them, are not rounded. */
AG_CHECKED ag_status ag_grad_kept(ag_array *y, int nz, ag_array *const *z, int n,
                                  ag_array *const *x, ag_array **out);

#endif
