/* Running schedules: memory for the slots, kernels built, launches in order.
 * Forcing runs a schedule once and gives memory back as it goes; a plan keeps
 * everything for the next run. */
#include "plan.h"
#include "arena.h"
#include "array_new.h"
#include <stdlib.h>
#include <string.h>

/* Slots by a kernel: those of kernel k, from -1 (none) to nkernels, are slot[start[k + 1]], ... up
 * to start[k + 2]. */
typedef struct {
  int *start, *slot;
} by_kernel;

struct ag_plan {
  ag_schedule *s;
  by_kernel begin, end; /* the first or last kernel to use a slot */
  ag_buffer *
      *buf; /* per slot: its memory (a part's: that of its whole); owned reference, or NULL */
  ag_binding *bind; /* per slot: what kernels see */
  int *target_slot; /* per target */
  int zeroes;       /* some slot must be cleared before each run */
};

static ag_status no_memory(void) { return ag_fail(AG_E_MEMORY, "out of memory"); }

/* -- memory -------------------------------------------------------------------------------- */
static size_t slot_bytes(const ag_slot *slot) {
  return (size_t)slot->count * ag_dtype_size(slot->type);
}

static void set_buffer(ag_plan *p, int i, ag_buffer *b, int64_t offset) {
  p->buf[i] = b;
  p->bind[i] = (ag_binding){b->mem, offset};
}

static ag_status give_memory(ag_plan *p, int i) {
  ag_slot *slot = &p->s->slot[i];
  if (p->buf[i]) return AG_OK;
  if (slot->leaf) {
    if (slot->array->buf) set_buffer(p, i, ag_buffer_retain(slot->array->buf), slot->offset);
    return AG_OK;
  }
  if (slot->parent >= 0) {
    AG_TRY(give_memory(p, slot->parent));
    set_buffer(p, i, ag_buffer_retain(p->buf[slot->parent]),
               p->bind[slot->parent].offset + slot->offset);
    return AG_OK;
  }
  ag_buffer *b;
  AG_TRY(ag_buffer_new(&b, p->s->dev, slot_bytes(slot)));
  set_buffer(p, i, b, 0);
  return AG_OK;
}

static int kernel_of(const ag_slot *slot, int is_last) {
  return is_last ? slot->last : slot->first;
}

static ag_status group(by_kernel *g, const ag_schedule *s, int is_last) {
  g->start = calloc((size_t)s->nkernels + 4, sizeof *g->start);
  g->slot = calloc((size_t)s->nslots + 1, sizeof *g->slot);
  if (!g->start || !g->slot) return no_memory();
  int *end = g->start + 1; /* where kernel k's end, for now where they begin */
  for (int i = 0; i < s->nslots; i++) end[kernel_of(&s->slot[i], is_last) + 2]++;
  for (int k = 0; k < s->nkernels + 2; k++) end[k + 1] += end[k];
  for (int i = 0; i < s->nslots; i++) g->slot[end[kernel_of(&s->slot[i], is_last) + 1]++] = i;
  return AG_OK;
}

/* The slots of kernel k: for (int j = from; j < to; j++) g->slot[j] */
static int group_from(const by_kernel *g, int k) { return g->start[k + 1]; }
static int group_to(const by_kernel *g, int k) { return g->start[k + 2]; }

static ag_status slots_begin(ag_plan *p, int k) {
  for (int j = group_from(&p->begin, k); j < group_to(&p->begin, k); j++)
    AG_TRY(give_memory(p, p->begin.slot[j]));
  return AG_OK;
}

static ag_status slots_zero(ag_plan *p, int k) {
  for (int j = group_from(&p->begin, k); j < group_to(&p->begin, k); j++) {
    int i = p->begin.slot[j];
    const ag_slot *slot = &p->s->slot[i];
    size_t size = ag_dtype_size(slot->type);
    if (slot->zeroed)
      AG_TRY(ag_buffer_zero(p->buf[i], (size_t)p->bind[i].offset * size, slot_bytes(slot)));
  }
  return AG_OK;
}

/* -- making and running -------------------------------------------------------------------- */
static ag_status build_kernel(ag_plan *p, int k) {
  ag_kernel *kernel = p->s->kernel[k];
  return kernel->code ? AG_OK : ag_device_build(p->s->dev, kernel);
}

static ag_status launch(ag_plan *p, int k) {
  if (p->zeroes) AG_TRY(slots_zero(p, k));
  return ag_device_launch(p->s->dev, p->s->kernel[k], p->bind);
}

