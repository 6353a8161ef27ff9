/* Kernel text: scans.
 *
 * The range of (p, q) is cut into `nchunk` chunks. With more than one, a first stage writes the
 * state (inst/kernels/scan.cl) of each chunk to scratch[0] (values) and scratch[1] (scales) at
 * (q * nchunk + c) * pre + p; the second joins the states of the chunks before its own, and scans
 * its chunk from there.
 *
 * Two ways to walk: `serial`, one item per (p, q) and chunk; and `grouped`, a work-group per (p, q)
 * and chunk, which goes through it in tiles, each item with SCAN_EACH consecutive elements. */
#include "codegen_text.h"
#include <stdio.h>
#include <string.h>

#define GROUP 256  /* SCAN_GROUP */
#define TILE  2048 /* SCAN_GROUP * SCAN_EACH */

enum { PRE, RED, POST };

typedef struct {
  const ag_kernel *k;
  const ag_cg_target *t;
  ag_cg_writer w;
  ag_dtype element;
  int is_int, f64; /* integers; the running value is a double */
  int64_t pre, red, post, nchunk, chunk;
  int grouped;
} scanner;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* -- types ----------------------------------------------------------------------------------- */
static const char *acc_name(const scanner *s) {
  if (s->is_int) return s->k->reduce.op == AG_SUM ? "long" : "int";
  return s->f64 ? "double" : "float";
}

static const char *op_name(ag_reduction op) {
  switch (op) {
  case AG_PROD: return "SCAN_PROD";
  case AG_MIN: return "SCAN_MIN";
  case AG_MAX: return "SCAN_MAX";
  default: return "SCAN_SUM";
  }
}

static ag_status preamble(scanner *s, ag_cg_source *src) {
  AG_TRY(ag_cg_preamble(src, &s->k->prog, s->f64 ? AG_F64 : AG_F32));
  ag_strbuf_add(&src->text, "#define acc %s\n#define SCAN_OP %s\n#define SCAN_INT %d\n",
                acc_name(s), op_name(s->k->reduce.op), s->is_int);
  return ag_cg_append_file(&src->text, "scan.cl");
}

/* -- pieces of text -------------------------------------------------------------------------- */
static void open_block(scanner *s, const char *text) {
  ag_cg_line(&s->w, "%s", text);
  s->w.indent++;
}
static void close_block(scanner *s) {
  s->w.indent--;
  ag_cg_line(&s->w, "}");
}

static void declare(scanner *s, int last_stage) {
  const ag_operand *out = &s->k->reduce.out;
  char text[80];
  if (s->nchunk > 1) {
    const char *qualifier = last_stage ? "const " : "";
    snprintf(text, sizeof text, "__global %sacc *part", qualifier);
    ag_cg_param(&s->w, (ag_cg_arg){AG_ARG_SCRATCH, AG_F64, 0, 0}, text);
    snprintf(text, sizeof text, "__global %sint *part_scale", qualifier);
    ag_cg_param(&s->w, (ag_cg_arg){AG_ARG_SCRATCH, AG_I32, 1, 0}, text);
  }
  if (last_stage) {
    snprintf(text, sizeof text, "__global %s *result", ag_cg_type(out->type));
    ag_cg_param(&s->w, (ag_cg_arg){AG_ARG_SLOT, out->type, out->slot, 0}, text);
    ag_cg_param(&s->w, (ag_cg_arg){AG_ARG_OFFSET, AG_I32, out->slot, out->at.base},
                "long result_at");
  }
  ag_cg_param(&s->w, (ag_cg_arg){AG_ARG_LONG, AG_I32, 0, s->pre}, "long pre");
  ag_cg_param(&s->w, (ag_cg_arg){AG_ARG_LONG, AG_I32, 0, s->red}, "long red");
  ag_cg_param(&s->w, (ag_cg_arg){AG_ARG_LONG, AG_I32, 0, s->nchunk}, "long nchunk");
  ag_cg_param(&s->w, (ag_cg_arg){AG_ARG_LONG, AG_I32, 0, s->chunk}, "long chunk");
}

