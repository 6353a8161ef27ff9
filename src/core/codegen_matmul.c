/* Kernel text: matrix products. The kernels stand in matmul.cl; here one is chosen. */
#include "codegen_matmul.h"
#include <stdio.h>

typedef struct {
  const ag_kernel *k;
  const ag_cg_target *t;
  ag_cg_writer w;
  int kind, lanes; /* KIND, LANES of matmul.cl */
  int panel, columns;
} product;

enum { SIMPLE = AG_MM_SIMPLE, ROWS = AG_MM_ROWS, DOT = AG_MM_DOT, PACKED = AG_MM_PACKED };
#define RUN 16 /* as in matmul.cl */

/* Blocks of the packed kernel: C is computed in MC x NC pieces, over KC terms at a time. */
#define MC 8192
#define NC 8184
#define KC 512 /* for doubles; twice as many for floats */

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t block_depth(const ag_kernel *k) { return k->mm.type == AG_F64 ? KC : 2 * KC; }

/* -- the choice ------------------------------------------------------------------------------ */
static int choose_on_cpu(const ag_kernel *k, const ag_mm_variant *v, int lanes) {
  if (v->kind == AG_MM_PACKED) return PACKED;
  if (k->mm.rs_a == 1 && k->mm.m >= lanes) return ROWS;
  return k->mm.cs_a == 1 && k->mm.rs_b == 1 && k->mm.k >= 2 * lanes ? DOT : SIMPLE;
}

static void choose(product *p, const ag_mm_variant *v) {
  p->lanes = p->k->mm.type == AG_F64 ? p->t->lanes / 2 : p->t->lanes;
  if (p->lanes < 2) p->lanes = 1;
  p->kind = p->t->is_gpu ? SIMPLE : choose_on_cpu(p->k, v, p->lanes);
  p->panel = v->panel;
  p->columns = v->columns;
}

/* -- the result ----------------------------------------------------------------------------- */
/* C is a block: elements are set, added to, or subtracted from. */
static void write_block_stores(ag_cg_writer *w, int lanes) {
  static const char *const how[] = {"=", "+=", "-="};
  static const char *const sum[] = {"", "vload%d(0, p) + ", "vload%d(0, p) - "};
  ag_strbuf *text = &w->src->text;
  const char *real = ag_cg_type(w->k->mm.type);
  ag_strbuf_add(text,
                "#define AG_STORE_PARAMS __global %s *c, long c_at, long c_col\n"
                "#define AG_STORE_ARGS c, c_at, c_col\n"
                "static void ag_store(long i, long j, long m, %s acc, AG_STORE_PARAMS) {\n"
                "  c[c_at + i + j * c_col] %s acc;\n}\n",
                real, real, how[w->k->mm.into]);
  if (lanes == 1) return;
  ag_strbuf_add(text,
                "static void ag_store_lanes(long i, long j, long m, %s%d acc, AG_STORE_PARAMS) {\n"
                "  __global %s *p = c + c_at + i + j * c_col;\n  vstore%d(",
                real, lanes, real, lanes);
  ag_strbuf_add(text, sum[w->k->mm.into], lanes);
  ag_strbuf_add(text, "acc, 0, p);\n}\n");
}

/* Only what the kind looks at, so that kernels that do not differ share a program. */
static void write_settings(product *p) {
  const ag_kernel *k = p->k;
  ag_strbuf *text = &p->w.src->text;
  ag_strbuf_add(text, "#define KIND %d\n#define REAL %s\n#define LANES %d\n", p->kind,
                ag_cg_type(k->mm.type), p->lanes);
  if (ag_mm_products(k) > 1) ag_strbuf_add(text, "#define BATCHED 1\n");
  if (p->kind == PACKED)
    ag_strbuf_add(text, "#define PANEL %d\n#define COLUMNS %d\n", p->panel, p->columns);
}

/* -- arguments ------------------------------------------------------------------------------- */
void ag_cg_long_arg(ag_cg_writer *w, int64_t value) {
  ag_cg_arg_add(w, (ag_cg_arg){AG_ARG_LONG, AG_I32, 0, value});
}

