/* One panel of a QR factorisation, on the CPU. See qr.c. */
#ifndef AG_QR_PANEL_H
#define AG_QR_PANEL_H

#include "kernel.h"

/* Columns in host memory, from row 0 of the matrix on. Reflector j acts on rows top + j, ...,
 * rows - 1; it is I - u u' / u_0, and u stands below the diagonal of the factored column (u_0 in
 * aux[j]), as in LINPACK. V, of rows - top rows, has the same vectors with u_0 and the zeros above
 * it in place; T is upper triangular, zeros included. The product of all is I - V T V'. */
typedef struct {
  ag_dtype type;
  void *a;
  int64_t lda, top, rows, cols;
  double tol; /* a column is negligible if its norm from row top + j on is less than tol times the
               * norm of the whole; 0: none is */
  void *v, *t;
  int64_t ldv, ldt;
  double *aux;    /* `cols` of them; of a column without a reflector: its norm */
  int32_t *pivot; /* moves with the columns */
  void *work;     /* 2 cols^2 elements */
} ag_qr_panel;

/* Negligible columns are moved behind the others, in the order in which they were found; `made`
 * says how many are left and have their reflectors. All of them are applied to all columns. */
AG_CHECKED ag_status ag_qr_panel_factor(ag_qr_panel *p, int64_t *made);

#endif
