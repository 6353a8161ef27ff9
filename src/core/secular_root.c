/* Rational interpolation with a bracket around the root (Li 1993, "Solving secular equations stably
 * and efficiently", the middle way): on each side of the root the sum is replaced by a constant and
 * the one pole nearest to it, such that value and slope agree, and the quadratic equation that is
 * left is solved. Poles are taken relative to the one nearest to the root, so that their distances
 * from the root keep their digits. A step that leaves the bracket, or that does not shorten it
 * while f hardly falls, is replaced by a bisection. */
#include "secular_root.h"
#include "host_isa.h"
#include <float.h>
#include <math.h>

#define STEPS 120

/* f = 1/rho + left + right at x; the sums' slopes, and what rounding may do to them. */
typedef struct {
  double f, left_slope, right_slope, size;
} value;

static value evaluate(const ag_secular *s, int64_t j, const double *gap, double x) {
  const ag_isa *isa = ag_isa_get();
  double left[2], right[2]; /* sums of w / (gap - x), and their slopes */
  isa->secular(j + 1, gap, s->w, 0, x, left);
  isa->secular(s->k - j - 1, gap + j + 1, s->w + j + 1, 0, x, right);
  return (value){.f = 1 / s->rho + left[0] + right[0],
                 .left_slope = left[1],
                 .right_slope = right[1],
                 .size = 1 / s->rho - left[0] + right[0] + fabs(x) * (left[1] + right[1])};
}

static double difference(const ag_secular *s, double a, double b) {
  return s->squared ? (a - b) * (a + b) : a - b;
}

/* The root of c x^2 - a x + b that lies in (low, high), or NaN. */
static double quadratic(double a, double b, double c, double low, double high) {
  double square = a * a - 4 * b * c;
  double q = (a + copysign(sqrt(square > 0 ? square : 0), a)) / 2;
  double x = b / q, y = q / c;
  return x > low && x < high ? x : y > low && y < high ? y : NAN;
}

/* A step from x, where f is v, to the root of its interpolant. */
static double step(const ag_secular *s, int64_t j, const double *gap, double x, const value *v,
                   double low, double high) {
  double d1 = gap[j] - x;
  if (j + 1 == s->k) { /* no pole to the right */
    double weight = d1 * d1 * v->left_slope, rest = v->f - d1 * v->left_slope;
    return x + d1 + weight / rest;
  }
  double d2 = gap[j + 1] - x;
  double c = v->f - d1 * v->left_slope - d2 * v->right_slope;
  double a = (d1 + d2) * v->f - d1 * d2 * (v->left_slope + v->right_slope), b = d1 * d2 * v->f;
  return x + quadratic(a, b, c, low - x, high - x);
}

/* From the two poles beside the root, the others held as they are at the middle. */
static double first_guess(const ag_secular *s, int64_t j, const double *gap, double middle,
                          double f, double low, double high) {
  double w1 = s->w[j], w2 = s->w[j + 1], p1 = gap[j], p2 = gap[j + 1];
  double c = f - w1 / (p1 - middle) - w2 / (p2 - middle);
  return quadratic(c * (p1 + p2) + w1 + w2, c * p1 * p2 + w1 * p2 + w2 * p1, c, low, high);
}

static double bisect(double low, double high) {
  if (low >= 0 && high > 16 * low) return low > 0 ? sqrt(low) * sqrt(high) : high / 64;
  if (high <= 0 && low < 16 * high) return high < 0 ? -sqrt(-low) * sqrt(-high) : low / 64;
  return low + (high - low) / 2;
}

static double iterate(const ag_secular *s, int64_t j, const double *gap, double x, double low,
                      double high) {
  double before = INFINITY, best = INFINITY, root = x;
  for (int i = 0; i < STEPS; i++) {
    if (!(x > low && x < high)) x = bisect(low, high);
    if (!(x > low && x < high)) break; /* neighbours */
    value v = evaluate(s, j, gap, x);
    if (fabs(v.f) < best) best = fabs(v.f), root = x;
    if (fabs(v.f) <= 4 * DBL_EPSILON * v.size) return x;
    if (v.f < 0) low = x;
    else high = x;
    if (high - low <= DBL_EPSILON * fabs(x)) break;
    int slow = i > 3 && fabs(v.f) > before / 8;
    before = fabs(v.f);
    x = slow ? NAN : step(s, j, gap, x, &v, low, high);
  }
  return root;
}

void ag_secular_root(const ag_secular *s, int64_t j, double *gap, int64_t *base, double *offset) {
  int64_t k = s->k, b = j;
  double low = 0, high = s->rho * s->sum_w, x = high;
  for (int64_t i = 0; i < k; i++) gap[i] = difference(s, s->p[i], s->p[j]);
  if (j + 1 < k) {
    double width = gap[j + 1], middle = width / 2, f = evaluate(s, j, gap, middle).f;
    high = middle;
    if (f < 0) {
      b = j + 1, low = middle - width, high = 0;
      middle = low;
      for (int64_t i = 0; i < k; i++) gap[i] = difference(s, s->p[i], s->p[b]);
    }
    x = first_guess(s, j, gap, middle, f, low, high);
  } else {
    x = high / 2;
  }
  /* the bracket's ends count as inside */
  low -= low != 0 ? fabs(low) * DBL_EPSILON : 0, high += high != 0 ? fabs(high) * DBL_EPSILON : 0;
  x = k == 1 ? s->rho * s->w[0] : iterate(s, j, gap, x, low, high);
  double p = s->p[b], t = s->squared ? x / (p + sqrt(p * p + x)) : x;
  for (int64_t i = 0; i < k; i++) {
    double from = s->p[i] - p;
    gap[i] = s->squared ? (from - t) * ((s->p[i] + p) + t) : from - t;
  }
  *base = b;
  *offset = t;
}