/* Defines p, c, q, the chunk and the coordinates along p and q. */
static void place(scanner *s) {
  int64_t walkers = s->pre * s->nchunk * s->post;
  const char *type = ag_cg_index_type(walkers);
  char text[CG_TEXT];
  ag_cg_long(&s->w, text, "walkers", walkers);
  ag_cg_line(&s->w, "%s t = %s(0);", type, s->grouped ? "get_group_id" : "get_global_id");
  ag_cg_line(&s->w, "if (t >= %s) return;", text);
  ag_cg_line(&s->w, "const long p = t %% (%s)pre; t /= (%s)pre;", type, type);
  ag_cg_line(&s->w, "const long c = t %% (%s)nchunk, q = t / (%s)nchunk;", type, type);
  ag_cg_line(&s->w, "const long first = c * chunk, last = min(first + chunk, red);");
  ag_cg_coordinates(&s->w, PRE, "p");
  ag_cg_coordinates(&s->w, POST, "q");
  if (s->grouped) {
    ag_cg_line(&s->w, "__local acc tree[SCAN_GROUP];");
    ag_cg_line(&s->w, "__local int tree_scale[SCAN_GROUP];");
    ag_cg_line(&s->w, "const int me = get_local_id(0);");
  }
}

/* Defines x: element (p, r, q). */
static void element(scanner *s) {
  const int reg = s->k->reduce.reg;
  ag_cg_coordinates(&s->w, RED, "r");
  ag_cg_instructions(&s->w, 1, 0);
  if (s->is_int && s->k->reduce.op == AG_SUM)
    ag_cg_line(&s->w, "const acc x = r%d == NA_INT ? SCAN_NA : (acc)r%d;", reg, reg);
  else ag_cg_line(&s->w, "const acc x = (acc)r%d;", reg);
}

/* Writes the running value `a` as element (p, r, q). */
static void write_result(scanner *s) {
  const char *type = ag_cg_type(s->k->reduce.out.type);
  char value[160];
  if (s->is_int && s->k->reduce.op == AG_SUM)
    snprintf(value, sizeof value,
             "a > 2147483647 || a < -2147483647 ? NA_INT : (int)a"); /* SCAN_NA among them */
  else snprintf(value, sizeof value, "(%s)a", type);
  ag_cg_line(&s->w, "result[result_at + (q * red + r) * pre + p] = %s;", value);
}

/* -- the stages ------------------------------------------------------------------------------ */
static void write_part(scanner *s) {
  ag_cg_line(&s->w, "part[(q * nchunk + c) * pre + p] = own.value;");
  ag_cg_line(&s->w, "part_scale[(q * nchunk + c) * pre + p] = own.scale;");
}

static void totals(scanner *s) {
  ag_cg_line(&s->w, "ag_state own = ag_scan_state(SCAN_START, 0);");
  open_block(s, s->grouped ? "for (long r = first + me; r < last; r += SCAN_GROUP) {"
                           : "for (long r = first; r < last; r++) {");
  element(s);
  ag_cg_line(&s->w, "own = ag_scan_join(own, ag_scan_single(x));");
  close_block(s);
  if (!s->grouped) {
    write_part(s);
    return;
  }
  ag_cg_line(&s->w, "ag_state all;");
  ag_cg_line(&s->w, "(void)ag_scan_group(own, tree, tree_scale, &all);");
  open_block(s, "if (me == 0) {");
  ag_cg_line(&s->w, "own = all;");
  write_part(s);
  close_block(s);
}

/* Defines `carry`: what the chunks before this one join to. */
static void carry(scanner *s) {
  ag_cg_line(&s->w, "ag_state carry = ag_scan_state(SCAN_START, 0);");
  if (s->nchunk == 1) return;
  open_block(s, s->grouped ? "for (long b = me; b < c; b += SCAN_GROUP) {"
                           : "for (long b = 0; b < c; b++) {");
  ag_cg_line(&s->w, "const long at = (q * nchunk + b) * pre + p;");
  ag_cg_line(&s->w, "carry = ag_scan_join(carry, ag_scan_state(part[at], part_scale[at]));");
  close_block(s);
  if (!s->grouped) return;
  ag_cg_line(&s->w, "{ ag_state all; (void)ag_scan_group(carry, tree, tree_scale, &all); "
                    "carry = all; }");
}

static void scan_serial(scanner *s) {
  ag_cg_line(&s->w, "acc a = ag_scan_value(carry);");
  open_block(s, "for (long r = first; r < last; r++) {");
  element(s);
  ag_cg_line(&s->w, "a = ag_scan_step(a, x);");
  write_result(s);
  close_block(s);
}

