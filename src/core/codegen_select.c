/* Kernel text: selecting. Each item counts what is selected among the elements of its chunk; one
 * group turns the counts into the places where chunks begin; each item writes. */
#include "codegen_text.h"
#include <stdio.h>

#define GROUP     256 /* items of the group that adds counts up */
#define CPU_CHUNK 4096
#define GPU_CHUNK 16

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Starts a loop over the elements i0 of the chunk of item t; the caller ends it. */
static void begin(ag_cg_writer *w, ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t,
                  int64_t nchunk, int64_t chunk) {
  static const int groups[AG_MAX_DIM] = {0};
  ag_cg_begin(w, src, k, &k->prog, t, groups);
  ag_cg_param(w, (ag_cg_arg){AG_ARG_SCRATCH, AG_I32, 0, 0}, "__global int *place");
  ag_cg_param(w, (ag_cg_arg){AG_ARG_LONG, AG_I32, 0, nchunk}, "long nchunk");
  ag_cg_param(w, (ag_cg_arg){AG_ARG_LONG, AG_I32, 0, chunk}, "long chunk");
  ag_cg_line(w, "const long t = get_global_id(0);");
  ag_cg_line(w, "if (t >= nchunk) return;");
  w->stage->local = 64;
  w->stage->global = (size_t)ceil_div(nchunk, 64) * 64;
}

static void loop(ag_cg_writer *w) {
  ag_cg_line(w, "for (long i = t * chunk; i < min((t + 1) * chunk, (long)%s); i++) {",
             w->extent[0]);
  w->indent++;
  ag_cg_line(w, "const long i0 = i;");
  ag_cg_instructions(w, 1, 0);
}

static ag_status count(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t, int64_t nchunk,
                       int64_t chunk) {
  ag_cg_writer w;
  begin(&w, src, k, t, nchunk, chunk);
  ag_cg_line(&w, "int n = 0;");
  loop(&w);
  ag_cg_line(&w, "n += r%d != 0;", k->select.mask);
  w.indent--;
  ag_cg_line(&w, "}");
  ag_cg_line(&w, "place[t] = n;");
  return ag_cg_end(&w, "ag_select_count");
}

static ag_status add_up(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t,
                        int64_t nchunk) {
  ag_cg_writer w;
  char declaration[80];
  ag_cg_begin(&w, src, k, NULL, t, NULL);
  ag_cg_param(&w, (ag_cg_arg){AG_ARG_SCRATCH, AG_I32, 0, 0}, "__global int *place");
  ag_cg_param(&w, (ag_cg_arg){AG_ARG_LONG, AG_I32, 0, nchunk}, "long nchunk");
  snprintf(declaration, sizeof declaration, "__global int *result");
  ag_cg_param(&w, (ag_cg_arg){AG_ARG_SLOT, AG_I32, k->select.slot_out, 0}, declaration);
  ag_cg_param(&w, (ag_cg_arg){AG_ARG_OFFSET, AG_I32, k->select.slot_out, k->prog.count},
              "long result_at");
  const char *text[] = {
      "__local int sum[GROUP];",
      "const int t = get_local_id(0);",
      "const long each = (nchunk + GROUP - 1) / GROUP, first = t * each;",
      "const long last = min(first + each, nchunk);",
      "int n = 0;",
      "for (long c = first; c < last; c++) n += place[c];",
      "sum[t] = n;",
      "barrier(CLK_LOCAL_MEM_FENCE);",
      "int before = 0;",
      "for (int i = 0; i < t; i++) before += sum[i];",
      "for (long c = first; c < last; c++) {",
      "  const int here = place[c];",
      "  place[c] = before;",
      "  before += here;",
      "}",
      "if (t == GROUP - 1) result[result_at * WIDTH] = before;",
  };
  for (size_t i = 0; i < sizeof text / sizeof *text; i++) ag_cg_line(&w, "%s", text[i]);
  w.stage->local = w.stage->global = GROUP;
  return ag_cg_end(&w, "ag_select_add_up");
}

static ag_status write(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t, int64_t nchunk,
                       int64_t chunk) {
  ag_cg_writer w;
  char declaration[80];
  begin(&w, src, k, t, nchunk, chunk);
  snprintf(declaration, sizeof declaration, "__global %s *result", ag_cg_type(k->select.type));
  ag_cg_param(&w, (ag_cg_arg){AG_ARG_SLOT, k->select.type, k->select.slot_out, 0}, declaration);
  ag_cg_param(&w, (ag_cg_arg){AG_ARG_OFFSET, AG_I32, k->select.slot_out, 0}, "long result_at");
  ag_cg_line(&w, "long to = result_at + place[t];");
  loop(&w);
  ag_cg_line(&w, "if (r%d != 0) result[to++] = r%d == NA_INT ? %s : r%d;", k->select.mask,
             k->select.mask, ag_cg_na(k->select.type), k->select.value);
  w.indent--;
  ag_cg_line(&w, "}");
  return ag_cg_end(&w, "ag_select_write");
}

ag_status ag_cg_select(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  int64_t chunk = t->is_gpu ? GPU_CHUNK : CPU_CHUNK, nchunk = ceil_div(k->prog.count, chunk);
  AG_TRY(ag_cg_preamble(src, &k->prog, k->select.type));
  ag_strbuf_add(&src->text, "#define GROUP %d\n#define WIDTH %d\n", GROUP,
                (int)ag_dtype_size(k->select.type) / 4);
  src->scratch[0] = (size_t)nchunk * sizeof(int32_t);
  AG_TRY(count(src, k, t, nchunk, chunk));
  AG_TRY(add_up(src, k, t, nchunk));
  return write(src, k, t, nchunk, chunk);
}
