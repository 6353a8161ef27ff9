/* host_math.h's functions for one type: `real`, `word` (unsigned, as wide), FN(name), R(constant),
 * FMA, RINT and the numbers defined there. All of them are undefined at the end. */

MATH_INLINE word FN(bits)(real x) {
  word u;
  memcpy(&u, &x, sizeof u);
  return u;
}
MATH_INLINE real FN(unbits)(word u) {
  real x;
  memcpy(&x, &u, sizeof x);
  return x;
}
MATH_INLINE real FN(abs)(real x) { return FN(unbits)(FN(bits)(x) & ~SIGN); }
MATH_INLINE real FN(with_sign)(real size, real sign) {
  return FN(unbits)(FN(bits)(size) | (FN(bits)(sign) & SIGN));
}
/* Added to a number and subtracted again, this rounds it to a whole number, whose two's complement
 * then stands in the low bits of the sum. */
#define ROUNDER (R(1.5) * (real)((word)1 << MANTISSA))

/* x = k ln 2 + r, |r| <= ln(2) / 2; p = exp(r) - 1. Returns k + ROUNDER. */
MATH_INLINE real FN(exp_parts)(real x, real *p) {
  real shifted = x * (INV_LN2_HI + INV_LN2_LO) + ROUNDER, k = shifted - ROUNDER, q;
  real r = FMA(k, -LN2_LO, FMA(k, -LN2_HI, x));
  EXP_POLY(q, r)
  *p = FMA(r * r, q, r);
  return shifted;
}

MATH_INLINE real FN(exp)(real x) {
  real p;
  x = x > EXP_HIGH ? EXP_HIGH : x;
  x = x < EXP_LOW ? EXP_LOW : x;
  real shifted = FN(exp_parts)(x, &p);
  /* 2^k as a product of two powers: k may lie beyond the exponents of normal numbers. */
  word k = FN(bits)(shifted) - FN(bits)(ROUNDER) + 2 * BIAS, half = k >> 1;
  return (1 + p) * FN(unbits)(half << MANTISSA) * FN(unbits)((k - half) << MANTISSA);
}

/* 2^k (1 + p) - 1, halved so that 2^k does not overflow. */
MATH_INLINE real FN(expm1)(real x) {
  real p, z = x > EXP_HIGH ? EXP_HIGH : x;
  z = z < EXPM1_LOW ? EXPM1_LOW : z;
  real shifted = FN(exp_parts)(z, &p);
  word k = FN(bits)(shifted) - FN(bits)(ROUNDER) + BIAS - 1;
  real scale = FN(unbits)(k << MANTISSA);
  real value = 2 * FMA(scale, p, scale - R(0.5));
  return FN(abs)(x) < SMALLEST * 4 ? x : value;
}

MATH_INLINE real FN(tanh)(real x) {
  real t = FN(expm1)(-2 * FN(abs)(x));
  return FN(with_sign)(-t / (2 + t), x);
}

/* x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); rest = log(1 + f) - (f - f f / 2). */
typedef struct {
  real k, f, square_half, rest;
} FN(log_parts_t);

MATH_INLINE FN(log_parts_t) FN(log_parts)(real x) {
  FN(log_parts_t) v;
  const word offset = FN(bits)(R(1.0)) - SQRT_HALF_BITS, mask = ((word)1 << MANTISSA) - 1;
  const real whole = (real)((word)1 << MANTISSA);
  int subnormal = x < SMALLEST;
  real up = subnormal ? (real)((word)1 << SCALE_UP) : 1;
  real down = subnormal ? whole + (BIAS + SCALE_UP) : whole + BIAS;
  word u = FN(bits)(x * up) + offset;
  v.k = FN(unbits)((u >> MANTISSA) | FN(bits)(whole)) - down;
  v.f = FN(unbits)((u & mask) + SQRT_HALF_BITS) - 1;
  real s = v.f / (2 + v.f), z = s * s, p;
  LOG_POLY(p, z)
  v.square_half = R(0.5) * v.f * v.f;
  v.rest = s * FMA(z, p, v.square_half);
  return v;
}

/* The value of a logarithm where x is 0, Inf, negative or NaN. */
MATH_INLINE real FN(log_edges)(real x, real value) {
  real edge = x == 0 ? -(real)INFINITY : x < 0 ? (real)NAN : x;
  return ((x > 0) & (x < (real)INFINITY)) ? value : edge;
}

/* log(x + c) for a c too small to be seen in x: log(x) + c / x. */
MATH_INLINE real FN(log_sum)(real x, real c) {
  FN(log_parts_t) v = FN(log_parts)(x);
  real low = v.rest + FMA(v.k, LN2_LO, c);
  return FN(log_edges)(x, FMA(v.k, LN2_HI, v.f - (v.square_half - low)));
}
MATH_INLINE real FN(log)(real x) { return FN(log_sum)(x, 0); }
MATH_INLINE real FN(log1p)(real x) {
  real u = 1 + x, lost = x > 1 ? 1 - (u - x) : x - (u - 1);
  return FN(log_sum)(u, lost / u);
}

