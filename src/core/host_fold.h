/* Reductions of `element`s, and what their scans have in common. FN(name) is the function's name
 * for the type; MISSING(x), IS_NA(x) and AS_DOUBLE(x) say what is missing and keep NA. The contract
 * of the functions is in host_isa.h. Included once per type by host_loops.h. */

static int FN(any_missing)(int64_t n, const element *x) {
  int found = 0;
  for (int64_t i = 0; i < n; i++) found |= MISSING(x[i]);
  return found;
}

/* The NaN that stands for the missing ones among x, of which there are some: NA wins. */
static double FN(missing_value)(int64_t n, const element *x) {
  for (int64_t i = 0; i < n; i++)
    if (IS_NA(x[i])) return NA_F64;
  return NAN;
}

static void FN(prod_run)(int64_t n, const void *px, int skip, double *value, int64_t *at,
                         int64_t r) {
  const element *x = px;
  (void)r;
  for (int64_t i = 0; i < n; i++)
    if (!skip || !MISSING(x[i])) ag_prod_step(value, at, AS_DOUBLE(x[i]));
}

static void FN(prod_row)(int64_t n, const void *px, int skip, double *value, int64_t *at,
                         int64_t r) {
  const element *x = px;
  (void)r;
  for (int64_t i = 0; i < n; i++)
    if (!skip || !MISSING(x[i])) ag_prod_step(value + i, at + i, AS_DOUBLE(x[i]));
}

static int FN(contains)(int64_t n, const element *x, element what) {
  int64_t i = 0;
  while (i < n && !(x[i] == what)) i++;
  return i < n;
}

#define PRESENT(x) (1 - MISSING(x))

/* The extreme of the elements that are not missing, in several lanes; `start` if there is none. */
#define EXTREME(fn, is_better)                                                                     \
  static double fn(int64_t n, const element *x, element start) {                                   \
    element lane[PARTS];                                                                           \
    int64_t i = 0;                                                                                 \
    for (int j = 0; j < PARTS; j++) lane[j] = start;                                               \
    for (; i + PARTS <= n; i += PARTS)                                                             \
      for (int j = 0; j < PARTS; j++)                                                              \
        lane[j] = PRESENT(x[i + j]) & (x[i + j] is_better lane[j]) ? x[i + j] : lane[j];           \
    for (int j = 0; i < n; i++, j++)                                                               \
      lane[j] = PRESENT(x[i]) & (x[i] is_better lane[j]) ? x[i] : lane[j];                         \
    for (int j = 1; j < PARTS; j++) lane[0] = lane[j] is_better lane[0] ? lane[j] : lane[0];       \
    return (double)lane[0];                                                                        \
  }
EXTREME(FN(least), <)
EXTREME(FN(greatest), >)
#undef EXTREME

#define EXTREME_RUN(fn, extreme, start, is_better)                                                 \
  static void fn(int64_t n, const void *px, int skip, double *value, int64_t *at, int64_t r) {     \
    const element *x = px;                                                                         \
    (void)at, (void)r;                                                                             \
    if (!skip && FN(any_missing)(n, x)) {                                                          \
      if (!is_na_f64(*value)) *value = FN(missing_value)(n, x);                                    \
      return;                                                                                      \
    }                                                                                              \
    double best = extreme(n, x, start);                                                            \
    if (best == (double)(start) && !FN(contains)(n, x, start)) return; /* none is there */         \
    if (best is_better * value) *value = best;                                                     \
  }
#define EXTREME_ROW(fn, is_better)                                                                 \
  static void fn(int64_t n, const void *px, int skip, double *value, int64_t *at, int64_t r) {     \
    const element *x = px;                                                                         \
    (void)at, (void)r;                                                                             \
    if (skip)                                                                                      \
      for (int64_t i = 0; i < n; i++) {                                                            \
        const double a = AS_DOUBLE(x[i]), y = value[i];                                            \
        value[i] = a is_better y ? a : y;                                                          \
      }                                                                                            \
    else                                                                                           \
      for (int64_t i = 0; i < n; i++) {                                                            \
        const double a = AS_DOUBLE(x[i]), y = value[i];                                            \
        value[i] = (a is_better y) | ((a != a) & (y == y)) ? a : y;                                \
      }                                                                                            \
  }
EXTREME_ROW(FN(min_row), <)
EXTREME_ROW(FN(max_row), >)
#undef EXTREME_ROW

#define WHICH_RUN(fn, extreme, start, is_better)                                                   \
  static void fn(int64_t n, const void *px, int skip, double *value, int64_t *at, int64_t r) {     \
    const element *x = px;                                                                         \
    const double best = extreme(n, x, start);                                                      \
    (void)skip;                                                                                    \
    if (*at >= 0 && !(best is_better * value)) return;                                             \
    for (int64_t i = 0; i < n; i++)                                                                \
      if ((double)x[i] == best && !MISSING(x[i])) {                                                \
        *value = best;                                                                             \
        *at = r + i;                                                                               \
        return;                                                                                    \
      }                                                                                            \
  }
#define WHICH_ROW(fn, is_better)                                                                   \
  static void fn(int64_t n, const void *px, int skip, double *value, int64_t *at, int64_t r) {     \
    const element *x = px;                                                                         \
    (void)skip;                                                                                    \
    for (int64_t i = 0; i < n; i++) {                                                              \
      const double a = (double)x[i];                                                               \
      const int better = PRESENT(x[i]) & ((at[i] < 0) | (a is_better value[i]));                   \
      value[i] = better ? a : value[i];                                                            \
      at[i] = better ? r : at[i];                                                                  \
    }                                                                                              \
  }
WHICH_ROW(FN(which_min_row), <)
WHICH_ROW(FN(which_max_row), >)
#undef WHICH_ROW

/* Sticky once missing: what comes then is missing too. */
#define SCAN_EXTREME(fn, is_better, missing)                                                       \
  static void fn(int64_t n, const void *px, void *py, double value, int64_t at) {                  \
    const element *x = px;                                                                         \
    element *y = py;                                                                               \
    int64_t i = 0;                                                                                 \
    (void)at;                                                                                      \
    if (n > 0 && value == value && !MISSING(x[0])) {                                               \
      element best = (double)x[0] is_better value ? x[0] : (element)value;                         \
      for (; i < n && !MISSING(x[i]); i++) y[i] = best = x[i] is_better best ? x[i] : best;        \
      if (i < n) value = AS_DOUBLE(x[i]);                                                          \
    } else if (n > 0 && value == value) {                                                          \
      value = AS_DOUBLE(x[0]);                                                                     \
    }                                                                                              \
    for (const element rest = missing; i < n; i++) y[i] = rest;                                    \
  }
