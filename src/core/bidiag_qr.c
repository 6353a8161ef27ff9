/* Implicit QR for the singular values of a bidiagonal matrix, with a shift of zero where the
 * smallest values would lose digits otherwise (Demmel & Kahan 1990, "Accurate singular values of
 * bidiagonal matrices"). A sweep runs from the larger end of the block to the smaller one: upwards
 * it is the same sweep of the matrix that is read backwards and transposed, so that the roles
 * of left and right are exchanged. */
#include "bidiag_svd.h"
#include <float.h>
#include <math.h>

void ag_rotation(double f, double g, double *c, double *s, double *r) {
  if (g == 0) {
    *c = 1, *s = 0, *r = f;
  } else if (f == 0) {
    *c = 0, *s = 1, *r = g;
  } else {
    double h = sqrt(f * f + g * g);
    if (!(h > 1e-140 && h < 1e140)) h = hypot(f, g);
    *r = copysign(h, f), *c = f / *r, *s = g / *r;
  }
}

void ag_rotate(int64_t n, double *restrict x, double *restrict y, double c, double s) {
  if (c == 1 && s == 0) return;
  for (int64_t i = 0; i < n; i++) {
    double a = x[i], b = y[i];
    x[i] = c * a + s * b;
    y[i] = c * b - s * a;
  }
}

/* A set of singular vectors, a column each. */
typedef struct {
  double *x;
  int64_t rows, ld;
} vectors;

static void turn(const vectors *v, int64_t i, int64_t j, double c, double s) {
  if (v->x) ag_rotate(v->rows, v->x + i * v->ld, v->x + j * v->ld, c, s);
}

/* Rows first .. last of the matrix, read forwards (step 1) or backwards (step -1). */
typedef struct {
  double *d, *e;
  int64_t first, last, step;
  vectors before, behind; /* those that the sweep's first and second rotation turn */
} block;

/* What couples rows i and i + step. */
static double *coupling(const block *b, int64_t i) { return &b->e[b->step > 0 ? i : i - 1]; }

/* 2 x 2, upper triangular with diagonal f, h and g above: the smaller singular value, accurate
 * (Demmel & Kahan, section 5). */
static double smaller_of_two(double f, double g, double h) {
  f = fabs(f), g = fabs(g), h = fabs(h);
  double small = f < h ? f : h, large = f < h ? h : f;
  if (small == 0) return 0;
  double as = 1 + small / large, at = (large - small) / large, au;
  if (g < large) {
    au = g / large * (g / large);
    return small * (2 / (sqrt(as * as + au) + sqrt(at * at + au)));
  }
  au = large / g;
  if (au == 0) return small * large / g;
  double c = 1 / (sqrt(1 + as * au * (as * au)) + sqrt(1 + at * au * (at * au)));
  return 2 * (small * c * au);
}

/* One step of QR with shift zero: only products, so that each entry keeps its digits. */
static void sweep_unshifted(const block *b) {
  double c = 1, s = 0, old_c = 1, old_s = 0, r;
  int64_t i = b->first, step = b->step;
  for (; i != b->last; i += step) {
    ag_rotation(b->d[i] * c, *coupling(b, i), &c, &s, &r);
    if (i != b->first) *coupling(b, i - step) = old_s * r;
    ag_rotation(old_c * r, b->d[i + step] * s, &old_c, &old_s, &b->d[i]);
    turn(&b->before, i, i + step, c, s);
    turn(&b->behind, i, i + step, old_c, old_s);
  }
  double h = b->d[i] * c;
  b->d[i] = h * old_c;
  *coupling(b, i - step) = h * old_s;
}

/* One step with a shift: the bulge is chased from the first row to the last. */
static void sweep_shifted(const block *b, double shift) {
  int64_t i = b->first, step = b->step;
  double *d = b->d, first = d[i], c, s, r;
  double f = (fabs(first) - shift) * (copysign(1, first) + shift / first), g = *coupling(b, i);
  for (; i != b->last; i += step) {
    double *e = coupling(b, i);
    ag_rotation(f, g, &c, &s, &r);
    if (i != b->first) *coupling(b, i - step) = r;
    turn(&b->before, i, i + step, c, s);
    f = c * d[i] + s * *e;
    *e = c * *e - s * d[i];
    g = s * d[i + step];
    d[i + step] *= c;
    ag_rotation(f, g, &c, &s, &d[i]);
    turn(&b->behind, i, i + step, c, s);
    f = c * *e + s * d[i + step];
    d[i + step] = c * d[i + step] - s * *e;
    if (i + step != b->last) {
      double *next = coupling(b, i + step);
      g = s * *next;
      *next *= c;
    }
  }
  *coupling(b, i - step) = f;
}

