/* What the tests of devices share: numbers, comparing them, and OpenCL's code as it is written for
 * other devices than the one at hand. */
#ifndef VALUES_KIT_H
#define VALUES_KIT_H

#include "check.h"
#include "opencl.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ag_device *dev;

/* Codegen's decisions for a GPU, or without float64, tried on any device. */
static void pretend(int is_gpu, int has_f64) {
  static ag_cg_target real;
  ag_cl_state *s = dev->state;
  if (!real.units) real = s->target;
  s->target = real;
  if (is_gpu) s->target.is_gpu = 1, s->target.lanes = 1;
  if (!has_f64) s->target.has_f64 = 0;
}

/* R's NA_real_. */
static inline double na_real(void) {
  const uint64_t bits = 0x7FF00000000007A2u;
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
/* -- comparing ------------------------------------------------------------------------------- */
static int agree(double have, double want, double tolerance) {
  if (want != want) return have != have;
  if (isinf(want) || isinf(have)) return have == want;
  return fabs(have - want) <= tolerance * (fabs(want) > 1e-30 ? fabs(want) : 1);
}

/* One check for a whole array: reports the first difference. */
static inline void check_values(const char *what, int64_t n, const double *have, const double *want,
                                double tolerance) {
  int64_t i = 0;
  while (i < n && agree(have[i], want[i], tolerance)) i++;
  CHECK(i == n, "%s: element %ld of %ld is %.17g, not %.17g", what, (long)i, (long)n,
        i < n ? have[i] : 0, i < n ? want[i] : 0);
}

/* -- numbers --------------------------------------------------------------------------------- */
static uint64_t lcg_state = 1;
static double lcg(void) { /* in [-1, 1), a multiple of 2^-20: exact in float */
  lcg_state = lcg_state * 6364136223846793005u + 1442695040888963407u;
  return (double)(lcg_state >> 43) / 1048576.0 - 1;
}
static inline double *numbers(int64_t n, double scale) {
  double *x = malloc(((size_t)n + 1) * sizeof *x);
  for (int64_t i = 0; i < n; i++) x[i] = (float)(lcg() * scale);
  return x;
}

/* Opens the device, or says that there is none; then the program's exit status is in *status. */
static inline int open_opencl(int argc, char **argv, int *status) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc > 1) ag_device_set_kernel_dir(argv[1]);
  if (ag_device_find(&dev, "opencl") == AG_OK) return 1;
  printf("OpenCL not found: %s\n", ag_device_opencl_problem());
  *status = check_summary(1);
  return 0;
}

#endif
