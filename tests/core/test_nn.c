/* The trainer alone: gradients against finite differences of an independent double precision
 * network, steps with states against their formulas, learning, the last batch, leaks.
 * Usage: test_nn [device] */
#include "nn_mlp.h"
#include "check.h"
#include <stdio.h>

/* -- an independent network in double precision -------------------------------------------- */
static double activate(ag_op act, double z) {
  if (act == AG_OP_relu) return z > 0 ? z : 0;
  if (act == AG_OP_tanh) return tanh(z);
  return 1 / (1 + exp(-z));
}

static void forward(const mlp *m, const double *p, const double *x, int64_t n, int64_t j,
                    double *h) {
  double z[64];
  for (int64_t i = 0; i < m->width[0]; i++) h[i] = (float)x[j + n * i];
  for (int l = 0; l < m->n; l++) {
    int64_t in = m->width[l], out = m->width[l + 1];
    for (int64_t i = 0; i < out; i++) {
      z[i] = p[out * in + i];
      for (int64_t q = 0; q < in; q++) z[i] += p[i + out * q] * h[q];
    }
    for (int64_t i = 0; i < out; i++) h[i] = l == m->n - 1 ? z[i] : activate(m->act, z[i]);
    p += out * (in + 1);
  }
}

static double sample_loss(mlp_loss loss, const double *z, int64_t k, const double *y) {
  double sum = 0;
  if (loss == MLP_MSE) {
    for (int64_t i = 0; i < k; i++) sum += (z[i] - y[i]) * (z[i] - y[i]);
    return sum / (double)k;
  }
  for (int64_t i = 0; i < k; i++) sum += exp(z[i]);
  return log(sum) - z[(int)y[0]];
}

static double mean_loss(const mlp *m, const double *p, const double *x, int64_t n, int64_t ky,
                        const double *y) {
  double sum = 0, h[64];
  for (int64_t j = 0; j < n; j++) {
    forward(m, p, x, n, j, h);
    sum += sample_loss(m->loss, h, m->width[m->n], y + ky * j);
  }
  return sum / (double)n;
}

static void numeric_gradient(const mlp *m, double *p, const double *x, int64_t n, int64_t ky,
                             const double *y, double *g) {
  const double eps = 1e-5;
  for (int64_t i = 0; i < mlp_nparam(m); i++) {
    double old = p[i];
    p[i] = old + eps;
    double up = mean_loss(m, p, x, n, ky, y);
    p[i] = old - eps;
    g[i] = (up - mean_loss(m, p, x, n, ky, y)) / (2 * eps);
    p[i] = old;
  }
}

/* -- tests --------------------------------------------------------------------------------- */
typedef struct {
  int64_t n, ky;
  double *x, *y;
} data_set;

static data_set data_new(int64_t n, int64_t p, int64_t ky, int classes) {
  uint64_t seed = 42;
  data_set d = {n, ky, malloc((size_t)(n * p) * sizeof(double)),
                malloc((size_t)(n * ky) * sizeof(double))};
  for (int64_t i = 0; i < n * p; i++) d.x[i] = 2 * mlp_uniform(&seed) - 1;
  for (int64_t i = 0; i < n * ky; i++) {
    double u = mlp_uniform(&seed);
    d.y[i] = classes ? floor(u * classes) : u;
  }
  return d;
}

static void data_free(data_set *d) {
  free(d->x);
  free(d->y);
}

static const mlp_optim step_of_1 = {.lr = 1},
                       adam = {.adam = 1, .lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};

/* A trainer of the data in batches of `batch`. */
static ag_status train(ag_trainer **t, ag_device *dev, const mlp *m, const data_set *d,
                       const double *p, int64_t batch) {
  AG_TRY(mlp_trainer(t, dev, m, d->n, d->x, d->y, p));
  return mlp_pass(*t, m, 1, d->n, batch);
}

/* Gradient of the mean loss of all data, exact to float32: a step of SGD with learning rate 1 moves
 * the parameters by it. Gives the loss. */
static double gradient(ag_device *dev, mlp m, const data_set *d, const double *p, double *g) {
  ag_trainer *t = NULL;
  mlp_epoch e = {0};
  m.optim = step_of_1;
  CHECK_OK(train(&t, dev, &m, d, p, d->n));
  CHECK_OK(mlp_run(t, &m, 1, 0, &e));
  CHECK_OK(ag_trainer_read(t, AG_IN_PARAM, g));
  for (int64_t i = 0; i < mlp_nparam(&m); i++) g[i] = (float)p[i] - g[i];
  ag_trainer_free(t);
  return e.loss;
}

