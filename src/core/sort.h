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
/* The elements of a matrix as they come column by column, each column in order: an order of all. */
AG_CHECKED ag_status ag_sort_columns(ag_array **out, ag_array *x, ag_sort_by by);
/* x[order[i]] (from 1), of x's shape. */
AG_CHECKED ag_status ag_sort_take(ag_array **out, ag_array *x, ag_array *order);
/* For each element of x, what `rank` and `missing` say of its run. */
typedef struct {
  ag_rank rank;
  ag_missing missing;
  ag_sort_by by;   /* that of the order */
  int64_t segment; /* 0: all of x; else the order is that of ag_sort_columns(), this their length */
  int64_t limit;   /* OCCURRENCE: from here on places become `otherwise`; 0: no limit */
  int32_t otherwise;
} ag_rank_by;
/* AVERAGE gives the widest real type of the device, REPEATS and REPEATED logical, else int32. */
AG_CHECKED ag_status ag_sort_rank(ag_array **out, ag_array *x, ag_array *order,
                                  const ag_rank_by *by);
/* How many elements of `table` (increasing, of x's type, no NA) are up to x[i], or with `left`
 * below it: int32, NA for NA; `closed` and `counted` as in kernel.h. */
AG_CHECKED ag_status ag_sort_search(ag_array **out, ag_array *x, ag_array *table, int left,
                                    int closed, ag_counted counted);
/* Where x[i] first stands in `table` (from 1), or `nomatch`: int32. NA equals NA, and NaN NaN. For
 * a table that is much shorter than x. */
AG_CHECKED ag_status ag_sort_match(ag_array **out, ag_array *x, ag_array *table, int32_t nomatch);
/* How often 1, 2, ... n occur in x (int32): int32. */
AG_CHECKED ag_status ag_sort_tabulate(ag_array **out, ag_array *x, int64_t n);
/* How many elements of x come before its NA and NaN, given that they are last, as in a sorted
 * array; or with an `order`, that x's elements are in it. Reads a few elements. */
AG_CHECKED ag_status ag_sort_count(int64_t *out, ag_array *x, ag_array *order);

#endif
