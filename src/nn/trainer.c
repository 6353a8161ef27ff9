#include "trainer.h"
#include <stdlib.h>
#include <string.h>

/* -- life -------------------------------------------------------------------------------------- */
int64_t ag_trainer_length(const ag_trainer *t, int which) {
  return which == AG_IN_FIXED ? t->nfixed : t->nparam;
}

static int is_vector(const ag_trainer *t, int which) {
  return which == AG_IN_PARAM || which == AG_IN_FIXED ||
         (which >= AG_IN_STATE && which < AG_IN_STATE + t->nstate);
}

/* Zeros on the device, and the input of a plan that will be bound to them. */
static ag_status vector_new(ag_trainer *t, int which) {
  int64_t n = ag_trainer_length(t, which);
  size_t bytes = (size_t)n * ag_dtype_size(t->type);
  if (!n) return AG_OK;
  AG_TRY(ag_buffer_new(&t->vector[which], t->dev, bytes));
  AG_TRY(ag_buffer_zero(t->vector[which], 0, bytes));
  return ag_expr_input(&t->in[which], t->dev, t->type, ag_shape_of(1, n), which);
}

/* A sample of any number of dimensions is a column. */
static ag_status data_new(ag_trainer *t, int i, ag_array *data) {
  int64_t n = data->shape.dim[data->shape.nd - 1];
  ag_shape flat = ag_shape_of(2, n ? ag_array_count(data) / n : 0, n);
  t->data[i] = ag_array_retain(data);
  AG_TRY(ag_array_force(1, &data));
  return ag_expr_input(&t->in[AG_IN_DATA + i], t->dev, data->type, flat, AG_IN_DATA + i);
}

static ag_status trainer_fill(ag_trainer *t, const ag_trainer_spec *spec) {
  for (int which = AG_IN_PARAM; which < AG_IN_STATE + t->nstate; which++)
    AG_TRY(vector_new(t, which));
  for (int i = 0; i < t->nscalar; i++)
    AG_TRY(ag_expr_scalar_input(&t->in[AG_IN_SCALAR + i], t->type, AG_IN_SCALAR + i));
  for (; t->ndata < spec->ndata; t->ndata++) AG_TRY(data_new(t, t->ndata, spec->data[t->ndata]));
  AG_TRY(ag_trainer_write(t, AG_IN_PARAM, spec->param));
  return ag_trainer_write(t, AG_IN_FIXED, spec->fixed);
}

static ag_status spec_check(const ag_trainer_spec *s) {
  if (s->ndata > AG_MAX_DATA || s->nstate > AG_MAX_STATE || s->nscalar > AG_MAX_STEP_SCALAR)
    return ag_fail(AG_E_ARGUMENT, "a trainer has at most %d inputs and targets", AG_MAX_DATA);
  if (s->nparam < 1) return ag_fail(AG_E_ARGUMENT, "a model without parameters cannot be trained");
  return AG_OK;
}

ag_status ag_trainer_new(ag_trainer **out, ag_device *d, const ag_trainer_spec *spec) {
  *out = NULL;
  AG_TRY(spec_check(spec));
  ag_trainer *t = calloc(1, sizeof *t);
  if (!t) return ag_fail(AG_E_MEMORY, "no memory for a trainer");
  t->dev = d;
  t->type = spec->type;
  t->nstate = spec->nstate, t->nscalar = spec->nscalar;
  t->nparam = spec->nparam, t->nfixed = spec->nfixed;
  ag_status status = trainer_fill(t, spec);
  if (status != AG_OK) {
    ag_trainer_free(t);
    return status;
  }
  *out = t;
  return AG_OK;
}

static void pass_free(ag_pass *pass) {
  for (int i = 0; i < pass->nplan; i++) ag_plan_free(pass->plan[i].plan);
  free(pass->plan);
  ag_buffer_release(pass->index);
  ag_buffer_release(pass->sum);
}

void ag_trainer_free(ag_trainer *t) {
  if (!t) return;
  for (int i = 0; i < AG_MAX_PASS; i++) pass_free(&t->pass[i]);
  ag_workspace_drop(&t->workspace);
  for (int i = 0; i < t->nview; i++) ag_array_release(t->view[i]);
  free(t->view);
  ag_array_release(t->trace.index);
  for (int i = 0; i < AG_IN_KEY; i++) ag_array_release(t->in[i]);
  for (int i = 0; i < AG_IN_DATA; i++) ag_buffer_release(t->vector[i]);
  for (int i = 0; i < AG_MAX_DATA; i++) ag_array_release(t->data[i]);
  free(t);
}

