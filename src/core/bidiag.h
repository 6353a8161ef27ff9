/* Reduction of a matrix to bidiagonal form, and products with its orthogonal factors. */
#ifndef AG_BIDIAG_H
#define AG_BIDIAG_H

#include "block.h"

/* A = Q B P' with B upper bidiagonal (d, e). Q and P are products of Householder reflectors
 * 1 - tau v v', their vectors the columns of q and p; of reflector j of q the first j elements are
 * zero, of p the first j + 1; they are stored AG_BIDIAG_PANEL at a time, and elements above the
 * panel are undefined. */
#define AG_BIDIAG_PANEL 32
typedef struct {
  ag_block q, p; /* m x n, n x n */
  double *d, *e; /* n, n - 1 */
  double *tau_q, *tau_p;
  ag_buffer *own; /* of p */
  void *memory;   /* of the numbers */
} ag_bidiag;

/* a is m x n with m >= n; it is overwritten, and kept as q. Its elements are finite, the largest of
 * them neither so large nor so small that squares lose digits. Free after a failure, too. */
AG_CHECKED ag_status ag_bidiag_reduce(ag_bidiag *out, const ag_block *a);
void ag_bidiag_drop(ag_bidiag *x);

/* C = H1 H2 ... C with the reflectors in the columns of v. */
AG_CHECKED ag_status ag_reflectors_apply(const ag_block *v, const double *tau, const ag_block *c);

#endif
