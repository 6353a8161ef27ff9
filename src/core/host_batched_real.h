/* host_batched.h's text for one type: FN(name), real, lanes, truth, WIDE, LANES. */
#include "../../inst/kernels/batched.cl"

static void FN(batched)(const ag_batched *p, int64_t first, void *work) {
  const int64_t n = p->n, batch = p->batch;
  const real *a = p->a;
  switch (p->step) {
  case AG_BATCHED_SOLVE:
    FN(batched_solve)(n, p->k, !p->b, first, batch, a, p->b, p->x, p->info, work, 1);
    break;
  case AG_BATCHED_CHOL: FN(batched_chol)(n, first, batch, a, p->x, p->info, work, 1); break;
  case AG_BATCHED_DET: FN(batched_det)(n, first, batch, a, p->x, work, 1); break;
  case AG_BATCHED_EIGEN:
    FN(batched_eigen)(n, p->vectors != NULL, first, batch, a, p->x, p->vectors, work, 1);
    break;
  }
}

#undef FN
#undef real
#undef lanes
#undef truth
#undef WIDE
#undef LANES
