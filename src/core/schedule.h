/* The scheduler: cuts a pending graph into kernels. */
#ifndef AG_SCHEDULE_H
#define AG_SCHEDULE_H

#include "kernel.h"

/* A piece of device memory that kernels read or write. */
typedef struct {
  ag_array *array; /* the node whose value it holds; retained while pending */
  ag_dtype type;
  int64_t count;
  int parent;      /* slot it is a part of (CONCAT) or lies over, or -1 */
  int64_t offset;  /* within the parent or the leaf's buffer, in elements */
  int leaf;        /* already materialised, or a plan's input */
  int first, last; /* kernels that use it (by position); last = nkernels for a result */
  int zeroed;      /* must be cleared before kernel `first` (EMBED) */
  int alias;       /* slot whose memory the result must overwrite (assignment), or -1 */
} ag_slot;

typedef struct {
  ag_device *dev;
  int nkernels, nslots;
  ag_kernel **kernel;
  ag_slot *slot;
} ag_schedule;

/* For the n pending targets. assign[i] (may be NULL, or hold NULLs): an AG_BUFFER leaf that target
 * i overwrites once all its readers ran; such a target is computed by one kernel (no leaf, EMBED or
 * CONCAT). Nothing is allocated on the device, nothing runs. */
AG_CHECKED ag_status ag_schedule_new(ag_schedule **out, int n, ag_array *const *target,
                                     ag_array *const *assign);
/* Lets a map write over a temporary that no kernel reads after it: what it computes becomes a part
 * of that slot. */
void ag_schedule_reuse(ag_schedule *s);
void ag_schedule_free(ag_schedule *s);
void ag_schedule_describe(const ag_schedule *s, ag_strbuf *out);

#endif
