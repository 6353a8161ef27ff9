/* Which way to compute a matrix product is fastest on a device: measured at the first product of a
 * class (see codegen_variant.h) and then fixed, so that the same product gives the same numbers as
 * long as the device is open; found again in a file, if the user lets there be one. */
#include "opencl.h"
#include "threads.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Seconds for one class at first use: all of them together take two. */
#define FIRST_USE (2.0 / AG_MM_CLASSES)

/* -- the file: a line for each choice, the last one counts ------------------------------------- */
static void file_key(const ag_device *d, ag_mm_how how, ag_mm_class c, char *key, size_t size) {
  snprintf(key, size, "%s\t%s\t%s\t%s\t", d->name, d->driver, ag_mm_how_name(how),
           ag_mm_class_name(c));
}

static int is_candidate(ag_mm_variant *out, const char *text, ag_mm_how how, ag_mm_class c,
                        const ag_cg_target *t) {
  ag_mm_variant candidate[AG_MM_CANDIDATES];
  char name[AG_MM_TEXT];
  const int n = ag_mm_candidates(candidate, how, c, t);
  for (int i = 0; i < n; i++) {
    ag_mm_print(&candidate[i], name);
    if (strcmp(name, text)) continue;
    *out = candidate[i];
    return 1;
  }
  return 0;
}

static int recall(const ag_device *d, ag_mm_how how, ag_mm_class c, ag_mm_variant *out) {
  const ag_cl_state *s = d->state;
  const char *path = ag_hook_tuning_file ? ag_hook_tuning_file() : NULL;
  FILE *f = path ? fopen(path, "r") : NULL;
  char key[700], line[1000];
  int found = 0;
  if (!f) return 0;
  file_key(d, how, c, key, sizeof key);
  while (fgets(line, sizeof line, f)) {
    line[strcspn(line, "\r\n")] = 0;
    if (!strncmp(line, key, strlen(key)))
      found |= is_candidate(out, line + strlen(key), how, c, &s->target);
  }
  fclose(f);
  return found;
}

/* That it cannot be written is no reason to stop: it is measured again next time. */
static void remember(const ag_device *d, ag_mm_how how, ag_mm_class c, const ag_mm_variant *v) {
  const char *path = ag_hook_tuning_file ? ag_hook_tuning_file() : NULL;
  FILE *f = path ? fopen(path, "a") : NULL;
  char key[700], text[AG_MM_TEXT];
  if (!f) return;
  file_key(d, how, c, key, sizeof key);
  ag_mm_print(v, text);
  fprintf(f, "%s%s\n", key, text);
  fclose(f);
}

/* -- measuring ------------------------------------------------------------------------------- */
typedef struct {
  ag_kernel kernel;
  void *mem[3]; /* A, B, C */
  double flop;
} example;

/* Random numbers in [-1, 1): a device may compute with zeros faster, as they cost less power. */
static ag_status fill(ag_device *d, void *mem, size_t bytes, ag_dtype type) {
  enum { CHUNK = 1 << 16 };
  double *chunk = malloc(CHUNK * sizeof *chunk);
  uint32_t state = 1;
  ag_status status = AG_OK;
  if (!chunk) return ag_fail(AG_E_MEMORY, "out of memory");
  for (int i = 0; i < CHUNK; i++) {
    state = state * 1664525 + 1013904223;
    const double x = (double)state / 2147483648.0 - 1;
    if (type == AG_F64) chunk[i] = x;
    else ((float *)chunk)[i] = (float)x;
  }
  const size_t size = CHUNK * ag_dtype_size(type);
  for (size_t at = 0; at < bytes && status == AG_OK; at += size)
    status = d->table->write(d, mem, at, chunk, bytes - at < size ? bytes - at : size);
  free(chunk);
  return status;
}

static void example_drop(ag_device *d, example *x) {
  for (int i = 0; i < 3; i++)
    if (x->mem[i]) d->table->free(d, x->mem[i]);
  free(x);
}

static ag_status example_new(example **out, ag_device *d, ag_mm_how how, ag_mm_class c) {
  const ag_cl_state *s = d->state;
  example *x = *out = calloc(1, sizeof *x);
  if (!x) return ag_fail(AG_E_MEMORY, "out of memory");
  ag_mm_example(&x->kernel, how, c, &s->target);
  const ag_dtype type = x->kernel.mm.type;
  const int64_t m = x->kernel.mm.m, n = x->kernel.mm.n, k = x->kernel.mm.k;
  const int64_t count[3] = {m * k, k * n, m * n};
  x->flop = 2.0 * (double)m * (double)n * (double)k;
  for (int i = 0; i < 3; i++) {
    const size_t bytes = (size_t)count[i] * ag_dtype_size(type);
    AG_TRY(d->table->alloc(d, bytes, &x->mem[i]));
    if (i < 2) AG_TRY(fill(d, x->mem[i], bytes, type));
  }
  return AG_OK;
}

