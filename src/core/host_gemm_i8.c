/* Product of int8 matrices on the host. Both operands are packed as a whole, in parallel; then each
 * task computes a tile of C, KC words of the sum at a time.
 *
 * With VNNI, A enters as bytes a + 128: sum of (a + 128) b = sum of a b + 128 * (sum of b), so that
 * a tile starts from -128 times the sums of B's columns. All sums are modulo 2^32, and the last
 * ones fit. */
#include "host_gemm.h"
#include "host_isa.h"
#include "threads.h"

#define KC            256    /* words: the depth of a panel of B that stays in the first cache */
#define TILE_BYTES    524288 /* of packed A behind a tile */
#define TILE_COLUMNS  256
#define PARALLEL_WORK 1e6 /* multiply-adds */

typedef struct {
  const ag_gemm_i8 *p;
  const ag_isa_i8 *isa;
  int64_t words;              /* of a row of A */
  int64_t panels_a, panels_b; /* of mr rows and nr columns */
  int64_t tile_a, tile_b;     /* panels of a task's tile */
  int64_t tiles_a, tiles_b;
  int8_t *a, *b;  /* packed */
  int32_t *start; /* of each column of B */
} gemm;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static int8_t *panel_a(const gemm *g, int64_t i) { return g->a + i * g->isa->mr * g->words * 4; }
static int8_t *panel_b(const gemm *g, int64_t j) { return g->b + j * g->isa->nr * g->words * 4; }

static void pack_task(void *ctx, int task, int worker) {
  const gemm *g = ctx;
  const ag_gemm_i8 *p = g->p;
  const ag_isa_i8 *isa = g->isa;
  (void)worker;
  if (task < g->panels_a) {
    int64_t i = (int64_t)task * isa->mr;
    isa->pack((int)min64(isa->mr, p->m - i), p->k, p->a + i * p->rs_a, p->rs_a, p->cs_a,
              panel_a(g, task), isa->mr, 1);
    return;
  }
  int64_t panel = task - g->panels_a, j = panel * isa->nr;
  int n = (int)min64(isa->nr, p->n - j);
  const int8_t *b = p->b + j * p->cs_b;
  int32_t *start = g->start + j;
  isa->pack(n, p->k, b, p->cs_b, p->rs_b, panel_b(g, panel), isa->nr, 0);
  for (int q = 0; q < isa->nr; q++) start[q] = 0;
  if (!isa->offset) return;
  isa->sums(p->k, n, b, p->rs_b, p->cs_b, start);
  for (int q = 0; q < n; q++) start[q] = (int32_t)(0u - (uint32_t)isa->offset * (uint32_t)start[q]);
}

static void tile_task(void *ctx, int task, int worker) {
  const gemm *g = ctx;
  const ag_gemm_i8 *p = g->p;
  int mr = g->isa->mr, nr = g->isa->nr;
  int64_t i0 = task / g->tiles_b * g->tile_a, j0 = task % g->tiles_b * g->tile_b;
  int64_t i1 = min64(i0 + g->tile_a, g->panels_a), j1 = min64(j0 + g->tile_b, g->panels_b);
  (void)worker;
  for (int64_t l = 0; l < g->words; l += KC)
    for (int64_t j = j0; j < j1; j++)
      for (int64_t i = i0; i < i1; i++)
        g->isa->micro((int)min64(mr, p->m - i * mr), (int)min64(nr, p->n - j * nr),
                      min64(KC, g->words - l), panel_a(g, i) + l * mr * 4,
                      panel_b(g, j) + l * nr * 4, g->start + j * nr,
                      p->c + i * mr + j * nr * p->ldc, p->ldc, l > 0);
}

/* Smaller tiles where threads would idle. */
static void choose_tiles(gemm *g) {
  int64_t threads = ag_threads(), want = 1;
  double work = (double)g->p->m * (double)g->p->n * (double)g->p->k;
  if (threads > 1 && work >= 2 * PARALLEL_WORK)
    want = min64((int64_t)(work / PARALLEL_WORK), 3 * threads);
  g->tile_a = min64(g->panels_a, TILE_BYTES / (KC * 4 * g->isa->mr));
  g->tile_b = min64(g->panels_b, TILE_COLUMNS / g->isa->nr);
  for (;;) {
    g->tiles_a = ceil_div(g->panels_a, g->tile_a), g->tiles_b = ceil_div(g->panels_b, g->tile_b);
    if (g->tiles_a * g->tiles_b >= want) return;
    if (g->tile_b > 1 && g->tile_b * g->isa->nr >= g->tile_a * g->isa->mr)
      g->tile_b = ceil_div(g->tile_b, 2);
    else if (g->tile_a > 1) g->tile_a = ceil_div(g->tile_a, 2);
    else if (g->tile_b > 1) g->tile_b = ceil_div(g->tile_b, 2);
    else return;
  }
}

static ag_status clear(const ag_gemm_i8 *p) {
  for (int64_t j = 0; j < p->n; j++)
    for (int64_t i = 0; i < p->m; i++) p->c[i + j * p->ldc] = 0;
  return AG_OK;
}

ag_status ag_host_gemm_i8(const ag_gemm_i8 *p) {
  gemm g = {.p = p, .isa = ag_isa_i8_get()};
  const ag_isa_i8 *isa = g.isa;
  if (p->k > AG_GEMM_I8_DEPTH)
    return ag_fail(AG_E_ARGUMENT, "int8 matmul: sums of %lld products may not fit into int32",
                   (long long)p->k);
  if (p->m <= 0 || p->n <= 0) return AG_OK;
  if (p->k <= 0) return clear(p);
  g.words = ceil_div(p->k, isa->group);
  g.panels_a = ceil_div(p->m, isa->mr), g.panels_b = ceil_div(p->n, isa->nr);
  int64_t bytes_a = g.panels_a * isa->mr * g.words * 4,
          bytes_b = g.panels_b * isa->nr * g.words * 4;
  size_t bytes = (size_t)(bytes_a + bytes_b + g.panels_b * isa->nr * 4);
  g.a = ag_threads_scratch(AG_SCRATCH_PACK, bytes);
  if (!g.a)
    return ag_fail(AG_E_MEMORY, "int8 matmul: no memory to pack %lld x %lld times %lld x %lld",
                   (long long)p->m, (long long)p->k, (long long)p->k, (long long)p->n);
  g.b = g.a + bytes_a;
  g.start = (int32_t *)(void *)(g.b + bytes_b);
  choose_tiles(&g);
  ag_parallel((int)(g.panels_a + g.panels_b), pack_task, &g);
  ag_parallel((int)(g.tiles_a * g.tiles_b), tile_task, &g);
  return AG_OK;
}
