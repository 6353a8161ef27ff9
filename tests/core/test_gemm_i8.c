/* The host's product of int8 matrices, exactly, against plain sums. */
#include "host_gemm.h"
#include "host_isa.h"
#include "threads.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int passed, failed;

static void check(int ok, const char *what) {
  if (ok) passed++;
  else failed++;
  if (!ok) printf("FAILED: %s\n", what);
}

static uint64_t seed = 42;
static double uniform(void) { /* the usual 64-bit congruential generator */
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (double)(seed >> 44) / 1048576;
}

/* How an operand lies in memory. */
typedef enum { NORMAL, TRANSPOSED, SPREAD, LAYOUTS } layout;
static const char *const layout_name[] = {"normal", "transposed", "spread"};

typedef struct {
  int64_t rs, cs;
  int8_t *x;
} operand;

/* `extreme`: -128 and 127 only. */
static int fill(operand *o, layout how, int64_t rows, int64_t cols, int extreme) {
  if (how == NORMAL) o->rs = 1, o->cs = rows + 3;
  else if (how == TRANSPOSED) o->rs = cols, o->cs = 1;
  else o->rs = 2, o->cs = 2 * rows + 5;
  /* exactly what is addressed: a sanitizer sees one element too far */
  size_t count = (size_t)((rows ? rows - 1 : 0) * o->rs + (cols ? cols - 1 : 0) * o->cs + 1);
  o->x = malloc(count);
  for (size_t i = 0; o->x && i < count; i++) {
    double u = uniform();
    o->x[i] = (int8_t)(extreme ? (u < 0.9 ? -128 : 127) : (int)(256 * u) - 128);
  }
  return o->x != NULL;
}

static int right(const ag_gemm_i8 *g, int64_t guard) {
  for (int64_t j = 0; j < g->n; j++)
    for (int64_t i = 0; i < g->ldc; i++) {
      int64_t sum = 0, got = g->c[i + j * g->ldc];
      for (int64_t l = 0; i < g->m && l < g->k; l++)
        sum += g->a[i * g->rs_a + l * g->cs_a] * g->b[l * g->rs_b + j * g->cs_b];
      if (got != (i < g->m ? sum : guard)) return 0;
    }
  return 1;
}

static void try_product(int64_t m, int64_t n, int64_t k, layout how_a, layout how_b, int extreme) {
  enum { GUARD = 123456789 }; /* between the columns of C */
  operand a = {0}, b = {0};
  int64_t ldc = m + 2;
  ag_gemm_i8 g = {.m = m, .n = n, .k = k, .c = malloc((size_t)(ldc * n + 1) * 4), .ldc = ldc};
  int ok = fill(&a, how_a, m, k, extreme) && fill(&b, how_b, k, n, extreme) && g.c;
  if (ok) {
    for (int64_t i = 0; i < ldc * n; i++) g.c[i] = GUARD;
    g.a = a.x, g.rs_a = a.rs, g.cs_a = a.cs, g.b = b.x, g.rs_b = b.rs, g.cs_b = b.cs;
    ok = ag_host_gemm_i8(&g) == AG_OK && right(&g, GUARD);
  }
  if (ok) passed++;
  else {
    failed++;
    printf("FAILED: %d x %d x %d, A %s, B %s%s\n", (int)m, (int)n, (int)k, layout_name[how_a],
           layout_name[how_b], extreme ? ", extremes" : "");
  }
  free(a.x), free(b.x), free(g.c);
}

static void test_shapes(void) {
  static const int size[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 47, 48, 49, 64, 67};
  int sizes = (int)(sizeof size / sizeof *size), turn = 0;
  for (int i = 0; i < sizes; i++)
    for (int j = 0; j < sizes; j++)
      for (int l = 0; l < sizes; l++, turn++)
        try_product(size[i], size[j], size[l], (layout)(turn % LAYOUTS),
                    (layout)(turn / LAYOUTS % LAYOUTS), turn % 2);
}

static void test_large(void) {
  static const int shape[][3] = {{301, 307, 311}, {97, 130, 1025}, {50, 20, 5003}, {700, 9, 600},
                                 {9, 700, 600},   {1, 1, 9999},    {500, 510, 7}};
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
    for (int how = 0; how < LAYOUTS * LAYOUTS; how++)
      try_product(shape[i][0], shape[i][1], shape[i][2], (layout)(how % LAYOUTS),
                  (layout)(how / LAYOUTS), how % 2);
}

/* The largest sum that fits, and one more term. */
static void test_depth(void) {
  static int8_t x[AG_GEMM_I8_DEPTH + 1];
  int32_t c = 0;
  memset(x, -128, sizeof x);
  ag_gemm_i8 g = {1, 1, AG_GEMM_I8_DEPTH, x, 1, 1, x, 1, 1, &c, 1};
  check(ag_host_gemm_i8(&g) == AG_OK && c == AG_GEMM_I8_DEPTH * 16384, "the largest sum");
  g.k++;
  check(ag_host_gemm_i8(&g) == AG_E_ARGUMENT, "a sum that does not fit is an error");
}

int main(void) {
  ag_threads_set(2);
  printf("%s, %d terms in a word\n", ag_isa_get()->name, ag_isa_i8_get()->group);
  test_shapes();
  test_large();
  test_depth();
  ag_threads_stop();
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}
