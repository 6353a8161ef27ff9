#define _POSIX_C_SOURCE 199309L /* clock_gettime */
#include "epoch.h"
#include <time.h>

#define POLL_EVERY 0.05 /* seconds between looks for an interrupt: also bounds what is queued */

static double now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* The finaliser of splitmix64 (Steele, Lea and Flood 2014): neighbours get unrelated keys. */
static uint64_t mix(uint64_t key, uint64_t batch, uint64_t stream) {
  uint64_t z = key + (batch * 1024 + stream + 1) * UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

int ag_epoch_interrupted(double *polled) {
  double at = now();
  if (at - *polled < POLL_EVERY) return 0;
  *polled = at;
  return ag_hook_interrupted && ag_hook_interrupted();
}

static ag_status batch_run(ag_trainer *t, const ag_pass *pass, const ag_epoch_run *run,
                           int64_t batch) {
  int64_t first = batch * pass->batch, left = pass->n - first;
  ag_batch_plan *p = ag_pass_plan(pass, left < pass->batch ? left : pass->batch);
  if (!p) return ag_fail(AG_E_ARGUMENT, "a pass was run before its plans were made");
  ag_plan_move(p->plan, AG_IN_INDEX, first);
  const double *scalar = run->scalar ? run->scalar + (batch - run->first) * t->nscalar : NULL;
  for (int i = 0; scalar && i < t->nscalar; i++) ag_plan_set(p->plan, AG_IN_SCALAR + i, scalar[i]);
  for (int i = 0; i < p->nkey; i++)
    ag_plan_set_key(p->plan, AG_IN_KEY + i, mix(run->key, (uint64_t)batch, (uint64_t)i));
  return ag_plan_run(p->plan);
}

ag_status ag_epoch_run_batches(ag_trainer *t, const ag_epoch_run *run, ag_epoch_done *done) {
  const ag_pass *pass = &t->pass[run->pass];
  double start = now(), polled = start;
  *done = (ag_epoch_done){0};
  if (!run->first && pass->sum)
    AG_TRY(ag_buffer_zero(pass->sum, 0, (size_t)pass->nsum * ag_dtype_size(t->type)));
  for (int64_t i = 0; i < run->batches; i++) {
    AG_TRY(batch_run(t, pass, run, run->first + i));
    done->batches++;
    if (now() - polled < POLL_EVERY) continue;
    AG_TRY(ag_device_finish(t->dev));
    done->interrupted = ag_epoch_interrupted(&polled);
    if (done->interrupted || (run->seconds > 0 && polled - start > run->seconds)) break;
  }
  return AG_OK;
}

ag_status ag_epoch_sums(ag_trainer *t, int which, double *sum) {
  const ag_pass *pass = &t->pass[which];
  ag_array *v;
  if (!pass->sum) return AG_OK;
  AG_TRY(ag_array_from_buffer(&v, pass->sum, 0, t->type, ag_shape_of(1, pass->nsum)));
  ag_status status = ag_array_read(v, sum, AG_F64);
  ag_array_release(v);
  return status;
}
