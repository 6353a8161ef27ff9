/* Convolutions with a window of 3 x 3 on the host, in float32: by 36 multiplications for 4 x 4
 * outputs instead of 144 (Winograd; Lavin and Gray 2016). The 6 x 6 pixels that such a tile of
 * outputs looks at are transformed, B' d B; so is the weight, G g G'; their products over the
 * channels are 36 matrix products of many tiles at once; and A' m A gives the outputs. The result
 * is rounded about ten times as coarsely as that of a plain sum.
 *
 * A task has some rows of tiles, takes a few tiles at a time through the three steps, and then runs
 * the epilogue over the outputs of these rows. */
#include "host_conv.h"
#include "host_winograd.h"
#include "threads.h"

enum { PLACES = AG_WINOGRAD_PLACES };
/* Bytes of the tiles that are computed at once. */
#define TILES_BYTES 655360
#define MOST_TILES  32
#define PAYS        0.8 /* of the time of a plain sum, at most */
/* Multiply-adds that a task must have to be worth a thread. */
#define TASK_WORK 3e5

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* -- tiles --------------------------------------------------------------------------------- */
int ag_host_winograd_pays(const ag_kernel *k, ag_winograd_cost cost) {
  const ag_window *w = &k->conv.window;
  const double c = (double)k->conv.in, o = (double)k->conv.out;
  for (int a = 0; a < 2; a++)
    if (w->k[a] != 3 || w->mul[a] != 1 || w->div[a] != 1 || (w->dil[a] != 1 && w->dil[a] != -1))
      return 0;
  if (k->conv.type != AG_F32 || k->conv.groups != 1 || c * o * PLACES * 4 > AG_WINOGRAD_BYTES)
    return 0;
  const double tiles = (double)(ceil_div(w->out[0], 4) * ceil_div(w->out[1], 4));
  return tiles * (cost.product * PLACES * c * o + cost.in * c + cost.out * o) <
         PAYS * 9 * c * o * (double)(w->out[0] * w->out[1]);
}

void ag_host_winograd_begin(ag_winograd *c, const ag_kernel *k, const ag_binding *slot) {
  const ag_binding *x = &slot[k->conv.slot_x];
  const ag_window *w = &k->conv.window;
  *c = (ag_winograd){.k = k, .w = w, .isa = ag_isa_get(), .in = k->conv.in, .out = k->conv.out};
  c->x = (const float *)x->mem + x->offset + k->conv.base_x;
  c->panel = ag_host_conv_panel(c->out, AG_F32);
  c->wide = ceil_div(w->out[0], 4), c->rows = ceil_div(w->out[1], 4) * k->conv.samples;
  c->most = TILES_BYTES / (PLACES * (c->in + c->out) * 4) / 8 * 8;
  c->most = min64(max64(c->most, 8), MOST_TILES);
}

ag_winograd_tile ag_host_winograd_tile(const ag_winograd *c, int64_t row, int64_t number) {
  const int64_t high = ceil_div(c->w->out[1], 4);
  row += number / c->wide;
  return (ag_winograd_tile){
      .sample = row / high, .ox = 4 * (number % c->wide), .oy = 4 * (row % high)};
}

void ag_host_winograd_take(const ag_winograd *c, ag_winograd_tile t, float *v) {
  const ag_window *w = c->w;
  const float *pixel[PLACES];
  int64_t first[2]; /* position */
  first[0] = t.ox - w->off[0] - (w->dil[0] < 0 ? 2 : 0);
  first[1] = t.oy - w->off[1] - (w->dil[1] < 0 ? 2 : 0);
  for (int64_t i = 0; i < 6; i++)
    for (int64_t j = 0; j < 6; j++) {
      const int64_t y = first[1] + i, x = first[0] + j;
      const int outside = y < 0 || y >= w->in[1] || x < 0 || x >= w->in[0];
      pixel[6 * i + j] =
          outside ? c->none : c->x + ((t.sample * w->in[1] + y) * w->in[0] + x) * c->in;
    }
  c->isa->winograd_in(c->in, pixel, v, c->most * c->in);
}

