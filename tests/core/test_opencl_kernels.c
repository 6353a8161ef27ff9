/* Reductions, matrix products and gathers on the OpenCL device against plain C, as the code is
 * written for a CPU device, for a GPU and for a device without float64. And what goes wrong. */
#include "opencl_kit.h"

/* -- reductions ------------------------------------------------------------------------------ */
static const char *const reduction_name[] = {"sum", "mean", "prod",      "min",      "max",
                                             "any", "all",  "which.max", "which.min"};

static double reduce_reference(ag_reduction op, int64_t n, const double *x, int64_t step) {
  long double acc = op == AG_PROD  ? 1
                    : op == AG_MIN ? INFINITY
                    : op == AG_MAX ? -INFINITY
                                   : op == AG_ALL;
  int64_t at = -1;
  int na = 0;
  for (int64_t i = 0; i < n; i++) {
    const double v = x[i * step];
    switch (op) {
    case AG_SUM:
    case AG_MEAN: acc += v; break;
    case AG_PROD: acc *= v; break;
    case AG_MIN: acc = v < acc || v != v ? v : acc; break;
    case AG_MAX: acc = v > acc || v != v ? v : acc; break;
    case AG_ANY: na |= v != v, acc = acc != 0 || v == 1; break;
    case AG_ALL: na |= v != v, acc = acc != 0 && v != 0; break;
    case AG_WHICH_MAX: at = v == v && (at < 0 || v > x[at * step]) ? i : at; break;
    case AG_WHICH_MIN: at = v == v && (at < 0 || v < x[at * step]) ? i : at; break;
    }
  }
  if (op == AG_MEAN) return (double)(acc / n);
  if (op == AG_ANY && na && acc == 0) return NAN;
  if (op == AG_ALL && na && acc != 0) return NAN;
  return op >= AG_WHICH_MAX ? (double)at : (double)acc;
}

/* The kernel of a reduction over the middle of pre x red x post. `square` fuses x * x in front. */
static void reduction_kernel(ag_reduction op, ag_dtype type, int64_t pre, int64_t red, int64_t post,
                             int square) {
  start_kernel(AG_K_REDUCE);
  const int64_t dim[3] = {pre, red, post};
  set_dims(3, dim);
  kernel->reduce.op = op;
  kernel->reduce.npre = kernel->reduce.nred = 1;
  kernel->reduce.pre = pre, kernel->reduce.red = red, kernel->reduce.post = post;
  int r = add_load(contiguous(0, type));
  if (square) r = add_op(AG_OP_mul, type, type, r, r, -1);
  kernel->reduce.reg = r;
  kernel->reduce.out = contiguous(1, op >= AG_WHICH_MAX ? AG_I32 : type);
}

static void one_reduction(ag_reduction op, ag_dtype type, int64_t pre, int64_t red, int64_t post,
                          int nans) {
  const int64_t n = pre * red * post, nout = pre * post;
  const int truth = op == AG_ANY || op == AG_ALL, square = op == AG_SUM;
  double *x = numbers(n, 4), *want = numbers(nout, 1);
  for (int64_t i = 0; i < n; i++) {
    if (truth)
      x[i] =
          op == AG_ANY ? lcg() > 1 - 1.0 / (double)(red + 1) : lcg() < 1 - 1.0 / (double)(red + 1);
    else if (op == AG_PROD) x[i] = 1 + x[i] / 1024;
    else if (op >= AG_WHICH_MAX) x[i] = floor(x[i]); /* ties */
    if (nans && lcg() > 1 - 1.0 / (double)(red + 1)) x[i] = NAN;
  }
  fill_slot(0, truth ? AG_BOOL : type, n, x, 0);
  fill_slot(1, op >= AG_WHICH_MAX ? AG_I32 : truth ? AG_BOOL : type, nout, want, 2);
  reduction_kernel(op, truth ? AG_BOOL : type, pre, red, post, square);
  run_kernel();
  end_kernel();
  if (square)
    for (int64_t i = 0; i < n; i++)
      x[i] = type == AG_F32 ? (double)((float)x[i] * (float)x[i]) : x[i] * x[i];
  for (int64_t i = 0; i < nout; i++)
    want[i] = reduce_reference(op, red, x + i % pre + i / pre * pre * red, pre);
  double *have = read_slot(1, op >= AG_WHICH_MAX ? AG_I32 : truth ? AG_BOOL : type, nout);
  /* a mean may cancel: its error is relative to the size of what is added */
  for (int64_t i = 0; op == AG_MEAN && i < nout; i++) have[i] += 4, want[i] += 4;
  char what[100];
  snprintf(what, sizeof what, "%s %s %ld x %ld x %ld%s", reduction_name[op], ag_dtype_name(type),
           (long)pre, (long)red, (long)post, nans ? " with NaN" : "");
  check_values(what, nout, have, want, type == AG_F64 ? 1e-12 : op == AG_PROD ? 1e-4 : 2e-6);
  free(have);
  free(want);
  free(x);
}

