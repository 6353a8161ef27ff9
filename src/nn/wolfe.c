#include "wolfe.h"
#include <math.h>

/* Sufficient decrease: value <= start.value + DECREASE step start.slope; small enough a slope:
 * |slope| <= -CURVATURE start.slope. Nocedal and Wright's for quasi-Newton directions. */
#define DECREASE   1e-4
#define CURVATURE  0.9
#define MAX_TRIALS 40
#define MAX_STEP   1e20

/* -- interpolation between two trials -------------------------------------------------------- */
/* The minimiser of the cubic with the values and slopes of both; `has`: whether there is one. */
static double cubic(const ag_trial *p, const ag_trial *q, int *has) {
  double theta = 3 * (p->value - q->value) / (q->step - p->step) + p->slope + q->slope;
  double scale = fmax(fabs(theta), fmax(fabs(p->slope), fabs(q->slope)));
  double inner = theta / scale * (theta / scale) - p->slope / scale * (q->slope / scale);
  double gamma = scale * sqrt(fmax(inner, 0));
  if (q->step > p->step) gamma = -gamma;
  double r = (gamma - q->slope + theta) / (gamma - q->slope + gamma + p->slope);
  *has = r < 0 && gamma != 0;
  return q->step + r * (p->step - q->step);
}

static double cubic_between(const ag_trial *p, const ag_trial *q) {
  int has;
  return cubic(p, q, &has);
}

/* Of the parabola with p's value and slope and q's value. */
static double parabola(const ag_trial *p, const ag_trial *q) {
  double length = q->step - p->step;
  return p->step + p->slope / ((p->value - q->value) / length + p->slope) / 2 * length;
}

/* Of the parabola with both slopes. */
static double secant(const ag_trial *p, const ag_trial *q) {
  return q->step + q->slope / (q->slope - p->slope) * (p->step - q->step);
}

static double closer(double a, double b, double to) { return fabs(a - to) < fabs(b - to) ? a : b; }
static double farther(double a, double b, double to) { return fabs(a - to) < fabs(b - to) ? b : a; }
static double within(double x, double low, double high) { return fmin(fmax(x, low), high); }

/* -- the next step (section 4) --------------------------------------------------------------- */
/* The slope has become flatter: the minimum may be near the trial or far beyond. */
static double step_flatter(const ag_wolfe *w, const ag_trial *t) {
  const ag_trial *b = &w->best;
  int has;
  double c = cubic(b, t, &has), s = secant(b, t);
  if (!has) c = t->step > b->step ? w->high : w->low;
  if (!w->bracketed) return within(farther(c, s, t->step), w->low, w->high);
  double next = closer(c, s, t->step), limit = t->step + 0.66 * (w->other.step - t->step);
  return t->step > b->step ? fmin(limit, next) : fmax(limit, next);
}

static double choose_step(ag_wolfe *w, const ag_trial *t) {
  const ag_trial *b = &w->best;
  if (t->value > b->value) { /* too far */
    double c = cubic_between(b, t), q = parabola(b, t);
    w->bracketed = 1;
    return fabs(c - b->step) < fabs(q - b->step) ? c : c + (q - c) / 2;
  }
  if (t->slope * (b->slope / fabs(b->slope)) < 0) { /* lower, but past the minimum */
    w->bracketed = 1;
    return farther(cubic_between(b, t), secant(b, t), t->step);
  }
  if (fabs(t->slope) < fabs(b->slope)) return step_flatter(w, t);
  if (w->bracketed) return cubic_between(&w->other, t);
  return t->step > b->step ? w->high : w->low;
}

/* Which of the trials stay. */
static void keep(ag_wolfe *w, const ag_trial *t) {
  if (t->value > w->best.value) {
    w->other = *t;
    return;
  }
  if (t->slope * (w->best.slope / fabs(w->best.slope)) < 0) w->other = w->best;
  w->best = *t;
}

/* -- the search ------------------------------------------------------------------------------ */
void ag_wolfe_start(ag_wolfe *w, double value, double slope, double step) {
  ag_trial start = {0, value, slope};
  *w = (ag_wolfe){.start = start,
                  .best = start,
                  .other = start,
                  .step = step,
                  .high = 5 * step,
                  .ceiling = MAX_STEP,
                  .width = MAX_STEP,
                  .before = 2 * MAX_STEP,
                  .first_stage = 1};
}

/* The bracket shrinks by a third at least in two trials; where there is none yet, the step grows.
 */
static void limit_step(ag_wolfe *w) {
  if (w->bracketed) {
    double width = fabs(w->other.step - w->best.step);
    if (width >= 0.66 * w->before) w->step = w->best.step + 0.5 * (w->other.step - w->best.step);
    w->before = w->width, w->width = width;
    w->low = fmin(w->best.step, w->other.step), w->high = fmax(w->best.step, w->other.step);
  } else {
    double high = w->step + 4 * (w->step - w->best.step);
    w->high = fmin(high, (w->step + w->ceiling) / 2);
    w->low = fmin(w->step + 1.1 * (w->step - w->best.step), w->high);
  }
  w->step = within(w->step, 0, MAX_STEP);
}

/* From where the function is no number. */
static ag_wolfe_state retreat(ag_wolfe *w) {
  w->ceiling = w->step;
  w->step = w->best.step + 0.1 * (w->step - w->best.step);
  return w->trials < MAX_TRIALS ? AG_WOLFE_TRY : AG_WOLFE_STUCK;
}

/* While no trial was good enough the function less its sufficient decrease is searched. */
static void advance(ag_wolfe *w, const ag_trial *t, double decrease) {
  double goal = w->start.value + t->step * decrease;
  if (w->first_stage && t->value <= goal && t->slope >= 0) w->first_stage = 0;
  if (!(w->first_stage && t->value <= w->best.value && t->value > goal)) {
    w->step = choose_step(w, t);
    keep(w, t);
    return;
  }
  ag_trial less = {t->step, t->value - t->step * decrease, t->slope - decrease};
  ag_trial *end[2] = {&w->best, &w->other};
  for (int i = 0; i < 2; i++) end[i]->value -= end[i]->step * decrease, end[i]->slope -= decrease;
  w->step = choose_step(w, &less);
  keep(w, &less);
  for (int i = 0; i < 2; i++) end[i]->value += end[i]->step * decrease, end[i]->slope += decrease;
}

ag_wolfe_state ag_wolfe_next(ag_wolfe *w, double value, double slope) {
  ag_trial t = {w->step, value, slope};
  double decrease = DECREASE * w->start.slope;
  w->trials++;
  if (!isfinite(value) || !isfinite(slope)) return retreat(w);
  if (value <= w->start.value + t.step * decrease && fabs(slope) <= -CURVATURE * w->start.slope)
    return AG_WOLFE_DONE;
  if (w->trials >= MAX_TRIALS || t.step >= MAX_STEP) return AG_WOLFE_STUCK;
  if (w->bracketed && (t.step <= w->low || t.step >= w->high)) return AG_WOLFE_STUCK;
  advance(w, &t, decrease);
  limit_step(w);
  if (w->bracketed && w->high - w->low <= 1e-14 * w->high) return AG_WOLFE_STUCK;
  return AG_WOLFE_TRY;
}
