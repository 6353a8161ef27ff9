/* Convolutions on the host: images by a weight.
 *
 * The pixels of a row that neighbouring outputs look at lie a fixed step apart, and what one output
 * looks at in a row is a run of memory. So the tiles of a product are computed from the images
 * where they lie (or from rows copied with zeros around them), without unfolding them; the weight
 * is packed into panels of channels in the order of these runs:
 *
 *   panel | place in the window, rows first | channel in | channel out
 *
 * A task computes pieces of the result (host_conv.h), over as many terms at a time as leave the
 * weight in the second cache, and then runs the epilogue over them. A weight too large to be packed
 * at once is packed and used a few panels at a time. */
#include "host_conv.h"
#include "threads.h"

/* Bytes of the packed weight: of all panels at once, and of the terms that a piece uses at once. */
#define PACKED_BYTES 4194304
#define CHUNK_BYTES  524288
/* Multiply-adds that a task must have to be worth a thread. */
#define TASK_WORK 3e5

typedef struct {
  ag_host_conv_job job;
  const ag_host_program *hp; /* of the epilogue; NULL if there is none */
  const ag_binding *slot;
  const char *w;
  char *y;
  int64_t panel, panels; /* channels, panels of a group */
  int64_t terms, chunk;  /* of a sum, at once */
  char *packed;
  int64_t p0, p1;         /* the panels, counted through all groups, that are packed */
  int64_t pieces, bundle; /* in all, per task */
  int no_memory;
} conv;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* -- the weight ---------------------------------------------------------------------------- */
static void pack(const conv *c, int64_t m, int64_t k, const char *x, int64_t rs, int64_t cs,
                 char *y) {
  const ag_isa *isa = c->job.isa;
  if (c->job.f64) isa->pack_f64((int)m, k, (const double *)x, rs, cs, (double *)y, (int)c->panel);
  else isa->pack_f32((int)m, k, (const float *)x, rs, cs, (float *)y, (int)c->panel);
}

/* Terms of the sum for one place of the window: the channels in, or this channel itself. */
static int64_t terms_of_place(const ag_host_conv_job *job) { return job->depth ? 1 : job->in; }

static void pack_task(void *ctx, int task, int worker) {
  conv *c = ctx;
  const ag_host_conv_job *job = &c->job;
  const ag_kernel *k = job->k;
  const int64_t p = c->p0 + task, first = p % c->panels * c->panel, group = p / c->panels,
                m = job->depth ? k->conv.out : min64(c->panel, job->out - first),
                rs = job->depth ? k->conv.w_group : k->conv.w_out, terms = terms_of_place(job);
  const char *w = c->w + (group * k->conv.w_group + first * rs) * job->size;
  char *to = c->packed + task * c->panel * c->terms * job->size;
  (void)worker;
  for (int64_t ky = 0; ky < job->w->k[1]; ky++)
    for (int64_t tap = 0; tap < job->taps; tap++) {
      const int64_t at = job->order[tap] * k->conv.w_k[0] + ky * k->conv.w_k[1];
      pack(c, m, terms, w + at * job->size, rs, k->conv.w_in, to);
      to += terms * c->panel * job->size;
    }
}

/* -- pieces -------------------------------------------------------------------------------- */
typedef struct {
  const conv *c;
  ag_conv_piece at;
  ag_conv_rows rows;
  ag_conv_run *run;
  int64_t group, t0, t1; /* the terms */
} piece;

/* The runs of terms [t0, t1) for output row oy and its outputs of phase r, from number j0 on. */
static int64_t list_runs(const piece *p, int64_t oy, int64_t r, int64_t j0) {
  const ag_host_conv_job *job = &p->c->job;
  const ag_window *w = job->w;
  const int64_t terms = terms_of_place(job);
  int64_t n = 0;
  for (int64_t ky = 0; ky < w->k[1]; ky++) {
    const int64_t py = ag_host_conv_row(w, oy, ky);
    for (int64_t i = job->phase[r]; i < job->phase[r + 1] && py >= 0; i++) {
      const ag_conv_span *s = &job->span[i];
      const int64_t t = (ky * job->taps + s->tap) * terms, from = max64(t, p->t0),
                    to = min64(t + s->n * terms, p->t1);
      if (from >= to) continue;
      p->run[n++] =
          (ag_conv_run){.a = from * p->c->panel,
                        .b = (py - p->rows.first) * p->rows.row +
                             (w->mul[0] * j0 + s->at - p->rows.low) * job->pitch + from - t,
                        .n = to - from};
    }
  }
  return n;
}

/* The outputs of phase r in row oy. */
static void compute_row(const piece *p, int64_t oy, int64_t r) {
  const conv *c = p->c;
  const ag_host_conv_job *job = &c->job;
  const ag_window *w = job->w;
  const int64_t j0 = ag_host_conv_first(w, r, p->at.x0), j1 = ag_host_conv_first(w, r, p->at.x1),
                channels = job->k->conv.out;
  if (j0 >= j1) return;
  const ag_conv_sum sum = {.runs = list_runs(p, oy, r, j0),
                           .run = p->run,
                           .lda = c->panel,
                           .rs_b = 1,
                           .cs_b = w->mul[0] * job->pitch,
                           .ldc = w->div[0] * channels,
                           .add = p->t0 > 0};
  if (!sum.runs && sum.add) return;
  const int64_t pixel = (p->at.sample * w->out[1] + oy) * w->out[0] + r + j0 * w->div[0];
  for (int64_t q = max64(c->p0, p->group * c->panels); q < c->p1; q++) {
    const int64_t first = q % c->panels * c->panel;
    if (q / c->panels != p->group) break;
    ag_host_conv_sum(job, job->depth ? channels : min64(c->panel, job->out - first), j1 - j0, &sum,
                     c->packed + (q - c->p0) * c->panel * c->terms * job->size, p->rows.base,
                     c->y + (pixel * channels + p->group * job->out + first) * job->size);
  }
}

