/* Matrix product on the host, in two ways:
 *
 * direct  small or thin products: tiles are computed from B where it lies, and from A where its
 * columns are contiguous (else from one panel of rows at a time, packed into scratch memory).
 * packed  for large ones, a block of A and one of B (at most KS deep) are copied into panels mr
 * rows high and nr columns wide, in parallel; then each task computes a tile of C over the whole
 * depth of the block, KC at a time, while the tile of C and the panels of A stay in the second
 * cache.
 *
 * After its last addition each tile of C is handed to `done`. */
#include "host_gemm.h"
#include "host_isa.h"
#include "threads.h"
#include <string.h>
#ifndef _WIN32
#include <unistd.h>
#endif

/* Direct: neither operand has more bytes; a tile of C stays in the second cache. */
#define DIRECT_BYTES      2097152
#define DIRECT_TILE_BYTES 524288
/* Packed: the depth of a panel of B that stays in the first cache (KC * nr elements). */
#define KC 256
/* The depth of a packed block; only KC where C is so large that starting tasks costs nothing. */
#define KS      1024
#define LARGE_C 100000
/* Most rows of A and columns of B in a packed block: with the depth, the limit of the memory. */
#define BLOCK        4032
#define TILE_COLUMNS 256
/* Multiply-adds that a task must have to be worth a thread. */
#define PARALLEL_WORK 3e5

typedef struct {
  int64_t m, n, k;
  const char *a, *b;
  char *c;
  int64_t ldc;
  ag_into into;
  int64_t rs_a, cs_a, rs_b, cs_b; /* in elements */
  ag_tile_fn done;
  void *ctx;
  int swapped; /* C was one row and is computed as one column: `done` hears of rows */
  const ag_isa *isa;
  int f64, mr, nr;
  int64_t size;                             /* bytes of an element */
  int64_t tile_m, tile_n, tiles_m, tiles_n; /* tasks: a grid of tiles */
  /* the block that is packed now: rows i0.., columns j0.., depth l0.. */
  int64_t i0, bm, j0, bn, l0, bk;
  char *pa, *pb;
  int no_memory;
} gemm;

/* Bytes of packed A behind one tile: a good half of the second cache. */
static int64_t tile_bytes(void) {
  static int64_t bytes;
  int64_t known = __atomic_load_n(&bytes, __ATOMIC_RELAXED), cache = 0;
  if (known) return known;
#ifdef _SC_LEVEL2_CACHE_SIZE
  cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
  if (cache < 262144 || cache > 2097152)
    cache = 1048576; /* not known, or shared by several cores */
  __atomic_store_n(&bytes, cache / 7 * 4, __ATOMIC_RELAXED);
  return cache / 7 * 4;
}

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static void micro(const gemm *g, int64_t m, int64_t n, int64_t k, const char *a, int64_t lda,
                  const char *b, int64_t rs_b, int64_t cs_b, char *c, ag_into into) {
  if (g->f64)
    g->isa->micro_f64((int)m, n, k, (const double *)a, lda, (const double *)b, rs_b, cs_b,
                      (double *)c, g->ldc, into);
  else
    g->isa->micro_f32((int)m, n, k, (const float *)a, lda, (const float *)b, rs_b, cs_b, (float *)c,
                      g->ldc, into);
}

static void pack(const gemm *g, int64_t m, int64_t k, const char *x, int64_t rs, int64_t cs,
                 char *y, int width) {
  if (g->f64) g->isa->pack_f64((int)m, k, (const double *)x, rs, cs, (double *)y, width);
  else g->isa->pack_f32((int)m, k, (const float *)x, rs, cs, (float *)y, width);
}

static char *c_at(const gemm *g, int64_t i, int64_t j) { return g->c + (i + j * g->ldc) * g->size; }

/* What the terms from `l` on do to C. */
static ag_into step_into(const gemm *g, int64_t l) {
  return l > 0 && g->into == AG_INTO_SET ? AG_INTO_ADD : g->into;
}

