/* The thread pool. A job is open while tasks are left; workers that come in time join it, those
 * that come late find it closed. So the caller waits only for workers that are inside a task, and a
 * worker that the system does not schedule costs nothing. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "threads.h"
#include "threads_os.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_THREADS  256
#define CLOSED       0x40000000 /* bit of pool.inside: nobody may join */
#define SPIN_SECONDS 50e-6      /* a worker looks for work this long before it sleeps */
#define SPIN_HOT     64         /* looks between two looks at the clock */

typedef void task_fn(void *ctx, int task, int worker);

/* Fields that several threads write lie on cache lines of their own. */
static struct {
  task_fn *fn; /* the job; constant while pool.inside counts anybody */
  void *ctx;
  int ntasks;
  int nworkers, started; /* written by the caller's thread only */
  int avoided;           /* the core that workers are kept off, or -1 */
  long process;
  os_thread thread[MAX_THREADS];
  os_mutex lock;
  os_cond wake, left; /* to workers: a job, or the end. To the caller: all have left */
  char pad0[64];
  int next; /* the next task */
  char pad1[64];
  int inside;  /* workers in the job, and CLOSED */
  int waiting; /* the caller sleeps on `left` */
  char pad2[64];
  unsigned epoch; /* counts jobs: tells workers to look */
  int sleepers, stop;
  char pad3[64];
} pool = {.inside = CLOSED,
          .avoided = -1,
          .lock = OS_MUTEX_INIT,
          .wake = OS_COND_INIT,
          .left = OS_COND_INIT};

static __thread int self;   /* worker number */
static __thread int in_job; /* a nested call runs serially */
static int wanted;          /* 0: not yet known */

static struct {
  void *base, *at;
  size_t bytes;
} scratch[MAX_THREADS][AG_SCRATCH_SLOTS];

#define LOAD(x)     __atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define STORE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_SEQ_CST)
#define ADD(x, v)   __atomic_add_fetch(&(x), (v), __ATOMIC_SEQ_CST)

/* ---- how many ---- */

static int positive_env(const char *name) {
  const char *text = getenv(name);
  int n = text ? atoi(text) : 0;
  return n > 0 ? n : 0;
}

static int default_threads(void) {
  int n = positive_env("ANYGPU_THREADS");
  if (n) return n;
  n = os_cores();
  int limit = positive_env("OMP_THREAD_LIMIT");
  if (limit && n > limit) n = limit;
  const char *check = getenv("_R_CHECK_LIMIT_CORES_");
  int limited = check && *check && strcmp(check, "false") != 0 && strcmp(check, "FALSE") != 0;
  return limited && n > 2 ? 2 : n;
}

int ag_threads(void) {
  if (!wanted) ag_threads_set(0);
  return wanted;
}

void ag_threads_set(int n) {
  if (n <= 0) n = default_threads();
  n = n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
  if (wanted && n != wanted) ag_threads_stop();
  wanted = n;
}

int ag_threads_self(void) { return self; }

double ag_threads_seconds(void) { return os_seconds(); }

void ag_threads_pause(int i) {
  os_pause();
  if (i % 1024 == 1023) os_yield(); /* the other thread may have lost its core */
}

/* ---- workers ---- */

static void run_tasks(int worker) {
  for (;;) {
    int task = __atomic_fetch_add(&pool.next, 1, __ATOMIC_RELAXED);
    if (task >= pool.ntasks) return;
    pool.fn(pool.ctx, task, worker);
  }
}

