/* What batched.h computes, for matrices that are not small: one after the other by blocked
 * algorithms. Arguments are forced and checked. */
#ifndef AG_BATCHED_LARGE_H
#define AG_BATCHED_LARGE_H

#include "batched.h"

AG_CHECKED ag_status ag_batched_large_solve(ag_array **x, ag_failure *failed, ag_array *a,
                                            ag_array *b);
AG_CHECKED ag_status ag_batched_large_chol(ag_array **x, ag_failure *failed, ag_array *a);
AG_CHECKED ag_status ag_batched_large_det(ag_array **x, ag_array *a);
AG_CHECKED ag_status ag_batched_large_eigen(ag_array **values, ag_array **vectors, ag_array *a);

#endif
