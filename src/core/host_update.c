/* Rank-k updates with a shared packed operand. */
#include "host_update.h"
#include "threads.h"

/* Bytes of packed A that are used again and again: they stay in the second cache. */
#define TILE_BYTES 393216

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

ag_update ag_update_of(ag_dtype type) {
  const ag_isa *isa = ag_isa_get();
  const int f64 = type == AG_F64;
  return (ag_update){.isa = isa,
                     .f64 = f64,
                     .mr = f64 ? isa->mr_f64 : isa->mr_f32,
                     .nr = f64 ? isa->nr_f64 : isa->nr_f32,
                     .size = f64 ? 8 : 4};
}

int64_t ag_update_bytes(const ag_update *u, int64_t rows, int64_t k) {
  return (rows + u->mr - 1) / u->mr * u->mr * k * u->size;
}

static void pack(const ag_update *u, int64_t m, int64_t k, const char *x, int64_t rs, int64_t cs,
                 char *y, int width) {
  if (u->f64) u->isa->pack_f64((int)m, k, (const double *)x, rs, cs, (double *)y, width);
  else u->isa->pack_f32((int)m, k, (const float *)x, rs, cs, (float *)y, width);
}

void ag_update_pack(const ag_update *u, char *to, int64_t first, int64_t last, int64_t k,
                    const char *a, int64_t rs, int64_t cs) {
  for (int64_t i = first; i < last; i += u->mr)
    pack(u, min64(u->mr, last - i), k, a + i * rs * u->size, rs, cs, to + i * k * u->size, u->mr);
}

static void tile(const ag_update *u, int64_t m, int64_t n, int64_t k, const char *a, const char *b,
                 char *c, int64_t ldc) {
  if (u->f64)
    u->isa->micro_f64((int)m, n, k, (const double *)a, u->mr, (const double *)b, u->nr, 1,
                      (double *)c, ldc, AG_INTO_SUB);
  else
    u->isa->micro_f32((int)m, n, k, (const float *)a, u->mr, (const float *)b, u->nr, 1, (float *)c,
                      ldc, AG_INTO_SUB);
}

/* The rows of C that columns [.., j) need. */
static int64_t needed(int64_t rows, int64_t j, int64_t upper) {
  return upper < 0 ? rows : min64(rows, j + upper);
}

int ag_update_columns(const ag_update *u, const char *packed, int64_t rows, int64_t cols, int64_t k,
                      const char *b, int64_t rs_b, int64_t cs_b, char *c, int64_t ldc,
                      int64_t upper) {
  const int64_t panel = k * u->nr * u->size, step = TILE_BYTES / (k * u->size) / u->mr * u->mr,
                height = step < u->mr ? u->mr : step;
  char *pb = ag_threads_scratch(AG_SCRATCH_STRIPE, (size_t)((cols + u->nr - 1) / u->nr * panel));
  if (!pb) return 0;
  for (int64_t j = 0; j < cols; j += u->nr)
    pack(u, min64(u->nr, cols - j), k, b + j * cs_b * u->size, cs_b, rs_b, pb + j / u->nr * panel,
         u->nr);
  for (int64_t i0 = 0; i0 < rows; i0 += height)
    for (int64_t j = 0; j < cols; j += u->nr) {
      const int64_t n = min64(u->nr, cols - j),
                    last = min64(i0 + height, needed(rows, j + n, upper));
      for (int64_t i = i0; i < last; i += u->mr)
        tile(u, min64(u->mr, rows - i), n, k, packed + i * k * u->size, pb + j / u->nr * panel,
             c + (i + j * ldc) * u->size, ldc);
    }
  return 1;
}

ag_status ag_update_may_go_on(void) {
  if (ag_threads_self() == 0 && ag_hook_interrupted && ag_hook_interrupted())
    return ag_fail(AG_E_INTERRUPT, "interrupted");
  return AG_OK;
}
