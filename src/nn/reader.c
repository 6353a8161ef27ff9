#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#define _FILE_OFFSET_BITS 64
#include "reader.h"
#include "../core/core.h"
#include "../core/threads_os.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#define seek_to(file, at) _fseeki64(file, at, SEEK_SET)
#else
#define seek_to(file, at) fseeko(file, (off_t)(at), SEEK_SET)
#endif

/* Chunk i goes to slot i % 2. A slot is full from when it was read until the caller asks for the
 * chunk after it. */
typedef struct {
  int full;
  int64_t n;
  char problem[512]; /* empty, or what went wrong, for the caller to report */
  void *data[AG_MAX_FIELD];
} slot;

struct ag_reader {
  ag_reader_spec spec;
  FILE *file;
  int64_t record; /* bytes */
  unsigned char *raw;
  slot slot[2];
  int64_t nchunk, *first, read, taken; /* chunks of this pass: all, read, handed out */
  int threaded, reading, stop;
  long process; /* whose thread it is */
  os_thread thread;
  os_mutex lock;
  os_cond work, done; /* to the thread: look again. To the caller: a chunk was read */
};

int ag_file_size(ag_file_type type) {
  static const int size[] = {1, 4, 4, 8};
  return (unsigned)type < sizeof size / sizeof *size ? size[type] : 0;
}

