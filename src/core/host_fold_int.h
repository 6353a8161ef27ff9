/* What host_fold.h leaves to the type: int32 and logical elements. */

static void sum_run_i32(int64_t n, const void *px, int skip, double *value, int64_t *at,
                        int64_t r) {
  const int32_t *x = px;
  int64_t sum = 0;
  int missing = 0;
  (void)r;
  for (int64_t i = 0; i < n; i++) {
    sum += x[i] == NA_INT ? 0 : x[i];
    missing |= x[i] == NA_INT;
  }
  *at += sum;
  if (missing && !skip) *value = NA_F64;
}

static void sum_row_i32(int64_t n, const void *px, int skip, double *value, int64_t *at,
                        int64_t r) {
  const int32_t *x = px;
  (void)r;
  for (int64_t i = 0; i < n; i++) at[i] += x[i] == NA_INT ? 0 : x[i];
  if (skip) return;
  for (int64_t i = 0; i < n; i++) value[i] = x[i] == NA_INT ? NA_F64 : value[i];
}

EXTREME_RUN(min_run_i32, least_i32, INT32_MAX, <)
EXTREME_RUN(max_run_i32, greatest_i32, -INT32_MAX, >)
WHICH_RUN(which_min_run_i32, least_i32, INT32_MAX, <)
WHICH_RUN(which_max_run_i32, greatest_i32, -INT32_MAX, >)

/* `wins` 1: any; 0: all. */
static double truth_i32(double acc, double x, int skip, double wins) {
  if (acc == wins || (skip && x != x)) return acc;
  return x == wins || x != x ? x : acc;
}
static double truth_of_i32(int32_t x) { return x == NA_INT ? NAN : x != 0; }

static void truth_run_i32(int64_t n, const int32_t *x, int skip, double *value, int wins) {
  int yes = 0, no = 0, missing = 0;
  for (int64_t i = 0; i < n; i++) {
    yes |= (x[i] != 0) & (x[i] != NA_INT);
    no |= x[i] == 0;
    missing |= x[i] == NA_INT;
  }
  if (wins ? yes : no) *value = wins;
  else if (missing) *value = truth_i32(*value, NAN, skip, wins);
}

#define TRUTH(run, row, wins)                                                                      \
  static void run(int64_t n, const void *px, int skip, double *value, int64_t *at, int64_t r) {    \
    (void)at, (void)r;                                                                             \
    truth_run_i32(n, px, skip, value, wins);                                                       \
  }                                                                                                \
  static void row(int64_t n, const void *px, int skip, double *value, int64_t *at, int64_t r) {    \
    const int32_t *x = px;                                                                         \
    (void)at, (void)r;                                                                             \
    for (int64_t i = 0; i < n; i++)                                                                \
      value[i] = truth_i32(value[i], truth_of_i32(x[i]), skip, wins);                              \
  }
TRUTH(any_run_i32, any_row_i32, 1)
TRUTH(all_run_i32, all_row_i32, 0)
#undef TRUTH

static void scan_sum_i32(int64_t n, const void *px, void *py, double value, int64_t at) {
  const int32_t *x = px;
  int32_t *y = py;
  int64_t i = 0;
  for (; i < n && value == value && x[i] != NA_INT; i++) {
    at += x[i];
    y[i] = at > INT32_MAX || at < -INT32_MAX ? NA_INT : (int32_t)at;
  }
  for (; i < n; i++) y[i] = NA_INT;
}

/* The accumulator begins with an infinity, which an int is not: SCAN_EXTREME uses it only where it
 * beats an element. */
SCAN_EXTREME(scan_min_i32, <, NA_INT)
SCAN_EXTREME(scan_max_i32, >, NA_INT)

#undef EXTREME_RUN
#undef WHICH_RUN
#undef SCAN_EXTREME
#undef element
#undef FN
#undef MISSING
#undef PRESENT
#undef IS_NA
#undef AS_DOUBLE
