/* The quasi-Newton method and its line search on functions whose minima are known. */
#include "check.h"
#include "nn/lbfgs.h"
#include "nn/wolfe.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -- functions ------------------------------------------------------------------------------- */
typedef struct {
  int64_t n, calls, fail_at;
} problem;

/* Rosenbrock's, extended: minimum 0 at (1, ..., 1). */
static ag_status rosenbrock(void *ctx, const double *x, double *value, double *g) {
  problem *p = ctx;
  *value = 0;
  for (int64_t i = 0; i < p->n; i += 2) {
    double a = 1 - x[i], b = x[i + 1] - x[i] * x[i];
    *value += a * a + 100 * b * b;
    g[i] = -2 * a - 400 * x[i] * b;
    g[i + 1] = 200 * b;
  }
  if (++p->calls == p->fail_at) return ag_fail(AG_E_DEVICE, "as asked");
  return AG_OK;
}

/* sum_i 10^(4 i / (n - 1)) (x_i - i)^2 */
static ag_status valley(void *ctx, const double *x, double *value, double *g) {
  problem *p = ctx;
  *value = 0;
  for (int64_t i = 0; i < p->n; i++) {
    double c = pow(10, 4.0 * (double)i / (double)(p->n - 1)), d = x[i] - (double)i;
    *value += c * d * d;
    g[i] = 2 * c * d;
  }
  p->calls++;
  return AG_OK;
}

/* x - log(x), no number from 0 down: minimum 1 at 1. */
static ag_status barrier(void *ctx, const double *x, double *value, double *g) {
  problem *p = ctx;
  *value = 0;
  for (int64_t i = 0; i < p->n; i++) *value += x[i] - log(x[i]), g[i] = 1 - 1 / x[i];
  p->calls++;
  return AG_OK;
}

/* A valley whose values carry the rounding of float32. */
static ag_status rounded(void *ctx, const double *x, double *value, double *g) {
  AG_TRY(valley(ctx, x, value, g));
  problem *p = ctx;
  *value = (float)*value;
  for (int64_t i = 0; i < p->n; i++) g[i] = (float)g[i];
  return AG_OK;
}

static ag_status flat(void *ctx, const double *x, double *value, double *g) {
  (void)ctx, (void)x;
  *value = 3;
  g[0] = 0;
  return AG_OK;
}

static ag_status no_number(void *ctx, const double *x, double *value, double *g) {
  (void)ctx, (void)x;
  *value = g[0] = NAN;
  return AG_OK;
}

/* -- minima ---------------------------------------------------------------------------------- */
typedef struct {
  double value, error; /* error: the largest distance from `want` */
  int64_t iterations, evaluations;
} outcome;

static outcome minimise(ag_lbfgs_fn f, problem *p, double start, int history, double reltol,
                        double (*want)(int64_t i)) {
  outcome o = {0};
  double *x = malloc((size_t)p->n * sizeof *x);
  for (int64_t i = 0; i < p->n; i++) x[i] = start;
  ag_lbfgs *l;
  CHECK_OK(ag_lbfgs_new(&l, p->n, history, x, f, p));
  int done = 0;
  for (; !done && o.iterations < 2000; o.iterations++)
    CHECK_OK(ag_lbfgs_iterate(l, (ag_lbfgs_stop){1e-12, reltol}, &done));
  o.value = ag_lbfgs_value(l), o.evaluations = ag_lbfgs_evaluations(l);
  for (int64_t i = 0; i < p->n; i++) o.error = fmax(o.error, fabs(ag_lbfgs_x(l)[i] - want(i)));
  CHECK(done, "not done after %d iterations", (int)o.iterations);
  CHECK(o.evaluations == p->calls, "%d, %d", (int)o.evaluations, (int)p->calls);
  ag_lbfgs_free(l);
  free(x);
  return o;
}

static double one(int64_t i) { return i * 0.0 + 1; }
static double itself(int64_t i) { return (double)i; }

static void test_minima(void) {
  for (int64_t n = 2; n <= 100; n += 49) {
    problem p = {.n = n};
    if (n % 2) p.n = n + 1;
    outcome o = minimise(rosenbrock, &p, -1.2, 10, 1e-12, one);
    CHECK(o.error < 1e-5 && o.value < 1e-10, "n %d: %g, %g", (int)n, o.error, o.value);
    CHECK(o.evaluations < 100, "n %d: %d", (int)n, (int)o.evaluations);
  }
  for (int history = 2; history <= 64; history *= 4) {
    problem p = {.n = 50};
    outcome o = minimise(valley, &p, 0, history, 1e-14, itself);
    CHECK(o.error < 1e-4, "history %d: %g", history, o.error);
    CHECK(o.evaluations < 1500, "history %d: %d", history, (int)o.evaluations);
  }
  problem p = {.n = 3};
  outcome o = minimise(barrier, &p, 30, 5, 1e-12, one);
  CHECK(o.error < 1e-5, "%g", o.error);
  p = (problem){.n = 10};
  o = minimise(rounded, &p, 0, 10, 1e-8, itself);
  CHECK(o.value < 1e-3, "%g", o.value);
}

