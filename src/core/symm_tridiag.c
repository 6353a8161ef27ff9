/* Householder's reduction by panels of columns (Dongarra, Hammarling and Sorensen, J. Comput. Appl.
 * Math. 27, 1989). Within a panel the matrix is left as it was, and each column is brought up to
 * date when its turn comes:
 *
 *   A_now = A - V W' - W V',   w = tau (A_now v - (tau / 2) (v' A_now v) v)
 *
 * After the panel the remaining matrix is, by one product. Half of the work is that product, half
 * is A v, which has to read all that remains of A for each column: on the host, one triangle of
 * it. */
#include "symm_tridiag.h"
#include "host_isa.h"
#include "host_gemm.h"
#include "threads.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PANEL     32  /* columns */
#define TASKS     8   /* parts of A v: fixed, so that the threads do not change the result */
#define PART      96  /* columns that a part must have */
#define CHUNK     256 /* rows of one task in what is linear in n */
#define MAX_CHUNK 64
#define UPDATE    256 /* columns of one product */

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

/* Columns [first[t], first[t + 1]) of the lower triangle of m have about as many elements for each
 * t. */
static int equal_areas(int64_t m, int64_t *first) {
  int tasks = (int)min64(TASKS, m / PART);
  if (tasks < 1) tasks = 1;
  for (int t = 0; t < tasks; t++)
    first[t] = (int64_t)((double)m * (1 - sqrt(1 - (double)t / tasks))) / 8 * 8;
  first[tasks] = m;
  return tasks;
}

#define REAL      double
#define REAL_TYPE AG_F64
#define FN(name)  name##_f64
#define ISA(name) isa->name##_f64
#include "symm_tridiag_real.h"

#define REAL      float
#define REAL_TYPE AG_F32
#define FN(name)  name##_f32
#define ISA(name) isa->name##_f32
#include "symm_tridiag_real.h"

ag_status ag_symm_tridiag(const ag_block *a, double *d, double *e, double *tau) {
  return a->type == AG_F64 ? reduce_f64(a, d, e, tau) : reduce_f32(a, d, e, tau);
}
