/* Matrix products on OpenCL devices: classes of shapes, and the candidates for each. */
#include "codegen.h"
#include <stdio.h>

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

const char *ag_mm_class_name(ag_mm_class c) {
  static const char *const name[] = {"large", "medium", "deep", "narrow", "other"};
  return name[c];
}

const char *ag_mm_how_name(ag_mm_how how) {
  static const char *const name[] = {"float64", "float32", "tf32", "bf16"};
  return name[how];
}

/* -- candidates ------------------------------------------------------------------------------ */
/* One row per candidate; the first of a class that fits the device is its default.
 *
 *   how: F64, F32, or TENSOR for tf32 and bf16 (a row of a tile has 64 bytes there)
 *   local memory of TILED: buffers * depth * (tile_m + tile_n + 2 * pad) elements */
#define TENSOR AG_MM_TF32
#define TILED(m, n, d, im, in, v, w, b)                                                            \
  {                                                                                                \
    .kind = AG_MM_TILED, .tile_m = m, .tile_n = n, .depth = d, .item_m = im, .item_n = in,         \
    .vector = v, .wide = w, .pad = v, .buffers = b                                                 \
  }
#define WARPS(m, n, stages, wm, wn)                                                                \
  { .kind = AG_MM_TENSOR, .tile_m = m, .tile_n = n, .depth = stages, .item_m = wm, .item_n = wn }
#define SKINNY(rows, slices)                                                                       \
  { .kind = AG_MM_SKINNY, .tile_m = rows, .depth = slices }
#define PACKED(p, c)                                                                               \
  { .kind = AG_MM_PACKED, .panel = p, .columns = c }

static const struct {
  ag_mm_how how;
  ag_mm_class class;
  ag_mm_variant v;
} gpu_table[] = {
    {AG_MM_F32, AG_MM_LARGE, TILED(128, 128, 8, 8, 8, 4, 1, 2)},
    {AG_MM_F32, AG_MM_LARGE, TILED(128, 128, 16, 8, 8, 4, 1, 1)},
    {AG_MM_F32, AG_MM_LARGE, TILED(128, 128, 16, 8, 8, 4, 1, 2)},
    {AG_MM_F32, AG_MM_LARGE, TILED(64, 64, 16, 4, 4, 4, 1, 2)},
    {AG_MM_F32, AG_MM_LARGE, TILED(128, 128, 8, 8, 8, 4, 4, 2)},
    {AG_MM_F32, AG_MM_LARGE, TILED(256, 128, 8, 16, 8, 4, 1, 2)},
    {AG_MM_F32, AG_MM_LARGE, TILED(64, 64, 16, 8, 8, 4, 1, 2)},
    {AG_MM_F32, AG_MM_LARGE, TILED(128, 64, 16, 8, 4, 4, 1, 2)},
    {AG_MM_F32, AG_MM_MEDIUM, TILED(64, 64, 16, 4, 4, 4, 1, 2)},
    {AG_MM_F32, AG_MM_MEDIUM, TILED(32, 32, 16, 2, 2, 2, 1, 2)},
    {AG_MM_F32, AG_MM_MEDIUM, TILED(64, 32, 16, 4, 4, 4, 1, 2)},
    {AG_MM_F32, AG_MM_MEDIUM, TILED(64, 64, 16, 8, 8, 4, 4, 1)},
    {AG_MM_F32, AG_MM_DEEP, TILED(64, 64, 16, 4, 4, 4, 1, 2)},
    {AG_MM_F32, AG_MM_DEEP, TILED(32, 32, 16, 2, 2, 2, 1, 2)},
    {AG_MM_F32, AG_MM_DEEP, {.kind = AG_MM_GROUPED}},
    {AG_MM_F32, AG_MM_NARROW, SKINNY(64, 4)},
    {AG_MM_F32, AG_MM_NARROW, SKINNY(32, 8)},
    {AG_MM_F32, AG_MM_NARROW, SKINNY(64, 1)},
    {AG_MM_F32, AG_MM_NARROW, {.kind = AG_MM_GROUPED}},
    {AG_MM_F64, AG_MM_LARGE, TILED(64, 64, 16, 4, 4, 2, 1, 2)},
    {AG_MM_F64, AG_MM_LARGE, TILED(128, 64, 8, 8, 4, 2, 1, 2)},
    {AG_MM_F64, AG_MM_LARGE, TILED(64, 64, 8, 4, 4, 2, 2, 1)},
    {AG_MM_F64, AG_MM_LARGE, TILED(32, 32, 16, 4, 4, 2, 1, 1)},
    {AG_MM_F64, AG_MM_MEDIUM, TILED(64, 64, 8, 4, 4, 2, 1, 2)},
    {AG_MM_F64, AG_MM_MEDIUM, TILED(32, 32, 16, 2, 2, 2, 1, 2)},
    {AG_MM_F64, AG_MM_DEEP, TILED(32, 32, 16, 2, 2, 2, 1, 2)},
    {AG_MM_F64, AG_MM_DEEP, {.kind = AG_MM_GROUPED}},
    {AG_MM_F64, AG_MM_NARROW, SKINNY(64, 4)},
    {AG_MM_F64, AG_MM_NARROW, SKINNY(32, 8)},
    {AG_MM_F64, AG_MM_NARROW, {.kind = AG_MM_GROUPED}},
    {TENSOR, AG_MM_LARGE, WARPS(128, 128, 3, 64, 64)},
    {TENSOR, AG_MM_LARGE, WARPS(128, 256, 2, 64, 64)},
    {TENSOR, AG_MM_LARGE, WARPS(128, 128, 3, 64, 32)},
    {TENSOR, AG_MM_LARGE, WARPS(256, 128, 2, 64, 64)},
    {TENSOR, AG_MM_LARGE, WARPS(128, 64, 4, 64, 32)},
    {TENSOR, AG_MM_MEDIUM, WARPS(64, 64, 4, 32, 32)},
    {TENSOR, AG_MM_MEDIUM, WARPS(128, 64, 3, 64, 32)},
};

