/* On the host: what is made of an order (RANK), search in a sorted table, counts of integers. */
#include "host_sort.h"
#include "host_sort_key.h"
#include "threads.h"
#include <stdlib.h>
#include <string.h>

#define SERIAL 16384 /* elements below which waking another thread costs more than it gives */

typedef struct {
  const ag_kernel *k;
  const void *x, *table;
  const int32_t *order;
  void *out;
  int64_t chunk, table_size;
  int32_t *count; /* TABULATE: by task */
} job;

static const void *place(const ag_binding *slot, ag_dtype type) {
  return (const char *)slot->mem + (size_t)slot->offset * ag_dtype_size(type);
}

static int64_t chunk_end(const job *j, int task) {
  const int64_t n = j->k->sort.n, end = (task + 1) * j->chunk;
  return end < n ? end : n;
}

/* -- RANK: runs of equal keys along the order ------------------------------------------------ */
#define AHEAD 24 /* places whose key and result are fetched in advance: they lie anywhere */

static void fetch_out(const job *j, int64_t at) {
  const size_t row = (size_t)j->order[at] - 1;
  __builtin_prefetch((char *)j->out + row * ag_dtype_size(j->k->sort.out), 1);
}

static uint64_t key_of(const job *j, int64_t at) {
  if (at + AHEAD < j->k->sort.n) {
    const size_t row = (size_t)j->order[at + AHEAD] - 1;
    __builtin_prefetch((const char *)j->x + row * ag_dtype_size(j->k->sort.type));
    fetch_out(j, at + AHEAD);
  }
  return key_at(j->x, j->k->sort.type, j->order[at] - 1, &j->k->sort.by);
}

static int is_start(const job *j, int64_t i, uint64_t before, uint64_t key) {
  return i == 0 || before != key || i % j->k->sort.segment == 0;
}

/* NA and NaN stand by themselves. */
static void write_missing(const job *j, int64_t lo, int64_t hi) {
  const int64_t base = lo / j->k->sort.segment * j->k->sort.segment;
  const uint64_t na = 0x7FF00000000007A2;
  const uint32_t na32 = 0x7FC007A2;
  for (int64_t i = lo; i < hi; i++) {
    const int64_t at = j->order[i] - 1;
    const int32_t rank = j->k->sort.missing == AG_MISSING_NA ? AG_NA_INT : (int32_t)(i - base + 1);
    if (j->k->sort.out != AG_F64 && j->k->sort.out != AG_F32) ((int32_t *)j->out)[at] = rank;
    else if (rank != AG_NA_INT && j->k->sort.out == AG_F64) ((double *)j->out)[at] = rank;
    else if (rank != AG_NA_INT) ((float *)j->out)[at] = (float)rank;
    else if (j->k->sort.out == AG_F64) memcpy((double *)j->out + at, &na, sizeof na);
    else memcpy((float *)j->out + at, &na32, sizeof na32);
  }
}

static int is_missing(const job *j, uint64_t key) {
  const ag_sort_by *by = &j->k->sort.by;
  if (j->k->sort.missing == AG_MISSING_EQUAL || by->apart) return 0;
  return key == (by->na_first ? 0 : j->k->sort.type == AG_F64 ? ~(uint64_t)0 : UINT32_MAX);
}

static void write_run(const job *j, int64_t lo, int64_t hi) {
  const int64_t base = lo / j->k->sort.segment * j->k->sort.segment; /* ranks are within it */
  const int64_t l = lo - base, h = hi - base;
  const int32_t first = j->order[lo] <= j->k->sort.limit ? j->order[lo] : j->k->sort.otherwise;
  int32_t *out = j->out;
  for (int64_t i = lo; i < hi; i++) {
    const int64_t at = j->order[i] - 1;
    if (i + AHEAD < hi) fetch_out(j, i + AHEAD);
    switch (j->k->sort.rank) {
    case AG_RANK_FIRST: out[at] = (int32_t)(i - base + 1); break;
    case AG_RANK_LAST: out[at] = (int32_t)(l + h - (i - base)); break;
    case AG_RANK_MIN: out[at] = (int32_t)(l + 1); break;
    case AG_RANK_MAX: out[at] = (int32_t)h; break;
    case AG_RANK_REPEATS: out[at] = i > lo; break;
    case AG_RANK_REPEATED: out[at] = i < hi - 1; break;
    case AG_RANK_OCCURRENCE: out[at] = first; break;
    case AG_RANK_AVERAGE:
      if (j->k->sort.out == AG_F64) ((double *)j->out)[at] = (double)(l + 1 + h) / 2;
      else ((float *)j->out)[at] = (float)(l + 1 + h) / 2;
    }
  }
}

