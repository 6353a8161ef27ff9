/* Reductions on the host. The input is evaluated in blocks of the iteration's linear order and
 * folded into accumulators. How the work is cut depends on sizes alone, so results do not depend on
 * the number of threads. */
#include "host_fold_of.h"
#include "host_launch.h"
#include "host_prod.h"
#include "threads.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Elements that one task reduces, at least. */
#define GRAIN 65536
#define FEW   256 /* accumulators that need no memory of their own */

typedef struct {
  ag_folding f;
  int64_t width, nwidths;  /* rows are cut into pieces of `width` */
  int64_t parts, per_part; /* the reduced range is cut into parts of per_part */
  int64_t columns;         /* q that one task does; more than 1 only when nothing else is cut */
  ag_accumulators acc;     /* [parts][post][pre] */
} job;

/* Task (part, piece of the rows, q). */
static void reduce_task(void *ctx, int task, int worker) {
  const job *j = ctx;
  const ag_folding *f = &j->f;
  char *scratch = ag_host_scratch(worker, ag_host_program_scratch(f->hp));
  int64_t part = task % j->parts, piece = task / j->parts % j->nwidths;
  int64_t q = task / j->parts / j->nwidths * j->columns, end = q + j->columns;
  int64_t p0 = piece * j->width, np = f->pre - p0 < j->width ? f->pre - p0 : j->width;
  int64_t r0 = part * j->per_part, nr = f->red - r0 < j->per_part ? f->red - r0 : j->per_part;
  ag_host_program_begin(f->hp, scratch, f->hp->block);
  for (; q < end && q < f->post; q++) {
    ag_accumulators acc = ag_accumulators_from(j->acc, (part * f->post + q) * f->pre + p0);
    ag_fold_rows(f, scratch, acc, q, p0, np, r0, nr);
  }
}

static int cut(job *j) {
  const ag_folding *f = &j->f;
  int64_t column = f->pre * f->red;
  if (!column || !f->post) return 0;
  j->width = ag_fold_width(f->pre);
  j->nwidths = (f->pre + j->width - 1) / j->width;
  j->parts = ag_fold_parts(f->post * j->nwidths, j->width, f->red);
  j->per_part = (f->red + j->parts - 1) / j->parts;
  j->parts = (f->red + j->per_part - 1) / j->per_part;
  j->columns = j->parts * j->nwidths == 1 ? GRAIN / column + 1 : 1;
  return (int)((f->post + j->columns - 1) / j->columns * j->nwidths * j->parts);
}

/* -- results ------------------------------------------------------------------------------- */
/* The value that an accumulator stands for. */
static double final_value(const ag_kernel *k, double value, int64_t at) {
  switch (k->reduce.op) {
  case AG_SUM: return value + (double)at; /* one of them is 0; NA stays NA */
  case AG_MEAN: return (value + (double)at) / (double)k->reduce.red;
  case AG_PROD: return ldexp(value, ag_prod_exponent(at));
  case AG_WHICH_MIN:
  case AG_WHICH_MAX: return (double)at;
  default: return value;
  }
}

static void write_result(const job *j) {
  const ag_kernel *k = j->f.hp->k;
  const ag_operand *o = &k->reduce.out;
  const ag_binding *out = &j->f.slot[o->slot];
  size_t size = ag_dtype_size(o->type);
  ag_loop cast = j->f.hp->isa->cast[AG_F64][o->type == AG_BOOL ? AG_I32 : o->type];
  char *to = (char *)out->mem + (size_t)(out->offset + o->at.base) * size;
  int64_t n = j->f.pre * j->f.post;
  double *value = j->acc.value;
  for (int64_t i = 0; i < n; i++) value[i] = final_value(k, value[i], j->acc.at[i]);
  cast(n, to, value, value, value);
}

static void merge_parts(const job *j) {
  int64_t n = j->f.pre * j->f.post;
  for (int64_t part = 1; part < j->parts; part++)
    ag_accumulators_merge(j->f.op, j->acc, ag_accumulators_from(j->acc, part * n), n);
}

ag_status ag_host_reduce(const ag_host_program *hp, const ag_binding *slot) {
  job j = {.f = ag_folding_of(hp, slot), .parts = 1};
  int tasks = cut(&j);
  double few_values[FEW];
  int64_t few_at[FEW], n = j.parts * j.f.pre * j.f.post;
  void *many = NULL;
  j.acc = (ag_accumulators){few_values, few_at};
  if (n > FEW) {
    many = malloc((size_t)n * (sizeof *few_values + sizeof *few_at));
    if (!many) return ag_fail(AG_E_MEMORY, "out of memory");
    j.acc = (ag_accumulators){many, (int64_t *)((double *)many + n)};
  }
  ag_accumulators_start(j.f.op, j.acc, n);
  ag_parallel(tasks, reduce_task, &j);
  merge_parts(&j);
  write_result(&j);
  free(many);
  return AG_OK;
}
