/* The loops of ops.def for one type: `real`, FN(name) for our functions, LIBM(name) for the C
 * library's, ROOTS(y, x) for a vector of square roots. Included twice by host_loops.h; all of it is
 * undefined at the end. */

/* The names that the rows use. Ours are vector code; the others are called element by element. */
#define exp(x)                   FN(exp)(x)
#define expm1(x)                 FN(expm1)(x)
#define log(x)                   FN(log)(x)
#define log1p(x)                 FN(log1p)(x)
#define log2(x)                  FN(log2)(x)
#define log10(x)                 FN(log10)(x)
#define tanh(x)                  FN(tanh)(x)
#define cospi(x)                 FN(cospi)(x)
#define sinpi(x)                 FN(sinpi)(x)
#define tanpi(x)                 FN(tanpi)(x)
#define erf(x)                   FN(erf)(x)
#define erfc(x)                  FN(erfc)(x)
#define fabs(x)                  LIBM(fabs)(x)
#define floor(x)                 LIBM(floor)(x)
#define ceil(x)                  LIBM(ceil)(x)
#define trunc(x)                 LIBM(trunc)(x)
#define rint(x)                  LIBM(rint)(x)
#define sqrt(x)                  LIBM(sqrt)(x)
#define fmod(x, y)               LIBM(fmod)(x, y)
#define atan2(x, y)              LIBM(atan2)(x, y)
#define acos(x)                  LIBM(acos)(x)
#define asin(x)                  LIBM(asin)(x)
#define atan(x)                  LIBM(atan)(x)
#define cosh(x)                  LIBM(cosh)(x)
#define sinh(x)                  LIBM(sinh)(x)
#define acosh(x)                 LIBM(acosh)(x)
#define asinh(x)                 LIBM(asinh)(x)
#define atanh(x)                 LIBM(atanh)(x)
#define ag_nan(x)                AG_PASTE(ag_nan, real)(x)
#define ag_round(x, tens, large) AG_PASTE(ag_round, real)(x, tens, large)
/* Float through double: their recurrences would lose digits. */
#define ag_gamma(x)    (real) ag_gamma_double(x)
#define ag_lgamma(x)   (real) ag_lgamma_double(x)
#define ag_digamma(x)  (real) ag_digamma_double(x)
#define ag_trigamma(x) (real) ag_trigamma_double(x)

/* sin, cos, tan are vector code near 0 only. `far` is a constant where they are used: see GUARDED.
 */
enum { FN(far) = 1 };
#define far FN(far)
MATH_INLINE real FN(sin_any)(real x, int is_far) {
  return is_far ? (real)LIBM(sin)(x) : FN(sin_near)(x);
}
MATH_INLINE real FN(cos_any)(real x, int is_far) {
  return is_far ? (real)LIBM(cos)(x) : FN(cos_near)(x);
}
MATH_INLINE real FN(tan_any)(real x, int is_far) {
  return is_far ? (real)LIBM(tan)(x) : FN(sin_near)(x) / FN(cos_near)(x);
}
#define sin(x) FN(sin_any)(x, far)
#define cos(x) FN(cos_any)(x, far)
#define tan(x) FN(tan_any)(x, far)

/* Likewise pow(): the loop of the row `pow` computes the powers beforehand, see POWER. */
enum { FN(known) = 0 };
static const real FN(known_power) = 0;
#define known       FN(known)
#define known_power FN(known_power)
#define pow(x, y)   (known ? known_power : FN(pow)(x, y))