static void reductions(ag_dtype type, ag_reduction last) {
  static const int64_t shape[][3] = {
      {1, 0, 1},  {1, 0, 3},   {4, 0, 2},       {1, 1, 1},      {1, 2, 1},    {1, 63, 1},
      {1, 64, 1}, {1, 65, 1},  {1, 1000003, 1}, {1, 10, 128},   {1, 200, 33}, {1, 20000, 3},
      {3, 7, 5},  {67, 65, 2}, {128, 10, 1},    {3, 100003, 1}, {70, 5000, 1}};
  for (ag_reduction op = AG_SUM; op <= last; op++)
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
      for (int nans = 0; nans < 2; nans++)
        one_reduction(op, type, shape[i][0], shape[i][1], shape[i][2], nans);
}

/* Over a dimension that cannot be walked as one: two strides within the reduced group. */
static void reduction_of_view(ag_dtype type) {
  const int64_t dim[4] = {5, 3, 4, 2}; /* of 5 x (3 x 4) x 2 */
  double *x = numbers(1000, 4), want[10] = {0};
  fill_slot(0, type, 1000, x, 1);
  fill_slot(1, type, 10, want, 0);
  start_kernel(AG_K_REDUCE);
  set_dims(4, dim);
  kernel->reduce.op = AG_SUM;
  kernel->reduce.npre = 1, kernel->reduce.nred = 2;
  kernel->reduce.pre = 5, kernel->reduce.red = 12, kernel->reduce.post = 2;
  ag_operand o = {.slot = 0, .type = type, .at = {.base = 2, .stride = {12, 7, 100, 1}}};
  kernel->reduce.reg = add_load(o);
  kernel->reduce.out = contiguous(1, type);
  run_kernel();
  end_kernel();
  for (int64_t e = 0; e < 120; e++)
    want[e % 5 + e / 60 * 5] += x[2 + e % 5 * 12 + e / 5 % 3 * 7 + e / 15 % 4 * 100 + e / 60];
  double *have = read_slot(1, type, 10);
  for (int i = 0; i < 10; i++)
    CHECK(fabs(have[i] - want[i]) < 1e-4, "view %d: %g, not %g", i, have[i], want[i]);
  free(have);
  free(x);
}

/* -- matrix products ------------------------------------------------------------------------- */
/* Epilogues: 0 none; 1 max(acc + bias[i], 0) * 0.5; 2 as 1 without the bias, over merged
 * dimensions, and the raw product as a second output. */
static void add_epilogue(int epilogue, ag_dtype type, int64_t m, int64_t n) {
  const int64_t dim[2] = {m, n}, merged = m * n;
  int acc = add_instr((ag_instr){.kind = AG_I_ACC, .type = type, .from = type}), r = acc;
  if (epilogue == 2 || (epilogue == 0 && n % 2)) set_dims(1, &merged);
  else set_dims(2, dim);
  if (epilogue == 1)
    r = add_op(AG_OP_add, type, type, r,
               add_load((ag_operand){.slot = 3, .type = type, .at = {.stride = {1}}}), -1);
  if (epilogue) {
    r = add_op(AG_OP_relu, type, type, r, -1, -1);
    r = add_op(AG_OP_mul, type, type, r, add_const(type, 0.5), -1);
  }
  add_out(r, (ag_operand){.slot = 2, .type = type, .contiguous = 1, .at = {.stride = {1, m}}});
  if (epilogue == 2)
    add_out(acc, (ag_operand){.slot = 4, .type = type, .contiguous = 1, .at = {.stride = {1, m}}});
}

typedef struct {
  int64_t rows, cols, rs, cs, base;
} layout;

