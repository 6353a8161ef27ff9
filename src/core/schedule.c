/* Cuts a pending graph into kernels.
 *
 * 1 collect   the graph below the targets, arguments before users
 * 2 decide    users before arguments: each node is fused into its only user's kernel, or stored
 *             by a kernel of its own; a target, or what was computed before, is a further output
 * 3 order     kernels by position of their root; assignments last
 * 4 emit      programs (emit.c), slots and their lifetimes */
#include "array_new.h"
#include "schedule_build.h"
#include <stdlib.h>
#include <string.h>

static ag_status no_memory(void) { return ag_fail(AG_E_MEMORY, "out of memory"); }

/* -- 1 collect ----------------------------------------------------------------------------- */
static ag_status add_item(ag_build *b, ag_array *x) {
  if (b->nitems == b->item_cap) {
    int cap = b->item_cap ? 2 * b->item_cap : 64;
    ag_item *item = realloc(b->item, (size_t)cap * sizeof *item);
    if (!item) return no_memory();
    b->item = item, b->item_cap = cap;
  }
  x->mark = b->nitems;
  b->item[b->nitems++] = (ag_item){
      .x = x, .owner = -1, .kernel = -1, .slot = -1, .into = -1, .assign = -1, .reg_kernel = -1};
  return AG_OK;
}

static ag_status collect(ag_build *b, ag_array *x) {
  if (x->mark >= 0) return AG_OK;
  for (int i = 0; i < x->nargs; i++)
    if (x->arg[i]) {
      AG_TRY(collect(b, x->arg[i]));
      b->item[x->arg[i]->mark].refs++;
    }
  return add_item(b, x);
}

/* -- 2 decide ------------------------------------------------------------------------------ */
static ag_status add_cut(ag_build *b, int root, ag_shape space, int *c) {
  if (b->ncuts == b->cut_cap) {
    int cap = b->cut_cap ? 2 * b->cut_cap : 32;
    ag_cut *cut = realloc(b->cut, (size_t)cap * sizeof *cut);
    if (!cut) return no_memory();
    b->cut = cut, b->cut_cap = cap;
  }
  *c = b->ncuts;
  b->cut[b->ncuts++] = (ag_cut){.root = root, .space = space, .copy_into = -1, .matmul = -1};
  return AG_OK;
}

static int same_place(const ag_build *b, const ag_item *t, const ag_place *at) {
  ag_access have = ag_place_access(&t->at, &t->x->shape), want = ag_place_access(at, &t->x->shape);
  return ag_access_equal(&have, &want, b->cut[t->owner].space.nd);
}

/* Cut `c` reads node `x` at `at`. */
static void use(ag_build *b, ag_array *x, int c, const ag_place *at) {
  ag_item *t = &b->item[x->mark];
  ag_place inner;
  if (ag_is_viewlike(x)) {
    if (ag_place_through(&inner, at, x, &b->cut[c].space)) use(b, x->arg[0], c, &inner);
    else t->uses = 2, b->cut[c].operands++;
    return;
  }
  if (t->uses == 1 && t->owner == c && same_place(b, t, at)) return;
  b->cut[c].operands++;
  if (ag_is_free(x)) return;
  t->uses = t->uses ? 2 : 1;
  t->owner = c;
  t->at = *at;
}

/* A kernel reads the stored elements of `x`, whatever computes them. */
static void need(ag_build *b, ag_array *x) { b->item[x->mark].uses = 2; }

static void need_run(ag_build *b, ag_array *x) {
  int64_t base;
  need(b, ag_place_run(&base, x));
}

static void need_behind_views(ag_build *b, ag_array *x) {
  ag_place at;
  need(b, ag_place_operand(&at, x));
}

/* What a product or a convolution reads. */
static void need_factors(ag_build *b, const ag_array *x) {
  for (int i = 0; i < 2; i++) {
    const int images = x->kind == AG_CONV_WEIGHT || (x->kind == AG_CONV && i == 0);
    if (images) need_run(b, x->arg[i]);
    else need_behind_views(b, x->arg[i]);
  }
}

static int is_fusable(const ag_array *x) {
  return x->kind == AG_ELEMENTWISE || x->kind == AG_CAST || x->kind == AG_RANDOM;
}

static int fits(const ag_cut *c, const ag_array *x) {
  return c->operands - 1 + x->nargs <= AG_MAX_IN &&
         c->instrs + 1 + 2 * x->nargs < AG_MAX_INSTR - AG_MAX_IN;
}

