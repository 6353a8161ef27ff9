/* Maps on the OpenCL device against plain C: every operation (its text compiled as C is the
 * reference), every kind of access, casts, constants and random numbers. Lengths are such that
 * vectors and the scalars after them both occur. */
#include "opencl_kit.h"
#include <tgmath.h>

/* -- ops.def as C, in float and in double ---------------------------------------------------- */
#define NA_INT           INT32_MIN
#define AG_NO_DERIVATIVE 0
#define cospi(x)         cos((real)(3.14159265358979323846) * (x))
#define sinpi(x)         sin((real)(3.14159265358979323846) * (x))
#define tanpi(x)         tan((real)(3.14159265358979323846) * (x))
typedef int32_t integer;
#include "../../inst/kernels/integer.cl"

#define scalar double
#define real   double
#include "../../inst/kernels/math.cl"
#define ag_nan      ag_nan_double
#define ag_round    ag_round_double
#define ag_gamma    ag_gamma_double
#define ag_lgamma   ag_lgamma_double
#define ag_digamma  ag_digamma_double
#define ag_trigamma ag_trigamma_double
#define CASE(name, text)                                                                           \
  case AG_OP_##name: return (double)(text);
static double reference_f64(int op, double a, double b, double y) {
  (void)b, (void)y;
  switch (op) {
#define OP(name, r, arity, group, forward, da, db, domain, title)                                  \
  IF_##group(CASE(name, forward) CASE(name##_da, da) CASE(name##_db, db))
#define IF_ARITH(cases)   cases
#define IF_MATH(cases)    cases
#define IF_NN(cases)      cases
#define IF_COMPARE(cases) cases
#define IF_TEST(cases)    cases
#define IF_LOGIC(cases)
#define IF_INT(cases)
#define IF_INTCOMPARE(cases)
#include "ops.def"
  default: return NAN;
  }
}
#undef scalar
#undef real
#undef ag_nan
#undef ag_round
#undef ag_gamma
#undef ag_lgamma
#undef ag_digamma
#undef ag_trigamma

#define scalar float
#define real   float
#include "../../inst/kernels/math.cl"
#define ag_nan      ag_nan_float
#define ag_round    ag_round_float
#define ag_gamma    ag_gamma_float
#define ag_lgamma   ag_lgamma_float
#define ag_digamma  ag_digamma_float
#define ag_trigamma ag_trigamma_float
static double reference_f32(int op, float a, float b, float y) {
  (void)b, (void)y;
  switch (op) {
#include "ops.def"
  default: return NAN;
  }
}
#undef scalar
#undef real
#undef IF_ARITH
#undef IF_MATH
#undef IF_NN
#undef IF_COMPARE
#undef IF_TEST
#undef IF_LOGIC
#undef IF_INT
#undef IF_INTCOMPARE
#define IF_ARITH(cases)
#define IF_MATH(cases)
#define IF_NN(cases)
#define IF_COMPARE(cases)
#define IF_TEST(cases)
#define IF_LOGIC(cases)      cases
#define IF_INT(cases)        cases
#define IF_INTCOMPARE(cases) cases
static double reference_integer(int op, integer a, integer b, integer y) {
  (void)b, (void)y;
  if (ag_op_get((ag_op)op)->group == AG_INTCOMPARE && (a == NA_INT || b == NA_INT)) return NA_INT;
  switch (op) {
#include "ops.def"
  default: return NAN;
  }
}

static double reference(int op, ag_dtype type, double a, double b, double y) {
  const ag_op_info *info = ag_op_get((ag_op)op);
  if (info->group == AG_COMPARE && *info->r && (a != a || b != b)) return NAN;
  return type == AG_F64 ? reference_f64(op, a, b, y)
                        : reference_f32(op, (float)a, (float)b, (float)y);
}

/* -- every operation ------------------------------------------------------------------------- */
#define N 79

static const struct {
  const char *name;
  double low, high;
} domain[] = {{"real", -10, 10},     {"positive", 0.01, 10}, {"nonnegative", 0, 10},
              {"unit", -0.99, 0.99}, {"above1", 1.01, 10},   {"aboveminus1", -0.9, 10},
              {"nonzero", 0.1, 10},  {"small", -3, 3}};

