/* Linear algebra of many small matrices: the first two dimensions of an array of three. Nothing is
 * pending: arguments are forced, kernels run at once. All arrays are of one type of reals. */
#ifndef AG_BATCHED_H
#define AG_BATCHED_H

#include "array.h"

/* The number (from 1) of the first matrix that has no result, and where it failed; 0 if all have.
 */
typedef struct {
  int64_t matrix, at;
} ag_failure;

/* x[, , i] = a[, , i]^-1 b[, , i]; b NULL: the inverses. `at`: where U has a 0 on its diagonal. */
AG_CHECKED ag_status ag_batched_solve(ag_array **x, ag_failure *failed, ag_array *a, ag_array *b);
/* Upper factors; `at`: the order of the leading minor that is not positive. */
AG_CHECKED ag_status ag_batched_chol(ag_array **x, ag_failure *failed, ag_array *a);
/* A vector. */
AG_CHECKED ag_status ag_batched_det(ag_array **x, ag_array *a);
/* Of the lower triangles: values decreasing in the columns of a matrix; vectors (unless NULL) as a.
 */
AG_CHECKED ag_status ag_batched_eigen(ag_array **values, ag_array **vectors, ag_array *a);

#endif