static int is_map(const ag_build *b, const ag_cut *c) {
  ag_kind kind = b->item[c->root].x->kind;
  switch (kind) {
  case AG_REDUCE:
  case AG_SCAN:
  case AG_EMBED:
  case AG_GATHER:
  case AG_SCATTER:
  case AG_TAKE:
  case AG_PUT:
  case AG_POOLING:
  case AG_SELECT: return 0;
  default: return c->copy_into < 0;
  }
}

/* Whether the item's elements, in order, are those of the owner's iterations. */
static int runs_along(const ag_build *b, const ag_item *t) {
  const ag_shape *space = &b->cut[t->owner].space;
  ag_access at = ag_place_access(&t->at, &t->x->shape);
  return ag_array_count(t->x) == ag_shape_count(space) && at.base == 0 &&
         ag_access_contiguous(&at, space);
}

static int can_be_extra(const ag_build *b, const ag_item *t) {
  const ag_cut *c = &b->cut[t->owner];
  return is_map(b, c) && c->nextra < AG_MAX_OUT - 1 && runs_along(b, t);
}

/* Products and convolutions leave their result to an epilogue. */
static int accumulates(const ag_array *x) { return x->kind == AG_MATMUL || x->kind == AG_CONV; }

/* The product becomes the accumulator of the elementwise kernel that is its only user. The kernel's
 * first output serves as the product's memory meanwhile, so it must have its type and must not be
 * an assignment. */
static int can_be_epilogue(const ag_build *b, const ag_item *t) {
  if (t->uses != 1 || t->target || t->x->computed || t->into >= 0) return 0;
  const ag_cut *c = &b->cut[t->owner];
  const ag_item *root = &b->item[c->root];
  int assigns = root->assign >= 0;
  for (int i = 0; i < c->nextra; i++) assigns |= b->item[c->extra[i]].assign >= 0;
  return is_map(b, c) && c->matmul < 0 && !assigns && root->x->type == t->x->type &&
         runs_along(b, t) && ag_shape_equal(&c->space, &t->x->shape);
}

static void use_args(ag_build *b, ag_array *x, int c, const ag_place *at) {
  b->cut[c].instrs += 1 + x->nargs;
  for (int i = 0; i < x->nargs; i++)
    if (x->arg[i]) use(b, x->arg[i], c, at);
}

static ag_status fuse(ag_build *b, int i) {
  ag_item *t = &b->item[i];
  ag_cut *c = &b->cut[t->owner];
  if (t->target || t->x->computed) {
    c->extra[c->nextra++] = i;
    t->stored = 1, t->kernel = t->owner;
  }
  c->operands--;
  use_args(b, t->x, t->owner, &t->at);
  return AG_OK;
}

/* The node below views and reshapes that has the same elements in the same order. */
static ag_array *same_elements(ag_array *x) {
  while (ag_is_viewlike(x)) {
    ag_place at = ag_place_identity(&x->shape), inner;
    if (!ag_place_through(&inner, &at, x, &x->shape)) return x;
    ag_access access = ag_place_access(&inner, &x->arg[0]->shape);
    if (ag_array_count(x->arg[0]) != ag_array_count(x) || access.base ||
        !ag_access_contiguous(&access, &x->shape))
      return x;
    x = x->arg[0];
  }
  return x;
}

/* The parts of a CONCAT whose elements do not follow each other: each is computed by a kernel that
 * stores it with strides. */
static ag_status interleave_parts(ag_build *b, int i) {
  ag_array *x = b->item[i].x;
  int64_t offset = 0, stride = 1;
  for (int q = 0; q < x->u.along; q++) stride *= x->shape.dim[q];
  for (int j = 0; j < x->nargs; j++) {
    ag_array *part = x->arg[j];
    ag_place at = ag_place_identity(&part->shape);
    int c;
    AG_TRY(add_cut(b, part->mark, part->shape, &c));
    b->cut[c].copy_into = i, b->cut[c].copy_offset = offset;
    use(b, part, c, &at);
    offset += stride * part->shape.dim[x->u.along];
  }
  return AG_OK;
}