static void arguments(const char *name, double *x) {
  double low = -10, high = 10;
  for (size_t i = 0; i < sizeof domain / sizeof *domain; i++)
    if (!strcmp(domain[i].name, name)) low = domain[i].low, high = domain[i].high;
  for (int i = 0; i < N; i++) x[i] = (float)(low + (lcg() + 1) / 2 * (high - low));
  if (!strcmp(name, "nonzero"))
    for (int i = 0; i < N; i += 2) x[i] = -x[i];
}

/* Values that need care, in pairs; only for forward texts, where base R says what is right. */
static int specials(const char *name, double *a, double *b) {
  static const double care[] = {0, -0.0, 1, -1, 2, 0.5, INFINITY, -INFINITY, NAN};
  if (strcmp(name, "real") && strcmp(name, "nonzero") && strcmp(name, "positive")) return 0;
  for (int i = 0; i < N; i++) a[i] = care[i % 9], b[i] = care[i / 9 % 9];
  return 1;
}

/* Up to AG_MAX_OUT operations of a, b, y in one kernel. */
static void run_ops(int nops, const int *op, ag_dtype type, const double *a, const double *b,
                    double *const *y, double tolerance) {
  const int64_t n = N;
  start_kernel(AG_K_MAP);
  set_dims(1, &n);
  fill_slot(0, type, N, a, 0);
  fill_slot(1, type, N, b, 3);
  int ra = add_load(contiguous(0, type)), rb = add_load(contiguous(1, type));
  for (int k = 0; k < nops; k++) {
    const ag_op_info *info = ag_op_get((ag_op)op[k]);
    const ag_dtype out = ag_op_gives_logical(info->group) && *info->r ? AG_BOOL : type;
    fill_slot(2 + k, type, N, y[k], 0);
    fill_slot(20 + k, out, N, a, 1);
    int ry = info->uses[2] ? add_load(contiguous(2 + k, type)) : -1;
    add_out(add_op(op[k], out, type, ra, rb, ry), contiguous(20 + k, out));
  }
  run_kernel();
  end_kernel();
  for (int k = 0; k < nops; k++) {
    double want[N];
    const ag_op_info *info = ag_op_get((ag_op)op[k]);
    char what[80];
    for (int i = 0; i < N; i++) want[i] = reference(op[k], type, a[i], b[i], y[k][i]);
    const int is_logical = ag_op_gives_logical(info->group) && *info->r;
    double *have = read_slot(20 + k, is_logical ? AG_BOOL : type, N);
    snprintf(what, sizeof what, "%s %s", info->name, ag_dtype_name(type));
    check_values(what, N, have, want, tolerance);
    free(have);
  }
}

static int in_group(int op, const char *name, int derivative) {
  const ag_op_info *info = ag_op_get((ag_op)op);
  const int is_derivative = op % 3 != 0;
  if (is_derivative != derivative || ag_op_takes(info->group) != AG_OF_REAL ||
      strcmp(info->domain, name))
    return 0;
  return !is_derivative || (info->differentiable && !ag_op_gives_logical(info->group));
}

static void ops_of_domain(const char *name, ag_dtype type, int derivative, const double *a,
                          const double *b, double tolerance) {
  int op[AG_MAX_OUT], n = 0;
  double *y[AG_MAX_OUT];
  for (int k = 0; k < AG_MAX_OUT; k++) y[k] = malloc(N * sizeof(double));
  for (int i = 0; i < AG_OP_COUNT; i++) {
    if (!in_group(i, name, derivative)) continue;
    for (int e = 0; e < N; e++)
      y[n][e] = derivative ? reference(i - i % 3, type, a[e], b[e], 0) : 0;
    op[n++] = i;
    if (n == AG_MAX_OUT) run_ops(n, op, type, a, b, y, tolerance), n = 0;
  }
  if (n) run_ops(n, op, type, a, b, y, tolerance);
  for (int k = 0; k < AG_MAX_OUT; k++) free(y[k]);
}

static void every_op(ag_dtype type) {
  double a[N], b[N];
  const double tolerance =
      type == AG_F64 ? 2e-12 : 2e-4; /* differences of functions, close to their zeros */
  for (size_t i = 0; i < sizeof domain / sizeof *domain; i++) {
    const char *name = domain[i].name;
    arguments(name, a);
    arguments(name, b);
    ops_of_domain(name, type, 0, a, b, tolerance);
    ops_of_domain(name, type, 1, a, b, tolerance);
    if (specials(name, a, b)) ops_of_domain(name, type, 0, a, b, tolerance);
  }
}