/* Sets one coupling that does not matter to zero (the two criteria of Demmel & Kahan, section 3)
 * and returns 1; else 0 and a lower bound of the smallest singular value. */
static int split(const block *b, double tolerance, double *smallest) {
  int64_t end = b->last - b->step;
  if (fabs(*coupling(b, end)) <= tolerance * fabs(b->d[b->last])) {
    *coupling(b, end) = 0;
    return 1;
  }
  double bound = fabs(b->d[b->first]);
  *smallest = bound;
  for (int64_t i = b->first; i != b->last; i += b->step) {
    double e = fabs(*coupling(b, i));
    if (e <= tolerance * bound) {
      *coupling(b, i) = 0;
      return 1;
    }
    bound = fabs(b->d[i + b->step]) * (bound / (bound + e));
    if (bound < *smallest) *smallest = bound;
  }
  return 0;
}

static double largest(const block *b) {
  double x = fabs(b->d[b->last]);
  for (int64_t i = b->first; i != b->last; i += b->step)
    x = fmax(x, fmax(fabs(b->d[i]), fabs(*coupling(b, i))));
  return x;
}

static void sweep(const block *b, int64_t n, double tolerance, double smallest) {
  double shift = 0, start = fabs(b->d[b->first]);
  double ratio = smallest / largest(b);
  if (!((double)n * tolerance * ratio <= fmax(DBL_EPSILON, 0.01 * tolerance))) {
    int64_t end = b->last - b->step;
    shift = smaller_of_two(b->d[end], *coupling(b, end), b->d[b->last]);
    if (start > 0 && shift / start * (shift / start) < DBL_EPSILON) shift = 0;
  }
  if (shift == 0) sweep_unshifted(b);
  else sweep_shifted(b, shift);
}

/* The block that ends in row `last`, in the direction in which it was swept before (*way), or, for
 * another block, from its larger end to its smaller one. */
static block find_block(double *d, double *e, int64_t last, double tiny, const vectors *u,
                        const vectors *v, int64_t known[2], int *way) {
  int64_t first = last;
  while (first > 0 && fabs(e[first - 1]) > tiny) first--;
  if (first > 0) e[first - 1] = 0;
  if (first > known[1] || last < known[0]) *way = fabs(d[first]) >= fabs(d[last]) ? 1 : -1;
  known[0] = first, known[1] = last;
  if (*way > 0) return (block){d, e, first, last, 1, *v, *u};
  return (block){d, e, last, first, -1, *u, *v};
}

/* Below this an entry is zero. */
static double threshold(int64_t n, const double *d, const double *e, double tolerance) {
  double bound = fabs(d[0]), smallest = bound;
  for (int64_t i = 1; i < n && smallest > 0; i++) {
    bound = fabs(d[i]) * (bound / (bound + fabs(e[i - 1])));
    if (bound < smallest) smallest = bound;
  }
  return fmax(tolerance * (smallest / sqrt((double)n)), 36.0 * (double)n * (double)n * DBL_MIN);
}

static void make_positive(int64_t n, double *d, const vectors *v) {
  for (int64_t j = 0; j < n; j++) {
    if (!signbit(d[j])) continue;
    d[j] = -d[j];
    for (int64_t i = 0; v->x && i < v->rows; i++) v->x[i + j * v->ld] *= -1;
  }
}

int ag_bidiag_qr(int64_t n, double *d, double *e, double *u, int64_t rows_u, int64_t ldu, double *v,
                 int64_t rows_v, int64_t ldv) {
  const vectors left = {u, rows_u, ldu}, right = {v, rows_v, ldv};
  if (n <= 0) return 1;
  double tolerance = 10 * DBL_EPSILON, smallest = 0;
  double tiny = threshold(n, d, e, tolerance), budget = 12.0 * (double)n * (double)n + 100;
  int64_t last = n - 1, known[2] = {n, -1};
  int way = 1;
  while (last > 0) {
    block b = find_block(d, e, last, tiny, &left, &right, known, &way);
    if (b.first == b.last) {
      last--;
      continue;
    }
    if (split(&b, tolerance, &smallest)) continue;
    budget -= fabs((double)(b.last - b.first));
    if (!(budget > 0)) return 0;
    sweep(&b, n, tolerance, smallest);
  }
  make_positive(n, d, &right);
  return 1;
}
