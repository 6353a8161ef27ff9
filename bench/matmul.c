/* Is the host's matmul as fast as OpenBLAS? Square products in both types, and the small ones that
 * a trainer makes; OpenBLAS is looked for at run time. Runs alternate, medians are compared.
 *
 *   matmul [threads]
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "host_gemm.h"
#include "threads.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void sgemm_fn(const char *, const char *, const int *, const int *, const int *,
                      const float *, const float *, const int *, const float *, const int *,
                      const float *, float *, const int *);
typedef void dgemm_fn(const char *, const char *, const int *, const int *, const int *,
                      const double *, const double *, const int *, const double *, const int *,
                      const double *, double *, const int *);

static sgemm_fn *sgemm;
static dgemm_fn *dgemm;

/* dlsym() gives an object pointer; C99 converts it to a function's only by its bytes. */
static void find(void *library, const char *name, void *fn) {
  void *symbol = dlsym(library, name);
  memcpy(fn, &symbol, sizeof symbol);
}

static int open_blas(int threads) {
  void *library = dlopen("libopenblas.so.0", RTLD_NOW);
  if (!library) return 0;
  void (*set_threads)(int) = NULL;
  find(library, "sgemm_", &sgemm);
  find(library, "dgemm_", &dgemm);
  find(library, "openblas_set_num_threads", &set_threads);
  if (set_threads) set_threads(threads);
  return sgemm && dgemm && set_threads;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct {
  int m, n, k, ta, tb, f64; /* ta, tb: the operand is stored transposed */
  void *a, *b, *c;
} product;

static void ours(const product *p) {
  ag_gemm g = {.type = p->f64 ? AG_F64 : AG_F32, .m = p->m, .n = p->n, .k = p->k, .ldc = p->m};
  g.a = p->a, g.rs_a = p->ta ? p->k : 1, g.cs_a = p->ta ? 1 : p->m;
  g.b = p->b, g.rs_b = p->tb ? p->n : 1, g.cs_b = p->tb ? 1 : p->k;
  g.c = p->c;
  ag_status status = ag_host_gemm(&g);
  if (status != AG_OK) exit(1);
}

static void theirs(const product *p) {
  const char *ta = p->ta ? "T" : "N", *tb = p->tb ? "T" : "N";
  int lda = p->ta ? p->k : p->m, ldb = p->tb ? p->n : p->k;
  const float one = 1, zero = 0;
  const double one_d = 1, zero_d = 0;
  if (p->f64)
    dgemm(ta, tb, &p->m, &p->n, &p->k, &one_d, p->a, &lda, p->b, &ldb, &zero_d, p->c, &p->m);
  else sgemm(ta, tb, &p->m, &p->n, &p->k, &one, p->a, &lda, p->b, &ldb, &zero, p->c, &p->m);
}

/* Seconds for one product: `repeat` of them in a row, after one that wakes the threads. The pause
 * lets the other library's threads go to sleep: OpenBLAS's keep a core busy for a while. */
static double timed(void (*fn)(const product *), const product *p, int repeat) {
  nanosleep(&(struct timespec){0, 40000000}, NULL);
  fn(p);
  double start = now();
  for (int i = 0; i < repeat; i++) fn(p);
  return (now() - start) / repeat;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *x, int n) {
  qsort(x, (size_t)n, sizeof *x, by_value);
  return x[n / 2];
}

static void *filled(size_t count, int f64) {
  void *x = malloc(count * (f64 ? 8 : 4));
  if (!x) exit(1);
  for (size_t i = 0; i < count; i++) {
    double value = (double)(i * 7919 % 1000) / 1000 - 0.5;
    if (f64) ((double *)x)[i] = value;
    else ((float *)x)[i] = (float)value;
  }
  return x;
}

#define RUNS 9

static void compare(int m, int n, int k, int ta, int tb, int f64, int blas) {
  product p = {m, n, k, ta, tb, f64, NULL, NULL, NULL};
  p.a = filled((size_t)m * (size_t)k, f64);
  p.b = filled((size_t)k * (size_t)n, f64);
  p.c = filled((size_t)m * (size_t)n, f64);
  double flops = 2.0 * m * n * k, mine[RUNS], other[RUNS];
  int repeat = flops > 2e8 ? 1 : (int)(2e8 / flops) + 1;
  ours(&p);
  if (blas) theirs(&p);
  for (int i = 0; i < RUNS; i++) {
    mine[i] = timed(ours, &p, repeat);
    if (blas) other[i] = timed(theirs, &p, repeat);
  }
  double t = median(mine, RUNS);
  printf("%s %4d x %4d x %4d %c%c  %10.2f us  %6.1f GFLOP/s", f64 ? "float64" : "float32", m, n, k,
         ta ? 'T' : 'N', tb ? 'T' : 'N', 1e6 * t, 1e-9 * flops / t);
  if (blas) {
    double u = median(other, RUNS);
    printf("   OpenBLAS %10.2f us  %6.1f GFLOP/s  ratio %.2f", 1e6 * u, 1e-9 * flops / u, u / t);
  }
  printf("\n");
  free(p.a);
  free(p.b);
  free(p.c);
}

int main(int argc, char **argv) {
  static const int square[] = {512, 1024, 2048};
  static const int small[][5] = {
      /* m, n, k, transposed */
      {40, 32, 40, 0, 0},    {40, 32, 10, 0, 0},    {1, 32, 40, 0, 0},    {40, 40, 32, 0, 1},
      {40, 32, 40, 1, 0},    {160, 32, 160, 0, 0},  {160, 32, 160, 1, 0}, {160, 160, 32, 0, 1},
      {10, 128, 128, 0, 0},  {10, 128, 32, 0, 1},   {128, 128, 10, 1, 0}, {128, 128, 256, 0, 0},
      {256, 128, 128, 1, 0}, {256, 128, 784, 0, 0}, {256, 784, 128, 0, 1}};
  if (argc > 1) ag_threads_set(atoi(argv[1]));
  int blas = open_blas(ag_threads());
  printf("matmul on the host, m x n x k, %d thread%s; ratio: OpenBLAS's time by ours\n",
         ag_threads(), ag_threads() == 1 ? "" : "s");
  if (!blas) printf("OpenBLAS not found: skipped\n");
  for (int f64 = 0; f64 < 2; f64++)
    for (size_t i = 0; i < sizeof square / sizeof *square; i++)
      compare(square[i], square[i], square[i], 0, 0, f64, blas);
  for (int f64 = 0; f64 < 2; f64++)
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
      compare(small[i][0], small[i][1], small[i][2], small[i][3], small[i][4], f64, blas);
  ag_threads_stop();
  return 0;
}
