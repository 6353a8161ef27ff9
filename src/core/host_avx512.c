/* The host's loops for processors with AVX-512 (F, DQ, BW, VL). */
#include "host_target.h"

#if HOST_X86
#define ISA      ag_isa_avx512
#define ISA_NAME "avx512"
#define VBYTES   64
#if defined(__clang__)
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC optimize("O3", "no-trapping-math", "no-thread-jumps")
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,prefer-vector-width=512")
#endif
#include "host_loops.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#else
typedef int no_avx512; /* a translation unit must not be empty */
#endif