/* Arguments in all combinations. */
static void every_integer_op(ag_op_domain takes, int count, const int32_t *value) {
  const int64_t n = N;
  const ag_dtype type = takes == AG_OF_LOGICAL ? AG_BOOL : AG_I32;
  int32_t v[3][N];
  double x[3][N], want[N];
  for (int i = 0, part = i; i < N; part = ++i)
    for (int k = 0; k < 3; k++, part /= count) {
      v[k][i] = value[part % count];
      x[k][i] = v[k][i] == AG_NA_INT ? (double)NAN : v[k][i];
    }
  for (int op = 0; op < AG_OP_COUNT; op += 3) {
    const ag_op_info *info = ag_op_get((ag_op)op);
    if (ag_op_takes(info->group) != takes) continue;
    const ag_dtype out = ag_op_gives_logical(info->group) ? AG_BOOL : type;
    start_kernel(AG_K_MAP);
    set_dims(1, &n);
    int r[3];
    for (int k = 0; k < 3; k++) {
      fill_slot(k, type, N, x[k], 0);
      r[k] = add_load(contiguous(k, type));
    }
    fill_slot(3, out, N, x[0], 0);
    add_out(add_op(op, out, type, r[0], r[1], info->uses[2] ? r[2] : -1), contiguous(3, out));
    run_kernel();
    end_kernel();
    for (int i = 0; i < N; i++) {
      want[i] = reference_integer(op, v[0][i], v[1][i], v[2][i]);
      if (want[i] == AG_NA_INT) want[i] = NAN;
    }
    double *have = read_slot(3, out, N);
    check_values(info->name, N, have, want, 0);
    free(have);
  }
}

static void every_op_of_integers(void) {
  static const int32_t logical[] = {0, 1, AG_NA_INT},
                       care[] = {AG_NA_INT, 3, -7, 2147483647, -2147483647, 0, 65536, 31, -1};
  every_integer_op(AG_OF_LOGICAL, 3, logical);
  every_integer_op(AG_OF_INT, 9, care);
}

/* -- every access ---------------------------------------------------------------------------- */
static int64_t place(const ag_access *at, int nd, const int64_t *i) {
  int64_t l = at->base;
  for (int q = 0; q < nd; q++) l += i[q] * at->stride[q];
  return at->mod ? at->off + at->step * (l % at->mod) : l;
}

/* Copies through each access; the last output is written through one. */
static void accesses(int nd, const int64_t *dim, ag_dtype type) {
  const int64_t d0 = dim[0], d1 = nd > 1 ? dim[1] : 1, d2 = nd > 2 ? dim[2] : 1, n = d0 * d1 * d2;
  const ag_access at[] = {
      {.base = 5, .stride = {1, d0, d0 * d1}},                       /* shifted         */
      {.base = 0, .stride = {d1, 1, d0 * d1}},                       /* transposed      */
      {.base = n - 1, .stride = {-1, -d0, -d0 * d1}},                /* reversed        */
      {.base = 2, .stride = {0, 1, 0}},                              /* row vector      */
      {.base = 1, .stride = {1, d0, d0 * d1}, .mod = 37, .step = 1}, /* recycled */
      {.base = 0, .stride = {1, d0, d0 * d1}, .mod = 5, .off = 3, .step = 2},
      {.base = 0, .stride = {0, 1, 3}, .mod = 4, .step = 1},
  };
  const int nat = (int)(sizeof at / sizeof *at);
  double *x = numbers(2 * n + 100, 100);
  start_kernel(AG_K_MAP);
  set_dims(nd, dim);
  fill_slot(0, type, 2 * n + 100, x, 7);
  for (int k = 0; k < nat; k++) {
    fill_slot(1 + k, type, 2 * n + 100, x, 3);
    ag_operand out = contiguous(1 + k, type);
    if (k == 0) { /* every second element */
      out.contiguous = 0;
      out.at = (ag_access){.base = 1, .stride = {2, 2 * d0, 2 * d0 * d1}};
    }
    add_out(add_load((ag_operand){.slot = 0, .type = type, .at = at[k]}), out);
  }
  ag_operand counter = {.slot = -1, .type = type, .at = at[5]};
  kernel->prog.in[kernel->prog.nin] = counter;
  fill_slot(9, type, n, x, 0);
  add_out(add_instr((ag_instr){
              .kind = AG_I_IOTA, .type = type, .from = type, .index = kernel->prog.nin++}),
          contiguous(9, type));
  run_kernel();
  end_kernel();
  double *want = malloc((size_t)n * sizeof *want);
  for (int k = 0; k <= nat; k++) {
    for (int64_t e = 0; e < n; e++) {
      const int64_t i[3] = {e % d0, e / d0 % d1, e / d0 / d1};
      want[e] = k == nat ? (double)place(&at[5], nd, i) : x[place(&at[k], nd, i)];
    }
    double *have = read_slot(k == nat ? 9 : 1 + k, type, k == 0 ? 2 * n + 2 : n);
    if (k == 0)
      for (int64_t e = 0; e < n; e++) have[e] = have[2 * e + 1];
    char what[80];
    snprintf(what, sizeof what, "access %d of %ld x %ld x %ld", k, (long)d0, (long)d1, (long)d2);
    check_values(what, n, have, want, type == AG_F32 ? 1e-7 : 0);
    free(have);
  }
  free(want);
  free(x);
}

