/* The batch loop. */
#ifndef AG_EPOCH_H
#define AG_EPOCH_H

#include "trainer.h"

typedef struct {
  int pass;
  int64_t first, batches; /* which batches of the pass to run: from `first` (from 0) on */
  const double *scalar;   /* nscalar numbers for each of them, NULL if there are none */
  uint64_t key;           /* of random numbers: another one for each batch, see below */
  double seconds;         /* stop after about so long, to let the caller report; 0: never */
} ag_epoch_run;

typedef struct {
  int64_t batches; /* that were run: fewer than asked for if time was up or the user interrupted */
  int interrupted;
} ag_epoch_done;

/* Replays plans, batch by batch; every size of batch that is met needs one. Stream s of batch i
 * draws from the key mix(key, i, s), which does not depend on how a pass is cut into runs. A run
 * from batch 0 on begins the sums of the pass anew. */
AG_CHECKED ag_status ag_epoch_run_batches(ag_trainer *t, const ag_epoch_run *run,
                                          ag_epoch_done *done);
/* Whether the user has interrupted. Looks only some time after *polled, which it sets. */
int ag_epoch_interrupted(double *polled);
/* What the pass has summed since its first batch: pass.nsum numbers. Waits for the device. */
AG_CHECKED ag_status ag_epoch_sums(ag_trainer *t, int pass, double *sum);

#endif
