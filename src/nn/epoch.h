/* The batch loop. */
#ifndef AG_EPOCH_H
#define AG_EPOCH_H

#include "trainer.h"

typedef struct {
  double loss;     /* mean over the samples visited; NaN if none */
  double accuracy; /* share of hits; 0 for a loss without any */
  int64_t samples; /* visited: fewer than the pass has if the user asked to stop */
  int interrupted;
} ag_epoch;

/* Called a few times a second with what was done so far; may be NULL. Must not jump. */
typedef void (*ag_progress_fn)(void *ctx, const ag_epoch *so_far);

/* One walk over a pass. `index` is the order of the samples for this walk, or NULL to leave it as
 * it is. */
AG_CHECKED ag_status ag_pass_run(ag_trainer *t, int training, const int *index,
                                 ag_progress_fn progress, void *ctx, ag_epoch *out);

#endif
