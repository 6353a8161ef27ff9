/* A trainer: the data, the parameters and the plans of one model on one device.
 *
 * The data are uploaded once, a sample per column (features x samples). A batch is a
 * gather of columns by a piece of an index buffer, so shuffling moves no data. All
 * parameters lie in one flat float32 buffer; weights and biases are views into it.
 *
 * Life: new, write parameters, views with ag_trainer_param(); then for each pass and each
 * of its batch sizes: ag_trainer_trace() gives the batch, the caller builds the
 * model's output on it, ag_trainer_compile() adds loss, gradient and optimiser and makes
 * the plan. From then on ag_pass_run() (epoch.c) replays plans. */
#ifndef AG_TRAINER_H
#define AG_TRAINER_H

#include "loss.h"
#include "optim.h"

/* Numbers of the inputs of every plan of a trainer. */
enum {
  AG_IN_INDEX, /* int32: columns of the batch */
  AG_IN_X,     /* all samples */
  AG_IN_Y,     /* and their targets */
  AG_IN_TOTAL, /* float32: loss, and hits, summed so far */
  AG_IN_PARAM, /* the parameters */
  AG_IN_STATE, /* and what the optimiser keeps */
  AG_IN_SCALAR = AG_IN_STATE + AG_OPTIM_STATES
};

/* A walk over samples in batches: all of size `batch` but the last, which takes the rest. */
typedef struct {
  int training; /* else only loss and hits are computed */
  int64_t n, batch;
  ag_buffer *index;     /* n 0-based columns of the data, int32 */
  ag_plan *full, *rest; /* rest: for the n mod batch last samples, NULL if none */
} ag_pass;

typedef struct {
  ag_device *dev;
  ag_array *x, *y; /* p x n; y: k x n, or 1 x n classes */
  ag_loss loss;
  ag_optim optim;
  int64_t nparam, step;
  ag_buffer *total, *param, *state[AG_OPTIM_STATES];
  ag_array *in_x, *in_y, *in_total, *in_param, *in_state[AG_OPTIM_STATES],
      *in_scalar[AG_OPTIM_SCALARS];
  int nview;
  ag_array **view; /* the parameters as the model sees them, in the order of the flat buffer */
  ag_array *index; /* of the trace that is open, else NULL */
  ag_pass train, valid;
} ag_trainer;

/* x: p x n float32, y: float32, both retained and forced; `param`: nparam starting values. */
AG_CHECKED ag_status ag_trainer_new(ag_trainer **out, ag_array *x, ag_array *y, ag_loss loss,
                                    const ag_optim *optim, int64_t nparam, const double *param);
void ag_trainer_free(ag_trainer *t); /* NULL is fine */
/* The next parameter: elements from `offset` on, in `shape`. *out gets one reference, the trainer
 * keeps another. */
AG_CHECKED ag_status ag_trainer_param(ag_trainer *t, int64_t offset, ag_shape shape,
                                      ag_array **out);
/* Which samples (0-based, n of them) a pass visits, and in what batches. */
AG_CHECKED ag_status ag_trainer_pass(ag_trainer *t, int training, int64_t n, const int *index,
                                     int64_t batch);
/* Opens a trace: *out is a placeholder for `batch` samples, p x batch. */
AG_CHECKED ag_status ag_trainer_trace(ag_trainer *t, int64_t batch, ag_array **out);
/* Closes it: z is the model's output on that placeholder. */
AG_CHECKED ag_status ag_trainer_compile(ag_trainer *t, int training, ag_array *z);
/* The parameters as they are now. */
AG_CHECKED ag_status ag_trainer_read(ag_trainer *t, double *param);

#endif
