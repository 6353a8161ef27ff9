/* Indexing that runs at once: results whose extents depend on values, and writing in place. */
#ifndef AG_INDEX_H
#define AG_INDEX_H

#include "expr.h"

/* The elements of `value` where `mask` (logical, as many) is TRUE, and NA where it is NA: a
 * vector. */
AG_CHECKED ag_status ag_index_select(ag_array **out, ag_array *mask, ag_array *value);
/* The 1-based positions where `mask` is TRUE, as int32; `na`: NA where it is NA, else not there. */
AG_CHECKED ag_status ag_index_which(ag_array **out, ag_array *mask, int na);
/* x, of reals or integers, with the one `value` where `mask` (as many) is TRUE: pending, so all of
 * them may be traced. */
AG_CHECKED ag_status ag_index_fill(ag_array **out, ag_array *x, ag_array *mask, ag_array *value);
/* Writes `value` (of x's type, recycled) into *x. Only a copy if others hold x or its memory, or if
 * something of it is traced; *x then becomes the copy. Positions that occur twice must not be
 * written by different values. */
AG_CHECKED ag_status ag_index_put(ag_array **x, const ag_subscript *s, ag_array *value);

#endif