/* A task writes the runs that begin in its chunk. */
static void rank_task(void *ctx, int task, int worker) {
  const job *j = ctx;
  const int64_t n = j->k->sort.n, end = chunk_end(j, task);
  int64_t i = task * j->chunk;
  (void)worker;
  if (i >= end) return;
  uint64_t key = key_of(j, i);
  if (i && !is_start(j, i, key_of(j, i - 1), key)) {
    uint64_t was = key;
    while (++i < end && !is_start(j, i, was, key = key_of(j, i))) continue;
  }
  while (i < end) {
    const int64_t lo = i;
    const uint64_t here = key;
    while (++i < n && !is_start(j, i, here, key = key_of(j, i))) continue;
    if (is_missing(j, here)) write_missing(j, lo, i);
    else write_run(j, lo, i);
  }
}

/* -- TAKE ------------------------------------------------------------------------------------ */
static void take_task(void *ctx, int task, int worker) {
  const job *j = ctx;
  const int64_t end = chunk_end(j, task);
  (void)worker;
  for (int64_t i = task * j->chunk; i < end; i++) {
    const int64_t at = j->order[i] - 1;
    if (j->k->sort.type == AG_F64) ((uint64_t *)j->out)[i] = ((const uint64_t *)j->x)[at];
    else ((uint32_t *)j->out)[i] = ((const uint32_t *)j->x)[at];
  }
}

/* -- SEARCH ---------------------------------------------------------------------------------- */
/* Keys that are looked for side by side: their steps do not wait for each other. */
#define LANES 8

/* How many of the table's keys are below key[l] (up to it unless `left`). The table has a power of
 * two less one elements; those added at its end are above all. */
static void count_below(const uint64_t *table, int64_t size, const uint64_t *key, int left,
                        int64_t *count) {
  for (int l = 0; l < LANES; l++) count[l] = 0;
  for (int64_t half = (size + 1) / 2; half > 0; half /= 2)
    for (int l = 0; l < LANES; l++) {
      const uint64_t there = table[count[l] + half - 1];
      count[l] += (left ? there < key[l] : there <= key[l]) ? half : 0;
    }
}

static int32_t counted(const job *j, int64_t c, uint64_t key) {
  const int64_t m = j->k->sort.m, bin = j->k->sort.left ? 1 : m - 1;
  const uint64_t *table = j->table;
  if (j->k->sort.counted == AG_COUNT_MATCH)
    return c < m && table[c] == key ? j->order[c] : j->k->sort.otherwise;
  if (j->k->sort.closed && m && key == table[j->k->sort.left ? 0 : m - 1]) c = bin;
  if (j->k->sort.counted == AG_COUNT_PLAIN) return (int32_t)c;
  if (c >= 1 && c < m) return (int32_t)c;
  if (j->k->sort.counted == AG_COUNT_BIN) return AG_NA_INT;
  return (int32_t)(c < 1 ? 1 : m - 1);
}

