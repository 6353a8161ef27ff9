/* Columns by index on the host: copied from there (gather), or added up there (scatter). */
#include "host_launch.h"
#include "threads.h"
#include <string.h>

/* Elements below which waking another thread costs more than it gives. */
#define SERIAL_COUNT 131072
/* Elements of a cache line of doubles, and more: threads that share lines wait for each other. */
#define SHARED_LINE 16

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static const int32_t *index_of(const ag_binding *b, int64_t base) {
  return (const int32_t *)b->mem + b->offset + base;
}

static char *elements_of(const ag_binding *b, int64_t base, size_t size) {
  return (char *)b->mem + (size_t)(b->offset + base) * size;
}

/* -- gather -------------------------------------------------------------------------------- */
typedef struct {
  const ag_kernel *k;
  const ag_binding *slot;
  int64_t chunk;
} gather_job;

static void fill_na(char *to, ag_dtype type, int64_t n) {
  const uint64_t na = ag_host_na_bits(type);
  const uint32_t half = (uint32_t)na;
  const size_t size = ag_dtype_size(type);
  for (int64_t i = 0; i < n; i++)
    memcpy(to + (size_t)i * size, size == 8 ? (const void *)&na : (const void *)&half, size);
}

static void gather_task(void *ctx, int task, int worker) {
  const gather_job *job = ctx;
  const ag_kernel *k = job->k;
  const size_t size = ag_dtype_size(k->gather.type), bytes = (size_t)k->gather.rows * size;
  const int32_t *at = index_of(&job->slot[k->gather.slot_index], k->gather.base_index);
  const char *src = elements_of(&job->slot[k->gather.slot_in], k->gather.base_in, size);
  char *dst = elements_of(&job->slot[k->gather.slot_out], 0, size);
  int64_t first = (int64_t)task * job->chunk, end = first + job->chunk;
  (void)worker;
  for (int64_t j = first; j < end && j < k->gather.cols; j++) {
    if (at[j] >= 0 && at[j] < k->gather.in_cols)
      memcpy(dst + (size_t)j * bytes, src + (size_t)at[j] * bytes, bytes);
    else fill_na(dst + (size_t)j * bytes, k->gather.type, k->gather.rows);
  }
}

void ag_host_gather(const ag_kernel *k, const ag_binding *slot) {
  const int64_t cols = k->gather.cols,
                tasks = k->gather.rows * cols > SERIAL_COUNT ? 2 * ag_threads() : 1;
  gather_job job = {k, slot, ceil_div(cols, tasks)};
  ag_parallel((int)ceil_div(cols, job.chunk), gather_task, &job);
}

/* -- scatter ------------------------------------------------------------------------------- */
/* A task owns rows [p, p + rows) of columns [j, j + cols) of the result. It goes through all the
 * indices, so that the order of the sums does not depend on who owns what. */
typedef struct {
  const ag_host_program *hp;
  const ag_binding *slot;
  int64_t rows, cols, row_tasks;
} scatter_job;

typedef struct {
  int64_t p, rows, j, cols;
} piece;

static void scatter_image(const scatter_job *job, const piece *own, int64_t q) {
  const ag_kernel *k = job->hp->k;
  const size_t size = ag_dtype_size(k->scatter.type);
  const ag_loop add =
      k->scatter.type == AG_F64 ? job->hp->isa->op_f64[AG_OP_add] : job->hp->isa->op_f32[AG_OP_add];
  const int32_t *at = index_of(&job->slot[k->scatter.slot_index], k->scatter.base_index);
  const int64_t pre = k->scatter.pre, last = k->scatter.first + own->j + own->cols;
  const char *in = elements_of(&job->slot[k->scatter.slot_in],
                               k->scatter.base_in + q * pre * k->scatter.n, size);
  char *out = elements_of(&job->slot[k->scatter.slot_out], q * pre * k->scatter.cols, size);
  for (int64_t j = own->j; j < own->j + own->cols; j++)
    memset(out + (size_t)(j * pre + own->p) * size, 0, (size_t)own->rows * size);
  for (int64_t i = 0; i < k->scatter.n; i++) {
    if (at[i] < k->scatter.first + own->j || at[i] >= last) continue;
    char *to = out + (size_t)((at[i] - k->scatter.first) * pre + own->p) * size;
    add(own->rows, to, to, in + (size_t)(i * pre + own->p) * size, to);
  }
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static void scatter_task(void *ctx, int task, int worker) {
  const scatter_job *job = ctx;
  const ag_kernel *k = job->hp->k;
  const int64_t p = task % job->row_tasks * job->rows, j = task / job->row_tasks * job->cols;
  const piece own = {p, least(job->rows, k->scatter.pre - p), j,
                     least(job->cols, k->scatter.cols - j)};
  (void)worker;
  for (int64_t q = 0; q < k->scatter.post; q++) scatter_image(job, &own, q);
}

/* Rows are divided rather than columns: some columns may have most of the indices. */
void ag_host_scatter(const ag_host_program *hp, const ag_binding *slot) {
  const ag_kernel *k = hp->k;
  const int64_t pre = k->scatter.pre, cols = k->scatter.cols, threads = ag_threads();
  scatter_job job = {hp, slot, pre, cols, 1};
  if (pre * k->scatter.post * (cols + k->scatter.n) > SERIAL_COUNT) {
    job.rows = ceil_div(pre, threads);
    if (job.rows < SHARED_LINE) job.rows = pre, job.cols = ceil_div(cols, 4 * threads);
    job.row_tasks = ceil_div(pre, job.rows);
  }
  ag_parallel((int)(job.row_tasks * ceil_div(cols, job.cols)), scatter_task, &job);
}
