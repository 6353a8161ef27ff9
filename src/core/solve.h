/* Linear systems of arrays: what is made of LU, Cholesky and triangular solves. Matrices are of
 * reals and on one device; arguments keep their values, results are new. */
#ifndef AG_SOLVE_H
#define AG_SOLVE_H

#include "block.h"

/* What was found of a square system. */
typedef struct {
  int64_t zero; /* not 0: U(zero, zero) = 0 */
  double rcond; /* the reciprocal condition number (1-norm), -1 if it was not asked for */
} ag_system;

/* *out = A^-1 B; b NULL: the inverse. NULL if A is singular, or tol > 0 and rcond < tol. */
AG_CHECKED ag_status ag_solve(ag_array **out, ag_system *how, ag_array *a, ag_array *b, double tol);
/* The same of float64 arrays, factored in float32 on `d` (which may be another device) and refined
 * until the backward error is that of float64. Where float32 does not do, all is done in float64 on
 * the arrays' device. */
AG_CHECKED ag_status ag_solve_refined(ag_array **out, ag_system *how, ag_device *d, ag_array *a,
                                      ag_array *b, double tol);
/* Whether float64 products take more than six times as long as float32 ones there: measured once,
 * of GPUs; of others 0. */
AG_CHECKED ag_status ag_solve_is_slow(int *slow, ag_device *d);
/* The array as float64 on another device. */
AG_CHECKED ag_status ag_solve_move(ag_array **out, ag_array *x, ag_device *d, ag_dtype type);

/* Row i of L U is row perm[i] (from 0) of A; A is m x n, L m x k, U k x n, perm has m elements. */
AG_CHECKED ag_status ag_solve_lu(ag_array **l, ag_array **u, int32_t *perm, ag_array *a);
/* det(A) = sign * modulus, or sign * exp(modulus) with `logarithm`. */
AG_CHECKED ag_status ag_solve_det(double *modulus, int *sign, ag_array *a, int logarithm);
/* 1-norm, or infinity norm with `rows`. */
AG_CHECKED ag_status ag_solve_rcond(double *out, ag_array *a, int rows);

/* R with R' R = A; *out is NULL if *minor is not 0. */
AG_CHECKED ag_status ag_solve_chol(ag_array **out, int64_t *minor, ag_array *a);
AG_CHECKED ag_status ag_solve_chol_pivoted(ag_array **out, double tol, int32_t *pivot,
                                           int64_t *rank, ag_array *a);
/* The inverse of R' R from the first n rows and columns of R; *out is NULL if R(zero, zero) is 0.
 */
AG_CHECKED ag_status ag_solve_chol_inverse(ag_array **out, int64_t *zero, ag_array *r, int64_t n);
/* op(T)^-1 B for the triangle in the first n rows and columns of T, and the first n rows of B; *out
 * is NULL if T(zero, zero) is 0. */
AG_CHECKED ag_status ag_solve_triangle(ag_array **out, int64_t *zero, ag_array *t, ag_tri how,
                                       ag_array *b, int64_t n);

#endif