/* -- parameters -------------------------------------------------------------------------------- */
static ag_status view_keep(ag_trainer *t, ag_array *x) {
  ag_array **view = realloc(t->view, (size_t)(t->nview + 1) * sizeof *view);
  if (!view) return ag_fail(AG_E_MEMORY, "no memory for a parameter");
  t->view = view;
  t->view[t->nview++] = ag_array_retain(x);
  return AG_OK;
}

ag_status ag_trainer_view(ag_trainer *t, int which, int64_t offset, ag_shape shape,
                          ag_array **out) {
  int64_t n = ag_shape_count(&shape), step = 1, all = ag_trainer_length(t, which);
  if (offset < 0 || offset + n > all)
    return ag_fail(AG_E_SHAPE, "parameters %lld to %lld of %lld", (long long)offset,
                   (long long)(offset + n), (long long)all);
  ag_array *part;
  AG_TRY(ag_expr_slice(&part, t->in[which], &offset, &step, &n));
  ag_status status = ag_expr_reshape(out, part, shape);
  ag_array_release(part);
  AG_TRY(status);
  return which == AG_IN_PARAM ? view_keep(t, *out) : AG_OK;
}

ag_array *ag_trainer_input(ag_trainer *t, int which) { return t->in[which]; }

static ag_status vector_array(ag_trainer *t, int which, ag_array **out) {
  if (!is_vector(t, which)) return ag_fail(AG_E_ARGUMENT, "a trainer has no vector %d", which);
  return ag_array_from_buffer(out, t->vector[which], 0, t->type,
                              ag_shape_of(1, ag_trainer_length(t, which)));
}

ag_status ag_trainer_read(ag_trainer *t, int which, double *x) {
  ag_array *v;
  if (!ag_trainer_length(t, which)) return AG_OK;
  AG_TRY(vector_array(t, which, &v));
  ag_status status = ag_array_read(v, x, AG_F64);
  ag_array_release(v);
  return status;
}

ag_status ag_trainer_write(ag_trainer *t, int which, const double *x) {
  int64_t n = ag_trainer_length(t, which);
  if (!n) return AG_OK;
  if (!is_vector(t, which)) return ag_fail(AG_E_ARGUMENT, "a trainer has no vector %d", which);
  size_t bytes = (size_t)n * ag_dtype_size(t->type);
  if (t->type == AG_F64) return ag_buffer_write(t->vector[which], 0, x, bytes);
  float *value = malloc(bytes);
  if (!value) return ag_fail(AG_E_MEMORY, "no memory for %lld parameters", (long long)n);
  for (int64_t i = 0; i < n; i++) value[i] = (float)x[i];
  ag_status status = ag_buffer_write(t->vector[which], 0, value, bytes);
  free(value);
  return status;
}

/* -- passes ------------------------------------------------------------------------------------ */
ag_batch_plan *ag_pass_plan(const ag_pass *pass, int64_t size) {
  for (int i = 0; i < pass->nplan; i++)
    if (pass->plan[i].size == size) return &pass->plan[i];
  return NULL;
}

int ag_trainer_has(const ag_trainer *t, int pass, int64_t size) {
  return ag_pass_plan(&t->pass[pass], size) != NULL;
}

static ag_status data_bind(const ag_trainer *t, ag_plan *plan) {
  for (int i = 0; i < t->ndata; i++)
    AG_TRY(ag_plan_bind(plan, AG_IN_DATA + i, t->data[i]->buf, t->data[i]->offset));
  return AG_OK;
}

static ag_status plan_bind(const ag_trainer *t, const ag_pass *pass, ag_plan *plan) {
  AG_TRY(data_bind(t, plan));
  AG_TRY(ag_plan_bind(plan, AG_IN_INDEX, pass->index, 0));
  if (pass->sum) AG_TRY(ag_plan_bind(plan, AG_IN_SUM, pass->sum, 0));
  for (int which = AG_IN_PARAM; which < AG_IN_SCALAR; which++)
    if (t->vector[which]) AG_TRY(ag_plan_bind(plan, which, t->vector[which], 0));
  return AG_OK;
}

/* A longer index is another buffer: plans look at it from then on. */
static ag_status index_reserve(ag_trainer *t, ag_pass *pass, int64_t n) {
  if (pass->index && n <= pass->capacity) return AG_OK;
  ag_buffer_release(pass->index);
  pass->index = NULL;
  AG_TRY(ag_buffer_new(&pass->index, t->dev, (size_t)n * sizeof(int)));
  pass->capacity = n;
  for (int i = 0; i < pass->nplan; i++)
    AG_TRY(ag_plan_bind(pass->plan[i].plan, AG_IN_INDEX, pass->index, 0));
  return AG_OK;
}

