/* What one index of x[i, j, ...] says: a range, or positions. */
#ifndef AG_SUBSCRIPT_H
#define AG_SUBSCRIPT_H

#include "glue.h"

typedef struct {
  int64_t first, step, n; /* a range (0-based), unless there are positions */
  int whole;              /* all of the dimension, in order */
  SEXP at_;       /* positions (1-based; NA, or beyond the extent: none) as an R vector, or NULL */
  ag_array *at;   /* positions on the device, int32; owned by own_ */
  ag_array *mask; /* where they come from: as many as the extent; borrowed */
  SEXP own_;
  int lasting;  /* asked for: the array of positions outlives the call (a plan keeps it) */
  int borrowed; /* it is R's memory, and must be used before R runs again */
  int missing;  /* 1: some position may be NA or beyond the extent */
} r_subscript;

/* Whether i_ has a row of numbers for each element of x_ that it means. */
int r_is_matrix_index(SEXP i_, SEXP x_);
/* Reads index i_ into a dimension of `extent` elements, to read elements or (`writes`) to write
 * them. `beyond`: positions beyond the extent are none (those of a vector that is read). A
 * symbol stands for a missing index. Returns 0 if R has to say what it means, or what is wrong
 * with it. New objects are protected; *nprotect counts them. */
int r_subscript_get(r_subscript *s, SEXP i_, int64_t extent, const ag_device *d, int beyond,
                    int writes, int *nprotect);
/* The positions as an array on the device, owned by s. NULL for a range. */
AG_CHECKED ag_status r_subscript_array(ag_array **at, r_subscript *s, ag_device *d);
/* Those of `names_` (NULL: none) that are chosen; NA where there is none. */
SEXP r_subscript_names(SEXP names_, r_subscript *s);

#endif
