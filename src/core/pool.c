/* Buffers: counted references to device memory, and the pool that hands freed
 * blocks out again (fresh pages cost more than the arithmetic on them). Every
 * call to a device passes here, to be counted, checked and made to fail in tests. */
#include "device_table.h"
#include "kernel.h"
#include <stdlib.h>
#include <string.h>

ag_stats ag_stat;
void (*ag_hook_gc)(void);
const char *(*ag_hook_tuning_file)(void);
int (*ag_hook_interrupted)(void);

/* -- fault injection -------------------------------------------------------------------------- */
static long fault_countdown;

void ag_fault_after(long n) { fault_countdown = n; }

static ag_status enter(const ag_device *d, const char *call) {
  AG_TRY(ag_device_check(d));
  if (fault_countdown > 0 && --fault_countdown == 0)
    return ag_fail(AG_E_DEVICE, "injected failure in %s on %s", call, d->id);
  return AG_OK;
}

/* -- the pool: free blocks by size class --------------------------------------------------- */
/* Classes are powers of two cut into sixteenths: at most 1 / 16 is wasted. */
#define SMALLEST 256
#define STEPS    16
#define NCLASSES (40 * STEPS)

typedef struct block {
  struct block *next;
  void *mem;
} block;

struct ag_pool {
  block *list[NCLASSES];
  ag_memory use;
  size_t since_gc; /* bytes asked for since ag_hook_gc ran */
};

static size_t class_size(int class) {
  size_t base = (size_t)SMALLEST << (class / STEPS);
  return base + base / STEPS * (size_t)(class % STEPS);
}

static int class_of(size_t bytes) {
  int class = 0;
  while (class < NCLASSES - STEPS && class_size(class + STEPS) < bytes) class += STEPS;
  while (class < NCLASSES - 1 && class_size(class) < bytes) class ++;
  return class;
}

static struct ag_pool *pool_of(ag_device *d) {
  if (!d->pool) d->pool = calloc(1, sizeof *d->pool);
  return d->pool;
}

static void *pool_take(struct ag_pool *p, int class) {
  block *b = p->list[class];
  if (!b) return NULL;
  p->list[class] = b->next;
  p->use.pool_bytes -= class_size(class);
  ag_stat.pool_hits++;
  void *mem = b->mem;
  free(b);
  return mem;
}

/* Keeps at most a quarter of the device's memory (1 GiB where that is unknown). */
static size_t pool_cap(const ag_device *d) { return d->memory ? d->memory / 4 : (size_t)1 << 30; }

static int pool_put(ag_device *d, size_t capacity, void *mem) {
  struct ag_pool *p = d->pool;
  block *b = p->use.pool_bytes + capacity > pool_cap(d) ? NULL : malloc(sizeof *b);
  if (!b) return 0;
  int class = class_of(capacity);
  b->mem = mem;
  b->next = p->list[class];
  p->list[class] = b;
  p->use.pool_bytes += capacity;
  return 1;
}

void ag_device_trim(ag_device *d) {
  struct ag_pool *p = d->pool;
  if (!p || ag_device_check(d) != AG_OK) return;
  for (int class = 0; class < NCLASSES; class ++)
    for (block *b = p->list[class], *next; b; b = next) {
      next = b->next;
      d->table->free(d, b->mem);
      free(b);
      p->list[class] = next;
    }
  p->use.pool_bytes = 0;
}

ag_memory ag_device_memory(const ag_device *d) { return d->pool ? d->pool->use : (ag_memory){0}; }

void ag_device_set_limit(ag_device *d, size_t bytes) {
  if (pool_of(d)) d->pool->use.limit = bytes;
}

ag_room ag_device_room(const ag_device *d) {
  const ag_memory use = ag_device_memory(d);
  size_t all = use.limit ? use.limit : SIZE_MAX;
  if (d->is_gpu && d->memory && d->memory < all) all = d->memory;
  if (all < SIZE_MAX) all = use.live_bytes < all ? all - use.live_bytes : 0;
  return (ag_room){d->max_alloc && d->max_alloc < all ? d->max_alloc : all, all};
}

/* -- buffers ------------------------------------------------------------------------------- */
static ag_status try_alloc(ag_device *d, int class, void **mem) {
  struct ag_pool *p = d->pool;
  size_t capacity = class_size(class);
  if (p->use.limit && p->use.live_bytes + capacity > p->use.limit)
    return ag_fail(AG_E_MEMORY, "the limit set by gpu_memory(limit = ) is %.1f MB",
                   (double)p->use.limit / 1e6);
  *mem = pool_take(p, class);
  if (*mem) return AG_OK;
  AG_TRY(d->table->alloc(d, capacity, mem));
  ag_stat.allocs++;
  return AG_OK;
}

/* R does not see device memory: ask it to collect when as much was handed out again as is in use.
 */
static void collect_if_due(struct ag_pool *p, size_t capacity) {
  const size_t least = (size_t)256 << 20;
  p->since_gc += capacity;
  if (!ag_hook_gc || p->since_gc < least || p->since_gc < p->use.live_bytes / 2) return;
  p->since_gc = 0;
  if (p->use.live_bytes >= least) ag_hook_gc();
}

