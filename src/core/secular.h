/* Eigenvalues and eigenvectors of a diagonal matrix after a change of rank one: the inner problem
 * of divide and conquer. */
#ifndef AG_SECULAR_H
#define AG_SECULAR_H

#include <stdint.h>

/* diag(d) + rho z z', with d[0] < d[1] < ... well apart, no z zero, rho > 0, all of moderate size:
 * lambda[k] becomes the eigenvalues, ascending; column j of s (leading dimension k) the eigenvector
 * of lambda[j], its element i in row at[i]. `work` holds ag_secular_work(k) doubles. Returns 0
 * when an iteration reached its bound. Works on the thread pool. */
int ag_secular(int64_t k, const double *d, const double *z, double rho, const int64_t *at,
               double *lambda, double *s, double *work);
int64_t ag_secular_work(int64_t k);

#endif
