/* Sorting against plain C: a merge sort of rows by a comparison, ranks by counting. */
#include "check.h"
#include "core.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ag_device *dev;
static unsigned long seed = 1;

static int pick(int n) {
  seed = seed * 6364136223846793005UL + 1442695040888963407UL;
  return (int)((seed >> 33) % (unsigned long)n);
}

static double na_real(void) {
  double v;
  const uint64_t bits = 0x7FF00000000007A2;
  memcpy(&v, &bits, sizeof v);
  return v;
}

static int is_na(double v) {
  uint64_t bits;
  memcpy(&bits, &v, sizeof bits);
  return isnan(v) && (uint32_t)bits == 1954;
}

/* -- what is sorted -------------------------------------------------------------------------- */
typedef enum { RANDOM, TIES, SPECIAL, INCREASING, DECREASING, CONSTANT, SKEWED, PATTERNS } pattern;

static double value(pattern p, ag_dtype type, int64_t i, int64_t n) {
  static const double special[] = {0, 0, INFINITY, -INFINITY, 1, -1, 5e-324, 1e300};
  if (type == AG_BOOL) return pick(9) == 0 ? na_real() : pick(2);
  switch (p) {
  case TIES: return pick(5) - 2;
  case SPECIAL: {
    int k = pick(10);
    if (type == AG_I32) return k == 0 ? na_real() : k == 1 ? INT32_MAX : k == 2 ? -INT32_MAX : k;
    return k == 8 ? na_real() : k == 9 ? NAN : k == 1 ? -0.0 : special[k];
  }
  case INCREASING: return (double)i;
  case DECREASING: return (double)(n - i);
  case CONSTANT: return 7;
  case SKEWED: return i % 100 ? 1 + pick(1000) / 1e12 : ldexp(1, pick(200) - 100);
  default: return type == AG_I32 ? pick(2000000000) - 1e9 : pick(2000001) / 1000.0 - 1000;
  }
}

static double *values(pattern p, ag_dtype type, int64_t n) {
  double *v = malloc(((size_t)n + 1) * sizeof *v);
  for (int64_t i = 0; i < n; i++) v[i] = value(p, type, i, n);
  return v;
}

static ag_array *up(const double *v, ag_dtype type, int64_t n) {
  ag_array *x = NULL;
  CHECK_OK(ag_array_write(&x, dev, type, ag_shape_of(1, n), v, AG_F64));
  return x;
}

/* Values as the device holds them. */
static double *down(ag_array *x) {
  double *v = malloc(((size_t)ag_array_count(x) + 1) * sizeof *v);
  CHECK_OK(ag_array_read(x, v, AG_F64));
  return v;
}

static int32_t *down_int(ag_array *x) {
  int32_t *v = malloc(((size_t)ag_array_count(x) + 1) * sizeof *v);
  CHECK_OK(ag_array_read(x, v, AG_I32));
  return v;
}

/* -- the reference --------------------------------------------------------------------------- */
static int class_of(double v, ag_sort_by by) { /* place of NA, NaN, numbers */
  if (!isnan(v)) return 0;
  int far = by.apart && is_na(v) ? 2 : 1;
  return by.na_first ? -far : far;
}

static int compare(double a, double b, ag_sort_by by) {
  int ca = class_of(a, by), cb = class_of(b, by);
  if (ca || cb) return ca < cb ? -1 : ca > cb;
  int c = a < b ? -1 : a > b;
  return by.decreasing ? -c : c;
}

typedef struct {
  int nkeys;
  double *const *key;
  const ag_sort_by *by;
} table;

static int compare_rows(const table *t, int32_t a, int32_t b) {
  for (int k = 0; k < t->nkeys; k++) {
    int c = compare(t->key[k][a - 1], t->key[k][b - 1], t->by[k]);
    if (c) return c;
  }
  return 0;
}

static void merge_sort(const table *t, int32_t *row, int32_t *room, int64_t n) {
  if (n < 2) return;
  int64_t half = n / 2, i = 0, j = half;
  merge_sort(t, row, room, half);
  merge_sort(t, row + half, room, n - half);
  for (int64_t k = 0; k < n; k++)
    room[k] = j >= n || (i < half && compare_rows(t, row[i], row[j]) <= 0) ? row[i++] : row[j++];
  memcpy(row, room, (size_t)n * sizeof *row);
}

