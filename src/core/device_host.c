/* The built-in device: the processor this runs on. Launches are synchronous. */
#include "device_table.h"
#include "host_block.h"
#include "host_launch.h"
#include "host_sort.h"
#include "threads.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef _WIN32
#include <sys/mman.h>
#include <unistd.h>
#endif

#define HUGE_PAGE   ((size_t)2 << 20)
#define ALIGN       64
#define MAX_WORKERS 256
/* Iterations times instructions below which waking another thread costs more than it gives. */
#define SERIAL_WORK 131072

/* -- memory -------------------------------------------------------------------------------- */
/* Aligned blocks from plain malloc (C99 has no aligned_alloc); the address of the block stands
 * before it. */
static void *aligned_new(size_t bytes) {
  size_t align = bytes < 2 * HUGE_PAGE ? ALIGN : HUGE_PAGE;
  char *raw = malloc(bytes + align + sizeof(void *));
  if (!raw) return NULL;
  char *mem = raw + sizeof(void *);
  mem += (align - (uintptr_t)mem % align) % align;
  memcpy(mem - sizeof(void *), &raw, sizeof raw);
#ifdef MADV_HUGEPAGE /* fewer page faults and TLB misses; a wish, not a need */
  if (align == HUGE_PAGE) (void)madvise(mem, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
  return mem;
}

static void aligned_drop(void *mem) {
  void *raw;
  if (!mem) return;
  memcpy(&raw, (char *)mem - sizeof(void *), sizeof raw);
  free(raw);
}

static struct {
  char *mem;
  size_t bytes;
} scratch[MAX_WORKERS];

char *ag_host_scratch(int w, size_t bytes) {
  if (scratch[w].bytes < bytes) {
    aligned_drop(scratch[w].mem);
    scratch[w].mem = aligned_new(bytes);
    scratch[w].bytes = scratch[w].mem ? bytes : 0;
  }
  return scratch[w].mem;
}

ag_status ag_host_reserve(size_t bytes) {
  for (int w = 0; w < ag_threads() && w < MAX_WORKERS; w++)
    if (!ag_host_scratch(w, bytes) && bytes) return ag_fail(AG_E_MEMORY, "out of memory");
  return AG_OK;
}

static ag_status host_alloc(ag_device *d, size_t bytes, void **mem) {
  *mem = aligned_new(bytes);
  return *mem ? AG_OK
              : ag_fail(AG_E_MEMORY, "%s: the system gave no block of %.1f MB", d->id,
                        (double)bytes / 1e6);
}

static void host_free(ag_device *d, void *mem) {
  (void)d;
  aligned_drop(mem);
}

/* Large blocks are copied by all threads: one does not fill the memory bus. */
#define COPY_PART ((size_t)1 << 20)
typedef struct {
  char *to;
  const char *from;
  size_t bytes;
} copy_job;

static void copy_task(void *ctx, int task, int worker) {
  const copy_job *job = ctx;
  size_t first = (size_t)task * COPY_PART;
  (void)worker;
  memcpy(job->to + first, job->from + first,
         job->bytes - first < COPY_PART ? job->bytes - first : COPY_PART);
}

static void copy(void *to, const void *from, size_t bytes) {
  copy_job job = {to, from, bytes};
  if (bytes < 4 * COPY_PART) memcpy(to, from, bytes);
  else ag_parallel((int)((bytes + COPY_PART - 1) / COPY_PART), copy_task, &job);
}

static ag_status host_write(ag_device *d, void *mem, size_t offset, const void *src, size_t bytes) {
  (void)d;
  copy((char *)mem + offset, src, bytes);
  return AG_OK;
}

static ag_status host_read(ag_device *d, void *dst, void *mem, size_t offset, size_t bytes) {
  (void)d;
  copy(dst, (const char *)mem + offset, bytes);
  return AG_OK;
}

static ag_status host_zero(ag_device *d, void *mem, size_t offset, size_t bytes) {
  (void)d;
  memset((char *)mem + offset, 0, bytes);
  return AG_OK;
}

/* -- kernels ------------------------------------------------------------------------------- */
static ag_status host_build(ag_device *d, ag_kernel *k) {
  (void)d;
  ag_host_program *hp = calloc(1, sizeof *hp);
  if (!hp) return ag_fail(AG_E_MEMORY, "out of memory");
  ag_host_program_make(hp, k);
  k->code = hp;
  return AG_OK;
}

static void host_unbuild(ag_device *d, ag_kernel *k) {
  (void)d;
  free(k->code);
  k->code = NULL;
}

typedef struct {
  const ag_host_program *hp;
  const ag_binding *slot;
  int64_t count, chunk;
} map_job;

static void map_task(void *ctx, int task, int worker) {
  const map_job *job = ctx;
  char *mem = ag_host_scratch(worker, ag_host_program_scratch(job->hp));
  int64_t start = (int64_t)task * job->chunk,
          n = job->count - start < job->chunk ? job->count - start : job->chunk;
  ag_host_program_begin(job->hp, mem, n);
  ag_host_program_run(job->hp, job->slot, mem, start, n);
}

static void run_map(const ag_host_program *hp, const ag_binding *slot) {
  const ag_program *p = &hp->k->prog;
  map_job job = {hp, slot, p->count, p->count};
  int64_t tasks = 1;
  if (p->count * (p->ninstr + 1) > SERIAL_WORK) tasks = 4 * ag_threads();
  job.chunk = (p->count + tasks - 1) / tasks;
  job.chunk = (job.chunk + hp->block - 1) / hp->block * hp->block;
  ag_parallel((int)((p->count + job.chunk - 1) / job.chunk), map_task, &job);
}

static ag_status host_launch(ag_device *d, const ag_kernel *k, const ag_binding *slot) {
  (void)d;
  const ag_host_program *hp = k->code;
  AG_TRY(ag_host_reserve(ag_host_program_scratch(hp) + ALIGN));
  switch (k->kind) {
  case AG_K_MAP: run_map(hp, slot); return AG_OK;
  case AG_K_REDUCE: return ag_host_reduce(hp, slot);
  case AG_K_SCAN: return ag_host_scan(hp, slot);
  case AG_K_MATMUL: return ag_host_matmul(hp, slot);
  case AG_K_CONV: return ag_host_conv(hp, slot);
  case AG_K_GATHER: ag_host_gather(k, slot); return AG_OK;
  case AG_K_SCATTER: ag_host_scatter(hp, slot); return AG_OK;
  case AG_K_SELECT: return ag_host_select(hp, slot);
  case AG_K_SORT: return ag_host_sort(k, slot);
  case AG_K_BATCHED: return ag_host_batched(k, slot);
  case AG_K_BLOCK: return ag_host_block(k, slot);
  case AG_K_POOLING: return ag_host_pooling(k, slot);
  }
  return AG_OK;
}

static ag_status host_finish(ag_device *d) {
  (void)d;
  return AG_OK;
}

/* -- opening ------------------------------------------------------------------------------- */
static ag_status host_open(ag_device *d) {
  d->state = (void *)ag_isa_get(); /* nothing of its own: only "is open" */
  return AG_OK;
}

static void host_close(ag_device *d) {
  for (int w = 0; w < MAX_WORKERS; w++) {
    aligned_drop(scratch[w].mem);
    scratch[w].mem = NULL;
    scratch[w].bytes = 0;
  }
  ag_threads_stop();
  d->state = NULL;
}

const ag_device_table ag_host_table = {.kind = "host",
                                       .open = host_open,
                                       .close = host_close,
                                       .alloc = host_alloc,
                                       .free = host_free,
                                       .write = host_write,
                                       .read = host_read,
                                       .zero = host_zero,
                                       .build = host_build,
                                       .unbuild = host_unbuild,
                                       .launch = host_launch,
                                       .finish = host_finish};

static size_t physical_memory(void) {
#if defined(_SC_PHYS_PAGES) && defined(_SC_PAGESIZE)
  return (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
#else
  return 0;
#endif
}

ag_device *ag_host_new(void) {
  ag_device *d = calloc(1, sizeof *d);
  if (!d) return NULL;
  d->table = &ag_host_table;
  strcpy(d->id, "host");
  d->has_f64 = 1;
  d->compute_units = ag_threads();
  d->memory = physical_memory();
  snprintf(d->name, sizeof d->name, "this computer's processor (%s, %d thread%s)",
           ag_isa_get()->name, d->compute_units, d->compute_units == 1 ? "" : "s");
  return d;
}
