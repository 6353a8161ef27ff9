/* Kernel text: the parts that all kernels share, and the map and gather kernels. */
#include "codegen_text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- files and preamble ---------------------------------------------------------------------- */
/* The files of the kernel folder, read once and kept. */
#define MAX_FILES 16
static struct {
  char path[4200];
  char *text;
} file[MAX_FILES];

static char *read_text(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  char *text = NULL;
  long size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
  if (size >= 0 && fseek(f, 0, SEEK_SET) == 0) text = malloc((size_t)size + 1);
  if (text) text[fread(text, 1, (size_t)size, f)] = 0;
  fclose(f);
  return text;
}

ag_status ag_cg_append_file(ag_strbuf *text, const char *name) {
  char path[sizeof file->path];
  int i = 0;
  snprintf(path, sizeof path, "%s/%s", ag_device_kernel_dir(), name);
  while (i < MAX_FILES - 1 && file[i].text && strcmp(file[i].path, path)) i++;
  if (!file[i].text || strcmp(file[i].path, path)) {
    free(file[i].text);
    file[i].text = read_text(path);
    memcpy(file[i].path, path, sizeof path);
  }
  if (!file[i].text)
    return ag_fail(AG_E_BUILD,
                   "the kernel file %s cannot be read: is the package installed completely?", path);
  ag_strbuf_append(text, file[i].text);
  return AG_OK;
}

static int calls_math(const ag_instr *i) {
  return i->kind == AG_I_RANDOM || (i->kind == AG_I_OP && strstr(ag_op_get(i->op)->text, "ag_"));
}

static int needs_math(const ag_program *prog, ag_dtype type) {
  int needed = 0;
  for (int i = 0; i < prog->ninstr; i++)
    needed |= prog->instr[i].type == type && calls_math(&prog->instr[i]);
  return needed;
}

/* math.cl stands there once for each type that needs it: the second time overloads the first. */
static ag_status append_math(ag_strbuf *text, const ag_program *prog) {
  if (needs_math(prog, AG_I32)) AG_TRY(ag_cg_append_file(text, "integer.cl"));
  for (ag_dtype type = AG_F64; type <= AG_F32; type++) {
    if (!needs_math(prog, type)) continue;
    ag_strbuf_add(text, "#define scalar %s\n", ag_cg_type(type));
    AG_TRY(ag_cg_append_file(text, "math.cl"));
    ag_strbuf_add(text, "#undef scalar\n");
  }
  return AG_OK;
}

static int uses_f64(const ag_program *prog) {
  for (int i = 0; i < prog->ninstr; i++)
    if (prog->instr[i].type == AG_F64 ||
        (prog->instr[i].kind == AG_I_CAST && prog->instr[i].from == AG_F64))
      return 1;
  return 0;
}

ag_status ag_cg_preamble(ag_cg_source *src, const ag_program *prog, ag_dtype type) {
  src->f64 = type == AG_F64 || (prog && uses_f64(prog));
  AG_TRY(ag_cg_append_file(&src->text, "prelude.cl"));
  return prog ? append_math(&src->text, prog) : AG_OK;
}

/* -- maps ------------------------------------------------------------------------------------ */
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* One item computes `lanes` consecutive elements along the first dimension; what is left over at
 * its end is done one by one by the last item. */
static void map_body(ag_cg_writer *w, int lanes) {
  char vectors[CG_TEXT];
  int64_t nvec = ceil_div(w->dim[0], lanes), items = nvec;
  for (int q = 1; q < w->nd; q++) items *= w->dim[q];
  ag_cg_long(w, vectors, "items", items);
  ag_cg_line(w, "%s t = get_global_id(0);", ag_cg_index_type(items));
  ag_cg_line(w, "if (t >= %s) return;", vectors);
  if (w->nd > 1) {
    ag_cg_long(w, vectors, "vectors", nvec);
    ag_cg_line(w, "long i0 = (long)(t %% (%s)%s) * %d;", ag_cg_index_type(items), vectors, lanes);
    ag_cg_line(w, "t /= (%s)%s;", ag_cg_index_type(items), vectors);
    ag_cg_decompose(w, 1, "t");
  } else {
    ag_cg_line(w, "long i0 = (long)t * %d;", lanes);
  }
  if (lanes > 1) {
    ag_cg_line(w, "if (i0 + %d <= %s) {", lanes, w->extent[0]);
    w->indent++;
    ag_cg_instructions(w, lanes, 0);
    ag_cg_stores(w, lanes, 0);
    w->indent--;
    ag_cg_line(w, "} else for (; i0 < %s; i0++) {", w->extent[0]);
    w->indent++;
  }
  ag_cg_instructions(w, 1, 0);
  ag_cg_stores(w, 1, 0);
  if (lanes > 1) {
    w->indent--;
    ag_cg_line(w, "}");
  }
  w->stage->local = 64;
  w->stage->global = (size_t)ceil_div(items, 64) * 64;
}

