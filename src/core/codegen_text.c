/* Kernel text: operands as parameters, coordinates, instructions. */
#include "codegen_text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* OpenCL promises 1024 bytes of arguments; what is over becomes literals. */
#define MAX_ARG_BYTES 1000

/* -- names ----------------------------------------------------------------------------------- */
const char *ag_cg_type(ag_dtype type) {
  static const char *const name[] = {"double", "float", "int", "int", "ushort"};
  return name[type];
}

const char *ag_cg_na(ag_dtype type) {
  return type == AG_F64 ? "AG_NA_F64()" : type == AG_F32 ? "AG_NA_F32()" : "NA_INT";
}

void ag_cg_declare(char text[CG_TEXT], ag_dtype type, int lanes) {
  if (lanes == 1) snprintf(text, CG_TEXT, "%s", ag_cg_type(type));
  else snprintf(text, CG_TEXT, "%s%d", ag_cg_type(type), lanes);
}

const char *ag_cg_index_type(int64_t count) { return count < INT32_MAX ? "uint" : "long"; }

void ag_cg_line(ag_cg_writer *w, const char *format, ...) {
  char line[2000];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (n < 0 || n >= (int)sizeof line) w->body.failed = 1;
  ag_strbuf_add(&w->body, "%*s%s\n", 2 * w->indent, "", line);
}

/* -- parameters ------------------------------------------------------------------------------ */
void ag_cg_arg_add(ag_cg_writer *w, ag_cg_arg arg) {
  if (w->stage->nargs == AG_CG_MAX_ARGS) w->body.failed = 1;
  else w->stage->arg[w->stage->nargs++] = arg;
  w->bytes += 8;
}

void ag_cg_param(ag_cg_writer *w, ag_cg_arg arg, const char *declaration) {
  const char *name = declaration + strlen(declaration);
  while (name > declaration && name[-1] != ' ' && name[-1] != '*') name--;
  ag_strbuf_add(&w->params, "%s%s", w->params.length ? ", " : "", declaration);
  ag_strbuf_add(&w->names, "%s%s", w->names.length ? ", " : "", name);
  ag_cg_arg_add(w, arg);
}

void ag_cg_long(ag_cg_writer *w, char text[CG_TEXT], const char *name, int64_t value) {
  if (w->bytes + 8 > MAX_ARG_BYTES) {
    snprintf(text, CG_TEXT, "%lldL", (long long)value);
    return;
  }
  char declaration[CG_TEXT + 8];
  snprintf(text, CG_TEXT, "%s", name);
  snprintf(declaration, sizeof declaration, "long %s", text);
  ag_cg_param(w, (ag_cg_arg){AG_ARG_LONG, AG_I32, 0, value}, declaration);
}

/* -- dimensions ------------------------------------------------------------------------------ */
static void copy_strides(ag_cg_operand *o, const ag_operand *of, const ag_program *prog) {
  int64_t along = 1;
  o->of = of;
  for (int q = 0; q < prog->nd; q++) {
    o->stride[q] = of->contiguous ? along : of->at.stride[q];
    along *= prog->dim[q];
  }
}

static void set_dims(ag_cg_writer *w, const int *groups) {
  const ag_program *p = w->prog;
  w->nd = p->nd;
  for (int q = 0; q < p->nd; q++) {
    w->dim[q] = p->dim[q];
    w->group[q] = groups[q];
  }
  for (int j = 0; j < p->nin; j++) copy_strides(&w->in[j], &p->in[j], p);
  for (int j = 0; j < p->nout; j++) copy_strides(&w->out[j], &p->out[j], p);
}

/* -- operands as parameters ------------------------------------------------------------------ */
static int fits_int(const ag_cg_writer *w, const ag_cg_operand *o) {
  int64_t low = o->of->at.base, high = low;
  for (int q = 0; q < w->nd; q++)
    *(o->stride[q] < 0 ? &low : &high) += (w->dim[q] - 1) * o->stride[q];
  return low >= 0 && high < INT32_MAX && o->of->at.mod < INT32_MAX;
}

