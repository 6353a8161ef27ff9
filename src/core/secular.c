/* The eigenvalues are the roots of the secular equation
 *
 *   w(x) = 1/rho + sum_i z_i^2 / (d_i - x) = 0
 *
 * one in each interval between neighbouring poles and one to the right of the last. A root is kept
 * as its distance tau from the nearer pole, so that all differences d_i - x come out with small
 * relative errors. Each step takes the sum over the poles to the left, and that to the right, as
 * one pole each with the value and the slope that they have (the "middle way" of Li, LAPACK working
 * note 89, 1993), and solves a quadratic; a bracket guards it.
 *
 * The eigenvectors are those of the nearby problem whose eigenvalues are exactly the computed ones;
 * its z comes from Loewner's formula (Gu and Eisenstat, SIAM J. Matrix Anal. Appl. 15, 1994):
 *
 *   z_i^2 = prod_j (x_j - d_i) / prod_{j != i} (d_j - d_i) / rho
 *
 * and they are orthogonal to working precision however close the roots are. */
#include "secular.h"
#include "host_isa.h"
#include "threads.h"
#include <math.h>
#include <string.h>

#define UNIT      0x1p-53
#define MAX_STEPS 200
#define CHUNK     32 /* roots of one task: fixed, so that the threads do not change the result */

typedef struct {
  int64_t k;
  const double *d, *z;
  const int64_t *at;
  double rho;
  double *lambda, *s;
  double *z2, *zhat, *part; /* squares; the new z; one product per chunk and element */
  double *column;           /* one per worker */
  const ag_isa *isa;
  int failed;
} problem;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t chunks(int64_t k) { return (k + CHUNK - 1) / CHUNK; }

/* ---- one root ---- */

/* The secular function at origin + tau, split at pole p: left of it and it, right of it. */
typedef struct {
  double left, right, left_slope, right_slope, w;
} value;

static value evaluate(const problem *s, int64_t p, double origin, double tau) {
  double l[2], r[2];
  s->isa->secular(p + 1, s->d, s->z2, origin, tau, l);
  s->isa->secular(s->k - p - 1, s->d + p + 1, s->z2 + p + 1, origin, tau, r);
  return (value){l[0], r[0], l[1], r[1], 1 / s->rho + l[0] + r[0]};
}

/* The root of c x^2 - a x + b between lo and hi; NaN if there is none. */
static double quadratic(double c, double a, double b, double lo, double hi) {
  double q = a + copysign(sqrt(fmax(a * a - 4 * b * c, 0)), a);
  double x = q / (2 * c), y = 2 * b / q;
  if (x > lo && x < hi) return x;
  return y > lo && y < hi ? y : NAN;
}

/* Inside of the bracket, whose ends have the same sign or are 0; by magnitude when they differ
 * much. */
static double between(double lo, double hi) {
  double sign = hi > 0 ? 1 : -1, near = fmin(fabs(lo), fabs(hi)), far = fmax(fabs(lo), fabs(hi));
  if (near == 0) return sign * far / 64;
  return sign * (far > 4 * near ? sqrt(far) * sqrt(near) : near + (far - near) / 2);
}

/* Rounding errors of w: of its terms, and of tau. */
static int small_enough(const problem *s, const value *v, double tau) {
  double terms = 1 / s->rho + fabs(v->left) + fabs(v->right);
  return fabs(v->w) <= UNIT * (8 * terms + fabs(tau) * (v->left_slope + v->right_slope));
}

/* Where root j is looked for: between poles p and p + 1, or right of both; from which pole it is
 * measured, the bracket of tau, and a first guess. */
typedef struct {
  int64_t p;
  double origin, lo, hi, tau;
} start;

static start first_guess(const problem *s, int64_t j) {
  const double *d = s->d, *z2 = s->z2;
  int last = j == s->k - 1;
  int64_t p = last ? j - 1 : j;
  double gap = d[p + 1] - d[p], width = gap, c, d1, d2;
  if (last) {
    width = 0;
    for (int64_t i = 0; i < s->k; i++) width += z2[i];
    width *= s->rho * (1 + 8 * UNIT);
  }
  double half = width / 2;
  value v = evaluate(s, p, d[j], half);
  start at = {.p = p, .origin = d[j], .lo = 0, .hi = half};
  if (last) {
    if (v.w < 0) at.lo = half, at.hi = width;
    d1 = -gap, d2 = 0;
    c = v.w + z2[p] / (gap + half) + z2[p + 1] / half;
  } else {
    d1 = 0, d2 = gap;
    c = v.w + z2[p] / half - z2[p + 1] / half;
    if (v.w < 0) at.origin = d[j + 1], at.lo = -half, at.hi = 0, d1 = -gap, d2 = 0;
  }
  /* the two poles as they are, the others as a constant */
  double a = c * (d1 + d2) + z2[p] + z2[p + 1];
  double b = c * d1 * d2 + z2[p] * d2 + z2[p + 1] * d1;
  at.tau = quadratic(c, a, b, at.lo, at.hi);
  if (isnan(at.tau)) at.tau = between(at.lo, at.hi);
  return at;
}

