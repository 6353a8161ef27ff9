/* Eigenvalues and eigenvectors of symmetric matrices. */
#ifndef AG_EIGEN_SYMM_H
#define AG_EIGEN_SYMM_H

#include "array.h"

/* Of the lower triangle of the square matrix x of reals, which is forced: `values` becomes the n
 * eigenvalues, descending; *vectors (nothing, if NULL) a matrix of x's type on x's device, whose
 * column j is the eigenvector of values[j], of length 1 and with the sign of ag_eigen_signs().
 * AG_E_ARGUMENT if x is not finite. */
AG_CHECKED ag_status ag_eigen_symmetric(ag_array *x, double *values, ag_array **vectors);
/* The columns of the matrix v from the last to the first, each with that sign that makes positive
 * the first of those components that are, to one part in a thousand, the largest in absolute
 * value: so devices agree on it, also where components should be equally large. */
AG_CHECKED ag_status ag_eigen_signs(ag_array **out, ag_array *v);

#endif