/* 0: by columns; 1: transposed; 2: every second row and column of something larger */
static layout lay_out(int64_t rows, int64_t cols, int how) {
  if (how == 0) return (layout){rows, cols, 1, rows, 0};
  if (how == 1) return (layout){rows, cols, cols, 1, 3};
  return (layout){rows, cols, 2, 4 * rows, 1};
}
static int64_t extent(layout l) { return l.base + l.rs * l.rows + l.cs * l.cols + 1; }

static void product(int64_t m, int64_t n, int64_t k, int how_a, int how_b, ag_dtype type,
                    int epilogue) {
  const layout la = lay_out(m, k, how_a), lb = lay_out(k, n, how_b);
  double *a = numbers(extent(la), 1), *b = numbers(extent(lb), 1), *bias = numbers(m, 1);
  double *want = numbers(m * n, 1), *raw = numbers(m * n, 1);
  fill_slot(0, type, extent(la), a, 0);
  fill_slot(1, type, extent(lb), b, 5);
  fill_slot(2, type, m * n, want, 1);
  fill_slot(3, type, m, bias, 2);
  fill_slot(4, type, m * n, want, 0);
  start_kernel(AG_K_MATMUL);
  add_epilogue(epilogue, type, m, n);
  kernel->mm.type = type;
  kernel->mm.m = m, kernel->mm.n = n, kernel->mm.k = k;
  kernel->mm.slot_a = 0, kernel->mm.base_a = la.base, kernel->mm.rs_a = la.rs,
  kernel->mm.cs_a = la.cs;
  kernel->mm.slot_b = 1, kernel->mm.base_b = lb.base, kernel->mm.rs_b = lb.rs,
  kernel->mm.cs_b = lb.cs;
  run_kernel();
  end_kernel();
  for (int64_t e = 0; e < m * n; e++) {
    const int64_t i = e % m, j = e / m;
    double sum = 0;
    for (int64_t l = 0; l < k; l++)
      sum += a[la.base + i * la.rs + l * la.cs] * b[lb.base + l * lb.rs + j * lb.cs];
    raw[e] = sum;
    want[e] = epilogue ? 0.5 * fmax(epilogue == 1 ? sum + bias[i] : sum, 0) : sum;
  }
  double *have = read_slot(2, type, m * n), *second = read_slot(4, type, m * n);
  char what[120];
  snprintf(what, sizeof what, "matmul %s %ld x %ld x %ld, layouts %d %d, epilogue %d",
           ag_dtype_name(type), (long)m, (long)n, (long)k, how_a, how_b, epilogue);
  /* sums cancel: the error is relative to their terms */
  const double shift = 10 * sqrt((double)k + 1);
  for (int64_t e = 0; e < m * n; e++)
    have[e] += shift, want[e] += shift, second[e] += shift, raw[e] += shift;
  check_values(what, m * n, have, want, type == AG_F64 ? 1e-13 : 2e-6);
  if (epilogue == 2) check_values("raw product", m * n, second, raw, type == AG_F64 ? 1e-13 : 2e-6);
  free(have);
  free(second);
  free(raw);
  free(want);
  free(bias);
  free(a);
  free(b);
}

static void products(ag_dtype type) {
  static const int64_t shape[][3] = {{1, 1, 1},     {5, 3, 0},      {3, 4, 2},      {70, 1, 300},
                                     {1, 70, 300},  {3, 3, 5000},   {31, 37, 41},   {64, 64, 64},
                                     {65, 130, 17}, {100, 10, 128}, {10, 128, 100}, {130, 45, 2100},
                                     {200, 300, 33}};
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
    for (int how = 0; how < 9; how++) {
      if (i > 8 && how % 4 && how != 5) continue;
      product(shape[i][0], shape[i][1], shape[i][2], how / 3, how % 3, type, how % 3);
    }
  product(65, 66, 67, 0, 0, type, 0);
  product(65, 66, 67, 0, 0, type, 1);
  product(65, 66, 67, 0, 0, type, 2);
}

