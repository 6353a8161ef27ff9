/* Kernel text: matrix products. The kernels stand in matmul.cl; here one is chosen,
 * and the epilogue is written as the functions that it calls. */
#include "codegen_text.h"
#include <stdio.h>

typedef struct {
  const ag_kernel *k;
  const ag_cg_target *t;
  ag_cg_writer w;
  int kind, lanes; /* KIND, LANES of matmul.cl */
  int panel, columns, tile, item;
} product;

enum { SIMPLE = 1, ROWS, DOT, PACKED, TILED, GROUPED };
#define GROUP 128
#define RUN   16 /* as in matmul.cl */

/* Blocks of the packed kernel: C is computed in MC x NC pieces, over KC terms at a time. */
#define MC 8192
#define NC 8184
#define KC 512 /* for doubles; twice as many for floats */

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t block_depth(const ag_kernel *k) { return k->mm.type == AG_F64 ? KC : 2 * KC; }

static int64_t products(const ag_kernel *k) { return k->mm.batch > 1 ? k->mm.batch : 1; }

/* -- the choice ------------------------------------------------------------------------------ */
static int choose_on_gpu(const ag_kernel *k, const ag_cg_target *t) {
  const int64_t m = k->mm.m, n = k->mm.n, depth = k->mm.k;
  const int64_t side = products(k) > 1 ? 33 : 16; /* from which a tile is not mostly empty */
  const int few = m * n * products(k) < 64 * (int64_t)t->units; /* elements for an item each */
  if (t->group < 256 || t->local < 20480) return SIMPLE;
  if (depth >= 256 && (few || (n <= 4 && k->mm.cs_a == 1) || (m <= 4 && k->mm.rs_b == 1)))
    return GROUPED;
  return m >= side && n >= side ? TILED : SIMPLE;
}

static int choose_on_cpu(const ag_kernel *k, int lanes) {
  const int64_t m = k->mm.m, n = k->mm.n, depth = k->mm.k;
  const int64_t side = products(k) > 1 ? 192 : 32; /* each product is packed by launches of its own */
  if (m >= 8 && n >= 4 && m * n * depth >= side * side * side) return PACKED;
  if (k->mm.rs_a == 1 && m >= lanes) return ROWS;
  return k->mm.cs_a == 1 && k->mm.rs_b == 1 && depth >= 2 * lanes ? DOT : SIMPLE;
}

/* A vector of 16 floats has 32 registers beside it, smaller ones 16: PANEL * COLUMNS of them hold
 * the tile of C, the others a column of A and an element of B. */
static void choose(product *p) {
  const ag_kernel *k = p->k;
  p->lanes = k->mm.type == AG_F64 ? p->t->lanes / 2 : p->t->lanes;
  if (p->lanes < 2) p->lanes = 1;
  p->kind = p->t->is_gpu ? choose_on_gpu(k, p->t) : choose_on_cpu(k, p->lanes);
  p->panel = 2;
  p->columns = p->t->lanes == 16 ? 12 : 6;
  /* large tiles once they fill the device; each element has a copy of the epilogue */
  const int64_t large = ceil_div(k->mm.m, 128) * ceil_div(k->mm.n, 128) * products(k);
  const int simple_epilogue = k->prog.ninstr <= 12 && k->mm.type == AG_F32;
  p->item = large >= p->t->units && simple_epilogue ? 8 : 4;
  p->tile = 16 * p->item;
}

/* -- the epilogue ---------------------------------------------------------------------------- */
/* Element (i, j) in the program's coordinates: its two dimensions, or fewer where they were merged.
 */
static void coordinates(product *p) {
  const ag_program *prog = p->w.prog;
  if (prog->nd == 2 && prog->dim[0] == p->k->mm.m) {
    ag_cg_line(&p->w, "const long i0 = i, i1 = j;");
  } else if (prog->nd == 1) {
    ag_cg_line(&p->w, "const long i0 = i + j * m;");
  } else {
    ag_cg_line(&p->w, "%s t = i + j * m;", ag_cg_index_type(prog->count));
    ag_cg_decompose(&p->w, 0, "t");
  }
}

