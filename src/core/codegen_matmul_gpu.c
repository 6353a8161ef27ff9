/* Kernel text: matrix products on GPUs, by matmul_gpu.cl and matmul_tensor.cl. */
#include "codegen_matmul.h"
#include <stdio.h>

typedef struct {
  const ag_kernel *k;
  const ag_cg_target *t;
  const ag_mm_variant *v;
  ag_cg_source *src;
  int swapped;   /* SKINNY: the transpose is computed */
  int64_t parts; /* of the terms */
} product;

#define GROUP       128 /* items of a GROUPED element */
#define LONG_STORES 12  /* an epilogue of more instructions is not unrolled */

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Whether neighbours down columns of A (rows of op(B)) are neighbours in memory. */
static int a_by_rows(const ag_kernel *k) { return k->mm.rs_a <= k->mm.cs_a; }
static int b_by_rows(const ag_kernel *k) { return k->mm.cs_b < k->mm.rs_b; }

/* -- settings -------------------------------------------------------------------------------- */
/* Loads of several elements: they have to be neighbours. */
static int wide(const product *p) {
  const ag_kernel *k = p->k;
  const int64_t a = a_by_rows(k) ? k->mm.rs_a : k->mm.cs_a,
                b = b_by_rows(k) ? k->mm.cs_b : k->mm.rs_b;
  return a == 1 && b == 1 ? p->v->wide : 1;
}

/* int, where the offsets within a step's tile fit. */
static const char *offset_type(const product *p) {
  const ag_kernel *k = p->k;
  const int64_t most = INT32_MAX / 2;
  return k->mm.rs_a * p->v->tile_m < most && k->mm.cs_a * p->v->depth < most &&
                 k->mm.cs_b * p->v->tile_n < most && k->mm.rs_b * p->v->depth < most
             ? "int"
             : "long";
}

static void tiled_settings(const product *p) {
  const ag_mm_variant *v = p->v;
  ag_strbuf_add(&p->src->text,
                "#define TILE_M %d\n#define TILE_N %d\n#define DEPTH %d\n#define ITEM_M %d\n"
                "#define ITEM_N %d\n#define VECTOR %d\n#define WIDE %d\n#define PAD %d\n"
                "#define BUFFERS %d\n#define A_BY_ROWS %d\n#define B_BY_ROWS %d\n"
                "#define OFFSET %s\n",
                v->tile_m, v->tile_n, v->depth, v->item_m, v->item_n, v->vector, wide(p), v->pad,
                v->buffers, a_by_rows(p->k), b_by_rows(p->k), offset_type(p));
}

/* Where rows are apart in memory, more items share one of them: a warp reads along it. */
static void skinny_shape(const product *p, int *rows, int *slices, int *by_rows) {
  *by_rows = p->swapped ? b_by_rows(p->k) : a_by_rows(p->k);
  *rows = *by_rows ? p->v->tile_m : p->v->tile_m * p->v->depth / 32;
  *slices = *by_rows ? p->v->depth : 32;
}

static void skinny_settings(const product *p) {
  int rows, slices, by_rows;
  skinny_shape(p, &rows, &slices, &by_rows);
  ag_strbuf_add(&p->src->text,
                "#define COLUMNS %d\n#define SWAPPED %d\n#define ROWS %d\n#define SLICES %d\n"
                "#define A_BY_ROWS %d\n",
                (int)(p->swapped ? p->k->mm.m : p->k->mm.n), p->swapped, rows, slices, by_rows);
}

static void write_settings(const product *p) {
  ag_strbuf *text = &p->src->text;
  ag_strbuf_add(text, "#define KIND %d\n#define REAL %s\n", (int)p->v->kind,
                ag_cg_type(p->k->mm.type));
  if (p->k->prog.ninstr > LONG_STORES) ag_strbuf_add(text, "#define ONCE 1\n");
  if (p->parts > 1) ag_strbuf_add(text, "#define SPLIT 1\n");
  if (ag_mm_products(p->k) > 1) ag_strbuf_add(text, "#define BATCHED 1\n");
  if (p->v->kind == AG_MM_TILED) tiled_settings(p);
  if (p->v->kind == AG_MM_SKINNY) skinny_settings(p);
  if (p->v->kind == AG_MM_GROUPED) ag_strbuf_add(text, "#define GROUP %d\n", GROUP);
}

/* -- stages ---------------------------------------------------------------------------------- */
static void product_stage(const product *p, ag_cg_stage *s) {
  const int64_t m = p->k->mm.m, n = p->k->mm.n, times = p->parts * ag_mm_products(p->k);
  int rows, slices, by_rows;
  switch (p->v->kind) {
  case AG_MM_TILED: {
    const int items = p->v->tile_m / p->v->item_m * (p->v->tile_n / p->v->item_n);
    s->entry = "ag_matmul_tiled";
    ag_cg_range(s, ceil_div(m, p->v->tile_m) * ceil_div(n, p->v->tile_n) * times * items, items);
    break;
  }
  case AG_MM_SKINNY:
    skinny_shape(p, &rows, &slices, &by_rows);
    s->entry = "ag_matmul_skinny";
    ag_cg_range(s, ceil_div(p->swapped ? n : m, rows) * times * rows * slices, rows * slices);
    break;
  default: s->entry = "ag_matmul_grouped"; ag_cg_range(s, m * n * times * GROUP, GROUP);
  }
}

static void scratch_arg(ag_cg_writer *w, int number) {
  ag_cg_arg_add(w, (ag_cg_arg){AG_ARG_SCRATCH, AG_F32, number, 0});
}

