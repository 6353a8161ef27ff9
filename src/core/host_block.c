/* The host's BLOCK kernels: triangular solves, rows moved, triangles. */
#include "host_block.h"
#include "host_trsm.h"
#include "threads.h"
#include <string.h>

/* Elements below which waking another thread costs more than it gives. */
#define SERIAL_WORK 65536
#define STRIPE      32 /* columns of a task */

typedef struct {
  const ag_kernel *k;
  char *a, *b;
  int no_memory;
} block_job;

static void *start(const ag_binding *slot, ag_dtype type) {
  return (char *)slot->mem + (size_t)slot->offset * ag_dtype_size(type);
}

static ag_status trsm(const ag_kernel *k, const ag_binding *slot) {
  const ag_trsm s = {.type = k->block.type,
                     .right = k->block.right,
                     .upper = k->block.upper,
                     .trans = k->block.trans,
                     .unit = k->block.unit,
                     .rows = k->block.rows,
                     .cols = k->block.cols,
                     .t = start(&slot[0], k->block.type),
                     .ldt = k->block.lda,
                     .b = start(&slot[1], k->block.type),
                     .ldb = k->block.ldb};
  return ag_host_trsm(&s);
}

/* The columns [first, last) of a task. */
static int64_t last_column(const ag_kernel *k, int task) {
  const int64_t end = (task + 1) * (int64_t)STRIPE;
  return end < k->block.cols ? end : k->block.cols;
}

#define PERMUTE(type)                                                                              \
  for (int64_t c = 0; c < count; c++) ((type *)room)[c] = ((const type *)column)[row[count + c]];  \
  for (int64_t c = 0; c < count; c++) ((type *)column)[row[c]] = ((const type *)room)[c];

static void permute_task(void *ctx, int task, int worker) {
  block_job *job = ctx;
  const int64_t count = job->k->block.count, size = (int64_t)ag_dtype_size(job->k->block.type);
  const int32_t *row = (const int32_t *)(const void *)job->b;
  char *room = ag_threads_scratch(AG_SCRATCH_RHS, (size_t)(count * size));
  (void)worker;
  if (!room) {
    __atomic_store_n(&job->no_memory, 1, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t j = task * (int64_t)STRIPE; j < last_column(job->k, task); j++) {
    char *column = job->a + j * job->k->block.lda * size;
    if (size == 8) {
      PERMUTE(uint64_t)
    } else {
      PERMUTE(uint32_t)
    }
  }
}

static void triangle_task(void *ctx, int task, int worker) {
  const block_job *job = ctx;
  const ag_kernel *k = job->k;
  const size_t size = ag_dtype_size(k->block.type);
  (void)worker;
  for (int64_t j = task * (int64_t)STRIPE; j < last_column(k, task); j++) {
    const char *from = job->a + (size_t)(j * k->block.lda) * size;
    char *to = job->b + (size_t)(j * k->block.ldb) * size;
    const int64_t rows = k->block.rows, below = j + 1 < rows ? j + 1 : rows,
                  above = j < rows ? j : rows;
    const size_t first = (size_t)(k->block.upper ? below : above) * size, all = (size_t)rows * size;
    if (k->block.upper) {
      memmove(to, from, first);
      memset(to + first, 0, all - first);
    } else {
      memset(to, 0, first);
      memmove(to + first, from + first, all - first);
    }
    if (!k->block.unit || j >= rows) continue;
    if (size == 8) ((double *)(void *)to)[j] = 1;
    else ((float *)(void *)to)[j] = 1;
  }
}

static void run_columns(block_job *job, int64_t rows, void (*fn)(void *, int, int)) {
  const int64_t cols = job->k->block.cols;
  const int tasks = (int)((cols + STRIPE - 1) / STRIPE);
  if (rows * cols >= SERIAL_WORK) ag_parallel(tasks, fn, job);
  else
    for (int task = 0; task < tasks; task++) fn(job, task, ag_threads_self());
}

ag_status ag_host_block(const ag_kernel *k, const ag_binding *slot) {
  block_job job = {.k = k};
  if (k->block.step == AG_BLOCK_TRSM) return trsm(k, slot);
  job.a = start(&slot[0], k->block.type);
  if (k->block.step == AG_BLOCK_PERMUTE) {
    job.b = start(&slot[1], AG_I32);
    run_columns(&job, k->block.count, permute_task);
  } else {
    job.b = start(&slot[1], k->block.type);
    run_columns(&job, k->block.rows, triangle_task);
  }
  return job.no_memory ? ag_fail(AG_E_MEMORY, "out of memory") : AG_OK;
}
