/* Roots of the secular equation of divide and conquer. */
#ifndef AG_SECULAR_ROOT_H
#define AG_SECULAR_ROOT_H

#include <stdint.h>

/* What f sums over: k poles p[0] < p[1] < ... with weights w > 0,
 *
 *   f(x) = 1/rho + sum over i of w[i] / (p[i] - x),   rho > 0.
 *
 * Of the singular value problem the poles are the squares of p (p[0] >= 0), and so is x. */
typedef struct {
  int64_t k;
  const double *p, *w;
  double rho, sum_w; /* sum of all w */
  int squared;
} ag_secular;

/* Root number j (0 <= j < k), which lies between pole j and the next one; the last at most
 * rho * sum_w beyond the last pole. It is returned as x = p[*base] + *offset, or, where the poles
 * are squares, x = (p[*base] + *offset)^2; *offset is accurate relative to itself. `gap` (k
 * doubles) receives the differences pole i - x, each accurate to a few units in the last place, so
 * that eigenvectors made from them are orthogonal. Bounded in time; neither p nor w may be NaN. */
void ag_secular_root(const ag_secular *s, int64_t j, double *gap, int64_t *base, double *offset);

#endif
