/* Which nodes make a kernel: users before arguments, each node is fused into the kernel that uses
 * it, or stored by a kernel of its own. One that several kernels use is a further output of the
 * first of them, if all the others come later; so is a target, or what was computed before. */
#include "schedule_build.h"
#include <stdlib.h>

static ag_status no_memory(void) { return ag_fail(AG_E_MEMORY, "out of memory"); }

static ag_status add_cut(ag_build *b, int root, ag_shape space, int *c) {
  if (b->ncuts == b->cut_cap) {
    int cap = b->cut_cap ? 2 * b->cut_cap : 32;
    ag_cut *cut = realloc(b->cut, (size_t)cap * sizeof *cut);
    if (!cut) return no_memory();
    b->cut = cut, b->cut_cap = cap;
  }
  *c = b->ncuts;
  b->cut[b->ncuts++] =
      (ag_cut){.root = root, .space = space, .before = INT64_MAX, .copy_into = -1, .matmul = -1};
  return AG_OK;
}

/* -- when kernels run ------------------------------------------------------------------------ */
static int assigns(const ag_build *b, const ag_cut *c) {
  if (c->copy_into >= 0) return b->item[c->copy_into].x->kind == AG_BUFFER;
  int any = b->item[c->root].assign >= 0;
  for (int i = 0; i < c->nextra; i++) any |= b->item[c->extra[i]].assign >= 0;
  return any;
}

static int64_t first_assignment(const ag_build *b) { return 2 * (int64_t)b->nitems + 2; }

int64_t ag_cut_position(const ag_build *b, const ag_cut *c) {
  if (assigns(b, c)) return first_assignment(b) + 2 * (int64_t)c->root + 1;
  if (c->before < INT64_MAX) return c->before - 1;
  return c->copy_into >= 0 ? 2 * (int64_t)c->copy_into : 2 * (int64_t)c->root + 1;
}

static int64_t position(const ag_build *b, int c) { return ag_cut_position(b, &b->cut[c]); }

/* -- who reads what -------------------------------------------------------------------------- */
static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static int same_place(const ag_build *b, const ag_item *t, const ag_place *at) {
  ag_access have = ag_place_access(&t->at, &t->x->shape), want = ag_place_access(at, &t->x->shape);
  return ag_access_equal(&have, &want, b->cut[t->owner].space.nd);
}

/* Cut `c` reads the stored elements of `x`, whatever computes them. */
static void need(ag_build *b, int c, ag_array *x) {
  ag_item *t = &b->item[x->mark];
  t->uses = 2;
  t->others = least(t->others, position(b, c));
  if (ag_is_widened(x)) t->before = least(t->before, position(b, c)); /* it is twice as large */
}

/* A kernel more that could compute the item: the first one becomes its owner. */
static void add_user(ag_build *b, ag_item *t, int c, const ag_place *at) {
  if (t->owner >= 0 && position(b, t->owner) < position(b, c)) {
    t->others = least(t->others, position(b, c));
  } else {
    if (t->owner >= 0) t->others = least(t->others, position(b, t->owner));
    t->owner = c, t->at = *at;
  }
  t->uses = t->uses ? 2 : 1;
}

/* Cut `c` reads node `x` at `at`. */
static void use(ag_build *b, ag_array *x, int c, const ag_place *at) {
  ag_item *t = &b->item[x->mark];
  ag_place inner;
  if (ag_is_viewlike(x)) {
    if (ag_place_through(&inner, at, x, &b->cut[c].space)) use(b, x->arg[0], c, &inner);
    else need(b, c, x), b->cut[c].operands++;
    return;
  }
  if (ag_is_widened(x)) {
    b->cut[c].instrs++;
    use(b, x->arg[0], c, at);
    return;
  }
  if (t->owner == c && same_place(b, t, at)) return;
  b->cut[c].operands++;
  if (ag_is_free(x)) return;
  if (t->owner == c) need(b, c, x);
  else add_user(b, t, c, at);
}

static void need_run(ag_build *b, int c, ag_array *x) {
  int64_t base;
  need(b, c, ag_place_run(&base, x));
}

static void need_behind_views(ag_build *b, int c, ag_array *x) {
  ag_place at;
  need(b, c, ag_place_operand(&at, x));
}

/* What a product or a convolution reads. */
static void need_factors(ag_build *b, int c, const ag_array *x) {
  for (int i = 0; i < 2; i++) {
    const int images = x->kind == AG_CONV_WEIGHT || (x->kind == AG_CONV && i == 0);
    if (images) need_run(b, c, x->arg[i]);
    else need_behind_views(b, c, x->arg[i]);
  }
}

static void use_args(ag_build *b, ag_array *x, int c, const ag_place *at) {
  b->cut[c].instrs += 1 + x->nargs;
  for (int i = 0; i < x->nargs; i++)
    if (x->arg[i]) use(b, x->arg[i], c, at);
}

/* -- fusing ---------------------------------------------------------------------------------- */
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

/* A CONCAT's kernel stores all its parts. */
static int outputs(const ag_build *b, const ag_cut *c) {
  const ag_array *root = b->item[c->root].x;
  return c->nextra + (root->kind == AG_CONCAT ? root->nargs : 1);
}

