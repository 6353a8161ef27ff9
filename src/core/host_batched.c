/* Many small problems of linear algebra on the host: as many at once as a vector has lanes, shared
 * out among the threads. */
#include "host_launch.h"
#include "threads.h"

/* Vector operations below which waking another thread costs more than it gives. */
#define TASK_WORK 30000.0

typedef struct {
  ag_batched problems;
  int64_t lanes, chunk; /* problems at once; per task */
  size_t room;          /* bytes */
  void (*run)(const ag_batched *p, int64_t first, void *work);
} batched_job;

static void batched_task(void *ctx, int task, int worker) {
  const batched_job *job = ctx;
  const int64_t first = task * job->chunk, end = first + job->chunk;
  void *work = ag_host_scratch(worker, job->room);
  for (int64_t i = first; i < end && i < job->problems.batch; i += job->lanes)
    job->run(&job->problems, i, work);
}

static void *slot_at(const ag_binding *slot, ag_dtype type) {
  return (char *)slot->mem + (size_t)slot->offset * ag_dtype_size(type);
}

static ag_batched problems(const ag_kernel *k, const ag_binding *slot) {
  const ag_batched_step step = k->batched.step;
  const ag_dtype type = k->batched.type;
  ag_batched p = {.step = step, .n = k->batched.n, .k = k->batched.k, .batch = k->batched.batch};
  p.a = slot_at(&slot[AG_BATCHED_A], type);
  p.x = slot_at(&slot[AG_BATCHED_X], type);
  if (step == AG_BATCHED_SOLVE && !k->batched.identity) p.b = slot_at(&slot[AG_BATCHED_B], type);
  if (step == AG_BATCHED_EIGEN && k->batched.vectors)
    p.vectors = slot_at(&slot[AG_BATCHED_Y], type);
  if (step == AG_BATCHED_SOLVE || step == AG_BATCHED_CHOL)
    p.info = slot_at(&slot[AG_BATCHED_Y], AG_I32);
  return p;
}

ag_status ag_host_batched(const ag_kernel *k, const ag_binding *slot) {
  const ag_isa *isa = ag_isa_get();
  const int f64 = k->batched.type == AG_F64;
  const int64_t n = k->batched.n, batch = k->batched.batch;
  batched_job job = {.problems = problems(k, slot)};
  job.lanes = f64 ? isa->lanes_f64 : isa->lanes_f32;
  job.run = f64 ? isa->batched_f64 : isa->batched_f32;
  job.room = (size_t)(ag_batched_room(k->batched.step, n, k->batched.k) * job.lanes) *
             ag_dtype_size(k->batched.type);
  AG_TRY(ag_host_reserve(job.room));
  const int64_t groups = (batch + job.lanes - 1) / job.lanes;
  const double work = (double)groups * (double)n * (double)n * (double)(n + k->batched.k + 1);
  const double sweeps = k->batched.step == AG_BATCHED_EIGEN ? 16 : 1; /* about as much work more */
  double tasks = sweeps * work / TASK_WORK, most = 8.0 * ag_threads();
  if (tasks > most) tasks = most;
  if (tasks < 1) tasks = 1;
  job.chunk = (groups + (int64_t)tasks - 1) / (int64_t)tasks * job.lanes;
  ag_parallel((int)((batch + job.chunk - 1) / job.chunk), batched_task, &job);
  return AG_OK;
}