/* -- the weight ---------------------------------------------------------------------------- */
typedef struct {
  ag_winograd tiles;
  const ag_host_program *hp; /* of the epilogue; NULL if there is none */
  const ag_binding *slot;
  const float *w;
  float *y;
  float *weight;  /* transformed: place | panel | channel in | channel out */
  int64_t bundle; /* rows of tiles per task */
  int no_memory;
} conv;

/* G g for the three numbers g. */
static void spread(const float *g, float *u, int step) {
  const float sum = (g[0] + g[2]) / 6, far = g[0] / 24 + g[2] / 6;
  u[0] = g[0] / 4;
  u[step] = -sum - g[1] / 6, u[2 * step] = -sum + g[1] / 6;
  u[3 * step] = far + g[1] / 12, u[4 * step] = far - g[1] / 12;
  u[5 * step] = g[2];
}

/* G g G' for the weight of one channel in and out, of which `from` is the first place. */
static void transform(const ag_kernel *k, const float *from, float *u) {
  const ag_window *w = &k->conv.window;
  float t[18], row[3];
  for (int y = 0; y < 3; y++) {
    const int64_t ky = w->dil[1] < 0 ? 2 - y : y;
    for (int x = 0; x < 3; x++)
      row[x] = from[(w->dil[0] < 0 ? 2 - x : x) * k->conv.w_k[0] + ky * k->conv.w_k[1]];
    spread(row, t + y, 3);
  }
  for (int x = 0; x < 6; x++) spread(t + 3 * x, u + x, 6);
}

/* Of one channel in, all channels out. */
static void weight_task(void *ctx, int task, int worker) {
  const conv *c = ctx;
  const ag_winograd *t = &c->tiles;
  const int64_t place = ceil_div(t->out, t->panel) * t->panel * t->in;
  (void)worker;
  for (int64_t o = 0; o < t->out; o++) {
    float u[PLACES], *to = c->weight + (o / t->panel * t->in + task) * t->panel + o % t->panel;
    transform(t->k, c->w + task * t->k->conv.w_in + o * t->k->conv.w_out, u);
    for (int i = 0; i < PLACES; i++) to[i * place] = u[i];
  }
}

/* -- rows of tiles ------------------------------------------------------------------------- */
static void give(const conv *c, ag_winograd_tile t, const float *m) {
  const ag_window *w = c->tiles.w;
  const int64_t out = c->tiles.out;
  float *pixel[16];
  for (int64_t i = 0; i < 4; i++)
    for (int64_t j = 0; j < 4; j++) {
      const int64_t y = t.oy + i, x = t.ox + j;
      const int outside = y >= w->out[1] || x >= w->out[0];
      pixel[4 * i + j] = outside ? NULL : c->y + ((t.sample * w->out[1] + y) * w->out[0] + x) * out;
    }
  c->tiles.isa->winograd_out(out, m, c->tiles.most * out, pixel);
}

static void multiply(const conv *c, int64_t n, const float *v, float *m) {
  const ag_winograd *t = &c->tiles;
  const ag_conv_run run = {.n = t->in};
  const ag_conv_sum sum = {
      .runs = 1, .run = &run, .lda = t->panel, .rs_b = 1, .cs_b = t->in, .ldc = t->out};
  const float *u = c->weight;
  for (int64_t i = 0; i < PLACES; i++)
    for (int64_t o = 0; o < t->out; o += t->panel, u += t->in * t->panel)
      t->isa->conv_f32(min64(t->panel, t->out - o), n, &sum, u, v + i * t->most * t->in,
                       m + i * t->most * t->out + o);
}

/* The outputs of row `row` of tiles and of those up to `end` are neighbours, but for the end of
 * each image. */
