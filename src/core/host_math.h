/* Elementary functions that compilers turn into vector code: no branches, no tables, no calls. One
 * text, host_math_real.h, for double (exp_f64) and float (exp_f32); here stand the numbers.
 *
 * The polynomials were fitted by the Remez algorithm; the comment gives the error relative to the
 * function. Accuracy of the functions: tests/core/test_ops.c. */
#ifndef AG_HOST_MATH_H
#define AG_HOST_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* a b + c: in one step where the processor has it; elsewhere a call of fma() would be slow. */
#if defined(__FMA__) || defined(__aarch64__) || VBYTES > 16
#define HAS_FMA 1
#else
#define HAS_FMA 0
#endif
#define STEP(p, x, c) (p) = FMA(p, x, c);
#define MATH_INLINE   static inline __attribute__((always_inline, unused))

/* -- double --------------------------------------------------------------------------------- */
#define real     double
#define word     uint64_t
#define FN(name) name##_f64
#define R(x)     (x)
#define RINT     __builtin_rint
#if HAS_FMA
#define FMA(a, b, c) __builtin_fma(a, b, c)
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#endif
#define MANTISSA       52
#define BIAS           1023
#define SIGN           ((word)1 << 63)
#define HALF_MASK      0xFFFFFFFFF8000000u /* the upper 26 bits of a mantissa */
#define HIGH_MASK      0xFFFFFFFF00000000u
#define SQRT_HALF_BITS 0x3FE6A09E00000000u
#define SMALLEST       0x1p-1022 /* normal number; SCALE_UP makes smaller ones normal */
#define SCALE_UP       54
/* exp(x): below and above, the result is 0, Inf */
#define EXP_LOW   -746.0
#define EXP_HIGH  710.0
#define EXPM1_LOW -40.0
/* constants in two parts, so that a whole number times the first is exact */
#define LN2_HI      0x1.62e42fee00000p-1
#define LN2_LO      0x1.a39ef35793c76p-33
#define INV_LN2_HI  0x1.7154765200000p+0
#define INV_LN2_LO  0x1.705fc2eefa200p-33
#define INV_LN10_HI 0x1.bcb7b15200000p-2
#define INV_LN10_LO 0x1.b9438ca9aadd5p-36
#define LOG10_2_HI  0x1.3441350800000p-2
#define LOG10_2_LO  0x1.f79fef311f12bp-34
/* pi / 2 in four parts; exact products up to TRIG_LIMIT */
#define TRIG_LIMIT 1e6
#define PIO2_1     0x1.921fb54400000p+0
#define PIO2_2     0x1.0b4611a600000p-34
#define PIO2_3     0x1.3198a2e000000p-69
#define PIO2_4     0x1.b839a252049c1p-104
/* erfc(x) = exp(-x x) / (1 + 2 x) times a polynomial of (x - K) / (x + K)
 * (Shepherd and Laframboise 1981) */
#define ERFC_K         3.75
#define ERFC_HIGH      28.0
#define EXP_POLY(p, r) /* 2^-57.9 */                                                               \
  (p) = 2.4999683341633065e-8;                                                                     \
  STEP(p, r, 2.7630243018913611e-7)                                                                \
  STEP(p, r, 2.7557587730078759e-6)                                                                \
  STEP(p, r, 2.4801493119652771e-5)                                                                \
  STEP(p, r, 1.984126950482397e-4) STEP(p, r, 1.3888888943602314e-3)                               \
      STEP(p, r, 8.3333333334954118e-3) STEP(p, r, 4.1666666666530308e-2)                          \
          STEP(p, r, 1.6666666666666411e-1) STEP(p, r, 5.0000000000000106e-1)
#define LOG_POLY(p, z) /* 2^-58.5 */                                                               \
  (p) = 1.4796011630099347e-1;                                                                     \
  STEP(p, z, 1.5314047718611813e-1)                                                                \
  STEP(p, z, 1.8183564293709088e-1)                                                                \
  STEP(p, z, 2.222219857674095e-1)                                                                 \
  STEP(p, z, 2.8571428742323991e-1) STEP(p, z, 3.9999999999415085e-1)                              \
      STEP(p, z, 6.6666666666667343e-1)
#define SIN_POLY(p, z) /* 2^-58.0 */                                                               \
  (p) = 1.5896807347360904e-10;                                                                    \
  STEP(p, z, -2.5050758363782574e-8)                                                               \
  STEP(p, z, 2.7557313693849271e-6)                                                                \
  STEP(p, z, -1.9841269829814449e-4)                                                               \
  STEP(p, z, 8.3333333333224232e-3) STEP(p, z, -1.6666666666666632e-1)
#define COS_POLY(p, z) /* 2^-64.2 */                                                               \
  (p) = -1.1359657965373748e-11;                                                                   \
  STEP(p, z, 2.0875723475658996e-9)                                                                \
  STEP(p, z, -2.7557314353866824e-7)                                                               \
  STEP(p, z, 2.4801587289487649e-5)                                                                \
  STEP(p, z, -1.3888888888874133e-3) STEP(p, z, 4.16666666666666e-2)
#define ERF_POLY(p, z) /* 2^-62.7 */                                                               \
  (p) = 5.9452528194010729e-11;                                                                    \
  STEP(p, z, -1.1365668934832296e-9)                                                               \
  STEP(p, z, 1.4657883050534357e-8)                                                                \
  STEP(p, z, -1.6350026115176469e-7)                                                               \
  STEP(p, z, 1.6460972946272662e-6) STEP(p, z, -1.492559351818824e-5)                              \
      STEP(p, z, 1.205533103752603e-4) STEP(p, z, -8.5483269787643652e-4)                          \
          STEP(p, z, 5.2239776247813538e-3) STEP(p, z, -2.6866170645072957e-2)                     \
              STEP(p, z, 1.1283791670954858e-1) STEP(p, z, -3.7612638903183748e-1)                 \
                  STEP(p, z, 1.1283791670955126)