/* Memory and offset. For a mod access the offset belongs behind the remainder, the base before it.
 */
static void declare_memory(ag_cg_writer *w, ag_cg_operand *o, const char *prefix, int j) {
  const ag_operand *of = o->of;
  char declaration[64];
  snprintf(o->name, sizeof o->name, "%s%d", prefix, j);
  if (of->slot < 0) return;
  snprintf(declaration, sizeof declaration, "__global %s%s *%s", *prefix == 'b' ? "const " : "",
           ag_cg_type(of->type), o->name);
  ag_cg_param(w, (ag_cg_arg){AG_ARG_SLOT, of->type, of->slot, 0}, declaration);
  snprintf(o->offset, CG_TEXT, "%s_at", o->name);
  snprintf(declaration, sizeof declaration, "long %s", o->offset);
  ag_cg_param(w,
              (ag_cg_arg){AG_ARG_OFFSET, AG_I32, of->slot, of->at.mod ? of->at.off : of->at.base},
              declaration);
}

static void declare_access(ag_cg_writer *w, ag_cg_operand *o) {
  const ag_access *at = &o->of->at;
  char name[CG_TEXT];
  for (int q = 0; q < w->nd; q++) {
    snprintf(name, sizeof name, "%s_by%d", o->name, q);
    if (o->stride[q] == 0 || o->stride[q] == 1)
      snprintf(o->by[q], CG_TEXT, "%d", (int)o->stride[q]);
    else ag_cg_long(w, o->by[q], name, o->stride[q]);
  }
  o->small = fits_int(w, o);
  if (at->mod || o->of->slot < 0) {
    snprintf(name, sizeof name, "%s_first", o->name);
    ag_cg_long(w, o->first, name, at->base);
  }
  if (!at->mod) return;
  snprintf(name, sizeof name, "%s_mod", o->name);
  ag_cg_long(w, o->mod, name, at->mod);
  snprintf(name, sizeof name, "%s_step", o->name);
  if (at->step == 1) snprintf(o->step, CG_TEXT, "1");
  else ag_cg_long(w, o->step, name, at->step);
  if (o->of->slot < 0) {
    snprintf(name, sizeof name, "%s_off", o->name);
    ag_cg_long(w, o->offset, name, at->off);
  }
}

static void declare_constants(ag_cg_writer *w) {
  const ag_program *p = w->prog;
  char declaration[CG_TEXT];
  for (int i = 0; i < p->ninstr; i++) {
    const ag_instr *in = &p->instr[i];
    if (in->kind == AG_I_CONST) {
      snprintf(declaration, sizeof declaration, "%s c%d", ag_cg_type(in->type), i);
      ag_cg_param(w, (ag_cg_arg){AG_ARG_CONST, in->type, in->index, 0}, declaration);
    } else if (in->kind == AG_I_RANDOM) {
      snprintf(declaration, sizeof declaration, "ulong key%d", i);
      ag_cg_param(w, (ag_cg_arg){AG_ARG_KEY, in->type, in->index, 0}, declaration);
    }
  }
}

static void declare_extents(ag_cg_writer *w) {
  for (int q = 0; q < w->nd; q++) {
    char name[CG_TEXT];
    snprintf(name, sizeof name, "d%d", q);
    ag_cg_long(w, w->extent[q], name, w->dim[q]);
  }
}

static void declare_pick(ag_cg_writer *w, const ag_pick *p, const char *name,
                         char (*weight)[CG_TEXT], char (*extent)[CG_TEXT]) {
  for (int i = 0; i < p->n; i++) {
    char text[CG_TEXT];
    snprintf(text, sizeof text, "%s_weight%d", name, i);
    ag_cg_long(w, weight[i], text, p->weight[i]);
    snprintf(text, sizeof text, "%s_extent%d", name, i);
    ag_cg_long(w, extent[i], text, p->extent[i]);
  }
}

