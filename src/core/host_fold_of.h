/* What reductions and scans on the host share: accumulators (see host_isa.h) of one kernel, and the
 * order in which its elements are folded into them. */
#ifndef AG_HOST_FOLD_OF_H
#define AG_HOST_FOLD_OF_H

#include "host_program.h"

typedef struct {
  double *value;
  int64_t *at;
} ag_accumulators;

typedef struct {
  const ag_host_program *hp;
  const ag_binding *slot;
  ag_reduction op;
  ag_dtype type; /* of the elements */
  size_t size;
  int64_t pre, red, post, reach;
  ag_fold_run run;
  ag_fold_row row;
} ag_folding;

ag_folding ag_folding_of(const ag_host_program *hp, const ag_binding *slot);
void ag_accumulators_start(ag_reduction op, ag_accumulators acc, int64_t n);
/* Element i of `from`, which comes later, into element i of acc. */
void ag_accumulators_merge(ag_reduction op, ag_accumulators acc, ag_accumulators from, int64_t n);
ag_accumulators ag_accumulators_from(ag_accumulators acc, int64_t i);
/* Elements (p, r, q) for p in [p0, p0 + np), r in [r0, r0 + nr): each into accumulator p - p0. */
void ag_fold_rows(const ag_folding *f, char *scratch, ag_accumulators acc, int64_t q, int64_t p0,
                  int64_t np, int64_t r0, int64_t nr);
/* How wide rows are cut, so that their accumulators stay in the first cache. */
int64_t ag_fold_width(int64_t pre);
/* In how many parts a range of `red` steps of `width` elements is cut when there are `units` such
 * ranges to share out; depends on sizes alone. */
int64_t ag_fold_parts(int64_t units, int64_t width, int64_t red);

#endif
