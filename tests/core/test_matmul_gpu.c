/* Each way to compute a matrix product on a GPU, forced on whatever OpenCL device there is, against
 * plain loops: layouts, epilogues, blocks, split terms; tensor cores as their text emulates them.
 */
#include "opencl_kit.h"

static ag_mm_variant forced;

static ag_cg_target *target(void) { return &((ag_cl_state *)dev->state)->target; }

/* -- a product ------------------------------------------------------------------------------- */
typedef struct {
  int64_t m, n, k;
  int ta, tb;
  int spread;   /* rows and columns of something larger */
  int epilogue; /* 1: max(acc + bias[i], 0); 2: a long one */
  int block;    /* C is a block: 1 + ag_into */
} problem;

typedef struct {
  int64_t rs, cs, base, extent;
} layout;

static layout lay_out(int64_t rows, int64_t cols, int turned, int spread) {
  layout l = {1, rows + 3, 2, 0};
  if (turned) l.rs = cols + 1, l.cs = 1;
  if (spread) l.rs *= 2, l.cs *= 2;
  l.extent = l.base + l.rs * rows + l.cs * cols + 1;
  return l;
}

/* As packing rounds. */
static double rounded(double x, ag_mm_how how) {
  const float f = (float)x;
  uint32_t bits;
  float back;
  memcpy(&bits, &f, 4);
  if (how == AG_MM_TF32) bits = (bits + 0x1000) & ~UINT32_C(0x1FFF);
  if (how == AG_MM_BF16) bits = (bits + 0x7FFF + (bits >> 16 & 1)) & ~UINT32_C(0xFFFF);
  memcpy(&back, &bits, 4);
  return how == AG_MM_F64 ? x : (double)back;
}

static void describe_product(const problem *p, ag_mm_how how, layout la, layout lb) {
  const ag_dtype type = how == AG_MM_F64 ? AG_F64 : AG_F32;
  start_kernel(AG_K_MATMUL);
  kernel->mm.type = type;
  kernel->mm.precision = how == AG_MM_TF32 ? AG_TF32 : how == AG_MM_BF16 ? AG_BF16 : AG_EXACT;
  kernel->mm.m = p->m, kernel->mm.n = p->n, kernel->mm.k = p->k;
  kernel->mm.base_a = la.base, kernel->mm.rs_a = la.rs, kernel->mm.cs_a = la.cs;
  kernel->mm.slot_b = 1;
  kernel->mm.base_b = lb.base, kernel->mm.rs_b = lb.rs, kernel->mm.cs_b = lb.cs;
  if (p->block) {
    kernel->mm.block = 1, kernel->mm.into = (ag_into)(p->block - 1);
    kernel->mm.slot_c = 2, kernel->mm.base_c = 1, kernel->mm.ldc = p->m + 2;
    return;
  }
  const int64_t dim[2] = {p->m, p->n};
  set_dims(2, dim);
  int r = add_instr((ag_instr){.kind = AG_I_ACC, .type = type, .from = type});
  if (p->epilogue) {
    r = add_op(AG_OP_add, type, type, r,
               add_load((ag_operand){.slot = 3, .type = type, .at = {.stride = {1}}}), -1);
    r = add_op(AG_OP_relu, type, type, r, -1, -1);
  }
  for (int i = 0; p->epilogue == 2 && i < 12; i++)
    r = add_op(AG_OP_add, type, type, r, add_const(type, 1), -1);
  add_out(r, (ag_operand){
                 .slot = 2, .type = type, .contiguous = 1, .at = {.base = 1, .stride = {1, p->m}}});
}

static double expected(const problem *p, double sum, double was, double bias) {
  if (p->block) return p->block == 1 ? sum : p->block == 2 ? was + sum : was - sum;
  if (!p->epilogue) return sum;
  return fmax(sum + bias, 0) + (p->epilogue == 2 ? 12 : 0);
}

