/* What test_ops.c and test_loops.c share: checks that name the instruction set, random arguments.
 */
#ifndef ISA_KIT_H
#define ISA_KIT_H

#include "../../src/core/device.h"
#include "../../src/core/host_target.h"

#include <stdio.h>
#include <stdlib.h>

#define N 4096
static int passed, failed;
static const ag_isa *isa;

static void check(int ok, const char *name, const char *detail) {
  if (ok) passed++;
  else failed++;
  if (ok) printf("%s %s ok\n", isa ? isa->name : "table", name);
  else printf("FAIL %s %s: %s\n", isa ? isa->name : "table", name, detail);
}

static uint64_t state = 88172645463325252u;
static double uniform(void) { /* xorshift (Marsaglia 2003) */
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (double)(state >> 11) * 0x1p-53;
}

static int same(double x, double y) { return isnan(x) ? isnan(y) : x == y; }

static double na_real(void) { /* as R has it: a signalling NaN */
  uint64_t u = 0x7FF00000000007A2u;
  double x;
  memcpy(&x, &u, sizeof x);
  return x;
}
/* Runs `checks` with `isa` set to each one in turn, prints the summary, returns main()'s value. */
static int on_every_isa(void (*checks)(void)) {
  const ag_isa *all[3] = {&ag_isa_base};
  int n = 1;
#if HOST_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all[n++] = &ag_isa_avx2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    all[n++] = &ag_isa_avx512;
#endif
  for (int i = 0; i < n; i++) {
    isa = all[i];
    checks();
  }
  isa = NULL;
  check(ag_isa_get() != NULL && ag_isa_get() == ag_isa_get(), "choice", "");
  printf("%d passed, %d failed, 0 skipped\n", passed, failed);
  return failed != 0;
}

#endif
