#include "samples.h"
#include <stdlib.h>

#define CHUNK (1 << 18) /* values converted between two writes: 1 MiB */
#define TILE  16        /* rows read together, so that each cache line is used whole */

/* y[j + p i] = x[first + i + n j] for m samples i and all j. */
static void transpose(float *y, const double *x, int64_t n, int64_t p, int64_t first, int64_t m) {
  for (int64_t i0 = 0; i0 < m; i0 += TILE) {
    int64_t end = i0 + TILE < m ? i0 + TILE : m;
    for (int64_t j = 0; j < p; j++)
      for (int64_t i = i0; i < end; i++) y[j + p * i] = (float)x[first + i + n * j];
  }
}

static ag_status fill(ag_buffer *buf, int64_t n, int64_t p, const double *x) {
  int64_t step = CHUNK / p > TILE ? CHUNK / p : TILE;
  float *part = malloc((size_t)(step * p) * sizeof *part);
  if (!part) return ag_fail(AG_E_MEMORY, "no memory for %lld samples", (long long)step);
  ag_status status = AG_OK;
  for (int64_t first = 0; first < n && status == AG_OK; first += step) {
    int64_t m = first + step < n ? step : n - first;
    transpose(part, x, n, p, first, m);
    status = ag_buffer_write(buf, (size_t)(first * p) * sizeof *part, part,
                             (size_t)(m * p) * sizeof *part);
  }
  free(part);
  return status;
}

ag_status ag_samples_write(ag_array **out, ag_device *d, int64_t n, int64_t p, const double *x) {
  ag_buffer *buf;
  AG_TRY(ag_buffer_new(&buf, d, (size_t)(n * p) * sizeof(float)));
  ag_status status = fill(buf, n, p, x);
  if (status == AG_OK) status = ag_array_from_buffer(out, buf, 0, AG_F32, ag_shape_of(2, p, n));
  ag_buffer_release(buf);
  return status;
}
