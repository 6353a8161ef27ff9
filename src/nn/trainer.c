#include "trainer.h"
#include <stdlib.h>

/* A float32 vector on the device, and the input of a plan that will be bound to it. */
static ag_status vector_new(ag_trainer *t, int64_t n, int number, ag_buffer **buf, ag_array **in) {
  size_t bytes = (size_t)n * sizeof(float);
  AG_TRY(ag_buffer_new(buf, t->dev, bytes));
  AG_TRY(ag_buffer_zero(*buf, 0, bytes));
  return ag_expr_input(in, t->dev, AG_F32, ag_shape_of(1, n), number);
}

static ag_status param_write(ag_trainer *t, const double *param) {
  float *value = malloc((size_t)t->nparam * sizeof *value);
  if (!value) return ag_fail(AG_E_MEMORY, "no memory for %lld parameters", (long long)t->nparam);
  for (int64_t i = 0; i < t->nparam; i++) value[i] = (float)param[i];
  ag_status status = ag_buffer_write(t->param, 0, value, (size_t)t->nparam * sizeof *value);
  free(value);
  return status;
}

static ag_status trainer_fill(ag_trainer *t, const double *param) {
  AG_TRY(ag_array_force(2, (ag_array *const[]){t->x, t->y}));
  AG_TRY(ag_expr_input(&t->in_x, t->dev, AG_F32, t->x->shape, AG_IN_X));
  AG_TRY(ag_expr_input(&t->in_y, t->dev, AG_F32, t->y->shape, AG_IN_Y));
  AG_TRY(vector_new(t, ag_loss_nsums(t->loss), AG_IN_TOTAL, &t->total, &t->in_total));
  AG_TRY(vector_new(t, t->nparam, AG_IN_PARAM, &t->param, &t->in_param));
  for (int i = 0; i < ag_optim_nstates(&t->optim); i++)
    AG_TRY(vector_new(t, t->nparam, AG_IN_STATE + i, &t->state[i], &t->in_state[i]));
  for (int i = 0; i < AG_OPTIM_SCALARS; i++)
    AG_TRY(ag_expr_scalar_input(&t->in_scalar[i], AG_F32, AG_IN_SCALAR + i));
  return param_write(t, param);
}

ag_status ag_trainer_new(ag_trainer **out, ag_array *x, ag_array *y, ag_loss loss,
                         const ag_optim *optim, int64_t nparam, const double *param) {
  *out = NULL;
  if (x->type != AG_F32 || y->type != AG_F32)
    return ag_fail(AG_E_TYPE, "training data: x is %s, y is %s, not float32",
                   ag_dtype_name(x->type), ag_dtype_name(y->type));
  if (x->shape.nd != 2 || y->shape.nd != 2 || x->shape.dim[1] != y->shape.dim[1])
    return ag_fail(AG_E_SHAPE, "training data: x and y need one column per sample");
  if (nparam < 1) return ag_fail(AG_E_ARGUMENT, "a model without parameters cannot be trained");
  ag_trainer *t = calloc(1, sizeof *t);
  if (!t) return ag_fail(AG_E_MEMORY, "no memory for a trainer");
  t->dev = x->dev;
  t->x = ag_array_retain(x);
  t->y = ag_array_retain(y);
  t->loss = loss;
  t->optim = *optim;
  t->nparam = nparam;
  t->train.training = 1;
  ag_status status = trainer_fill(t, param);
  if (status != AG_OK) {
    ag_trainer_free(t);
    return status;
  }
  *out = t;
  return AG_OK;
}

static void pass_drop(ag_pass *pass) {
  ag_plan_free(pass->full);
  ag_plan_free(pass->rest);
  ag_buffer_release(pass->index);
  *pass = (ag_pass){.training = pass->training};
}

