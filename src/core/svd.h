/* Singular value decomposition of any matrix. */
#ifndef AG_SVD_H
#define AG_SVD_H

#include "array.h"

/* x = U diag(d) V' for a matrix of reals, m x n, which is forced: d receives min(m, n) values,
 * descending. *u becomes m x nu (nu <= m), *v n x nv (nv <= n), on x's device and of its type; NULL
 * where nu or nv is 0. Columns beyond min(m, n) complete an orthonormal basis. In each column of u
 * (of v where there is none), the first of those components that are, to one part in a thousand,
 * the largest in absolute value is positive: so devices agree on it, also where components should
 * be equally large. AG_E_ARGUMENT if x is not finite. */
AG_CHECKED ag_status ag_svd(ag_array *x, int64_t nu, int64_t nv, double *d, ag_array **u,
                            ag_array **v);

/* The signs above, set in copies of matrices that go together: u and v, of which v may be NULL. */
AG_CHECKED ag_status ag_svd_signs(ag_array *u, ag_array *v, ag_array **new_u, ag_array **new_v);

#endif
