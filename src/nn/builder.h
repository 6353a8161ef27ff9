/* Building expressions without a check after every line: a builder owns the
 * nodes made through it and remembers the first failure. After a failure every
 * call returns NULL, and NULL arguments are passed over. */
#ifndef AG_BUILDER_H
#define AG_BUILDER_H

#include "../core/core.h"

typedef struct {
  ag_status status;
  int n, capacity;
  ag_array **node; /* one reference each, dropped by ag_builder_end() */
} ag_builder;

/* The node belongs to the builder from here on. */
ag_array *ag_builder_own(ag_builder *b, ag_status status, ag_array *node);
ag_array *ag_builder_scalar(ag_builder *b, double value); /* float32 */
ag_array *ag_builder_unary(ag_builder *b, ag_op op, ag_array *x);
ag_array *ag_builder_binary(ag_builder *b, ag_op op, ag_array *x, ag_array *y);
ag_array *ag_builder_reduce(ag_builder *b, ag_array *x, ag_reduction r, int first, int last);
/* Extents of 1 stretch to the shape of `like`. */
ag_array *ag_builder_stretch(ag_builder *b, ag_array *x, const ag_array *like);
ag_array *ag_builder_gather(ag_builder *b, ag_array *x, ag_array *index);
ag_array *ag_builder_cast(ag_builder *b, ag_array *x, ag_dtype type);
ag_array *ag_builder_concat(ag_builder *b, int n, ag_array *const *x);

/* Releases the nodes; the first failure, or AG_OK. */
AG_CHECKED ag_status ag_builder_end(ag_builder *b);

#endif
