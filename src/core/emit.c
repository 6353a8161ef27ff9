/* From a cut of the graph to the program of a kernel. */
#include "schedule_build.h"
#include <string.h>

typedef struct {
  ag_build *b;
  int c; /* the cut */
  ag_kernel *k;
} emitter;

static int too_large(void) {
  (void)!ag_fail(AG_E_ARGUMENT, "internal: a kernel grew over its caps");
  return -1;
}

static int add_instr(emitter *e, ag_instr in) {
  ag_program *p = &e->k->prog;
  if (p->ninstr >= AG_MAX_INSTR) return too_large();
  p->instr[p->ninstr] = in;
  return p->ninstr++;
}

static const ag_shape *space_of(const emitter *e) { return &e->b->cut[e->c].space; }

/* -- operands: each slot and access once --------------------------------------------------- */
static ag_operand operand(const emitter *e, int slot, ag_dtype type, ag_access at) {
  return (ag_operand){
      .slot = slot, .type = type, .at = at, .contiguous = ag_access_contiguous(&at, space_of(e))};
}

static int find_instr(const emitter *e, ag_instr_kind kind, int index) {
  const ag_program *p = &e->k->prog;
  for (int r = 0; r < p->ninstr; r++)
    if (p->instr[r].kind == kind && p->instr[r].index == index) return r;
  return -1;
}

static int add_operand(emitter *e, ag_operand o) {
  ag_program *p = &e->k->prog;
  for (int i = 0; i < p->nin; i++)
    if (p->in[i].slot == o.slot && p->in[i].type == o.type && find_instr(e, AG_I_RANDOM, i) < 0 &&
        ag_access_equal(&p->in[i].at, &o.at, AG_MAX_DIM))
      return i;
  if (p->nin >= AG_MAX_IN) return too_large();
  p->in[p->nin] = o;
  return p->nin++;
}

static int emit_operand(emitter *e, ag_instr_kind kind, int slot, const ag_array *x,
                        const ag_place *at) {
  int index = add_operand(e, operand(e, slot, x->type, ag_place_access(at, &x->shape)));
  if (index < 0) return -1;
  int have = find_instr(e, kind, index);
  return have >= 0
             ? have
             : add_instr(
                   e, (ag_instr){.kind = kind, .type = x->type, .from = x->type, .index = index});
}

static int emit_random(emitter *e, const ag_array *x, const ag_place *at) {
  ag_program *p = &e->k->prog;
  if (p->nin >= AG_MAX_IN) return too_large();
  int index = p->nin++;
  p->in[index] = operand(e, -1, x->type, ag_place_access(at, &x->shape));
  p->key[index].value = x->u.key, p->key[index].param = x->param;
  return add_instr(
      e, (ag_instr){
             .kind = AG_I_RANDOM, .type = x->type, .from = x->type, .op = x->op, .index = index});
}