/* Parts of the products first; their sum has the epilogue. */
static void partial_stage(const product *p) {
  const ag_kernel *k = p->k;
  ag_cg_writer w;
  ag_cg_begin(&w, p->src, k, NULL, p->t, NULL);
  product_stage(p, w.stage);
  scratch_arg(&w, 0);
  /* in whole steps, and no part without any */
  const int64_t step = 64, chunk = ceil_div(ceil_div(k->mm.k, p->parts), step) * step;
  ag_cg_long_arg(&w, chunk);
  ag_cg_long_arg(&w, p->parts);
  ag_cg_matrices_args(&w, k);
  ag_cg_drop(&w);
  p->src->scratch[0] = (size_t)(k->mm.m * k->mm.n * p->parts) * ag_dtype_size(k->mm.type);
}

static void sum_stage(const product *p, ag_cg_writer *w) {
  const ag_kernel *k = p->k;
  w->stage->entry = "ag_matmul_sum";
  ag_cg_range(w->stage, k->mm.m * k->mm.n, 64);
  scratch_arg(w, 0);
  ag_cg_long_arg(w, k->mm.m);
  ag_cg_long_arg(w, k->mm.n);
  ag_cg_long_arg(w, p->parts);
}

static ag_status direct(product *p) {
  ag_cg_writer w;
  p->parts = ag_mm_parts(p->v, p->k, p->t);
  if (p->parts > 1) partial_stage(p);
  ag_cg_product_begin(&w, p->src, p->k, p->t, 1);
  write_settings(p);
  if (p->parts > 1) {
    sum_stage(p, &w);
  } else {
    product_stage(p, w.stage);
    ag_cg_matrices_args(&w, p->k);
  }
  ag_cg_drop(&w);
  return ag_cg_append_file(&p->src->text, "matmul_gpu.cl");
}

/* -- tensor cores ---------------------------------------------------------------------------- */
static int is_bf16(const product *p) { return p->k->mm.precision == AG_BF16; }

/* Chunks of 16 bytes in a packed row: terms in whole steps of 4 chunks, and in 32 for the packing.
 */
static int64_t line(const product *p) {
  return ceil_div(p->k->mm.k ? p->k->mm.k : 1, 32) * (is_bf16(p) ? 4 : 8);
}

static void pack_stage(const product *p, int is_b) {
  const ag_kernel *k = p->k;
  const int64_t rows = is_b ? k->mm.n : k->mm.m, tile = is_b ? p->v->tile_n : p->v->tile_m,
                padded = ceil_div(rows, tile) * tile, strips = ceil_div(k->mm.k ? k->mm.k : 1, 32);
  ag_cg_writer w;
  ag_cg_begin(&w, p->src, k, NULL, p->t, NULL);
  w.stage->entry = "ag_tensor_pack";
  ag_cg_range(w.stage, padded / 32 * strips * 256, 256);
  ag_cg_arg_add(&w, (ag_cg_arg){AG_ARG_SLOT, AG_F32, is_b ? k->mm.slot_b : k->mm.slot_a, 0});
  ag_cg_arg_add(&w, (ag_cg_arg){AG_ARG_OFFSET, AG_I32, is_b ? k->mm.slot_b : k->mm.slot_a,
                                is_b ? k->mm.base_b : k->mm.base_a});
  ag_cg_long_arg(&w, is_b ? k->mm.cs_b : k->mm.rs_a);
  ag_cg_long_arg(&w, is_b ? k->mm.rs_b : k->mm.cs_a);
  ag_cg_long_arg(&w, rows);
  ag_cg_long_arg(&w, k->mm.k);
  ag_cg_long_arg(&w, is_b ? b_by_rows(k) : a_by_rows(k));
  ag_cg_long_arg(&w, line(p));
  ag_cg_long_arg(&w, strips);
  scratch_arg(&w, is_b);
  ag_cg_drop(&w);
  p->src->scratch[is_b] = (size_t)(padded * line(p)) * 16;
}

static ag_status tensor(product *p) {
  const ag_mm_variant *v = p->v;
  const int64_t tiles_m = ceil_div(p->k->mm.m, v->tile_m),
                tiles_n = ceil_div(p->k->mm.n, v->tile_n);
  const int items = v->tile_m / v->item_m * (v->tile_n / v->item_n) * 32;
  ag_cg_writer w;
  pack_stage(p, 0);
  pack_stage(p, 1);
  ag_cg_product_begin(&w, p->src, p->k, p->t, 1);
  ag_strbuf_add(&p->src->text,
                "#define PTX %d\n#define BF16 %d\n#define ONCE %d\n#define TILE_M %d\n"
                "#define TILE_N %d\n#define WARP_M %d\n#define WARP_N %d\n#define STAGES %d\n",
                p->t->tensor == AG_TENSOR_PTX, is_bf16(p), p->k->prog.ninstr > LONG_STORES,
                v->tile_m, v->tile_n, v->item_m, v->item_n, v->depth);
  w.stage->entry = "ag_matmul_tensor";
  ag_cg_range(w.stage, tiles_m * tiles_n * items, items);
  scratch_arg(&w, 0);
  scratch_arg(&w, 1);
  ag_cg_long_arg(&w, p->k->mm.m);
  ag_cg_long_arg(&w, p->k->mm.n);
  ag_cg_long_arg(&w, line(p));
  ag_cg_long_arg(&w, tiles_m);
  ag_cg_long_arg(&w, tiles_n);
  ag_cg_drop(&w);
  return ag_cg_append_file(&p->src->text, "matmul_tensor.cl");
}

ag_status ag_cg_matmul_gpu(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t,
                           const ag_mm_variant *v) {
  product p = {.k = k, .t = t, .v = v, .src = src, .parts = 1};
  p.swapped = v->kind == AG_MM_SKINNY && k->mm.n > k->mm.m;
  return v->kind == AG_MM_TENSOR ? tensor(&p) : direct(&p);
}