/* -- reading: on either thread, without the core's error record -------------------------------- */
static uint32_t word_of(const unsigned char *b) {
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static double value_of(ag_file_type type, const unsigned char *b) {
  uint64_t bits;
  uint32_t word;
  double wide;
  float narrow;
  switch (type) {
  case AG_FILE_U8: return b[0];
  case AG_FILE_I32: return (int32_t)word_of(b);
  case AG_FILE_F32:
    word = word_of(b);
    memcpy(&narrow, &word, sizeof narrow);
    return narrow;
  default:
    bits = word_of(b) | (uint64_t)word_of(b + 4) << 32;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
  }
}

/* Field f, which begins `at` bytes into each record, of n records. */
static void convert(const ag_reader *r, int f, int64_t at, int64_t n, void *out) {
  const ag_file_type type = r->spec.field[f].type;
  const int64_t count = r->spec.field[f].count, size = ag_file_size(type);
  float *narrow = out;
  double *wide = out;
  for (int64_t i = 0; i < n; i++) {
    const unsigned char *b = r->raw + i * r->record + at;
    if (r->spec.field[f].to == AG_F32)
      for (int64_t j = 0; j < count; j++) *narrow++ = (float)value_of(type, b + j * size);
    else
      for (int64_t j = 0; j < count; j++) *wide++ = value_of(type, b + j * size);
  }
}

static void problem_note(const ag_reader *r, slot *s, const char *what) {
  snprintf(s->problem, sizeof s->problem, "'%s' %s", r->spec.path, what);
}

static void chunk_read(ag_reader *r, int64_t chunk, slot *s) {
  const ag_reader_spec *spec = &r->spec;
  int64_t first = r->first[chunk], left = spec->n - first, at = 0;
  s->n = left < spec->capacity ? left : spec->capacity;
  s->problem[0] = 0;
  if (!r->file) r->file = fopen(spec->path, "rb");
  if (!r->file) {
    problem_note(r, s, strerror(errno));
    return;
  }
  size_t bytes = (size_t)(s->n * r->record);
  if (seek_to(r->file, spec->offset + first * r->record) != 0 ||
      fread(r->raw, 1, bytes, r->file) != bytes) {
    problem_note(r, s, "ends early: it was changed after it was opened");
    return;
  }
  for (int f = 0; f < spec->nfield; f++) {
    convert(r, f, at, s->n, s->data[f]);
    at += spec->field[f].count * ag_file_size(spec->field[f].type);
  }
}

/* -- the thread -------------------------------------------------------------------------------- */
OS_THREAD_FN(reader_main, arg) {
  ag_reader *r = arg;
  os_lock(&r->lock);
  while (!r->stop) {
    slot *s = &r->slot[r->read % 2];
    if (r->read >= r->nchunk || s->full) {
      os_wait(&r->work, &r->lock);
      continue;
    }
    r->reading = 1;
    os_unlock(&r->lock);
    chunk_read(r, r->read, s);
    os_lock(&r->lock);
    r->reading = 0;
    r->read++;
    s->full = 1;
    os_broadcast(&r->done);
  }
  os_unlock(&r->lock);
  OS_THREAD_RETURN;
}

/* A child has the parent's memory but not its thread, and shares the place in an open file. */
static void after_fork(ag_reader *r) {
  if (r->process == os_process()) return;
  r->process = os_process();
  r->threaded = 0;
  r->file = NULL; /* the parent's: not closed, so that nothing moves there */
}

static void lock(ag_reader *r) {
  if (r->threaded) os_lock(&r->lock);
}

static void unlock(ag_reader *r) {
  if (r->threaded) os_unlock(&r->lock);
}

/* -- life -------------------------------------------------------------------------------------- */
static ag_status spec_check(const ag_reader_spec *spec) {
  if (spec->nfield < 1 || spec->nfield > AG_MAX_FIELD || spec->capacity < 1 || spec->n < 1)
    return ag_fail(AG_E_ARGUMENT, "a file of samples has 1 to %d fields", AG_MAX_FIELD);
  for (int f = 0; f < spec->nfield; f++)
    if (!ag_file_size(spec->field[f].type) || spec->field[f].count < 1)
      return ag_fail(AG_E_ARGUMENT, "field %d of a file of samples is of no known kind", f + 1);
  return AG_OK;
}

static ag_status reader_reserve(ag_reader *r, const char *path) {
  char *copy = malloc(strlen(path) + 1);
  r->spec.path = copy;
  if (!copy) return ag_fail(AG_E_MEMORY, "no memory for a path");
  strcpy(copy, path);
  for (int f = 0; f < r->spec.nfield; f++)
    r->record += r->spec.field[f].count * ag_file_size(r->spec.field[f].type);
  int missing = !(r->raw = malloc((size_t)(r->spec.capacity * r->record)));
  for (int f = 0; f < r->spec.nfield; f++)
    for (int i = 0; i < 2; i++) {
      int64_t n = r->spec.capacity * r->spec.field[f].count;
      r->slot[i].data[f] = malloc((size_t)n * ag_dtype_size(r->spec.field[f].to));
      missing |= !r->slot[i].data[f];
    }
  if (!missing) return AG_OK;
  return ag_fail(AG_E_MEMORY, "no memory for %lld samples of %lld bytes",
                 (long long)r->spec.capacity, (long long)r->record);
}

ag_status ag_reader_new(ag_reader **out, const ag_reader_spec *spec) {
  *out = NULL;
  AG_TRY(spec_check(spec));
  ag_reader *r = calloc(1, sizeof *r);
  if (!r) return ag_fail(AG_E_MEMORY, "no memory for a reader");
  r->spec = *spec;
  ag_status status = reader_reserve(r, spec->path);
  if (status != AG_OK) {
    ag_reader_free(r);
    return status;
  }
  r->lock = (os_mutex)OS_MUTEX_INIT;
  r->work = (os_cond)OS_COND_INIT;
  r->done = (os_cond)OS_COND_INIT;
  r->process = os_process();
  r->threaded = ag_threads() > 1 && os_start(&r->thread, reader_main, r);
  *out = r;
  return AG_OK;
}

void ag_reader_free(ag_reader *r) {
  if (!r) return;
  after_fork(r);
  lock(r);
  r->stop = 1;
  if (r->threaded) os_broadcast(&r->work);
  unlock(r);
  if (r->threaded) os_join(r->thread);
  for (int i = 0; i < 2; i++)
    for (int f = 0; f < r->spec.nfield; f++) free(r->slot[i].data[f]);
  if (r->file) fclose(r->file);
  free(r->raw);
  free(r->first);
  free((char *)r->spec.path);
  free(r);
}

/* -- the caller -------------------------------------------------------------------------------- */
ag_status ag_reader_start(ag_reader *r, int64_t nchunk, const double *first) {
  for (int64_t i = 0; i < nchunk; i++)
    if (!(first[i] >= 0 && first[i] < (double)r->spec.n))
      return ag_fail(AG_E_ARGUMENT, "sample %.0f of %lld", first[i], (long long)r->spec.n);
  int64_t *copy = malloc((size_t)(nchunk + 1) * sizeof *copy);
  if (!copy) return ag_fail(AG_E_MEMORY, "no memory for %lld chunks", (long long)nchunk);
  for (int64_t i = 0; i < nchunk; i++) copy[i] = (int64_t)first[i];
  after_fork(r);
  lock(r);
  while (r->threaded && r->reading) os_wait(&r->done, &r->lock);
  free(r->first);
  r->first = copy;
  r->nchunk = nchunk;
  r->read = r->taken = 0;
  r->slot[0].full = r->slot[1].full = 0;
  if (r->threaded) os_broadcast(&r->work);
  unlock(r);
  return AG_OK;
}

/* Waits for chunk `taken`, or reads it. */
static slot *slot_next(ag_reader *r) {
  slot *s = &r->slot[r->taken % 2];
  lock(r);
  if (r->taken) r->slot[(r->taken - 1) % 2].full = 0; /* the caller is done with it */
  if (r->threaded) {
    os_broadcast(&r->work);
    while (!s->full) os_wait(&r->done, &r->lock);
  } else {
    chunk_read(r, r->taken, s);
  }
  unlock(r);
  return s;
}

ag_status ag_reader_next(ag_reader *r, int64_t *n, const void **data) {
  after_fork(r);
  *n = 0;
  if (r->taken >= r->nchunk) return AG_OK;
  slot *s = slot_next(r);
  if (s->problem[0]) return ag_fail(AG_E_ARGUMENT, "%s", s->problem);
  r->taken++;
  *n = s->n;
  for (int f = 0; f < r->spec.nfield; f++) data[f] = s->data[f];
  return AG_OK;
}
