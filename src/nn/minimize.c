#include "minimize.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ag_minimizer {
  ag_trainer *t;
  int pass, interrupted;
  double polled;
  double *coef, *sum;
  ag_lbfgs *lbfgs;
};

static ag_status evaluate(void *ctx, const double *x, double *value, double *gradient) {
  ag_minimizer *m = ctx;
  ag_trainer *t = m->t;
  const ag_pass *pass = &t->pass[m->pass];
  ag_epoch_done done;
  ag_epoch_run run = {.pass = m->pass, .batches = (pass->n + pass->batch - 1) / pass->batch};
  AG_TRY(ag_trainer_write(t, AG_IN_PARAM, x));
  AG_TRY(ag_buffer_zero(t->vector[AG_IN_STATE], 0, (size_t)t->nparam * ag_dtype_size(t->type)));
  AG_TRY(ag_epoch_run_batches(t, &run, &done));
  if (done.batches < run.batches) {
    m->interrupted = 1;
    return ag_fail(AG_E_INTERRUPT, "interrupted");
  }
  AG_TRY(ag_epoch_sums(t, m->pass, m->sum));
  *value = 0;
  for (int64_t i = 0; i < pass->nsum; i++)
    if (m->coef[i] != 0) *value += m->coef[i] * m->sum[i];
  return ag_trainer_read(t, AG_IN_STATE, gradient);
}

static ag_status start(ag_minimizer *m, int history) {
  double *x = malloc((size_t)m->t->nparam * sizeof *x);
  if (!x) return ag_fail(AG_E_MEMORY, "no memory for the parameters");
  ag_status status = ag_trainer_read(m->t, AG_IN_PARAM, x);
  if (status == AG_OK) status = ag_lbfgs_new(&m->lbfgs, m->t->nparam, history, x, evaluate, m);
  free(x);
  return status;
}

ag_status ag_minimizer_new(ag_minimizer **out, ag_trainer *t, int pass, int history,
                           const double *coef) {
  const size_t n = (size_t)t->pass[pass].nsum;
  *out = NULL;
  if (!n || !t->nstate) return ag_fail(AG_E_ARGUMENT, "this pass has no loss to minimise");
  ag_minimizer *m = calloc(1, sizeof *m);
  if (!m) return ag_fail(AG_E_MEMORY, "no memory for an optimiser");
  m->t = t, m->pass = pass;
  m->coef = malloc(n * sizeof *m->coef);
  m->sum = malloc(n * sizeof *m->sum);
  ag_status status = m->coef && m->sum ? AG_OK : ag_fail(AG_E_MEMORY, "no memory for sums");
  if (status == AG_OK) {
    memcpy(m->coef, coef, n * sizeof *coef);
    status = start(m, history);
  }
  if (status == AG_OK) *out = m;
  else ag_minimizer_free(m);
  return status;
}

void ag_minimizer_free(ag_minimizer *m) {
  if (!m) return;
  ag_lbfgs_free(m->lbfgs);
  free(m->coef);
  free(m->sum);
  free(m);
}

static double squares(const ag_minimizer *m) {
  const double *x = ag_lbfgs_x(m->lbfgs);
  double sum = 0;
  for (int64_t i = 0; i < m->t->nparam; i++) sum += x[i] * x[i];
  return sum;
}

ag_status ag_minimizer_run(ag_minimizer *m, int iterations, ag_lbfgs_stop stop, double l2,
                           double *value, ag_minimizer_done *done) {
  *done = (ag_minimizer_done){0};
  while (done->iterations < iterations && !done->done && !done->interrupted) {
    ag_status status = ag_lbfgs_iterate(m->lbfgs, stop, &done->done);
    if (status != AG_OK && m->interrupted) {
      done->interrupted = 1;
      break;
    }
    AG_TRY(status);
    value[done->iterations++] = ag_lbfgs_value(m->lbfgs) - (l2 > 0 ? l2 * squares(m) : 0);
    done->interrupted = ag_epoch_interrupted(&m->polled); /* evaluations may be too short to look */
  }
  return ag_trainer_write(m->t, AG_IN_PARAM, ag_lbfgs_x(m->lbfgs));
}

int64_t ag_minimizer_evaluations(const ag_minimizer *m) { return ag_lbfgs_evaluations(m->lbfgs); }