static int find_root(const problem *s, int64_t j, double *origin, double *tau) {
  if (s->k == 1) {
    *origin = s->d[0], *tau = s->rho * s->z2[0];
    return 1;
  }
  start at = first_guess(s, j);
  double p1 = s->d[at.p] - at.origin, p2 = s->d[at.p + 1] - at.origin, x = at.tau;
  *origin = at.origin;
  for (int step = 0; step < MAX_STEPS; step++) {
    value v = evaluate(s, at.p, at.origin, x);
    *tau = x;
    if (small_enough(s, &v, x)) return 1;
    if (v.w < 0) at.lo = x;
    else at.hi = x;
    double d1 = p1 - x, d2 = p2 - x, c = v.w - d1 * v.left_slope - d2 * v.right_slope;
    double a = (d1 + d2) * v.w - d1 * d2 * (v.left_slope + v.right_slope);
    double next = x + quadratic(c, a, d1 * d2 * v.w, at.lo - x, at.hi - x);
    /* steps that leave one end of the bracket where it is may be slow */
    if (!(next > at.lo && next < at.hi) || step % 8 == 7) next = between(at.lo, at.hi);
    if (!(next > at.lo && next < at.hi)) return 1; /* the ends are neighbours */
    x = next;
  }
  return 0;
}

/* ---- all of them ---- */

/* Roots of one chunk; column j of s becomes d - lambda[j]; the chunk's factors of Loewner's
 * formula. By interlacing, the product of any run of factors is neither large nor small. */
static void root_task(void *ctx, int task, int worker) {
  problem *s = ctx;
  double *w = s->part + task * s->k;
  int64_t first = (int64_t)task * CHUNK, k = s->k;
  (void)worker;
  for (int64_t i = 0; i < k; i++) w[i] = 1;
  for (int64_t j = first; j < min64(first + CHUNK, k); j++) {
    double origin, tau, *delta = s->s + j * k;
    if (!find_root(s, j, &origin, &tau)) __atomic_store_n(&s->failed, 1, __ATOMIC_RELAXED);
    s->lambda[j] = origin + tau;
    s->isa->loewner(j, s->d, s->d[j], origin, tau, delta, w);
    delta[j] = (s->d[j] - origin) - tau;
    w[j] *= -delta[j];
    s->isa->loewner(k - j - 1, s->d + j + 1, s->d[j], origin, tau, delta + j + 1, w + j + 1);
  }
}

static void new_z(problem *s) {
  int64_t k = s->k;
  for (int64_t task = 1; task < chunks(k); task++)
    for (int64_t i = 0; i < k; i++) s->part[i] *= s->part[task * k + i];
  for (int64_t i = 0; i < k; i++) s->zhat[i] = copysign(sqrt(fabs(s->part[i])), s->z[i]);
}

static void vector_task(void *ctx, int task, int worker) {
  problem *s = ctx;
  int64_t first = (int64_t)task * CHUNK, k = s->k;
  double *x = s->column + worker * k;
  for (int64_t j = first; j < min64(first + CHUNK, k); j++) {
    double *y = s->s + j * k, scale = 1 / sqrt(s->isa->quotients(k, s->zhat, y, x));
    for (int64_t i = 0; i < k; i++) y[s->at[i]] = x[i] * scale;
  }
}

int64_t ag_secular_work(int64_t k) { return (2 + chunks(k) + ag_threads()) * k; }

int ag_secular(int64_t k, const double *d, const double *z, double rho, const int64_t *at,
               double *lambda, double *s, double *work) {
  problem p = {.k = k, .d = d, .z = z, .at = at, .rho = rho, .lambda = lambda, .s = s};
  p.isa = ag_isa_get();
  p.z2 = work, p.zhat = work + k, p.part = work + 2 * k;
  p.column = p.part + chunks(k) * k;
  for (int64_t i = 0; i < k; i++) p.z2[i] = z[i] * z[i];
  ag_parallel((int)chunks(k), root_task, &p);
  new_z(&p);
  ag_parallel((int)chunks(k), vector_task, &p);
  return !p.failed;
}