void ag_cg_matrix_args(ag_cg_writer *w, const ag_kernel *k, int is_b) {
  const int slot = is_b ? k->mm.slot_b : k->mm.slot_a;
  ag_cg_arg_add(w, (ag_cg_arg){AG_ARG_SLOT, k->mm.type, slot, 0});
  ag_cg_arg_add(w, (ag_cg_arg){AG_ARG_OFFSET, AG_I32, slot, is_b ? k->mm.base_b : k->mm.base_a});
  ag_cg_long_arg(w, is_b ? k->mm.rs_b : k->mm.rs_a);
  ag_cg_long_arg(w, is_b ? k->mm.cs_b : k->mm.cs_a);
}

void ag_cg_matrices_args(ag_cg_writer *w, const ag_kernel *k) {
  ag_cg_matrix_args(w, k, 0);
  ag_cg_matrix_args(w, k, 1);
  ag_cg_long_arg(w, k->mm.m);
  ag_cg_long_arg(w, k->mm.n);
  ag_cg_long_arg(w, k->mm.k);
  if (ag_mm_products(k) <= 1) return;
  ag_cg_long_arg(w, k->mm.next_a);
  ag_cg_long_arg(w, k->mm.next_b - k->mm.n * k->mm.cs_b);
  ag_cg_long_arg(w, k->mm.n * ag_mm_products(k));
}

static void block_args(ag_cg_writer *w, const ag_kernel *k) {
  ag_cg_arg_add(w, (ag_cg_arg){AG_ARG_SLOT, k->mm.type, k->mm.slot_c, 0});
  ag_cg_arg_add(w, (ag_cg_arg){AG_ARG_OFFSET, AG_I32, k->mm.slot_c, k->mm.base_c});
  ag_cg_long_arg(w, k->mm.ldc);
}

void ag_cg_product_begin(ag_cg_writer *w, ag_cg_source *src, const ag_kernel *k,
                         const ag_cg_target *t, int lanes) {
  static const int groups[AG_MAX_DIM] = {0};
  ag_cg_begin(w, src, k, k->mm.block ? NULL : &k->prog, t, groups);
  if (!k->mm.block) {
    ag_cg_epilogue(w, k->mm.type, k->mm.m, lanes);
    return;
  }
  write_block_stores(w, lanes);
  block_args(w, k);
}

/* -- stages ---------------------------------------------------------------------------------- */
void ag_cg_range(ag_cg_stage *s, int64_t items, int64_t local) {
  s->local = (size_t)local;
  s->global = (size_t)(ceil_div(items, local) * local);
}

static void direct_stage(product *p, ag_cg_stage *s) {
  const int64_t m = p->k->mm.m, n = p->k->mm.n * ag_mm_products(p->k);
  switch (p->kind) {
  case SIMPLE:
    s->entry = "ag_matmul_simple";
    ag_cg_range(s, m * n, 64);
    break;
  case ROWS:
    s->entry = "ag_matmul_rows";
    ag_cg_range(s, ceil_div(m, 4 * p->lanes) * n, 1);
    break;
  default:
    s->entry = "ag_matmul_dot";
    ag_cg_range(s, m * n, 1);
    break;
  }
  ag_cg_matrices_args(&p->w, p->k);
}

/* Of one product. */
static int64_t passes(const ag_kernel *k) {
  return ceil_div(k->mm.m, MC) * ceil_div(k->mm.n, NC) * ceil_div(k->mm.k, block_depth(k));
}

static void add_blocks(product *p, ag_cg_writer *w) {
  const ag_kernel *k = p->k;
  ag_cg_long_arg(w, MC);
  ag_cg_long_arg(w, NC);
  ag_cg_long_arg(w, block_depth(k));
  ag_cg_long_arg(w, ceil_div(k->mm.k, block_depth(k)));
  ag_cg_long_arg(w, ceil_div(k->mm.n, NC));
  ag_cg_arg_add(w, (ag_cg_arg){AG_ARG_PASS, AG_I32, 0, 0});
  ag_cg_long_arg(w, passes(k));
}

