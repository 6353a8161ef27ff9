/* LU and Cholesky factorisations of matrices in the host's memory, by all its threads. Between
 * panels they look whether the user asked to stop (AG_E_INTERRUPT). */
#ifndef AG_HOST_FACTOR_H
#define AG_HOST_FACTOR_H

#include "kernel.h"

/* A column-major matrix. */
typedef struct {
  ag_dtype type;
  int64_t rows, cols;
  void *a;
  int64_t lda;
} ag_host_matrix;

/* P A = L U with partial pivoting, in place: L below the diagonal, its ones not stored. Row i was
 * exchanged with row pivot[i] (from 0), for i < min(rows, cols). *zero is the first i + 1 where
 * U(i, i) = 0, else 0: the factorisation is completed all the same. */
AG_CHECKED ag_status ag_host_lu(const ag_host_matrix *a, int32_t *pivot, int64_t *zero);
/* R' R = A with R over the upper triangle, the only one that is read; what is below the diagonal is
 * then undefined. *minor is 0, or the order of the first leading minor that is not positive, where
 * the factorisation ended. */
AG_CHECKED ag_status ag_host_chol(const ag_host_matrix *a, int64_t *minor);
/* The same with complete pivoting: R' R = P' A P, column i of P A's being column pivot[i] (from 0).
 * Ends at the first pivot that is at most `tol` (if that is negative: n times the type's roundoff
 * times the largest diagonal element); *rank is then less than n, and rows from *rank on are what
 * LAPACK leaves there: those of A, or of what is left of it. The upper triangle is read; what is
 * below the diagonal is then undefined. */
AG_CHECKED ag_status ag_host_chol_pivoted(const ag_host_matrix *a, double tol, int32_t *pivot,
                                          int64_t *rank);

#endif
