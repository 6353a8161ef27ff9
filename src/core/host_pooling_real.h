/* host_pooling.h's loops for one type: `real`, FN(name). */
static void FN(pooling_max)(int64_t n, void *to, const void *from) {
  real *y = to;
  const real *x = from;
  INDEPENDENT for (int64_t i = 0; i < n; i++) {
    const real a = x[i], b = y[i];
    y[i] = ((a > b) | (a != a)) ? a : b;
  }
}

static void FN(pooling_add)(int64_t n, void *to, const void *from) {
  real *y = to;
  const real *x = from;
  INDEPENDENT for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

static void FN(pooling_divide)(int64_t n, void *to, const void *from, double divisor) {
  const real d = (real)divisor;
  real *y = to;
  const real *x = from;
  INDEPENDENT for (int64_t i = 0; i < n; i++) y[i] = x[i] / d;
}

/* `rest` is 1 where no element of the window has been as large as the maximum. */
static void FN(pooling_pick)(int64_t n, void *to, void *rest, const void *from, const void *maximum,
                             const void *value) {
  real *y = to, *left = rest;
  const real *x = from, *most = maximum, *v = value;
  INDEPENDENT for (int64_t i = 0; i < n; i++) {
    const real a = x[i], m = most[i];
    const int is = (a == m) | ((a != a) & (m != m));
    y[i] = (is & (left[i] != 0)) ? v[i] : y[i];
    left[i] = is ? 0 : left[i];
  }
}

static void FN(pooling_fill)(int64_t n, void *to, double value) {
  real *y = to;
  INDEPENDENT for (int64_t i = 0; i < n; i++) y[i] = (real)value;
}

static void FN(pooling_give)(int64_t n, void *to, void *rest, const void *from,
                             const void *maximum) {
  real *y = to, *left = rest;
  const real *x = from, *most = maximum;
  INDEPENDENT for (int64_t i = 0; i < n; i++) {
    const real a = x[i], m = most[i], g = left[i];
    const int is = (a == m) | ((a != a) & (m != m));
    y[i] += is ? g : 0;
    left[i] = is ? 0 : g;
  }
}

#undef real
#undef FN
