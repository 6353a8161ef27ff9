/* From a cut of the graph to a kernel. */
#include "emit.h"
#include <string.h>

static void set_space(ag_program *p, const ag_shape *space) {
  p->nd = space->nd;
  memcpy(p->dim, space->dim, sizeof p->dim);
  p->count = ag_shape_count(space);
}

static void add_output(ag_emitter *e, int reg, int slot, ag_dtype type, ag_access at) {
  ag_program *p = &e->k->prog;
  p->out[p->nout] = ag_emit_operand(e, slot, type, at);
  p->outreg[p->nout++] = reg;
}

/* REDUCE and SCAN, which differ in the extent of the result only. */
static ag_status emit_reduce(ag_emitter *e, const ag_array *x) {
  ag_kernel *k = e->k;
  const ag_shape *space = ag_emit_space(e);
  ag_place at = ag_place_identity(space);
  int first = x->u.axis.first, last = x->u.axis.last;
  k->kind = x->kind == AG_SCAN ? AG_K_SCAN : AG_K_REDUCE;
  k->reduce.op = (ag_reduction)x->op;
  k->reduce.skip = x->u.axis.skip;
  k->reduce.pre = k->reduce.red = k->reduce.post = 1;
  for (int q = 0; q < space->nd; q++)
    *(q < first ? &k->reduce.pre : q < last ? &k->reduce.red : &k->reduce.post) *= space->dim[q];
  k->reduce.reg = ag_emit_node(e, x->arg[0]->mark, &at);
  if (k->reduce.reg < 0) return AG_E_ARGUMENT;
  k->reduce.out = (ag_operand){.slot = ag_slot_of(e->b, e->b->cut[e->c].root),
                               .type = x->type,
                               .contiguous = 1,
                               .at = {.stride = {1}, .step = 1}};
  ag_emit_fold(k, first, last);
  return AG_OK;
}

/* The strides of a stored matrix operand, seen through views; from one matrix to the next. */
static ag_status matrix_operand(ag_emitter *e, ag_array *x, int *slot, int64_t *base, int64_t *rs,
                                int64_t *cs, int64_t *next) {
  const int64_t batch = x->shape.nd == 3 ? x->shape.dim[2] : 1;
  ag_place at;
  x = ag_place_operand(&at, x);
  ag_access a = ag_place_access(&at, &x->shape);
  *slot = ag_slot_of(e->b, x->mark);
  *base = a.base, *rs = a.stride[0], *cs = a.stride[1];
  *next = batch == 1 ? 0 : a.stride[2];
  return *slot < 0 ? ag_fail(AG_E_MEMORY, "out of memory") : AG_OK;
}

/* Products with one A and with the columns of all B side by side are one product. */
static void merge_products(ag_kernel *k) {
  if (k->mm.batch <= 1 || k->mm.next_a || k->mm.next_b != k->mm.n * k->mm.cs_b) return;
  k->mm.n *= k->mm.batch;
  k->mm.batch = 1, k->mm.next_b = 0;
}

static ag_status emit_matmul(ag_emitter *e, const ag_array *x) {
  ag_kernel *k = e->k;
  k->kind = AG_K_MATMUL;
  k->mm.type = x->type;
  k->mm.precision = x->u.trans.precision;
  k->mm.m = x->shape.dim[0], k->mm.n = x->shape.dim[1];
  k->mm.batch = x->shape.nd == 3 ? x->shape.dim[2] : 1;
  k->mm.k = x->arg[0]->shape.dim[!x->u.trans.ta];
  AG_TRY(matrix_operand(e, x->arg[0], &k->mm.slot_a, &k->mm.base_a, &k->mm.rs_a, &k->mm.cs_a,
                        &k->mm.next_a));
  AG_TRY(matrix_operand(e, x->arg[1], &k->mm.slot_b, &k->mm.base_b, &k->mm.rs_b, &k->mm.cs_b,
                        &k->mm.next_b));
  if (x->u.trans.ta) {
    int64_t t = k->mm.rs_a;
    k->mm.rs_a = k->mm.cs_a, k->mm.cs_a = t;
  }
  if (x->u.trans.tb) {
    int64_t t = k->mm.rs_b;
    k->mm.rs_b = k->mm.cs_b, k->mm.cs_b = t;
  }
  merge_products(k);
  return AG_OK;
}

static ag_access axes_access(const ag_array *x, const ag_axes *axes) {
  ag_place at = {.linear = 0, .axes = *axes};
  return ag_place_access(&at, &x->shape);
}

