/* Sorting, and what is made of an order. These functions do not build expressions: they force their
 * arguments and run. Arrays of at most 2^31 - 1 elements; *out gets one reference. */
#ifndef AG_SORT_H
#define AG_SORT_H

#include "kernel.h"

/* The order (int32, from 1) of rows by n keys of the same length, the first of them counting most.
 * Equal rows stay in order. */
AG_CHECKED ag_status ag_sort_order(ag_array **out, int n, ag_array *const *key,
                                   const ag_sort_by *by);
/* The values of x in order, as a vector. Those that compare as equal (0 and -0, NA and NaN) stay in
 * their order. */
AG_CHECKED ag_status ag_sort_values(ag_array **out, ag_array *x, ag_sort_by by);
/* For each element of x: what `rank` says of its run, given ag_sort_order() of x by `by`. With
 * segments (a divisor of the length; else the length), x is cut into pieces of that many elements,
 * and the order is that of ag_sort_order() by the piece and then x. AVERAGE gives x's device's
 * widest real type, REPEATS and REPEATED logical, else int32. */
AG_CHECKED ag_status ag_sort_rank(ag_array **out, ag_array *x, ag_array *order, ag_sort_by by,
                                  ag_rank rank, int64_t segment);
/* How many elements of `table` (increasing, of x's type, no NA) are up to x[i], or with `left` below
 * it: int32, NA for NA. */
AG_CHECKED ag_status ag_sort_search(ag_array **out, ag_array *x, ag_array *table, int left);
/* How often 1, 2, ... n occur in x (int32): int32. */
AG_CHECKED ag_status ag_sort_tabulate(ag_array **out, ag_array *x, int64_t n);
/* How many elements of x come before its NA and NaN, given that they are last, as in a sorted
 * array; or with an `order`, that x's elements are in it. Reads a few elements. */
AG_CHECKED ag_status ag_sort_count(int64_t *out, ag_array *x, ag_array *order);

#endif
