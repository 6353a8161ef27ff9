/* A line search for a step that fulfils the strong Wolfe conditions, by More and Thuente (1994):
 * Line search algorithms with guaranteed sufficient decrease, ACM TOMS 20, 286-307.
 *
 * It is told the value and the slope of a function at one step after the other, and says which
 * step to try next; it calls nothing itself. */
#ifndef AG_WOLFE_H
#define AG_WOLFE_H

typedef struct {
  double step, value, slope;
} ag_trial;

typedef enum {
  AG_WOLFE_TRY,  /* evaluate at `step` */
  AG_WOLFE_DONE, /* the last trial fulfils the conditions */
  AG_WOLFE_STUCK /* there is no better step than `best`, to rounding */
} ag_wolfe_state;

/* The minimum lies between best.step and other.step once it is bracketed; best has the lowest value
 * of the trials (of the auxiliary function, in the first stage) and a slope towards other. */
typedef struct {
  ag_trial start, best, other;
  double step;          /* to be tried next */
  double low, high;     /* where the one after it may lie */
  double ceiling;       /* the function is no number from here on */
  double width, before; /* of the bracket, now and a trial ago */
  int bracketed, first_stage, trials;
} ag_wolfe;

/* slope < 0 at step 0; `step` > 0 is tried first. */
void ag_wolfe_start(ag_wolfe *w, double value, double slope, double step);
/* What was found at w->step; a value that is not finite counts as too large a step. */
ag_wolfe_state ag_wolfe_next(ag_wolfe *w, double value, double slope);

#endif