/* k * unit + log(1 + f) * inverse in two parts: exact for powers of the base. */
MATH_INLINE real FN(log_base)(real x, real unit_hi, real unit_lo, real inv_hi, real inv_lo) {
  FN(log_parts_t) v = FN(log_parts)(x);
  real hi = FN(unbits)(FN(bits)(v.f - v.square_half) & HIGH_MASK);
  real lo = v.f - hi - v.square_half + v.rest;
  real main = v.k * unit_hi, top = hi * inv_hi, sum = main + top;
  real low = lo * inv_hi + (lo + hi) * inv_lo + v.k * unit_lo + (main - sum + top);
  return FN(log_edges)(x, sum + low);
}
MATH_INLINE real FN(log2)(real x) { return FN(log_base)(x, 1, 0, INV_LN2_HI, INV_LN2_LO); }
MATH_INLINE real FN(log10)(real x) {
  return FN(log_base)(x, LOG10_2_HI, LOG10_2_LO, INV_LN10_HI, INV_LN10_LO);
}

/* sin(r + quadrant pi / 2), |r| <= pi / 4 */
MATH_INLINE real FN(sin_quadrant)(real r, word quadrant) {
  real z = r * r, s, c;
  SIN_POLY(s, z)
  s = FMA(r * z, s, r);
  COS_POLY(c, z)
  real half = R(0.5) * z, w = 1 - half;
  c = w + FMA(z * z, c, 1 - w - half);
  return FN(unbits)(FN(bits)(quadrant & 1 ? c : s) ^ ((quadrant & 2) << (8 * sizeof(word) - 2)));
}

/* |x| <= TRIG_LIMIT */
MATH_INLINE real FN(trig)(real x, word quadrant) {
  real shifted = x * R(0.636619772367581343076) + ROUNDER, k = shifted - ROUNDER;
  real r = FMA(k, -PIO2_2, FMA(k, -PIO2_1, x));
  r = FMA(k, -PIO2_4, FMA(k, -PIO2_3, r));
  return FN(sin_quadrant)(r, FN(bits)(shifted) + quadrant);
}
MATH_INLINE real FN(sin_near)(real x) { return FN(trig)(x, 0); }
MATH_INLINE real FN(cos_near)(real x) { return FN(trig)(x, 1); }
MATH_INLINE int FN(is_near)(real x) { return FN(abs)(x) <= TRIG_LIMIT; }

MATH_INLINE real FN(trig_pi)(real x, word quadrant) {
  real turn = x - 2 * RINT(R(0.5) * x); /* exact, in -1 .. 1 */
  real shifted = 2 * turn + ROUNDER, k = shifted - ROUNDER;
  real r = R(3.14159265358979323846) * (turn - R(0.5) * k);
  return FN(sin_quadrant)(r, FN(bits)(shifted) + quadrant);
}
MATH_INLINE real FN(sinpi)(real x) { return FN(trig_pi)(x, 0); }
MATH_INLINE real FN(cospi)(real x) { return FN(trig_pi)(x, 1); }
MATH_INLINE real FN(tanpi)(real x) { return FN(sinpi)(x) / FN(cospi)(x); }

/* erfc(x), x >= 0; what x * x loses comes back into the exponent. */
MATH_INLINE real FN(erfc_right)(real x) {
  x = x > ERFC_HIGH ? ERFC_HIGH : x;
  real t = (x - ERFC_K) / (x + ERFC_K), p;
  ERFCX_POLY(p, t)
  real square = x * x, hi = FN(unbits)(FN(bits)(x) & HALF_MASK), lo = x - hi;
  real lost = hi * hi - square + 2 * hi * lo + lo * lo, e = FN(exp)(-square);
  return FMA(-lost, e, e) * p / FMA(2, x, 1);
}
MATH_INLINE real FN(erfc)(real x) {
  real value = FN(erfc_right)(FN(abs)(x));
  return x < 0 ? 2 - value : value;
}
MATH_INLINE real FN(erf)(real x) {
  real far = 1 - FN(erfc_right)(FN(abs)(x)), z = x * x, p;
  z = z > 1 ? 1 : z;
  ERF_POLY(p, z)
  return FN(abs)(x) < 1 ? x * p : FN(with_sign)(far, x);
}

#undef ROUNDER
#undef real
#undef word
#undef FN
#undef R
#undef RINT
#undef FMA
#undef MANTISSA
#undef BIAS
#undef SIGN
#undef HALF_MASK
#undef HIGH_MASK
#undef SQRT_HALF_BITS
#undef SMALLEST
#undef SCALE_UP
#undef EXP_LOW
#undef EXP_HIGH
#undef EXPM1_LOW
#undef LN2_HI
#undef LN2_LO
#undef INV_LN2_HI
#undef INV_LN2_LO
#undef INV_LN10_HI
#undef INV_LN10_LO
#undef LOG10_2_HI
#undef LOG10_2_LO
#undef TRIG_LIMIT
#undef PIO2_1
#undef PIO2_2
#undef PIO2_3
#undef PIO2_4
#undef ERFC_K
#undef ERFC_HIGH
#undef EXP_POLY
#undef LOG_POLY
#undef SIN_POLY
#undef COS_POLY
#undef ERF_POLY
#undef ERFCX_POLY
