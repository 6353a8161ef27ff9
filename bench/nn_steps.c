/* How long an epoch of training takes, without R.
 * Usage: nn_steps [device [explain]]        explain: also what its kernels are
 * Prints lines as bench/gpu.c, and what else there is to say on stderr. */
#define _POSIX_C_SOURCE 199309L
#include "../tests/core/nn_mlp.h"
#include <stdio.h>
#include <time.h>

typedef struct {
  const char *name;
  mlp m;
  int64_t n, batch;
} bench;

static double now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static ag_status start(ag_trainer **t, ag_device *d, const bench *b) {
  const double classes = (double)b->m.width[b->m.n];
  int64_t p = b->m.width[0];
  double *x = malloc((size_t)(b->n * p) * sizeof *x), *y = malloc((size_t)b->n * sizeof *y);
  double *param = mlp_start(&b->m, 1);
  if (!x || !y || !param) return ag_fail(AG_E_MEMORY, "no memory for the data");
  uint64_t seed = 2;
  for (int64_t i = 0; i < b->n * p; i++) x[i] = mlp_uniform(&seed);
  for (int64_t i = 0; i < b->n; i++)
    y[i] = classes > 1 ? floor(mlp_uniform(&seed) * classes) : mlp_uniform(&seed);
  ag_status status = mlp_trainer(t, d, &b->m, b->n, x, y, param);
  free(x), free(y), free(param);
  AG_TRY(status);
  return mlp_pass(*t, &b->m, 1, b->n, b->batch);
}

static void explain(const ag_plan *p) {
  ag_strbuf text = {0};
  ag_plan_describe(p, &text);
  if (ag_strbuf_get(&text)) puts(ag_strbuf_get(&text));
  ag_strbuf_drop(&text);
}

static ag_status run(ag_device *d, const bench *b, int verbose) {
  ag_trainer *t = NULL;
  double at = now(), best = INFINITY;
  AG_TRY(start(&t, d, b));
  double setup = now() - at;
  if (verbose) explain(ag_pass_plan(&t->pass[1], b->batch)->plan);
  mlp_epoch e;
  int64_t launches = ag_stat.launches;
  for (int i = 0; i < 5; i++) {
    at = now();
    AG_TRY(mlp_run(t, &b->m, 1, 0, &e));
    double took = now() - at;
    if (took < best) best = took;
  }
  int64_t steps = (b->n + b->batch - 1) / b->batch;
  printf("%s, epoch of %d\t%.4g\tms\t\n", b->name, (int)b->n, 1e3 * best);
  fprintf(stderr, "%-30s %8.1f us per batch, %.1f launches, set-up %.2f s\n", b->name,
          1e6 * best / (double)steps, (double)(ag_stat.launches - launches) / (5.0 * (double)steps),
          setup);
  ag_trainer_free(t);
  return AG_OK;
}

int main(int argc, char **argv) {
  const mlp_optim adam = {1, .lr = 0.001, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8},
                  sgd = {.lr = 0.01};
  const mlp digits = {3, {784, 256, 128, 10}, AG_OP_relu, MLP_CROSS_ENTROPY, adam},
            narrow = {5, {10, 40, 40, 40, 40, 1}, AG_OP_relu, MLP_MSE, sgd},
            deep = {9, {10, 160, 160, 160, 160, 160, 160, 160, 160, 1}, AG_OP_relu, MLP_MSE, sgd};
  const bench all[] = {{"MLP 784-256-128-10", digits, 60000, 128},
                       {"MLP 10-40x4-1", narrow, 32000, 32},
                       {"MLP 10-160x8-1", deep, 32000, 32}};
  ag_device *d;
  ag_device_set_kernel_dir("inst/kernels");
  ag_status status = ag_device_find(&d, argc > 1 ? argv[1] : "host");
  for (size_t i = 0; status == AG_OK && i < sizeof all / sizeof *all; i++)
    status = run(d, &all[i], argc > 2);
  if (status != AG_OK) fprintf(stderr, "%s\n", ag_error_message());
  return status != AG_OK;
}
