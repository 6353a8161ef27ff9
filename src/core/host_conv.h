/* What the passes of a convolution on the host share: which places of the window an output looks
 * at, and the rows of an image as they are read. */
#ifndef AG_HOST_CONV_H
#define AG_HOST_CONV_H

#include "host_launch.h"

/* Neighbouring places of the window along the width: places `n` from number k on (k, k + 1, ... or
 * k, k - 1, ...), the first read at position mul j + at by output number j of its phase. */
typedef struct {
  int64_t k, n, at;
  int64_t tap; /* places before it, in all spans */
} ag_conv_span;

/* Outputs r, r + div, r + 2 div, ... along an axis are phase r: they look through the same places
 * of the window, each mul positions after the one before. Along the width these places are spans
 * phase[r], ..., phase[r + 1] - 1, by position. */
typedef struct {
  const ag_kernel *k;
  const ag_window *w;
  const ag_isa *isa;
  int f64;
  int64_t size; /* bytes of an element */
  const char *x;
  int64_t in, out; /* channels of a group */
  int depth;       /* one channel in and out in each group: no channels are mixed */
  int64_t groups;  /* that are computed one after the other: 1 then */
  int copies;      /* rows are copied: with zeros before and after, a group at a time */
  int64_t lot;     /* channels that are read together: of a group, or all */
  int64_t pitch;   /* elements from one pixel that is read to the next */
  int64_t rows, columns, samples; /* outputs that a task computes at once, at most; samples > 1: of
                                   * so many images */
  int64_t tiles_y, tiles_x;
  ag_conv_span *span;
  int64_t *phase, *order; /* order[tap]: the place's number */
  int64_t taps;
} ag_host_conv_job;

/* A piece of the result: a sample's outputs [x0, x1) x [y0, y1). */
typedef struct {
  int64_t sample, x0, x1, y0, y1;
} ag_conv_piece;

/* The rows of one group that a piece needs: position (px, py) is at
 * base + (py - first) * row + (px - low) * pitch. */
typedef struct {
  const char *base;
  int64_t first, row, low;
} ag_conv_rows;

/* Fills in the geometry; spans join places of the window whose pixels follow each other in memory,
 * with `ascending` only if their numbers do so, too. Until the next call on this thread. */
AG_CHECKED ag_status ag_host_conv_begin(ag_host_conv_job *job, const ag_kernel *k,
                                        const ag_binding *slot, int ascending);
/* Chooses the pieces: they fit into the second cache, and there are at least `tasks` of them if
 * that is possible. */
void ag_host_conv_cut(ag_host_conv_job *job, int64_t tasks);
ag_conv_piece ag_host_conv_piece(const ag_host_conv_job *job, int64_t number);
/* Bytes that the rows of a piece take, and a list of runs for each place of the window. */
size_t ag_host_conv_room(const ag_host_conv_job *job);
/* `room` is of that size; *run is the list. */
ag_conv_rows ag_host_conv_read(const ag_host_conv_job *job, const ag_conv_piece *p, int64_t group,
                               char *room, ag_conv_run **run);
/* The row that place ky of the window reads for output row oy, or -1. */
int64_t ag_host_conv_row(const ag_window *w, int64_t oy, int64_t ky);
/* The first output, counted within its phase, from `from` on. */
int64_t ag_host_conv_first(const ag_window *w, int64_t phase, int64_t from);
/* Into how many channels at a time `out` of them are divided. */
int64_t ag_host_conv_panel(int64_t out, ag_dtype type);
double ag_host_conv_work(const ag_host_conv_job *job); /* multiply-adds */

AG_CHECKED ag_status ag_host_conv_weight(const ag_host_program *hp, const ag_binding *slot);
/* Whether Winograd's method is faster, and that. */
int ag_host_conv_is_winograd(const ag_kernel *k);
AG_CHECKED ag_status ag_host_conv_winograd(const ag_host_program *hp, const ag_binding *slot);
int ag_host_conv_weight_is_winograd(const ag_kernel *k);
AG_CHECKED ag_status ag_host_conv_weight_winograd(const ag_host_program *hp,
                                                  const ag_binding *slot);

static inline void ag_host_conv_sum(const ag_host_conv_job *job, int64_t m, int64_t n,
                                    const ag_conv_sum *s, const void *a, const void *b, void *c) {
  if (job->depth) {
    if (job->f64) job->isa->conv_depth_f64(m, n, s, a, b, c);
    else job->isa->conv_depth_f32(m, n, s, a, b, c);
  } else {
    if (job->f64) job->isa->conv_f64(m, n, s, a, b, c);
    else job->isa->conv_f32(m, n, s, a, b, c);
  }
}

#endif
