/* The operations of ops.def on every instruction set this processor has: accuracy against the C
 * library, and R's rules for the edges. */
#include "isa_kit.h"

#include <float.h>

/* -- accuracy ------------------------------------------------------------------------------- */
typedef long double (*reference)(long double);
static const long double pi = 3.14159265358979323846264338327950288L;
static long double ref_sigmoid(long double x) { return 1 / (1 + expl(-x)); }
static long double ref_softplus(long double x) { return fmaxl(x, 0) + log1pl(expl(-fabsl(x))); }
static long double ref_gelu(long double x) { return x / 2 * erfcl(-x * sqrtl(0.5L)); }
/* An angle of x half turns, reduced without error. */
static long double turn(long double x) { return remainderl(x, 2); }
static long double ref_sinpi(long double x) {
  long double t = turn(x);
  return fabsl(t) <= 0.25L   ? sinl(pi * t)
         : fabsl(t) <= 0.75L ? copysignl(cosl(pi * (fabsl(t) - 0.5L)), t)
                             : copysignl(sinl(pi * (1 - fabsl(t))), t);
}
static long double ref_cospi(long double x) { return ref_sinpi(0.5L - fabsl(turn(x))); }
static long double ref_tanpi(long double x) { return ref_sinpi(x) / ref_cospi(x); }

/* Allowed errors in units of the last place. `lo`, `hi`: the range; beyond it only edges are tried.
 */
static const struct {
  int op;
  reference ref;
  double lo, hi, ulps64, ulps32;
} vectorised[] = {
    {AG_OP_exp, expl, -760, 720, 1.5, 1.5},
    {AG_OP_expm1, expm1l, -50, 720, 2, 2},
    {AG_OP_log, logl, 0, INFINITY, 1.5, 1.5},
    {AG_OP_log2, log2l, 0, INFINITY, 2, 2},
    {AG_OP_log10, log10l, 0, INFINITY, 2, 2},
    {AG_OP_log1p, log1pl, -1, INFINITY, 2, 2},
    {AG_OP_tanh, tanhl, -30, 30, 3, 3},
    {AG_OP_sin, sinl, -9e3, 9e3, 2.5, 2.5},
    {AG_OP_sin, sinl, -9e5, 9e5, 2.5, 2.5},
    {AG_OP_sin, sinl, -2e9, 2e9, 2, 2},
    {AG_OP_cos, cosl, -9e3, 9e3, 2.5, 2.5},
    {AG_OP_cos, cosl, -9e5, 9e5, 2.5, 2.5},
    {AG_OP_tan, tanl, -9e3, 9e3, 4, 4},
    {AG_OP_sinpi, ref_sinpi, -1e6, 1e6, 3, 3},
    {AG_OP_cospi, ref_cospi, -1e6, 1e6, 3, 3},
    {AG_OP_tanpi, ref_tanpi, -100, 100, 5, 5},
    {AG_OP_erf, erfl, -30, 30, 2.5, 2.5},
    /* the left tail magnifies the rounding of the argument of erfc */
    {AG_OP_gelu, ref_gelu, -10, 36, 120, 120},
    {AG_OP_sigmoid, ref_sigmoid, -87, 700, 3, 3},
    {AG_OP_softplus, ref_softplus, -700, 700, 4, 4},
    {AG_OP_sqrt, sqrtl, 0, INFINITY, 0.5, 0.5},
    {AG_OP_abs, fabsl, -INFINITY, INFINITY, 0, 0},
    {AG_OP_floor, floorl, -1e20, 1e20, 0, 0},
    {AG_OP_ceiling, ceill, -1e20, 1e20, 0, 0},
    {AG_OP_trunc, truncl, -1e20, 1e20, 0, 0},
    {AG_OP_round, rintl, -1e20, 1e20, 0, 0},
};

/* Half of the points evenly, half by size down to the smallest numbers, both signs where allowed.
 */
