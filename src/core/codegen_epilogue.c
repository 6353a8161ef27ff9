/* Kernel text: what becomes of the results of a product or a convolution, as functions that the
 * hand-written kernels call. */
#include "codegen_text.h"

/* Element (i, j) in the program's coordinates: its two dimensions, or fewer where they were merged.
 */
static void coordinates(ag_cg_writer *w, int64_t m) {
  const ag_program *prog = w->prog;
  if (prog->nd == 2 && prog->dim[0] == m) {
    ag_cg_line(w, "const long i0 = i, i1 = j;");
  } else if (prog->nd == 1) {
    ag_cg_line(w, "const long i0 = i + j * m;");
  } else {
    ag_cg_line(w, "%s t = i + j * m;", ag_cg_index_type(prog->count));
    ag_cg_decompose(w, 0, "t");
  }
}

static void store_function(ag_cg_writer *w, const char *name, ag_dtype acc, int64_t m, int lanes) {
  ag_strbuf *text = &w->src->text;
  char type[CG_TEXT];
  ag_cg_declare(type, acc, lanes);
  ag_strbuf_drop(&w->body);
  coordinates(w, m);
  ag_cg_instructions(w, lanes, 0);
  ag_cg_stores(w, lanes, 0);
  if (w->body.failed) text->failed = 1;
  ag_strbuf_add(text, "static void %s(long i, long j, long m, %s acc, AG_STORE_PARAMS) {\n%s}\n",
                name, type, w->body.failed ? "" : ag_strbuf_get(&w->body));
}

/* Rows of C are neighbours in the epilogue's first dimension, unless it was cut apart. */
static int vectors_work(const ag_cg_writer *w, int64_t m) {
  const ag_program *prog = w->prog;
  return prog->nd == 1 || (prog->nd == 2 && prog->dim[0] == m);
}

void ag_cg_epilogue(ag_cg_writer *w, ag_dtype acc, int64_t m, int lanes) {
  ag_strbuf *text = &w->src->text;
  if (w->params.failed || w->names.failed) {
    text->failed = 1;
    return;
  }
  ag_strbuf_add(text, "#define AG_STORE_PARAMS %s\n#define AG_STORE_ARGS %s\n",
                ag_strbuf_get(&w->params), ag_strbuf_get(&w->names));
  store_function(w, "ag_store", acc, m, 1);
  if (lanes == 1) return;
  if (vectors_work(w, m)) {
    store_function(w, "ag_store_lanes", acc, m, lanes);
    return;
  }
  char type[CG_TEXT];
  ag_cg_declare(type, acc, lanes);
  ag_strbuf_add(
      text,
      "static void ag_store_lanes(long i, long j, long m, %s acc, AG_STORE_PARAMS) {\n"
      "  %s lane[%d];\n  vstore%d(acc, 0, lane);\n"
      "  for (int n = 0; n < %d; n++) ag_store(i + n, j, m, lane[n], AG_STORE_ARGS);\n}\n",
      type, ag_cg_type(acc), lanes, lanes, lanes);
}
