/* QR factorisation by Householder reflectors, any shape, and what is made of it. */
#ifndef AG_QR_H
#define AG_QR_H

#include "block.h"

/* A product of reflectors is I - V T V': V has a column for each of them, zeros above it included,
 * T is upper triangular, zeros included (Schreiber and Van Loan 1989). C = op(I - V T V') C or,
 * with `right`, C op(I - V T V'); op is the transpose where `transposed` is not 0. */
AG_CHECKED ag_status ag_qr_reflect(const ag_block *v, const ag_block *t, const ag_block *c,
                                   int right, int transposed);
/* T of reflectors I - tau[j] v_j v_j'. */
AG_CHECKED ag_status ag_qr_triangle(const ag_block *t, const ag_block *v, const double *tau);

/* How reflector j lies below the diagonal of column j. */
typedef enum {
  AG_QR_LINPACK, /* I - u u' / u_0, aux[j] = u_0; aux[j] = 0: none; the last row has none */
  AG_QR_LAPACK   /* I - aux[j] v v', v_0 = 1                                              */
} ag_qr_form;

/* A P = Q R in place of A, in LINPACK's form, with R on and above the diagonal. aux and pivot (of
 * which P moves the elements) have A's columns as length. As R's qr() does it, the columns whose
 * norm that is left, when their turn comes, is less than tol (> 0) times what it was in A, go
 * behind all others, and *rank says how many do not. With tol 0 no column moves. */
AG_CHECKED ag_status ag_qr_factor(const ag_block *a, double tol, int64_t *rank, double *aux,
                                  int32_t *pivot);
/* C = Q C or Q' C, where Q is the product of the first k reflectors of `a`. */
AG_CHECKED ag_status ag_qr_apply(const ag_block *a, const double *aux, ag_qr_form form, int64_t k,
                                 const ag_block *c, int transposed);
/* C = Q C for a C whose elements below the diagonal are 0: half the work. Q itself, of C = I. */
AG_CHECKED ag_status ag_qr_expand(const ag_block *a, const double *aux, ag_qr_form form, int64_t k,
                                  const ag_block *c);

#endif