ag_status ag_cg_map(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  if (k->prog.count == 0) return AG_OK;
  AG_TRY(ag_cg_preamble(src, &k->prog, AG_F32));
  /* the first dimension is a group of its own: vectors run along it */
  static const int groups[AG_MAX_DIM] = {0, 1, 1, 1, 1, 1, 1, 1};
  ag_cg_writer w;
  ag_cg_begin(&w, src, k, &k->prog, t, groups);
  map_body(&w, ag_cg_width(&w, 0));
  return ag_cg_end(&w, "ag_map");
}

/* -- gathers --------------------------------------------------------------------------------- */
ag_status ag_cg_gather(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  const int64_t rows = k->gather.rows, cols = k->gather.cols;
  const int64_t run = t->is_gpu ? 1 : 256; /* rows copied by one item */
  if (rows == 0 || cols == 0) return AG_OK;
  ag_cg_writer w;
  const int wide = k->gather.type == AG_F64;
  const char *na = wide                       ? "0x7FF00000000007A2UL"
                   : k->gather.type == AG_F32 ? "0x7FC007A2U"
                                              : "0x80000000U";
  ag_strbuf_add(&src->text, "#define element %s\n#define NA_BITS %s\n#define RUN %d\n",
                wide ? "ulong" : "uint", na, (int)run);
  AG_TRY(ag_cg_append_file(&src->text, "gather.cl"));
  ag_cg_begin(&w, src, k, NULL, t, NULL);
  const ag_cg_arg args[] = {
      {AG_ARG_SLOT, k->gather.type, k->gather.slot_in, 0},
      {AG_ARG_OFFSET, AG_I32, k->gather.slot_in, k->gather.base_in},
      {AG_ARG_SLOT, AG_I32, k->gather.slot_index, 0},
      {AG_ARG_OFFSET, AG_I32, k->gather.slot_index, k->gather.base_index},
      {AG_ARG_SLOT, k->gather.type, k->gather.slot_out, 0},
      {AG_ARG_OFFSET, AG_I32, k->gather.slot_out, 0},
      {AG_ARG_LONG, AG_I32, 0, rows},
      {AG_ARG_LONG, AG_I32, 0, cols},
      {AG_ARG_LONG, AG_I32, 0, k->gather.in_cols},
  };
  for (size_t i = 0; i < sizeof args / sizeof *args; i++) ag_cg_arg_add(&w, args[i]);
  w.stage->entry = "ag_gather";
  w.stage->local = 64;
  w.stage->global = (size_t)ceil_div(ceil_div(rows, run) * cols, 64) * 64;
  ag_cg_drop(&w);
  return AG_OK;
}

/* -- the entry ------------------------------------------------------------------------------- */
ag_status ag_cg_generate(ag_cg_source *out, const ag_kernel *k, const ag_cg_target *target) {
  memset(out, 0, sizeof *out);
  out->npass = 1;
  ag_status status = AG_OK;
  switch (k->kind) {
  case AG_K_MAP: status = ag_cg_map(out, k, target); break;
  case AG_K_REDUCE: status = ag_cg_reduce(out, k, target); break;
  case AG_K_SCAN: status = ag_cg_scan(out, k, target); break;
  case AG_K_MATMUL: status = ag_cg_matmul(out, k, target); break;
  case AG_K_CONV: status = ag_cg_conv(out, k, target); break;
  case AG_K_GATHER: status = ag_cg_gather(out, k, target); break;
  case AG_K_SCATTER: status = ag_cg_scatter(out, k, target); break;
  case AG_K_SELECT: status = ag_cg_select(out, k, target); break;
  case AG_K_SORT: status = ag_cg_sort(out, k, target); break;
  case AG_K_BATCHED: status = ag_cg_batched(out, k, target); break;
  case AG_K_BLOCK: status = ag_cg_block(out, k, target); break;
  case AG_K_POOLING: status = ag_cg_pooling(out, k, target); break;
  }
  AG_TRY(status);
  if (!ag_strbuf_get(&out->text))
    return ag_fail(AG_E_MEMORY, "out of memory while writing a kernel");
  if (out->f64 && !target->has_f64)
    return ag_fail(AG_E_TYPE, "this device has no float64; use type = \"float32\"");
  return AG_OK;
}
