/* What the files share that write kernels from cuts of the graph. */
#ifndef AG_EMIT_H
#define AG_EMIT_H

#include "schedule_build.h"

typedef struct {
  ag_build *b;
  int c; /* the cut */
  ag_kernel *k;
} ag_emitter;

static inline const ag_shape *ag_emit_space(const ag_emitter *e) { return &e->b->cut[e->c].space; }

/* The register that holds item i's elements at a place, computed or loaded; -1 if the kernel grew
 * over its caps. */
int ag_emit_node(ag_emitter *e, int i, const ag_place *at);
/* The same, computed in this kernel. */
int ag_emit_here(ag_emitter *e, int i, const ag_place *at);
/* The dimensions of `shape` that are picked, their elements `stride` apart, by arguments 1, ... of
 * the node. */
int ag_emit_pick(ag_emitter *e, ag_pick *pick, const ag_array *x, const ag_shape *shape,
                 const int64_t *stride, const ag_place *at);
ag_operand ag_emit_operand(const ag_emitter *e, int slot, ag_dtype type, ag_access at);
/* The slot of a stored array whose elements lie one after the other from *base on. */
int ag_emit_run(ag_emitter *e, int64_t *base, ag_array *x);

/* Group 0, 1, 2: before, within, after the reduced dimensions; all 0 for other kernels. */
void ag_emit_fold(ag_kernel *k, int first, int last);

AG_CHECKED ag_status ag_emit_conv(ag_emitter *e, const ag_array *x);
AG_CHECKED ag_status ag_emit_pooling(ag_emitter *e, const ag_array *x);
AG_CHECKED ag_status ag_emit_gather(ag_emitter *e, const ag_array *x);
AG_CHECKED ag_status ag_emit_scatter(ag_emitter *e, const ag_array *x);
AG_CHECKED ag_status ag_emit_select(ag_emitter *e, const ag_array *x);

#endif
