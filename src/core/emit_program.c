/* The program of a kernel: instructions for the nodes that are computed in it, and its operands. */
#include "emit.h"
#include <string.h>

static int too_large(void) {
  (void)!ag_fail(AG_E_ARGUMENT, "internal: a kernel grew over its caps");
  return -1;
}

static int add_instr(ag_emitter *e, ag_instr in) {
  ag_program *p = &e->k->prog;
  if (p->ninstr >= AG_MAX_INSTR) return too_large();
  p->instr[p->ninstr] = in;
  return p->ninstr++;
}

/* -- operands: each slot and access once --------------------------------------------------- */
ag_operand ag_emit_operand(const ag_emitter *e, int slot, ag_dtype type, ag_access at) {
  return (ag_operand){.slot = slot,
                      .type = type,
                      .at = at,
                      .contiguous = ag_access_contiguous(&at, ag_emit_space(e))};
}

static int find_instr(const ag_emitter *e, ag_instr_kind kind, int index) {
  const ag_program *p = &e->k->prog;
  for (int r = 0; r < p->ninstr; r++)
    if (p->instr[r].kind == kind && p->instr[r].index == index) return r;
  return -1;
}

static int add_operand(ag_emitter *e, ag_operand o) {
  ag_program *p = &e->k->prog;
  for (int i = 0; i < p->nin; i++)
    if (p->in[i].slot == o.slot && p->in[i].type == o.type && find_instr(e, AG_I_RANDOM, i) < 0 &&
        ag_access_equal(&p->in[i].at, &o.at, AG_MAX_DIM))
      return i;
  if (p->nin >= AG_MAX_IN) return too_large();
  p->in[p->nin] = o;
  return p->nin++;
}

static int emit_access(ag_emitter *e, ag_instr_kind kind, int slot, const ag_array *x,
                       const ag_place *at) {
  int index = add_operand(e, ag_emit_operand(e, slot, x->type, ag_place_access(at, &x->shape)));
  if (index < 0) return -1;
  int have = find_instr(e, kind, index);
  return have >= 0
             ? have
             : add_instr(
                   e, (ag_instr){.kind = kind, .type = x->type, .from = x->type, .index = index});
}

static int emit_random(ag_emitter *e, const ag_array *x, const ag_place *at) {
  ag_program *p = &e->k->prog;
  if (p->nin >= AG_MAX_IN) return too_large();
  int index = p->nin++;
  p->in[index] = ag_emit_operand(e, -1, x->type, ag_place_access(at, &x->shape));
  p->key[index].value = x->u.key, p->key[index].param = x->param;
  return add_instr(
      e, (ag_instr){
             .kind = AG_I_RANDOM, .type = x->type, .from = x->type, .op = x->op, .index = index});
}

static int emit_const(ag_emitter *e, const ag_array *x) {
  ag_program *p = &e->k->prog;
  int i = 0;
  while (i < p->nkonst &&
         (p->konst[i].param != x->param || memcmp(&p->konst[i].value, &x->u.value, sizeof(double))))
    i++;
  if (i == p->nkonst) {
    if (i >= AG_MAX_IN) return too_large();
    p->konst[i].value = x->u.value, p->konst[i].param = x->param;
    p->nkonst++;
  }
  for (int r = 0; r < p->ninstr; r++)
    if (p->instr[r].kind == AG_I_CONST && p->instr[r].index == i && p->instr[r].type == x->type)
      return r;
  return add_instr(e, (ag_instr){.kind = AG_I_CONST, .type = x->type, .from = x->type, .index = i});
}

/* -- nodes --------------------------------------------------------------------------------- */
static int emit_through(ag_emitter *e, const ag_array *x, const ag_place *at) {
  ag_place inner;
  if (!ag_place_through(&inner, at, x, ag_emit_space(e))) return -2;
  return ag_emit_node(e, x->arg[0]->mark, &inner);
}

static int emit_apply(ag_emitter *e, const ag_array *x, const ag_place *at) {
  ag_instr in = {.kind = x->kind == AG_CAST ? AG_I_CAST : AG_I_OP,
                 .type = x->type,
                 .from = x->type,
                 .op = x->op,
                 .arg = {-1, -1, -1}};
  for (int j = 0; j < x->nargs; j++) {
    if (!x->arg[j]) continue;
    in.arg[j] = ag_emit_node(e, x->arg[j]->mark, at);
    if (in.arg[j] < 0) return -1;
    in.from = x->arg[j]->type;
  }
  return add_instr(e, in);
}

