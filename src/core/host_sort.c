/* Sorting on the host: ORDER and VALUES. See host_sort_real.h for how. */
#include "host_sort.h"
#include "host_sort_key.h"
#include "threads.h"
#include <stdlib.h>
#include <string.h>

#define DIGIT_BITS   16
#define DIGITS       (1 << DIGIT_BITS)
#define BUCKETS      1024
#define SEGMENT_BITS 11        /* of one of two passes within a bucket */
#define INSERT_MAX   24        /* up to here by insertion */
#define SERIAL       (1 << 14) /* elements that one thread sorts at once */
#define LARGE        (1 << 17) /* a bucket of more is spread again */

typedef struct {
  int64_t first, n;
  int equal; /* all keys are: nothing to be sorted */
} sort_range;

typedef struct {
  uint64_t any, all;    /* bits of keys joined by or, by and */
  uint32_t at[BUCKETS]; /* where this task's next element of each bucket goes */
} sort_task;

typedef struct {
  ag_sort_by by;
  ag_dtype type;
  const void *x;       /* keys */
  const int32_t *from; /* ORDER: the row of key i, from 1; NULL: i + 1 */
  int64_t segment;     /* not 0: the key is its row's segment */
  int64_t n;
  void *a, *b, *out;
  int tasks, nbuckets, nranges, room;
  sort_task *task;   /* owned */
  uint32_t *count;   /* by task and digit; owned */
  uint16_t *bucket;  /* of each digit; owned */
  int64_t *start;    /* of each bucket, and the end of the last; owned */
  sort_range *range; /* owned */
} sort_job;

static int top_bit(uint64_t x) { return 63 - __builtin_clzll(x); }
static int low_bit(uint64_t x) { return __builtin_ctzll(x); }

static int64_t chunk_end(int task, int64_t chunk, int64_t n) {
  return (task + 1) * chunk < n ? (task + 1) * chunk : n;
}

/* Neighbouring digits share a bucket until it holds its part of all; then each task's places. */
static void make_buckets(sort_job *j, int64_t n) {
  const int64_t part = n / (BUCKETS - 1) + 1;
  int64_t held = 0, at = 0;
  int k = 0;
  memset(j->start, 0, (BUCKETS + 1) * sizeof *j->start);
  for (int t = 0; t < j->tasks; t++) memset(j->task[t].at, 0, sizeof j->task[t].at);
  for (int d = 0; d < DIGITS; d++) {
    int64_t here = 0;
    for (int t = 0; t < j->tasks; t++) here += j->count[(size_t)t * DIGITS + d];
    if (held && held + here > part) k += k < BUCKETS - 1, held = 0;
    held += here;
    j->bucket[d] = (uint16_t)k;
    for (int t = 0; here && t < j->tasks; t++) j->task[t].at[k] += j->count[(size_t)t * DIGITS + d];
  }
  j->nbuckets = k + 1;
  for (int b = 0; b < j->nbuckets; b++) {
    j->start[b] = at;
    for (int t = 0; t < j->tasks; t++) {
      uint32_t size = j->task[t].at[b];
      j->task[t].at[b] = (uint32_t)at;
      at += size;
    }
  }
  j->start[j->nbuckets] = at;
}

static ag_status add_ranges(sort_job *j, int64_t base) {
  if (j->nranges + j->nbuckets > j->room) {
    int room = 2 * (j->nranges + j->nbuckets);
    sort_range *more = realloc(j->range, (size_t)room * sizeof *more);
    if (!more) return ag_fail(AG_E_MEMORY, "out of memory");
    j->range = more, j->room = room;
  }
  for (int k = 0; k < j->nbuckets; k++)
    if (j->start[k + 1] > j->start[k])
      j->range[j->nranges++] = (sort_range){base + j->start[k], j->start[k + 1] - j->start[k], 0};
  return AG_OK;
}

/* -- the kinds of elements ------------------------------------------------------------------- */
static inline uint32_t key32(const sort_job *j, int64_t i, int zeros) {
  if (j->segment) return (uint32_t)((j->from[i] - 1) / j->segment);
  uint32_t u = ((const uint32_t *)j->x)[i];
  return j->type == AG_F32 ? key_f32(u, &j->by, zeros) : key_i32(u, &j->by);
}