static double point(double lo, double hi, int is_float) {
  double most = is_float ? FLT_MAX : DBL_MAX, least = is_float ? 0x1p-149 : 0x1p-1074;
  if (uniform() < 0.5 && isfinite(lo) && isfinite(hi)) return lo + (hi - lo) * uniform();
  double size = hi < most ? hi : most;
  double x = exp(log(least) + (log(size) - log(least)) * uniform());
  return lo < 0 && uniform() < 0.5 ? fmax(-x, lo) : x;
}

static double ulps(long double want, double got, int is_float) {
  double most = is_float ? FLT_MAX : DBL_MAX;
  if (isnan(want) || isnan(got)) return isnan(want) && isnan(got) ? 0 : INFINITY;
  double rounded = is_float ? (double)(float)want : (double)want;
  if (rounded == got) return 0;
  if (isinf(rounded)) rounded = copysign(most, rounded), want = rounded;
  if (isinf(got)) got = copysign(most, got);
  int e, digits = is_float ? 24 : 53, least = is_float ? -149 : -1074;
  frexp(rounded, &e);
  return (double)(fabsl((long double)got - want) /
                  ldexpl(1, e - digits < least ? least : e - digits));
}

static void check_accuracy(int row, int is_float) {
  static double x[N], y[N];
  static float xf[N], yf[N];
  const double edge[] = {0.0,       -0.0,       INFINITY, -INFINITY, NAN,      1,        -1,
                         0x1p-1074, -0x1p-1074, DBL_MIN,  DBL_MAX,   -DBL_MAX, 0x1p-149, FLT_MIN,
                         FLT_MAX,   -FLT_MAX,   0.5,      1000,      10};
  const int nedge = (int)(sizeof edge / sizeof *edge);
  const ag_op op = (ag_op)vectorised[row].op;
  double worst = 0, at = 0, limit = is_float ? vectorised[row].ulps32 : vectorised[row].ulps64;
  for (int round = 0; round < 25; round++) {
    for (int i = 0; i < N; i++) {
      x[i] = round == 0 && i < nedge ? edge[i]
                                     : point(vectorised[row].lo, vectorised[row].hi, is_float);
      xf[i] = (float)x[i];
      if (is_float) x[i] = xf[i];
    }
    if (is_float) isa->op_f32[op](N, yf, xf, xf, xf);
    else isa->op_f64[op](N, y, x, x, x);
    for (int i = 0; i < N; i++) {
      /* Infinite arguments of oscillating functions and the poles of tanpi are NaN in R. */
      int pole = op == AG_OP_tanpi && x[i] - floor(x[i]) == 0.5;
      long double want = pole ? NAN : vectorised[row].ref(x[i]);
      double u = ulps(want, is_float ? yf[i] : y[i], is_float);
      if (u > worst || isnan(u)) worst = u, at = x[i];
    }
  }
  char name[64], detail[64];
  snprintf(name, sizeof name, "%s %s (%.2f ulp)", ag_op_get(op)->name, is_float ? "f32" : "f64",
           worst);
  snprintf(detail, sizeof detail, "at %a = %.9g", at, at);
  check(worst <= limit, name, detail);
}

