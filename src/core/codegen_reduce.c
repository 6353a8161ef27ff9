/* Kernel text: reductions.
 *
 * Result (p, q) is reduced over r in `nchunk` chunks. With one chunk the first stage writes
 * results; with more it writes partial values (accumulators) to scratch[0] at (q * nchunk + chunk)
 * * pre + p, with their positions in scratch[1] for which.max and which.min, and a second stage
 * reduces those.
 *
 * Two ways to walk: `serial`, one item per result and chunk, several results at a time in vectors
 * where they are neighbours (along p), else several elements of one result (along r); and
 * `grouped`, one work-group per result and chunk, whose items meet in a tree in local memory. */
#include "codegen_text.h"
#include <stdio.h>
#include <string.h>

#define GROUP 256 /* items of a work-group of a grouped walk; a power of 2 */

enum { PRE, RED, POST };

typedef struct {
  const ag_kernel *k;
  const ag_cg_target *t;
  ag_cg_writer w;
  ag_dtype element, acc;  /* of the program's register, of the accumulator */
  int64_t pre, red, post; /* red: of this stage */
  int64_t nchunk, chunk;
  int grouped, from_scratch, to_scratch;
  int lanes, vector_dim, vector_group; /* lanes 1: no vectors */
} reducer;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

static int is_which(ag_reduction op) { return op == AG_WHICH_MAX || op == AG_WHICH_MIN; }
static int is_truth(ag_reduction op) { return op == AG_ANY || op == AG_ALL; }
static int is_sum(ag_reduction op) { return op == AG_SUM || op == AG_MEAN || op == AG_PROD; }

/* -- the arithmetic -------------------------------------------------------------------------- */
static int is_integer(ag_dtype type) { return type == AG_I32 || type == AG_BOOL; }

/* Sums of integers are whole numbers in a double: exact to 2^53. */
static ag_dtype acc_type(const ag_kernel *k, const ag_cg_target *t, ag_dtype element) {
  if (is_truth(k->reduce.op)) return AG_I32;
  if (is_sum(k->reduce.op)) return t->has_f64 ? AG_F64 : AG_F32;
  return is_integer(element) ? AG_I32 : element;
}

static const char *identity(const reducer *r) {
  const int whole = r->acc == AG_I32;
  switch (r->k->reduce.op) {
  case AG_PROD: return "1";
  case AG_MIN: return whole ? "2147483647" : "INFINITY";
  case AG_MAX: return whole ? "-2147483647" : "-INFINITY";
  default: return "0";
  }
}

/* The accumulator `a` with `x` in it, for scalars and vectors. NaN and NA win (NA is the least
 * int); truth values are ranks. */
static const char *combination(const reducer *r) {
  const int whole = r->acc == AG_I32;
  switch (r->k->reduce.op) {
  case AG_PROD: return "a * x";
  case AG_MIN: return whole ? "min(a, x)" : "(x < a) | (x != x) ? x : a";
  case AG_MAX:
    return whole ? "(a != NA_INT) & ((x > a) | (x == NA_INT)) ? x : a"
                 : "(x > a) | (x != x) ? x : a";
  case AG_ANY:
  case AG_ALL: return "max(a, x)";
  default: return "a + x";
  }
}

/* An element as something to accumulate. Truth becomes a rank: 2 for what decides (TRUE for any,
 * FALSE for all), 1 for NA, 0 for the rest. */
static void element_as_acc(const reducer *r, char text[200], int lanes, const char *x) {
  char type[CG_TEXT], integer[CG_TEXT];
  ag_cg_declare(type, r->acc, lanes);
  ag_cg_declare(integer, AG_I32, lanes);
  if (r->element == r->acc || (is_integer(r->element) && r->acc == AG_I32))
    snprintf(text, 200, "%s", x);
  else if (is_integer(r->element))
    snprintf(text, 200, "AG_I32_TO_%s(%s, %s)", r->acc == AG_F64 ? "F64" : "F32",
             lanes == 1 ? "" : strpbrk(type, "0123456789"), x);
  else snprintf(text, 200, "convert_%s(%s)", type, x);
  if (is_truth(r->k->reduce.op))
    snprintf(text, 200, "%s == NA_INT ? (%s)(%d) : %s %s 0 ? (%s)(2) : (%s)(0)", x, integer,
             !r->k->reduce.skip, x, r->k->reduce.op == AG_ANY ? "!=" : "==", integer, integer);
}