static void scan_grouped(scanner *s) {
  open_block(s, "for (long tile = first; tile < last; tile += SCAN_GROUP * SCAN_EACH) {");
  ag_cg_line(&s->w, "const long begin = tile + me * SCAN_EACH, "
                    "end = min(begin + SCAN_EACH, last);");
  ag_cg_line(&s->w, "acc mine[SCAN_EACH];");
  ag_cg_line(&s->w, "ag_state own = ag_scan_state(SCAN_START, 0), all;");
  open_block(s, "for (long r = begin; r < end; r++) {");
  element(s);
  ag_cg_line(&s->w, "mine[r - begin] = x;");
  ag_cg_line(&s->w, "own = ag_scan_join(own, ag_scan_single(x));");
  close_block(s);
  ag_cg_line(&s->w, "own = ag_scan_group(own, tree, tree_scale, &all);");
  ag_cg_line(&s->w, "acc a = ag_scan_value(ag_scan_join(carry, own));");
  open_block(s, "for (long r = begin; r < end; r++) {");
  ag_cg_line(&s->w, "a = ag_scan_step(a, mine[r - begin]);");
  write_result(s);
  close_block(s);
  ag_cg_line(&s->w, "carry = ag_scan_join(carry, all);");
  close_block(s);
}

static void set_size(scanner *s) {
  int64_t n = s->pre * s->nchunk * s->post;
  /* few long items: each a work-group, so that a CPU device spreads them over its cores */
  int64_t local = s->grouped ? GROUP : s->t->is_gpu || n >= 256 * (int64_t)s->t->units ? 64 : 1;
  s->w.stage->local = (size_t)local;
  s->w.stage->global = (size_t)(s->grouped ? n * GROUP : ceil_div(n, local) * local);
}

static ag_status stage(scanner *s, ag_cg_source *src, int last_stage) {
  int groups[AG_MAX_DIM];
  for (int q = 0; q < AG_MAX_DIM; q++)
    groups[q] = q < s->k->reduce.npre                       ? PRE
                : q < s->k->reduce.npre + s->k->reduce.nred ? RED
                                                            : POST;
  ag_cg_begin(&s->w, src, s->k, &s->k->prog, s->t, groups);
  declare(s, last_stage);
  place(s);
  if (!last_stage) totals(s);
  else carry(s);
  if (last_stage && s->grouped) scan_grouped(s);
  else if (last_stage) scan_serial(s);
  set_size(s);
  return ag_cg_end(&s->w, last_stage ? "ag_scan" : "ag_scan_totals");
}

/* Enough walkers to fill the device, none with too little to do. */
static void cut(scanner *s) {
  const ag_cg_target *t = s->t;
  int can_group = t->is_gpu && t->group >= GROUP && t->local >= 16 * GROUP;
  s->grouped = can_group && (s->pre == 1 ? s->red >= 128 : s->pre < 16 && s->red >= 4096);
  int64_t least = s->grouped ? 2 * TILE : t->is_gpu ? 64 : s->pre == 1 ? 8192 : 512;
  int64_t wanted = (s->grouped || !t->is_gpu ? 8 : 512) * (int64_t)t->units;
  int64_t have = s->pre * s->post, most = ceil_div(s->red, least);
  s->nchunk = have < wanted ? ceil_div(wanted, have) : 1;
  if (s->nchunk > most) s->nchunk = most;
  s->chunk = ceil_div(s->red, s->nchunk);
  s->nchunk = ceil_div(s->red, s->chunk);
}

ag_status ag_cg_scan(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  scanner s = {.k = k,
               .t = t,
               .element = k->prog.instr[k->reduce.reg].type,
               .pre = k->reduce.pre,
               .red = k->reduce.red,
               .post = k->reduce.post};
  if (s.pre * s.red * s.post == 0) return AG_OK;
  s.is_int = s.element != AG_F32 && s.element != AG_F64;
  const int adds = k->reduce.op == AG_SUM || k->reduce.op == AG_PROD;
  s.f64 = !s.is_int && (s.element == AG_F64 || (adds && t->has_f64));
  cut(&s);
  AG_TRY(preamble(&s, src));
  if (s.nchunk > 1) {
    const size_t parts = (size_t)(s.pre * s.post * s.nchunk);
    src->scratch[0] = parts * sizeof(double);
    src->scratch[1] = parts * sizeof(int32_t);
    AG_TRY(stage(&s, src, 0));
  }
  return stage(&s, src, 1);
}
