/* Is the host's matmul as fast as OpenBLAS? Square products, flat and deep ones, the updates that
 * factorisations make, and the small ones of a trainer, in both types; OpenBLAS is looked for at
 * run time. Runs alternate, the fastest of each are compared.
 *
 *   matmul [threads [size of an int8 product | m n k NN|TN|NT|TT =|-= float32|float64]...]
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
  int m, n, k, ta, tb, sub, f64; /* ta, tb: the operand is stored transposed; sub: C -= A B */
} product;
typedef struct {
  product p;
  void *a, *b, *c;
} problem;

static void ours(const problem *x) {
  const product *p = &x->p;
  ag_gemm g = {.type = p->f64 ? AG_F64 : AG_F32, .m = p->m, .n = p->n, .k = p->k, .ldc = p->m};
  g.a = x->a, g.rs_a = p->ta ? p->k : 1, g.cs_a = p->ta ? 1 : p->m;
  g.b = x->b, g.rs_b = p->tb ? p->n : 1, g.cs_b = p->tb ? 1 : p->k;
  g.c = x->c, g.into = p->sub ? AG_INTO_SUB : AG_INTO_SET;
  ag_status status = ag_host_gemm(&g);
  if (status != AG_OK) exit(1);
}

static void theirs(const problem *x) {
  const product *p = &x->p;
  const char *ta = p->ta ? "T" : "N", *tb = p->tb ? "T" : "N";
  int lda = p->ta ? p->k : p->m, ldb = p->tb ? p->n : p->k;
  const float alpha = p->sub ? -1 : 1, beta = p->sub ? 1 : 0;
  const double alpha_d = alpha, beta_d = beta;
  if (p->f64)
    dgemm(ta, tb, &p->m, &p->n, &p->k, &alpha_d, x->a, &lda, x->b, &ldb, &beta_d, x->c, &p->m);
  else sgemm(ta, tb, &p->m, &p->n, &p->k, &alpha, x->a, &lda, x->b, &ldb, &beta, x->c, &p->m);
}

/* Seconds for one product: `repeat` of them in a row, after one that wakes the threads. The pause
 * lets the other library's threads go to sleep: OpenBLAS's keep a core busy for a while. */
