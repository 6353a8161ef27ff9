/* Scans and reductions of every type over the middle of pre x red x post, with and without what is
 * missing, against plain C: on the host, and on OpenCL as the code is written for a CPU device, for
 * a GPU and for a device without float64. */
#include "core.h"
#include "values_kit.h"
#include "device_table.h"

static const char *const op_name[] = {"sum", "mean", "prod",      "min",      "max",
                                      "any", "all",  "which_max", "which_min"};

static int is_real(ag_dtype type) { return type == AG_F64 || type == AG_F32; }

/* -- plain C ------------------------------------------------------------------------------- */
typedef struct {
  long double value;
  int64_t at, count;
  int missing;
} fold;

static fold start_of(ag_reduction op) {
  fold f = {.value = op == AG_PROD || op == AG_ALL ? 1 : 0, .at = -1};
  if (op == AG_MIN) f.value = INFINITY;
  if (op == AG_MAX) f.value = -INFINITY;
  return f;
}

static void add(fold *f, ag_reduction op, double x, int64_t r) {
  int better = f->at < 0 || (op == AG_WHICH_MAX || op == AG_MAX ? x > f->value : x < f->value);
  f->count++;
  switch (op) {
  case AG_PROD: f->value *= x; break;
  case AG_ANY: f->value = f->value != 0 || x != 0; break;
  case AG_ALL: f->value = f->value != 0 && x != 0; break;
  case AG_SUM:
  case AG_MEAN: f->value += x; break;
  default:
    if (better) f->value = x, f->at = r;
  }
}

static double result_of(const fold *f, ag_reduction op, int skip) {
  if (op == AG_WHICH_MAX || op == AG_WHICH_MIN) return (double)f->at;
  if (f->missing && !skip && !(op == AG_ANY && f->value != 0) && !(op == AG_ALL && f->value == 0))
    return NAN;
  return (double)(op == AG_MEAN ? f->value / f->count : f->value);
}

/* Reduces or scans x, of step `step`, into `to`. */
static void reference(ag_reduction op, int scan, int skip, int64_t n, const double *x, int64_t step,
                      double *to) {
  fold f = start_of(op);
  for (int64_t r = 0; r < n; r++) {
    if (x[r * step] == x[r * step]) add(&f, op, x[r * step], r);
    else f.missing = 1;
    if (scan) to[r * step] = result_of(&f, op, 0);
  }
  if (!scan) *to = result_of(&f, op, skip);
}

/* -- one case ------------------------------------------------------------------------------ */
static double *values(ag_dtype type, ag_reduction op, int64_t n, int64_t red, int missing) {
  double *x = numbers(n, is_real(type) ? 4 : 1000);
  for (int64_t i = 0; i < n; i++) {
    if (!is_real(type)) x[i] = floor(x[i]);
    if (op == AG_SUM && is_real(type)) x[i] = fabs(x[i]); /* nothing cancels */
    if (op == AG_PROD) x[i] = 1 + x[i] / (is_real(type) ? 1024 : 1e9);
    if (op == AG_PROD && !is_real(type)) x[i] = i % 97 == 0 ? -1 : 1;
    if (op == AG_ANY || type == AG_BOOL) x[i] = lcg() > 1 - 1.0 / (double)(red + 1);
    if (op == AG_ALL) x[i] = lcg() < 1 - 1.0 / (double)(red + 1);
    if (op == AG_WHICH_MAX) x[i] = floor(x[i]); /* ties */
    if (missing && lcg() > 1 - 1.0 / (double)(red + 1)) x[i] = lcg() > 0 ? na_real() : (double)NAN;
  }
  return x;
}

static ag_dtype type_of_result(ag_dtype type, ag_reduction op) {
  if (op == AG_ANY || op == AG_ALL) return AG_BOOL;
  if (is_real(type)) return type;
  return op == AG_MEAN || op == AG_PROD ? AG_F64 : AG_I32;
}