static void store_function(product *p, const char *name, int lanes) {
  ag_strbuf *text = &p->w.src->text;
  char type[CG_TEXT];
  ag_cg_declare(type, p->k->mm.type, lanes);
  ag_strbuf_drop(&p->w.body);
  coordinates(p);
  ag_cg_instructions(&p->w, lanes, 0);
  ag_cg_stores(&p->w, lanes, 0);
  if (p->w.body.failed) text->failed = 1;
  ag_strbuf_add(text, "static void %s(long i, long j, long m, %s acc, AG_STORE_PARAMS) {\n%s}\n",
                name, type, p->w.body.failed ? "" : ag_strbuf_get(&p->w.body));
}

/* Rows of C are neighbours in the epilogue's first dimension, unless it was cut apart. */
static int vectors_work(const product *p) {
  const ag_program *prog = p->w.prog;
  return prog->nd == 1 || (prog->nd == 2 && prog->dim[0] == p->k->mm.m);
}

static void write_epilogue(product *p) {
  ag_strbuf *text = &p->w.src->text;
  if (p->w.params.failed || p->w.names.failed) {
    text->failed = 1;
    return;
  }
  ag_strbuf_add(text, "#define AG_STORE_PARAMS %s\n#define AG_STORE_ARGS %s\n",
                ag_strbuf_get(&p->w.params), ag_strbuf_get(&p->w.names));
  store_function(p, "ag_store", 1);
  if (p->lanes == 1) return;
  if (vectors_work(p)) {
    store_function(p, "ag_store_lanes", p->lanes);
    return;
  }
  char type[CG_TEXT];
  ag_cg_declare(type, p->k->mm.type, p->lanes);
  ag_strbuf_add(
      text,
      "static void ag_store_lanes(long i, long j, long m, %s acc, AG_STORE_PARAMS) {\n"
      "  %s lane[%d];\n  vstore%d(acc, 0, lane);\n"
      "  for (int n = 0; n < %d; n++) ag_store(i + n, j, m, lane[n], AG_STORE_ARGS);\n}\n",
      type, ag_cg_type(p->k->mm.type), p->lanes, p->lanes, p->lanes);
}

/* C is a block: elements are set, added to, or subtracted from. */
static void write_block_stores(product *p) {
  static const char *const how[] = {"=", "+=", "-="};
  static const char *const sum[] = {"", "vload%d(0, p) + ", "vload%d(0, p) - "};
  ag_strbuf *text = &p->w.src->text;
  const char *real = ag_cg_type(p->k->mm.type);
  ag_strbuf_add(text,
                "#define AG_STORE_PARAMS __global %s *c, long c_at, long c_col\n"
                "#define AG_STORE_ARGS c, c_at, c_col\n"
                "static void ag_store(long i, long j, long m, %s acc, AG_STORE_PARAMS) {\n"
                "  c[c_at + i + j * c_col] %s acc;\n}\n",
                real, real, how[p->k->mm.into]);
  if (p->lanes == 1) return;
  ag_strbuf_add(text,
                "static void ag_store_lanes(long i, long j, long m, %s%d acc, AG_STORE_PARAMS) {\n"
                "  __global %s *p = c + c_at + i + j * c_col;\n  vstore%d(",
                real, p->lanes, real, p->lanes);
  ag_strbuf_add(text, sum[p->k->mm.into], p->lanes);
  ag_strbuf_add(text, "acc, 0, p);\n}\n");
}

