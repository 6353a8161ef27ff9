/* Kernel text: loads, instructions and stores, for scalars and for vectors. */
#include "codegen_text.h"
#include <stdio.h>
#include <string.h>

/* longest texts: start + i0 * by0 + ..., and the same as an index */
#define LINEAR  300
#define ADDRESS 420

static const char *dtype_tag(ag_dtype type) {
  static const char *const name[] = {"F64", "F32", "I32", "BOOL", "BF16"};
  return name[type];
}

/* "" or "16": the argument V of the conversions in prelude.cl */
static const char *lanes_tag(int lanes) {
  static const char *const name[] = {"", "2", "", "4", "", "", "", "8",
                                     "", "",  "", "",  "", "", "", "16"};
  return name[lanes - 1];
}

/* -- addresses ------------------------------------------------------------------------------- */
/* start + i0 * by0 + i1 + ... */
static void linear(char text[LINEAR], const ag_cg_writer *w, const ag_cg_operand *o,
                   const char *start) {
  size_t n = (size_t)snprintf(text, LINEAR, "%s", start);
  for (int q = 0; q < w->nd && n < LINEAR; q++) {
    if (o->stride[q] == 0) continue;
    if (o->stride[q] == 1) n += (size_t)snprintf(text + n, LINEAR - n, " + i%d", q);
    else n += (size_t)snprintf(text + n, LINEAR - n, " + i%d * %s", q, o->by[q]);
  }
}

/* The index of one element, as an expression of type long. */
static void address(char text[ADDRESS], const ag_cg_writer *w, const ag_cg_operand *o) {
  char l[LINEAR];
  if (!o->of->at.mod) {
    linear(text, w, o, o->of->slot < 0 ? o->first : o->offset);
    return;
  }
  linear(l, w, o, o->first);
  const char *type = o->small ? "uint" : "long";
  snprintf(text, ADDRESS, "%s + %s * (long)((%s)(%s) %% (%s)%s)", o->offset, o->step, type, l, type,
           o->mod);
}

/* "(float4)(b0[l], b0[l + s], ...)": lanes read one by one, the index of lane n given by `at`. */
static void gather_lanes(ag_cg_writer *w, const char *target, const char *type, const char *name,
                         int lanes, const char *at) {
  char line[1900];
  size_t n = (size_t)snprintf(line, sizeof line, "%s = (%s)(", target, type);
  for (int lane = 0; lane < lanes && n < sizeof line; lane++) {
    char index[ADDRESS];
    snprintf(index, sizeof index, at, lane);
    n += (size_t)snprintf(line + n, sizeof line - n, "%s%s[%s]", lane ? ", " : "", name, index);
  }
  ag_cg_line(w, "%s);", line);
}

/* -- loads ----------------------------------------------------------------------------------- */
/* Recycled operands are contiguous but where they wrap. */
static void load_mod_lanes(ag_cg_writer *w, int r, const ag_cg_operand *o, const char *type,
                           int lanes) {
  char l[LINEAR], target[16];
  linear(l, w, o, o->first);
  snprintf(target, sizeof target, "r%d", r);
  ag_cg_line(w, "%s %s;", type, target);
  ag_cg_line(w, "{ const long m = (%s)(%s) %% (%s)%s;", o->small ? "uint" : "long", l,
             o->small ? "uint" : "long", o->mod);
  if (o->of->at.step == 1)
    ag_cg_line(w, "  if (m + %d <= %s) %s = vload%d(0, %s + %s + m); else", lanes, o->mod, target,
               lanes, o->name, o->offset);
  char at[ADDRESS];
  snprintf(at, sizeof at, "%s + %s * ((m + %%d) %%%% %s)", o->offset, o->step, o->mod);
  gather_lanes(w, target, type, o->name, lanes, at);
  ag_cg_line(w, "}");
}