static ag_status index_write(ag_pass *pass, const int *index) {
  int *own = NULL;
  if (!index) {
    own = malloc((size_t)pass->n * sizeof *own);
    if (!own) return ag_fail(AG_E_MEMORY, "no memory for an index");
    for (int64_t i = 0; i < pass->n; i++) own[i] = (int)i;
    index = own;
  }
  ag_status status = ag_buffer_write(pass->index, 0, index, (size_t)pass->n * sizeof *index);
  free(own);
  return status;
}

ag_status ag_trainer_pass(ag_trainer *t, int which, int64_t n, const int *index, int64_t batch) {
  if (which < 0 || which >= AG_MAX_PASS || n < 1 || batch < 1)
    return ag_fail(AG_E_ARGUMENT, "a pass over %lld samples in batches of %lld", (long long)n,
                   (long long)batch);
  int64_t last = t->ndata ? t->data[0]->shape.dim[t->data[0]->shape.nd - 1] : n;
  for (int64_t i = 0; index && i < n; i++)
    if (index[i] < 0 || index[i] >= last)
      return ag_fail(AG_E_ARGUMENT, "sample %d of %lld", index[i], (long long)last);
  ag_pass *pass = &t->pass[which];
  AG_TRY(index_reserve(t, pass, n));
  pass->n = n;
  pass->batch = batch < n ? batch : n;
  return index_write(pass, index);
}

ag_status ag_trainer_data(ag_trainer *t, int i, ag_array *data) {
  int64_t n = data->shape.dim[data->shape.nd - 1];
  if (i < 0 || i >= t->ndata || data->type != t->data[i]->type ||
      ag_array_count(data) != n * t->in[AG_IN_DATA + i]->shape.dim[0])
    return ag_fail(AG_E_SHAPE, "data of another shape than those the trainer began with");
  AG_TRY(ag_array_force(1, &data));
  ag_array_retain(data);
  ag_array_release(t->data[i]);
  t->data[i] = data;
  for (int p = 0; p < AG_MAX_PASS; p++)
    for (int j = 0; j < t->pass[p].nplan; j++) AG_TRY(data_bind(t, t->pass[p].plan[j].plan));
  return AG_OK;
}

/* -- tracing ----------------------------------------------------------------------------------- */
static void trace_close(ag_trainer *t) {
  ag_array_release(t->trace.index);
  t->trace.index = NULL;
}

/* Data i of the batch, in the shape of its samples. */
static ag_status batch_of(const ag_trainer *t, int i, ag_array **out) {
  ag_array *columns;
  ag_shape shape = t->data[i]->shape;
  shape.dim[shape.nd - 1] = t->trace.index->shape.dim[0];
  AG_TRY(ag_expr_gather(&columns, t->in[AG_IN_DATA + i], t->trace.index));
  ag_status status = ag_expr_reshape(out, columns, shape);
  ag_array_release(columns);
  return status;
}

ag_status ag_trainer_trace(ag_trainer *t, int pass, int64_t size, ag_array **out) {
  trace_close(t);
  if (pass < 0 || pass >= AG_MAX_PASS || !t->pass[pass].index || size < 1)
    return ag_fail(AG_E_ARGUMENT, "a trace of no pass");
  t->trace.pass = pass, t->trace.nkey = 0;
  AG_TRY(ag_expr_input(&t->trace.index, t->dev, AG_I32, ag_shape_of(1, size), AG_IN_INDEX));
  for (int i = 0; i < t->ndata; i++) AG_TRY(batch_of(t, i, &out[i]));
  return AG_OK;
}

ag_status ag_trainer_random(ag_trainer *t, ag_shape shape, ag_array **out) {
  if (!t->trace.index) return ag_fail(AG_E_ARGUMENT, "no trace is open");
  return ag_expr_random_input(out, t->dev, t->type, shape, AG_UNIFORM, AG_IN_KEY + t->trace.nkey++);
}

ag_status ag_trainer_gradient(ag_trainer *t, ag_array *loss, int nz, ag_array *const *z,
                              ag_array **out) {
  ag_array **g = calloc((size_t)t->nview + 1, sizeof *g);
  if (!g) return ag_fail(AG_E_MEMORY, "no memory for a gradient");
  ag_status status = ag_grad_kept(loss, nz, z, t->nview, t->view, g);
  if (status == AG_OK) status = ag_expr_concat(out, t->nview, g);
  for (int i = 0; i < t->nview; i++) ag_array_release(g[i]);
  free(g);
  return status;
}

