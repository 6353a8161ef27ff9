#define _POSIX_C_SOURCE 199309L /* clock_gettime */
#include "epoch.h"
#include <math.h>
#include <time.h>

#define POLL_EVERY     0.05 /* seconds between looks for an interrupt: also bounds what is queued */
#define PROGRESS_EVERY 0.2  /* seconds between progress reports: each reads the loss */

static double now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* What the device has summed so far, as means. */
static ag_status total_read(ag_trainer *t, ag_epoch *e) {
  float total[2] = {0, 0};
  size_t size = (size_t)ag_loss_nsums(t->loss) * sizeof *total;
  AG_TRY(ag_buffer_read(t->total, total, 0, size));
  e->loss = e->samples ? total[0] / (double)e->samples : NAN;
  e->accuracy = e->samples ? total[1] / (double)e->samples : NAN;
  return AG_OK;
}

static ag_status batch_run(ag_trainer *t, const ag_pass *pass, int64_t first) {
  ag_plan *plan = first + pass->batch <= pass->n ? pass->full : pass->rest;
  ag_plan_move(plan, AG_IN_INDEX, first);
  if (pass->training) {
    double scalar[AG_OPTIM_SCALARS];
    ag_optim_scalars(&t->optim, ++t->step, scalar);
    for (int i = 0; i < AG_OPTIM_SCALARS; i++) ag_plan_set(plan, AG_IN_SCALAR + i, scalar[i]);
  }
  return ag_plan_run(plan);
}

static ag_status pass_ready(const ag_pass *pass) {
  if (!pass->full || (pass->n % pass->batch && !pass->rest))
    return ag_fail(AG_E_ARGUMENT, "a pass was run before its plans were made");
  return AG_OK;
}

ag_status ag_pass_run(ag_trainer *t, int training, const int *index, ag_progress_fn progress,
                      void *ctx, ag_epoch *out) {
  ag_pass *pass = training ? &t->train : &t->valid;
  *out = (ag_epoch){.loss = NAN, .accuracy = NAN};
  AG_TRY(pass_ready(pass));
  if (index) AG_TRY(ag_buffer_write(pass->index, 0, index, (size_t)pass->n * sizeof *index));
  AG_TRY(ag_buffer_zero(t->total, 0, (size_t)ag_loss_nsums(t->loss) * sizeof(float)));
  double polled = now(), reported = polled;
  for (int64_t first = 0; first < pass->n && !out->interrupted; first += pass->batch) {
    AG_TRY(batch_run(t, pass, first));
    int64_t done = first + pass->batch;
    out->samples = done < pass->n ? done : pass->n;
    double at = now();
    if (at - polled < POLL_EVERY) continue;
    polled = at;
    AG_TRY(ag_device_finish(t->dev));
    out->interrupted = ag_hook_interrupted && ag_hook_interrupted();
    if (!progress || at - reported < PROGRESS_EVERY) continue;
    reported = at;
    AG_TRY(total_read(t, out));
    progress(ctx, out);
  }
  return total_read(t, out);
}