static inline int32_t row(const sort_job *j, int64_t i) {
  return j->from ? j->from[i] : (int32_t)(i + 1);
}

/* float64 values: NaN come out as any NaN, and -0 before 0; both are put right afterwards */
#define elem           uint64_t
#define word           uint64_t
#define KEY(e)         (e)
#define LOAD(j, i)     key_f64(((const uint64_t *)(j)->x)[i], &(j)->by, 0)
#define STORE(j, i, e) (((uint64_t *)(j)->out)[i] = key_back64(e, &(j)->by))
#define S(name)        value64_##name
#include "host_sort_real.h"

/* 32-bit values, likewise */
static inline uint32_t back32(const sort_job *j, uint32_t k) {
  return j->type == AG_F32 ? key_back32(k, &j->by) : key_back_i32(k, &j->by);
}
#define elem           uint32_t
#define word           uint32_t
#define KEY(e)         (e)
#define LOAD(j, i)     key32(j, i, 0)
#define STORE(j, i, e) (((uint32_t *)(j)->out)[i] = back32(j, e))
#define S(name)        value32_##name
#include "host_sort_real.h"

/* rows by 32-bit keys: the key above the row */
#define elem           uint64_t
#define word           uint32_t
#define KEY(e)         ((uint32_t)((e) >> 32))
#define LOAD(j, i)     ((uint64_t)key32(j, i, 1) << 32 | (uint32_t)row(j, i))
#define STORE(j, i, e) (((uint32_t *)(j)->out)[i] = (uint32_t)(e))
#define S(name)        order32_##name
#include "host_sort_real.h"

/* rows by 64-bit keys */
typedef struct {
  uint64_t key;
  int64_t row;
} keyed_row;
static inline keyed_row load_row(const sort_job *j, int64_t i) {
  return (keyed_row){key_f64(((const uint64_t *)j->x)[i], &j->by, 1), row(j, i)};
}
#define elem           keyed_row
#define word           uint64_t
#define KEY(e)         ((e).key)
#define LOAD(j, i)     load_row(j, i)
#define STORE(j, i, e) (((int32_t *)(j)->out)[i] = (int32_t)(e).row)
#define S(name)        order64_##name
#include "host_sort_real.h"

/* -- values that share a key ----------------------------------------------------------------- */
typedef enum { NANS, ZEROS } like;

static int is_like(const sort_job *j, int64_t i, like what) {
  if (j->type == AG_F64) {
    uint64_t u = ((const uint64_t *)j->x)[i];
    return what == NANS ? KEY_NAN64(u) : u << 1 == 0;
  }
  uint32_t u = ((const uint32_t *)j->x)[i];
  return what == NANS ? KEY_NAN32(u) : u << 1 == 0;
}

typedef struct {
  sort_job *j;
  like what;
  int64_t chunk, at; /* at: of the first one in the result, or -1 to count them */
  int64_t *count;    /* by task: how many; then how many before */
} alike;

static void alike_task(void *ctx, int task, int worker) {
  alike *s = ctx;
  const sort_job *j = s->j;
  const size_t size = ag_dtype_size(j->type);
  const int64_t end = chunk_end(task, s->chunk, j->n);
  int64_t k = s->at < 0 ? 0 : s->count[task];
  (void)worker;
  for (int64_t i = task * s->chunk; i < end; i++) {
    if (!is_like(j, i, s->what)) continue;
    const char *from = (const char *)j->x + (size_t)i * size;
    if (s->at >= 0) memcpy((char *)j->out + (size_t)(s->at + k) * size, from, size);
    k++;
  }
  if (s->at < 0) s->count[task] = k;
}

/* The first place in the sorted result that is not before the zeros. */
static int64_t find_zeros(const sort_job *j) {
  const uint64_t below = j->type == AG_F64 ? ((uint64_t)1 << 63) - 1 : ((uint64_t)1 << 31) - 1;
  int64_t low = 0, high = j->n;
  while (low < high) { /* keys of -0 and 0 are neighbours: `below` and one more, either way round */
    int64_t mid = low + (high - low) / 2;
    uint64_t key = j->type == AG_F64 ? key_f64(((const uint64_t *)j->out)[mid], &j->by, 0)
                                     : key_f32(((const uint32_t *)j->out)[mid], &j->by, 0);
    if (key < below) low = mid + 1;
    else high = mid;
  }
  return low;
}

