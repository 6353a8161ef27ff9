/* The inner loops of the secular equation (secular.c) for one instruction set; included after
 * host_micro.h, whose vector types it uses. EIGEN_FIELDS go into the ag_isa. */
#ifndef AG_HOST_EIGEN_H
#define AG_HOST_EIGEN_H

#define D_LANES  ((int)(VBYTES / sizeof(double)))
#define D_GET(p) ((vec_f64) * (const mem_f64 *)(p))
#define D_PUT(p) (*(mem_f64 *)(p))

static void secular(int64_t n, const double *d, const double *z2, double origin, double tau,
                    double *sum) {
  vec_f64 value = {0}, slope = {0};
  int64_t i = 0;
  for (; i + D_LANES <= n; i += D_LANES) {
    vec_f64 r = 1 / ((D_GET(d + i) - origin) - tau), q = D_GET(z2 + i) * r;
    value += q;
    slope += q * r;
  }
  sum[0] = total_f64(value), sum[1] = total_f64(slope);
  for (; i < n; i++) {
    double r = 1 / ((d[i] - origin) - tau), q = z2[i] * r;
    sum[0] += q;
    sum[1] += q * r;
  }
}

static void loewner(int64_t n, const double *d, double pole, double origin, double tau,
                    double *delta, double *w) {
  int64_t i = 0;
  for (; i + D_LANES <= n; i += D_LANES) {
    vec_f64 x = D_GET(d + i), y = (x - origin) - tau;
    D_PUT(delta + i) = y;
    D_PUT(w + i) = D_GET(w + i) * (y / (x - pole));
  }
  for (; i < n; i++) {
    delta[i] = (d[i] - origin) - tau;
    w[i] *= delta[i] / (d[i] - pole);
  }
}

static double quotients(int64_t n, const double *a, const double *b, double *y) {
  vec_f64 squares = {0};
  int64_t i = 0;
  for (; i + D_LANES <= n; i += D_LANES) {
    vec_f64 q = D_GET(a + i) / D_GET(b + i);
    D_PUT(y + i) = q;
    squares += q * q;
  }
  double sum = total_f64(squares);
  for (; i < n; i++) {
    y[i] = a[i] / b[i];
    sum += y[i] * y[i];
  }
  return sum;
}

#undef D_LANES
#undef D_GET
#undef D_PUT

#define EIGEN_FIELDS .secular = secular, .loewner = loewner, .quotients = quotients

#endif
