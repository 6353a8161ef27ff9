/* Triangular solves on the host. */
#ifndef AG_HOST_TRSM_H
#define AG_HOST_TRSM_H

#include "kernel.h"

/* B = op(T)^-1 B, or B op(T)^-1 if `right`; B is rows x cols, T the upper or lower triangle of a
 * square matrix, with ones on its diagonal if `unit`; op(T) is T or its transpose. */
typedef struct {
  ag_dtype type;
  int right, upper, trans, unit;
  int64_t rows, cols;
  const void *t;
  int64_t ldt;
  void *b;
  int64_t ldb;
} ag_trsm;
/* Runs on the thread pool when it is large enough. */
AG_CHECKED ag_status ag_host_trsm(const ag_trsm *p);

#endif
