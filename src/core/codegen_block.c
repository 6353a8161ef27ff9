/* BLOCK kernels: the stages of inst/kernels/block.cl with their arguments. */
#include "codegen_text.h"

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static ag_cg_arg number(int64_t value) { return (ag_cg_arg){.kind = AG_ARG_LONG, .value = value}; }

static void add_slot(ag_cg_writer *w, int slot, ag_dtype type, int64_t first) {
  ag_cg_arg_add(w, (ag_cg_arg){.kind = AG_ARG_SLOT, .type = type, .index = slot});
  ag_cg_arg_add(w, (ag_cg_arg){.kind = AG_ARG_OFFSET, .index = slot, .value = first});
}

static void add_numbers(ag_cg_writer *w, int n, const int64_t *value) {
  for (int i = 0; i < n; i++) ag_cg_arg_add(w, number(value[i]));
}
#define NUMBERS(w, ...)                                                                            \
  add_numbers(w, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                        \
              (const int64_t[]){__VA_ARGS__})

static void end(ag_cg_writer *w, const char *entry, int64_t items, int64_t local) {
  w->stage->entry = entry;
  w->stage->local = (size_t)local;
  w->stage->global = (size_t)(ceil_div(items, local) * local);
  ag_cg_drop(w);
}

/* The kernel solves L X = B, L lower; an upper triangle is a lower one from its last element on,
 * and from the right both are transposed. */
static void trsm(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  const int flipped = k->block.trans != k->block.right;
  const int lower = flipped ? k->block.upper : !k->block.upper;
  const int64_t n = k->block.right ? k->block.cols : k->block.rows,
                count = k->block.right ? k->block.rows : k->block.cols, sign = lower ? 1 : -1,
                first = lower ? 0 : n - 1;
  const int64_t rs_t = flipped ? k->block.lda : 1, cs_t = flipped ? 1 : k->block.lda,
                rs_b = k->block.right ? k->block.ldb : 1, cs_b = k->block.right ? 1 : k->block.ldb;
  ag_cg_writer w;
  ag_cg_begin(&w, src, k, NULL, t, NULL);
  add_slot(&w, 0, k->block.type, first * (rs_t + cs_t));
  NUMBERS(&w, sign * rs_t, sign * cs_t);
  add_slot(&w, 1, k->block.type, first * rs_b);
  NUMBERS(&w, sign * rs_b, cs_b, n, count, k->block.unit);
  end(&w, "ag_block_trsm", count, 64);
}

static void permute(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  static const char *const entry[] = {"ag_block_fetch", "ag_block_place"};
  const int64_t items = k->block.count * k->block.cols;
  src->scratch[0] = (size_t)items * ag_dtype_size(k->block.type);
  for (int i = 0; i < 2; i++) {
    ag_cg_writer w;
    ag_cg_begin(&w, src, k, NULL, t, NULL);
    add_slot(&w, 0, k->block.type, 0);
    NUMBERS(&w, k->block.lda);
    add_slot(&w, 1, AG_I32, 0);
    ag_cg_arg_add(&w, (ag_cg_arg){.kind = AG_ARG_SCRATCH, .type = k->block.type});
    NUMBERS(&w, k->block.count, k->block.cols);
    end(&w, entry[i], items, 64);
  }
}

static void triangle(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  ag_cg_writer w;
  ag_cg_begin(&w, src, k, NULL, t, NULL);
  add_slot(&w, 0, k->block.type, 0);
  NUMBERS(&w, k->block.lda);
  add_slot(&w, 1, k->block.type, 0);
  NUMBERS(&w, k->block.ldb, k->block.rows, k->block.cols, k->block.upper, k->block.unit);
  end(&w, "ag_block_triangle", k->block.rows * k->block.cols, 64);
}

ag_status ag_cg_block(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  src->f64 = k->block.type == AG_F64;
  ag_strbuf_add(&src->text, "#define REAL %s\n#define MOST %d\n", ag_cg_type(k->block.type),
                AG_BLOCK_TRI);
  AG_TRY(ag_cg_append_file(&src->text, "block.cl"));
  switch (k->block.step) {
  case AG_BLOCK_TRSM: trsm(src, k, t); break;
  case AG_BLOCK_PERMUTE: permute(src, k, t); break;
  case AG_BLOCK_TRIANGLE: triangle(src, k, t); break;
  }
  return AG_OK;
}
