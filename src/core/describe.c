/* Kernels and schedules in words, for gpu_explain() and the log. */
#include "schedule.h"
#include <ctype.h>
#include <string.h>

/* An expression longer than this is cut: the text is for reading. */
#define MAX_TEXT 400

static void describe_reg(const ag_kernel *k, int r, ag_strbuf *out);

static void describe_apply(const ag_kernel *k, const ag_instr *in, ag_strbuf *out) {
  const ag_op_info *info = ag_op_get((ag_op)in->op);
  const char *name = *info->r ? info->r : info->name;
  int infix = !isalpha((unsigned char)*name), nargs = 0;
  for (int i = 0; i < 3; i++) nargs += in->arg[i] >= 0;
  if (infix && nargs == 2) {
    ag_strbuf_add(out, "(");
    describe_reg(k, in->arg[0], out);
    ag_strbuf_add(out, " %s ", name);
    describe_reg(k, in->arg[1], out);
    ag_strbuf_add(out, ")");
    return;
  }
  ag_strbuf_add(out, infix ? "%s" : "%s(", name);
  for (int i = 0, shown = 0; i < 3; i++) {
    if (in->arg[i] < 0) continue;
    if (shown++) ag_strbuf_add(out, ", ");
    describe_reg(k, in->arg[i], out);
  }
  if (!infix) ag_strbuf_add(out, ")");
}

static void describe_pick(const ag_kernel *k, const ag_pick *p, ag_strbuf *out) {
  for (int i = 0; i < p->n; i++) {
    ag_strbuf_add(out, i ? ", " : "[");
    describe_reg(k, p->reg[i], out);
  }
  if (p->n) ag_strbuf_add(out, "]");
}

static void describe_reg(const ag_kernel *k, int r, ag_strbuf *out) {
  const ag_instr *in = &k->prog.instr[r];
  if (out->length > MAX_TEXT) {
    ag_strbuf_add(out, "...");
    return;
  }
  switch (in->kind) {
  case AG_I_LOAD: ag_strbuf_add(out, "#%d", k->prog.in[in->index].slot); break;
  case AG_I_TAKE:
    ag_strbuf_add(out, "#%d", k->prog.in[in->index].slot);
    describe_pick(k, &k->prog.pick, out);
    break;
  case AG_I_CONST:
    if (k->prog.konst[in->index].param >= 0)
      ag_strbuf_add(out, "$%d", k->prog.konst[in->index].param);
    else ag_strbuf_add(out, "%g", k->prog.konst[in->index].value);
    break;
  case AG_I_IOTA: ag_strbuf_add(out, "index"); break;
  case AG_I_RANDOM: ag_strbuf_add(out, in->op == AG_UNIFORM ? "runif" : "rnorm"); break;
  case AG_I_ACC: ag_strbuf_add(out, k->kind == AG_K_CONV ? "conv" : "matmul"); break;
  case AG_I_CAST:
    ag_strbuf_add(out, "%s(", ag_dtype_name(in->type));
    describe_reg(k, in->arg[0], out);
    ag_strbuf_add(out, ")");
    break;
  case AG_I_OP: describe_apply(k, in, out); break;
  }
}

static void describe_outputs(const ag_kernel *k, ag_strbuf *out) {
  for (int i = 0; i < k->prog.nout; i++) {
    ag_strbuf text = {0};
    describe_reg(k, k->prog.outreg[i], &text);
    const char *s = ag_strbuf_get(&text);
    ag_strbuf_add(out, "%s#%d", i ? ", " : "", k->prog.out[i].slot);
    if (i == 0) describe_pick(k, &k->prog.put, out);
    ag_strbuf_add(out, " = %s", s ? s : "?");
    ag_strbuf_drop(&text);
  }
}

static void describe_reduce(const ag_kernel *k, ag_strbuf *out) {
  static const char *const name[] = {"sum", "mean", "prod",      "min",      "max",
                                     "any", "all",  "which_max", "which_min"};
  ag_strbuf text = {0};
  describe_reg(k, k->reduce.reg, &text);
  const char *s = ag_strbuf_get(&text);
  ag_strbuf_add(out, "%s %lld x [%lld] x %lld: #%d = %s(%s%s)",
                k->kind == AG_K_SCAN ? "scan" : "reduce", (long long)k->reduce.pre,
                (long long)k->reduce.red, (long long)k->reduce.post, k->reduce.out.slot,
                name[k->reduce.op], s ? s : "?", k->reduce.skip ? ", na.rm" : "");
  ag_strbuf_drop(&text);
}

static void describe_space(const ag_program *p, ag_strbuf *out) {
  for (int q = 0; q < p->nd; q++)
    ag_strbuf_add(out, "%s%lld", q ? " x " : "", (long long)p->dim[q]);
}

static void describe_select(const ag_kernel *k, ag_strbuf *out) {
  ag_strbuf_add(out, "select %lld: #%d = ", (long long)k->prog.count, k->select.slot_out);
  describe_reg(k, k->select.value, out);
  ag_strbuf_add(out, " where ");
  describe_reg(k, k->select.mask, out);
}

