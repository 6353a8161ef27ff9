/* Symmetric matrices become tridiagonal. */
#ifndef AG_SYMM_TRIDIAG_H
#define AG_SYMM_TRIDIAG_H

#include "block.h"

/* A = Q T Q', T with diagonal d[n] and off-diagonal e[n-1], Q = H_0 H_1 ... H_(n-3), H_j = 1 -
 * tau_j v_j v_j'. `a` must hold the lower triangle on the device `host`, the whole of A on others;
 * the numbers must be finite and far from over- and underflow. Column j of `a` becomes v_j, where
 * it was the lower triangle at least: zeros down to row j, 1 in row j + 1. */
AG_CHECKED ag_status ag_symm_tridiag(const ag_block *a, double *d, double *e, double *tau);

#endif