/* -- casts, constants, random numbers -------------------------------------------------------- */
static double cast_reference(double x, ag_dtype from, ag_dtype to) {
  if (x != x) return to == AG_F32 || to == AG_F64 ? x : na_real();
  if (to == AG_F32) return (double)(float)x;
  if (to == AG_BOOL) return x != 0;
  if (to == AG_I32 && from <= AG_F32) return fabs(x) < 2147483648.0 ? trunc(x) : na_real();
  return x;
}

static void casts(void) {
  static const double care[] = {0,           -0.0,         1,   -1.75, 2.5,      1e9,
                                -2147483647, 2147483648.0, 3e9, -3e9,  INFINITY, -INFINITY};
  const int64_t n = N;
  for (ag_dtype from = AG_F64; from <= AG_BOOL; from++) {
    double x[N];
    for (int i = 0; i < N; i++) {
      x[i] = i % 13 == 12 ? na_real() : i % 14 == 13 ? NAN : care[i % 12];
      if (from >= AG_I32) x[i] = x[i] != x[i] || fabs(x[i]) > 2147483647 ? na_real() : trunc(x[i]);
      if (from == AG_BOOL && x[i] == x[i]) x[i] = x[i] != 0;
      if (from == AG_F32) x[i] = is_na(x[i]) ? x[i] : (double)(float)x[i];
    }
    start_kernel(AG_K_MAP);
    set_dims(1, &n);
    fill_slot(0, from, N, x, 0);
    int r = add_load(contiguous(0, from));
    for (ag_dtype to = AG_F64; to <= AG_BOOL; to++) {
      fill_slot(1 + (int)to, to, N, x, 0);
      add_out(
          add_instr((ag_instr){.kind = AG_I_CAST, .type = to, .from = from, .arg = {r, -1, -1}}),
          contiguous(1 + (int)to, to));
    }
    run_kernel();
    end_kernel();
    for (ag_dtype to = AG_F64; to <= AG_BOOL; to++) {
      double *have = read_slot(1 + (int)to, to, N);
      for (int i = 0; i < N; i++) {
        const double want = cast_reference(x[i], from, to);
        CHECK(agree(have[i], want, 0) && (!is_na(want) || is_na(have[i])) &&
                  (is_na(want) || !is_na(have[i])),
              "%s %g as %s is %g%s", ag_dtype_name(from), x[i], ag_dtype_name(to), have[i],
              is_na(have[i]) ? " (NA)" : "");
      }
      free(have);
    }
  }
}

/* A constant is an argument: another value needs no build. NA stays NA. */
static void constants(ag_dtype type) {
  const int64_t n = 3;
  const double zero[3] = {0};
  start_kernel(AG_K_MAP);
  set_dims(1, &n);
  fill_slot(0, type, 3, zero, 0);
  add_out(add_const(type, 2.5), contiguous(0, type));
  run_kernel();
  double *have = read_slot(0, type, 3);
  CHECK(have[0] == (type == AG_I32 ? 2 : 2.5) && have[2] == have[0], "constant is %g", have[0]);
  free(have);
  kernel->prog.konst[0].value = na_real();
  CHECK_OK(ag_device_launch(dev, kernel, slot_binding));
  have = read_slot(0, type, 3);
  CHECK(is_na(have[0]), "NA became %g", have[0]);
  free(have);
  end_kernel();
}