static void describe_sort(const ag_kernel *k, ag_strbuf *out) {
  static const char *const name[] = {"order", "sort", "rank", "take", "search", "tabulate"};
  ag_strbuf_add(out, "%s %lld %s", name[k->sort.step], (long long)k->sort.n,
                ag_dtype_name(k->sort.type));
}

static void describe_batched(const ag_kernel *k, ag_strbuf *out) {
  static const char *const name[] = {"", "solve", "chol", "det", "eigen"};
  ag_strbuf_add(out, "%s %lld of %lld x %lld", name[k->batched.step], (long long)k->batched.batch,
                (long long)k->batched.n, (long long)k->batched.n);
}

static void describe_block(const ag_kernel *k, ag_strbuf *out) {
  static const char *const name[] = {"trsm", "permute rows", "triangle"};
  ag_strbuf_add(out, "%s %lld x %lld %s", name[k->block.step], (long long)k->block.rows,
                (long long)k->block.cols, ag_dtype_name(k->block.type));
}

static void describe_conv(const ag_kernel *k, ag_strbuf *out) {
  const ag_window *w = &k->conv.window;
  ag_strbuf_add(out, "%s %lld x %lld of %lld x %lld x %lld x %lld to %lld x %lld x %lld",
                k->conv.of_weight ? "conv weight" : "conv", (long long)w->k[0], (long long)w->k[1],
                (long long)k->conv.in, (long long)w->in[0], (long long)w->in[1],
                (long long)k->conv.samples, (long long)k->conv.out, (long long)w->out[0],
                (long long)w->out[1]);
  if (k->conv.groups > 1) ag_strbuf_add(out, ", %lld groups", (long long)k->conv.groups);
  ag_strbuf_add(out, " (#%d, #%d): ", k->conv.slot_x,
                k->conv.of_weight ? k->conv.slot_y : k->conv.slot_w);
  describe_outputs(k, out);
}

static void describe_pooling(const ag_kernel *k, ag_strbuf *out) {
  static const char *const name[] = {"max", "average", "max back", "average back"};
  const ag_window *w = &k->pooling.window;
  ag_strbuf_add(out, "pooling %lld x %lld of %lld x %lld x %lld x %lld: #%d = %s(#%d)",
                (long long)w->k[0], (long long)w->k[1], (long long)k->pooling.channels,
                (long long)w->in[0], (long long)w->in[1], (long long)k->pooling.samples,
                k->pooling.slot_out, name[k->pooling.op], k->pooling.slot_in[k->pooling.nin - 1]);
}

void ag_kernel_describe(const ag_kernel *k, ag_strbuf *out) {
  switch (k->kind) {
  case AG_K_REDUCE:
  case AG_K_SCAN: describe_reduce(k, out); break;
  case AG_K_GATHER:
    ag_strbuf_add(out, "gather %lld x %lld: #%d = #%d[, #%d]", (long long)k->gather.rows,
                  (long long)k->gather.cols, k->gather.slot_out, k->gather.slot_in,
                  k->gather.slot_index);
    break;
  case AG_K_SCATTER:
    ag_strbuf_add(out, "scatter %lld x %lld x %lld: #%d[, #%d, ] = sums of #%d",
                  (long long)k->scatter.pre, (long long)k->scatter.n, (long long)k->scatter.post,
                  k->scatter.slot_out, k->scatter.slot_index, k->scatter.slot_in);
    break;
  case AG_K_SORT: describe_sort(k, out); break;
  case AG_K_BATCHED: describe_batched(k, out); break;
  case AG_K_BLOCK: describe_block(k, out); break;
  case AG_K_POOLING: describe_pooling(k, out); break;
  case AG_K_MATMUL:
    ag_strbuf_add(out, "matmul ");
    if (k->mm.batch > 1) ag_strbuf_add(out, "%lld of ", (long long)k->mm.batch);
    ag_strbuf_add(out, "%lld x %lld x %lld (#%d, #%d): ", (long long)k->mm.m, (long long)k->mm.k,
                  (long long)k->mm.n, k->mm.slot_a, k->mm.slot_b);
    if (k->mm.block) ag_strbuf_add(out, "block");
    else describe_outputs(k, out);
    break;
  case AG_K_CONV: describe_conv(k, out); break;
  case AG_K_SELECT: describe_select(k, out); break;
  case AG_K_MAP:
    ag_strbuf_add(out, "map ");
    describe_space(&k->prog, out);
    ag_strbuf_add(out, ": ");
    describe_outputs(k, out);
    break;
  }
}

void ag_schedule_describe(const ag_schedule *s, ag_strbuf *out) {
  for (int i = 0; i < s->nkernels; i++) {
    ag_strbuf_add(out, "%d. ", i + 1);
    ag_kernel_describe(s->kernel[i], out);
    ag_strbuf_add(out, "\n");
  }
}
