/* The gradient by a weight of 3 x 3 by Winograd's method, the transpose of host_winograd.c: the
 * images' tiles are transformed as there, B' d B, those of the result's gradient by A y A'; their
 * products, summed over all tiles, are 36 matrices, channels out x channels in; and G' m G gives
 * the weight. The sum is computed as several partial sums at once, how many depends on the shape
 * alone. */
#include "host_conv.h"
#include "host_winograd.h"
#include "threads.h"
#include <string.h>

enum { PLACES = AG_WINOGRAD_PLACES };
/* Partial sums: how many, and bytes of all of them. */
#define PARTS_LEAST 4
#define PARTS_MOST  8
#define PART_BYTES  6291456
/* Tiles of a part at least. */
#define PART_TILES 64

typedef struct {
  ag_winograd tiles;
  const float *dy;
  float *dw, *part; /* parts x 36 x channels out x channels in */
  int64_t parts, count;
  int no_memory;
} conv;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

/* -- partial sums -------------------------------------------------------------------------- */
static void take_gradient(const conv *c, ag_winograd_tile t, float *u) {
  const ag_winograd *g = &c->tiles;
  const ag_window *w = g->w;
  const float *pixel[16];
  for (int64_t i = 0; i < 4; i++)
    for (int64_t j = 0; j < 4; j++) {
      const int64_t y = t.oy + i, x = t.ox + j;
      const int outside = y >= w->out[1] || x >= w->out[0];
      pixel[4 * i + j] =
          outside ? g->none : c->dy + ((t.sample * w->out[1] + y) * w->out[0] + x) * g->out;
    }
  g->isa->winograd_back(g->out, pixel, u, g->most * g->out);
}

/* Adds the products of n tiles to the part. */
static void multiply(const ag_winograd *t, int64_t n, const float *v, const float *u, float *part) {
  const ag_conv_run run = {.n = n};
  const ag_conv_sum sum = {
      .runs = 1, .run = &run, .lda = t->out, .rs_b = t->in, .cs_b = 1, .ldc = t->out, .add = 1};
  for (int64_t i = 0; i < PLACES; i++)
    for (int64_t o = 0; o < t->out; o += t->panel)
      t->isa->conv_f32(min64(t->panel, t->out - o), t->in, &sum, u + i * t->most * t->out + o,
                       v + i * t->most * t->in, part + i * t->out * t->in + o);
}

static void part_task(void *ctx, int task, int worker) {
  conv *c = ctx;
  const ag_winograd *t = &c->tiles;
  const int64_t tiles = t->rows * t->wide, end = (task + 1) * tiles / c->parts;
  float *part = c->part + task * c->count,
        *v = ag_threads_scratch(AG_SCRATCH_PANEL,
                                (size_t)(PLACES * t->most * (t->in + t->out)) * sizeof *v);
  (void)worker;
  if (!v) {
    __atomic_store_n(&c->no_memory, 1, __ATOMIC_RELAXED);
    return;
  }
  float *u = v + PLACES * t->most * t->in;
  memset(part, 0, (size_t)c->count * sizeof *part);
  for (int64_t first = task * tiles / c->parts; first < end; first += t->most) {
    const int64_t n = min64(t->most, end - first);
    for (int64_t i = 0; i < n; i++) {
      const ag_winograd_tile tile = ag_host_winograd_tile(t, 0, first + i);
      ag_host_winograd_take(t, tile, v + i * t->in);
      take_gradient(c, tile, u + i * t->out);
    }
    multiply(t, n, v, u, part);
  }
}

/* -- the weight ---------------------------------------------------------------------------- */
/* G' m for the six numbers m. */
static void gather(const float *m, int step, float *g, int to) {
  const float close = m[step] + m[2 * step], over = m[2 * step] - m[step],
              far = m[3 * step] + m[4 * step], past = m[3 * step] - m[4 * step];
  g[0] = m[0] / 4 - close / 6 + far / 24;
  g[to] = over / 6 + past / 12;
  g[2 * to] = (far - close) / 6 + m[5 * step];
}

/* Of one channel in, all channels out. */
static void weight_task(void *ctx, int task, int worker) {
  const conv *c = ctx;
  const ag_winograd *t = &c->tiles;
  const int64_t matrix = t->in * t->out;
  (void)worker;
  for (int64_t o = 0; o < t->out; o++) {
    float m[PLACES], half[18], g[9];
    for (int64_t i = 0; i < PLACES; i++) {
      const float *from = c->part + i * matrix + task * t->out + o;
      m[i] = from[0];
      for (int64_t p = 1; p < c->parts; p++) m[i] += from[p * c->count];
    }
    for (int i = 0; i < 6; i++) gather(m + 6 * i, 1, half + 3 * i, 1);
    for (int i = 0; i < 3; i++) gather(half + i, 3, g + i, 3);
    for (int y = 0; y < 3; y++)
      for (int x = 0; x < 3; x++) {
        const int kx = t->w->dil[0] < 0 ? 2 - x : x, ky = t->w->dil[1] < 0 ? 2 - y : y;
        c->dw[(3 * ky + kx) * matrix + task * t->out + o] = g[3 * y + x];
      }
  }
}

/* -- all ----------------------------------------------------------------------------------- */
static int64_t parts_of(const ag_kernel *k) {
  return PART_BYTES / max64(PLACES * k->conv.in * k->conv.out * 4, 1);
}

int ag_host_conv_weight_is_winograd(const ag_kernel *k) {
  return ag_host_winograd_pays(k, (ag_winograd_cost){1.3, 950, 800}) && parts_of(k) >= PARTS_LEAST;
}

ag_status ag_host_conv_weight_winograd(const ag_host_program *hp, const ag_binding *slot) {
  const ag_kernel *k = hp->k;
  const ag_binding *y = &slot[k->conv.slot_y], *w = &slot[k->prog.out[0].slot];
  conv c = {.no_memory = 0};
  ag_winograd *t = &c.tiles;
  ag_host_winograd_begin(t, k, slot);
  c.dy = (const float *)y->mem + y->offset + k->conv.base_y;
  c.dw = (float *)w->mem + w->offset + k->prog.out[0].at.base;
  c.count = PLACES * t->in * t->out;
  c.parts = min64(min64(parts_of(k), PARTS_MOST), max64(t->rows * t->wide / PART_TILES, 1));
  const int64_t size = c.parts * c.count, none = max64(t->in, t->out);
  c.part = ag_threads_scratch(AG_SCRATCH_PACK, (size_t)(size + none) * sizeof *c.part);
  if (!c.part) return ag_fail(AG_E_MEMORY, "convolution: out of memory");
  memset(c.part + size, 0, (size_t)none * sizeof *c.part);
  t->none = c.part + size;
  ag_parallel((int)c.parts, part_task, &c);
  ag_parallel((int)t->in, weight_task, &c);
  return c.no_memory ? ag_fail(AG_E_MEMORY, "convolution: out of memory") : AG_OK;
}