void ag_trainer_free(ag_trainer *t) {
  if (!t) return;
  pass_drop(&t->train);
  pass_drop(&t->valid);
  for (int i = 0; i < t->nview; i++) ag_array_release(t->view[i]);
  free(t->view);
  ag_array_release(t->index);
  for (int i = 0; i < AG_OPTIM_STATES; i++) ag_array_release(t->in_state[i]);
  for (int i = 0; i < AG_OPTIM_SCALARS; i++) ag_array_release(t->in_scalar[i]);
  ag_array_release(t->in_param);
  ag_array_release(t->in_total);
  ag_array_release(t->in_y);
  ag_array_release(t->in_x);
  for (int i = 0; i < AG_OPTIM_STATES; i++) ag_buffer_release(t->state[i]);
  ag_buffer_release(t->param);
  ag_buffer_release(t->total);
  ag_array_release(t->y);
  ag_array_release(t->x);
  free(t);
}

ag_status ag_trainer_param(ag_trainer *t, int64_t offset, ag_shape shape, ag_array **out) {
  int64_t n = ag_shape_count(&shape), step = 1;
  if (offset < 0 || offset + n > t->nparam)
    return ag_fail(AG_E_SHAPE, "parameters %lld to %lld of %lld", (long long)offset,
                   (long long)(offset + n), (long long)t->nparam);
  ag_array **view = realloc(t->view, (size_t)(t->nview + 1) * sizeof *view);
  if (!view) return ag_fail(AG_E_MEMORY, "no memory for a parameter");
  t->view = view;
  ag_array *part;
  AG_TRY(ag_expr_slice(&part, t->in_param, &offset, &step, &n));
  ag_status status = ag_expr_reshape(out, part, shape);
  ag_array_release(part);
  if (status == AG_OK) t->view[t->nview++] = ag_array_retain(*out);
  return status;
}

ag_status ag_trainer_pass(ag_trainer *t, int training, int64_t n, const int *index, int64_t batch) {
  ag_pass *pass = training ? &t->train : &t->valid;
  if (n < 1 || batch < 1)
    return ag_fail(AG_E_ARGUMENT, "a pass over %lld samples in batches of %lld", (long long)n,
                   (long long)batch);
  for (int64_t i = 0; i < n; i++)
    if (index[i] < 0 || index[i] >= t->x->shape.dim[1])
      return ag_fail(AG_E_ARGUMENT, "sample %d of %lld", index[i], (long long)t->x->shape.dim[1]);
  pass_drop(pass);
  pass->n = n;
  pass->batch = batch < n ? batch : n;
  AG_TRY(ag_buffer_new(&pass->index, t->dev, (size_t)n * sizeof *index));
  return ag_buffer_write(pass->index, 0, index, (size_t)n * sizeof *index);
}

ag_status ag_trainer_trace(ag_trainer *t, int64_t batch, ag_array **out) {
  ag_array_release(t->index);
  t->index = NULL;
  AG_TRY(ag_expr_input(&t->index, t->dev, AG_I32, ag_shape_of(1, batch), AG_IN_INDEX));
  return ag_expr_gather(out, t->in_x, t->index);
}

static ag_status output_check(const ag_trainer *t, const ag_array *z) {
  int64_t batch = t->index->shape.dim[0];
  if (z->shape.nd != 2 || z->shape.dim[1] != batch)
    return ag_fail(AG_E_SHAPE, "the model's output should have %lld columns, one per sample",
                   (long long)batch);
  if (t->loss == AG_LOSS_MSE && z->shape.dim[0] != t->y->shape.dim[0])
    return ag_fail(AG_E_SHAPE, "the model gives %lld values per sample, y has %lld",
                   (long long)z->shape.dim[0], (long long)t->y->shape.dim[0]);
  if (z->type != AG_F32)
    return ag_fail(AG_E_TYPE, "the model's output is %s, not float32", ag_dtype_name(z->type));
  return AG_OK;
}

/* d mean loss / d parameters, as one vector in the order of the views: the gradient of the sum of
 * z times dz, where dz is d mean loss / d z. */
