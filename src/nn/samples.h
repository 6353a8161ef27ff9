/* Data on their way to the device. */
#ifndef AG_SAMPLES_H
#define AG_SAMPLES_H

#include "../core/core.h"

/* The array x of `shape` (R's: n samples first) as one of `type` with the dimensions in reverse
 * order: a sample's values follow each other, which is what a batch gathers. */
AG_CHECKED ag_status ag_samples_write(ag_array **out, ag_device *d, ag_dtype type, ag_shape shape,
                                      const double *x);
/* The same of an array that is on a device. */
AG_CHECKED ag_status ag_samples_of(ag_array **out, ag_dtype type, ag_array *x);

#endif