static int32_t *reference(const table *t, int64_t n) {
  int32_t *row = malloc(((size_t)n + 1) * sizeof *row),
          *room = malloc(((size_t)n + 1) * sizeof *row);
  for (int64_t i = 0; i < n; i++) row[i] = (int32_t)i + 1;
  merge_sort(t, row, room, n);
  free(room);
  return row;
}

/* -- orders and values ----------------------------------------------------------------------- */
static void check_values(const char *what, ag_array *x, const double *v, const int32_t *row,
                         ag_sort_by by, int64_t n) {
  ag_array *y = NULL;
  CHECK_OK(ag_sort_values(&y, x, by));
  double *have = down(y);
  int64_t bad = -1;
  for (int64_t i = n - 1; i >= 0; i--) {
    double want = v[row[i] - 1];
    int same = isnan(want) ? isnan(have[i]) && is_na(want) == is_na(have[i])
                           : have[i] == want && signbit(have[i]) == signbit(want);
    if (!same) bad = i;
  }
  CHECK(bad < 0, "%s: value %ld is %g, not %g", what, (long)bad, have[bad], v[row[bad] - 1]);
  int64_t count, numbers = 0;
  for (int64_t i = 0; i < n; i++) numbers += !isnan(v[i]);
  if (!by.na_first) {
    CHECK_OK(ag_sort_count(&count, y, NULL));
    CHECK(count == numbers, "%s: %ld numbers, not %ld", what, (long)count, (long)numbers);
  }
  free(have);
  ag_array_release(y);
}

static void check_ranks(const char *what, ag_array *x, const double *v, const int32_t *row,
                        ag_array *order, ag_sort_by by, int64_t n) {
  for (ag_rank r = AG_RANK_FIRST; r <= AG_RANK_OCCURRENCE; r++) {
    ag_array *y = NULL;
    CHECK_OK(ag_sort_rank(&y, x, order, &(ag_rank_by){.rank = r, .by = by}));
    double *have = down(y);
    int64_t bad = -1;
    for (int64_t lo = 0, hi; lo < n; lo = hi) {
      for (hi = lo; hi < n && compare(v[row[lo] - 1], v[row[hi] - 1], by) == 0; hi++) continue;
      for (int64_t i = lo; i < hi; i++) {
        const double want[] = {(double)(i + 1),
                               (double)(lo + hi - i),
                               (double)(lo + 1),
                               (double)hi,
                               (double)(lo + 1 + hi) / 2,
                               i > lo,
                               i < hi - 1,
                               row[lo]};
        if (have[row[i] - 1] != want[r]) bad = i;
      }
    }
    CHECK(bad < 0, "%s: rank %d at place %ld", what, (int)r, (long)bad);
    free(have);
    ag_array_release(y);
  }
}

static void one_key(pattern p, ag_dtype type, int64_t n, ag_sort_by by) {
  char what[100];
  snprintf(what, sizeof what, "%s, pattern %d, %ld%s%s%s", ag_dtype_name(type), (int)p, (long)n,
           by.decreasing ? ", decreasing" : "", by.na_first ? ", NA first" : "",
           by.apart ? ", NaN apart" : "");
  double *raw = values(p, type, n);
  ag_array *x = up(raw, type, n), *y = NULL;
  double *v = down(x);
  table t = {1, &v, &by};
  int32_t *want = reference(&t, n);
  CHECK_OK(ag_sort_order(&y, 1, &x, &by));
  int32_t *have = down_int(y);
  int64_t bad = -1;
  for (int64_t i = n - 1; i >= 0; i--)
    if (have[i] != want[i]) bad = i;
  CHECK(bad < 0, "%s: row %ld is %d, not %d", what, (long)bad, have[bad], want[bad]);
  if (!by.apart) check_values(what, x, v, want, by, n);
  check_ranks(what, x, v, want, y, by, n);
  ag_array_release(x);
  ag_array_release(y);
  free(raw), free(v), free(want), free(have);
}

