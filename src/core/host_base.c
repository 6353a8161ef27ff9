/* The host's loops for what every processor of the architecture has: SSE2 on x86-64, NEON on
 * aarch64. */
#include "host_target.h"

#define ISA      ag_isa_base
#define ISA_NAME HOST_BASE_NAME
#define VBYTES   16
#if !defined(__clang__)
#pragma GCC push_options
#pragma GCC optimize("O3", "no-trapping-math", "no-thread-jumps")
#endif
#include "host_loops.h"
#if !defined(__clang__)
#pragma GCC pop_options
#endif