/* The parts of a CONCAT are computed straight into its slot, where each can have only one place. */
static ag_status place_parts(ag_build *b, int i) {
  ag_array *x = b->item[i].x;
  int64_t offset = 0;
  for (int j = 0; j < x->nargs; j++) {
    ag_array *part = same_elements(x->arg[j]);
    ag_item *t = &b->item[part->mark];
    if (ag_is_viewlike(part) || ag_is_free(part) || part->kind == AG_CONCAT || t->into >= 0 ||
        t->assign >= 0 || t->kernel >= 0) {
      int c;
      AG_TRY(add_cut(b, part->mark, part->shape, &c));
      b->cut[c].copy_into = i, b->cut[c].copy_offset = offset;
      ag_place at = ag_place_identity(&part->shape);
      if (!ag_is_free(part) && !ag_is_viewlike(part)) need(b, part);
      else use(b, part, c, &at);
    } else {
      t->into = i, t->into_offset = offset;
      need(b, part);
    }
    offset += ag_array_count(part);
  }
  return AG_OK;
}

static ag_status own_kernel(ag_build *b, int i) {
  ag_array *x = b->item[i].x;
  int c;
  b->item[i].stored = 1;
  if (x->kind == AG_CONCAT) return ag_is_joined(x) ? place_parts(b, i) : interleave_parts(b, i);
  int of_argument =
      x->kind == AG_REDUCE || x->kind == AG_EMBED || x->kind == AG_PUT || x->kind == AG_SELECT;
  ag_shape space = of_argument ? x->arg[0]->shape : x->shape;
  AG_TRY(add_cut(b, i, space, &c));
  b->item[i].kernel = c;
  ag_place at = ag_place_identity(&space), inner;
  if (accumulates(x) || x->kind == AG_CONV_WEIGHT) {
    b->cut[c].matmul = i;
    need_factors(b, x);
  } else if (x->kind == AG_POOLING) {
    for (int j = 0; j < x->nargs; j++) need_run(b, x->arg[j]);
  } else if (x->kind == AG_GATHER || x->kind == AG_SCATTER) {
    need_run(b, x->arg[0]);
    need_run(b, x->arg[1]);
  } else if (x->kind == AG_TAKE) {
    need_behind_views(b, x->arg[0]);
    b->cut[c].operands++;
    for (int j = 1; j < x->nargs; j++) use(b, x->arg[j], c, &at);
  } else if (ag_is_viewlike(x)) {
    if (!ag_place_through(&inner, &at, x, &space))
      return ag_fail(AG_E_ARGUMENT, "internal: a view of itself");
    use(b, x->arg[0], c, &inner);
  } else {
    use_args(b, x, c, &at);
  }
  return AG_OK;
}

static ag_status decide(ag_build *b, int i) {
  ag_item *t = &b->item[i];
  ag_array *x = t->x;
  if (x->kind == AG_BUFFER) return AG_OK;
  if ((ag_is_free(x) || ag_is_viewlike(x)) && !t->target && t->uses < 2) return AG_OK;
  if (t->uses == 1 && is_fusable(x) && fits(&b->cut[t->owner], x)) {
    if (!(t->target || x->computed) || can_be_extra(b, t)) return fuse(b, i);
  }
  if (accumulates(x) && can_be_epilogue(b, t)) {
    b->cut[t->owner].matmul = i;
    need_factors(b, x);
    return AG_OK;
  }
  return own_kernel(b, i);
}

/* -- 3 order ------------------------------------------------------------------------------- */
static const ag_build *sorting; /* qsort has no context argument */

static int assigns(const ag_build *b, const ag_cut *c) {
  if (c->copy_into >= 0) return 0;
  int any = b->item[c->root].assign >= 0;
  for (int i = 0; i < c->nextra; i++) any |= b->item[c->extra[i]].assign >= 0;
  return any;
}

static int64_t position(const ag_build *b, const ag_cut *c) {
  int64_t at = c->copy_into >= 0 ? 2 * (int64_t)c->copy_into : 2 * (int64_t)c->root + 1;
  return at + (assigns(b, c) ? 2 * (int64_t)b->nitems + 2 : 0);
}

static int by_position(const void *p, const void *q) {
  int64_t a = position(sorting, &sorting->cut[*(const int *)p]),
          b = position(sorting, &sorting->cut[*(const int *)q]);
  return (a > b) - (a < b);
}

