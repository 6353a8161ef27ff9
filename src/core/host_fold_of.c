#include "host_fold_of.h"
#include "host_prod.h"
#include <string.h>

/* Elements that are worth a task of their own. */
#define GRAIN 65536
#define WIDTH 4096

/* -- accumulators -------------------------------------------------------------------------- */
static double start_of(ag_reduction op) {
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

void ag_accumulators_start(ag_reduction op, ag_accumulators acc, int64_t n) {
  const int64_t at = op == AG_WHICH_MIN || op == AG_WHICH_MAX ? -1 : 0;
  for (int64_t i = 0; i < n; i++) acc.value[i] = start_of(op), acc.at[i] = at;
}

static int is_na(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return x != x && (uint32_t)bits == 1954;
}

/* x + y, of which either may be NA. */
static double sum_keeping_na(double x, double y) { return is_na(x) ? x : is_na(y) ? y : x + y; }

static double extreme(int is_max, double x, double y) {
  if (x != x || y != y) return sum_keeping_na(x, y);
  return is_max == (y > x) && y != x ? y : x;
}

static double truth(double x, double y, double wins) {
  return x == wins || y == wins ? wins : x != x ? x : y;
}

static void merge_which(ag_reduction op, double *value, int64_t *at, double other, int64_t place) {
  int better = op == AG_WHICH_MAX ? other > *value : other < *value;
  if (place < 0 || (*at >= 0 && !better)) return;
  *value = other;
  *at = place;
}

static void merge(ag_reduction op, double *value, int64_t *at, double other, int64_t other_at) {
  switch (op) {
  case AG_PROD:
    ag_prod_step(value, at, other);
    *at += other_at;
    break;
  case AG_MIN: *value = extreme(0, *value, other); break;
  case AG_MAX: *value = extreme(1, *value, other); break;
  case AG_ANY: *value = truth(*value, other, 1); break;
  case AG_ALL: *value = truth(*value, other, 0); break;
  case AG_WHICH_MIN:
  case AG_WHICH_MAX: merge_which(op, value, at, other, other_at); break;
  default: break; /* sums: below */
  }
}

static void merge_sums(ag_accumulators acc, ag_accumulators from, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    double sum = acc.value[i] + from.value[i];
    acc.value[i] = sum == sum ? sum : sum_keeping_na(acc.value[i], from.value[i]);
    acc.at[i] += from.at[i];
  }
}

void ag_accumulators_merge(ag_reduction op, ag_accumulators acc, ag_accumulators from, int64_t n) {
  if (op == AG_SUM || op == AG_MEAN) {
    merge_sums(acc, from, n);
    return;
  }
  for (int64_t i = 0; i < n; i++) merge(op, acc.value + i, acc.at + i, from.value[i], from.at[i]);
}

ag_accumulators ag_accumulators_from(ag_accumulators acc, int64_t i) {
  return (ag_accumulators){acc.value + i, acc.at + i};
}

/* -- folding ------------------------------------------------------------------------------- */
static void choose(ag_folding *f) {
  const ag_folds *t = &f->hp->isa->fold[f->type];
  switch (f->op) {
  case AG_SUM:
  case AG_MEAN: f->run = t->sum, f->row = t->sum_row; break;
  case AG_PROD: f->run = t->prod, f->row = t->prod_row; break;
  case AG_MIN: f->run = t->min, f->row = t->min_row; break;
  case AG_MAX: f->run = t->max, f->row = t->max_row; break;
  case AG_ANY: f->run = t->any, f->row = t->any_row; break;
  case AG_ALL: f->run = t->all, f->row = t->all_row; break;
  case AG_WHICH_MAX: f->run = t->which_max, f->row = t->which_max_row; break;
  case AG_WHICH_MIN: f->run = t->which_min, f->row = t->which_min_row; break;
  }
}

ag_folding ag_folding_of(const ag_host_program *hp, const ag_binding *slot) {
  const ag_kernel *k = hp->k;
  ag_folding f = {.hp = hp,
                  .slot = slot,
                  .op = k->reduce.op,
                  .type = k->prog.instr[k->reduce.reg].type,
                  .pre = k->reduce.pre,
                  .red = k->reduce.red,
                  .post = k->reduce.post,
                  .reach = ag_host_program_reach(hp, k->reduce.reg)};
  f.size = ag_dtype_size(f.type);
  choose(&f);
  return f;
}

/* Elements [start, start + n) of the linear order, which begin with element (p0, r) of rows of np.
 */
static void fold_linear(const ag_folding *f, char *scratch, ag_accumulators acc, int64_t np,
                        int64_t r, int64_t start, int64_t n) {
  const ag_kernel *k = f->hp->k;
  int64_t p = 0;
  for (int64_t done = 0; done < n;) {
    int64_t len = n - done < f->reach ? n - done : f->reach;
    const char *x = ag_host_program_eval(f->hp, f->slot, scratch, start + done, len, k->reduce.reg);
    if (np == 1) f->run(len, x, k->reduce.skip, acc.value, acc.at, r + done);
    for (int64_t i = 0, run; np > 1 && i < len; i += run) {
      run = np - p < len - i ? np - p : len - i;
      f->row(run, x + (size_t)i * f->size, k->reduce.skip, acc.value + p, acc.at + p, r);
      p += run;
      if (p == np) p = 0, r++;
    }
    done += len;
  }
}

/* Sums of rows that lie in memory, many rows at a time. Returns how many rows it did. */
static int64_t sum_many_rows(const ag_folding *f, char *scratch, ag_accumulators acc, int64_t start,
                             int64_t np, int64_t nr) {
  const ag_kernel *k = f->hp->k;
  const ag_fold_rows_fn sum = f->hp->isa->fold[f->type].sum_rows;
  int64_t r = 0;
  if (!sum || (f->op != AG_SUM && f->op != AG_MEAN) || k->reduce.skip || f->reach < INT64_MAX)
    return 0;
  const char *x = ag_host_program_eval(f->hp, f->slot, scratch, start, 1, k->reduce.reg);
  for (; r + AG_ROWS <= nr; r += AG_ROWS)
    sum(np, x + (size_t)(r * f->pre) * f->size, f->pre, acc.value);
  return r;
}

void ag_fold_rows(const ag_folding *f, char *scratch, ag_accumulators acc, int64_t q, int64_t p0,
                  int64_t np, int64_t r0, int64_t nr) {
  const int64_t start = (q * f->red + r0) * f->pre + p0;
  int64_t r = np > 1 ? sum_many_rows(f, scratch, acc, start, np, nr) : 0;
  if (np == f->pre) {
    fold_linear(f, scratch, acc, np, r0 + r, start + r * np, np * (nr - r));
    return;
  }
  for (; r < nr; r++) fold_linear(f, scratch, acc, np, r0 + r, start + r * f->pre, np);
}

/* -- cutting ------------------------------------------------------------------------------- */
int64_t ag_fold_width(int64_t pre) {
  int64_t n = (pre + WIDTH - 1) / WIDTH;
  if (n <= 1) return pre;
  int64_t width = (pre + n - 1) / n;
  return (width + 15) / 16 * 16;
}

/* Parts cost accumulators, so wide rows are cut into fewer. */
int64_t ag_fold_parts(int64_t units, int64_t width, int64_t red) {
  int64_t most = red * width / GRAIN, wanted = (width < 64 ? 64 : 16) / (units > 0 ? units : 1);
  if (units >= 8) return 1;
  int64_t parts = most < wanted ? most : wanted;
  return parts < 1 ? 1 : parts;
}
