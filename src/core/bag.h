/* Formulas as nested calls: the bag owns every node that is made, and after a failure all further
 * calls do nothing and give NULL. */
#ifndef AG_BAG_H
#define AG_BAG_H

#include "expr.h"

typedef struct {
  ag_status status; /* AG_OK, or the first failure */
  ag_array **node;
  int n, cap;
} ag_bag;

/* x, made by a call that ended with `status`. */
ag_array *ag_bag_keep(ag_bag *b, ag_status status, ag_array *x);
/* *out = x, with a reference of its own, and everything else is released. */
AG_CHECKED ag_status ag_bag_end(ag_bag *b, ag_array **out, ag_array *x);

ag_array *ag_bag_scalar(ag_bag *b, double value, ag_dtype type);
/* b: NULL where the operation has one argument */
ag_array *ag_bag_op(ag_bag *b, ag_op op, ag_array *x, ag_array *y);
/* Elements of `yes` where `test`, logical, is TRUE, and of `no` where it is FALSE. */
ag_array *ag_bag_choose(ag_bag *b, ag_array *test, ag_array *yes, ag_array *no);
ag_array *ag_bag_cast(ag_bag *b, ag_array *x, ag_dtype type);
ag_array *ag_bag_reshape(ag_bag *b, ag_array *x, ag_shape shape);
ag_array *ag_bag_recycle(ag_bag *b, ag_array *x, ag_shape shape);
ag_array *ag_bag_broadcast(ag_bag *b, ag_array *x, ag_shape shape);
/* Along dimension `dim`: n elements from `first` on, `step` apart. */
ag_array *ag_bag_slice(ag_bag *b, ag_array *x, int dim, int64_t first, int64_t step, int64_t n);
ag_array *ag_bag_bind(ag_bag *b, ag_array *x, ag_array *y, int along);
ag_array *ag_bag_reduce(ag_bag *b, ag_array *x, ag_reduction r, int first, int last);
ag_array *ag_bag_scan(ag_bag *b, ag_array *x, ag_reduction r, int first, int last);

#endif