static void log_schedule(const ag_schedule *s) {
  for (int k = 0; k < s->nkernels && ag_log_level() >= 3; k++) {
    ag_strbuf text = {0};
    ag_kernel_describe(s->kernel[k], &text);
    ag_log(3, "%d. %s", k + 1, ag_strbuf_get(&text) ? ag_strbuf_get(&text) : "");
    ag_strbuf_drop(&text);
  }
}

static int find_slot(const ag_schedule *s, const ag_array *x) {
  for (int i = 0; i < s->nslots; i++)
    if (s->slot[i].array == x) return i;
  return -1;
}

/* Of the schedule p->s. */
static ag_status prepare(ag_plan *p, int n, ag_array *const *target, ag_array *const *assign) {
  if (!p->s->dev) AG_TRY(ag_device_find(&p->s->dev, "host"));
  log_schedule(p->s);
  size_t slots = (size_t)p->s->nslots + 1;
  p->buf = calloc(slots, sizeof *p->buf);
  p->bind = calloc(slots, sizeof *p->bind);
  p->target_slot = calloc((size_t)n + 1, sizeof *p->target_slot);
  if (!p->buf || !p->bind || !p->target_slot) return no_memory();
  AG_TRY(group(&p->begin, p->s, 0));
  AG_TRY(group(&p->end, p->s, 1));
  for (int i = 0; i < p->s->nslots; i++) p->zeroes |= p->s->slot[i].zeroed;
  for (int i = 0; i < n; i++)
    p->target_slot[i] = find_slot(p->s, assign && assign[i] ? assign[i] : target[i]);
  return slots_begin(p, -1);
}

void ag_plan_free(ag_plan *p) {
  if (!p) return;
  for (int i = 0; p->s && p->buf && i < p->s->nslots; i++) ag_buffer_release(p->buf[i]);
  ag_schedule_free(p->s);
  free(p->buf);
  free(p->bind);
  free(p->target_slot);
  free(p->begin.start), free(p->begin.slot);
  free(p->end.start), free(p->end.slot);
  free(p);
}

/* -- the temporaries of a plan ------------------------------------------------------------- */
/* Not what was there before the plan, nor parts, nor results of no elements, without a kernel. */
static int is_temporary(const ag_slot *slot) {
  return !slot->leaf && slot->parent < 0 && slot->first >= 0;
}

static int temporaries(const ag_schedule *s, ag_piece *piece) {
  int n = 0;
  for (int i = 0; i < s->nslots; i++)
    if (is_temporary(&s->slot[i]))
      piece[n++] = (ag_piece){
          .bytes = slot_bytes(&s->slot[i]), .first = s->slot[i].first, .last = s->slot[i].last};
  return n;
}

void ag_workspace_drop(ag_workspace *w) {
  for (int i = 0; i < w->n; i++) ag_buffer_release(w->block[i]);
  free(w->block);
  *w = (ag_workspace){0};
}

/* Block number `block` of the workspace becomes `b`. */
static ag_status keep_block(ag_workspace *w, int block, ag_buffer *b) {
  if (block == w->n) {
    ag_buffer **more = realloc(w->block, ((size_t)block + 1) * sizeof *more);
    if (!more) return no_memory();
    w->block = more;
    w->block[w->n++] = NULL;
  }
  ag_buffer_release(w->block[block]);
  w->block[block] = ag_buffer_retain(b);
  return AG_OK;
}

/* Blocks are asked for in the order of their numbers. */
static ag_status get_block(ag_buffer **out, ag_workspace *w, ag_device *d, int block,
                           size_t bytes) {
  if (w && block < w->n && w->block[block]->capacity >= bytes) {
    *out = ag_buffer_retain(w->block[block]);
    return AG_OK;
  }
  AG_TRY(ag_buffer_new(out, d, bytes));
  ag_status status = w ? keep_block(w, block, *out) : AG_OK;
  if (status != AG_OK) ag_buffer_release(*out);
  return status;
}

/* Each temporary in block `block` becomes a piece of one buffer. */
static ag_status give_block(ag_plan *p, ag_workspace *w, int n, const ag_piece *piece, int block) {
  ag_buffer *b;
  AG_TRY(get_block(&b, w, p->s->dev, block, ag_arena_bytes(n, piece, block)));
  for (int i = 0, j = 0; i < p->s->nslots; i++) {
    const ag_slot *slot = &p->s->slot[i];
    if (!is_temporary(slot)) continue;
    if (piece[j].block == block)
      set_buffer(p, i, ag_buffer_retain(b), (int64_t)(piece[j].offset / ag_dtype_size(slot->type)));
    j++;
  }
  ag_buffer_release(b);
  return AG_OK;
}