static double timed(void (*fn)(const problem *), const problem *x, int repeat) {
  nanosleep(&(struct timespec){0, 40000000}, NULL);
  fn(x);
  double start = now();
  for (int i = 0; i < repeat; i++) fn(x);
  return (now() - start) / repeat;
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

#define SECONDS 1.5 /* that a comparison may take, and */
#define LEAST   3   /* turns at least, */
#define MOST    15  /* or at most */

/* The fastest of several turns: what else the machine does only ever adds. */
static void times(const problem *x, double flops, int blas, double *mine, double *other) {
  int repeat = flops > 2e8 ? 1 : (int)(2e8 / flops) + 1;
  double start = now();
  *mine = *other = 1e9;
  for (int i = 0; i < LEAST || (i < MOST && now() - start < SECONDS); i++) {
    double t = timed(ours, x, repeat), u = blas ? timed(theirs, x, repeat) : 0;
    if (t < *mine) *mine = t;
    if (u < *other) *other = u;
  }
}

static void compare(const product *p, int blas) {
  problem x = {.p = *p};
  x.a = filled((size_t)p->m * (size_t)p->k, p->f64);
  x.b = filled((size_t)p->k * (size_t)p->n, p->f64);
  x.c = filled((size_t)p->m * (size_t)p->n, p->f64);
  double flops = 2.0 * p->m * p->n * p->k, t, u;
  times(&x, flops, blas, &t, &u);
  printf("float%d %5d x %5d x %5d %c%c %s  %10.2f us  %6.1f GFLOP/s", p->f64 ? 64 : 32, p->m, p->n,
         p->k, p->ta ? 'T' : 'N', p->tb ? 'T' : 'N', p->sub ? "-=" : "= ", 1e6 * t,
         1e-9 * flops / t);
  if (blas)
    printf("   OpenBLAS %10.2f us  %6.1f GFLOP/s  ratio %.2f", 1e6 * u, 1e-9 * flops / u, u / t);
  printf("\n");
  fflush(stdout);
  free(x.a);
  free(x.b);
  free(x.c);
}

/* m, n, k, transposed, -= */
static const product large[] = {
    {256, 256, 256, 0, 0, 0, 0},    {512, 512, 512, 0, 0, 0, 0},    {1024, 1024, 1024, 0, 0, 0, 0},
    {2048, 2048, 2048, 0, 0, 0, 0}, {4096, 4096, 4096, 0, 0, 0, 0}, {10000, 10000, 64, 0, 0, 0, 0},
    {64, 64, 10000, 0, 0, 0, 0},    {64, 64, 10000, 1, 0, 0, 0},    {1000, 1000, 1000, 1, 0, 0, 0},
    {1000, 1000, 1000, 0, 1, 0, 0}, {1000, 1000, 64, 0, 0, 1, 0},   {1000, 1000, 128, 0, 0, 1, 0},
    {2000, 2000, 64, 0, 0, 1, 0},   {2000, 2000, 128, 0, 0, 1, 0},  {2000, 1, 2000, 0, 0, 0, 0},
    {2000, 1, 2000, 1, 0, 0, 0},    {1, 2000, 2000, 0, 0, 0, 0},    {1, 2000, 2000, 0, 1, 0, 0}};
static const product small[] = {
    {40, 32, 40, 0, 0, 0, 0},    {40, 32, 10, 0, 0, 0, 0},    {1, 32, 40, 0, 0, 0, 0},
    {40, 40, 32, 0, 1, 0, 0},    {40, 32, 40, 1, 0, 0, 0},    {160, 32, 160, 0, 0, 0, 0},
    {160, 32, 160, 1, 0, 0, 0},  {160, 160, 32, 0, 1, 0, 0},  {10, 128, 128, 0, 0, 0, 0},
    {10, 128, 32, 0, 1, 0, 0},   {128, 128, 10, 1, 0, 0, 0},  {128, 128, 256, 0, 0, 0, 0},
    {256, 128, 128, 1, 0, 0, 0}, {256, 128, 784, 0, 0, 0, 0}, {256, 784, 128, 0, 1, 0, 0}};

static problem *bytes; /* int8 operands, int32 result */

static void ours_i8(const problem *x) {
  const product *p = &x->p;
  ag_gemm_i8 g = {.m = p->m, .n = p->n, .k = p->k, .ldc = p->m};
  g.a = bytes->a, g.rs_a = 1, g.cs_a = p->m;
  g.b = bytes->b, g.rs_b = 1, g.cs_b = p->k;
  g.c = bytes->c;
  if (ag_host_gemm_i8(&g) != AG_OK) exit(1);
}

/* int8 to int32 beside our own float32. */
static void compare_int8(int size) {
  problem x = {.p = {size, size, size, 0, 0, 0, 0}}, i8 = x;
  size_t count = (size_t)size * (size_t)size;
  double flops = 2.0 * size * size * size, t = 1e9, u = 1e9;
  x.a = filled(count, 0), x.b = filled(count, 0), x.c = filled(count, 0);
  i8.a = malloc(count), i8.b = malloc(count), i8.c = malloc(4 * count);
  if (!i8.a || !i8.b || !i8.c) exit(1);
  for (size_t i = 0; i < count; i++)
    ((int8_t *)i8.a)[i] = (int8_t)(i * 31 % 251), ((int8_t *)i8.b)[i] = (int8_t)(i * 17 % 241);
  bytes = &i8;
  for (int i = 0; i < MOST; i++) {
    double v = timed(ours_i8, &x, 3), w = timed(ours, &x, 1);
    if (v < t) t = v;
    if (w < u) u = w;
  }
  printf("int8    %5d x %5d x %5d NN =   %10.2f us  %6.1f GOP/s    float32 %10.2f us  %6.1f "
         "GFLOP/s  ratio %.2f\n",
         size, size, size, 1e6 * t, 1e-9 * flops / t, 1e6 * u, 1e-9 * flops / u, u / t);
  free(x.a), free(x.b), free(x.c), free(i8.a), free(i8.b), free(i8.c);
}

static void compare_all(const product *all, size_t count, int blas) {
  for (int f64 = 0; f64 < 2; f64++)
    for (size_t i = 0; i < count; i++) {
      product p = all[i];
      p.f64 = f64;
      compare(&p, blas);
    }
}

/* "matmul 2 1000 1000 64 NN -= float64" */
static product of_words(char **word) {
  product p = {.m = atoi(word[0]), .n = atoi(word[1]), .k = atoi(word[2])};
  p.ta = word[3][0] == 'T', p.tb = word[3][1] == 'T';
  p.sub = word[4][0] == '-';
  p.f64 = !strcmp(word[5], "float64");
  return p;
}

int main(int argc, char **argv) {
  if (argc > 1) ag_threads_set(atoi(argv[1]));
  int blas = open_blas(ag_threads());
  printf("matmul on the host, m x n x k, %d thread%s; ratio: OpenBLAS's time by ours\n",
         ag_threads(), ag_threads() == 1 ? "" : "s");
  if (!blas) printf("OpenBLAS not found: skipped\n");
  if (argc == 3) compare_int8(atoi(argv[2]));
  for (int i = 2; i + 5 < argc; i += 6) {
    product p = of_words(argv + i);
    compare(&p, blas);
  }
  if (argc <= 2) {
    compare_all(large, sizeof large / sizeof *large, blas);
    compare_all(small, sizeof small / sizeof *small, blas);
    compare_int8(1024);
  }
  ag_threads_stop();
  return 0;
}
