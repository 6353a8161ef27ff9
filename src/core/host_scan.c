/* Scans on the host: element (p, r, q) of the result is what elements (p, 0 .. r, q) fold to.
 *
 * Along neighbours (pre is 1) a long range is cut into chunks that stay in the cache. A task folds
 * its chunk, takes the total of all before it from the task before, hands the sum of both on, and
 * then scans the chunk: memory is read once and written once. Tasks are handed out in order, so
 * each one that is waited for has begun.
 *
 * Along rows an accumulator per element of the row goes down the rows. A range that is cut into
 * parts is folded first and scanned in a second go.
 *
 * How the work is cut depends on sizes alone, so results do not depend on the number of threads. */
#include "host_fold_of.h"
#include "host_launch.h"
#include "host_prod.h"
#include "threads.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK        4096 /* elements: a chunk and its result stay in the second cache */
#define STREAM_COUNT (4 << 20)

/* The total up to the end of a chunk, on a cache line of its own. */
typedef struct {
  double value;
  int64_t at;
  int ready;
  char pad[64 - sizeof(double) - sizeof(int64_t) - sizeof(int)];
} prefix;

typedef struct {
  ag_folding f;
  ag_scan_run scan;
  char *out;
  size_t program; /* bytes of scratch memory of the program: buffers of ours follow */
  int streams;
  /* along neighbours */
  int64_t nchunks, columns;
  prefix *prefix; /* of each chunk but those of short ranges */
  /* along rows, as in host_reduce.c */
  int64_t width, nwidths, parts, per_part;
  ag_accumulators acc; /* [parts][post][pre] */
} job;

static ag_scan_run scan_of(const ag_folding *f) {
  const ag_folds *t = &f->hp->isa->fold[f->type];
  switch (f->op) {
  case AG_PROD: return t->scan_prod;
  case AG_MIN: return t->scan_min;
  case AG_MAX: return t->scan_max;
  default: return t->scan_sum;
  }
}

static char *result_at(const job *j, int64_t i) { return j->out + (size_t)i * j->f.size; }

/* -- along neighbours ---------------------------------------------------------------------- */
/* The elements [start, start + n) of the linear order, n <= CHUNK: where they lie, or in `buffer`.
 */
static const char *elements(const job *j, char *scratch, char *buffer, int64_t start, int64_t n) {
  const ag_folding *f = &j->f;
  const int reg = f->hp->k->reduce.reg;
  if (f->reach >= n) return ag_host_program_eval(f->hp, f->slot, scratch, start, n, reg);
  for (int64_t done = 0; done < n; done += f->reach) {
    int64_t len = n - done < f->reach ? n - done : f->reach;
    const void *x = ag_host_program_eval(f->hp, f->slot, scratch, start + done, len, reg);
    memcpy(buffer + (size_t)done * f->size, x, (size_t)len * f->size);
  }
  return buffer;
}

static void await(const prefix *p) {
  for (int i = 0; !__atomic_load_n(&p->ready, __ATOMIC_ACQUIRE); i++) ag_threads_pause(i);
}

/* The accumulator that chunk `task` begins with; hands on what it ends with. */
static prefix take_prefix(const job *j, int task, const char *x, int64_t n) {
  prefix before, all;
  ag_accumulators_start(j->f.op, (ag_accumulators){&before.value, &before.at}, 1);
  all = before;
  j->f.run(n, x, 0, &all.value, &all.at, 0);
  if (task % j->nchunks) {
    await(&j->prefix[task - 1]);
    before = j->prefix[task - 1];
    prefix total = all;
    all = before;
    ag_accumulators_merge(j->f.op, (ag_accumulators){&all.value, &all.at},
                          (ag_accumulators){&total.value, &total.at}, 1);
  }
  j->prefix[task].value = all.value, j->prefix[task].at = all.at;
  __atomic_store_n(&j->prefix[task].ready, 1, __ATOMIC_RELEASE);
  return before;
}

static void scan_chunk(const job *j, char *result, const char *x, int64_t start, int64_t n,
                       prefix before) {
  if (!j->streams) {
    j->scan(n, x, result_at(j, start), before.value, before.at);
    return;
  }
  j->scan(n, x, result, before.value, before.at);
  j->f.hp->isa->stream((size_t)n * j->f.size, result_at(j, start), result);
}

static char *begin(const job *j, int worker, size_t buffers) {
  char *scratch = ag_host_scratch(worker, j->program + buffers);
  ag_host_program_begin(j->f.hp, scratch, j->f.hp->block);
  return scratch;
}

