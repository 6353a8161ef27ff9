/* Matrix products on the host, one or many: many small ones are shared out among the threads, a
 * few large ones are computed one after the other by all of them. */
#include "host_gemm.h"
#include "host_launch.h"
#include "threads.h"

/* Multiply-adds of a product that all threads compute together if there are few of them, or
 * however many: then each thread's packed blocks would take much memory. */
#define LARGE_PRODUCT 1e7
#define HUGE_PRODUCT  3e8
/* That a task of several products has at least. */
#define TASK_WORK 3e5

typedef struct {
  const ag_host_program *hp;
  const ag_binding *slot;
  ag_gemm first; /* of the first product */
  int64_t chunk; /* products per task */
  int no_memory;
} products;

/* A product's tile: its columns are counted from the first product's on. */
typedef struct {
  const products *all;
  int64_t column;
} product;

/* The epilogue of a finished tile, while it is in cache. */
static void epilogue(void *ctx, int64_t i, int64_t m, int64_t j, int64_t n, int worker) {
  const product *p = ctx;
  const ag_host_program *hp = p->all->hp;
  const ag_binding *slot = p->all->slot;
  const int64_t rows = hp->k->mm.m;
  char *mem = ag_host_scratch(worker, ag_host_program_scratch(hp));
  j += p->column;
  ag_host_program_begin(hp, mem, m == rows ? m * n : m);
  if (m == rows) {
    ag_host_program_run(hp, slot, mem, j * rows, m * n);
    return;
  }
  for (int64_t col = j; col < j + n; col++) ag_host_program_run(hp, slot, mem, col * rows + i, m);
}

static void *slot_at(const ag_binding *slot, int64_t base, ag_dtype type) {
  return (char *)slot->mem + (size_t)(slot->offset + base) * ag_dtype_size(type);
}

static ag_gemm first_product(const ag_kernel *k, const ag_binding *slot) {
  const ag_dtype type = k->mm.type;
  ag_gemm g = {.type = type, .m = k->mm.m, .n = k->mm.n, .k = k->mm.k};
  g.a = slot_at(&slot[k->mm.slot_a], k->mm.base_a, type), g.rs_a = k->mm.rs_a, g.cs_a = k->mm.cs_a;
  g.b = slot_at(&slot[k->mm.slot_b], k->mm.base_b, type), g.rs_b = k->mm.rs_b, g.cs_b = k->mm.cs_b;
  if (k->mm.block) {
    g.c = slot_at(&slot[k->mm.slot_c], k->mm.base_c, type), g.ldc = k->mm.ldc;
    g.into = k->mm.into;
  } else {
    const ag_operand *out = &k->prog.out[0];
    g.c = slot_at(&slot[out->slot], out->at.base, type), g.ldc = k->mm.m;
    g.done = ag_host_program_is_plain(&k->prog) ? NULL : epilogue;
  }
  return g;
}

static ag_status run_product(const products *all, int64_t i) {
  const ag_kernel *k = all->hp->k;
  const size_t size = ag_dtype_size(k->mm.type);
  product p = {all, i * k->mm.n};
  ag_gemm g = all->first;
  g.a = (const char *)g.a + (size_t)(i * k->mm.next_a) * size;
  g.b = (const char *)g.b + (size_t)(i * k->mm.next_b) * size;
  g.c = (char *)g.c + (size_t)(i * g.n * g.ldc) * size;
  g.ctx = &p;
  return ag_host_gemm(&g);
}

static void products_task(void *ctx, int task, int worker) {
  products *all = ctx;
  const int64_t batch = all->hp->k->mm.batch, first = task * all->chunk, end = first + all->chunk;
  (void)worker;
  for (int64_t i = first; i < end && i < batch; i++)
    if (run_product(all, i) != AG_OK) __atomic_store_n(&all->no_memory, 1, __ATOMIC_RELAXED);
}

ag_status ag_host_matmul(const ag_host_program *hp, const ag_binding *slot) {
  const ag_kernel *k = hp->k;
  const int64_t batch = k->mm.batch > 1 ? k->mm.batch : 1, most = 8 * (int64_t)ag_threads();
  const double work = (double)k->mm.m * (double)k->mm.n * (double)k->mm.k;
  products all = {.hp = hp, .slot = slot, .first = first_product(k, slot)};
  if (work >= HUGE_PRODUCT || (work >= LARGE_PRODUCT && 2 * batch < most) || batch == 1) {
    for (int64_t i = 0; i < batch; i++) AG_TRY(run_product(&all, i));
    return AG_OK;
  }
  double tasks = (double)batch * work / TASK_WORK;
  if (tasks > (double)most) tasks = (double)most;
  all.chunk = tasks < 1 ? batch : (batch + (int64_t)tasks - 1) / (int64_t)tasks;
  ag_parallel((int)((batch + all.chunk - 1) / all.chunk), products_task, &all);
  return all.no_memory ? ag_fail(AG_E_MEMORY, "matmul: out of memory") : AG_OK;
}