static void finish(const gemm *g, int64_t i, int64_t m, int64_t j, int64_t n, int worker) {
  if (!g->done) return;
  if (g->swapped) g->done(g->ctx, j, n, i, m, worker);
  else g->done(g->ctx, i, m, j, n, worker);
}

/* Tiles of about equal size, whole panels, at most tile_m x tile_n; smaller ones if threads would
 * idle. */
static void choose_tiles(gemm *g, int64_t m, int64_t n, int64_t tile_m, int64_t tile_n) {
  int64_t threads = ag_threads();
  double work = (double)m * (double)n * (double)g->k;
  int64_t want = 1;
  if (threads > 1 && work >= 2 * PARALLEL_WORK)
    want = min64((int64_t)(work / PARALLEL_WORK), 3 * threads);
  g->tiles_m = ceil_div(m, tile_m);
  g->tiles_n = ceil_div(n, tile_n);
  while (g->tiles_m * g->tiles_n < want) { /* cut the longer side that has panels to share */
    int64_t panels_m = ceil_div(m, g->mr * g->tiles_m), panels_n = ceil_div(n, g->nr * g->tiles_n);
    if (panels_n > 1 && (panels_m * g->mr <= 2 * panels_n * g->nr || panels_m == 1)) g->tiles_n++;
    else if (panels_m > 1) g->tiles_m++;
    else break;
  }
  g->tile_m = ceil_div(ceil_div(m, g->tiles_m), g->mr) * g->mr;
  g->tile_n = ceil_div(ceil_div(n, g->tiles_n), g->nr) * g->nr;
  g->tiles_m = ceil_div(m, g->tile_m);
  g->tiles_n = ceil_div(n, g->tile_n);
}

/* ---- direct ---- */

/* One or two columns, along which and along A's rows memory is contiguous: nothing to gain from
 * packing A. */
static int wants_dots(const gemm *g) { return g->n <= 2 && g->cs_a == 1 && g->rs_b == 1; }

static void dots_task(void *ctx, int task, int worker) {
  gemm *g = ctx;
  int64_t i = task / g->tiles_n * g->tile_m, j = task % g->tiles_n * g->tile_n;
  int64_t m = min64(g->tile_m, g->m - i), n = min64(g->tile_n, g->n - j);
  const char *a = g->a + i * g->rs_a * g->size, *b = g->b + j * g->cs_b * g->size;
  if (g->f64)
    g->isa->dots_f64(m, n, g->k, (const double *)a, g->rs_a, (const double *)b, g->cs_b,
                     (double *)c_at(g, i, j), g->ldc, g->into);
  else
    g->isa->dots_f32(m, n, g->k, (const float *)a, g->rs_a, (const float *)b, g->cs_b,
                     (float *)c_at(g, i, j), g->ldc, g->into);
  finish(g, i, m, j, n, worker);
}