static void several_keys(int64_t n) {
  const ag_dtype type[3] = {AG_BOOL, AG_I32, dev->has_f64 ? AG_F64 : AG_F32};
  const ag_sort_by by[3] = {{1, 0, 0}, {0, 1, 0}, {1, 1, 0}};
  double *v[3];
  ag_array *x[3], *y = NULL;
  for (int k = 0; k < 3; k++) {
    double *raw = values(k ? TIES : RANDOM, type[k], n);
    x[k] = up(raw, type[k], n);
    v[k] = down(x[k]);
    free(raw);
  }
  table t = {3, v, by};
  int32_t *want = reference(&t, n);
  CHECK_OK(ag_sort_order(&y, 3, x, by));
  int32_t *have = down_int(y);
  CHECK(!memcmp(have, want, (size_t)n * sizeof *have), "order of %ld by 3 keys", (long)n);
  for (int k = 0; k < 3; k++) ag_array_release(x[k]), free(v[k]);
  ag_array_release(y);
  free(want), free(have);
}

/* Pieces of 10 elements are ranked by themselves. */
static void segments(ag_dtype type, int64_t pieces) {
  const int64_t n = 10 * pieces;
  double *raw = values(TIES, type, n), *at = malloc((size_t)n * sizeof *at);
  for (int64_t i = 0; i < n; i++) at[i] = (double)(i / 10);
  ag_array *key[2] = {up(at, AG_I32, n), up(raw, type, n)}, *order = NULL, *y = NULL, *same = NULL;
  ag_array *matrix = NULL;
  const ag_sort_by by[2] = {{0, 0, 0}, {0, 0, 0}};
  CHECK_OK(ag_sort_order(&same, 2, key, by));
  CHECK_OK(ag_expr_reshape(&matrix, key[1], ag_shape_of(2, (int64_t)10, pieces)));
  CHECK_OK(ag_sort_columns(&order, matrix, by[1]));
  int32_t *a = down_int(order), *b = down_int(same);
  CHECK(!memcmp(a, b, (size_t)n * sizeof *a), "order within columns of %s", ag_dtype_name(type));
  free(a), free(b);
  CHECK_OK(ag_sort_rank(&y, matrix, order, &(ag_rank_by){.rank = AG_RANK_MAX, .segment = 10}));
  double *have = down(y);
  int bad = 0;
  for (int64_t i = 0; i < n; i++) {
    int up_to = 0;
    for (int64_t j = i / 10 * 10; j < i / 10 * 10 + 10; j++) up_to += raw[j] <= raw[i];
    bad += have[i] != up_to;
  }
  CHECK(bad == 0, "%d ranks in pieces of %s", bad, ag_dtype_name(type));
  ag_array *all[] = {key[0], key[1], order, same, matrix, y};
  for (int i = 0; i < 6; i++) ag_array_release(all[i]);
  free(raw), free(at), free(have);
}

/* -- search and counts ------------------------------------------------------------------------ */
static void search(ag_dtype type, int64_t n, int64_t m) {
  double *raw = values(SPECIAL, type, n), *t = malloc(((size_t)m + 1) * sizeof *t);
  for (int64_t i = 0; i < m; i++) t[i] = (double)(i / 2 * 2) - 2;
  ag_array *x = up(raw, type, n), *table = up(t, type, m), *y = NULL;
  double *v = down(x);
  for (int left = 0; left < 2; left++) {
    CHECK_OK(ag_sort_search(&y, x, table, left, 0, AG_COUNT_PLAIN));
    double *have = down(y);
    int bad = 0;
    for (int64_t i = 0; i < n; i++) {
      int below = 0;
      for (int64_t j = 0; j < m; j++) below += left ? t[j] < v[i] : t[j] <= v[i];
      bad += isnan(v[i]) ? !is_na(have[i]) : have[i] != below;
    }
    CHECK(bad == 0, "search of %ld in %ld %s: %d", (long)n, (long)m, ag_dtype_name(type), bad);
    free(have);
    ag_array_release(y);
  }
  ag_array_release(x);
  ag_array_release(table);
  free(raw), free(v), free(t);
}

static void tabulate(int64_t n, int64_t m) {
  double *raw = malloc(((size_t)n + 1) * sizeof *raw), *want = calloc((size_t)m + 1, sizeof *want);
  for (int64_t i = 0; i < n; i++) {
    raw[i] = pick(20) ? pick((int)m + 4) - 1 : na_real();
    if (raw[i] >= 1 && raw[i] <= m) want[(int64_t)raw[i] - 1]++;
  }
  ag_array *x = up(raw, AG_I32, n), *y = NULL;
  CHECK_OK(ag_sort_tabulate(&y, x, m));
  double *have = down(y);
  CHECK(!memcmp(have, want, (size_t)m * sizeof *have), "counts of %ld in %ld", (long)n, (long)m);
  ag_array_release(x);
  ag_array_release(y);
  free(raw), free(want), free(have);
}

