/* A trainer: the data, the parameters and the plans of one model on one device.
 *
 * It knows nothing of layers, losses and optimisers: the caller composes them of array operations
 * on the placeholders that the trainer hands out, and the trainer replays the plans of that.
 *
 * All data are on the device, samples last. A batch is a gather of samples by a piece of an index
 * buffer, so shuffling moves no data. All parameters lie in one flat buffer; weights and biases
 * are views into it. Values that are kept but not trained (running means, frozen layers) lie in
 * another one. What an optimiser keeps are flat vectors as long as the parameters.
 *
 * Life: new; views with ag_trainer_view(); then for each pass and each of its batch sizes:
 * ag_trainer_trace() gives the batch, the caller builds loss, gradient and update on it,
 * ag_trainer_compile() makes the plan. From then on epoch.h replays plans. */
#ifndef AG_TRAINER_H
#define AG_TRAINER_H

#include "builder.h"

enum { AG_MAX_DATA = 16, AG_MAX_STATE = 4, AG_MAX_STEP_SCALAR = 4, AG_MAX_PASS = 4 };

/* Numbers of the inputs of every plan of a trainer. */
enum {
  AG_IN_INDEX,                                    /* int32: samples of the batch */
  AG_IN_SUM,                                      /* what the pass has summed so far */
  AG_IN_PARAM,                                    /* the parameters */
  AG_IN_FIXED,                                    /* what is kept but not trained */
  AG_IN_STATE,                                    /* what the optimiser keeps */
  AG_IN_SCALAR = AG_IN_STATE + AG_MAX_STATE,      /* numbers that change with the step */
  AG_IN_DATA = AG_IN_SCALAR + AG_MAX_STEP_SCALAR, /* all samples */
  AG_IN_KEY = AG_IN_DATA + AG_MAX_DATA            /* and on: streams of random numbers */
};

typedef struct {
  int64_t size; /* samples in a batch */
  int nkey;     /* random streams */
  ag_plan *plan;
} ag_batch_plan;

/* One way to use the model: to train, to validate, ... */
typedef struct {
  int64_t n, batch; /* samples to visit, and in batches of which size: the last takes the rest */
  ag_buffer *index; /* the n samples, from 0, int32 */
  int64_t capacity; /* of index, in samples */
  int64_t nsum;     /* numbers that are summed over the samples */
  ag_buffer *sum;
  int nplan;
  ag_batch_plan *plan;
} ag_pass;

typedef struct {
  ag_device *dev;
  ag_dtype type; /* of parameters and data: AG_F32 or AG_F64 */
  int ndata, nstate, nscalar;
  int64_t nparam, nfixed;
  ag_array *data[AG_MAX_DATA];   /* features... x n */
  ag_array *in[AG_IN_KEY];       /* placeholders; NULL where there is none */
  ag_buffer *vector[AG_IN_DATA]; /* PARAM, FIXED, STATE...: their memory */
  int nview;
  ag_array **view; /* the parameters as the model sees them, in the order of the flat buffer */
  ag_pass pass[AG_MAX_PASS];
  ag_workspace workspace; /* of all plans: one runs at a time */
  struct {                /* the trace that is open: index is NULL if none is */
    ag_array *index;
    int pass, nkey;
  } trace;
} ag_trainer;

/* `data` are retained and forced; `param` and `fixed` are starting values. */
typedef struct {
  ag_dtype type;
  int ndata, nstate, nscalar;
  ag_array *const *data;
  int64_t nparam, nfixed;
  const double *param, *fixed;
} ag_trainer_spec;
AG_CHECKED ag_status ag_trainer_new(ag_trainer **out, ag_device *d, const ag_trainer_spec *spec);
void ag_trainer_free(ag_trainer *t); /* NULL is fine */

/* Elements of AG_IN_PARAM or AG_IN_FIXED from `offset` on, in `shape`. Views of parameters are to
 * be asked for in the order of the flat buffer, without gaps: ag_trainer_gradient() relies on it.
 * *out gets one reference. */
AG_CHECKED ag_status ag_trainer_view(ag_trainer *t, int which, int64_t offset, ag_shape shape,
                                     ag_array **out);
/* The placeholder of AG_IN_PARAM, AG_IN_FIXED, AG_IN_STATE + i or AG_IN_SCALAR + i, borrowed. */
ag_array *ag_trainer_input(ag_trainer *t, int which);

/* Which samples (from 0, n of them; NULL: the first n) a pass visits, in what batches. */
AG_CHECKED ag_status ag_trainer_pass(ag_trainer *t, int pass, int64_t n, const int *index,
                                     int64_t batch);
/* Whether the pass has a plan for batches of `size`. */
int ag_trainer_has(const ag_trainer *t, int pass, int64_t size);
/* Opens a trace for batches of `size`; out[i] is data i of the batch. */
AG_CHECKED ag_status ag_trainer_trace(ag_trainer *t, int pass, int64_t size, ag_array **out);
/* Uniform random numbers within the trace, new ones in each batch. */
AG_CHECKED ag_status ag_trainer_random(ag_trainer *t, ag_shape shape, ag_array **out);
/* d sum(loss) / d parameters, flat. Of the network with the outputs z (none: nz 0) all is kept in
 * bfloat16: see ag_grad_kept(). */
AG_CHECKED ag_status ag_trainer_gradient(ag_trainer *t, ag_array *loss, int nz, ag_array *const *z,
                                         ag_array **out);

/* What a batch does: add `sum` (arrays, one after the other) to the sums of the pass; give
 * vectors (AG_IN_PARAM, ...) their next values. */
typedef struct {
  int nsum, nnext;
  ag_array *const *sum;
  const int *which; /* of next */
  ag_array *const *next;
} ag_batch_step;
/* Closes the trace. */
AG_CHECKED ag_status ag_trainer_compile(ag_trainer *t, const ag_batch_step *step);

/* Other data in place of data i, with as many features; any number of samples. */
AG_CHECKED ag_status ag_trainer_data(ag_trainer *t, int i, ag_array *data);
/* AG_IN_PARAM, AG_IN_FIXED, AG_IN_STATE + i as they are now. */
AG_CHECKED ag_status ag_trainer_read(ag_trainer *t, int which, double *x);
AG_CHECKED ag_status ag_trainer_write(ag_trainer *t, int which, const double *x);
int64_t ag_trainer_length(const ag_trainer *t, int which);

/* The plan for batches of `size`, NULL if there is none. */
ag_batch_plan *ag_pass_plan(const ag_pass *pass, int64_t size);

#endif