static void check_product(const problem *p, ag_mm_how how, const char *title) {
  const ag_dtype type = how == AG_MM_F64 ? AG_F64 : AG_F32;
  const layout la = lay_out(p->m, p->k, p->ta, p->spread), lb = lay_out(p->k, p->n, p->tb, 0);
  const int64_t ldc = p->block ? p->m + 2 : p->m, nc = ldc * p->n + 1;
  double *a = numbers(la.extent, 1), *b = numbers(lb.extent, 1), *bias = numbers(p->m, 1);
  double *want = numbers(nc, 1);
  fill_slot(0, type, la.extent, a, 0);
  fill_slot(1, type, lb.extent, b, 3);
  fill_slot(2, type, nc, want, 0);
  fill_slot(3, type, p->m, bias, 0);
  describe_product(p, how, la, lb);
  run_kernel();
  end_kernel();
  for (int64_t j = 0; j < p->n; j++)
    for (int64_t i = 0; i < p->m; i++) {
      double sum = 0, *to = &want[1 + i + j * ldc];
      for (int64_t l = 0; l < p->k; l++)
        sum += rounded(a[la.base + i * la.rs + l * la.cs], how) *
               rounded(b[lb.base + l * lb.rs + j * lb.cs], how);
      *to = expected(p, sum, *to, bias[i]);
    }
  double *have = read_slot(2, type, nc);
  const double shift = 10 * sqrt((double)p->k + 1); /* sums cancel: relative to their terms */
  for (int64_t e = 0; e < nc; e++) have[e] += shift, want[e] += shift;
  char what[300], text[AG_MM_TEXT];
  ag_mm_print(&forced, text);
  snprintf(what, sizeof what, "%s: %s %s, %ld x %ld x %ld, ta %d tb %d, epilogue %d, block %d",
           title, ag_mm_how_name(how), text, (long)p->m, (long)p->n, (long)p->k, p->ta, p->tb,
           p->epilogue, p->block);
  check_values(what, nc, have, want, type == AG_F64 ? 1e-13 : 2e-6);
  free(have);
  free(want);
  free(bias);
  free(a);
  free(b);
}

/* -- the candidates -------------------------------------------------------------------------- */
/* More terms than a step and edges on all sides; of the first candidate of a class all layouts,
 * epilogues and blocks, of the others one layout. */
static void check_variant(ag_mm_how how, ag_mm_class c, int number) {
  const int narrow = c == AG_MM_NARROW, deep = c == AG_MM_DEEP;
  const int64_t m = narrow ? 150 : deep ? 40 : 131, n = narrow ? 3 : deep ? 35 : 140;
  const int64_t k = narrow || deep ? 1100 : 37;
  const problem plain = {.m = m, .n = n, .k = k, .ta = number & 1, .tb = number / 2 & 1};
  check_product(&plain, how, "plain");
  if (narrow) check_product(&(problem){.m = n, .n = m, .k = k, .tb = 1}, how, "few rows");
  if (number) return;
  for (int t = 1; t < 4; t++) {
    const problem p = {.m = m, .n = n, .k = k, .ta = t & 1, .tb = t >> 1, .epilogue = t == 1};
    check_product(&p, how, "whole");
  }
  check_product(&(problem){.m = m, .n = n, .k = k, .spread = 1, .epilogue = 2}, how, "spread");
  check_product(&(problem){.m = m, .n = n, .k = k, .block = 1 + AG_INTO_SUB}, how, "block");
  if (narrow) check_product(&(problem){.m = 5, .n = m, .k = k, .block = 2}, how, "few rows");
}

/* Several products in one kernel: C of product p is the p-th m x n part. */
static void check_batch(ag_mm_variant v) {
  const int64_t m = 37, n = v.kind == AG_MM_SKINNY ? 3 : 34, k = 19, count = 5;
  double *a = numbers(m * k * count, 1), *b = numbers(k * n * count, 1), *want;
  want = calloc((size_t)(m * n * count), sizeof *want);
  forced = v;
  target()->force = &forced;
  fill_slot(0, AG_F32, m * k * count, a, 0);
  fill_slot(1, AG_F32, k * n * count, b, 3);
  fill_slot(2, AG_F32, m * n * count + 1, want, 0);
  describe_product(&(problem){.m = m, .n = n, .k = k}, AG_MM_F32, (layout){1, m, 0, 0},
                   (layout){1, k, 0, 0});
  const int64_t dim[3] = {m, n, count};
  set_dims(3, dim);
  kernel->prog.out[0].at.stride[2] = m * n;
  kernel->mm.batch = count, kernel->mm.next_a = m * k, kernel->mm.next_b = k * n;
  run_kernel();
  end_kernel();
  for (int64_t e = 0; e < m * n * count; e++)
    for (int64_t l = 0; l < k; l++)
      want[e] += a[e % m + l * m + e / (m * n) * m * k] * b[l + e / m * k];
  slot_binding[2].offset = 1;
  double *have = read_slot(2, AG_F32, m * n * count);
  for (int64_t e = 0; e < m * n * count; e++) have[e] += 30, want[e] += 30;
  check_values("batch", m * n * count, have, want, 2e-6);
  target()->force = NULL;
  free(have), free(want), free(a), free(b);
}

