/* Convolutions on the host: the gradient by the weight.
 *
 * For one row ky of the window it is a product of the result's gradient, channels out x pixels, and
 * of the pixels of the images that they look at, each with its neighbours in the row beside it:
 * both where they lie (host_conv.c). The sum runs over all pixels of all samples. A small weight is
 * computed as several partial sums at once, how many depends on the shape alone; of a large one
 * each task has a panel of channels. */
#include "host_conv.h"
#include "threads.h"
#include <string.h>

/* Partial sums: how many at most, and bytes of all of them. */
#define PARTS      16
#define PART_BYTES 2097152
/* Pieces that there are at least, for sums over few samples. */
#define PIECES 16
/* Elements that a task adds up. */
#define ADD_UP 16384

typedef struct {
  ag_host_conv_job job;
  const char *dy; /* the result's gradient */
  char *dw;
  int64_t panel, panels; /* channels, panels of a group */
  int64_t pieces, parts, count;
  char *part; /* parts x the weight; dw if there is one only */
  int no_memory;
} conv;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

typedef struct {
  const conv *c;
  ag_conv_piece at;
  ag_conv_rows rows;
  ag_conv_run *run;
  char *to;
  int64_t p0, p1; /* panels of one group */
  int add;
} piece;

/* The rows of outputs of phase r that look through row ky of the window; of the images the place
 * `at`. */
static int64_t list_runs(const piece *p, int64_t ky, int64_t r, int64_t at) {
  const ag_host_conv_job *job = &p->c->job;
  const ag_window *w = job->w;
  const int64_t j0 = ag_host_conv_first(w, r, p->at.x0), j1 = ag_host_conv_first(w, r, p->at.x1);
  int64_t n = 0;
  for (int64_t oy = p->at.y0; oy < p->at.y1 && j0 < j1; oy++) {
    const int64_t py = ag_host_conv_row(w, oy, ky),
                  pixel = (p->at.sample * w->out[1] + oy) * w->out[0] + r + j0 * w->div[0];
    if (py < 0) continue;
    p->run[n++] = (ag_conv_run){.a = pixel * job->k->conv.out,
                                .b = (py - p->rows.first) * p->rows.row +
                                     (w->mul[0] * j0 + at - p->rows.low) * job->pitch,
                                .n = j1 - j0};
  }
  return n;
}

/* Where the weight's element of place (kx, ky) and the first channel in stands. */
static int64_t weight_at(const ag_host_conv_job *job, int64_t kx, int64_t ky) {
  return (ky * job->w->k[0] + kx) * job->in * job->k->conv.out;
}

static ag_conv_sum pixels_sum(const piece *p, int64_t ky, int64_t r, int64_t at) {
  const ag_host_conv_job *job = &p->c->job;
  return (ag_conv_sum){.runs = list_runs(p, ky, r, at),
                       .run = p->run,
                       .lda = job->w->div[0] * job->k->conv.out,
                       .rs_b = job->w->mul[0] * job->pitch,
                       .cs_b = 1,
                       .ldc = job->k->conv.out,
                       .add = p->add};
}

/* Columns: the channels in of the places of one span. */
static void compute_span(const piece *p, int64_t ky, int64_t r, const ag_conv_span *s) {
  const conv *c = p->c;
  const ag_host_conv_job *job = &c->job;
  const ag_conv_sum sum = pixels_sum(p, ky, r, s->at);
  if (sum.add && !sum.runs) return;
  for (int64_t q = p->p0; q < p->p1; q++) {
    const int64_t first = q % c->panels * c->panel, channel = q / c->panels * job->out + first;
    ag_host_conv_sum(job, min64(c->panel, job->out - first), s->n * job->in, &sum,
                     c->dy + channel * job->size, p->rows.base,
                     p->to + (weight_at(job, s->k, ky) + channel) * job->size);
  }
}

/* Channels that are not mixed. Columns: the places of a phase, which are evenly apart. */
static void compute_depth(const piece *p, int64_t ky, int64_t r) {
  const ag_host_conv_job *job = &p->c->job;
  const ag_conv_span *s = &job->span[job->phase[r]];
  const int64_t n = job->phase[r + 1] - job->phase[r];
  if (!n) return;
  ag_conv_sum sum = pixels_sum(p, ky, r, s->at);
  if (n > 1) {
    sum.cs_b = (s[1].at - s[0].at) * job->pitch;
    sum.ldc = (s[1].k - s[0].k) * job->k->conv.out;
  }
  ag_host_conv_sum(job, job->k->conv.out, n, &sum, p->c->dy, p->rows.base,
                   p->to + weight_at(job, s->k, ky) * job->size);
}