static ag_status run_once(ag_device *d, const example *x, double *seconds) {
  const ag_binding slot[3] = {{x->mem[0], 0}, {x->mem[1], 0}, {x->mem[2], 0}};
  const double start = ag_threads_seconds();
  AG_TRY(d->table->launch(d, &x->kernel, slot));
  AG_TRY(d->table->finish(d));
  *seconds = ag_threads_seconds() - start;
  return AG_OK;
}

/* The shortest of at most 10 runs after the first; fewer when time is up at `until`. */
static ag_status measure(ag_device *d, example *x, const ag_mm_variant *v, double until,
                         double *best) {
  ag_cl_state *s = d->state;
  double t;
  s->target.force = v;
  ag_status status = ag_cl_build(d, &x->kernel);
  s->target.force = NULL;
  if (status == AG_OK) status = run_once(d, x, best); /* wakes the device */
  for (int i = 0; i < 10 && status == AG_OK && (i == 0 || ag_threads_seconds() < until); i++) {
    status = run_once(d, x, &t);
    if (status == AG_OK && (i == 0 || t < *best)) *best = t;
  }
  if (x->kernel.code) ag_cl_unbuild(d, &x->kernel);
  return status;
}

/* The candidates of one class in turn, until time is up; a candidate that fails is none. */
static void tune_class(ag_device *d, ag_mm_how how, ag_mm_class c, double seconds,
                       ag_tuning *report) {
  ag_cl_state *s = d->state;
  ag_mm_variant candidate[AG_MM_CANDIDATES];
  const int n = ag_mm_candidates(candidate, how, c, &s->target), first = report ? report->n : 0;
  const double until = ag_threads_seconds() + seconds;
  double fastest = 0, t = 0;
  int best = 0;
  example *x = NULL;
  if (n == 0) return;
  if (n > 1 && example_new(&x, d, how, c) == AG_OK) {
    for (int i = 0; i < n && (i == 0 || ag_threads_seconds() < until); i++) {
      const double share = ag_threads_seconds() + (until - ag_threads_seconds()) / (n - i);
      if (measure(d, x, &candidate[i], share, &t) != AG_OK) continue;
      const double rate = x->flop / t / 1e9;
      ag_log(2, "%s tuning %s %s: candidate %d, %.1f GFLOP/s", d->id, ag_mm_how_name(how),
             ag_mm_class_name(c), i, rate);
      if (rate > fastest) fastest = rate, best = i;
      if (!report || report->n == AG_TUNING_ROWS) continue;
      ag_tuning_row *row = &report->row[report->n++];
      *row = (ag_tuning_row){ag_mm_how_name(how), ag_mm_class_name(c), "", rate, 0};
      ag_mm_print(&candidate[i], row->variant);
    }
  }
  if (x) example_drop(d, x);
  s->target.products.best[how][c] = candidate[best];
  if (fastest > 0) remember(d, how, c, &candidate[best]);
  char text[AG_MM_TEXT];
  ag_mm_print(&candidate[best], text);
  for (int i = first; report && i < report->n; i++)
    report->row[i].chosen = !strcmp(report->row[i].variant, text);
}

/* -- the entries ----------------------------------------------------------------------------- */
void ag_cl_tune_first(ag_device *d, const ag_kernel *k) {
  ag_cl_state *s = d->state;
  if (!s->tunes || s->target.force) return;
  const ag_mm_class c = ag_mm_class_of(k, &s->target);
  const ag_mm_how how = ag_mm_how_of(k, &s->target);
  if (c == AG_MM_OTHER || s->target.products.best[how][c].kind) return;
  if (recall(d, how, c, &s->target.products.best[how][c])) return;
  tune_class(d, how, c, FIRST_USE, NULL);
}

ag_status ag_cl_tune(ag_device *d, double seconds, ag_tuning *report) {
  const ag_cl_state *s = d->state;
  ag_mm_variant candidate[AG_MM_CANDIDATES];
  int classes = 0;
  for (ag_mm_how how = AG_MM_F64; how < AG_MM_HOWS; how++)
    for (ag_mm_class c = AG_MM_LARGE; c < AG_MM_CLASSES; c++)
      classes += ag_mm_candidates(candidate, how, c, &s->target) > 1;
  for (ag_mm_how how = AG_MM_F64; how < AG_MM_HOWS; how++)
    for (ag_mm_class c = AG_MM_LARGE; c < AG_MM_CLASSES; c++) {
      if (ag_mm_candidates(candidate, how, c, &s->target) < 2) continue;
      if (ag_hook_interrupted && ag_hook_interrupted())
        return ag_fail(AG_E_INTERRUPT, "interrupted while tuning %s", d->id);
      tune_class(d, how, c, seconds / classes, report);
    }
  return AG_OK;
}
