/* Places: where the elements of a node lie for the iterations of a kernel.
 * The scheduler carries a place down the graph, through views, reshapes and
 * recycling; at a leaf it becomes the access of a load. */
#ifndef AG_PLACE_H
#define AG_PLACE_H

#include "kernel.h"

/* Either by axes (dimension q of the node is an affine function of one iteration axis), or linear
 * (the node's element number is an ag_access of the iteration). */
typedef struct {
  int linear;
  ag_axes axes;
  ag_access at;
} ag_place;

/* Iteration (i_0, i_1, ...) over `space` is element (i_0, i_1, ...) of a node of that shape. */
ag_place ag_place_identity(const ag_shape *space);
/* `p` is the place of the view-like node `x` (VIEW, RESHAPE, RECYCLE); *out that of its argument.
 * 0 if that cannot be expressed: x must then be stored. */
int ag_place_through(ag_place *out, const ag_place *p, const ag_array *x, const ag_shape *space);
/* The node behind the views of a matrix operand whose stored elements a product reads with strides;
 * *at is their place for the operand's rows and columns. */
ag_array *ag_place_operand(ag_place *at, ag_array *x);
/* The node behind the views of `x` in which the elements of `x` lie one after the other, from
 * element *base on; `x` itself (and 0) if no other has them so. */
ag_array *ag_place_run(int64_t *base, ag_array *x);
/* The access to a node of `shape` stored contiguously. */
ag_access ag_place_access(const ag_place *p, const ag_shape *shape);
/* Whether element number = iteration number over `space`. */
int ag_access_contiguous(const ag_access *at, const ag_shape *space);
int ag_access_equal(const ag_access *a, const ag_access *b, int nd);

#endif