/* The columns beside the panel's vectors fill the registers: 32 with vectors of 16 floats, else 16.
 */
static const struct {
  int lanes;
  ag_mm_variant v;
} cpu_table[] = {
    {16, PACKED(2, 12)}, {16, PACKED(2, 8)}, {16, PACKED(1, 24)}, {16, PACKED(3, 8)},
    {16, PACKED(4, 6)},  {8, PACKED(2, 6)},  {8, PACKED(1, 12)},  {8, PACKED(3, 4)},
    {8, PACKED(2, 4)},   {4, PACKED(2, 6)},  {4, PACKED(1, 12)},  {4, PACKED(3, 4)},
    {4, PACKED(2, 4)},
};

static int items(const ag_mm_variant *v) {
  const int share = v->item_m * v->item_n;
  switch (v->kind) {
  case AG_MM_TILED: return v->tile_m * v->tile_n / share;
  case AG_MM_TENSOR: return v->tile_m * v->tile_n / share * 32;
  case AG_MM_SKINNY: return v->tile_m * v->depth;
  case AG_MM_GROUPED: return 128;
  default: return 1;
  }
}

static size_t local_bytes(const ag_mm_variant *v, ag_mm_how how) {
  const int size = how == AG_MM_F64 ? 8 : 4;
  const int sides = v->tile_m + v->tile_n;
  switch (v->kind) {
  case AG_MM_TILED: return (size_t)(v->buffers * v->depth * (sides + 2 * v->pad) * size);
  case AG_MM_TENSOR: return (size_t)(v->depth * sides * 64);
  case AG_MM_PACKED: return 0;
  default: return (size_t)(items(v) * size);
  }
}

static int fits(const ag_mm_variant *v, ag_mm_how how, const ag_cg_target *t) {
  return items(v) <= t->group && local_bytes(v, how) <= t->local;
}

static int cpu_candidates(ag_mm_variant *out, ag_mm_class c, const ag_cg_target *t) {
  int n = 0;
  if (c != AG_MM_LARGE) return 0;
  for (size_t i = 0; i < sizeof cpu_table / sizeof *cpu_table; i++)
    if (cpu_table[i].lanes == t->lanes) out[n++] = cpu_table[i].v;
  return n;
}

