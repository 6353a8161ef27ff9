/* SORT kernels: the stages of inst/kernels/sort.cl with their arguments. */
#include "codegen_text.h"

#define GROUP 128
#define TILE  (8 * GROUP)
#define SCAN  256

/* flags of sort.cl */
enum { DECREASING = 1, NA_FIRST = 2, APART = 4, FROM = 8, VALUES = 16, LEFT = 32 };

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t flags_of(const ag_kernel *k) {
  const ag_sort_by *by = &k->sort.by;
  return (by->decreasing ? DECREASING : 0) | (by->na_first ? NA_FIRST : 0) |
         (by->apart ? APART : 0) | (k->sort.from ? FROM : 0) |
         (k->sort.step == AG_SORT_VALUES ? VALUES : 0) | (k->sort.left ? LEFT : 0);
}

static int kind_of(ag_dtype type) {
  return type == AG_F32 ? 0 : type == AG_F64 ? 1 : type == AG_I32 ? 2 : 3;
}

static ag_cg_arg number(int64_t value) { return (ag_cg_arg){.kind = AG_ARG_LONG, .value = value}; }
static ag_cg_arg memory(int slot) { return (ag_cg_arg){.kind = AG_ARG_SLOT, .index = slot}; }
static ag_cg_arg offset(int slot) { return (ag_cg_arg){.kind = AG_ARG_OFFSET, .index = slot}; }
static const ag_cg_arg hist = {.kind = AG_ARG_SCRATCH}, pass = {.kind = AG_ARG_PASS};

typedef struct {
  ag_cg_source *src;
  const ag_kernel *k;
  const ag_cg_target *t;
} writer;

static void add_stage(const writer *w, const char *entry, int64_t groups, int64_t local, int nargs,
                      const ag_cg_arg *arg) {
  ag_cg_writer cg;
  ag_cg_begin(&cg, w->src, w->k, NULL, w->t, NULL);
  for (int i = 0; i < nargs; i++) ag_cg_arg_add(&cg, arg[i]);
  cg.stage->entry = entry;
  cg.stage->local = (size_t)local;
  cg.stage->global = (size_t)(groups * local);
  ag_cg_drop(&cg);
}
#define STAGE(entry, groups, local, ...)                                                           \
  add_stage(w, entry, groups, local,                                                               \
            (int)(sizeof((ag_cg_arg[]){__VA_ARGS__}) / sizeof(ag_cg_arg)),                         \
            (const ag_cg_arg[]){__VA_ARGS__})

/* Few enough work-groups that their counts are quickly summed, enough to fill a device. */
static void sort_stages(const writer *w) {
  const int64_t n = w->k->sort.n, tiles = ceil_div(n, TILE);
  const int64_t most = least(2048, (w->t->is_gpu ? 16 : 4) * (int64_t)w->t->units);
  const int64_t per = ceil_div(tiles, most), groups = ceil_div(tiles, per);
  const int64_t flags = flags_of(w->k);
  const int from = w->k->sort.from ? 4 : 1; /* any memory where there is none */
  w->src->npass = w->k->sort.type == AG_F64 ? 16 : w->k->sort.type == AG_BOOL ? 1 : 8;
  w->src->scratch[0] = (size_t)(16 * groups) * sizeof(uint32_t);
  STAGE("ag_sort_count", groups, GROUP, memory(0), offset(0), memory(from), offset(from), memory(2),
        memory(3), hist, number(n), number(per), number(w->k->sort.segment), number(flags), pass);
  STAGE("ag_sort_scan", 1, SCAN, hist, number(16 * groups));
  STAGE("ag_sort_scatter", groups, GROUP, memory(0), offset(0), memory(from), offset(from),
        memory(2), memory(3), hist, memory(1), offset(1), number(n), number(per),
        number(w->k->sort.segment), number(flags), number(w->src->npass), pass);
}

static void other_stage(const writer *w) {
  const int64_t n = w->k->sort.n, m = w->k->sort.m, groups = ceil_div(n, 64);
  switch (w->k->sort.step) {
  case AG_SORT_RANK:
    STAGE("ag_sort_rank", groups, 64, memory(0), offset(0), memory(1), offset(1), memory(2),
          offset(2), number(n), number(w->k->sort.segment), number((int64_t)w->k->sort.rank),
          number((int64_t)w->k->sort.missing), number(w->k->sort.limit),
          number(w->k->sort.otherwise), number(flags_of(w->k)));
    return;
  case AG_SORT_TAKE:
    STAGE("ag_sort_take", groups, 64, memory(0), offset(0), memory(1), offset(1), memory(2),
          offset(2), number(n));
    return;
  case AG_SORT_SEARCH: {
    const int order = w->k->sort.counted == AG_COUNT_MATCH ? 3 : 2; /* any where there is none */
    STAGE("ag_sort_search", groups, 64, memory(0), offset(0), memory(1), offset(1), memory(2),
          offset(2), memory(order), offset(order), number(n), number(m), number(w->k->sort.closed),
          number((int64_t)w->k->sort.counted), number(w->k->sort.otherwise),
          number(flags_of(w->k)));
    return;
  }
  default:
    STAGE("ag_sort_tabulate", least(groups, 8 * (int64_t)w->t->units), 64, memory(0), offset(0),
          memory(1), offset(1), number(n), number(m));
  }
}

ag_status ag_cg_sort(ag_cg_source *src, const ag_kernel *k, const ag_cg_target *t) {
  const writer w = {src, k, t};
  if (k->sort.n == 0) return AG_OK;
  src->f64 = k->sort.step == AG_SORT_RANK && k->sort.out == AG_F64;
  ag_strbuf_add(&src->text, "#define KIND %d\n", kind_of(k->sort.type));
  AG_TRY(ag_cg_append_file(&src->text, "sort.cl"));
  if (k->sort.step == AG_SORT_ORDER || k->sort.step == AG_SORT_VALUES) sort_stages(&w);
  else other_stage(&w);
  return AG_OK;
}