/* -- R's rules ------------------------------------------------------------------------------ */
static const double nan_ = NAN;
static const struct {
  int op;
  double a, b, want;
} rules[] = {
    {AG_OP_pow, 0, 0, 1},
    {AG_OP_pow, 1, 1e99, 1},
    {AG_OP_pow, NAN, 0, 1},
    {AG_OP_pow, 1, NAN, 1},
    {AG_OP_pow, 0, -1, INFINITY},
    {AG_OP_pow, -0.0, -1, INFINITY},
    {AG_OP_pow, -0.0, -3, INFINITY},
    {AG_OP_pow, 0, 2.5, 0},
    {AG_OP_pow, -8, 3, -512},
    {AG_OP_pow, -8, -1, -0.125},
    {AG_OP_pow, -8, 0.5, NAN},
    {AG_OP_pow, -8, 1.5, NAN},
    {AG_OP_pow, -2, INFINITY, NAN},
    {AG_OP_pow, -0.5, -INFINITY, NAN},
    {AG_OP_pow, 2, INFINITY, INFINITY},
    {AG_OP_pow, 2, -INFINITY, 0},
    {AG_OP_pow, 0.5, INFINITY, 0},
    {AG_OP_pow, INFINITY, -1, 0},
    {AG_OP_pow, -INFINITY, 3, -INFINITY},
    {AG_OP_pow, -INFINITY, 0.5, NAN},
    {AG_OP_pow, -INFINITY, 2, INFINITY},
    {AG_OP_pow, 2, 10, 1024},
    {AG_OP_pow, 9, 0.5, 3},
    {AG_OP_pow, NAN, 2, NAN},
    {AG_OP_pow, 2, NAN, NAN},
    {AG_OP_pow, 0, NAN, NAN},
    {AG_OP_pow, 3, 3, 27},
    {AG_OP_mod, 5.5, 2, 1.5},
    {AG_OP_mod, -5.5, 2, 0.5},
    {AG_OP_mod, 5.5, -2, -0.5},
    {AG_OP_mod, -5.5, -2, -1.5},
    {AG_OP_mod, 5, 0, NAN},
    {AG_OP_mod, 5, INFINITY, 5},
    {AG_OP_mod, -5, INFINITY, INFINITY},
    {AG_OP_mod, INFINITY, 5, NAN},
    {AG_OP_mod, 6, 3, 0},
    {AG_OP_mod, -6, 4, 2},
    {AG_OP_mod, NAN, 4, NAN},
    {AG_OP_idiv, 5.5, 2, 2},
    {AG_OP_idiv, -5.5, 2, -3},
    {AG_OP_idiv, 5.5, -2, -3},
    {AG_OP_idiv, 6, 3, 2},
    {AG_OP_idiv, -6, 3, -2},
    {AG_OP_idiv, 5, 0, INFINITY},
    {AG_OP_idiv, -5, 0, -INFINITY},
    {AG_OP_idiv, 0, 0, NAN},
    {AG_OP_idiv, 5, INFINITY, 0},
    {AG_OP_idiv, -5, INFINITY, -1},
    {AG_OP_idiv, 0x1p60, 1, 0x1p60},
    {AG_OP_pmin, NAN, 1, NAN},
    {AG_OP_pmin, 1, NAN, NAN},
    {AG_OP_pmin, 2, 1, 1},
    {AG_OP_pmax, 2, 1, 2},
    {AG_OP_pmax, 1, NAN, NAN},
    {AG_OP_pmax, NAN, 1, NAN},
    {AG_OP_sign, -3, 0, -1},
    {AG_OP_sign, 0, 0, 0},
    {AG_OP_sign, NAN, 0, NAN},
    {AG_OP_relu, NAN, 0, NAN},
    {AG_OP_relu, -1, 0, 0},
    {AG_OP_round, 0.5, 0, 0},
    {AG_OP_round, 2.5, 0, 2},
    {AG_OP_round, -1.5, 0, -2},
    {AG_OP_gamma, 5, 0, 24},
    {AG_OP_gamma, 0, 0, NAN},
    {AG_OP_gamma, -1, 0, NAN},
    {AG_OP_gamma, 200, 0, INFINITY},
    {AG_OP_lgamma, 0, 0, INFINITY},
    {AG_OP_lgamma, -3, 0, INFINITY},
    {AG_OP_lgamma, 1, 0, 0},
    {AG_OP_digamma, 0, 0, NAN},
    {AG_OP_trigamma, -1, 0, INFINITY},
    {AG_OP_tanpi, 0.5, 0, NAN},
    {AG_OP_sinpi, 1, 0, 0},
    {AG_OP_cospi, 0.5, 0, 0},
    {AG_OP_cospi, 1, 0, -1},
    {AG_OP_log10, 1000, 0, 3},
    {AG_OP_abs_da, 0, 0, 0},
    {AG_OP_pow_da, -3, 2, -6},
    {AG_OP_pow_da, 0, 0, 0},
    {AG_OP_pow_da, 0, 1, 1},
    {AG_OP_pow_db, -3, 2, 0},
};

