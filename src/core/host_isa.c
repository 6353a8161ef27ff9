/* Chooses the instruction set at run time. */
#include "host_target.h"

#include <stdlib.h>
#include <string.h>

#if HOST_X86
static int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
static int has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
static int has_vnni(void) {
#if defined(__clang__) || __GNUC__ >= 8
  const char *wish = getenv("ANYGPU_ISA");
  __builtin_cpu_init();
  return !(wish && !strcmp(wish, "avx512")) && __builtin_cpu_supports("avx512vnni");
#else
  return 0;
#endif
}
#else
static int has_vnni(void) { return 0; }
#endif

static const ag_isa *choose(void) {
#if HOST_X86
  const char *wish = getenv("ANYGPU_ISA");
  int most = wish && !strcmp(wish, "baseline") ? 0 : wish && !strcmp(wish, "avx2") ? 1 : 2;
  __builtin_cpu_init();
  if (most >= 2 && has_avx512()) return &ag_isa_avx512;
  if (most >= 1 && has_avx2()) return &ag_isa_avx2;
#endif
  return &ag_isa_base;
}

const ag_isa *ag_isa_get(void) {
  static const ag_isa *isa = NULL;
  if (!isa) isa = choose();
  return isa;
}

const ag_isa_i8 *ag_isa_i8_get(void) {
  const ag_isa *isa = ag_isa_get();
  return isa->i8_vnni.mr && has_vnni() ? &isa->i8_vnni : &isa->i8;
}