static ag_status memory_error(ag_device *d, size_t bytes) {
  char why[400];
  size_t i = 0;
  for (const char *m = ag_error_message(); *m && i + 1 < sizeof why; m++) why[i++] = *m;
  why[i] = 0;
  return ag_fail(AG_E_MEMORY, "%s has no room for an array of %.1f MB: %.1f MB are in use (%s)",
                 d->id, (double)bytes / 1e6, (double)d->pool->use.live_bytes / 1e6, why);
}

static ag_status alloc_or_collect(ag_device *d, size_t bytes, int class, void **mem) {
  if (try_alloc(d, class, mem) == AG_OK) return AG_OK;
  if (ag_hook_gc) ag_hook_gc();
  if (try_alloc(d, class, mem) == AG_OK) return AG_OK;
  ag_device_trim(d);
  if (try_alloc(d, class, mem) == AG_OK) return AG_OK;
  return memory_error(d, bytes);
}

ag_status ag_buffer_new(ag_buffer **out, ag_device *d, size_t bytes) {
  AG_TRY(enter(d, "alloc"));
  if (!pool_of(d)) return ag_fail(AG_E_MEMORY, "out of memory");
  if (d->max_alloc && bytes > d->max_alloc)
    return ag_fail(AG_E_MEMORY, "%s allows arrays of at most %.1f MB; %.1f MB were asked for",
                   d->id, (double)d->max_alloc / 1e6, (double)bytes / 1e6);
  ag_buffer *b = malloc(sizeof *b);
  if (!b) return ag_fail(AG_E_MEMORY, "out of memory");
  int class = class_of(bytes);
  size_t capacity = class_size(class);
  collect_if_due(d->pool, capacity);
  ag_status status = alloc_or_collect(d, bytes, class, &b->mem);
  if (status != AG_OK) {
    free(b);
    return status;
  }
  b->refs = 1, b->dev = d, b->bytes = bytes, b->capacity = capacity, b->borrowed = 0;
  ag_memory *use = &d->pool->use;
  use->live_buffers++;
  use->live_bytes += capacity;
  if (use->live_bytes > use->peak_bytes) use->peak_bytes = use->live_bytes;
  *out = b;
  return AG_OK;
}

ag_status ag_buffer_borrow(ag_buffer **out, ag_device *d, const void *mem, size_t bytes) {
  *out = NULL;
  if (d->table != &ag_host_table) return AG_OK;
  ag_buffer *b = calloc(1, sizeof *b);
  if (!b) return ag_fail(AG_E_MEMORY, "out of memory");
  b->refs = 1, b->dev = d, b->bytes = b->capacity = bytes, b->borrowed = 1;
  memcpy(&b->mem, &mem, sizeof mem); /* a promise that nobody writes */
  *out = b;
  return AG_OK;
}

ag_buffer *ag_buffer_retain(ag_buffer *b) {
  b->refs++;
  return b;
}

void ag_buffer_release(ag_buffer *b) {
  if (!b || --b->refs) return;
  if (b->borrowed) {
    free(b);
    return;
  }
  ag_device *d = b->dev;
  d->pool->use.live_buffers--;
  d->pool->use.live_bytes -= b->capacity;
  /* memory of the process that this one was forked from is left alone */
  if (ag_device_check(d) == AG_OK && !pool_put(d, b->capacity, b->mem)) d->table->free(d, b->mem);
  free(b);
}

ag_status ag_buffer_write(ag_buffer *b, size_t offset, const void *src, size_t bytes) {
  AG_TRY(enter(b->dev, "write"));
  ag_stat.uploads++;
  ag_stat.upload_bytes += (int64_t)bytes;
  return bytes ? b->dev->table->write(b->dev, b->mem, offset, src, bytes) : AG_OK;
}

ag_status ag_buffer_read(ag_buffer *b, void *dst, size_t offset, size_t bytes) {
  AG_TRY(enter(b->dev, "read"));
  ag_stat.downloads++;
  ag_stat.download_bytes += (int64_t)bytes;
  return bytes ? b->dev->table->read(b->dev, dst, b->mem, offset, bytes) : AG_OK;
}

ag_status ag_buffer_zero(ag_buffer *b, size_t offset, size_t bytes) {
  AG_TRY(enter(b->dev, "zero"));
  return bytes ? b->dev->table->zero(b->dev, b->mem, offset, bytes) : AG_OK;
}

/* -- kernels ------------------------------------------------------------------------------- */
ag_status ag_device_build(ag_device *d, ag_kernel *k) {
  AG_TRY(enter(d, "build"));
  return d->table->build(d, k);
}

ag_status ag_device_launch(ag_device *d, const ag_kernel *k, const ag_binding *slot) {
  AG_TRY(enter(d, "launch"));
  ag_stat.launches++;
  return d->table->launch(d, k, slot);
}

ag_status ag_device_tune(ag_device *d, double seconds, ag_tuning *report) {
  report->n = 0;
  AG_TRY(enter(d, "tune"));
  return d->table->tune ? d->table->tune(d, seconds, report) : AG_OK;
}

ag_status ag_device_finish(ag_device *d) {
  AG_TRY(enter(d, "finish"));
  return d->table->finish(d);
}