static void run_epilogue(const conv *c, int64_t row, int64_t end, int worker) {
  const ag_window *w = c->tiles.w;
  const int64_t line = w->out[0] * c->tiles.out;
  char *mem = ag_host_scratch(worker, ag_host_program_scratch(c->hp));
  ag_host_program_begin(c->hp, mem, 4 * line);
  for (; row < end; row++) {
    const ag_winograd_tile t = ag_host_winograd_tile(&c->tiles, row, 0);
    ag_host_program_run(c->hp, c->slot, mem, (t.sample * w->out[1] + t.oy) * line,
                        min64(4, w->out[1] - t.oy) * line);
  }
}

static void rows_task(void *ctx, int task, int worker) {
  conv *c = ctx;
  const ag_winograd *t = &c->tiles;
  const int64_t row = task * c->bundle, end = min64(row + c->bundle, t->rows),
                all = (end - row) * t->wide;
  float *v = ag_threads_scratch(AG_SCRATCH_PANEL,
                                (size_t)(PLACES * t->most * (t->in + t->out)) * sizeof *v);
  if (!v) {
    __atomic_store_n(&c->no_memory, 1, __ATOMIC_RELAXED);
    return;
  }
  float *m = v + PLACES * t->most * t->in;
  for (int64_t first = 0; first < all; first += t->most) {
    const int64_t n = min64(t->most, all - first);
    for (int64_t i = 0; i < n; i++)
      ag_host_winograd_take(t, ag_host_winograd_tile(t, row, first + i), v + i * t->in);
    multiply(c, n, v, m);
    for (int64_t i = 0; i < n; i++)
      give(c, ag_host_winograd_tile(t, row, first + i), m + i * t->out);
  }
  if (c->hp) run_epilogue(c, row, end, worker);
}

/* -- all ----------------------------------------------------------------------------------- */
int ag_host_conv_is_winograd(const ag_kernel *k) {
  return ag_host_winograd_pays(k, (ag_winograd_cost){1.1, 950, 530});
}

/* Tasks with tiles for several threads, and as many as are computed at once. */
static int64_t choose_bundle(const ag_winograd *t) {
  const double work = (double)(PLACES * t->in * t->out) * (double)(t->rows * t->wide) / TASK_WORK,
               most = 8.0 * ag_threads();
  const int64_t tasks = (int64_t)(work < most ? work : most);
  return max64(ceil_div(t->rows, max64(tasks, 1)), min64(max64(t->most / t->wide, 1), t->rows));
}

ag_status ag_host_conv_winograd(const ag_host_program *hp, const ag_binding *slot) {
  const ag_kernel *k = hp->k;
  const ag_operand *out = &k->prog.out[0];
  const ag_binding *w = &slot[k->conv.slot_w], *y = &slot[out->slot];
  conv c = {.hp = ag_host_program_is_plain(&k->prog) ? NULL : hp, .slot = slot};
  ag_winograd *t = &c.tiles;
  ag_host_winograd_begin(t, k, slot);
  c.w = (const float *)w->mem + w->offset + k->conv.base_w;
  c.y = (float *)y->mem + y->offset + out->at.base;
  c.bundle = choose_bundle(t);
  const int64_t size = PLACES * ceil_div(t->out, t->panel) * t->panel * t->in;
  c.weight = ag_threads_scratch(AG_SCRATCH_PACK, (size_t)(size + t->in) * sizeof *c.weight);
  if (!c.weight) return ag_fail(AG_E_MEMORY, "convolution: no memory to transform the weight");
  for (int64_t i = 0; i < t->in; i++) c.weight[size + i] = 0;
  t->none = c.weight + size;
  ag_parallel((int)t->in, weight_task, &c);
  ag_parallel((int)ceil_div(t->rows, c.bundle), rows_task, &c);
  return c.no_memory ? ag_fail(AG_E_MEMORY, "convolution: out of memory") : AG_OK;
}