static void combine(reducer *r, int lanes, const char *acc, const char *x) {
  char type[CG_TEXT];
  ag_cg_declare(type, r->acc, lanes);
  ag_cg_line(&r->w, "{ const %s a = %s, x = %s; %s = %s; }", type, acc, x, acc, combination(r));
}

/* An element into `acc`; what is missing and skipped adds nothing. */
static void combine_element(reducer *r, int lanes, const char *x) {
  char type[CG_TEXT];
  if (!r->k->reduce.skip || is_truth(r->k->reduce.op)) {
    combine(r, lanes, "acc", x);
    return;
  }
  ag_cg_declare(type, r->acc, lanes);
  ag_cg_line(&r->w, "{ const %s e = %s, f = %s ? (%s)(%s) : e;", type, x,
             r->acc == AG_I32 ? "e == NA_INT" : "e != e", type, identity(r));
  combine(r, lanes, "acc", "f");
  ag_cg_line(&r->w, "}");
}

/* Element(s) `x` at position(s) `where`, later than those before: the first of equals wins, NaN is
 * skipped. */
static void combine_element_which(reducer *r, int lanes, const char *x, const char *where) {
  char type[CG_TEXT], integer[CG_TEXT], mask[CG_TEXT];
  ag_cg_declare(type, r->acc, lanes);
  ag_cg_declare(integer, AG_I32, lanes);
  /* a comparison is as wide as what it compares; scalars give int */
  if (lanes == 1) snprintf(mask, sizeof mask, "int");
  else snprintf(mask, sizeof mask, "%s%d", r->acc == AG_F64 ? "long" : "int", lanes);
  ag_cg_line(&r->w, "{ const %s x = %s;", type, x);
  ag_cg_line(&r->w, "  const %s better = (%s) & (convert_%s(at < 0) | (x %s acc));", mask,
             r->acc == AG_I32 ? "x != NA_INT" : "x == x", mask,
             r->k->reduce.op == AG_WHICH_MAX ? ">" : "<");
  ag_cg_line(&r->w, "  acc = better ? x : acc; at = convert_%s(better) ? %s : at; }", integer,
             where);
}

/* Two candidates in any order; a position below 0 is none. */
static void combine_which(reducer *r, const char *acc, const char *acc_at, const char *x,
                          const char *x_at) {
  const char *better = r->k->reduce.op == AG_WHICH_MAX ? ">" : "<";
  ag_cg_line(&r->w,
             "if (%s >= 0 && (%s < 0 || %s %s %s || (%s == %s && %s < %s))) { %s = %s; %s = %s; }",
             x_at, acc_at, x, better, acc, x, acc, x_at, acc_at, acc, x, acc_at, x_at);
}

static void result_of(const reducer *r, char text[80]) {
  const char *type = ag_cg_type(r->k->reduce.out.type);
  const char *tag = r->acc == AG_F64 ? "F64" : "F32";
  const int to_int = r->acc != AG_I32 && r->k->reduce.out.type == AG_I32;
  switch (r->k->reduce.op) {
  case AG_MEAN: snprintf(text, 80, "(%s)(acc / (%s)count)", type, ag_cg_type(r->acc)); break;
  case AG_ANY: snprintf(text, 80, "acc == 2 ? 1 : acc == 1 ? NA_INT : 0"); break;
  case AG_ALL: snprintf(text, 80, "acc == 2 ? 0 : acc == 1 ? NA_INT : 1"); break;
  case AG_WHICH_MAX:
  case AG_WHICH_MIN: snprintf(text, 80, "at"); break;
  default:
    if (to_int) snprintf(text, 80, "AG_%s_TO_I32(, acc)", tag);
    else if (r->acc == AG_I32 && !is_integer(r->k->reduce.out.type))
      snprintf(text, 80, "AG_I32_TO_%s(, acc)", r->k->reduce.out.type == AG_F64 ? "F64" : "F32");
    else snprintf(text, 80, "(%s)acc", type);
  }
}

