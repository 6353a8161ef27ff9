/* Singular value decomposition of an upper bidiagonal matrix, in double precision. */
#ifndef AG_BIDIAG_SVD_H
#define AG_BIDIAG_SVD_H

#include "device.h"

/* B = U diag(d) V' */
typedef struct {
  int64_t n;
  double *u, *v;    /* column-major, or NULL */
  int64_t ldu, ldv; /* leading dimensions */
  int64_t *from;    /* singular vectors number j are column from[j] of u and of v */
  ag_buffer *own;   /* all of the above */
} ag_bidiag_vectors;

/* The n singular values of B, in decreasing order, to d. On entry d is B's diagonal and e (n - 1
 * elements; overwritten) what stands above it, all finite. They have high relative accuracy. */
AG_CHECKED ag_status ag_bidiag_values(int64_t n, double *d, double *e);
/* The same and the singular vectors, by divide and conquer, the left ones only `with_u`; the values
 * are accurate in relation to the largest of them. Free with ag_bidiag_free(), also after a
 * failure. */
AG_CHECKED ag_status ag_bidiag_svd(int64_t n, double *d, double *e, int with_u,
                                   ag_bidiag_vectors *out);
void ag_bidiag_free(ag_bidiag_vectors *x);

/* bidiag_qr.c: implicit QR. d (n) and e (n - 1) as above, of any scale that does not overflow when
 * squared; d becomes nonnegative, not sorted. Columns 0 .. n-1 of u (rows_u rows) and v are
 * multiplied from the right by the left and right singular vectors; NULL leaves them out. 0 if it
 * does not converge. */
int ag_bidiag_qr(int64_t n, double *d, double *e, double *u, int64_t rows_u, int64_t ldu, double *v,
                 int64_t rows_v, int64_t ldv);
/* c and s such that c f + s g = r, c g - s f = 0. */
void ag_rotation(double f, double g, double *c, double *s, double *r);
/* Columns x and y of n rows become c x + s y and c y - s x. */
void ag_rotate(int64_t n, double *restrict x, double *restrict y, double c, double s);

#endif