static int emit_const(emitter *e, const ag_array *x) {
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
static int emit(emitter *e, int i, const ag_place *at);

static int emit_through(emitter *e, const ag_array *x, const ag_place *at) {
  ag_place inner;
  if (!ag_place_through(&inner, at, x, space_of(e))) return -2;
  return emit(e, x->arg[0]->mark, &inner);
}

static int emit_apply(emitter *e, const ag_array *x, const ag_place *at) {
  ag_instr in = {.kind = x->kind == AG_CAST ? AG_I_CAST : AG_I_OP,
                 .type = x->type,
                 .from = x->type,
                 .op = x->op,
                 .arg = {-1, -1, -1}};
  for (int j = 0; j < x->nargs; j++) {
    if (!x->arg[j]) continue;
    in.arg[j] = emit(e, x->arg[j]->mark, at);
    if (in.arg[j] < 0) return -1;
    in.from = x->arg[j]->type;
  }
  return add_instr(e, in);
}

/* The dimensions of `shape` that are picked, their elements `stride` apart, by arguments 1, ... of
 * the node. */
static int emit_pick(emitter *e, ag_pick *pick, const ag_array *x, const ag_shape *shape,
                     const int64_t *stride, const ag_place *at) {
  const ag_picks *p = &x->u.picks;
  for (int i = 0; i < p->n; i++) {
    pick->reg[i] = emit(e, x->arg[1 + i]->mark, at);
    if (pick->reg[i] < 0) return -1;
    pick->extent[i] = shape->dim[p->dim[i]];
    pick->weight[i] = stride[p->dim[i]];
  }
  pick->n = p->n;
  return 0;
}

/* The elements of arg[0], a stored array seen through views, at positions. */
static int emit_take(emitter *e, const ag_array *x, const ag_place *at) {
  const ag_axes *axes = &x->u.picks.axes;
  ag_place behind;
  ag_array *source = ag_place_operand(&behind, x->arg[0]);
  ag_access to = ag_place_access(&behind, &source->shape), a = {.base = to.base, .step = 1};
  for (int q = 0; q < axes->nd; q++) {
    a.base += axes->off[q] * to.stride[q];
    if (axes->axis[q] >= 0) a.stride[axes->axis[q]] += axes->step[q] * to.stride[q];
  }
  ag_pick *pick = &e->k->prog.pick;
  if (emit_pick(e, pick, x, &x->arg[0]->shape, to.stride, at) < 0) return -1;
  int index = add_operand(e, operand(e, ag_slot_of(e->b, source->mark), x->type, a));
  if (index < 0) return -1;
  ag_instr in = {
      .kind = AG_I_TAKE, .type = x->type, .from = x->type, .arg = {-1, -1, -1}, .index = index};
  for (int i = 0; i < pick->n; i++) in.arg[i] = pick->reg[i];
  return add_instr(e, in);
}

/* Computes the item here, as the root or fused. */
static int compute(emitter *e, int i, const ag_place *at) {
  const ag_array *x = e->b->item[i].x;
  switch (x->kind) {
  case AG_VIEW:
  case AG_RESHAPE:
  case AG_RECYCLE: return emit_through(e, x, at);
  case AG_RANDOM: return emit_random(e, x, at);
  case AG_SCALAR: return emit_const(e, x);
  case AG_IOTA: return emit_operand(e, AG_I_IOTA, -1, x, at);
  case AG_MATMUL:
  case AG_CONV:
  case AG_CONV_WEIGHT:
    return add_instr(e, (ag_instr){.kind = AG_I_ACC, .type = x->type, .from = x->type});
  case AG_BUFFER: return emit_operand(e, AG_I_LOAD, ag_slot_of(e->b, i), x, at);
  case AG_TAKE: return emit_take(e, x, at);
  default: return emit_apply(e, x, at);
  }
}

static int emit_widened(emitter *e, const ag_array *x, const ag_place *at) {
  const ag_program *p = &e->k->prog;
  const int from = emit(e, x->arg[0]->mark, at);
  if (from < 0) return -1;
  for (int r = 0; r < p->ninstr; r++)
    if (p->instr[r].kind == AG_I_CAST && p->instr[r].arg[0] == from && p->instr[r].type == x->type)
      return r;
  return add_instr(
      e, (ag_instr){.kind = AG_I_CAST, .type = x->type, .from = AG_B16, .arg = {from, -1, -1}});
}

static int emit(emitter *e, int i, const ag_place *at) {
  ag_item *t = &e->b->item[i];
  if (ag_is_widened(t->x)) return emit_widened(e, t->x, at);
  if (ag_is_viewlike(t->x)) {
    int r = emit_through(e, t->x, at);
    if (r != -2) return r;
  } else if (ag_is_free(t->x)) {
    return compute(e, i, at);
  }
  if (t->kernel != e->c && t->stored)
    return emit_operand(e, AG_I_LOAD, ag_slot_of(e->b, i), t->x, at);
  if (t->reg_kernel == e->c) return t->reg;
  int r = compute(e, i, at);
  e->b->item[i].reg = r;
  e->b->item[i].reg_kernel = e->c;
  return r;
}

/* -- the iteration space: dropping and merging dimensions ---------------------------------- */
typedef struct {
  ag_program *p;
  ag_operand *all[AG_MAX_IN + AG_MAX_OUT];
  int n, group[AG_MAX_DIM];
} folding;

static void remove_dim(folding *f, int k) {
  ag_program *p = f->p;
  for (int q = k; q + 1 < p->nd; q++) {
    p->dim[q] = p->dim[q + 1];
    f->group[q] = f->group[q + 1];
    for (int i = 0; i < f->n; i++) f->all[i]->at.stride[q] = f->all[i]->at.stride[q + 1];
  }
  for (int i = 0; i < f->n; i++) f->all[i]->at.stride[p->nd - 1] = 0;
  p->nd--;
}

static int can_merge(const folding *f, int k) {
  if (f->group[k] != f->group[k - 1]) return 0;
  for (int i = 0; i < f->n; i++)
    if (f->all[i]->at.stride[k] != f->all[i]->at.stride[k - 1] * f->p->dim[k - 1]) return 0;
  return 1;
}

static void fold_dims(folding *f) {
  ag_program *p = f->p;
  for (int k = p->nd - 1; k >= 0 && p->nd > 1; k--)
    if (p->dim[k] == 1) remove_dim(f, k);
  for (int k = p->nd - 1; k > 0; k--) {
    if (!can_merge(f, k)) continue;
    p->dim[k - 1] *= p->dim[k];
    p->dim[k] = p->dim[k - 1]; /* removing k - 1 keeps the inner strides below */
    for (int i = 0; i < f->n; i++) f->all[i]->at.stride[k] = f->all[i]->at.stride[k - 1];
    remove_dim(f, k - 1);
  }
}

/* Group 0, 1, 2: before, within, after the reduced dimensions; all 0 for other kernels. */
static void fold(ag_kernel *k, int first, int last) {
  ag_program *p = &k->prog;
  folding f = {.p = p};
  for (int q = 0; q < p->nd; q++) f.group[q] = q < first ? 0 : q < last ? 1 : 2;
  for (int i = 0; i < p->nin; i++) f.all[f.n++] = &p->in[i];
  for (int i = 0; i < p->nout; i++) f.all[f.n++] = &p->out[i];
  fold_dims(&f);
  if (k->kind != AG_K_REDUCE && k->kind != AG_K_SCAN) return;
  k->reduce.npre = k->reduce.nred = 0;
  for (int q = 0; q < p->nd; q++) {
    k->reduce.npre += f.group[q] == 0;
    k->reduce.nred += f.group[q] == 1;
  }
}

/* -- kernels ------------------------------------------------------------------------------- */
static void set_space(ag_program *p, const ag_shape *space) {
  p->nd = space->nd;
  memcpy(p->dim, space->dim, sizeof p->dim);
  p->count = ag_shape_count(space);
}

static void add_output(emitter *e, int reg, int slot, ag_dtype type, ag_access at) {
  ag_program *p = &e->k->prog;
  p->out[p->nout] = operand(e, slot, type, at);
  p->outreg[p->nout++] = reg;
}

/* REDUCE and SCAN, which differ in the extent of the result only. */
static ag_status emit_reduce(emitter *e, const ag_array *x) {
  ag_kernel *k = e->k;
  const ag_shape *space = space_of(e);
  ag_place at = ag_place_identity(space);
  int first = x->u.axis.first, last = x->u.axis.last;
  k->kind = x->kind == AG_SCAN ? AG_K_SCAN : AG_K_REDUCE;
  k->reduce.op = (ag_reduction)x->op;
  k->reduce.skip = x->u.axis.skip;
  k->reduce.pre = k->reduce.red = k->reduce.post = 1;
  for (int q = 0; q < space->nd; q++)
    *(q < first ? &k->reduce.pre : q < last ? &k->reduce.red : &k->reduce.post) *= space->dim[q];
  k->reduce.reg = emit(e, x->arg[0]->mark, &at);
  if (k->reduce.reg < 0) return AG_E_ARGUMENT;
  k->reduce.out = (ag_operand){.slot = ag_slot_of(e->b, e->b->cut[e->c].root),
                               .type = x->type,
                               .contiguous = 1,
                               .at = {.stride = {1}, .step = 1}};
  fold(k, first, last);
  return AG_OK;
}

/* The strides of a stored matrix operand, seen through views; from one matrix to the next. */
static ag_status matrix_operand(emitter *e, ag_array *x, int *slot, int64_t *base, int64_t *rs,
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

static ag_status emit_matmul(emitter *e, const ag_array *x) {
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

/* Where the elements of a stored array lie one after the other. */
static int run_slot(emitter *e, int64_t *base, ag_array *x) {
  x = ag_place_run(base, x);
  return ag_slot_of(e->b, x->mark);
}

/* Images, contiguous somewhere in a slot. */
static ag_status images_operand(emitter *e, ag_array *x, int *slot, int64_t *base) {
  *slot = run_slot(e, base, x);
  return *slot < 0 ? ag_fail(AG_E_MEMORY, "out of memory") : AG_OK;
}

/* The strides of a weight: its channels of one side are channels within a group of `per_group`, the
 * groups side by side. */
static ag_status weight_operand(emitter *e, const ag_array *x) {
  ag_kernel *k = e->k;
  ag_place at;
  ag_array *w = ag_place_operand(&at, x->arg[1]);
  const ag_access a = ag_place_access(&at, &w->shape);
  const int out = x->u.conv.transposed, in = !out; /* its dimensions */
  const int64_t per_group = x->arg[1]->shape.dim[0] / k->conv.groups;
  k->conv.slot_w = ag_slot_of(e->b, w->mark);
  k->conv.base_w = a.base;
  k->conv.w_out = a.stride[out], k->conv.w_in = a.stride[in];
  k->conv.w_group = per_group * a.stride[0];
  k->conv.w_k[0] = a.stride[2], k->conv.w_k[1] = a.stride[3];
  return k->conv.slot_w < 0 ? ag_fail(AG_E_MEMORY, "out of memory") : AG_OK;
}

/* Each output looks at the pixel at its own place alone. */
static int is_pointwise(const ag_kernel *k) {
  const ag_window *w = &k->conv.window;
  for (int a = 0; a < 2; a++)
    if (w->k[a] != 1 || w->mul[a] != 1 || w->div[a] != 1 || w->off[a] || w->in[a] != w->out[a])
      return 0;
  return k->conv.groups == 1;
}

/* Then it is a product: of the weight and the pixels, or of gradients and pixels. */
static void conv_to_matmul(ag_kernel *k) {
  const ag_window *w = &k->conv.window;
  const int64_t pixels = w->in[0] * w->in[1] * k->conv.samples;
  k->kind = AG_K_MATMUL;
  k->mm.type = k->conv.type;
  k->mm.m = k->conv.out, k->mm.batch = 1;
  k->mm.slot_b = k->conv.slot_x, k->mm.base_b = k->conv.base_x;
  if (k->conv.of_weight) {
    k->mm.n = k->conv.in, k->mm.k = pixels;
    k->mm.slot_a = k->conv.slot_y, k->mm.base_a = k->conv.base_y;
    k->mm.rs_a = 1, k->mm.cs_a = k->conv.out;
    k->mm.rs_b = k->conv.in, k->mm.cs_b = 1;
  } else {
    k->mm.n = pixels, k->mm.k = k->conv.in;
    k->mm.slot_a = k->conv.slot_w, k->mm.base_a = k->conv.base_w;
    k->mm.rs_a = k->conv.w_out, k->mm.cs_a = k->conv.w_in;
    k->mm.rs_b = 1, k->mm.cs_b = k->conv.in;
  }
}

static ag_status emit_conv(emitter *e, const ag_array *x) {
  ag_kernel *k = e->k;
  const int of_weight = x->kind == AG_CONV_WEIGHT;
  const ag_shape *images = &x->arg[of_weight]->shape,
                 *results = of_weight ? &x->arg[0]->shape : &x->shape;
  k->kind = AG_K_CONV;
  k->conv.type = x->type;
  k->conv.window = x->u.conv.window;
  k->conv.groups = x->u.conv.groups;
  k->conv.in = images->dim[0], k->conv.out = results->dim[0];
  k->conv.samples = images->dim[3];
  k->conv.of_weight = of_weight;
  AG_TRY(images_operand(e, x->arg[of_weight], &k->conv.slot_x, &k->conv.base_x));
  AG_TRY(of_weight ? images_operand(e, x->arg[0], &k->conv.slot_y, &k->conv.base_y)
                   : weight_operand(e, x));
  if (is_pointwise(k)) conv_to_matmul(k);
  return AG_OK;
}

static ag_status emit_pooling(emitter *e, const ag_array *x) {
  ag_kernel *k = e->k;
  k->kind = AG_K_POOLING;
  k->pooling.op = (ag_pooling)x->op;
  k->pooling.type = x->type;
  k->pooling.window = x->u.pooling.window;
  k->pooling.count_pad = x->u.pooling.count_pad;
  k->pooling.channels = x->shape.dim[0], k->pooling.samples = x->shape.dim[3];
  k->pooling.nin = x->nargs;
  for (int i = 0; i < x->nargs; i++)
    AG_TRY(images_operand(e, x->arg[i], &k->pooling.slot_in[i], &k->pooling.base_in[i]));
  k->pooling.slot_out = ag_slot_of(e->b, e->b->cut[e->c].root);
  return AG_OK;
}

static ag_status emit_gather(emitter *e, const ag_array *x) {
  ag_kernel *k = e->k;
  k->kind = AG_K_GATHER;
  k->gather.type = x->type;
  k->gather.rows = x->shape.dim[0], k->gather.cols = x->shape.dim[1],
  k->gather.in_cols = x->arg[0]->shape.dim[1];
  k->gather.slot_in = run_slot(e, &k->gather.base_in, x->arg[0]);
  k->gather.slot_index = run_slot(e, &k->gather.base_index, x->arg[1]);
  k->gather.slot_out = ag_slot_of(e->b, e->b->cut[e->c].root);
  return AG_OK;
}

static ag_status emit_scatter(emitter *e, const ag_array *x) {
  ag_kernel *k = e->k;
  const ag_array *from = x->arg[0];
  const int along = x->u.scatter.along;
  k->kind = AG_K_SCATTER;
  k->scatter.type = x->type;
  k->scatter.first = x->u.scatter.first;
  k->scatter.pre = k->scatter.post = 1;
  for (int q = 0; q < x->shape.nd; q++)
    if (q != along) *(q < along ? &k->scatter.pre : &k->scatter.post) *= x->shape.dim[q];
  k->scatter.n = from->shape.dim[along], k->scatter.cols = x->shape.dim[along];
  k->scatter.slot_in = run_slot(e, &k->scatter.base_in, x->arg[0]);
  k->scatter.slot_index = run_slot(e, &k->scatter.base_index, x->arg[1]);
  k->scatter.slot_out = ag_slot_of(e->b, e->b->cut[e->c].root);
  return AG_OK;
}

static ag_status emit_select(emitter *e, const ag_array *x) {
  ag_kernel *k = e->k;
  ag_place at = ag_place_identity(space_of(e));
  k->kind = AG_K_SELECT;
  k->select.type = x->type;
  k->select.mask = emit(e, x->arg[0]->mark, &at);
  k->select.value = emit(e, x->arg[1]->mark, &at);
  k->select.slot_out = ag_slot_of(e->b, e->b->cut[e->c].root);
  return k->select.mask < 0 || k->select.value < 0 ? AG_E_ARGUMENT : AG_OK;
}

static ag_access axes_access(const ag_array *x, const ag_axes *axes) {
  ag_place at = {.linear = 0, .axes = *axes};
  return ag_place_access(&at, &x->shape);
}

static int emit_put_positions(emitter *e, const ag_array *x, const ag_place *at) {
  int64_t stride[AG_MAX_DIM], along = 1;
  for (int q = 0; q < x->shape.nd; q++) stride[q] = along, along *= x->shape.dim[q];
  return emit_pick(e, &e->k->prog.put, x, &x->shape, stride, at);
}

static ag_status emit_extras(emitter *e, const ag_cut *c) {
  ag_place at = ag_place_identity(&c->space);
  for (int i = 0; i < c->nextra; i++) {
    const int item = c->extra[i], reg = emit(e, item, &at);
    if (reg < 0) return AG_E_ARGUMENT;
    add_output(e, reg, ag_slot_of(e->b, item), e->b->item[item].x->type,
               ag_place_access(&at, &c->space));
  }
  fold(e->k, AG_MAX_DIM, AG_MAX_DIM);
  return AG_OK;
}

/* All parts of a CONCAT, interleaved in its slot. */
static ag_status emit_parts(emitter *e, const ag_cut *c, int slot) {
  const ag_array *x = e->b->item[c->root].x;
  ag_place at = ag_place_identity(&c->space);
  ag_access out = ag_place_access(&at, &x->shape);
  for (int j = 0; j < x->nargs; j++) {
    int reg = emit(e, x->arg[j]->mark, &at);
    if (reg < 0) return AG_E_ARGUMENT;
    add_output(e, reg, slot, x->type, out);
    out.base += ag_concat_step(x, j);
  }
  return emit_extras(e, c);
}

static ag_status emit_map(emitter *e, ag_cut *c) {
  ag_item *root = &e->b->item[c->root];
  ag_place at = ag_place_identity(&c->space);
  ag_access out = ag_place_access(&at, &c->space);
  int slot = ag_slot_of(e->b, c->copy_into >= 0 ? c->copy_into : c->root), reg;
  if (c->copy_into >= 0) {
    const ag_array *whole = e->b->item[c->copy_into].x;
    if (whole->kind == AG_CONCAT && !ag_is_joined(whole)) out = ag_place_access(&at, &whole->shape);
    out.base = c->copy_offset;
    reg = emit(e, c->root, &at);
  } else if (root->x->kind == AG_CONCAT) {
    return emit_parts(e, c, slot);
  } else if (root->x->kind == AG_EMBED) {
    out = axes_access(root->x, &root->x->u.axes);
    reg = emit(e, root->x->arg[0]->mark, &at);
  } else if (root->x->kind == AG_PUT) {
    out = axes_access(root->x, &root->x->u.picks.axes);
    if (emit_put_positions(e, root->x, &at) < 0) return AG_E_ARGUMENT;
    reg = emit(e, root->x->arg[0]->mark, &at);
  } else {
    reg = compute(e, c->root, &at);
  }
  if (reg < 0) return AG_E_ARGUMENT;
  add_output(e, reg, slot, root->x->type, out);
  if (e->k->prog.put.n) e->k->prog.out[0].contiguous = 0;
  root->reg = reg, root->reg_kernel = e->c;
  return emit_extras(e, c);
}

ag_status ag_emit(ag_build *b, int c, ag_kernel *k) {
  emitter e = {b, c, k};
  ag_cut *cut = &b->cut[c];
  const ag_array *x = b->item[cut->root].x;
  set_space(&k->prog, &cut->space);
  if (cut->copy_into < 0 && (x->kind == AG_REDUCE || x->kind == AG_SCAN)) return emit_reduce(&e, x);
  if (cut->copy_into < 0 && x->kind == AG_GATHER) return emit_gather(&e, x);
  if (cut->copy_into < 0 && x->kind == AG_SCATTER) return emit_scatter(&e, x);
  if (cut->copy_into < 0 && x->kind == AG_SELECT) return emit_select(&e, x);
  if (cut->copy_into < 0 && x->kind == AG_POOLING) return emit_pooling(&e, x);
  if (cut->matmul >= 0) {
    const ag_array *product = b->item[cut->matmul].x;
    AG_TRY(product->kind == AG_MATMUL ? emit_matmul(&e, product) : emit_conv(&e, product));
  }
  return emit_map(&e, cut);
}