/* -- parameters ------------------------------------------------------------------------------ */
static void declare_scratch(reducer *r, const char *prefix, const char *qualifier) {
  char declaration[80];
  snprintf(declaration, sizeof declaration, "__global %s%s *%s", qualifier, ag_cg_type(r->acc),
           prefix);
  ag_cg_param(&r->w, (ag_cg_arg){AG_ARG_SCRATCH, r->acc, 0, 0}, declaration);
  if (!is_which(r->k->reduce.op)) return;
  snprintf(declaration, sizeof declaration, "__global %sint *%s_at", qualifier, prefix);
  ag_cg_param(&r->w, (ag_cg_arg){AG_ARG_SCRATCH, AG_I32, 1, 0}, declaration);
}

static void declare(reducer *r) {
  const ag_operand *out = &r->k->reduce.out;
  char declaration[80];
  if (r->from_scratch) declare_scratch(r, "from", "const ");
  if (r->to_scratch) {
    declare_scratch(r, "partial", "");
  } else {
    snprintf(declaration, sizeof declaration, "__global %s *result", ag_cg_type(out->type));
    ag_cg_param(&r->w, (ag_cg_arg){AG_ARG_SLOT, out->type, out->slot, 0}, declaration);
    ag_cg_param(&r->w, (ag_cg_arg){AG_ARG_OFFSET, AG_I32, out->slot, out->at.base},
                "long result_at");
  }
  const struct {
    const char *name;
    int64_t value;
  } longs[] = {{"pre", r->pre},
               {"red", r->red},
               {"count", r->k->reduce.red},
               {"nchunk", r->nchunk},
               {"chunk", r->chunk}};
  for (size_t i = 0; i < sizeof longs / sizeof *longs; i++) {
    snprintf(declaration, sizeof declaration, "long %s", longs[i].name);
    ag_cg_param(&r->w, (ag_cg_arg){AG_ARG_LONG, AG_I32, 0, longs[i].value}, declaration);
  }
}

/* -- elements and results -------------------------------------------------------------------- */
static void coordinates(reducer *r, int group, const char *v) {
  if (!r->from_scratch) ag_cg_coordinates(&r->w, group, v);
}

/* Positions of the elements in hand: r in each lane along p, r and those after it along r. */
static void positions(const reducer *r, char text[120], int lanes) {
  size_t n = (size_t)snprintf(text, 120, lanes == 1 ? "(int)r" : "(int%d)((int)r)", lanes);
  if (lanes == 1 || r->vector_group == PRE) return;
  n += (size_t)snprintf(text + n, 120 - n, " + (int%d)(0", lanes);
  for (int i = 1; i < lanes && n < 120; i++) n += (size_t)snprintf(text + n, 120 - n, ",%d", i);
  if (n < 120) snprintf(text + n, 120 - n, ")");
}

/* Accumulates the element(s) at (p, r, q), whose coordinates along p and q are defined, into `acc`.
 */
static void accumulate(reducer *r, int lanes) {
  const int which = is_which(r->k->reduce.op);
  char x[200], name[CG_TEXT], where[120];
  if (r->from_scratch) {
    ag_cg_line(&r->w, "const long place = (q * red + r) * pre + p;");
    if (which) combine_which(r, "acc", "at", "from[place]", "from_at[place]");
    else combine(r, lanes, "acc", "from[place]");
    return;
  }
  coordinates(r, RED, "r");
  ag_cg_instructions(&r->w, lanes, r->vector_dim);
  snprintf(name, sizeof name, "r%d", r->k->reduce.reg);
  element_as_acc(r, x, lanes, name);
  positions(r, where, lanes);
  if (which) combine_element_which(r, lanes, x, where);
  else combine_element(r, lanes, x);
}

static void write_result(reducer *r) {
  char value[80];
  if (r->to_scratch) {
    ag_cg_line(&r->w, "partial[(q * nchunk + c) * pre + p] = acc;");
    if (is_which(r->k->reduce.op))
      ag_cg_line(&r->w, "partial_at[(q * nchunk + c) * pre + p] = at;");
    return;
  }
  result_of(r, value);
  ag_cg_line(&r->w, "result[result_at + q * pre + p] = %s;", value);
}