static ag_array *gradient(ag_builder *b, const ag_trainer *t, ag_array *z, ag_array *dz) {
  ag_array *pulled = ag_builder_binary(b, AG_OP_mul, z, dz), *flat = NULL;
  ag_array *sum = ag_builder_reduce(b, pulled, AG_SUM, 0, 2);
  ag_array **g = calloc((size_t)t->nview, sizeof *g);
  if (!g) return ag_builder_own(b, ag_fail(AG_E_MEMORY, "no memory for a gradient"), NULL);
  ag_status status = b->status == AG_OK ? ag_grad(sum, t->nview, t->view, g) : b->status;
  for (int i = 0; i < t->nview && status == AG_OK; i++) (void)ag_builder_own(b, AG_OK, g[i]);
  flat = status == AG_OK ? ag_builder_concat(b, t->nview, g) : ag_builder_own(b, status, NULL);
  free(g);
  return flat;
}

/* What the pass has summed so far, and this batch's part. */
static ag_array *sums_next(ag_builder *b, const ag_trainer *t, ag_loss_terms terms) {
  ag_array *part[2] = {terms.total, terms.hits};
  return ag_builder_binary(b, AG_OP_add, t->in_total,
                           ag_builder_concat(b, ag_loss_nsums(t->loss), part));
}

#define NTARGET (2 + AG_OPTIM_STATES)

static ag_status plan_build(ag_builder *b, ag_trainer *t, int training, ag_array *z,
                            ag_plan **plan) {
  ag_array *y = ag_builder_gather(b, t->in_y, t->index);
  ag_loss_terms terms = ag_loss_build(b, t->loss, z, y);
  ag_array *target[NTARGET] = {sums_next(b, t, terms)};
  ag_array *assign[NTARGET] = {t->in_total, t->in_param, t->in_state[0], t->in_state[1]};
  int n = 1;
  if (training) {
    ag_array *g = gradient(b, t, z, terms.gradient);
    ag_optim_step(b, &t->optim, t->in_param, g, t->in_state, t->in_scalar, target + 1);
    n += 1 + ag_optim_nstates(&t->optim);
  }
  return b->status == AG_OK ? ag_plan_new(plan, n, target, assign) : b->status;
}

static ag_status plan_bind(const ag_trainer *t, const ag_pass *pass, ag_plan *plan) {
  AG_TRY(ag_plan_bind(plan, AG_IN_INDEX, pass->index, 0));
  AG_TRY(ag_plan_bind(plan, AG_IN_X, t->x->buf, t->x->offset));
  AG_TRY(ag_plan_bind(plan, AG_IN_Y, t->y->buf, t->y->offset));
  AG_TRY(ag_plan_bind(plan, AG_IN_TOTAL, t->total, 0));
  AG_TRY(ag_plan_bind(plan, AG_IN_PARAM, t->param, 0));
  for (int i = 0; pass->training && i < ag_optim_nstates(&t->optim); i++)
    AG_TRY(ag_plan_bind(plan, AG_IN_STATE + i, t->state[i], 0));
  return AG_OK;
}

ag_status ag_trainer_compile(ag_trainer *t, int training, ag_array *z) {
  ag_pass *pass = training ? &t->train : &t->valid;
  if (!t->index) return ag_fail(AG_E_ARGUMENT, "no trace is open");
  AG_TRY(output_check(t, z));
  ag_plan **plan = t->index->shape.dim[0] == pass->batch ? &pass->full : &pass->rest;
  ag_plan_free(*plan);
  *plan = NULL;
  ag_builder b = {0};
  ag_status status = plan_build(&b, t, training, z, plan);
  ag_status build_status = ag_builder_end(&b);
  AG_TRY(status);
  AG_TRY(build_status);
  ag_array_release(t->index);
  t->index = NULL;
  return plan_bind(t, pass, *plan);
}

ag_status ag_trainer_read(ag_trainer *t, double *param) {
  ag_array *p;
  AG_TRY(ag_array_from_buffer(&p, t->param, 0, AG_F32, ag_shape_of(1, t->nparam)));
  ag_status status = ag_array_read(p, param, AG_F64);
  ag_array_release(p);
  return status;
}
