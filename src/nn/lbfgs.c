#include "lbfgs.h"
#include "wolfe.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ag_lbfgs {
  int64_t n, evaluations;
  int history, have, newest; /* steps to be kept, steps kept, the place of the last one */
  ag_lbfgs_fn f;
  void *ctx;
  double value;
  double *x, *g;      /* where it is, and the gradient there */
  double *tx, *tg;    /* where the line search is */
  double *d;          /* the direction */
  double *s, *y;      /* history x n: steps, and what they changed in the gradient */
  double *sy, *alpha; /* history: s y, and scratch */
  double memory[];    /* of all these */
};

/* Four sums, as a single one would wait for each addition. */
static double dot(int64_t n, const double *a, const double *b) {
  double sum[4] = {0};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (int k = 0; k < 4; k++) sum[k] += a[i + k] * b[i + k];
  for (; i < n; i++) sum[0] += a[i] * b[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* y += factor x */
static void add(int64_t n, double *y, double factor, const double *x) {
  for (int64_t i = 0; i < n; i++) y[i] += factor * x[i];
}

static ag_status evaluate(ag_lbfgs *l, const double *x, double *value, double *g) {
  l->evaluations++;
  return l->f(l->ctx, x, value, g);
}

/* -- life ------------------------------------------------------------------------------------ */
ag_status ag_lbfgs_new(ag_lbfgs **out, int64_t n, int history, const double *x, ag_lbfgs_fn f,
                       void *ctx) {
  size_t size = (size_t)n, m = (size_t)history;
  ag_lbfgs *l = calloc(1, sizeof *l + ((5 + 2 * m) * size + 2 * m) * sizeof(double));
  if (!l)
    return ag_fail(AG_E_MEMORY, "out of memory: %d steps of %.0f parameters", history, (double)n);
  l->n = n, l->history = history, l->f = f, l->ctx = ctx, l->newest = -1;
  double *next = l->memory;
  double **vector[] = {&l->x, &l->g, &l->tx, &l->tg, &l->d};
  for (int i = 0; i < 5; i++, next += size) *vector[i] = next;
  l->s = next, l->y = l->s + m * size, l->sy = l->y + m * size, l->alpha = l->sy + m;
  memcpy(l->x, x, size * sizeof *x);
  ag_status status = evaluate(l, l->x, &l->value, l->g);
  if (status != AG_OK) ag_lbfgs_free(l), l = NULL;
  *out = l;
  return status;
}

void ag_lbfgs_free(ag_lbfgs *l) { free(l); }
const double *ag_lbfgs_x(const ag_lbfgs *l) { return l->x; }
double ag_lbfgs_value(const ag_lbfgs *l) { return l->value; }
int64_t ag_lbfgs_evaluations(const ag_lbfgs *l) { return l->evaluations; }

/* -- the direction --------------------------------------------------------------------------- */
/* -H g by the two loops over the steps, newest first and then back. */
static void direct(ag_lbfgs *l) {
  int64_t n = l->n;
  for (int64_t i = 0; i < n; i++) l->d[i] = -l->g[i];
  if (!l->have) return;
  for (int k = 0; k < l->have; k++) {
    int j = (l->newest - k + l->history) % l->history;
    l->alpha[j] = dot(n, l->s + j * n, l->d) / l->sy[j];
    add(n, l->d, -l->alpha[j], l->y + j * n);
  }
  const double *y = l->y + l->newest * n;
  double scale = l->sy[l->newest] / dot(n, y, y);
  for (int64_t i = 0; i < n; i++) l->d[i] *= scale;
  for (int k = l->have - 1; k >= 0; k--) {
    int j = (l->newest - k + l->history) % l->history;
    add(n, l->d, l->alpha[j] - dot(n, l->y + j * n, l->d) / l->sy[j], l->s + j * n);
  }
}

/* Keeps the step from x to tx, but for one along which the gradient does not grow: it would spoil
 * H. x and g are left as differences. */
static void remember(ag_lbfgs *l) {
  int64_t n = l->n;
  for (int64_t i = 0; i < n; i++) l->x[i] = l->tx[i] - l->x[i], l->g[i] = l->tg[i] - l->g[i];
  double sy = dot(n, l->x, l->g);
  if (!(sy > 1e-10 * sqrt(dot(n, l->x, l->x) * dot(n, l->g, l->g)))) return;
  int j = l->newest = (l->newest + 1) % l->history;
  memcpy(l->s + j * n, l->x, (size_t)n * sizeof(double));
  memcpy(l->y + j * n, l->g, (size_t)n * sizeof(double));
  l->sy[j] = sy;
  if (l->have < l->history) l->have++;
}

/* -- one iteration --------------------------------------------------------------------------- */
static ag_status try_step(ag_lbfgs *l, double step, double *value) {
  for (int64_t i = 0; i < l->n; i++) l->tx[i] = l->x[i] + step * l->d[i];
  return evaluate(l, l->tx, value, l->tg);
}

/* tx, tg and *value: a better point along d, or *found is 0. */
static ag_status search(ag_lbfgs *l, double slope, double *value, int *found) {
  ag_wolfe w;
  ag_wolfe_state state = AG_WOLFE_TRY;
  double first = l->have ? 1 : fmin(1, 1 / sqrt(dot(l->n, l->g, l->g))), at = 0;
  ag_wolfe_start(&w, l->value, slope, first);
  while (state == AG_WOLFE_TRY) {
    at = w.step;
    AG_TRY(try_step(l, at, value));
    state = ag_wolfe_next(&w, *value, dot(l->n, l->tg, l->d));
  }
  *found = state == AG_WOLFE_DONE || w.best.step > 0;
  if (state == AG_WOLFE_DONE || !*found || at == w.best.step) return AG_OK;
  return try_step(l, w.best.step, value);
}

static void move(ag_lbfgs *l, double value) {
  double *x = l->x, *g = l->g;
  remember(l);
  l->value = value;
  l->x = l->tx, l->g = l->tg;
  l->tx = x, l->tg = g;
}

ag_status ag_lbfgs_iterate(ag_lbfgs *l, ag_lbfgs_stop stop, int *done) {
  int found, steepest = !l->have;
  double before = l->value, value;
  *done = 1;
  if (!isfinite(before) || before < stop.abstol) return AG_OK;
  direct(l);
  double slope = dot(l->n, l->g, l->d);
  if (!(slope < 0)) { /* the gradient is 0, or H is spoilt by rounding */
    *done = steepest;
    l->have = 0;
    return AG_OK;
  }
  AG_TRY(search(l, slope, &value, &found));
  int enough = found && before - value > stop.reltol * (fabs(before) + stop.reltol);
  if (found && value <= before) move(l, value);
  if (!enough) l->have = 0; /* once more along the gradient */
  *done = (!enough && steepest) || l->value < stop.abstol;
  return AG_OK;
}
