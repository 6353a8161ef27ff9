/* Matrix product on the host, in two ways:
 *
 * direct  small or thin products: tiles are computed from B where it lies, and from A where its
 * columns are contiguous (else from one panel of rows at a time, packed into scratch memory).
 * packed  for large ones, a block of A and one of B (at most KS deep) are copied into panels mr
 * rows high and nr columns wide, in parallel; then each task computes a tile of C over the whole
 * depth of the block, KC at a time, while the tile of C and the panels of A stay in the second
 * cache.
 *
 * A small C with a long sum is computed as several partial sums at once, how many depends on the
 * shape alone. Of A' A only the lower half is computed, and copied to the other.
 *
 * After its last addition each tile of C is handed to `done`. */
#include "host_gemm.h"
#include "host_isa.h"
#include "threads.h"
#include <string.h>
#ifndef _WIN32
#include <unistd.h>
#endif

/* Direct: no matrix has more bytes; a tile of C stays in the second cache. */
#define DIRECT_BYTES      2097152
#define DIRECT_TILE_BYTES 524288
/* Rows of A that are packed at once, and how thin a product is: in panels. */
#define DIRECT_PANELS 8
#define THIN          8
/* Packed: the depth of a panel of B that stays in the first cache (KC * nr elements). */
#define KC 256
/* The depth of a packed block; only KC where C is so large that starting tasks costs nothing. */
#define KS      1024
#define LARGE_C 100000
/* Most rows of A and columns of B in a packed block: with the depth, the limit of the memory. */
#define BLOCK        4032
#define TILE_COLUMNS 256
/* Partial sums: at least so long, at most so many, of a C of at most so many elements. */
#define PART_DEPTH 1024
#define PARTS      8
#define PART_C     16384
/* A' A: at least so many columns and rows. */
#define SYMMETRIC 64
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
  int swapped;   /* C was one row and is computed as one column: `done` hears of rows */
  int symmetric; /* above the diagonal nothing needs to be computed */
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

/* `m` rows of x become panels `width` wide, one behind the other; where its columns are contiguous,
 * a few columns at a time, so that memory is read in long runs. */
static void pack_panels(const gemm *g, int64_t m, int64_t k, const char *x, int64_t rs, int64_t cs,
                        char *to, int width) {
  int64_t some = rs == 1 ? 8 : k;
  for (int64_t l = 0; l < k; l += some)
    for (int64_t i = 0; i < m; i += width)
      pack(g, min64(width, m - i), min64(some, k - l), x + (i * rs + l * cs) * g->size, rs, cs,
           to + (i * k + l * width) * g->size, width);
}

static char *c_at(const gemm *g, int64_t i, int64_t j) { return g->c + (i + j * g->ldc) * g->size; }

/* What the terms from `l` on do to C. */
static ag_into step_into(const gemm *g, int64_t l) {
  return l > 0 && g->into == AG_INTO_SET ? AG_INTO_ADD : g->into;
}