/* An assignment comes late, and takes the kernel along that it is an output of. */
static int can_be_extra(const ag_build *b, const ag_item *t) {
  const ag_cut *c = &b->cut[t->owner];
  return is_map(b, c) && outputs(b, c) < AG_MAX_OUT && runs_along(b, t) &&
         position(b, t->owner) < t->others && (t->assign < 0 || assigns(b, c));
}

static int is_output(const ag_item *t) { return t->uses > 1 || t->target || t->x->computed; }

static int can_be_fused(const ag_build *b, const ag_item *t) {
  return t->owner >= 0 && is_fusable(t->x) && fits(&b->cut[t->owner], t->x) &&
         (!is_output(t) || can_be_extra(b, t));
}

static void fuse(ag_build *b, int i) {
  ag_item *t = &b->item[i];
  ag_cut *c = &b->cut[t->owner];
  if (is_output(t)) {
    c->extra[c->nextra++] = i;
    t->stored = 1, t->kernel = t->owner;
  }
  c->operands--;
  use_args(b, t->x, t->owner, &t->at);
}

/* Products and convolutions leave their result to an epilogue. */
static int accumulates(const ag_array *x) { return x->kind == AG_MATMUL || x->kind == AG_CONV; }

/* The product becomes the accumulator of the elementwise kernel that is its only user. The kernel's
 * first output serves as the product's memory meanwhile, so it must have its type and must not be
 * an assignment. */
static int can_be_epilogue(const ag_build *b, const ag_item *t) {
  if (t->uses != 1 || t->target || t->x->computed || t->into >= 0) return 0;
  const ag_cut *c = &b->cut[t->owner];
  const ag_array *root = b->item[c->root].x;
  return is_map(b, c) && c->matmul < 0 && !assigns(b, c) && root->kind != AG_CONCAT &&
         root->type == t->x->type && runs_along(b, t) && ag_shape_equal(&c->space, &t->x->shape);
}

/* -- parts side by side ---------------------------------------------------------------------- */
static ag_status copy_part(ag_build *b, int i, ag_array *part, int64_t offset, int *c) {
  AG_TRY(add_cut(b, part->mark, part->shape, c));
  b->cut[*c].copy_into = i, b->cut[*c].copy_offset = offset;
  return AG_OK;
}

/* A few parts of one shape, interleaved: one kernel computes and stores them all. */
enum { MAX_PARTS = 4 };
static int is_one_kernel(const ag_array *x) {
  for (int j = 1; j < x->nargs; j++)
    if (!ag_shape_equal(&x->arg[j]->shape, &x->arg[0]->shape)) return 0;
  return x->nargs <= MAX_PARTS;
}

static ag_status parts_at_once(ag_build *b, int i) {
  ag_array *x = b->item[i].x;
  ag_place at = ag_place_identity(&x->arg[0]->shape);
  int c;
  AG_TRY(add_cut(b, i, x->arg[0]->shape, &c));
  b->item[i].kernel = c;
  use_args(b, x, c, &at);
  return AG_OK;
}

/* The parts of a CONCAT whose elements do not follow each other: each is computed by a kernel that
 * stores it with strides. */