/* Defines `acc`, and `at` where positions are wanted. */
static void start_acc(reducer *r, int lanes) {
  char type[CG_TEXT], integer[CG_TEXT];
  ag_cg_declare(type, r->acc, lanes);
  ag_cg_declare(integer, AG_I32, lanes);
  ag_cg_line(&r->w, "%s acc = (%s)(%s);", type, type, identity(r));
  if (is_which(r->k->reduce.op)) ag_cg_line(&r->w, "%s at = (%s)(-1);", integer, integer);
}

static void open_block(reducer *r, const char *text) {
  ag_cg_line(&r->w, "%s", text);
  r->w.indent++;
}
static void close_block(reducer *r, const char *text) {
  r->w.indent--;
  ag_cg_line(&r->w, "%s", text);
}

/* -- walks ----------------------------------------------------------------------------------- */
/* One result: p, c, q and the chunk are defined. */
static void walk_scalar(reducer *r) {
  coordinates(r, PRE, "p");
  start_acc(r, 1);
  open_block(r, "for (long r = first; r < last; r++) {");
  accumulate(r, 1);
  close_block(r, "}");
  write_result(r);
}

/* The lanes of `acc` (and `at`) as arrays `lane` (and `lane_at`). */
static void spread_lanes(reducer *r) {
  ag_cg_line(&r->w, "vstore%d(acc, 0, lane);", r->lanes);
  if (is_which(r->k->reduce.op)) ag_cg_line(&r->w, "vstore%d(at, 0, lane_at);", r->lanes);
}
static void declare_lanes(reducer *r) {
  ag_cg_line(&r->w, "%s lane[%d];", ag_cg_type(r->acc), r->lanes);
  if (is_which(r->k->reduce.op)) ag_cg_line(&r->w, "int lane_at[%d];", r->lanes);
}

/* One result, several of its elements at a time; the lanes meet in a tree. */
static void walk_along_r(reducer *r) {
  const int which = is_which(r->k->reduce.op);
  char text[120];
  coordinates(r, PRE, "p");
  declare_lanes(r);
  ag_cg_line(&r->w, "long r = first;");
  open_block(r, "{");
  start_acc(r, r->lanes);
  snprintf(text, sizeof text, "for (; r + %d <= last; r += %d) {", r->lanes, r->lanes);
  open_block(r, text);
  accumulate(r, r->lanes);
  close_block(r, "}");
  spread_lanes(r);
  close_block(r, "}");
  snprintf(text, sizeof text, "for (int reach = %d; reach > 0; reach /= 2) {", r->lanes / 2);
  open_block(r, text);
  open_block(r, "for (int n = 0; n < reach; n++) {");
  if (which) combine_which(r, "lane[n]", "lane_at[n]", "lane[n + reach]", "lane_at[n + reach]");
  else combine(r, 1, "lane[n]", "lane[n + reach]");
  close_block(r, "}");
  close_block(r, "}");
  ag_cg_line(&r->w, "%s acc = lane[0];%s", ag_cg_type(r->acc),
             which ? " int at = lane_at[0];" : "");
  open_block(r, "for (; r < last; r++) {");
  accumulate(r, 1);
  close_block(r, "}");
  write_result(r);
}

/* Several neighbouring results at a time; those left over one by one. */
static void walk_along_p(reducer *r) {
  const int which = is_which(r->k->reduce.op);
  char text[120];
  snprintf(text, sizeof text, "if (p + %d <= pre) {", r->lanes);
  open_block(r, text);
  ag_cg_line(&r->w, "const long i%d = p, start = p;", r->vector_dim);
  declare_lanes(r);
  start_acc(r, r->lanes);
  open_block(r, "for (long r = first; r < last; r++) {");
  accumulate(r, r->lanes);
  close_block(r, "}");
  spread_lanes(r);
  snprintf(text, sizeof text, "for (int n = 0; n < %d; n++) {", r->lanes);
  open_block(r, text);
  ag_cg_line(&r->w, "const long p = start + n; const %s acc = lane[n];%s", ag_cg_type(r->acc),
             which ? " const int at = lane_at[n];" : "");
  write_result(r);
  close_block(r, "}");
  close_block(r, "} else for (; p < pre; p++) {");
  r->w.indent++;
  walk_scalar(r);
  close_block(r, "}");
}