/* Puts the source's NaN (or zeros) in their order of appearance over those of the result. */
static void restore(sort_job *j, like what) {
  alike s = {.j = j, .what = what, .at = -1, .chunk = (j->n + j->tasks - 1) / j->tasks};
  int64_t total = 0;
  s.count = j->start; /* free by now, and longer than there are tasks */
  ag_parallel(j->tasks, alike_task, &s);
  for (int t = 0; t < j->tasks; t++) {
    int64_t here = s.count[t];
    s.count[t] = total;
    total += here;
  }
  if (!total) return;
  s.at = what == ZEROS ? find_zeros(j) : j->by.na_first ? 0 : j->n - total;
  ag_parallel(j->tasks, alike_task, &s);
}

/* -- the kernels ------------------------------------------------------------------------------- */
static ag_status run(const ag_kernel *k, sort_job *j) {
  const int wide = j->type == AG_F64;
  if (k->sort.step == AG_SORT_ORDER) return wide ? order64_sort(j) : order32_sort(j);
  AG_TRY(wide ? value64_sort(j) : value32_sort(j));
  if (j->type == AG_F64 || j->type == AG_F32) restore(j, NANS), restore(j, ZEROS);
  return AG_OK;
}

typedef struct {
  const int32_t *from;
  const char *x;
  char *to;
  int64_t n, chunk;
  int wide;
} pick;

static void pick_task(void *ctx, int task, int worker) {
  const pick *p = ctx;
  const int64_t end = chunk_end(task, p->chunk, p->n);
  (void)worker;
  for (int64_t i = task * p->chunk; i < end; i++) {
    if (p->wide) ((uint64_t *)p->to)[i] = ((const uint64_t *)p->x)[p->from[i] - 1];
    else ((uint32_t *)p->to)[i] = ((const uint32_t *)p->x)[p->from[i] - 1];
  }
}

/* Keys in the order so far go to b, which is free until the first spreading is over. */
static void pick_keys(sort_job *j) {
  pick p = {.from = j->from, .x = j->x, .to = j->b, .n = j->n, .wide = j->type == AG_F64};
  p.chunk = (j->n + j->tasks - 1) / j->tasks;
  ag_parallel(j->tasks, pick_task, &p);
  j->x = j->b;
}

static char *place(const ag_binding *slot, ag_dtype type) {
  return (char *)slot->mem + (size_t)slot->offset * ag_dtype_size(type);
}

/* Tables that only a large job needs. */
static ag_status make_tables(sort_job *j) {
  j->start = malloc((BUCKETS + 1) * sizeof *j->start);
  j->range = malloc(sizeof *j->range);
  j->room = 1;
  int good = j->start && j->range;
  if (j->n > SERIAL) {
    j->task = malloc((size_t)j->tasks * sizeof *j->task);
    j->count = malloc((size_t)j->tasks * DIGITS * sizeof *j->count);
    j->bucket = malloc(DIGITS * sizeof *j->bucket);
    good = good && j->task && j->count && j->bucket;
  }
  return good ? AG_OK : ag_fail(AG_E_MEMORY, "out of memory");
}

ag_status ag_host_sort(const ag_kernel *k, const ag_binding *slot) {
  if (k->sort.step != AG_SORT_ORDER && k->sort.step != AG_SORT_VALUES) return ag_host_rank(k, slot);
  const int order = k->sort.step == AG_SORT_ORDER;
  sort_job j = {.by = k->sort.by, .type = k->sort.type, .n = k->sort.n};
  if (j.n == 0) return AG_OK;
  j.x = place(&slot[0], j.type);
  j.out = place(&slot[1], order ? AG_I32 : j.type);
  j.a = slot[2].mem, j.b = slot[3].mem;
  if (order && k->sort.from) j.from = (const int32_t *)place(&slot[4], AG_I32);
  if (order) j.segment = k->sort.segment;
  j.tasks = j.n <= SERIAL ? 1 : ag_threads();
  ag_status status = make_tables(&j);
  if (status == AG_OK && j.from && !j.segment) pick_keys(&j);
  if (status == AG_OK) status = run(k, &j);
  free(j.task);
  free(j.count);
  free(j.bucket);
  free(j.start);
  free(j.range);
  return status;
}