static void load_lanes(ag_cg_writer *w, int r, const ag_cg_operand *o, const char *type, int lanes,
                       int q) {
  char at[ADDRESS];
  address(at, w, o);
  if (o->stride[q] == 0) {
    ag_cg_line(w, "const %s r%d = (%s)(%s[%s]);", type, r, type, o->name, at);
  } else if (o->of->at.mod && o->stride[q] == 1) {
    load_mod_lanes(w, r, o, type, lanes);
  } else if (o->of->at.mod) {
    /* the remainder of each lane: rare, so one by one through memory */
    ag_cg_line(w, "%s r%d;", type, r);
    ag_cg_line(w, "{ %s lane[%d]; const long first%d = i%d;", ag_cg_type(o->of->type), lanes, q, q);
    ag_cg_line(w,
               "  for (int n = 0; n < %d; n++) { const long i%d = first%d + n; lane[n] = %s[%s]; }",
               lanes, q, q, o->name, at);
    ag_cg_line(w, "  r%d = vload%d(0, lane); }", r, lanes);
  } else if (o->stride[q] == 1) {
    ag_cg_line(w, "const %s r%d = vload%d(0, %s + %s);", type, r, lanes, o->name, at);
  } else {
    char lane[ADDRESS], target[CG_TEXT];
    ag_cg_line(w, "%s r%d;", type, r);
    ag_cg_line(w, "{ const long l = %s;", at);
    snprintf(lane, sizeof lane, "l + %%d * %s", o->by[q]);
    snprintf(target, sizeof target, "  r%d", r);
    gather_lanes(w, target, type, o->name, lanes, lane);
    ag_cg_line(w, "}");
  }
}

static void load(ag_cg_writer *w, int r, const ag_cg_operand *o, int lanes, int q) {
  char at[ADDRESS], type[CG_TEXT];
  ag_cg_declare(type, o->of->type, lanes);
  if (lanes > 1) {
    load_lanes(w, r, o, type, lanes, q);
    return;
  }
  address(at, w, o);
  ag_cg_line(w, "const %s r%d = %s[%s];", type, r, o->name, at);
}

/* -- positions ------------------------------------------------------------------------------- */
/* Defines `good` and `moved`, the element `at` moved by the registers of a pick. */
static void move(ag_cg_writer *w, const ag_pick *p, char (*weight)[CG_TEXT],
                 char (*extent)[CG_TEXT], const char *at) {
  ag_cg_line(w, "  int good = 1; long moved = %s;", at);
  for (int i = 0; i < p->n; i++) {
    ag_cg_line(w, "  good &= r%d >= 1 && r%d <= %s;", p->reg[i], p->reg[i], extent[i]);
    ag_cg_line(w, "  moved += (r%d - 1L) * %s;", p->reg[i], weight[i]);
  }
}

static void take(ag_cg_writer *w, int r, const ag_instr *in) {
  const ag_cg_operand *o = &w->in[in->index];
  char at[ADDRESS];
  address(at, w, o);
  ag_cg_line(w, "%s r%d = %s;", ag_cg_type(in->type), r, ag_cg_na(in->type));
  ag_cg_line(w, "{");
  move(w, &w->prog->pick, w->pick.weight, w->pick.extent, at);
  ag_cg_line(w, "  if (good) r%d = %s[moved]; }", r, o->name);
}

static void put(ag_cg_writer *w, const ag_cg_operand *o, int r) {
  char at[ADDRESS];
  address(at, w, o);
  ag_cg_line(w, "{");
  move(w, &w->prog->put, w->put.weight, w->put.extent, at);
  ag_cg_line(w, "  if (good) %s[moved] = r%d; }", o->name, r);
}

/* -- instructions ---------------------------------------------------------------------------- */
/* Runs `statement` for each lane with i<q> as that lane's coordinate, to fill r<r>. */
static void lane_by_lane(ag_cg_writer *w, int r, ag_dtype type, int lanes, int q,
                         const char *expression) {
  char vector[CG_TEXT];
  ag_cg_declare(vector, type, lanes);
  if (lanes == 1) {
    ag_cg_line(w, "const %s r%d = %s;", vector, r, expression);
    return;
  }
  ag_cg_line(w, "%s r%d;", vector, r);
  ag_cg_line(w, "{ %s lane[%d]; const long first%d = i%d;", ag_cg_type(type), lanes, q, q);
  ag_cg_line(w, "  for (int n = 0; n < %d; n++) { const long i%d = first%d + n; lane[n] = %s; }",
             lanes, q, q, expression);
  ag_cg_line(w, "  r%d = vload%d(0, lane); }", r, lanes);
}

