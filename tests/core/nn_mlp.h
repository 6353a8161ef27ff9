/* Multilayer perceptrons for the C tests and benchmarks of the trainer: what R's layers do. */
#ifndef AG_NN_MLP_H
#define AG_NN_MLP_H

#include "nn/epoch.h"
#include "nn/samples.h"
#include <math.h>
#include <stdlib.h>

#define MLP_MAX 8

/* width[0] inputs, ..., width[n] outputs; `act` after all layers but the last. */
typedef struct {
  int n;
  int64_t width[MLP_MAX + 1];
  ag_op act;
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

static inline ag_array *mlp_layer(ag_builder *b, const mlp *m, int l, ag_array *w, ag_array *bias,
                                  ag_array *h) {
  ag_array *product = NULL;
  if (b->status != AG_OK) return NULL;
  ag_status status = ag_expr_matmul(&product, w, h, 0, 0);
  product = ag_builder_own(b, status, product);
  ag_array *z = ag_builder_binary(b, AG_OP_add, product, bias);
  return l == m->n - 1 ? z : ag_builder_unary(b, m->act, z);
}

static inline ag_status mlp_params(ag_trainer *t, const mlp *m) {
  int64_t offset = 0;
  for (int l = 0; l < m->n; l++) {
    ag_shape shape[2] = {ag_shape_of(2, m->width[l + 1], m->width[l]),
                         ag_shape_of(1, m->width[l + 1])};
    for (int i = 0; i < 2; i++) {
      ag_array *view;
      AG_TRY(ag_trainer_param(t, offset, shape[i], &view));
      offset += ag_array_count(view);
      ag_array_release(view);
    }
  }
  return AG_OK;
}

static inline ag_status mlp_trace(ag_trainer *t, const mlp *m, int training, int64_t batch) {
  ag_builder b = {0};
  ag_array *h = NULL;
  ag_status status = ag_trainer_trace(t, batch, &h);
  h = ag_builder_own(&b, status, h);
  for (int l = 0; l < m->n; l++) h = mlp_layer(&b, m, l, t->view[2 * l], t->view[2 * l + 1], h);
  status = b.status == AG_OK ? ag_trainer_compile(t, training, h) : b.status;
  ag_status end = ag_builder_end(&b);
  return status != AG_OK ? status : end;
}

/* A pass over the samples 0 .. n-1, with its plans. */
static inline ag_status mlp_pass(ag_trainer *t, const mlp *m, int training, int64_t n,
                                 int64_t batch) {
  int *index = malloc((size_t)n * sizeof *index);
  if (!index) return ag_fail(AG_E_MEMORY, "no memory for an index");
  for (int64_t i = 0; i < n; i++) index[i] = (int)i;
  ag_status status = ag_trainer_pass(t, training, n, index, batch);
  free(index);
  AG_TRY(status);
  AG_TRY(mlp_trace(t, m, training, batch < n ? batch : n));
  return batch < n && n % batch ? mlp_trace(t, m, training, n % batch) : AG_OK;
}

/* x is n x width[0] as in R, y is k x n. */
static inline ag_status mlp_trainer(ag_trainer **out, ag_device *d, const mlp *m, int64_t n,
                                    const double *x, int64_t k, const double *y, ag_loss loss,
                                    const ag_optim *optim, const double *param) {
  ag_array *xa = NULL, *ya = NULL;
  ag_status status = ag_samples_write(&xa, d, n, m->width[0], x);
  if (status == AG_OK) status = ag_array_write(&ya, d, AG_F32, ag_shape_of(2, k, n), y, AG_F64);
  if (status == AG_OK) status = ag_trainer_new(out, xa, ya, loss, optim, mlp_nparam(m), param);
  ag_array_release(xa);
  ag_array_release(ya);
  AG_TRY(status);
  return mlp_params(*out, m);
}

#endif
