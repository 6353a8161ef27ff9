/* Data on their way to the device. */
#ifndef AG_SAMPLES_H
#define AG_SAMPLES_H

#include "../core/core.h"

/* n samples of p values, stored as R does a matrix of n x p, as a float32 array of p x n: a sample
 * becomes a column, which is what a batch gathers. */
AG_CHECKED ag_status ag_samples_write(ag_array **out, ag_device *d, int64_t n, int64_t p,
                                      const double *x);

#endif