static void iota(ag_cg_writer *w, int r, ag_dtype type, const ag_cg_operand *o, int lanes, int q) {
  char at[ADDRESS], expression[ADDRESS + 16];
  address(at, w, o);
  snprintf(expression, sizeof expression, "(%s)(%s)", ag_cg_type(type), at);
  lane_by_lane(w, r, type, lanes, q, expression);
}

static void random_number(ag_cg_writer *w, int r, const ag_instr *in, int lanes, int q) {
  char at[ADDRESS], expression[ADDRESS + 48];
  address(at, w, &w->in[in->index]);
  snprintf(expression, sizeof expression, "ag_%s_%s(key%d, (ulong)(%s))",
           in->op == AG_UNIFORM ? "uniform" : "normal", ag_cg_type(in->type), r, at);
  lane_by_lane(w, r, in->type, lanes, q, expression);
}

/* How the text of an operation becomes the value of its register. In vectors a comparison is -1
 * where true, and of the size of what it compares. */
static void op_value(char *value, size_t size, const ag_op_info *op, int is_logical, int lanes) {
  const char *v = lanes_tag(lanes), *missing = op->group == AG_INTCOMPARE
                                                   ? "(a == NA_INT) | (b == NA_INT)"
                                                   : "(a != a) | (b != b)";
  if (!is_logical) snprintf(value, size, "(%s)", op->text);
  else if (op->group == AG_TEST) snprintf(value, size, "(convert_int%s(%s) & 1)", v, op->text);
  else
    snprintf(value, size, "(convert_int%s(%s) ? (integer)(NA_INT) : convert_int%s(%s) & 1)", v,
             missing, v, op->text);
}

/* One lane after the other: a, b and y pass through memory. */
static void op_lane_by_lane(ag_cg_writer *w, int r, const ag_instr *in, const ag_op_info *op,
                            int lanes) {
  const char *scalar = ag_cg_type(in->type);
  ag_cg_line(w, "{ typedef %s real; %s value[%d];", scalar, scalar, lanes);
  for (int i = 0; i < 3; i++)
    if (op->uses[i] && in->arg[i] >= 0)
      ag_cg_line(w, "  %s %cs[%d]; vstore%d(r%d, 0, %cs);", scalar, "aby"[i], lanes, lanes,
                 in -> arg[i], "aby"[i]);
  ag_cg_line(w, "  for (int n = 0; n < %d; n++) {", lanes);
  for (int i = 0; i < 3; i++)
    if (op->uses[i] && in->arg[i] >= 0)
      ag_cg_line(w, "    const real %c = %cs[n];", "aby"[i], "aby"[i]);
  ag_cg_line(w, "    value[n] = (%s);", op->text);
  ag_cg_line(w, "  }");
  ag_cg_line(w, "  r%d = vload%d(0, value); }", r, lanes);
}

/* The functions of math.cl and integer.cl take scalars. So does fmod() here: PoCL 3.1 needs seconds
 * for a vector in which only some lanes are 0 or infinite. */
static int is_for_scalars(const char *text) { return strstr(text, "ag_") || strstr(text, "fmod("); }

/* In PoCL 3.1 a lane that is 0, subnormal or not finite spoils the others of pow() of doubles. */
static int may_spoil_lanes(const ag_instr *in, const char *text) {
  return in->type == AG_F64 && in->arg[0] >= 0 && strstr(text, "pow(");
}

static void if_spoiled(ag_cg_writer *w, const ag_instr *in, const char *real) {
  char exponent[80] = "";
  if (in->arg[1] >= 0)
    snprintf(exponent, sizeof exponent, " & (fabs(r%d) <= (%s)(DBL_MAX))", in->arg[1], real);
  ag_cg_line(w, "if (!all((fabs(r%d) >= (%s)(DBL_MIN)) & (fabs(r%d) <= (%s)(DBL_MAX))%s))",
             in->arg[0], real, in->arg[0], real, exponent);
}