#define BUFFER (CHUNK * sizeof(double))

static void chunk_task(void *ctx, int task, int worker) {
  const job *j = ctx;
  char *scratch = begin(j, worker, 2 * BUFFER), *buffer = scratch + j->program;
  int64_t first = task % j->nchunks * CHUNK, start = task / j->nchunks * j->f.red + first;
  int64_t n = j->f.red - first < CHUNK ? j->f.red - first : CHUNK;
  const char *x = elements(j, scratch, buffer, start, n);
  scan_chunk(j, buffer + BUFFER, x, start, n, take_prefix(j, task, x, n));
  if (j->streams) j->f.hp->isa->stream_end();
}

/* Ranges that are no longer than a chunk, several to a task. */
static void short_task(void *ctx, int task, int worker) {
  const job *j = ctx;
  char *scratch = begin(j, worker, 2 * BUFFER), *buffer = scratch + j->program;
  int64_t q = task * j->columns, end = q + j->columns;
  prefix none;
  ag_accumulators_start(j->f.op, (ag_accumulators){&none.value, &none.at}, 1);
  for (; q < end && q < j->f.post; q++) {
    int64_t start = q * j->f.red;
    const char *x = elements(j, scratch, buffer, start, j->f.red);
    scan_chunk(j, buffer + BUFFER, x, start, j->f.red, none);
  }
  if (j->streams) j->f.hp->isa->stream_end();
}

static ag_status scan_neighbours(job *j) {
  const ag_folding *f = &j->f;
  AG_TRY(ag_host_reserve(j->program + 2 * BUFFER));
  if (f->red <= CHUNK) {
    j->columns = 4 * CHUNK / f->red;
    ag_parallel((int)((f->post + j->columns - 1) / j->columns), short_task, j);
    return AG_OK;
  }
  j->nchunks = (f->red + CHUNK - 1) / CHUNK;
  j->prefix = calloc((size_t)(j->nchunks * f->post), sizeof *j->prefix);
  if (!j->prefix) return ag_fail(AG_E_MEMORY, "out of memory");
  ag_parallel((int)(j->nchunks * f->post), chunk_task, j);
  free(j->prefix);
  return AG_OK;
}

/* -- along rows ---------------------------------------------------------------------------- */
static void write_ints(int32_t *y, const double *value, const int64_t *at, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    int fits = value[i] == value[i] && at[i] <= INT32_MAX && at[i] >= -INT32_MAX;
    y[i] = fits ? (int32_t)at[i] : AG_NA_INT;
  }
}

static void write_products(const job *j, char *y, const double *value, const int64_t *at,
                           int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    double product = at[i] ? ldexp(value[i], ag_prod_exponent(at[i])) : value[i];
    if (j->f.type == AG_F64) ((double *)(void *)y)[i] = product;
    else ((float *)(void *)y)[i] = (float)product;
  }
}

static void write_row(const job *j, char *y, ag_accumulators acc, int64_t n) {
  ag_dtype type = j->f.type;
  if (j->f.op == AG_PROD) write_products(j, y, acc.value, acc.at, n);
  else if (j->f.op == AG_SUM && type == AG_I32)
    write_ints((int32_t *)(void *)y, acc.value, acc.at, n);
  else j->f.hp->isa->cast[AG_F64][type](n, y, acc.value, acc.value, acc.value);
}

/* Elements [start, start + n) of the linear order, in rows of np. */
static void scan_linear(const job *j, char *scratch, ag_accumulators acc, int64_t np, int64_t start,
                        int64_t n) {
  const ag_folding *f = &j->f;
  const int reg = f->hp->k->reduce.reg;
  int64_t p = 0;
  for (int64_t done = 0; done < n;) {
    int64_t len = n - done < f->reach ? n - done : f->reach;
    const char *x = ag_host_program_eval(f->hp, f->slot, scratch, start + done, len, reg);
    for (int64_t i = 0, run; i < len; i += run) {
      run = np - p < len - i ? np - p : len - i;
      f->row(run, x + (size_t)i * f->size, 0, acc.value + p, acc.at + p, 0);
      write_row(j, result_at(j, start + done + i), ag_accumulators_from(acc, p), run);
      p = p + run == np ? 0 : p + run;
    }
    done += len;
  }
}

typedef struct {
  int64_t part, q, p0, np, r0, nr;
  ag_accumulators acc;
} range;