static void pack_stage(product *p, ag_cg_source *src, const char *entry, int is_b, int64_t panels) {
  const ag_kernel *k = p->k;
  ag_cg_writer w;
  ag_cg_begin(&w, src, k, NULL, p->t, NULL);
  w.stage->entry = entry;
  ag_cg_range(w.stage, panels * ceil_div(at_most(k->mm.k, block_depth(k)), RUN), 1);
  ag_cg_matrix_args(&w, k, is_b);
  ag_cg_long_arg(&w, is_b ? k->mm.n : k->mm.m);
  ag_cg_long_arg(&w, k->mm.k);
  add_blocks(p, &w);
  ag_cg_long_arg(&w, is_b ? k->mm.next_b : k->mm.next_a);
  ag_cg_arg_add(&w, (ag_cg_arg){AG_ARG_SCRATCH, k->mm.type, is_b, 0});
  ag_cg_drop(&w);
}

/* Packs a block of A and one of B, multiplies them; `npass` times. */
static void packed_stages(product *p, ag_cg_source *src, ag_cg_stage *last) {
  const ag_kernel *k = p->k;
  const int64_t m = k->mm.m, n = k->mm.n, rows = p->panel * p->lanes,
                depth = at_most(k->mm.k, block_depth(k));
  const int64_t row_panels = ceil_div(at_most(m, MC), rows),
                column_panels = ceil_div(at_most(n, NC), p->columns);
  const int raw = k->mm.block ? k->mm.slot_c : k->prog.out[0].slot; /* a block has one pass of k */
  const size_t size = ag_dtype_size(k->mm.type);
  src->npass = passes(k) * ag_mm_products(k);
  src->scratch[0] = (size_t)(row_panels * rows * depth) * size + 64;
  src->scratch[1] = (size_t)(column_panels * p->columns * depth) * size + 64;
  last->entry = "ag_matmul_packed";
  ag_cg_range(last, row_panels * column_panels, 1);
  ag_cg_arg_add(&p->w, (ag_cg_arg){AG_ARG_SCRATCH, k->mm.type, 0, 0});
  ag_cg_arg_add(&p->w, (ag_cg_arg){AG_ARG_SCRATCH, k->mm.type, 1, 0});
  ag_cg_arg_add(&p->w, (ag_cg_arg){AG_ARG_SLOT, k->mm.type, raw, 0});
  ag_cg_arg_add(&p->w, (ag_cg_arg){AG_ARG_OFFSET, AG_I32, raw,
                                   k->mm.block ? k->mm.base_c : k->prog.out[0].at.base});
  ag_cg_long_arg(&p->w, m);
  ag_cg_long_arg(&p->w, n);
  ag_cg_long_arg(&p->w, k->mm.k);
  add_blocks(p, &p->w);
  ag_cg_long_arg(&p->w, column_panels);
}

ag_status ag_cg_matmul(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  product p = {.k = k, .t = t};
  if (k->mm.m == 0 || k->mm.n == 0) return AG_OK;
  AG_TRY(ag_cg_preamble(src, &k->prog, k->mm.type));
  const ag_mm_variant v = ag_mm_choose(k, t);
  if (v.kind >= AG_MM_TILED) return ag_cg_matmul_gpu(src, k, t, &v);
  choose(&p, &v);
  if (p.kind == PACKED) {
    pack_stage(&p, src, "ag_matmul_pack_a", 0, ceil_div(at_most(k->mm.m, MC), p.panel * p.lanes));
    pack_stage(&p, src, "ag_matmul_pack_b", 1, ceil_div(at_most(k->mm.n, NC), p.columns));
  }
  ag_cg_product_begin(&p.w, src, k, t, p.lanes);
  write_settings(&p);
  if (p.kind == PACKED) packed_stages(&p, src, p.w.stage);
  else direct_stage(&p, p.w.stage);
  ag_cg_drop(&p.w);
  return ag_cg_append_file(&src->text, "matmul.cl");
}