/* The dimensions of `shape` that are picked, their elements `stride` apart, by arguments 1, ... of
 * the node. */
int ag_emit_pick(ag_emitter *e, ag_pick *pick, const ag_array *x, const ag_shape *shape,
                 const int64_t *stride, const ag_place *at) {
  const ag_picks *p = &x->u.picks;
  for (int i = 0; i < p->n; i++) {
    pick->reg[i] = ag_emit_node(e, x->arg[1 + i]->mark, at);
    if (pick->reg[i] < 0) return -1;
    pick->extent[i] = shape->dim[p->dim[i]];
    pick->weight[i] = stride[p->dim[i]];
  }
  pick->n = p->n;
  return 0;
}

/* The elements of arg[0], a stored array seen through views, at positions. */
static int emit_take(ag_emitter *e, const ag_array *x, const ag_place *at) {
  const ag_axes *axes = &x->u.picks.axes;
  ag_place behind;
  ag_array *source = ag_place_operand(&behind, x->arg[0]);
  ag_access to = ag_place_access(&behind, &source->shape), a = {.base = to.base, .step = 1};
  for (int q = 0; q < axes->nd; q++) {
    a.base += axes->off[q] * to.stride[q];
    if (axes->axis[q] >= 0) a.stride[axes->axis[q]] += axes->step[q] * to.stride[q];
  }
  ag_pick *pick = &e->k->prog.pick;
  if (ag_emit_pick(e, pick, x, &x->arg[0]->shape, to.stride, at) < 0) return -1;
  int index = add_operand(e, ag_emit_operand(e, ag_slot_of(e->b, source->mark), x->type, a));
  if (index < 0) return -1;
  ag_instr in = {
      .kind = AG_I_TAKE, .type = x->type, .from = x->type, .arg = {-1, -1, -1}, .index = index};
  for (int i = 0; i < pick->n; i++) in.arg[i] = pick->reg[i];
  return add_instr(e, in);
}

/* Computes the item here, as the root or fused. */
int ag_emit_here(ag_emitter *e, int i, const ag_place *at) {
  const ag_array *x = e->b->item[i].x;
  switch (x->kind) {
  case AG_VIEW:
  case AG_RESHAPE:
  case AG_RECYCLE: return emit_through(e, x, at);
  case AG_RANDOM: return emit_random(e, x, at);
  case AG_SCALAR: return emit_const(e, x);
  case AG_IOTA: return emit_access(e, AG_I_IOTA, -1, x, at);
  case AG_MATMUL:
  case AG_CONV:
  case AG_CONV_WEIGHT:
    return add_instr(e, (ag_instr){.kind = AG_I_ACC, .type = x->type, .from = x->type});
  case AG_BUFFER: return emit_access(e, AG_I_LOAD, ag_slot_of(e->b, i), x, at);
  case AG_TAKE: return emit_take(e, x, at);
  default: return emit_apply(e, x, at);
  }
}

/* What is kept in 16 bits is widened where it is used, once in a kernel. */
static int emit_widened(ag_emitter *e, const ag_array *x, const ag_place *at) {
  const ag_program *p = &e->k->prog;
  const int from = ag_emit_node(e, x->arg[0]->mark, at);
  if (from < 0) return -1;
  for (int r = 0; r < p->ninstr; r++)
    if (p->instr[r].kind == AG_I_CAST && p->instr[r].arg[0] == from && p->instr[r].type == x->type)
      return r;
  return add_instr(
      e, (ag_instr){.kind = AG_I_CAST, .type = x->type, .from = AG_B16, .arg = {from, -1, -1}});
}

int ag_emit_node(ag_emitter *e, int i, const ag_place *at) {
  ag_item *t = &e->b->item[i];
  if (ag_is_widened(t->x)) return emit_widened(e, t->x, at);
  if (ag_is_viewlike(t->x)) {
    int r = emit_through(e, t->x, at);
    if (r != -2) return r;
  } else if (ag_is_free(t->x)) {
    return ag_emit_here(e, i, at);
  }
  if (t->kernel != e->c && t->stored)
    return emit_access(e, AG_I_LOAD, ag_slot_of(e->b, i), t->x, at);
  if (t->reg_kernel == e->c) return t->reg;
  int r = ag_emit_here(e, i, at);
  e->b->item[i].reg = r;
  e->b->item[i].reg_kernel = e->c;
  return r;
}

/* Where the elements of a stored array lie one after the other. */
int ag_emit_run(ag_emitter *e, int64_t *base, ag_array *x) {
  x = ag_place_run(base, x);
  return ag_slot_of(e->b, x->mark);
}