static void one_case(ag_reduction op, int scan, ag_dtype type, int64_t pre, int64_t red,
                     int64_t post, int missing, int skip) {
  const int64_t n = pre * red * post, count = scan ? n : pre * post;
  double *x = values(type, op, n, red, missing), *want = numbers(count, 1),
         *have = numbers(count, 1);
  ag_array *a = NULL, *y = NULL;
  ag_dtype upload = is_real(type) ? AG_F64 : type;
  int32_t *ints = malloc((size_t)(n + 1) * sizeof *ints);
  for (int64_t i = 0; i < n; i++) ints[i] = x[i] != x[i] ? AG_NA_INT : (int32_t)x[i];
  CHECK_OK(ag_array_write(&a, dev, type, ag_shape_of(3, pre, red, post),
                          upload == AG_F64 ? (void *)x : (void *)ints, upload));
  for (int64_t i = 0; i < n && type == AG_F32; i++) x[i] = (double)(float)x[i];
  if (scan) CHECK_OK(ag_expr_scan(&y, a, op, 1, 2));
  else CHECK_OK(ag_expr_reduce_as(&y, a, op, 1, 2, 0, skip, type_of_result(type, op)));
  CHECK_OK(ag_array_read(y, have, AG_F64));
  for (int64_t q = 0; q < post; q++)
    for (int64_t p = 0; p < pre; p++)
      reference(op, scan, skip, red, x + q * pre * red + p, pre,
                want + (scan ? q * pre * red + p : q * pre + p));
  for (int64_t i = 0; op == AG_MEAN && i < count; i++) have[i] += 4, want[i] += 4;
  char what[120];
  snprintf(what, sizeof what, "%s %s: %s %s %ld x %ld x %ld%s%s", dev->id, scan ? "scan" : "reduce",
           op_name[op], ag_dtype_name(type), (long)pre, (long)red, (long)post,
           missing ? " with NA" : "", skip ? ", skipped" : "");
  check_values(what, count, have, want, type == AG_F32 ? (op == AG_PROD ? 2e-3 : 1e-5) : 1e-11);
  ag_array_release(y);
  ag_array_release(a);
  free(ints), free(x), free(want), free(have);
}

/* -- what is tried ------------------------------------------------------------------------- */
static void all_cases(ag_dtype type, int few) {
  static const int64_t shape[][3] = {{1, 100003, 1}, {7, 300, 2},   {2, 40000, 1}, {1, 4097, 2},
                                     {2500, 60, 1},  {70, 3000, 1}, {5, 0, 2},     {5000, 7, 2},
                                     {1, 65, 5},     {3, 1, 1},     {1, 1, 1},     {1, 5000011, 1}};
  int nshapes = few ? 3 : dev->table == &ag_host_table ? 12 : 6;
  for (ag_reduction op = AG_SUM; op <= AG_WHICH_MIN; op++)
    for (int i = 0; i < nshapes; i++)
      for (int missing = 0; missing < 2; missing++)
        for (int scan = 0; scan < 2; scan++)
          for (int skip = 0; skip <= (missing && !scan); skip++) {
            int real_only = !dev->has_f64 && !is_real(type);
            int scans = op == AG_SUM || op == AG_PROD || op == AG_MIN || op == AG_MAX;
            if ((scan && !scans) || (real_only && (op == AG_MEAN || op == AG_PROD))) continue;
            if ((op == AG_ANY || op == AG_ALL) && type != AG_BOOL) continue;
            if (!scan && !shape[i][1] && !is_real(type)) continue; /* the extreme of none */
            if (missing && shape[i][1] < 2) continue;              /* all may be missing */
            if (scan && op == AG_PROD && !is_real(type)) continue; /* cast before */
            one_case(op, scan, type, shape[i][0], shape[i][1], shape[i][2], missing, skip);
          }
}

/* A product that would leave the range of a double on the way, and comes back. */
static void far_products(void) {
  double x[9000], have[9000], p;
  for (int i = 0; i < 9000; i++) x[i] = i < 4500 ? 0.5 : 2;
  for (int zero = 0; zero < 2; zero++) {
    ag_array *a, *y, *z;
    if (zero) x[10] = 0;
    CHECK_OK(ag_array_write(&a, dev, AG_F64, ag_shape_of(1, (int64_t)9000), x, AG_F64));
    CHECK_OK(ag_expr_reduce(&z, a, AG_PROD, 0, 1, 0));
    CHECK_OK(ag_expr_scan(&y, a, AG_PROD, 0, 1));
    CHECK_OK(ag_array_read(z, &p, AG_F64));
    CHECK_OK(ag_array_read(y, have, AG_F64));
    if (dev->table == &ag_host_table) CHECK(p == !zero, "product %g", p);
    CHECK(zero ? have[8999] == 0 : have[8999] == 1 || have[8999] == 0, "scan %g", have[8999]);
    CHECK(have[4] == 1.0 / 32 && (zero || have[1000] == ldexp(1, -1001)), "scan %g", have[1000]);
    ag_array_release(a), ag_array_release(y), ag_array_release(z);
  }
}