static range range_of(const job *j, int task) {
  const ag_folding *f = &j->f;
  range r = {.part = task % j->parts, .q = task / j->parts / j->nwidths};
  r.p0 = task / j->parts % j->nwidths * j->width;
  r.np = f->pre - r.p0 < j->width ? f->pre - r.p0 : j->width;
  r.r0 = r.part * j->per_part;
  r.nr = f->red - r.r0 < j->per_part ? f->red - r.r0 : j->per_part;
  r.acc = ag_accumulators_from(j->acc, (r.part * f->post + r.q) * f->pre + r.p0);
  return r;
}

static void fold_task(void *ctx, int task, int worker) {
  const job *j = ctx;
  range r = range_of(j, task);
  char *scratch = begin(j, worker, 0);
  if (r.part + 1 < j->parts) ag_fold_rows(&j->f, scratch, r.acc, r.q, r.p0, r.np, r.r0, r.nr);
}

static void rows_task(void *ctx, int task, int worker) {
  const job *j = ctx;
  const ag_folding *f = &j->f;
  range r = range_of(j, task);
  char *scratch = begin(j, worker, 0);
  int64_t start = (r.q * f->red + r.r0) * f->pre + r.p0;
  if (r.np == f->pre) {
    scan_linear(j, scratch, r.acc, r.np, start, r.np * r.nr);
    return;
  }
  for (int64_t i = 0; i < r.nr; i++) scan_linear(j, scratch, r.acc, r.np, start + i * f->pre, r.np);
}

/* Totals of the parts become what each part begins with. */
static void totals_to_prefixes(const job *j) {
  int64_t n = j->f.pre * j->f.post;
  for (int64_t part = 1; part + 1 < j->parts; part++) { /* inclusive: later ones over earlier */
    ag_accumulators here = ag_accumulators_from(j->acc, part * n);
    ag_accumulators before = ag_accumulators_from(j->acc, (part - 1) * n);
    for (int64_t i = 0; i < n; i++) {
      double value = before.value[i];
      int64_t at = before.at[i];
      ag_accumulators_merge(j->f.op, (ag_accumulators){&value, &at}, ag_accumulators_from(here, i),
                            1);
      here.value[i] = value, here.at[i] = at;
    }
  }
  if (j->parts < 2) return;
  memmove(j->acc.value + n, j->acc.value, (size_t)(n * (j->parts - 1)) * sizeof *j->acc.value);
  memmove(j->acc.at + n, j->acc.at, (size_t)(n * (j->parts - 1)) * sizeof *j->acc.at);
  ag_accumulators_start(j->f.op, j->acc, n);
}

static ag_status scan_rows(job *j) {
  const ag_folding *f = &j->f;
  j->width = ag_fold_width(f->pre);
  j->nwidths = (f->pre + j->width - 1) / j->width;
  j->parts = ag_fold_parts(f->post * j->nwidths, j->width, f->red);
  j->per_part = (f->red + j->parts - 1) / j->parts;
  j->parts = (f->red + j->per_part - 1) / j->per_part;
  int64_t n = j->parts * f->pre * f->post;
  int tasks = (int)(j->parts * j->nwidths * f->post);
  void *memory = malloc((size_t)n * (sizeof(double) + sizeof(int64_t)));
  if (!memory) return ag_fail(AG_E_MEMORY, "out of memory");
  j->acc = (ag_accumulators){memory, (int64_t *)((double *)memory + n)};
  ag_accumulators_start(f->op, j->acc, n);
  if (j->parts > 1) ag_parallel(tasks, fold_task, j);
  totals_to_prefixes(j);
  ag_parallel(tasks, rows_task, j);
  free(memory);
  return AG_OK;
}

ag_status ag_host_scan(const ag_host_program *hp, const ag_binding *slot) {
  job j = {.f = ag_folding_of(hp, slot)};
  const ag_operand *o = &hp->k->reduce.out;
  int64_t count = j.f.pre * j.f.red * j.f.post;
  if (!count) return AG_OK;
  j.scan = scan_of(&j.f);
  j.out = (char *)slot[o->slot].mem + (size_t)(slot[o->slot].offset + o->at.base) * j.f.size;
  j.program = (ag_host_program_scratch(hp) + 63) / 64 * 64;
  j.streams = count >= STREAM_COUNT;
  return j.f.pre == 1 ? scan_neighbours(&j) : scan_rows(&j);
}
