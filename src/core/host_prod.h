/* Products as value * 2^at, which neither overflow nor vanish on the way: see host_isa.h. */
#ifndef AG_HOST_PROD_H
#define AG_HOST_PROD_H

#include <math.h>
#include <stdint.h>

static inline void ag_prod_step(double *value, int64_t *at, double x) {
  const double product = *value * x, size = fabs(product);
  int e = 0, f = 0;
  if ((size > 0x1p-500 && size < 0x1p500) || *value == 0 || x == 0 || !(fabs(*value) < INFINITY) ||
      !(fabs(x) < INFINITY)) {
    *value = product;
    return;
  }
  *value = frexp(*value, &e) * frexp(x, &f);
  *at += (int64_t)e + f;
}

/* More than any exponent of a long double, and an int. */
static inline int ag_prod_exponent(int64_t at) {
  return at > 100000 ? 100000 : at < -100000 ? -100000 : (int)at;
}

#endif