static void operation(ag_cg_writer *w, int r, const ag_instr *in, int lanes) {
  const ag_op_info *op = ag_op_get((ag_op)in->op);
  const int is_logical = ag_op_gives_logical(op->group) && *op->r;
  const ag_dtype from = is_logical ? in->from : in->type;
  char type[CG_TEXT], real[CG_TEXT], integer[CG_TEXT], value[1800];
  ag_cg_declare(type, in->type, lanes);
  ag_cg_declare(real, from, lanes);
  ag_cg_declare(integer, AG_I32, lanes);
  ag_cg_line(w, "%s r%d;", type, r);
  if (lanes > 1 && is_for_scalars(op->text)) {
    op_lane_by_lane(w, r, in, op, lanes);
    return;
  }
  if (lanes > 1 && may_spoil_lanes(in, op->text)) {
    if_spoiled(w, in, real);
    op_lane_by_lane(w, r, in, op, lanes);
    ag_cg_line(w, "else");
  }
  op_value(value, sizeof value, op, is_logical, lanes);
  ag_cg_line(w, "{ typedef %s real; typedef %s integer;", real, integer);
  for (int i = 0; i < 3; i++)
    if (op->uses[i] && in->arg[i] >= 0)
      ag_cg_line(w, "  const %s %c = r%d;", real, "aby"[i], in -> arg[i]);
  ag_cg_line(w, "  r%d = %s; }", r, value);
}

static void instruction(ag_cg_writer *w, int r, int lanes, int q) {
  const ag_instr *in = &w->prog->instr[r];
  char type[CG_TEXT];
  ag_cg_declare(type, in->type, lanes);
  switch (in->kind) {
  case AG_I_LOAD: load(w, r, &w->in[in->index], lanes, q); break;
  case AG_I_TAKE: take(w, r, in); break;
  case AG_I_CONST: ag_cg_line(w, "const %s r%d = (%s)(c%d);", type, r, type, r); break;
  case AG_I_IOTA: iota(w, r, in->type, &w->in[in->index], lanes, q); break;
  case AG_I_RANDOM: random_number(w, r, in, lanes, q); break;
  case AG_I_OP: operation(w, r, in, lanes); break;
  case AG_I_CAST:
    if (in->from == in->type) ag_cg_line(w, "const %s r%d = r%d;", type, r, in->arg[0]);
    else
      ag_cg_line(w, "const %s r%d = AG_%s_TO_%s(%s, r%d);", type, r, dtype_tag(in->from),
                 dtype_tag(in->type), lanes_tag(lanes), in->arg[0]);
    break;
  case AG_I_ACC: ag_cg_line(w, "const %s r%d = acc;", type, r); break;
  }
}

void ag_cg_instructions(ag_cg_writer *w, int lanes, int q) {
  for (int r = 0; r < w->prog->ninstr; r++) instruction(w, r, lanes, q);
}

/* -- stores ---------------------------------------------------------------------------------- */
static void store(ag_cg_writer *w, const ag_cg_operand *o, int r, int lanes, int q) {
  char at[ADDRESS];
  if (w->prog->put.n && o == &w->out[0]) {
    put(w, o, r);
    return;
  }
  address(at, w, o);
  if (lanes == 1) {
    ag_cg_line(w, "%s[%s] = r%d;", o->name, at, r);
  } else if (o->stride[q] == 1 && !o->of->at.mod) {
    ag_cg_line(w, "vstore%d(r%d, 0, %s + %s);", lanes, r, o->name, at);
  } else {
    ag_cg_line(w, "{ %s lane[%d]; const long first%d = i%d; vstore%d(r%d, 0, lane);",
               ag_cg_type(o->of->type), lanes, q, q, lanes, r);
    ag_cg_line(
        w, "  for (int n = 0; n < %d; n++) { const long i%d = first%d + n; %s[%s] = lane[n]; } }",
        lanes, q, q, o->name, at);
  }
}

void ag_cg_stores(ag_cg_writer *w, int lanes, int q) {
  for (int j = 0; j < w->prog->nout; j++) store(w, &w->out[j], w->prog->outreg[j], lanes, q);
}