static void search_task(void *ctx, int task, int worker) {
  const job *j = ctx;
  const ag_sort_by by = {.apart = j->k->sort.counted == AG_COUNT_MATCH};
  const uint64_t na = j->k->sort.type == AG_F64 ? ~(uint64_t)0 : UINT32_MAX;
  const int64_t end = chunk_end(j, task);
  int32_t *out = j->out;
  (void)worker;
  for (int64_t i = task * j->chunk; i < end; i += LANES) {
    const int n = end - i < LANES ? (int)(end - i) : LANES;
    uint64_t key[LANES] = {0};
    int64_t count[LANES];
    for (int l = 0; l < n; l++) key[l] = key_at(j->x, j->k->sort.type, i + l, &by);
    count_below(j->table, j->table_size, key, j->k->sort.left, count);
    for (int l = 0; l < n; l++)
      out[i + l] = key[l] == na && !by.apart ? AG_NA_INT : counted(j, count[l], key[l]);
  }
}

static ag_status search(job *j, int tasks) {
  const ag_sort_by by = {.apart = j->k->sort.counted == AG_COUNT_MATCH};
  const int64_t m = j->k->sort.m;
  j->table_size = 1;
  while (j->table_size < m) j->table_size = 2 * j->table_size + 1;
  uint64_t *keys = malloc((size_t)j->table_size * sizeof *keys);
  if (!keys) return ag_fail(AG_E_MEMORY, "out of memory");
  for (int64_t i = 0; i < j->table_size; i++)
    keys[i] = i < m ? key_at(j->table, j->k->sort.type, i, &by) : ~(uint64_t)0;
  j->table = keys;
  ag_parallel(tasks, search_task, j);
  free(keys);
  return AG_OK;
}

/* -- TABULATE: each task counts for itself, if the counts are few beside the keys -------------- */
static void tabulate_task(void *ctx, int task, int worker) {
  const job *j = ctx;
  const int64_t end = chunk_end(j, task);
  const int32_t *x = j->x;
  const uint32_t m = (uint32_t)j->k->sort.m;
  int32_t *count = j->count + (size_t)task * m;
  (void)worker;
  for (int64_t i = task * j->chunk; i < end; i++) {
    const uint32_t at = (uint32_t)x[i] - 1;
    if (at < m) count[at]++;
  }
}

static ag_status tabulate(job *j, int tasks) {
  const int64_t m = j->k->sort.m;
  int32_t *out = j->out;
  if (tasks == 1 || m > j->k->sort.n / tasks) {
    j->chunk = j->k->sort.n;
    j->count = out;
    tabulate_task(j, 0, 0);
    return AG_OK;
  }
  j->count = calloc((size_t)tasks * (size_t)m + 1, sizeof *j->count);
  if (!j->count) return ag_fail(AG_E_MEMORY, "out of memory");
  ag_parallel(tasks, tabulate_task, j);
  for (int t = 0; t < tasks; t++)
    for (int64_t i = 0; i < m; i++) out[i] += j->count[(size_t)t * (size_t)m + (size_t)i];
  free(j->count);
  return AG_OK;
}

ag_status ag_host_rank(const ag_kernel *k, const ag_binding *slot) {
  job j = {.k = k, .x = place(&slot[0], k->sort.type)};
  const int tasks = k->sort.n <= SERIAL ? 1 : 2 * ag_threads();
  if (k->sort.n == 0) return AG_OK;
  j.chunk = (k->sort.n + tasks - 1) / tasks;
  switch (k->sort.step) {
  case AG_SORT_RANK:
    j.order = place(&slot[1], AG_I32);
    j.out = (void *)place(&slot[2], k->sort.out);
    ag_parallel(tasks, rank_task, &j);
    return AG_OK;
  case AG_SORT_TAKE:
    j.order = place(&slot[1], AG_I32);
    j.out = (void *)place(&slot[2], k->sort.type);
    ag_parallel(tasks, take_task, &j);
    return AG_OK;
  case AG_SORT_SEARCH:
    j.table = place(&slot[1], k->sort.type);
    j.out = (void *)place(&slot[2], AG_I32);
    if (k->sort.counted == AG_COUNT_MATCH) j.order = place(&slot[3], AG_I32);
    return search(&j, tasks);
  default: j.out = (void *)place(&slot[1], AG_I32); return tabulate(&j, tasks);
  }
}
