/* One step of divide and conquer: the eigenvalues and eigenvectors of two tridiagonal matrices
 * become those of the matrix that they were torn from. */
#ifndef AG_TRIDIAG_MERGE_H
#define AG_TRIDIAG_MERGE_H

#include "error.h"
#include <stdint.h>

typedef struct {
  int64_t n, m; /* size in all; of the upper half */
  double e;     /* the off-diagonal element between the halves; |e| has been taken from the diagonal
                   elements beside it */
  double *d;    /* in: eigenvalues of the halves; out: of the whole; ordered by `order` */
  double *q;    /* eigenvectors in the columns, leading dimension ldq; in: block diagonal */
  int64_t ldq;
  int64_t *order; /* column numbers by ascending d; in: of each half, from 0 */
  /* work: n * n, n * n, ag_tridiag_merge_work(n), and 5 * n */
  double *columns, *s, *work;
  int64_t *index;
} ag_tridiag_merge;

/* AG_E_ARGUMENT, with no message: an iteration reached its bound. Up to n = 256 runs in any thread.
 */
AG_CHECKED ag_status ag_tridiag_merge_run(ag_tridiag_merge *g);
int64_t ag_tridiag_merge_work(int64_t n);

#endif