static int join_job(void) {
  int seen = LOAD(pool.inside);
  while (!(seen & CLOSED))
    if (__atomic_compare_exchange_n(&pool.inside, &seen, seen + 1, 0, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
      return 1;
  return 0;
}

static void leave_job(void) {
  if (ADD(pool.inside, -1) != CLOSED || !LOAD(pool.waiting)) return;
  os_lock(&pool.lock);
  os_signal(&pool.left);
  os_unlock(&pool.lock);
}

/* Waits for the epoch to change: looks for a while, in between giving the core away, then sleeps.
 */
static void await_epoch(unsigned seen) {
  double until = os_seconds() + SPIN_SECONDS;
  do {
    for (int i = 0; i < SPIN_HOT; i++) {
      if (LOAD(pool.epoch) != seen) return;
      os_pause();
    }
    os_yield();
  } while (os_seconds() < until);
  os_lock(&pool.lock);
  ADD(pool.sleepers, 1);
  while (LOAD(pool.epoch) == seen) os_wait(&pool.wake, &pool.lock);
  ADD(pool.sleepers, -1);
  os_unlock(&pool.lock);
}

OS_THREAD_FN(worker_main, arg) {
  unsigned seen = LOAD(pool.epoch) - 1; /* a job may be open already */
  self = (int)(intptr_t)arg;
  in_job = 1;
  while (!LOAD(pool.stop)) {
    unsigned epoch = LOAD(pool.epoch);
    if (epoch == seen) {
      await_epoch(seen);
      continue;
    }
    seen = epoch;
    if (join_job()) {
      run_tasks(self);
      leave_job();
    }
  }
  OS_THREAD_RETURN;
}

/* ---- the caller ---- */

/* In a forked child only the calling thread lives: the parent's workers and locks are forgotten. */
static void forget_parent(void) {
  static const os_mutex fresh_lock = OS_MUTEX_INIT;
  static const os_cond fresh_cond = OS_COND_INIT;
  pool.lock = fresh_lock;
  pool.wake = pool.left = fresh_cond;
  pool.started = pool.nworkers = 0;
  pool.avoided = -1;
  pool.inside = CLOSED;
  pool.waiting = pool.sleepers = pool.stop = 0;
}

static void keep_off_this_core(void) {
  int core = os_core();
  if (core == pool.avoided) return;
  for (int i = 0; i < pool.nworkers; i++) os_avoid(pool.thread[i], core);
  pool.avoided = core;
}

static void start(void) {
  if (pool.started && pool.process != os_process()) forget_parent();
  if (pool.started) return;
  pool.process = os_process();
  pool.started = 1;
  pool.nworkers = 0;
  for (int i = 1; i < ag_threads(); i++) { /* fewer workers than wanted still give the result */
    if (!os_start(&pool.thread[pool.nworkers], worker_main, (void *)(intptr_t)i)) break;
    pool.nworkers++;
  }
  keep_off_this_core();
}

/* Wakes no more sleepers than there are tasks for. */
static void announce(int ntasks) {
  ADD(pool.epoch, 1);
  int n = LOAD(pool.sleepers);
  if (!n) return;
  keep_off_this_core();
  os_lock(&pool.lock);
  if (ntasks - 1 >= n) os_broadcast(&pool.wake);
  else
    for (int i = 1; i < ntasks; i++) os_signal(&pool.wake);
  os_unlock(&pool.lock);
}

static void await_leaving(void) {
  __atomic_fetch_or(&pool.inside, CLOSED, __ATOMIC_SEQ_CST);
  for (int i = 0; i < 4096; i++) {
    if (LOAD(pool.inside) == CLOSED) return;
    os_pause();
    if (i % 256 == 255) os_yield();
  }
  os_lock(&pool.lock);
  STORE(pool.waiting, 1);
  while (LOAD(pool.inside) != CLOSED) os_wait(&pool.left, &pool.lock);
  STORE(pool.waiting, 0);
  os_unlock(&pool.lock);
}

void ag_parallel(int ntasks, task_fn *fn, void *ctx) {
  if (ntasks <= 1 || in_job || ag_threads() == 1) {
    for (int task = 0; task < ntasks; task++) fn(ctx, task, self);
    return;
  }
  start();
  in_job = 1;
  pool.fn = fn;
  pool.ctx = ctx;
  pool.ntasks = ntasks;
  STORE(pool.next, 0);
  STORE(pool.inside, 0);
  announce(ntasks);
  run_tasks(0);
  await_leaving();
  in_job = 0;
}

static void free_scratch(void) {
  for (int i = 0; i < MAX_THREADS; i++)
    for (int slot = 0; slot < AG_SCRATCH_SLOTS; slot++) {
      free(scratch[i][slot].base);
      memset(&scratch[i][slot], 0, sizeof scratch[i][slot]);
    }
}

void ag_threads_stop(void) {
  if (in_job) return;
  if (pool.started && pool.process == os_process()) {
    STORE(pool.stop, 1);
    os_lock(&pool.lock);
    ADD(pool.epoch, 1);
    os_broadcast(&pool.wake);
    os_unlock(&pool.lock);
    for (int i = 0; i < pool.nworkers; i++) os_join(pool.thread[i]);
  }
  forget_parent();
  free_scratch();
}

/* ---- scratch memory ---- */

void *ag_threads_scratch(ag_scratch_slot slot, size_t bytes) {
  if (scratch[self][slot].bytes < bytes) {
    free(scratch[self][slot].base);
    memset(&scratch[self][slot], 0, sizeof scratch[self][slot]);
    void *base = bytes < (size_t)-1 - 64 ? malloc(bytes + 64) : NULL;
    if (!base) return NULL;
    scratch[self][slot].base = base;
    scratch[self][slot].at = (char *)base + (64 - (uintptr_t)base % 64);
    scratch[self][slot].bytes = bytes;
  }
  return scratch[self][slot].at;
}
