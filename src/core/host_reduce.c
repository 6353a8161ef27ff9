/* Reductions on the host. The input is evaluated in blocks of the iteration's
 * linear order and folded into accumulators, in double. How the work is cut
 * depends on sizes alone, so results do not depend on the number of threads. */
#include "host_launch.h"
#include "threads.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Elements that one task reduces, at least. */
#define GRAIN 65536

typedef struct {
  double *value; /* sums, products, extremes; 0 / 1 / NaN (as NA) for any and all */
  int64_t *at;   /* WHICH_*: index of the extreme, -1 while there is none */
} accumulator;

typedef struct {
  const ag_host_program *hp;
  const ag_binding *slot;
  int64_t pre, red, post;
  int64_t parts, per_part; /* the reduced range is cut into parts of per_part */
  accumulator acc;         /* [parts][post][pre] */
} job;

/* -- one element or a run into one accumulator --------------------------------------------- */
static double identity(ag_reduction op) {
  switch (op) {
  case AG_PROD:
  case AG_ALL: return 1;
  case AG_MIN:
  case AG_WHICH_MIN: return INFINITY;
  case AG_MAX:
  case AG_WHICH_MAX: return -INFINITY;
  default: return 0;
  }
}

static double truth(double acc, double x, double wins) {
  if (acc == wins || x == wins) return wins;
  return acc != acc || x != x ? NAN : acc;
}

static double fold(ag_reduction op, double acc, double x) {
  switch (op) {
  case AG_SUM:
  case AG_MEAN: return acc + x;
  case AG_PROD: return acc * x;
  case AG_MIN: return acc != acc || acc < x ? acc : x;
  case AG_MAX: return acc != acc || acc > x ? acc : x;
  case AG_ANY: return truth(acc, x, 1);
  case AG_ALL: return truth(acc, x, 0);
  default: return acc;
  }
}

static double value_of(ag_dtype type, const void *x, int64_t i) {
  if (type == AG_F64) return ((const double *)x)[i];
  if (type == AG_F32) return (double)((const float *)x)[i];
  int32_t v = ((const int32_t *)x)[i];
  return v == AG_NA_INT ? NAN : type == AG_BOOL ? v != 0 : v;
}

static int is_which(ag_reduction op) { return op == AG_WHICH_MAX || op == AG_WHICH_MIN; }

/* Element x of number `r` along the reduced range; the first of equals stays. */
static void fold_which(ag_reduction op, accumulator acc, int64_t i, double x, int64_t r) {
  int better = op == AG_WHICH_MAX ? x > acc.value[i] : x < acc.value[i];
  if (x == x && (acc.at[i] < 0 || better)) {
    acc.value[i] = x;
    acc.at[i] = r;
  }
}

/* n consecutive elements, numbers r, r + 1, ... of the reduced range, into accumulator i. */
static void fold_run(const job *j, int64_t i, const char *x, int64_t n, int64_t r) {
  const ag_kernel *k = j->hp->k;
  ag_reduction op = k->reduce.op;
  ag_dtype type = k->prog.instr[k->reduce.reg].type;
  if (op == AG_SUM || op == AG_MEAN) {
    j->acc.value[i] += type == AG_F64 ? j->hp->isa->sum_f64(n, (const double *)x)
                                      : j->hp->isa->sum_f32(n, (const float *)x);
    return;
  }
  double acc = j->acc.value[i];
  for (int64_t e = 0; e < n; e++) {
    if (is_which(op)) fold_which(op, j->acc, i, value_of(type, x, e), r + e);
    else acc = fold(op, acc, value_of(type, x, e));
  }
  if (!is_which(op)) j->acc.value[i] = acc;
}

/* n elements, one for each of the accumulators i, i + 1, ...; all are number r of the reduced
 * range. */
static void fold_row(const job *j, int64_t i, const char *x, int64_t n, int64_t r) {
  const ag_kernel *k = j->hp->k;
  ag_reduction op = k->reduce.op;
  ag_dtype type = k->prog.instr[k->reduce.reg].type;
  if (op == AG_SUM || op == AG_MEAN) {
    if (type == AG_F64) j->hp->isa->add_f64(n, j->acc.value + i, (const double *)x);
    else j->hp->isa->add_f32(n, j->acc.value + i, (const float *)x);
    return;
  }
  for (int64_t e = 0; e < n; e++) {
    if (is_which(op)) fold_which(op, j->acc, i + e, value_of(type, x, e), r);
    else j->acc.value[i + e] = fold(op, j->acc.value[i + e], value_of(type, x, e));
  }
}

