#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
/* How fast is a device, through the core alone, without R? One line for each question, its fields
 * separated by tabs: what, value, unit, and for products the largest error of some elements,
 * relative to the sum of their terms' sizes.
 *
 *   gpu DEVICE KERNELS SIZE...        the device ("gpu", "opencl", "host"), the folder of the .cl
 * files gpu DEVICE KERNELS turns SIZE...  only products, in turn with OpenBLAS's
 *
 * bench/gpu.sh builds it, and sets others' rates beside it. */
#include "expr.h"
#include "lu.h"
#include "threads.h"
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static ag_device *dev;

static void must(ag_status status) {
  if (status == AG_OK) return;
  fprintf(stderr, "%s\n", ag_error_message());
  exit(1);
}

static void print(const char *what, int64_t n, double value, const char *unit, double error) {
  char name[100];
  snprintf(name, sizeof name, n ? "%s %lld" : "%s", what, (long long)n);
  if (error >= 0) printf("%s\t%.4g\t%s\t%.1e\n", name, value, unit, error);
  else printf("%s\t%.4g\t%s\t\n", name, value, unit);
  fflush(stdout);
}

/* Random numbers in [-1, 1). */
static double *numbers(int64_t count) {
  double *x = malloc((size_t)count * sizeof *x);
  uint64_t state = 1;
  if (!x) exit(1);
  for (int64_t i = 0; i < count; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    x[i] = (double)(float)((double)(state >> 40) / 8388608 - 1);
  }
  return x;
}

static ag_array *upload(const double *x, ag_dtype type, int64_t rows, int64_t cols) {
  ag_array *a;
  must(ag_array_write(&a, dev, type, ag_shape_of(2, rows, cols), x, AG_F64));
  must(ag_array_force(1, &a));
  return a;
}

/* The shortest time of some runs after one that is not counted (it builds, and tunes). */
static double shortest(void (*run)(void *), void *of) {
  double best = 1e300, until;
  run(of);
  must(ag_device_finish(dev));
  until = ag_threads_seconds() + 2;
  for (int i = 0; i < 3 || (i < 50 && ag_threads_seconds() < until); i++) {
    const double start = ag_threads_seconds();
    run(of);
    must(ag_device_finish(dev));
    const double t = ag_threads_seconds() - start;
    if (t < best) best = t;
  }
  return best;
}

/* -- products -------------------------------------------------------------------------------- */
typedef struct {
  ag_array *a, *b, *c;
  ag_precision precision;
} product;

static void multiply(void *of) {
  product *p = of;
  ag_array_release(p->c);
  ag_matmul_precision = p->precision;
  must(ag_expr_matmul(&p->c, p->a, p->b, 0, 0));
  ag_matmul_precision = AG_EXACT;
  must(ag_array_force(1, &p->c));
}

static double error_of(const product *p, const double *a, const double *b, int64_t m, int64_t n,
                       int64_t k) {
  double *have = malloc((size_t)(m * n) * sizeof *have), worst = 0;
  if (!have) exit(1);
  must(ag_array_read(p->c, have, AG_F64));
  for (int64_t e = 0; e < 500; e++) {
    const int64_t at = e < 2 ? e * (m * n - 1) : (int64_t)((double)e * 7919 * 104729) % (m * n);
    double sum = 0, size = 0;
    for (int64_t l = 0; l < k; l++) {
      const double term = a[at % m + l * m] * b[l + at / m * k];
      sum += term, size += fabs(term);
    }
    worst = fmax(worst, fabs(have[at] - sum) / size);
  }
  free(have);
  return worst;
}

static void bench_product(const char *what, int64_t name, ag_dtype type, ag_precision precision,
                          int64_t m, int64_t n, int64_t k) {
  double *a = numbers(m * k), *b = numbers(k * n);
  product p = {upload(a, type, m, k), upload(b, type, k, n), NULL, precision};
  const double t = shortest(multiply, &p);
  print(what, name, 2e-9 * (double)m * (double)n * (double)k / t, "GFLOP/s",
        error_of(&p, a, b, m, n, k));
  ag_array_release(p.a), ag_array_release(p.b), ag_array_release(p.c);
  free(a), free(b);
}

static void bench_products(int64_t n) {
  bench_product("matmul float32 exact", n, AG_F32, AG_EXACT, n, n, n);
  if (dev->has_tensor) {
    bench_product("matmul float32 tf32", n, AG_F32, AG_TF32, n, n, n);
    bench_product("matmul float32 bf16", n, AG_F32, AG_BF16, n, n, n);
  }
  if (dev->has_f64) bench_product("matmul float64", n, AG_F64, AG_EXACT, n, n, n);
  bench_product("matrix by vector float32", n, AG_F32, AG_EXACT, n, 1, n);
  bench_product("vector by matrix float32", n, AG_F32, AG_EXACT, 1, n, n);
  bench_product("64 x 64, terms 16 x", n, AG_F32, AG_EXACT, 64, 64, 16 * n);
}

/* A processor used through OpenCL: OpenBLAS and ours in turn, with the same number of threads. */
typedef void sgemm_fn(const char *, const char *, const int *, const int *, const int *,
                      const float *, const float *, const int *, const float *, const int *,
                      const float *, float *, const int *);

