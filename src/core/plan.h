/* Plans: a schedule with its kernels built and its temporaries laid out, to be
 * replayed. A replay touches no graph and allocates nothing. */
#ifndef AG_PLAN_H
#define AG_PLAN_H

#include "schedule.h"

typedef struct ag_plan ag_plan;

/* Memory for the temporaries of several plans, of which never two run at once: block by block the
 * largest so far. All zero is an empty one. A plan's results are then valid only until another of
 * the plans runs. */
typedef struct {
  int n;
  ag_buffer **block;
} ag_workspace;
void ag_workspace_drop(ag_workspace *w); /* what plans use lives on with them */

/* Targets and assignments as in ag_schedule_new(). Inputs made by ag_expr_input() are bound later
 * by their number; other AG_BUFFER leaves are bound for good. */
AG_CHECKED ag_status ag_plan_new(ag_plan **out, int n, ag_array *const *target,
                                 ag_array *const *assign);
AG_CHECKED ag_status ag_plan_new_within(ag_plan **out, ag_workspace *w, int n,
                                        ag_array *const *target, ag_array *const *assign);
void ag_plan_free(ag_plan *p);
/* Input `param` becomes the elements of `b` from `offset` on. The plan keeps a reference. */
AG_CHECKED ag_status ag_plan_bind(ag_plan *p, int param, ag_buffer *b, int64_t offset);
/* Moves a bound input within its buffer: cheap, for the batch loop. */
void ag_plan_move(ag_plan *p, int param, int64_t offset);
void ag_plan_set(ag_plan *p, int param, double value);     /* a scalar input */
void ag_plan_set_key(ag_plan *p, int param, uint64_t key); /* a random input; 0 until it is set */
AG_CHECKED ag_status ag_plan_run(ag_plan *p);
/* Target i as an array over the plan's memory: valid until the next run. One reference. */
AG_CHECKED ag_status ag_plan_result(ag_plan *p, int i, ag_array **out);
void ag_plan_describe(const ag_plan *p, ag_strbuf *out);

#endif