/* One result by a work-group: each item takes every GROUP-th element, then they meet in a tree. */
static void walk_grouped(reducer *r) {
  const int which = is_which(r->k->reduce.op);
  char text[200];
  ag_cg_line(&r->w, "__local %s tree[%d];", ag_cg_type(r->acc), GROUP);
  if (which) ag_cg_line(&r->w, "__local int tree_at[%d];", GROUP);
  ag_cg_line(&r->w, "const int me = get_local_id(0);");
  coordinates(r, PRE, "p");
  start_acc(r, 1);
  snprintf(text, sizeof text, "for (long r = first + me; r < last; r += %d) {", GROUP);
  open_block(r, text);
  accumulate(r, 1);
  close_block(r, "}");
  ag_cg_line(&r->w, "tree[me] = acc;%s", which ? " tree_at[me] = at;" : "");
  snprintf(text, sizeof text, "for (int reach = %d; reach > 0; reach /= 2) {", GROUP / 2);
  open_block(r, text);
  ag_cg_line(&r->w, "barrier(CLK_LOCAL_MEM_FENCE);");
  open_block(r, "if (me < reach) {");
  if (which) combine_which(r, "tree[me]", "tree_at[me]", "tree[me + reach]", "tree_at[me + reach]");
  else combine(r, 1, "tree[me]", "tree[me + reach]");
  close_block(r, "}");
  close_block(r, "}");
  open_block(r, "if (me == 0) {");
  ag_cg_line(&r->w, "acc = tree[0];%s", which ? " at = tree_at[0];" : "");
  write_result(r);
  close_block(r, "}");
}

/* -- stages ---------------------------------------------------------------------------------- */
/* Items (serial) or groups (grouped) of a stage: p fastest, then chunks, then q. */
static int64_t walkers(const reducer *r) {
  int64_t across = r->vector_group == PRE ? ceil_div(r->pre, r->lanes) : r->pre;
  return across * r->nchunk * r->post;
}

static void write_body(reducer *r) {
  int64_t n = walkers(r);
  char text[CG_TEXT];
  const char *type = ag_cg_index_type(n);
  const int step = r->vector_group == PRE ? r->lanes : 1;
  ag_cg_long(&r->w, text, "walkers", n);
  ag_cg_line(&r->w, "%s t = %s(0);", type, r->grouped ? "get_group_id" : "get_global_id");
  ag_cg_line(&r->w, "if (t >= %s) return;", text);
  ag_cg_long(&r->w, text, "across", r->vector_group == PRE ? ceil_div(r->pre, r->lanes) : r->pre);
  ag_cg_line(&r->w, "%slong p = (long)(t %% (%s)%s) * %d; t /= (%s)%s;", step == 1 ? "const " : "",
             type, text, step, type, text);
  ag_cg_line(&r->w, "const long c = t %% (%s)nchunk, q = t / (%s)nchunk;", type, type);
  ag_cg_line(&r->w, "const long first = c * chunk, last = min(first + chunk, red);");
  coordinates(r, POST, "q");
  if (r->grouped) walk_grouped(r);
  else if (r->vector_group == PRE) walk_along_p(r);
  else if (r->vector_group == RED) walk_along_r(r);
  else walk_scalar(r);
  /* few long items: each a work-group, so that a CPU device spreads them over its cores */
  size_t local = r->grouped ? GROUP : r->t->is_gpu || n >= 256 * (int64_t)r->t->units ? 64 : 1;
  r->w.stage->local = local;
  r->w.stage->global = r->grouped ? (size_t)n * GROUP : (size_t)ceil_div(n, (int64_t)local) * local;
}

static ag_status write_stage(reducer *r, const char *entry) {
  declare(r);
  write_body(r);
  return ag_cg_end(&r->w, entry);
}

static int can_group(const ag_cg_target *t) {
  return t->is_gpu && t->group >= GROUP && t->local >= 12 * GROUP;
}

/* Vectors: along p where results are neighbours, else along r. */
static void choose_vectors(reducer *r) {
  int q = 0;
  r->lanes = 1;
  r->vector_group = -1;
  int group = r->pre > 1 ? PRE : RED;
  if (ag_cg_group_size(&r->w, group, &q) != 1) return;
  int lanes = ag_cg_width(&r->w, q);
  if (lanes == 1) return;
  r->lanes = lanes, r->vector_dim = q, r->vector_group = group;
}

