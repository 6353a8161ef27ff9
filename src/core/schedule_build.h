/* What schedule_decide.c decides, emit.c turns into programs, and schedule.c puts in order. */
#ifndef AG_SCHEDULE_BUILD_H
#define AG_SCHEDULE_BUILD_H

#include "place.h"
#include "schedule.h"

/* One node of the graph being cut. It is either fused into one kernel (`owner`), or stored:
 * computed by a kernel of its own, or as a further output of its owner. */
typedef struct {
  ag_array *x;
  int refs;       /* references from nodes of this graph */
  int uses;       /* 0 none, 1 one kernel at one place, 2 more */
  int owner;      /* the first of the kernels that could compute it where they use it, or -1 */
  ag_place at;    /* its place there */
  int64_t others; /* position of the first other use */
  int64_t before; /* position of the kernel that it is to be stored just before, or INT64_MAX */
  int stored;     /* has a slot */
  int target;     /* number of the target + 1, or 0 */
  int kernel;     /* that computes its stored value, or -1 */
  int slot;       /* or -1 */
  int into;       /* CONCAT item that it is a part of, or -1 */
  int64_t into_offset;
  int assign;          /* item of the leaf that it overwrites, or -1 */
  int kept;            /* item that keeps it in bfloat16, stored by the kernel that computes it, or
                        * -1 */
  int reg, reg_kernel; /* memo of emit.c */
} ag_item;

/* A kernel being formed: the root's shape is the iteration space. */
typedef struct {
  int root; /* item */
  ag_shape space;
  int64_t before; /* position of the kernel that it runs just before, or INT64_MAX */
  int copy_into;  /* CONCAT item, or leaf to be assigned, that the root is copied into, or -1 */
  int64_t copy_offset;
  int matmul; /* item of the product or convolution whose epilogue this is, or -1 */
  int nextra, extra[AG_MAX_OUT]; /* items stored as further outputs */
  int operands, instrs;          /* upper bounds, to stay below the caps */
} ag_cut;

typedef struct {
  int nitems, item_cap, ncuts, cut_cap;
  ag_item *item;
  ag_cut *cut;
  ag_schedule *s;
} ag_build;

/* Free to compute again wherever they are used. */
static inline int ag_is_free(const ag_array *x) {
  return x->kind == AG_SCALAR || x->kind == AG_IOTA || x->kind == AG_BUFFER;
}

/* A CONCAT whose elements are those of its arguments one after the other. */
static inline int ag_is_joined(const ag_array *x) {
  for (int q = x->u.along + 1; q < x->shape.nd; q++)
    if (x->shape.dim[q] != 1) return 0;
  return 1;
}
/* From the first element of part j of a CONCAT to that of the next one. */
static inline int64_t ag_concat_step(const ag_array *x, int j) {
  int64_t stride = 1;
  for (int q = 0; q < x->u.along; q++) stride *= x->shape.dim[q];
  return stride * x->arg[j]->shape.dim[x->u.along];
}

/* Forms the cuts. */
AG_CHECKED ag_status ag_schedule_decide(ag_build *b);
/* By which kernels are ordered: a kernel stands before all that read its results, and those that
 * assign stand last. Fixed once a cut exists. */
int64_t ag_cut_position(const ag_build *b, const ag_cut *c);
/* Writes the program and operands of cut `c` into `k`. Slots of stored items must be numbered. */
AG_CHECKED ag_status ag_emit(ag_build *b, int c, ag_kernel *k);
/* The slot of a leaf, made when first asked for; -1 if memory ran out. */
int ag_slot_of(ag_build *b, int item);

#endif