static void check_rules(void) {
  char name[64], detail[96];
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    double a[40], b[40], y[40];
    float af[40], bf[40], yf[40];
    for (int j = 0; j < 40;
         j++) { /* other exponents beside, so that special cases do not hide the rule */
      a[j] = rules[i].a, b[j] = j == 39 ? 7.25 : rules[i].b, y[j] = 0;
      af[j] = (float)a[j], bf[j] = (float)b[j], yf[j] = 0;
    }
    int ok = 1;
    for (int n = 40; n >= 39; n--) {
      isa->op_f64[rules[i].op](n, y, a, b, y);
      isa->op_f32[rules[i].op](n, yf, af, bf, yf);
      for (int j = 0; j < 39; j++)
        ok = ok && same(rules[i].want, y[j]) && same(rules[i].want, yf[j]);
    }
    snprintf(name, sizeof name, "%s(%g, %g)", ag_op_get((ag_op)rules[i].op)->name, rules[i].a,
             rules[i].b);
    snprintf(detail, sizeof detail, "wanted %g, got %g and %g", rules[i].want, y[0], (double)yf[0]);
    check(ok, name, detail);
  }
}

static void check_na_power(void) {
  double a[2] = {na_real(), 1}, b[2] = {0, na_real()}, y[2] = {0};
  isa->op_f64[AG_OP_pow](2, y, a, b, y);
  check(y[0] == 1 && y[1] == 1, "NA^0 and 1^NA", "not 1");
}

static void
check_idiv_mod(void) { /* the quotient is exact: 1 %/% 0.1 is 9, since 0.1 is above 1/10 */
  double a[N], b[N], q[N] = {0}, r[N] = {0};
  int ok = 1;
  for (int i = 0; i < N; i++) a[i] = (double)(i % 100) / 10 - 5, b[i] = i % 3 ? 0.1 : -0.7;
  a[0] = 1, b[0] = 0.1;
  isa->op_f64[AG_OP_idiv](N, q, a, b, q);
  isa->op_f64[AG_OP_mod](N, r, a, b, r);
  for (int i = 0; i < N; i++) {
    ok = ok && q[i] == (double)floorl((long double)a[i] / b[i]) &&
         fabs(q[i] * b[i] + r[i] - a[i]) < 1e-14;
    ok = ok && (r[i] == 0 || (r[i] < 0) == (b[i] < 0)) && fabs(r[i]) < fabs(b[i]);
  }
  check(ok && q[0] == 9, "%/% and %%", "inexact");
}

static void check_logic(void) {
  const int na = AG_NA_INT, v[3] = {0, 1, na};
  const int want_and[9] = {0, 0, 0, 0, 1, na, 0, na, na},
            want_or[9] = {0, 1, na, 1, 1, 1, na, 1, na};
  const int want_xor[9] = {0, 1, na, 1, 0, na, na, na, na}, want_not[3] = {1, 0, na},
            want_is[3] = {0, 0, 1};
  int a[9], b[9], y[9], ok = 1;
  for (int i = 0; i < 9; i++) a[i] = v[i / 3], b[i] = v[i % 3];
  isa->op_f64[AG_OP_and](9, y, a, b, a);
  ok = ok && !memcmp(y, want_and, sizeof y);
  isa->op_f32[AG_OP_or](9, y, a, b, a);
  ok = ok && !memcmp(y, want_or, sizeof y);
  isa->op_f64[AG_OP_xor](9, y, a, b, a);
  ok = ok && !memcmp(y, want_xor, sizeof y);
  isa->op_f64[AG_OP_not](3, y, v, v, v);
  ok = ok && !memcmp(y, want_not, sizeof want_not);
  isa->op_f64[AG_OP_is_na](3, y, v, v, v);
  ok = ok && !memcmp(y, want_is, sizeof want_is);
  check(ok, "logic", "three-valued tables");
}

/* -- integers, against 64 bits --------------------------------------------------------------- */
static int64_t round_down(int64_t a, int64_t b) {
  int64_t q = a / b;
  return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}