/* Enough walkers to fill the device, none with less than `least` elements. */
static void choose_chunks(reducer *r) {
  int64_t least = r->grouped || r->pre == 1 ? 8192 : 512;
  int64_t wanted = r->grouped     ? 8 * (int64_t)r->t->units
                   : r->t->is_gpu ? 512 * (int64_t)r->t->units
                                  : 8 * (int64_t)r->t->units;
  if (r->t->is_gpu && !r->grouped) least = 64;
  r->nchunk = 1;
  int64_t have = walkers(r);
  if (have > 0 && have < wanted)
    r->nchunk = at_most(ceil_div(wanted, have), ceil_div(r->red, least));
  /* down many columns each step is on another page: not more of them than a CPU keeps track of */
  if (r->vector_group == PRE && r->pre >= 1024 && ceil_div(r->red, 512) > r->nchunk)
    r->nchunk = ceil_div(r->red, 512);
  /* a float accumulator must not become long-winded: many short sums instead */
  const int64_t longest = (int64_t)1024 * (r->grouped               ? GROUP
                                           : r->vector_group == RED ? r->lanes
                                                                    : 1);
  if (is_sum(r->k->reduce.op) && r->acc == AG_F32 && ceil_div(r->red, longest) > r->nchunk)
    r->nchunk = ceil_div(r->red, longest);
  if (r->nchunk < 1) r->nchunk = 1;
  r->chunk = ceil_div(r->red, r->nchunk);
  if (r->chunk > 0) r->nchunk = ceil_div(r->red, r->chunk);
}

static ag_status first_stage(reducer *r, ag_cg_source *src) {
  int groups[AG_MAX_DIM];
  for (int q = 0; q < AG_MAX_DIM; q++)
    groups[q] = q < r->k->reduce.npre                       ? PRE
                : q < r->k->reduce.npre + r->k->reduce.nred ? RED
                                                            : POST;
  ag_cg_begin(&r->w, src, r->k, &r->k->prog, r->t, groups);
  r->grouped = can_group(r->t) && (r->pre == 1 ? r->red >= 128 : r->pre < 16 && r->red >= 4096);
  if (!r->grouped) choose_vectors(r);
  choose_chunks(r);
  r->to_scratch = r->nchunk > 1;
  if (r->to_scratch) {
    const size_t partials = (size_t)(r->pre * r->post * r->nchunk);
    src->scratch[0] = partials * ag_dtype_size(r->acc);
    if (is_which(r->k->reduce.op)) src->scratch[1] = partials * sizeof(int32_t);
  }
  return write_stage(r, "ag_reduce");
}

static ag_status second_stage(reducer *r, ag_cg_source *src) {
  ag_cg_begin(&r->w, src, r->k, NULL, r->t, NULL);
  r->from_scratch = 1, r->to_scratch = 0;
  r->red = r->nchunk;
  r->chunk = r->red, r->nchunk = 1;
  r->lanes = 1, r->vector_group = -1;
  r->grouped = can_group(r->t) && r->red >= 64 && r->pre * r->post < 64 * (int64_t)r->t->units;
  return write_stage(r, "ag_reduce_partials");
}

ag_status ag_cg_reduce(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  reducer r = {.k = k,
               .t = t,
               .pre = k->reduce.pre,
               .red = k->reduce.red,
               .post = k->reduce.post,
               .lanes = 1,
               .vector_group = -1};
  if (r.pre * r.post == 0) return AG_OK;
  r.element = k->prog.instr[k->reduce.reg].type;
  r.acc = acc_type(k, t, r.element);
  if (is_truth(k->reduce.op) && r.element != AG_BOOL)
    return ag_fail(AG_E_TYPE, "internal: reduction %d of %s", (int)k->reduce.op,
                   ag_dtype_name(r.element));
  AG_TRY(ag_cg_preamble(src, &k->prog, r.acc));
  AG_TRY(first_stage(&r, src));
  return r.to_scratch ? second_stage(&r, src) : AG_OK;
}
