/* Poolings on the host. Forward, rows of the result are shared out among the threads; on the way
 * back samples are, as windows that overlap add to the same elements, always in the same order. */
#include "host_isa.h"
#include "host_launch.h"
#include "threads.h"
#include <string.h>

/* Elements of the images below which waking another thread costs more than it gives. */
#define SERIAL_COUNT 32768

typedef struct {
  const ag_kernel *k;
  const ag_window *w;
  const ag_pooling_loops *loops;
  const char *in[3];
  char *out;
  size_t size;        /* bytes of the channels at one place */
  int64_t units, per; /* rows of the result, or samples; of a task */
  void (*run)(const void *job, int64_t unit, char *scratch);
} pooling_job;

/* The places of a window along one axis: p, p + dil, ..., n of them, within the image. */
typedef struct {
  int64_t p, n;
} places;

static places places_of(const ag_window *w, int axis, int64_t o) {
  const int64_t dil = w->dil[axis];
  places s = {w->mul[axis] * o - w->off[axis], w->k[axis]};
  for (; s.p < 0; s.n--) s.p += dil;
  while (s.p + (s.n - 1) * dil >= w->in[axis]) s.n--;
  return s;
}

static double divisor_of(const pooling_job *j, places x, places y) {
  return (double)(j->k->pooling.count_pad ? j->w->k[0] * j->w->k[1] : x.n * y.n);
}

/* Place (x, y) of a sample's image. */
static size_t at(const pooling_job *j, int64_t sample, int64_t y, int64_t x) {
  return (size_t)((sample * j->w->in[1] + y) * j->w->in[0] + x) * j->size;
}

static void forward_row(const void *job, int64_t row, char *scratch) {
  const pooling_job *j = job;
  const ag_window *w = j->w;
  const int is_max = j->k->pooling.op == AG_POOLING_MAX;
  const int64_t n = j->k->pooling.channels, sample = row / w->out[1];
  const places down = places_of(w, 1, row % w->out[1]);
  char *y = j->out + (size_t)(row * w->out[0]) * j->size;
  (void)scratch;
  for (int64_t o = 0; o < w->out[0]; o++, y += j->size) {
    const places across = places_of(w, 0, o);
    for (int64_t e = 0; e < across.n * down.n; e++) {
      const char *x = j->in[0] + at(j, sample, down.p + e / across.n * w->dil[1],
                                    across.p + e % across.n * w->dil[0]);
      if (e == 0) memcpy(y, x, j->size);
      else if (is_max) j->loops->max(n, y, x);
      else j->loops->add(n, y, x);
    }
    if (!is_max) j->loops->divide(n, y, y, divisor_of(j, across, down));
  }
}

/* As forward_row, of what stands where the maximum is; `rest` holds n channels. */
static void pick_row(const void *job, int64_t row, char *rest) {
  const pooling_job *j = job;
  const ag_window *w = j->w;
  const int64_t n = j->k->pooling.channels, sample = row / w->out[1];
  const places down = places_of(w, 1, row % w->out[1]);
  for (int64_t o = 0; o < w->out[0]; o++) {
    const places across = places_of(w, 0, o);
    const size_t result = (size_t)(row * w->out[0] + o) * j->size;
    j->loops->fill(n, j->out + result, 0);
    j->loops->fill(n, rest, 1);
    for (int64_t e = 0; e < across.n * down.n; e++) {
      const size_t from =
          at(j, sample, down.p + e / across.n * w->dil[1], across.p + e % across.n * w->dil[0]);
      j->loops->pick(n, j->out + result, rest, j->in[0] + from, j->in[1] + result, j->in[2] + from);
    }
  }
}

/* Gives the gradient of one output, number `o` in all, to its window; `rest` holds n channels. */
static void give_back(const pooling_job *j, int64_t o, int64_t sample, places across, places down,
                      char *rest) {
  const size_t result = (size_t)o * j->size;
  const int64_t n = j->k->pooling.channels;
  const int is_max = j->k->pooling.op == AG_POOLING_MAX_BACK;
  if (is_max) memcpy(rest, j->in[2] + result, j->size);
  else j->loops->divide(n, rest, j->in[0] + result, divisor_of(j, across, down));
  for (int64_t y = 0; y < down.n; y++)
    for (int64_t x = 0; x < across.n; x++) {
      const size_t to = at(j, sample, down.p + y * j->w->dil[1], across.p + x * j->w->dil[0]);
      if (is_max) j->loops->give(n, j->out + to, rest, j->in[0] + to, j->in[1] + result);
      else j->loops->add(n, j->out + to, rest);
    }
}

/* Rows of the image are cleared shortly before the first window adds to them. */
static void back_sample(const void *job, int64_t sample, char *scratch) {
  const pooling_job *j = job;
  const ag_window *w = j->w;
  int64_t cleared = 0;
  for (int64_t r = 0; r < w->out[1]; r++) {
    const places down = places_of(w, 1, r);
    const int64_t last = r + 1 < w->out[1] ? down.p + (down.n - 1) * w->dil[1] : w->in[1] - 1;
    if (cleared <= last)
      memset(j->out + at(j, sample, cleared, 0), 0,
             at(j, sample, last + 1, 0) - at(j, sample, cleared, 0));
    if (cleared <= last) cleared = last + 1;
    for (int64_t o = 0; o < w->out[0]; o++)
      give_back(j, (sample * w->out[1] + r) * w->out[0] + o, sample, places_of(w, 0, o), down,
                scratch);
  }
}

static void pooling_task(void *ctx, int task, int worker) {
  const pooling_job *j = ctx;
  const int64_t first = task * j->per, end = first + j->per;
  char *scratch = ag_host_scratch(worker, j->size);
  for (int64_t i = first; i < end && i < j->units; i++) j->run(j, i, scratch);
}

static char *memory_of(const ag_binding *slot, int64_t base, ag_dtype type) {
  return (char *)slot->mem + (size_t)(slot->offset + base) * ag_dtype_size(type);
}

ag_status ag_host_pooling(const ag_kernel *k, const ag_binding *slot) {
  const ag_dtype type = k->pooling.type;
  const ag_window *w = &k->pooling.window;
  const int back = k->pooling.op >= AG_POOLING_MAX_BACK;
  const int64_t count = k->pooling.channels * w->in[0] * w->in[1] * k->pooling.samples;
  pooling_job job = {.k = k, .w = w, .loops = &ag_isa_get()->pooling[type]};
  job.size = (size_t)k->pooling.channels * ag_dtype_size(type);
  for (int i = 0; i < k->pooling.nin; i++)
    job.in[i] = memory_of(&slot[k->pooling.slot_in[i]], k->pooling.base_in[i], type);
  job.out = memory_of(&slot[k->pooling.slot_out], 0, type);
  job.units = back ? k->pooling.samples : k->pooling.samples * w->out[1];
  job.run = back ? back_sample : k->pooling.op == AG_POOLING_MAX_OF ? pick_row : forward_row;
  AG_TRY(ag_host_reserve(job.size));
  const int64_t tasks = count > SERIAL_COUNT ? 4 * ag_threads() : 1;
  job.per = (job.units + tasks - 1) / tasks;
  ag_parallel((int)((job.units + job.per - 1) / job.per), pooling_task, &job);
  return AG_OK;
}