/* -- compiling --------------------------------------------------------------------------------- */
#define MAX_TARGETS (2 + AG_IN_SCALAR - AG_IN_PARAM)

/* Several arrays as one vector; one alone as it is. */
static ag_array *joined(ag_builder *b, int n, ag_array *const *x) {
  if (n == 1 && x[0]->shape.nd == 1) return x[0];
  return ag_builder_concat(b, n, x);
}

/* What the pass has summed so far, and this batch's part. */
static ag_status sums_build(ag_builder *b, ag_trainer *t, const ag_batch_step *step,
                            ag_array **target) {
  ag_pass *pass = &t->pass[t->trace.pass];
  ag_array *part = joined(b, step->nsum, step->sum);
  if (!part) return b->status;
  int64_t n = ag_array_count(part);
  if (pass->sum && pass->nsum != n)
    return ag_fail(AG_E_SHAPE, "a pass sums %lld numbers, not %lld", (long long)pass->nsum,
                   (long long)n);
  if (!pass->sum) {
    size_t bytes = (size_t)n * ag_dtype_size(t->type);
    AG_TRY(ag_buffer_new(&pass->sum, t->dev, bytes));
    AG_TRY(ag_buffer_zero(pass->sum, 0, bytes));
    pass->nsum = n;
  }
  ag_array_release(t->in[AG_IN_SUM]);
  t->in[AG_IN_SUM] = NULL;
  AG_TRY(ag_expr_input(&t->in[AG_IN_SUM], t->dev, t->type, ag_shape_of(1, n), AG_IN_SUM));
  *target = ag_builder_binary(b, AG_OP_add, t->in[AG_IN_SUM], part);
  return b->status;
}

/* A target that is written in place must be computed by one kernel: what is put together, or only
 * looked at in another way, is copied by an operation that does nothing. */
static ag_array *writable(ag_builder *b, ag_array *x) {
  return x->kind == AG_ELEMENTWISE ? x : ag_builder_unary(b, AG_OP_pos, x);
}

static ag_status plan_build(ag_builder *b, ag_trainer *t, const ag_batch_step *step,
                            ag_plan **plan) {
  ag_array *target[MAX_TARGETS], *assign[MAX_TARGETS];
  int n = 0;
  if (step->nnext > MAX_TARGETS - 1) return ag_fail(AG_E_ARGUMENT, "a step has too many results");
  if (step->nsum) {
    AG_TRY(sums_build(b, t, step, &target[n]));
    assign[n++] = t->in[AG_IN_SUM];
  }
  for (int i = 0; i < step->nnext; i++) {
    const ag_array *to = t->in[step->which[i]];
    if (!to || !is_vector(t, step->which[i]) || step->next[i]->type != t->type ||
        ag_array_count(step->next[i]) != ag_array_count(to))
      return ag_fail(AG_E_SHAPE, "the next value of vector %d does not fit", step->which[i]);
    target[n] = writable(b, step->next[i]);
    assign[n++] = t->in[step->which[i]];
  }
  return b->status == AG_OK ? ag_plan_new_within(plan, &t->workspace, n, target, assign)
                            : b->status;
}

static ag_status plan_keep(ag_trainer *t, ag_plan *plan) {
  ag_pass *pass = &t->pass[t->trace.pass];
  ag_batch_plan *all = realloc(pass->plan, (size_t)(pass->nplan + 1) * sizeof *all);
  if (!all) return ag_fail(AG_E_MEMORY, "no memory for a plan");
  pass->plan = all;
  AG_TRY(plan_bind(t, pass, plan));
  pass->plan[pass->nplan++] = (ag_batch_plan){t->trace.index->shape.dim[0], t->trace.nkey, plan};
  return AG_OK;
}

ag_status ag_trainer_compile(ag_trainer *t, const ag_batch_step *step) {
  if (!t->trace.index) return ag_fail(AG_E_ARGUMENT, "no trace is open");
  if (ag_trainer_has(t, t->trace.pass, t->trace.index->shape.dim[0]))
    return ag_fail(AG_E_ARGUMENT, "a pass has one plan for each size of batch");
  ag_builder b = {0};
  ag_plan *plan = NULL;
  ag_status status = plan_build(&b, t, step, &plan);
  ag_status end = ag_builder_end(&b);
  if (status == AG_OK) status = end;
  if (status == AG_OK) status = plan_keep(t, plan);
  if (status != AG_OK) ag_plan_free(plan);
  trace_close(t);
  return status;
}
