/* The host's loops for processors with AVX2 and FMA. */
#include "host_target.h"

#if HOST_X86
#define ISA      ag_isa_avx2
#define ISA_NAME "avx2"
#define VBYTES   32
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC optimize("O3", "no-trapping-math", "no-thread-jumps")
#pragma GCC target("avx2,fma")
#endif
#include "host_loops.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#else
typedef int no_avx2; /* a translation unit must not be empty */
#endif