static void finish(const gemm *g, int64_t i, int64_t m, int64_t j, int64_t n, int worker) {
  if (!g->done || g->symmetric) return; /* half of it is still to come */
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

/* Tiles of whole panels may differ much where there are few of them: then of whole vectors. */
static void even_out(gemm *g) {
  int64_t lanes = g->f64 ? g->isa->lanes_f64 : g->isa->lanes_f32;
  int64_t rows = ceil_div(ceil_div(g->m, g->tiles_m), lanes) * lanes;
  if (8 * g->tile_m > 9 * rows) g->tile_m = rows;
}

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

/* Rows i, ..., i + m - 1 of A by columns j0, ... of B, terms l, ..., l + k - 1; A in `panels`. */
static void direct_rows(const gemm *g, int64_t i, int64_t m, int64_t j0, int64_t n, int64_t l,
                        int64_t k, char *panels) {
  const char *a = g->a + (i * g->rs_a + l * g->cs_a) * g->size;
  const char *b = g->b + (l * g->rs_b + j0 * g->cs_b) * g->size;
  if (g->symmetric && i + m <= j0) return;
  if (panels) pack_panels(g, m, k, a, g->rs_a, g->cs_a, panels, g->mr);
  for (int64_t p = 0; p < m; p += g->mr) {
    int64_t columns = g->symmetric ? min64(n, i + p + g->mr - j0) : n;
    if (columns <= 0) continue;
    micro(g, min64(g->mr, m - p), columns, k, panels ? panels + p * k * g->size : a + p * g->size,
          panels ? g->mr : g->cs_a, b, g->rs_b, g->cs_b, c_at(g, i + p, j0), step_into(g, l));
  }
}

static void direct_tile(gemm *g, int64_t i0, int64_t m, int64_t j0, int64_t n, int worker) {
  int in_place = g->rs_a == 1 && (n <= g->nr || g->m * g->k * g->size <= DIRECT_BYTES);
  int64_t most = DIRECT_PANELS * g->mr, depth = min64(g->k, KC);
  char *panels =
      in_place ? NULL : ag_threads_scratch(AG_SCRATCH_PANEL, (size_t)(most * depth * g->size));
  if (!in_place && !panels) {
    __atomic_store_n(&g->no_memory, 1, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t l = 0; l < g->k; l += KC)
    for (int64_t i = i0; i < i0 + m; i += most)
      direct_rows(g, i, min64(most, i0 + m - i), j0, n, l, min64(KC, g->k - l), panels);
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
  even_out(g);
  ag_parallel((int)(g->tiles_m * g->tiles_n), wants_dots(g) ? dots_task : direct_task, g);
}

/* ---- packed ---- */

/* Panels that one task packs. */
#define PANELS_A 4
#define PANELS_B 4

/* A packed block of `width` (padded to whole panels) rows or columns is stored KC deep slab after
 * slab, in each panel after panel, so that a tile reads it from end to end: where panel `i` of slab
 * `l` starts. */
static int64_t slab_at(const gemm *g, int64_t width, int64_t i, int64_t l) {
  return (l * width + i * min64(KC, g->bk - l)) * g->size;
}

static int64_t padded(int64_t n, int64_t panel) { return ceil_div(n, panel) * panel; }

/* Rows i, ..., i + m - 1 of a block with `rows` rows that begins at x. */
static void pack_block(const gemm *g, int64_t i, int64_t m, int64_t rows, const char *x, int64_t rs,
                       int64_t cs, char *to, int width) {
  for (int64_t l = 0; l < g->bk; l += KC)
    pack_panels(g, m, min64(KC, g->bk - l), x + (i * rs + l * cs) * g->size, rs, cs,
                to + slab_at(g, padded(rows, width), i, l), width);
}

static void pack_task(void *ctx, int task, int worker) {
  gemm *g = ctx;
  int64_t rows = PANELS_A * g->mr, columns = PANELS_B * g->nr, tasks_a = ceil_div(g->bm, rows);
  (void)worker;
  if (task < tasks_a) {
    const char *a = g->a + (g->i0 * g->rs_a + g->l0 * g->cs_a) * g->size;
    int64_t i = task * rows;
    pack_block(g, i, min64(rows, g->bm - i), g->bm, a, g->rs_a, g->cs_a, g->pa, g->mr);
  } else {
    const char *b = g->b + (g->j0 * g->cs_b + g->l0 * g->rs_b) * g->size;
    int64_t j = (task - tasks_a) * columns;
    pack_block(g, j, min64(columns, g->bn - j), g->bn, b, g->cs_b, g->rs_b, g->pb, g->nr);
  }
}

/* The first row of panels from i0 on that column j of the block needs. */
static int64_t first_row(const gemm *g, int64_t i0, int64_t j) {
  int64_t above = g->j0 + j - g->i0 - i0;
  return g->symmetric && above > 0 ? i0 + above / g->mr * g->mr : i0;
}

static void packed_task(void *ctx, int task, int worker) {
  gemm *g = ctx;
  int64_t i0 = task / g->tiles_n * g->tile_m, j0 = task % g->tiles_n * g->tile_n;
  int64_t m = min64(g->tile_m, g->bm - i0), n = min64(g->tile_n, g->bn - j0);
  for (int64_t l = 0; l < g->bk; l += KC) {
    int64_t k = min64(KC, g->bk - l);
    for (int64_t j = j0; j < j0 + n; j += g->nr) {
      const char *b = g->pb + slab_at(g, padded(g->bn, g->nr), j, l);
      for (int64_t i = first_row(g, i0, j); i < i0 + m; i += g->mr)
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
      if (g->symmetric && g->i0 + g->bm <= g->j0) continue;
      choose_tiles(g, g->bm, g->bn, tile_bytes() / (KC * g->size) / g->mr * g->mr, TILE_COLUMNS);
      for (g->l0 = 0; g->l0 < g->k; g->l0 += ks) {
        g->bk = min64(ks, g->k - g->l0);
        int64_t packs = ceil_div(g->bm, PANELS_A * g->mr) + ceil_div(g->bn, PANELS_B * g->nr);
        ag_parallel((int)packs, pack_task, g);
        ag_parallel((int)(g->tiles_m * g->tiles_n), packed_task, g);
      }
    }
}

/* ---- partial sums ---- */

static int64_t parts_of(const gemm *g) {
  int worth = g->m * g->n <= PART_C && (double)(g->m * g->n) * (double)g->k >= 2 * PARALLEL_WORK;
  return worth ? min64(g->k / PART_DEPTH, PARTS) : 1;
}

static void part_task(void *ctx, int task, int worker) {
  gemm *g = ctx, part = *g;
  int64_t depth = ceil_div(g->k, parts_of(g)), l = task * depth;
  part.a += l * g->cs_a * g->size;
  part.b += l * g->rs_b * g->size;
  part.k = min64(depth, g->k - l);
  part.c = g->pa + task * g->m * g->n * g->size, part.ldc = g->m;
  part.into = AG_INTO_SET, part.done = NULL;
  part.tiles_m = part.tiles_n = 1, part.tile_m = g->m, part.tile_n = g->n;
  if (wants_dots(g)) dots_task(&part, 0, worker);
  else direct_task(&part, 0, worker);
  if (part.no_memory) __atomic_store_n(&g->no_memory, 1, __ATOMIC_RELAXED);
}

/* Parts, each n elements, are added up; the sum is put into c. */
#define ADD_UP(real)                                                                               \
  static void add_up_##real(real *c, const real *part, int64_t parts, int64_t stride, int64_t n,   \
                            ag_into into) {                                                        \
    for (int64_t i = 0; i < n; i++) {                                                              \
      real sum = part[i];                                                                          \
      for (int64_t p = 1; p < parts; p++) sum += part[p * stride + i];                             \
      c[i] = into == AG_INTO_SET ? sum : into == AG_INTO_ADD ? c[i] + sum : c[i] - sum;            \
    }                                                                                              \
  }
ADD_UP(float)
ADD_UP(double)

static void in_parts(gemm *g) {
  int64_t parts = parts_of(g), count = g->m * g->n;
  g->pa = ag_threads_scratch(AG_SCRATCH_PACK, (size_t)(parts * count * g->size));
  g->no_memory = !g->pa;
  if (!g->pa) return;
  ag_parallel((int)parts, part_task, g);
  for (int64_t j = 0; j < g->n; j++) {
    int64_t i = g->symmetric ? j : 0, at = i + j * g->m;
    if (g->f64)
      add_up_double((double *)c_at(g, i, j), (const double *)g->pa + at, parts, count, g->m - i,
                    g->into);
    else
      add_up_float((float *)c_at(g, i, j), (const float *)g->pa + at, parts, count, g->m - i,
                   g->into);
  }
  finish(g, 0, g->m, 0, g->n, ag_threads_self());
}

/* ---- A' A ---- */

#define MIRROR_BLOCK 32

static int is_symmetric(const gemm *g) {
  return g->a == g->b && g->m == g->n && g->rs_a == g->cs_b && g->cs_a == g->rs_b &&
         g->into == AG_INTO_SET && g->n >= SYMMETRIC && g->k >= SYMMETRIC;
}

/* The upper half of some columns from the lower one. */
static void mirror_task(void *ctx, int task, int worker) {
  const gemm *g = ctx;
  int64_t j0 = (int64_t)task * MIRROR_BLOCK, n = min64(MIRROR_BLOCK, g->n - j0);
  (void)worker;
  for (int64_t i = 0; i < j0; i += MIRROR_BLOCK)
    pack(g, MIRROR_BLOCK, n, c_at(g, j0, i), g->ldc, 1, c_at(g, i, j0), (int)g->ldc);
  for (int64_t j = j0; j < j0 + n; j++)
    for (int64_t i = j0; i < j; i++) memcpy(c_at(g, i, j), c_at(g, j, i), (size_t)g->size);
}

static void finish_task(void *ctx, int task, int worker) {
  const gemm *g = ctx;
  int64_t j = (int64_t)task * MIRROR_BLOCK;
  finish(g, 0, g->m, j, min64(MIRROR_BLOCK, g->n - j), worker);
}

static void mirror(gemm *g) {
  int tasks = (int)ceil_div(g->n, MIRROR_BLOCK);
  g->symmetric = 0;
  ag_parallel(tasks, mirror_task, g);
  if (g->done) ag_parallel(tasks, finish_task, g);
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
  int thin = g->m <= 2 * g->mr || g->n <= THIN * g->nr;
  int64_t most = DIRECT_BYTES / g->size;
  int small = g->m * g->k <= most && g->n * g->k <= most && g->m * g->n <= most;
  g->symmetric = is_symmetric(g);
  if (parts_of(g) > 1) in_parts(g);
  else if (thin || small) direct(g);
  else packed(g);
  if (g->symmetric && !g->no_memory) mirror(g);
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