/* -- gathers --------------------------------------------------------------------------------- */
static void gather(ag_dtype type, int64_t rows) {
  const int64_t in_cols = 7, cols = 9;
  const double index[] = {3, 0, 6, 6, -1, 7, 2, 1, 1000000};
  double *x = numbers(rows * in_cols, 1000), *want = numbers(rows * cols, 1);
  for (int64_t i = 0; i < rows * in_cols; i++) x[i] = trunc(x[i]);
  fill_slot(0, type, rows * in_cols, x, 4);
  fill_slot(1, AG_I32, 9, index, 1);
  fill_slot(2, type, rows * cols, want, 3);
  start_kernel(AG_K_GATHER);
  kernel->gather.type = type;
  kernel->gather.rows = rows, kernel->gather.cols = cols, kernel->gather.in_cols = in_cols;
  kernel->gather.slot_in = 0, kernel->gather.slot_index = 1, kernel->gather.slot_out = 2;
  run_kernel();
  end_kernel();
  for (int64_t e = 0; e < rows * cols; e++) {
    const double j = index[e / rows];
    want[e] = j >= 0 && j < in_cols ? x[(int64_t)j * rows + e % rows] : NAN;
  }
  double *have = read_slot(2, type, rows * cols);
  check_values("gather", rows * cols, have, want, 0);
  free(have);
  free(want);
  free(x);
}

/* -- what goes wrong ------------------------------------------------------------------------- */
static void bad_source(void) {
  cl_program program = NULL;
  const char *source = "__kernel void k(__global int *x) {\n  x[0] = undefined_thing;\n}\n";
  ag_status status = ag_cl_program_get(dev, "-w", source, &program);
  CHECK(status == AG_E_BUILD, "status %d", (int)status);
  CHECK(strstr(ag_error_message(), "   2    x[0] = undefined_thing;"), "no numbered line: %s",
        ag_error_message());
  CHECK(program == NULL, "a program came out");
}

static void missing_kernel_files(void) {
  char keep[4096];
  const int64_t n = 3;
  snprintf(keep, sizeof keep, "%s", ag_device_kernel_dir());
  ag_device_set_kernel_dir("/nowhere");
  start_kernel(AG_K_MAP);
  set_dims(1, &n);
  add_out(add_const(AG_F32, 1), contiguous(0, AG_F32));
  CHECK(ag_device_build(dev, kernel) == AG_E_BUILD, "built without files");
  CHECK(kernel->code == NULL, "code remains");
  ag_device_set_kernel_dir(keep);
}

static void too_much_memory(void) {
  void *mem = NULL;
  ag_status status = dev->table->alloc(dev, (size_t)1 << 60, &mem);
  CHECK(status == AG_E_MEMORY, "status %d: %s", (int)status, ag_error_message());
}

/* The same structure with other shapes and constants: one build, then cache hits. */
static void program_cache(void) {
  const double x[8] = {0};
  fill_slot(0, AG_F32, 8, x, 0);
  const int64_t builds = ag_stat.builds, hits = ag_stat.cache_hits;
  for (int i = 0; i < 3; i++) {
    const int64_t n = 5 + i;
    start_kernel(AG_K_MAP);
    set_dims(1, &n);
    int r = add_op(AG_OP_atan2, AG_F32, AG_F32, add_const(AG_F32, i), add_const(AG_F32, 3), -1);
    add_out(add_op(AG_OP_exp, AG_F32, AG_F32, r, -1, -1), contiguous(0, AG_F32));
    run_kernel();
    end_kernel();
  }
  CHECK(ag_stat.builds - builds <= 1 && ag_stat.cache_hits - hits >= 2, "%d builds",
        (int)(ag_stat.builds - builds));
}

static void all_kernels(ag_dtype type, ag_reduction last) {
  reductions(type, last);
  reduction_of_view(type);
  products(type);
  gather(type, 5);
  gather(type, 700);
}

int main(int argc, char **argv) {
  int status;
  if (!open_opencl(argc, argv, &status)) return status;
  if (dev->has_f64) all_kernels(AG_F64, AG_WHICH_MIN);
  all_kernels(AG_F32, dev->has_f64 ? AG_MAX : AG_WHICH_MIN);
  gather(AG_I32, 33);
  pretend(1, 1);
  all_kernels(AG_F32, AG_WHICH_MIN);
  products(dev->has_f64 ? AG_F64 : AG_F32);
  pretend(0, 0);
  reductions(AG_F32, AG_PROD);
  pretend(1, 0);
  reductions(AG_F32, AG_PROD);
  pretend(0, 1);
  bad_source();
  missing_kernel_files();
  too_much_memory();
  program_cache();
  return close_opencl();
}