static void random_numbers(ag_dtype type, ag_distribution dist) {
  const int64_t n = 1003;
  const uint64_t key = 0x0123456789ABCDEFu;
  double *x = numbers(n, 1), *want = numbers(n, 1);
  start_kernel(AG_K_MAP);
  set_dims(1, &n);
  fill_slot(0, type, n, x, 0);
  kernel->prog.in[0] =
      (ag_operand){.slot = -1, .type = type, .contiguous = 1, .at = {.stride = {1}, .base = 11}};
  kernel->prog.key[0].value = key;
  kernel->prog.nin = 1;
  add_out(add_instr((ag_instr){
              .kind = AG_I_RANDOM, .type = type, .from = type, .op = (int)dist, .index = 0}),
          contiguous(0, type));
  run_kernel();
  end_kernel();
  double *have = read_slot(0, type, n);
  for (int64_t i = 0; i < n; i++)
    want[i] = type == AG_F64       ? dist == AG_UNIFORM ? ag_uniform_double(key, (uint64_t)i + 11)
                                                        : ag_normal_double(key, (uint64_t)i + 11)
                    : dist == AG_UNIFORM ? (double)ag_uniform_float(key, (uint64_t)i + 11)
                                   : (double)ag_normal_float(key, (uint64_t)i + 11);
  check_values(dist == AG_UNIFORM ? "uniform" : "normal", n, have, want,
               dist == AG_UNIFORM ? 0
               : type == AG_F64   ? 1e-9
                                  : 1e-3);
  free(have);
  free(want);
  free(x);
}

/* All strides of many operands do not fit into the arguments: the text takes them. */
static void many_operands(void) {
  const int64_t dim[] = {3, 2, 2, 2, 2, 2, 2, 3};
  double *x = numbers(8000, 1), want[576] = {0};
  start_kernel(AG_K_MAP);
  set_dims(8, dim);
  fill_slot(0, AG_F32, 8000, x, 0);
  fill_slot(1, AG_F32, 576, x, 0);
  int sum = -1;
  for (int j = 0; j < 20; j++) {
    ag_operand o = {.slot = 0, .type = AG_F32, .at = {.base = j}};
    for (int q = 0; q < 8; q++) o.at.stride[q] = 2 + (j * 7 + q * 5) % 11;
    int r = add_load(o);
    sum = sum < 0 ? r : add_op(AG_OP_add, AG_F32, AG_F32, sum, r, -1);
    for (int64_t e = 0; e < 576; e++) {
      int64_t i[8], rest = e;
      for (int q = 0; q < 8; q++) i[q] = rest % dim[q], rest /= dim[q];
      want[e] += x[place(&o.at, 8, i)];
    }
  }
  add_out(sum, contiguous(1, AG_F32));
  run_kernel();
  end_kernel();
  double *have = read_slot(1, AG_F32, 576);
  for (int e = 0; e < 576; e++)
    CHECK(fabs(have[e] - want[e]) < 1e-5, "element %d: %g, not %g", e, have[e], want[e]);
  free(have);
  free(x);
}

static void all_maps(ag_dtype type) {
  static const int64_t dims[][3] = {{1, 1, 1}, {3, 5, 1},  {16, 3, 1}, {67, 5, 1},
                                    {5, 3, 4}, {33, 2, 3}, {100, 1, 1}};
  for (size_t i = 0; i < sizeof dims / sizeof *dims; i++)
    for (int nd = dims[i][2] > 1 ? 3 : dims[i][1] > 1 ? 2 : 1; nd <= 3; nd += 2)
      accesses(nd, dims[i], type);
  constants(type);
  random_numbers(type, AG_UNIFORM);
  random_numbers(type, AG_NORMAL);
}

int main(int argc, char **argv) {
  int status;
  if (!open_opencl(argc, argv, &status)) return status;
  for (ag_dtype type = dev->has_f64 ? AG_F64 : AG_F32; type <= AG_F32; type++) {
    every_op(type);
    all_maps(type);
  }
  every_op_of_integers();
  constants(AG_I32);
  many_operands();
  if (dev->has_f64) casts();
  pretend(1, 1);
  all_maps(AG_F32);
  return close_opencl();
}
