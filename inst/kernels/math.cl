/* Functions that OpenCL C and C99 lack, in the language that both share: the OpenCL device puts
 * this text in front of kernels that need it, the host's loops include it.
 *
 * The text is compiled once per real type, with `scalar` defined as that type:
 *   scalar ag_gamma(scalar x), ag_lgamma, ag_digamma, ag_trigamma: as R's functions
 *   scalar ag_nan(scalar x): 1 for NaN, 0 for NA and numbers; scalar ag_round(x, tens, too_large)
 *   scalar ag_uniform_<scalar>(key, i), ag_normal_<scalar>(key, i): element i of a random stream
 * In OpenCL the first kind is overloaded, so float and double may stand side by side:
 *   #define scalar float    (text)    #undef scalar    #define scalar double    (text)
 * In C they are called ag_gamma_<scalar> and so on; cospi and sinpi have to be defined there.
 *
 * Random numbers: Philox 4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers:
 * as easy as 1, 2, 3"). Element i is made of the block with counter i / 4. Word w = i % 4 of it
 * gives the uniform number (word + 1/2) / 2^32, in float kept below 1; normal numbers come in pairs
 * from words (0, 1) and (2, 3) by Box and Muller (1958). */
#ifndef scalar
#define scalar float
#endif

#ifndef AG_MATH_CL
#define AG_MATH_CL

#define AG_PASTE2(name, type) name##_##type
#define AG_PASTE(name, type) AG_PASTE2(name, type)
#if defined(__OPENCL_VERSION__) || defined(__OPENCL_C_VERSION__)
typedef uint ag_u32;
typedef ulong ag_u64;
#define AG_FN(name) __attribute__((overloadable)) scalar name
#else
typedef uint32_t ag_u32;
typedef uint64_t ag_u64;
#define AG_FN(name) static inline scalar AG_PASTE(name, scalar)
#endif

typedef struct {
  ag_u32 word[4];
} ag_block;