/* Only what the kind looks at, so that kernels that do not differ share a program. */
static void write_settings(product *p) {
  const ag_kernel *k = p->k;
  ag_strbuf *text = &p->w.src->text;
  ag_strbuf_add(text, "#define KIND %d\n#define REAL %s\n#define LANES %d\n", p->kind,
                ag_cg_type(k->mm.type), p->lanes);
  if (products(k) > 1) ag_strbuf_add(text, "#define BATCHED 1\n");
  if (p->kind == PACKED)
    ag_strbuf_add(text, "#define PANEL %d\n#define COLUMNS %d\n", p->panel, p->columns);
  if (p->kind == GROUPED) ag_strbuf_add(text, "#define GROUP %d\n", GROUP);
  if (p->kind == TILED)
    ag_strbuf_add(text,
                  "#define TILE %d\n#define ITEM %d\n#define A_BY_ROWS %d\n#define B_BY_ROWS %d\n",
                  p->tile, p->item, k->mm.rs_a <= k->mm.cs_a, k->mm.rs_b <= k->mm.cs_b);
}

/* -- arguments ------------------------------------------------------------------------------- */
static void add_long(ag_cg_writer *w, int64_t value) {
  ag_cg_arg_add(w, (ag_cg_arg){AG_ARG_LONG, AG_I32, 0, value});
}

static void add_matrix(ag_cg_writer *w, const ag_kernel *k, int slot, int64_t base, int64_t rs,
                       int64_t cs) {
  ag_cg_arg_add(w, (ag_cg_arg){AG_ARG_SLOT, k->mm.type, slot, 0});
  ag_cg_arg_add(w, (ag_cg_arg){AG_ARG_OFFSET, AG_I32, slot, base});
  add_long(w, rs);
  add_long(w, cs);
}

static void begin_block(product *p) {
  const ag_kernel *k = p->k;
  write_block_stores(p);
  ag_cg_arg_add(&p->w, (ag_cg_arg){AG_ARG_SLOT, k->mm.type, k->mm.slot_c, 0});
  ag_cg_arg_add(&p->w, (ag_cg_arg){AG_ARG_OFFSET, AG_I32, k->mm.slot_c, k->mm.base_c});
  add_long(&p->w, k->mm.ldc);
}

static void add_matrices(product *p) {
  const ag_kernel *k = p->k;
  add_matrix(&p->w, k, k->mm.slot_a, k->mm.base_a, k->mm.rs_a, k->mm.cs_a);
  add_matrix(&p->w, k, k->mm.slot_b, k->mm.base_b, k->mm.rs_b, k->mm.cs_b);
  add_long(&p->w, k->mm.m);
  add_long(&p->w, k->mm.n);
  add_long(&p->w, k->mm.k);
  if (products(k) <= 1) return;
  add_long(&p->w, k->mm.next_a);
  add_long(&p->w, k->mm.next_b - k->mm.n * k->mm.cs_b);
  add_long(&p->w, k->mm.n * products(k));
}

/* -- stages ---------------------------------------------------------------------------------- */
static void set_range(ag_cg_stage *s, int64_t items, int64_t local) {
  s->local = (size_t)local;
  s->global = (size_t)(ceil_div(items, local) * local);
}

static void direct_stage(product *p, ag_cg_stage *s) {
  const int64_t m = p->k->mm.m, batch = products(p->k), n = p->k->mm.n * batch;
  switch (p->kind) {
  case SIMPLE:
    s->entry = "ag_matmul_simple";
    set_range(s, m * n, 64);
    break;
  case ROWS:
    s->entry = "ag_matmul_rows";
    set_range(s, ceil_div(m, 4 * p->lanes) * n, 1);
    break;
  case DOT:
    s->entry = "ag_matmul_dot";
    set_range(s, m * n, 1);
    break;
  case TILED:
    s->entry = "ag_matmul_tiled";
    set_range(s, ceil_div(m, p->tile) * ceil_div(n / batch, p->tile) * batch * 256, 256);
    break;
  default:
    s->entry = "ag_matmul_grouped";
    set_range(s, m * n * GROUP, GROUP);
    break;
  }
  add_matrices(p);
}

