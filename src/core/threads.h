/* A small thread pool: started at the first parallel call, never by loading;
 * started afresh in a forked child. */
#ifndef AG_THREADS_H
#define AG_THREADS_H

#include <stddef.h>
#include <stdint.h>

/* Calls fn(ctx, task, worker) for task = 0 .. ntasks-1, worker < ag_threads(); returns when all are
 * done. One task, or one thread, runs in the caller. Not reentrant: a nested call runs serially. */
void ag_parallel(int ntasks, void (*fn)(void *ctx, int task, int worker), void *ctx);
/* Threads used: ANYGPU_THREADS, else OMP_THREAD_LIMIT and the cores there are (2 under R's check).
 */
int ag_threads(void);
void ag_threads_set(int n); /* 0: the default again */
void ag_threads_stop(
    void); /* ends the workers, frees the scratch memory; the next call starts afresh */

/* Between the i-th and the next look at what another task is about to do: i = 0, 1, ... */
void ag_threads_pause(int i);

/* A clock that does not go back. */
double ag_threads_seconds(void);

/* The calling thread's worker number: 0 outside the pool. */
int ag_threads_self(void);
/* Memory of the calling thread, 64-byte aligned, kept between calls and grown when needed (contents
 * are then lost). One user per slot. NULL when there is no memory. Owned by the pool. */
typedef enum {
  AG_SCRATCH_PACK,
  AG_SCRATCH_PANEL,
  AG_SCRATCH_TRIANGLE,
  AG_SCRATCH_RHS,
  AG_SCRATCH_STRIPE,
  AG_SCRATCH_FACTOR,
  AG_SCRATCH_SLOTS
} ag_scratch_slot;
void *ag_threads_scratch(ag_scratch_slot slot, size_t bytes);

#endif