static void check_batches(void) {
  check_batch((ag_mm_variant){AG_MM_TILED, 32, 32, 16, 2, 2, 2, 1, 2, 2, 0, 0});
  check_batch((ag_mm_variant){.kind = AG_MM_SKINNY, .tile_m = 32, .depth = 8});
  check_batch((ag_mm_variant){.kind = AG_MM_GROUPED});
}

/* A split of the terms needs few groups: that there is one is part of what is tested. */
static void check_split(void) {
  problem p = {.m = 40, .n = 35, .k = 1100};
  describe_product(&p, AG_MM_F32, lay_out(40, 1100, 0, 0), lay_out(1100, 35, 0, 0));
  forced = (ag_mm_variant){.kind = AG_MM_TILED, .tile_m = 64, .tile_n = 64};
  target()->units = 16;
  CHECK(ag_mm_parts(&forced, kernel, target()) == 4, "%d parts",
        (int)ag_mm_parts(&forced, kernel, target()));
  kernel->mm.k = 500;
  CHECK(ag_mm_parts(&forced, kernel, target()) == 1, "few terms are split");
}

static void check_candidates(ag_mm_how how) {
  ag_mm_variant candidate[AG_MM_CANDIDATES];
  for (ag_mm_class c = AG_MM_LARGE; c < AG_MM_CLASSES; c++) {
    const int n = ag_mm_candidates(candidate, how, c, target());
    CHECK(n > 0 || how >= AG_MM_TF32, "no candidate: %s %s", ag_mm_how_name(how),
          ag_mm_class_name(c));
    for (int i = 0; i < n; i++) {
      if (candidate[i].kind == AG_MM_TENSOR) continue; /* those are large: check_tensor() */
      forced = candidate[i];
      target()->force = &forced;
      check_variant(how, c, i);
    }
  }
  target()->force = NULL;
}

/* Vectors, loads and buffers in all combinations, and tiles that are not square. */
static void check_parameters(void) {
  static const ag_mm_variant odd[] = {
      {.tile_m = 32, .tile_n = 16, .depth = 8, .item_m = 4, .item_n = 2, .vector = 1, .wide = 2},
      {.tile_m = 16, .tile_n = 64, .depth = 16, .item_m = 2, .item_n = 8, .vector = 2, .wide = 1},
      {.tile_m = 32, .tile_n = 32, .depth = 4, .item_m = 4, .item_n = 4, .vector = 4, .wide = 2}};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
    for (int buffers = 1; buffers <= 2; buffers++) {
      forced = odd[i];
      forced.kind = AG_MM_TILED, forced.buffers = buffers, forced.pad = forced.vector;
      target()->force = &forced;
      check_product(&(problem){.m = 64, .n = 64, .k = 48}, AG_MM_F32, "even");
      check_product(&(problem){.m = 70, .n = 69, .k = 51, .ta = 1, .tb = 1}, AG_MM_F32, "odd");
      check_product(&(problem){.m = 20, .n = 1, .k = 0}, AG_MM_F32, "no terms");
      check_product(&(problem){.m = 33, .n = 34, .k = 1}, AG_MM_F32, "one term");
    }
  target()->force = NULL;
}

/* -- tensor cores ---------------------------------------------------------------------------- */
static void check_tensor(ag_mm_how how, int tile_m, int tile_n, int warp_m, int warp_n,
                         int stages) {
  static const int64_t terms[] = {1, 32, 33, 100};
  forced = (ag_mm_variant){AG_MM_TENSOR, tile_m, tile_n, stages, warp_m, warp_n, 0, 0, 0, 0, 0, 0};
  target()->force = &forced;
  for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) /* one program: strides are arguments */
    check_product(&(problem){.m = 70, .n = 45, .k = terms[i], .ta = i & 1, .tb = i >> 1}, how,
                  "tensor");
  if (stages == 3)
    check_product(&(problem){.m = 33, .n = 70, .k = 64, .spread = 1, .epilogue = 2}, how, "tensor");
  if (stages == 2)
    check_product(&(problem){.m = 64, .n = 64, .k = 64, .block = 1 + AG_INTO_ADD}, how, "tensor");
  target()->force = NULL;
}

