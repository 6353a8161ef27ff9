/* Maps that write over what they are the last to read. */
#include "schedule.h"

static int root_of(const ag_schedule *s, int slot) {
  while (s->slot[slot].parent >= 0) slot = s->slot[slot].parent;
  return slot;
}

static int is_whole(const ag_operand *o) { return o->contiguous && o->at.base == 0; }

/* Of all that kernel k reads and writes in the memory of slot `in`: it is `in` alone, each element
 * as the one of the same number is written. */
static int read_in_order(const ag_schedule *s, const ag_program *p, int in) {
  int root = root_of(s, in);
  for (int i = 0; i < p->nin; i++) {
    int slot = p->in[i].slot;
    if (slot >= 0 && root_of(s, slot) == root && (slot != in || !is_whole(&p->in[i]))) return 0;
  }
  for (int i = 0; i < p->nout; i++)
    if (root_of(s, p->out[i].slot) == root) return 0;
  return 1;
}

static int dies_at(const ag_schedule *s, int slot, int k) {
  for (; slot >= 0; slot = s->slot[slot].parent)
    if (s->slot[slot].leaf || s->slot[slot].last != k) return 0;
  return 1;
}

static int can_hold(const ag_schedule *s, int in, int out) {
  const ag_slot *a = &s->slot[in], *b = &s->slot[out];
  return a->type == b->type && a->count == b->count;
}

/* Slot `out` becomes a part of slot `in`: all of it. */
static void write_over(ag_schedule *s, int out, int in) {
  s->slot[out].parent = in;
  s->slot[out].offset = 0;
  for (int slot = in; slot >= 0; slot = s->slot[slot].parent)
    s->slot[slot].last = s->slot[out].last;
}

static void reuse(ag_schedule *s, int k, ag_program *p, ag_operand *out) {
  const ag_slot *slot = &s->slot[out->slot];
  if (slot->leaf || slot->parent >= 0 || slot->zeroed || slot->first != k || !is_whole(out)) return;
  for (int i = 0; i < p->nin; i++) {
    int in = p->in[i].slot;
    if (in < 0 || !dies_at(s, in, k) || !can_hold(s, in, out->slot) || !read_in_order(s, p, in))
      continue;
    write_over(s, out->slot, in);
    out->slot = in;
    return;
  }
}

void ag_schedule_reuse(ag_schedule *s) {
  for (int k = 0; k < s->nkernels; k++) {
    ag_program *p = &s->kernel[k]->prog;
    if (s->kernel[k]->kind != AG_K_MAP || p->pick.n || p->put.n) continue;
    for (int i = 0; i < p->nout; i++) reuse(s, k, p, &p->out[i]);
  }
}
