/* Eigenvalues and eigenvectors of symmetric tridiagonal matrices, in double precision. */
#ifndef AG_TRIDIAG_H
#define AG_TRIDIAG_H

#include "error.h"
#include <stdint.h>

/* The matrix has diagonal d[n] and off-diagonal e[n-1]; all must be finite. Both are overwritten:
 * d with the eigenvalues, ascending. Failure: no memory, or an iteration that reached its bound. */
AG_CHECKED ag_status ag_tridiag_values(int64_t n, double *d, double *e);
/* The same, and q[n x n], column-major with leading dimension ldq: orthonormal eigenvectors, column
 * j for d[j]. Works on the thread pool; the result does not depend on the number of threads. */
AG_CHECKED ag_status ag_tridiag_vectors(int64_t n, double *d, double *e, double *q, int64_t ldq);

#endif