/* A loop that goes in pieces: vector code where all of a piece is near, else the C library. */
#define GUARDED(fn, text)                                                                          \
  static void fn(int64_t n, void *to, const void *pa, const void *pb, const void *py) {            \
    real *result = to;                                                                             \
    const real *va = pa;                                                                           \
    (void)pb, (void)py;                                                                            \
    for (int64_t first = 0, last; first < n; first = last) {                                       \
      int near = 1;                                                                                \
      last = n - first < 256 ? n : first + 256;                                                    \
      for (int64_t i = first; i < last; i++) near &= FN(is_near)(va[i]);                           \
      if (near) {                                                                                  \
        enum { far = 0 };                                                                          \
        INDEPENDENT                                                                                \
        for (int64_t i = first; i < last; i++) {                                                   \
          const real a = va[i];                                                                    \
          result[i] = text;                                                                        \
        }                                                                                          \
      } else {                                                                                     \
        for (int64_t i = first; i < last; i++) {                                                   \
          const real a = va[i];                                                                    \
          result[i] = text;                                                                        \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
  }

#define WIDTH (VBYTES / (int)sizeof(real))
#define ROOT(fn, text)                                                                             \
  static void fn(int64_t n, void *to, const void *pa, const void *pb, const void *py) {            \
    real *result = to;                                                                             \
    const real *va = pa;                                                                           \
    int64_t i = 0;                                                                                 \
    (void)pb, (void)py;                                                                            \
    for (; n - i >= WIDTH; i += WIDTH) ROOTS(result + i, va + i);                                  \
    for (; i < n; i++) {                                                                           \
      const real a = va[i];                                                                        \
      result[i] = text;                                                                            \
    }                                                                                              \
  }

/* A power with the same exponent throughout (x^2, x^-1) is arithmetic. */
LOOP(FN(power_1), real, real, a)
LOOP(FN(power_2), real, real, (a * a))
LOOP(FN(power_3), real, real, (a * a * a))
ROOT(FN(power_half), sqrt(a))
LOOP(FN(power_minus_1), real, real, 1 / (a == 0 ? (real)0 : a))

static ag_loop FN(power_of)(int64_t n, const real *exponent) {
  int same = 1;
  if (n == 0) return NULL;
  for (int64_t i = 0; i < n; i++) same &= exponent[i] == exponent[0];
  if (!same) return NULL;
  return exponent[0] == 1           ? FN(power_1)
         : exponent[0] == 2         ? FN(power_2)
         : exponent[0] == 3         ? FN(power_3)
         : exponent[0] == (real)0.5 ? FN(power_half)
         : exponent[0] == -1        ? FN(power_minus_1)
                                    : NULL;
}

/* In pieces: the powers first, then the row's text around them. */
#define POWER(fn, text)                                                                            \
  static void fn(int64_t n, void *to, const void *pa, const void *pb, const void *py) {            \
    real *result = to, power[256];                                                                 \
    const real *va = pa, *vb = pb;                                                                 \
    ag_loop special = FN(power_of)(n, pb);                                                         \
    if (special) {                                                                                 \
      special(n, to, pa, pb, py);                                                                  \
      return;                                                                                      \
    }                                                                                              \
    for (int64_t first = 0, count; first < n; first += count) {                                    \
      count = n - first < 256 ? n - first : 256;                                                   \
      for (int64_t i = 0; i < count; i++) power[i] = FN(pow)(va[first + i], vb[first + i]);        \
      INDEPENDENT                                                                                  \
      for (int64_t i = 0; i < count; i++) {                                                        \
        enum { known = 1 };                                                                        \
        const real a = va[first + i], b = vb[first + i], known_power = power[i];                   \
        result[first + i] = text;                                                                  \
      }                                                                                            \
    }                                                                                              \
  }

#define PLAIN(fn, text)      LOOP(fn, real, real, text)
#define CALLS(fn, text)      LOOP_AS(fn, real, real, text, ) /* nothing to make vector code of */
#define COMPARISON(fn, text) LOOP(fn, int32_t, real, ((a != a) | (b != b)) ? NA_INT : (text))
#define TESTING(fn, text)    LOOP(fn, int32_t, real, text)
#define INTEGER(fn, text)    LOOP(fn, int32_t, int32_t, text)
#define INTEGERS(fn, text)                                                                         \
  LOOP(fn, int32_t, int32_t, ((a == NA_INT) | (b == NA_INT)) ? NA_INT : (text))
#define FORM_ARITH      PLAIN
#define FORM_MATH       PLAIN
#define FORM_NN         PLAIN
#define FORM_COMPARE    COMPARISON
#define FORM_TEST       TESTING
#define FORM_LOGIC      INTEGER
#define FORM_INT        INTEGER
#define FORM_INTCOMPARE INTEGERS
/* FORM(name, usual): the macro that makes the loop of this row: the usual one, or what
 * SPECIAL_<name> says behind a comma. */
#define SPECIAL_sin          ~, GUARDED
#define SPECIAL_cos          ~, GUARDED
#define SPECIAL_tan          ~, GUARDED
#define SPECIAL_sin_da       ~, GUARDED
#define SPECIAL_cos_da       ~, GUARDED
#define SPECIAL_pow          ~, POWER
#define SPECIAL_sqrt         ~, ROOT
#define SPECIAL_mod          ~, CALLS
#define SPECIAL_idiv         ~, CALLS
#define SPECIAL_pow_da       ~, CALLS
#define SPECIAL_acos         ~, CALLS
#define SPECIAL_acos_da      ~, CALLS
#define SPECIAL_asin         ~, CALLS
#define SPECIAL_asin_da      ~, CALLS
#define SPECIAL_atan         ~, CALLS
#define SPECIAL_cosh         ~, CALLS
#define SPECIAL_cosh_da      ~, CALLS
#define SPECIAL_sinh         ~, CALLS
#define SPECIAL_sinh_da      ~, CALLS
#define SPECIAL_acosh        ~, CALLS
#define SPECIAL_acosh_da     ~, CALLS
#define SPECIAL_asinh        ~, CALLS
#define SPECIAL_asinh_da     ~, CALLS
#define SPECIAL_atanh        ~, CALLS
#define SPECIAL_lgamma       ~, CALLS
#define SPECIAL_lgamma_da    ~, CALLS
#define SPECIAL_gamma        ~, CALLS
#define SPECIAL_gamma_da     ~, CALLS
#define SPECIAL_digamma      ~, CALLS
#define SPECIAL_digamma_da   ~, CALLS
#define SPECIAL_trigamma     ~, CALLS
#define SPECIAL_atan2        ~, CALLS
#define SECOND_OF(a, b, ...) b
#define FORM_OF(...)         SECOND_OF(__VA_ARGS__)
#define FORM(name, usual)    FORM_OF(SPECIAL_##name, usual, ~)

#define OP(name, r, arity, group, forward, da, db, domain, title)                                  \
  FORM(name, FORM_##group)                                                                         \
  (FN(loop_##name), forward) FORM(name##_da, PLAIN)(FN(loop_##name##_da), da)                      \
      FORM(name##_db, PLAIN)(FN(loop_##name##_db), db)
#include "ops.def"
#undef OP

#undef exp
#undef expm1
#undef log
#undef log1p
#undef log2
#undef log10
#undef tanh
#undef cospi
#undef sinpi
#undef tanpi
#undef erf
#undef erfc
#undef pow
#undef fabs
#undef floor
#undef ceil
#undef trunc
#undef rint
#undef sqrt
#undef fmod
#undef atan2
#undef acos
#undef asin
#undef atan
#undef cosh
#undef sinh
#undef acosh
#undef asinh
#undef atanh
#undef ag_nan
#undef ag_round
#undef ag_gamma
#undef ag_lgamma
#undef ag_digamma
#undef ag_trigamma
#undef far
#undef known
#undef known_power
#undef sin
#undef cos
#undef tan
#undef GUARDED
#undef POWER
#undef ROOT
#undef WIDTH
#undef ROOTS
#undef PLAIN
#undef COMPARISON
#undef TESTING
#undef INTEGER
#undef INTEGERS
#undef FORM_ARITH
#undef FORM_MATH
#undef FORM_NN
#undef FORM_COMPARE
#undef FORM_TEST
#undef FORM_LOGIC
#undef FORM_INT
#undef FORM_INTCOMPARE
#undef SPECIAL_sin
#undef SPECIAL_cos
#undef SPECIAL_tan
#undef SPECIAL_sin_da
#undef SPECIAL_cos_da
#undef SPECIAL_pow
#undef SPECIAL_sqrt
#undef SPECIAL_mod
#undef SPECIAL_idiv
#undef SPECIAL_pow_da
#undef SPECIAL_acos
#undef SPECIAL_acos_da
#undef SPECIAL_asin
#undef SPECIAL_asin_da
#undef SPECIAL_atan
#undef SPECIAL_cosh
#undef SPECIAL_cosh_da
#undef SPECIAL_sinh
#undef SPECIAL_sinh_da
#undef SPECIAL_acosh
#undef SPECIAL_acosh_da
#undef SPECIAL_asinh
#undef SPECIAL_asinh_da
#undef SPECIAL_atanh
#undef SPECIAL_lgamma
#undef SPECIAL_lgamma_da
#undef SPECIAL_gamma
#undef SPECIAL_gamma_da
#undef SPECIAL_digamma
#undef SPECIAL_digamma_da
#undef SPECIAL_trigamma
#undef SPECIAL_atan2
#undef CALLS
#undef SECOND_OF
#undef FORM_OF
#undef FORM
#undef real
#undef FN
#undef LIBM
