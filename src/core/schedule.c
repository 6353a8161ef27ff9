/* Cuts a pending graph into kernels.
 *
 * 1 collect   the graph below the targets, arguments before users
 * 2 decide    what becomes one kernel (schedule_decide.c)
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
  b->item[b->nitems++] = (ag_item){.x = x,
                                   .owner = -1,
                                   .others = INT64_MAX,
                                   .before = INT64_MAX,
                                   .kernel = -1,
                                   .slot = -1,
                                   .into = -1,
                                   .assign = -1,
                                   .kept = -1,
                                   .reg_kernel = -1};
  for (int i = 0; i < x->nargs; i++)
    if (x->arg[i]) b->item[x->arg[i]->mark].refs++;
  return AG_OK;
}

/* Of a gradient the last parameters' part comes first: it uses up what the way back has just
 * computed, which else would have to wait for the first ones'. */
static ag_status collect(ag_build *b, ag_array *x) {
  ag_walk walk = {.parts_last_first = 1};
  ag_status status = ag_walk_begin(&walk, x);
  while (status == AG_OK && (x = ag_walk_next(&walk, &status))) status = add_item(b, x);
  ag_walk_end(&walk);
  return status;
}

/* -- 3 order ------------------------------------------------------------------------------- */
static const ag_build *sorting; /* qsort has no context argument */

static int by_position(const void *p, const void *q) {
  int64_t a = ag_cut_position(sorting, &sorting->cut[*(const int *)p]),
          b = ag_cut_position(sorting, &sorting->cut[*(const int *)q]);
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
  AG_TRY(ag_schedule_decide(b));
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