static void direct_tile(gemm *g, int64_t i0, int64_t m, int64_t j0, int64_t n, int worker) {
  int in_place = g->rs_a == 1;
  char *panel =
      in_place ? NULL
               : ag_threads_scratch(AG_SCRATCH_PANEL, (size_t)(g->mr * min64(g->k, KC) * g->size));
  if (!in_place && !panel) {
    __atomic_store_n(&g->no_memory, 1, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t l = 0; l < g->k; l += KC) {
    int64_t k = min64(KC, g->k - l);
    const char *b = g->b + (l * g->rs_b + j0 * g->cs_b) * g->size;
    for (int64_t i = i0; i < i0 + m; i += g->mr) {
      int64_t rows = min64(g->mr, i0 + m - i);
      const char *a = g->a + (i * g->rs_a + l * g->cs_a) * g->size;
      if (!in_place) pack(g, rows, k, a, g->rs_a, g->cs_a, panel, g->mr);
      micro(g, rows, n, k, in_place ? a : panel, in_place ? g->cs_a : g->mr, b, g->rs_b, g->cs_b,
            c_at(g, i, j0), step_into(g, l));
    }
  }
  finish(g, i0, m, j0, n, worker);
}

static void direct_task(void *ctx, int task, int worker) {
  gemm *g = ctx;
  int64_t i = task / g->tiles_n * g->tile_m, j = task % g->tiles_n * g->tile_n;
  direct_tile(g, i, min64(g->tile_m, g->m - i), j, min64(g->tile_n, g->n - j), worker);
}

static void direct(gemm *g) {
  int64_t m = g->m, n = g->n;
  while (m * n * g->size > DIRECT_TILE_BYTES)
    if (m > n) m = ceil_div(m, 2);
    else n = ceil_div(n, 2);
  choose_tiles(g, g->m, g->n, m, n);
  ag_parallel((int)(g->tiles_m * g->tiles_n), wants_dots(g) ? dots_task : direct_task, g);
}

/* ---- packed ---- */

#define PANELS_B 4 /* panels of B that one task packs; of A: one */

/* A packed block of `width` (padded to whole panels) rows or columns is stored KC deep slab after
 * slab, in each panel after panel, so that a tile reads it from end to end: where panel `i` of slab
 * `l` starts. */
static int64_t slab_at(const gemm *g, int64_t width, int64_t i, int64_t l) {
  return (l * width + i * min64(KC, g->bk - l)) * g->size;
}

static int64_t padded(int64_t n, int64_t panel) { return ceil_div(n, panel) * panel; }

static void pack_panel(const gemm *g, char *to, int64_t width, int panel, int64_t i, int64_t n,
                       const char *x, int64_t rs, int64_t cs) {
  for (int64_t l = 0; l < g->bk; l += KC)
    pack(g, min64(panel, n - i), min64(KC, g->bk - l), x + (i * rs + l * cs) * g->size, rs, cs,
         to + slab_at(g, width, i, l), panel);
}

static void pack_task(void *ctx, int task, int worker) {
  gemm *g = ctx;
  int64_t panels_a = ceil_div(g->bm, g->mr);
  (void)worker;
  if (task < panels_a) {
    const char *a = g->a + (g->i0 * g->rs_a + g->l0 * g->cs_a) * g->size;
    pack_panel(g, g->pa, padded(g->bm, g->mr), g->mr, task * (int64_t)g->mr, g->bm, a, g->rs_a,
               g->cs_a);
    return;
  }
  const char *b = g->b + (g->j0 * g->cs_b + g->l0 * g->rs_b) * g->size;
  int64_t first = (task - panels_a) * PANELS_B * g->nr,
          last = min64(first + PANELS_B * g->nr, g->bn);
  for (int64_t j = first; j < last; j += g->nr)
    pack_panel(g, g->pb, padded(g->bn, g->nr), g->nr, j, g->bn, b, g->cs_b, g->rs_b);
}

static void packed_task(void *ctx, int task, int worker) {
  gemm *g = ctx;
  int64_t i0 = task / g->tiles_n * g->tile_m, j0 = task % g->tiles_n * g->tile_n;
  int64_t m = min64(g->tile_m, g->bm - i0), n = min64(g->tile_n, g->bn - j0);
  for (int64_t l = 0; l < g->bk; l += KC) {
    int64_t k = min64(KC, g->bk - l);
    for (int64_t j = j0; j < j0 + n; j += g->nr) {
      const char *b = g->pb + slab_at(g, padded(g->bn, g->nr), j, l);
      for (int64_t i = i0; i < i0 + m; i += g->mr)
        micro(g, min64(g->mr, i0 + m - i), min64(g->nr, j0 + n - j), k,
              g->pa + slab_at(g, padded(g->bm, g->mr), i, l), g->mr, b, g->nr, 1,
              c_at(g, g->i0 + i, g->j0 + j), step_into(g, g->l0 + l));
    }
  }
  if (g->l0 + g->bk == g->k) finish(g, g->i0 + i0, m, g->j0 + j0, n, worker);
}

/* Blocks of about equal size, at most `most`, multiples of `unit`. */
static int64_t block_size(int64_t total, int64_t most, int64_t unit) {
  int64_t blocks = ceil_div(total, most);
  return ceil_div(ceil_div(total, blocks), unit) * unit;
}

static void packed(gemm *g) {
  int64_t ms = block_size(g->m, BLOCK, g->mr), ns = block_size(g->n, BLOCK, g->nr);
  int64_t ks = min64(g->k, g->m * g->n > LARGE_C ? KC : KS);
  /* B starts off the page that A ends on: in other cache sets */
  int64_t bytes_a = padded(ms * ks * g->size, 4096) + 256;
  g->pa = ag_threads_scratch(AG_SCRATCH_PACK, (size_t)(bytes_a + ns * ks * g->size));
  g->no_memory = !g->pa;
  if (!g->pa) return;
  g->pb = g->pa + bytes_a;
  for (g->j0 = 0; g->j0 < g->n; g->j0 += ns)
    for (g->i0 = 0; g->i0 < g->m; g->i0 += ms) {
      g->bn = min64(ns, g->n - g->j0);
      g->bm = min64(ms, g->m - g->i0);
      choose_tiles(g, g->bm, g->bn, tile_bytes() / (KC * g->size) / g->mr * g->mr, TILE_COLUMNS);
      for (g->l0 = 0; g->l0 < g->k; g->l0 += ks) {
        g->bk = min64(ks, g->k - g->l0);
        int64_t packs = ceil_div(g->bm, g->mr) + ceil_div(g->bn, PANELS_B * g->nr);
        ag_parallel((int)packs, pack_task, g);
        ag_parallel((int)(g->tiles_m * g->tiles_n), packed_task, g);
      }
    }
}

/* ---- which ---- */

/* One row of C whose elements are neighbours is computed as one column: C' = B' A'. */
static void swap_operands(gemm *g) {
  gemm t = *g;
  g->m = t.n, g->n = t.m;
  g->a = t.b, g->rs_a = t.cs_b, g->cs_a = t.rs_b;
  g->b = t.a, g->rs_b = t.cs_a, g->cs_b = t.rs_a;
  g->ldc = t.n;
  g->swapped = 1;
}

static void clear(const gemm *g) {
  if (g->into == AG_INTO_SET)
    for (int64_t j = 0; j < g->n; j++) memset(c_at(g, 0, j), 0, (size_t)(g->m * g->size));
  finish(g, 0, g->m, 0, g->n, ag_threads_self());
}

static ag_status compute(gemm *g) {
  if (g->m <= 0 || g->n <= 0) return AG_OK;
  if (g->k <= 0) {
    clear(g);
    return AG_OK;
  }
  if (g->m == 1 && (g->ldc == 1 || g->n == 1)) swap_operands(g);
  int thin = g->m <= 2 * g->mr || g->n <= 2 * g->nr;
  int small = g->m * g->k * g->size <= DIRECT_BYTES && g->n * g->k * g->size <= DIRECT_BYTES;
  if (thin || small) direct(g);
  else packed(g);
  if (!g->no_memory) return AG_OK;
  return ag_fail(AG_E_MEMORY, "matmul: no memory to pack %lld x %lld times %lld x %lld",
                 (long long)g->m, (long long)g->k, (long long)g->k, (long long)g->n);
}

ag_status ag_host_gemm(const ag_gemm *p) {
  const ag_isa *isa = ag_isa_get();
  gemm g = {.m = p->m, .n = p->n, .k = p->k, .ldc = p->ldc, .into = p->into, .isa = isa};
  g.a = p->a, g.rs_a = p->rs_a, g.cs_a = p->cs_a;
  g.b = p->b, g.rs_b = p->rs_b, g.cs_b = p->cs_b;
  g.c = p->c, g.done = p->done, g.ctx = p->ctx;
  g.f64 = p->type == AG_F64;
  g.size = g.f64 ? 8 : 4;
  g.mr = g.f64 ? isa->mr_f64 : isa->mr_f32;
  g.nr = g.f64 ? isa->nr_f64 : isa->nr_f32;
  return compute(&g);
}