static ag_status interleave_parts(ag_build *b, int i) {
  ag_array *x = b->item[i].x;
  int64_t offset = 0;
  for (int j = 0; j < x->nargs; j++) {
    ag_array *part = x->arg[j];
    ag_place at = ag_place_identity(&part->shape);
    int c;
    AG_TRY(copy_part(b, i, part, offset, &c));
    use(b, part, c, &at);
    offset += ag_concat_step(x, j);
  }
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

static int can_be_placed(const ag_item *t) {
  return !ag_is_viewlike(t->x) && !ag_is_free(t->x) && t->into < 0 && t->assign < 0 &&
         t->kernel < 0;
}

/* The parts of a CONCAT are computed straight into its slot, where each can have only one place. */
static ag_status place_parts(ag_build *b, int i) {
  ag_array *x = b->item[i].x;
  int64_t offset = 0;
  for (int j = 0; j < x->nargs; j++) {
    ag_array *part = same_elements(x->arg[j]);
    ag_item *t = &b->item[part->mark];
    if (can_be_placed(t)) {
      t->into = i, t->into_offset = offset;
      t->uses = 2, t->others = least(t->others, 2 * (int64_t)i);
    } else {
      ag_place at = ag_place_identity(&part->shape);
      int c;
      AG_TRY(copy_part(b, i, part, offset, &c));
      if (!ag_is_free(part) && !ag_is_viewlike(part)) need(b, c, part);
      else use(b, part, c, &at);
    }
    offset += ag_array_count(part);
  }
  return AG_OK;
}

static ag_status concat(ag_build *b, int i) {
  const ag_array *x = b->item[i].x;
  if (ag_is_joined(x)) return place_parts(b, i);
  return is_one_kernel(x) ? parts_at_once(b, i) : interleave_parts(b, i);
}

/* -- deciding -------------------------------------------------------------------------------- */
static ag_status own_kernel(ag_build *b, int i) {
  ag_array *x = b->item[i].x;
  int c;
  b->item[i].stored = 1;
  if (x->kind == AG_CONCAT) return concat(b, i);
  int of_argument =
      x->kind == AG_REDUCE || x->kind == AG_EMBED || x->kind == AG_PUT || x->kind == AG_SELECT;
  ag_shape space = of_argument ? x->arg[0]->shape : x->shape;
  AG_TRY(add_cut(b, i, space, &c));
  b->item[i].kernel = c;
  b->cut[c].before = b->item[i].before;
  ag_place at = ag_place_identity(&space), inner;
  if (accumulates(x) || x->kind == AG_CONV_WEIGHT) {
    b->cut[c].matmul = i;
    need_factors(b, c, x);
  } else if (x->kind == AG_POOLING) {
    for (int j = 0; j < x->nargs; j++) need_run(b, c, x->arg[j]);
  } else if (x->kind == AG_GATHER || x->kind == AG_SCATTER) {
    need_run(b, c, x->arg[0]);
    need_run(b, c, x->arg[1]);
  } else if (x->kind == AG_TAKE) {
    need_behind_views(b, c, x->arg[0]);
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

/* A new value that kernels read before the time of assignments is stored beside the old one, and
 * copied over it then. */
static ag_status assign_later(ag_build *b, int i) {
  ag_item *t = &b->item[i];
  int c, leaf = t->assign;
  int64_t first = t->owner >= 0 ? least(t->others, position(b, t->owner)) : t->others;
  if (first >= first_assignment(b)) return AG_OK;
  t->assign = -1;
  AG_TRY(copy_part(b, leaf, t->x, 0, &c));
  need(b, c, t->x);
  return AG_OK;
}

/* -- what is kept in bfloat16 ---------------------------------------------------------------- */
/* A value that others use, too, is rounded where it is computed, not where the rounded one is read:
 * it would have to be stored until then. So the rounding waits for the value to be decided. */
static int waits_for_value(const ag_build *b, const ag_item *t) {
  const ag_array *x = t->x;
  if (x->type != AG_B16 || x->kind != AG_CAST || !t->uses || t->target) return 0;
  const ag_item *value = &b->item[x->arg[0]->mark];
  return value->refs > 1 && value->kept < 0 && !ag_is_free(value->x) && !ag_is_viewlike(value->x) &&
         !ag_is_widened(value->x);
}

static int has_room(const ag_build *b, const ag_cut *c) {
  return is_map(b, c) && outputs(b, c) + 1 < AG_MAX_OUT && c->instrs + 2 < AG_MAX_INSTR - AG_MAX_IN;
}

/* Whether the kernel that will compute the value can store the rounded one as well, in time. */
static int can_keep(const ag_build *b, const ag_item *t) {
  const ag_item *kept = &b->item[t->kept];
  const int fused = can_be_fused(b, t) || (accumulates(t->x) && can_be_epilogue(b, t));
  if (!fused) return is_fusable(t->x) || accumulates(t->x);
  const int64_t first = kept->owner < 0 ? INT64_MAX : position(b, kept->owner);
  return has_room(b, &b->cut[t->owner]) && runs_along(b, t) &&
         position(b, t->owner) < least(first, kept->others);
}

static void keep(ag_build *b, ag_item *t, int c) {
  if (t->kept < 0) return;
  ag_cut *cut = &b->cut[c];
  cut->extra[cut->nextra++] = t->kept;
  cut->instrs += 2;
  b->item[t->kept].stored = 1, b->item[t->kept].kernel = c;
}

/* By a kernel of its own, just behind that of the value. */
static ag_status keep_apart(ag_build *b, ag_item *t, int i) {
  const int kept = t->kept;
  t->kept = -1;
  b->item[kept].before = 2 * (int64_t)i + 3;
  return own_kernel(b, kept);
}

static ag_status decide(ag_build *b, int i) {
  ag_item *t = &b->item[i];
  ag_array *x = t->x;
  if (x->kind == AG_BUFFER) return AG_OK;
  if (waits_for_value(b, t)) {
    b->item[x->arg[0]->mark].kept = i;
    return AG_OK;
  }
  if (t->kept >= 0 && !can_keep(b, t)) AG_TRY(keep_apart(b, t, i));
  const int is_light = ag_is_free(x) || ag_is_viewlike(x) || ag_is_widened(x);
  if (is_light && !t->target && t->uses < 2) return AG_OK;
  if (t->assign >= 0) AG_TRY(assign_later(b, i));
  if (can_be_fused(b, t)) {
    fuse(b, i);
    keep(b, t, t->owner);
    return AG_OK;
  }
  if (accumulates(x) && can_be_epilogue(b, t)) {
    b->cut[t->owner].matmul = i;
    need_factors(b, t->owner, x);
    keep(b, t, t->owner);
    return AG_OK;
  }
  AG_TRY(own_kernel(b, i));
  keep(b, t, t->kernel);
  return AG_OK;
}

ag_status ag_schedule_decide(ag_build *b) {
  for (int i = b->nitems - 1; i >= 0; i--) AG_TRY(decide(b, i));
  return AG_OK;
}