void ag_cg_begin(ag_cg_writer *w, ag_cg_source *src, const ag_kernel *k, const ag_program *prog,
                 const ag_cg_target *target, const int *groups) {
  memset(w, 0, sizeof *w);
  w->k = k, w->prog = prog, w->target = target, w->src = src;
  w->stage = &src->stage[src->nstages++];
  w->indent = 1;
  if (!prog) return;
  set_dims(w, groups);
  for (int j = 0; j < prog->nin; j++) declare_memory(w, &w->in[j], "b", j);
  for (int j = 0; j < prog->nout; j++) declare_memory(w, &w->out[j], "w", j);
  declare_constants(w);
  declare_extents(w);
  for (int j = 0; j < prog->nin; j++) declare_access(w, &w->in[j]);
  for (int j = 0; j < prog->nout; j++) declare_access(w, &w->out[j]);
  declare_pick(w, &prog->pick, "pick", w->pick.weight, w->pick.extent);
  declare_pick(w, &prog->put, "put", w->put.weight, w->put.extent);
}

void ag_cg_drop(ag_cg_writer *w) {
  ag_strbuf_drop(&w->params);
  ag_strbuf_drop(&w->names);
  ag_strbuf_drop(&w->body);
}

ag_status ag_cg_end(ag_cg_writer *w, const char *entry) {
  const char *params = ag_strbuf_get(&w->params), *body = ag_strbuf_get(&w->body);
  int ok = params && body;
  w->stage->entry = entry;
  if (ok) ag_strbuf_add(&w->src->text, "\n__kernel void %s(%s) {\n%s}\n", entry, params, body);
  ag_cg_drop(w);
  return ok ? AG_OK : ag_fail(AG_E_MEMORY, "a kernel's text is too long");
}

/* -- coordinates ----------------------------------------------------------------------------- */
int ag_cg_group_size(const ag_cg_writer *w, int group, int *first) {
  int n = 0;
  for (int q = w->nd - 1; q >= 0; q--)
    if (w->group[q] == group) {
      *first = q;
      n++;
    }
  return n;
}

void ag_cg_decompose(ag_cg_writer *w, int group, const char *from) {
  int q = 0, n = ag_cg_group_size(w, group, &q);
  int64_t count = 1;
  for (int k = q; k < q + n; k++) count *= w->dim[k];
  const char *type = ag_cg_index_type(count);
  for (; n > 1; n--, q++)
    ag_cg_line(w, "const long i%d = %s %% (%s)%s; %s /= (%s)%s;", q, from, type, w->extent[q], from,
               type, w->extent[q]);
  if (n) ag_cg_line(w, "const long i%d = %s;", q, from);
}

void ag_cg_coordinates(ag_cg_writer *w, int group, const char *from) {
  int q = 0, n = ag_cg_group_size(w, group, &q);
  if (n == 0) return;
  if (n == 1) {
    ag_cg_line(w, "const long i%d = %s;", q, from);
    return;
  }
  int64_t count = 1;
  for (int k = q; k < q + n; k++) count *= w->dim[k];
  ag_cg_line(w, "%s u%d = %s;", ag_cg_index_type(count), group, from);
  char name[CG_TEXT];
  snprintf(name, sizeof name, "u%d", group);
  ag_cg_decompose(w, group, name);
}

int ag_cg_width(const ag_cg_writer *w, int q) {
  int lanes = w->target->lanes;
  const ag_program *p = w->prog;
  if (p->pick.n || p->put.n) return 1; /* positions lead anywhere */
  for (int i = 0; i < p->ninstr; i++)
    if (p->instr[i].type == AG_F64 ||
        (p->instr[i].kind == AG_I_CAST && p->instr[i].from == AG_F64)) {
      lanes /= 2;
      break;
    }
  return lanes > 1 && w->dim[q] >= lanes ? lanes : 1;
}
