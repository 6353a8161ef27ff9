/* The host's casts, reductions and random streams on every instruction set this processor has. */
#include "isa_kit.h"

#define cospi(x) cos(3.14159265358979323846 * (x))
#define sinpi(x) sin(3.14159265358979323846 * (x))
#define scalar   float
#include "../../inst/kernels/math.cl"
#undef scalar
#define scalar double
#include "../../inst/kernels/math.cl"
#undef scalar
#undef cospi
#undef sinpi

/* -- casts ---------------------------------------------------------------------------------- */
static int is_na(double x) {
  uint64_t u;
  memcpy(&u, &x, sizeof u);
  return isnan(x) && (uint32_t)u == 1954;
}

static void check_casts(void) {
  double x[40], y[40];
  float f[40];
  int k[40], l[40], ok = 1;
  const double v[8] = {na_real(), (double)NAN, INFINITY, 0, -2.75, 3e9, 2147483647, -2147483648.0};
  const int ki[8] = {AG_NA_INT, AG_NA_INT, AG_NA_INT, 0, -2, AG_NA_INT, 2147483647, AG_NA_INT};
  const int li[8] = {AG_NA_INT, AG_NA_INT, 1, 0, 1, 1, 1, 1};
  for (int i = 0; i < 40; i++) x[i] = v[i % 8];
  isa->cast[AG_F64][AG_F32](40, f, x, x, x);
  isa->cast[AG_F32][AG_F64](40, y, f, f, f);
  for (int i = 0; i < 40; i++) ok = ok && same(y[i], (float)x[i]) && is_na(y[i]) == is_na(x[i]);
  check(ok, "cast f64, f32 and back", "");
  isa->cast[AG_F64][AG_I32](40, k, x, x, x);
  isa->cast[AG_F64][AG_BOOL](40, l, x, x, x);
  for (int i = 0; i < 40; i++) ok = ok && k[i] == ki[i % 8] && l[i] == li[i % 8];
  check(ok, "cast f64 to int, logical", "");
  isa->cast[AG_I32][AG_F64](40, y, k, k, k);
  for (int i = 0; i < 40; i++) ok = ok && (k[i] == AG_NA_INT ? is_na(y[i]) : y[i] == k[i]);
  isa->cast[AG_I32][AG_F32](40, f, k, k, k);
  isa->cast[AG_F32][AG_F64](40, y, f, f, f);
  for (int i = 0; i < 40; i++) ok = ok && (k[i] == AG_NA_INT ? is_na(y[i]) : y[i] == (float)k[i]);
  isa->cast[AG_F32][AG_BOOL](40, l, f, f, f);
  for (int i = 0; i < 40; i++) ok = ok && l[i] == (k[i] == AG_NA_INT ? k[i] : k[i] != 0);
  isa->cast[AG_F64][AG_F32](40, f, x, x, x);
  isa->cast[AG_F32][AG_I32](40, l, f, f, f);
  for (int i = 0; i < 40; i++)
    ok = ok && l[i] == (i % 8 == 6 ? AG_NA_INT : ki[i % 8]); /* 2^31 as float */
  isa->cast[AG_I32][AG_BOOL](40, l, k, k, k);
  for (int i = 0; i < 40; i++) ok = ok && l[i] == (k[i] == AG_NA_INT ? k[i] : k[i] != 0);
  check(ok, "casts of int and logical", "");
}

/* -- reductions ----------------------------------------------------------------------------- */
static void check_sums(void) {
  static double x[N];
  static float f[N];
  int ok = 1;
  for (int n = 0; n < 700; n += 1 + n / 5) {
    long double sum = 0, fsum = 0;
    double have = 0, fhave = 0;
    int64_t at = 0;
    for (int i = 0; i < n; i++) {
      f[i] = (float)(x[i] = uniform() - 0.3);
      sum += x[i], fsum += f[i];
    }
    isa->fold[AG_F64].sum(n, x, 0, &have, &at, 0), isa->fold[AG_F32].sum(n, f, 0, &fhave, &at, 0);
    ok = ok && fabsl(have - sum) < 1e-12L && fabsl(fhave - fsum) < 1e-12L;
  }
  check(ok, "sums", "");
  x[3] = (double)NAN, x[90] = na_real();
  for (int skip = 0; skip < 2; skip++) {
    double have = 0;
    int64_t at = 0;
    isa->fold[AG_F64].sum(200, x, skip, &have, &at, 0);
    check(skip ? have == have : is_na(have), "sum with NA", "");
  }
}