static int64_t integer_reference(int op, int64_t a, int64_t b) {
  switch (op) {
  case AG_OP_int_add: return a + b;
  case AG_OP_int_sub: return a - b;
  case AG_OP_int_mul: return a * b;
  case AG_OP_int_mod: return b == 0 ? AG_NA_INT : a - b * round_down(a, b);
  case AG_OP_int_idiv: return b == 0 ? AG_NA_INT : round_down(a, b);
  case AG_OP_int_pos: return a;
  case AG_OP_int_neg: return -a;
  case AG_OP_int_abs: return llabs(a);
  case AG_OP_int_sign: return (a > 0) - (a < 0);
  case AG_OP_int_eq: return a == b;
  case AG_OP_int_ne: return a != b;
  case AG_OP_int_lt: return a < b;
  case AG_OP_int_gt: return a > b;
  case AG_OP_int_le: return a <= b;
  case AG_OP_int_ge: return a >= b;
  case AG_OP_bit_and: return a & b;
  case AG_OP_bit_or: return a | b;
  case AG_OP_bit_xor: return a ^ b;
  case AG_OP_bit_not: return ~a;
  case AG_OP_bit_left: return b < 0 || b > 31 ? AG_NA_INT : (int32_t)((uint64_t)a << b);
  case AG_OP_bit_right: return b < 0 || b > 31 ? AG_NA_INT : (int32_t)((uint32_t)a >> b);
  default: return INT64_MAX;
  }
}

static void check_integers(void) {
  static const int care[] = {AG_NA_INT, -2147483647, -2147483646, -65536,     -46341,    -8, -7, -1,
                             0,         1,           2,           3,          7,         8,  31, 32,
                             46340,     46341,       65536,       2147483646, 2147483647};
  enum { K = sizeof care / sizeof *care };
  static int a[K * K], b[K * K], y[K * K], z[K * K];
  char detail[80] = "";
  for (int i = 0; i < K * K; i++) a[i] = care[i / K], b[i] = care[i % K];
  for (int op = 0; op < AG_OP_COUNT; op += 3) {
    const ag_op_info *info = ag_op_get((ag_op)op);
    int ok = 1;
    if (ag_op_takes(info->group) != AG_OF_INT || info->arity > 2) continue;
    isa->op_f64[op](K * K, y, a, b, a);
    isa->op_f32[op](K * K, z, a, b, a);
    for (int i = 0; i < K * K && ok; i++) {
      int na = a[i] == AG_NA_INT || (info->arity == 2 && b[i] == AG_NA_INT);
      int64_t want = na ? AG_NA_INT : integer_reference(op, a[i], b[i]);
      if (want < -2147483647 || want > 2147483647) want = AG_NA_INT;
      ok = y[i] == want && z[i] == want;
      if (!ok) snprintf(detail, sizeof detail, "%d, %d gives %d", a[i], b[i], y[i]);
    }
    check(ok, info->name, detail);
  }
}

static void check_choose(void) {
  const double mask[3] = {1, 0, na_real()}, a[3] = {1, 2, 3}, b[3] = {4, 5, 6};
  const int imask[3] = {1, 0, AG_NA_INT}, ia[3] = {1, 2, 3}, ib[3] = {4, 5, 6};
  double y[3], da[3], db[3];
  int k[3];
  isa->op_f64[AG_OP_choose](3, y, a, b, mask);
  isa->op_f64[AG_OP_choose_da](3, da, a, b, mask);
  isa->op_f64[AG_OP_choose_db](3, db, a, b, mask);
  isa->op_f32[AG_OP_int_choose](3, k, ia, ib, imask);
  check(y[0] == 1 && y[1] == 5 && isnan(y[2]) && da[0] == 1 && da[1] == 0 && db[0] == 0 &&
            db[1] == 1 && k[0] == 1 && k[1] == 5 && k[2] == AG_NA_INT,
        "ifelse", "");
}