static void compute_group(const conv *c, const ag_conv_piece *at, int64_t group, char *room) {
  const ag_host_conv_job *job = &c->job;
  piece p = {.c = c, .at = *at, .group = group};
  p.rows = ag_host_conv_read(job, at, group, room, &p.run);
  for (p.t0 = 0; p.t0 == 0 || p.t0 < c->terms; p.t0 += c->chunk) {
    p.t1 = min64(p.t0 + c->chunk, c->terms);
    for (int64_t oy = at->y0; oy < at->y1; oy++)
      for (int64_t r = 0; r < job->w->div[0]; r++) compute_row(&p, oy, r);
  }
}

static void run_epilogue(const conv *c, const ag_conv_piece *at, int worker) {
  const ag_window *w = c->job.w;
  const int64_t channels = c->job.k->conv.out,
                whole = at->x1 - at->x0 == w->out[0] ? at->y1 - at->y0 : 1, /* rows at once */
      n = channels * (at->x1 - at->x0) * whole;
  char *mem = ag_host_scratch(worker, ag_host_program_scratch(c->hp));
  ag_host_program_begin(c->hp, mem, n);
  for (int64_t y = at->y0; y < at->y1; y += whole)
    ag_host_program_run(c->hp, c->slot, mem,
                        ((at->sample * w->out[1] + y) * w->out[0] + at->x0) * channels, n);
}

static void pieces_task(void *ctx, int task, int worker) {
  conv *c = ctx;
  char *room = ag_threads_scratch(AG_SCRATCH_PANEL, ag_host_conv_room(&c->job));
  if (!room) {
    __atomic_store_n(&c->no_memory, 1, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t i = task * c->bundle; i < (task + 1) * c->bundle && i < c->pieces; i++) {
    const ag_conv_piece at = ag_host_conv_piece(&c->job, i);
    for (int64_t g = c->p0 / c->panels; g <= (c->p1 - 1) / c->panels; g++)
      compute_group(c, &at, g, room);
    if (c->hp && c->p1 == c->job.groups * c->panels) run_epilogue(c, &at, worker);
  }
}

/* -- all ----------------------------------------------------------------------------------- */
static void choose(conv *c) {
  const ag_host_conv_job *job = &c->job;
  c->panel = job->depth ? job->k->conv.out : ag_host_conv_panel(job->out, job->k->conv.type);
  c->panels = job->depth ? 1 : ceil_div(job->out, c->panel);
  c->terms = job->w->k[1] * job->taps * terms_of_place(job);
  c->chunk = max64(CHUNK_BYTES / (c->panels * c->panel * job->size), 64);
}

static void cut(conv *c) {
  const double work = ag_host_conv_work(&c->job);
  const int64_t threads = ag_threads();
  int64_t tasks = threads > 1 ? min64((int64_t)(work / TASK_WORK), 4 * threads) : 1;
  ag_host_conv_cut(&c->job, tasks);
  c->pieces = c->job.k->conv.samples * c->job.tiles_y * c->job.tiles_x;
  const double most = work / TASK_WORK < 1 ? 1 : work / TASK_WORK;
  tasks = most < (double)c->pieces ? (int64_t)most : c->pieces;
  c->bundle = ceil_div(c->pieces, max64(min64(tasks, 64 * threads), 1));
}

static ag_status compute(conv *c) {
  const int64_t all = c->job.groups * c->panels,
                bytes = max64(c->panel * c->terms * c->job.size, 1),
                most = min64(max64(PACKED_BYTES / bytes, 1), all);
  c->packed = ag_threads_scratch(AG_SCRATCH_PACK, (size_t)(most * bytes));
  if (!c->packed) return ag_fail(AG_E_MEMORY, "convolution: no memory to pack the weight");
  for (c->p0 = 0; c->p0 < all; c->p0 = c->p1) {
    c->p1 = min64(c->p0 + most, all);
    ag_parallel((int)(c->p1 - c->p0), pack_task, c);
    ag_parallel((int)ceil_div(c->pieces, c->bundle), pieces_task, c);
  }
  return c->no_memory ? ag_fail(AG_E_MEMORY, "convolution: out of memory") : AG_OK;
}

ag_status ag_host_conv(const ag_host_program *hp, const ag_binding *slot) {
  const ag_kernel *k = hp->k;
  const ag_operand *out = &k->prog.out[0];
  if (k->conv.of_weight) return ag_host_conv_weight(hp, slot);
  if (ag_host_conv_is_winograd(k)) return ag_host_conv_winograd(hp, slot);
  conv c = {.hp = ag_host_program_is_plain(&k->prog) ? NULL : hp, .slot = slot};
  AG_TRY(ag_host_conv_begin(&c.job, k, slot, 0));
  const ag_binding *w = &slot[k->conv.slot_w], *y = &slot[out->slot];
  c.w = (const char *)w->mem + (w->offset + k->conv.base_w) * c.job.size;
  c.y = (char *)y->mem + (y->offset + out->at.base) * c.job.size;
  choose(&c);
  cut(&c);
  return compute(&c);
}