/* NaN and infinity get through rounding, also a NaN whose payload lies in the bits that go. */
static void check_special(ag_mm_how how) {
  float a[32] = {0}, b[32] = {0}, have[1];
  const uint32_t low_nan = 0x7F800001;
  const problem p = {.m = 1, .n = 1, .k = 32};
  forced = (ag_mm_variant){AG_MM_TENSOR, 32, 32, 2, 32, 16, 0, 0, 0, 0, 0, 0};
  target()->force = &forced;
  for (int what = 0; what < 3; what++) {
    for (int l = 0; l < 32; l++) a[l] = b[l] = 1;
    if (what == 1) a[3] = INFINITY;
    if (what == 2) memcpy(&a[3], &low_nan, 4);
    for (int s = 0; s < 3; s++) fill_slot(s, AG_F32, 33, (double[33]){0}, 0);
    CHECK_OK(ag_buffer_write(slot_buffer[0], 0, a, sizeof a));
    CHECK_OK(ag_buffer_write(slot_buffer[1], 0, b, sizeof b));
    describe_product(&p, how, (layout){1, 1, 0, 32}, (layout){1, 32, 0, 32});
    run_kernel();
    end_kernel();
    CHECK_OK(ag_buffer_read(slot_buffer[2], have, 4, sizeof have));
    CHECK(what == 0   ? have[0] == 32
          : what == 1 ? isinf(have[0])
                      : isnan(have[0]),
          "%d: %g", what, have[0]);
  }
  target()->force = NULL;
}

static void check_tensors(ag_mm_how how) {
  target()->tensor = AG_TENSOR_EMULATED;
  check_tensor(how, 32, 32, 32, 16, 2);
  check_tensor(how, 64, 32, 32, 32, 3);
  check_tensor(how, 32, 64, 16, 32, 4);
  check_special(how);
  target()->tensor = AG_TENSOR_NONE;
}

/* -- the choice ------------------------------------------------------------------------------ */
static ag_mm_kind chosen(int64_t m, int64_t n, int64_t k, ag_precision precision) {
  start_kernel(AG_K_MATMUL);
  kernel->mm.type = AG_F32, kernel->mm.m = m, kernel->mm.n = n, kernel->mm.k = k;
  kernel->mm.precision = precision;
  return ag_mm_choose(kernel, target()).kind;
}

static void check_choice(void) {
  target()->units = 32;
  target()->most = (size_t)1 << 30;
  CHECK(chosen(4096, 4096, 4096, AG_EXACT) == AG_MM_TILED, "large");
  CHECK(chosen(4096, 1, 4096, AG_EXACT) == AG_MM_SKINNY, "gemv");
  CHECK(chosen(7, 4096, 4096, AG_EXACT) == AG_MM_SKINNY, "few rows");
  CHECK(chosen(3, 3, 5000, AG_EXACT) == AG_MM_GROUPED, "dots");
  CHECK(chosen(3, 3, 5, AG_EXACT) == AG_MM_SIMPLE, "tiny");
  CHECK(chosen(4096, 4096, 4096, AG_TF32) == AG_MM_TILED, "no tensor cores: exact");
  target()->tensor = AG_TENSOR_EMULATED;
  CHECK(chosen(4096, 4096, 4096, AG_TF32) == AG_MM_TENSOR, "tf32");
  CHECK(chosen(4096, 4096, 4096, AG_EXACT) == AG_MM_TILED, "exact stays exact");
  CHECK(chosen(4096, 1, 4096, AG_BF16) == AG_MM_SKINNY, "gemv is exact");
  target()->most = 1000000;
  CHECK(chosen(4096, 4096, 4096, AG_TF32) == AG_MM_TILED, "packed operands do not fit");
  target()->group = 32;
  CHECK(chosen(4096, 4096, 4096, AG_EXACT) == AG_MM_SIMPLE, "small groups");
}

int main(int argc, char **argv) {
  int status;
  if (!open_opencl(argc, argv, &status)) return status;
  pretend(1, dev->has_f64);
  target()->units = 8; /* splits terms, on a small device as well */
  check_candidates(AG_MM_F32);
  if (dev->has_f64) check_candidates(AG_MM_F64);
  check_parameters();
  check_split();
  check_batches();
  pretend(1, dev->has_f64);
  check_tensors(AG_MM_TF32);
  check_tensors(AG_MM_BF16);
  check_choice();
  pretend(0, dev->has_f64);
  return close_opencl();
}
