/* LU and Cholesky factorisations of blocks, in place, on every device: the products run there,
 * panels are factored on the CPU. */
#ifndef AG_LU_H
#define AG_LU_H

#include "block.h"

/* P A = L U with partial pivoting; see ag_host_lu(). */
AG_CHECKED ag_status ag_lu(const ag_block *a, int32_t *pivot, int64_t *zero);
/* B = A^-1 B, from ag_lu() of the square A. */
AG_CHECKED ag_status ag_lu_solve(const ag_block *lu, const int32_t *pivot, const ag_block *b);
/* R' R = A over A's upper triangle, zeros below; see ag_host_chol(). */
AG_CHECKED ag_status ag_chol(const ag_block *a, int64_t *minor);
/* The same with pivoting, all of it on the CPU; see ag_host_chol_pivoted(). */
AG_CHECKED ag_status ag_chol_pivoted(const ag_block *a, double tol, int32_t *pivot, int64_t *rank);

#endif