/* -- ends ------------------------------------------------------------------------------------ */
static void test_ends(void) {
  problem p = {.n = 2};
  double start[2] = {-1.2, 1};
  int done = 0;
  ag_lbfgs *l;
  CHECK_OK(ag_lbfgs_new(&l, 2, 5, start, rosenbrock, &p));
  int iterations = 0;
  while (!done) {
    double before = ag_lbfgs_value(l);
    CHECK_OK(ag_lbfgs_iterate(l, (ag_lbfgs_stop){0.1, 1e-12}, &done));
    CHECK(ag_lbfgs_value(l) <= before, "%g after %g", ag_lbfgs_value(l), before);
    iterations++;
  }
  CHECK(ag_lbfgs_value(l) < 0.1 && iterations > 3, "%g, %d", ag_lbfgs_value(l), iterations);
  ag_lbfgs_free(l);

  ag_lbfgs_fn ends[] = {flat, no_number};
  for (int i = 0; i < 2; i++) {
    done = 0;
    CHECK_OK(ag_lbfgs_new(&l, 1, 5, start, ends[i], NULL));
    CHECK_OK(ag_lbfgs_iterate(l, (ag_lbfgs_stop){-INFINITY, 1e-8}, &done));
    CHECK(done, "case %d", i);
    CHECK(ag_lbfgs_x(l)[0] == start[0], "case %d moved", i);
    ag_lbfgs_free(l);
  }
}

/* Every evaluation fails once: the status comes back, and the point is the best one so far. */
static void test_failures(void) {
  double start[2] = {-1.2, 1};
  for (int at = 1; at <= 20; at++) {
    problem p = {.n = 2, .fail_at = at};
    ag_lbfgs *l;
    ag_status status = ag_lbfgs_new(&l, 2, 5, start, rosenbrock, &p);
    CHECK((status == AG_E_DEVICE) == (at == 1), "at %d", at);
    CHECK((l == NULL) == (at == 1), "at %d", at);
    for (int i = 0, done; l && i < 50 && status == AG_OK; i++)
      status = ag_lbfgs_iterate(l, (ag_lbfgs_stop){-INFINITY, 0}, &done);
    CHECK(status == AG_E_DEVICE, "at %d", at);
    if (l) {
      double g[2], value;
      p.fail_at = 0;
      CHECK_OK(rosenbrock(&p, ag_lbfgs_x(l), &value, g));
      CHECK(value == ag_lbfgs_value(l), "at %d", at);
    }
    ag_lbfgs_free(l);
  }
}

/* -- the line search: the functions of More and Thuente's section 5 --------------------------- */
static void function1(double a, double *f, double *g) {
  *f = -a / (a * a + 2);
  *g = (a * a - 2) / ((a * a + 2) * (a * a + 2));
}

static void function2(double a, double *f, double *g) {
  double b = a + 0.004;
  *f = pow(b, 5) - 2 * pow(b, 4);
  *g = 5 * pow(b, 4) - 8 * pow(b, 3);
}

static void function4(double a, double *f, double *g) {
  double b1 = sqrt(1 + 1e-6) - 1e-3, b2 = b1;
  double r1 = sqrt((1 - a) * (1 - a) + b2 * b2), r2 = sqrt(a * a + b1 * b1);
  *f = b1 * r1 + b2 * r2;
  *g = b1 * (a - 1) / r1 + b2 * a / r2;
}

static void test_wolfe(void) {
  void (*const function[])(double, double *, double *) = {function1, function2, function4};
  for (int i = 0; i < 3; i++)
    for (double first = 1e-3; first <= 1e3; first *= 10) {
      ag_wolfe w;
      double f0, g0, f, g;
      function[i](0, &f0, &g0);
      ag_wolfe_start(&w, f0, g0, first);
      ag_wolfe_state state = AG_WOLFE_TRY;
      double step = 0;
      while (state == AG_WOLFE_TRY) {
        step = w.step;
        function[i](step, &f, &g);
        state = ag_wolfe_next(&w, f, g);
      }
      CHECK(state == AG_WOLFE_DONE, "function %d from %g: stuck", i, first);
      CHECK(f <= f0 + 1e-4 * step * g0 && fabs(g) <= 0.9 * fabs(g0), "function %d from %g", i,
            first);
      CHECK(w.trials <= 15, "function %d from %g: %d trials", i, first, w.trials);
    }
}

int main(void) {
  test_wolfe();
  test_minima();
  test_ends();
  test_failures();
  return check_summary(0);
}
