/* The gradient of one node, as a sum that is written down when all its terms are known: slices that
 * do not overlap become one array, products over time steps one product. */
#ifndef AG_GRAD_SUM_H
#define AG_GRAD_SUM_H

#include "array.h"

typedef enum {
  AG_TERM_SLICE,   /* g at the axes, zeros elsewhere              */
  AG_TERM_PRODUCT, /* g b', both matrices                         */
  AG_TERM_ROWS,    /* the sums of g over its last dimension       */
  AG_TERM_KINDS
} ag_term_kind;

typedef struct ag_term ag_term;
typedef struct {
  ag_array *total; /* of the other terms; owned */
  ag_term *term[AG_TERM_KINDS];
} ag_grad_sum;

/* Arrays made of others side by side along their last dimension: what is to be joined again is a
 * view of them. */
typedef struct {
  ag_array **array; /* CONCAT nodes; owned references */
  int n, cap;
} ag_joins;

AG_CHECKED ag_status ag_joins_add(ag_joins *joins, ag_array *concat);
void ag_joins_drop(ag_joins *joins);

/* Each takes over g. */
AG_CHECKED ag_status ag_grad_add(ag_grad_sum *s, ag_array *g);
AG_CHECKED ag_status ag_grad_add_slice(ag_grad_sum *s, ag_array *g, const ag_axes *axes);
AG_CHECKED ag_status ag_grad_add_product(ag_grad_sum *s, ag_array *g, ag_array *b,
                                         ag_precision precision);
AG_CHECKED ag_status ag_grad_add_rows(ag_grad_sum *s, ag_array *g);
/* The sum, of shape `shape`, in s->total; NULL if there are no terms. */
AG_CHECKED ag_status ag_grad_total(ag_grad_sum *s, ag_shape shape, ag_joins *joins);
void ag_grad_drop(ag_grad_sum *s);

#endif