static void test_gradient(ag_device *dev, mlp_loss loss, ag_op act) {
  mlp m = {3, {3, 5, 4, 3}, act, loss, {0}};
  int64_t ky = loss == MLP_MSE ? 3 : 1, np = mlp_nparam(&m);
  data_set d = data_new(11, 3, ky, loss == MLP_MSE ? 0 : 3);
  double *p = mlp_start(&m, 7), *have = malloc((size_t)np * sizeof *have),
         *want = malloc((size_t)np * sizeof *want), worst = 0;
  for (int64_t i = 0; i < np; i++) p[i] = (float)(p[i] + 0.01);
  double value = gradient(dev, m, &d, p, have);
  for (int64_t i = 0; i < d.n * 3; i++) d.x[i] = (float)d.x[i];
  CHECK(fabs(value - mean_loss(&m, p, d.x, d.n, ky, d.y)) < 1e-5, "loss %g", value);
  numeric_gradient(&m, p, d.x, d.n, ky, d.y, want);
  for (int64_t i = 0; i < np; i++) worst = fmax(worst, fabs(have[i] - want[i]));
  CHECK(worst < 2e-6, "loss %d, op %d: gradients differ by %g", loss, act, worst);
  data_free(&d);
  free(p), free(have), free(want);
}

static void optim_reference(const mlp_optim *o, int t, int64_t n, double *p, const double *g,
                            double *s1, double *s2) {
  for (int64_t i = 0; i < n; i++) {
    if (!o->adam) {
      s1[i] = o->momentum * s1[i] + g[i];
      p[i] -= o->lr * s1[i];
      continue;
    }
    s1[i] = o->beta1 * s1[i] + (1 - o->beta1) * g[i];
    s2[i] = o->beta2 * s2[i] + (1 - o->beta2) * g[i] * g[i];
    double mhat = s1[i] / (1 - pow(o->beta1, t)), vhat = s2[i] / (1 - pow(o->beta2, t));
    p[i] -= o->lr * mhat / (sqrt(vhat) + o->eps);
  }
}

/* States and the numbers that change with the step. */
static void test_steps(ag_device *dev, mlp_optim o) {
  mlp m = {2, {3, 4, 1}, AG_OP_tanh, MLP_MSE, o};
  data_set d = data_new(10, 3, 1, 0);
  size_t np = (size_t)mlp_nparam(&m);
  double *p = mlp_start(&m, 3), *q = malloc(np * sizeof *q), *g = malloc(np * sizeof *g);
  double *s1 = calloc(np, sizeof *s1), *s2 = calloc(np, sizeof *s2), worst = 0;
  ag_trainer *t = NULL;
  mlp_epoch e;
  CHECK_OK(train(&t, dev, &m, &d, p, d.n));
  for (int step = 1; step <= 5; step++) {
    CHECK_OK(mlp_run(t, &m, 1, step - 1, &e));
    gradient(dev, m, &d, p, g);
    optim_reference(&o, step, (int64_t)np, p, g, s1, s2);
  }
  CHECK_OK(ag_trainer_read(t, AG_IN_PARAM, q));
  for (size_t i = 0; i < np; i++) worst = fmax(worst, fabs(p[i] - q[i]));
  CHECK(worst < 1e-4 * o.lr * 5, "adam %d: parameters differ by %g", o.adam, worst);
  ag_trainer_free(t);
  data_free(&d);
  free(p), free(q), free(g), free(s1), free(s2);
}

/* Exclusive or of two signs; 101 samples in batches of 16 leave a last batch of 5. */
static void test_learning(ag_device *dev) {
  mlp m = {2, {2, 16, 2}, AG_OP_relu, MLP_CROSS_ENTROPY, adam};
  data_set d = data_new(101, 2, 1, 2);
  for (int64_t j = 0; j < d.n; j++) d.y[j] = (d.x[j] > 0) != (d.x[j + d.n] > 0);
  double *p = mlp_start(&m, 1);
  ag_trainer *t = NULL;
  mlp_epoch e = {0}, v = {0};
  CHECK_OK(train(&t, dev, &m, &d, p, 16));
  CHECK_OK(mlp_pass(t, &m, 0, d.n, 64));
  for (int i = 0; i < 200; i++) CHECK_OK(mlp_run(t, &m, 1, 7 * i, &e));
  CHECK(e.done.batches == 7, "%d batches", (int)e.done.batches);
  CHECK_OK(mlp_run(t, &m, 0, 0, &v));
  CHECK(e.loss < 0.15 && v.loss < 0.1, "loss %g, afterwards %g", e.loss, v.loss);
  ag_trainer_free(t);
  data_free(&d);
  free(p);
}

static int stop_now(void) { return 1; }