/* cumsum of integers: NA where the sum does not fit. */
static void overflow(void) {
  const int32_t x[4] = {2147483647, 1, -5, AG_NA_INT};
  int32_t have[4];
  ag_array *a, *y;
  CHECK_OK(ag_array_write(&a, dev, AG_I32, ag_shape_of(1, (int64_t)4), x, AG_I32));
  CHECK_OK(ag_expr_scan(&y, a, AG_SUM, 0, 1));
  CHECK_OK(ag_array_read(y, have, AG_I32));
  CHECK(have[0] == 2147483647 && have[1] == AG_NA_INT && have[3] == AG_NA_INT, "overflow: %d %d %d",
        have[0], have[1], have[3]);
  ag_array_release(a), ag_array_release(y);
}

/* The input is computed on the way, and the gradient is the sum from the other end. */
static void fused(void) {
  double x[100], have[100];
  int64_t before = ag_stat.launches;
  ag_array *a, *b, *y, *s, *g;
  for (int i = 0; i < 100; i++) x[i] = i;
  CHECK_OK(ag_array_write(&a, dev, AG_F32, ag_shape_of(1, (int64_t)100), x, AG_F64));
  CHECK_OK(ag_expr_unary(&b, AG_OP_square, a));
  CHECK_OK(ag_expr_scan(&y, b, AG_SUM, 0, 1));
  CHECK_OK(ag_expr_reduce(&s, y, AG_SUM, 0, 1, 0));
  CHECK_OK(ag_array_read(y, have, AG_F64));
  CHECK(ag_stat.launches == before + 1, "%d launches", (int)(ag_stat.launches - before));
  for (int i = 0; i < 100; i++)
    CHECK(have[i] == i * (i + 1) * (2 * i + 1) / 6, "%d: %g", i, have[i]);
  ag_array_release(y), ag_array_release(s);
  CHECK_OK(ag_expr_scan(&y, b, AG_SUM, 0, 1));
  CHECK_OK(ag_expr_reduce(&s, y, AG_SUM, 0, 1, 0));
  CHECK_OK(ag_grad(s, 1, &a, &g));
  CHECK_OK(ag_array_read(g, have, AG_F64));
  for (int i = 0; i < 100; i++) CHECK(have[i] == 2 * i * (100 - i), "gradient %d: %g", i, have[i]);
  ag_array_release(a), ag_array_release(b), ag_array_release(y), ag_array_release(s);
  ag_array_release(g);
}

/* An OpenCL device builds each kernel, from one text for all types: one of them has all cases. */
static void on_device(int few) {
  const int fewer = few || (dev->table != &ag_host_table && dev->has_f64);
  if (dev->has_f64) all_cases(AG_F64, few);
  all_cases(AG_F32, fewer);
  all_cases(AG_I32, fewer);
  if (!few) all_cases(AG_BOOL, few);
  if (dev->has_f64) far_products();
  overflow();
  fused();
}

int main(int argc, char **argv) {
  int status;
  setvbuf(stdout, NULL, _IOLBF, 0);
  CHECK_OK(ag_device_find(&dev, "host"));
  on_device(0);
  if (!open_opencl(argc, argv, &status)) return status;
  int has_f64 = dev->has_f64;
  on_device(0);
  pretend(1, has_f64);
  on_device(1);
  dev->has_f64 = 0;
  pretend(0, 0);
  on_device(1);
  pretend(1, 0);
  on_device(1);
  dev->has_f64 = has_f64;
  pretend(0, has_f64);
  ag_device_shutdown();
  return check_summary(0);
}