/* The block with this counter in the stream of this key. */
static inline ag_block ag_philox(ag_u64 key, ag_u64 counter) {
  ag_u32 k0 = (ag_u32)key, k1 = (ag_u32)(key >> 32);
  ag_u32 x0 = (ag_u32)counter, x1 = (ag_u32)(counter >> 32), x2 = 0, x3 = 0;
  for (int round = 0; round < 10; round++) {
    ag_u64 p0 = (ag_u64)0xD2511F53u * x0, p1 = (ag_u64)0xCD9E8D57u * x2;
    x0 = (ag_u32)(p1 >> 32) ^ x1 ^ k0;
    x2 = (ag_u32)(p0 >> 32) ^ x3 ^ k1;
    x1 = (ag_u32)p1;
    x3 = (ag_u32)p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  ag_block b;
  b.word[0] = x0;
  b.word[1] = x1;
  b.word[2] = x2;
  b.word[3] = x3;
  return b;
}
#endif

/* A word as a number in (0, 1): the product is exact, so the result does not depend on fused
 * multiply-add; 2^-33 below 1 rounds to 1 in float. */
static inline scalar AG_PASTE(ag_unit, scalar)(ag_u32 word) {
  scalar u = (scalar)word * (scalar)(2.3283064365386962890625e-10) +
             (scalar)(1.16415321826934814453125e-10);
  return u < 1 ? u : (scalar)(0.999999940395355224609375);
}

static inline scalar AG_PASTE(ag_uniform, scalar)(ag_u64 key, ag_u64 i) {
  ag_block b = ag_philox(key, i / 4);
  return AG_PASTE(ag_unit, scalar)(b.word[i % 4]);
}

static inline scalar AG_PASTE(ag_normal, scalar)(ag_u64 key, ag_u64 i) {
  ag_block b = ag_philox(key, i / 4);
  scalar u1 = AG_PASTE(ag_unit, scalar)(b.word[i % 4 / 2 * 2]);
  scalar u2 = AG_PASTE(ag_unit, scalar)(b.word[i % 4 / 2 * 2 + 1]);
  scalar r = sqrt(-2 * log(u1));
  return i % 2 == 0 ? r * cospi(2 * u2) : r * sinpi(2 * u2);
}

/* 1 for a NaN that is not R's NA: the lower word of that is 1954, in float the lower 22 bits. */
AG_FN(ag_nan)(scalar x) {
  union {
    scalar value;
    ag_u32 single;
    ag_u64 wide;
  } u;
  u.wide = 0;
  u.value = x;
  ag_u32 low = sizeof(scalar) == 8 ? (ag_u32)u.wide : (u.single & 0x3FFFFFu);
  return ((x != x) & (low != 1954u)) ? (scalar)(1) : (scalar)(0);
}

/* The nearer one of the two decimal numbers beside x that have `digits` digits after the point,
 * the even one of two equally near: as base R since 4.0.0. tens is 10^digits, too_large the
 * least power of 2 that has no such digit. */
AG_FN(ag_round)(scalar x, scalar tens, scalar too_large) {
  scalar size = fabs(x), i = floor(size * tens);
  scalar down = i / tens, up = ceil(size * tens) / tens;
  scalar middle = i * (scalar)(0.5);
  int odd = middle != floor(middle);
  int rises = (up - size < size - down) | (odd & (up - size == size - down));
  scalar rounded = rises ? up : down;
  return ((size < too_large) & (size != 0)) ? (x < 0 ? -rounded : rounded) : x;
}

/* sin(pi x) / pi for x in [0, 1), accurate at both ends. */
static inline scalar AG_PASTE(ag_sine, scalar)(scalar x) {
  scalar pi = (scalar)(3.14159265358979323846);
  return sin(pi * (x > (scalar)(0.5) ? 1 - x : x)) / pi;
}

/* Stirling's series: log gamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2), for x >= 10
 * (Abramowitz and Stegun 6.1.41). */
static inline scalar AG_PASTE(ag_stirling, scalar)(scalar x) {
  scalar t = 1 / (x * x);
  scalar s = (scalar)(-691.0 / 360360.0) + t * (scalar)(1.0 / 156.0);
  s = (scalar)(1.0 / 1188.0) + t * s;
  s = (scalar)(-1.0 / 1680.0) + t * s;
  s = (scalar)(1.0 / 1260.0) + t * s;
  s = (scalar)(-1.0 / 360.0) + t * s;
  s = (scalar)(1.0 / 12.0) + t * s;
  return s / x;
}

/* gamma(x) for x >= 1/2: exact products for whole numbers, else x is raised above 10. */
static inline scalar AG_PASTE(ag_gamma_right, scalar)(scalar x) {
  if (x > 172) return (scalar)(INFINITY);
  scalar product = 1;
  if (x == floor(x) && x < 24) {
    while (x > 2) product *= --x;
    return product;
  }
  while (x < 10) product *= x++;
  scalar half_power = pow(x, x / 2 - (scalar)(0.25));
  scalar value = half_power * exp(AG_PASTE(ag_stirling, scalar)(x) - x) * half_power;
  return value * (scalar)(2.50662827463100050242) / product;
}

/* Left of 1/2 by reflection: gamma(x) gamma(1 - x) = pi / sin(pi x). */
AG_FN(ag_gamma)(scalar x) {
  if (x >= (scalar)(0.5)) return AG_PASTE(ag_gamma_right, scalar)(x);
  scalar whole = floor(x), fraction = x - whole;
  if (!(fraction > 0)) return (scalar)(NAN);
  scalar odd = fmod(whole, (scalar)(2));
  scalar sine = AG_PASTE(ag_sine, scalar)(fraction);
  return 1 / ((odd != 0 ? -sine : sine) * AG_PASTE(ag_gamma_right, scalar)(1 - x));
}

AG_FN(ag_lgamma)(scalar x) {
  scalar z = x < (scalar)(0.5) ? 1 - x : x, value;
  if (z < 10)
    value = log(AG_PASTE(ag_gamma_right, scalar)(z));
  else if (z < (scalar)(INFINITY))
    value = (z - (scalar)(0.5)) * (log(z) - 1) + AG_PASTE(ag_stirling, scalar)(z) +
            (scalar)(0.91893853320467274178 - 0.5);
  else
    return z;
  if (x >= (scalar)(0.5)) return value;
  return -log(AG_PASTE(ag_sine, scalar)(x - floor(x))) - value;
}

/* pi / tan(pi x); NaN for whole numbers. */
static inline scalar AG_PASTE(ag_cotangent, scalar)(scalar x) {
  scalar pi = (scalar)(3.14159265358979323846), f = x - floor(x);
  if (!(f > 0)) return (scalar)(NAN);
  return f > (scalar)(0.5) ? -pi / tan(pi * (1 - f)) : pi / tan(pi * f);
}

/* Abramowitz and Stegun 6.3.18, raised above 10 by 6.3.5, reflected by 6.3.7. */
AG_FN(ag_digamma)(scalar x) {
  scalar z = x > 0 ? x : 1 - x, sum = 0;
  while (z < 10) sum += 1 / z++;
  if (!(z < (scalar)(INFINITY))) return x > 0 ? z : (scalar)(NAN);
  scalar t = 1 / (z * z);
  scalar s = (scalar)(691.0 / 32760.0) - t * (scalar)(1.0 / 12.0);
  s = (scalar)(-1.0 / 132.0) + t * s;
  s = (scalar)(1.0 / 240.0) + t * s;
  s = (scalar)(-1.0 / 252.0) + t * s;
  s = (scalar)(1.0 / 120.0) + t * s;
  s = (scalar)(-1.0 / 12.0) + t * s;
  scalar value = log(z) - (scalar)(0.5) / z + t * s - sum;
  return x > 0 ? value : value - AG_PASTE(ag_cotangent, scalar)(x);
}

/* Abramowitz and Stegun 6.4.12, raised above 10 by 6.4.6, reflected by 6.4.7. */
AG_FN(ag_trigamma)(scalar x) {
  scalar z = x > 0 ? x : 1 - x, sum = 0;
  for (; z < 10; z++) sum += 1 / (z * z);
  scalar t = 1 / (z * z);
  scalar s = (scalar)(-691.0 / 2730.0) + t * (scalar)(7.0 / 6.0);
  s = (scalar)(5.0 / 66.0) + t * s;
  s = (scalar)(-1.0 / 30.0) + t * s;
  s = (scalar)(1.0 / 42.0) + t * s;
  s = (scalar)(-1.0 / 30.0) + t * s;
  s = (scalar)(1.0 / 6.0) + t * s;
  scalar value = (1 + (scalar)(0.5) / z + t * s) / z + sum;
  if (x > 0 || x != x) return value;
  scalar sine = AG_PASTE(ag_sine, scalar)(x - floor(x));
  return 1 / (sine * sine) - value;
}