/* A slot's memory serves others before its first and after its last kernel. */
static ag_status place_temporaries(ag_plan *p, ag_workspace *w) {
  ag_piece *piece = malloc(((size_t)p->s->nslots + 1) * sizeof *piece);
  if (!piece) return no_memory();
  int n = temporaries(p->s, piece);
  ag_status status = ag_arena_place(n, piece, p->s->dev->max_alloc);
  for (int block = 0; status == AG_OK && ag_arena_bytes(n, piece, block); block++)
    status = give_block(p, w, n, piece, block);
  free(piece);
  return status;
}

static ag_status lay_out(ag_plan *p, ag_workspace *w) {
  AG_TRY(place_temporaries(p, w));
  for (int k = 0; k < p->s->nkernels; k++) {
    AG_TRY(slots_begin(p, k));
    AG_TRY(build_kernel(p, k));
  }
  return AG_OK;
}

ag_status ag_plan_new(ag_plan **out, int n, ag_array *const *target, ag_array *const *assign) {
  return ag_plan_new_within(out, NULL, n, target, assign);
}

ag_status ag_plan_new_within(ag_plan **out, ag_workspace *w, int n, ag_array *const *target,
                             ag_array *const *assign) {
  ag_plan *p = calloc(1, sizeof *p);
  if (!p) return no_memory();
  ag_status status = ag_schedule_new(&p->s, n, target, assign);
  if (status == AG_OK) ag_schedule_reuse(p->s);
  if (status == AG_OK) status = prepare(p, n, target, assign);
  if (status == AG_OK) status = lay_out(p, w);
  if (status == AG_OK) *out = p;
  else ag_plan_free(p);
  return status;
}

/* -- inputs -------------------------------------------------------------------------------- */
static int is_input(const ag_plan *p, int i, int param) {
  return p->s->slot[i].leaf && p->s->slot[i].array->param == param;
}

ag_status ag_plan_bind(ag_plan *p, int param, ag_buffer *b, int64_t offset) {
  for (int i = 0; i < p->s->nslots; i++) {
    if (!is_input(p, i, param)) continue;
    if ((size_t)offset * ag_dtype_size(p->s->slot[i].type) + slot_bytes(&p->s->slot[i]) >
        b->capacity)
      return ag_fail(AG_E_SHAPE, "the buffer bound to input %d is too small", param);
    ag_buffer_retain(b);
    ag_buffer_release(p->buf[i]);
    set_buffer(p, i, b, offset);
  }
  return AG_OK;
}

void ag_plan_move(ag_plan *p, int param, int64_t offset) {
  for (int i = 0; i < p->s->nslots; i++)
    if (is_input(p, i, param)) p->bind[i].offset = offset;
}

void ag_plan_set(ag_plan *p, int param, double value) {
  for (int k = 0; k < p->s->nkernels; k++) {
    ag_program *prog = &p->s->kernel[k]->prog;
    for (int i = 0; i < prog->nkonst; i++)
      if (prog->konst[i].param == param) prog->konst[i].value = value;
  }
}

void ag_plan_set_key(ag_plan *p, int param, uint64_t key) {
  for (int k = 0; k < p->s->nkernels; k++) {
    ag_program *prog = &p->s->kernel[k]->prog;
    for (int i = 0; i < prog->ninstr; i++)
      if (prog->instr[i].kind == AG_I_RANDOM && prog->key[prog->instr[i].index].param == param)
        prog->key[prog->instr[i].index].value = key;
  }
}

ag_status ag_plan_run(ag_plan *p) {
  for (int i = 0; i < p->s->nslots; i++)
    if (p->s->slot[i].leaf && !p->buf[i])
      return ag_fail(AG_E_ARGUMENT, "input %d of the plan is not bound",
                     p->s->slot[i].array->param);
  for (int k = 0; k < p->s->nkernels; k++) AG_TRY(launch(p, k));
  return AG_OK;
}

ag_status ag_plan_result(ag_plan *p, int i, ag_array **out) {
  int at = p->target_slot[i];
  if (at < 0 || !p->buf[at])
    return ag_fail(AG_E_ARGUMENT, "target %d of the plan has no memory yet", i + 1);
  const ag_slot *slot = &p->s->slot[at];
  return ag_array_from_buffer(out, p->buf[at], p->bind[at].offset, slot->type, slot->array->shape);
}

