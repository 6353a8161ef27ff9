/* Scatter kernels: inst/kernels/scatter.cl with its arguments. */
#include "codegen_text.h"

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Columns that an item owns: few enough that all items are busy, as each of them reads all indices.
 */
static int64_t range_of(const ag_kernel *k, int64_t lines, const ag_cg_target *t) {
  const int64_t items = (int64_t)t->units * (t->is_gpu ? 512 : 1), ranges = ceil_div(items, lines);
  return ceil_div(k->scatter.cols, ranges);
}

ag_status ag_cg_scatter(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  const int64_t run = t->is_gpu ? 1 : 256; /* rows of one item */
  const int64_t lines = ceil_div(k->scatter.pre, run) * k->scatter.post,
                range = range_of(k, lines, t), items = lines * ceil_div(k->scatter.cols, range);
  const size_t local = t->is_gpu ? 64 : 1;
  ag_cg_writer w;
  src->f64 = k->scatter.type == AG_F64;
  ag_strbuf_add(&src->text, "#define REAL %s\n#define RUN %d\n", ag_cg_type(k->scatter.type),
                (int)run);
  AG_TRY(ag_cg_append_file(&src->text, "scatter.cl"));
  ag_cg_begin(&w, src, k, NULL, t, NULL);
  const ag_cg_arg args[] = {
      {AG_ARG_SLOT, k->scatter.type, k->scatter.slot_in, 0},
      {AG_ARG_OFFSET, AG_I32, k->scatter.slot_in, k->scatter.base_in},
      {AG_ARG_SLOT, AG_I32, k->scatter.slot_index, 0},
      {AG_ARG_OFFSET, AG_I32, k->scatter.slot_index, k->scatter.base_index},
      {AG_ARG_SLOT, k->scatter.type, k->scatter.slot_out, 0},
      {AG_ARG_OFFSET, AG_I32, k->scatter.slot_out, 0},
      {AG_ARG_LONG, AG_I32, 0, k->scatter.pre},
      {AG_ARG_LONG, AG_I32, 0, k->scatter.n},
      {AG_ARG_LONG, AG_I32, 0, k->scatter.post},
      {AG_ARG_LONG, AG_I32, 0, k->scatter.cols},
      {AG_ARG_LONG, AG_I32, 0, k->scatter.first},
      {AG_ARG_LONG, AG_I32, 0, range},
  };
  for (size_t i = 0; i < sizeof args / sizeof *args; i++) ag_cg_arg_add(&w, args[i]);
  w.stage->entry = "ag_scatter";
  w.stage->local = local;
  w.stage->global = (size_t)ceil_div(items, (int64_t)local) * local;
  ag_cg_drop(&w);
  return AG_OK;
}