/* -- 4 slots, kernels, lifetimes ----------------------------------------------------------- */
int ag_slot_of(ag_build *b, int i) {
  ag_item *t = &b->item[i];
  if (t->slot >= 0) return t->slot;
  if (t->assign >= 0) return t->slot = ag_slot_of(b, t->assign);
  int parent = t->into >= 0 ? ag_slot_of(b, t->into) : -1;
  ag_schedule *s = b->s;
  int leaf = t->x->kind == AG_BUFFER;
  s->slot[s->nslots] = (ag_slot){.array = ag_array_retain(t->x),
                                 .type = t->x->type,
                                 .count = ag_array_count(t->x),
                                 .parent = parent,
                                 .offset = leaf ? t->x->offset : t->into_offset,
                                 .leaf = leaf,
                                 .first = -1,
                                 .last = -1,
                                 .zeroed = t->x->kind == AG_EMBED,
                                 .alias = -1};
  return t->slot = s->nslots++;
}

static void touch(ag_schedule *s, int slot, int k) {
  for (; slot >= 0; slot = s->slot[slot].parent) {
    if (s->slot[slot].first < 0) s->slot[slot].first = k;
    if (s->slot[slot].last < k) s->slot[slot].last = k;
  }
}

typedef void (*slot_fn)(ag_schedule *s, int slot, int k, int is_write, int contiguous);

static void each_slot(ag_schedule *s, int at, slot_fn fn) {
  const ag_kernel *k = s->kernel[at];
  if (k->kind == AG_K_GATHER) {
    fn(s, k->gather.slot_in, at, 0, 0);
    fn(s, k->gather.slot_index, at, 0, 0);
    fn(s, k->gather.slot_out, at, 1, 1);
    return;
  }
  if (k->kind == AG_K_POOLING) {
    for (int i = 0; i < k->pooling.nin; i++) fn(s, k->pooling.slot_in[i], at, 0, 0);
    fn(s, k->pooling.slot_out, at, 1, 1);
    return;
  }
  if (k->kind == AG_K_SCATTER) {
    fn(s, k->scatter.slot_in, at, 0, 0);
    fn(s, k->scatter.slot_index, at, 0, 0);
    fn(s, k->scatter.slot_out, at, 1, 1);
    return;
  }
  for (int i = 0; i < k->prog.nin; i++) /* a scan reads on after it has begun to write */
    if (k->prog.in[i].slot >= 0)
      fn(s, k->prog.in[i].slot, at, 0, k->kind != AG_K_SCAN && k->prog.in[i].contiguous);
  for (int i = 0; i < k->prog.nout; i++)
    fn(s, k->prog.out[i].slot, at, 1, k->prog.out[i].contiguous);
  if (k->kind == AG_K_REDUCE || k->kind == AG_K_SCAN) fn(s, k->reduce.out.slot, at, 1, 1);
  if (k->kind == AG_K_SELECT) fn(s, k->select.slot_out, at, 1, 1);
  if (k->kind == AG_K_MATMUL) {
    fn(s, k->mm.slot_a, at, 0, 0);
    fn(s, k->mm.slot_b, at, 0, 0);
  }
  if (k->kind == AG_K_CONV) {
    fn(s, k->conv.slot_x, at, 0, 0);
    fn(s, k->conv.of_weight ? k->conv.slot_y : k->conv.slot_w, at, 0, 0);
  }
}

static void note_lifetime(ag_schedule *s, int slot, int k, int is_write, int contiguous) {
  (void)is_write, (void)contiguous;
  touch(s, slot, k);
}

/* An overwritten leaf: nobody may read it afterwards, and its own kernel only element by element.
 */
static int conflict;
static void check_assigned(ag_schedule *s, int slot, int k, int is_write, int contiguous) {
  if (s->slot[slot].alias < 0 || is_write) return;
  if (k > s->slot[slot].alias || (k == s->slot[slot].alias && !contiguous)) conflict = 1;
}
static void note_assigned(ag_schedule *s, int slot, int k, int is_write, int contiguous) {
  (void)contiguous;
  if (is_write && s->slot[slot].leaf) s->slot[slot].alias = k;
}

static int launches(const ag_kernel *k) {
  switch (k->kind) {
  case AG_K_REDUCE: return k->reduce.pre * k->reduce.post > 0;
  case AG_K_GATHER: return k->gather.rows * k->gather.cols > 0;
  case AG_K_SCATTER: return k->scatter.pre * k->scatter.cols * k->scatter.post > 0;
  default: return k->prog.count > 0;
  }
}