static void bench_against_openblas(int64_t size) {
  void *library = dlopen("libopenblas.so.0", RTLD_NOW), *symbol;
  const int n = (int)size;
  const float one = 1, zero = 0;
  const struct timespec pause = {0, 40000000}; /* its threads keep the cores busy for a while */
  double best[2] = {1e300, 1e300};
  sgemm_fn *sgemm;
  if (!library || !(symbol = dlsym(library, "sgemm_"))) return;
  memcpy(&sgemm, &symbol, sizeof symbol);
  double *x = numbers(size * size);
  float *a = malloc((size_t)(size * size) * sizeof *a),
        *c = malloc((size_t)(size * size) * sizeof *c);
  if (!a || !c) exit(1);
  for (int64_t i = 0; i < size * size; i++) a[i] = (float)x[i];
  product p = {upload(x, AG_F32, size, size), upload(x, AG_F32, size, size), NULL, AG_EXACT};
  for (int i = 0; i < 10; i++) {
    for (int j = 0; j < 5; j++) { /* the first ones wake the threads */
      const double start = ag_threads_seconds();
      multiply(&p);
      must(ag_device_finish(dev));
      best[0] = fmin(best[0], ag_threads_seconds() - start);
    }
    nanosleep(&pause, NULL);
    for (int j = 0; j < 5; j++) {
      const double start = ag_threads_seconds();
      sgemm("N", "N", &n, &n, &n, &one, a, &n, a, &n, &zero, c, &n);
      best[1] = fmin(best[1], ag_threads_seconds() - start);
    }
    nanosleep(&pause, NULL);
  }
  const double flop = 2e-9 * (double)n * n * n;
  print("in turn: matmul float32 exact", n, flop / best[0], "GFLOP/s", -1);
  print("in turn: OpenBLAS's sgemm", n, flop / best[1], "GFLOP/s", -1);
  print("in turn: ours by OpenBLAS's", n, best[1] / best[0], "", -1);
  ag_array_release(p.a), ag_array_release(p.b), ag_array_release(p.c);
  free(x), free(a), free(c);
}

/* -- factorisations: in place, so a fresh copy each time, which counts ------------------------- */
typedef struct {
  ag_block from, work, rhs;
  int32_t *pivot;
} system_;

static void factor_chol(void *of) {
  system_ *s = of;
  int64_t minor;
  must(ag_block_copy(&s->work, &s->from, 0));
  must(ag_chol(&s->work, &minor));
  if (minor) exit(1);
}

static void solve(void *of) {
  system_ *s = of;
  int64_t zero;
  must(ag_block_copy(&s->work, &s->from, 0));
  must(ag_lu(&s->work, s->pivot, &zero));
  must(ag_lu_solve(&s->work, s->pivot, &s->rhs));
}

static void bench_factors(int64_t n) {
  double *x = numbers(n * n);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j <= i; j++)
      x[i + j * n] = x[j + i * n] = i == j ? 2 * (double)n : x[j + i * n];
  ag_array *a = upload(x, AG_F32, n, n), *b = upload(x, AG_F32, n, 1);
  ag_buffer *own;
  system_ s = {.from = ag_block_of(a), .rhs = ag_block_of(b)};
  s.pivot = malloc((size_t)n * sizeof *s.pivot);
  if (!s.pivot) exit(1);
  must(ag_block_new(&s.work, &own, dev, AG_F32, n, n));
  print("chol float32", n, 1e3 * shortest(factor_chol, &s), "ms", -1);
  print("solve float32", n, 1e3 * shortest(solve, &s), "ms", -1);
  ag_buffer_release(own);
  ag_array_release(a), ag_array_release(b);
  free(s.pivot), free(x);
}

/* -- elementwise ----------------------------------------------------------------------------- */
/* y = x * x, as a kernel of its own each time. */
static void square(void *of) {
  ag_array *x = of, *y;
  must(ag_expr_binary(&y, AG_OP_mul, x, x));
  must(ag_array_force(1, &y));
  ag_array_release(y);
}

static void bench_elementwise(int64_t count) {
  double *x = numbers(count);
  ag_array *a = upload(x, AG_F32, count, 1);
  print("elementwise, float32", 0, 8e-9 * (double)count / shortest(square, a), "GB/s", -1);
  ag_array_release(a);
  free(x);
}

static void many_squares(void *of) {
  for (int i = 0; i < 1000; i++) square(of);
}

static void bench_latency(void) {
  double *x = numbers(1000);
  ag_array *a = upload(x, AG_F32, 1000, 1);
  print("an expression of 1000 elements", 0, 1e3 * shortest(many_squares, a), "us", -1);
  print("the same, and waiting for it", 0, 1e6 * shortest(square, a), "us", -1);
  ag_array_release(a);
  free(x);
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: gpu DEVICE KERNELS SIZE...\n");
    return 1;
  }
  const int turns = argc > 3 && !strcmp(argv[3], "turns");
  int64_t largest = 0;
  ag_device_set_kernel_dir(argv[2]);
  must(ag_device_find(&dev, argv[1]));
  printf("device\t%s\t%s\t\n", dev->name, dev->driver);
  for (int i = 3 + turns; i < argc; i++) {
    const int64_t n = atoll(argv[i]);
    if (n > largest) largest = n;
    if (!turns) bench_products(n);
    if (turns || !dev->is_gpu) bench_against_openblas(n);
    if (!turns) bench_factors(n);
  }
  if (!turns) bench_elementwise(largest * largest);
  if (!turns) bench_latency();
  ag_device_shutdown();
  ag_threads_stop();
  return 0;
}
