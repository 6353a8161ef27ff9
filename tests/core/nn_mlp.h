/* Multilayer perceptrons for the C tests and benchmarks of the trainer: what R's layers, losses and
 * optimisers do, composed by hand. */
#ifndef AG_NN_MLP_H
#define AG_NN_MLP_H

#include "nn/epoch.h"
#include "nn/samples.h"
#include <math.h>
#include <stdlib.h>

#define MLP_MAX 9

typedef enum { MLP_MSE, MLP_CROSS_ENTROPY } mlp_loss;
typedef struct {
  int adam; /* else SGD */
  double lr, momentum, beta1, beta2, eps;
} mlp_optim;

/* width[0] inputs, ..., width[n] outputs; `act` after all layers but the last. */
typedef struct {
  int n;
  int64_t width[MLP_MAX + 1];
  ag_op act;
  mlp_loss loss;
  mlp_optim optim;
} mlp;

static inline int64_t mlp_nparam(const mlp *m) {
  int64_t n = 0;
  for (int l = 0; l < m->n; l++) n += m->width[l + 1] * (m->width[l] + 1);
  return n;
}

/* xorshift64*: the tests need numbers that are the same everywhere */
static inline double mlp_uniform(uint64_t *s) {
  *s ^= *s >> 12;
  *s ^= *s << 25;
  *s ^= *s >> 27;
  return (double)((*s * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
}

/* Weights uniform in +-sqrt(6 / inputs), biases 0. Caller frees. */
static inline double *mlp_start(const mlp *m, uint64_t seed) {
  double *p = calloc((size_t)mlp_nparam(m), sizeof *p), *w = p;
  for (int l = 0; p && l < m->n; l++) {
    double limit = sqrt(6.0 / (double)m->width[l]);
    int64_t n = m->width[l + 1] * m->width[l];
    for (int64_t i = 0; i < n; i++) w[i] = limit * (2 * mlp_uniform(&seed) - 1);
    w += n + m->width[l + 1];
  }
  return p;
}

/* -- what a batch does ----------------------------------------------------------------------- */
static inline ag_array *mlp_layer(ag_builder *b, const mlp *m, int l, ag_array *const *view,
                                  ag_array *h) {
  ag_array *product = NULL;
  if (b->status != AG_OK) return NULL;
  ag_status status = ag_expr_matmul(&product, view[2 * l], h, 0, 0);
  product = ag_builder_own(b, status, product);
  ag_array *z = ag_builder_binary(b, AG_OP_add, product, view[2 * l + 1]);
  return l == m->n - 1 ? z : ag_builder_unary(b, m->act, z);
}

/* log(sum(exp(z))) - z[class] of each sample; y is 1 at the class. */
static inline ag_array *mlp_cross_entropy(ag_builder *b, ag_array *z, ag_array *y) {
  ag_array *top = ag_builder_unary(b, AG_OP_stop, ag_builder_reduce(b, z, AG_MAX, 0, 1));
  ag_array *shifted = ag_builder_binary(b, AG_OP_sub, z, ag_builder_stretch(b, top, z));
  ag_array *sum = ag_builder_reduce(b, ag_builder_unary(b, AG_OP_exp, shifted), AG_SUM, 0, 1);
  ag_array *at = ag_builder_reduce(b, ag_builder_binary(b, AG_OP_mul, shifted, y), AG_SUM, 0, 1);
  return ag_builder_binary(b, AG_OP_sub, ag_builder_unary(b, AG_OP_log, sum), at);
}

static inline ag_array *mlp_mean_loss(ag_builder *b, const mlp *m, ag_array *z, ag_array *y) {
  ag_array *each = NULL;
  if (b->status != AG_OK) return NULL;
  if (m->loss == MLP_CROSS_ENTROPY) each = mlp_cross_entropy(b, z, y);
  else each = ag_builder_unary(b, AG_OP_square, ag_builder_binary(b, AG_OP_sub, z, y));
  return ag_builder_reduce(b, each, AG_MEAN, 0, 2);
}

/* decay * old + part * x */
static inline ag_array *mlp_mix(ag_builder *b, double decay, ag_array *old, double part,
                                ag_array *x) {
  ag_array *kept = ag_builder_binary(b, AG_OP_mul, ag_builder_scalar(b, decay), old);
  return ag_builder_binary(b, AG_OP_add, kept,
                           ag_builder_binary(b, AG_OP_mul, ag_builder_scalar(b, part), x));
}

/* next[0]: the parameters, then the states. The scalars of Adam's step are those of mlp_scalars().
 */
static inline void mlp_update(ag_builder *b, const mlp *m, ag_trainer *t, ag_array *g,
                              ag_array **next) {
  const mlp_optim *o = &m->optim;
  ag_array *size = ag_builder_scalar(b, o->lr), *move = g;
  if (o->adam) {
    next[1] = mlp_mix(b, o->beta1, ag_trainer_input(t, AG_IN_STATE), 1 - o->beta1, g);
    next[2] = mlp_mix(b, o->beta2, ag_trainer_input(t, AG_IN_STATE + 1), 1 - o->beta2,
                      ag_builder_unary(b, AG_OP_square, g));
    ag_array *v = ag_builder_binary(b, AG_OP_mul, next[2], ag_trainer_input(t, AG_IN_SCALAR + 1));
    ag_array *root = ag_builder_unary(b, AG_OP_sqrt, v);
    root = ag_builder_binary(b, AG_OP_add, root, ag_builder_scalar(b, o->eps));
    move = ag_builder_binary(b, AG_OP_div, next[1], root);
    size = ag_trainer_input(t, AG_IN_SCALAR);
  } else if (o->momentum > 0) {
    move = next[1] = mlp_mix(b, o->momentum, ag_trainer_input(t, AG_IN_STATE), 1, g);
  }
  next[0] = ag_builder_binary(b, AG_OP_sub, ag_trainer_input(t, AG_IN_PARAM),
                              ag_builder_binary(b, AG_OP_mul, size, move));
}

static inline int mlp_nstate(const mlp *m) { return m->optim.adam ? 2 : m->optim.momentum > 0; }

static inline ag_status mlp_compile(ag_builder *b, const mlp *m, ag_trainer *t, int training,
                                    ag_array *loss, int64_t size) {
  static const int which[] = {AG_IN_PARAM, AG_IN_STATE, AG_IN_STATE + 1};
  ag_array *next[3] = {0}, *g = NULL;
  ag_array *sum = ag_builder_binary(b, AG_OP_mul, loss, ag_builder_scalar(b, (double)size));
  if (training && b->status == AG_OK) {
    ag_status status = ag_trainer_gradient(t, loss, 0, NULL, &g);
    g = ag_builder_own(b, status, g);
    if (g) mlp_update(b, m, t, g, next);
  }
  if (b->status != AG_OK) return b->status;
  ag_batch_step step = {.nsum = 1,
                        .sum = &sum,
                        .nnext = training ? 1 + mlp_nstate(m) : 0,
                        .which = which,
                        .next = next};
  return ag_trainer_compile(t, &step);
}

static inline ag_status mlp_trace(ag_trainer *t, const mlp *m, int training, int64_t size) {
  ag_builder b = {0};
  ag_array *in[2] = {NULL, NULL};
  ag_status status = ag_trainer_trace(t, training, size, in);
  ag_array *h = ag_builder_own(&b, status, in[0]), *y = ag_builder_own(&b, status, in[1]);
  for (int l = 0; l < m->n; l++) h = mlp_layer(&b, m, l, t->view, h);
  status = mlp_compile(&b, m, t, training, mlp_mean_loss(&b, m, h, y), size);
  ag_status end = ag_builder_end(&b);
  return status != AG_OK ? status : end;
}

/* -- the trainer ----------------------------------------------------------------------------- */
static inline ag_status mlp_params(ag_trainer *t, const mlp *m) {
  int64_t offset = 0;
  for (int l = 0; l < m->n; l++) {
    ag_shape shape[2] = {ag_shape_of(2, m->width[l + 1], m->width[l]),
                         ag_shape_of(1, m->width[l + 1])};
    for (int i = 0; i < 2; i++) {
      ag_array *view;
      AG_TRY(ag_trainer_view(t, AG_IN_PARAM, offset, shape[i], &view));
      offset += ag_array_count(view);
      ag_array_release(view);
    }
  }
  return AG_OK;
}

/* Classes 0, 1, ... as columns with a 1; other targets as they are. Caller frees. */
static inline double *mlp_targets(const mlp *m, int64_t n, const double *y) {
  int64_t k = m->width[m->n];
  double *out = calloc((size_t)(k * n), sizeof *out);
  for (int64_t i = 0; out && i < (m->loss == MLP_MSE ? k * n : n); i++) {
    if (m->loss == MLP_MSE) out[i] = y[i];
    else out[(int64_t)y[i] + k * i] = 1;
  }
  return out;
}

/* x is n x width[0] as in R; y is outputs x n, or n classes. */
static inline ag_status mlp_trainer(ag_trainer **out, ag_device *d, const mlp *m, int64_t n,
                                    const double *x, const double *y, const double *param) {
  ag_array *data[2] = {NULL, NULL};
  double *target = mlp_targets(m, n, y);
  if (!target) return ag_fail(AG_E_MEMORY, "no memory for targets");
  ag_status status = ag_samples_write(&data[0], d, AG_F32, ag_shape_of(2, n, m->width[0]), x);
  if (status == AG_OK)
    status = ag_array_write(&data[1], d, AG_F32, ag_shape_of(2, m->width[m->n], n), target, AG_F64);
  free(target);
  ag_trainer_spec spec = {.type = AG_F32,
                          .ndata = 2,
                          .nstate = mlp_nstate(m),
                          .nscalar = m->optim.adam ? 2 : 0,
                          .data = data,
                          .nparam = mlp_nparam(m),
                          .param = param};
  if (status == AG_OK) status = ag_trainer_new(out, d, &spec);
  ag_array_release(data[0]);
  ag_array_release(data[1]);
  AG_TRY(status);
  return mlp_params(*out, m);
}

/* Pass 1 (training) or 0 over the samples 0 .. n-1, with its plans. */
static inline ag_status mlp_pass(ag_trainer *t, const mlp *m, int training, int64_t n,
                                 int64_t batch) {
  AG_TRY(ag_trainer_pass(t, training, n, NULL, batch));
  AG_TRY(mlp_trace(t, m, training, batch < n ? batch : n));
  return batch < n && n % batch ? mlp_trace(t, m, training, n % batch) : AG_OK;
}

typedef struct {
  double loss;
  ag_epoch_done done;
} mlp_epoch;

/* One epoch after `steps` steps; its mean loss if it came to its end. */
static inline ag_status mlp_run(ag_trainer *t, const mlp *m, int training, int64_t steps,
                                mlp_epoch *e) {
  const ag_pass *pass = &t->pass[training];
  const mlp_optim *o = &m->optim;
  int64_t batches = (pass->n + pass->batch - 1) / pass->batch;
  double *scalar = malloc((size_t)(2 * batches) * sizeof *scalar);
  if (!scalar) return ag_fail(AG_E_MEMORY, "no memory for step sizes");
  for (int64_t i = 0; i < batches; i++) {
    double k = (double)(steps + i + 1);
    scalar[2 * i] = o->lr / (1 - pow(o->beta1, k));
    scalar[2 * i + 1] = 1 / (1 - pow(o->beta2, k));
  }
  ag_epoch_run run = {.pass = training, .batches = batches, .scalar = scalar};
  ag_status status = ag_trainer_pass(t, training, pass->n, NULL, pass->batch);
  if (status == AG_OK) status = ag_epoch_run_batches(t, &run, &e->done);
  if (status == AG_OK) status = ag_epoch_sums(t, training, &e->loss);
  e->loss /= (double)pass->n;
  free(scalar);
  return status;
}

#endif