static void check_rows(void) {
  static double x[N], low[N], high[N];
  static float f[N];
  static int64_t at[N];
  int ok = 1;
  for (int i = 0; i < N; i++) low[i] = high[i] = i % 3, x[i] = f[i] = (float)(i % 5);
  x[7] = f[7] = (double)NAN, low[8] = high[8] = (double)NAN;
  isa->fold[AG_F64].min_row(N, x, 0, low, at, 0), isa->fold[AG_F32].max_row(N, f, 0, high, at, 0);
  for (int i = 0; i < N; i++) {
    int nan = i == 7 || i == 8;
    ok = ok && same(nan ? (double)NAN : i % 3 < i % 5 ? i % 3 : i % 5, low[i]);
    ok = ok && same(nan ? (double)NAN : i % 3 > i % 5 ? i % 3 : i % 5, high[i]);
  }
  check(ok, "min and max, NaN wins", "");
  for (int i = 0; i < N; i++) low[i] = i, f[i] = 0.5f, x[i] = 0.25;
  isa->fold[AG_F32].sum_row(N, f, 0, low, at, 0), isa->fold[AG_F64].sum_row(N, x, 0, low, at, 0);
  for (int i = 0; i < N; i++) ok = ok && low[i] == i + 0.75;
  check(ok, "sums of rows", "");
}

static void check_scans(void) {
  static double x[N], y[N];
  static float f[N], g[N];
  static int32_t k[N], l[N];
  long double sum = 7;
  int ok = 1;
  for (int i = 0; i < N; i++) x[i] = f[i] = (float)(uniform() - 0.3), k[i] = (i * 7919) % 100;
  isa->fold[AG_F64].scan_sum(N, x, y, 7, 0), isa->fold[AG_F32].scan_sum(N, f, g, 7, 0);
  isa->fold[AG_I32].scan_sum(N, k, l, 0, 7);
  for (int i = 0, total = 7; i < N; i++) {
    sum += x[i], total += k[i];
    ok = ok && fabsl(y[i] - sum) < 1e-11L && fabsl(g[i] - sum) < 1e-4L && l[i] == total;
  }
  check(ok, "running sums", "");
  x[50] = (double)NAN;
  isa->fold[AG_F64].scan_max(N, x, y, 0.5, 0);
  double most = 0.5;
  for (int i = 0; i < N; i++) {
    if (x[i] > most) most = x[i];
    ok = ok && same(i < 50 ? most : (double)NAN, y[i]);
  }
  check(ok, "running maximum", "");
}

/* -- random --------------------------------------------------------------------------------- */
static void check_philox(void) { /* known answers of Random123 (Salmon et al. 2011) */
  ag_block b = ag_philox(0, 0);
  check(b.word[0] == 0x6627e8d5u && b.word[1] == 0xe169c58du && b.word[2] == 0xbc57ac4cu &&
            b.word[3] == 0x9b00dbd8u,
        "philox known answer", "");
}

static void check_random(void) {
  static double u[N], z[N];
  static float uf[N], zf[N];
  const int64_t firsts[] = {0, 1, 6, 127, 4 * ((int64_t)1 << 32) - 70, (int64_t)1 << 61};
  const uint64_t key = 0x123456789ABCDEF0u;
  int ok = 1, ok_normal = 1;
  for (int t = 0; t < 6; t++) {
    int n = t % 2 ? 1000 : 333;
    isa->uniform_f64(n, u, key, firsts[t]), isa->uniform_f32(n, uf, key, firsts[t]);
    isa->normal_f64(n, z, key, firsts[t]), isa->normal_f32(n, zf, key, firsts[t]);
    for (int i = 0; i < n; i++) {
      uint64_t e = (uint64_t)(firsts[t] + i);
      ok =
          ok && u[i] == ag_uniform_double(key, e) && uf[i] == ag_uniform_float(key, e) && uf[i] < 1;
      ok_normal = ok_normal && fabs(z[i] - ag_normal_double(key, e)) < 1e-14;
      ok_normal = ok_normal && fabs(zf[i] - z[i]) < 2e-5;
    }
  }
  check(ok, "uniform as math.cl", "");
  check(ok_normal, "normal as math.cl", "");
  double m = 0, s = 0, mu = 0;
  for (int t = 0; t < 64; t++) {
    isa->normal_f64(N, z, 42, (int64_t)t * N), isa->uniform_f64(N, u, 42, (int64_t)t * N);
    for (int i = 0; i < N; i++) m += z[i], s += z[i] * z[i], mu += u[i];
  }
  double n = 64.0 * N;
  check(fabs(m / n) < 0.01 && fabs(s / n - 1) < 0.01 && fabs(mu / n - 0.5) < 0.003, "moments", "");
}

static void check_isa(void) {
  check_casts();
  check_sums();
  check_rows();
  check_scans();
  check_random();
}

int main(void) {
  check_philox();
  return on_every_isa(check_isa);
}
