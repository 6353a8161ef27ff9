/* Condition numbers: estimates of 1 / (|A| |A^-1|) from a factorisation. */
#ifndef AG_COND_H
#define AG_COND_H

#include "block.h"

/* Largest sum of magnitudes of a column, or of a row if `rows`; NaN where there is one. 0 for an
 * empty matrix. */
AG_CHECKED ag_status ag_cond_norm(double *out, ag_array *x, int rows);
/* The reciprocal condition number of A in the 1-norm, or in the infinity norm if `rows`, from
 * ag_lu() of A (square) and |A|. 0 if A is singular, or has NaN. The pivots do not matter for the
 * 1-norm of what is estimated. */
AG_CHECKED ag_status ag_cond_lu(double *out, const ag_block *lu, const int32_t *pivot, double norm,
                                int rows);
/* The same of a triangle itself: unit is not meant. */
AG_CHECKED ag_status ag_cond_triangle(double *out, const ag_block *t, int upper, int rows);

#endif
