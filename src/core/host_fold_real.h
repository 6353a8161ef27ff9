/* What host_fold.h leaves to the type: real elements. */

/* In lanes of partial sums: fast, and more accurate than one running sum. */
static double FN(lane_sum)(int64_t n, const element *x) {
  double part[PARTS] = {0};
  int64_t i = 0;
  for (; i + PARTS <= n; i += PARTS)
    for (int j = 0; j < PARTS; j++) part[j] += x[i + j];
  for (int j = 0; i < n; i++, j++) part[j] += x[i];
  for (int width = PARTS / 2; width >= 1; width /= 2)
    for (int j = 0; j < width; j++) part[j] += part[j + width];
  return part[0];
}

static double FN(lane_sum_present)(int64_t n, const element *x) {
  double part[PARTS] = {0};
  int64_t i = 0;
  for (; i + PARTS <= n; i += PARTS)
    for (int j = 0; j < PARTS; j++) part[j] += MISSING(x[i + j]) ? 0 : x[i + j];
  for (int j = 0; i < n; i++, j++) part[j] += MISSING(x[i]) ? 0 : x[i];
  for (int j = 1; j < PARTS; j++) part[0] += part[j];
  return part[0];
}

static void FN(sum_run)(int64_t n, const void *px, int skip, double *value, int64_t *at,
                        int64_t r) {
  const element *x = px;
  double sum = skip ? FN(lane_sum_present)(n, x) : FN(lane_sum)(n, x);
  (void)at, (void)r;
  if (sum != sum && !skip && FN(any_missing)(n, x)) sum = FN(missing_value)(n, x);
  *value = is_na_f64(*value) ? *value : is_na_f64(sum) ? sum : *value + sum;
}

static void FN(sum_row)(int64_t n, const void *px, int skip, double *value, int64_t *at,
                        int64_t r) {
  const element *x = px;
  (void)at, (void)r;
  if (skip)
    for (int64_t i = 0; i < n; i++) value[i] += MISSING(x[i]) ? 0 : x[i];
  else
    for (int64_t i = 0; i < n; i++) value[i] += x[i];
}

static void FN(sum_rows)(int64_t n, const void *px, int64_t s, double *value) {
  const element *x = px;
  for (int64_t i = 0; i < n; i++) {
    const double a = (double)x[i] + (double)x[i + s], b = (double)x[i + 2 * s] + x[i + 3 * s],
                 c = (double)x[i + 4 * s] + x[i + 5 * s], d = (double)x[i + 6 * s] + x[i + 7 * s];
    value[i] += (a + b) + (c + d);
  }
}

EXTREME_RUN(FN(min_run), FN(least), INFINITY, <)
EXTREME_RUN(FN(max_run), FN(greatest), -INFINITY, >)
WHICH_RUN(FN(which_min_run), FN(least), INFINITY, <)
WHICH_RUN(FN(which_max_run), FN(greatest), -INFINITY, >)

/* Four at a time: an element then costs one addition's latency by four. */
static void FN(scan_sum)(int64_t n, const void *px, void *py, double value, int64_t at) {
  const element *x = px;
  element *y = py;
  int64_t i = 0;
  (void)at;
  for (; i + 4 <= n; i += 4) {
    const double a = x[i], b = a + x[i + 1], c = b + x[i + 2],
                 d = b + ((double)x[i + 2] + x[i + 3]);
    y[i] = (element)(value + a);
    y[i + 1] = (element)(value + b);
    y[i + 2] = (element)(value + c);
    y[i + 3] = (element)(value += d);
  }
  for (; i < n; i++) y[i] = (element)(value += x[i]);
}

/* In long double, as R does it. */
static void FN(scan_prod)(int64_t n, const void *px, void *py, double value, int64_t at) {
  const element *x = px;
  element *y = py;
  long double product = ldexpl((long double)value, ag_prod_exponent(at));
  for (int64_t i = 0; i < n; i++) y[i] = (element)(product *= x[i]);
}

SCAN_EXTREME(FN(scan_min), <, (element)value)
SCAN_EXTREME(FN(scan_max), >, (element)value)

#undef EXTREME_RUN
#undef WHICH_RUN
#undef SCAN_EXTREME
#undef element
#undef FN
#undef MISSING
#undef PRESENT
#undef IS_NA
#undef AS_DOUBLE