static ag_status emit_all(ag_build *b, const int *order) {
  ag_schedule *s = b->s;
  for (int i = 0; i < b->ncuts; i++) {
    ag_kernel *k = calloc(1, sizeof *k);
    if (!k) return no_memory();
    s->kernel[s->nkernels++] = k;
    AG_TRY(ag_emit(b, order[i], k));
    if (launches(k)) continue;
    free(k);
    s->nkernels--;
  }
  for (int i = 0; i < b->nitems; i++)
    if (b->item[i].target) (void)ag_slot_of(b, i); /* of no elements, and so of no kernel */
  for (int i = 0; i < s->nkernels; i++) {
    s->kernel[i]->nslots = s->nslots;
    each_slot(s, i, note_lifetime);
    each_slot(s, i, note_assigned);
  }
  conflict = 0;
  for (int i = 0; i < s->nkernels; i++) each_slot(s, i, check_assigned);
  return conflict ? ag_fail(AG_E_ARGUMENT,
                            "an assigned array is read after, or out of order with, its assignment")
                  : AG_OK;
}

/* Results live on: targets, and what a handle outside this graph may ask for again. */
static void keep_results(ag_build *b) {
  for (int i = 0; i < b->nitems; i++) {
    ag_item *t = &b->item[i];
    if (t->slot < 0 || t->x->kind == AG_BUFFER) continue;
    int held = t->stored && !t->x->traced && t->x->refs > t->refs + 1; /* 1: the slot's own */
    if (t->target || held)
      for (int slot = t->slot; slot >= 0; slot = b->s->slot[slot].parent)
        b->s->slot[slot].last = b->s->nkernels;
  }
}

static ag_status build(ag_build *b) {
  ag_schedule *s = b->s;
  for (int i = b->nitems - 1; i >= 0; i--) AG_TRY(decide(b, i));
  int *order = malloc((size_t)(b->ncuts + 1) * sizeof *order);
  s->kernel = calloc((size_t)b->ncuts + 1, sizeof *s->kernel);
  s->slot = calloc((size_t)b->nitems + 1, sizeof *s->slot);
  if (!order || !s->kernel || !s->slot) {
    free(order);
    return no_memory();
  }
  for (int i = 0; i < b->ncuts; i++) order[i] = i;
  sorting = b;
  qsort(order, (size_t)b->ncuts, sizeof *order, by_position);
  ag_status status = emit_all(b, order);
  free(order);
  if (status == AG_OK) keep_results(b);
  return status;
}

static ag_status collect_targets(ag_build *b, int n, ag_array *const *target,
                                 ag_array *const *assign) {
  for (int i = 0; i < n; i++) {
    AG_TRY(collect(b, target[i]));
    if (target[i]->dev) b->s->dev = target[i]->dev;
  }
  for (int i = 0; i < n; i++) {
    ag_item *t = &b->item[target[i]->mark];
    t->target = i + 1;
    if (!assign || !assign[i]) continue;
    if (t->x->kind == AG_BUFFER || t->x->kind == AG_EMBED || t->x->kind == AG_CONCAT)
      return ag_fail(AG_E_ARGUMENT, "internal: target %d must be copied to be assigned", i);
    if (assign[i]->mark < 0) AG_TRY(add_item(b, assign[i]));
    t = &b->item[target[i]->mark];
    t->assign = assign[i]->mark;
  }
  return AG_OK;
}

ag_status ag_schedule_new(ag_schedule **out, int n, ag_array *const *target,
                          ag_array *const *assign) {
  ag_build b = {.s = calloc(1, sizeof(ag_schedule))};
  if (!b.s) return no_memory();
  ag_status status = collect_targets(&b, n, target, assign);
  if (status == AG_OK) status = build(&b);
  for (int i = 0; i < b.nitems; i++) b.item[i].x->mark = -1;
  free(b.item);
  free(b.cut);
  if (status == AG_OK) *out = b.s;
  else ag_schedule_free(b.s);
  return status;
}

void ag_schedule_free(ag_schedule *s) {
  if (!s) return;
  for (int i = 0; i < s->nkernels; i++) {
    if (s->kernel[i]->code) s->dev->table->unbuild(s->dev, s->kernel[i]);
    free(s->kernel[i]);
  }
  for (int i = 0; i < s->nslots; i++) ag_array_release(s->slot[i].array);
  free(s->kernel);
  free(s->slot);
  free(s);
}