#define ERFCX_POLY(p, t) /* 2^-56.4 */                                                             \
  (p) = -2.2891349958511748e-9;                                                                    \
  STEP(p, t, -5.6012155687178586e-10)                                                              \
  STEP(p, t, 3.2730851205491884e-8)                                                                \
  STEP(p, t, 1.5081531286948671e-8)                                                                \
  STEP(p, t, -2.528785749324591e-7) STEP(p, t, -4.7043900580396195e-8)                             \
      STEP(p, t, 1.7487168241919536e-6) STEP(p, t, -9.8091561546892391e-7)                         \
          STEP(p, t, -1.1443505143099953e-5) STEP(p, t, 2.2387562610104881e-5)                     \
              STEP(p, t, 5.164915724646596e-5) STEP(p, t, -2.9015504091414195e-4)                  \
                  STEP(p, t, 2.9371359727945966e-4) STEP(p, t, 1.7556260286400083e-3)              \
                      STEP(p, t, -9.7465795417216614e-3) STEP(p, t, 2.8362277399446402e-2)         \
                          STEP(p, t, -5.8693398591441504e-2) STEP(p, t, 9.2304321161577986e-2)     \
                              STEP(p, t, -1.0880393014165701e-1) STEP(p, t, 8.2276738490111087e-2) \
                                  STEP(p, t, 3.5854154854627321e-3)                                \
                                      STEP(p, t, -1.4024059858554668e-1)                           \
                                          STEP(p, t, 1.2375126308378276)
#include "host_math_real.h"

/* -- float ---------------------------------------------------------------------------------- */
#define real     float
#define word     uint32_t
#define FN(name) name##_f32
#define R(x)     (x##f)
#define RINT     __builtin_rintf
#if HAS_FMA
#define FMA(a, b, c) __builtin_fmaf(a, b, c)
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#endif
#define MANTISSA       23
#define BIAS           127
#define SIGN           ((word)1 << 31)
#define HALF_MASK      0xFFFFF000u
#define HIGH_MASK      0xFFFFF000u
#define SQRT_HALF_BITS 0x3F3504F3u
#define SMALLEST       0x1p-126f
#define SCALE_UP       25
#define EXP_LOW        -104.0f
#define EXP_HIGH       89.0f
#define EXPM1_LOW      -18.0f
#define LN2_HI         0x1.62e4p-1f
#define LN2_LO         0x1.7f7d1cp-20f
#define INV_LN2_HI     0x1.714p+0f
#define INV_LN2_LO     0x1.47652cp-12f
#define INV_LN10_HI    0x1.bcap-2f
#define INV_LN10_LO    0x1.7b1526p-14f
#define LOG10_2_HI     0x1.344p-2f
#define LOG10_2_LO     0x1.3509f8p-18f
#define TRIG_LIMIT     1e4f
#define PIO2_1         0x1.92p+0f
#define PIO2_2         0x1.fb4p-12f
#define PIO2_3         0x1.444p-24f
#define PIO2_4         0x1.68c234p-39f
#define ERFC_K         3.0f
#define ERFC_HIGH      11.0f
#define EXP_POLY(p, r) /* 2^-28.3 */                                                               \
  (p) = 1.381454764e-3f;                                                                           \
  STEP(p, r, 8.368717895e-3f)                                                                      \
  STEP(p, r, 4.166838926e-2f) STEP(p, r, 1.666652062e-1f) STEP(p, r, 4.999999344e-1f)
#define LOG_POLY(p, z) /* 2^-36.6 */                                                               \
  (p) = 2.358219764e-1f;                                                                           \
  STEP(p, z, 2.853730907e-1f) STEP(p, z, 4.000033513e-1f) STEP(p, z, 6.666666565e-1f)
#define SIN_POLY(p, z) /* 2^-28.1 */                                                               \
  (p) = -1.951724201e-4f;                                                                          \
  STEP(p, z, 8.332177779e-3f) STEP(p, z, -1.666665494e-1f)
#define COS_POLY(p, z) /* 2^-33.3 */                                                               \
  (p) = 2.443841863e-5f;                                                                           \
  STEP(p, z, -1.388736757e-3f) STEP(p, z, 4.166664688e-2f)
#define ERF_POLY(p, z) /* 2^-29.6 */                                                               \
  (p) = 7.853846409e-5f;                                                                           \
  STEP(p, z, -8.010201578e-4f)                                                                     \
  STEP(p, z, 5.188330341e-3f)                                                                      \
  STEP(p, z, -2.68538145e-2f) STEP(p, z, 1.128358525e-1f) STEP(p, z, -3.761262584e-1f)             \
      STEP(p, z, 1.128379166f)
#define ERFCX_POLY(p, t) /* 2^-28.5 */                                                             \
  (p) = -2.597506566e-4f;                                                                          \
  STEP(p, t, -7.563066304e-4f)                                                                     \
  STEP(p, t, 2.01406066e-3f)                                                                       \
  STEP(p, t, 2.559140516e-3f) STEP(p, t, -2.380628321e-2f) STEP(p, t, 6.829604793e-2f)             \
      STEP(p, t, -1.192693094e-1f) STEP(p, t, 1.296465392e-1f) STEP(p, t, -4.756249956e-2f)        \
          STEP(p, t, -1.356211456e-1f) STEP(p, t, 1.25300806f)
#include "host_math_real.h"

#endif