static void check_tests(void) {
  const double x[5] = {na_real(), (double)NAN, INFINITY, -INFINITY, 1};
  const float f[5] = {0, NAN, INFINITY, -INFINITY, 1};
  int missing[5], finite[5], infinite[5];
  double nan[5];
  float nanf[5];
  isa->op_f64[AG_OP_missing](5, missing, x, x, x);
  isa->op_f64[AG_OP_nan](5, nan, x, x, x);
  isa->op_f32[AG_OP_nan](5, nanf, f, f, f);
  isa->op_f64[AG_OP_is_finite](5, finite, x, x, x);
  isa->op_f64[AG_OP_is_infinite](5, infinite, x, x, x);
  int ok = 1;
  for (int i = 0; i < 5; i++)
    ok = ok && missing[i] == (i < 2) && nan[i] == (i == 1) && nanf[i] == (i == 1) &&
         finite[i] == (i == 4) && infinite[i] == (i == 2 || i == 3);
  check(ok, "is.nan, is.finite, is.infinite", "");
}

static void check_compare(void) {
  double a[40], b[40];
  float af[40], bf[40];
  int y[40], z[40], ok = 1;
  for (int i = 0; i < 40; i++) {
    af[i] = (float)(a[i] = i % 7 == 6 ? nan_ : i % 7),
    bf[i] = (float)(b[i] = i % 5 == 4 ? nan_ : i % 5);
  }
  for (int op = AG_OP_eq; op <= AG_OP_ge; op += 3) {
    isa->op_f64[op](40, y, a, b, a);
    isa->op_f32[op](40, z, af, bf, af);
    for (int i = 0; i < 40; i++) {
      int want = op == AG_OP_eq   ? a[i] == b[i]
                 : op == AG_OP_ne ? a[i] != b[i]
                 : op == AG_OP_lt ? a[i] < b[i]
                 : op == AG_OP_gt ? a[i] > b[i]
                 : op == AG_OP_le ? a[i] <= b[i]
                                  : a[i] >= b[i];
      if (isnan(a[i]) || isnan(b[i])) want = AG_NA_INT;
      ok = ok && y[i] == want && z[i] == want;
    }
  }
  check(ok, "comparisons", "NA or value");
}

/* gamma and its kin, against the C library and known values (Abramowitz and Stegun, table 6.1). */
static double f64_at(ag_op op, double x) {
  double y;
  isa->op_f64[op](1, &y, &x, &x, &x);
  return y;
}
static void check_gamma(void) {
  double worst = 0, worst_l = 0;
  for (int i = 0; i < 4000; i++) {
    double x = -20 + 0.03717 * i;
    worst = fmax(worst, (double)fabsl(f64_at(AG_OP_gamma, x) / tgammal(x) - 1));
    worst_l = fmax(worst_l, (double)(fabsl(f64_at(AG_OP_lgamma, x) - lgammal(x)) /
                                     fmaxl(1, fabsl(lgammal(x)))));
  }
  char detail[64];
  snprintf(detail, sizeof detail, "%.2g, %.2g", worst, worst_l);
  check(worst < 1e-13 && worst_l < 1e-13, "gamma and lgamma", detail);
  const double d[][2] = {{1, -0.57721566490153286},
                         {0.5, -1.9635100260214235},
                         {-0.5, 0.03648997397857652},
                         {10, 2.2517525890667211},
                         {25.5, 3.2189424728839198}};
  const double t[][2] = {{1, 1.6449340668482264},
                         {-0.5, 8.9348022005446793},
                         {0.5, 4.9348022005446793},
                         {10, 0.10516633568168575}};
  worst = 0;
  for (int i = 0; i < 5; i++) worst = fmax(worst, fabs(f64_at(AG_OP_digamma, d[i][0]) - d[i][1]));
  for (int i = 0; i < 4; i++) worst = fmax(worst, fabs(f64_at(AG_OP_trigamma, t[i][0]) - t[i][1]));
  snprintf(detail, sizeof detail, "%.2g", worst);
  check(worst < 1e-14, "digamma and trigamma", detail);
}