/* -- blocks -------------------------------------------------------------------------------- */
/* Reduces the elements (p, r, q) of the linear range [start, start + n) of the iterations. */
static void reduce_range(const job *j, char *scratch, int64_t part, int64_t start, int64_t n) {
  const ag_host_program *hp = j->hp;
  size_t size = ag_dtype_size(hp->k->prog.instr[hp->k->reduce.reg].type);
  for (int64_t at = start; at < start + n;) {
    int64_t len = start + n - at < hp->block ? start + n - at : hp->block;
    const char *x = ag_host_program_eval(hp, j->slot, scratch, at, len, hp->k->reduce.reg);
    for (int64_t done = 0; done < len;) {
      int64_t l = at + done, p = l % j->pre, r = l / j->pre % j->red, q = l / j->pre / j->red, run;
      int64_t acc = (part * j->post + q) * j->pre + p;
      if (j->pre == 1) {
        run = j->red - r < len - done ? j->red - r : len - done;
        fold_run(j, acc, x + (size_t)done * size, run, r);
      } else {
        run = j->pre - p < len - done ? j->pre - p : len - done;
        fold_row(j, acc, x + (size_t)done * size, run, r);
      }
      done += run;
    }
    at += len;
  }
}

/* Task (part, q): one part of the reduced range; or a group of columns when there is one part. */
static void reduce_task(void *ctx, int task, int worker) {
  const job *j = ctx;
  char *scratch = ag_host_scratch(worker, ag_host_program_scratch(j->hp));
  int64_t column = j->pre * j->red;
  ag_host_program_begin(j->hp, scratch, j->hp->block);
  if (j->parts == 1) {
    int64_t per = GRAIN / (column ? column : 1) + 1, first = task * per;
    int64_t last = first + per < j->post ? first + per : j->post;
    reduce_range(j, scratch, 0, first * column, (last - first) * column);
    return;
  }
  int64_t part = task % j->parts, q = task / j->parts, first = part * j->per_part;
  int64_t n = j->red - first < j->per_part ? j->red - first : j->per_part;
  reduce_range(j, scratch, part, q * column + first * j->pre, n * j->pre);
}

/* -- putting it together ------------------------------------------------------------------- */
static void combine_parts(const job *j) {
  ag_reduction op = j->hp->k->reduce.op;
  int64_t n = j->pre * j->post;
  for (int64_t part = 1; part < j->parts; part++)
    for (int64_t i = 0; i < n; i++) {
      int64_t from = part * n + i;
      if (!is_which(op)) j->acc.value[i] = fold(op, j->acc.value[i], j->acc.value[from]);
      else if (j->acc.at[from] >= 0) fold_which(op, j->acc, i, j->acc.value[from], j->acc.at[from]);
    }
}

static void write_result(const job *j) {
  const ag_kernel *k = j->hp->k;
  const ag_binding *out = &j->slot[k->reduce.out.slot];
  int64_t n = j->pre * j->post;
  for (int64_t i = 0; i < n; i++) {
    double v = j->acc.value[i];
    if (k->reduce.op == AG_MEAN) v /= (double)j->red;
    int64_t to = out->offset + k->reduce.out.at.base + i;
    if (is_which(k->reduce.op)) ((int32_t *)out->mem)[to] = (int32_t)j->acc.at[i];
    else if (k->reduce.out.type == AG_F64) ((double *)out->mem)[to] = v;
    else if (k->reduce.out.type == AG_F32) ((float *)out->mem)[to] = (float)v;
    else ((int32_t *)out->mem)[to] = v != v ? AG_NA_INT : (int32_t)v;
  }
}

/* Cuts the reduced range when there are too few columns to share out. */
static void cut(job *j) {
  int64_t column = j->pre * j->red;
  j->parts = 1;
  j->per_part = j->red;
  if (j->post >= 8 || column < 2 * GRAIN || j->pre > GRAIN / 8) return;
  j->per_part = (GRAIN + j->pre - 1) / j->pre;
  if (j->red / j->per_part > 64) j->per_part = (j->red + 63) / 64;
  j->parts = (j->red + j->per_part - 1) / j->per_part;
}

static int tasks_of(const job *j) {
  int64_t column = j->pre * j->red;
  if (!column || !j->post) return 0;
  if (j->parts > 1) return (int)(j->parts * j->post);
  int64_t per = GRAIN / column + 1;
  return (int)((j->post + per - 1) / per);
}

ag_status ag_host_reduce(const ag_host_program *hp, const ag_binding *slot) {
  const ag_kernel *k = hp->k;
  job j = {
      .hp = hp, .slot = slot, .pre = k->reduce.pre, .red = k->reduce.red, .post = k->reduce.post};
  cut(&j);
  double few_values[256];
  int64_t few_at[256], n = j.parts * j.pre * j.post;
  void *many = NULL;
  j.acc = (accumulator){few_values, few_at};
  if (n > 256) {
    many = malloc((size_t)n * (sizeof *few_values + sizeof *few_at));
    if (!many) return ag_fail(AG_E_MEMORY, "out of memory");
    j.acc = (accumulator){many, (int64_t *)((double *)many + n)};
  }
  for (int64_t i = 0; i < n; i++) j.acc.value[i] = identity(k->reduce.op), j.acc.at[i] = -1;
  ag_parallel(tasks_of(&j), reduce_task, &j);
  combine_parts(&j);
  write_result(&j);
  free(many);
  return AG_OK;
}