int ag_mm_candidates(ag_mm_variant out[AG_MM_CANDIDATES], ag_mm_how how, ag_mm_class c,
                     const ag_cg_target *t) {
  int n = 0;
  const ag_mm_how row = how == AG_MM_BF16 ? TENSOR : how;
  if (c >= AG_MM_CLASSES || (how == AG_MM_F64 && !t->has_f64) || (row == TENSOR && !t->tensor))
    return 0;
  if (!t->is_gpu) return cpu_candidates(out, c, t);
  for (size_t i = 0; i < sizeof gpu_table / sizeof *gpu_table; i++)
    if (gpu_table[i].how == row && gpu_table[i].class == c && fits(&gpu_table[i].v, how, t))
      out[n++] = gpu_table[i].v;
  return n;
}

/* -- classes --------------------------------------------------------------------------------- */
int64_t ag_mm_products(const ag_kernel *k) { return k->mm.batch > 1 ? k->mm.batch : 1; }

static int64_t tiles(const ag_kernel *k, int64_t tile_m, int64_t tile_n) {
  return ceil_div(k->mm.m, tile_m) * ceil_div(k->mm.n, tile_n) * ag_mm_products(k);
}

static ag_mm_class class_on_gpu(const ag_kernel *k, const ag_cg_target *t) {
  const int64_t m = k->mm.m, n = k->mm.n, depth = k->mm.k, less = at_most(m, n);
  if (less <= 8) return depth >= 32 && m + n > 16 ? AG_MM_NARROW : AG_MM_OTHER;
  if (less < 16 && depth < 64) return AG_MM_OTHER;
  if (ag_mm_products(k) > 1 && less <= 32) return AG_MM_OTHER; /* tiles would be mostly empty */
  if (tiles(k, 128, 128) >= t->units) return AG_MM_LARGE;
  return tiles(k, 64, 64) < t->units && depth >= 1024 ? AG_MM_DEEP : AG_MM_MEDIUM;
}

ag_mm_class ag_mm_class_of(const ag_kernel *k, const ag_cg_target *t) {
  if (t->is_gpu) return class_on_gpu(k, t);
  const int64_t m = k->mm.m, n = k->mm.n;
  const int64_t side = ag_mm_products(k) > 1 ? 192 : 32; /* each is packed by launches of its own */
  return m >= 8 && n >= 4 && m * n * k->mm.k >= side * side * side ? AG_MM_LARGE : AG_MM_OTHER;
}

/* Bytes of the larger operand, packed for the tensor cores. */
static double packed_bytes(const ag_kernel *k) {
  const int64_t rows = k->mm.m > k->mm.n ? k->mm.m : k->mm.n;
  return 4.0 * (double)(rows + 256) * (double)(k->mm.k + 32);
}

ag_mm_how ag_mm_how_of(const ag_kernel *k, const ag_cg_target *t) {
  if (k->mm.type == AG_F64) return AG_MM_F64;
  const ag_mm_class c = t->is_gpu ? class_on_gpu(k, t) : AG_MM_OTHER;
  const int rounded = t->tensor && k->mm.precision != AG_EXACT && c <= AG_MM_MEDIUM &&
                      k->mm.k >= 32 && ag_mm_products(k) == 1 && packed_bytes(k) < (double)t->most;
  return !rounded ? AG_MM_F32 : k->mm.precision == AG_TF32 ? AG_MM_TF32 : AG_MM_BF16;
}

/* -- the choice ------------------------------------------------------------------------------ */
/* Without a class, or where no candidate fits. */
static ag_mm_variant plain(const ag_kernel *k, const ag_cg_target *t) {
  static const ag_mm_variant grouped = {.kind = AG_MM_GROUPED};
  const int few = k->mm.m * k->mm.n * ag_mm_products(k) < 64 * (int64_t)t->units;
  if (t->is_gpu && few && k->mm.k >= 256 && fits(&grouped, AG_MM_F64, t)) return grouped;
  return (ag_mm_variant){.kind = AG_MM_SIMPLE};
}