/* Of one product. */
static int64_t passes(const ag_kernel *k) {
  return ceil_div(k->mm.m, MC) * ceil_div(k->mm.n, NC) * ceil_div(k->mm.k, block_depth(k));
}

static void add_blocks(product *p, ag_cg_writer *w) {
  const ag_kernel *k = p->k;
  add_long(w, MC);
  add_long(w, NC);
  add_long(w, block_depth(k));
  add_long(w, ceil_div(k->mm.k, block_depth(k)));
  add_long(w, ceil_div(k->mm.n, NC));
  ag_cg_arg_add(w, (ag_cg_arg){AG_ARG_PASS, AG_I32, 0, 0});
  add_long(w, passes(k));
}

static void pack_stage(product *p, ag_cg_source *src, const char *entry, int is_b, int64_t panels) {
  const ag_kernel *k = p->k;
  ag_cg_writer w;
  ag_cg_begin(&w, src, k, NULL, p->t, NULL);
  w.stage->entry = entry;
  set_range(w.stage, panels * ceil_div(at_most(k->mm.k, block_depth(k)), RUN), 1);
  if (is_b) add_matrix(&w, k, k->mm.slot_b, k->mm.base_b, k->mm.rs_b, k->mm.cs_b);
  else add_matrix(&w, k, k->mm.slot_a, k->mm.base_a, k->mm.rs_a, k->mm.cs_a);
  add_long(&w, is_b ? k->mm.n : k->mm.m);
  add_long(&w, k->mm.k);
  add_blocks(p, &w);
  add_long(&w, is_b ? k->mm.next_b : k->mm.next_a);
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
  src->npass = passes(k) * products(k);
  src->scratch[0] = (size_t)(row_panels * rows * depth) * size + 64;
  src->scratch[1] = (size_t)(column_panels * p->columns * depth) * size + 64;
  last->entry = "ag_matmul_packed";
  set_range(last, row_panels * column_panels, 1);
  ag_cg_arg_add(&p->w, (ag_cg_arg){AG_ARG_SCRATCH, k->mm.type, 0, 0});
  ag_cg_arg_add(&p->w, (ag_cg_arg){AG_ARG_SCRATCH, k->mm.type, 1, 0});
  ag_cg_arg_add(&p->w, (ag_cg_arg){AG_ARG_SLOT, k->mm.type, raw, 0});
  ag_cg_arg_add(&p->w, (ag_cg_arg){AG_ARG_OFFSET, AG_I32, raw,
                                   k->mm.block ? k->mm.base_c : k->prog.out[0].at.base});
  add_long(&p->w, m);
  add_long(&p->w, n);
  add_long(&p->w, k->mm.k);
  add_blocks(p, &p->w);
  add_long(&p->w, column_panels);
}

ag_status ag_cg_matmul(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  static const int groups[AG_MAX_DIM] = {0};
  product p = {.k = k, .t = t};
  if (k->mm.m == 0 || k->mm.n == 0) return AG_OK;
  AG_TRY(ag_cg_preamble(src, &k->prog, k->mm.type));
  choose(&p);
  if (p.kind == PACKED) {
    pack_stage(&p, src, "ag_matmul_pack_a", 0, ceil_div(at_most(k->mm.m, MC), p.panel * p.lanes));
    pack_stage(&p, src, "ag_matmul_pack_b", 1, ceil_div(at_most(k->mm.n, NC), p.columns));
  }
  ag_cg_begin(&p.w, src, k, k->mm.block ? NULL : &k->prog, t, groups);
  if (k->mm.block) begin_block(&p);
  else write_epilogue(&p);
  write_settings(&p);
  if (p.kind == PACKED) packed_stages(&p, src, p.w.stage);
  else direct_stage(&p, p.w.stage);
  ag_cg_drop(&p.w);
  return ag_cg_append_file(&src->text, "matmul.cl");
}
