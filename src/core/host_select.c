/* Selecting on the host: in one pass. Chunks are selected into memory that stays in the cache; each
 * waits for the place where the one before it ends, and is copied there. */
#include "host_launch.h"
#include "threads.h"
#include <stdlib.h>
#include <string.h>

#define CHUNK 16384

typedef struct {
  const ag_host_program *hp;
  const ag_binding *slot;
  int64_t *end; /* per chunk: where its elements end in the result; -1 while that is not known */
  size_t stage; /* where in a worker's scratch memory the selected elements lie */
} job;

/* Every element is written, but only those selected move the end. */
#define DEFINE_PACK(name, type)                                                                    \
  static int64_t name(type *to, const int32_t *mask, const type *x, int64_t n, type na) {          \
    int64_t k = 0;                                                                                 \
    for (int64_t i = 0; i < n; i++) {                                                              \
      to[k] = mask[i] == AG_NA_INT ? na : x[i];                                                    \
      k += mask[i] != 0;                                                                           \
    }                                                                                              \
    return k;                                                                                      \
  }
DEFINE_PACK(pack_4, uint32_t)
DEFINE_PACK(pack_8, uint64_t)

static int64_t select_chunk(const job *j, char *scratch, int64_t start, int64_t n) {
  const ag_kernel *k = j->hp->k;
  const int want[2] = {k->select.mask, k->select.value};
  const void *got[2];
  char *to = scratch + j->stage;
  int64_t count = 0;
  uint64_t na = ag_host_na_bits(k->select.type);
  ag_host_program_begin(j->hp, scratch, n);
  for (int64_t i = 0; i < n; i += j->hp->block) {
    int64_t len = n - i < j->hp->block ? n - i : j->hp->block;
    ag_host_program_pair(j->hp, j->slot, scratch, start + i, len, want, got);
    count += ag_dtype_size(k->select.type) == 8
                 ? pack_8((uint64_t *)(void *)to + count, got[0], got[1], len, na)
                 : pack_4((uint32_t *)(void *)to + count, got[0], got[1], len, (uint32_t)na);
  }
  return count;
}

/* Tasks start in order, so the one that this waits for is under way. */
static int64_t end_of(const int64_t *end) {
  int64_t at;
  for (int i = 0; (at = __atomic_load_n(end, __ATOMIC_ACQUIRE)) < 0; i++) ag_threads_pause(i);
  return at;
}

static void select_task(void *ctx, int task, int worker) {
  const job *j = ctx;
  const ag_kernel *k = j->hp->k;
  const ag_binding *out = &j->slot[k->select.slot_out];
  size_t size = ag_dtype_size(k->select.type);
  char *scratch = ag_host_scratch(worker, j->stage + CHUNK * size);
  int64_t start = (int64_t)task * CHUNK, total = k->prog.count;
  int64_t count = select_chunk(j, scratch, start, total - start < CHUNK ? total - start : CHUNK);
  int64_t first = task ? end_of(&j->end[task - 1]) : 0;
  __atomic_store_n(&j->end[task], first + count, __ATOMIC_RELEASE);
  memcpy((char *)out->mem + (size_t)(out->offset + first) * size, scratch + j->stage,
         (size_t)count * size);
}

ag_status ag_host_select(const ag_host_program *hp, const ag_binding *slot) {
  const ag_kernel *k = hp->k;
  const ag_binding *out = &slot[k->select.slot_out];
  size_t size = ag_dtype_size(k->select.type);
  int64_t chunks = (k->prog.count + CHUNK - 1) / CHUNK;
  job j = {hp, slot, malloc((size_t)chunks * sizeof *j.end), ag_host_program_scratch(hp)};
  if (!j.end) return ag_fail(AG_E_MEMORY, "out of memory");
  for (int64_t i = 0; i < chunks; i++) j.end[i] = -1;
  ag_status status = ag_host_reserve(j.stage + CHUNK * size);
  if (status == AG_OK) {
    ag_parallel((int)chunks, select_task, &j);
    int32_t count = (int32_t)j.end[chunks - 1];
    memcpy((char *)out->mem + (size_t)(out->offset + k->prog.count) * size, &count, sizeof count);
  }
  free(j.end);
  return status;
}