ag_mm_variant ag_mm_choose(const ag_kernel *k, const ag_cg_target *t) {
  const ag_mm_class c = ag_mm_class_of(k, t);
  const ag_mm_how how = ag_mm_how_of(k, t);
  ag_mm_variant candidate[AG_MM_CANDIDATES];
  if (t->force) return *t->force;
  if (c == AG_MM_OTHER) return plain(k, t);
  if (t->products.best[how][c].kind) return t->products.best[how][c];
  return ag_mm_candidates(candidate, how, c, t) ? candidate[0] : plain(k, t);
}

#define MOST_PARTIAL ((int64_t)1 << 26) /* bytes of partial products */

int64_t ag_mm_parts(const ag_mm_variant *v, const ag_kernel *k, const ag_cg_target *t) {
  const int64_t longer = k->mm.m > k->mm.n ? k->mm.m : k->mm.n, size = ag_dtype_size(k->mm.type);
  int64_t groups, least; /* terms of a part */
  switch (v->kind) {
  case AG_MM_TILED: groups = tiles(k, v->tile_m, v->tile_n), least = 256; break;
  case AG_MM_SKINNY: groups = ceil_div(longer, v->tile_m), least = 32 * v->depth; break;
  case AG_MM_GROUPED: groups = k->mm.m * k->mm.n, least = 4096; break;
  default: return 1;
  }
  if (ag_mm_products(k) > 1 || groups >= 2 * t->units || k->mm.k < 2 * least) return 1;
  int64_t parts = at_most(ceil_div(4 * t->units, groups), k->mm.k / least);
  parts = at_most(parts, MOST_PARTIAL / (k->mm.m * k->mm.n * size));
  return parts < 1 ? 1 : parts;
}

/* -- examples -------------------------------------------------------------------------------- */
/* Large enough that the device is busy, small enough for slow ones. */
void ag_mm_example(ag_kernel *k, ag_mm_how how, ag_mm_class c, const ag_cg_target *t) {
  const int64_t side = !t->is_gpu ? 1024 : t->units >= 64 ? 4096 : t->units >= 16 ? 2048 : 1024;
  const int64_t shape[AG_MM_CLASSES][3] = {
      {side, side, side}, {256, 256, 512}, {96, 96, 64 * side}, {2 * side, 1, 2 * side}};
  *k = (ag_kernel){.kind = AG_K_MATMUL, .nslots = 3};
  k->mm.type = how == AG_MM_F64 ? AG_F64 : AG_F32;
  k->mm.precision = how == AG_MM_TF32 ? AG_TF32 : how == AG_MM_BF16 ? AG_BF16 : AG_EXACT;
  k->mm.m = shape[c][0], k->mm.n = shape[c][1], k->mm.k = shape[c][2];
  k->mm.slot_b = 1, k->mm.slot_c = 2;
  k->mm.rs_a = 1, k->mm.cs_a = k->mm.m, k->mm.rs_b = 1, k->mm.cs_b = k->mm.k;
  k->mm.block = 1, k->mm.ldc = k->mm.m;
}

void ag_mm_print(const ag_mm_variant *v, char text[AG_MM_TEXT]) {
  switch (v->kind) {
  case AG_MM_TILED:
    snprintf(text, AG_MM_TEXT, "tiled %dx%dx%d, item %dx%d, vector %d, loads of %d, %d buffer%s",
             v->tile_m, v->tile_n, v->depth, v->item_m, v->item_n, v->vector, v->wide, v->buffers,
             v->buffers == 1 ? "" : "s");
    break;
  case AG_MM_TENSOR:
    snprintf(text, AG_MM_TEXT, "tensor %dx%d, warp %dx%d, %d stages", v->tile_m, v->tile_n,
             v->item_m, v->item_n, v->depth);
    break;
  case AG_MM_SKINNY:
    snprintf(text, AG_MM_TEXT, "skinny %d rows, %d slices", v->tile_m, v->depth);
    break;
  case AG_MM_PACKED:
    snprintf(text, AG_MM_TEXT, "packed %d vectors x %d", v->panel, v->columns);
    break;
  default: snprintf(text, AG_MM_TEXT, "%s", v->kind == AG_MM_GROUPED ? "grouped" : "simple");
  }
}