static void compute_piece(const piece *p) {
  const ag_host_conv_job *job = &p->c->job;
  for (int64_t ky = 0; ky < job->w->k[1]; ky++)
    for (int64_t r = 0; r < job->w->div[0]; r++) {
      if (job->depth) compute_depth(p, ky, r);
      for (int64_t i = job->phase[r]; i < job->phase[r + 1] && !job->depth; i++)
        compute_span(p, ky, r, &job->span[i]);
    }
}

/* Panels [p0, p1) of one group of a partial sum. */
static void compute_part(const conv *c, int64_t part, int64_t p0, int64_t p1, char *room) {
  piece p = {.c = c, .p0 = p0, .p1 = p1, .to = c->part + part * c->count * c->job.size};
  for (int64_t i = part * c->pieces / c->parts; i < (part + 1) * c->pieces / c->parts; i++) {
    p.at = ag_host_conv_piece(&c->job, i);
    p.rows = ag_host_conv_read(&c->job, &p.at, p0 / c->panels, room, &p.run);
    compute_piece(&p);
    p.add = 1;
  }
}

/* A task has a panel of a part; where there are several parts, all panels of it. */
static void part_task(void *ctx, int task, int worker) {
  conv *c = ctx;
  char *room = ag_threads_scratch(AG_SCRATCH_PANEL, ag_host_conv_room(&c->job));
  (void)worker;
  if (!room) {
    __atomic_store_n(&c->no_memory, 1, __ATOMIC_RELAXED);
    return;
  }
  if (c->parts == 1) compute_part(c, 0, task, task + 1, room);
  else
    for (int64_t p = 0; p < c->job.groups * c->panels; p += c->panels)
      compute_part(c, task, p, p + c->panels, room);
}

#define ADD_UP_PARTS(real)                                                                         \
  static void add_up_##real(const conv *c, int64_t from, int64_t to) {                             \
    const real *part = (const real *)c->part;                                                      \
    for (int64_t i = from; i < to; i++) {                                                          \
      real sum = part[i];                                                                          \
      for (int64_t p = 1; p < c->parts; p++) sum += part[p * c->count + i];                        \
      ((real *)c->dw)[i] = sum;                                                                    \
    }                                                                                              \
  }
ADD_UP_PARTS(float)
ADD_UP_PARTS(double)

static void add_up_task(void *ctx, int task, int worker) {
  const conv *c = ctx;
  const int64_t from = (int64_t)task * ADD_UP, to = min64(from + ADD_UP, c->count);
  (void)worker;
  if (c->job.f64) add_up_double(c, from, to);
  else add_up_float(c, from, to);
}

static void choose(conv *c) {
  const ag_kernel *k = c->job.k;
  ag_host_conv_cut(&c->job, PIECES);
  c->pieces = k->conv.samples * c->job.tiles_y * c->job.tiles_x;
  c->panel = ag_host_conv_panel(c->job.out, k->conv.type);
  c->panels = c->job.depth ? 1 : ceil_div(c->job.out, c->panel);
  c->count = k->prog.count;
  const int64_t room = PART_BYTES / max64(c->count * c->job.size, 1);
  c->parts = room < 2 ? 1 : min64(min64(room, PARTS), c->pieces);
}

static ag_status compute(conv *c) {
  c->part = c->dw;
  if (c->parts > 1)
    c->part = ag_threads_scratch(AG_SCRATCH_PACK, (size_t)(c->parts * c->count * c->job.size));
  if (!c->part) return ag_fail(AG_E_MEMORY, "convolution: out of memory");
  ag_parallel((int)(c->parts > 1 ? c->parts : c->job.groups * c->panels), part_task, c);
  if (c->parts > 1) ag_parallel((int)ceil_div(c->count, ADD_UP), add_up_task, c);
  return c->no_memory ? ag_fail(AG_E_MEMORY, "convolution: out of memory") : AG_OK;
}

ag_status ag_host_conv_weight(const ag_host_program *hp, const ag_binding *slot) {
  const ag_kernel *k = hp->k;
  const ag_binding *y = &slot[k->conv.slot_y], *w = &slot[k->prog.out[0].slot];
  if (ag_host_conv_weight_is_winograd(k)) return ag_host_conv_weight_winograd(hp, slot);
  conv c = {.no_memory = 0};
  AG_TRY(ag_host_conv_begin(&c.job, k, slot, 1));
  c.dy = (const char *)y->mem + (y->offset + k->conv.base_y) * c.job.size;
  c.dw = (char *)w->mem + (w->offset + k->prog.out[0].at.base) * c.job.size;
  choose(&c);
  if (c.pieces) return compute(&c);
  memset(c.dw, 0, (size_t)(c.count * c.job.size)); /* a sum over nothing */
  return AG_OK;
}