static void check_pow(void) {
  double worst = 0;
  for (int round = 0; round < 20; round++) {
    float a[N], b[N], y[N] = {0};
    for (int i = 0; i < N; i++) {
      a[i] = (float)exp(40 * (uniform() - 0.5)), b[i] = (float)(8 * (uniform() - 0.5));
      if (i % 2) a[i] = -a[i], b[i] = rintf(b[i]);
    }
    isa->op_f32[AG_OP_pow](N, y, a, b, y);
    for (int i = 0; i < N; i++) worst = fmax(worst, ulps(powl(a[i], b[i]), y[i], 1));
  }
  char detail[32];
  snprintf(detail, sizeof detail, "%.2f ulp", worst);
  check(worst <= 1, "pow f32", detail);
}

static void check_powers_of_ten(void) {
  int ok = 1;
  for (int k = -300; k <= 300; k++) {
    double x = pow(10, k);
    if (k >= 0 && k <= 22) ok = ok && f64_at(AG_OP_log10, x) == k;
    ok = ok && fabs(f64_at(AG_OP_log10, x) - log10(x)) <= 1e-15 * fabs(log10(x));
    ok = ok && f64_at(AG_OP_log2, ldexp(1, k)) == k;
  }
  check(ok, "log10 and log2 of powers", "not whole");
}

/* Every row, on the same arguments, gives the baseline's numbers; also in place and for any n. */
static void check_against_baseline(void) {
  static double a[N], b[N], y[N], want[N], got[N];
  char detail[64] = "";
  int ok = 1;
  for (int i = 0; i < N; i++)
    a[i] = 8 * uniform() - 4, b[i] = 8 * uniform() - 4, y[i] = 0.1 + uniform();
  for (int op = 0; op < AG_OP_COUNT && ok; op++) {
    const ag_op_info *info = ag_op_get((ag_op)op);
    if (ag_op_takes(info->group) != AG_OF_REAL || ag_op_gives_logical(info->group) ||
        !info->differentiable)
      continue;
    for (int n = 1; n < N && ok; n = n * 3 + 1) {
      ag_isa_base.op_f64[op](n, want, a, b, y);
      memcpy(got, a, sizeof got);
      isa->op_f64[op](n, got, got, b, y);
      for (int i = 0; i < n; i++) {
        if (isnan(want[i]) ? !isnan(got[i]) : fabs(got[i] - want[i]) > 1e-14 * (1 + fabs(want[i])))
          ok = 0;
      }
      if (!ok) snprintf(detail, sizeof detail, "%s, n = %d", info->name, n);
    }
  }
  check(ok, "all rows as baseline", detail);
}

static void check_table(void) {
  const ag_op_info *exp_ = ag_op_get(AG_OP_exp), *exp_da = ag_op_get(AG_OP_exp_da);
  check(!strcmp(exp_->text, "exp(a)") && exp_->uses[0] && !exp_->uses[1] && !exp_->uses[2], "exp",
        exp_->text);
  check(!exp_da->uses[0] && exp_da->uses[2] && exp_da->differentiable, "exp_da", exp_da->text);
  check(!ag_op_get(AG_OP_trigamma_da)->differentiable, "trigamma_da", "");
  check(ag_op_find("-", 1) == AG_OP_neg && ag_op_find("-", 2) == AG_OP_sub &&
            ag_op_find("%%", 2) == AG_OP_mod && ag_op_find("tanh", 1) == AG_OP_tanh &&
            ag_op_find("relu", 1) == AG_OP_relu && ag_op_find("nothing", 1) == -1 &&
            ag_op_find("", 1) == -1,
        "find", "");
}

static void check_isa(void) {
  for (int i = 0; i < (int)(sizeof vectorised / sizeof *vectorised); i++)
    for (int is_float = 0; is_float < 2; is_float++) check_accuracy(i, is_float);
  check_rules();
  check_na_power();
  check_idiv_mod();
  check_logic();
  check_integers();
  check_choose();
  check_tests();
  check_compare();
  check_gamma();
  check_pow();
  check_powers_of_ten();
  check_against_baseline();
}

int main(void) {
  check_table();
  return on_every_isa(check_isa);
}