/* -- failures ---------------------------------------------------------------------------------- */
/* The n-th device call fails, n = 1, 2, ...: a status each time, nothing left behind. */
static void faults(void) {
  const ag_sort_by by[2] = {{0, 0, 0}, {1, 0, 0}};
  double *raw = values(RANDOM, AG_F32, 5000);
  ag_array *x = up(raw, AG_F32, 5000);
  int64_t arrays = ag_array_live(), buffers = ag_device_memory(dev).live_buffers, n;
  int k = 0, done = 0;
  while (!done && ++k < 100) {
    ag_array *key[2] = {x, x}, *order = NULL, *rank = NULL, *sorted = NULL, *place = NULL;
    ag_fault_after(k);
    ag_status s = ag_sort_order(&order, 2, key, by);
    if (s == AG_OK) s = ag_sort_rank(&rank, x, order, &(ag_rank_by){.rank = AG_RANK_MIN});
    if (s == AG_OK) s = ag_sort_values(&sorted, x, by[0]);
    if (s == AG_OK) s = ag_sort_search(&place, x, sorted, 0, 0, AG_COUNT_PLAIN);
    if (s == AG_OK) s = ag_sort_count(&n, sorted, NULL);
    done = s == AG_OK;
    if (!done) CHECK(strstr(ag_error_message(), "injected"), "%s", ag_error_message());
    ag_fault_after(0);
    ag_array *all[] = {order, rank, sorted, place};
    for (int i = 0; i < 4; i++) ag_array_release(all[i]);
    CHECK(ag_array_live() == arrays, "fault %d: %d nodes", k, (int)(ag_array_live() - arrays));
    CHECK(ag_device_memory(dev).live_buffers == buffers, "fault %d: buffers", k);
  }
  CHECK(done && k > 20, "%d calls", k);
  ag_array_release(x);
  free(raw);
}

static void on_device(const char *id, int64_t large) {
  if (ag_device_find(&dev, id) != AG_OK) return;
  printf("%s\n", dev->id);
  int64_t arrays = ag_array_live(), buffers = ag_device_memory(dev).live_buffers;
  const int64_t size[] = {0, 1, 2, 64, 1000, 16385, large};
  for (ag_dtype type = dev->has_f64 ? AG_F64 : AG_F32; type <= AG_BOOL; type++) {
    for (pattern p = RANDOM; p < PATTERNS; p++)
      for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        int way = pick(4);
        one_key(p, type, size[i], (ag_sort_by){way & 1, way >> 1, 0});
        if (p == SPECIAL)
          for (way = 0; way < 8; way++)
            one_key(p, type, size[i], (ag_sort_by){way & 1, way >> 1 & 1, way >> 2});
        if (type == AG_BOOL) p = PATTERNS - 1;
      }
    if (type != AG_BOOL) segments(type, 300);
    for (int64_t m = 0; m < 20 && type != AG_BOOL; m += 1 + m) search(type, 3000, m);
  }
  several_keys(1000);
  several_keys(large);
  tabulate(1000, 7);
  tabulate(large, 100);
  tabulate(large, 5000);
  tabulate(0, 3);
  faults();
  CHECK(ag_array_live() == arrays, "%d nodes leak", (int)(ag_array_live() - arrays));
  CHECK(ag_device_memory(dev).live_buffers == buffers, "buffers leak");
}

int main(int argc, char **argv) {
  ag_device *opencl;
  int skipped = 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc > 1) ag_device_set_kernel_dir(argv[1]);
  ag_threads_set(3);
  on_device("host", 400003);
  ag_threads_set(0);
  if (ag_device_find(&opencl, "opencl") == AG_OK) {
    on_device("opencl", 100003);
  } else {
    printf("no OpenCL device: %s\n", ag_device_opencl_problem());
    skipped = 1;
  }
  ag_device_shutdown();
  return check_summary(skipped);
}