void ag_plan_describe(const ag_plan *p, ag_strbuf *out) { ag_schedule_describe(p->s, out); }

/* -- forcing: once, with the memory of dead slots given back at once ----------------------- */
/* A part lets go of the memory of its whole, which is held until its own end. */
static void drop_dead(ag_plan *p, int k) {
  for (int j = group_from(&p->end, k); j < group_to(&p->end, k); j++) {
    ag_buffer_release(p->buf[p->end.slot[j]]);
    p->buf[p->end.slot[j]] = NULL;
  }
}

static ag_status run_once(ag_plan *p) {
  for (int k = 0; k < p->s->nkernels; k++) {
    if (ag_hook_interrupted && ag_hook_interrupted()) return ag_fail(AG_E_INTERRUPT, "interrupted");
    AG_TRY(slots_begin(p, k));
    AG_TRY(build_kernel(p, k));
    AG_TRY(launch(p, k));
    drop_dead(p, k);
  }
  return AG_OK;
}

/* What ran without being stored will be stored when it is asked for again; that is no loss where
 * memory for the stack runs out. Not recursive: what gradients leave pending is deep. */
static void mark_computed(ag_array *x) {
  ag_array **stack = NULL;
  int n = 0, cap = 0;
  for (; x; x = n ? stack[--n] : NULL) {
    if (x->computed || x->kind == AG_BUFFER) continue;
    x->computed = 1;
    if (n + x->nargs > cap) {
      ag_array **more = realloc(stack, (size_t)(cap = 2 * (n + x->nargs) + 64) * sizeof *stack);
      if (!more) break;
      stack = more;
    }
    for (int i = 0; i < x->nargs; i++)
      if (x->arg[i]) stack[n++] = x->arg[i];
  }
  free(stack);
}

static void materialise_results(ag_plan *p, int n, ag_array *const *target) {
  for (int i = 0; i < n; i++) mark_computed(target[i]);
  for (int i = 0; i < p->s->nslots; i++) {
    const ag_slot *slot = &p->s->slot[i];
    if (!slot->leaf && slot->last == p->s->nkernels && p->buf[i] && slot->array->kind != AG_BUFFER)
      ag_array_materialise(slot->array, p->buf[i], p->bind[i].offset);
  }
}

ag_status ag_array_overwrite(ag_array *x, ag_array *put) {
  ag_plan *p = calloc(1, sizeof *p);
  if (!p) return no_memory();
  ag_status status = ag_schedule_new(&p->s, 1, &put, &x);
  if (status == AG_OK) status = prepare(p, 1, &put, &x);
  if (status == AG_OK) status = run_once(p);
  if (status == AG_OK) materialise_results(p, put->nargs, put->arg);
  ag_plan_free(p);
  return status;
}

static ag_status force(int n, ag_array *const *x) {
  ag_plan *p = calloc(1, sizeof *p);
  if (!p) return no_memory();
  ag_status status = ag_schedule_new(&p->s, n, x, NULL);
  if (status == AG_OK) status = prepare(p, n, x, NULL);
  if (status == AG_OK) status = run_once(p);
  if (status == AG_OK) materialise_results(p, n, x);
  ag_plan_free(p);
  return status;
}

/* A reshaped array shares the memory of what it reshapes: no kernel copies it. */
static ag_array *below_reshape(ag_array *x) {
  while (x->kind == AG_RESHAPE && x->arg[0]->dev == x->dev) x = x->arg[0];
  return x;
}

ag_status ag_array_force(int n, ag_array *const *x) {
  ag_array **pending = malloc((size_t)(n + 1) * sizeof *pending);
  if (!pending) return no_memory();
  int npending = 0;
  ag_status status = AG_OK;
  for (int i = 0; i < n && status == AG_OK; i++) {
    if (x[i]->traced)
      status = ag_fail(AG_E_ARGUMENT, "a traced function cannot look at the values of its arrays");
    ag_array *source = below_reshape(x[i]);
    if (source->kind != AG_BUFFER) pending[npending++] = source;
  }
  if (status == AG_OK && npending) status = force(npending, pending);
  free(pending);
  for (int i = 0; i < n && status == AG_OK; i++) {
    const ag_array *source = below_reshape(x[i]);
    if (source != x[i]) ag_array_materialise(x[i], source->buf, source->offset);
  }
  return status;
}