static int emit_put_positions(ag_emitter *e, const ag_array *x, const ag_place *at) {
  int64_t stride[AG_MAX_DIM], along = 1;
  for (int q = 0; q < x->shape.nd; q++) stride[q] = along, along *= x->shape.dim[q];
  return ag_emit_pick(e, &e->k->prog.put, x, &x->shape, stride, at);
}

static ag_status emit_extras(ag_emitter *e, const ag_cut *c) {
  ag_place at = ag_place_identity(&c->space);
  for (int i = 0; i < c->nextra; i++) {
    const int item = c->extra[i], reg = ag_emit_node(e, item, &at);
    if (reg < 0) return AG_E_ARGUMENT;
    add_output(e, reg, ag_slot_of(e->b, item), e->b->item[item].x->type,
               ag_place_access(&at, &c->space));
  }
  ag_emit_fold(e->k, AG_MAX_DIM, AG_MAX_DIM);
  return AG_OK;
}

/* All parts of a CONCAT, interleaved in its slot. */
static ag_status emit_parts(ag_emitter *e, const ag_cut *c, int slot) {
  const ag_array *x = e->b->item[c->root].x;
  ag_place at = ag_place_identity(&c->space);
  ag_access out = ag_place_access(&at, &x->shape);
  for (int j = 0; j < x->nargs; j++) {
    int reg = ag_emit_node(e, x->arg[j]->mark, &at);
    if (reg < 0) return AG_E_ARGUMENT;
    add_output(e, reg, slot, x->type, out);
    out.base += ag_concat_step(x, j);
  }
  return emit_extras(e, c);
}

static ag_status emit_map(ag_emitter *e, ag_cut *c) {
  ag_item *root = &e->b->item[c->root];
  ag_place at = ag_place_identity(&c->space);
  ag_access out = ag_place_access(&at, &c->space);
  int slot = ag_slot_of(e->b, c->copy_into >= 0 ? c->copy_into : c->root), reg;
  if (c->copy_into >= 0) {
    const ag_array *whole = e->b->item[c->copy_into].x;
    if (whole->kind == AG_CONCAT && !ag_is_joined(whole)) out = ag_place_access(&at, &whole->shape);
    out.base = c->copy_offset;
    reg = ag_emit_node(e, c->root, &at);
  } else if (root->x->kind == AG_CONCAT) {
    return emit_parts(e, c, slot);
  } else if (root->x->kind == AG_EMBED) {
    out = axes_access(root->x, &root->x->u.axes);
    reg = ag_emit_node(e, root->x->arg[0]->mark, &at);
  } else if (root->x->kind == AG_PUT) {
    out = axes_access(root->x, &root->x->u.picks.axes);
    if (emit_put_positions(e, root->x, &at) < 0) return AG_E_ARGUMENT;
    reg = ag_emit_node(e, root->x->arg[0]->mark, &at);
  } else {
    reg = ag_emit_here(e, c->root, &at);
  }
  if (reg < 0) return AG_E_ARGUMENT;
  add_output(e, reg, slot, root->x->type, out);
  if (e->k->prog.put.n) e->k->prog.out[0].contiguous = 0;
  root->reg = reg, root->reg_kernel = e->c;
  return emit_extras(e, c);
}

ag_status ag_emit(ag_build *b, int c, ag_kernel *k) {
  ag_emitter e = {b, c, k};
  ag_cut *cut = &b->cut[c];
  const ag_array *x = b->item[cut->root].x;
  set_space(&k->prog, &cut->space);
  if (cut->copy_into < 0 && (x->kind == AG_REDUCE || x->kind == AG_SCAN)) return emit_reduce(&e, x);
  if (cut->copy_into < 0 && x->kind == AG_GATHER) return ag_emit_gather(&e, x);
  if (cut->copy_into < 0 && x->kind == AG_SCATTER) return ag_emit_scatter(&e, x);
  if (cut->copy_into < 0 && x->kind == AG_SELECT) return ag_emit_select(&e, x);
  if (cut->copy_into < 0 && x->kind == AG_POOLING) return ag_emit_pooling(&e, x);
  if (cut->matmul >= 0) {
    const ag_array *product = b->item[cut->matmul].x;
    AG_TRY(product->kind == AG_MATMUL ? emit_matmul(&e, product) : ag_emit_conv(&e, product));
  }
  return emit_map(&e, cut);
}