/* Asked to stop, a pass ends after the batch it was in: no error, and the rest undone. */
static void test_interrupt(ag_device *dev) {
  mlp m = {2, {20, 300, 2}, AG_OP_relu, MLP_CROSS_ENTROPY, {.lr = 0.01}};
  data_set d = data_new(20000, 20, 1, 2);
  double *p = mlp_start(&m, 1);
  ag_trainer *t = NULL;
  mlp_epoch e;
  CHECK_OK(train(&t, dev, &m, &d, p, 2));
  ag_hook_interrupted = stop_now;
  CHECK_OK(mlp_run(t, &m, 1, 0, &e));
  ag_hook_interrupted = NULL;
  CHECK(e.done.interrupted && e.done.batches > 0 && e.done.batches < d.n / 2, "%d batches",
        (int)e.done.batches);
  ag_trainer_free(t);
  data_free(&d);
  free(p);
}

static void test_bad_input(ag_device *dev) {
  mlp m = {1, {2, 3}, AG_OP_relu, MLP_CROSS_ENTROPY, {.lr = 0.01}};
  data_set d = data_new(5, 2, 1, 3);
  double *p = mlp_start(&m, 1);
  ag_trainer *t = NULL;
  mlp_epoch e;
  int bad = 5;
  CHECK_OK(mlp_trainer(&t, dev, &m, d.n, d.x, d.y, p));
  CHECK(ag_trainer_pass(t, 1, 1, &bad, 1) == AG_E_ARGUMENT, "took a sample that does not exist");
  CHECK_OK(ag_trainer_pass(t, 1, d.n, NULL, 2));
  CHECK(mlp_run(t, &m, 1, 0, &e) == AG_E_ARGUMENT, "ran without plans");
  CHECK_OK(mlp_trace(t, &m, 1, 2));
  CHECK(mlp_trace(t, &m, 1, 2) == AG_E_ARGUMENT, "two plans for one size");
  ag_trainer_free(t);
  data_free(&d);
  free(p);
}

static ag_status small_training(ag_device *dev, const mlp *m, const data_set *d, const double *p) {
  ag_trainer *t = NULL;
  mlp_epoch e;
  double q[64];
  ag_status status = train(&t, dev, m, d, p, 4);
  if (status == AG_OK) status = mlp_run(t, m, 1, 0, &e);
  if (status == AG_OK) status = ag_trainer_read(t, AG_IN_PARAM, q);
  ag_trainer_free(t);
  return status;
}

/* Whichever device call fails: a status, a message, and nothing left behind. */
static void test_faults(ag_device *dev) {
  mlp m = {2, {2, 3, 2}, AG_OP_relu, MLP_CROSS_ENTROPY, adam};
  data_set d = data_new(10, 2, 1, 2);
  double *p = mlp_start(&m, 1);
  int64_t live = ag_array_live(), buffers = ag_device_memory(dev).live_buffers;
  ag_status status = AG_E_DEVICE;
  long n = 0;
  while (status != AG_OK && n < 2000) {
    ag_fault_after(++n);
    status = small_training(dev, &m, &d, p);
    ag_fault_after(0);
    CHECK(status == AG_OK || *ag_error_message(), "call %ld failed without a message", n);
    CHECK(ag_array_live() == live, "call %ld: %d nodes leak", n, (int)(ag_array_live() - live));
    CHECK(ag_device_memory(dev).live_buffers == buffers, "call %ld: buffers leak", n);
  }
  CHECK(n > 50 && status == AG_OK, "stopped at call %ld", n);
  data_free(&d);
  free(p);
}

int main(int argc, char **argv) {
  ag_device *dev;
  ag_device_set_kernel_dir(argc > 1 ? argv[1] : "inst/kernels");
  if (ag_device_find(&dev, argc > 2 ? argv[2] : "host") != AG_OK) {
    fprintf(stderr, "%s\n", ag_error_message());
    return 2;
  }
  int64_t live = ag_array_live();
  test_gradient(dev, MLP_MSE, AG_OP_tanh);
  test_gradient(dev, MLP_MSE, AG_OP_relu);
  test_gradient(dev, MLP_CROSS_ENTROPY, AG_OP_sigmoid);
  test_gradient(dev, MLP_CROSS_ENTROPY, AG_OP_relu);
  test_steps(dev, (mlp_optim){.lr = 0.1});
  test_steps(dev, (mlp_optim){.lr = 0.1, .momentum = 0.9});
  test_steps(dev, adam);
  test_learning(dev);
  test_interrupt(dev);
  test_bad_input(dev);
  test_faults(dev);
  CHECK(ag_array_live() == live, "%d nodes leak", (int)(ag_array_live() - live));
  CHECK(ag_device_memory(dev).live_buffers == 0, "%d buffers leak",
        (int)ag_device_memory(dev).live_buffers);
  ag_device_shutdown();
  return check_summary(0);
}
