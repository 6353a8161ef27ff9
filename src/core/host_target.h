/* Before any target is set: system headers, and which instruction sets there are. */
#ifndef AG_HOST_TARGET_H
#define AG_HOST_TARGET_H

#include "host_isa.h"
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* GCC on 64-bit Windows does not align the stack for AVX (GCC bug 54412): SSE2 only. */
#if defined(__x86_64__) && (defined(__clang__) || (defined(__GNUC__) && !defined(_WIN32)))
#define HOST_X86 1
#include <immintrin.h>
extern const ag_isa ag_isa_avx512, ag_isa_avx2;
#else
#define HOST_X86 0
#endif
#if defined(__aarch64__)
#include <arm_neon.h>
#endif
extern const ag_isa ag_isa_base;

#if defined(__aarch64__)
#define HOST_BASE_NAME "neon"
#else
#define HOST_BASE_NAME "baseline"
#endif

#endif
